"""Keys that are renewed again and again under a constant flow, by one side, the other, and both at once, over a path that
loses messages of IKE and nothing else."""

import itertools
import json
import sys

from labtest import count, wait_for

RATE, BACK_RATE = 2000, 200  # packets a second
ROUNDS, IKE_ROUNDS = count(30, 500), count(5, 50)
LOST = 1  # of a hundred messages, in each direction
PROTECTED = "outbound packets processed successfully"
LOST_HERE = ("outbound packets with no SA available", "outbound packets failed due to insufficient memory",
             "inbound packets with no SA available", "inbound packets failed getting SPI", "inbound packets failed on ESP replay check",
             "inbound packets failed on ESP authentication", "inbound packets violated process security policy")


def lose_ike(host):
    """A hundredth of the IKE messages that come to this host is lost: of port 500, and what has four zeros in front of port 4500."""
    host.run("nft", "add table ip lossy; add chain ip lossy in { type filter hook prerouting priority -500; }; "
             f"add rule ip lossy in udp dport 500 numgen random mod 100 < {LOST} counter drop; "
             f"add rule ip lossy in udp dport 4500 @th,64,32 0 numgen random mod 100 < {LOST} counter drop")


def lose_nothing(host):
    """What was lost until now."""
    rules = json.loads(host.out("nft", "-j", "list", "table", "ip", "lossy"))["nftables"]
    host.run("nft", "delete table ip lossy")
    return sum(part["counter"]["packets"] for row in rules if "rule" in row for part in row["rule"]["expr"] if "counter" in part)


class Flow:
    """Numbered packets both ways, until stop(): sent and received there, sent and received back; our kernel refuses none."""

    def __init__(self, us, them, near, far, port=5000):
        self.counting = [them.traffic("udp-count", port), us.traffic("udp-count", port + 1)]
        self.sending = [us.traffic("udp-flow", far, port, RATE, 200), them.traffic("udp-flow", near, port + 1, BACK_RATE, 200)]

    def stop(self):
        told = [json.loads(flow.communicate("\n", timeout=30)[0]) for flow in self.sending]
        assert not told[0]["refused"], told
        sent = [flow["sent"] for flow in told]
        got = [json.loads(counter.communicate("\n", timeout=60)[0])["received"] for counter in self.counting]
        return sent[0], got[0], sent[1], got[1]


def rows(host):
    """What is in use: the IKE SAs' SPIs, and the pairs'. (What a peer has forgotten with its last answer lost is repeated a while.)"""
    shown = host.json("show")
    sas = {row["spis"] for row in shown["ike_sas"] if row["state"] == "up"}
    pairs = {frozenset((row["parts"][0]["spi_in"], row["parts"][0]["spi_out"])) for row in shown["child_sas"]
             if row["state"] == "up" and row["parts"]}
    return sas, pairs


def again_and_again(us, ours, theirs, settled):
    """`ours` and `theirs` ask for a renewal, with the IKE SA when told True; `settled` says whether both sides have one of each
    and the same. After each round there is another pair, or another IKE SA, and nothing of the old one but what lingers."""
    every = ROUNDS // IKE_ROUNDS
    for number, sides in zip(range(ROUNDS + IKE_ROUNDS), itertools.cycle(((ours,), (theirs,), (ours, theirs)))):
        ike = number % (every + 1) == every
        sas, pairs = rows(us)
        for side in sides:
            side(ike)
        wait_for(f"renewal {number} by {[side.__name__ for side in sides]}, ike {ike}",
                 lambda sas=sas, pairs=pairs, ike=ike: (rows(us)[0].isdisjoint(sas) if ike else rows(us)[1].isdisjoint(pairs)) and settled(),
                 timeout=90, every=0.1)


def losses(before, after):
    """What our counters say was lost at our end."""
    return {name: after[name] - before[name] for name in LOST_HERE if after[name] != before[name]}


def report(what, flow, lost, before, after):
    sent, got, back, got_back = flow
    print(f"{what}: sent {sent}, protected {after[PROTECTED] - before[PROTECTED]}, received there {got}; back {back}, received {got_back}; "
          f"{ROUNDS} renewals of the pair, {IKE_ROUNDS} of the IKE SA, IKE messages lost {lost}", file=sys.stderr)
