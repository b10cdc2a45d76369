#!/usr/bin/python3
"""Algorithm, mode, family inside, family outside, encapsulation, extended numbers, padding: all of it through datapathd's own pipelines, both
ways, against tests/support/packet_model.py and scapy.

Usage: test_matrix.py PATH_TOOL. Every pair of these choices and a sample of the whole product; all of it with POSTERN_LONG in the environment.
"""

import logging
import os
import random
import sys
import unittest
import warnings
from dataclasses import dataclass
from itertools import combinations, product

warnings.filterwarnings("ignore")
logging.getLogger("scapy").setLevel(logging.ERROR)
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))

import packet_model as model  # noqa: E402
import scapy_sa  # noqa: E402
from ipsec_algs import AUTH, ENC  # noqa: E402
from packet_model import Step  # noqa: E402
from path_driver import (  # noqa: E402
    HERE, NET_HERE, NET_THERE, THERE, Path, association, clear, datagram, plain, statements, tool_of)

TOOL = tool_of(sys.argv)
LONG = bool(os.environ.get("POSTERN_LONG"))
SAMPLE = 2000
AT_ONCE = 300  # a service remembers the keys of counter modes for ever, and there is an end to that
SIZES = (0, 1, 7, 8, 13, 14, 15, 16, 31, 63, 64, 100, 500, 1399, 1400, 4001)
# Names of values cut shorter than the algorithm's own; setkey has a word for these.
CUT = {"hmac-sha256": 12, "hmac-sha384": 12, "hmac-sha512": 12}


@dataclass(frozen=True)
class Case:
    cipher: tuple  # proto, name, octets of key
    auth: tuple  # name, octets of key, octets of ICV or 0
    way: tuple  # mode, family inside, family outside
    strict: bool  # an SA of mode transport or tunnel, not any
    udp: bool
    esn: bool
    pad: str

    def pairs(self):
        return combinations(enumerate((self.cipher, self.auth, self.way, self.strict, self.udp, self.esn, self.pad)), 2)

    def association(self, back):
        proto, enc, enc_len = self.cipher
        auth, auth_len, icv_len = self.auth
        mode, _, outer = self.way
        more = {"enc": enc, "enc_len": enc_len} if proto == "esp" else {}
        return association(proto, outer, back, mode if self.strict else "any", auth=auth, auth_len=auth_len, icv_len=icv_len, esn=self.esn,
                           udp=(4500, 32123) if self.udp else (), pad=self.pad, **more)

    def ends(self):
        mode, inner, _ = self.way
        return (NET_HERE[inner], NET_THERE[inner]) if mode == "tunnel" else (HERE[inner], THERE[inner])


def auths(esp):
    for name, facts in AUTH.items():
        if facts.esp or not esp:
            for length in facts.keys:
                yield name, length, 0
            if name in CUT:
                yield name, facts.keys[0], CUT[name]


def suites():
    for name, facts in ENC.items():
        for length in facts.keys:
            if facts.icv == 0:
                yield from ((("esp", name, length), auth) for auth in auths(True))
            if facts.icv or facts.kind != "ctr":
                yield ("esp", name, length), ("", None, 0)
    yield from ((("ah", "", None), auth) for auth in auths(False))


WAYS = [("transport", n, n) for n in (4, 6)] + [("tunnel", *both) for both in product((4, 6), repeat=2)]


def every_case():
    for (cipher, auth), way, strict in product(suites(), WAYS, (False, True)):
        esp = cipher[0] == "esp"
        authentic = auth[0] or ENC[cipher[1]].icv
        for udp, esn, pad in product((False, True) if esp else (False,), (False, True) if authentic else (False,), ("seq", "zero", "random") if esp else ("seq",)):
            yield Case(cipher, auth, way, strict, udp, esn, pad)


def chosen(cases):
    """Enough of them that every pair of choices that goes together is there, and some more."""
    random.shuffle(cases)
    seen, taken, left = set(), [], []
    for case in cases:
        new = set(case.pairs()) - seen
        (taken if new else left).append(case)
        seen |= new
    return taken + random.sample(left, SAMPLE)


