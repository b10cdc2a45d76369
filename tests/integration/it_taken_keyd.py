#!/usr/bin/python3
"""A keyd that was taken over, played over the sockets of the real services under keyd's own uid.

It says what it likes of the exchanges and of the peers, and wants a ticket for a peer that has proved nothing. What an honest peer
would send is computed here by the text of RFC 2409 with Python's own HMAC, and signed by openssl(1): so each attempt is shown to be
one, because an exchange that is honest does get its ticket.
"""

import contextlib
import errno
import hmac
import os
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import suitebox  # noqa: E402
from it_policyd_edges import as_uid  # noqa: E402
from it_policyd_rig import TYPE, Admin, Edge, Refused, address, decode, message  # noqa: E402

TYPE.update({"HOOK_RUN": 368, "TICKET": 227, "JUDGE": 241, "BEGIN": 242, "SWITCH": 236, "KEYS": 244, "PROVE": 246, "VERIFY": 248, "GRANT_ASK": 261})
PSK, RSA = 1, 2  # enum ike_auth_method
SHA1, MODP1024, GROUP = 2, 2, 128
KEY = b"mekmitasdigoat"
WITH_KEY, SIGNING = "10.0.0.110", "10.0.0.120"
CONF = """
path pre_shared_key "/run/psk.txt";
path certificate "/run";
remote 10.0.0.110 {
	exchange_mode main;
	my_identifier address;
	script "/run/hook.sh" phase1_up;
	proposal { encryption_algorithm 3des; hash_algorithm sha1; authentication_method pre_shared_key; dh_group 2; }
}
remote 10.0.0.120 {
	exchange_mode main;
	my_identifier asn1dn;
	certificate_type x509 "our.pem" "our.key";
	peers_certfile x509 "peer.pem";
	verify_cert off;
	proposal { encryption_algorithm 3des; hash_algorithm sha1; authentication_method rsasig; dh_group 2; }
}
sainfo anonymous { encryption_algorithm 3des; authentication_algorithm hmac_sha1; compression_algorithm deflate; }
"""


def prf(key, *parts):
    return hmac.digest(key, b"".join(parts), "sha1")


def id_of(text):
    return bytes([1, 0, 0, 0]) + address(text)


class Exchange:
    """What is said in one exchange: by us, by the peer, and by whoever speaks in the peer's place."""

    def __init__(self, edge, generation, at, we_began=True):
        self.edge, self.at, self.we_began = edge, at, we_began
        self.method = PSK if at == WITH_KEY else RSA
        self.peer_nonce, self.icookie, self.rcookie = b"n" * 20, b"iiiiiiii", b"rrrrrrrr"
        self.gxi, self.gxr, self.gxy = b"\1" * GROUP, b"\2" * GROUP, b"\3" * GROUP
        self.sa = b"\0\0\0\1" * 13
        peer = 0 if at == WITH_KEY else 1
        begun = decode(edge.call("BEGIN", message(f1=generation, f2=peer, f3=message(f1=address(at)), f4=we_began)))
        self.nonce, self.subject = begun[1][0], (begun[2] or [b""])[0]

    def keys(self):
        body = message(f1=self.nonce, f2=self.peer_nonce, f3=self.icookie, f4=self.rcookie, f5=self.method, f6=SHA1, f7=MODP1024,
                       f8=self.gxi, f9=self.gxr, f10=self.gxy, f11=self.sa)
        reply = decode(self.edge.call("KEYS", body))
        return tuple(reply[n][0] for n in (1, 2, 3))

    def skeyid(self):
        nonces = (self.nonce, self.peer_nonce) if self.we_began else (self.peer_nonce, self.nonce)
        return prf(KEY, *nonces) if self.method == PSK else prf(b"".join(nonces), self.gxy)

    def hash(self, ours, identity):
        if ours == self.we_began:
            parts = self.gxi, self.gxr, self.icookie, self.rcookie
        else:
            parts = self.gxr, self.gxi, self.rcookie, self.icookie
        return prf(self.skeyid(), *parts, self.sa, identity)

    def prove(self, identity):
        return decode(self.edge.call("PROVE", message(f1=self.nonce, f2=identity)))[1][0]

    def verify(self, identity, proof=b""):
        """A ticket, or a statement."""
        return decode(self.edge.call("VERIFY", message(f1=self.nonce, f2=identity, f3=proof)))[1][0]


