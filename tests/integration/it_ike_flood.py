#!/usr/bin/python3
"""A flood of forged first messages, of either version: a real peer still connects, a tunnel that is up gets new keys, and neither
memory nor the log grows with it. What keyd spends on each message is printed."""

import json
import math
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtest import BUILD, ELMER, RELENT, count, wait_for  # noqa: E402

FLOOD = os.path.join(BUILD, "tests", "support", "ike-flood")
RATE, SECONDS = count(20000, 50000), count(5, 20)
FORGED = "198.18.0.0/15"  # where the generator's other addresses are
SECOND, THERE = "10.0.0.120", "10.0.0.121"  # of relent and of elmer: the peer that connects meanwhile
MEMORY_KIB = 16 * 1024  # what keyd grows by at most: version 1 keeps some eight of strangers who are silent
PERIOD, A_PERIOD = 10, 20  # seconds, and lines that strangers cause in one before they are only counted
SUMMARY = "lines that strangers caused"

RACOON = """
path pre_shared_key "/etc/inet/psk.txt";
timer { counter 10; interval 1 sec; }
remote anonymous {
    exchange_mode %s;
    proposal { encryption_algorithm 3des; hash_algorithm sha1; authentication_method pre_shared_key; dh_group 2; }
}
sainfo anonymous { encryption_algorithm aes; authentication_algorithm hmac_sha1; compression_algorithm deflate; }
"""

NATIVE = """
connection %(name)s {
    local %(local)s
    remote %(remote)s
    secret "a long shared secret, with blanks"
    ike aes128-sha256-x25519
    child %(local)s = %(remote)s { mode transport }
}
"""
# What the forged messages are for: whoever comes.
ANYBODY = """
connection anybody {
    remote any
    secret "another one, that nobody has"
    ike aes128-sha256-x25519
    child 10.1.0.0/16 = remote
}
"""


