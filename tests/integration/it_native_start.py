#!/usr/bin/python3
"""postern.conf at the start of the suite, under its own supervisor: loaded by itself, again at SIGHUP and after whatever died, and
nothing in clear while it is not."""

import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtap import Tap, clear_between  # noqa: E402
from labtest import ELMER, EXAMPLES, RELENT, wait_for  # noqa: E402

FILE = "/etc/postern/postern.conf"
LOADED = f"{FILE}: connections: 1 added, 0 changed, 0 removed; policies: 2 added, 0 removed."


def tunnel(mine, remote, *more):
    return f'connection peer {{\n remote {remote}\n local {mine}\n secret "a long shared secret"\n' + \
        "".join(f" {line}\n" for line in more) + f" child {mine} = {ELMER if mine == RELENT else RELENT}\n}}\n"


class Start(labtest.LabTest):
    """elmer has its tunnel all the time; what is asked happens on relent."""

    suite_on = ("elmer",)

    def setUp(self):
        super().setUp()
        self.write(self.elmer, tunnel(ELMER, RELENT))
        self.elmer.run("ipsecctl", "load")
        self.relent.run("rm", "-f", FILE)
        self.addCleanup(self.end)

    def end(self):
        """Without policies from this test, and stopped."""
        if not self.relent.running():
            self.relent.start()
        self.relent.wait_ready()
        self.relent.run("ipsecctl", "load", "--none")
        self.relent.flush()
        self.relent.stop()
        self.elmer.run("ipsecctl", "down", RELENT, check=False)  # it may have heard of it

    def write(self, host, text):
        host.run("sh", "-c", f"umask 077; cat > {FILE}", text=text)

    def start(self, text):
        self.write(self.relent, text)
        self.relent.start()

    def hang_up(self):
        os.kill(self.lab.suite_pid("relent"), signal.SIGHUP)

    def ping(self):
        return self.relent.run("ping", "-q", "-c", "2", "-W", "5", ELMER, check=False).returncode == 0

    def assert_loaded(self):
        self.assertTrue(self.ping())
        self.assertEqual(len(self.relent.json("show")["ike_sas"]), 1)
        self.assertIn("nothing is different (connections: 1, policies: 2).", self.relent.out("ipsecctl", "load", "-n"))

    def test_who_has_waited_for_the_suite_has_its_tunnel(self):
        self.start(tunnel(RELENT, ELMER))
        self.assertIn(LOADED, self.relent.log())
        self.assert_loaded()

    def test_without_a_file_nothing_is_loaded_until_there_is_one(self):
        self.relent.start()
        self.assertIn(f"there is no {FILE}: nothing to load.", self.relent.log())
        self.hang_up()
        wait_for("a word about it", lambda: "ipsecctl reload: exit" in self.relent.log())
        self.write(self.relent, tunnel(RELENT, ELMER))
        self.hang_up()
        wait_for("the load", lambda: LOADED in self.relent.log())
        self.assert_loaded()

    def test_a_fault_is_told_and_leaves_what_policyd_had_saved(self):
        """Nothing in clear between a start and the load that becomes of it when somebody has mended the file."""
        self.start(tunnel(RELENT, ELMER))
        self.relent.stop()
        self.relent.mark_log()
        self.start(tunnel(RELENT, ELMER).replace("remote", "remotte"))
        said = self.relent.log()
        self.assertIn(f"{FILE}:2:2: error: ", said)
        self.assertIn("`remote`", said)
        self.assertIn("what was in force before still is\n", said)
        with Tap(self.lab, clear_between(RELENT, ELMER, "icmp")) as clear:
            self.assertFalse(self.relent.run("ping", "-q", "-c", "3", "-i", "0.1", "-W", "1", ELMER, check=False).returncode == 0)
            self.write(self.relent, tunnel(RELENT, ELMER))
            self.hang_up()
            wait_for("the load", lambda: "1 added, 0 changed, 0 removed; policies: 0 added, 0 removed." in self.relent.log())
            self.assert_loaded()
        self.assertEqual(clear.count, 0)

    def test_hanging_up_loads_what_has_changed_and_no_fault(self):
        self.start(tunnel(RELENT, ELMER))
        self.assert_loaded()
        held = self.relent.json("show")["ike_sas"][0]["spis"]
        self.write(self.relent, "connection x {\n")
        self.hang_up()
        wait_for("the fault", lambda: f"nothing of {FILE} was loaded" in self.relent.log())
        self.write(self.relent, tunnel(RELENT, ELMER) + "policy none 10.7.0.0/16 = 10.8.0.0/16\n")
        self.hang_up()
        wait_for("the load", lambda: "0 added, 0 changed, 0 removed; policies: 2 added, 0 removed." in self.relent.log())
        self.assertEqual(self.relent.json("show")["ike_sas"][0]["spis"], held)
        self.assertEqual(len(self.relent.json("spd")["policies"]), 4)

    def test_hanging_up_means_the_racoon_conf_that_was_loaded_last(self):
        self.start(tunnel(RELENT, ELMER))
        for name, path in (("psk-relent.txt", "/etc/inet/psk.txt"), ("psk-relent.racoon.conf", "/etc/inet/racoon.conf")):
            self.relent.run("install", "-D", "-m", "600", os.path.join(EXAMPLES, name), path)
        self.relent.run("ipsecctl", "racoon")
        before = self.generation()
        self.hang_up()
        wait_for("another load", lambda: self.generation() != before)
        self.assertIn(f"{FILE} is not loaded: /etc/inet/racoon.conf is, and stays.\n", self.relent.out("ipsecctl", "load", "--boot"))

    def generation(self):
        return re.search(r"(?m)^keyd\n(?:.+\n)*? +generation +(\d+)$", self.relent.out("ipsecctl", "status")).group(1)

    def test_what_the_network_does_not_know_yet_is_tried_again(self):
        """A peer by a name that nobody can be asked for; then the name is known, and nobody types anything."""
        self.start(tunnel(RELENT, "elmer.example"))
        said = self.relent.log()
        self.assertIn("the name elmer.example has no address now", said)
        self.assertIn("and it is tried again", said)
        self.assertEqual(self.relent.json("spd")["policies"], [])
        hosts = self.relent.out("cat", "/etc/hosts")
        self.addCleanup(self.relent.run, "tee", "/etc/hosts", text=hosts)
        self.relent.run("tee", "/etc/hosts", text=hosts + f"{ELMER} elmer.example\n")
        wait_for("the load", lambda: LOADED in self.relent.log(), 40)
        self.assert_loaded()

    def test_a_peer_without_a_way_is_told_apart_from_a_fault(self):
        self.start(tunnel(RELENT, ELMER))
        self.relent.run("ip", "-4", "route", "flush", "default")
        for text, code in ((tunnel(RELENT, "198.51.100.7").replace(f" local {RELENT}\n", ""), 4), ("connection x {\n", 1)):
            self.write(self.relent, text)
            self.assertEqual(self.relent.run("ipsecctl", "load", check=False).returncode, code)
        self.write(self.relent, tunnel(RELENT, ELMER))
        self.assert_loaded()

    def test_whatever_dies_has_it_again(self):
        """Each service in turn, then all of it at once, with the kernel's rules as all that is left."""
        self.start(tunnel(RELENT, ELMER))
        self.assert_loaded()
        for service in labtest.SERVICES:
            self.relent.kill(service)
            self.relent.wait_ready()
            self.relent.run("ipsecctl", "down", ELMER)
            wait_for(f"a tunnel after the end of {service}", self.ping)
            self.assert_loaded()
        with Tap(self.lab, clear_between(RELENT, ELMER, "icmp")) as clear:
            os.kill(self.lab.suite_pid("relent"), signal.SIGKILL)
            wait_for("nothing to run", lambda: not any(name.startswith("postern-") for name in self.lab.processes("relent").values()))
            self.elmer.run("ipsecctl", "down", RELENT, check=False)
            self.relent.start()
            self.assert_loaded()
        self.assertEqual(clear.count, 0)


labtest.main()
