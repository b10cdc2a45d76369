#!/usr/bin/python3
"""Certificates by `ipsecctl pki` and by nothing else: two hosts that know only their authority, until one is revoked."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtap import Tap, clear_between  # noqa: E402
from labtest import ELMER, RELENT, wait_for  # noqa: E402

FOLDER, FOR_ELMER = "/etc/inet/certs", "/etc/inet/for-elmer"
CONF = """path certificate "{folder}";
remote {peer} {{
    exchange_mode main;
    certificate_type x509 "{name}.pem" "{name}.key";
    my_identifier {mine};
    peers_identifier {theirs};
    proposal {{ encryption_algorithm aes 256; hash_algorithm sha256; authentication_method rsasig; dh_group 14; }}
}}
sainfo anonymous {{ pfs_group 14; lifetime time 1 hour; encryption_algorithm aes 256; authentication_algorithm hmac_sha256;
    compression_algorithm deflate; }}
"""
POLICIES = """flush;
spdflush;
spdadd {mine} {theirs} any -P out ipsec esp/transport//require;
spdadd {theirs} {mine} any -P in ipsec esp/transport//require;
"""
# What each host is called, as pki is told and as racoon.conf says it.
NAMES = {
    "fqdn": (("--host", "{}.example.org"), "fqdn \"{}.example.org\""),
    "user_fqdn": (("--user", "{}@example.org"), "user_fqdn \"{}@example.org\""),
    "address": (("--address", "{}"), "address \"{}\""),
    "asn1dn": (("--host", "{}", "--name", "C=XX, O=Example\\, Inc., CN={}"), "asn1dn"),
}


# A certificate for a request, valid from and to so many days from now, by the authority of `ipsecctl pki`.
AGAIN = """
import datetime, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
ca = x509.load_pem_x509_certificate(open("/etc/postern/ca/ca.pem", "rb").read())
key = serialization.load_pem_private_key(open("/etc/postern/ca/ca.key", "rb").read(), None)
asked = x509.load_pem_x509_csr(open(sys.argv[1], "rb").read())
begin, end = (datetime.datetime.utcnow() + datetime.timedelta(days=int(word)) for word in sys.argv[2:])
made = x509.CertificateBuilder().subject_name(asked.subject).issuer_name(ca.subject).public_key(asked.public_key())
made = made.serial_number(x509.random_serial_number()).not_valid_before(begin).not_valid_after(end)
made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("elmer.example.org")]), False)
print(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode())
"""


class Pki(labtest.LabTest):
    def setUp(self):
        super().setUp()
        self.forget()

    def forget(self):
        """As if nobody had ever made a certificate or negotiated by one."""
        for host, peer in ((self.relent, self.elmer), (self.elmer, self.relent)):
            host.run("ipsecctl", "down", peer.address, check=False)
            host.run("rm", "-rf", FOLDER, FOR_ELMER, "/etc/postern/ca")
            host.flush()

    def pki(self, host, *words, **kwargs):
        return host.run("ipsecctl", "pki", *words, **kwargs)

    def copy(self, source, path, target, to=FOLDER):
        """By hand, as an administrator does; over the test's own memory."""
        target.run("install", "-D", "-m", "644", "/dev/stdin", f"{to}/{os.path.basename(path)}", text=source.out("cat", path))

    def called(self, host, kind):
        return host.address if kind == "address" else host.name

    def certificates(self, kind):
        """relent has the authority and issues its own; elmer keeps its key to itself."""
        words = {host.name: [word.format(self.called(host, kind)) for word in NAMES[kind][0]] for host in self.both}
        first = {name: said[1] for name, said in words.items()}
        self.pki(self.relent, "ca", "--name", "Example CA", "--bits", "2048")
        self.pki(self.relent, "issue", *words["relent"], "-o", FOLDER, "--bits", "2048")
        self.pki(self.elmer, "request", *words["elmer"], "-o", FOLDER, "--bits", "2048")
        self.copy(self.elmer, f"{FOLDER}/{first['elmer']}.req", self.relent)
        self.pki(self.relent, "sign", f"{FOLDER}/{first['elmer']}.req", *words["elmer"], "-o", FOR_ELMER)
        for name in (f"{first['elmer']}.pem", "ca.pem"):
            self.copy(self.relent, f"{FOR_ELMER}/{name}", self.elmer)
        return first

    def load(self, kind, first):
        for host, peer in ((self.relent, self.elmer), (self.elmer, self.relent)):
            text = CONF.format(folder=FOLDER, peer=peer.address, name=first[host.name],
                               mine=NAMES[kind][1].format(self.called(host, kind)),
                               theirs=NAMES[kind][1].format(self.called(peer, kind)))
            host.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/racoon.conf", text=text)
            self.assertEqual(host.run("ipsecctl", "racoon").stderr, "")
            host.run("setkey", "-c", text=POLICIES.format(mine=host.address, theirs=peer.address))

    def ping(self, check=True, count=3):
        return self.elmer.run("ping", "-c", str(count), "-W", "5", RELENT, check=check)

    def test_every_kind_of_identity(self):
        for kind in NAMES:
            with self.subTest(kind):
                self.forget()
                self.load(kind, self.certificates(kind))
                with Tap(self.lab, clear_between(RELENT, ELMER, "icmp")) as clear:
                    self.ping()
                self.assertEqual(clear.count, 0)
                for host in self.both:
                    self.assertEqual({sa["peer_identity"]["kind"] for sa in host.json("show")["ike_sas"]}, {kind})

    def test_a_revoked_peer_is_refused_and_the_log_says_why(self):
        first = self.certificates("fqdn")
        self.load("fqdn", first)
        self.ping()
        self.pki(self.relent, "revoke", "--reason", "key-compromise", "elmer.example.org", "-o", FOLDER)
        began = len(self.relent.log())
        for host in self.both:  # nothing is left of what was negotiated when it was still good
            host.run("ipsecctl", "down", self.elmer.address if host is self.relent else RELENT, check=False)
        self.relent.run("ipsecctl", "reload")
        self.assertNotEqual(self.ping(check=False, count=1).returncode, 0)
        wait_for("the reason in the log", lambda: "the certificate has been revoked by its issuer" in self.relent.log()[began:])
        self.assertIn("cert-revoked", self.relent.log()[began:])
        # Another certificate for it, and all is well: the list is of numbers, not of names.
        self.pki(self.relent, "sign", f"{FOLDER}/elmer.example.org.req", "--host", "elmer.example.org", "-o", FOR_ELMER, "--force")
        self.copy(self.relent, f"{FOR_ELMER}/elmer.example.org.pem", self.elmer)
        self.elmer.run("ipsecctl", "reload")
        wait_for("it to be let in", lambda: self.ping(check=False, count=1).returncode == 0)

    def test_a_certificate_of_another_authority_is_refused(self):
        first = self.certificates("fqdn")
        self.pki(self.elmer, "ca", "--name", "Example CA", "--bits", "2048")  # of the same name
        self.pki(self.elmer, "issue", "--host", "elmer.example.org", "--bits", "2048", "-o", FOLDER, "--force")
        # But it knows relent's authority, and would take relent's word.
        self.elmer.run("tee", f"{FOLDER}/real.pem", text=self.relent.out("cat", f"{FOLDER}/ca.pem"))
        began = len(self.relent.log())
        self.load("fqdn", first)
        self.assertNotEqual(self.ping(check=False, count=1).returncode, 0)
        wait_for("a refusal", lambda: re.search(r"cert-(untrusted|chain)", self.relent.log()[began:]))

    def issue_again(self, days_from, days_to):
        """For elmer's key, by relent's authority, valid from and to so many days from now."""
        made = self.relent.run("/usr/bin/python3", "-c", AGAIN, f"{FOLDER}/elmer.example.org.req", str(days_from), str(days_to)).stdout
        self.elmer.run("tee", f"{FOLDER}/elmer.example.org.pem", text=made)

    def test_a_certificate_out_of_its_time_is_refused_and_the_log_says_why(self):
        """The peer hears that it was refused; what was wrong, and what to do, stands in the log of who refused."""
        first = self.certificates("fqdn")
        self.load("fqdn", first)
        self.ping()
        for days_from, days_to, reason, words, do in (
                (-30, -1, "cert-expired", "the certificate has expired", "renew"),
                (2, 30, "cert-not-yet-valid", "the certificate is not valid yet", "clock")):
            with self.subTest(reason):
                self.issue_again(days_from, days_to)
                for host in self.both:
                    host.run("ipsecctl", "down", self.elmer.address if host is self.relent else RELENT, check=False)
                    host.mark_log()
                self.elmer.run("ipsecctl", "reload")
                self.assertIn("our own certificate", self.elmer.log())
                self.assertNotEqual(self.ping(check=False, count=1).returncode, 0)
                wait_for("the reason in the log", lambda: words in self.relent.log())
                line = next(line for line in self.relent.log().splitlines() if words in line)
                self.assertIn(reason, line)
                self.assertIn(do, line)
                wait_for("the peer to hear of it", lambda: "AUTHENTICATION-FAILED" in self.elmer.log())
                self.assertNotIn(reason, self.elmer.log())

    def test_a_key_that_is_not_its_certificates_does_not_load(self):
        self.certificates("fqdn")
        self.pki(self.relent, "issue", "--host", "other.example.org", "--bits", "2048", "-o", FOLDER)
        text = CONF.format(folder=FOLDER, peer=ELMER, name="relent.example.org", mine="fqdn \"relent.example.org\"", theirs="asn1dn")
        text = text.replace('"relent.example.org.key"', '"other.example.org.key"')
        self.relent.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/racoon.conf", text=text)
        done = self.relent.run("ipsecctl", "racoon", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("other.example.org.key", done.stderr)
        self.assertIn("relent.example.org.pem", done.stderr)

    def test_an_enciphered_key_and_a_pkcs12_load(self):
        self.pki(self.relent, "ca", "--name", "Example CA", "--bits", "2048")
        self.pki(self.relent, "issue", "--host", "relent.example.org", "--bits", "2048", "-o", FOLDER, "--encrypt", "--passphrase-fd", "0",
                 text="sesame\n")
        self.pki(self.relent, "p12", f"{FOLDER}/relent.example.org.pem", f"{FOLDER}/relent.example.org.key", "--passphrase-fd", "0",
                 text="sesame\nsecret\n")
        for cert, key, passphrase in (("pem", "key", "sesame"), ("p12", "p12", "secret")):
            text = CONF.format(folder=FOLDER, peer=ELMER, name="relent.example.org", mine="fqdn \"relent.example.org\"", theirs="asn1dn")
            text = text.replace('example.org.pem"', f'example.org.{cert}"').replace('example.org.key"', f'example.org.{key}"')
            self.relent.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/racoon.conf", text=text)
            done = self.relent.run("ipsecctl", "racoon", "--passphrase-fd", "0", text=f"{passphrase}\n")
            self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    labtest.main()
