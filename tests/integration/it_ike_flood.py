#!/usr/bin/python3
"""A flood of forged first messages: a real peer still connects, and neither memory nor the log grows with it."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtest import BUILD, ELMER, RELENT, count, wait_for  # noqa: E402

FLOOD = os.path.join(BUILD, "tests", "support", "ike-flood")
RATE, SECONDS = count(5000, 20000), count(5, 20)
MEMORY_KIB = 40 * 1024  # what keyd grows by at most
LINES = count(100, 150)  # of keyd's and certd's logs while it lasts

RACOON = """
path pre_shared_key "/etc/inet/psk.txt";
timer { counter 10; interval 1 sec; }
remote anonymous {
    exchange_mode %s;
    proposal { encryption_algorithm 3des; hash_algorithm sha1; authentication_method pre_shared_key; dh_group 2; }
}
sainfo anonymous { encryption_algorithm aes; authentication_algorithm hmac_sha1; compression_algorithm deflate; }
"""


class Flood(labtest.LabTest):
    def prepare(self, modes):
        for host, peer in ((self.relent, ELMER), (self.elmer, RELENT)):
            host.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/psk.txt", text=f"{peer} mekmitasdigoat\n")
            host.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/racoon.conf", text=RACOON % modes)
            host.setkey(f"spdadd {host.address} {peer} icmp -P out ipsec esp/transport//require;"
                        f"spdadd {peer} {host.address} icmp -P in ipsec esp/transport//require;")
            host.run("ipsecctl", "racoon")

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
        log = self.elmer.log().splitlines(keepends=True)
        return "".join(line for line in log if "postern-keyd" in line or "postern-certd" in line)

    def begin_flood(self):
        mac = json.loads(self.elmer.run("ip", "-j", "link", "show", "dev", self.interface(self.elmer)).stdout)[0]["address"]
        words = [FLOOD, self.interface(self.relent), mac, RELENT, ELMER, str(RATE * SECONDS), str(RATE)]
        argv, env = self.lab.command("relent", words)
        flood = subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(flood.kill)
        return flood

    def received(self):
        return self.elmer.counters()["ike.datagrams"]

    def run_flood(self, modes):
        self.prepare(modes)
        pid = self.elmer.service_pid("keyd")
        memory, cpu, before = self.status(pid, "VmRSS"), self.cpu_ms(pid), self.received()
        lines = self.keyd_log().count("\n")
        flood = self.begin_flood()
        wait_for("the flood to arrive", lambda: self.received() - before > RATE)
        self.relent.run("ping", "-c", str(SECONDS), "-W", "1", ELMER)  # one answer is enough
        said, _ = flood.communicate(timeout=120)
        self.assertEqual(flood.returncode, 0, said)
        got = self.received() - before
        grown = self.status(pid, "VmHWM") - memory
        written = self.keyd_log().count("\n") - lines
        print(f"{said.strip()} received {got}: {(self.cpu_ms(pid) - cpu) * 1000 / got:.1f} us each, "
              f"keyd grew by {grown} KiB from {memory}, {written} lines", file=sys.stderr)
        self.assertEqual(self.elmer.service_pid("keyd"), pid)
        self.assertLess(grown, MEMORY_KIB)
        self.assertLess(written, LINES)
        wait_for("the line that says how many were left out", lambda: "lines that strangers caused" in self.keyd_log())

    def test_main_mode(self):
        self.run_flood("main,aggressive")

    def test_aggressive_mode(self):
        self.run_flood("aggressive,main")


if __name__ == "__main__":
    labtest.main()
