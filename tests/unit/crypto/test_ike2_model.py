#!/usr/bin/python3
"""Keys and messages of IKE version 2 against RFC 7296's formulas as Python computes them, and against what tshark opens.

Usage: test_ike2_model.py IKE2_TOOL.
"""

import json
import logging
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))

logging.getLogger("scapy").setLevel(logging.ERROR)

import ipsec_algs as algs  # noqa: E402
from scapy.layers.inet import IP, UDP  # noqa: E402
from scapy.packet import Raw  # noqa: E402
from scapy.utils import wrpcap  # noqa: E402

TOOL = sys.argv.pop(1)
SEED = int(os.environ.get("POSTERN_SEED", "7296"))
SK, SKF, VENDOR, NOTIFY = 46, 53, 43, 41


PRFS = algs.IKE2_PRFS
ENCS = {2: "3des-cbc", 3: "aes-cbc", 4: "aes-gcm-16", 5: "des-cbc", 6: "blowfish-cbc", 8: "camellia-cbc", 9: "aes-ctr", 10: "aes-gcm-8",
        11: "aes-gcm-12", 12: "aes-ccm-8", 13: "aes-ccm-12", 14: "aes-ccm-16", 16: "chacha20-poly1305"}
AUTHS = {1: "hmac-md5", 2: "hmac-sha1", 3: "hmac-sha256", 4: "hmac-sha384", 5: "hmac-sha512", 7: "aes-xcbc-mac", 8: "aes-cmac"}
TSHARK_ENC = {"3des-cbc": "3DES [RFC2451]", "aes-cbc": "AES-CBC-{} [RFC3602]", "aes-ctr": "AES-CTR-{} [RFC5930]",
              "aes-gcm-8": "AES-GCM-{} with 8 octet ICV [RFC5282]", "aes-gcm-12": "AES-GCM-{} with 12 octet ICV [RFC5282]",
              "aes-gcm-16": "AES-GCM-{} with 16 octet ICV [RFC5282]", "aes-ccm-8": "AES-CCM-{} with 8 octet ICV [RFC5282]",
              "aes-ccm-12": "AES-CCM-{} with 12 octet ICV [RFC5282]", "aes-ccm-16": "AES-CCM-{} with 16 octet ICV [RFC5282]"}
TSHARK_AUTH = {"": "NONE [RFC4306]", "hmac-md5": "HMAC_MD5_96 [RFC2403]", "hmac-sha1": "HMAC_SHA1_96 [RFC2404]",
               "hmac-sha256": "HMAC_SHA2_256_128 [RFC4868]", "hmac-sha384": "HMAC_SHA2_384_192 [RFC4868]",
               "hmac-sha512": "HMAC_SHA2_512_256 [RFC4868]"}


def rand(most, least=0):
    return random.randbytes(random.randint(least, most))


def suites():
    """Every cipher with every key length; integrity and function come round."""
    prfs, auths = list(PRFS), list(AUTHS)
    place = 0
    for number, name in ENCS.items():
        for length in algs.ENC[name].keys:
            place += 1
            aead = algs.ENC[name].icv > 0
            yield {"prf": prfs[place % len(prfs)], "enc": number, "auth": 0 if aead else auths[place % len(auths)], "key_len": length}


