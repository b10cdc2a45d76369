#!/usr/bin/python3
"""tunnel.wire: a capture is judged by packets that scapy made; each thing that must not be on the wire is found."""

import os
import unittest

import bench_path  # noqa: F401
from scapy.all import AH, ESP, IP, UDP, ARP, Ether, IPv6, Raw
from tunnel.wire import MARKER, AhShape, EspShape, OpenvpnShape, WireguardShape, judge, judge_plain

INNER = {"192.168.101.1", "192.168.102.1"}
CLEAR = MARKER * 60


def ether(packet):
    return bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / packet)


def outer(payload, **more):
    return ether(IP(src="10.0.0.100", dst="10.0.0.110", **more) / payload)


def esp(spi=0x9001, body=None, seq=1):
    return ESP(spi=spi, seq=seq, data=os.urandom(900) if body is None else body)


def udp(port, data):
    return UDP(sport=port, dport=port) / Raw(data)


def in_udp(packet):
    return udp(4500, bytes(packet))


RAW, ENCAP, NULL = EspShape(False, {0x9001}), EspShape(True, {0x9001}), EspShape(True, {0x9001}, hidden=False)
CHARON = EspShape(True, negotiated=True)


class Judge(unittest.TestCase):
    def assertFound(self, frames, shape, words, octets=0):
        problems = judge(frames, shape, INNER, octets)
        self.assertTrue(any(words in problem for problem in problems), problems)

    def assertGood(self, frames, shape, octets):
        self.assertEqual(judge(frames, shape, INNER, octets), [])

    def test_judge_each_tunnel_as_it_should_be_is_good(self):
        wireguard = [b"\x04\0\0\0" + os.urandom(900) for _ in range(5)]
        openvpn = [bytes([9 << 3, 0, 0, 0]) + os.urandom(900) for _ in range(5)]
        null = [bytes(20) + CLEAR for _ in range(5)]
        cases = (
            (1, RAW, [esp(seq=i) for i in range(5)]),
            (2, ENCAP, [in_udp(esp(seq=i)) for i in range(5)]),
            (3, ENCAP, [in_udp(esp()), udp(4500, b"\xff")]),
            (4, NULL, [in_udp(esp(body=body)) for body in null]),
            (5, CHARON, [in_udp(esp(spi=77)), udp(4500, bytes(4) + os.urandom(80)), udp(500, os.urandom(80))]),
            (6, WireguardShape(), [udp(51820, data) for data in wireguard]),
            (7, OpenvpnShape(), [udp(1194, data) for data in openvpn] + [udp(1194, bytes([4 << 3]) + os.urandom(60))]),
            (8, AhShape(), [AH(spi=1, seq=1, icv=bytes(16)) / Raw(CLEAR)]),
        )
        for number, shape, packets in cases:
            with self.subTest(case=number):
                frames = [outer(packet) for packet in packets] + [ether(ARP()), ether(IPv6())]
                self.assertGood(frames, shape, 840)

    def test_judge_superpacket_of_many_counts_by_its_octets(self):
        self.assertGood([outer(in_udp(esp(body=os.urandom(40_000))))], ENCAP, 40_000)

    def test_judge_inner_packet_on_the_wire_is_found(self):
        for source, target in (("192.168.101.1", "192.168.102.1"), ("10.0.0.100", "192.168.102.1"), ("192.168.101.1", "10.0.0.110")):
            leak = ether(IP(src=source, dst=target) / udp(5202, b"x"))
            self.assertFound([outer(esp()), leak], RAW, "as it is inside the tunnel")

    def test_judge_readable_payload_is_found(self):
        self.assertFound([outer(esp(body=bytes(16) + CLEAR))], RAW, "shows its payload")
        self.assertFound([outer(in_udp(esp(body=bytes(16) + CLEAR)))], ENCAP, "shows its payload")
        self.assertFound([outer(udp(51820, b"\x04\0\0\0" + bytes(12) + CLEAR))], WireguardShape(), "shows its payload")
        self.assertFound([outer(udp(1194, bytes([9 << 3, 0, 0, 0]) + CLEAR))], OpenvpnShape(), "shows its payload")

    def test_judge_null_that_cannot_be_read_is_found(self):
        self.assertFound([outer(in_udp(esp()))], NULL, "cannot be read")

    def test_judge_foreign_packets_are_found(self):
        cases = (
            (1, RAW, outer(in_udp(esp()))),                        # UDP where there should be none
            (2, ENCAP, outer(esp())),                              # and the other way round
            (3, RAW, outer(esp(spi=0x9003))),
            (4, ENCAP, outer(in_udp(esp(spi=0x9003)))),
            (5, ENCAP, outer(udp(4500, bytes(4) + os.urandom(80)))),  # IKE, which manual keys have not
            (6, ENCAP, outer(UDP(sport=4500, dport=4501) / Raw(bytes(esp())))),
            (7, CHARON, outer(udp(5202, os.urandom(80)))),
            (8, WireguardShape(), outer(udp(51820, b"\x05\0\0\0" + os.urandom(80)))),
            (9, OpenvpnShape(), outer(udp(1195, os.urandom(80)))),
            (10, AhShape(), outer(esp())),
        )
        for number, shape, frame in cases:
            with self.subTest(case=number):
                self.assertFound([frame], shape, "none of the tunnel's")

    def test_judge_outer_fragments_are_found(self):
        self.assertFound([outer(esp(), flags="MF")], RAW, "a fragment")
        self.assertFound([outer(esp(), frag=100)], RAW, "a fragment")
        self.assertGood([outer(esp(), flags="DF")], RAW, 900)

    def test_judge_packets_that_begin_alike_are_found(self):
        body = os.urandom(900)
        self.assertFound([outer(esp(body=body, seq=1)), outer(esp(body=body, seq=2))], RAW, "begin alike")

    def test_judge_too_little_on_the_wire_is_found(self):
        self.assertFound([outer(esp())], RAW, "only ", octets=64_000)
        self.assertFound([], RAW, "only 0 octets", octets=1)

    def test_judge_plain_must_show_the_payload(self):
        clear = ether(IP(src="192.168.101.1", dst="192.168.102.1") / udp(5202, CLEAR))
        self.assertEqual(judge_plain([clear] * 3, 3 * len(CLEAR)), [])
        self.assertEqual(len(judge_plain([clear], 2 * len(clear))), 1)
        self.assertEqual(len(judge_plain([outer(esp())], 100)), 1)


if __name__ == "__main__":
    unittest.main()
