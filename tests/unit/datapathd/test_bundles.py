#!/usr/bin/python3
"""Several headers around one packet, compression, extension headers, options and fragments: datapathd's own pipelines, both ways, against
tests/support/packet_model.py.

Usage: test_bundles.py PATH_TOOL.
"""

import os
import random
import struct
import sys
import unittest
from collections import Counter
from itertools import permutations, product

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))

import packet_model as model  # noqa: E402
from packet_model import Step  # noqa: E402
from path_driver import (  # noqa: E402
    HERE, NET_HERE, NET_THERE, THERE, Moved, Path, association, clear, datagram, plain, rand, statements, tool_of)

TOOL = tool_of(sys.argv)
WORDS = (b"GET / HTTP/1.1\r\n", b"Host: ", b"postern ", b"tunnel ", b"0123456789")


def text(n):
    """What shrinks."""
    return b"".join(random.choice(WORDS) for _ in range(n // 6 + 1))[:n]


def bundle(protos, modes, outer, back, strict=False, nets=None):
    """Steps innermost first. A request id each, so that two of a kind are told apart; without a cipher now and then, so that there is
    something to compress outside too."""
    steps = []
    for number, (proto, tunnel) in enumerate(zip(protos, modes)):
        more = {}
        if proto == "esp":
            more = {"enc": "null" if "ipcomp" in protos[number:] else "aes-cbc", "auth": "hmac-sha256"}
        mode = ("tunnel" if tunnel else "transport") if strict else "any"
        ends = nets[number] if nets else (HERE[outer], THERE[outer])
        sa = association(proto, back=back, mode=mode, spi=0x1000 + 2 * number + back, ends=ends, reqid=1 + 2 * number + back, **more)
        steps.append(Step(sa, tunnel))
    return steps


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        random.seed(3173)
        cls.path = Path(TOOL)

    @classmethod
    def tearDownClass(cls):
        cls.path.close()

    def begin(self, out, back, here, there, options="-r 32", **more):
        self.path.begin(statements(out, back, here, there, options, **more))

    def agree(self, out, back, here, there, *packets):
        """Those from here leave as the model reads them, and those from there arrive as it wrote them."""
        ours = [packet for packet, way in packets if way == "out"]
        if ours:
            for packet, answer in zip(ours, self.path.out(*ours)):
                self.assertEqual((answer.verdict, answer.reason), ("send", ""))
                self.assertEqual(model.open_(out, answer.data), packet)
        theirs = [packet for packet, way in packets if way == "in"]
        if theirs:
            for packet, answer in zip(theirs, self.path.wire(*(model.seal(back, packet) for packet in theirs))):
                self.assertEqual((answer.verdict, answer.reason), ("deliver", ""))
                self.assertEqual(answer.data, packet)


def both_ways(here, there, make):
    return [(make(here, there), "out"), (make(there, here), "in")]


class Bundles(Case):
    def shapes(self):
        """Protocols and modes innermost first, families inside and outside."""
        for n in (1, 2, 3):
            for protos in product(("esp", "ah", "ipcomp"), repeat=n):
                if protos.count("ipcomp") > 1:  # nothing shrinks twice, and the well-known CPI names one association
                    continue
                for modes in product((False, True), repeat=n):
                    for inner, outer in product((4, 6), repeat=2):
                        if modes[0] or inner == outer:
                            yield protos, modes, inner, outer

    def try_shape(self, protos, modes, inner, outer, strict):
        out, back = (bundle(protos, modes, outer, way, strict) for way in (False, True))
        here, there = (NET_HERE[inner], NET_THERE[inner]) if modes[0] else (HERE[inner], THERE[inner])
        self.begin(out, back, here, there)
        packets = []
        # What did not shrink does not begin with a header of IPsec when compression is outermost; then it is no packet for datapathd.
        sizes = (200, 900, 1400) if protos[-1] == "ipcomp" else random.sample((0, 30, 89, 90, 91, 400, 1400), 3)
        for size, content in product(sizes, (text,) if protos[-1] == "ipcomp" else (rand, text)):
            packets += both_ways(here, there, lambda a, b: clear(a, b, content(size)))
        self.agree(out, back, here, there, *packets)

    def test_every_order_of_up_to_three_headers(self):
        for shape, strict in product(self.shapes(), (False, True)):
            with self.subTest(shape=shape, strict=strict):
                self.try_shape(*shape, strict)

    def test_tunnels_in_tunnels_of_other_families(self):
        """Each tunnel ends on the same two hosts, under another address of theirs."""
        ends = {4: [("10.9.0.1", "10.9.0.2"), ("10.8.0.1", "10.8.0.2")], 6: [("2001:db8:9::1", "2001:db8:9::2"), ("2001:db8:8::1", "2001:db8:8::2")]}
        for inner, middle, outer in product((4, 6), repeat=3):
            for protos in product(("esp", "ah"), repeat=2):
                nets = [ends[middle][0], ends[outer][1]]
                with self.subTest(families=(inner, middle, outer), protos=protos):
                    out, back = (bundle(protos, (True, True), outer, way, nets=nets) for way in (False, True))
                    self.begin(out, back, NET_HERE[inner], NET_THERE[inner])
                    self.agree(out, back, NET_HERE[inner], NET_THERE[inner], *both_ways(
                        NET_HERE[inner], NET_THERE[inner], lambda a, b: plain(a, b, 333)))

    def test_transport_mode_in_a_tunnel_to_another_address(self):
        for inner, outer, proto, around in product((4, 6), (4, 6), ("esp", "ah"), ("esp", "ah")):
            here, there = NET_HERE[inner], NET_THERE[inner]
            with self.subTest(inner=inner, outer=outer, proto=proto, around=around):
                nets = [(here, there), (HERE[outer], THERE[outer])]
                out, back = (bundle((proto, around), (False, True), outer, way, nets=nets) for way in (False, True))
                self.begin(out, back, here, there)
                self.agree(out, back, here, there, *both_ways(here, there, lambda a, b: plain(a, b, 333)))

    def test_a_header_for_another_host_is_passed_on(self):
        """A gateway forwards what two hosts behind it protect between themselves, whatever SPI they have chosen."""
        out, back = bundle(("esp",), (True,), 4, False), bundle(("esp",), (True,), 4, True)
        self.begin(out, back, NET_HERE[4], NET_THERE[4])
        theirs = bundle(("esp",), (False,), 4, False, nets=[(NET_THERE[4], NET_HERE[4])])
        theirs[0].sa.spi = back[0].sa.spi
        packet = model.seal(theirs, plain(NET_THERE[4], NET_HERE[4], 50))
        self.agree(out, back, NET_HERE[4], NET_THERE[4], (packet, "in"))

    def test_ten_headers(self):
        for inner, outer in product((4, 6), repeat=2):
            protos = ("ah", "esp", "ah", "esp", "ipcomp", "ah", "esp", "ah", "esp", "ah")
            modes = (True, True, False, False, True, True, True, False, False, True)
            with self.subTest(inner=inner, outer=outer):
                out, back = (bundle(protos, modes, outer, way) for way in (False, True))
                here, there = NET_HERE[inner], NET_THERE[inner]
                self.begin(out, back, here, there)
                for content in (rand, text):
                    self.agree(out, back, here, there, *both_ways(here, there, lambda a, b: clear(a, b, content(700))))

    def test_udp_around_a_bundle(self):
        for protos, modes, inner, outer in self.shapes():
            if protos[-1] != "esp":
                continue
            with self.subTest(shape=(protos, modes, inner, outer)):
                out, back = (bundle(protos, modes, outer, way) for way in (False, True))
                out[-1].sa.udp, back[-1].sa.udp = (4500, 4500), (61000, 4500)
                here, there = (NET_HERE[inner], NET_THERE[inner]) if modes[0] else (HERE[inner], THERE[inner])
                self.begin(out, back, here, there)
                self.agree(out, back, here, there, *both_ways(here, there, lambda a, b: plain(a, b, 91)))

    def test_counters_are_the_sums_of_their_histograms(self):
        for protos in (("esp",), ("ah",), ("ipcomp", "esp"), ("esp", "ah"), ("ipcomp", "esp", "ah"), ("ah", "esp")):
            for inner, outer in ((4, 4), (6, 6), (6, 4), (4, 6)):
                out, back = (bundle(protos, (True,) + (False,) * 2, outer, way) for way in (False, True))
                here, there = NET_HERE[inner], NET_THERE[inner]
                self.begin(out, back, here, there)
                with self.subTest(protos=protos, inner=inner, outer=outer):
                    with Moved(self.path) as moved:
                        self.agree(out, back, here, there, *both_ways(here, there, lambda a, b: clear(a, b, text(500))))
                    ah, esp, prefix = protos.count("ah"), protos.count("esp"), "ip6." if outer == 6 else ""
                    want = {"in_success": len(protos), "out_success": len(protos), "in_ahauthsucc": ah, "in_espauthsucc": esp,
                            "in_hist.ah.hmac-sha2-256": ah, "out_hist.ah.hmac-sha2-256": ah, "in_hist.ipcomp.deflate": protos.count("ipcomp"),
                            "out_hist.ipcomp.deflate": protos.count("ipcomp")}
                    for step in out:
                        if step.sa.proto == "esp":
                            name = {"null": "null", "aes-cbc": "rijndael-cbc"}[step.sa.enc]
                            want |= {f"in_hist.esp.{name}": esp, f"out_hist.esp.{name}": esp}
                    self.assertEqual(moved.ipsec(), {prefix + name: n for name, n in want.items() if n})


class Demands(Case):
    """What came by which headers, against each way of dealing the headers out to the requests of the policy."""

    PROTOS, TUNNELS = ("esp", "esp", "ah"), (False, False, False, True)

    def meets(self, step, demand):
        proto, tunnel, level, reqid = demand
        return step.sa.proto == proto and step.tunnel == tunnel and (level != "unique" or step.sa.reqid == reqid)

    def satisfied(self, steps, demands):
        needed = [demand for demand in demands if demand[2] != "use"]
        return any(all(map(self.meets, dealt, needed)) for dealt in permutations(steps, len(needed)))

    def words(self, demand):
        proto, tunnel, level, reqid = demand
        ends = f"{THERE[4]}-{HERE[4]}" if tunnel else ""
        return f"{proto}/{'tunnel' if tunnel else 'transport'}/{ends}/{level}" + (f":{reqid}" if level == "unique" else "")

    def test_any_association_for_a_demand_leaves_the_one_another_demand_names(self):
        came = Counter()
        for _ in range(300):
            steps = [Step(association(random.choice(self.PROTOS), back=True, mode="any", spi=0x1000 + n, reqid=1 + n), random.choice(self.TUNNELS))
                     for n in range(random.randint(1, 5))]
            # Mostly what was applied, in another order and told apart or not; now and then one header less or of another kind.
            demands = [(step.sa.proto, step.tunnel, random.choice(("require", "unique", "use")), step.sa.reqid)
                       for step in random.sample(steps, random.randint(1, len(steps)))]
            used = [step for step in steps if random.random() < 0.8] or steps
            self.path.begin("".join(step.sa.statement("-r 32") for step in steps)
                            + f"spdadd 0.0.0.0/0 0.0.0.0/0 any -P in ipsec {' '.join(map(self.words, demands))};\n")
            answer, = self.path.wire(model.seal(used, plain(THERE[4], HERE[4], 50)))
            want = ("deliver", "") if self.satisfied(used, demands) else ("drop", "in_unprotected")
            self.assertEqual((answer.verdict, answer.reason), want, f"{demands}, by {[(s.sa.proto, s.tunnel, s.sa.reqid) for s in used]}")
            came[want[0]] += 1
        self.assertGreater(min(came["deliver"], came["drop"]), sum(came.values()) // 10)


class Lengths(Case):
    def test_longest_packet_of_each_kind(self):
        """One octet less and one more than the longest that fits. `over` is what the header adds, `unit` its alignment."""
        for proto, tunnel, family in product(("esp", "ah"), (False, True), (4, 6)):
            out = [Step(association(proto, family, enc="null" if proto == "esp" else None, auth="hmac-md5"), tunnel)]
            back = [Step(association(proto, family, True, enc="null" if proto == "esp" else None, auth="hmac-md5"), tunnel)]
            here, there = (NET_HERE[4], NET_THERE[4]) if tunnel else (HERE[family], THERE[family])
            self.begin(out, back, here, there)
            base = len(plain(here, there, 0))
            # What may stand behind the outer IP header, and how much of it is not the packet's.
            room = 65535 - (20 if family == 4 else 40)
            most = (room - 20) // 4 * 4 - 2 if proto == "esp" else room - 24
            most = min(most if tunnel else most + base, 65535)
            for size in (most - base - 1, most - base):
                with self.subTest(proto=proto, tunnel=tunnel, family=family, size=size):
                    self.agree(out, back, here, there, (clear(here, there, rand(size)), "out"))
            if most < 65535:
                with self.subTest(proto=proto, tunnel=tunnel, family=family, size="too long"):
                    answer, *more = self.path.out(clear(here, there, rand(most - base + 1), df=0))
                    self.assertEqual((answer.verdict, answer.reason), ("cut", "") if tunnel else ("drop", "out_toobig"))
                    # Two pieces; or what a sender of IPv6 is told, who alone could have cut it.
                    self.assertEqual([packet.verdict for packet in more], ["send", "send"] if tunnel else ["deliver"] * (family == 6))

    def test_boundaries_of_blocks_and_of_compression(self):
        for protos, family in product((("esp",), ("ah",), ("ipcomp", "esp"), ("esp", "ah")), (4, 6)):
            out, back = (bundle(protos, (False,) * 2, family, way) for way in (False, True))
            here, there = HERE[family], THERE[family]
            self.begin(out, back, here, there)
            for size in (*range(0, 40), *range(86, 100), 255, 256, 257, 1279, 1280, 1281, 1499, 1500, 9000, 16384, 32767, 65000):
                with self.subTest(protos=protos, family=family, size=size):
                    content = random.choice((rand, text))
                    self.agree(out, back, here, there, *both_ways(here, there, lambda a, b: clear(a, b, content(size))))


def extension(kind, options):
    """Filled with PadN to eight octets."""
    n = -(2 + len(options)) % 8
    options += bytes([1, n - 2]) + bytes(n - 2) if n > 1 else bytes(n)
    return kind, bytes([(2 + len(options)) // 8 - 1]) + options


def route(kind, *addresses):
    body = b"".join(bytes.fromhex("20010db8000" + str(n)) + bytes(9) + b"\x01" for n in addresses)
    return 43, bytes([2 * len(addresses), kind, len(addresses)]) + bytes(4) + body


HOP = extension(0, bytes.fromhex("05020000") + b"\x3e\x05muted")
DEST = extension(60, b"\x1e\x03abc\xfe\x06mutedd")
CHAINS = {"hop-by-hop": [HOP], "destination": [DEST], "both": [HOP, DEST], "route": [route(2, 7)], "everything": [HOP, DEST, route(0, 7, 8), DEST],
          "two destinations": [DEST, DEST]}
OPTIONS = {"router alert": "94040000", "record route": "0707040a00000100", "stamp": "0144080500000000000000" + "00",
           "both kinds": "94040000070704c0a8010100", "end and rubbish": "00aabbcc"}


class Headers(Case):
    def shapes(self, family):
        for protos in (("esp",), ("ah",), ("esp", "ah"), ("ah", "esp"), ("ipcomp", "esp"), ("ipcomp", "ah")):
            for modes in ((False, False), (True, False)):
                yield protos, modes, family if not modes[0] else 4
                if modes[0]:
                    yield protos, modes, 6

    def test_ipv6_extension_headers(self):
        for name, chain in CHAINS.items():
            for protos, modes, outer in self.shapes(6):
                with self.subTest(chain=name, protos=protos, modes=modes, outer=outer):
                    out, back = (bundle(protos, modes, outer, way) for way in (False, True))
                    here, there = (NET_HERE[6], NET_THERE[6]) if modes[0] else (HERE[6], THERE[6])
                    if not modes[0]:
                        for step in back:  # associations are of the last host, to which its packets have come when they are opened
                            step.sa.dst = model.ah6_model.travel(clear(there, here, b"", ext=chain))[24:40]
                    self.path.begin("".join(s.sa.statement("-r 32" if s.sa.proto != "ipcomp" else "") for s in out + back)
                                    + statements(out, back, "::/0", "::/0").split(";\n", len(out + back))[-1])
                    packet = clear(here, there, text(300), ext=chain)
                    answer, = self.path.out(packet)
                    self.assertEqual((answer.verdict, answer.reason), ("send", ""))
                    self.assertEqual(model.open_(out, answer.data), packet)
                    packet = clear(there, here, text(300), ext=chain)
                    sealed, packet = model.seal(back, packet), packet if modes[0] else model.ah6_model.travel(packet)
                    answer, = self.path.wire(sealed if modes[0] else model.ah6_model.travel(sealed))
                    self.assertEqual((answer.verdict, answer.reason, answer.data), ("deliver", "", packet))

    def test_ipv4_options(self):
        for name, options in OPTIONS.items():
            for protos, modes, outer in self.shapes(4):
                with self.subTest(options=name, protos=protos, modes=modes, outer=outer):
                    out, back = (bundle(protos, modes, outer, way) for way in (False, True))
                    here, there = (NET_HERE[4], NET_THERE[4]) if modes[0] else (HERE[4], THERE[4])
                    self.begin(out, back, here, there)
                    self.agree(out, back, here, there, *both_ways(
                        here, there, lambda a, b: clear(a, b, text(300), options=bytes.fromhex(options))))

    def test_a_source_route_cannot_be_signed(self):
        out, back = bundle(("ah",), (False,), 4, False), bundle(("ah",), (False,), 4, True)
        self.begin(out, back, HERE[4], THERE[4])
        packet = clear(HERE[4], THERE[4], b"x" * 30, options=bytes.fromhex("8307040a09090900"))
        answer, = self.path.out(packet)
        self.assertEqual((answer.verdict, answer.reason), ("drop", "out_header"))

    def test_routers_may_change_what_is_theirs(self):
        out, back = bundle(("ah",), (False,), 6, False), bundle(("ah",), (False,), 6, True)
        self.begin(out, back, HERE[6], THERE[6])
        packet = clear(THERE[6], HERE[6], text(50), ext=[HOP, DEST])
        changed = model.ah6_model.meddle(model.seal(back, packet), lambda octet: octet ^ 1 if octet else 3)
        answer, = self.path.wire(changed)
        self.assertEqual((answer.verdict, answer.reason), ("deliver", ""))
        self.assertEqual(answer.data, model.ah6_model.meddle(packet, lambda octet: octet ^ 1 if octet else 3)[:40] + answer.data[40:])


class Fragments(Case):
    def pieces(self, packet, size=512):
        """A packet cut in pieces of `size` octets of payload."""
        at, names = model.insertion(packet)
        head, kind, payload = packet[:at], packet[names], packet[at:]
        ident = random.getrandbits(32)
        for offset in range(0, len(payload), size):
            more = offset + size < len(payload)
            if packet[0] >> 4 == 4:
                cut = head[:6] + struct.pack("!H", more << 13 | offset // 8) + head[8:]
                yield model.with_payload(cut, 9, kind, payload[offset : offset + size])
            else:
                header = struct.pack("!BBHI", kind, 0, offset | more, ident)
                yield model.with_payload(head, names, 44, header + payload[offset : offset + size])

    def test_fragments_in_tunnels_with_later_ones_under_policies_with_ports(self):
        for inner, outer, proto in product((4, 6), (4, 6), ("esp", "ah")):
            with self.subTest(inner=inner, outer=outer, proto=proto):
                out, back = (bundle((proto,), (True,), outer, way) for way in (False, True))
                here, there = NET_HERE[inner], NET_THERE[inner]
                self.path.begin("".join(s.sa.statement("-r 32") for s in out + back)
                                + f"spdadd {here}[1111] {there}[2222] udp -P out ipsec {out[0].request()};\n"
                                + f"spdadd {there}[2222] {here}[1111] udp -P in ipsec {back[0].request()};\n")
                ours = list(self.pieces(clear(here, there, datagram(2000), 17, df=0)))
                theirs = list(self.pieces(clear(there, here, datagram(2000, 2222, 1111), 17, df=0)))
                # Of one whose first fragment was not seen the ports are not known: protected rather than not.
                self.agree(out, back, here, there, (ours[1], "out"), (theirs[1], "in"))
                self.agree(out, back, here, there, *((piece, "out") for piece in ours), *((piece, "in") for piece in theirs))
                strangers = list(self.pieces(clear(here, there, datagram(2000, 1111, 2223), 17, df=0)))
                self.assertEqual({answer.reason for answer in self.path.out(*strangers)}, {"out_nopolicy"})
                strangers = self.pieces(clear(there, here, datagram(2000, 2222, 1112), 17, df=0))
                answers = self.path.wire(*(model.seal(back, piece) for piece in strangers))
                self.assertEqual({answer.reason for answer in answers}, {"in_nopolicy"})

    def test_transport_mode_puts_them_together_first(self):
        for family, protos in product((4, 6), (("esp",), ("ah",), ("ipcomp", "esp"), ("esp", "ah"))):
            with self.subTest(family=family, protos=protos):
                out, back = (bundle(protos, (False,) * 2, family, way) for way in (False, True))
                self.begin(out, back, HERE[family], THERE[family])
                whole = clear(HERE[family], THERE[family], datagram(3000), 17, df=0)
                pieces = list(self.pieces(whole))
                random.shuffle(pieces)
                *held, last = self.path.out(*pieces)
                self.assertEqual({answer.verdict for answer in held}, {"held"})
                self.assertEqual((last.verdict, last.reason), ("send", ""))
                self.assertEqual(model.open_(out, last.data), whole)

    def test_who_sent_fragments_is_not_told_that_the_whole_is_too_long(self):
        for family in (4, 6):
            out, back = (bundle(("esp",), (False,), family, way) for way in (False, True))
            self.begin(out, back, HERE[family], THERE[family])
            self.agree(out, back, HERE[family], THERE[family], (plain(HERE[family], THERE[family], 100), "out"))
            known = self.path.ask(report={"dst": THERE[family], "proto": 50, "spi": out[0].sa.spi, "seq": 1, "mtu": 1300})
            self.assertTrue(known["learnt"])
            whole = clear(HERE[family], THERE[family], datagram(3000), 17, df=0)
            answers = self.path.out(*self.pieces(whole))
            self.assertEqual({answer.verdict for answer in answers[:-1]}, {"held"})
            self.assertEqual(answers[-1].verdict, "send")
            self.assertEqual(model.open_(out, answers[-1].data), whole)
            verdicts = [answer.verdict for answer in self.path.out(clear(HERE[family], THERE[family], datagram(3000), 17, df=1))]
            self.assertEqual(verdicts, ["send", "deliver"] if family == 6 else ["drop", "deliver"])

    def test_fragments_of_protected_packets_are_not_for_this_side_of_the_kernel(self):
        for family, proto in product((4, 6), ("esp", "ah")):
            out, back = (bundle((proto,), (True,), family, way) for way in (False, True))
            self.begin(out, back, NET_HERE[4], NET_THERE[4])
            for piece in self.pieces(model.seal(back, plain(NET_THERE[4], NET_HERE[4], 1400))):
                answer, = self.path.raw(piece)
                self.assertEqual((answer.verdict, answer.reason), ("drop", "in_malformed"))


if __name__ == "__main__":
    unittest.main()
