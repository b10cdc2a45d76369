#!/usr/bin/python3
"""Proofs of IKE version 2 as a peer in Python sees them, which puts messages, octets and signatures together by itself.

Usage: test_auth2_model.py AUTH2_TOOL. Needs root: certd believes secrets in root's files alone.
"""

import datetime
import ipaddress
import json
import logging
import os
import random
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
logging.getLogger("scapy").setLevel(logging.ERROR)

import ipsec_algs as algs  # noqa: E402
from cryptography import x509  # noqa: E402
from cryptography.exceptions import InvalidSignature  # noqa: E402
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, ed448, padding, rsa  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature  # noqa: E402
from cryptography.x509.oid import NameOID  # noqa: E402
from scapy.contrib import ikev2  # noqa: E402

TOOL = sys.argv.pop(1)
SEED = int(os.environ.get("POSTERN_SEED", "7427"))
SHA = {1: hashes.SHA1, 2: hashes.SHA256, 3: hashes.SHA384, 4: hashes.SHA512}
US, PEER, ADDRESS = b"gw.example", b"peer.example", ipaddress.ip_address("10.0.0.110").packed


def pss_of(number, salt):
    oid = bytes.fromhex("06096086480165030402") + bytes([number])
    one = b"\x30\x0d" + oid + b"\x05\x00"
    mgf = b"\x30\x1a" + bytes.fromhex("06092a864886f70d010108") + one
    inner = b"\xa0\x0f" + one + b"\xa1\x1c" + mgf + b"\xa2\x03\x02\x01" + bytes([salt])
    return b"\x30\x41" + bytes.fromhex("06092a864886f70d01010a") + b"\x30\x34" + inner


# RFC 7427 appendix A and RFC 8420: what stands in front of a signature, and how it is made.
FORMS = {pss_of(1, 32): ("pss", 2), pss_of(2, 48): ("pss", 3), pss_of(3, 64): ("pss", 4),
         bytes.fromhex("300d06092a864886f70d01010b0500"): ("pkcs1", 2),
         bytes.fromhex("300d06092a864886f70d01010c0500"): ("pkcs1", 3),
         bytes.fromhex("300d06092a864886f70d01010d0500"): ("pkcs1", 4),
         bytes.fromhex("300a06082a8648ce3d040302"): ("ecdsa", 2), bytes.fromhex("300a06082a8648ce3d040303"): ("ecdsa", 3),
         bytes.fromhex("300a06082a8648ce3d040304"): ("ecdsa", 4), bytes.fromhex("300506032b6570"): ("edwards", 5),
         bytes.fromhex("300506032b6571"): ("edwards", 5)}
METHODS = {1: ("pkcs1", 1), 9: ("bare", 2), 10: ("bare", 3), 11: ("bare", 4)}
KEYS = {"rsa": lambda: rsa.generate_private_key(65537, 2048), "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "p384": lambda: ec.generate_private_key(ec.SECP384R1()), "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate, "ed448": ed448.Ed448PrivateKey.generate}


def issue(name, key, issuer, signer, ca=False):
    def called(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = datetime.datetime.utcnow()
    built = (x509.CertificateBuilder().subject_name(called(name)).issuer_name(called(issuer)).public_key(key.public_key())
             .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
             .not_valid_after(now + datetime.timedelta(days=1)).add_extension(x509.BasicConstraints(ca, None), True)
             .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False))
    return built.sign(signer, hashes.SHA256())


def pem(cert):
    return cert.public_bytes(serialization.Encoding.PEM).decode()


def half(key):
    return (key.curve.key_size + 7) // 8


def sign(key, how, number, octets):
    if how == "pss":
        return key.sign(octets, padding.PSS(padding.MGF1(SHA[number]()), SHA[number].digest_size), SHA[number]())
    if how == "pkcs1":
        return key.sign(octets, padding.PKCS1v15(), SHA[number]())
    if how == "edwards":
        return key.sign(octets)
    der = key.sign(octets, ec.ECDSA(SHA[number]()))
    return der if how == "ecdsa" else b"".join(x.to_bytes(half(key), "big") for x in decode_dss_signature(der))


