#!/usr/bin/python3
"""policyd's sockets: who may say what, setkey's answers, transactions, acquires, and the snapshots a datapathd gets.

datapathd is played by this test, on a thread that runs under its uid.
"""

import ctypes
import errno
import os
import socket
import struct
import sys
import threading
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from it_policyd_rig import (ANY, DATAPATHD_UID, LIBC, TYPE, Admin, Edge, Netns, Policy, Policyd, Refused, decode, main,  # noqa: E402
                            message, varint, wait_for)

SYS_SETRESUID, SYS_SETRESGID = 117, 119
SNAPSHOT_BEGIN, SNAPSHOT_ROW, SNAPSHOT_COMMIT, SNAPSHOT_ACK = 128, 129, 130, 131


def as_uid(uid, function, gid=0):
    """Calls function() by a thread with another uid (and gid): only that thread changes."""
    result = []

    def enter():
        if gid and LIBC.syscall(ctypes.c_long(SYS_SETRESGID), gid, gid, gid) != 0:
            result.append(OSError(ctypes.get_errno(), "setresgid"))
            return
        if LIBC.syscall(ctypes.c_long(SYS_SETRESUID), uid, uid, uid) != 0:
            result.append(OSError(ctypes.get_errno(), "setresuid"))
            return
        try:
            result.append(function())
        except Exception as problem:  # pylint: disable=broad-except
            result.append(problem)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    if isinstance(result[0], Exception):
        raise result[0]
    return result[0]


class FakeDatapathd:
    """Takes snapshots; acknowledges them when `answers` is set."""

    def __init__(self, policyd):
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        path = os.path.join(policyd.run_dir, "datapathd.spd")
        self.listener.bind(path)
        os.chmod(path, 0o666)
        self.path = path
        self.answers = True
        self.snapshots = []  # (version, rows)
        self.held = []
        self.stopped = False
        self.connection = None
        as_uid(DATAPATHD_UID, lambda: self.listener.listen(4))
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while not self.stopped:
            try:
                self.connection, _ = self.listener.accept()
            except OSError:
                return
            try:
                self.converse(self.connection)
            except OSError:
                pass
            self.connection.close()

    def converse(self, connection):
        version = rows = expected = None
        while True:
            data = connection.recv(70000)
            if not data:
                return
            kind, _, record_id, row = struct.unpack("!HHII", data[:12])
            body = decode(data[12:])
            if kind == TYPE["HELLO"]:
                connection.send(struct.pack("!HHII", TYPE["HELLO"], 0, record_id, 0) +
                                message(f1=1, f2=1, f3="datapathd.spd", f4="default"))
            elif kind == SNAPSHOT_BEGIN:
                version, rows, expected = body[1][0], [], (body[2] or [0])[0]
            elif kind == SNAPSHOT_ROW:
                assert row == len(rows), (row, len(rows))
                rows.append(decode(body[1][0]))
            elif kind == SNAPSHOT_COMMIT:
                assert body[1][0] == version and len(rows) == expected
                self.snapshots.append((version, rows))
                answer = struct.pack("!HHII", SNAPSHOT_ACK, 0, record_id, 0) + message(f1=version)
                if self.answers:
                    connection.send(answer)
                else:
                    self.held.append((connection, answer))
            else:
                self.take(connection, kind, record_id, body)

    def take(self, connection, kind, record_id, body):
        """Any other record."""
        raise AssertionError(f"a record of type {kind}")

    def release(self):
        for connection, answer in self.held:
            connection.send(answer)
        self.held.clear()

    def drop_connection(self):
        self.connection.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.stopped = True
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        if self.connection:
            self.connection.close()
        os.unlink(self.path)


def rule(port=0, direction="out", **more):
    return Policy(direction, "10.0.0.1", "10.0.0.2", 6 if port else ANY, dport=port, **more)


