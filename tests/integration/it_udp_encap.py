#!/usr/bin/python3
"""ESP in UDP (RFC 3948) from behind a translator that changes address and port, with real TCP and UDP both ways.

    office 192.168.9.2 (the suite) --- home --- nat (masquerades) --- lan --- elmer (the suite)
                                                                       |
                                                                     relent (a stranger)
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import json  # noqa: E402
import socket  # noqa: E402
import struct  # noqa: E402

import labtest  # noqa: E402
from labkit.net import call_in_namespace  # noqa: E402
from labtap import Tap, ip_fields  # noqa: E402
from labtest import ELMER, RELENT, wait_for  # noqa: E402

INSIDE = {4: "192.168.9.2", 6: "fd00:9::2"}    # office, as it knows itself
OUTSIDE = {4: "10.0.0.1", 6: "fd00:10::1"}     # office, as elmer sees it
SERVER = {4: ELMER, 6: "fd00:10::110"}
PORT = 5300
MAPPED, MOVED = 40000, 40001                   # what the translator makes of office's port 4500
KEYS = '-E aes-cbc "sixteen octets k" -A hmac-sha256 "thirty-two octets of key, really"'
NFNETLINK, CT_DELETE, REQUEST_ACK = 12, 1 << 8 | 2, 5


def associations(family, near, port, spi, verb="add"):
    """Both directions, written for a host to which office is `near` at `port`."""
    office, server = f"{near}[{port}]", f"{SERVER[family]}[4500]"
    return (f"{verb} {office} {server} esp-udp 0x{spi:x} -m any -r 32 {KEYS};\n"
            f"{verb} {server} {office} esp-udp 0x{spi + 1:x} -m any -r 32 {KEYS};\n")


def policies(family, mode, near, ways):
    """`ways` are the directions towards elmer and back. In a tunnel office keeps its own address."""
    office = INSIDE[family] if mode == "tunnel" else near
    text = ""
    for source, target, ends, way in ((office, SERVER[family], f"{near}-{SERVER[family]}", ways[0]),
                                      (SERVER[family], office, f"{SERVER[family]}-{near}", ways[1])):
        text += f"spdadd {source} {target} any -P {way} ipsec esp/{mode}/{ends if mode == 'tunnel' else ''}/require;\n"
    return text


def udp_frames(frames):
    """(source, source port, target port, data) of IPv4 datagrams."""
    for frame in frames:
        source, _, protocol, payload = ip_fields(frame)
        if protocol == socket.IPPROTO_UDP:
            sport, dport, length = struct.unpack_from("!HHH", payload)
            yield source, sport, dport, payload[8:length]


class UdpEncap(labtest.LabTest):
    suite_on = ("office", "elmer")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.add_router("nat", [("home", ["192.168.9.1/24", "fd00:9::1/64"]), ("lan", ["10.0.0.1/24", "fd00:10::1/64"])])
        cls.lab.add("office", ["192.168.9.2/24", "fd00:9::2/64"], segment="home", gateway="192.168.9.1")
        cls.nat = labtest.Host(cls.lab, "nat", "10.0.0.1")
        cls.office = labtest.Host(cls.lab, "office", INSIDE[4])
        cls.office.run("ip", "-6", "route", "add", "default", "via", "fd00:9::1")
        cls.both = (cls.office, cls.elmer)
        cls.flush_socket = call_in_namespace(cls.lab.init("nat").pid, lambda: socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW, NFNETLINK))
        cls.addClassCleanup(cls.flush_socket.close)
        for host in cls.both:
            host.traffic("tcp-sink", PORT)

    def setUp(self):
        self.map_to(MAPPED)
        super().setUp()

    def map_to(self, port):
        """The translator forgets every mapping; the next ones of port 4500 get `port`."""
        self.nat.run("nft", "flush chain inet lab_nat postrouting; add rule inet lab_nat postrouting oifname eth1 udp sport 4500 "
                     f"masquerade to :{port}; add rule inet lab_nat postrouting oifname eth1 masquerade")
        self.flush_socket.send(struct.pack("=IHHII", 20, CT_DELETE, REQUEST_ACK, 1, 0) + bytes(4))
        answer = self.flush_socket.recv(4096)
        self.assertEqual(struct.unpack_from("=i", answer, 16)[0], 0, "the translator's mappings")

    def load(self, family, mode, spi):
        for host, near, port, ways in ((self.office, INSIDE[family], 4500, ("out", "in")),
                                       (self.elmer, OUTSIDE[family], MAPPED, ("in", "out"))):
            host.flush()
            host.setkey(associations(family, near, port, spi) + policies(family, mode, near, ways))

    def udp(self, sender, receiver, target, size=1000, packets=10):
        """How many of the datagrams came."""
        counting = receiver.traffic("udp-count", PORT + 1)
        said = json.loads(sender.traffic("udp-send", target, PORT + 1, packets, 500, size).communicate(timeout=20)[0])
        self.assertEqual(said["sent"], packets)
        got = json.loads(counting.communicate("\n", timeout=20)[0])
        self.assertEqual(got["octets"], got["received"] * size)
        return got["received"]

    def tcp(self, sender, target):
        sending = sender.traffic("tcp-send", target, PORT, 400_000, 1e9, 10)
        self.assertEqual(sending.wait(timeout=60), 0, sending.stdout.read())

    def drops(self, host, reason):
        return host.json("stats")["drops"][reason]

    def test_tcp_and_udp_both_ways_in_both_modes_and_families(self):
        for number, (mode, family) in enumerate((m, f) for m in ("tunnel", "transport") for f in (4, 6)):
            with self.subTest(f"{mode}, IPv{family}"):
                self.load(family, mode, 0x3000 + number * 2)
                # In transport mode each knows the other as the outer header names it.
                back = INSIDE[family] if mode == "tunnel" else OUTSIDE[family]
                ip = "ip6" if family == 6 else "ip"
                with Tap(self.lab, f"{ip} host {OUTSIDE[family]} and udp port {MAPPED} and udp port 4500") as wire, \
                        Tap(self.lab, f"({ip} host {OUTSIDE[family]} or {ip} host {INSIDE[family]}) and "
                            f"(tcp port {PORT} or udp port {PORT + 1})") as clear:
                    for size in (64, 1000, 3000):
                        self.assertEqual(self.udp(self.office, self.elmer, SERVER[family], size), 10, f"{size} octets there")
                        self.assertEqual(self.udp(self.elmer, self.office, back, size), 10, f"{size} octets back")
                    self.tcp(self.office, SERVER[family])
                    self.tcp(self.elmer, back)
                    # Octets, because the wire of a lab carries many packets as one.
                    wait_for("protected packets both ways", lambda: wire.octets > 800_000)
                self.assertEqual(len(clear.stop()), 0, "in clear")

    def test_keepalives_leave_an_idle_association_and_hold_the_mapping(self):
        """The translator forgets after 8 quiet seconds, which five keepalives outlive."""
        self.office.run("ipsecctl", "set", "keepalive", "2")
        self.addCleanup(self.office.run, "ipsecctl", "set", "keepalive", "20")
        for name in ("udp_timeout", "udp_timeout_stream"):
            path = f"/proc/sys/net/netfilter/nf_conntrack_{name}"
            before = self.nat.out("cat", path).strip()
            self.addCleanup(self.nat.run, "sh", "-c", f"echo {before} >{path}")
            self.nat.run("sh", "-c", f"echo 8 >{path}")
        self.load(4, "tunnel", 0x3100)
        counted = self.drops(self.elmer, "in_keepalive")
        with Tap(self.lab, f"ip src host {OUTSIDE[4]} and udp dst port 4500") as wire:
            self.assertEqual(self.udp(self.office, self.elmer, SERVER[4]), 10)
            wait_for("five keepalives", lambda: self.drops(self.elmer, "in_keepalive") - counted >= 5, timeout=60, every=0.2)
        alive = [(sport, dport) for _, sport, dport, data in udp_frames(wire.stop()) if data == b"\xff"]
        self.assertEqual(alive[:5], [(MAPPED, 4500)] * 5)
        self.assertGreaterEqual(self.office.json("stats")["other"]["path.keepalives"], 5)
        self.assertEqual(self.udp(self.elmer, self.office, INSIDE[4]), 10, "through the mapping, from outside")

    def test_a_stray_ike_message_is_counted_and_not_answered(self):
        """It goes to keyd, which knows nobody."""
        before = self.elmer.counters()
        sock = call_in_namespace(self.lab.init("relent").pid, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.addCleanup(sock.close)
        with Tap(self.lab, f"ip src host {ELMER} and dst host {RELENT} and (udp or icmp)") as answers:
            for _ in range(5):
                sock.sendto(bytes(4) + os.urandom(28), (ELMER, 4500))
            sock.sendto(b"\xff", (ELMER, 4500))
            for name, more in (("path.ike_received", 5), ("ike.datagrams", 5), ("in_keepalive", 1)):
                wait_for(f"{name} to be counted", lambda: self.elmer.counters().get(name, 0) == before.get(name, 0) + more)
            # Whatever the messages were answered with would be out before this echo.
            self.relent.run("ping", "-c", "1", "-W", "5", ELMER)
            wait_for("the echo on the wire", lambda: answers.count)
        self.assertEqual([(ip_fields(f)[2], ip_fields(f)[3][0]) for f in answers.stop()], [(socket.IPPROTO_ICMP, 0)])

    def test_a_port_that_moves_is_heard_and_answered_once_it_is_told(self):
        """A manual association names its ports: what is authentic is taken from any, but is answered where setkey says."""
        self.load(4, "tunnel", 0x3200)
        self.assertEqual(self.udp(self.office, self.elmer, SERVER[4]), 10)
        self.assertEqual(self.udp(self.elmer, self.office, INSIDE[4]), 10)
        self.map_to(MOVED)
        with Tap(self.lab, f"udp port {MOVED}") as moved:
            self.assertEqual(self.udp(self.office, self.elmer, SERVER[4]), 10, "from another port")
            wait_for("the new port on the wire", lambda: moved.count >= 10)
        with Tap(self.lab, f"udp dst port {MAPPED}") as lost:
            self.assertEqual(self.udp(self.elmer, self.office, INSIDE[4]), 0, "to the old port")
            wait_for("the answers to the old port", lambda: lost.count >= 10)
        self.elmer.setkey(associations(4, OUTSIDE[4], MOVED, 0x3200, "update"))
        self.assertEqual(self.udp(self.elmer, self.office, INSIDE[4]), 10, "to the new port")
        self.assertEqual(self.udp(self.office, self.elmer, SERVER[4]), 10)


labtest.main()
