#!/usr/bin/python3
"""The program name racoon: its own log in a file (-l) and on the terminal (-F), families (-4, -6), ports (-p, -P)."""

import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labkit.kernel import Process  # noqa: E402
from labtest import ELMER, EXAMPLES, RELENT, first_line, wait_for  # noqa: E402

RELENT6 = "fd00:10::100"
LOG = "/var/log-racoon"
LINE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d: (ERROR|WARNING|NOTIFY|INFO|DEBUG): .+$")


class Racoon(labtest.LabTest):
    def setUp(self):
        super().setUp()
        for host in self.both:
            for name, path in ((f"psk-{host.name}.txt", "psk.txt"), (f"psk-{host.name}.racoon.conf", "racoon.conf")):
                host.run("install", "-D", "-m", "600", os.path.join(EXAMPLES, name), f"/etc/inet/{path}")
        self.level("info")
        self.relent.run("rm", "-f", LOG, f"{LOG}.1")
        self.addCleanup(self.end_all)

    def level(self, word):
        self.relent.run("sed", "-i", "-E", f"s/^ *log .*/log {word};/", "/etc/inet/racoon.conf")

    def pids(self, host):
        return [pid for pid, command in self.lab.processes(host.name).items() if command == "racoon"]

    def end_all(self):
        for host in self.both:
            for pid in self.pids(host):
                Process(pid).kill()
            wait_for("racoon to be gone", lambda host=host: not self.pids(host))
            host.run("ipsecctl", "racoon", "-f", "/dev/null")

    def end(self, host, number=signal.SIGTERM):
        for pid in self.pids(host):
            os.kill(pid, number)
        wait_for("racoon to be gone", lambda: not self.pids(host))

    def negotiate(self):
        for host in self.both:
            host.run("ipseckey", "-f", os.path.join(EXAMPLES, f"ike-{host.name}.ipsec.conf"))
        self.elmer.run("ipsecctl", "racoon")
        self.relent.run("ipsecctl", "up", "-t", "30", ELMER)

    def written(self, name=LOG):
        return self.relent.out("cat", name)

    # -- -l

    def test_a_log_file_has_what_keyd_says(self):
        self.relent.run("racoon", "-l", LOG)
        self.negotiate()
        wait_for("the ISAKMP SA in the file", lambda: "INFO: ISAKMP-SA established" in self.written())
        self.assertIn("INFO: @(#)racoon (Postern ", self.written())
        self.assertEqual(self.relent.out("stat", "-c", "%a %U", LOG), "600 root\n")
        self.end(self.relent)
        text = self.written()
        for line in text.splitlines():
            self.assertRegex(line, LINE)
        self.assertNotIn("DEBUG", text)
        rest = text[text.index("INFO: caught signal 15"):]
        self.assertIn("INFO: ISAKMP-SA deleted", rest)
        self.assertTrue(rest.endswith("INFO: racoon shutdown\n"))

    def test_it_is_as_long_as_the_file_and_the_command_line_say(self):
        self.level("warning")
        self.relent.run("racoon", "-l", LOG)
        self.negotiate()
        self.end(self.relent)
        self.assertNotIn("established", self.written())
        self.relent.run("rm", LOG)
        self.relent.run("racoon", "-dddd", "-l", LOG)
        self.negotiate()
        wait_for("lines of level debug", lambda: re.search("DEBUG: .*bytes message received from", self.written()))

    def test_it_goes_on_when_it_is_moved_away_and_when_keyd_dies(self):
        self.relent.run("racoon", "-l", LOG)
        self.relent.run("mv", LOG, f"{LOG}.1")
        self.negotiate()
        wait_for("a new file", lambda: self.relent.run("grep", "-q", "ISAKMP-SA established", LOG, check=False).returncode == 0)
        self.assertNotIn("established", self.written(f"{LOG}.1"))
        self.relent.kill("keyd")
        self.relent.wait_ready()

        def heard_again():
            self.relent.run("ipsecctl", "down", ELMER, check=False)
            self.relent.run("ipsecctl", "up", "-t", "10", ELMER, check=False)
            return self.written().count("ISAKMP-SA established") > 1
        wait_for("it to listen again", heard_again, timeout=40)

    def test_what_it_says_itself_when_it_reads_its_file_again(self):
        self.relent.run("racoon", "-l", LOG)
        self.relent.run("sh", "-c", "echo 'nonsense;' >>/etc/inet/racoon.conf")
        os.kill(self.pids(self.relent)[0], signal.SIGHUP)
        wait_for("the fault in the file", lambda: "nonsense" in self.written())
        self.assertRegex(self.written(), r"ERROR: /etc/inet/racoon.conf:\d+")

    def test_a_file_that_cannot_be_written(self):
        done = self.relent.run("racoon", "-l", "/nowhere/racoon.log", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("racoon: -l /nowhere/racoon.log: ", done.stderr)
        self.assertFalse(self.pids(self.relent))
        self.assertNotIn("conf.loaded", self.relent.log())

    # -- -F

    def test_in_the_foreground_the_log_is_on_the_terminal(self):
        racoon = self.relent.popen("racoon", "-F")
        lines = []
        while not lines or "used as isakmp port" not in lines[-1]:
            lines.append(first_line(racoon.stdout))
            self.assertTrue(lines[-1], lines)
        self.negotiate()
        while "ISAKMP-SA established" not in lines[-1]:
            lines.append(first_line(racoon.stdout))
            self.assertTrue(lines[-1], lines)
        self.end(self.relent)
        rest = racoon.communicate(timeout=20)[0]
        self.assertEqual(racoon.returncode, 0)
        self.assertIn("racoon: INFO: caught signal 15\n", rest)
        self.assertTrue(rest.endswith("racoon: INFO: racoon shutdown\n"), rest)

    def test_what_is_no_reason_to_go(self):
        racoon = self.relent.popen("racoon", "-F")
        while "used as isakmp port" not in first_line(racoon.stdout):
            pass
        [pid] = self.pids(self.relent)

        def loads():
            return len(re.findall(r"keyd\[\d+\] info conf.loaded", self.relent.log()))

        before = loads()
        os.kill(pid, signal.SIGUSR1)
        while "caught signal 10, which means nothing here" not in first_line(racoon.stdout):
            pass
        racoon.stdout.close()  # what it says has no reader any more
        os.kill(pid, signal.SIGHUP)
        wait_for("it to load again", lambda: loads() > before)
        self.assertEqual(self.pids(self.relent), [pid])
        self.end(self.relent)
        racoon.wait(timeout=20)

    # -- -4, -6, -p, -P

    def heard(self, *families):
        """Whether a message to each address of relent is looked at by keyd, or dropped because nobody listens there."""
        for family, target in ((4, RELENT), (6, RELENT6)):
            before = self.relent.counters()
            self.elmer.run("/usr/bin/python3", "-c", "import socket\n"
                           f"s = socket.socket(socket.AF_INET{6 if family == 6 else ''}, socket.SOCK_DGRAM)\n"
                           "m = bytes(range(1, 9)) + bytes(8) + bytes([1, 0x10, 2, 0]) + bytes(4) + (28).to_bytes(4, 'big')\n"
                           f"s.sendto(m, ('{target}', 500))\n")
            wait_for("the message to arrive", lambda: self.relent.counters()["ike.datagrams"] > before["ike.datagrams"])
            dropped = self.relent.counters()["ike.not_listening"] - before["ike.not_listening"]
            self.assertEqual(dropped, 0 if family in families else 1)

    def test_families(self):
        for words, families in (((), (4, 6)), (("-4",), (4,)), (("-6",), (6,))):
            self.relent.run("racoon", *words)
            self.heard(*families)
            self.end(self.relent)
        # Where the file says where to listen, that counts.
        self.relent.run("sh", "-c", f"echo 'listen {{ isakmp {RELENT6}; }}' >>/etc/inet/racoon.conf")
        self.relent.run("racoon", "-4")
        self.heard(6)

    def test_ports(self):
        for words in (("-p", "501"), ("-P", "4501"), ("-p", "x")):
            done = self.relent.run("racoon", *words, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"racoon: {words[0]} {words[1]}: ", done.stderr)
            self.assertIn("for the launcher to open", done.stderr)
        done = self.relent.run("racoon", "-p", "500", "-P", "4500")
        self.assertNotIn("port", done.stderr)


if __name__ == "__main__":
    labtest.main()
