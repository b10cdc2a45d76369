#!/usr/bin/python3
"""Hostile ESP, AH and inner packets against the running suite: each is dropped, for the right reason, with KAME's counter.

    relent (the suite) --- lan --- peer 10.0.0.120 (crafts packets with keys it knows; keyless ones too)
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import hashlib  # noqa: E402
import hmac  # noqa: E402
import json  # noqa: E402
import socket  # noqa: E402
import struct  # noqa: E402

import labtest  # noqa: E402
from labkit.net import call_in_namespace  # noqa: E402
from labtest import RELENT, wait_for  # noqa: E402

PEER, STRANGER = "10.0.0.120", "10.0.0.121"
NET, INSIDE = "172.16.1.9", "172.16.2.9"
PORT = 5000
TUNNEL_NULL, TUNNEL_SHA, TRANSPORT_SHA, AH_SHA = 0x7001, 0x7002, 0x7003, 0x7004
KEY = b"k" * 20

LOAD = f"""
add {PEER} {RELENT} esp 0x{TUNNEL_NULL:x} -m tunnel -E null "";
add {PEER} {RELENT} esp 0x{TUNNEL_SHA:x} -m tunnel -r 8 -E null "" -A hmac-sha1 "{KEY.decode()}";
add {PEER} {RELENT} esp 0x{TRANSPORT_SHA:x} -m transport -r 8 -E null "" -A hmac-sha1 "{KEY.decode()}";
add {PEER} {RELENT} ah 0x{AH_SHA:x} -m transport -r 8 -A hmac-sha1 "{KEY.decode()}";
spdadd {PEER}[any] {RELENT}[{PORT}] udp -P in ipsec esp/tunnel/{PEER}-{RELENT}/require;
spdadd {PEER}[any] {RELENT}[{PORT + 1}] udp -P in ipsec esp/transport//require;
spdadd {PEER}[any] {RELENT}[{PORT + 2}] udp -P in ipsec ah/transport//require;
spdadd {PEER}[any] {RELENT}[{PORT + 3}] udp -P in discard;
"""


def checksum(octets):
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip4(source, target, protocol, payload, tos=0, fragment=0, ident=7, length=None, version=4, damage=0):
    head = struct.pack("!BBHHHBBH4s4s", version << 4 | 5, tos, length if length is not None else 20 + len(payload), ident, fragment, 64,
                       protocol, 0, socket.inet_aton(source), socket.inet_aton(target))
    return head[:10] + struct.pack("!H", checksum(head) ^ damage) + head[12:] + payload


def udp(port, text=b"hello"):
    return struct.pack("!HHHH", 4000, port, 8 + len(text), 0) + text


def icv(octets):
    return hmac.new(KEY, octets, hashlib.sha1).digest()[:12]


def esp(spi, number, payload, next_header, pad=None, pad_length=None, signed=True):
    """An ESP-NULL packet's payload; padding and trailer as told, the ICV right."""
    pad = bytes(range(1, 1 + -(len(payload) + 2) % 4)) if pad is None else pad
    body = struct.pack("!II", spi, number) + payload + pad + bytes([len(pad) if pad_length is None else pad_length, next_header])
    return body + (icv(body) if signed else b"")


def ah(number, payload, next_header, spi=AH_SHA, length=4):
    """AH over an IPv4 packet from the peer, the ICV right for a packet without options."""
    head = struct.pack("!BBHII", next_header, length, 0, spi, number)
    whole = ip4(PEER, RELENT, 51, head + bytes(12) + payload)
    still = whole[:1] + b"\0" + whole[2:6] + b"\0\0\0" + whole[9:10] + b"\0\0" + whole[12:20]
    return head + icv(still + whole[20:]) + payload


