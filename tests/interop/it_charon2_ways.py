#!/usr/bin/python3
"""Version 2 against strongSwan in every way that both have: how each proves itself, what protects packets, each group, several
children, long chains. One daemon, one suite, and one connection after the other; both sides begin each of them."""

import itertools
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import charon  # noqa: E402
import charon2  # noqa: E402
import labtest  # noqa: E402
import rekeying  # noqa: E402
from charon2 import HERE, THERE  # noqa: E402
from labtap import Tap  # noqa: E402
from labtest import ELMER, RELENT, wait_for  # noqa: E402

OLD_WAY, PSS = "signature_authentication = no", "rsa_pss = yes"
PROOFS = (  # (our words for the key, strongSwan's settings, what it says that we and it proved themselves with)
    ("psk", "", "pre-shared key", "pre-shared key"),
    ("rsa", OLD_WAY, "RSA signature", "RSA signature"),
    ("rsa", "", "RSA_EMSA_PSS_SHA2_256_SALT_32", "RSA_EMSA_PKCS1_SHA2_256"),
    ("rsa", PSS, "RSA_EMSA_PSS_SHA2_256_SALT_32", "RSA_EMSA_PSS_SHA2_256_SALT_32"),
    ("rsa-pss", PSS, "RSA_EMSA_PSS_SHA2_256_SALT_32", "RSA_EMSA_PSS_SHA2_256_SALT_32"),
    ("ecdsa-256", "", "ECDSA_WITH_SHA256_DER", "ECDSA_WITH_SHA256_DER"),
    ("ecdsa-256", OLD_WAY, "ECDSA-256 signature", "ECDSA-256 signature"),
    ("ecdsa-384", "", "ECDSA_WITH_SHA384_DER", "ECDSA_WITH_SHA384_DER"),
    ("ecdsa-384", OLD_WAY, "ECDSA-384 signature", "ECDSA-384 signature"),
    ("ecdsa-521", "", "ECDSA_WITH_SHA512_DER", "ECDSA_WITH_SHA512_DER"),
    ("ecdsa-521", OLD_WAY, "ECDSA-521 signature", "ECDSA-521 signature"),
    ("ed25519", "", "ED25519", "ED25519"),
    ("ed448", "", "ED448", "ED448"),
)
# Groups 14 to 24, 31 and 32, each with a cipher for packets: our words and strongSwan's, proposed and chosen.
WAYS = (("modp2048", "MODP_2048", "aes128gcm", "aes128gcm16", "AES_GCM_16_128"),
        ("modp3072", "MODP_3072", "aes256gcm", "aes256gcm16", "AES_GCM_16_256"),
        ("modp4096", "MODP_4096", "aes128-sha256", "aes128-sha256", "AES_CBC_128/HMAC_SHA2_256_128"),
        ("modp6144", "MODP_6144", "aes192-sha384", "aes192-sha384", "AES_CBC_192/HMAC_SHA2_384_192"),
        ("modp8192", "MODP_8192", "aes256-sha512", "aes256-sha512", "AES_CBC_256/HMAC_SHA2_512_256"),
        ("ecp256", "ECP_256", "chacha20poly1305", "chacha20poly1305", "CHACHA20_POLY1305"),
        ("ecp384", "ECP_384", "aes192gcm", "aes192gcm16", "AES_GCM_16_192"),
        ("ecp521", "ECP_521", "aes256-sha256", "aes256-sha256", "AES_CBC_256/HMAC_SHA2_256_128"),
        ("modp1024s160", "MODP_1024_160", "aes128gcm", "aes128gcm16", "AES_GCM_16_128"),
        ("modp2048s224", "MODP_2048_224", "aes256gcm", "aes256gcm16", "AES_GCM_16_256"),
        ("modp2048s256", "MODP_2048_256", "aes128-sha256", "aes128-sha256", "AES_CBC_128/HMAC_SHA2_256_128"),
        ("x25519", "CURVE_25519", "chacha20poly1305", "chacha20poly1305", "CHACHA20_POLY1305"),
        ("x448", "CURVE_448", "aes256gcm", "aes256gcm16", "AES_GCM_16_256"))
