#!/usr/bin/python3
"""Dummy packets (RFC 4303 section 2.6) as tests/support/packet_model.py reads them, and as our own other end takes them.

Usage: test_dummy.py PATH_TOOL.
"""

import os
import random
import sys
import unittest
from itertools import product

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))

import packet_model as model  # noqa: E402
from packet_model import Step  # noqa: E402
from path_driver import (  # noqa: E402
    HERE, NET_HERE, NET_THERE, THERE, Moved, Path, association, octets, plain, statements, tool_of)

TOOL = tool_of(sys.argv)
NO_NEXT_HEADER, TIMES = 59, 64


class Dummies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        random.seed(4303)
        cls.path = Path(TOOL)

    @classmethod
    def tearDownClass(cls):
        cls.path.close()

    def make(self, sa, times=TIMES):
        ours = self.path.ask(dummy={"dst": sa.ends()[1], "spi": sa.spi, "times": times})["packets"]
        return [(packet["verdict"], bytes.fromhex(packet["data"])) for packet in ours]

    def test_they_are_packets_of_the_association_with_nothing_in_them(self):
        for family, mode, enc, udp in product((4, 6), ("transport", "tunnel", "any"), ("aes-cbc", "aes-gcm-16"), ((), (4500, 4500))):
            with self.subTest(family=family, mode=mode, enc=enc, udp=udp):
                auth = {"auth": "hmac-sha256"} if enc == "aes-cbc" else {}
                out = association("esp", family, enc=enc, mode=mode, udp=udp, **auth)
                tunnel = mode != "transport"
                here, there = (NET_HERE[4], NET_THERE[4]) if tunnel else (HERE[family], THERE[family])
                back = association("esp", family, back=True, mode=mode)
                self.path.begin(statements([Step(out, tunnel)], [Step(back, tunnel)], here, there))
                step, lengths, contents = Step(out, False), set(), set()
                for verdict, packet in self.make(out):
                    self.assertEqual(verdict, "send")
                    self.assertLessEqual(len(packet), 1280)
                    opened = model.open_([step], packet)
                    at = 20 if family == 4 else 40
                    self.assertEqual(opened[9 if family == 4 else 6], NO_NEXT_HEADER)
                    self.assertEqual(opened[12:20] if family == 4 else opened[8:40], out.src + out.dst)
                    lengths.add(len(packet))
                    contents.add(opened[at:])
                self.assertGreater(len(lengths), TIMES // 4)
                self.assertGreater(len(contents), TIMES // 2)

    def test_the_other_end_drops_them_and_says_why(self):
        out = association("esp", ends=(THERE[4], HERE[4]), mode="tunnel")
        self.path.begin(out.statement("-r 32") + f"spdadd {NET_THERE[4]} {NET_HERE[4]} any -P in ipsec esp/tunnel/{THERE[4]}-{HERE[4]}/require;\n")
        with Moved(self.path) as moved:
            for _, packet in self.make(out):
                answer, = self.path.wire(packet)
                self.assertEqual((answer.verdict, answer.reason), ("drop", "in_dummy"))
        self.assertEqual(moved.by["path.dummies"], TIMES)
        self.assertEqual(moved.by["drop.in_dummy"], TIMES)

    def test_they_are_no_longer_than_the_way(self):
        for family, mtu in ((4, 700), (6, 1280)):
            out = association("esp", family, mode="tunnel")
            back = association("esp", family, back=True, mode="tunnel")
            self.path.begin(statements([Step(out, True)], [Step(back, True)], NET_HERE[4], NET_THERE[4]))
            answer, = self.path.out(plain(NET_HERE[4], NET_THERE[4], 100))
            self.assertEqual(answer.verdict, "send")
            self.assertTrue(self.path.ask(report={"dst": THERE[family], "proto": 50, "spi": out.spi, "seq": 1, "mtu": mtu})["learnt"])
            lengths = {len(packet) for _, packet in self.make(out)}
            self.assertLessEqual(max(lengths), mtu)
            self.assertGreater(max(lengths), mtu // 2)

    def test_none_for_who_is_not_there(self):
        out = association("esp", mode="tunnel")
        self.path.begin(out.statement("-r 32"))
        self.assertEqual(len(self.make(out, 1)), 1)
        for change in ({"spi": out.spi ^ 1}, {"dst": octets(HERE[4])}):
            for name, value in change.items():
                other = association("esp", mode="tunnel", spi=out.spi)
                setattr(other, name, value)
                self.assertEqual(self.make(other, 1), [])
        dying = association("esp", mode="tunnel")
        self.path.begin(dying.statement("-r 32 -ph 3"))
        self.assertEqual([verdict for verdict, _ in self.make(dying, 5)], ["send"] * 3 + ["drop"] * 2)
        self.assertEqual(self.make(dying, 1), [])


if __name__ == "__main__":
    unittest.main()
