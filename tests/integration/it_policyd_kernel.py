#!/usr/bin/python3
"""The doors of the leak table, with policyd alone: what others break, reloading, policyd's own life. See it_policyd_router.py for
the stage. Every test listens on the wire while traffic runs, and says how many packets with its marker were seen in clear.
"""

import contextlib
import errno
import os
import random
import signal
import socket
import struct
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from it_policyd_rig import LONG, Policy, Refused, main, message, wait_for  # noqa: E402
from it_policyd_router import BYPASS, SO_MARK, RouterTest, Traffic, protect_all  # noqa: E402

ROUNDS = 500 if LONG else 150


class KernelTest(RouterTest):
    # -- locally made

    def test_clear_before_unreachable_after(self):
        for target in ("10.0.0.2", "fd00::2"):
            with Traffic(self.a, target, self.marker):
                wait_for(f"clear traffic to {target}", lambda: self.wan.seen(self.marker))
            self.wan.frames.clear()
        self.load(*protect_all())
        self.wan.read()
        self.wan.frames.clear()
        for target in ("10.0.0.2", "fd00::2"):
            with Traffic(self.a, target, self.marker) as traffic:
                self.wait_sent(traffic)
            self.assertEqual(set(traffic.errors), {"EHOSTUNREACH"})
        self.assert_no_clear()

    def test_use_without_datapathd_is_not_clear(self):
        self.load(*protect_all("use"))
        with Traffic(self.a, "10.0.0.2", self.marker) as traffic:
            self.wait_sent(traffic)
        self.assert_no_clear()

    def test_bound_to_a_device_is_not_clear(self):
        self.load(*protect_all())
        for target in ("10.0.0.2", "fd00::2"):
            with Traffic(self.a, target, self.marker, device="e0") as traffic:
                self.wait_sent(traffic)
        self.assert_no_clear()

    def test_bypass_mark_passes_own_marks_do_not(self):
        self.load(*protect_all())
        with self.a.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for mark in (0x20000000, 0x30000000, 0x40000000, 0x50000000, 0xf0000000, 0x0fffffff):
                s.setsockopt(socket.SOL_SOCKET, SO_MARK, struct.pack("I", mark))
                with contextlib.suppress(OSError):
                    s.sendto(self.marker, ("10.0.0.2", 53))
            self.assert_no_clear()
            s.setsockopt(socket.SOL_SOCKET, SO_MARK, struct.pack("I", BYPASS))
            s.sendto(self.marker, ("10.0.0.2", 53))
        wait_for("the bypassing packet", lambda: self.wan.seen(self.marker))

    def test_marks_overwritten_by_others_are_not_clear(self):
        self.load(*protect_all())
        self.a.run("nft", "add table inet other; add chain inet other o { type route hook output priority mangle; };"
                   "add rule inet other o meta mark set 0x1; add chain inet other p { type filter hook prerouting priority mangle; };"
                   "add rule inet other p meta mark set 0x1")
        with Traffic(self.a, "10.0.0.2", self.marker) as local, Traffic(self.c, "10.0.0.2", self.marker) as routed:
            self.wait_sent(local)
            self.wait_sent(routed)
        self.a.run("nft", "delete table inet other")
        self.assert_no_clear()
        self.assertGreater(self.stat("drop.guard"), 150)

    # -- what others break

    def break_while_stopped(self, script):
        """policyd cannot repair; the guard alone holds. Then it may."""
        self.load(*protect_all())
        os.kill(self.policyd.process.pid, signal.SIGSTOP)
        for target in ("10.0.0.2", "fd00::2"):
            with Traffic(self.a, target, self.marker) as traffic:
                self.wait_sent(traffic)
                self.a.sh(script)
                self.wait_sent(traffic)
        with Traffic(self.c, "10.0.0.2", self.marker) as traffic:
            self.wait_sent(traffic)
        os.kill(self.policyd.process.pid, signal.SIGCONT)
        wait_for("the repair", lambda: int(self.admin.status()["repairs"]) > 0)
        self.assert_no_clear()
        self.assertGreater(self.stat("drop.guard"), 50)
        self.assertGreater(self.stat("ip6.drop.guard"), 50)

    def test_rules_removed_guard_holds_and_they_come_back(self):
        before = self.rules()
        self.break_while_stopped("for p in 98 99 100 101; do ip rule del pref $p 2>/dev/null || :; ip -6 rule del pref $p 2>/dev/null || :; done")
        self.assertNotEqual(self.rules(), before)
        for family in ("-4", "-6"):
            for preference in ("98:", "99:", "100:", "101:", "32800:"):
                self.assertIn(preference, self.rules(family))

    def test_table_emptied_guard_holds_and_routes_come_back(self):
        self.break_while_stopped("ip route flush table 4500; ip -6 route del unreachable default metric 4294967295 table 4500 || :")
        self.assertIn("unreachable default", self.a.run("ip", "route", "show", "table", "4500"))
        self.assertIn("unreachable default", self.a.run("ip", "-6", "route", "show", "table", "4500"))

    def test_routes_led_elsewhere_guard_holds_and_they_come_back(self):
        """A table of ours holds nothing but what policyd put there, whoever changed it and however."""
        self.load(*protect_all())
        wanted = [self.a.run("ip", family, "route", "show", "table", "4500") for family in ("-4", "-6")]
        for breakage in ("ip {0} route replace default via {1} dev e0 table 4500", "ip {0} route add default via {1} dev e0 metric 7 table 4500",
                         "ip {0} route add {2} via {1} dev e0 table 4500", "ip {0} route add blackhole default metric 9 table 4500"):
            with self.subTest(breakage):
                for family, gateway, net in (("-4", "10.0.0.2", "10.0.0.0/8"), ("-6", "fd00::2", "fd00::/16")):
                    repairs = int(self.admin.status()["repairs"])
                    self.a.sh(breakage.format(family, gateway, net))
                    wait_for("the repair", lambda: int(self.admin.status()["repairs"]) > repairs)
                self.assertEqual([self.a.run("ip", family, "route", "show", "table", "4500") for family in ("-4", "-6")], wanted)
        self.assert_no_clear()

    def test_table_deleted_comes_back_at_once(self):
        self.load(*protect_all())
        for breakage in ("delete table inet postern", "flush ruleset", "flush table inet postern", "flush chain inet postern v_mark",
                         "flush chain inet postern output", "delete table inet postern; add table inet postern; "
                         "add chain inet postern output { type filter hook output priority 0; }"):
            repairs = int(self.admin.status()["repairs"])
            self.a.run("nft", breakage)
            wait_for(f"the repair after {breakage}", lambda: int(self.admin.status()["repairs"]) > repairs)
            self.wan.read()
            self.wan.frames.clear()
            with Traffic(self.a, "10.0.0.2", self.marker) as traffic:
                self.wait_sent(traffic)
            self.assertEqual(set(traffic.errors), {"EHOSTUNREACH"}, breakage)
            self.assert_no_clear()

    def test_own_commits_are_no_repairs(self):
        for i in range(30):
            self.load(Policy("out", "10.0.0.1", f"10.9.0.{i}"))
        # A real one is counted behind all events that came before it: once, and not thirty times.
        self.a.run("nft", "flush chain inet postern v_mark")
        wait_for("a repair", lambda: self.admin.status()["repairs"] != "0")
        self.assertEqual(self.admin.status()["repairs"], "1")

    # -- reloading

    def test_reload_storm_no_packet_in_clear(self):
        rng = random.Random(7)
        base = protect_all()
        self.load(*base)
        self.wan.read()
        self.wan.frames.clear()
        with Traffic(self.a, "10.0.0.2", self.marker) as local, Traffic(self.c, "10.0.0.2", self.marker) as routed, \
                Traffic(self.a, "fd00::2", self.marker) as six:
            for i in range(ROUNDS):
                extra = [Policy("out", "10.0.0.1", f"10.{rng.randrange(3, 9)}.0.{n}", 6, dport=80, action="none") for n in range(i % 20)]
                order = extra + base if i % 2 else base + extra
                if i % 7 == 0:
                    order = [Policy("out", "10.0.0.1", "10.0.0.2", 17, dport=53), *order]
                self.reload(order)
                self.admin.loaded()
                self.wan.read()
        self.assert_no_clear()
        self.assertGreater(min(local.n, routed.n, six.n), ROUNDS)

    def test_update_storm_no_packet_in_clear(self):
        self.load(*protect_all())
        self.wan.read()
        self.wan.frames.clear()
        with Traffic(self.a, "10.0.0.2", self.marker):
            for i in range(ROUNDS):
                policy = protect_all("require" if i % 3 else "unique")[0]
                self.admin.put(policy, update=True)
                if i % 5 == 0:
                    self.admin.loaded()
                self.wan.read()
            self.admin.loaded()
        self.assert_no_clear()

    def test_flush_and_load_clear_only_in_between(self):
        self.load(*protect_all())
        self.wan.read()
        self.wan.frames.clear()
        with Traffic(self.a, "10.0.0.2", self.marker) as traffic:
            for _ in range(10):
                self.wait_sent(traffic, 20)
                self.assert_no_clear()
                self.admin.flush()
                self.admin.loaded()
                wait_for("clear traffic after the flush", lambda: self.wan.seen(self.marker))
                self.load(*protect_all())
                self.wait_sent(traffic, 20)
                self.wan.read()
                self.wan.frames.clear()
        self.assert_no_clear()

    def test_old_generations_do_not_pile_up(self):
        self.load(*protect_all())
        for _ in range(20):
            self.reload(protect_all())
            self.admin.loaded()
        wait_for("one generation to be left", lambda: self.a.run("nft", "list table inet postern").count("chain gen_") == 1)

    # -- policyd's own life

    def test_killed_and_started_again_no_packet_in_clear(self):
        self.load(*protect_all())
        self.wan.read()
        self.wan.frames.clear()
        with Traffic(self.a, "10.0.0.2", self.marker) as traffic, Traffic(self.c, "10.0.0.2", self.marker):
            for _ in range(10):
                self.wait_sent(traffic, 20)
                self.policyd.kill()
                self.wait_sent(traffic, 20)
                self.admin = self.policyd.start()
                self.admin.loaded()
        self.assert_no_clear()
        self.assertEqual(len(self.admin.dump()), 4)
        with self.assertRaises(Refused) as refused:
            self.admin.put(protect_all()[0])
        self.assertEqual((refused.exception.code, refused.exception.text), (errno.EEXIST, "File exists"))
        wait_for("one generation to be left", lambda: self.a.run("nft", "list table inet postern").count("chain gen_") == 1)

    def test_killed_in_the_middle_of_loading_no_packet_in_clear(self):
        self.load(*protect_all())
        self.wan.read()
        self.wan.frames.clear()
        rng = random.Random(3)
        with Traffic(self.a, "10.0.0.2", self.marker):
            for i in range(20):
                self.reload(protect_all() + [Policy("out", "10.0.0.1", f"10.7.{n >> 8}.{n & 255}") for n in range(300 + i)])
                time.sleep(rng.random() * 0.02)
                self.policyd.kill()
                self.admin = self.policyd.start()
        self.admin.loaded()
        self.assert_no_clear()

    def test_withdraw_removes_everything_and_leaves_replaceable_entries(self):
        self.load(*protect_all())
        self.policyd.kill(signal.SIGTERM)
        with Traffic(self.a, "10.0.0.2", self.marker) as traffic:
            self.wait_sent(traffic)
        self.assert_no_clear()  # stopping alone opens nothing
        self.policyd.withdraw()
        self.assertEqual(self.a.run("nft", "list", "ruleset"), "")
        for family in ("-4", "-6"):
            self.assertNotIn("4500", self.rules(family))
            self.assertNotIn("unreachable", self.a.run("ip", family, "route", "show", "table", "all"))
        self.policyd.withdraw()  # nothing left to do is no error
        self.admin = self.policyd.start()
        self.admin.loaded()
        self.assertEqual(len(self.admin.dump()), 4)
        self.load(*protect_all())  # no "File exists": they were left behind
        self.assertEqual(len(self.admin.dump()), 4)

    def test_switch_off_and_on_is_kept(self):
        self.load(*protect_all())
        with contextlib.suppress(Refused):  # no datapathd to take it over
            self.admin.call("ENABLE_SET", b"")
        self.admin.loaded()
        with Traffic(self.a, "10.0.0.2", self.marker):
            wait_for("clear traffic", lambda: self.wan.seen(self.marker))
        self.assertNotIn("4500", self.rules())
        self.policyd.kill()
        self.admin = self.policyd.start()
        self.admin.loaded()
        self.assertEqual(self.admin.status()["enabled"], "no")
        self.assertEqual(len(self.admin.dump()), 4)
        with contextlib.suppress(Refused):
            self.admin.call("ENABLE_SET", b"\x08\x01")
        self.admin.loaded()
        self.wan.read()
        self.wan.frames.clear()
        with Traffic(self.a, "10.0.0.2", self.marker) as traffic:
            self.wait_sent(traffic)
        self.assert_no_clear()

    def test_probing_finds_nothing_missing_and_leaves_nothing(self):
        """On a kernel on which the other tests run, nothing is missing; what was there before stays."""
        self.assertFalse([name for name in self.admin.status() if name.startswith("kernel lacks")])
        self.assertNotIn("kernel.lacks", self.policyd.log_text())
        for family in ("-4", "-6"):
            self.assertNotIn("lookup 450", self.rules(family))
        self.assertEqual(self.a.run("nft", "list", "tables").strip(), "")
        self.load(*protect_all())
        before = self.rules(), self.rules("-6")
        self.policyd.kill()
        self.admin = self.policyd.start()
        self.assertEqual((self.rules(), self.rules("-6")), before)
        self.assertNotIn("kernel lacks", self.admin.status())
        self.assertNotIn("probe", self.a.run("nft", "list", "tables"))

    def test_empty_spd_makes_no_table(self):
        self.admin.loaded()
        self.assertEqual(self.a.run("nft", "list", "ruleset"), "")
        self.assertNotIn("4500", self.rules())

    def test_unreadable_snapshot_keeps_what_the_kernel_has(self):
        self.load(*protect_all())
        self.policyd.kill()
        self.damage_snapshot()
        for _ in range(2):  # the second start must not take what the first one left for "there was no file"
            self.admin = self.policyd.start()
            self.assertIn("cannot use", self.policyd.log_text())
            status = self.admin.status()
            self.assertIn("LOST", status["state"])
            self.assertIn("keeps the rules", status["not restored"])
            for kind, body in (("BARRIER", b""), ("ENABLE_SET", message(f1=True)), ("SETTING_SET", message(f1="esp_net_deflev", f2=2)),
                               ("TXN_BEGIN", b""), ("TXN_ABORT", b""), ("TXN_BEGIN", b""), ("TXN_COMMIT", b"")):
                try:
                    self.admin.call(kind, body)
                    self.assertIn("TXN", kind)
                except Refused as refusal:
                    self.assertIn("load your configuration again", refusal.text)
            with Traffic(self.a, "10.0.0.2", self.marker) as traffic:
                self.wait_sent(traffic)
            self.assert_no_clear()
            self.policyd.kill()
        self.admin = self.policyd.start()
        with Traffic(self.a, "10.0.0.2", self.marker) as traffic:
            self.load(*protect_all())
            self.wait_sent(traffic)
        self.assert_no_clear()
        self.assertNotIn("not restored", self.admin.status())
        self.assertTrue(os.path.exists(os.path.join(self.policyd.state_dir, "policyd", "spd.snapshot.damaged")))

    def damage_snapshot(self):
        with open(os.path.join(self.policyd.state_dir, "policyd", "spd.snapshot"), "r+b") as snapshot:
            snapshot.seek(50)
            snapshot.write(b"\xff" * 40)

    def test_unreadable_snapshot_at_boot_is_said(self):
        self.load(*protect_all())
        self.policyd.kill()
        self.policyd.withdraw()
        self.damage_snapshot()
        self.admin = self.policyd.start()
        self.assertIn("NOTHING IS PROTECTED", self.admin.status()["state"])
        self.load(*protect_all())
        with Traffic(self.a, "10.0.0.2", self.marker) as traffic:
            self.wait_sent(traffic)
        self.assert_no_clear()
        self.assertNotIn("LOST", self.admin.status()["state"])


if __name__ == "__main__":
    main()
