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
from itertools import product

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))

import packet_model as model  # noqa: E402
from packet_model import Step  # noqa: E402
from path_driver import (  # noqa: E402
    HERE, NET_HERE, NET_THERE, THERE, Moved, Path, association, clear, datagram, plain, rand, statements, tool_of)

TOOL = tool_of(sys.argv)
LONG = bool(os.environ.get("POSTERN_LONG"))
SAMPLE = 700
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
        shapes = list(product(self.shapes(), (False, True)))
        for shape, strict in shapes if LONG else random.sample(shapes, SAMPLE):
            with self.subTest(shape=shape, strict=strict):
                self.try_shape(*shape, strict)


if __name__ == "__main__":
    unittest.main()
