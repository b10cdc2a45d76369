#!/usr/bin/python3
"""A source of packets that never runs dry does not silence the others: datapathd takes a batch from each in turn.

    relent --- lan --- elmer          policies: UDP between the two, level require, 3DES (slow, so that a flood is one)
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtest import ELMER, RELENT, wait_for  # noqa: E402

DONE = "inbound packets processed successfully"
SENT = "outbound packets processed successfully"
KEYS = f"""
add {RELENT} {ELMER} esp 0x4001 -m tunnel -E 3des-cbc "thescogp12341234thescogp" -A hmac-sha1 "twenty octets of key";
add {ELMER} {RELENT} esp 0x4002 -m tunnel -E 3des-cbc "thescogp43214321thescogp" -A hmac-sha1 "TWENTY OCTETS OF KEY";
"""


class Fairness(labtest.LabTest):
    def protect(self):
        for host, there, back in ((self.relent, "out", "in"), (self.elmer, "in", "out")):
            host.setkey(KEYS + f"""
            spdadd {RELENT} {ELMER} udp -P {there} ipsec esp/tunnel/{RELENT}-{ELMER}/require;
            spdadd {ELMER} {RELENT} udp -P {back} ipsec esp/tunnel/{ELMER}-{RELENT}/require;
            """)

    def end(self, process):
        process.kill()
        process.wait()
        process.stdout.close()

    def count(self, host, text):
        return host.netstat()[text]

    def test_inbound_goes_on_while_outbound_never_runs_dry(self):
        self.protect()
        quiet = self.elmer.traffic("udp-send", RELENT, 5002, 50 * 60, 50, 100)
        self.addCleanup(self.end, quiet)
        floods = [self.relent.traffic("udp-send", ELMER, 5001, 2_000_000, 60_000, 1300) for _ in range(2)]
        for flood in floods:
            self.addCleanup(self.end, flood)
        before = self.count(self.relent, SENT)
        wait_for("the flood to be under way", lambda: self.count(self.relent, SENT) > before + 5000, 15)
        before = self.count(self.relent, DONE)
        wait_for("packets from elmer during the flood", lambda: self.count(self.relent, DONE) >= before + 50, 8)
        self.assertTrue(all(flood.poll() is None for flood in floods), "the flood ended too early to prove anything")


labtest.main()
