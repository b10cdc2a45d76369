#!/usr/bin/python3
"""Connections that are kept up: they come without a packet, and come back by themselves after whatever took them away."""

import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtap import Tap, clear_between  # noqa: E402
from labtest import ELMER, RELENT, SERVICES, Process, wait_for  # noqa: E402

SECRET = "a long shared secret, with blanks"
VERSIONS = (1, 2)


class Upkeep(labtest.LabTest):
    def load(self, host, remote, version, keep, secret=SECRET, child="local = remote { mode transport }"):
        lines = (f"version {version}", f"remote {remote}", f'secret "{secret}"', f"keep {keep}", "dpd 1s 2", f"child {child}")
        text = "connection peer {\n" + "".join(f" {line}\n" for line in lines) + "}\n"
        host.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/postern/postern.conf", text=text)
        host.run("ipsecctl", "load")

    def setUp(self):
        super().setUp()
        self.set_apart()

    def set_apart(self):
        for host in self.both:
            host.run("ipsecctl", "load", "--none")
            host.run("ipsecctl", "down", ELMER if host is self.relent else RELENT, check=False)

    def kept(self, host):
        return host.json("show")["kept_up"]

    def is_up(self, host):
        return [row["state"] for row in self.kept(host)] == ["up"]

    def passes(self, peer=ELMER):
        return self.relent.run("ping", "-c", "1", "-W", "1", peer, check=False).returncode == 0

    def begin(self, version, elmer="respond"):
        """relent keeps its connection up; there has been no packet when it is."""
        self.load(self.elmer, RELENT, version, elmer)
        self.load(self.relent, ELMER, version, "up")
        wait_for("the connection", lambda: self.is_up(self.relent))

    def assert_back(self, what):
        """Without a packet that would want it; then packets pass."""
        since = time.monotonic()
        wait_for(f"the connection after {what}", lambda: self.is_up(self.relent), 60)
        print(f"{what}: it is up after {time.monotonic() - since:.1f} s", file=sys.stderr)
        wait_for(f"traffic after {what}", self.passes)

    def own_address(self):
        """Of relent: its device, and the address as `ip` wants it."""
        for row in json.loads(self.relent.out("ip", "-j", "addr")):
            for address in row["addr_info"]:
                if address.get("local") == RELENT:
                    return row["ifname"], f"{RELENT}/{address['prefixlen']}"
        raise AssertionError(f"relent does not have {RELENT}")

    def assert_clear_of(self, function):
        with Tap(self.lab, clear_between(RELENT, ELMER, "icmp")) as clear:
            function()
        self.assertEqual(clear.count, 0)

    def wait_dead(self):
        wait_for("the peer to be missed", lambda: [row["state"] for row in self.kept(self.relent)] in (["down"], ["trying"]), 90)

    def kill_suite(self, host):
        """The supervisor and all its services, and nobody has the time to say goodbye."""
        processes = [Process(self.lab.suite_pid(host.name))] + [Process(pid) for pid in map(host.service_pid, SERVICES)]
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for process in processes:
                process.kill(number)
        wait_for("them to be gone", lambda: not any(process.alive() for process in processes))

    def each_version(self, function):
        for version in VERSIONS:
            with self.subTest(version=version):
                self.set_apart()
                function(version)

    def test_comes_without_a_packet(self):
        def one(version):
            self.begin(version)
            self.assertEqual([row["version"] for row in self.relent.json("show")["ike_sas"]], [version])
            self.assertEqual([row["packets"] for row in self.relent.json("sad")["sas"]], [0, 0])
            self.assertIn("is kept up: connection peer", self.relent.out("ipsecctl", "show"))
            self.assertIn("1 of 1 children are up", self.relent.out("ipsecctl", "status"))
            self.assertTrue(self.passes())
        self.each_version(one)

    def test_the_peer_is_killed(self):
        """All of its suite at once, without a word to anybody; it is started again and told what to do."""
        def one(version):
            self.begin(version)
            self.kill_suite(self.elmer)
            self.wait_dead()
            row = self.kept(self.relent)[0]
            self.assertTrue(row["why"])
            self.elmer.start()
            self.elmer.wait_ready()
            self.load(self.elmer, RELENT, version, "respond")
            self.assert_back(f"the peer's return, version {version}")
        self.assert_clear_of(lambda: self.each_version(one))

    def test_the_peer_stops_and_starts(self):
        """It says so, and nobody has to find out by its silence."""
        def one(version):
            self.begin(version)
            self.elmer.stop()
            wait_for("the peer's word to be heard", lambda: not self.is_up(self.relent), timeout=5)
            self.elmer.start()
            self.elmer.wait_ready()
            self.load(self.elmer, RELENT, version, "respond")
            self.assert_back(f"the peer's restart, version {version}")
        self.assert_clear_of(lambda: self.each_version(one))

    def test_keyd_is_killed(self):
        def one(version):
            self.begin(version)
            self.relent.kill("keyd")
            self.relent.wait_ready()
            self.assert_back(f"the death of keyd, version {version}")
        self.each_version(one)

    def test_the_peer_takes_it_away(self):
        def one(version):
            self.begin(version)
            before = self.relent.json("show")["child_sas"][0]["parts"][0]["spi_in"]
            self.elmer.run("ipsecctl", "down", RELENT)
            wait_for("another pair", lambda: self.is_up(self.relent) and before not in
                     [row["parts"][0]["spi_in"] for row in self.relent.json("show")["child_sas"]])
            self.assert_back(f"the peer's deletion, version {version}")
        self.each_version(one)

    def test_the_link_goes(self):
        def one(version):
            self.begin(version, "up")
            device, _ = self.own_address()
            self.relent.run("ip", "link", "set", device, "down")
            self.addCleanup(self.relent.run, "ip", "link", "set", device, "up")
            self.wait_dead()
            self.relent.run("ip", "link", "set", device, "up")
            self.assert_back(f"the link's return, version {version}")
        self.assert_clear_of(lambda: self.each_version(one))

    def take_address(self):
        device, own = self.own_address()
        self.relent.run("ip", "addr", "del", own, "dev", device)
        self.addCleanup(self.relent.run, "ip", "addr", "replace", own, "dev", device)
        return device, own

    def test_the_address_goes(self):
        self.begin(2)
        device, own = self.take_address()
        self.wait_dead()
        self.relent.run("ip", "addr", "add", own, "dev", device)
        self.assert_back("the address's return")

    def test_another_address(self):
        """The file names none of ours, and the peer takes any."""
        self.load(self.elmer, "any", 1, "respond", child=f"{ELMER} = remote {{ mode transport }}")
        self.load(self.relent, ELMER, 1, "up")
        wait_for("the connection", lambda: self.is_up(self.relent))
        device, own = self.take_address()
        another = own.replace(RELENT, "10.0.0.177")
        self.relent.run("ip", "addr", "add", another, "dev", device)
        self.addCleanup(self.relent.run, "ip", "addr", "del", another, "dev", device)
        self.relent.run("ipsecctl", "load")
        self.assert_back("another address")

    def test_down_holds(self):
        """Against packets, and against a peer that wants it up."""
        def one(version):
            self.begin(version, "up")
            said = self.relent.out("ipsecctl", "down", ELMER)
            self.assertIn("is kept up no more until `ipsecctl up", said)
            self.assertEqual([row["state"] for row in self.kept(self.relent)], ["held"])
            self.assertFalse(self.passes())
            wait_for("the peer to have tried", lambda: self.kept(self.elmer)[0]["tries"] > 0)
            self.assertEqual(self.relent.json("show")["child_sas"], [])
            self.assertIn("until `ipsecctl up`", self.relent.out("ipsecctl", "show"))
            self.relent.run("ipsecctl", "up", ELMER)
            self.assert_back(f"up, version {version}")
        self.each_version(one)

    def test_a_wrong_secret(self):
        """It is told why, and the peer is left alone for longer and longer."""
        self.load(self.elmer, RELENT, 2, "respond", secret="another one")
        self.load(self.relent, ELMER, 2, "up")
        wait_for("a few tries", lambda: self.kept(self.relent)[0]["tries"] >= 3)
        row = self.kept(self.relent)[0]
        self.assertIn("AUTHENTICATION_FAILED", row["why"])
        self.assertIn("does not believe our proof", row["why"])
        log = self.relent.log()
        self.assertEqual(log.count("ike.refused:"), 1)
        self.assertLess(log.count("keep.down:"), self.kept(self.relent)[0]["tries"], "not every try is worth a line")
        self.load(self.elmer, RELENT, 2, "respond")
        self.assert_back("the right secret")


if __name__ == "__main__":
    labtest.main()