class Hostile(labtest.LabTest):
    suite_on = ("relent",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.add("peer", [f"{PEER}/24", f"{STRANGER}/24"])
        cls.peer = labtest.Host(cls.lab, "peer", PEER)
        cls.peer.run("nft", "add table ip quiet; add chain ip quiet out { type filter hook output priority 0; }; "
                     "add rule ip quiet out icmp type destination-unreachable drop")
        cls.raw = call_in_namespace(cls.lab.init("peer").pid, lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW,
                                                                                    socket.IPPROTO_RAW))
        cls.addClassCleanup(cls.raw.close)

    def setUp(self):
        super().setUp()
        self.relent.setkey(LOAD)
        self.number = 0

    def next(self):
        self.number += 1
        return self.number

    def counters(self):
        """Stable name -> value; "drop." in front of reasons, "ip6." in front of the set for IPv6."""
        flat = {}

        def take(prefix, tree):
            for name, value in tree.items():
                if isinstance(value, dict):
                    take(f"{prefix}{name}.", value)
                else:
                    flat[prefix + name] = value
        said = self.relent.json("stats")
        take("", said["ipsec"])
        take("ip6.", said["ipsec6"])
        take("drop.", said["drops"])
        take("", said["other"])
        return flat

    def send(self, payload, protocol=50, source=PEER, **more):
        self.raw.sendto(ip4(source, RELENT, protocol, payload, **more), (RELENT, 0))

    def expect(self, label, reason, kame, *packets, protocol=50, source=PEER, **more):
        """Each packet ends with this reason and moves this counter of KAME's (None: none) and no other."""
        with self.subTest(label):
            before = self.counters()
            for packet in packets:
                self.send(packet, protocol, source, **more)
            wait_for(f"{label}: {len(packets)} dropped as {reason}",
                     lambda: self.counters()[f"drop.{reason}"] - before[f"drop.{reason}"] >= len(packets), timeout=5)
            after = self.counters()
            moved = {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}
            self.assertEqual(moved.pop(f"drop.{reason}"), len(packets), moved)
            if kame:
                self.assertEqual(moved.pop(kame, 0), len(packets), moved)
            # Headers that were undone before the packet was found wanting are counted for what they were.
            honest = ("path.", "in_success", "in_hist", "in_espauthsucc", "in_ahauthsucc", "kernel")
            self.assertEqual({name: n for name, n in moved.items() if not name.startswith(honest)}, {}, label)
            if reason not in ("in_nopolicy", "in_unprotected", "in_discard", "in_nested"):
                self.assertNotIn("in_success", moved, label)

    def good(self, port=PORT):
        return ip4(PEER, RELENT, 17, udp(port))

    def test_honest_packets_arrive(self):
        for port, packet, protocol in ((PORT, esp(TUNNEL_SHA, 1, self.good(), 4), 50), (PORT, esp(TUNNEL_NULL, 1, self.good(), 4, signed=False), 50),
                                       (PORT + 1, esp(TRANSPORT_SHA, 1, udp(PORT + 1), 17), 50), (PORT + 2, ah(1, udp(PORT + 2), 17), 51)):
            with self.subTest(hex(port)):
                counting = self.relent.traffic("udp-count", port)
                self.send(packet, protocol)
                self.assertEqual(json.loads(counting.communicate("\n", timeout=20)[0])["received"], 1)

    def test_truncated_and_short(self):
        whole = esp(TUNNEL_SHA, 1, self.good(), 4)
        self.expect("ESP shorter than its header", "in_length", "in_inval", b"", whole[:4], whole[:7])
        self.expect("ESP without room for trailer and ICV", "in_length", "in_inval", whole[:8], whole[:20])
        self.expect("ESP with octets missing", "in_espauth", "in_espauthfail", whole[:-4], whole[:40] + whole[-12:])
        self.expect("AH shorter than its header", "in_length", "in_inval", b"\x11\x04\0\0", ah(1, b"", 17)[:11], protocol=51)
        # KAME looks the SA up first and counts the algorithm once the length is right.
        self.expect("AH with a length of zero", "in_length", "in_inval", ah(1, udp(PORT + 2), 17, length=0), protocol=51)
        self.expect("AH longer than the packet", "in_length", "in_inval", ah(1, udp(PORT + 2), 17, length=200), protocol=51)
        self.expect("AH with room for another ICV", "in_length", "in_inval", ah(1, udp(PORT + 2) * 3, 17, length=7), protocol=51)

    def test_spi(self):
        self.expect("unknown SPI", "in_nosa", "in_nosa", esp(0x9999, 1, self.good(), 4), esp(0, 1, self.good(), 4), esp(255, 1, self.good(), 4))
        self.expect("ESP's SPI in AH", "in_nosa", "in_nosa", ah(1, udp(PORT + 2), 17, spi=TUNNEL_SHA), protocol=51)

    def test_foreign_source(self):
        self.expect("another host's outer address", "in_source", "in_inval", esp(TUNNEL_SHA, 1, self.good(), 4), source=STRANGER)

    def test_icv_and_replay(self):
        whole = bytearray(esp(TUNNEL_SHA, 5, self.good(), 4))
        whole[-1] ^= 1
        self.expect("damaged ICV", "in_espauth", "in_espauthfail", bytes(whole))
        whole[-1] ^= 1
        whole[30] ^= 1
        self.expect("damaged content", "in_espauth", "in_espauthfail", bytes(whole))
        whole[30] ^= 1
        self.send(bytes(whole))
        self.expect("replayed", "in_espreplay", "in_espreplay", bytes(whole), bytes(whole))
        self.expect("number zero", "in_espreplay", "in_espreplay", esp(TUNNEL_SHA, 0, self.good(), 4))
        self.send(esp(TUNNEL_SHA, 1000, self.good(), 4))
        self.expect("left of the window", "in_espreplay", "in_espreplay", esp(TUNNEL_SHA, 1000 - 64, self.good(), 4))
        packet = ah(9, udp(PORT + 2), 17)
        self.send(packet, 51)
        self.expect("replayed AH", "in_ahreplay", "in_ahreplay", packet, protocol=51)
        self.expect("damaged AH", "in_ahauth", "in_ahauthfail", packet[:8] + struct.pack("!I", 10) + packet[12:], protocol=51)

    def test_padding_and_next_header(self):
        good = self.good()
        self.expect("pad length beyond the payload", "in_padding", "in_inval",
                    esp(TUNNEL_SHA, self.next(), good, 4, pad_length=255), esp(TUNNEL_NULL, 1, b"", 4, pad=b"ab", pad_length=3, signed=False))
        self.expect("no packet in tunnel mode", "in_nextheader", "in_inval", esp(TUNNEL_SHA, self.next(), udp(PORT), 17),
                    esp(TUNNEL_SHA, self.next(), good, 0), esp(TUNNEL_SHA, self.next(), good, 255))
        self.expect("dummy packet", "in_dummy", None, esp(TUNNEL_SHA, self.next(), b"rubbish!", 59))

    def test_inner_packets(self):
        def inner(*packets, next_header=4):
            return [esp(TUNNEL_SHA, self.next(), packet, next_header) for packet in packets]
        good = self.good()
        self.expect("inner packet malformed", "in_inner", "in_inval", *inner(
            b"", good[:12], b"\x45", ip4(PEER, RELENT, 17, udp(PORT), length=2000), ip4(PEER, RELENT, 17, udp(PORT), length=10),
            ip4(PEER, RELENT, 17, udp(PORT), version=5), ip4(PEER, RELENT, 17, udp(PORT), damage=1), bytes(40)))
        self.expect("version and next header disagree", "in_inner", "in_inval", *inner(good, next_header=41))
        self.expect("congestion on what cannot carry it", "in_ecn", "in_inval", *inner(good), tos=3)

    def test_policy(self):
        def inner(packet):
            return esp(TUNNEL_SHA, self.next(), packet, 4)
        self.expect("outside every policy", "in_nopolicy", "in_polvio", inner(ip4(NET, INSIDE, 17, udp(PORT))),
                    inner(ip4(PEER, RELENT, 6, bytes(20))), inner(ip4(PEER, RELENT, 17, udp(PORT + 9))))
        self.expect("discard", "in_discard", "in_polvio", inner(self.good(PORT + 3)))
        self.expect("tunnel where transport is required", "in_unprotected", "in_polvio", inner(self.good(PORT + 1)))
        self.expect("transport where tunnel is required", "in_unprotected", "in_polvio", esp(TRANSPORT_SHA, 1, udp(PORT), 17))
        self.expect("ESP where AH is required", "in_unprotected", "in_polvio", esp(TRANSPORT_SHA, 2, udp(PORT + 2), 17))

    def test_nested_too_deep(self):
        packet = udp(PORT + 1)
        protocol = 17
        for _ in range(11):
            packet, protocol = esp(TRANSPORT_SHA, 100 - self.next(), packet, protocol), 50
        self.expect("eleven headers", "in_nested", "in_inval", packet)

    def test_overlapping_outer_fragments_are_nobody_s_packet(self):
        before = self.counters()
        whole = esp(TUNNEL_SHA, 50, ip4(PEER, RELENT, 17, udp(PORT, b"a" * 400)), 4)
        self.send(whole[:200], fragment=0x2000, ident=99)
        self.send(b"evil" * 50, fragment=0x2000 | 10, ident=99)
        self.send(whole[200:], fragment=25, ident=99)
        self.send(esp(TUNNEL_SHA, 51, self.good(), 4))  # honest, behind them
        wait_for("the honest packet", lambda: self.counters()["in_success"] - before["in_success"] >= 1)
        after = self.counters()
        self.assertEqual(after["in_success"] - before["in_success"], 1)

    def test_a_flood_of_rubbish_leaves_honest_traffic_alone(self):
        counting = self.relent.traffic("udp-count", PORT)
        for number in range(2000):
            self.send(os.urandom(number % 200))
            if number % 20 == 0:
                self.send(esp(TUNNEL_SHA, 1 + number // 20, self.good(), 4))
        self.assertEqual(json.loads(counting.communicate("\n", timeout=20)[0])["received"], 100)


labtest.main()
