"""What the integration tests share: a lab per test class, hosts to work on, waiting by condition, and the test runner.

A lab of a test has the test's process as its owner: whatever happens to the test, nothing of the lab stays.
"""

import json
import os
import re
import subprocess
import sys
import time
import unittest

SUPPORT = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(SUPPORT))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "scripts"))

from labkit.kernel import LabError, Process  # noqa: E402
from labkit.lab import Lab, need_root  # noqa: E402

BUILD = os.environ.get("POSTERN_BUILD", os.path.join(ROOT, "build"))
LONG = bool(os.environ.get("POSTERN_LONG"))
EXAMPLES = os.path.join(ROOT, "dist", "examples", "guide")
SKIP = 77  # what meson takes for "left out"
SERVICES = ("policyd", "datapathd", "keyd", "certd", "certd-verify", "hooks")
RELENT, ELMER = "10.0.0.100", "10.0.0.110"


def count(usual, long):
    """How often: the usual number, or the one of the long suite."""
    return long if LONG else usual


def wait_for(what, condition, timeout=20, every=0.02):
    """The first true value of condition(); a failure that names `what` when there is none in time."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s in vain: {what}")
        time.sleep(every)


def carry(ends, octets=200000, port=7090):
    """A transfer over TCP with a checksum in each direction; `ends`: (host, address) twice."""
    for (sender, _), (receiver, address) in (ends, ends[::-1]):
        sink = receiver.traffic("tcp-sink-once", port)
        client = sender.traffic("tcp-send", address, port, octets, 10**9, 30)
        if client.wait(timeout=120) != 0:
            raise AssertionError(f"{sender.name} to {address}: {client.stdout.read()}")
        sink.wait(timeout=10)


def _pid_inside(pid):
    """The number a process has in its own pid namespace."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as source:
            return next(int(line.split()[-1]) for line in source if line.startswith("NSpid:"))
    except (FileNotFoundError, ProcessLookupError, StopIteration):
        return None


def first_line(stream):
    """Octet by octet: what a buffer took in beyond the line, communicate() would never see."""
    line = b""
    while not line.endswith(b"\n") and (octet := os.read(stream.fileno(), 1)):
        line += octet
    return line.decode()


class Host:
    """A host of the lab under test."""

    def __init__(self, lab, name, address):
        self.lab = lab
        self.name = name
        self.address = address
        self.log_mark = 0

    def run(self, *words, check=True, text=None, timeout=60):
        """Runs a command to its end. A failure fails the test with the command's own words, unless check is False."""
        argv, env = self.lab.command(self.name, words)
        done = subprocess.run(argv, env=env, input=text, stdin=subprocess.DEVNULL if text is None else None,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout)
        if check and done.returncode != 0:
            raise AssertionError(f"{self.name}: {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def out(self, *words, **kwargs):
        return self.run(*words, **kwargs).stdout

    def popen(self, *words, **kwargs):
        """A command that runs beside the test; it ends with it at the latest."""
        argv, env = self.lab.command(self.name, words)
        kwargs = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, **kwargs}
        return subprocess.Popen(argv, env=env, **kwargs)

    def traffic(self, *words):
        """A program of traffic.py that runs beside the test; returned once it says 'ready'."""
        process = self.popen("/usr/bin/python3", "-B", os.path.join(SUPPORT, "traffic.py"), *map(str, words))
        line = first_line(process.stdout)
        if line.strip() != "ready":
            rest = process.communicate(timeout=10)[0]
            raise AssertionError(f"{self.name}: traffic {' '.join(map(str, words))}: {line}{rest}")
        return process

    # -- the suite

    def start(self, *extra):
        self.lab.start(self.name, extra)

    def stop(self):
        self.lab.stop(self.name)

    def running(self):
        return self.lab.suite_pid(self.name) is not None

    def mark_log(self):
        """What comes from here on is what log() returns."""
        self.log_mark = self.lab.log_size(self.name)

    def log(self):
        """What the suite on this host has logged since the test began."""
        return self.lab.log_since(self.name, self.log_mark)

    def setkey(self, statements, check=True):
        """Loads statements as `setkey -c` does: one after the other."""
        return self.run("setkey", "-c", text=statements, check=check)

    def flush(self):
        """No policies, then no associations."""
        self.run("setkey", "-FP")
        self.run("setkey", "-F")

    def json(self, *words):
        return json.loads(self.out("ipsecctl", "--json", *words))

    def netstat(self):
        """The counters as the guide prints them: text in the plural form -> number; histograms as 'TITLE/NAME'."""
        counters, title = {}, None
        for line in self.out("ipsecctl", "netstat", "-nsp", "ipsec").splitlines():
            if found := re.fullmatch(r"\t(\d+) (.*)", line):
                counters[re.sub(r"\bpacket\b", "packets", found.group(2))] = int(found.group(1))
                title = None
            elif found := re.fullmatch(r"\t(\S.*) histogram:", line):
                title = found.group(1)
            elif title and (found := re.fullmatch(r"\t\t(\S+): (\d+)", line)):
                counters[f"{title}/{found.group(1)}"] = int(found.group(2))
        return counters

    def service_pid(self, service):
        """A service's pid as this side sees it, or None while there is none."""
        for pid, command in self.lab.processes(self.name).items():
            if command == f"postern-{service}":
                return pid
        return None

    def ready(self):
        """Every service runs and says so, and what runs is what the supervisor speaks of."""
        rows = self.lab.services(self.name)
        for service in SERVICES:
            pid = self.service_pid(service)
            if pid is None or service not in rows or rows[service]["state"] != "running" \
                    or rows[service]["pid"] != _pid_inside(pid):
                return False
        return True

    def counters(self):
        """Every counter of every service, by name."""
        found = {}

        def walk(node):
            for name, value in node.items():
                if isinstance(value, dict):
                    walk(value)
                elif isinstance(value, int):
                    found[name] = value
        walk(self.json("stats", "-d"))
        return found

    def kernel_drops(self):
        """What the host's kernel threw away since it was made: on each device, and at full sockets."""
        found = {}
        for path in self.out("sh", "-c", "echo /sys/class/net/*/statistics/[rt]x_dropped").split():
            found[path.removeprefix("/sys/class/net/").replace("/statistics/", " ")] = int(self.out("cat", path))
        rows = [line.split() for line in self.out("cat", "/proc/net/snmp").splitlines() if line.startswith("Udp:")]
        found["full UDP sockets"] = int(rows[1][rows[0].index("RcvbufErrors")])
        # A raw socket's own count stands at the end of its line.
        found["full raw sockets"] = sum(int(line.split()[-1]) for line in self.out("cat", "/proc/net/raw").splitlines()[1:])
        return found

    def kill(self, service):
        """kill -9, and back when the process is gone."""
        pid = self.service_pid(service)
        if pid is None:
            return
        process = Process(pid)
        process.kill()
        wait_for(f"{service} on {self.name} to be gone", lambda: not process.alive())

    def wait_ready(self, timeout=30):
        wait_for(f"the suite on {self.name} to be ready again", self.ready, timeout)