class TakenKeyd(suitebox.BoxTest):
    @classmethod
    def setUpClass(cls):
        for name in ("our", "peer"):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/O=Example/CN={name}", "-days", "2",
                            "-keyout", f"/run/{name}.key", "-out", f"/run/{name}.pem"], check=True, stderr=subprocess.DEVNULL)
            os.chmod(f"/run/{name}.key", 0o600)
        with open("/run/hook.sh", "w", encoding="ascii") as file:
            file.write("#!/bin/sh\necho $1 $PATH $REMOTE_ID >> /run/ran\n")
        os.chmod("/run/hook.sh", 0o755)
        for name, text in (("racoon.conf", CONF), ("psk.txt", f"{WITH_KEY} {KEY.decode()}\n{SIGNING} {KEY.decode()}\n")):
            with open(f"/run/{name}", "w", encoding="ascii") as file:
                file.write(text)
            os.chmod(f"/run/{name}", 0o600)

    def setUp(self):
        super().setUp()
        if not suitebox.real_services_built():
            self.skipTest("the services are not built")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        self.suite = self.start(bin_dir=None)
        subprocess.run([os.path.join(suitebox.BUILD, "cli/ipsecctl"), "racoon", "-f", "/run/racoon.conf"], check=True,
                       stderr=subprocess.DEVNULL)
        self.generation = int(self.edge(Admin, "policyd.admin", 0).status()["ike generation"])
        self.certd, self.verify = self.keyds("certd.keyd"), self.keyds("certd-verify.keyd")

    def edge(self, kind, name, uid, gid=0):
        edge = as_uid(uid, lambda: kind(f"{suitebox.RUN}/{name}", name), gid)
        self.addCleanup(edge.close)
        return edge

    def keyds(self, name):
        row = self.suite.row("keyd")
        return self.edge(Edge, name, row["uid"], row["gid"])

    def begin(self, at, we_began=True):
        return Exchange(self.certd, self.generation, at, we_began)

    def refused(self, code, words, function, *args):
        with self.assertRaises(Refused) as refusal:
            function(*args)
        self.assertIn(words, refusal.exception.text)
        self.assertEqual(refusal.exception.code, code, refusal.exception.text)

    def assert_ticket(self, octets, at):
        """Under the label that only tickets have, and for this address."""
        with open(f"{suitebox.RUN}/ticket.key", "rb") as file:
            key = file.read()
        said, seal = octets[:-32], octets[-32:]
        self.assertEqual(hmac.digest(key, b"postern ticket\0" + said, "sha512")[:32], seal)
        self.assertIn(address(at), said)

    def sign(self, digest):
        """PKCS #1 over the bare hash (RFC 2409 section 5.1), as the peer."""
        return subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", "/run/peer.key", "-pkeyopt", "rsa_padding_mode:pkcs1"],
                              input=digest, check=True, stdout=subprocess.PIPE).stdout

    def judge(self, statement, signature):
        return decode(self.verify.call("JUDGE", message(f1=statement, f3=signature)))[1][0]

    # --- what is honest

    def test_an_honest_peer_gets_its_ticket(self):
        peer = id_of(WITH_KEY)
        for we_began in (False, True):
            one = self.begin(WITH_KEY, we_began)
            d, a, e = one.keys()
            tail = one.gxy + one.icookie + one.rcookie
            self.assertEqual(d, prf(one.skeyid(), tail, b"\0"))
            self.assertEqual(a, prf(one.skeyid(), d, tail, b"\1"))
            self.assertEqual(e, prf(one.skeyid(), a, tail, b"\2"))
            self.assertNotIn(one.skeyid(), (d, a, e))
            self.refused(errno.EBADMSG, "HASH mismatched", one.verify, peer, b"h" * 20)
            self.assert_ticket(one.verify(peer, one.hash(False, peer)), WITH_KEY)
            self.assertEqual(one.prove(id_of("10.0.0.1")), one.hash(True, id_of("10.0.0.1")))

    def test_an_honest_signer_gets_its_ticket(self):
        one = self.begin(SIGNING)
        self.assertTrue(one.subject)
        one.keys()
        statement = one.verify(self.peers_name())
        self.assert_ticket(self.judge(statement, self.sign(one.hash(False, self.peers_name()))), SIGNING)

    @staticmethod
    def peers_name():
        der = subprocess.run(["openssl", "x509", "-in", "/run/peer.pem", "-outform", "DER"], check=True, stdout=subprocess.PIPE).stdout
        cn = der.rindex(b"\x31\x0d\x30\x0b\x06\x03\x55\x04\x03\x0c\x04peer")  # in the subject, which is the later of the two
        start = der.rindex(b"\x30", 0, der.rindex(b"\x31\x10\x30\x0e\x06\x03\x55\x04\x0a", 0, cn))
        return bytes([9, 0, 0, 0]) + der[start:cn + 15]

    # --- what is not

    def test_our_own_proof_is_not_the_peers(self):
        peer = id_of(WITH_KEY)
        one = self.begin(WITH_KEY)
        one.keys()
        self.refused(errno.EBADMSG, "HASH mismatched", one.verify, peer, one.prove(peer))
        same = self.begin(WITH_KEY)
        same.gxr, same.rcookie = same.gxi, same.icookie
        self.assertEqual(same.hash(True, peer), same.hash(False, peer))
        self.refused(errno.EBADMSG, "a reflection", same.keys)
        for between in (b"", b"between them", b"y" * 40):
            ours, theirs = self.begin(WITH_KEY, True), self.begin(WITH_KEY, False)
            ours.peer_nonce, theirs.peer_nonce = between + theirs.nonce, ours.nonce + between
            self.assertEqual(ours.hash(True, peer), theirs.hash(False, peer))
            self.refused(errno.EBADMSG, "a reflection", theirs.keys)

    def test_what_was_seen_before_is_worth_nothing(self):
        peer = id_of(WITH_KEY)
        old = self.begin(WITH_KEY)
        old.keys()
        proof = old.hash(False, peer)
        self.assert_ticket(old.verify(peer, proof), WITH_KEY)
        new = self.begin(WITH_KEY)
        new.keys()
        self.refused(errno.EBADMSG, "HASH mismatched", new.verify, peer, proof)
        name, seen = self.peers_name(), self.begin(SIGNING)
        seen.keys()
        signature = self.sign(seen.hash(False, name))
        fresh = self.begin(SIGNING)
        fresh.keys()
        self.refused(errno.EBADMSG, "signature-wrong", self.judge, fresh.verify(name), signature)

    def test_keyd_cannot_write_what_certd_says(self):
        name, one = self.peers_name(), self.begin(SIGNING)
        one.keys()
        statement, signature = one.verify(name), self.sign(one.hash(False, name))
        changed = bytearray(statement)
        changed[20] ^= 1
        self.refused(errno.ESTALE, "certd did not say this", self.judge, bytes(changed), signature)
        ticket = self.judge(statement, signature)
        self.refused(errno.ESTALE, "certd did not say this", self.judge, ticket, signature)
        ends = message(f1=address("10.0.0.1")), message(f1=address(SIGNING))
        self.refused(errno.EBADMSG, "neither certd nor certd-verify made this ticket", self.keyds("policyd.keyd").call, "GRANT_ASK",
                     message(f1=statement, f2=1, f3=ends[0], f4=ends[1]))

    def test_the_configuration_says_how_a_peer_proves_itself(self):
        """psk.txt has a line for the one that signs."""
        one = self.begin(SIGNING)
        one.method = PSK
        self.refused(errno.EACCES, "proposes no pre_shared_key", one.keys)
        other = self.begin(WITH_KEY)
        other.method = RSA
        self.refused(errno.EACCES, "proposes no rsasig", other.keys)
        self.refused(errno.EACCES, "not configured for 10.0.0.120", self.certd.call, "BEGIN",
                     message(f1=self.generation, f3=message(f1=address(SIGNING))))

    def test_an_exchange_goes_on_under_no_other_peers_block(self):
        for we_began, why in ((False, (errno.EACCES, "not configured for 10.0.0.110")), (True, (errno.EPROTO, "only who answers"))):
            one = self.begin(WITH_KEY, we_began)
            self.refused(errno.EPROTO, "only who answers", self.certd.call, "SWITCH", message(f1=one.nonce, f2=1))
            one.keys()
            self.refused(*why, self.certd.call, "SWITCH", message(f1=one.nonce, f2=1))

    def test_each_step_once_and_in_its_place(self):
        peer, one = id_of(WITH_KEY), self.begin(WITH_KEY)
        self.refused(errno.EPROTO, "no keys yet", one.verify, peer, b"h" * 20)
        self.refused(errno.EPROTO, "no keys yet", one.prove, peer)
        one.gxy += b"longer"
        self.refused(errno.EBADMSG, "group's length", one.keys)
        one.gxy = one.gxy[:GROUP]
        one.keys()
        one.sa += b"more"
        self.refused(errno.EPROTO, "its keys already", one.keys)
        one.prove(peer)
        self.refused(errno.EPROTO, "our proof already", one.prove, peer)

    # --- scripts

    def hook(self, edge, peer=0, event=1, generation=None, **more):
        """That one is wanted: a record without an answer, and so without an id."""
        body = message(f1=event, f2=generation or self.generation, f3=peer, f4=message(f1=address("10.0.0.1")), f5=500,
                       f6=message(f1=address(WITH_KEY)), f7=500, f8=b"x; touch /run/ran-by-name", **more)
        edge.socket.send(struct.pack("!HHII", TYPE["HOOK_RUN"], 0, 0, 0) + body)

    def ran(self):
        with contextlib.suppress(FileNotFoundError), open("/run/ran", encoding="ascii") as file:
            return file.read()
        return ""

    def test_keyd_names_no_file_and_nobody_else_wants_a_script(self):
        keyd = self.keyds("hooks.keyd")
        for wrong in ({"peer": 1}, {"peer": 4999}, {"event": 2}, {"generation": self.generation - 1}):
            self.hook(keyd, **wrong)
        self.hook(keyd, f10=b"/run/other.sh", f11=b"LD_PRELOAD=/run/x.so", f12=b"PATH=/run")  # fields that there are not
        suitebox.wait_for("the script to run", self.ran)
        keyd.close()
        self.assertEqual(self.ran(), "phase1_up /usr/sbin:/usr/bin:/sbin:/bin x%3B%20touch%20/run/ran-by-name\n")
        for wrong in ({"event": 0}, {"event": 4}, {"peer": 5000}):
            edge = suitebox.wait_for("room for another connection", self.another)
            self.hook(edge, **wrong)
            self.assert_ended(edge)
        # root may connect, and even root's word is not keyd's; others cannot connect.
        edge = self.edge(Edge, "hooks.keyd", 0)
        self.hook(edge)
        self.assert_ended(edge)
        for name in ("policyd", "datapathd", "certd", "certd-verify"):
            row = self.suite.row(name)
            with self.assertRaises(PermissionError, msg=name):
                self.edge(Edge, "hooks.keyd", row["uid"], row["gid"])
        self.assertEqual(self.ran().count("\n"), 1)
        self.assertFalse(os.path.exists("/run/ran-by-name"))

    def another(self):
        """A connection beside that of the real keyd; None while the one before is still being closed."""
        with contextlib.suppress(ConnectionError):
            return self.keyds("hooks.keyd")
        return None

    def assert_ended(self, edge):
        with self.assertRaises(ConnectionError):
            while True:
                edge.receive()

    def test_a_new_certd_knows_none_of_it(self):
        one = self.begin(WITH_KEY)
        one.keys()
        self.suite.kill("certd")
        self.certd = one.edge = self.keyds("certd.keyd")
        self.refused(errno.ESTALE, "The next packet begins another", one.verify, id_of(WITH_KEY), one.hash(False, id_of(WITH_KEY)))
        self.begin(WITH_KEY).keys()  # the configuration is there again


if __name__ == "__main__":
    suitebox.main()
