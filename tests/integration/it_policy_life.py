#!/usr/bin/python3
"""When policies were last used, as both services know it, and policies that end by themselves."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtest import ELMER, RELENT, wait_for  # noqa: E402

ASSOCIATIONS = f"""
add {RELENT} {ELMER} esp 0x3001 -m transport -E 3des-cbc "twenty-four octets key 1" -A hmac-md5 "sixteen octets 1";
add {ELMER} {RELENT} esp 0x3002 -m transport -E 3des-cbc "twenty-four octets key 2" -A hmac-md5 "sixteen octets 2";
"""


def pair(there, back, more=""):
    return (f"spdadd {RELENT} {ELMER} any {more} -P {there} ipsec esp/transport//require;"
            f"spdadd {ELMER} {RELENT} any {more} -P {back} ipsec esp/transport//require;")


class PolicyLife(labtest.LabTest):
    def load(self, more=""):
        for host, words in ((self.relent, ("out", "in")), (self.elmer, ("in", "out"))):
            host.setkey(ASSOCIATIONS + pair(*words, more))

    def ping(self):
        self.relent.run("ping", "-c", "1", "-W", "5", ELMER)

    @staticmethod
    def used(host):
        """spid -> when, of the policies that were used."""
        text = host.out("setkey", "-DP")
        return {int(spid): when for when, spid in re.findall(r"lastused: ([A-Z][^\n]*\S)\s*\n[^\n]*\n\s*spid=(\d+)", text)}

    @staticmethod
    def policies(host):
        return re.findall(r"spid=(\d+)", host.out("setkey", "-DP"))

    def test_last_use_is_dumped_and_survives_restarts(self):
        self.load()
        for host in self.both:
            self.assertEqual(self.used(host), {})
        self.ping()
        for host in self.both:
            wait_for("both policies to have been used", lambda host=host: len(self.used(host)) == 2)
        # Which policies are whose does not change, so neither does when they were used: by a new snapshot, or another policyd.
        before = self.used(self.relent)
        self.relent.setkey("spdadd 192.0.2.1 192.0.2.2 any -P out discard;")
        self.assertEqual(self.used(self.relent), before)
        self.relent.kill("policyd")
        self.relent.wait_ready()
        wait_for("the last use to be known again", lambda: set(self.used(self.relent)) == set(before))

    def test_unused_policies_end(self):
        self.load("-lv 12")
        self.ping()
        wait_for("use to be known", lambda: len(self.used(self.relent)) == 2)
        self.assertEqual(len(self.policies(self.relent)), 2)
        for host in self.both:
            wait_for("both policies to end", lambda host=host: not self.policies(host), timeout=60)

    def test_lifetime_goes_on_while_policyd_is_away(self):
        self.relent.setkey("spdadd 192.0.2.1 192.0.2.2 any -lh 5 -P out discard; spdadd 192.0.2.1 192.0.2.3 any -P out discard;")
        self.relent.kill("policyd")
        self.relent.wait_ready()
        wait_for("one policy to end", lambda: len(self.policies(self.relent)) == 1, timeout=60)
        self.assertIn("192.0.2.3", self.relent.out("setkey", "-DP"))

    def test_in_only_policies_come_from_k(self):
        self.relent.run("setkey", "-k", "-c", text=f"spdadd 192.0.2.1 {RELENT} any -P in discard;")
        self.relent.run("setkey", "-c", text=f"spdadd 192.0.2.2 {RELENT} any -P in discard;")
        rules = self.relent.out("nft", "list", "table", "inet", "postern")
        mirrored = re.search(r"map mir4_\S+ \{.*?\n\t\}", rules, re.S).group(0)
        self.assertIn("192.0.2.2", mirrored)
        self.assertNotIn("192.0.2.1 ", mirrored)


labtest.main()