class LabTest(unittest.TestCase):
    """One lab for all tests of a class. `suite_on` names the hosts on which the suite runs when a test begins."""

    suite_on = ("relent", "elmer")

    @classmethod
    def make_lab(cls, guide_hosts=True):
        """An empty lab, or one with the guide's two hosts; it goes with the class."""
        topic = re.sub(r"[^a-z0-9]+", "-", cls.__name__.lower())
        cls.lab = Lab(f"it-{topic}-{os.getpid()}"[:31])
        cls.lab.up(build=BUILD, owner_pid=os.getpid(), guide_hosts=guide_hosts)
        cls.addClassCleanup(cls.lab.down)

    @classmethod
    def setUpClass(cls):
        cls.make_lab()
        cls.relent = Host(cls.lab, "relent", RELENT)
        cls.elmer = Host(cls.lab, "elmer", ELMER)
        cls.both = (cls.relent, cls.elmer)

    def setUp(self):
        for host in self.both:
            host.mark_log()
            if host.name not in self.suite_on:
                continue
            if not host.running():
                host.start()
            host.wait_ready()
            host.flush()

    def tearDown(self):
        outcome = self._outcome.result
        if any(case is self for case, _ in outcome.failures + outcome.errors):
            for host in self.both:
                print(f"--- log of the suite on {host.name}\n{self.lab.log_tail(host.name, 40)}", file=sys.stderr)

    def add_host(self, name, address):
        self.lab.add(name, [address])
        return Host(self.lab, name, address.split("/")[0])

    def load_guide(self, *hosts):
        """The guide's own file for each of `hosts`, unchanged."""
        for host in hosts or self.both:
            host.run("ipseckey", "-f", os.path.join(EXAMPLES, f"manual-{host.name}.ipsec.cf"))


def _able():
    """Whether this machine lets us make namespaces; a sentence if not."""
    try:
        need_root()
    except LabError as problem:
        return str(problem)
    probe = subprocess.run(["unshare", "-m", "-n", "-p", "-f", "true"], stderr=subprocess.PIPE, text=True)
    if probe.returncode != 0:
        return f"this machine does not let us make namespaces: {probe.stderr.strip()}"
    return None


def main():
    problem = _able()
    if problem:
        print(problem)
        sys.exit(SKIP)
    unittest.main(verbosity=2, warnings="ignore")  # processes of a lab end with the lab
