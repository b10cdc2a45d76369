"""One suite in namespaces of the test's own: for tests of the launcher and the sandbox, which need no second host.

The test program runs itself again as process 1 of its own mount, network and pid namespaces; whatever happens to it, the kernel ends
everything in there. /run and /var/lib are empty and private.
"""

import contextlib
import ctypes
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest

SUPPORT = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(SUPPORT))
BUILD = os.environ.get("POSTERN_BUILD", os.path.join(ROOT, "build"))
SUPERVISOR = os.path.join(BUILD, "services/supervisor/postern-supervisor")
STAND_INS = os.path.join(BUILD, "tests/support/stand_in")
SERVICES = ("policyd", "datapathd", "keyd", "certd", "certd-verify", "hooks")
DROPPING = tuple(name for name in SERVICES if name != "hooks")  # that one stays root, without walls: so do the scripts it starts
RUN, STATE = "/run/postern", "/var/lib/postern"
LOG = "/run/test.log"
SKIP = 77  # what meson takes for "left out"

HELLO, ERROR, OK, STATUS, STATUS_REPLY, STATS, STATS_REPLY, LOG_SET, MONITOR, EVENT = 1, 2, 3, 32, 33, 34, 35, 36, 37, 38
PROBE = 1000


def wait_for(what, condition, timeout=20, every=0.01):
    """The first true value of condition(); a failure that names `what` when there is none in time."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s in vain: {what}")
        time.sleep(every)


def real_services_built():
    return all(os.access(os.path.join(BUILD, "services", name.partition("-")[0], f"postern-{name}"), os.X_OK) for name in SERVICES)


def sanitized():
    """Whether this build has no system call filter because its run time could not live with one."""
    found = subprocess.run(["nm", "-u", os.path.join(STAND_INS, "postern-policyd")], stdout=subprocess.PIPE, text=True)
    return "__asan_init" in found.stdout or "__ubsan" in found.stdout


def proc_status(pid):
    """/proc/PID/status as a dict; None when the process is gone or a zombie."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as source:
            rows = dict(line.rstrip("\n").split(":\t", 1) for line in source if ":\t" in line)
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if rows["State"].startswith(("Z", "X")) else rows


def bind_over(path, text):
    """Shows `text` as `path` in this mount namespace."""
    copy = "/run/over" + path.replace("/", "-")
    with open(copy, "w", encoding="ascii") as target:
        target.write(text)
    subprocess.run(["mount", "--bind", copy, path], check=True)


class Refused(Exception):
    """The service ended the connection."""


class Channel:
    """A client of an edge, written from the protocol's description and not from lib/ipc."""

    def __init__(self, edge, timeout=10):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(timeout)
        self.socket.connect(f"{RUN}/{edge}")
        self.next_id = 1
        hello = self._varint_field(1, 1) + self._varint_field(2, 1) + self._text_field(3, edge) + self._text_field(4, "default")
        kind, _ = self.call(HELLO, hello)
        if kind != HELLO:
            raise Refused(f"HELLO answered by record type {kind}")

    @staticmethod
    def _varint(n):
        out = b""
        while n > 0x7f:
            out += bytes([n & 0x7f | 0x80])
            n >>= 7
        return out + bytes([n])

    @classmethod
    def _varint_field(cls, number, value):
        return cls._varint(number << 3) + cls._varint(value)

    @classmethod
    def _text_field(cls, number, text):
        return cls._varint(number << 3 | 2) + cls._varint(len(text)) + text.encode()

    @staticmethod
    def fields(body):
        """[(number, value)] of a message with varints and length-delimited fields only."""
        found, at = [], 0

        def varint():
            nonlocal at
            value = shift = 0
            while True:
                byte = body[at]
                at += 1
                value |= (byte & 0x7f) << shift
                shift += 7
                if not byte & 0x80:
                    return value

        while at < len(body):
            key = varint()
            if key & 7 == 0:
                found.append((key >> 3, varint()))
            elif key & 7 == 2:
                size = varint()
                found.append((key >> 3, body[at:at + size]))
                at += size
            else:
                raise ValueError(f"wire type {key & 7}")
        return found

    def peer(self):
        """(pid, uid, gid) of whoever called listen()."""
        return struct.unpack("3i", self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))

    def send(self, kind, body=b""):
        self.socket.send(struct.pack(">HHII", kind, 0, self.next_id, 0) + body)
        self.next_id += 1

    def receive(self):
        try:
            record = self.socket.recv(65536)
        except ConnectionResetError:
            record = b""
        if not record:
            raise Refused("the connection was ended")
        kind, _, _, _ = struct.unpack(">HHII", record[:12])
        return kind, record[12:]

    def call(self, kind, body=b""):
        self.send(kind, body)
        return self.receive()

    def probe(self, word):
        """errno that the stand-in service met."""
        kind, body = self.call(PROBE, word.encode())
        assert kind in (OK, ERROR), kind
        return 0 if kind == OK else dict(self.fields(body))[1]

    def status(self):
        kind, body = self.call(STATUS)
        assert kind == STATUS_REPLY, kind
        return self.fields(body)

    def log_set(self, level):
        return self.call(LOG_SET, self._varint_field(1, level))[0]

    def close(self):
        self.socket.close()


