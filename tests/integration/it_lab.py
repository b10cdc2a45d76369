#!/usr/bin/python3
"""The lab itself: what it promises to the tests that stand on it."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
import labtap  # noqa: E402
from labtest import wait_for  # noqa: E402
from labkit.kernel import LabError, Process  # noqa: E402
from labkit.lab import PROGRAM, Lab  # noqa: E402
from labkit.state import RUN  # noqa: E402


class LabItself(labtest.LabTest):
    suite_on = ()

    def ping(self, host, target, number=5):
        said = host.out("ping", "-q", "-c", str(number), "-i", "0.02", "-W", "1", target, check=False)
        return int(said.split(" received")[0].rsplit(" ", 1)[1])

    def test_hosts_know_each_other_by_name(self):
        self.assertEqual(self.relent.out("hostname").strip(), "relent")
        self.assertEqual(self.ping(self.relent, "elmer"), 5)

    def test_what_a_host_writes_stays_its_own(self):
        self.relent.run("sh", "-c", "mkdir -p /var/lib/postern && echo x >/etc/postern/mark && echo x >/run/mark")
        for path in ("/etc/postern/mark", "/run/mark"):
            self.assertFalse(os.path.exists(path))
            self.assertEqual(self.elmer.run("test", "-e", path, check=False).returncode, 1)

    def test_commands_give_their_exit_status_and_end_with_their_caller(self):
        self.assertEqual(self.relent.run("sh", "-c", "exit 7", check=False).returncode, 7)
        process = self.relent.popen("sleep", "1000")
        wait_for("the command to run", lambda: "sleep" in self.lab.processes("relent").values())
        process.kill()
        process.wait()
        wait_for("the command to end", lambda: "sleep" not in self.lab.processes("relent").values())

    def test_a_tap_sees_what_crosses_the_segment_and_nothing_else(self):
        with labtap.Tap(self.lab, "icmp and icmp[0] = 8") as tap:
            self.ping(self.relent, "elmer", 7)
            wait_for("7 echo requests", lambda: tap.count >= 7)
        self.assertEqual(tap.count, 7)

    def test_router_hides_the_inside_behind_its_own_address(self):
        self.lab.add_router("nat", [("lan", ["10.0.0.1/24"]), ("wan", ["192.0.2.1/24"])])
        self.lab.add("far", ["192.0.2.50/24"], segment="wan")
        self.lab.add("inner", ["10.0.0.130/24"], gateway="10.0.0.1")
        inner = labtest.Host(self.lab, "inner", "10.0.0.130")
        with labtap.Tap(self.lab, "icmp and icmp[0] = 8", target="wan") as tap:
            self.assertEqual(self.ping(inner, "far", 3), 3)
        self.assertEqual({labtap.ip_fields(frame)[0] for frame in tap.stop()}, {"192.0.2.1"})

    def test_bad_wire_loses_and_delays_until_switched_off(self):
        wish = {"loss": 0, "duplicate": 0, "reorder": 0, "delay": 0, "jitter": 0, "seed": 1}
        self.lab.impair("elmer", {**wish, "loss": 100})
        self.assertEqual(self.ping(self.relent, "elmer"), 0)
        self.lab.impair("elmer", {**wish, "delay": 30})
        said = self.relent.out("ping", "-q", "-c", "3", "-i", "0.05", "elmer")
        self.assertGreaterEqual(float(said.rsplit("= ", 1)[1].split("/")[0]), 60)
        self.lab.impair("elmer", {**wish, "duplicate": 100})
        self.assertRegex(self.relent.out("ping", "-q", "-c", "5", "-i", "0.05", "elmer"), r"\+[1-9][0-9]* duplicates")
        self.lab.unimpair("elmer")
        self.assertEqual(self.ping(self.relent, "elmer"), 5)

    def test_reordering_wire_delivers_everything_in_another_order(self):
        wish = {"loss": 0, "duplicate": 0, "reorder": 20, "delay": 0, "jitter": 0, "seed": 3}
        self.relent.run("ping", "-c1", "elmer")
        self.lab.impair("elmer", wish)
        try:
            with labtap.Tap(self.lab, "udp and dst port 5555") as tap:
                self.elmer.traffic("udp-send", labtest.RELENT, 5555, 100, 1000, 64).wait(timeout=20)
                wait_for("all datagrams", lambda: tap.count >= 100)
        finally:
            self.lab.unimpair("elmer")
        order = [int.from_bytes(labtap.ip_fields(frame)[3][8:16], "big") for frame in tap.stop()]
        self.assertEqual(sorted(order), list(range(100)))
        self.assertNotEqual(order, sorted(order))

    def test_names_that_are_taken_or_unknown_are_told(self):
        with self.assertRaisesRegex(LabError, "already has a host 'relent'"):
            self.lab.add("relent", ["10.0.0.9/24"])
        with self.assertRaisesRegex(LabError, "has no host 'nobody'"):
            self.lab.init("nobody")
        with self.assertRaisesRegex(LabError, "is up already"):
            Lab(self.lab.name).up()


class Endings(labtest.unittest.TestCase):
    def lab_processes(self, name):
        state = Lab(name).state()
        return [Process.load(row) for row in [state["keeper"], *(host["init"] for host in state["hosts"].values())]]

    def make(self, suffix, owner):
        name = f"end-{suffix}-{os.getpid()}"
        subprocess.run([PROGRAM, "up", "--name", name, "--owner-pid", str(owner)], check=True, stdout=subprocess.DEVNULL)
        self.addCleanup(Lab(name).down)
        return name, self.lab_processes(name)

    def assert_gone(self, name, processes):
        wait_for("every process of the lab to be gone", lambda: not any(process.alive() for process in processes))
        wait_for("the run folder to be gone", lambda: not os.path.exists(os.path.join(RUN, name)))

    def test_down_leaves_nothing(self):
        name, processes = self.make("down", os.getpid())
        Lab(name).down()
        self.assert_gone(name, processes)

    def test_owner_killed_leaves_nothing(self):
        owner = subprocess.Popen(["sleep", "1000"])
        name, processes = self.make("own", owner.pid)
        owner.kill()
        owner.wait()
        self.assert_gone(name, processes)

    def test_keeper_killed_ends_the_hosts_and_down_removes_the_rest(self):
        name, processes = self.make("kill", os.getpid())
        processes[0].kill()
        wait_for("every process of the lab to be gone", lambda: not any(process.alive() for process in processes))
        with self.assertRaisesRegex(LabError, "is not up"):
            Lab(name).state()
        Lab(name).down()
        self.assert_gone(name, processes)


labtest.main()
