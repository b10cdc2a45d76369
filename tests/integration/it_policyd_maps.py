#!/usr/bin/python3
"""Random SPDs in the real kernel, probed with packets, against a model that knows nothing of maps or layers.

      policyd under test (a) e0 ------ e0 (b) sends and listens

Outbound, the kernel itself says by errno what became of a packet that a raw socket sends: sent (clear), EPERM (discarded),
EHOSTUNREACH (to be protected, and there is no device). Inbound, the counter of refused packets and the packets that arrive
have to add up. Packets come whole, too short for ports, with options and extension headers, with broken header chains, and
as every kind of ICMP; the SPDs make overlaps of everything.
"""

import errno
import os
import random
import socket
import struct
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from it_policyd_rig import ANY, LONG, Netns, Policy, Policyd, connect, main, wait_for  # noqa: E402

PORTS = {6, 17, 33, 132, 136}
SPDS, PACKETS = (60, 2000) if LONG else (12, 400)


# -- the model

class Packet:
    """`sport` and `dport` as a person would say them: ports, or ICMP type and code. `seen` is what can be read of it."""

    def __init__(self, family, src, dst, proto, sport, dport, seen, octets):
        self.family, self.src, self.dst, self.proto = family, src, dst, proto
        self.sport, self.dport, self.seen, self.octets = sport, dport, seen, octets

    def __repr__(self):
        return f"{self.src} > {self.dst} proto {self.proto} {self.sport},{self.dport} readable: {self.seen}"


def number(text):
    return int.from_bytes(socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text), "big")


def covers(prefix, host):
    address, _, length = prefix.partition("/")
    if (":" in address) != (":" in host):
        return False
    bits = 128 if ":" in address else 32
    shift = bits - int(length or bits)
    return number(address) >> shift == number(host) >> shift


def relation(policy, packet):
    """'yes', 'no', or 'maybe' when the kernel cannot know."""
    if not covers(policy.src, packet.src) or not covers(policy.dst, packet.dst):
        return "no"
    wants_upper = policy.sport or policy.dport
    if packet.seen == "addresses":
        return "yes" if policy.upper == ANY and not wants_upper else "maybe"
    if policy.upper not in (ANY, packet.proto):
        return "no"
    if not wants_upper:
        return "yes"
    if policy.upper == ANY and packet.proto not in PORTS:
        return "no"
    if packet.seen == "protocol":
        return "maybe"
    if packet.proto in (1, 58):
        if not policy.sport:
            return "maybe"  # a code without a type is no interval
    elif packet.proto not in PORTS:
        return "maybe"      # a key or type that nftables does not read
    same = policy.sport in (0, packet.sport) and policy.dport in (0, packet.dport)
    return "yes" if same else "no"


def kind(policy):
    if policy.action != "ipsec":
        return {"discard": "discard", "none": "pass"}[policy.action]
    return {"require": "protect", "use": "use"}[policy.level]


def expected_out(spd, packet):
    for policy in spd:
        verdict = kind(policy)
        match = relation(policy, packet)
        if match == "no" or (match == "maybe" and verdict == "pass"):
            continue
        if verdict == "discard" and match == "maybe" and packet.seen == "upper":
            verdict = "protect"  # datapathd reads more than the kernel, and decides
        return {"protect": "protected", "use": "protected", "pass": "clear", "discard": "discarded"}[verdict]
    return "clear"


def expected_in(spd, packet):
    for policy in spd:
        verdict = kind(policy)
        match = relation(policy, packet)
        if match == "no" or (match == "maybe" and verdict in ("pass", "use")):
            continue
        return "refused" if verdict in ("protect", "discard") else "accepted"
    return "accepted"


# -- random SPDs and packets

def random_address(rng, family, side):
    """Sources (side 0) and destinations (side 1) are different hosts: nobody takes packets from himself off the wire."""
    low = rng.randrange(2), rng.randrange(4)
    return f"10.{side}.{low[0]}.{low[1]}" if family == 4 else f"2001:db8:0:{side}::{low[0]}:{low[1]}"


def random_prefix(rng, family, side):
    bits = 32 if family == 4 else 128
    return f"{random_address(rng, family, side)}/{bits - rng.choice([0, 0, 0, 0, 1, 2, 8, 16, 17, 24, 80 if family == 6 else 17, bits])}"