class Flood(labtest.LabTest):
    def setUp(self):
        super().setUp()
        device = self.interface(self.elmer)
        self.elmer.run("ip", "route", "replace", FORGED, "via", RELENT, "dev", device)
        self.relent.run("ip", "route", "replace", "blackhole", FORGED)  # answers go, and arrive nowhere
        for host, address in ((self.relent, SECOND), (self.elmer, THERE)):
            host.run("ip", "address", "replace", f"{address}/24", "dev", self.interface(host))

    def tearDown(self):
        super().tearDown()
        for host in self.both:
            host.run("ipsecctl", "load", "--none")

    def prepare1(self, modes):
        for host, peer in ((self.relent, ELMER), (self.elmer, RELENT)):
            host.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/psk.txt", text=f"{peer} mekmitasdigoat\n")
            host.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/racoon.conf", text=RACOON % modes)
            host.setkey(f"spdadd {host.address} {peer} icmp -P out ipsec esp/transport//require;"
                        f"spdadd {peer} {host.address} icmp -P in ipsec esp/transport//require;")
            host.run("ipsecctl", "racoon")

    def prepare2(self):
        pairs = (("first", RELENT, ELMER), ("second", SECOND, THERE))
        for host, ends, more in ((self.relent, (1, 2), ""), (self.elmer, (2, 1), ANYBODY)):
            text = "".join(NATIVE % {"name": pair[0], "local": pair[ends[0]], "remote": pair[ends[1]]} for pair in pairs)
            host.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/postern/postern.conf", text=text + more)
            host.run("ipsecctl", "load")
        self.relent.run("ipsecctl", "up", ELMER)

    # -- what is measured

    def status(self, pid, field):
        with open(f"/proc/{pid}/status", encoding="utf-8") as source:
            return next(int(line.split()[1]) for line in source if line.startswith(field))

    def cpu_ms(self, pid):
        with open(f"/proc/{pid}/stat", encoding="utf-8") as source:
            fields = source.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")

    def interface(self, host):
        rows = json.loads(host.run("ip", "-j", "address").stdout)
        return next(row["ifname"] for row in rows
                    if any(address.get("local") == host.address for address in row.get("addr_info", ())))

    def keyd_log(self):
        """Of everybody who works for strangers' messages."""
        return [line for line in self.elmer.log().splitlines() if "postern-keyd" in line or "postern-certd" in line]

    def received(self):
        return self.elmer.counters()["ike.datagrams"]

    def begin_flood(self, version, rate):
        mac = json.loads(self.elmer.run("ip", "-j", "link", "show", "dev", self.interface(self.elmer)).stdout)[0]["address"]
        words = [FLOOD, self.interface(self.relent), mac, RELENT, ELMER, str(rate * SECONDS), str(rate), str(version)]
        argv, env = self.lab.command("relent", words)
        flood = subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(flood.kill)
        return flood

    def run_flood(self, version, rate, meanwhile, others):
        """A flood, and what goes on meanwhile; `others`: lines that this writes, as an expression."""
        pid = self.elmer.service_pid("keyd")
        memory, cpu, before = self.status(pid, "VmRSS"), self.cpu_ms(pid), self.received()
        lines = len(self.keyd_log())
        flood = self.begin_flood(version, rate)
        began = time.monotonic()
        wait_for("the flood to arrive", lambda: self.received() - before > rate)
        meanwhile(flood)
        said, _ = flood.communicate(timeout=120)
        self.assertEqual(flood.returncode, 0, said)
        got = self.received() - before
        grown = self.status(pid, "VmHWM") - memory
        print(f"{said.strip()} received {got}: {(self.cpu_ms(pid) - cpu) * 1000 / got:.1f} us each, "
              f"keyd grew by {grown} KiB from {memory}", file=sys.stderr)
        self.assertEqual(self.elmer.service_pid("keyd"), pid)
        self.assertLess(grown, MEMORY_KIB)
        wait_for("the line that says how many were left out", lambda: any(SUMMARY in line for line in self.keyd_log()[lines:]))
        self.assert_few_lines(self.keyd_log()[lines:], time.monotonic() - began, others)

    def assert_few_lines(self, written, seconds, others):
        """Some when it begins, then one summary in ten seconds at most."""
        summaries = [line for line in written if SUMMARY in line]
        self.assertLessEqual(len(summaries), math.ceil(seconds / PERIOD), "\n".join(summaries))
        caused = [line for line in written if line not in summaries and not re.search(others, line)]
        self.assertLessEqual(len(caused), A_PERIOD, "\n".join(caused))

    # -- version 1

    def flood1(self, modes):
        self.prepare1(modes)

        def ping(flood):
            wait_for("an answer", lambda: self.relent.run("ping", "-c", "1", "-W", "1", ELMER, check=False).returncode == 0)
            self.assertIsNone(flood.poll(), "the peer connected behind the flood, not during it")
        self.run_flood(1, RATE, ping, "ISAKMP-SA established|IPsec-SA|phase2 sa|phase 2 negotiation")

    def test_main_mode(self):
        self.flood1("main,aggressive")

    def test_aggressive_mode(self):
        self.flood1("aggressive,main")

    # -- version 2

    def spis(self, which):
        return {row["spis"] for row in self.elmer.json("show")["ike_sas"] if row["state"] == "up" and row["remote"] == which}

    def children(self):
        return {row["parts"][0]["spi_in"] for row in self.elmer.json("show")["child_sas"] if row["state"] == "up"}

    def renews(self, *words):
        """New keys for the tunnel that is up, asked for by the side that is under attack."""
        sas, children = self.spis(RELENT), self.children()
        self.elmer.run("ipsecctl", "rekey", *words, RELENT)
        if words:
            wait_for("another IKE SA", lambda: self.spis(RELENT) and self.spis(RELENT).isdisjoint(sas))
        else:
            wait_for("another pair", lambda: self.children() and self.children().isdisjoint(children))

    def test_version_2(self):
        def work(flood):
            self.renews()
            self.renews("--ike")
            self.relent.run("ipsecctl", "up", "-l", SECOND, THERE)
            self.relent.run("ping", "-c", "3", "-W", "1", "-I", SECOND, THERE)
            self.assertIsNone(flood.poll(), "all of it was during the flood")
            self.assertEqual(len(self.spis(SECOND)), 1)
        self.prepare2()
        self.run_flood(2, RATE, work, "IKE-SA established|IKE-SA .*(renewed|replaced)|IPsec-SA|phase2 sa|sas.renewed")


if __name__ == "__main__":
    labtest.main()
