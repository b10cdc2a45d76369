#!/usr/bin/python3
"""Who proves what to whom, in a native configuration: authorities in several files, and the two sides each in its own way."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtest import ELMER, RELENT, wait_for  # noqa: E402

FILE = "/etc/postern/postern.conf"
FOLDER = "/etc/postern/auth"


class Auth(labtest.LabTest):
    @classmethod
    def setUpClass(cls):
        """elmer's certificate is from authority one, relent's from authority two; both know both authorities' certificates."""
        super().setUpClass()
        for name, host in (("one", cls.elmer), ("two", cls.relent)):
            cls.relent.run("ipsecctl", "pki", "ca", "--name", f"Authority {name}", "-d", f"{FOLDER}/{name}", "--type", "ecdsa")
            cls.relent.run("ipsecctl", "pki", "issue", "--address", host.address, "--type", "ecdsa", "-d", f"{FOLDER}/{name}",
                           "-o", f"{FOLDER}/{host.name}")
        for source, name in ((f"{FOLDER}/one/ca.pem", "one.pem"), (f"{FOLDER}/two/ca.pem", "two.pem"),
                             (f"{FOLDER}/elmer/{ELMER}.pem", "own.pem"), (f"{FOLDER}/elmer/{ELMER}.key", "own.key")):
            cls.put(cls.elmer, f"{FOLDER}/{name}", cls.relent.out("cat", source))
        for source, name in ((f"{FOLDER}/one/ca.pem", "one.pem"), (f"{FOLDER}/two/ca.pem", "two.pem"),
                             (f"{FOLDER}/relent/{RELENT}.pem", "own.pem"), (f"{FOLDER}/relent/{RELENT}.key", "own.key")):
            cls.put(cls.relent, f"{FOLDER}/{name}", cls.relent.out("cat", source))

    @staticmethod
    def put(host, path, text):
        host.run("install", "-D", "-m", "600", "/dev/stdin", path, text=text)

    def setUp(self):
        super().setUp()
        for host in self.both:
            host.run("ipsecctl", "load", "--none")

    def load(self, host, *lines):
        peer = self.relent if host is self.elmer else self.elmer
        self.put(host, FILE, f"connection peer {{\n remote {peer.address}\n local-id {host.address}\n" + "".join(f" {line}\n" for line in lines)
                 + f" child {host.address} = {peer.address}\n}}\n")
        return host.out("ipsecctl", "load")

    def own(self):
        return f"certificate {FOLDER}/own.pem; key {FOLDER}/own.key"

    def assert_up(self, first):
        """Begun by one of the two, and packets go; then ended, on both sides."""
        other = self.relent if first is self.elmer else self.elmer
        first.run("ipsecctl", "up", other.address)
        first.run("ping", "-c", "2", "-W", "5", other.address)
        for host in self.both:
            self.assertEqual([sa["version"] for sa in host.json("show")["ike_sas"]], [2])
        first.run("ipsecctl", "down", other.address)
        wait_for("the other to know", lambda: not other.json("show")["ike_sas"])

    def refused(self, first, expression):
        other = self.relent if first is self.elmer else self.elmer
        other.mark_log()
        self.assertEqual(first.run("ipsecctl", "up", "-t", "3", other.address, check=False).returncode, 1)
        self.assertRegex(other.log(), expression)

    def test_each_is_vouched_for_by_an_authority_of_its_own(self):
        for host in self.both:
            self.load(host, self.own(), f"authority {FOLDER}/one.pem, {FOLDER}/two.pem")
        for first in self.both:
            self.assert_up(first)

    def test_an_authority_in_a_file_that_is_not_named_vouches_for_nobody(self):
        self.load(self.relent, self.own(), f"authority {FOLDER}/one.pem, {FOLDER}/two.pem")
        self.load(self.elmer, self.own(), f"authority {FOLDER}/one.pem")
        self.refused(self.relent, "the peer's proof is not accepted")
        said = self.load(self.elmer, self.own(), f"authority {FOLDER}/one.pem", f"authority {FOLDER}/two.pem")
        self.assertIn(f"    + authority 2 {FOLDER}/two.pem\n", said)
        self.assert_up(self.relent)
        self.put(self.elmer, f"{FOLDER}/other.pem", self.elmer.out("cat", f"{FOLDER}/two.pem"))
        self.load(self.elmer, self.own(), f"authority {FOLDER}/one.pem, {FOLDER}/other.pem")
        self.put(self.elmer, f"{FOLDER}/other.pem", self.elmer.out("cat", f"{FOLDER}/one.pem"))
        self.assertIn(f"    authority 2 {FOLDER}/other.pem: other contents\n", self.elmer.out("ipsecctl", "load"))
        self.refused(self.relent, "the peer's proof is not accepted")

    def keys(self, kind):
        """A key for each host, and its public half for the other."""
        for host, other in ((self.relent, self.elmer), (self.elmer, self.relent)):
            host.run("ipsecctl", "pki", "key", f"{FOLDER}/bare.key", "--type", kind, "--force")
            self.put(other, f"{FOLDER}/peer.pub", host.out("ipsecctl", "pki", "public", f"{FOLDER}/bare.key"))

    def test_keys_without_certificates(self):
        """Both by keys of their own, of each kind; then one of them with another key than the other knows; then one by a key and
        the other by a certificate or a secret."""
        bare, known = f"key {FOLDER}/bare.key", f"remote-key {FOLDER}/peer.pub"
        for kind in ("rsa-pss", "ecdsa", "ed25519"):
            self.keys(kind)
            for host in self.both:
                self.load(host, bare, known)
            for first in self.both:
                self.assert_up(first)
        self.elmer.run("ipsecctl", "pki", "key", f"{FOLDER}/bare.key", "--type", "ed448", "--force")
        self.assertIn(f"    key {FOLDER}/bare.key: other contents\n", self.elmer.out("ipsecctl", "load"))
        for first in self.both:
            self.relent.mark_log()
            self.assertEqual(first.run("ipsecctl", "up", "-t", "3", (self.relent if first is self.elmer else self.elmer).address,
                                       check=False).returncode, 1)
            self.assertIn("the peer has sent another public key than the one it is to have (key-other)", self.relent.log())
        self.keys("ecdsa")
        secret, trust = 'secret "a long shared secret"', f"authority {FOLDER}/two.pem"
        for theirs, ours in ((self.own(), trust), (secret, secret)):
            self.load(self.elmer, bare, ours)
            self.load(self.relent, theirs, known)
            for first in self.both:
                self.assert_up(first)

    def test_files_that_are_no_public_keys(self):
        self.keys("ed25519")
        for text, why in ((self.relent.out("cat", f"{FOLDER}/bare.key"), "holds a private key"),
                          (self.relent.out("cat", f"{FOLDER}/own.pem"), "is no public key"), ("", "is no public key")):
            self.put(self.relent, f"{FOLDER}/wrong.pub", text)
            with self.assertRaises(AssertionError) as caught:
                self.load(self.relent, f"key {FOLDER}/bare.key", f"remote-key {FOLDER}/wrong.pub")
            self.assertIn(why, str(caught.exception))

    def test_one_by_certificate_and_the_other_by_secret(self):
        """Whoever begins; and neither takes the other way from its peer."""
        secret, trust = 'secret "a long shared secret"', f"authority {FOLDER}/two.pem"
        self.load(self.relent, self.own(), secret)
        self.load(self.elmer, secret, trust)
        for first in self.both:
            self.assert_up(first)
        self.load(self.elmer, self.own(), trust)
        self.refused(self.elmer, "the peer proves itself by method .*, and peer wants a pre-shared key")
        self.load(self.elmer, secret)
        self.refused(self.relent, "the peer proves itself by method .*, and peer wants a pre-shared key")
        self.load(self.elmer, 'secret "another long secret"', trust)
        self.refused(self.elmer, "its pre-shared key is another one than ours")


labtest.main()
