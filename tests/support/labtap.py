"""Sniffers on the lab's segment: AF_PACKET sockets in the switch's namespace, filtered in the kernel.

The filter is compiled by tcpdump and attached before the socket is bound, so that a tap sees only what it asks for,
from its first packet on, and keeps up under load.
"""

import collections
import ctypes
import select
import socket
import struct
import subprocess
import threading
import time

import labtest  # noqa: F401 (sets the path to labkit)
from labkit.net import call_in_namespace

SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP, PACKET_STATISTICS, PACKET_IGNORE_OUTGOING = 1, 6, 23
PACKET_MR_PROMISC = 1
SO_ATTACH_FILTER, SO_RCVBUFFORCE = 26, 33
ETH_P_ALL = 3

Esp = collections.namedtuple("Esp", "source target spi sequence")


def _compile(expression, snap):
    text = subprocess.run(["tcpdump", "-ddd", "-y", "EN10MB", "-s", str(snap), expression], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True).stdout
    rows = [tuple(map(int, line.split())) for line in text.splitlines()[1:]]
    return b"".join(struct.pack("=HBBI", *row) for row in rows), len(rows)


def _attach(sock, expression, snap):
    code, length = _compile(expression, snap)
    buffer = ctypes.create_string_buffer(code)
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", length, ctypes.addressof(buffer)))


class Tap:
    """Collects the packets on a segment (or at a host's port) that match a tcpdump expression, from now until stop()."""

    def __init__(self, lab, expression, target=None, snap=65535, keep=200000):
        self.expression = expression
        self.packets = collections.deque(maxlen=keep)
        self.count = self.octets = 0
        device = lab.tap(target)

        def make():
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            _attach(sock, expression, snap)
            sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
            sock.bind((device, ETH_P_ALL))
            index = socket.if_nametoindex(device)
            sock.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, struct.pack("iHH8s", index, PACKET_MR_PROMISC, 0, b""))
            sock.setblocking(False)
            return sock

        self.sock = call_in_namespace(lab.keeper_pid(), make)
        self._wake_read, self._wake_write = socket.socketpair()
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    def _drain(self):
        while True:
            try:
                packet = self.sock.recv(70000)
            except BlockingIOError:
                return
            self.count += 1
            self.octets += len(packet)
            self.packets.append((time.monotonic(), packet))

    def _collect(self):
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        while not any(fd == self._wake_read.fileno() for fd, _ in poll.poll()):
            self._drain()
        self._drain()

    def stop(self):
        """Everything seen until now; fails if the kernel had to drop any of it unseen."""
        if self._thread.is_alive():
            self._wake_write.send(b"x")
            self._thread.join()
            seen, dropped = struct.unpack("II", self.sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
            self.sock.close()
            self._wake_read.close()
            self._wake_write.close()
            if dropped:
                raise AssertionError(f"the tap '{self.expression}' lost {dropped} of {seen} packets: less load, please")
        return [packet for _, packet in self.packets]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def address(raw):
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)


def ip_fields(frame):
    """(source, target, protocol, payload) of an IPv4 frame; protocol None for anything else."""
    if len(frame) < 34 or frame[12:14] != b"\x08\x00":
        return None, None, None, b""
    header = (frame[14] & 15) * 4
    total = struct.unpack_from("!H", frame, 16)[0]
    return address(frame[26:30]), address(frame[30:34]), frame[23], frame[14 + header:14 + total]


def esp_fields(frame):
    """The ESP header of an IPv4 frame, or None."""
    source, target, protocol, payload = ip_fields(frame)
    if protocol != 50 or len(payload) < 8:
        return None
    return Esp(source, target, *struct.unpack_from("!II", payload))


def esp_of(frames):
    return [esp for frame in frames if (esp := esp_fields(frame))]


def clear_between(one, other, what=""):
    """The expression for packets between two addresses that carry neither ESP nor AH; `what` narrows it."""
    extra = f" and ({what})" if what else ""
    return f"ip and host {one} and host {other} and not ip proto 50 and not ip proto 51{extra}"


def describe(frames, limit=5):
    """The first frames as tcpdump would name them, for a failure's text."""
    lines = []
    for frame in list(frames)[:limit]:
        source, target, protocol, payload = ip_fields(frame)
        lines.append(f"{source} > {target} proto {protocol} {payload[:40].hex()}")
    return "\n".join(lines)