class Suite:
    """A supervisor in the foreground and what it says about its services."""

    def __init__(self, *extra, bin_dir=STAND_INS):
        words = [SUPERVISOR, "--foreground", "--log", "stderr", "--log-level", "debug", *extra]
        if bin_dir:
            words += ["--bin-dir", bin_dir]
        with open(LOG, "ab") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def status(self):
        try:
            with open(f"{RUN}/supervisor.status", encoding="ascii") as source:
                return json.load(source)
        except FileNotFoundError:
            return None

    def children(self):
        """Living children of the supervisor, those included that have not yet become a service."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as source:
            return [int(word) for word in source.read().split() if proc_status(word)]

    def row(self, name):
        status = self.status()
        if not status or status["pid"] != self.process.pid:
            return None
        return next(row for row in status["services"] if row["name"] == name)

    def ready(self):
        rows = [self.row(name) for name in SERVICES]
        return all(row and row["state"] == "running" and proc_status(row["pid"]) for row in rows)

    def wait_ready(self):
        wait_for("every service to be ready", lambda: self.ready() or self.process.poll() is not None)
        if self.process.poll() is not None:
            raise AssertionError(f"the supervisor ended with {self.process.returncode}")
        return self

    def pid(self, name):
        return self.row(name)["pid"]

    def wait_new_life(self, name, old_pid, timeout=20):
        """The row of the service once it runs under another pid."""
        def condition():
            row = self.row(name)
            return row if row and row["state"] == "running" and row["pid"] != old_pid else None
        return wait_for(f"{name} to run again after pid {old_pid}", condition, timeout)

    def kill(self, name, number=signal.SIGKILL):
        """Ends a service, and gives its row once it runs again."""
        old = self.pid(name)
        os.kill(old, number)
        return self.wait_new_life(name, old)

    def stop(self, timeout=30):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)


def suite_processes():
    """pid -> name of every living process of the suite in this pid namespace."""
    found = {}
    for entry in os.listdir("/proc"):
        status = proc_status(entry) if entry.isdigit() else None
        if status and status["Name"].startswith("postern-"):
            found[int(entry)] = status["Name"]
    return found


class BoxTest(unittest.TestCase):
    """Each test starts its own suite with self.start(); nothing survives it."""

    def start(self, *extra, **kwargs):
        suite = Suite(*extra, **kwargs)
        self.addCleanup(self._end, suite)
        return suite.wait_ready()

    @staticmethod
    def _end(suite):
        with contextlib.suppress(subprocess.TimeoutExpired):
            suite.stop(10)
        if suite.process.poll() is None:
            suite.process.kill()
            suite.process.wait()
        wait_for("the suite to be gone", lambda: not suite_processes())

    def setUp(self):
        with open(LOG, "wb"):
            pass
        subprocess.run(f"rm -rf {RUN} {STATE}", shell=True, check=True)

    def tearDown(self):
        outcome = self._outcome.result
        if any(case is self for case, _ in outcome.failures + outcome.errors):
            with open(LOG, encoding="utf-8", errors="replace") as source:
                print("--- log of the suite\n" + "".join(source.readlines()[-60:]), file=sys.stderr)

    def log(self):
        with open(LOG, encoding="utf-8", errors="replace") as source:
            return source.read()


def main():
    if os.geteuid() != 0:
        print("needs root to make namespaces")
        sys.exit(SKIP)
    if "--inside" not in sys.argv:
        probe = subprocess.run(["unshare", "-m", "-n", "-p", "-f", "true"], stderr=subprocess.PIPE, text=True)
        if probe.returncode != 0:
            print(f"this machine does not let us make namespaces: {probe.stderr.strip()}")
            sys.exit(SKIP)
        words = ["unshare", "-m", "-n", "-p", "-f", "--mount-proc", "--kill-child", sys.executable, "-B", *sys.argv, "--inside"]
        os.execvp(words[0], words)
    sys.argv.remove("--inside")
    for path in ("/run", "/var/lib"):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "none", path], check=True)
    # A child's end must not leave this process, which is number 1 here, with zombies that look alive: proc_status() tells them apart.
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.getpid() == 1
    unittest.main(verbosity=2, warnings="ignore")


def capabilities(text):
    """'0000000000001000' -> {12}."""
    bits = int(text, 16)
    return {n for n in range(64) if bits >> n & 1}
