#!/usr/bin/python3
"""Keys are renewed under a constant flow, and no packet is lost over it (S89)."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtest import ELMER, RELENT, count  # noqa: E402

RACOON = """
path pre_shared_key "/etc/inet/psk.txt";
remote anonymous {
    exchange_mode main;
    proposal_check obey;
    lifetime time %(phase1)d sec;
    proposal { encryption_algorithm aes; hash_algorithm sha256; authentication_method pre_shared_key; dh_group 14; }
}
sainfo anonymous {
    pfs_group 31;
    lifetime time %(phase2)d sec;
    encryption_algorithm aes_gcm_16;
    authentication_algorithm hmac_sha256;
    compression_algorithm deflate;
}
"""
RATE = 2000
# Renewed at 80 hundredths of it, and looked at once a second.
PHASE2_S, PHASE1_S = 3, 12
NO_SA = "outbound packets with no SA available"
RENEWALS2, RENEWALS1 = count(30, 200), count(5, 20)


def grown(before, after):
    """Which numbers changed, by how much."""
    return {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name, 0)}


def policies(there, back):
    return f"""
    spdadd {RELENT} {ELMER} udp -P {there} ipsec esp/transport//require;
    spdadd {ELMER} {RELENT} udp -P {back} ipsec esp/transport//require;
    """


class Renewal(labtest.LabTest):
    def prepare(self):
        for host, peer, words in ((self.relent, ELMER, ("out", "in")), (self.elmer, RELENT, ("in", "out"))):
            host.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/psk.txt", text=f"{peer} mekmitasdigoat\n")
            text = RACOON % {"phase1": PHASE1_S, "phase2": PHASE2_S}
            host.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/racoon.conf", text=text)
            host.setkey(policies(*words))
            host.run("ipsecctl", "racoon")

    def test_S89_no_packet_is_lost_while_keys_are_renewed(self):
        self.prepare()
        # The first packet asks for keys: the flow begins when they are there.
        self.relent.run("python3", "-c", f"import socket; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                        f"s.sendto(b'x', ('{ELMER}', 9))")
        labtest.wait_for("the first keys", lambda: len(self.relent.json("sad")["sas"]) >= 2)
        seconds = max(RENEWALS2 * PHASE2_S * 0.8, RENEWALS1 * PHASE1_S * 0.8) + 10
        counting = self.elmer.traffic("udp-count", 5000)
        before = [(host.netstat(), host.kernel_drops()) for host in self.both]
        sending = self.relent.traffic("udp-send", ELMER, 5000, int(RATE * seconds), RATE, 200)
        self.assertEqual(sending.wait(timeout=seconds * 3), 0)
        told = json.loads(counting.communicate("\n", timeout=30)[0])
        after = [(host.netstat(), host.kernel_drops()) for host in self.both]
        renewed = {name: self.relent.counters()[f"{name}.established"] for name in ("isakmp", "ipsec")}
        print(f"sent {int(RATE * seconds)}, received {told['received']}, established {renewed}", file=sys.stderr)
        counted = [(host.name, *map(grown, old, new)) for host, old, new in zip(self.both, before, after)]
        self.assertEqual(told["received"], int(RATE * seconds), f"counted by data paths and kernels: {counted}")
        self.assertEqual(after[0][0][NO_SA], before[0][0][NO_SA])
        self.assertGreater(renewed["ipsec"], RENEWALS2)
        self.assertGreater(renewed["isakmp"], RENEWALS1)


if __name__ == "__main__":
    labtest.main()
