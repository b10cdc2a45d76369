#!/usr/bin/python3
"""The command line against a running suite: who may do what, what status, monitor and the switches say and do."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtap import Tap, esp_of  # noqa: E402
from labtest import ELMER, RELENT, wait_for  # noqa: E402

OLD = f'add {RELENT} {ELMER} esp 0x4001 -m tunnel -E 3des-cbc "twenty-four octets key 1";'
NEW = f'add {RELENT} {ELMER} esp 0x4002 -m tunnel -E 3des-cbc "twenty-four octets key 2";'
POLICY = f"spdadd {RELENT}[any] {ELMER}[any] udp -P out ipsec esp/tunnel/{RELENT}-{ELMER}/require;"
KEY_HEX = "twenty-four octets key 1".encode().hex()
# A user that is nobody here; its group is given to the suite as the admin group.
STRANGER = ("setpriv", "--reuid", "65533", "--regid", "65533", "--clear-groups")
READER = ("setpriv", "--reuid", "65533", "--regid", "65534", "--clear-groups")


class CommandLine(labtest.LabTest):
    suite_on = ("relent",)

    def setUp(self):
        if not self.relent.running():
            self.relent.start("--admin-group", "nogroup")
        super().setUp()
        self.relent.run("ipsecctl", "enable")

    def send(self, packets=5):
        self.relent.traffic("udp-send", ELMER, 5000, packets, 100, 100).wait(timeout=20)

    def spis_of(self, packets=5):
        with Tap(self.lab, "ip proto 50") as wire:
            self.send(packets)
            wait_for(f"{packets} ESP packets", lambda: wire.count >= packets)
        return {esp.spi for esp in esp_of(wire.stop())}

    # -- who may do what

    def test_S18_others_than_root_change_nothing(self):
        self.relent.setkey(OLD + POLICY)
        before = self.relent.json("spd")["policies"], self.relent.json("sad")["sas"]
        for user in (STRANGER, READER):
            for words in (("ipsecctl", "disable"), ("ipsecctl", "set", "key_preferred_oldsa", "1"),
                          ("ipsecctl", "log", "debug"), ("setkey", "-F"), ("setkey", "-FP"), ("ipsecctl", "setkey", "-F")):
                done = self.relent.run(*user, *words, check=False)
                self.assertEqual(done.returncode, 1, f"{words}: {done.stdout}{done.stderr}")
                self.assertRegex(done.stderr, "root")
        after = self.relent.json("spd")["policies"], self.relent.json("sad")["sas"]
        self.assertEqual([policy["id"] for policy in after[0]], [policy["id"] for policy in before[0]])
        self.assertEqual([sa["serial"] for sa in after[1]], [sa["serial"] for sa in before[1]])
        self.assertTrue(self.relent.json("status")["enabled"])

    def test_a_stranger_cannot_even_read_and_is_told_who_can(self):
        for words in (("ipsecctl", "sad"), ("ipsecctl", "spd"), ("ipsecctl", "stats"), ("setkey", "-D")):
            done = self.relent.run(*STRANGER, *words, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("nogroup", done.stderr)

    def test_the_admin_group_reads_everything_but_keys(self):
        self.relent.setkey(OLD + POLICY)
        for words in (("ipsecctl", "sad"), ("ipsecctl", "spd"), ("ipsecctl", "stats"), ("setkey", "-DP"), ("ipsecctl", "log")):
            self.relent.run(*READER, *words)
        mine = self.relent.out(*READER, "setkey", "-D").replace(" ", "")
        document = self.relent.out(*READER, "ipsecctl", "--json", "sad", "--keys")
        self.assertNotIn(KEY_HEX[:16], mine)
        self.assertNotIn(KEY_HEX[:16], document)
        self.assertIn(KEY_HEX, self.relent.out("ipsecctl", "--json", "sad", "--keys"))
        self.assertNotIn(KEY_HEX[:16], self.relent.out("ipsecctl", "--json", "sad"))
        self.assertIn(KEY_HEX[:16], self.relent.out("setkey", "-D").replace(" ", ""))

    # -- reading

    def test_every_reading_verb_has_a_versioned_document(self):
        self.relent.setkey(OLD + POLICY)
        for words in (("sad",), ("spd",), ("stats",), ("netstat", "-nsp", "ipsec"), ("status",), ("log",), ("version",)):
            self.assertEqual(self.relent.json(*words)["schema_version"], 1, words)
        sas, policies = self.relent.json("sad")["sas"], self.relent.json("spd")["policies"]
        self.assertEqual([(sa["src"], sa["dst"], sa["spi"]) for sa in sas], [(RELENT, ELMER, 0x4001)])
        self.assertEqual([(p["dir"], p["requests"][0]["level"]) for p in policies], [("out", "require")])

    def test_status_is_good_and_then_says_who_is_down(self):
        wait_for("agreement", lambda: self.relent.json("status")["good"])
        status = self.relent.json("status")
        self.assertEqual({service["name"]: service["up"] for service in status["services"]},
                         dict.fromkeys(labtest.SERVICES, True))
        self.assertTrue(status["spd"]["agree"])
        text = self.relent.out("ipsecctl", "status")
        for words in ("IPsec is on.", "is enforced by kernel and datapath", "policyd", "datapathd", "pid"):
            self.assertIn(words, text)

    def test_status_names_weak_associations(self):
        self.relent.setkey(OLD)
        weak = self.relent.json("status")["weak_sas"]
        self.assertEqual((weak["unauthenticated"], weak["3des"], weak["no_replay_check"], weak["md5"]), (1, 1, 1, 0))
        self.assertIn("1 of 1 SAs use 3des-cbc", self.relent.out("ipsecctl", "status"))

    def test_the_policy_s_packets_are_counted(self):
        self.relent.setkey(OLD + POLICY)
        self.spis_of(7)
        counts = self.relent.json("stats")["ipsec"]
        self.assertEqual(counts["out_success"], sum(counts["out_hist_esp"].values()))
        self.assertGreaterEqual(counts["out_hist_esp"]["3des-cbc"], 7)

    def test_monitor_shows_both_services_events(self):
        watching = self.relent.popen("ipsecctl", "--json", "monitor", "-n", "2")
        wait_for("the monitor to listen", lambda: self.monitors() == len(labtest.SERVICES))
        self.relent.setkey(OLD + POLICY)
        said = [json.loads(line) for line in watching.communicate(timeout=20)[0].splitlines()]
        self.assertEqual({event["service"] for event in said}, {"policyd", "datapathd"})
        self.assertEqual({event["schema_version"] for event in said}, {1})

    def monitors(self):
        """Admin connections of the monitor, from the kernel's table: one per service."""
        rows = self.relent.out("ss", "-xH", "state", "connected").splitlines()
        return sum(".admin" in row for row in rows)

    # -- switches

    def test_disabled_passes_in_clear_and_enabled_again_protects(self):
        self.relent.setkey(OLD + POLICY)
        self.assertEqual(self.spis_of(), {0x4001})
        self.assertIn("off", self.relent.out("ipsecctl", "disable"))
        self.assertFalse(self.relent.json("status")["enabled"])
        with Tap(self.lab, f"udp and dst host {ELMER}") as clear:
            self.send()
            wait_for("5 clear packets", lambda: clear.count >= 5)
        self.assertIn("on", self.relent.out("ipsecctl", "set", "ipsec_enable", "1"))
        self.assertEqual(self.spis_of(), {0x4001})

    def test_S137_S138_newest_by_default_oldest_when_set(self):
        self.relent.setkey(OLD + POLICY)
        self.relent.setkey(NEW)
        try:
            self.assertEqual(self.spis_of(), {0x4002})
            self.relent.run("ipsecctl", "set", "key_preferred_oldsa", "1")
            self.assertEqual(self.spis_of(), {0x4001})
        finally:
            self.relent.run("ipsecctl", "set", "key_preferred_oldsa", "0")
        self.assertEqual(self.spis_of(), {0x4002})

    def test_log_levels_are_shown_and_changed(self):
        self.relent.run("ipsecctl", "log", "debug", "datapathd")
        self.assertEqual(self.relent.json("log")["levels"]["datapathd"], "debug")
        self.assertNotEqual(self.relent.json("log")["levels"]["policyd"], "debug")
        self.relent.run("ipsecctl", "log", "info")
        self.assertEqual(self.relent.json("log")["levels"], dict.fromkeys(labtest.SERVICES, "info"))

    # -- old ways

    def test_S156_a_boot_script_without_path_or_terminal_loads_a_file(self):
        program = self.relent.out("which", "ipseckey").strip()
        path = os.path.join(labtest.EXAMPLES, "manual-relent.ipsec.cf")
        self.relent.run("env", "-i", "/bin/sh", "-c", f"{program} -f {path} </dev/null >/dev/null 2>&1")
        self.assertEqual(len(self.relent.json("spd")["policies"]), 2)


labtest.main()
