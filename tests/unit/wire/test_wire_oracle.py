#!/usr/bin/python3
"""The codecs of lib/wire against scapy, zlib and models that share nothing with them.

Usage: test_wire_oracle.py WIRE_TOOL.
"""

import hashlib
import hmac
import json
import logging
import os
import random
import subprocess
import sys
import unittest
import warnings
import zlib

warnings.filterwarnings("ignore")
logging.getLogger("scapy").setLevel(logging.ERROR)
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))

import ah6_model as model  # noqa: E402
from scapy.layers.inet import ICMP, IP, TCP, UDP, ICMPerror, IPerror, defragment  # noqa: E402
from scapy.layers.inet6 import (  # noqa: E402
    ICMPv6EchoRequest, ICMPv6PacketTooBig, ICMPv6Unknown, IPerror6, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, HBHOptUnknown, Pad1, PadN, RouterAlert, defragment6, in6_chksum)
from scapy.layers.ipsec import AH, SecurityAssociation, split_for_transport  # noqa: E402
from scapy.packet import Raw  # noqa: E402

TOOL = sys.argv.pop(1)
A, B = "2001:db8::a", "2001:db8::b"
HOPS = ["2001:db8:1::1", "2001:db8:2::2", "2001:db8:3::3"]
AUTH = {"HMAC-MD5-96": ("md5", 12), "HMAC-SHA1-96": ("sha1", 12), "SHA2-256-128": ("sha256", 16), "SHA2-384-192": ("sha384", 24),
        "SHA2-512-256": ("sha512", 32)}


class Refused(Exception):
    pass


