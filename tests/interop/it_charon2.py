#!/usr/bin/python3
"""Version 2 against strongSwan, from the native configuration: pre-shared key and certificates, each side beginning."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import charon  # noqa: E402
import charon2  # noqa: E402
import labtest  # noqa: E402
import rekeying  # noqa: E402
from charon2 import HERE, THERE  # noqa: E402
from labtap import Tap  # noqa: E402
from labtest import ELMER, RELENT, count, wait_for  # noqa: E402

RATE = 2000


class Charon2(charon2.Charon2Test):
    def we_begin(self, octets=200000, **more):
        self.prepare(**more)
        with Tap(self.lab, f"udp port 4500 and host {RELENT}") as wire:
            self.carry(octets)
            wait_for("ESP in UDP", lambda: wire.count > 20)
        self.assertIn("IKE-SA established", self.relent.log())

    def they_begin(self, octets=200000, **more):
        self.prepare(**more)
        done = self.peer.initiate("net")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.carry(octets)

    def test_psk_we_begin(self):
        self.we_begin(50_000_000)

    def test_psk_they_begin(self):
        self.they_begin()

    def test_certificates_we_begin(self):
        self.we_begin(psk=False)

    def test_certificates_they_begin(self):
        self.they_begin(50_000_000, psk=False)

    def test_ciphers_and_groups(self):
        """One after the other, in both places; each with a pair of its own key exchange."""
        offers = (("aes256-sha384-modp3072", "aes256-sha384-modp3072", "aes256gcm", "aes256gcm16-modp3072", "modp3072"),
                  ("aes128gcm-sha256-ecp256", "aes128gcm16-prfsha256-ecp256", "aes128-sha256", "aes128-sha256-ecp256", "ecp256"),
                  ("aes256gcm-sha512-ecp521", "aes256gcm16-prfsha512-ecp521", "aes256-sha512", "aes256-sha512-ecp521", "ecp521"),
                  ("aes128-sha1-modp2048", "aes128-sha1-modp2048", "aes128-sha1", "aes128-sha1-modp2048", "modp2048"),
                  ("aes192-sha256-ecp384", "aes192-sha256-ecp384", "null-sha256", "null-sha256-ecp384", "ecp384"))
        for number, (ike, ikeprop, esp, espprop, pfs) in enumerate(offers):
            with self.subTest(ike=ike, esp=esp):
                self.prepare(ike=f"ike {ike}", ikeprop=ikeprop, child=f"esp {esp}; pfs {pfs}", espprop=espprop)
                self.carry(20000)
                # A renewal has a key exchange of its own.
                old = {row["spi"] for row in self.relent.json("sad")["sas"]}
                self.peer.swanctl("--rekey", "--child", "net")
                wait_for("another pair", lambda old=old: {row["spi"] for row in self.relent.json("sad")["sas"]} - old)
                self.carry(20000)
                self.relent.run("ipsecctl", "down", ELMER)
                self.peer.stop()

    def test_what_they_ask_for_is_narrowed_to_our_policy(self):
        self.they_begin(20000, localts="0.0.0.0/0", remotets="0.0.0.0/0")
        self.assertIn("192.168.2.0/24", self.peer.swanctl("--list-sas").stdout)

    def test_what_no_policy_has_is_refused(self):
        self.prepare(localts="192.168.7.0/24")
        done = self.peer.initiate("net")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("TS_UNACCEPT", done.stdout + self.peer.log())
        self.assertIn("no policy with this peer protects what it asks for", self.relent.log())

    def test_another_secret_is_refused_and_said(self):
        self.prepare(auth='secret "something else altogether, and long"')
        up = self.relent.run("ipsecctl", "up", "-t", "8", ELMER, check=False)
        self.assertEqual(up.returncode, 1)
        self.assertIn("AUTHENTICATION_FAILED", up.stderr)

    def test_long_chain_in_fragments(self):
        """IKE messages of more than a datagram, cut by both sides themselves (RFC 7383)."""
        with Tap(self.lab, f"ip[6:2] & 0x3fff != 0 and host {RELENT}") as cut:
            self.we_begin(20000, psk=False, chain=6)
        self.assertEqual(cut.count, 0, "IP fragments")
        self.assertIn("fragment", self.peer.log())

    def test_renewals_under_a_flow_lose_nothing_at_our_end(self):
        """Both phases, by both sides."""
        self.prepare(more="lifetime 300s", child="lifetime 120s", rekey1="9s", rekey2="4s")
        self.relent.run("ping", "-c", "3", "-W", "5", "-I", HERE, THERE)
        before = self.relent.netstat()
        counting = self.elmer.traffic("udp-count", 5001)
        seconds = count(45, 600)
        packets = RATE * seconds
        sending = self.relent.traffic("udp-send", THERE, 5001, packets, RATE, 200)
        self.assertEqual(sending.wait(timeout=3 * seconds), 0)
        told = json.loads(counting.communicate("\n", timeout=30)[0])
        after = self.relent.netstat()
        ours = after["outbound packets processed successfully"] - before["outbound packets processed successfully"]
        log = self.relent.log()
        renewed = (log.count("IPsec-SA established: ESP/Tunnel 10.0.0.100[0]->10.0.0.110[0]") - 1, log.count("in place of another one"))
        print(f"sent {packets}, protected by us {ours}, received by strongSwan {told['received']}, "
              f"renewed children {renewed[0]} times, IKE SAs {renewed[1]} times", file=sys.stderr)
        name = "outbound packets with no SA available"
        self.assertEqual((ours, after.get(name, 0)), (packets, before.get(name, 0)))
        self.assertGreaterEqual(renewed[0], count(8, 100))
        self.assertGreaterEqual(renewed[1], count(3, 40))
        self.assertEqual(len(self.relent.json("show")["ike_sas"]), 1)

    def settled(self):
        """One of each, and the same at both ends."""
        sas, pairs = rekeying.rows(self.relent)
        theirs = self.peer.swanctl("--list-sas").stdout
        known = [spi for ids in sas for spi in ids.split(":")] + [f"{spi:08x}" for pair in pairs for spi in pair]
        return len(sas) == len(pairs) == theirs.count("ESTABLISHED") == theirs.count("INSTALLED") == 1 and all(spi in theirs for spi in known)

    def test_renewals_by_us_by_them_and_by_both_lose_nothing_at_our_end(self):
        """Over a path that loses some of the messages."""
        self.prepare()
        self.relent.run("ipsecctl", "up", ELMER)
        wait_for("both sides to agree", self.settled)

        def ours(ike):
            # In the moment in which theirs takes the place of the one before there is none to renew.
            wait_for("a pair to renew", lambda: self.relent.run("ipsecctl", "rekey", *(("--ike",) if ike else ()), ELMER, check=False).returncode == 0)

        def theirs(ike):
            self.peer.swanctl("--rekey", *(("--ike", "relent") if ike else ("--child", "net")))
        before, kernel = self.relent.netstat(), self.relent.kernel_drops()
        for host in self.both:
            rekeying.lose_ike(host)
        flow = rekeying.Flow(self.relent, self.elmer, HERE, THERE)
        rekeying.again_and_again(self.relent, ours, theirs, self.settled)
        told = flow.stop()
        lost = [rekeying.lose_nothing(host) for host in self.both]
        after = self.relent.netstat()
        rekeying.report("against strongSwan", told, lost, before, after)
        full = {what: n - kernel.get(what, 0) for what, n in self.relent.kernel_drops().items() if n != kernel.get(what, 0)}
        self.assertEqual(after[rekeying.PROTECTED] - before[rekeying.PROTECTED] + full.get("ipsec0 tx_dropped", 0), told[0], full)
        self.assertEqual(rekeying.losses(before, after), {})

    def test_a_dead_peer_is_noticed(self):
        self.prepare(more="dpd 2s 3")
        self.relent.run("ping", "-c", "3", "-W", "5", "-I", HERE, THERE)
        self.assertTrue(self.relent.json("sad")["sas"])
        self.peer.stop()
        wait_for("the SAs to be gone", lambda: not self.relent.json("sad")["sas"], timeout=60)
        self.assertIn("the peer is dead", self.relent.log())

    def test_the_administrator_begins_and_ends(self):
        self.prepare()
        self.relent.run("ipsecctl", "up", ELMER)
        shown = self.relent.json("show")
        theirs = self.peer.swanctl("--list-sas").stdout
        self.assertEqual(theirs.count("ESTABLISHED"), 1)
        for part in [row["parts"][0] for row in shown["child_sas"]]:
            self.assertIn(f"{part['spi_in']:08x}", theirs)
        self.relent.run("ipsecctl", "down", ELMER)
        wait_for("everything to be gone", lambda: not self.peer.swanctl("--list-sas").stdout.strip())
        self.peer.initiate("net")
        self.peer.swanctl("--terminate", "--ike", "relent")
        wait_for("everything to be gone", lambda: not self.relent.json("sad")["sas"])


if __name__ == "__main__":
    labtest.main()
