#!/usr/bin/python3
"""What a service cannot do, proved from outside: its ids and capabilities by /proc, its walls by walking into them.

The /proc part runs against stand-ins and, where they are built, against the real services; the columns are those of docs/privsep.md.
"""

import ctypes
import errno
import os
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import suitebox  # noqa: E402
from suitebox import RUN, Channel, capabilities, proc_status  # noqa: E402

CAP_NET_ADMIN = 12
# The privilege column of the design: what each service keeps, for ever.
CAPS = {"policyd": {CAP_NET_ADMIN}, "datapathd": set(), "keyd": set(), "certd": set(), "certd-verify": set()}


class ProcTable(suitebox.BoxTest):
    """From /proc, per process."""

    def check_service(self, row, caps):
        name, pid = row["name"], row["pid"]
        status = proc_status(pid)
        with self.subTest(service=name):
            self.assertNotEqual(row["uid"], 0)
            self.assertEqual(status["Uid"].split(), [str(row["uid"])] * 4)
            self.assertEqual(status["Gid"].split(), [str(row["gid"])] * 4)
            self.assertEqual(status["Groups"].strip(), "")
            for field, expected in {"CapInh": set(), "CapPrm": caps, "CapEff": caps, "CapBnd": caps, "CapAmb": set()}.items():
                self.assertEqual(capabilities(status[field]), expected, field)
            self.assertEqual(status["NoNewPrivs"], "1")
            if not suitebox.sanitized():
                self.assertEqual(status["Seccomp"], "2")
            with open(f"/proc/{pid}/limits", encoding="ascii") as source:
                core = next(line for line in source if line.startswith("Max core file size"))
            self.assertEqual(core.split()[4:6], ["0", "0"])
            # Undumpable: the files below /proc/PID belong to root and not to the service's user.
            self.assertEqual(os.stat(f"/proc/{pid}/mem").st_uid, 0)
            self.assertEqual(self.as_user(row["uid"], row["gid"], lambda: open(f"/proc/{pid}/mem", "rb")), errno.EACCES)
            self.assertEqual(self.as_user(row["uid"], row["gid"], lambda: self.ptrace(pid)), errno.EPERM)

    def check_root(self, row, others):
        """Who starts root's scripts has what they have: the launcher's capabilities, and no wall. Nobody else gets at it."""
        status, launcher = proc_status(row["pid"]), proc_status(proc_status(row["pid"])["PPid"])
        self.assertEqual(status["Uid"].split() + status["Gid"].split(), ["0"] * 8)
        for field in ("CapPrm", "CapEff", "CapBnd"):
            self.assertEqual(capabilities(status[field]), capabilities(launcher["CapBnd"]), field)
        self.assertEqual(status["Seccomp"], "0")
        for other in others:
            self.assertEqual(self.as_user(other["uid"], other["gid"], lambda: os.kill(row["pid"], 0)), errno.EPERM)
            self.assertEqual(self.as_user(other["uid"], other["gid"], lambda: open(f"/proc/{row['pid']}/mem", "rb")), errno.EACCES)

    @staticmethod
    def ptrace(pid):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.ptrace(16, pid, None, None) != 0:  # PTRACE_ATTACH
            raise OSError(ctypes.get_errno(), "ptrace")

    @staticmethod
    def as_user(uid, gid, what):
        """errno that what() meets as that user."""
        child = os.fork()
        if child == 0:
            code = 0
            try:
                os.setgroups([])
                os.setresgid(gid, gid, gid)
                os.setresuid(uid, uid, uid)
                what()
            except OSError as problem:
                code = problem.errno
            finally:
                os._exit(code)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def check_suite(self, suite):
        rows = [suite.row(name) for name in suitebox.DROPPING]
        for row in rows:
            self.check_service(row, CAPS[row["name"]])
        self.check_root(suite.row("hooks"), rows)
        self.assertEqual(len({row["uid"] for row in rows}), len(rows))
        for row in rows:
            others = [other for other in rows if other is not row]
            for other in others:
                problem = self.as_user(row["uid"], row["gid"], lambda: os.kill(other["pid"], 0))
                self.assertEqual(problem, errno.EPERM)

    def test_stand_ins_have_own_users_and_exact_capabilities(self):
        suite = self.start()
        self.check_suite(suite)
        for name in suitebox.SERVICES:
            suite.kill(name)
        self.check_suite(suite)

    def test_real_services_have_own_users_and_exact_capabilities(self):
        if not suitebox.real_services_built():
            self.skipTest("the services are not built")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        suite = self.start(bin_dir=None)
        self.check_suite(suite)
        for name in suitebox.SERVICES:
            suite.kill(name)
        self.check_suite(suite)

    def test_supervisor_keeps_only_what_starting_services_takes(self):
        suite = self.start()
        status = proc_status(suite.process.pid)
        kept = {0, 1, 3, 5, 6, 7, 8, 10, 12, 13, 14, 24}
        for field in ("CapPrm", "CapEff", "CapBnd"):
            self.assertLessEqual(capabilities(status[field]), kept, field)
        self.assertEqual(capabilities(status["CapInh"]) | capabilities(status["CapAmb"]), set())
        self.assertEqual(status["NoNewPrivs"], "1")


