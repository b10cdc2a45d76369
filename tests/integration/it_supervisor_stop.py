#!/usr/bin/python3
"""An orderly stop leaves the host as if the suite had never been there (S17, S14)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtap import Tap, clear_between  # noqa: E402
from labtest import ELMER, RELENT  # noqa: E402

POLICY = f"""
spdadd {RELENT}[any] {ELMER}[any] any -P out ipsec esp/tunnel/{RELENT}-{ELMER}/require;
spdadd {ELMER}[any] {RELENT}[any] any -P in ipsec esp/tunnel/{ELMER}-{RELENT}/require;
"""


class Stop(labtest.LabTest):
    suite_on = ()

    def picture(self, host):
        """Everything of the kernel's state that the suite touches, and every process."""
        return {
            "rules": host.out("ip", "rule", "show") + host.out("ip", "-6", "rule", "show"),
            "routes": host.out("ip", "route", "show", "table", "all") + host.out("ip", "-6", "route", "show", "table", "all"),
            "links": host.out("ip", "-o", "-br", "link", "show"),
            "ruleset": host.out("nft", "list", "ruleset"),
            "processes": sorted(command for command in self.lab.processes("relent").values()),
        }

    def ping(self):
        return self.relent.run("ping", "-q", "-c", "3", "-i", "0.05", "-W", "1", ELMER, check=False).returncode == 0

    def test_S17_stopped_means_as_without_IPsec(self):
        self.assertTrue(self.ping())  # neighbours known, routes in the cache
        before = self.picture(self.relent)
        self.relent.start()
        self.relent.wait_ready()
        self.relent.setkey(POLICY)
        self.assertFalse(self.ping(), "the policy asks for an association that does not exist")
        self.assertNotEqual(self.picture(self.relent)["ruleset"], before["ruleset"])
        self.relent.stop()
        self.assertEqual(self.picture(self.relent), before)
        with Tap(self.lab, clear_between(RELENT, ELMER, "icmp")) as clear:
            self.assertTrue(self.ping())
        self.assertEqual(clear.count, 6)

    def test_stopped_and_started_again_the_policies_are_back(self):
        self.relent.start()
        self.relent.wait_ready()
        self.relent.flush()
        self.relent.setkey(POLICY)
        self.relent.stop()
        self.assertTrue(self.ping())
        self.relent.start()
        self.relent.wait_ready()
        self.assertFalse(self.ping())
        self.relent.flush()
        self.assertTrue(self.ping())
        self.relent.stop()

    def test_with_the_suite_stopped_the_commands_say_what_to_do(self):
        for words in (("setkey", "-D"), ("ipseckey", "-DP"), ("ipsecctl", "status"), ("ipsecctl", "netstat", "-nsp", "ipsec")):
            done = self.relent.run(*words, check=False)
            self.assertEqual(done.returncode, 1, words)
            self.assertRegex(done.stderr, "postern", words)


labtest.main()
