#!/usr/bin/python3
"""The doors of the leak table, with policyd alone: no datapathd, so whatever is protected must end in nothing.

      lan (c) ------ e1  policyd under test, a router (a)  e0 ------ wan (b)
      172.20.0.2    172.20.0.1                      10.0.0.1       10.0.0.2
      fd02::2       fd02::1                          fd00::1       fd00::2

Every test listens on both wires while traffic runs, and says how many packets with its marker were seen in clear.
"""

import contextlib
import errno
import fcntl
import itertools
import os
import random
import signal
import socket
import struct
import sys
import threading
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from it_policyd_rig import ANY, LONG, Netns, Policy, Policyd, Refused, connect, main, message, wait_for  # noqa: E402

BYPASS = 0x10000000
SO_MARK, SO_BINDTODEVICE, IP_NODEFRAG = 36, 25, 22
MARKERS = itertools.count(1)
ROUNDS = 500 if LONG else 150


def protect_all(level="require"):
    return [Policy("out", "0.0.0.0/0", "10.0.0.0/8", level=level), Policy("in", "10.0.0.0/8", "0.0.0.0/0", level=level),
            Policy("out", "::/0", "fd00::/32", level=level), Policy("in", "fd00::/32", "::/0", level=level)]


class Traffic:
    """UDP from one namespace, without pause, until the block ends; the payload begins with the marker."""

    def __init__(self, ns, address, marker, port=53, size=64, device=None):
        self.marker = marker
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = ns.socket(family, socket.SOCK_DGRAM)
        if device:
            self.socket.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, device.encode())
        self.target, self.payload = (address, port), marker.ljust(size, b".")
        self.stop, self.n, self.errors = threading.Event(), 0, {}

    def run(self):
        while not self.stop.is_set():
            try:
                self.socket.sendto(self.payload, self.target)
            except OSError as problem:
                name = errno.errorcode.get(problem.errno, problem.errno)
                self.errors[name] = self.errors.get(name, 0) + 1
            self.n += 1
            time.sleep(0.0001)

    def __enter__(self):
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        self.socket.close()


class Tun:
    """The device that datapathd would make; what the kernel sends to it can be read."""

    def __init__(self, ns, name="ipsec0"):
        def make():
            fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(fd, 0x400454ca, struct.pack("16sH22x", name.encode(), 0x1001))  # TUNSETIFF, IFF_TUN | IFF_NO_PI
            return fd
        self.fd = ns.inside(make)

    def read(self):
        packets = []
        while True:
            try:
                packets.append(os.read(self.fd, 65536))
            except BlockingIOError:
                return packets

    def write(self, packet):
        os.write(self.fd, packet)

    def close(self):
        os.close(self.fd)


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data + b"\0" * (len(data) % 2) if len(data) % 2 == 0 else data[:-1]))
    if len(data) % 2:
        total += data[-1] << 8
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv4(src, dst, proto, body, identification=1, offset=0, more=False):
    fragment = (0x2000 if more else 0) | offset // 8
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), identification, fragment, 64, proto, 0, socket.inet_aton(src),
                       socket.inet_aton(dst))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def udp(sport, dport, body):
    return struct.pack("!HHHH", sport, dport, 8 + len(body), 0) + body


def syn(mss):
    return struct.pack("!HHIIBBHHHBBH", 1000, 80, 1, 0, 0x60, 2, 1000, 0, 0, 2, 4, mss)


