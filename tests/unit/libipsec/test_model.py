#!/usr/bin/python3
"""Ten thousand random policies: what the library makes of their text, read by a second reader that shares nothing with it.

The reader below knows only the description of the binary form: struct and ipaddress do the work. Policies are made as
values, written as text in a random spelling, given to the library, and what comes out of its bytes must be the values.

usage: test_model.py BUILD-FOLDER
"""

import ctypes
import ipaddress
import os
import random
import struct
import sys
import unittest

BUILD = os.path.abspath(sys.argv.pop(1))
POLICIES = 10000

DIRECTIONS = {"in": 1, "out": 2, "fwd": 3}
ACTIONS = {"discard": 0, "none": 1, "ipsec": 2, "entrust": 3, "bypass": 4}
PROTOCOLS = {"esp": 50, "ah": 51, "ipcomp": 108}
MODES = {"transport": 1, "tunnel": 2}
LEVELS = {"default": 0, "use": 1, "require": 2, "unique": 3}
BASES = {"low": -(1 << 30), "def": 0, "high": 1 << 30}


def library():
    lib = ctypes.CDLL(os.path.join(BUILD, "lib", "libipsec", "libipsec.so.1"))
    lib.ipsec_set_policy.restype = ctypes.c_void_p
    lib.ipsec_set_policy.argtypes = [ctypes.c_char_p, ctypes.c_int]
    lib.ipsec_get_policylen.argtypes = [ctypes.c_void_p]
    for dump in (lib.ipsec_dump_policy, lib.ipsec_dump_policy_withports):
        dump.restype = ctypes.c_void_p
        dump.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    lib.ipsec_strerror.restype = ctypes.c_char_p
    return lib


LIB = library()
FREE = ctypes.CDLL(None).free
FREE.argtypes = [ctypes.c_void_p]


def to_bytes(text):
    at = LIB.ipsec_set_policy(text.encode(), len(text.encode()))
    if not at:
        raise AssertionError(f"{text!r}: {LIB.ipsec_strerror().decode()}")
    try:
        return ctypes.string_at(at, LIB.ipsec_get_policylen(at))
    finally:
        FREE(at)


def to_text(dump, raw, delimiter=None):
    at = dump(raw, delimiter)
    if not at:
        raise AssertionError(f"{raw.hex()}: {LIB.ipsec_strerror().decode()}")
    try:
        return ctypes.string_at(at).decode()
    finally:
        FREE(at)


def read_end(raw):
    """(address, port) and how many bytes it took: a sockaddr of Linux."""
    family, = struct.unpack_from("=H", raw)
    port, = struct.unpack_from("!H", raw, 2)
    if family == 2:
        assert raw[8:16] == bytes(8)
        return (ipaddress.IPv4Address(raw[4:8]), port), 16
    assert family == 10 and raw[4:8] == bytes(4) and raw[24:28] == bytes(4)
    return (ipaddress.IPv6Address(raw[8:24]), port), 28


def read(raw):
    """Binary form to values, strictly by the description."""
    units, kind, action, direction, zero, ident, stored = struct.unpack_from("=HHHBBII", raw)
    assert units * 8 == len(raw) and kind == 18 and zero == 0 and ident == 0
    requests, at = [], 16
    while at < len(raw):
        length, protocol, mode, level, zero, reqid, zeros = struct.unpack_from("=HHBBHII", raw, at)
        assert zero == 0 and zeros == 0 and length % 8 == 0
        ends = None
        if length > 16:
            source, n = read_end(raw[at + 16:at + length])
            target, more = read_end(raw[at + 16 + n:at + length])
            assert 16 + n + more == length
            ends = (source, target)
        requests.append((protocol, mode, ends, level, reqid))
        at += length
    return direction, action, 0x80000000 - stored, requests


