"""The stage of the door tests: policyd on a router between two wires, traffic, taps, and a device in datapathd's place.

      lan (c) ------ e1  policyd under test, a router (a)  e0 ------ wan (b)
      172.20.0.2    172.20.0.1                      10.0.0.1       10.0.0.2
      fd02::2       fd02::1                          fd00::1       fd00::2

There is no datapathd: whatever is protected must end in nothing.
"""

import errno
import fcntl
import itertools
import os
import socket
import struct
import sys
import threading
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from it_policyd_rig import Netns, Policy, Policyd, connect, wait_for  # noqa: E402

BYPASS = 0x10000000
SO_MARK, SO_BINDTODEVICE = 36, 25
MARKERS = itertools.count(1)


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


class RouterTest(unittest.TestCase):
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