class Sa:
    """An IKE SA as RFC 7296 sections 2.13 and 2.14 have it."""

    def __init__(self, suite):
        self.suite = suite
        self.fixed = PRFS[suite["prf"]][0] in ("xcbc", "cmac")
        self.prf = PRFS[suite["prf"]][1]
        self.ni, self.nr, self.gir = rand(256, 16), rand(256, 16), rand(256, 32)
        self.spi_i, self.spi_r = rand(8, 8), rand(8, 8)
        half = slice(0, 8 if self.fixed else None)
        self.skeyseed = self.prf(self.ni[half] + self.nr[half], self.gir)
        p = len(self.skeyseed)
        self.auth = AUTHS.get(suite["auth"], "")
        a = algs.AUTH[self.auth].keys[0] if self.auth else 0
        e = suite["key_len"]
        rest = self.plus(self.skeyseed, self.ni + self.nr + self.spi_i + self.spi_r, 3 * p + 2 * a + 2 * e)
        self.keys = {"skeyseed": self.skeyseed}
        for name, n in (("d", p), ("ai", a), ("ar", a), ("ei", e), ("er", e), ("pi", p), ("pr", p)):
            self.keys[name], rest = rest[:n], rest[n:]

    def plus(self, key, seed, n):
        out, block, number = b"", b"", 0
        while len(out) < n:
            number += 1
            block = self.prf(key, block + seed + bytes([number]))
            out += block
        return out[:n]

    def words(self):
        return {**self.suite, "ni": self.ni, "nr": self.nr, "gir": self.gir, "spi_i": self.spi_i, "spi_r": self.spi_r}

    # -- messages

    def seal(self, initiator, inner, first, front=b"", fragment=None, padding=0):
        """Section 3.14, written without a look at the code under test."""
        enc = algs.ENC[ENCS[self.suite["enc"]]]
        icv_len = enc.icv or algs.AUTH[self.auth].icv
        iv = rand(enc.iv, enc.iv)
        pad = -(len(inner) + 1) % enc.block + padding * enc.block
        plain = inner + rand(pad, pad) + bytes([pad])
        numbers = struct.pack("!HH", *fragment) if fragment else b""
        kind = SKF if fragment else SK
        outer = bytes([kind, 0]) + struct.pack("!H", 4 + len(front)) + front if front else b""
        body = len(numbers) + enc.iv + len(plain) + icv_len
        head = self.spi_i + self.spi_r + bytes([VENDOR if front else kind, 0x20, 37, 8 if initiator else 0])
        head += struct.pack("!II", random.getrandbits(32), 28 + len(outer) + 4 + body)
        aad = head + outer + bytes([first, 0]) + struct.pack("!H", 4 + body) + numbers
        key = self.keys["ei" if initiator else "er"]
        data, icv = algs.encipher(ENCS[self.suite["enc"]], key, iv, aad, plain)
        if not enc.icv:
            icv = algs.AUTH[self.auth].value(self.keys["ai" if initiator else "ar"], aad + iv + data)[:icv_len]
        return aad + iv + data + icv

    def open(self, initiator, message, aad_len):
        """(iv, inner octets with padding); ValueError."""
        enc = algs.ENC[ENCS[self.suite["enc"]]]
        icv_len = enc.icv or algs.AUTH[self.auth].icv
        aad, iv = message[:aad_len], message[aad_len : aad_len + enc.iv]
        data, icv = message[aad_len + enc.iv : -icv_len], message[-icv_len:]
        if not enc.icv and algs.AUTH[self.auth].value(self.keys["ai" if initiator else "ar"], aad + iv + data)[:icv_len] != icv:
            raise ValueError("wrong ICV")
        return iv, algs.decipher(ENCS[self.suite["enc"]], self.keys["ei" if initiator else "er"], iv, aad, data, icv)