def random_policy(rng, family, direction):
    icmp = 1 if family == 4 else 58
    upper = rng.choice([ANY, ANY, 6, 17, icmp, icmp, 47, 89, 132])
    sport = dport = 0
    misc = False
    if upper in (icmp, 47) and rng.random() < 0.6:
        misc = True
        sport, dport = rng.choice([0, 3, 8, 128]), rng.choice([0, 0, 1, 4])
        misc = bool(sport or dport)
    elif upper not in (icmp, 47, 89) and rng.random() < 0.6:
        sport, dport = rng.choice([0, 1, 53, 65535]), rng.choice([0, 1, 53, 80])
    action = rng.choice(["ipsec", "ipsec", "ipsec", "none", "discard"])
    return Policy(direction, random_prefix(rng, family, 0), random_prefix(rng, family, 1), upper, sport, dport, misc, action,
                  rng.choice(["require", "use"]), rng.choice([0, 0, 0, 1, -1]))


def random_spd(rng, family):
    """In match order, and each identity once."""
    seen, spd = set(), []
    for _ in range(rng.choice([3, 10, 40])):
        policy = random_policy(rng, family, rng.choice(["in", "out"]))
        masked = tuple((number(p.split("/")[0]) >> (32 if family == 4 else 128) - int(p.split("/")[1]), p.split("/")[1])
                       for p in (policy.src, policy.dst))
        key = (policy.direction, masked, policy.upper, policy.sport, policy.dport, policy.misc)
        if key not in seen:
            seen.add(key)
            spd.append(policy)
    return spd


def match_order(spd, direction):
    return sorted((policy for policy in spd if policy.direction == direction), key=lambda policy: -policy.priority)


def upper_layer(rng, proto, sport, dport):
    if proto in (1, 58):
        return struct.pack("!BBHI", sport, dport, rng.randrange(65536), 7)
    if proto == 6:
        return struct.pack("!HHIIBBHHH", sport, dport, 1, 0, 0x50, 0x10, 100, 0, 0)
    if proto == 17:
        return struct.pack("!HHHH", sport, dport, 8, 0)
    return struct.pack("!HHII", sport, dport, 0, 0)


def random_packet(rng, family):
    src, dst = random_address(rng, family, 0), random_address(rng, family, 1)
    icmp = 1 if family == 4 else 58
    proto = rng.choice([6, 17, icmp, icmp, 47, 89, 132, 33])
    if proto == icmp:
        sport, dport = rng.choice([0, 3, 8, 13, 128]), rng.choice([0, 1, 4])
    else:
        sport, dport = rng.choice([1, 53, 65535, 999]), rng.choice([1, 53, 80, 999])
    upper, seen = upper_layer(rng, proto, sport, dport), "upper"
    if rng.random() < 0.2:
        upper, seen = upper[:rng.randrange(4)], "protocol"
    if family == 4:
        options = b"\1" * rng.choice([0, 0, 0, 4, 40])
        head = struct.pack("!BBHHHBBH", 0x45 + len(options) // 4, 0, 20 + len(options) + len(upper), rng.randrange(1, 65536), 0,
                           64, proto, 0)
        return Packet(4, src, dst, proto, sport, dport, seen,
                      head + socket.inet_pton(socket.AF_INET, src) + socket.inet_pton(socket.AF_INET, dst) + options + upper)
    nexthdr, chain = proto, b""
    shape = rng.random()
    if shape < 0.15:
        nexthdr, chain = 60, struct.pack("!BB", proto, 0) + b"\1\4\0\0\0\0"
    elif shape < 0.25:  # options that claim more than there is: the upper protocol is named and cannot be reached
        nexthdr, chain, upper, seen = 60, struct.pack("!BB", proto, 200) + b"\1\4\0\0\0\0", b"", "protocol"
    elif shape < 0.35:  # an options header that is not there
        nexthdr, chain, upper, seen = 60, b"", b"\0"[:rng.randrange(2)], "addresses"
    head = struct.pack("!IHBB", 6 << 28, len(chain) + len(upper), nexthdr, 64)
    return Packet(6, src, dst, proto, sport, dport, seen,
                  head + socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst) + chain + upper)


