#!/usr/bin/python3
"""racoon.conf's words between two hosts: compression that is negotiated, a host that only answers (S143, S149), and several blocks
for one address, ranges."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtap import Tap  # noqa: E402
from labtest import ELMER, RELENT, wait_for  # noqa: E402

RACOON = """
path pre_shared_key "/etc/inet/psk.txt";
remote %(peer)s {
    exchange_mode main;
    %(more)s
    proposal { encryption_algorithm aes; hash_algorithm sha1; authentication_method pre_shared_key; dh_group 14; }
}
sainfo anonymous {
    encryption_algorithm aes;
    authentication_algorithm hmac_sha1;
    compression_algorithm deflate;
}
"""
ESP = "esp/transport//require"
# Of relent's blocks the second one is elmer's, which only its identity says.
BLOCKS = """
path pre_shared_key "/etc/inet/psk.txt";
remote "other" {
    remote_address %(peer)s;
    exchange_mode main;
    my_identifier fqdn "other.relent.example";
    peers_identifier fqdn "other.example";
    verify_identifier on;
    proposal { encryption_algorithm aes; hash_algorithm sha1; authentication_method pre_shared_key; dh_group 14; }
}
remote "elmer" inherit "other" {
    remote_address %(peer)s;
    my_identifier fqdn "relent.example";
    peers_identifier fqdn "%(who)s";
}
sainfo anonymous { encryption_algorithm aes; authentication_algorithm hmac_sha1; compression_algorithm deflate; }
"""


class Ways(labtest.LabTest):
    def load(self, host, requests, more="", text=None):
        peer = ELMER if host is self.relent else RELENT
        host.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/psk.txt", text=f"{peer} mekmitasdigoat\n")
        host.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/racoon.conf", text=text or RACOON % {"peer": peer, "more": more})
        host.setkey(f"spdadd {host.address} {peer} icmp -P out ipsec {requests};\n"
                    f"spdadd {peer} {host.address} icmp -P in ipsec {requests};\n")
        host.run("ipsecctl", "racoon")

    def reaches(self, sender, receiver, *more):
        return sender.run("ping", "-c", "1", "-W", "1", *more, receiver.address, check=False).returncode == 0

    def test_S143_compression_algorithm_deflate(self):
        for host in self.both:
            self.load(host, "ipcomp/transport//require esp/transport//require")
        with Tap(self.lab, "ip proto 50 and greater 600") as long, Tap(self.lab, "ip proto 50") as all_of_it:
            wait_for("an answer", lambda: self.reaches(self.relent, self.elmer, "-s", "1300", "-p", "00"))
            wait_for("question and answer", lambda: all_of_it.count >= 2)
        self.assertEqual(long.count, 0)
        for host in self.both:
            rows = host.json("sad")["sas"]
            self.assertEqual(sorted(row["proto"] for row in rows), ["esp", "esp", "ipcomp", "ipcomp"])
            self.assertIn("IPsec-SA established: IPCOMP/Transport", host.log())

    def test_S149_a_passive_host_answers_and_never_begins(self):
        self.load(self.relent, "esp/transport//require", "passive on;")
        self.load(self.elmer, "esp/transport//require")
        with Tap(self.lab, f"udp port 500 and src host {RELENT}") as said:
            self.assertFalse(self.reaches(self.relent, self.elmer))
        self.assertEqual(said.count, 0)
        self.assertFalse(self.relent.json("sad")["sas"])
        wait_for("an answer to who begins", lambda: self.reaches(self.elmer, self.relent))
        self.assertTrue(self.reaches(self.relent, self.elmer))
        self.assertIn("initiate new phase 1", self.elmer.log())
        self.assertNotIn("initiate new", self.relent.log())

    def test_of_several_blocks_the_one_that_the_identity_is_for(self):
        self.load(self.relent, ESP, text=BLOCKS % {"peer": ELMER, "who": "elmer.example"})
        self.load(self.elmer, ESP, 'my_identifier fqdn "elmer.example"; peers_identifier fqdn "relent.example"; verify_identifier on;')
        wait_for("an answer to who begins", lambda: self.reaches(self.elmer, self.relent))
        self.assertIn("peer=relent.example", self.elmer.log())
        self.assertIn("peer=elmer.example", self.relent.log())

    def test_who_is_wanted_by_none_of_several_blocks_stays_outside(self):
        self.load(self.relent, ESP, text=BLOCKS % {"peer": ELMER, "who": "neither.example"})
        self.load(self.elmer, ESP, 'my_identifier fqdn "elmer.example";')
        self.assertFalse(self.reaches(self.elmer, self.relent))
        wait_for("a word about it", lambda: "No ID match: elmer.example is none of remote other's peers_identifier" in self.relent.log())
        self.assertFalse(self.elmer.json("sad")["sas"])

    def test_a_range_is_the_policies_of_its_networks(self):
        """One pair for all of them, and packets of each pass through it."""
        nets = ("10.1.0.1", "10.1.0.2/31", "10.1.0.4")
        for host, own, other, mine in ((self.relent, range(1, 5), "10.2.0.0/24", "10.1.0.{}"), (self.elmer, (1,), "10.1.0.0/24", "10.2.0.{}")):
            peer = ELMER if host is self.relent else RELENT
            for i in own:
                host.run("ip", "address", "add", mine.format(i) + "/32", "dev", "lo")
            host.run("ip", "route", "add", other, "via", peer)
            here, there = ("10.1.0.1-10.1.0.4", "10.2.0.0/24") if host is self.relent else ("10.2.0.0/24", "10.1.0.1-10.1.0.4")
            sides = f"sainfo address {here} any address {there} any {{"
            self.load(host, ESP, text=RACOON.replace("sainfo anonymous {", sides) % {"peer": peer, "more": ""})
            out, back = f"esp/tunnel/{host.address}-{peer}/require", f"esp/tunnel/{peer}-{host.address}/require"
            pairs = [(net, "10.2.0.0/24") if host is self.relent else ("10.2.0.0/24", net) for net in nets]
            host.setkey("spdflush;" + "".join(f"spdadd {one} {far} any -P out ipsec {out}; spdadd {far} {one} any -P in ipsec {back};"
                                              for one, far in pairs))
        wait_for("an answer", lambda: self.relent.run("ping", "-c", "1", "-W", "1", "-I", "10.1.0.3", "10.2.0.1", check=False).returncode == 0)
        for i in range(1, 5):
            self.relent.run("ping", "-c", "1", "-W", "2", "-I", f"10.1.0.{i}", "10.2.0.1")
            self.elmer.run("ping", "-c", "1", "-W", "2", "-I", "10.2.0.1", f"10.1.0.{i}")
        for host in self.both:
            rows = host.json("sad")["sas"]
            self.assertEqual(len(rows), 2, rows)
            self.assertEqual(host.log().count("new phase 2 negotiation"), 1)


if __name__ == "__main__":
    labtest.main()
