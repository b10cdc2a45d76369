#!/usr/bin/python3
"""postern-supervisor as a launcher: what it makes, restarts, keeps, refuses and takes down, with stand-ins for the services."""

import array
import contextlib
import os
import random
import signal
import socket
import stat
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import suitebox  # noqa: E402
from suitebox import RUN, STATE, Channel, Suite, proc_status, suite_processes, wait_for  # noqa: E402


def notify(service, text, fds=()):
    """A message to a service's notify socket from this process."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        s.sendmsg([text], rights, 0, f"{RUN}/notify.{service}")


class Activation(suitebox.BoxTest):
    def test_sockets_have_the_owners_and_modes_that_guard_them(self):
        suite = self.start()
        policyd, datapathd, keyd = (suite.row(name)["gid"] for name in ("policyd", "datapathd", "keyd"))
        expected = {"policyd.admin": (0, 0o600), "policyd.acquire": (datapathd, 0o660), "datapathd.admin": (0, 0o600),
                    "datapathd.spd": (policyd, 0o660), "datapathd.keyd": (keyd, 0o660), "policyd.keyd": (keyd, 0o660),
                    "certd.keyd": (keyd, 0o660), "certd-verify.keyd": (keyd, 0o660), "keyd.admin": (0, 0o600),
                    "certd.admin": (0, 0o600), "certd-verify.admin": (0, 0o600), "hooks.admin": (0, 0o600), "hooks.keyd": (keyd, 0o660)}
        expected.update({f"notify.{name}": (0, 0o600) for name in suitebox.SERVICES})
        for name, (gid, mode) in expected.items():
            found = os.stat(f"{RUN}/{name}")
            self.assertTrue(stat.S_ISSOCK(found.st_mode), name)
            self.assertEqual((found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)), (0, gid, mode), name)
        folder = os.stat(RUN)
        self.assertEqual((folder.st_uid, stat.S_IMODE(folder.st_mode)), (0, 0o755))

    def test_admin_group_where_it_exists_may_connect(self):
        with open("/etc/group", encoding="ascii") as source:
            groups = source.read()
        suitebox.bind_over("/etc/group", groups + "postern-admin:x:4711:\n")
        self.addCleanup(subprocess.run, ["umount", "/etc/group"], check=True)
        self.start()
        found = os.stat(f"{RUN}/policyd.admin")
        self.assertEqual((found.st_gid, stat.S_IMODE(found.st_mode)), (4711, 0o660))

        def as_user(groups, what):
            """Exit status of what() run as a plain user in those further groups."""
            child = os.fork()
            if child == 0:
                code = 99
                try:
                    os.setgroups(groups)
                    os.setresgid(4000, 4000, 4000)
                    os.setresuid(4000, 4000, 4000)
                    code = what()
                except PermissionError:
                    code = 13
                except suitebox.Refused:
                    code = 14
                finally:
                    os._exit(code)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

        def read():
            return 0 if Channel("policyd.admin").status() else 1

        def write():
            return Channel("policyd.admin").log_set(3)

        self.assertEqual(as_user([4711], read), 0)
        self.assertEqual(as_user([4711], write), suitebox.ERROR)
        self.assertEqual(as_user([], read), 13)

    def test_clients_see_the_service_and_not_the_launcher(self):
        suite = self.start()
        for name in suitebox.SERVICES:
            row = suite.row(name)
            self.assertEqual(Channel(f"{name}.admin").peer(), (row["pid"], row["uid"], row["gid"]))

    def test_ids_are_distinct_recorded_and_the_same_after_a_restart(self):
        suite = self.start()
        first = {name: suite.row(name)["uid"] for name in suitebox.DROPPING}
        self.assertEqual(len(set(first.values())), len(suitebox.DROPPING))
        self.assertEqual(suite.row("hooks")["uid"], 0)
        for uid in first.values():
            self.assertTrue(61184 <= uid <= 65519, uid)
        with open(f"{RUN}/ids", encoding="ascii") as source:
            self.assertEqual(dict(line.split() for line in source), {name: str(uid) for name, uid in first.items()})
        suite.process.kill()
        suite.process.wait()
        again = self.start()
        self.assertEqual({name: again.row(name)["uid"] for name in suitebox.DROPPING}, first)

    def test_system_users_are_used_where_they_exist(self):
        with open("/etc/passwd", encoding="ascii") as source:
            users = source.read()
        suitebox.bind_over("/etc/passwd", users + "postern-policyd:x:4811:4812::/:/bin/false\n")
        self.addCleanup(subprocess.run, ["umount", "/etc/passwd"], check=True)
        suite = self.start()
        row = suite.row("policyd")
        self.assertEqual((row["uid"], row["gid"]), (4811, 4812))
        self.assertEqual(proc_status(row["pid"])["Uid"].split(), ["4811"] * 4)

    def test_second_supervisor_is_refused_and_the_first_goes_on(self):
        suite = self.start()
        done = subprocess.run([suitebox.SUPERVISOR, "--bin-dir", suitebox.STAND_INS], stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("another postern-supervisor runs in /run/postern", done.stderr)
        Channel("policyd.admin").status()
        self.assertTrue(suite.ready())

    def test_run_folder_of_somebody_else_is_refused(self):
        os.mkdir(RUN)
        os.chown(RUN, 4000, 4000)
        self.addCleanup(os.rmdir, RUN)
        done = subprocess.run([suitebox.SUPERVISOR, "--bin-dir", suitebox.STAND_INS], stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("must be a folder of root's", done.stderr)

    def test_background_start_returns_when_everything_is_ready(self):
        done = subprocess.run([suitebox.SUPERVISOR, "--log", f"file:{suitebox.LOG}", "--bin-dir", suitebox.STAND_INS])
        self.assertEqual(done.returncode, 0)
        pid = Suite.status(None)["pid"]
        self.addCleanup(lambda: wait_for("the suite to be gone", lambda: not suite_processes()))
        self.addCleanup(os.kill, pid, signal.SIGTERM)
        self.assertEqual([row["state"] for row in Suite.status(None)["services"]], ["running"] * len(suitebox.SERVICES))
        self.assertIn("suite.ready: every service is ready", self.log())


class Restart(suitebox.BoxTest):
    def test_killed_service_comes_back_with_its_store_intact(self):
        suite = self.start()
        for life in range(2, 6):
            row = suite.kill("datapathd")
            self.assertEqual(row["stored"], ["sad-0"])
            self.assertEqual(row["status"], f"life {life}")
            self.assertEqual(row["last_exit"], "killed by SIGKILL")
            self.assertEqual(row["restarts"], life - 1)
        self.assertEqual(suite.row("policyd")["restarts"], 0)

    def test_back_off_grows_while_failures_follow_each_other(self):
        suite = self.start()
        for _ in range(4):
            suite.kill("policyd", signal.SIGSEGV)
        delays = [int(line.split(" started again in ")[1].split()[0]) for line in self.log().splitlines() if "started again in" in line]
        self.assertEqual(len(delays), 4)
        for number, delay in enumerate(delays):
            self.assertTrue(75 * 2 ** number <= delay <= 125 * 2 ** number, delays)

    def test_connection_made_while_a_service_is_away_is_served_by_its_successor(self):
        suite = self.start()
        old = suite.pid("policyd")
        os.kill(old, signal.SIGKILL)
        self.assertTrue(Channel("policyd.admin").status())
        suite.wait_new_life("policyd", old)

    def test_killed_again_and_again_from_the_first_instant_of_its_life(self):
        suite = self.start()
        old = suite.pid("datapathd")
        others = set(suite.children()) - {old}
        killed = []
        os.kill(old, signal.SIGKILL)
        rng = random.Random(7)
        # As soon as the child is there: before its exec, before its drop, while it starts; twice in a row and more.
        for _ in range(6):
            def fresh():
                found = [pid for pid in suite.children() if pid not in others and pid != old and pid not in killed]
                return found[0] if found else None
            pid = wait_for("the next child", fresh, every=0)
            for _ in range(rng.randrange(3) * rng.randrange(2000)):
                pass
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)
        row = wait_for("the service to run again", lambda: suite.row("datapathd") if suite.ready() else None, timeout=30)
        self.assertEqual(row["stored"], ["sad-0"])
        self.assertEqual(row["restarts"], 7)
        self.assertEqual(len(suite.children()), len(suitebox.SERVICES))

    def test_hung_service_is_aborted_and_started_again(self):
        suite = self.start("--watchdog-ms", "300")
        row = suite.kill("datapathd", signal.SIGSTOP)
        self.assertIn("hung", row["last_exit"])
        self.assertEqual(row["status"], "life 2")
        self.assertEqual(suite.row("policyd")["restarts"], 0)
        self.assertIn("unit.hung: service=datapathd", self.log())

    def test_call_outside_the_list_is_explained(self):
        if suitebox.sanitized():
            self.skipTest("a sanitizer build has no system call filter")
        suite = self.start()
        old = suite.pid("policyd")
        with self.assertRaises(suitebox.Refused):
            Channel("policyd.admin").probe("inet")
        row = suite.wait_new_life("policyd", old)
        self.assertIn("killed by SIGSYS (a system call outside its list", row["last_exit"])

    def test_program_that_is_missing_is_named(self):
        os.makedirs("/run/empty", exist_ok=True)
        done = subprocess.run([suitebox.SUPERVISOR, "--bin-dir", "/run/empty"], stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no program postern-keyd in --bin-dir /run/empty", done.stderr)
        self.assertFalse(os.path.exists(RUN))


class Store(suitebox.BoxTest):
    def refusals(self, suite, service="datapathd"):
        return suite.row(service)["refused_notifications"]

    def wait_refused(self, suite, number, service="datapathd"):
        wait_for(f"{number} refusals", lambda: self.refusals(suite, service) >= number)
        self.assertEqual(self.refusals(suite, service), number)

    def test_foreign_process_is_refused_even_if_it_is_root(self):
        suite = self.start()
        before = suite.row("datapathd")
        with open("/dev/null", encoding="ascii") as null:
            notify("datapathd", b"STATUS=forged")
            notify("datapathd", b"FDSTORE=1\nFDNAME=tun", [null.fileno()])
            notify("datapathd", b"FDSTOREREMOVE=1\nFDNAME=sad-0")
            notify("datapathd", b"STOPPING=1\nREADY=1")
        self.wait_refused(suite, 4)
        after = suite.row("datapathd")
        self.assertEqual((after["status"], after["stored"]), (before["status"], before["stored"]))
        self.assertIn("not from the service's main process", self.log())

    def test_service_cannot_store_what_its_table_does_not_name(self):
        suite = self.start()
        channel = Channel("datapathd.admin")
        for name in ("evil", "sad-256", "sad-00", "sad-", "sad-1x", "tunnel", "raw-esp4" + "x" * 20):
            self.assertEqual(channel.probe(f"store {name}"), 0)
        self.wait_refused(suite, 7)
        # The right names with the wrong kind of descriptor.
        for name in ("tun", "raw-esp4"):
            self.assertEqual(channel.probe(f"store {name}"), 0)
        self.wait_refused(suite, 9)
        self.assertEqual(suite.row("datapathd")["stored"], ["sad-0"])

    def test_service_cannot_store_under_the_other_ones_name(self):
        suite = self.start()
        self.assertEqual(Channel("policyd.admin").probe("store sad-1"), 0)
        self.wait_refused(suite, 1, "policyd")
        self.assertEqual(suite.row("policyd")["stored"], [])
        self.assertEqual(suite.row("datapathd")["stored"], ["sad-0"])

    def test_permitted_names_are_kept_replaced_and_removed(self):
        suite = self.start()
        channel = Channel("datapathd.admin")
        for word in ("store sad-1", "store sad-255", "store sad-1", "unstore sad-255"):
            self.assertEqual(channel.probe(word), 0)
        wait_for("the store", lambda: sorted(suite.row("datapathd")["stored"]) == ["sad-0", "sad-1"])
        self.assertEqual(self.refusals(suite), 0)
        fds = os.listdir(f"/proc/{suite.process.pid}/fd")
        links = [os.readlink(f"/proc/{suite.process.pid}/fd/{fd}") for fd in fds]
        self.assertEqual(sum("memfd:" in link for link in links), 2)

    def test_what_was_stored_just_before_death_is_kept(self):
        suite = self.start()
        old = suite.pid("datapathd")
        channel = Channel("datapathd.admin")
        os.kill(suite.process.pid, signal.SIGSTOP)
        try:
            self.assertEqual(channel.probe("store sad-7"), 0)
            os.kill(old, signal.SIGKILL)
            wait_for("the service to be dead", lambda: proc_status(old) is None)
        finally:
            os.kill(suite.process.pid, signal.SIGCONT)
        row = suite.wait_new_life("datapathd", old)
        self.assertIn("sad-7", row["stored"])

    def test_supervisor_never_maps_what_it_holds(self):
        suite = self.start()
        with open(f"/proc/{suite.process.pid}/maps", encoding="ascii") as source:
            self.assertNotIn("memfd:", source.read())


class Admin(suitebox.BoxTest):
    """What every admin socket answers."""

    def text(self, fields, number):
        return next(value for key, value in fields if key == number).decode()

    def test_status_says_who_and_how(self):
        suite = self.start()
        for name in suitebox.SERVICES:
            fields = Channel(f"{name}.admin").status()
            self.assertEqual(self.text(fields, 1), name)
            self.assertEqual(dict(fields)[3], suite.pid(name))
            self.assertEqual(self.text(fields, 5), "life 1")
            self.assertEqual(self.text(fields, 6), "debug")
            rows = {self.text(row, 1): self.text(row, 2) for row in (Channel.fields(value) for key, value in fields if key == 8)}
            self.assertEqual(rows["kind"], f"stand-in for {name}")
            self.assertIn("violations 0", rows[f"edge {name}.admin"])

    def test_stats_are_the_services_own(self):
        self.start()
        kind, body = Channel("policyd.admin").call(suitebox.STATS)
        self.assertEqual(kind, suitebox.STATS_REPLY)
        rows = [Channel.fields(value) for key, value in Channel.fields(body) if key == 1]
        self.assertEqual([(self.text(row, 1), dict(row)[2]) for row in rows], [("probe", 42)])

    def test_log_level_changes_while_running(self):
        self.start()
        channel = Channel("policyd.admin")
        self.assertEqual(channel.log_set(2), suitebox.OK)
        self.assertEqual(self.text(channel.status(), 6), "warning")
        self.assertEqual(channel.probe("log unheard"), 0)
        self.assertEqual(channel.log_set(4), suitebox.OK)
        self.assertEqual(channel.probe("log heard"), 0)
        wait_for("the line", lambda: "probe.log: heard" in self.log())
        self.assertNotIn("unheard", self.log())
        for level in (0, 6, 1 << 31):
            self.assertEqual(channel.log_set(level), suitebox.ERROR)

    def test_monitors_hear_events_and_a_slow_one_learns_what_it_missed(self):
        self.start()
        monitor, channel = Channel("policyd.admin"), Channel("policyd.admin")
        self.assertEqual(monitor.call(suitebox.MONITOR)[0], suitebox.OK)
        self.assertEqual(channel.probe("publish hello"), 0)
        kind, body = monitor.receive()
        self.assertEqual(kind, suitebox.EVENT)
        fields = Channel.fields(body)
        self.assertEqual([self.text(fields, number) for number in (2, 3, 4)], ["policyd", "probe.event", "hello"])
        # Nobody reads: events are dropped, the service does not wait, and the next one that gets through says how many.
        sent = 30000
        for _ in range(sent):
            channel.send(suitebox.PROBE, b"publish " + b"x" * 150)
            self.assertEqual(channel.receive()[0], suitebox.OK)
        heard = lost = 0
        monitor.socket.settimeout(0.2)
        try:
            while True:
                fields = dict(Channel.fields(monitor.receive()[1]))
                heard, lost = heard + 1, lost + fields.get(5, 0)
        except TimeoutError:
            pass
        self.assertEqual(channel.probe("publish last"), 0)
        lost += dict(Channel.fields(monitor.receive()[1])).get(5, 0)
        self.assertEqual(heard + lost, sent)
        self.assertGreater(lost, 0)

    def test_seventeenth_monitor_is_told_that_there_are_too_many(self):
        self.start()
        channels = [Channel("policyd.admin") for _ in range(17)]
        self.assertEqual([channel.call(suitebox.MONITOR)[0] for channel in channels], [suitebox.OK] * 16 + [suitebox.ERROR])
        channels[0].close()
        wait_for("a place", lambda: channels[16].call(suitebox.MONITOR)[0] == suitebox.OK)


class Log(suitebox.BoxTest):
    def journal(self):
        os.makedirs("/run/systemd/journal", exist_ok=True)
        path = "/run/systemd/journal/socket"
        if os.path.exists(path):
            os.unlink(path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(listener.close)
        listener.bind(path)
        os.chmod(path, 0o666)
        listener.settimeout(10)
        return listener

    def next_from(self, listener, event):
        while True:
            fields = dict(line.split("=", 1) for line in listener.recv(4096).decode().splitlines())
            if fields["POSTERN_EVENT"] == event:
                return fields

    def test_journal_gets_its_fields_also_from_inside_the_sandbox_and_after_its_restart(self):
        listener = self.journal()
        self.addCleanup(subprocess.run, ["rm", "-rf", "/run/systemd"])
        self.start("--log", "journal")
        channel = Channel("policyd.admin")
        # The kernel queues a few lines only; what was said at the start must not crowd out what follows.
        listener.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                listener.recv(4096)
        listener.settimeout(10)
        self.assertEqual(channel.probe("log one"), 0)
        fields = self.next_from(listener, "probe.log")
        self.assertEqual((fields["PRIORITY"], fields["SYSLOG_IDENTIFIER"], fields["MESSAGE"]),
                         ("6", "postern-policyd", "probe.log: one"))
        # The logger goes, and comes back under the same name: lines in between are lost and counted.
        listener.close()
        self.assertEqual(channel.probe("log two"), 0)
        listener = self.journal()

        def heard():
            self.assertEqual(channel.probe("log three"), 0)
            listener.settimeout(0.1)
            try:
                return self.next_from(listener, "log.dropped")
            except TimeoutError:
                return None
        self.assertIn("did not take", wait_for("the journal to hear again", heard)["MESSAGE"])


class End(suitebox.BoxTest):
    def test_orderly_end_stops_in_order_withdraws_and_leaves_nothing(self):
        suite = self.start()
        self.assertEqual(suite.stop(), 0)
        self.assertEqual(suite_processes(), {})
        self.assertFalse(os.path.exists(RUN))
        self.assertTrue(os.path.exists(f"{STATE}/withdrawn"))
        log = self.log()
        # As in the supervisor's table: who needs others goes before them.
        names = ("keyd", "hooks", "certd-verify", "certd", "datapathd", "policyd")
        self.assertEqual(sorted(names), sorted(suitebox.SERVICES))
        order = [log.index(f"unit.stopped: service={name}\n") for name in names] + [log.index("suite.stopped")]
        self.assertEqual(order, sorted(order))

    def test_end_of_a_resting_and_of_a_stopped_service(self):
        suite = self.start()
        for number in (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL):
            suite.kill("policyd", number)
        os.kill(suite.pid("policyd"), signal.SIGKILL)
        wait_for("the back-off", lambda: suite.row("policyd")["state"] == "resting")
        self.assertEqual(suite.stop(), 0)
        self.assertTrue(os.path.exists(f"{STATE}/withdrawn"))

    def test_hangup_is_ignored(self):
        suite = self.start()
        suite.process.send_signal(signal.SIGHUP)
        Channel("policyd.admin").status()
        self.assertIsNone(suite.process.poll())
        self.assertTrue(suite.ready())

    def test_services_do_not_outlive_a_killed_supervisor_and_a_new_one_takes_over(self):
        suite = self.start()
        old = [suite.pid(name) for name in suitebox.SERVICES]
        suite.process.kill()
        suite.process.wait()
        wait_for("the services to be gone", lambda: not any(proc_status(pid) for pid in old))
        self.assertFalse(os.path.exists(f"{STATE}/withdrawn"))
        again = self.start()
        self.assertEqual(again.row("datapathd")["status"], "life 1")
        Channel("datapathd.admin").status()


if __name__ == "__main__":
    suitebox.main()
