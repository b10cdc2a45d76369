#!/usr/bin/python3
"""A restart is not an outage: kill -9 of datapathd leaves SPIs, sequence numbers and connections as they were."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import collections  # noqa: E402

import labtest  # noqa: E402
from labtap import Tap, clear_between, describe, esp_of  # noqa: E402
from labtest import ELMER, RELENT, wait_for  # noqa: E402

KEYS = f"""
add {RELENT} {ELMER} esp 0x5001 -m tunnel -r 32 -E aes-cbc "sixteen octets k" -A hmac-sha256 "thirty-two octets of key, really";
add {ELMER} {RELENT} esp 0x5002 -m tunnel -r 32 -E aes-cbc "SIXTEEN OCTETS K" -A hmac-sha256 "THIRTY-TWO OCTETS OF KEY, REALLY";
"""
POLICIES = f"""
spdadd {RELENT}[any] {ELMER}[any] any -P %s ipsec esp/tunnel/{RELENT}-{ELMER}/require;
spdadd {ELMER}[any] {RELENT}[any] any -P %s ipsec esp/tunnel/{ELMER}-{RELENT}/require;
"""
KILLS = labtest.count(10, 100)


class Restart(labtest.LabTest):
    def setUp(self):
        super().setUp()
        for host, words in ((self.relent, ("out", "in")), (self.elmer, ("in", "out"))):
            host.setkey(KEYS + POLICIES % words)

    def spis(self, host):
        return sorted((row["spi"], row["src"], row["dst"]) for row in host.json("sad")["sas"])

    def under_transfer(self, disturb):
        """Runs disturb(host) KILLS times during one TCP transfer; the ESP headers that crossed the segment."""
        sink = self.elmer.traffic("tcp-sink", 7000)
        self.addCleanup(sink.kill)
        octets = KILLS * 400_000
        sending = self.relent.traffic("tcp-send", ELMER, 7000, octets, 1_000_000, 60)
        self.addCleanup(sending.kill)
        with Tap(self.lab, "ip proto 50", snap=64, keep=4_000_000) as wire:
            for number in range(KILLS):
                host = self.both[number % 2]
                disturb(host)
                seen = wire.count
                wait_for("packets after the restart", lambda seen=seen: wire.count >= seen + 20 or sending.poll() is not None, 60)
            said = sending.communicate(timeout=120 + KILLS * 5)[0]
            self.assertEqual(sending.returncode, 0, f"the transfer did not survive: {said}")
        return esp_of(wire.stop())

    def assert_no_number_twice(self, headers):
        numbers = collections.Counter((esp.source, esp.spi, esp.sequence) for esp in headers)
        twice = [key for key, times in numbers.items() if times > 1]
        self.assertGreater(len(numbers), 100)
        self.assertEqual(twice, [], f"{len(twice)} sequence numbers were used twice")

    def test_datapathd_killed_same_spis_no_number_twice_transfer_survives(self):
        before = [self.spis(host) for host in self.both]

        def disturb(host):
            host.kill("datapathd")
            host.wait_ready()
        self.assert_no_number_twice(self.under_transfer(disturb))
        self.assertEqual([self.spis(host) for host in self.both], before)

    def test_level_use_packets_wait_while_datapathd_is_dead(self):
        for host, words in ((self.relent, ("out", "in")), (self.elmer, ("in", "out"))):
            host.run("setkey", "-FP")
            host.setkey(POLICIES.replace("/require", "/use") % words)

        def disturb(host):
            host.kill("datapathd")
            host.wait_ready()
        with Tap(self.lab, clear_between(RELENT, ELMER), keep=20) as clear:
            self.assert_no_number_twice(self.under_transfer(disturb))
        self.assertEqual(clear.count, 0, describe(clear.stop()))

    def test_policyd_killed_policies_stay_and_the_transfer_survives(self):
        before = [host.out("setkey", "-DP").count("ipsec") for host in self.both]

        def disturb(host):
            host.kill("policyd")
            host.wait_ready()
        self.assert_no_number_twice(self.under_transfer(disturb))
        self.assertEqual([host.out("setkey", "-DP").count("ipsec") for host in self.both], before)


labtest.main()
