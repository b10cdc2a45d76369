#!/usr/bin/python3
"""The key schedule of IKE version 1 against RFC 2409's formulas as Python's hmac and hashlib compute them, and the guide's own traces.

Usage: test_ike1_model.py IKE_TOOL.
"""

import hashlib
import hmac
import json
import os
import random
import subprocess
import sys
import unittest

TOOL = sys.argv.pop(1)
HASHES = {1: "md5", 2: "sha1", 5: "sha256", 6: "sha384", 7: "sha512"}
SEED = int(os.environ.get("POSTERN_SEED", "2409"))


class Schedule(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        random.seed(SEED)
        cls.process = subprocess.Popen([TOOL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    @classmethod
    def tearDownClass(cls):
        cls.process.stdin.close()
        cls.process.stdout.close()
        assert cls.process.wait() == 0

    def ask(self, **words):
        def plain(value):
            if isinstance(value, bytes):
                return value.hex()
            if isinstance(value, dict):
                return {name: plain(one) for name, one in value.items()}
            return [plain(one) for one in value] if isinstance(value, list) else value
        self.process.stdin.write(json.dumps(plain(words)) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def out(self, **words):
        return bytes.fromhex(self.ask(**words)["out"])

    def setup(self, number, psk):
        """An ISAKMP SA of both sides' random values; the model's keys, which ours have to be."""
        name = HASHES[number]
        self.name, self.prf = name, lambda key, *parts: hmac.new(key, b"".join(parts), name).digest()
        rand = random.randbytes
        ni, nr, gxy, ic, rc = rand(random.randint(8, 256)), rand(random.randint(8, 256)), rand(128), rand(8), rand(8)
        how = {"psk": psk} if psk is not None else {"sig": True}
        ours = self.ask(prf=number, ni=ni, nr=nr, gxy=gxy, icookie=ic, rcookie=rc, **how)
        skeyid = self.prf(psk, ni, nr) if psk is not None else self.prf(ni + nr, gxy)
        d = self.prf(skeyid, gxy, ic, rc, b"\0")
        a = self.prf(skeyid, d, gxy, ic, rc, b"\1")
        e = self.prf(skeyid, a, gxy, ic, rc, b"\2")
        self.assertEqual(ours, {"skeyid": skeyid.hex(), "d": d.hex(), "a": a.hex(), "e": e.hex()})
        return skeyid, d, a, e

    def test_keys_hashes_and_vectors_agree(self):
        for _ in range(20):
            for number in HASHES:
                psk = random.choice((None, random.randbytes(random.randint(1, 300)), b"mekmitasdigoat"))
                with self.subTest(prf=HASHES[number], psk=psk):
                    self.agree(*self.setup(number, psk))

    def agree(self, skeyid, d, a, e):
        rand = random.randbytes
        for size in (8, 16, 24, 32, 56):
            want = e
            if size > len(e):
                want = block = self.prf(e, b"\0")
                while len(want) < size:
                    block = self.prf(e, block)
                    want += block
            self.assertEqual(self.out(cipher_key=size), want[:size], f"{size} octets")
        mine, his, sa, ident, ic, rc = rand(128), rand(128), rand(48), rand(12), rand(8), rand(8)
        proof = {"mine": mine, "his": his, "my_cookie": ic, "his_cookie": rc, "sa": sa, "id": ident}
        self.assertEqual(self.out(proof=proof), self.prf(skeyid, mine, his, ic, rc, sa, ident))
        self.agree_on_base_mode(skeyid, mine, his, sa, ident, ic + rc)
        msg_id, pieces = random.getrandbits(32), [rand(random.randint(0, 200)) for _ in range(random.randint(1, 3))]
        for zero in (False, True):
            want = self.prf(a, b"\0" if zero else b"", msg_id.to_bytes(4, "big"), *pieces)
            self.assertEqual(self.out(hash=pieces, msg_id=msg_id, zero=zero), want)
        for block in (8, 16):
            want = hashlib.new(self.name, mine + his).digest()[:block]
            self.assertEqual(self.out(first_iv=[mine, his], block=block), want)
            last = rand(block)
            want = hashlib.new(self.name, last + msg_id.to_bytes(4, "big")).digest()[:block]
            self.assertEqual(self.out(exchange_iv=last, msg_id=msg_id), want)
        self.agree_on_keymat(d)

    def agree_on_base_mode(self, skeyid, gxi, gxr, sa, ident, cookies):
        """docs/decisions.md: HASH_I under SKEYID; with signatures both, under the hash of the nonces."""
        rand = random.randbytes
        base = {"gxi": gxi, "icookie": cookies[:8], "rcookie": cookies[8:], "sa": sa, "id": ident}
        self.assertEqual(self.out(base=base), self.prf(skeyid, gxi, cookies, sa, ident))
        ni, nr = rand(random.randint(8, 256)), rand(random.randint(8, 256))
        key = hashlib.new(self.name, ni + nr).digest()
        base.update(ni=ni, nr=nr)
        self.assertEqual(self.out(base=base), self.prf(key, gxi, cookies, sa, ident))
        self.assertEqual(self.out(base=base | {"gxr": gxr}), self.prf(key, gxi, gxr, cookies, sa, ident))

    def agree_on_keymat(self, d):
        rand = random.randbytes
        for gxy in (None, rand(128)):
            for size in (16, 36, 44, 80, 96, 500):
                protocol, spi, ni, nr = random.choice((2, 3, 4)), rand(4), rand(16), rand(20)
                seed = (gxy or b"") + bytes([protocol]) + spi + ni + nr
                want = block = self.prf(d, seed)
                while len(want) < size:
                    block = self.prf(d, block, seed)
                    want += block
                pfs = {"gxy": gxy} if gxy else {}
                self.assertEqual(self.out(keymat=size, protocol=protocol, spi=spi, ni=ni, nr=nr, **pfs), want[:size])

    def test_the_guides_second_phase_iv(self):
        """S206."""
        self.setup(2, b"mekmitasdigoat")
        self.assertEqual(self.out(exchange_iv=bytes.fromhex("20f905a058df31e4"), msg_id=0xA3B13BA3).hex(), "be26f49086a556eb")

    def test_what_cannot_be_is_refused(self):
        self.assertIn("error", self.ask(prf=3, ni=b"n" * 8, nr=b"n" * 8, gxy=b"g", icookie=b"i" * 8, rcookie=b"r" * 8, psk=b"k"))
        self.setup(1, b"k")
        self.assertIn("error", self.ask(keymat=1025, protocol=3, spi=b"1234", ni=b"n", nr=b"n"))
        self.assertIn("error", self.ask(hash=[b"x"] * 7, msg_id=1))


if __name__ == "__main__":
    unittest.main()
