#!/usr/bin/python3
"""ESP and AH against two implementations that share nothing with ours: scapy's IPsec layer and tests/support/ipsec_model.py.

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

warnings.filterwarnings("ignore")
logging.getLogger("scapy").setLevel(logging.ERROR)
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))

import ipsec_model as model  # noqa: E402
from scapy.layers.inet import IP  # noqa: E402
from scapy.layers.inet6 import IPv6  # noqa: E402
from scapy.layers.ipsec import AH, ESP, SecurityAssociation  # noqa: E402
from scapy.packet import Raw  # noqa: E402

TOOL = sys.argv.pop(1)
SCAPY_ENC = {"null": "NULL", "3des-cbc": "3DES", "aes-cbc": "AES-CBC", "aes-gcm-16": "AES-GCM", "": None}
SCAPY_AUTH = {
    "hmac-md5": "HMAC-MD5-96",
    "hmac-sha1": "HMAC-SHA1-96",
    "hmac-sha256": "SHA2-256-128",
    "hmac-sha384": "SHA2-384-192",
    "hmac-sha512": "SHA2-512-256",
    "": None,
}
CIPHERS = [("null", 0), ("3des-cbc", 0), ("aes-cbc", 128), ("aes-cbc", 192), ("aes-cbc", 256)]
COMBINED = [("aes-gcm-16", 128), ("aes-gcm-16", 192), ("aes-gcm-16", 256)]
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


def suites():
    """Every SA shape: ESP cipher x integrity, the combined modes, AH; in both modes."""
    for mode in MODES:
        for enc, bits in CIPHERS:
            for auth in ["", *model.AUTH]:
                yield model.Sa("esp", mode, 0x1000 + bits, enc, model.random_key(enc, bits), auth, model.random_key(auth) if auth else b"")
        for enc, bits in COMBINED:
            yield model.Sa("esp", mode, 0x2000 + bits, enc, model.random_key(enc, bits))
        for auth in model.AUTH:
            yield model.Sa("ah", mode, 0x3000, auth=auth, auth_key=model.random_key(auth))


def label(sa):
    return f"{sa.proto} {sa.mode} {sa.enc}{len(sa.enc_key) * 8} {sa.auth}"


def inner_packet(size, **header):
    body = bytes(random.getrandbits(8) for _ in range(size))
    return bytes(IP(src="10.0.0.100", dst="10.0.0.110", proto=253, id=size, ttl=64, **header) / Raw(body))


def scapy_sa(sa):
    crypt_key = sa.enc_key or None
    tunnel = IP(src=".".join(map(str, sa.src)), dst=".".join(map(str, sa.dst)), ttl=64) if sa.mode == "tunnel" else None
    return SecurityAssociation(ESP if sa.proto == "esp" else AH, spi=sa.spi, crypt_algo=SCAPY_ENC[sa.enc], crypt_key=crypt_key,
                               auth_algo=SCAPY_AUTH[sa.auth], auth_key=sa.auth_key or None, tunnel_header=tunnel, esn_en=sa.esn)


class Oracle(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        random.seed(4303)
        cls.tool = Tool()

    @classmethod
    def tearDownClass(cls):
        cls.tool.close()

    def test_model_opens_ours_and_ours_opens_the_models(self):
        for sa in suites():
            for size in SIZES:
                with self.subTest(sa=label(sa), size=size):
                    packet, seq = inner_packet(size), random.randrange(1, 1 << 32)
                    self.assertEqual(model.open_(sa, self.tool.seal(sa, packet, seq), seq), packet)
                    self.assertEqual(self.tool.open_(sa, model.seal(sa, packet, seq), seq), packet)

    def test_scapy_opens_ours_and_ours_opens_scapys(self):
        for sa in suites():
            theirs = scapy_sa(sa)
            for size in random.sample(SIZES, 6):
                with self.subTest(sa=label(sa), size=size):
                    packet, seq = inner_packet(size), random.randrange(1, 1 << 32)
                    self.assertEqual(bytes(theirs.decrypt(IP(self.tool.seal(sa, packet, seq)))), packet)
                    sealed = bytes(theirs.encrypt(IP(packet), seq_num=seq))
                    self.assertEqual(self.tool.open_(sa, sealed, seq), packet)

    def test_sizes_to_1500_round_trip_with_the_model(self):
        for enc, auth in (("3des-cbc", "hmac-md5"), ("aes-cbc", "hmac-sha1"), ("aes-gcm-16", ""), ("null", "hmac-sha256")):
            sa = model.Sa("esp", "tunnel", 0x4000, enc, model.random_key(enc), auth, model.random_key(auth) if auth else b"")
            # One suite whole; for the others in steps prime to every block size, so that each alignment occurs.
            for size in range(0, 1501, 1 if enc == "aes-cbc" else 7):
                packet = inner_packet(size)
                self.assertEqual(model.open_(sa, self.tool.seal(sa, packet, size + 1), size + 1), packet, f"{label(sa)} {size}")
                self.assertEqual(self.tool.open_(sa, model.seal(sa, packet, size + 1), size + 1), packet, f"{label(sa)} {size}")

    def test_a_changed_octet_anywhere_in_esp_is_refused(self):
        for sa in (s for s in suites() if s.proto == "esp" and (s.auth or s.enc == "aes-gcm-16") and s.mode == "tunnel"):
            sealed = self.tool.seal(sa, inner_packet(40), 7)
            # SPI and number pick the SA; whether they are right is compared first, so start behind them.
            for at in random.sample(range(28, len(sealed)), 12):
                spoilt = bytearray(sealed)
                spoilt[at] ^= 1 << random.randrange(8)
                with self.subTest(sa=label(sa), at=at), self.assertRaises(ValueError):
                    self.tool.open_(sa, bytes(spoilt), 7)

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
        for enc, auth in (("aes-cbc", "hmac-sha256"), ("aes-gcm-16", ""), ("null", "hmac-md5"), ("", "hmac-sha512")):
            for seq in (1, 0xFFFFFFFF, 0x100000000, 0x8765432100000001):
                sa = model.Sa("esp" if enc else "ah", "transport", 0x6000, enc, model.random_key(enc) if enc else b"", auth,
                              model.random_key(auth) if auth else b"", esn=True)
                with self.subTest(sa=label(sa), seq=seq):
                    packet = inner_packet(77)
                    self.assertEqual(model.open_(sa, self.tool.seal(sa, packet, seq), seq), packet)
                    self.assertEqual(self.tool.open_(sa, model.seal(sa, packet, seq), seq), packet)
                    with self.assertRaises(ValueError):
                        self.tool.open_(sa, model.seal(sa, packet, seq), seq ^ 1 << 32)

    def test_shortened_integrity_values_agree_with_the_model(self):
        for proto, icv_len in (("esp", 12), ("ah", 12), ("esp", 32), ("ah", 32), ("ah", 13)):
            sa = model.Sa(proto, "tunnel", 0x7000, "aes-cbc" if proto == "esp" else "", model.random_key("aes-cbc") if proto == "esp" else b"",
                          "hmac-sha256", model.random_key("hmac-sha256"), icv_len=icv_len)
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

    def test_ivs_never_repeat_and_gcm_counts(self):
        for enc in ("aes-cbc", "3des-cbc"):
            sa = model.Sa("esp", "transport", 0xA000, enc, model.random_key(enc))
            n = model.ENC[enc][1]
            # A fresh SA each time, as after flush and add: the same number must still not give the same IV.
            ivs = [self.tool.seal(sa, inner_packet(8), 1)[28 : 28 + n] for _ in range(200)]
            self.assertEqual(len(set(ivs)), len(ivs))
        sa = model.Sa("esp", "transport", 0xB000, "aes-gcm-16", model.random_key("aes-gcm-16"))
        self.assertEqual(self.tool.seal(sa, inner_packet(8), 0x123456789)[28:36], (0x123456789).to_bytes(8, "big"))


if __name__ == "__main__":
    unittest.main()