class EdgesTest(unittest.TestCase):
    def setUp(self):
        self.ns = Netns()
        self.addCleanup(self.ns.close)
        self.policyd = Policyd(self.ns)
        self.addCleanup(self.policyd.close)
        self.admin = self.policyd.start()
        self.addCleanup(lambda: self._outcome.success or print(self.policyd.log_text(), file=sys.stderr))

    def connect(self):
        return Admin(os.path.join(self.policyd.run_dir, "policyd.admin"), "policyd.admin")

    def refused(self, code, function, *args, **kwargs):
        with self.assertRaises(Refused) as refusal:
            function(*args, **kwargs)
        self.assertEqual(refusal.exception.code, code, refusal.exception.text)
        return refusal.exception.text

    def assert_ends(self, edge, kind, body=b""):
        """The record ends the connection, at most after a word about why."""
        with self.assertRaises((ConnectionError, Refused)):
            edge.call(kind, body)
        with self.assertRaises(ConnectionError):
            edge.receive()
        edge.close()

    # -- policyd.admin

    def test_setkey_answers(self):
        self.assertEqual(self.admin.put(rule(1), rule(2)), [1, 2])
        self.assertEqual(self.refused(errno.EEXIST, self.admin.put, rule(1)), "File exists")
        self.assertEqual(self.admin.put(rule(1), update=True), [3])
        self.assertEqual(self.refused(errno.ENOENT, self.admin.delete, rule(9)), "No entry")
        self.admin.delete(rule(2))
        self.refused(errno.EINVAL, self.admin.put, rule(5, level="unique", reqid=40000))
        self.refused(errno.EINVAL, self.admin.put, Policy("out", "10.0.0.1", "2001:db8::1"))
        self.admin.flush()
        self.assertEqual(self.admin.dump(), [])

    def test_dump_in_fwd_out_each_in_match_order(self):
        self.admin.put(rule(1), rule(2, priority=5), rule(3, "in"), rule(4, "fwd"), rule(5, "in"), rule(6, priority=5))
        self.assertEqual([row[1][0] for row in self.admin.dump()], [3, 5, 4, 2, 6, 1])

    def test_large_dump_arrives_whole(self):
        policies = [Policy("out", "10.0.0.1", f"11.0.{n >> 8}.{n & 255}") for n in range(3000)]
        for at in range(0, 3000, 50):
            self.admin.put(*policies[at:at + 50])
        self.assertEqual([row[1][0] for row in self.admin.dump()], list(range(1, 3001)))

    def test_malformed_ends_that_connection_only(self):
        other = self.connect()
        bodies = [b"\xff" * 20, b"\x0a\x05abc", message(f1=b""), message(f1=message(f2=9, f3=1, f5=rule().selector())),
                  message(f1=message(f2=1, f3=7, f5=rule().selector())), message(f1=message(f2=1, f3=2)), b"\0" * 3000]
        bodies.append(message(f1=Policy("out", "10.0.0.1/33", "10.0.0.2").encode()))
        for body in bodies:
            self.assert_ends(self.connect(), "PUT", body)
        for kind in ("ACQUIRE", "DUMP_ROW", "HELLO"):
            self.assert_ends(self.connect(), kind)
        self.assertEqual(other.dump(), [])

    def test_strangers_are_not_served(self):
        for uid in (65534, DATAPATHD_UID):
            with self.assertRaises((ConnectionError, TimeoutError, Refused)):
                as_uid(uid, self.connect).flush()
        self.assertEqual(self.admin.dump(), [])

    def test_transaction_over_connections(self):
        other = self.connect()
        self.admin.put(rule(1))
        self.admin.call("TXN_BEGIN")
        self.admin.flush()
        self.admin.put(rule(2), rule(3))
        self.assertEqual([row[1][0] for row in other.dump()], [1])
        self.assertIn("another transaction", self.refused(errno.EBUSY, other.put, rule(4)))
        self.refused(errno.EBUSY, other.call, "TXN_BEGIN")
        self.refused(errno.EINVAL, other.call, "TXN_COMMIT")
        self.admin.call("TXN_COMMIT")
        self.assertEqual([row[1][0] for row in other.dump()], [2, 3])
        other.call("TXN_BEGIN")
        other.flush()
        other.close()  # without commit: forgotten
        wait_for("the transaction to be forgotten", lambda: self.try_put(rule(4)))
        self.assertEqual(len(self.admin.dump()), 3)

    def try_put(self, policy):
        try:
            return self.admin.put(policy)
        except Refused:
            return None

    def test_events_for_monitors(self):
        monitor = self.connect()
        monitor.call("MONITOR")
        self.admin.put(rule(1))
        self.admin.delete(rule(1))
        self.admin.flush()
        names = []
        while len(names) < 3:
            kind, _, _, _, body = monitor.receive()
            if kind == TYPE["EVENT"]:
                names.append(decode(body)[3][0].decode())
        self.assertEqual(names, ["spd.add", "spd.delete", "spd.flush"])

    # -- policyd.acquire

    def acquire_edge(self):
        return as_uid(DATAPATHD_UID, lambda: Edge(os.path.join(self.policyd.run_dir, "policyd.acquire"), "policyd.acquire"))

    def acquire(self, policy_id, seq):
        octets = socket.inet_aton("10.0.0.1"), socket.inet_aton("10.0.0.2")
        return message(f1=seq, f2=policy_id, f4=rule().selector(), f5=message(f1=octets[0]), f6=message(f1=octets[1]))

    def test_acquire_is_kept_once_expires_and_is_counted(self):
        out, inbound = self.admin.put(rule(1), rule(2, "in"))
        self.admin.loaded()
        edge = self.acquire_edge()
        begun = time.monotonic()
        edge.call("ACQUIRE", self.acquire(out, 7))
        self.refused(errno.EALREADY, edge.call, "ACQUIRE", self.acquire(out, 8))
        self.refused(errno.ENOENT, edge.call, "ACQUIRE", self.acquire(99, 9))
        self.refused(errno.ENOENT, edge.call, "ACQUIRE", self.acquire(inbound, 10))
        kind, _, record_id, _, body = edge.receive()
        self.assertEqual((kind, record_id), (TYPE["ACQUIRE_EXPIRED"], 0))
        self.assertEqual((decode(body)[1][0], decode(body)[2][0]), (7, out))
        self.assertGreater(time.monotonic() - begun, 15)
        stats = self.admin.stats()
        self.assertEqual((stats["acquire_received"], stats["acquire_refused"], stats["acquire_expired"]), (4, 3, 1))
        edge.call("ACQUIRE", self.acquire(out, 11))  # a later packet may ask again

    def test_acquire_of_a_lost_connection_is_forgotten(self):
        out, = self.admin.put(rule(1))
        self.admin.loaded()
        edge = self.acquire_edge()
        edge.call("ACQUIRE", self.acquire(out, 1))
        edge.close()
        def again():
            try:
                self.acquire_edge().call("ACQUIRE", self.acquire(out, 2))
                return True
            except (Refused, ConnectionError):
                return False
        wait_for("the acquire to be forgotten", again)

    def test_acquire_only_by_datapathd(self):
        edge = Edge(os.path.join(self.policyd.run_dir, "policyd.acquire"), "policyd.acquire")
        self.assert_ends(edge, "ACQUIRE", self.acquire(1, 1))

    # -- lives

    def ids(self):
        return [row[1][0] for row in self.admin.dump()]

    def test_policies_end_with_their_life(self):
        monitor = self.connect()
        monitor.call("MONITOR")
        self.admin.put(rule(1, lifetime=1), rule(2, validtime=1), rule(3), rule(4, lifetime=3600, validtime=3600))
        wait_for("the two short lives to end", lambda: self.ids() == [3, 4])
        expired = []
        while len(expired) < 2:
            kind, _, _, _, body = monitor.receive()
            if kind == TYPE["EVENT"] and decode(body)[3][0] == b"spd.expire":
                expired.append(decode(body)[4][0])
        self.assertEqual([text.split()[0] for text in sorted(expired)], [b"spid=1", b"spid=2"])
        self.admin.loaded()
        self.assertNotIn("spd.expire spid=3", self.policyd.log_text())

    def test_a_life_that_ends_in_a_transaction_does_not_come_back(self):
        other = self.connect()
        self.admin.put(rule(1, lifetime=1), rule(2))
        other.call("TXN_BEGIN")
        other.put(rule(3))
        wait_for("the life to end", lambda: self.ids() == [2])
        other.call("TXN_COMMIT")
        self.assertEqual(self.ids(), [2, 3])

    def test_use_prolongs_a_validtime_and_is_dumped(self):
        kept, other = self.admin.put(rule(1, validtime=4), rule(2))
        edge = self.acquire_edge()
        packed = lambda *numbers: b"".join(map(varint, numbers))  # noqa: E731
        edge.send("USED", message(f1=packed(kept, other, 99), f2=packed(0, 5000, 0)))
        begun = time.monotonic()
        while time.monotonic() < begun + 6:  # well over its validtime
            edge.send("USED", message(f1=packed(kept), f2=packed(0)))
            rows = {row[1][0]: row for row in self.admin.dump()}
            self.assertIn(kept, rows)
            time.sleep(0.05)
        # Before it was made nothing can have used it.
        self.assertNotIn(8, rows[other])
        self.assertGreaterEqual(rows[kept][8][0], rows[kept][7][0])
        wait_for("the unused policy to end", lambda: self.ids() == [other])

    def test_malformed_use_ends_that_connection_only(self):
        for body in (message(f1=b"\1\2", f2=b"\1"), b"\xff" * 9, message(f1=b"\1" * 1001, f2=b"\1" * 1001)):
            edge = self.acquire_edge()
            edge.send("USED", body)
            with self.assertRaises((ConnectionError, Refused)):
                edge.answer(0)
                edge.receive()
            edge.close()
        self.assertEqual(self.ids(), [])

    # -- datapathd.spd

    def with_datapathd(self):
        datapathd = FakeDatapathd(self.policyd)
        self.addCleanup(datapathd.close)
        wait_for("policyd to connect", lambda: self.admin.status()["datapathd"] == "connected")
        return datapathd

    def test_barrier_is_answered_when_both_have_it(self):
        datapathd = self.with_datapathd()
        self.admin.put(rule(1), rule(2, "in"), rule(3))
        self.admin.barrier(kernel_only=False)
        status = self.admin.status()
        self.assertEqual({status["spd version"], status["kernel version"], status["datapathd version"], status["saved version"]},
                         {status["spd version"]})
        version, rows = datapathd.snapshots[-1]
        self.assertEqual(str(version), status["spd version"])
        self.assertEqual(sorted(row[1][0] for row in rows), [1, 2, 3])

    def test_additions_wait_for_datapathd(self):
        datapathd = self.with_datapathd()
        self.admin.put(rule(1))
        self.admin.barrier(kernel_only=False)
        datapathd.answers = False
        self.admin.put(rule(2))
        wait_for("the snapshot", lambda: datapathd.held)
        status = self.admin.status()
        self.assertLess(int(status["kernel version"]), int(status["spd version"]))
        datapathd.answers = True
        datapathd.release()
        self.admin.barrier(kernel_only=False)
        self.admin.loaded()

    def test_removals_do_not(self):
        datapathd = self.with_datapathd()
        self.admin.put(rule(1), rule(2))
        self.admin.barrier(kernel_only=False)
        datapathd.answers = False
        self.admin.delete(rule(1))
        wait_for("the snapshot", lambda: datapathd.held)
        status = self.admin.status()
        self.assertEqual(status["kernel version"], status["spd version"])
        datapathd.release()

    def test_silent_datapathd_the_kernel_goes_on_and_the_barrier_says_why(self):
        datapathd = self.with_datapathd()
        datapathd.answers = False
        self.admin.put(rule(1))
        text = self.refused(errno.EIO, self.admin.barrier, kernel_only=False)
        self.assertIn("datapathd", text)
        status = self.admin.status()
        self.assertEqual(status["kernel version"], status["spd version"])

    def test_returning_datapathd_gets_everything(self):
        datapathd = self.with_datapathd()
        policies = [Policy("out", "10.0.0.1", f"11.0.{n >> 8}.{n & 255}") for n in range(2000)]
        for at in range(0, 2000, 50):
            self.admin.put(*policies[at:at + 50])
        self.admin.barrier(kernel_only=False)
        self.assertEqual(len(datapathd.snapshots[-1][1]), 2000)
        before = len(datapathd.snapshots)
        datapathd.drop_connection()
        wait_for("the snapshot to come again", lambda: len(datapathd.snapshots) > before)
        self.assertEqual([row[1][0] for row in datapathd.snapshots[-1][1]], list(range(1, 2001)))
        self.admin.barrier(kernel_only=False)

    def test_an_impostor_is_not_told(self):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(listener.close)
        listener.bind(os.path.join(self.policyd.run_dir, "datapathd.spd"))
        os.chmod(os.path.join(self.policyd.run_dir, "datapathd.spd"), 0o666)
        listener.listen(4)  # as root, not as datapathd
        self.admin.put(rule(1))
        listener.settimeout(10)
        connection, _ = listener.accept()
        connection.settimeout(10)
        self.assertEqual(connection.recv(70000), b"")
        self.assertEqual(self.admin.status()["datapathd"], "not connected")


if __name__ == "__main__":
    main()