class Schedule(unittest.TestCase):
    maxDiff = None

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
        plain = {name: value.hex() if isinstance(value, bytes) else value for name, value in words.items()}
        self.process.stdin.write(json.dumps(plain) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def out(self, **words):
        return bytes.fromhex(self.ask(**words)["out"])

    def both(self, suite):
        sa = Sa(suite)
        self.assertEqual(self.ask(**sa.words()), {name: key.hex() for name, key in sa.keys.items()})
        return sa

    def test_keys_of_every_suite_agree(self):
        for suite in suites():
            for prf in PRFS:
                with self.subTest(suite=suite, prf=PRFS[prf][0]):
                    self.agree(self.both({**suite, "prf": prf}))

    def agree(self, sa):
        ni, nr, gir, d = rand(256, 16), rand(256, 16), rand(128, 32), sa.keys["d"]
        self.assertEqual(self.out(rekey=gir, ni=ni, nr=nr), sa.prf(d, gir + ni + nr))
        for secret in (b"", gir):
            n = random.choice((16, 20, 36, 44, 48, 96, 512))
            want = sa.plus(d, secret + ni + nr, 2 * n)
            got = self.ask(child=n, ni=ni, nr=nr, **({"gir": secret} if secret else {}))
            self.assertEqual(got, {"i": want[:n].hex(), "r": want[n:].hex()})
        ident, psk, message = rand(60, 5), rand(100, 1), rand(400, 28)
        for initiator in (True, False):
            maced = sa.prf(sa.keys["pi" if initiator else "pr"], ident)
            self.assertEqual(self.out(id=ident, initiator=initiator), maced)
            want = sa.prf(sa.prf(psk, b"Key Pad for IKEv2"), message + nr + maced)
            self.assertEqual(self.out(psk=psk, message=message, nonce=nr, maced_id=maced), want)

    # -- messages

    def test_what_the_model_seals_is_opened(self):
        for suite in suites():
            with self.subTest(suite=suite):
                sa = self.both(suite)
                for _ in range(10):
                    initiator, inner, first = random.random() < 0.5, rand(200), random.choice((0, NOTIFY))
                    fragment = random.choice((None, (1, 1), (1, 7)))
                    message = sa.seal(initiator, inner, first, rand(30), fragment, random.randint(0, 3))
                    number, total = fragment or (0, 0)
                    self.assertEqual(self.ask(open=message, initiator=initiator),
                                     {"first": first, "number": number, "total": total, "inner": inner.hex()})
                    self.assertIn("error", self.ask(open=message, initiator=not initiator))
                    place = random.randrange(len(message))
                    wrong = message[:place] + bytes([message[place] ^ 1 << random.randrange(8)]) + message[place + 1 :]
                    self.assertIn("error", self.ask(open=wrong, initiator=initiator), f"octet {place}")

    def test_what_is_sealed_is_opened_by_the_model(self):
        for suite in suites():
            with self.subTest(suite=suite):
                sa, ivs = self.both(suite), set()
                for number in range(1, 11):
                    initiator, inner, front, total = random.random() < 0.5, rand(200), rand(30), random.choice((0, 10))
                    message = bytes.fromhex(self.ask(
                        seal=inner, first=NOTIFY if number == 1 else 0, number=number if total else 0, total=total, front=front,
                        initiator=initiator, exchange=37, msg_id=number)["message"])
                    self.assertEqual(struct.unpack_from("!I", message, 24)[0], len(message))
                    aad_len = 28 + (4 + len(front) if front else 0) + 4 + (4 if total else 0)
                    iv, plain = sa.open(initiator, message, aad_len)
                    self.assertEqual(plain[: len(plain) - 1 - plain[-1]], inner)
                    self.assertLess(plain[-1], algs.ENC[ENCS[suite["enc"]]].block)
                    ivs.add((initiator, iv))
                self.assertEqual(len(ivs), 10)

    @unittest.skipUnless(shutil.which("tshark"), "tshark is not installed")
    def test_what_is_sealed_is_opened_by_tshark(self):
        table, messages, want = [], [], []
        for suite in suites():
            name, auth = ENCS[suite["enc"]], AUTHS.get(suite["auth"], "")
            if name not in TSHARK_ENC or auth not in TSHARK_AUTH:
                continue
            sa = self.both(suite)
            bits = 8 * (suite["key_len"] - algs.ENC[name].salt)
            table.append([sa.spi_i.hex(), sa.spi_r.hex(), sa.keys["ei"].hex(), sa.keys["er"].hex(), TSHARK_ENC[name].format(bits),
                          sa.keys["ai"].hex(), sa.keys["ar"].hex(), TSHARK_AUTH[auth]])
            for initiator in (True, False):
                kind, data = random.randrange(16384, 16400), rand(40)
                inner = bytes([0, 0]) + struct.pack("!HBBH", 8 + len(data), 0, 0, kind) + data
                messages.append(bytes.fromhex(self.ask(seal=inner, first=NOTIFY, initiator=initiator, exchange=37, msg_id=1)["message"]))
                want.append(str(kind))
        self.assertGreater(len(messages), 40)
        self.assertEqual(self.tshark(table, messages), want)

    def tshark(self, table, messages):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "ike.pcap")
            wrpcap(path, [IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=500, dport=500) / Raw(one) for one in messages], linktype=101)
            words = ["tshark", "-n", "-r", path, "-T", "fields", "-e", "isakmp.notify.msgtype"]
            for row in table:
                words += ["-o", "uat:ikev2_decryption_table:" + ",".join(f'"{word}"' if " " in word else word for word in row)]
            lines = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True,
                                   env={**os.environ, "HOME": folder}).stdout.splitlines()
        return lines

    def test_what_cannot_be_is_refused(self):
        suite = {"prf": 5, "enc": 4, "auth": 0, "key_len": 20}
        words = Sa(suite).words()
        self.assertIn("error", self.ask(**{**words, "prf": 3}))
        self.assertIn("error", self.ask(**{**words, "auth": 3}))
        self.assertIn("error", self.ask(**{**words, "enc": 3}))
        self.assertIn("error", self.ask(**{**words, "key_len": 21}))
        sa = self.both(suite)
        self.assertIn("error", self.ask(open=sa.seal(True, b"", 0)[:-1], initiator=True))


if __name__ == "__main__":
    unittest.main()