def check(public, how, number, octets, signature):
    if how == "pss":
        public.verify(signature, octets, padding.PSS(padding.MGF1(SHA[number]()), SHA[number].digest_size), SHA[number]())
    elif how == "pkcs1":
        public.verify(signature, octets, padding.PKCS1v15(), SHA[number]())
    elif how == "edwards":
        public.verify(signature, octets)
    else:
        if how == "bare":
            n = half(public)
            assert len(signature) == 2 * n
            signature = encode_dss_signature(int.from_bytes(signature[:n], "big"), int.from_bytes(signature[n:], "big"))
        public.verify(signature, octets, ec.ECDSA(SHA[number]()))


def ident(kind, data):
    return bytes([kind, 0, 0, 0]) + data


class Tool:
    def __init__(self):
        self.process = subprocess.Popen([TOOL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **words):
        line = {name: value.hex() if isinstance(value, bytes) else value for name, value in words.items()}
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer if "error" in answer else bytes.fromhex(answer.get("out", ""))

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class Exchange:
    """One that the tool begins or answers, with messages that scapy writes."""

    def __init__(self, tool, began, prf, **words):
        self.tool, self.began, self.prf = tool, began, algs.IKE2_PRFS[prf][1]
        self.nonce = tool.ask(begin=began, prf=prf, **words)
        self.peer_nonce = random.randbytes(random.choice((16, 20, 32, 64, 256)))
        self.spi = random.randbytes(8), random.randbytes(8)
        n = len(self.prf(b"", b""))
        self.sk = random.randbytes(n), random.randbytes(n)
        self.message = self.make(True), self.make(False)
        told = tool.ask(peer_nonce=self.peer_nonce, spi_i=self.spi[0], spi_r=self.spi[1], pi=self.sk[0], pr=self.sk[1],
                        message_i=self.message[0], message_r=self.message[1])
        assert told == b"", told

    def make(self, initiators):
        nonce = self.nonce if initiators == self.began else self.peer_nonce
        head = ikev2.IKEv2(init_SPI=self.spi[0], resp_SPI=bytes(8) if initiators else self.spi[1], exch_type=34,
                           flags="Initiator" if initiators else "Response", next_payload=34)
        ke = ikev2.IKEv2_payload_KE(group=31, load=random.randbytes(32), next_payload=40)
        return bytes(head / ke / ikev2.IKEv2_payload_Nonce(load=nonce, next_payload=43) /
                     ikev2.IKEv2_payload_VendorID(vendorID=random.randbytes(random.randint(1, 600))))

    def octets(self, tools, body):
        """RFC 7296 section 2.15."""
        side = 0 if tools == self.began else 1
        return self.message[side] + (self.peer_nonce if tools else self.nonce) + self.prf(self.sk[side], body)

    def shared(self, tools, body, secret):
        return b"\x02\0\0\0" + self.prf(self.prf(secret, b"Key Pad for IKEv2"), self.octets(tools, body))


class Proofs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tool = Tool()
        signer = KEYS["rsa"]()
        cls.ca = issue("ca.example", signer, "ca.example", signer, True)
        cls.keys = {name: make() for name, make in KEYS.items()}
        cls.ours, cls.peers = ({name: issue(who.decode(), key, "ca.example", signer) for name, key in cls.keys.items()}
                               for who in (US, PEER))

    @classmethod
    def tearDownClass(cls):
        cls.tool.close()

    def exchange(self, name, began, taken=0):
        key = self.keys[name].private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                            serialization.NoEncryption()).decode()
        return Exchange(self.tool, began, random.choice(list(algs.IKE2_PRFS)), hashes=taken, key=key, cert=pem(self.ours[name]),
                        ca=pem(self.ca))

    def test_shared_secrets_with_every_function(self):
        for prf in algs.IKE2_PRFS:
            for began in (False, True):
                secret = random.choice((b"s", b"a long shared secret", b"x" * 64, b"y" * 129))
                x = Exchange(self.tool, began, prf, psk=secret.decode())
                us, peer = ident(1, bytes([10, 0, 0, 100])), ident(1, ADDRESS)
                wrong = bytearray(x.shared(False, peer, secret))
                wrong[random.randrange(4, len(wrong))] ^= 1 << random.randrange(8)
                self.assertIn("proof is wrong", self.tool.ask(verify=peer, proof=bytes(wrong))["error"])
                self.assertIn("proof is wrong", self.tool.ask(verify=peer, proof=x.shared(True, peer, secret))["error"])
                self.assertEqual(self.tool.ask(verify=peer, proof=x.shared(False, peer, secret)), ADDRESS)
                self.assertEqual(self.tool.ask(prove=us), x.shared(True, us, secret))

    def test_our_signatures_are_believed(self):
        body = ident(2, US)
        seen = set()
        for name, key in self.keys.items():
            for taken in (0, 2, 4, 8, 16, 32, 62):
                x = self.exchange(name, taken % 4 == 0, taken)
                proof = self.tool.ask(prove=body)
                if isinstance(proof, dict):
                    self.assertTrue(name.startswith("ed") and not taken & 32, proof)
                    continue
                self.assertEqual(proof[1:4], bytes(3))
                if proof[0] == 14:
                    alg, signature = proof[5:5 + proof[4]], proof[5 + proof[4]:]
                    how, number = FORMS[alg]
                    self.assertTrue(taken & 1 << number)
                    self.assertNotEqual(number, 1)
                else:
                    (how, number), signature = METHODS[proof[0]], proof[4:]
                check(key.public_key(), how, number, x.octets(True, body), signature)
                with self.assertRaises(InvalidSignature):
                    check(key.public_key(), how, number, x.octets(False, body), signature)
                seen.add((how, number))
        self.assertEqual(seen, set(METHODS.values()) | set(FORMS.values()) - {("pkcs1", 2), ("pkcs1", 3), ("pkcs1", 4)})

    def test_a_peers_signatures_are_believed(self):
        body = ident(2, PEER)
        fit = {"pss": ("rsa",), "pkcs1": ("rsa",), "ecdsa": ("p256", "p384", "p521")}
        bare = {9: "p256", 10: "p384", 11: "p521"}
        rows = [(14, alg, how, number, name) for alg, (how, number) in FORMS.items()
                for name in fit.get(how, ("ed25519" if alg.endswith(b"\x70") else "ed448",))]
        rows += [(method, b"", how, number, bare.get(method, "rsa")) for method, (how, number) in METHODS.items()]
        for method, alg, how, number, name in rows:
            for began in (False, True):
                x = self.exchange(name, began)
                head = bytes([method, 0, 0, 0]) + (bytes([len(alg)]) + alg if alg else b"")
                cert = self.peers[name].public_bytes(serialization.Encoding.DER)
                wrong = bytearray(x.octets(False, body))
                wrong[random.randrange(len(wrong))] ^= 1 << random.randrange(8)
                signed = head + sign(self.keys[name], how, number, bytes(wrong))
                self.assertEqual(self.tool.ask(verify=body, proof=signed, cert=cert), {"error": "signature-wrong"}, (method, name))
                signed = head + sign(self.keys[name], how, number, x.octets(False, body))
                self.assertEqual(self.tool.ask(verify=body, proof=signed, cert=cert), PEER, (method, name))
                # Signed as well as it can be, and for another name than the certificate's.
                other = ident(2, US)
                signed = head + sign(self.keys[name], how, number, x.octets(False, other))
                self.assertEqual(self.tool.ask(verify=other, proof=signed, cert=cert), {"error": "id-mismatch"}, (method, name))


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit(77)
    print(f"POSTERN_SEED={SEED}")
    random.seed(SEED)
    unittest.main(verbosity=1)