class MapsTest(unittest.TestCase):
    def setUp(self):
        self.a, self.b = Netns(), Netns()
        self.addCleanup(self.a.close)
        self.addCleanup(self.b.close)
        connect(self.a, "e0", self.b, "e0")
        for ns, last in ((self.a, 1), (self.b, 2)):
            ns.run("ip", "link", "set", "e0", "address", f"02:00:00:00:00:0{last}")
            ns.run("ip", "addr", "add", f"192.168.0.{last}/24", "dev", "e0")
            ns.run("ip", "addr", "add", f"fd00::{last}/64", "dev", "e0", "nodad")
        for ns, other in ((self.a, 2), (self.b, 1)):
            for host in (f"192.168.0.{other}", f"fd00::{other}"):
                ns.run("ip", "neigh", "replace", host, "lladdr", f"02:00:00:00:00:0{other}", "dev", "e0", "nud", "permanent")
        # Nothing that answers: what arrives is counted and dropped after our chains.
        for ns in (self.a, self.b):
            ns.run("nft", "add table inet t; add counter inet t arrived; add chain inet t i { type filter hook input priority 10; };"
                   "add rule inet t i ip saddr 10.0.0.0/16 counter name arrived drop;"
                   "add rule inet t i ip6 saddr 2001:db8::/32 counter name arrived drop")
        self.policyd = Policyd(self.a)
        self.addCleanup(self.policyd.close)
        self.admin = self.policyd.start()
        self.seed = int(os.environ.get("POSTERN_SEED", random.randrange(1 << 32)))
        self.rng = random.Random(self.seed)

    def load(self, spd):
        self.admin.flush()
        self.admin.put(*spd)
        self.admin.loaded()

    def raw(self, ns, family):
        if family == 6:
            return ns.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
        return ns.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def send(self, sender, packet):
        try:
            sender.sendto(packet.octets, (packet.dst, 0))
        except OSError as problem:
            return {errno.EPERM: "discarded", errno.EHOSTUNREACH: "protected"}.get(problem.errno, str(problem))
        return "clear"

    def check_out(self, family):
        gateway = "192.168.0.2" if family == 4 else "fd00::2"
        self.a.run("ip", "route", "replace", "10.1.0.0/23" if family == 4 else "2001:db8::/32", "via", gateway, "dev", "e0")
        with self.raw(self.a, family) as sender:
            tally = dict.fromkeys(("clear", "protected", "discarded"), 0)
            for _ in range(SPDS):
                spd = random_spd(self.rng, family)
                self.load(spd)
                ordered = match_order(spd, "out")
                for _ in range(PACKETS):
                    packet = random_packet(self.rng, family)
                    want = expected_out(ordered, packet)
                    tally[want] += 1
                    self.assertEqual(self.send(sender, packet), want,
                                     f"seed {self.seed}: {packet}\n" + "\n".join(str(vars(policy)) for policy in ordered))
        self.assertTrue(all(tally.values()), tally)

    def counted(self):
        stats = self.admin.stats()
        arrived = int(self.a.run("nft", "list counters table inet t").split("packets")[1].split()[0])
        return stats["in_polvio"] + stats["ip6.in_polvio"], arrived

    def check_in(self, family):
        network = "10.1.0.0/23" if family == 4 else "2001:db8:0:1::/64"
        self.a.run("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.e0.rp_filter=0")
        self.a.run("ip", "route", "replace", "local", network, "dev", "lo")
        gateway = "192.168.0.1" if family == 4 else "fd00::1"
        self.b.run("ip", "route", "replace", network, "via", gateway, "dev", "e0")
        with self.raw(self.b, family) as sender:
            for _ in range(SPDS):
                spd = random_spd(self.rng, family)
                self.load(spd)
                ordered = match_order(spd, "in")
                before = self.counted()
                packets = [random_packet(self.rng, family) for _ in range(PACKETS)]
                for packet in packets:
                    sender.sendto(packet.octets, (packet.dst, 0))
                refused = sum(expected_in(ordered, packet) == "refused" for packet in packets)
                want = before[0] + refused, before[1] + PACKETS - refused
                wait_for(f"the counters to say {want}, not {self.counted()} (seed {self.seed})", lambda: self.counted() == want, 5)

    def test_outbound_ipv4_every_packet_as_the_first_match_says(self):
        self.check_out(4)

    def test_outbound_ipv6_every_packet_as_the_first_match_says(self):
        self.check_out(6)

    def test_inbound_ipv4_refused_as_the_first_match_says(self):
        self.check_in(4)

    def test_inbound_ipv6_refused_as_the_first_match_says(self):
        self.check_in(6)


if __name__ == "__main__":
    main()
