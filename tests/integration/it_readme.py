#!/usr/bin/python3
"""README.md's configuration for two gateways, as it is printed: negotiated keys between the networks behind them."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtap import Tap, clear_between  # noqa: E402
from labtest import ROOT, Host, wait_for  # noqa: E402


def printed(language):
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as page:
        return re.findall(rf"```{language}\n(.*?)```", page.read(), re.S)


def other_remote(text):
    swap = {"192.0.2.20": "192.0.2.10", "192.0.2.10": "192.0.2.20"}
    return re.sub("|".join(map(re.escape, swap)), lambda found: swap[found.group()], text)


def other_policies(text):
    """`out` where `in` and `fwd` are, and the other way round."""
    out, in_, fwd = re.findall(r"^spdadd .*$", text, re.M)
    return "\n".join(["flush;", "spdflush;", re.sub("-P in ", "-P out", in_), out.replace("-P out", "-P in "),
                      out.replace("-P out", "-P fwd")]) + "\n"


class Readme(labtest.LabTest):
    suite_on = ("left", "right")

    @classmethod
    def setUpClass(cls):
        cls.make_lab(guide_hosts=False)
        cls.lab.add_router("left", [("l", ["10.1.0.1/16"]), ("wan", ["192.0.2.10/24"])], nat=False)
        cls.lab.add_router("right", [("r", ["10.2.0.1/16"]), ("wan", ["192.0.2.20/24"])], nat=False)
        cls.lab.add("alice", ["10.1.0.9/16"], "l", "10.1.0.1")
        cls.lab.add("bob", ["10.2.0.9/16"], "r", "10.2.0.1")
        cls.left, cls.right = Host(cls.lab, "left", "192.0.2.10"), Host(cls.lab, "right", "192.0.2.20")
        cls.alice, cls.bob = Host(cls.lab, "alice", "10.1.0.9"), Host(cls.lab, "bob", "10.2.0.9")
        cls.both = (cls.left, cls.right)
        cls.left.run("ip", "route", "add", "10.2.0.0/16", "via", "192.0.2.20")
        cls.right.run("ip", "route", "add", "10.1.0.0/16", "via", "192.0.2.10")

    def put(self, host, path, text):
        host.run("install", "-D", "-m", "600", "/dev/stdin", path, text=text)

    def test_the_same_in_one_file(self):
        """The native file, and a flow from one network to the other: nothing of it in clear."""
        text = printed("postern")[0]
        swap = {"192.0.2.20": "192.0.2.10", "10.1.0.0": "10.2.0.0", "10.2.0.0": "10.1.0.0"}
        other = re.sub("|".join(map(re.escape, swap)), lambda found: swap[found.group()], text)
        for host, said in ((self.left, text), (self.right, other)):
            self.put(host, "/etc/postern/postern.conf", said)
            self.assertIn("no errors", host.out("ipsecctl", "check"))
            self.assertIn("1 added", host.out("ipsecctl", "load"))
            self.addCleanup(host.run, "ipsecctl", "load", "--none")
        with Tap(self.lab, clear_between("10.1.0.9", "10.2.0.9", "icmp"), "wan") as clear:
            self.alice.run("ping", "-c", "3", "-W", "5", "10.2.0.9")
        self.assertEqual(clear.count, 0)

    def load(self, *changes):
        """What the page prints, with `changes` to the racoon.conf: pairs of old and new."""
        racoon, policies = printed("racoon")[0], printed("setkey")[-1]
        for old, new in changes:
            self.assertIn(old, racoon)
            racoon = racoon.replace(old, new)
        psk = "192.0.2.20 mekmitasdigoat\n"
        for host, change, turn in ((self.left, str, str), (self.right, other_remote, other_policies)):
            self.put(host, "/etc/inet/racoon.conf", change(racoon))
            self.put(host, "/etc/inet/psk.txt", change(psk))
            self.put(host, "/etc/postern/ipsec.conf", turn(policies))
            self.assertEqual(host.run("ipsecctl", "racoon", "-C").stderr, "")
            self.assertEqual(host.run("ipsecctl", "racoon").stderr, "")
            host.run("ipsecctl", "setkey", "-f", "/etc/postern/ipsec.conf")

    def ping(self):
        self.left.run("ping", "-c", "3", "-W", "5", "-I", "10.1.0.1", "10.2.0.1")

    def test_certificates_as_the_page_makes_them(self):
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as page:
            lines = page.read().split("### With certificates")[1].split("## How it is built")[0].splitlines()
        typed = [line.strip() for line in lines if line.startswith("    ")]
        commands = [line for line in typed if line.startswith("ipsecctl ")]
        path, certificate, peer, method = (line.split("#")[0].strip() for line in typed if line and line not in commands)
        folder = commands[-1].split()[-1]
        self.assertEqual(len(commands), 3)
        for command in commands:
            self.left.run("sh", "-c", command.replace(folder, "/var/lib/carried"))
        for name in self.left.out("ls", "/var/lib/carried").split():
            self.put(self.right, f"/etc/inet/certs/{name}", self.left.out("cat", f"/var/lib/carried/{name}"))
        for host in self.both:
            host.run("setkey", "-F")
        self.load(('path pre_shared_key "/etc/inet/psk.txt";', path), ("authentication_method pre_shared_key;", method),
                  ("exchange_mode main;", f"exchange_mode main; {certificate} {peer}"))
        self.ping()
        for host, peer in ((self.left, "192.0.2.20"), (self.right, "192.0.2.10")):
            self.assertIn({"kind": "address", "value": peer}, [sa["peer_identity"] for sa in host.json("show")["ike_sas"]])
        self.left.run("ipsecctl", "down", "192.0.2.20")

    def test_a_dead_peer_is_found_out_and_a_quiet_one_is_not_dead(self):
        self.load(("dpd_delay 20;", "dpd_delay 2; dpd_retry 1; dpd_maxfail 3;"))
        began = len(self.left.log())
        self.ping()
        with Tap(self.lab, "udp port 500", "wan") as wire:
            wait_for("questions and answers", lambda: wire.count >= 8, timeout=30)
        self.assertNotIn("the peer is dead", self.left.log()[began:])
        self.assertTrue(self.left.json("sad")["sas"])
        self.right.run("ip", "link", "set", "eth1", "down")
        try:
            wait_for("the peer to be dead", lambda: "the peer is dead: 3 questions without an answer" in self.left.log()[began:], timeout=30)
            wait_for("its associations to go", lambda: not self.left.json("sad")["sas"])
        finally:
            self.right.run("ip", "link", "set", "eth1", "up")
            self.right.run("ip", "route", "add", "10.1.0.0/16", "via", "192.0.2.10")

    def test_two_gateways(self):
        began = [len(host.log()) for host in self.both]
        self.load()
        with Tap(self.lab, clear_between("10.1.0.9", "10.2.0.9", "ip"), "wan") as clear, \
                Tap(self.lab, "ip proto 50", "wan") as wire:
            self.ping()
            for sender, receiver, port in ((self.alice, self.bob, 7001), (self.bob, self.alice, 7002)):
                receiver.traffic("tcp-sink", port)
                client = sender.traffic("tcp-send", receiver.address, port, 200000, 10**9, 30)
                self.assertEqual(client.wait(timeout=90), 0, client.stdout.read())
            wait_for("ESP on the wire", lambda: wire.count > 200)
        self.assertEqual(clear.count, 0)
        ends = {(sa["src"], sa["dst"]) for sa in self.left.json("sad")["sas"]}
        self.assertEqual(ends, {("192.0.2.10", "192.0.2.20"), ("192.0.2.20", "192.0.2.10")})
        for host, at in zip(self.both, began):
            said = host.log()[at:]
            # The answer to the first packet may have asked for a pair of its own.
            self.assertIn(said.count("IPsec-SA established: ESP/Tunnel"), (2, 4))
            self.assertIn("ISAKMP-SA established", said)


if __name__ == "__main__":
    labtest.main()
