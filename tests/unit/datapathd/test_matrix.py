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
    HERE, NET_HERE, NET_THERE, THERE, Path, association, plain, statements, tool_of)

TOOL = tool_of(sys.argv)
LONG = bool(os.environ.get("POSTERN_LONG"))
SAMPLE = 2000
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
        cls.path = Path(TOOL)

    @classmethod
    def tearDownClass(cls):
        cls.path.close()

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
        for case in picked:
            with self.subTest(case=case):
                with_scapy += self.try_case(case)
        self.assertGreater(with_scapy, len(picked) // 5)
        print(f"{len(picked)} of {len(cases)} combinations, {with_scapy} of them with scapy")


if __name__ == "__main__":
    unittest.main()