class Tool:
    """The C code, one packet a line."""

    def __init__(self):
        self.process = subprocess.Popen([TOOL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, op, packet, **more):
        self.process.stdin.write(json.dumps({"op": op, "packet": bytes(packet).hex(), **more}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise Refused(answer["error"])
        answer["packets"] = [bytes.fromhex(packet) for packet in answer["packets"]]
        return answer

    def one(self, op, packet, **more):
        return self.ask(op, packet, **more)["packets"][0]

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def octets(n):
    return bytes(random.getrandbits(8) for _ in range(n))


def hop_by_hop():
    """Options that stay, options that change, one octet of padding between."""
    return IPv6ExtHdrHopByHop(options=[RouterAlert(value=0), Pad1(), HBHOptUnknown(otype=0x3E, optdata=octets(5)),
                                       HBHOptUnknown(otype=0x1E, optdata=octets(random.randrange(9)))])


def destination():
    return IPv6ExtHdrDestOpt(options=[HBHOptUnknown(otype=0x1E, optdata=octets(3)), HBHOptUnknown(otype=0xFE, optdata=octets(6)), PadN(optdata=b"\0")])


def chains():
    """name, extension headers of a packet on its way out."""
    yield "none", []
    yield "hop-by-hop", [hop_by_hop()]
    yield "destination options", [destination()]
    yield "hop-by-hop and destination options", [hop_by_hop(), destination()]
    for n in (1, 2, 3):
        yield f"route of {n}", [IPv6ExtHdrRouting(type=0, addresses=HOPS[:n], segleft=n)]
    yield "everything", [hop_by_hop(), destination(), IPv6ExtHdrRouting(type=0, addresses=HOPS, segleft=3), destination()]
    yield "home address", [IPv6ExtHdrRouting(type=2, addresses=HOPS[:1], segleft=1)]
    yield "route that is over", [IPv6ExtHdrRouting(type=0, addresses=HOPS, segleft=0)]


def build(headers, payload, **fields):
    packet = IPv6(src=A, dst=B, tc=0x48, fl=0xABCDE, hlim=77, **fields)
    for header in headers:
        packet = packet / header.copy()
    return IPv6(bytes(packet / payload))


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        random.seed(4302)
        cls.tool = Tool()

    @classmethod
    def tearDownClass(cls):
        cls.tool.close()


class Ah6(Case):
    def seal(self, packet, name, key):
        return bytes(SecurityAssociation(AH, spi=0x777, auth_algo=name, auth_key=key).encrypt(packet, seq_num=5))

    def test_scapys_integrity_value_is_over_what_we_cover(self):
        for name, (digest, icv_len) in AUTH.items():
            key = octets(hashlib.new(digest).digest_size)
            for label, headers in chains():
                if label == "route that is over":  # scapy turns the addresses round whatever is left to visit
                    continue
                with self.subTest(auth=name, chain=label):
                    sealed = self.seal(build(headers, UDP(sport=1, dport=2) / Raw(octets(random.randrange(90)))), name, key)
                    at = self.tool.ask("places", sealed)["at"]
                    icv = hmac.new(key, self.tool.one("ah", sealed, icv_len=icv_len, sending=True), digest).digest()[:icv_len]
                    self.assertEqual(sealed[at + 12:at + 12 + icv_len], icv)

    def test_sender_receiver_and_model_cover_the_same(self):
        for name, (digest, icv_len) in AUTH.items():
            for label, headers in chains():
                with self.subTest(auth=name, chain=label):
                    sealed = self.seal(build(headers, UDP() / Raw(octets(40))), name, octets(20))
                    want = model.covered(sealed, icv_len)
                    arrived = model.meddle(model.travel(sealed), lambda octet: random.getrandbits(8))
                    self.assertEqual(self.tool.one("ah", sealed, icv_len=icv_len, sending=True), want)
                    self.assertEqual(self.tool.one("ah", arrived, icv_len=icv_len, sending=False), want)

    def test_route_half_way_is_covered_as_at_its_end_by_a_sender_only(self):
        sealed = self.seal(build([IPv6ExtHdrRouting(type=0, addresses=HOPS, segleft=3)], UDP()), "HMAC-SHA1-96", octets(20))
        half = model.visit(sealed, 40)
        self.assertEqual(self.tool.one("ah", half, icv_len=12, sending=True), model.covered(sealed, 12))
        with self.assertRaisesRegex(Refused, "still to be followed"):
            self.tool.one("ah", half, icv_len=12, sending=False)

    def test_what_no_router_may_change_is_covered(self):
        _, headers = list(chains())[7]
        sealed = model.travel(self.seal(build(headers, UDP() / Raw(b"payload")), "HMAC-SHA1-96", octets(20)))
        covered = self.tool.one("ah", sealed, icv_len=12, sending=False)
        icv = [at + 12 for _, at, size in model.headers(sealed) if size is None][0]
        for at in range(len(sealed)):
            spoilt = bytearray(sealed)
            spoilt[at] ^= 1
            try:
                now = self.tool.one("ah", spoilt, icv_len=12, sending=False)
            except Refused:
                continue  # no such packet any more
            is_mutable = at in (0, 1, 2, 3, 7) or icv <= at < icv + 12 or model.meddle(sealed, lambda octet: octet ^ 1)[at] != sealed[at]
            self.assertEqual(now == covered, is_mutable, f"octet {at}")

    def test_fragment_header_of_a_whole_datagram_does_not_count(self):
        sealed = self.seal(build([hop_by_hop()], UDP()), "HMAC-SHA1-96", octets(20))
        at = self.tool.ask("places", sealed)["at"]
        wrapped = bytearray(sealed[:at] + bytes([51, 0, 0, 0]) + octets(4) + sealed[at:])
        wrapped[40] = 44
        wrapped[4:6] = (len(wrapped) - 40).to_bytes(2, "big")
        self.assertEqual(self.tool.one("ah", wrapped, icv_len=12), self.tool.one("ah", sealed, icv_len=12))


class Places(Case):
    def test_insertion_agrees_with_scapy(self):
        for label, headers in chains():
            if label in ("destination options", "hop-by-hop and destination options"):  # either side of them is right
                continue
            packet = build(headers, UDP() / Raw(b"x"))
            with self.subTest(chain=label):
                head, next_header, _ = split_for_transport(packet, 51)
                place = self.tool.ask("places", packet, insertion=True)
                self.assertEqual((place["at"], place["next"]), (len(head), next_header))
                self.assertEqual(bytes(packet)[place["proto_off"]], next_header)

    def test_destination_options_without_a_route_are_protected(self):
        self.assertEqual(self.tool.ask("places", build([destination()], UDP()), insertion=True)["at"], 40)
        self.assertEqual(self.tool.ask("places", build([destination()], UDP()))["next"], 17)


class Fragments(Case):
    def test_scapy_puts_ipv6_together_again(self):
        for label, headers in chains():
            for mtu in (1280, 1281, 1287, 1400):
                packet = build(headers, UDP(sport=9, dport=9) / Raw(octets(random.randrange(1300, 5000))))
                with self.subTest(chain=label, mtu=mtu):
                    pieces = self.tool.ask("fragment", packet, mtu=mtu, id=0xDEADBEEF)["packets"]
                    self.assertGreater(len(pieces), 1)
                    self.assertTrue(all(len(piece) <= mtu for piece in pieces))
                    self.assertTrue(all(IPv6(piece)[IPv6ExtHdrFragment].id == 0xDEADBEEF for piece in pieces))
                    self.assertEqual(bytes(defragment6([IPv6(piece) for piece in pieces])), bytes(packet))

    def test_fragments_of_fragments_join(self):
        packet = build([hop_by_hop()], UDP() / Raw(octets(4000)))
        pieces = [small for piece in self.tool.ask("fragment", packet, mtu=1500, id=7)["packets"]
                  for small in self.tool.ask("fragment", piece, mtu=1280, id=8)["packets"]]
        self.assertEqual({IPv6(piece)[IPv6ExtHdrFragment].id for piece in pieces}, {7})
        self.assertEqual(bytes(defragment6([IPv6(piece) for piece in pieces])), bytes(packet))

    def test_scapy_puts_ipv4_together_again(self):
        packet = IP(src="10.0.0.1", dst="10.0.0.2", id=77, ttl=9) / UDP() / Raw(octets(4000))
        pieces = self.tool.ask("fragment", packet, mtu=576)["packets"]
        whole, = defragment([IP(piece) for piece in pieces])
        self.assertEqual(bytes(whole)[20:], bytes(packet)[20:])

    def test_ipv6_that_fits_stays_as_it_is(self):
        packet = build([destination()], UDP() / Raw(octets(100)))
        self.assertEqual(self.tool.ask("fragment", packet, mtu=len(packet), id=1)["packets"], [bytes(packet)])


class TooBig(Case):
    def test_ipv4_error_reads_back(self):
        for size in (0, 5, 520, 521, 1400):
            packet = IP(bytes(IP(src="10.0.0.1", dst="10.9.0.2", flags="DF") / TCP() / Raw(octets(size))))
            with self.subTest(size=size):
                raw = self.tool.one("too_big", packet, mtu=1374)
                error = IP(raw)
                self.assertEqual((error.src, error.dst, error.proto, len(raw)), ("10.9.0.2", "10.0.0.1", 1, min(576, 28 + len(packet))))
                self.assertEqual((error[ICMP].type, error[ICMP].code, error[ICMP].nexthopmtu), (3, 4, 1374))
                self.assertEqual(raw[28:], bytes(packet)[:548])
                self.assertEqual((error[IPerror].src, error[IPerror].dst), ("10.0.0.1", "10.9.0.2"))
                for layer, fresh in ((IP, error.copy()), (ICMP, error.copy())):
                    del fresh[layer].chksum
                    self.assertEqual(IP(bytes(fresh))[layer].chksum, error[layer].chksum)

    def test_ipv6_error_reads_back(self):
        for size in (0, 5, 1171, 1172, 1173, 1174, 1400):
            packet = build([hop_by_hop()], TCP() / Raw(octets(size)))
            with self.subTest(size=size):
                raw = self.tool.one("too_big", packet, mtu=1326)
                error = IPv6(raw)
                self.assertEqual((error.src, error.dst, len(raw)), (B, A, min(1280, 48 + len(packet))))
                self.assertEqual((error[ICMPv6PacketTooBig].code, error[ICMPv6PacketTooBig].mtu), (0, 1326))
                self.assertEqual(raw[48:], bytes(packet)[:1232])
                self.assertEqual(in6_chksum(58, error, raw[40:]), 0)

    def test_nothing_is_said_about_these(self):
        v4 = dict(src="10.0.0.1", dst="10.0.0.2")
        silent = [IP(**v4) / ICMP(type=kind) for kind in (3, 4, 5, 11, 12)]
        silent += [IP(src=source, dst="10.0.0.2") / UDP() for source in ("0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "240.1.1.1")]
        silent += [IP(src="10.0.0.1", dst=to) / UDP() for to in ("224.0.0.5", "239.1.1.1", "255.255.255.255")]
        silent += [IP(**v4, frag=2) / Raw(b"x" * 8), IP(**v4, proto=1)]
        silent += [IPv6(src=A, dst=B) / ICMPv6Unknown(type=kind) for kind in (1, 2, 3, 4, 127, 137)]
        silent += [IPv6(src=source, dst=B) / UDP() for source in ("::", "::1", "ff02::1")]
        silent += [IPv6(src=A, dst="ff05::2") / UDP(), IPv6(src=A, dst=B) / IPv6ExtHdrFragment(offset=2, nh=17) / Raw(b"x" * 8)]
        silent += [IPv6(src=A, dst=B, nh=58), IPv6(src=A, dst=B) / IPv6ExtHdrDestOpt() / ICMPv6Unknown(type=1)]
        for packet in silent:
            with self.subTest(packet=packet.summary()), self.assertRaises(Refused):
                self.tool.one("too_big", packet, mtu=1300)
        spoken = [IP(**v4) / ICMP(type=kind) for kind in (0, 8, 13)] + [IP(**v4, flags="MF") / UDP(), IPv6(src=A, dst=B) / ICMPv6EchoRequest(),
                                                                      IPv6(src=A, dst="::2") / UDP()]
        for packet in spoken:
            with self.subTest(packet=packet.summary()):
                self.tool.one("too_big", packet, mtu=1300)


class Mss(Case):
    def packets(self, flags="S", options=(("MSS", 1460),)):
        tcp = TCP(flags=flags, options=list(options)) / Raw(octets(random.randrange(5)))
        yield IP(src="10.0.0.1", dst="10.0.0.2") / tcp
        yield build([hop_by_hop()], tcp)

    def test_lowered_value_has_the_right_checksum(self):
        for options in ([("MSS", 1460)], [("NOP", None), ("MSS", 1460)], [("NOP", None), ("NOP", None), ("MSS", 9000), ("SAckOK", b"")],
                        [("WScale", 7), ("MSS", 65535)], [("MSS", 1460), ("MSS", 1500)]):
            for flags in ("S", "SA"):
                for packet in self.packets(flags, options):
                    for mss in (1, 536, 1399, 1459):
                        with self.subTest(options=options, mss=mss):
                            got = packet.__class__(self.tool.one("clamp", packet, mss=mss))
                            self.assertEqual({value for name, value in got[TCP].options if name == "MSS"}, {mss})
                            fresh = got.copy()
                            del fresh[TCP].chksum
                            self.assertEqual(packet.__class__(bytes(fresh))[TCP].chksum, got[TCP].chksum)

    def test_everything_else_is_left_alone(self):
        ah = AH(nh=6, payloadlen=4, icv=bytes(12))
        left = [*self.packets(options=[("MSS", 1300)]), *self.packets(options=[("MSS", 1200)]), *self.packets("A"), *self.packets("R"),
                *self.packets(options=[("EOL", None), ("MSS", 1460)]), *self.packets(options=[("NOP", None)]), *self.packets(options=[]),
                IP(src="10.0.0.1", dst="10.0.0.2", frag=3, proto=6) / Raw(bytes(TCP(flags="S", options=[("MSS", 1460)]))),
                IP(src="10.0.0.1", dst="10.0.0.2") / UDP() / Raw(octets(20)),
                IPv6(src=A, dst=B, nh=51) / ah / TCP(flags="S", options=[("MSS", 1460)])]
        for packet in left:
            with self.subTest(packet=packet.summary()), self.assertRaisesRegex(Refused, "nothing to lower"):
                self.tool.one("clamp", packet, mss=1300)


class Checksums(Case):
    def test_filled_in_as_scapy_does(self):
        for size in (0, 1, 2, 7, 64, 1399, 1400):
            for upper in (TCP(sport=1), UDP(sport=2), ICMPv6EchoRequest()):
                for make in (lambda p: IP(src="10.0.0.1", dst="10.0.0.2") / p, lambda p: build([], p), lambda p: build([hop_by_hop()], p)):
                    packet = make(upper.copy() / Raw(octets(size)))
                    if packet.version == 4 and ICMPv6EchoRequest in packet:
                        continue
                    want = bytes(packet)
                    at = len(want) - size - len(upper) + {TCP: 16, UDP: 6}.get(type(upper), 2)
                    spoilt = bytearray(want)
                    spoilt[at] ^= 0x5A
                    with self.subTest(packet=packet.summary(), size=size):
                        self.assertEqual(self.tool.one("fill", spoilt), want)

    def test_udp_without_checksum_stays_so_over_ipv4_only(self):
        packet = bytes(IP(src="10.0.0.1", dst="10.0.0.2") / UDP(chksum=0) / Raw(b"abc"))
        self.assertEqual(self.tool.one("fill", packet), packet)
        six = build([], UDP(sport=3) / Raw(b"abc"))
        without = six.copy()
        without[UDP].chksum = 0
        self.assertEqual(self.tool.one("fill", without), bytes(six))

    def test_udp_lite_covers_what_it_says(self):
        for cover in (0, 8, 9, 20):
            lite = (7).to_bytes(2, "big") * 2 + cover.to_bytes(2, "big") + b"\x11\x11" + octets(20)
            packet = bytes(IP(src="10.0.0.1", dst="10.0.0.2", proto=136) / Raw(lite))
            filled = self.tool.one("fill", packet)
            n = cover or len(lite)
            words = packet[12:20] + b"\0\x88" + len(lite).to_bytes(2, "big") + filled[20:20 + n] + b"\0" * (n % 2)
            self.assertEqual(sum(int.from_bytes(words[i:i + 2], "big") for i in range(0, len(words), 2)) % 0xFFFF, 0)

    def test_others_are_refused(self):
        for packet in (IP(dst="10.0.0.2") / ICMP(), IP(dst="10.0.0.2", flags="MF") / UDP(), IP(dst="10.0.0.2") / UDP(len=7), IP(dst="10.0.0.2") / UDP(len=9),
                       IP(dst="10.0.0.2", proto=6) / Raw(bytes(19)), IP(dst="10.0.0.2", proto=132) / Raw(bytes(30))):
            with self.subTest(packet=packet.summary()), self.assertRaises(Refused):
                self.tool.one("fill", packet)


class Compression(Case):
    def payloads(self):
        words = [b"GET ", b"Host: ", b"postern", b"\r\n", b"0123456789", b"tunnel "]
        for n in (90, 91, 150, 512, 1400, 9000, 40000, 65535):
            yield b"".join(random.choice(words) for _ in range(n // 4 + 2))[:n]
            yield bytes(n)

    def test_zlib_reads_ours_and_we_read_zlibs(self):
        for payload in self.payloads():
            with self.subTest(size=len(payload)):
                ours = self.tool.one("deflate", payload, room=65535)
                self.assertLess(len(ours) + 4, len(payload))
                reader = zlib.decompressobj(wbits=-15)
                self.assertEqual(reader.decompress(ours), payload)
                self.assertTrue(reader.eof)
                self.assertEqual(reader.unused_data, b"")
                for level in (0, 1, 6, 9):
                    for bits in (-9, -11, -15):
                        writer = zlib.compressobj(level, wbits=bits)
                        theirs = writer.compress(payload) + writer.flush()
                        if len(theirs) <= 65535:
                            self.assertEqual(self.tool.one("inflate", theirs, room=len(payload)), payload)

    def test_what_does_not_shrink_is_sent_as_it_is(self):
        for payload in (octets(1400), octets(90), bytes(89), b"", octets(65535)):
            with self.subTest(size=len(payload)), self.assertRaisesRegex(Refused, "no shorter"):
                self.tool.one("deflate", payload, room=65535)

    def test_a_bomb_ends_at_the_room(self):
        writer = zlib.compressobj(9, wbits=-15)
        bomb = writer.compress(bytes(10_000_000)) + writer.flush()
        for room in (1, 100, 65535):
            with self.assertRaisesRegex(Refused, "longer"):
                self.tool.one("inflate", bomb, room=room)

    def test_spoilt_streams_are_bad(self):
        stream = self.tool.one("deflate", b"to be or not to be " * 20, room=1000)
        for n in range(1, len(stream)):
            with self.assertRaisesRegex(Refused, "not a whole"):
                self.tool.one("inflate", stream[:n], room=65535)
        for spoilt in (stream + b"\0", b"\xff" * 50, b"\x07"):
            with self.assertRaisesRegex(Refused, "not a whole"):
                self.tool.one("inflate", spoilt, room=65535)


if __name__ == "__main__":
    unittest.main()
