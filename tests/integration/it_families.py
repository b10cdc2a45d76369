#!/usr/bin/python3
"""Every protocol over and under both families, with real TCP, UDP and ICMP between two hosts: nothing in clear on the wire,
everything whole at the other end.

    relent (the suite) --- lan --- elmer (the suite)
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import itertools  # noqa: E402
import json  # noqa: E402
import socket  # noqa: E402

import labtest  # noqa: E402
from labkit.net import call_in_namespace  # noqa: E402
from labtap import Tap  # noqa: E402
from labtest import ELMER, RELENT, wait_for  # noqa: E402

HOSTS = {4: (RELENT, ELMER), 6: ("fd00:10::100", "fd00:10::110")}
PORT = 5200
CIPHER = '-E aes-cbc "sixteen octets k"'
MAC = '-A hmac-sha256 "thirty-two octets of key, really"'
OCTETS = 400_000
SIZES = (64, 1300, 1472, 4000, 65000)

# What stands behind `ipsec` for each direction, and the associations it needs: (protocol word of add, algorithms).
ESP, AH, COMP, UDP = ("esp", f"{CIPHER} {MAC}"), ("ah", MAC), ("ipcomp", "-C deflate"), ("esp-udp", f"{CIPHER} {MAC}")
SHAPES = {
    "ESP": ([("esp", 0)], [ESP]),
    "AH": ([("ah", 0)], [AH]),
    "ESP in UDP": ([("esp", 0)], [UDP]),
    "IPComp in ESP": ([("ipcomp", 0), ("esp", 1)], [COMP, ESP]),
    "ESP in AH": ([("esp", 0), ("ah", 1)], [ESP, AH]),
}
WIRE = {"ESP": "50", "AH": "51", "ESP in UDP": "udp port 4500", "IPComp in ESP": "50", "ESP in AH": "51"}


def associations(shape, outer, spi=0x2000):
    """Both directions on both hosts."""
    text = ""
    for number, (word, algorithms) in enumerate(SHAPES[shape][1]):
        for back in (0, 1):
            source, target = HOSTS[outer][::-1] if back else HOSTS[outer]
            text += f"add {source} {target} {word} 0x{spi + number * 2 + back:x} -m any {'' if word == 'ipcomp' else '-r 32'} {algorithms};\n"
    return text


def requests(shape, mode, ends):
    """The first request is in `mode`, what is around it in transport mode."""
    words = []
    for word, place in SHAPES[shape][0]:
        tunnel = mode == "tunnel" and place == 0
        words.append(f"{word}/{'tunnel' if tunnel else 'transport'}/{'-'.join(ends) if tunnel else ''}/require")
    return " ".join(words)


def policies(shape, mode, inner, outer):
    """Statements of relent and of elmer."""
    both = ""
    for ends, direction in ((HOSTS[outer], "%s"), (HOSTS[outer][::-1], "%s")):
        source, target = HOSTS[inner] if ends == HOSTS[outer] else HOSTS[inner][::-1]
        both += f"spdadd {source} {target} any -P {direction} ipsec {requests(shape, mode, ends)};\n"
    return both % ("out", "in"), both % ("in", "out")


class Families(labtest.LabTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sink = cls.elmer.traffic("tcp-sink", PORT)

    def load(self, shape, mode, inner, outer):
        for host, rules in zip(self.both, policies(shape, mode, inner, outer)):
            host.flush()
            host.setkey(associations(shape, outer) + rules)

    def udp(self, target, size):
        counting = self.elmer.traffic("udp-count", PORT + 1)
        try:
            said = json.loads(self.relent.traffic("udp-send", target, PORT + 1, 5, 200, size).communicate(timeout=20)[0])
        finally:  # its port is free again for the next size, whatever happened
            counted = counting.communicate("\n", timeout=20)[0]
        self.assertEqual(said["sent"], 5, f"{size} octets")
        got = json.loads(counted)
        self.assertEqual((got["received"], got["octets"]), (5, 5 * size), f"{size} octets")

    def carries_everything(self, shape, mode, inner, outer):
        self.load(shape, mode, inner, outer)
        target = HOSTS[inner][1]
        clear = f"({'ip6' if inner == 6 else 'ip'} host {target}) and (tcp port {PORT} or udp port {PORT + 1})"
        protected = WIRE[shape] if "port" in WIRE[shape] else f"{'ip6' if outer == 6 else 'ip'} proto {WIRE[shape]}"
        with Tap(self.lab, clear) as in_clear, Tap(self.lab, f"({protected}) or (ip[6:2] & 0x1fff != 0) or (ip6 proto 44)") as wire:
            for size in SIZES:
                self.udp(target, size)
            sender = self.relent.traffic("tcp-send", target, PORT, OCTETS, 1e9, 10)
            self.assertEqual(sender.wait(timeout=60), 0, sender.stdout.read())
            wait_for("protected packets on the wire", lambda: wire.count > 0)
            wire.stop()
        self.assertEqual(len(in_clear.stop()), 0, "in clear")

    def test_ipv6_extension_headers_arrive_as_they_were_sent(self):
        """Hop-by-hop and destination options of a real socket, seen by a real socket at the other end."""
        sender, receiver = (call_in_namespace(self.lab.init(name).pid, lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
                            for name in ("relent", "elmer"))
        self.addCleanup(sender.close)
        self.addCleanup(receiver.close)
        receiver.bind((HOSTS[6][1], PORT + 2))
        receiver.settimeout(10)
        # An unknown option that may change on its way and is skipped by who does not know it (0x3e), and one that may not.
        sent = {socket.IPV6_HOPOPTS: bytes([0, 0, 0x3E, 4]) + b"hops", socket.IPV6_DSTOPTS: bytes([0, 0, 0x1E, 4]) + b"dest"}
        for kind, header in sent.items():
            sender.setsockopt(socket.IPPROTO_IPV6, kind, header)
        for kind in (socket.IPV6_RECVHOPOPTS, socket.IPV6_RECVDSTOPTS):
            receiver.setsockopt(socket.IPPROTO_IPV6, kind, 1)
        for shape, (mode, outer) in itertools.product(SHAPES, (("transport", 6), ("tunnel", 6), ("tunnel", 4))):
            with self.subTest(f"{shape}, {mode}, IPv6 in IPv{outer}"):
                self.load(shape, mode, 6, outer)
                with Tap(self.lab, f"udp port {PORT + 2}") as in_clear:
                    # Fragments with such headers out of a tunnel are the kernel's to put together, not ours.
                    for size in (64, 1200, 4000)[: 3 if mode == "transport" else 2]:
                        data = os.urandom(8) * (size // 8)
                        sender.sendto(data, (HOSTS[6][1], PORT + 2))
                        got, ancillary, _, _ = receiver.recvmsg(65536, 1024)
                        self.assertEqual(got, data)
                        seen = {kind: octets[1:] for _, kind, octets in ancillary}
                        self.assertEqual(seen, {kind: octets[1:] for kind, octets in sent.items()}, f"{size} octets")
                self.assertEqual(len(in_clear.stop()), 0, "in clear")

    def test_every_protocol_in_tunnels_of_all_four_combinations(self):
        for shape in SHAPES:
            for inner in (4, 6):
                for outer in (4, 6):
                    with self.subTest(f"{shape}, IPv{inner} in IPv{outer}"):
                        self.carries_everything(shape, "tunnel", inner, outer)

    def test_every_protocol_in_transport_mode_over_both_families(self):
        for shape in SHAPES:
            for family in (4, 6):
                with self.subTest(f"{shape}, IPv{family}"):
                    self.carries_everything(shape, "transport", family, family)


labtest.main()