MORE = ("child 192.168.3.0/24 = 192.168.4.0/24 {}\n    child 192.168.5.0/24 = 192.168.6.0/24 {}",
        """more { local_ts = 192.168.4.0/24
        remote_ts = 192.168.3.0/24
        esp_proposals = default }
      most { local_ts = 192.168.6.0/24
        remote_ts = 192.168.5.0/24
        esp_proposals = default }""")


NET1, NET2, NET3, NET4 = (f"192.168.{i}.0/24" for i in range(1, 5))
SEVERAL = f"{NET1}, {NET3} = {NET2}, {NET4}"


class Ways(charon2.Charon2Test):
    def setUp(self):
        super().setUp()
        self.peer = None

    def ready(self, psk=True, settings="", **more):
        """Both sides as they are to be, with nothing up."""
        words = {**self.words(psk), **more}
        self.load(words)
        if not self.peer:
            self.peer = charon.Charon(self.elmer)
            self.addCleanup(self.peer.stop)
            self.peer.start(charon2.SWANCTL % words, settings)
            self.addCleanup(self.over)  # a peer that is gone could not answer that
        else:
            self.peer.load(charon2.SWANCTL % words, settings)

    def over(self):
        self.relent.run("ipsecctl", "down", ELMER, check=False)
        wait_for("both sides to be empty", lambda: not self.relent.json("show")["ike_sas"] and not self.peer.swanctl("--list-sas").stdout.strip())
        self.log_from = len(self.peer.log())

    def said(self):
        return self.peer.log()[self.log_from:]

    def begin(self, ours, child="net"):
        if ours:
            self.relent.run("ipsecctl", "up", ELMER)
        else:
            done = self.peer.initiate(child)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def reach(self, near=HERE, far=THERE):
        self.relent.run("ping", "-c", "2", "-i", "0.02", "-W", "5", "-s", "500", "-I", near, far)

    def pairs(self):
        """What we use now."""
        return {row["parts"][0]["spi_in"] for row in self.relent.json("show")["child_sas"] if row["state"] == "up"}

    def renewed(self, what):
        """Something that renews the child, and that both sides then use another one."""
        old = self.pairs()
        what()
        wait_for("another pair", lambda: self.pairs().isdisjoint(old) and len(self.pairs()) == len(old))
        self.reach()

    def both_begin(self):
        for ours in (True, False):
            self.over()
            self.begin(ours)
            self.reach()
            yield ours

    def test_every_proof(self):
        made = None
        for kind, settings, ours, theirs in PROOFS:
            if kind not in ("psk", made):
                charon.certificates(self.relent, self.elmer, kind=kind)
                made = kind
            with self.subTest(kind=kind, settings=settings):
                self.ready(kind == "psk", settings)
                for _ in self.both_begin():
                    said = re.findall(r"authentication of '[^']*'( \(myself\))? with (.*?)(?: successful)?$", self.said(), re.M)
                    self.assertEqual({(bool(myself), how) for myself, how in said}, {(False, ours), (True, theirs)})

    def raw(self, **more):
        """Keys without certificates, which strongSwan has been told and does not send. It could not know by itself who has one:
        so identities are written down, which is what it says then, too."""
        self.ready(False, "", **{"auth": "key /etc/inet/relent.key\n remote-key /etc/inet/elmer.pub",
                                 "local": f"auth = pubkey\n pubkeys = elmer.pub\n id = {ELMER}",
                                 "remote": f"auth = pubkey\n pubkeys = relent.pub\n id = {RELENT}", **more})

    def test_keys_without_certificates(self):
        for kind, how in (("ed25519", "ED25519"), ("ecdsa-256", "ECDSA_WITH_SHA256_DER"), ("rsa", "RSA_EMSA_P.*_SHA2_256.*")):
            charon.bare_keys(self.relent, self.elmer, kind)
            with self.subTest(kind=kind):
                self.raw()
                for _ in self.both_begin():
                    said = re.findall(r"authentication of '([^']*)'(?: \(myself\))? with (.*?)(?: successful)?$", self.said(), re.M)
                    self.assertEqual({name for name, _ in said}, {ELMER, RELENT})
                    for _, with_what in said:
                        self.assertRegex(with_what, f"^{how}$")
        self.other_keys_and_names()

    def other_keys_and_names(self):
        """The last ones once more under a name, and then not believed: another key under it, another name with this key."""
        named = {"more": "local-id gw.relent\n remote-id gw.elmer", "local": "auth = pubkey\n pubkeys = elmer.pub\n id = gw.elmer",
                 "remote": "auth = pubkey\n pubkeys = relent.pub\n id = gw.relent"}
        self.raw(**named)
        for _ in self.both_begin():
            pass
        self.over()
        charon.bare_keys(self.relent, self.elmer, "ed25519")
        self.load({**self.words(False), **named, "auth": "key /etc/inet/relent.key\n remote-key /etc/inet/elmer.pub"})
        self.refused("the signature's algorithm is none that is believed")
        self.raw(**{**named, "local": "auth = pubkey\n pubkeys = elmer.pub\n id = gw.other"})
        self.refused("it says it is gw.other; remote-id of elmer says who has this key")

    def test_who_asks_for_somebody_else_is_told_by_us(self):
        """strongSwan says in IDr whom it wants; with a certificate its subject is ours, and with a secret our address."""
        charon.certificates(self.relent, self.elmer)
        for psk, ours in ((True, RELENT), (False, '"C=XX, O=Lab, CN=relent"')):
            how = "psk" if psk else "pubkey"
            self.ready(psk, ourid="gw.nobody", remote=f"auth = {how}\n id = gw.nobody")
            self.over()
            self.refused("the peer asks for somebody else: compare its idea of us with local-id: our key for remote elmer does not "
                         "speak for gw.nobody")
            self.assertIn("received AUTHENTICATION_FAILED", self.said())
            self.ready(psk, remote=f"auth = {how}\n id = {ours}")
            self.begin(False)
            self.reach()

    def refused(self, why):
        self.relent.mark_log()
        self.assertNotEqual(self.peer.initiate("net").returncode, 0)
        self.assertIn(why, self.relent.log())
        self.assertEqual(self.pairs(), set())

    def test_every_cipher_and_every_group_in_both_places(self):
        for group, groupname, esp, espprop, name in WAYS:
            with self.subTest(group=group, esp=esp):
                self.ready(ike=f"ike aes128-sha256-{group}", ikeprop=f"aes128-sha256-{group}",
                           child=f"esp {esp}; pfs {group}", espprop=f"{espprop}-{group}")
                for ours in self.both_begin():
                    self.renewed(lambda: self.relent.run("ipsecctl", "rekey", ELMER))
                    self.renewed(lambda: self.peer.swanctl("--rekey", "--child", "net"))
                    # A key exchange of the child's own, each time; its first pair has one when we begin, as `up` makes it second.
                    own = re.findall(rf"selected proposal: ESP:{name}/(\w+)/NO_EXT_SEQ", self.said())
                    self.assertEqual(own, [groupname] * (3 if ours else 2))

    def test_several_children(self):
        """Three under one IKE SA, renewed under it and gone with it."""
        self.ready(children=MORE[0], theirchildren=MORE[1])
        nets = ((HERE, THERE), ("192.168.3.1", "192.168.4.1"), ("192.168.5.1", "192.168.6.1"))
        for near, far in nets[1:]:
            self.relent.run("ip", "addr", "replace", f"{near}/24", "dev", "lo")
            self.elmer.run("ip", "addr", "replace", f"{far}/24", "dev", "lo")
        for ours in self.both_begin():
            for child in ("more", "most") if not ours else ():
                self.begin(False, child)
            self.assertEqual(len(self.pairs()), 3)
            self.renewed(lambda: self.relent.run("ipsecctl", "rekey", "--ike", ELMER))
            self.renewed(lambda: [self.peer.swanctl("--rekey", "--child", child) for child in ("net", "more", "most")])
            wait_for("one IKE SA at both ends", self.one_ike_sa)
            for near, far in nets:
                self.reach(near, far)
            self.assertEqual(len(re.findall(r"INSTALLED", self.peer.swanctl("--list-sas").stdout)), 3)

    def more_nets(self):
        for host, net in ((self.relent, 3), (self.elmer, 4)):
            host.run("ip", "addr", "replace", f"192.168.{net}.1/24", "dev", "lo")

    def selectors(self):
        """Of each pair that we use now."""
        return [sorted((s["src"], s["dst"]) for s in row["selectors"]) for row in self.relent.json("show")["child_sas"] if row["state"] == "up"]

    def try_to_reach(self, near, far):
        return self.relent.run("ping", "-c", "2", "-i", "0.02", "-W", "5", "-I", near, far, check=False).returncode == 0

    def test_several_selectors(self):
        """One child with several networks on each side is one pair of SAs, renewed as such by each side."""
        self.ready(nets=SEVERAL, localts=f"{NET2},{NET4}", remotets=f"{NET1},{NET3}")
        self.more_nets()
        every = sorted((near, far) for near in (NET1, NET3) for far in (NET2, NET4))
        for _ in self.both_begin():
            for what in (lambda: None, lambda: self.renewed(lambda: self.relent.run("ipsecctl", "rekey", ELMER)),
                         lambda: self.renewed(lambda: self.peer.swanctl("--rekey", "--child", "net"))):
                what()
                self.assertEqual(self.selectors(), [every])
                for near, far in itertools.product((HERE, "192.168.3.1"), (THERE, "192.168.4.1")):
                    self.reach(near, far)
            self.assertEqual(self.selectors(), [every])

    def test_they_have_fewer_networks(self):
        """What they leave out has no SAs, and does not keep asking."""
        self.ready(nets=SEVERAL, localts=NET2, remotets=f"{NET1},{NET3}")
        self.more_nets()
        self.over()
        up = self.relent.run("ipsecctl", "up", ELMER, check=False)
        self.assertEqual(up.returncode, 1)
        for ours in (True, False):
            if not ours:
                self.over()
                self.begin(False)
            self.assertEqual(self.selectors(), [[(NET1, NET2), (NET3, NET2)]])
            self.reach()
            self.reach("192.168.3.1", THERE)
            before = self.said().count("CREATE_CHILD_SA request")
            self.assertFalse(self.try_to_reach("192.168.3.1", "192.168.4.1"))
            self.assertLess(self.said().count("CREATE_CHILD_SA request") - before, 4)
            self.assertEqual(self.selectors(), [[(NET1, NET2), (NET3, NET2)]])

    def test_they_have_several_children_for_our_one(self):
        """The packet says which one of theirs it is, and the other one comes with its own packet."""
        self.ready(nets=SEVERAL, localts=NET2, remotets=NET1,
                   theirchildren=f"more {{ local_ts = {NET4}\n remote_ts = {NET3}\n esp_proposals = default }}")
        self.more_nets()
        self.over()
        self.assertTrue(self.try_to_reach("192.168.3.1", "192.168.4.1"))
        self.assertEqual(self.selectors(), [[(NET3, NET4)]])
        self.reach()
        self.assertEqual(sorted(self.selectors()), [[(NET1, NET2)], [(NET3, NET4)]])
        self.reach("192.168.3.1", "192.168.4.1")

    def one_ike_sa(self):
        ours, theirs = self.relent.json("show")["ike_sas"], self.peer.swanctl("--list-sas").stdout
        return len(ours) == 1 and theirs.count("ESTABLISHED") == 1 and len(re.findall("IKEv2", theirs)) == 1

    def test_the_ike_sa_is_renewed_by_each_side(self):
        self.ready()
        for _ in self.both_begin():
            for what in (lambda: self.relent.run("ipsecctl", "rekey", "--ike", ELMER), lambda: self.peer.swanctl("--rekey", "--ike", "relent")):
                old = {row["spis"] for row in self.relent.json("show")["ike_sas"]}
                what()
                wait_for("another IKE SA", lambda old=old: self.one_ike_sa() and
                         {row["spis"] for row in self.relent.json("show")["ike_sas"]}.isdisjoint(old))
                self.reach()

    def test_they_prove_themselves_again(self):
        """Another IKE SA from the beginning, and the old one's end."""
        self.ready()
        for _ in self.both_begin():
            old = {row["spis"] for row in self.relent.json("show")["ike_sas"]}
            self.peer.swanctl("--rekey", "--reauth", "--ike", "relent")
            wait_for("another IKE SA", lambda old=old: self.one_ike_sa() and
                     {row["spis"] for row in self.relent.json("show")["ike_sas"]}.isdisjoint(old))
            wait_for("a child", lambda: len(self.pairs()) == 1)
            self.reach()

    def proves_again(self, what, early=False):
        """With packets both ways all the while, of which none is lost at our end, but for what comes `early`."""
        old = {row["spis"] for row in self.relent.json("show")["ike_sas"]}
        before, kernel = self.relent.netstat(), self.relent.kernel_drops()
        flow = rekeying.Flow(self.relent, self.elmer, HERE, THERE)
        what()
        wait_for("another IKE SA alone", lambda: self.one_ike_sa() and
                 {row["spis"] for row in self.relent.json("show")["ike_sas"]}.isdisjoint(old), timeout=40)
        wait_for("a child", lambda: len(self.pairs()) == 1)
        told, after = flow.stop(), self.relent.netstat()
        full = {name: n - kernel.get(name, 0) for name, n in self.relent.kernel_drops().items() if n != kernel.get(name, 0)}
        self.assertEqual(after[rekeying.PROTECTED] - before[rekeying.PROTECTED] + full.get("ipsec0 tx_dropped", 0), told[0], full)
        losses = rekeying.losses(before, after)
        if early:
            print("came before we had the keys:", losses.pop("inbound packets with no SA available", 0), file=sys.stderr)
        self.assertEqual(losses, {})
        self.reach()

    def test_a_proof_is_made_again_beside_the_old_one(self):
        """By us, and by strongSwan, that begins the new IKE SA before it ends the old one."""
        self.ready(settings="make_before_break = yes")
        for _ in self.both_begin():
            # strongSwan sends under the new keys as soon as it has answered, and so a moment before we have them.
            self.proves_again(lambda: self.relent.run("ipsecctl", "rekey", "--reauth", ELMER), early=True)
            self.proves_again(lambda: self.peer.swanctl("--rekey", "--reauth", "--ike", "relent"))

    def test_transport_mode_is_agreed_on_and_not_in_their_datapath(self):
        """kernel-libipsec has tunnels alone, so strongSwan takes back what it has agreed to; with packets:
        tests/integration/it_ike2.py:test_transport_mode_as_another_program_reads_it."""
        self.ready(nets="local = remote", child="mode transport", mode="transport", localts="dynamic", remotets="dynamic")
        self.over()
        self.peer.initiate("net")
        self.assertIn("received USE_TRANSPORT_MODE notify", self.said())
        self.assertIn("IPsec SA: unsupported mode", self.said())
        self.assertIn(f"IPsec-SA established: ESP/Transport {ELMER}[0]->{RELENT}[0]", self.relent.log())
        self.over()
        self.assertEqual(self.relent.run("ipsecctl", "up", "-t", "10", ELMER, check=False).returncode, 1)
        self.assertIn("IPsec SA: unsupported mode", self.said())

    def test_ten_kilobytes_of_certificates_over_a_path_that_drops_fragments(self):
        charon.certificates(self.relent, self.elmer, chain=7, note=900)
        text = self.relent.out("cat", "/etc/inet/certs/relent.pem")
        der = sum(len("".join(block.split("-----")[0].split())) * 3 // 4 for block in text.split("-----BEGIN CERTIFICATE-----")[1:])
        self.assertGreater(der, 10000)
        for host in (self.relent, self.elmer):
            host.run("nft", "add table ip lossy; add chain ip lossy in { type filter hook prerouting priority -500; }; "
                     "add rule ip lossy in ip frag-off & 0x3fff != 0 counter drop")
            self.addCleanup(host.run, "nft", "delete table ip lossy")
        # What is too large for a packet does not arrive:
        self.assertNotEqual(self.relent.run("ping", "-c", "1", "-W", "1", "-s", "4000", ELMER, check=False).returncode, 0)
        self.ready(False)
        with Tap(self.lab, f"ip[6:2] & 0x3fff != 0 and host {RELENT}") as cut:
            for _ in self.both_begin():
                pass
        self.assertEqual(cut.count, 0, "IP fragments")


if __name__ == "__main__":
    if not charon.installed():
        print("strongSwan's charon is not installed")
        sys.exit(labtest.SKIP)
    labtest.main()