class Maker:
    """A policy as values and as one of its spellings."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def blank(self, least=""):
        return self.random.choice([least, least, least, " ", "\t", "\n", "  ", " # comment\n"])

    def address(self, six):
        if not six:
            return ipaddress.IPv4Address(self.random.getrandbits(32))
        bits = self.random.getrandbits(128)
        if self.random.random() < 0.3:
            bits &= self.random.choice([0xffff, 0xffff << 64, 0xffffffff, (1 << 128) - (1 << 64)])
        return ipaddress.IPv6Address(bits)

    def request(self, direction):
        pick = self.random.choice
        protocol, mode, level = pick(list(PROTOCOLS)), pick(list(MODES)), pick(list(LEVELS))
        reqid, ends, middle = 0, None, ""
        if mode == "tunnel" or self.random.random() < 0.5:
            six = self.random.random() < 0.5
            ports = [self.random.randrange(1, 65536) for _ in range(2)] if protocol == "esp" else [0, 0]
            ports = pick([ports, [0, 0], None, None])
            ends = tuple((self.address(six), ports[i] if ports else 0) for i in range(2))
            shown = [str(a) if pick([0, 1]) or not six else a.exploded for a, _ in ends]
            if ports:
                shown = [f"{text}{self.blank()}[{port}]" for text, (_, port) in zip(shown, ends)]
            middle = f"{shown[0]}{self.blank()}-{self.blank()}{shown[1]}"
        elif self.random.random() < 0.2 and direction in ("in", "out"):
            middle = "me-any" if direction == "out" else "any-me"
        word = level
        if level == "unique" and self.random.random() < 0.5:
            reqid = self.random.randrange(1, 32768)
            word = f"unique:{reqid}"
        slash = self.blank() + "/" + self.blank()
        text = f"{protocol}{slash}{mode}"
        if level != "default" or self.random.random() < 0.5:
            text += f"{slash}{middle}{slash}{word}"
        elif middle:
            text += slash + middle + pick(["", slash])
        else:
            text += pick(["", slash, slash + slash])
        return text, (PROTOCOLS[protocol], MODES[mode], ends, LEVELS[level], reqid)

    def priority(self):
        pick = self.random.choice
        word = pick(["prio", "priority"]) + " "
        if self.random.random() < 0.3:
            number = self.random.randrange(-(1 << 31) + 1, 1 << 31)
            return word + str(number), number
        base = pick(list(BASES))
        if self.random.random() < 0.3:
            return word + base, BASES[base]
        sign = pick("+-")
        offset = self.random.choice([1, 5, 1 << 29, (1 << 30) - 1, self.random.randrange(1 << 30)])
        number = BASES[base] + (offset if sign == "+" else -offset)
        return f"{word}{base}{self.blank()}{sign}{self.blank()}{offset}", min(number, (1 << 31) - 1)

    def policy(self):
        direction = self.random.choice(list(DIRECTIONS))
        action = self.random.choice(["ipsec"] * 6 + list(ACTIONS))
        text, priority, requests = self.blank() + direction, 0, []
        if self.random.random() < 0.4:
            shown, priority = self.priority()
            text += self.blank(" ") + shown
        text += self.blank(" ") + action
        for _ in range(self.random.choice([0, 1, 1, 1, 2, 3, 10])):
            shown, values = self.request(direction)
            text += self.blank(" ") + shown
            if action == "ipsec":
                requests.append(values)
        return text + self.blank(), (DIRECTIONS[direction], ACTIONS[action], priority, requests)


def write(values, ports, delimiter=" "):
    """The library's own spelling of a policy."""
    def word(table, number):
        return next(name for name, value in table.items() if value == number)

    def end(address, port):
        return f"{address}[{port}]" if ports else str(address)

    direction, action, priority, requests = values
    text = word(DIRECTIONS, direction)
    if priority:
        base = min(BASES, key=lambda name: (abs(priority - BASES[name]), name != "def"))
        offset = priority - BASES[base]
        text += f" prio {base}" + (f" {'+' if offset > 0 else '-'} {abs(offset)}" if offset else "")
    text += " " + word(ACTIONS, action)
    for protocol, mode, ends, level, reqid in requests:
        middle = "-".join(end(*e) for e in ends) if ends else ""
        text += f"{delimiter}{word(PROTOCOLS, protocol)}/{word(MODES, mode)}/{middle}/{word(LEVELS, level)}"
        text += f":{reqid}" if reqid else ""
    return text


class Model(unittest.TestCase):
    def test_random_policies_there_and_back(self):
        seed = int(os.environ.get("SEED", "0")) or random.randrange(1, 1 << 32)
        maker = Maker(seed)
        for number in range(POLICIES):
            text, values = maker.policy()
            with self.subTest(seed=seed, number=number, text=text):
                raw = to_bytes(text)
                self.assertEqual(read(raw), values)
                plain = to_text(LIB.ipsec_dump_policy, raw, b"\n\t")
                self.assertEqual(self.normal(plain), self.normal(write(values, False, "\n\t")))
                full = to_text(LIB.ipsec_dump_policy_withports, raw)
                self.assertEqual(self.normal(full), self.normal(write(values, True)))
                self.assertEqual(to_bytes(full), raw)

    @staticmethod
    def normal(text):
        """Python and C write IPv6 addresses with an IPv4 tail differently; both spellings are right."""
        words = []
        for word in text.replace("-", " - ").replace("/", " / ").replace("[", " [").split(" "):
            try:
                words.append(str(int(ipaddress.IPv6Address(word))))
            except ValueError:
                words.append(word)
        return " ".join(words)


if __name__ == "__main__":
    unittest.main()
