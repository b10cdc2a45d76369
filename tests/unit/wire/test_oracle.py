#!/usr/bin/python3
"""ESP and AH against implementations that share nothing with ours: scapy's IPsec layer, tests/support/ipsec_model.py and, for ESP, tshark.

Usage: test_oracle.py ESP_TOOL. Every suite of algorithms, both modes, both directions, many sizes; then each way a packet can be spoilt.
"""

import json
import logging
import os
import random
import subprocess
import sys
import unittest
import warnings
from dataclasses import replace

warnings.filterwarnings("ignore")
logging.getLogger("scapy").setLevel(logging.ERROR)
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))

import ipsec_model as model  # noqa: E402
import oracle  # noqa: E402
from scapy.layers.inet import IP  # noqa: E402
from scapy.layers.inet6 import IPv6  # noqa: E402
from scapy.layers.ipsec import AH, CRYPT_ALGOS, ESP, SecurityAssociation  # noqa: E402
from scapy.packet import Raw  # noqa: E402

TOOL = sys.argv.pop(1)
# Scapy's names. What it has not (RIPEMD, XCBC, keyed digests, Camellia, GMAC, short values of GCM and CCM) the model alone judges.
SCAPY_ENC = {
    "": None,
    "null": "NULL",
    "des-cbc": "DES",
    "3des-cbc": "3DES",
    "cast128-cbc": "CAST",
    "blowfish-cbc": "Blowfish",
    "aes-cbc": "AES-CBC",
    "aes-ctr": "AES-CTR",
    "aes-gcm-16": "AES-GCM",
    "aes-ccm-16": "AES-CCM",
    "chacha20-poly1305": "CHACHA20-POLY1305",
}
SCAPY_AUTH = {
    "": None,
    "hmac-md5": "HMAC-MD5-96",
    "hmac-sha1": "HMAC-SHA1-96",
    "hmac-sha256": "SHA2-256-128",
    "hmac-sha384": "SHA2-384-192",
    "hmac-sha512": "SHA2-512-256",
    "aes-cmac": "AES-CMAC-96",
}
SIZES = [0, 1, 2, 3, 4, 5, 13, 14, 15, 16, 17, 31, 63, 64, 65, 255, 512, 999, 1399, 1400, 1463, 1500]
MODES = ("transport", "tunnel")


