#!/usr/bin/python3
"""labkit.stream against streams that were cut, repeated, overlapped and shuffled at random (seeded)."""

import os
import random
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "scripts"))

from labkit import stream  # noqa: E402

WHOLE = 1 << 32
TEXT = bytes(range(256)) * 8


def cut(origin, *borders):
    """Segments of TEXT from pairs of borders."""
    return [((origin + first) % WHOLE, TEXT[first:last]) for first, last in borders]


class Join(unittest.TestCase):
    def test_join_numbered_cases_gives_the_text_up_to_the_first_gap(self):
        cases = (
            (1, [], b""),
            (2, [(0, 10)], TEXT[:10]),
            (3, [(0, 10), (10, 20)], TEXT[:20]),
            (4, [(10, 20), (0, 10)], TEXT[:20]),
            (5, [(0, 10), (0, 10), (10, 20)], TEXT[:20]),
            (6, [(0, 10), (5, 15), (15, 20)], TEXT[:20]),  # repeated with another border
            (7, [(0, 20), (5, 10), (20, 25)], TEXT[:25]),  # repeated in part
            (8, [(0, 10), (0, 20)], TEXT[:20]),            # repeated with more behind it
            (9, [(0, 10), (11, 20)], TEXT[:10]),           # one octet is missing
            (10, [(0, 10), (10, 10), (10, 12)], TEXT[:12]),
        )
        for number, borders, expected in cases:
            for origin in (0, 1, WHOLE - 1, WHOLE - 15, 1 << 31):
                with self.subTest(case=number, origin=origin):
                    self.assertEqual(stream.join(cut(origin, *borders)), expected)

    def test_join_random_pieces_in_random_order_gives_the_text(self):
        chance = random.Random(1)
        for origin in (7, WHOLE - len(TEXT) // 2):
            for _ in range(300):
                at = sorted({0, len(TEXT), *(chance.randrange(len(TEXT)) for _ in range(20))})
                borders = list(zip(at, at[1:]))
                for _ in range(10):
                    first = chance.randrange(len(TEXT))
                    borders.append((first, chance.randint(first, len(TEXT))))
                chance.shuffle(borders)
                self.assertEqual(stream.join(cut(origin, *borders)), TEXT)


if __name__ == "__main__":
    unittest.main()
