#!/usr/bin/python3
"""What a policy's level means while there is no association for it, and once there is one (S50, S51, S125)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import json  # noqa: E402

import labtest  # noqa: E402
from labtap import Tap, clear_between, describe, esp_of  # noqa: E402
from labtest import ELMER, RELENT, wait_for  # noqa: E402

ASSOCIATIONS = f"""
add {RELENT} {ELMER} esp 0x3001 -m tunnel %s -E 3des-cbc "twenty-four octets key 1" -A hmac-md5 "sixteen octets 1";
add {ELMER} {RELENT} esp 0x3002 -m tunnel %s -E 3des-cbc "twenty-four octets key 2" -A hmac-md5 "sixteen octets 2";
"""
OUT_NO_SA, IN_POLICY = "outbound packets with no SA available", "inbound packets violated process security policy"


def policies(level, there, back):
    return f"""
    spdadd {RELENT}[any] {ELMER}[any] udp -P {there} ipsec esp/tunnel/{RELENT}-{ELMER}/{level};
    spdadd {ELMER}[any] {RELENT}[any] udp -P {back} ipsec esp/tunnel/{ELMER}-{RELENT}/{level};
    """


class Levels(labtest.LabTest):
    def load(self, level, hosts=None):
        for host, words in ((self.relent, ("out", "in")), (self.elmer, ("in", "out"))):
            if hosts is None or host in hosts:
                host.setkey(policies(level, *words))

    def datagrams(self, packets=20):
        counting = self.elmer.traffic("udp-count", 5000)
        self.relent.traffic("udp-send", ELMER, 5000, packets, 200, 100).wait(timeout=20)
        return json.loads(counting.communicate("\n", timeout=20)[0])["received"]

    def test_S50_use_without_an_association_passes_in_clear_both_ways_and_counts_nothing(self):
        self.load("use")
        before = self.relent.netstat()[OUT_NO_SA]
        with Tap(self.lab, clear_between(RELENT, ELMER, "udp")) as clear, Tap(self.lab, "ip proto 50") as wire:
            self.assertEqual(self.datagrams(), 20)
            wait_for("20 clear packets", lambda: clear.count >= 20)
        self.assertEqual((clear.count, wire.count), (20, 0))
        self.assertEqual(self.relent.netstat()[OUT_NO_SA], before)

    def test_S50_use_with_an_association_protects(self):
        self.load("use")
        for host in self.both:
            host.setkey(ASSOCIATIONS % ("", ""))
        with Tap(self.lab, clear_between(RELENT, ELMER, "udp")) as clear, Tap(self.lab, "ip proto 50") as wire:
            self.assertEqual(self.datagrams(), 20)
        self.assertEqual((clear.count, wire.count), (0, 20))

    def test_S51_S125_require_without_an_association_sends_nothing_and_counts_it(self):
        self.load("require")
        before = self.relent.netstat()[OUT_NO_SA]
        with Tap(self.lab, clear_between(RELENT, ELMER)) as clear, Tap(self.lab, "ip proto 50") as wire:
            self.assertEqual(self.datagrams(), 0)
            wait_for("20 packets without an association", lambda: self.relent.netstat()[OUT_NO_SA] - before == 20)
        self.assertEqual((clear.count, wire.count), (0, 0), describe(clear.stop()))

    def test_S51_require_refuses_clear_packets_from_the_other_side(self):
        self.load("require", [self.elmer])
        before = self.elmer.netstat()[IN_POLICY]
        self.assertEqual(self.datagrams(), 0)
        wait_for("20 refused packets", lambda: self.elmer.netstat()[IN_POLICY] - before == 20)

    def test_S51_require_with_an_association_delivers(self):
        self.load("require")
        for host in self.both:
            host.setkey(ASSOCIATIONS % ("", ""))
        with Tap(self.lab, clear_between(RELENT, ELMER)) as clear, Tap(self.lab, "ip proto 50") as wire:
            self.assertEqual(self.datagrams(), 20)
        self.assertEqual((clear.count, wire.count), (0, 20), describe(clear.stop()))

    def test_default_is_use_until_the_administrator_says_otherwise(self):
        """Kept over restarts, for each protocol and mode by itself, and without loading the policies anew."""
        self.load("default")
        self.assertEqual(self.datagrams(), 20)
        self.addCleanup(lambda: [host.run("ipsecctl", "set", "esp_net_deflev", "1") for host in self.both])
        for name in ("esp_trans_deflev", "ah_net_deflev", "ah_trans_deflev"):
            self.relent.run("ipsecctl", "set", name, "2")
        self.assertEqual(self.datagrams(), 20, "a default of another protocol or mode")
        for name in ("esp_trans_deflev", "ah_net_deflev", "ah_trans_deflev"):
            self.relent.run("ipsecctl", "set", name, "1")
        self.assertIn("require", self.relent.out("ipsecctl", "set", "esp_net_deflev", "2"))
        with Tap(self.lab, clear_between(RELENT, ELMER, "udp")) as clear:
            self.assertEqual(self.datagrams(), 0)
            self.relent.kill("policyd")
            # Its exit status is 1 until datapathd has found policyd again, and that is right.
            wait_for("policyd to be back with what it had",
                     lambda: "in tunnels require" in self.relent.run("ipsecctl", "status", check=False).stdout)
            self.assertEqual(self.datagrams(), 0)
        self.assertEqual(clear.count, 0, describe(clear.stop()))
        self.assertIn("/default\n", self.relent.out("setkey", "-DP"))
        self.elmer.run("ipsecctl", "set", "esp_net_deflev", "2")
        before = self.elmer.netstat()[IN_POLICY]
        self.relent.run("ipsecctl", "set", "esp_net_deflev", "1")
        self.assertEqual(self.datagrams(), 0)
        wait_for("20 refused packets", lambda: self.elmer.netstat()[IN_POLICY] - before == 20)
        self.elmer.run("ipsecctl", "set", "esp_net_deflev", "1")
        self.assertEqual(self.datagrams(), 20)

    def test_unique_takes_only_the_association_with_its_number(self):
        self.load("unique:7")
        for host in self.both:
            host.setkey(ASSOCIATIONS % ("", ""))
        with Tap(self.lab, clear_between(RELENT, ELMER)) as clear:
            self.assertEqual(self.datagrams(), 0)
            for host in self.both:
                host.run("setkey", "-F")
                host.setkey(ASSOCIATIONS % ("-u 7", "-u 7"))
            with Tap(self.lab, "ip proto 50") as wire:
                self.assertEqual(self.datagrams(), 20)
        self.assertEqual(clear.count, 0, describe(clear.stop()))
        self.assertEqual({esp.spi for esp in esp_of(wire.stop())}, {0x3001})


labtest.main()
