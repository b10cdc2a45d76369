#!/usr/bin/python3
"""Holds docs/rfc-map.md to the tree: every row is whole, and every function and test that it names is there."""

import os
import re
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
RFCS = ("4301", "4302", "4303", "3173", "3948", "6040", "8221", "2409", "2408", "2407", "3947", "3706",
        "7296")
STATES = ("yes", "partly", "no", "later")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as page:
        return page.read()


PAGE = read("docs/rfc-map.md")


def rows():
    """(chapter, cells) of each row; a row of another number of cells comes as it is."""
    chapter = ""
    for line in PAGE.splitlines():
        if line.startswith("## "):
            chapter = line
        elif line.startswith("| ") and not line.startswith("| section "):
            yield chapter, [cell.strip() for cell in line.strip("|").split("|")]


def defines(path, name):
    """Whether the file has this function or test; of C a definition, which ends in a brace and not in a semicolon."""
    if path.endswith(".py"):
        return re.search(rf"^\s*def {name}\(", read(path), re.M)
    return re.search(rf"^[A-Za-z][\w *]*[ *]{name}\([^;{{]*\)\s*\{{", read(path), re.M)


class Map(unittest.TestCase):
    def test_every_rfc_has_a_chapter_with_rows(self):
        for rfc in RFCS:
            self.assertGreater(sum(f"RFC {rfc}" in chapter for chapter, _ in rows()), 5, rfc)

    def test_rows_are_whole(self):
        for chapter, cells in rows():
            with self.subTest(chapter, row=cells):
                section, demand, code, test, state = cells
                self.assertRegex(section, r"^\d+(\.\d+)*(, \d+(\.\d+)*)*$")
                self.assertGreater(len(demand), 10)
                word, _, why = state.partition(":")
                self.assertIn(word, STATES)
                self.assertEqual(bool(why.strip()), word != "yes", "what is not done has a reason, what is done needs none")
                if word in ("yes", "partly"):
                    self.assertNotEqual((code, test), ("-", "-"))
                for cell in (code, test):
                    self.assertRegex(cell, r"^(-|`[\w./-]+:\w+`(, `[\w./-]+:\w+`)*)$")

    def test_what_is_named_exists(self):
        for chapter, cells in rows():
            for path, name in re.findall(r"`([\w./-]+):(\w+)`", " ".join(cells[2:4])):
                with self.subTest(chapter, name=f"{path}:{name}"):
                    self.assertTrue(os.path.exists(os.path.join(ROOT, path)))
                    self.assertTrue(defines(path, name))

    def test_the_numbers_at_the_top_are_the_tables(self):
        states = [cells[4].partition(":")[0] for _, cells in rows()]
        said = re.search(r"Of (\d+) rows (\d+) are done, (\d+) in part, (\d+) not, each with its reason; (\d+) belong", PAGE)
        self.assertEqual([int(n) for n in said.groups()], [len(states), *(states.count(state) for state in STATES)])


unittest.main()
