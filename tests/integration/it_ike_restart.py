#!/usr/bin/python3
"""keyd dies by kill -9 under a constant flow, on one side and then on the other: same SAs, renewed in time, and no packet is lost."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from keptmem import spoil  # noqa: E402
from labtest import ELMER, RELENT, count, wait_for  # noqa: E402

RACOON = """
path pre_shared_key "/etc/inet/psk.txt";
remote anonymous {
    exchange_mode main;
    proposal_check obey;
    dpd_delay 2;
    dpd_retry 1;
    dpd_maxfail 3;
    lifetime time %(phase1)d sec;
    proposal { encryption_algorithm aes; hash_algorithm sha256; authentication_method pre_shared_key; dh_group 14; }
}
sainfo anonymous {
    pfs_group 31;
    lifetime time %(phase2)d sec;
    encryption_algorithm aes_gcm_16;
    authentication_algorithm hmac_sha256;
    compression_algorithm deflate;
}
"""
RATE = 500
NO_SA = "outbound packets with no SA available"
ROUNDS = count(2, 20)


class IkeRestart(labtest.LabTest):
    def prepare(self, phase2, phase1):
        for host, peer, words in ((self.relent, ELMER, ("out", "in")), (self.elmer, RELENT, ("in", "out"))):
            host.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/psk.txt", text=f"{peer} mekmitasdigoat\n")
            text = RACOON % {"phase1": phase1, "phase2": phase2}
            host.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/racoon.conf", text=text)
            host.setkey(f"spdadd {RELENT} {ELMER} udp -P {words[0]} ipsec esp/transport//require;\n"
                        f"spdadd {ELMER} {RELENT} udp -P {words[1]} ipsec esp/transport//require;\n")
            host.run("ipsecctl", "racoon")
        self.relent.run("ipsecctl", "up", ELMER)
        for host in self.both:
            wait_for("the pair to be up", lambda host=host: self.spis(host))

    def cookies(self, host):
        return {sa["spis"] for sa in host.json("show")["ike_sas"] if sa["state"] == "up"}

    def spis(self, host):
        """Of the pairs that are used."""
        return {(part["spi_in"], part["spi_out"]) for pair in host.json("show")["child_sas"] if pair["state"] == "up"
                for part in pair["parts"]}

    def kill_keyd(self, host):
        before = self.cookies(host)
        host.kill("keyd")
        host.wait_ready()
        # One may have been renewed while it was looked at; those of before are there as well.
        self.assertTrue(before <= self.cookies(host), f"{before} became {self.cookies(host)}")
        self.assertIn("go on after a restart", host.log())

    def wait_renewed(self):
        """On both sides nothing of now is in use any more."""
        before = {(host, of): of(host) for host in self.both for of in (self.spis, self.cookies)}
        for (host, of), old in before.items():
            wait_for(f"{old} on {host.name} to be renewed", lambda host=host, of=of, old=old: of(host) and not of(host) & old, 60)

    def assert_nobody_noticed(self):
        for host in self.both:
            said = host.log()
            for words in ("the peer is dead", "began anew", "for an SA that is not here", "given up"):
                self.assertNotIn(words, said)

    def test_no_packet_is_lost_and_both_renew(self):
        self.prepare(phase2=10, phase1=20)
        counting = self.elmer.traffic("udp-count", 5000)
        self.addCleanup(counting.kill)
        before = self.relent.netstat()
        sending = self.relent.traffic("udp-flow", ELMER, 5000, RATE, 200)
        self.addCleanup(sending.kill)
        for _ in range(ROUNDS):
            for host in self.both:
                self.kill_keyd(host)
                self.wait_renewed()
        self.relent.kill("keyd")
        self.relent.wait_ready()
        sent = json.loads(sending.communicate("\n", timeout=30)[0])["sent"]
        told = json.loads(counting.communicate("\n", timeout=30)[0])
        after = self.relent.netstat()
        print(f"sent {sent}, received {told['received']}", file=sys.stderr)
        self.assertEqual(told["received"], sent)
        self.assertEqual(after[NO_SA], before[NO_SA])
        self.assert_nobody_noticed()

    def test_at_rest_the_peer_is_answered_and_believed(self):
        self.prepare(phase2=3600, phase1=3600)
        cookies, spis = self.cookies(self.relent), self.spis(self.relent)
        for host in (self.relent, self.elmer, self.elmer):
            self.kill_keyd(host)
            for other in self.both:
                self.assertEqual(self.cookies(other), cookies)
            self.assertEqual(self.spis(self.relent), spis)
            # Both watch each other: both have asked, and been answered, under the keys of before.
            for other in self.both:
                asked = other.counters()["ike.datagrams"]
                wait_for("messages of the peer's", lambda other=other, asked=asked: other.counters()["ike.datagrams"] >= asked + 4)
        self.assert_nobody_noticed()
        # What one of them says is believed, and all of it goes.
        self.elmer.run("ipsecctl", "down", RELENT)
        for host in self.both:
            wait_for("nothing to be left", lambda host=host: not host.json("show")["ike_sas"] and not host.json("sad")["sas"])

    def test_what_went_meanwhile_is_dropped(self):
        """Root's word to datapathd, while there is no keyd to hear of it."""
        self.prepare(phase2=3600, phase1=3600)
        cookies = self.cookies(self.relent)
        pid = self.relent.service_pid("keyd")
        self.relent.kill("keyd")
        self.relent.run("setkey", "-F")
        wait_for("another keyd", lambda: self.relent.service_pid("keyd") not in (None, pid))
        self.relent.wait_ready()
        for host in self.both:
            wait_for("the pair to go", lambda host=host: not host.json("show")["child_sas"])
            self.assertEqual(self.cookies(host), cookies)
            self.assertEqual(host.json("sad")["sas"], [])

    def test_spoilt_memory_is_not_believed(self):
        self.prepare(phase2=3600, phase1=3600)
        spis = sorted(row["spi"] for row in self.relent.json("sad")["sas"])
        spoil(self.relent)
        self.relent.kill("keyd")
        self.relent.wait_ready()
        self.assertEqual([self.relent.json("show")[rows] for rows in ("ike_sas", "child_sas")], [[], []])
        self.assertIn("of what was kept is dropped: ", self.relent.log())
        # As without memory: traffic goes on as long as its keys live.
        self.assertEqual(sorted(row["spi"] for row in self.relent.json("sad")["sas"]), spis)
        self.relent.run("ipsecctl", "up", ELMER)
        self.assertEqual(len(self.cookies(self.relent)), 1)


if __name__ == "__main__":
    labtest.main()
