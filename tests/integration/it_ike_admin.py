#!/usr/bin/python3
"""The administrator's side of key exchange: shown, begun, ended and loaded again, between two hosts; and in racoonctl's words."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from keptmem import spoil  # noqa: E402
from labtest import ELMER, EXAMPLES, RELENT, wait_for  # noqa: E402


class Admin(labtest.LabTest):
    def setUp(self):
        super().setUp()
        for host in self.both:
            for name, path in (("psk-{}.txt", "/etc/inet/psk.txt"), ("psk-{}.racoon.conf", "/etc/inet/racoon.conf")):
                host.run("install", "-D", "-m", "600", os.path.join(EXAMPLES, name.format(host.name)), path)
            host.run("ipseckey", "-f", os.path.join(EXAMPLES, f"ike-{host.name}.ipsec.conf"))
            host.run("ipsecctl", "racoon")
        for host in self.both:  # what is the same in the file goes on, so it is ended
            host.run("ipsecctl", "down", ELMER if host is self.relent else RELENT, check=False)
        for host in self.both:
            wait_for("nothing to be negotiated", lambda host=host: self.empty(host))

    def fails(self, host, *words, code=1):
        done = host.run(*words, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stderr

    def sas(self, host):
        return host.json("show")["ike_sas"]

    def pairs(self, host):
        return host.json("show")["child_sas"]

    def up(self):
        said = self.elmer.out("ipsecctl", "up", RELENT)
        for host in self.both:
            wait_for("its pair", lambda host=host: [k["state"] for k in self.pairs(host)].count("up") >= 1)
        return said

    def empty(self, host):
        return not self.sas(host) and not self.pairs(host)

    def test_up_show_down(self):
        self.assertEqual(self.elmer.out("ipsecctl", "show"), "Nothing is negotiated.\n")
        said = self.up()
        self.assertIn(f"{RELENT}[500] up, IKEv1 aggressive mode, begun by us\n", said)
        mine, theirs = self.sas(self.elmer)[0], self.sas(self.relent)[0]
        self.assertEqual(mine["spis"], theirs["spis"])
        self.assertEqual((mine["role"], theirs["role"]), ("initiator", "responder"))
        self.assertEqual(mine["agreed"], theirs["agreed"])
        here, there = self.pairs(self.elmer)[0]["parts"][0], self.pairs(self.relent)[0]["parts"][0]
        self.assertEqual((here["spi_in"], here["spi_out"]), (there["spi_out"], there["spi_in"]))
        self.assertEqual(here["encryption"], "3des-cbc")
        # The second oracle: what datapathd has.
        self.assertIn(here["spi_in"], [row["spi"] for row in self.elmer.json("sad")["sas"]])
        shown = self.elmer.out("ipsecctl", "show", RELENT)
        self.assertIn(mine["spis"], shown)
        self.assertLessEqual(max(map(len, shown.splitlines())), 80)
        self.up()  # again: nothing new is made
        self.assertEqual([sa["spis"] for sa in self.sas(self.elmer)], [mine["spis"]])
        self.assertIn("ended 1 SA of key exchange", self.elmer.out("ipsecctl", "down", RELENT))
        for host in self.both:  # the deletion came to the other side, and proved to be ours
            wait_for("nothing to be left", lambda host=host: self.empty(host))
            wait_for("no association to be left", lambda host=host: not host.json("sad")["sas"])
        self.assertIn("nothing to end", self.fails(self.elmer, "ipsecctl", "down", RELENT))

    def test_why_it_does_not_come_up(self):
        said = self.fails(self.elmer, "ipsecctl", "up", "-t", "1", "-l", ELMER, "192.0.2.1")
        self.assertIn("192.0.2.1: not up after 1 s: aggressive mode, message 1 sent", said)
        self.assertIn("a message could not be sent: Network is unreachable", said)
        self.assertIn("no host has this name", self.fails(self.elmer, "ipsecctl", "up", "nobody.invalid"))
        self.relent.run("sh", "-c", f"echo '{ELMER} another' > /etc/inet/psk.txt; ipsecctl racoon")
        said = self.fails(self.elmer, "ipsecctl", "up", "-t", "2", RELENT)
        self.assertRegex(said, rf"{RELENT}: phase 1 failed: the peer.s proof is not believed .*Last seen: .*the peer.s key is another one than ours")
        for host in self.both:
            self.assertEqual(host.json("sad")["sas"], [])

    def test_one_is_deleted(self):
        self.up()
        spi = self.pairs(self.elmer)[0]["parts"][0]["spi_in"]
        self.elmer.run("ipsecctl", "delete", "ipsec", "esp", f"0x{spi:x}")
        self.assertNotIn(spi, [k["parts"][0]["spi_in"] for k in self.pairs(self.elmer)])
        wait_for("the peer to know", lambda: spi not in [k["parts"][0]["spi_out"] for k in self.pairs(self.relent)])
        self.assertEqual(len(self.sas(self.elmer)), 1)
        self.elmer.run("ipsecctl", "delete", "isakmp", self.sas(self.elmer)[0]["spis"])
        for host in self.both:
            wait_for("its SA of key exchange to go", lambda host=host: not self.sas(host))
        self.fails(self.elmer, "ipsecctl", "delete", "ipsec", "esp", "0x1")
        self.fails(self.elmer, "ipsecctl", "delete", "isakmp", "1:2", code=2)

    def test_listen_and_d_at_the_load(self):
        """strict_address refuses what the host does not have, -d is one step more than the file says."""
        self.addCleanup(self.elmer.run, "ipsecctl", "racoon")
        self.elmer.run("sh", "-c", "(echo 'listen { isakmp 192.0.2.99; }'; sed 's/^ *log .*/log warning;/' "
                       "/etc/inet/racoon.conf) > /etc/other.conf")
        said = self.elmer.run("ipsecctl", "racoon", "-d", "-f", "/etc/other.conf").stderr
        self.assertIn("WARNING: listen names 192.0.2.99, which is no address of this host now.", said)
        self.assertEqual(self.elmer.json("log")["levels"]["keyd"], "info")
        before = self.elmer.counters()["ike.not_listening"]
        self.fails(self.relent, "ipsecctl", "up", "-t", "1", ELMER)
        self.assertGreater(self.elmer.counters()["ike.not_listening"], before)
        self.assertIn(f"to {ELMER}[500] is dropped: listen does not name this address",
                      self.elmer.log())
        self.elmer.run("sed", "-i", "s/99; }/99; strict_address; }/", "/etc/other.conf")
        self.assertIn("and strict_address is set", self.fails(self.elmer, "ipsecctl", "racoon", "-f", "/etc/other.conf"))

    def test_reload_reads_the_same_file(self):
        self.elmer.run("cp", "/etc/inet/racoon.conf", "/etc/other.conf")
        self.elmer.run("ipsecctl", "racoon", "-f", "/etc/other.conf")
        self.elmer.run("sed", "-i", "s/time 10 hour/time 9 hour/", "/etc/other.conf")
        self.elmer.run("ipsecctl", "reload")
        self.up()
        self.assertEqual(self.pairs(self.elmer)[0]["life_ms"], 9 * 3600 * 1000)
        self.elmer.run("sh", "-c", "echo 'remote {' > /etc/other.conf")
        self.fails(self.elmer, "ipsecctl", "reload")
        self.elmer.run("ipsecctl", "down", RELENT)
        self.up()  # the old one holds

    def test_in_racoonctl_s_words(self):
        ctl = ("racoonctl",)
        self.assertEqual(self.elmer.out(*ctl, "show-sa", "ipsec"), "No SAD entries.\n")
        self.elmer.run(*ctl, "establish-sa", "-w", "isakmp", "inet", ELMER, RELENT)
        table = self.elmer.out(*ctl, "-l", "show-sa", "isakmp").splitlines()
        self.assertEqual(table[0].split(), ["Destination", "Cookies", "ST", "S", "V", "E", "Created", "Phase2"])
        self.assertRegex(table[1], rf"^{RELENT}\.500 +[0-9a-f]{{16}}:[0-9a-f]{{16}}  9 I 10 A \d{{4}}-\d\d-\d\d [\d:]{{8}}      0$")
        sides = [f"{end}/32/0" for end in (ELMER, RELENT)]
        self.elmer.run(*ctl, "es", "-w", "esp", "inet", *sides, "tcp")
        self.assertEqual(len(re.findall(r"^\tesp mode=tunnel ", self.elmer.out(*ctl, "ss", "esp"), re.M)), 2)
        self.assertIn("index    tick     xtime               created\n0 ", self.elmer.out(*ctl, "sc"))
        self.elmer.run(*ctl, "delete-sa", "esp", "inet", *sides, "tcp")
        wait_for("the pair to go", lambda: not self.relent.json("sad")["sas"])
        self.elmer.run(*ctl, "delete-sa", "isakmp", "inet", ELMER, RELENT)
        wait_for("the SA of key exchange to go", lambda: not self.sas(self.relent))
        self.assertIn("established", self.elmer.out(*ctl, "vpn-connect", RELENT))
        self.elmer.run(*ctl, "vd", RELENT)
        self.elmer.run(*ctl, "reload-config")
        self.up()
        self.elmer.run(*ctl, "flush-sa")
        for host in self.both:
            wait_for("nothing to be left", lambda host=host: self.empty(host))
        for words in (("delete-sa", "isakmp", "inet", ELMER, RELENT), ("nonsense",), ("logout-user", "x")):
            self.fails(self.elmer, *ctl, *words)

    def test_what_keyd_has_forgotten_goes_too(self):
        self.up()
        spoil(self.elmer)
        self.elmer.kill("keyd")
        self.elmer.wait_ready()
        self.assertTrue(self.empty(self.elmer))
        self.assertIn("knew nothing of", self.elmer.out("ipsecctl", "down", RELENT))
        self.assertEqual(self.elmer.json("sad")["sas"], [])


if __name__ == "__main__":
    labtest.main()