class Tool:
    """The C code, one packet a line."""

    def __init__(self):
        self.process = subprocess.Popen([TOOL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, op, sa, packet, seq, **more):
        request = {"op": op, "proto": sa.proto, "mode": sa.mode, "packet": packet.hex(), "spi": sa.spi, "seq": str(seq), "enc": sa.enc,
                   "auth": sa.auth, "enc_key": sa.enc_key.hex(), "auth_key": sa.auth_key.hex(), "icv_len": sa.icv_len, "esn": sa.esn,
                   "src": ".".join(map(str, sa.src)), "dst": ".".join(map(str, sa.dst)), **more}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise ValueError(answer["error"])
        return bytes.fromhex(answer["packet"])

    def seal(self, sa, packet, seq, **more):
        return self.ask("seal", sa, packet, seq, **more)

    def open_(self, sa, packet, seq):
        return self.ask("open", sa, packet, seq)

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def esp_suite(mode, enc, length=None, auth="", **more):
    return model.Sa("esp", mode, random.randrange(256, 1 << 32), enc, model.random_key(enc, length), auth,
                    model.random_key(auth) if auth else b"", **more)


def ah_suite(mode, auth, length=None, **more):
    return model.Sa("ah", mode, random.randrange(256, 1 << 32), auth=auth, auth_key=model.random_key(auth, length), **more)


def suites(modes=MODES, **more):
    """Every SA shape: ESP cipher and key length x integrity, the combined modes, AH."""
    for mode in modes:
        for enc, facts in model.ENC.items():
            for length in facts.keys:
                for auth in [""] if facts.icv else ["", *(name for name, a in model.AUTH.items() if a.esp)]:
                    yield esp_suite(mode, enc, length, auth, **more)
        for auth, facts in model.AUTH.items():
            for length in facts.keys:
                yield ah_suite(mode, auth, length, **more)


def once_each(found):
    """One key length of each cipher and one cipher of each integrity algorithm: for tests that look at many packets of each."""
    seen = set()
    for sa in found:
        if not {(sa.proto, "enc", sa.enc), (sa.proto, "auth", sa.auth)} <= seen:
            seen |= {(sa.proto, "enc", sa.enc), (sa.proto, "auth", sa.auth)}
            yield sa


def label(sa):
    return f"{sa.proto} {sa.mode} {sa.enc} {len(sa.enc_key) * 8} {sa.auth} {len(sa.auth_key) * 8}"


def inner_packet(size, **header):
    body = bytes(random.getrandbits(8) for _ in range(size))
    return bytes(IP(src="10.0.0.100", dst="10.0.0.110", proto=253, id=size, ttl=64, **header) / Raw(body))


def scapy_knows(sa):
    if sa.enc not in SCAPY_ENC or sa.auth not in SCAPY_AUTH:
        return False
    # Of Blowfish and CAST it takes some key lengths only.
    algorithm = CRYPT_ALGOS[SCAPY_ENC[sa.enc]] if sa.enc else None
    return not sa.enc or sa.enc not in ("blowfish-cbc", "cast128-cbc") or len(sa.enc_key) in algorithm.key_size


def scapy_sa(sa):
    crypt_key = sa.enc_key or None
    tunnel = IP(src=".".join(map(str, sa.src)), dst=".".join(map(str, sa.dst)), ttl=64) if sa.mode == "tunnel" else None
    return SecurityAssociation(ESP if sa.proto == "esp" else AH, spi=sa.spi, crypt_algo=SCAPY_ENC[sa.enc], crypt_key=crypt_key,
                               auth_algo=SCAPY_AUTH[sa.auth], auth_key=sa.auth_key or None, tunnel_header=tunnel, esn_en=sa.esn)


def tshark_sa(sa):
    """The same association in tshark's words, or None when it lacks the cipher or this length of its key."""
    if oracle.ENC.get(sa.enc, (0, None, None))[2] is None or (sa.auth or None) not in oracle.AUTH:
        return None
    if sa.enc in ("blowfish-cbc", "cast128-cbc") and len(sa.enc_key) != oracle.ENC[sa.enc][0]:
        return None
    theirs = oracle.Sa(".".join(map(str, sa.src)), ".".join(map(str, sa.dst)), sa.spi, enc=sa.enc, auth=sa.auth or None)
    theirs.enc_key, theirs.auth_key = sa.enc_key, sa.auth_key
    return theirs


class Oracle(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        random.seed(4303)
        cls.tool = Tool()

    @classmethod
    def tearDownClass(cls):
        cls.tool.close()

    def agree(self, sa, size, seq):
        """Each opens what the other seals."""
        packet = inner_packet(size)
        with self.subTest(sa=label(sa), size=size, seq=seq):
            self.assertEqual(model.open_(sa, self.tool.seal(sa, packet, seq), seq), packet)
            self.assertEqual(self.tool.open_(sa, model.seal(sa, packet, seq), seq), packet)

    def test_model_opens_ours_and_ours_opens_the_models(self):
        for sa in suites():
            for size in random.sample(SIZES, 6):
                self.agree(sa, size, random.randrange(1, 1 << 32))

    def test_every_size_of_interest_agrees_with_the_model(self):
        for sa in once_each(suites()):
            for size in SIZES:
                self.agree(sa, size, random.randrange(1, 1 << 32))

    def test_scapy_opens_ours_and_ours_opens_scapys(self):
        known = [sa for sa in suites() if scapy_knows(sa)]
        self.assertEqual({sa.enc for sa in known}, set(SCAPY_ENC))
        self.assertEqual({sa.auth for sa in known}, set(SCAPY_AUTH))
        for sa in known:
            theirs = scapy_sa(sa)
            for size in random.sample(SIZES, 3):
                with self.subTest(sa=label(sa), size=size):
                    packet, seq = inner_packet(size), random.randrange(1, 1 << 32)
                    self.assertEqual(bytes(theirs.decrypt(IP(self.tool.seal(sa, packet, seq)))), packet)
                    sealed = bytes(theirs.encrypt(IP(packet), seq_num=seq))
                    self.assertEqual(self.tool.open_(sa, sealed, seq), packet)

    def test_tshark_reads_what_we_seal(self):
        """It has its ciphers from libgcrypt, which shares nothing with OpenSSL."""
        known = [sa for sa in suites(["tunnel"]) if sa.proto == "esp" and tshark_sa(sa)]
        # A protocol of nobody's and octets that look like nothing, so that none of tshark's guesses takes them for its own.
        packets = [bytes(IP(src="10.1.0.1", dst="10.2.0.1", proto=253) / Raw(bytes([0xA5]) * (n % 90))) for n in range(len(known))]
        frames = [bytes(12) + b"\x08\0" + self.tool.seal(sa, packet, 7) for sa, packet in zip(known, packets)]
        rows = oracle.tshark(frames, [tshark_sa(sa) for sa in known], ["esp.spi", "ip.src", "data.data", "esp.icv_good"])
        self.assertEqual(len(rows), len(known))
        self.assertEqual({sa.enc for sa in known}, {enc for enc, words in oracle.ENC.items() if words[2]})
        for sa, packet, (spi, source, data, good) in zip(known, packets, rows):
            with self.subTest(sa=label(sa)):
                self.assertEqual((int(spi, 16), source), (sa.spi, "10.0.0.100,10.1.0.1"))
                self.assertEqual(bytes.fromhex(data), packet[20:])
                if tshark_sa(sa).checked_by_tshark():
                    self.assertEqual(good, "1")

    def test_sizes_to_1500_round_trip_with_the_model(self):
        for enc, auth in (("3des-cbc", "hmac-md5"), ("aes-cbc", "hmac-sha1"), ("aes-gcm-16", ""), ("null", "aes-xcbc-mac"),
                          ("aes-ctr", "aes-cmac"), ("aes-ccm-16", ""), ("aes-gmac", ""), ("chacha20-poly1305", "")):
            sa = esp_suite("tunnel", enc, auth=auth)
            # One suite whole; for the others in steps prime to every block size, so that each alignment occurs.
            for size in range(0, 1501, 1 if enc == "aes-cbc" else 7):
                self.agree(sa, size, size + 1)

    def test_a_changed_octet_anywhere_in_esp_is_refused(self):
        for sa in (s for s in suites(["tunnel"]) if s.proto == "esp" and s.protects()):
            sealed = self.tool.seal(sa, inner_packet(40), 7)
            # SPI and number pick the SA; whether they are right is compared first, so start behind them.
            for at in random.sample(range(28, len(sealed)), 12):
                spoilt = bytearray(sealed)
                spoilt[at] ^= 1 << random.randrange(8)
                with self.subTest(sa=label(sa), at=at), self.assertRaises(ValueError):
                    self.tool.open_(sa, bytes(spoilt), 7)

    def test_a_wrong_key_is_refused(self):
        for sa in (s for s in once_each(suites()) if s.protects()):
            packet = inner_packet(40)
            other = replace(sa, enc_key=model.random_key(sa.enc, len(sa.enc_key)) if sa.enc else b"",
                            auth_key=model.random_key(sa.auth, len(sa.auth_key)) if sa.auth else b"")
            with self.subTest(sa=label(sa)), self.assertRaises(ValueError):
                self.tool.open_(other, self.tool.seal(sa, packet, 7), 7)

    def test_ah_covers_everything_but_what_routers_change(self):
        for sa in (s for s in suites() if s.proto == "ah"):
            sealed = self.tool.seal(sa, inner_packet(40), 9)
            n_head = 20 + model.ah_len(sa.icv())
            for at in (4, 5, 12, 15, 16, 19, 20, *range(32, 32 + sa.icv()), *range(n_head, len(sealed))):
                spoilt = bytearray(sealed)
                spoilt[at] ^= 0x10
                if at < 20:
                    spoilt = model.renew_header(bytes(spoilt[:20]), 51, len(sealed) - 20) + bytes(spoilt[20:])
                with self.subTest(sa=label(sa), at=at), self.assertRaises(ValueError):
                    self.tool.open_(sa, bytes(spoilt), 9)
            changed = bytearray(sealed)
            changed[1], changed[8] = 0xB8, 3
            changed = model.renew_header(bytes(changed[:20]), 51, len(sealed) - 20) + bytes(changed[20:])
            self.tool.open_(sa, changed, 9)

    def test_ah_with_ip_options_agrees_with_the_model(self):
        options = {
            "router alert, immutable": bytes.fromhex("94040000"),
            "record route, mutable": bytes.fromhex("0707040a00000100"),
            "padding in front of timestamp": bytes.fromhex("0144080500000000000000"),
            "both kinds": bytes.fromhex("94040000070704c0a8010100"),
        }
        for mode in MODES:
            sa = model.Sa("ah", mode, 0x5000, auth="hmac-sha1", auth_key=model.random_key("hmac-sha1"))
            for name, octets in options.items():
                with self.subTest(mode=mode, options=name):
                    packet = model.ip_header(sa.src, sa.dst, 253, 9, options=octets) + b"nine octs"
                    self.assertEqual(model.open_(sa, self.tool.seal(sa, packet, 3), 3), packet)
                    self.assertEqual(self.tool.open_(sa, model.seal(sa, packet, 3), 3), packet)

    def test_extended_numbers_agree_with_the_model(self):
        for sa in suites(esn=True):
            for seq in (1, 0xFFFFFFFF, 0x100000000, 0x8765432100000001):
                self.agree(sa, 77, seq)

    def test_extended_numbers_agree_with_scapy(self):
        # In ESP with an algorithm beside the cipher scapy forgets the top half, and 0 means "the next one" to it.
        for sa in (s for s in suites(esn=True) if scapy_knows(s) and (s.proto == "ah" or s.combined())):
            theirs = scapy_sa(sa)
            for seq in (1, 0xFFFFFFFF, 0x100000001, 0x8765432100000001):
                with self.subTest(sa=label(sa), seq=seq):
                    packet, halves = inner_packet(77), {"esn_en": True, "esn": seq >> 32}
                    self.assertEqual(bytes(theirs.decrypt(IP(self.tool.seal(sa, packet, seq)), **halves)), packet)
                    sealed = bytes(theirs.encrypt(IP(packet), seq_num=seq & 0xFFFFFFFF, **halves))
                    self.assertEqual(self.tool.open_(sa, sealed, seq), packet)

    def test_another_top_half_of_an_extended_number_is_refused(self):
        for sa in (s for s in once_each(suites(esn=True)) if s.protects()):
            for seq in (1, 0x8765432100000001):
                with self.subTest(sa=label(sa), seq=seq), self.assertRaises(ValueError):
                    self.tool.open_(sa, model.seal(sa, inner_packet(77), seq), seq ^ 1 << 32)

    def test_gmac_field_of_ah_begins_with_the_number(self):
        for seq in (1, 0xFFFFFFFF, 0x123456789):
            sa = ah_suite("transport", "aes-gmac", esn=seq >> 32 > 0)
            self.assertEqual(self.tool.seal(sa, inner_packet(9), seq)[32:40], seq.to_bytes(8, "big"))

    def test_numbers_of_counter_modes_are_their_ivs(self):
        for enc in (name for name, facts in model.ENC.items() if facts.kind not in ("null", "cbc")):
            sa = esp_suite("transport", enc)
            self.assertEqual(self.tool.seal(sa, inner_packet(8), 0x123456789)[28:36], (0x123456789).to_bytes(8, "big"), enc)

    def test_shortened_integrity_values_agree_with_the_model(self):
        for proto, icv_len in (("esp", 12), ("ah", 12), ("esp", 32), ("ah", 32), ("ah", 13)):
            sa = esp_suite("tunnel", "aes-cbc", None, "hmac-sha256", icv_len=icv_len) if proto == "esp" else ah_suite(
                "tunnel", "hmac-sha256", icv_len=icv_len)
            with self.subTest(sa=label(sa), icv_len=icv_len):
                packet = inner_packet(50)
                self.assertEqual(model.open_(sa, self.tool.seal(sa, packet, 5), 5), packet)
                self.assertEqual(self.tool.open_(sa, model.seal(sa, packet, 5), 5), packet)

    def test_ipv6_travels_in_an_ipv4_tunnel(self):
        sa = model.Sa("esp", "tunnel", 0x8000, "aes-cbc", model.random_key("aes-cbc"), "hmac-sha1", model.random_key("hmac-sha1"))
        packet = bytes(IPv6(src="2001:db8::1", dst="2001:db8::2", nh=253) / Raw(b"six"))
        self.assertEqual(model.open_(sa, self.tool.seal(sa, packet, 1), 1), packet)
        self.assertEqual(self.tool.open_(sa, model.seal(sa, packet, 1), 1), packet)

    def test_padding_content_follows_the_flag(self):
        sa = model.Sa("esp", "transport", 0x9000, "null", b"")
        seen = {pad: self.tool.seal(sa, inner_packet(3), 1, pad=pad)[20 + 8 + 3 : -2] for pad in ("seq", "zero", "random")}
        self.assertEqual(seen["seq"], bytes([1, 2, 3]))
        self.assertEqual(seen["zero"], bytes(3))
        draws = {self.tool.seal(sa, inner_packet(3), 1, pad="random")[31:34] for _ in range(8)}
        self.assertGreater(len(draws), 1)

    def test_ivs_of_block_ciphers_never_repeat(self):
        for enc in (name for name, facts in model.ENC.items() if facts.kind == "cbc"):
            sa = esp_suite("transport", enc)
            n = model.ENC[enc].iv
            # A fresh SA each time, as after flush and add: the same number must still not give the same IV.
            ivs = [self.tool.seal(sa, inner_packet(8), 1)[28 : 28 + n] for _ in range(200)]
            self.assertEqual(len(set(ivs)), len(ivs), enc)


if __name__ == "__main__":
    unittest.main()
