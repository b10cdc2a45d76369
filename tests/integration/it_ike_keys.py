#!/usr/bin/python3
"""Private keys and certificates as openssl(1) writes them: loaded, opened with passphrases, refused by name, kept over a restart."""

import os
import pty
import re
import sys
import termios

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtap import Tap, clear_between  # noqa: E402
from labtest import ELMER, EXAMPLES, RELENT, wait_for  # noqa: E402

FOLDER = "/etc/inet/certs"
CONF = "/etc/inet/racoon.conf"
REMOTE = """remote {peer} {{
    exchange_mode main;
    my_identifier asn1dn;
    certificate_type x509 "{cert}" "{key}";
    {more}
    proposal {{ encryption_algorithm aes; hash_algorithm sha256; authentication_method {method}; dh_group 14; }}
}}
"""
HEAD = f"path certificate \"{FOLDER}\";\n"
TAIL = "sainfo anonymous { pfs_group 14; lifetime time 1 hour; encryption_algorithm aes; authentication_algorithm hmac_sha256;\n" \
       "    compression_algorithm deflate; }\n"
WRONG = "the passphrase does not open the private key"


class Keys(labtest.LabTest):
    def setUp(self):
        super().setUp()
        for host in self.both:
            host.run("rm", "-rf", FOLDER)
            host.run("mkdir", "-p", FOLDER)

    def openssl(self, *words, host=None):
        return (host or self.relent).run("sh", "-c", f"cd {FOLDER} && openssl " + " ".join(words)).stdout

    def make(self, new="rsa:2048", name="my", host=None, days=30):
        """NAME.key in clear, and NAME.pem that it signed itself."""
        host = host or self.relent
        self.openssl(f"req -x509 -nodes -newkey {new} -keyout {name}.key -out {name}.pem -days {days} -subj /O=Example/CN={host.name}",
                     host=host)

    def write(self, cert="my.pem", key="my.key", host=None, peer=ELMER, method="rsasig", more="", text=None):
        text = text or HEAD + REMOTE.format(peer=peer, cert=cert, key=key, method=method, more=more) + TAIL
        (host or self.relent).run("tee", CONF, text=text)

    def load(self, *passphrases, host=None):
        """By descriptor: a line for each. Exit code and what was said."""
        text = "".join(f"{line}\n" for line in passphrases)
        done = (host or self.relent).run("ipsecctl", "racoon", "--passphrase-fd", "0", check=False, text=text)
        return done.returncode, done.stderr

    def test_every_form_that_openssl_writes(self):
        self.make()
        forms = {
            "pkcs8.pem": "pkcs8 -topk8 -in my.key -passout pass:sesame -out {0}",
            "pkcs8.der": "pkcs8 -topk8 -in my.key -passout pass:sesame -outform DER -out {0}",
            "scrypt.pem": "pkcs8 -topk8 -scrypt -in my.key -passout pass:sesame -out {0}",
            "traditional.pem": "rsa -traditional -des3 -in my.key -passout pass:sesame -out {0}",
            "new.p12": "pkcs12 -export -in my.pem -inkey my.key -passout pass:sesame -out {0}",
            "old.p12": "pkcs12 -export -legacy -in my.pem -inkey my.key -passout pass:sesame -out {0}",
        }
        for name, words in forms.items():
            with self.subTest(name):
                self.openssl(words.format(name))
                self.relent.run("chmod", "600", f"{FOLDER}/{name}")
                for cert in ("my.pem", name) if name.endswith(".p12") else ("my.pem",):
                    self.write(cert=cert, key=name)
                    self.assertEqual(self.load("sesame"), (0, ""))
                    code, said = self.load("close")
                    self.assertEqual((code, said), (1, f"ipsecctl: remote {ELMER}: {FOLDER}/{cert} with {FOLDER}/{name}: {WRONG}\n"))
                    self.assertIn("private keys 1", re.sub(" +", " ", self.relent.out("ipsecctl", "status")))

    def test_forms_that_openssl_does_not_read_are_told_apart_from_a_wrong_passphrase(self):
        self.make()
        old = "pkcs8 -topk8 -v1 PBE-MD5-DES -provider legacy -provider default"
        self.openssl(f"{old} -in my.key -passout pass:sesame -out old.pem")
        self.openssl("pkcs12 -export -nomac -in my.pem -inkey my.key -passout pass:sesame -out nomac.p12")
        self.write(key="old.pem")
        code, said = self.load("sesame")
        self.assertEqual(code, 1)
        self.assertIn("enciphered in a way that OpenSSL does not read any more: encipher it anew (openssl pkcs8 -topk8", said)
        # As the message says.
        self.openssl("pkcs8 -topk8 -provider legacy -provider default -in old.pem -passin pass:sesame -passout pass:sesame -out new.pem")
        self.write(key="new.pem")
        self.assertEqual(self.load("sesame"), (0, ""))
        self.write(key="nomac.p12")
        code, said = self.load("sesame")
        self.assertEqual(code, 1)
        self.assertIn("PKCS #12 with a MAC are read", said)

    def test_other_kinds_are_read_and_cannot_sign_in_version_1(self):
        for new, kind in (("ec -pkeyopt ec_paramgen_curve:P-256", "ECDSA P-256"), ("ec -pkeyopt ec_paramgen_curve:P-521", "ECDSA P-521"),
                          ("ed25519", "Ed25519"), ("ed448", "Ed448")):
            with self.subTest(kind):
                self.make(new)
                self.write()
                code, said = self.load()
                self.assertEqual(code, 1)
                self.assertIn(f"authentication_method rsasig wants an RSA key, and {FOLDER}/my.key is {kind}: name an RSA key", said)
                self.write(method="pre_shared_key")
                self.assertEqual(self.load(), (0, ""))
        self.make("ec -pkeyopt ec_paramgen_curve:secp256k1")
        self.assertIn("EC on another curve", self.load()[1])

    def test_one_line_for_each_file_and_not_for_each_peer(self):
        for name, passphrase in (("one", "first"), ("two", "second")):
            self.make(name=name)
            self.openssl(f"pkcs8 -topk8 -in {name}.key -passout pass:{passphrase} -out {name}.locked")
        remotes = [REMOTE.format(peer=f"192.0.2.{i}", cert=f"{name}.pem", key=f"{name}.locked", method="rsasig", more="")
                   for i, name in enumerate(("one", "two", "one", "two"), 1)]
        self.write(text=HEAD + "".join(remotes) + TAIL)
        self.assertEqual(self.load("first", "second"), (0, ""))
        code, said = self.load("first")
        self.assertEqual(code, 1)
        self.assertIn(f"descriptor 0 of --passphrase-fd has no line for {FOLDER}/two.locked", said)
        code, said = self.load("second", "first")
        self.assertEqual(code, 1)
        self.assertIn(f"remote 192.0.2.1: {FOLDER}/one.pem with {FOLDER}/one.locked: {WRONG}", said)

    def test_nobody_to_ask(self):
        self.make()
        self.openssl("pkcs8 -topk8 -in my.key -passout pass:sesame -out my.locked")
        self.write(key="my.locked")
        done = self.relent.run("setsid", "-w", "ipsecctl", "racoon", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"the private key {FOLDER}/my.locked wants a passphrase, and there is no terminal to ask for it: say --passphrase-fd",
                      done.stderr)
        done = self.relent.run("ipsecctl", "racoon", "--passphrase-fd", "77", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--passphrase-fd wants the number of an open descriptor: 77 is none.", done.stderr)
        self.assertEqual(self.relent.run("ipsecctl", "racoon", "-C").stderr, "")

    # -- what certd-verify gets

    def trusted(self):
        """How many files certd-verify has."""
        row = next(row for row in self.relent.out("ipsecctl", "status").splitlines() if "files of trust" in row)
        return int(row.split()[-1])

    def test_no_private_key_goes_to_certd_verify(self):
        self.make()
        self.make("ec -pkeyopt ec_paramgen_curve:P-256", name="ca")
        self.write()
        self.openssl("x509 -in ca.pem -outform DER -out ca.der && rm ca.pem")
        self.openssl("rsa -in my.key -outform DER -out pkcs1.der && cp pkcs1.der pkcs1.crt")
        self.openssl("pkcs8 -topk8 -nocrypt -in my.key -outform DER -out pkcs8.cer")
        self.openssl("pkcs8 -topk8 -in my.key -passout pass:sesame -outform DER -out locked.crt")
        self.openssl("ec -in ca.key -outform DER -out ec.der")
        self.openssl("pkcs12 -export -in my.pem -inkey my.key -passout pass:sesame -out p12.crt")
        self.relent.run("sh", "-c", f"cd {FOLDER} && cat my.pem my.key > both.pem && chmod 600 both.pem && mkfifo pipe.pem")
        code, said = self.load()
        self.assertEqual(code, 0)
        for name in ("pkcs1.crt", "pkcs8.cer", "locked.crt", "p12.crt", "both.pem"):
            self.assertIn(f"warning: {FOLDER}/{name} is passed over, because it has a private key in it", said)
        self.assertEqual(len(said.splitlines()), 5, said)  # not of keys that go by the name of one, or of none
        self.assertEqual(self.trusted(), 2)  # my.pem, ca.der
        self.write(cert="both.pem", key="both.pem")
        code, said = self.load()
        self.assertEqual((code, len(said.splitlines())), (0, 4), said)  # it is our own, and meant to have both
        self.assertEqual(self.trusted(), 2)

    def test_a_named_file_with_a_key_beside_is_handed_over_without_it(self):
        self.make()
        self.make(name="ca")
        self.relent.run("sh", "-c", f"cd {FOLDER} && cat ca.key ca.pem > both.pem")
        for statement in ('ca_type x509 "both.pem";', 'peers_certfile x509 "both.pem";'):
            self.write(more=statement)
            code, said = self.load()
            self.assertEqual(code, 0, said)
            self.assertIn(f"warning: {CONF}:2: remote {ELMER}: {FOLDER}/both.pem has a private key in it: certd-verify gets", said)
        self.openssl("rsa -in ca.key -outform DER -out ca.der")
        for name, why in (("ca.key", "holds a private key"), ("ca.der", "holds a private key"), ("../racoon.conf", "is no certificate")):
            self.write(more=f'ca_type x509 "{name}";')
            code, said = self.load()
            self.assertEqual(code, 1)
            self.assertIn(f"{CONF}:2: {FOLDER}/{name} {why}", said)

    def test_a_pipe_without_a_writer_holds_nobody_up(self):
        self.make()
        self.relent.run("mkfifo", "-m", "600", f"{FOLDER}/pipe")
        for how in ({"cert": "pipe"}, {"key": "pipe"}, {"more": 'ca_type x509 "pipe";'}, {"more": 'peers_certfile x509 "pipe";'}):
            with self.subTest(how):
                self.write(**how)
                code, said = self.load()
                self.assertEqual(code, 1)
                self.assertIn(f"{FOLDER}/pipe is a named pipe: keys and certificates are read from regular files only", said)
        self.write(method="pre_shared_key", text=f'path pre_shared_key "{FOLDER}/pipe";\n' + HEAD + REMOTE.format(
            peer=ELMER, cert="my.pem", key="my.key", method="pre_shared_key", more="") + TAIL)
        code, said = self.load()
        self.assertEqual(code, 0)
        self.assertIn(f"warning: {FOLDER}/pipe is a named pipe: keys and certificates are read from regular files only; no pre-shared", said)

    # -- at a terminal

    def at_terminal(self, *words):
        """A command whose terminal we have the other end of."""
        ours, its = pty.openpty()
        self.addCleanup(os.close, its)
        self.addCleanup(os.close, ours)
        process = self.relent.popen("setsid", "-c", "-w", *words, stdin=its, stdout=its, stderr=its)
        self.addCleanup(process.kill)
        shown = b""

        def until(what, timeout=20):
            nonlocal shown

            def there():
                nonlocal shown
                os.set_blocking(ours, False)
                try:
                    shown += os.read(ours, 4096)
                except BlockingIOError:
                    pass
                return what in shown
            wait_for(f"{what!r} on the terminal, which shows {shown!r}", there, timeout)
            part, _, shown = shown.partition(what)
            return part + what

        return process, ours, its, until

    def test_a_passphrase_is_typed_and_not_shown(self):
        self.make()
        self.openssl("pkcs8 -topk8 -in my.key -passout pass:sesame -out my.locked")
        self.write(key="my.locked")
        process, ours, its, until = self.at_terminal("ipsecctl", "racoon")
        prompt = f"Passphrase of {FOLDER}/my.locked: ".encode()
        until(prompt)
        os.write(ours, b"close\n")
        said = until(prompt)
        self.assertIn(WRONG.encode(), said)
        self.assertNotIn(b"close", said)
        os.write(ours, b"sesame\n")
        self.assertEqual(process.wait(timeout=20), 0)
        self.assertNotIn(b"sesame", until(b"\n"))
        self.assertTrue(termios.tcgetattr(its)[3] & termios.ECHO)

    def test_three_wrong_ones_are_enough(self):
        self.make()
        self.openssl("pkcs8 -topk8 -in my.key -passout pass:sesame -out my.locked")
        self.write(key="my.locked")
        process, ours, _, until = self.at_terminal("ipsecctl", "racoon")
        for _ in range(3):
            until(b"my.locked: ")
            os.write(ours, b"close\n")
            until(WRONG.encode())
        self.assertEqual(process.wait(timeout=20), 1)

    def test_the_interrupt_key_gives_the_terminal_back(self):
        self.make()
        self.openssl("pkcs8 -topk8 -in my.key -passout pass:sesame -out my.locked")
        self.write(key="my.locked")
        process, ours, its, until = self.at_terminal("ipsecctl", "racoon")
        until(b"my.locked: ")
        self.assertFalse(termios.tcgetattr(its)[3] & termios.ECHO)
        os.write(ours, b"sesa\x03")
        self.assertIn(b"given up", until(b"was not told"))
        self.assertEqual(process.wait(timeout=20), 1)
        self.assertTrue(termios.tcgetattr(its)[3] & termios.ECHO)
        # Nobody else is kept waiting.
        self.assertEqual(self.load("sesame"), (0, ""))

    def test_who_stays_asks_before_the_prompt_comes_back(self):
        self.make()
        self.openssl("pkcs8 -topk8 -in my.key -passout pass:sesame -out my.locked")
        self.write(key="my.locked")
        before = {pid for pid, command in self.lab.processes(self.relent.name).items() if command == "racoon"}
        done = self.relent.run("racoon", "--passphrase-fd", "0", check=False, text="close\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn(WRONG, done.stderr)
        # With its streams elsewhere: it stays, and would keep ours open.
        self.relent.run("sh", "-c", "racoon --passphrase-fd 0 >/dev/null 2>&1", text="sesame\n")
        stays = {pid for pid, command in self.lab.processes(self.relent.name).items() if command == "racoon"} - before
        self.assertEqual(len(stays), 1)
        self.relent.run("pkill", "-x", "-TERM", "racoon")
        wait_for("it to be gone", lambda: not stays & set(self.lab.processes(self.relent.name)))

    # -- what follows

    def connect(self, port):
        self.relent.traffic("tcp-sink", port)
        client = self.elmer.traffic("tcp-send", RELENT, port, 20000, 10**9, 30)
        self.assertEqual(client.wait(timeout=60), 0, client.stdout.read())

    def test_certd_signs_and_goes_on_signing_when_it_was_killed(self):
        for host in self.both:
            self.make(host=host)
            self.openssl("pkcs8 -topk8 -in my.key -passout pass:sesame -out my.locked", "&& rm my.key", host=host)
        for host, peer in ((self.relent, self.elmer), (self.elmer, self.relent)):
            host.run("tee", f"{FOLDER}/peer.pem", text=peer.out("cat", f"{FOLDER}/my.pem"))
            self.write(key="my.locked", host=host, peer=peer.address, more="peers_certfile x509 \"peer.pem\"; peers_identifier asn1dn;")
            host.run("ipseckey", "-f", os.path.join(EXAMPLES, f"ike-{host.name}.ipsec.conf"))
            self.assertEqual(self.load("sesame", host=host), (0, ""))
        with Tap(self.lab, clear_between(RELENT, ELMER, "tcp")) as clear:
            self.connect(7101)
            for host in self.both:
                for service in ("certd", "keyd"):  # keyd too: it must prove itself again
                    host.kill(service)
            for host in self.both:
                host.wait_ready()
                host.run("setkey", "-F")
            self.connect(7102)
        self.assertEqual(clear.count, 0)
        for host in self.both:
            self.assertNotIn("conf.restore", host.log())
            self.assertIn("private keys 1", re.sub(" +", " ", host.out("ipsecctl", "status")))

    def test_S130_a_certificate_near_its_end_is_warned_of(self):
        before = len(self.relent.log())
        self.make(days=15)
        self.write()
        self.assertEqual(self.load()[0], 0)
        self.assertNotIn("our own certificate", self.relent.log()[before:])
        self.make(days=13)
        self.assertEqual(self.load()[0], 0)
        wait_for("the warning", lambda: f"remote {ELMER}: our own certificate expires within 14 days" in self.relent.log()[before:])


if __name__ == "__main__":
    labtest.main()