class Walls(suitebox.BoxTest):
    """Stand-ins walk into the walls."""

    def setUp(self):
        super().setUp()
        if suitebox.sanitized():
            self.skipTest("a sanitizer build has no system call filter")

    def assert_killed(self, suite, service, word):
        old = suite.pid(service)
        with self.assertRaises((suitebox.Refused, ConnectionError)):
            Channel(f"{service}.admin").probe(word)
        row = suite.wait_new_life(service, old)
        self.assertIn("killed by SIGSYS", row["last_exit"], word)

    def test_calls_outside_the_list_end_the_process(self):
        words = ("inet", "exec /bin/true", "fork", "setuid", "ptrace", "mount", f"kill {os.getpid()}", "executable-memory")
        # A fresh supervisor for each few: every kill makes the next rest longer.
        for group in (words[:4], words[4:]):
            suite = self.start()
            for number, word in enumerate(group):
                self.assert_killed(suite, suitebox.SERVICES[number % 2], word)
            suite.stop()

    def test_who_keeps_keys_and_who_reads_strangers_certificates_can_make_no_socket_at_all(self):
        suite = self.start()
        for service in ("certd", "certd-verify"):
            self.assert_killed(suite, service, "abstract anywhere")
        self.assertEqual(Channel("keyd.admin").probe("abstract anywhere"), errno.ECONNREFUSED)

    def test_filter_of_a_reuseport_group_cannot_be_touched(self):
        suite = self.start()
        for number, how in enumerate(("attach", "detach", "high")):
            self.assert_killed(suite, suitebox.SERVICES[number % 2], f"reuseport {how}")

    def test_files_outside_the_own_folder_cannot_be_opened(self):
        suite = self.start()
        for service in suitebox.DROPPING:
            channel = Channel(f"{service}.admin")
            for path in ("/etc/passwd", "/proc/self/mem", f"/proc/{suite.process.pid}/maps", "/dev/null", f"{RUN}/ids"):
                self.assertEqual(channel.probe(f"open {path}"), errno.EACCES, (service, path))
            for path in (f"{RUN}/planted", "/tmp/planted", "/var/lib/postern/planted"):
                self.assertEqual(channel.probe(f"create {path}"), errno.EACCES, (service, path))

    def test_own_state_folder_can_be_used(self):
        suite = self.start()
        self.assertEqual(Channel("policyd.admin").probe("create /var/lib/postern/policyd/mine"), 0)
        found = os.stat("/var/lib/postern/policyd")
        self.assertEqual((found.st_uid, found.st_mode & 0o7777), (suite.row("policyd")["uid"], 0o700))
        self.assertEqual(Channel("datapathd.admin").probe("create /var/lib/postern/policyd/theirs"), errno.EACCES)

    def test_state_of_an_earlier_user_is_adopted_without_following_links(self):
        suite = self.start()
        self.assertEqual(Channel("policyd.admin").probe("create /var/lib/postern/policyd/mine"), 0)
        uid = suite.row("policyd")["uid"]
        suite.stop()
        folder = "/var/lib/postern/policyd"
        for path in (folder, f"{folder}/mine"):
            os.chown(path, 4000, 4000)
        os.symlink("/etc/passwd", f"{folder}/link")
        with open("/var/lib/elsewhere", "w", encoding="ascii"):
            pass
        os.link("/var/lib/elsewhere", f"{folder}/hard")
        self.start()
        self.assertEqual(os.stat(folder).st_uid, uid)
        self.assertEqual(os.stat(f"{folder}/mine").st_uid, uid)
        self.assertEqual(os.stat("/etc/passwd").st_uid, 0)
        self.assertEqual(os.stat("/var/lib/elsewhere").st_uid, 0)

    def test_abstract_sockets_are_out_of_reach(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind("\0postern-test")
            listener.listen()
            self.start()
            if not self.landlock_scopes():
                self.skipTest("this kernel's Landlock has no scopes")
            self.assertEqual(Channel("policyd.admin").probe("abstract postern-test"), errno.EPERM)

    @staticmethod
    def landlock_scopes():
        libc = ctypes.CDLL(None, use_errno=True)
        return libc.syscall(444, None, 0, 1) >= 6

    def test_run_folder_belongs_to_root_alone(self):
        suite = self.start()
        row = suite.row("policyd")
        for what in (lambda: os.unlink(f"{RUN}/datapathd.admin"), lambda: os.rename(f"{RUN}/ids", f"{RUN}/x"),
                     lambda: open(f"{RUN}/policyd.admin2", "wb")):
            self.assertEqual(ProcTable.as_user(row["uid"], row["gid"], what), errno.EACCES)

        def connect(name):
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
                s.connect(f"{RUN}/{name}")
        self.assertEqual(ProcTable.as_user(row["uid"], row["gid"], lambda: connect("datapathd.spd")), 0)
        self.assertEqual(ProcTable.as_user(row["uid"], row["gid"], lambda: connect("datapathd.admin")), errno.EACCES)
        self.assertEqual(ProcTable.as_user(row["uid"], row["gid"], lambda: connect("policyd.acquire")), errno.EACCES)

    def test_crash_leaves_no_core(self):
        suite = self.start()
        before = set(os.listdir("/")) | set(os.listdir("/tmp"))
        suite.kill("datapathd", signal.SIGSEGV)
        self.assertFalse([name for name in set(os.listdir("/")) | set(os.listdir("/tmp")) if "core" in name and name not in before])


if __name__ == "__main__":
    suitebox.main()
