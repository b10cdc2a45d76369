#!/usr/bin/python3
"""Policies that exempt or forbid, in the SPD's order: the first match counts, not the best (S47, S56, S57)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import json  # noqa: E402

import labtest  # noqa: E402
from labtap import Tap, clear_between, describe  # noqa: E402
from labtest import ELMER, RELENT, wait_for  # noqa: E402

SAS = f"""
add {RELENT} {ELMER} esp 0x2001 -m tunnel -E aes-cbc "sixteen octets k" -A hmac-sha1 "twenty octets of key";
add {ELMER} {RELENT} esp 0x2002 -m tunnel -E aes-cbc "SIXTEEN OCTETS K" -A hmac-sha1 "TWENTY OCTETS OF KEY";
"""
NONE = f"""
spdadd {RELENT}[any] {ELMER}[5353] udp -P %s none;
"""
PROTECT = f"""
spdadd {RELENT}[any] {ELMER}[any] any -P %s ipsec esp/tunnel/{RELENT}-{ELMER}/require;
spdadd {ELMER}[any] {RELENT}[any] any -P %s ipsec esp/tunnel/{ELMER}-{RELENT}/require;
"""
OUT_POLICY, IN_POLICY = ("outbound packets violated process security policy",
                         "inbound packets violated process security policy")


class NoneAndDiscard(labtest.LabTest):
    def load(self, statements):
        """For both hosts: the first %s is relent's direction of what it sends."""
        places = statements.count("%s")
        for host, words in ((self.relent, ("out", "in")), (self.elmer, ("in", "out"))):
            host.setkey(statements % tuple(words[place % 2] if places > 1 else words[0] for place in range(places)))

    def datagrams(self, port, packets=20, sender=None, receiver=None):
        """How many of `packets` datagrams reach the receiver's program."""
        sender, receiver = sender or self.relent, receiver or self.elmer
        counting = receiver.traffic("udp-count", port)
        sender.traffic("udp-send", receiver.address, port, packets, 500, 100).wait(timeout=20)
        said = counting.communicate("\n", timeout=20)[0]
        return json.loads(said)["received"]

    def test_S57_an_exemption_before_the_general_entry_passes_in_clear(self):
        self.load(SAS)
        for host, word in ((self.relent, "out"), (self.elmer, "in")):
            host.setkey(NONE % word)
        self.load(PROTECT)
        with Tap(self.lab, clear_between(RELENT, ELMER, "udp port 5353")) as exempted, \
                Tap(self.lab, clear_between(RELENT, ELMER, "not udp port 5353")) as others:
            self.assertEqual(self.datagrams(5353), 20)
            self.assertEqual(self.datagrams(5354), 20)
        self.assertEqual(exempted.count, 20)
        self.assertEqual(others.count, 0, describe(others.stop()))

    def test_S56_an_exemption_after_the_general_entry_is_never_reached(self):
        self.load(SAS + PROTECT)
        for host, word in ((self.relent, "out"), (self.elmer, "in")):
            host.setkey(NONE % word)
        with Tap(self.lab, clear_between(RELENT, ELMER)) as clear, Tap(self.lab, "ip proto 50") as wire:
            self.assertEqual(self.datagrams(5353), 20)
        self.assertEqual(clear.count, 0, describe(clear.stop()))
        self.assertEqual(wire.count, 20)

    def test_discard_outbound_keeps_the_packets_here_and_counts_them(self):
        self.relent.setkey(f"spdadd {RELENT}[any] {ELMER}[6000] udp -P out discard;")
        before = self.relent.netstat()[OUT_POLICY]
        with Tap(self.lab, f"src host {RELENT} and udp") as wire:
            self.assertEqual(self.datagrams(6000), 0)
            self.assertEqual(self.datagrams(6001), 20)
        self.assertEqual(wire.count, 20)
        wait_for("20 refused packets in the counter", lambda: self.relent.netstat()[OUT_POLICY] - before == 20)

    def test_discard_inbound_keeps_the_packets_from_the_receiver_and_counts_them(self):
        self.elmer.setkey(f"spdadd {RELENT}[any] {ELMER}[6000] udp -P in discard;")
        before = self.elmer.netstat()[IN_POLICY]
        self.assertEqual(self.datagrams(6000), 0)
        self.assertEqual(self.datagrams(6001), 20)
        wait_for("20 refused packets in the counter", lambda: self.elmer.netstat()[IN_POLICY] - before == 20)


labtest.main()
