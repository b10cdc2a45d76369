#!/usr/bin/python3
"""Black holes: the link in the middle of the way is smaller than either end can see, and whoever knows may not say so.

    west --lan-w-- relent --seg-w-- near ==mid== far --seg-e-- elmer --lan-e-- east

near and far are routers; mid is the small link. relent and elmer run the suite; in the topology of nested tunnels west and
east do too. Every test draws its own part of this picture.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import json  # noqa: E402
import struct  # noqa: E402

import labtest  # noqa: E402
from labtap import Tap  # noqa: E402
from labtest import Host, wait_for  # noqa: E402
from scapy.layers.inet import ICMP, IP  # noqa: E402
from scapy.layers.inet6 import ICMPv6PacketTooBig, IPv6  # noqa: E402
from scapy.packet import Raw  # noqa: E402

WEST, EAST = {4: "10.1.0.2", 6: "fd00:1::2"}, {4: "10.5.0.2", 6: "fd00:5::2"}
RELENT, ELMER = {4: "10.2.0.2", 6: "fd00:2::2"}, {4: "10.4.0.2", 6: "fd00:4::2"}
NETS = {4: ("10.1.0.0/24", "10.5.0.0/24"), 6: ("fd00:1::/64", "fd00:5::/64")}
STRANGER = {4: "10.2.0.9", 6: "fd00:2::9"}
PORT = 5200
OCTETS = 20 << 20
HANG_S = 120
SIZES = (64, 1200, 1300, 1400, 4000, 8000)
CIPHER = '-E aes-cbc "sixteen octets k"'
MAC = '-A hmac-sha256 "thirty-two octets of key, really"'
ALGORITHMS = {"esp": f"{CIPHER} {MAC}", "esp-udp": f"{CIPHER} {MAC}", "ah": MAC}
SPI = 0xc001

NO_ERRORS = """
table inet silent {
    chain output {
        type filter hook output priority 0;
        icmp type { destination-unreachable, time-exceeded, parameter-problem } drop
        icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } drop
    }
}
"""

DEAF = NO_ERRORS.replace("silent", "deaf").replace("output", "input")
ESP, AH, UDP = 50, 51, 17
FLOOR = {4: 576, 6: 1280}


def too_big(family, mtu, protocol, behind):
    """What a router says about a packet from relent to elmer, quoting `behind` from behind its IP header."""
    if family == 4:
        quoted = IP(src=RELENT[4], dst=ELMER[4], proto=protocol, flags="DF", len=1400) / Raw(behind)
        return bytes(IP(src="10.3.0.2", dst=RELENT[4]) / ICMP(type=3, code=4, nexthopmtu=mtu) / quoted)
    quoted = IPv6(src=RELENT[6], dst=ELMER[6], nh=protocol, plen=1360) / Raw(behind)
    return bytes(IPv6(src="fd00:3::2", dst=RELENT[6]) / ICMPv6PacketTooBig(mtu=mtu) / quoted)


def spi_and_number(spi, number):
    return struct.pack("!II", spi, number)


def flow(protocol, mode, ends, inner, spi=SPI):
    """Statements for both hosts of `ends`: one SA each way; `inner` are the two addresses or networks it protects."""
    text = ["", ""]
    for number, (here, there, source, target) in enumerate(((*ends, *inner), (*ends[::-1], *inner[::-1]))):
        add = f"add {here} {there} {protocol} 0x{spi + number:x} -m {mode} -r 32 {ALGORITHMS[protocol]};\n"
        request = f"{protocol.removesuffix('-udp')}/{mode}/{f'{here}-{there}' if mode == 'tunnel' else ''}/require"
        for host in (0, 1):
            text[host] += add + f"spdadd {source} {target} any -P {'out' if host == number else 'in'} ipsec {request};\n"
    return text


class PathMtu(labtest.LabTest):
    @classmethod
    def setUpClass(cls):
        cls.make_lab(guide_hosts=False)
        lab = cls.lab
        lab.add("west", [f"{WEST[4]}/24", f"{WEST[6]}/64"], "lan-w", "10.1.0.1")
        lab.add("east", [f"{EAST[4]}/24", f"{EAST[6]}/64"], "lan-e", "10.5.0.1")
        lab.add("stranger", [f"{STRANGER[4]}/24", f"{STRANGER[6]}/64"], "seg-w", "10.2.0.1")
        for name, first, second in (("relent", ("seg-w", 2, 2), ("lan-w", 1, 1)), ("near", ("seg-w", 2, 1), ("mid", 3, 1)),
                                    ("far", ("seg-e", 4, 1), ("mid", 3, 2)), ("elmer", ("seg-e", 4, 2), ("lan-e", 5, 1))):
            lab.add_router(name, [(segment, [f"10.{net}.0.{host}/24", f"fd00:{net}::{host}/64"])
                                  for segment, net, host in (first, second)], nat=False)
        for name, address in (("relent", RELENT), ("elmer", ELMER), ("west", WEST), ("east", EAST), ("near", {4: "10.2.0.1"}),
                              ("far", {4: "10.4.0.1"}), ("stranger", STRANGER)):
            setattr(cls, name, Host(lab, name, address[4]))
        cls.both = (cls.relent, cls.elmer)
        cls.all = (cls.west, cls.relent, cls.near, cls.far, cls.elmer, cls.east)
        for host, net, via in ((cls.relent, 2, 1), (cls.elmer, 4, 1), (cls.near, 3, 2), (cls.far, 3, 1)):
            for family in (4, 6):
                gateway = f"10.{net}.0.{via}" if family == 4 else f"fd00:{net}::{via}"
                host.run("ip", f"-{family}", "route", "add", "default", "via", gateway)
        for host, gateway in ((cls.west, "fd00:1::1"), (cls.east, "fd00:5::1"), (cls.stranger, "fd00:2::1")):
            host.run("ip", "-6", "route", "add", "default", "via", gateway)
        for host in (cls.west, cls.relent, cls.elmer, cls.east):
            setattr(cls, f"sink_{host.name}", host.traffic("tcp-sink", PORT))

    def begin(self, mtu, dfbit=0, hosts=None):
        """Hosts that know nothing, around a link that carries `mtu`."""
        for host in hosts or self.both:
            host.flush()
            host.run("ipsecctl", "set", "dfbit", str(dfbit))
        for host in self.all:
            host.run("sh", "-c", "ip -4 route flush cache; ip -6 route flush cache; ip tcp_metrics flush")
        for router in (self.near, self.far):
            router.run("ip", "link", "set", "eth1", "mtu", str(mtu))

    # -- the way

    def silent(self):
        """The routers say nothing about what they could not pass on."""
        for router in (self.near, self.far):
            router.run("nft", "-f", "-", text=NO_ERRORS)
            self.addCleanup(router.run, "nft", "delete table inet silent")

    def load(self, texts, hosts=None):
        for host, text in zip(hosts or self.both, texts):
            host.setkey(text)

    # -- what it must carry

    def path(self, *hosts):
        """The counters path.NAME of these hosts, added up."""
        total = {}
        for host in hosts or self.both:
            for name, value in host.json("stats")["other"].items():
                if name.startswith("path."):
                    total[name[5:]] = total.get(name[5:], 0) + value
        return total

    def grown(self, before, *hosts):
        after = self.path(*hosts)
        return {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name, 0)}

    def learnt(self, before, *hosts, times=(2, 3, 4)):
        """Both ends learnt the way, on a busy machine in more than one step, and disbelieved nobody."""
        grown = self.grown(before, *hosts)
        self.assertIn(grown.get("mtu_learnt", 0), times, grown)
        self.assertNotIn("mtu_ignored", grown)
        return grown

    def tcp(self, source, address):
        sender = source.traffic("tcp-send", address, PORT, OCTETS, 1e9, 60)
        said = sender.communicate(timeout=HANG_S)[0]
        self.assertEqual(sender.returncode, 0, f"{source.name} to {address}: {said}")

    def tcp_both_ways(self, family, one, other):
        """`one` and `other`: (host, its addresses by family)."""
        self.tcp(one[0], other[1][family])
        self.tcp(other[0], one[1][family])

    def datagrams(self, ways, sizes):
        """Whether some of each size arrive, on all `ways` (source, target, address) at once."""
        expected = {"received": 5 * len(sizes), "octets": 5 * sum(sizes)}
        counting = [target.traffic("udp-count", PORT + 1) for _, target, _ in ways]
        for sender in [source.traffic("udp-send", address, PORT + 1, 5 * len(sizes), 1000, ",".join(map(str, sizes)))
                       for source, _, address in ways]:
            sender.wait(timeout=20)
        said = [json.loads(process.communicate("\n", timeout=20)[0]) for process in counting]
        return all({name: got[name] for name in expected} == expected for got in said)

    def udp(self, family, one, other, sizes=SIZES):
        """All arrive, once the way is known: discovery costs datagrams where the sender forbids to cut."""
        ways = [(source[0], target[0], target[1][family]) for source, target in ((one, other), (other, one))]
        wait_for(f"datagrams of {sizes} octets", lambda: self.datagrams(ways, sizes))

    def carries(self, family, one, other, sizes=SIZES):
        self.tcp_both_ways(family, one, other)
        self.udp(family, one, other, sizes)

    @property
    def ends(self):
        return (self.relent, RELENT), (self.elmer, ELMER)

    @property
    def clients(self):
        return (self.west, WEST), (self.east, EAST)

    # -- topologies

    def test_ipv4_tunnel_the_way_is_learnt_and_the_sender_told(self):
        """
            relent ---- near ==1300== far ---- elmer
               (========== ESP, DF copied ========)
        """
        self.begin(1300, dfbit=2)
        self.load(flow("esp", "tunnel", (RELENT[4], ELMER[4]), (RELENT[4], ELMER[4])))
        before = self.path()
        with Tap(self.lab, "ip[6:2] & 0x3fff != 0", "mid") as pieces:
            self.tcp_both_ways(4, *self.ends)
        self.assertEqual(len(pieces.stop()), 0, "TCP in fragments")
        self.udp(4, *self.ends)
        grown = self.learnt(before)
        self.assertGreaterEqual(grown.get("too_big_told", 0), 2, grown)
        self.assertGreater(grown.get("cut_before", 0), 0, grown)

    def test_ipv4_tunnel_nobody_says_anything(self):
        """
            relent ---- near ==1300== far ---- elmer
               (============== ESP ===============)        the routers' errors are filtered
        """
        self.begin(1300)
        self.silent()
        self.load(flow("esp", "tunnel", (RELENT[4], ELMER[4]), (RELENT[4], ELMER[4])))
        before = self.path()
        with Tap(self.lab, "ip[6:2] & 0x3fff != 0", "mid") as pieces:
            self.carries(4, *self.ends)
        self.assertGreater(len(pieces.stop()), 0, "nothing was cut")
        self.assertNotIn("mtu_learnt", self.grown(before))

    def test_ipv4_tunnel_that_must_not_be_cut_and_nobody_says_anything(self):
        """
            relent ---- near ==1300== far ---- elmer
               (========= ESP with DF ============)        ICMP is filtered: TCP must do without
        """
        self.silent()
        for dfbit in (1, 2):
            with self.subTest(f"dfbit {dfbit}"):
                self.begin(1300, dfbit)
                self.load(flow("esp", "tunnel", (RELENT[4], ELMER[4]), (RELENT[4], ELMER[4])))
                before = self.path()
                self.carries(4, *self.ends, sizes=(64, 1000))
                grown = self.grown(before)
                self.assertGreaterEqual(grown.get("mss_lowered", 0), 4, grown)
                self.assertNotIn("mtu_learnt", grown)

    def test_ipv6_outside_the_way_is_learnt(self):
        """
            relent ---- near ==1280== far ---- elmer
               (======== ESP over IPv6 ===========)        IPv4 and IPv6 inside
        """
        for inner in (4, 6):
            with self.subTest(f"IPv{inner} inside"):
                self.begin(1280)
                self.load(flow("esp", "tunnel", (RELENT[6], ELMER[6]), (RELENT[inner], ELMER[inner])))
                before = self.path()
                self.carries(inner, *self.ends)
                grown = self.learnt(before)
                self.assertGreater(grown.get("mss_lowered", 0), 0, grown)
                self.assertGreater(grown.get("cut_before" if inner == 4 else "fragmented", 0), 0, grown)

    def test_ipv6_outside_nobody_says_anything(self):
        """
            relent ---- near ==1280== far ---- elmer
               (======== ESP over IPv6 ===========)        ICMPv6 is filtered: TCP must do without
        """
        self.silent()
        for inner in (4, 6):
            with self.subTest(f"IPv{inner} inside"):
                self.begin(1280)
                self.load(flow("esp", "tunnel", (RELENT[6], ELMER[6]), (RELENT[inner], ELMER[inner])))
                before = self.path()
                self.carries(inner, *self.ends, sizes=(64, 1000))
                grown = self.grown(before)
                self.assertGreaterEqual(grown.get("mss_lowered", 0), 4, grown)
                self.assertNotIn("mtu_learnt", grown)

    def test_a_tunnel_in_a_tunnel(self):
        """
            west ---- relent ---- near ==MTU== far ---- elmer ---- east
                         (=========== ESP ===========)
              (====================== ESP =======================)
        """
        clients = (self.west, self.east)
        for host in clients:
            host.start()
            self.addCleanup(host.stop)
            host.wait_ready()
        for family, mtu in ((4, 1300), (6, 1280)):
            for dfbit in (0, 2):
                with self.subTest(f"IPv{family}, dfbit {dfbit}"):
                    self.begin(mtu, dfbit, (*self.both, *clients))
                    self.load(flow("esp", "tunnel", (RELENT[family], ELMER[family]), NETS[family]))
                    self.load(flow("esp", "tunnel", (WEST[family], EAST[family]), (WEST[family], EAST[family]), SPI + 16), clients)
                    before = self.path(*clients)
                    self.carries(family, *self.clients)
                    if dfbit or family == 6:  # first the device's length, then what the way leaves of it
                        self.learnt(before, *clients, times=(2, 3, 4))

    def test_transport_mode(self):
        """
            relent ---- near ==MTU== far ---- elmer
               (------ ESP or AH, transport ------)
        """
        for family, mtu in ((4, 1300), (6, 1280)):
            for protocol in ("esp", "ah"):
                with self.subTest(f"{protocol}, IPv{family}"):
                    self.begin(mtu)
                    self.load(flow(protocol, "transport", (RELENT[family], ELMER[family]), (RELENT[family], ELMER[family])))
                    before = self.path()
                    self.carries(family, *self.ends)
                    self.learnt(before)

    def test_ah_and_esp_in_udp(self):
        """
            relent ---- near ==MTU== far ---- elmer
               (=== AH or UDP 4500, DF copied ====)
        """
        for protocol in ("ah", "esp-udp"):
            for family, mtu in ((4, 1300), (6, 1280)):
                with self.subTest(f"{protocol} over IPv{family}"):
                    self.begin(mtu, dfbit=2)
                    self.load(flow(protocol, "tunnel", (RELENT[family], ELMER[family]), (RELENT[4], ELMER[4])))
                    before = self.path()
                    self.carries(4, *self.ends)
                    self.learnt(before)

    def test_clients_behind_gateways(self):
        """
            west ---- relent ---- near ==MTU== far ---- elmer ---- east
                         (====== ESP, DF copied ======)
        """
        for outer, mtu in ((4, 1300), (6, 1280)):
            for inner in (4, 6):
                with self.subTest(f"IPv{inner} in IPv{outer}"):
                    self.begin(mtu, dfbit=2)
                    self.load(flow("esp", "tunnel", (RELENT[outer], ELMER[outer]), NETS[inner]))
                    before = self.path()
                    with Tap(self.lab, "icmp[0] = 3 or icmp6[0] = 2", "lan-w") as told:
                        self.carries(inner, *self.clients)
                    # IPv6 inside has no bit to copy: the routers may cut.
                    self.learnt(before, times=(0,) if (outer, inner) == (4, 6) else (2,))
                    self.assertGreater(len(told.stop()), 0, "the client was told nothing")

    def test_clients_that_hear_nothing(self):
        """
            west ---- relent ---- near ==MTU== far ---- elmer ---- east
                         (============ ESP ===========)        west and east filter ICMP
        """
        for host in (self.west, self.east):
            host.run("nft", "-f", "-", text=DEAF)
            self.addCleanup(host.run, "nft", "delete table inet deaf")
        for outer, mtu in ((4, 1300), (6, 1280)):
            for inner in (4, 6):
                with self.subTest(f"IPv{inner} in IPv{outer}"):
                    self.begin(mtu)
                    self.load(flow("esp", "tunnel", (RELENT[outer], ELMER[outer]), NETS[inner]))
                    before = self.path()
                    # No longer than the device takes: what is longer its kernel refuses, and they do not hear it.
                    self.carries(inner, *self.clients, sizes=(64, 1200, 1300))
                    self.learnt(before, times=(0,) if outer == 4 else (2,))

    def test_a_policy_for_everything_keeps_no_report_out(self):
        """
            relent ---- near ==MTU== far ---- elmer
               (========== ESP, DF copied ========)        relent takes nothing that is not protected
        """
        for family, mtu, everything in ((4, 1300, "0.0.0.0/0"), (6, 1280, "::/0")):
            for protocol in ("esp", "ah", "esp-udp"):
                with self.subTest(f"{protocol}, IPv{family}"):
                    self.begin(mtu, dfbit=2)
                    self.load(flow(protocol, "tunnel", (RELENT[family], ELMER[family]), (RELENT[family], everything)))
                    before = self.path(self.relent)
                    ways = [(self.relent, self.elmer, ELMER[family])]
                    wait_for("datagrams that need the way to be known", lambda: self.datagrams(ways, (64, 1300, 4000)))
                    self.learnt(before, self.relent, times=(1,))

    # -- lies

    def say(self, family, *packets, times=1):
        """The stranger sends these to relent."""
        lines = "".join(f"{RELENT[family]} {packet.hex()} {times}\n" for packet in packets)
        self.stranger.traffic("packets").communicate(lines, timeout=HANG_S)

    def last_number(self, family, header=0):
        """Of the packets relent sends to elmer."""
        at = 14 + (20 if family == 4 else 40) + header
        with Tap(self.lab, f"src host {RELENT[family]} and dst host {ELMER[family]}", "seg-w") as tap:
            self.relent.run("ping", "-n", "-c", "1", "-W", "3", ELMER[4])
            wait_for("a protected packet", lambda: tap.count)
        return struct.unpack_from("!I", tap.stop()[-1], at + 4)[0]

    def test_lies_change_nothing(self):
        """
            relent ---- near ------- far ---- elmer
               (====== ESP, AH, UDP 4500 =====)        a stranger beside relent forges reports
        """
        for family in (4, 6):
            for protocol, number, front, more in (("esp", ESP, 0, b""), ("ah", AH, 4, b""), ("esp-udp", UDP, 8, b"")):
                with self.subTest(f"{protocol}, IPv{family}"):
                    self.begin(1500, dfbit=2)
                    self.load(flow(protocol, "tunnel", (RELENT[family], ELMER[family]), (RELENT[4], ELMER[4])))
                    last = self.last_number(family, front)
                    head = {0: b"", 4: bytes([4, 4, 0, 0]), 8: struct.pack("!HHHH", 4500, 4500, 1000, 0)}[front]
                    lies = [spi_and_number(SPI + 7, last), spi_and_number(SPI, last + 1), spi_and_number(SPI, last + 1000),
                            struct.pack("!I", SPI)[:0 if protocol == "esp-udp" else 4]]
                    if protocol == "esp":
                        lies.pop()  # fewer than eight octets are no quotation: the kernel does not pass it on
                    before = self.path(self.relent)
                    self.say(family, *[too_big(family, 700, number, head + lie) for lie in lies])
                    wait_for("the lies to be counted", lambda: self.grown(before, self.relent).get("mtu_ignored", 0) == len(lies))
                    self.assertNotIn("mtu_learnt", self.grown(before, self.relent))
                    said = self.relent.out("ping", "-n", "-c", "3", "-i", "0.05", "-W", "3", "-s", "1300", "-M", "do", ELMER[4])
                    self.assertIn(" 3 received", said)
                    if family == 4:
                        self.assertNotIn("mtu", self.relent.out("ip", "route", "get", ELMER[4]), "the kernel believed it")

    def test_a_liar_on_the_way_gets_no_further_than_the_floor(self):
        """
            relent ---- liar ------- far ---- elmer
               (============= ESP ============)        the liar sees SPI and number
        """
        for family in (4, 6):
            with self.subTest(f"IPv{family}"):
                self.begin(1500)
                self.load(flow("esp", "tunnel", (RELENT[family], ELMER[family]), (RELENT[4], ELMER[4])))
                number = self.last_number(family)
                before = self.path(self.relent)
                self.say(family, too_big(family, 68, ESP, spi_and_number(SPI, number)))
                wait_for("the lie to be believed", lambda: "mtu_learnt" in self.grown(before, self.relent))
                with Tap(self.lab, f"src host {RELENT[family]}", "seg-w", snap=64) as tap:
                    self.tcp(self.relent, ELMER[4])
                lengths = [struct.unpack_from("!H", frame, 16 if family == 4 else 18)[0] + (0 if family == 4 else 40)
                           for frame in tap.stop() if frame[12:14] == (b"\x08\x00" if family == 4 else b"\x86\xdd")]
                self.assertLessEqual(max(lengths), FLOOR[family])
                self.assertGreater(max(lengths), FLOOR[family] - 64)

    def test_eight_quoted_octets_are_enough_for_esp(self):
        """
            relent ---- near ------- far ---- elmer
               (=== ESP, DF copied ===)        near quotes what RFC 792 asks for and no more
        """
        self.begin(1500, dfbit=2)
        self.load(flow("esp", "tunnel", (RELENT[4], ELMER[4]), (RELENT[4], ELMER[4])))
        number = self.last_number(4)
        before = self.path(self.relent)
        self.say(4, too_big(4, 1000, ESP, spi_and_number(SPI, number)))
        wait_for("it to be learnt", lambda: self.grown(before, self.relent).get("mtu_learnt") == 1)
        self.assertNotIn("mtu_ignored", self.grown(before, self.relent))

    def test_eight_quoted_octets_say_nothing_of_esp_in_udp(self):
        """
            relent ---- near ==1300== far ---- elmer
               (=========== ESP in UDP ===========)        the reports end with the UDP header: not believed, and not needed
        """
        self.begin(1300)
        self.silent()
        self.load(flow("esp-udp", "tunnel", (RELENT[4], ELMER[4]), (RELENT[4], ELMER[4])))
        before = self.path(self.relent)
        self.say(4, too_big(4, 1300, UDP, struct.pack("!HHHH", 4500, 4500, 1380, 0)))
        wait_for("the report to be counted", lambda: self.grown(before, self.relent).get("mtu_ignored") == 1)
        self.carries(4, *self.ends)
        self.assertNotIn("mtu_learnt", self.grown(before, self.relent))

    def test_a_flood_of_lies_stops_nothing_and_leaves_no_work(self):
        """
            relent ---- near ------- far ---- elmer
               (============ ESP =============)        a stranger fills relent's error queues
        """
        self.begin(1500)
        self.load(flow("esp", "tunnel", (RELENT[4], ELMER[4]), (RELENT[4], ELMER[4])))
        flood = [too_big(4, 700, ESP, spi_and_number(1, 1)), too_big(4, 700, AH, b"\4\4\0\0" + spi_and_number(1, 1)),
                 too_big(4, 700, UDP, struct.pack("!HHHH", 4500, 4500, 1000, 0) + spi_and_number(1, 1))]
        process = self.stranger.traffic("packets")
        process.stdin.write("".join(f"{RELENT[4]} {packet.hex()} 20000\n" for packet in flood))
        process.stdin.close()
        self.tcp_both_ways(4, *self.ends)
        self.assertEqual(process.wait(timeout=HANG_S), 0, process.stdout.read())
        pid = self.relent.service_pid("datapathd")

        def work():
            with open(f"/proc/{pid}/stat", encoding="ascii") as source:
                return sum(map(int, source.read().rsplit(")", 1)[1].split()[11:13]))

        self.spent = work()

        def rests():
            was, self.spent = self.spent, work()
            return self.spent == was

        wait_for("datapathd to rest", rests, every=0.3)
        self.assertEqual(self.relent.service_pid("datapathd"), pid)


labtest.main()