class KernelTest(unittest.TestCase):
    def setUp(self):
        self.a, self.b, self.c = Netns(), Netns(), Netns()
        for ns in (self.a, self.b, self.c):
            self.addCleanup(ns.close)
        connect(self.a, "e0", self.b, "e0")
        connect(self.a, "e1", self.c, "e0")
        for ns, device, v4, v6 in ((self.a, "e0", "10.0.0.1", "fd00::1"), (self.b, "e0", "10.0.0.2", "fd00::2"),
                                   (self.a, "e1", "172.20.0.1", "fd02::1"), (self.c, "e0", "172.20.0.2", "fd02::2")):
            ns.run("ip", "addr", "add", f"{v4}/24", "dev", device)
            ns.run("ip", "addr", "add", f"{v6}/64", "dev", device, "nodad")
        for ns, v4, v6 in ((self.b, "10.0.0.1", "fd00::1"), (self.c, "172.20.0.1", "fd02::1")):
            ns.run("ip", "route", "add", "default", "via", v4)
            ns.run("ip", "route", "add", "default", "via", v6)
        self.a.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.conf.all.rp_filter=1",
                   "net.ipv4.conf.e0.rp_filter=1", "net.ipv4.conf.e1.rp_filter=1", "net.ipv4.icmp_ratelimit=0")
        self.marker = f"<{os.getpid()}-{next(MARKERS)}>".encode()
        self.wan, self.lan = self.b.sniff("e0"), self.c.sniff("e0")
        self.addCleanup(self.wan.close)
        self.addCleanup(self.lan.close)
        self.policyd = Policyd(self.a)
        self.addCleanup(self.policyd.close)
        self.admin = self.policyd.start()
        self.addCleanup(lambda: self._outcome.success or print(self.policyd.log_text(), file=sys.stderr))

    def load(self, *policies):
        self.admin.put(*policies)
        self.admin.loaded()

    def reload(self, policies):
        """Everything replaced in one transaction."""
        self.admin.call("TXN_BEGIN")
        self.admin.flush()
        self.admin.put(*policies)
        self.admin.call("TXN_COMMIT")

    def fence(self, wire):
        """A packet that may pass, behind all others: when it has been seen, so has everything that was sent before."""
        mark = f"fence {next(MARKERS)} ".encode()
        with self.a.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.setsockopt(socket.SOL_SOCKET, SO_MARK, struct.pack("I", BYPASS))
            s.sendto(mark, ("10.0.0.2" if wire is self.wan else "172.20.0.2", 99))
        wait_for("the fence", lambda: wire.seen(mark))

    def assert_no_clear(self, wire=None):
        wire = wire or self.wan
        self.fence(wire)
        seen = wire.seen(self.marker)
        self.assertEqual(len(seen), 0, f"in clear: {seen[:3]}")
        self.assertEqual(wire.lost(), 0, "the tap lost frames")

    def wait_sent(self, traffic, n=100):
        start = traffic.n
        wait_for("traffic", lambda: traffic.n > start + n)

    def rules(self, family="-4"):
        return self.a.run("ip", family, "rule", "list")

    def stat(self, name):
        return self.admin.stats()[name]

    # -- locally made

    def test_clear_before_unreachable_after(self):
        for target in ("10.0.0.2", "fd00::2"):
            with Traffic(self.a, target, self.marker):
                wait_for(f"clear traffic to {target}", lambda: self.wan.seen(self.marker))
            self.wan.frames.clear()
        self.load(*protect_all())
        self.wan.read()
        self.wan.frames.clear()
        for target in ("10.0.0.2", "fd00::2"):
            with Traffic(self.a, target, self.marker) as traffic:
                self.wait_sent(traffic)
            self.assertEqual(set(traffic.errors), {"EHOSTUNREACH"})
        self.assert_no_clear()

    def test_use_without_datapathd_is_not_clear(self):
        self.load(*protect_all("use"))
        with Traffic(self.a, "10.0.0.2", self.marker) as traffic:
            self.wait_sent(traffic)
        self.assert_no_clear()

    def test_bound_to_a_device_is_not_clear(self):
        self.load(*protect_all())
        for target in ("10.0.0.2", "fd00::2"):
            with Traffic(self.a, target, self.marker, device="e0") as traffic:
                self.wait_sent(traffic)
        self.assert_no_clear()

    def test_bypass_mark_passes_own_marks_do_not(self):
        self.load(*protect_all())
        with self.a.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for mark in (0x20000000, 0x30000000, 0x40000000, 0x50000000, 0xf0000000, 0x0fffffff):
                s.setsockopt(socket.SOL_SOCKET, SO_MARK, struct.pack("I", mark))
                with contextlib.suppress(OSError):
                    s.sendto(self.marker, ("10.0.0.2", 53))
            self.assert_no_clear()
            s.setsockopt(socket.SOL_SOCKET, SO_MARK, struct.pack("I", BYPASS))
            s.sendto(self.marker, ("10.0.0.2", 53))
        wait_for("the bypassing packet", lambda: self.wan.seen(self.marker))

    def test_marks_overwritten_by_others_are_not_clear(self):
        self.load(*protect_all())
        self.a.run("nft", "add table inet other; add chain inet other o { type route hook output priority mangle; };"
                   "add rule inet other o meta mark set 0x1; add chain inet other p { type filter hook prerouting priority mangle; };"
                   "add rule inet other p meta mark set 0x1")
        with Traffic(self.a, "10.0.0.2", self.marker) as local, Traffic(self.c, "10.0.0.2", self.marker) as routed:
            self.wait_sent(local)
            self.wait_sent(routed)
        self.a.run("nft", "delete table inet other")
        self.assert_no_clear()
        self.assertGreater(self.stat("drop.guard"), 150)

    # -- what others break

    def break_while_stopped(self, script):
        """policyd cannot repair; the guard alone holds. Then it may."""
        self.load(*protect_all())
        os.kill(self.policyd.process.pid, signal.SIGSTOP)
        for target in ("10.0.0.2", "fd00::2"):
            with Traffic(self.a, target, self.marker) as traffic:
                self.wait_sent(traffic)
                self.a.sh(script)
                self.wait_sent(traffic)
        with Traffic(self.c, "10.0.0.2", self.marker) as traffic:
            self.wait_sent(traffic)
        os.kill(self.policyd.process.pid, signal.SIGCONT)
        wait_for("the repair", lambda: int(self.admin.status()["repairs"]) > 0)
        self.assert_no_clear()
        self.assertGreater(self.stat("drop.guard"), 50)
        self.assertGreater(self.stat("ip6.drop.guard"), 50)

    def test_rules_removed_guard_holds_and_they_come_back(self):
        before = self.rules()
        self.break_while_stopped("for p in 98 99 100 101; do ip rule del pref $p 2>/dev/null || :; ip -6 rule del pref $p 2>/dev/null || :; done")
        self.assertNotEqual(self.rules(), before)
        for family in ("-4", "-6"):
            for preference in ("98:", "99:", "100:", "101:", "32800:"):
                self.assertIn(preference, self.rules(family))

    def test_table_emptied_guard_holds_and_routes_come_back(self):
        self.break_while_stopped("ip route flush table 4500; ip -6 route del unreachable default metric 4294967295 table 4500 || :")
        self.assertIn("unreachable default", self.a.run("ip", "route", "show", "table", "4500"))
        self.assertIn("unreachable default", self.a.run("ip", "-6", "route", "show", "table", "4500"))

    def test_table_deleted_comes_back_at_once(self):
        self.load(*protect_all())
        for breakage in ("delete table inet postern", "flush ruleset", "flush table inet postern", "flush chain inet postern v_mark",
                         "flush chain inet postern output", "delete table inet postern; add table inet postern; "
                         "add chain inet postern output { type filter hook output priority 0; }"):
            repairs = int(self.admin.status()["repairs"])
            self.a.run("nft", breakage)
            wait_for(f"the repair after {breakage}", lambda: int(self.admin.status()["repairs"]) > repairs)
            self.wan.read()
            self.wan.frames.clear()
            with Traffic(self.a, "10.0.0.2", self.marker) as traffic:
                self.wait_sent(traffic)
            self.assertEqual(set(traffic.errors), {"EHOSTUNREACH"}, breakage)
            self.assert_no_clear()

    def test_own_commits_are_no_repairs(self):
        for i in range(30):
            self.load(Policy("out", "10.0.0.1", f"10.9.0.{i}"))
        # A real one is counted behind all events that came before it: once, and not thirty times.
        self.a.run("nft", "flush chain inet postern v_mark")
        wait_for("a repair", lambda: self.admin.status()["repairs"] != "0")
        self.assertEqual(self.admin.status()["repairs"], "1")

    # -- reloading

    def test_reload_storm_no_packet_in_clear(self):
        rng = random.Random(7)
        base = protect_all()
        self.load(*base)
        self.wan.read()
        self.wan.frames.clear()
        with Traffic(self.a, "10.0.0.2", self.marker) as local, Traffic(self.c, "10.0.0.2", self.marker) as routed, \
                Traffic(self.a, "fd00::2", self.marker) as six:
            for i in range(ROUNDS):
                extra = [Policy("out", "10.0.0.1", f"10.{rng.randrange(3, 9)}.0.{n}", 6, dport=80, action="none") for n in range(i % 20)]
                order = extra + base if i % 2 else base + extra
                if i % 7 == 0:
                    order = [Policy("out", "10.0.0.1", "10.0.0.2", 17, dport=53), *order]
                self.reload(order)
                self.admin.loaded()
                self.wan.read()
        self.assert_no_clear()
        self.assertGreater(min(local.n, routed.n, six.n), ROUNDS)

    def test_update_storm_no_packet_in_clear(self):
        self.load(*protect_all())
        self.wan.read()
        self.wan.frames.clear()
        with Traffic(self.a, "10.0.0.2", self.marker):
            for i in range(ROUNDS):
                policy = protect_all("require" if i % 3 else "unique")[0]
                self.admin.put(policy, update=True)
                if i % 5 == 0:
                    self.admin.loaded()
                self.wan.read()
            self.admin.loaded()
        self.assert_no_clear()

    def test_flush_and_load_clear_only_in_between(self):
        self.load(*protect_all())
        self.wan.read()
        self.wan.frames.clear()
        with Traffic(self.a, "10.0.0.2", self.marker) as traffic:
            for _ in range(10):
                self.wait_sent(traffic, 20)
                self.assert_no_clear()
                self.admin.flush()
                self.admin.loaded()
                wait_for("clear traffic after the flush", lambda: self.wan.seen(self.marker))
                self.load(*protect_all())
                self.wait_sent(traffic, 20)
                self.wan.read()
                self.wan.frames.clear()
        self.assert_no_clear()

    def test_old_generations_do_not_pile_up(self):
        self.load(*protect_all())
        for _ in range(20):
            self.reload(protect_all())
            self.admin.loaded()
        wait_for("one generation to be left", lambda: self.a.run("nft", "list table inet postern").count("chain gen_") == 1)

    # -- policyd's own life

    def test_killed_and_started_again_no_packet_in_clear(self):
        self.load(*protect_all())
        self.wan.read()
        self.wan.frames.clear()
        with Traffic(self.a, "10.0.0.2", self.marker) as traffic, Traffic(self.c, "10.0.0.2", self.marker):
            for _ in range(10):
                self.wait_sent(traffic, 20)
                self.policyd.kill()
                self.wait_sent(traffic, 20)
                self.admin = self.policyd.start()
                self.admin.loaded()
        self.assert_no_clear()
        self.assertEqual(len(self.admin.dump()), 4)
        with self.assertRaises(Refused) as refused:
            self.admin.put(protect_all()[0])
        self.assertEqual((refused.exception.code, refused.exception.text), (errno.EEXIST, "File exists"))
        wait_for("one generation to be left", lambda: self.a.run("nft", "list table inet postern").count("chain gen_") == 1)

    def test_killed_in_the_middle_of_loading_no_packet_in_clear(self):
        self.load(*protect_all())
        self.wan.read()
        self.wan.frames.clear()
        rng = random.Random(3)
        with Traffic(self.a, "10.0.0.2", self.marker):
            for i in range(20):
                self.reload(protect_all() + [Policy("out", "10.0.0.1", f"10.7.{n >> 8}.{n & 255}") for n in range(300 + i)])
                time.sleep(rng.random() * 0.02)
                self.policyd.kill()
                self.admin = self.policyd.start()
        self.admin.loaded()
        self.assert_no_clear()

    def test_withdraw_removes_everything_and_leaves_replaceable_entries(self):
        self.load(*protect_all())
        self.policyd.kill(signal.SIGTERM)
        with Traffic(self.a, "10.0.0.2", self.marker) as traffic:
            self.wait_sent(traffic)
        self.assert_no_clear()  # stopping alone opens nothing
        self.policyd.withdraw()
        self.assertEqual(self.a.run("nft", "list", "ruleset"), "")
        for family in ("-4", "-6"):
            self.assertNotIn("4500", self.rules(family))
            self.assertNotIn("unreachable", self.a.run("ip", family, "route", "show", "table", "all"))
        self.policyd.withdraw()  # nothing left to do is no error
        self.admin = self.policyd.start()
        self.admin.loaded()
        self.assertEqual(len(self.admin.dump()), 4)
        self.load(*protect_all())  # no "File exists": they were left behind
        self.assertEqual(len(self.admin.dump()), 4)

    def test_switch_off_and_on_is_kept(self):
        self.load(*protect_all())
        with contextlib.suppress(Refused):  # no datapathd to take it over
            self.admin.call("ENABLE_SET", b"")
        self.admin.loaded()
        with Traffic(self.a, "10.0.0.2", self.marker):
            wait_for("clear traffic", lambda: self.wan.seen(self.marker))
        self.assertNotIn("4500", self.rules())
        self.policyd.kill()
        self.admin = self.policyd.start()
        self.admin.loaded()
        self.assertEqual(self.admin.status()["enabled"], "no")
        self.assertEqual(len(self.admin.dump()), 4)
        with contextlib.suppress(Refused):
            self.admin.call("ENABLE_SET", b"\x08\x01")
        self.admin.loaded()
        self.wan.read()
        self.wan.frames.clear()
        with Traffic(self.a, "10.0.0.2", self.marker) as traffic:
            self.wait_sent(traffic)
        self.assert_no_clear()

    def test_empty_spd_makes_no_table(self):
        self.admin.loaded()
        self.assertEqual(self.a.run("nft", "list", "ruleset"), "")
        self.assertNotIn("4500", self.rules())

    def test_unreadable_snapshot_keeps_what_the_kernel_has(self):
        self.load(*protect_all())
        self.policyd.kill()
        self.damage_snapshot()
        for _ in range(2):  # the second start must not take what the first one left for "there was no file"
            self.admin = self.policyd.start()
            self.assertIn("cannot use", self.policyd.log_text())
            status = self.admin.status()
            self.assertIn("LOST", status["state"])
            self.assertIn("keeps the rules", status["not restored"])
            for kind, body in (("BARRIER", b""), ("ENABLE_SET", message(f1=True)), ("TXN_BEGIN", b""), ("TXN_ABORT", b"")):
                try:
                    self.admin.call(kind, body)
                    self.assertIn("TXN", kind)
                except Refused as refusal:
                    self.assertIn("load your configuration again", refusal.text)
            with Traffic(self.a, "10.0.0.2", self.marker) as traffic:
                self.wait_sent(traffic)
            self.assert_no_clear()
            self.policyd.kill()
        self.admin = self.policyd.start()
        with Traffic(self.a, "10.0.0.2", self.marker) as traffic:
            self.load(*protect_all())
            self.wait_sent(traffic)
        self.assert_no_clear()
        self.assertNotIn("not restored", self.admin.status())
        self.assertTrue(os.path.exists(os.path.join(self.policyd.state_dir, "policyd", "spd.snapshot.damaged")))

    def damage_snapshot(self):
        with open(os.path.join(self.policyd.state_dir, "policyd", "spd.snapshot"), "r+b") as snapshot:
            snapshot.seek(50)
            snapshot.write(b"\xff" * 40)

    def test_unreadable_snapshot_at_boot_is_said(self):
        self.load(*protect_all())
        self.policyd.kill()
        self.policyd.withdraw()
        self.damage_snapshot()
        self.admin = self.policyd.start()
        self.assertIn("NOTHING IS PROTECTED", self.admin.status()["state"])
        self.load(*protect_all())
        with Traffic(self.a, "10.0.0.2", self.marker) as traffic:
            self.wait_sent(traffic)
        self.assert_no_clear()
        self.assertNotIn("LOST", self.admin.status()["state"])

    # -- ports, fragments, short packets

    def port_policies(self):
        return [Policy("out", "0.0.0.0/0", "10.0.0.0/8", 17, dport=53), Policy("in", "10.0.0.0/8", "0.0.0.0/0", 17, dport=53),
                Policy("out", "::/0", "fd00::/32", 17, dport=53)]

    def test_fragments_under_a_port_policy(self):
        self.load(*self.port_policies())
        for ns, target in ((self.a, "10.0.0.2"), (self.c, "10.0.0.2"), (self.a, "fd00::2"), (self.c, "fd00::2")):
            # Two fragments, each with the marker.
            with Traffic(ns, target, self.marker * 600, size=6000) as traffic:
                self.wait_sent(traffic, 50)
        self.assert_no_clear()
        with Traffic(self.c, "10.0.0.2", self.marker * 600, port=54, size=6000):
            wait_for("fragments of another port", lambda: self.wan.seen(self.marker))

    def test_fragments_that_evade_reassembly(self):
        self.load(*self.port_policies())
        whole = udp(1000, 53, self.marker * 300)
        for ns, source in ((self.a, "10.0.0.1"), (self.c, "172.20.0.2")):
            with ns.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
                s.setsockopt(socket.IPPROTO_IP, IP_NODEFRAG, 1)
                for identification in range(1, 50):
                    for start in (0, 1400, 2800):
                        piece = ipv4(source, "10.0.0.2", 17, whole[start:start + 1400], identification, start, start < 2800)
                        with contextlib.suppress(OSError):
                            s.sendto(piece, ("10.0.0.2", 0))
        self.assert_no_clear()

    def test_packets_too_short_for_ports(self):
        self.load(*self.port_policies(), Policy("out", "0.0.0.0/0", "10.0.0.0/8", 1, sport=8, misc=True))
        for ns, source in ((self.a, "10.0.0.1"), (self.c, "172.20.0.2")):
            with ns.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
                for proto in (17, 1):
                    for size in range(4):
                        with contextlib.suppress(OSError):
                            s.sendto(ipv4(source, "10.0.0.2", proto, b"\0" * size), ("10.0.0.2", 0))
        self.fence(self.wan)
        short = [frame for frame in self.wan.read() if frame.family == 4 and frame.proto in (1, 17) and len(frame.payload.strip(b"\0")) == 0]
        self.assertEqual(short, [])

    # -- inbound and forwarded

    def test_inbound_clear_is_dropped_and_counted(self):
        self.load(*protect_all())
        for source, target, counter in (("10.0.0.2", "10.0.0.1", "in_polvio"), ("fd00::2", "fd00::1", "ip6.in_polvio")):
            family = socket.AF_INET6 if ":" in target else socket.AF_INET
            with self.a.socket(family, socket.SOCK_DGRAM) as receiver, self.b.socket(family, socket.SOCK_DGRAM) as sender:
                receiver.bind((target, 5000))
                receiver.setblocking(False)
                before = self.stat(counter)
                for _ in range(20):
                    sender.sendto(self.marker, (target, 5000))
                wait_for("the packets to be counted", lambda: self.stat(counter) == before + 20)
                with self.assertRaises(BlockingIOError):
                    receiver.recv(100)

    def test_inbound_use_is_accepted(self):
        self.load(*protect_all("use"))
        with self.a.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver, self.b.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            receiver.bind(("10.0.0.1", 5000))
            receiver.settimeout(10)
            sender.sendto(self.marker, ("10.0.0.1", 5000))
            self.assertEqual(receiver.recv(100), self.marker)

    def test_forwarded_to_protected_network(self):
        for target in ("10.0.0.2", "fd00::2"):
            with Traffic(self.c, target, self.marker):
                wait_for("forwarded clear traffic", lambda: self.wan.seen(self.marker))
            self.wan.frames.clear()
        self.load(Policy("out", "172.20.0.0/24", "10.0.0.0/24", tunnel=("10.0.0.1", "10.0.0.2")),
                  Policy("out", "fd02::/64", "fd00::/64", tunnel=("fd00::1", "fd00::2")))
        self.fence(self.wan)  # behind what was under way when the rules changed
        self.wan.frames.clear()
        for target in ("10.0.0.2", "fd00::2"):
            with Traffic(self.c, target, self.marker) as traffic:
                self.wait_sent(traffic)
        self.assert_no_clear()
        self.assertTrue([frame for frame in self.lan.read() if frame.family == 4 and frame.proto == 1], "no ICMP for the sender")

    def test_forwarded_from_outside_checked_by_in_and_fwd(self):
        for direction, action in (("in", "ipsec"), ("in", "discard"), ("fwd", "ipsec"), ("fwd", "discard")):
            self.reload([Policy(direction, "10.0.0.0/24", "172.20.0.0/24", action=action)])
            self.admin.loaded()
            before = self.stat("in_polvio")
            with Traffic(self.b, "172.20.0.2", self.marker) as traffic:
                self.wait_sent(traffic)
            wait_for("packets to be counted", lambda: self.stat("in_polvio") >= before + 100)
            self.assert_no_clear(self.lan)
            if direction == "fwd":  # says nothing about what is for the host itself
                self.assertIn("1 received", self.b.run("ping", "-c", "1", "-W", "5", "172.20.0.1"))
        self.reload([Policy("fwd", "10.0.0.0/24", "172.20.0.0/24", action="none"), Policy("in", "10.0.0.0/24", "172.20.0.0/24")])
        self.admin.loaded()
        with Traffic(self.b, "172.20.0.2", self.marker) as traffic:
            self.wait_sent(traffic)
        self.assert_no_clear(self.lan)

    def test_discard_is_counted(self):
        self.load(Policy("out", "10.0.0.1", "10.0.0.2", action="discard"))
        with Traffic(self.a, "10.0.0.2", self.marker) as traffic:
            self.wait_sent(traffic)
        self.assertEqual(set(traffic.errors), {"EPERM"})
        self.assertGreaterEqual(self.stat("out_polvio"), 100)
        self.assert_no_clear()
        counted = self.stat("out_polvio")
        self.reload([Policy("out", "10.0.0.1", "10.0.0.2", action="discard")])
        self.admin.loaded()
        self.assertGreaterEqual(self.stat("out_polvio"), counted)  # reloading forgets no counter

    # -- address translation

    def test_translated_into_a_policy_is_stopped_by_the_guard(self):
        self.load(Policy("out", "10.0.0.1", "10.0.0.2"))
        self.a.run("nft", "add table ip nat; add chain ip nat post { type nat hook postrouting priority srcnat; };"
                   "add rule ip nat post oifname e0 masquerade")
        with Traffic(self.c, "10.0.0.2", self.marker) as traffic:
            self.wait_sent(traffic)
        self.assert_no_clear()
        self.assertGreater(self.stat("drop.guard"), 50)

    def test_redirected_into_a_policy_is_stopped_by_the_guard(self):
        self.load(Policy("out", "172.20.0.0/24", "10.0.0.2"))
        self.a.run("nft", "add table ip nat; add chain ip nat pre { type nat hook prerouting priority dstnat; };"
                   "add rule ip nat pre udp dport 53 dnat to 10.0.0.2")
        with Traffic(self.c, "172.20.0.1", self.marker) as traffic:
            self.wait_sent(traffic)
        self.assert_no_clear()
        self.assertGreater(self.stat("drop.guard"), 50)

    # -- what must go on working

    def test_exempt_traffic_under_policies_for_everything(self):
        self.load(Policy("out", "0.0.0.0/0", "0.0.0.0/0"), Policy("in", "0.0.0.0/0", "0.0.0.0/0"), Policy("out", "::/0", "::/0"),
                  Policy("in", "::/0", "::/0"))
        for ns in (self.a, self.b):
            ns.run("ip", "-6", "neigh", "flush", "all")
        self.assertIn("1 received", self.a.run("ping", "-c", "1", "-W", "5", "127.0.0.1"))
        self.assertIn("1 received", self.a.run("ping", "-6", "-c", "1", "-W", "5", "::1"))
        link_local = self.b.run("ip", "-6", "-br", "addr", "show", "dev", "e0", "scope", "link").split()[2].split("/")[0]
        self.assertIn("1 received", self.a.run("ping", "-6", "-c", "1", "-W", "5", f"{link_local}%e0"))
        # IKE for this host gets in, other UDP does not.
        with self.a.socket(socket.AF_INET, socket.SOCK_DGRAM) as ike, self.b.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            ike.bind(("10.0.0.1", 500))
            ike.settimeout(10)
            peer.sendto(self.marker, ("10.0.0.1", 500))
            self.assertEqual(ike.recv(100), self.marker)
        # A neighbour asks for the global address, and is answered.
        with self.b.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
            s.sendto(b"?", ("fd00::1", 9))
        wait_for("neighbour discovery", lambda: "REACHABLE" in self.b.run("ip", "-6", "neigh", "show", "fd00::1") or
                 "lladdr" in self.b.run("ip", "-6", "neigh", "show", "fd00::1"))

    def test_named_traffic_is_not_exempt(self):
        self.load(Policy("in", "10.0.0.0/8", "10.0.0.0/8", 17, dport=500))
        before = self.stat("in_polvio")
        with self.b.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.sendto(self.marker, ("10.0.0.1", 500))
        wait_for("the packet to be refused", lambda: self.stat("in_polvio") == before + 1)

    # -- the device

    def test_device_gets_everything_and_comes_back(self):
        self.load(*protect_all())
        for _ in range(2):
            tun = Tun(self.a)
            wait_for("the device to be configured", lambda: "default dev ipsec0" in self.a.run("ip", "route", "show", "table", "4500") and
                     "default dev ipsec0" in self.a.run("ip", "-6", "route", "show", "table", "4500"))
            self.assertIn("mtu 1400", self.a.run("ip", "link", "show", "ipsec0"))
            self.assertEqual(self.a.run("sysctl", "-n", "net.ipv4.conf.ipsec0.src_valid_mark").strip(), "1")
            for ns, target in ((self.a, "10.0.0.2"), (self.a, "fd00::2"), (self.c, "10.0.0.2"), (self.c, "fd00::2")):
                with Traffic(ns, target, self.marker):
                    wait_for(f"packets to {target} at the device", lambda: any(self.marker in packet for packet in tun.read()))
            self.assert_no_clear()
            tun.close()
            wait_for("the device to be missed", lambda: "not there" in self.admin.status()["device"])
            with Traffic(self.a, "10.0.0.2", self.marker) as traffic:
                self.wait_sent(traffic)
            self.assertEqual(set(traffic.errors), {"EHOSTUNREACH"})
            self.assert_no_clear()

    def with_device(self, *policies):
        self.load(*policies)
        tun = Tun(self.a)
        self.addCleanup(tun.close)
        wait_for("the device to be configured", lambda: "default dev ipsec0" in self.a.run("ip", "route", "show", "table", "4500"))
        return tun

    def test_what_comes_out_of_the_device_is_delivered_under_strict_rp_filter(self):
        tun = self.with_device(*protect_all())
        with self.a.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
            receiver.bind(("10.0.0.1", 5000))
            receiver.settimeout(10)
            tun.write(ipv4("10.0.0.2", "10.0.0.1", 17, udp(1, 5000, self.marker)))
            self.assertEqual(receiver.recv(100), self.marker)
        self.assertEqual(self.stat("in_polvio"), 0)

    def test_what_comes_out_of_the_device_is_forwarded_or_goes_in_again(self):
        tun = self.with_device(Policy("out", "172.20.0.0/24", "10.0.0.0/24"), Policy("in", "10.0.0.0/24", "172.20.0.0/24"),
                               Policy("out", "10.0.0.0/24", "10.9.0.0/24"), Policy("in", "10.0.0.0/24", "10.9.0.0/24"),
                               Policy("out", "10.0.0.0/24", "10.8.0.0/24", action="discard"))
        self.a.run("ip", "route", "add", "10.9.0.0/24", "via", "10.0.0.2")
        self.a.run("ip", "route", "add", "10.8.0.0/24", "via", "10.0.0.2")
        tun.write(ipv4("10.0.0.2", "172.20.0.2", 17, udp(1, 2, self.marker)))
        wait_for("the packet on the inner wire", lambda: self.lan.seen(self.marker))
        tun.read()
        tun.write(ipv4("10.0.0.2", "10.9.0.7", 17, udp(1, 2, self.marker)))  # the router would redirect, quoting it
        wait_for("the packet in the device again", lambda: any(self.marker in packet for packet in tun.read()))
        discarded = self.stat("out_polvio")
        tun.write(ipv4("10.0.0.2", "10.8.0.7", 17, udp(1, 2, self.marker)))
        wait_for("the packet to be discarded", lambda: self.stat("out_polvio") == discarded + 1)
        self.assert_no_clear()

    def test_errors_about_what_came_out_of_the_device_are_not_clear(self):
        """An ICMP error quotes its packet: about a decrypted one it must not go out in clear, about others it must."""
        tun = self.with_device(Policy("out", "172.20.0.0/24", "10.0.0.0/24"), Policy("in", "10.0.0.0/24", "172.20.0.0/24"),
                               Policy("in", "fd00::/64", "fd02::/64"))
        expired = ipv4("10.0.0.2", "172.20.0.2", 17, udp(1, 2, self.marker))
        expired = expired[:8] + b"\1" + expired[9:10] + b"\0\0" + expired[12:]
        expired = expired[:10] + struct.pack("!H", checksum(expired[:20])) + expired[12:]
        guard = self.stat("drop.guard")
        tun.write(expired)
        wait_for("the error to be stopped", lambda: self.stat("drop.guard") == guard + 1)
        guard = self.stat("ip6.drop.guard")
        tun.write(struct.pack("!IHBB", 6 << 28, 8 + len(self.marker), 17, 1) + socket.inet_pton(socket.AF_INET6, "fd00::2") +
                  socket.inet_pton(socket.AF_INET6, "fd02::2") + udp(1, 2, self.marker))
        wait_for("the error to be stopped", lambda: self.stat("ip6.drop.guard") == guard + 1)
        self.assert_no_clear()
        with self.b.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:  # clear, to a port that nobody serves
            s.sendto(self.marker, ("10.0.0.1", 7))
        wait_for("the error about a clear packet", lambda: [f for f in self.wan.seen(self.marker) if f.proto == 1])

    def test_hairpin_without_routes_is_not_clear(self):
        tun = self.with_device(Policy("out", "10.0.0.0/24", "10.9.0.0/24"))
        self.a.run("ip", "route", "add", "10.9.0.0/24", "via", "10.0.0.2")
        os.kill(self.policyd.process.pid, signal.SIGSTOP)
        self.a.run("ip", "rule", "del", "pref", "98")
        self.a.run("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.ipsec0.rp_filter=0")
        for _ in range(50):
            tun.write(ipv4("10.0.0.2", "10.9.0.7", 17, udp(1, 2, self.marker)))
        self.fence(self.wan)
        os.kill(self.policyd.process.pid, signal.SIGCONT)
        self.assert_no_clear()
        self.assertEqual(self.stat("drop.guard"), 50)

    def test_segment_size_is_clamped_both_ways(self):
        tun = self.with_device(*protect_all())
        with self.c.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
            s.sendto(ipv4("172.20.0.2", "10.0.0.2", 6, syn(1460)), ("10.0.0.2", 0))
        seen = []
        wait_for("the SYN", lambda: seen.extend(packet for packet in tun.read() if packet[9] == 6) or seen)
        self.assertEqual(struct.unpack("!H", seen[0][-2:])[0], 1360)
        tun.write(ipv4("10.0.0.2", "172.20.0.2", 6, syn(1460)))
        wait_for("the SYN", lambda: [f for f in self.lan.read() if f.proto == 6 and f.dst == "172.20.0.2"])
        forwarded = [f for f in self.lan.frames if f.proto == 6 and f.dst == "172.20.0.2"][0]
        self.assertEqual(struct.unpack("!H", forwarded.payload[22:24])[0], 1360)

    def test_tunnel_to_a_network_without_a_route(self):
        self.a.run("ip", "route", "flush", "table", "main", "scope", "global", check=False)
        tun = self.with_device(Policy("out", "10.0.0.1", "172.16.0.0/16", tunnel=("10.0.0.1", "10.0.0.2")),
                               Policy("out", "172.20.0.0/24", "172.17.0.0/16", tunnel=("10.0.0.1", "10.0.0.2")))
        wait_for("the route", lambda: "172.16.0.0/16 dev ipsec0" in self.a.run("ip", "route", "show", "table", "4501"))
        routes = self.a.run("ip", "route", "show", "table", "4501")
        self.assertIn("172.16.0.0/16 dev ipsec0 proto kernel scope link src 10.0.0.1", routes)
        self.assertIn("172.17.0.0/16 dev ipsec0 proto kernel scope link src 172.20.0.1", routes)
        with Traffic(self.a, "172.16.0.9", self.marker):
            wait_for("packets at the device", lambda: any(self.marker in packet for packet in tun.read()))
        self.reload([Policy("out", "10.0.0.1", "172.16.0.0/16", tunnel=("10.0.0.1", "10.0.0.2"))])
        self.admin.loaded()
        self.assertNotIn("172.17", self.a.run("ip", "route", "show", "table", "4501"))

    def test_a_device_of_that_name_that_is_no_tun_gets_nothing(self):
        self.load(*protect_all())
        self.a.sh("ip link add ipsec0 type veth peer name other; ip link set ipsec0 up; ip addr add 10.0.0.9/32 dev ipsec0")
        wait_for("a word about it", lambda: "is no TUN device" in self.policyd.log_text())
        self.assertNotIn("dev ipsec0", self.a.run("ip", "route", "show", "table", "4500"))

    def test_host_without_ipv6(self):
        self.policyd.kill()
        self.a.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
        self.admin = self.policyd.start()
        tun = self.with_device(*protect_all())
        with Traffic(self.a, "10.0.0.2", self.marker):
            wait_for("packets at the device", lambda: any(self.marker in packet for packet in tun.read()))
        self.assert_no_clear()


if __name__ == "__main__":
    main()