class Matrix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        random.seed(4301)

    def out(self, step, source, target):
        packets = [plain(source, target, size) for size in random.sample(SIZES, 3)]
        for packet, answer in zip(packets, self.path.out(*packets)):
            self.assertEqual((answer.verdict, answer.reason), ("send", ""))
            self.assertEqual(model.open_([step], answer.data), packet)

    def back(self, step, source, target):
        packets = [plain(source, target, size) for size in random.sample(SIZES, 3)]
        for packet, answer in zip(packets, self.path.wire(*(model.seal([step], packet) for packet in packets))):
            self.assertEqual((answer.verdict, answer.reason, answer.data), ("deliver", "", packet))

    def scapys(self, out, back, here, there):
        """The same with scapy in the model's place."""
        packet = plain(here, there, 77)
        self.assertEqual(scapy_sa.open_(out, self.path.out(packet)[0].data), packet)
        packet = plain(there, here, 77)
        answer, = self.path.wire(scapy_sa.seal(back, packet))
        self.assertEqual((answer.verdict, answer.data), ("deliver", packet))

    def try_case(self, case):
        out, back = (Step(case.association(way), case.way[0] == "tunnel") for way in (False, True))
        here, there = case.ends()
        self.path.begin(statements([out], [back], here, there))
        self.out(out, here, there)
        self.back(back, there, here)
        if scapy_sa.knows(out.sa):
            self.scapys(out, back, here, there)
            return 1
        return 0

    def test_everything_with_everything(self):
        cases, with_scapy = list(every_case()), 0
        picked = cases if LONG else chosen(cases)
        self.assertEqual({case.auth for case in picked} | {case.cipher for case in picked}, {x for suite in suites() for x in suite})
        for n in range(0, len(picked), AT_ONCE):
            self.path = Path(TOOL)
            for case in picked[n : n + AT_ONCE]:
                with self.subTest(case=case):
                    with_scapy += self.try_case(case)
            self.path.close()
        self.assertGreater(with_scapy, len(picked) // 5)
        print(f"{len(picked)} of {len(cases)} combinations, {with_scapy} of them with scapy")


class Outside(unittest.TestCase):
    """What the administrator chooses for outer headers, and what routers write there."""

    @classmethod
    def setUpClass(cls):
        random.seed(6040)
        cls.path = Path(TOOL)

    @classmethod
    def tearDownClass(cls):
        cls.path.close()

    def host(self, proto, inner, outer):
        out, back = (Step(association(proto, outer, way), True) for way in (False, True))
        self.path.begin(statements([out], [back], NET_HERE[inner], NET_THERE[inner]))
        return out, back

    def test_dont_fragment_and_traffic_class(self):
        for proto, inner, outer in product(("esp", "ah"), (4, 6), (4, 6)):
            out, _ = self.host(proto, inner, outer)
            for dfbit, ecn, dscp in product((0, 1, 2), (0, 1), (0, 1)):
                self.path.ask(tune={"dfbit": dfbit, "ecn": ecn, "dscp": dscp})
                packets = [plain(NET_HERE[inner], NET_THERE[inner], 9, tos=tos, df=df) for tos in (0, 1, 2, 3, 0xB8, 0xBB, 0xFF) for df in (0, 1)]
                for packet, answer in zip(packets, self.path.out(*packets)):
                    with self.subTest(proto=proto, inner=inner, outer=outer, dfbit=dfbit, ecn=ecn, dscp=dscp, packet=packet.hex()):
                        self.assertEqual(model.open_([out], answer.data, model.Tune(dfbit, ecn, dscp)), packet)

    def test_congestion_marks_come_through(self):
        """RFC 6040 section 4.2, every cell; whoever never shows marks outside does not believe them either."""
        for proto, inner, outer, ecn in product(("esp", "ah"), (4, 6), (4, 6), (1, 0)):
            _, back = self.host(proto, inner, outer)
            self.path.ask(tune={"ecn": ecn})
            for mine, theirs, dscp in product(range(4), range(4), (0, 0xB8)):
                packet = plain(NET_THERE[inner], NET_HERE[inner], 9, tos=dscp | mine)
                wire = model.with_class(model.seal([back], packet), 0x48 | theirs)
                answer, = self.path.wire(wire)
                with self.subTest(proto=proto, inner=inner, outer=outer, ecn=ecn, mine=mine, theirs=theirs):
                    try:
                        want = model.with_class(packet, model.ecn_received(theirs, dscp | mine) if ecn else dscp | mine)
                    except ValueError:
                        self.assertEqual((answer.verdict, answer.reason), ("drop", "in_ecn"))
                        continue
                    self.assertEqual((answer.verdict, answer.data), ("deliver", want))
            self.path.ask(tune={"ecn": 1})

    def test_transport_mode_keeps_the_header_it_has(self):
        for family, proto in product((4, 6), ("esp", "ah")):
            out, back = (Step(association(proto, family, way), False) for way in (False, True))
            self.path.begin(statements([out], [back], HERE[family], THERE[family]))
            self.path.ask(tune={"dfbit": 1, "ecn": 0, "dscp": 0})
            packet = plain(HERE[family], THERE[family], 9, tos=0xBB, df=0)
            self.assertEqual(model.open_([out], self.path.out(packet)[0].data), packet)
            packet = plain(THERE[family], HERE[family], 9, tos=0xB8)
            answer, = self.path.wire(model.with_class(model.seal([back], packet), 0xBB))
            self.assertEqual((answer.verdict, answer.data), ("deliver", model.with_class(packet, 0xBB)))
            self.path.ask(tune={"dfbit": 0, "ecn": 1, "dscp": 1})

    def test_an_identification_of_zero_is_replaced(self):
        """The kernel would choose one behind AH's back."""
        for proto in ("esp", "ah"):
            out, back = (Step(association(proto, 4, way), False) for way in (False, True))
            self.path.begin(statements([out], [back], HERE[4], THERE[4]))
            packet = plain(HERE[4], THERE[4], 8)
            got = model.open_([out], self.path.out(model.with_ident(packet, 0))[0].data)
            ident = int.from_bytes(got[4:6], "big")
            self.assertNotEqual(ident, 0)
            self.assertEqual(got, model.with_ident(packet, ident))

    def test_checksums_behind_a_translator_are_made_anew(self):
        """RFC 3948 section 3.1.2: the sender's had its private address under it."""
        for family, private in ((4, "172.16.0.9"), (6, "fd00::9")):
            _, back = (Step(association("esp", family, way, udp=(4500, 4500)), False) for way in (False, True))
            self.path.begin(statements([], [back], HERE[family], THERE[family]).replace("-P out ipsec ;", "-P out none;"))
            sent, want = (clear(source, HERE[family], datagram(31, data=b"x" * 31), 17, tos=0, df=0, ttl=9) for source in (private, THERE[family]))
            # What arrives: the translator's address in front, the sender's checksum inside.
            wire = model.seal([back], want[:-39] + sent[-39:])
            answer, = self.path.wire(wire)
            self.assertNotEqual(sent[-33:-31], want[-33:-31])
            self.assertEqual((answer.verdict, answer.data[8:]), ("deliver", want[8:]))

    def test_checksums_behind_a_translator_and_another_header(self):
        """What is compressed, or protected twice, has the sender's private address under it as well."""
        private = "172.16.0.9"
        for inside in ("ipcomp", "esp"):
            back = [Step(association(inside, 4, True), False), Step(association("esp", 4, True, udp=(4500, 4500)), False)]
            self.path.begin(statements([], back, HERE[4], THERE[4]).replace("-P out ipsec ;", "-P out none;"))
            sent, want = (clear(source, HERE[4], datagram(300, data=b"x" * 300), 17, tos=0, df=0, ttl=9) for source in (private, THERE[4]))
            answer, = self.path.wire(model.seal(back, want[:20] + sent[20:]))
            self.assertNotEqual(sent[20:], want[20:])
            self.assertEqual((answer.verdict, answer.data[20:]), ("deliver", want[20:]))

    def test_checksums_in_a_tunnel_are_the_receivers_to_judge(self):
        """RFC 3948 section 3.1.2: no translator has touched them, so one that is wrong was wrong from the start."""
        for family in (4, 6):
            back = Step(association("esp", family, True, udp=(4500, 4500)), True)
            self.path.begin(statements([], [back], NET_HERE[family], NET_THERE[family]).replace("-P out ipsec ;", "-P out none;"))
            packet = bytearray(clear(NET_THERE[family], NET_HERE[family], datagram(31), 17))
            packet[-33] ^= 1
            answer, = self.path.wire(model.seal([back], bytes(packet)))
            self.assertEqual((answer.verdict, answer.data), ("deliver", bytes(packet)))


if __name__ == "__main__":
    unittest.main()
