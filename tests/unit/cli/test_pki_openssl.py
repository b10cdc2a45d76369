#!/usr/bin/python3
"""openssl(1) on what `ipsecctl pki` makes: a second reader that knows nothing of our code.

usage: test_pki_openssl.py IPSECCTL
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

IPSECCTL = os.path.abspath(sys.argv.pop(1))
TYPES = [("rsa", "2048"), ("rsa-pss", "2048"), ("ecdsa", "256"), ("ecdsa", "384"), ("ecdsa", "521"), ("ed25519", None), ("ed448", None)]


def run(*words, text=None, ok=True):
    done = subprocess.run(words, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if ok and done.returncode:
        raise AssertionError(f"{' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def openssl(*words, ok=True):
    done = run("openssl", *words, ok=ok)
    return done.stdout + done.stderr


def value(text, title):
    """What stands below an extension's title."""
    found = re.search(rf"X509v3 {title}: ?(critical)?\s*\n\s+(.*)", text)
    return found and (found.group(2).strip(), bool(found.group(1)))


@unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
class SecondReader(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.at = folder.name

    def path(self, *names):
        return os.path.join(self.at, *names)

    def pki(self, act, *words, text=None, ok=True):
        if act in ("ca", "issue", "sign", "revoke", "crl"):
            words = (*words, "-d", self.path("ca"))
        return run(IPSECCTL, "pki", act, *words, text=text, ok=ok)

    def make(self, *words, ca=("--type", "ecdsa")):
        self.pki("ca", "--name", "C=XX, O=Exämple\\, Inc., CN=Example CA", *ca)
        self.pki("issue", "--host", "gw.example.org", "--address", "192.0.2.1", "--address", "2001:db8::1", "--user",
                 "joe@example.org", "-o", self.path("gw"), *words)

    def test_every_type_verifies_strictly_for_every_purpose(self):
        for kind, bits in TYPES:
            with self.subTest(kind=kind, bits=bits):
                words = ("--type", kind, *(("--bits", bits) if bits else ()))
                self.make(*words, "--force", ca=(*words, "--force"))
                for purpose in ("sslserver", "sslclient"):
                    said = openssl("verify", "-x509_strict", "-check_ss_sig", "-no-CAfile", "-CApath", self.path("gw"), "-purpose",
                                   purpose, self.path("gw", "gw.example.org.pem"))
                    self.assertIn(": OK", said)
                said = openssl("pkey", "-in", self.path("gw", "gw.example.org.key"), "-check", "-noout")
                self.assertIn("valid", said)
                shutil.rmtree(self.path("gw"))

    def test_public_keys(self):
        for kind, bits in TYPES:
            with self.subTest(kind=kind, bits=bits):
                key, public = self.path("bare.key"), self.path("bare.pub")
                self.pki("key", key, "--force", "--type", kind, *(("--bits", bits) if bits else ()))
                want = openssl("pkey", "-in", key, "-pubout")
                self.assertEqual(self.pki("public", key).stdout, want)
                self.pki("public", key, "-o", public, "--force")
                with open(public, encoding="ascii") as file:
                    self.assertEqual(file.read(), want)
                der = self.path("bare.der")
                openssl("pkey", "-in", key, "-pubout", "-outform", "DER", "-out", der)
                said = openssl("dgst", "-sha256", "-r", der).split()[0]
                for name in (public, der):
                    self.assertIn(":".join(re.findall("..", said)), self.pki("show", name).stdout)
        self.make("--type", "ecdsa")
        self.assertEqual(self.pki("public", self.path("gw", "gw.example.org.pem")).stdout,
                         self.pki("public", self.path("gw", "gw.example.org.key")).stdout)

    def test_the_extensions_as_openssl_reads_them(self):
        self.make("--type", "ecdsa")
        ca = openssl("x509", "-in", self.path("ca", "ca.pem"), "-noout", "-text")
        self.assertEqual(value(ca, "Basic Constraints"), ("CA:TRUE", True))
        self.assertEqual(value(ca, "Key Usage"), ("Certificate Sign, CRL Sign", True))
        self.assertIn("Version: 3 (0x2)", ca)
        host = openssl("x509", "-in", self.path("gw", "gw.example.org.pem"), "-noout", "-text")
        self.assertEqual(value(host, "Basic Constraints"), ("CA:FALSE", True))
        self.assertEqual(value(host, "Key Usage"), ("Digital Signature", True))
        self.assertEqual(value(host, "Extended Key Usage"),
                         ("TLS Web Server Authentication, TLS Web Client Authentication, ipsec Internet Key Exchange", False))
        self.assertEqual(value(host, "Subject Alternative Name"),
                         ("DNS:gw.example.org, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1, email:joe@example.org", False))
        self.assertEqual(value(host, "Authority Key Identifier")[0].replace("keyid:", ""), value(ca, "Subject Key Identifier")[0])
        self.assertNotEqual(value(host, "Subject Key Identifier"), value(ca, "Subject Key Identifier"))

    def test_names_survive(self):
        self.make("--type", "ecdsa", "--name", "O=a\\,b\\/c=d \"e\" <f>; ü, CN= x ")
        said = openssl("x509", "-in", self.path("gw", "gw.example.org.pem"), "-noout", "-subject", "-issuer", "-nameopt",
                       "utf8,sep_comma_plus")
        self.assertIn("subject=O=a,b/c=d \"e\" <f>; ü,CN=x\n", said)
        self.assertIn("issuer=C=XX,O=Exämple, Inc.,CN=Example CA\n", said)

    def test_the_link_is_the_one_of_openssl_s_own_tool(self):
        self.make("--type", "ecdsa")
        self.pki("revoke", "gw.example.org", "-o", self.path("gw"))
        said = openssl("x509", "-in", self.path("ca", "ca.pem"), "-noout", "-hash").strip()
        self.assertEqual(os.readlink(self.path("gw", f"{said}.0")), "ca.pem")
        self.assertEqual(os.readlink(self.path("gw", f"{said}.r0")), "crl.pem")

    def test_revoked_is_revoked(self):
        self.make("--type", "ecdsa")
        self.pki("issue", "--host", "stays", "--type", "ecdsa", "-o", self.path("stays"))
        self.pki("revoke", "--reason", "key-compromise", self.path("gw", "gw.example.org.pem"), "-o", self.path("stays"))
        check = ("verify", "-x509_strict", "-crl_check", "-no-CAfile", "-CApath", self.path("stays"))
        self.assertIn(": OK", openssl(*check, self.path("stays", "stays.pem")))
        self.assertIn("certificate revoked", openssl(*check, self.path("gw", "gw.example.org.pem"), ok=False))
        said = openssl("crl", "-in", self.path("stays", "crl.pem"), "-noout", "-text", "-CAfile", self.path("ca", "ca.pem"))
        self.assertIn("verify OK", said)
        self.assertIn("Key Compromise", said)

    def test_a_request_of_openssl_s_is_signed_without_its_wishes(self):
        self.pki("ca", "--name", "CA")
        openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", self.path("k"), "-out", self.path("r"), "-subj", "/CN=root",
                "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "subjectAltName=DNS:evil.example.org")
        said = self.pki("sign", self.path("r"), "--host", "gw.example.org", "-o", self.path("gw")).stdout
        self.assertIn("host evil.example.org  not granted", said)
        self.assertIn("extension X509v3 Basic Constraints  not granted", said)
        text = openssl("x509", "-in", self.path("gw", "gw.example.org.pem"), "-noout", "-text")
        self.assertEqual(value(text, "Basic Constraints"), ("CA:FALSE", True))
        self.assertEqual(value(text, "Subject Alternative Name"), ("DNS:gw.example.org", False))
        self.assertIn("Subject: CN = gw.example.org\n", text)
        openssl("req", "-new", "-newkey", "rsa:1024", "-nodes", "-keyout", self.path("k2"), "-out", self.path("r2"), "-subj", "/CN=x")
        done = self.pki("sign", self.path("r2"), "--host", "weak", "-o", self.path("weak"), ok=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("the key is RSA of 1024 bits: 2048 to 8192 are taken", done.stderr)

    def test_our_request_is_one(self):
        self.pki("request", "--host", "gw.example.org", "--type", "ed25519", "-o", self.path("q"))
        said = openssl("req", "-in", self.path("q", "gw.example.org.req"), "-noout", "-verify", "-text")
        self.assertIn("verify OK", said)
        self.assertIn("DNS:gw.example.org", said)

    def test_pkcs12_of_both_ages(self):
        self.make("--type", "rsa", "--bits", "2048")
        words = (self.path("gw", "gw.example.org.pem"), self.path("gw", "gw.example.org.key"), "--passphrase-fd", "0")
        for name, more, algorithm in (("new", (), "PBES2, PBKDF2, AES-256-CBC"), ("old", ("--legacy",), "pbeWithSHA1And3-KeyTripleDES-CBC")):
            self.pki("p12", *words, *more, "-o", self.path(name), text="sesame\n")
            said = openssl("pkcs12", "-in", self.path(name), "-passin", "pass:sesame", "-info", "-nodes")
            self.assertEqual(len(re.findall(algorithm, said)), 2)
            self.assertIn("MAC: sha1," if more else "MAC: sha256,", said)
            self.assertEqual(said.count("BEGIN CERTIFICATE"), 2)
            self.assertIn("BEGIN PRIVATE KEY", said)
            self.assertIn("invalid password", openssl("pkcs12", "-in", self.path(name), "-passin", "pass:close", "-noout", ok=False))

    def test_an_enciphered_key_opens_elsewhere(self):
        self.pki("ca", "--name", "CA", "--type", "ecdsa", "--encrypt", "--passphrase-fd", "0", text="sesame\n")
        key = self.path("ca", "ca.key")
        self.assertIn("valid", openssl("pkey", "-in", key, "-passin", "pass:sesame", "-check", "-noout"))
        self.assertNotEqual(run("openssl", "pkey", "-in", key, "-passin", "pass:close", "-noout", ok=False).returncode, 0)
        said = openssl("asn1parse", "-in", key, "-i")
        for what in ("PBES2", "hmacWithSHA256", "aes-256-cbc", ":0927C0"):  # 600,000
            self.assertIn(what, said)

    def test_the_fingerprint_is_openssl_s(self):
        self.make("--type", "ecdsa")
        cert = self.path("gw", "gw.example.org.pem")
        mine = re.search(r"SHA-256 (\S+)", self.pki("show", cert).stdout).group(1)
        self.assertIn(mine.upper(), openssl("x509", "-in", cert, "-noout", "-fingerprint", "-sha256"))


if __name__ == "__main__":
    unittest.main(verbosity=1)
