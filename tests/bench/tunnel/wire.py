"""Whether the wire shows what it should: a capture while known datagrams cross a tunnel, judged packet by packet."""

import contextlib
import select
import socket
import struct
import threading

from labkit.net import call_in_namespace

MARKER = b"POSTERN-CLEAR-"  # udp_blast fills its datagrams with it
ESP, AH, UDP = 50, 51, 17
ETH_P_ALL, SO_RCVBUFFORCE = 3, 33
IV_AND_BLOCK = 24           # octets in which no two packets of one key may be alike


class Capture:
    """Everything that crosses a host's eth0, from now until the end of the context."""

    def __init__(self, pid):
        def make():
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
            sock.bind(("eth0", ETH_P_ALL))
            sock.setblocking(False)
            return sock

        self.frames = []
        self._sock = call_in_namespace(pid, make)
        self._end_read, self._end_write = socket.socketpair()
        self._thread = threading.Thread(target=self._collect, daemon=True)

    def _collect(self):
        ending = False
        while not ending:
            ending = self._end_read in select.select([self._sock, self._end_read], [], [])[0]
            with contextlib.suppress(BlockingIOError):
                while True:
                    self.frames.append(self._sock.recv(1 << 17))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end_write.send(b"x")
        self._thread.join()
        for sock in (self._sock, self._end_read, self._end_write):
            sock.close()


class Shape:
    """What a subject's packets look like. body() gives what a data packet carries behind its header in clear; b'' for a packet of
    the tunnel's own (negotiation, keepalives); None for anything else, which has no business on the wire."""

    hidden = True      # the payload cannot be read
    fresh = True       # the first octets of no two bodies are alike

    def body(self, protocol, payload):
        raise NotImplementedError


class EspShape(Shape):
    """ESP by itself, or in UDP with port 4500 at both ends (RFC 3948). `spis`: those there may be; none given: any."""

    def __init__(self, udp, spis=None, hidden=True, negotiated=False):
        self.udp, self.spis, self.hidden, self.negotiated = udp, spis, hidden, negotiated
        self.fresh = hidden

    def body(self, protocol, payload):
        if self.udp:
            ports, payload = udp_ports(protocol, payload)
            if self.negotiated and ports == (500, 500):
                return b""
            if ports != (4500, 4500):
                return None
            if payload[:4] == bytes(4) or payload == b"\xff":
                return b"" if self.negotiated or payload == b"\xff" else None
        elif protocol != ESP:
            return None
        if len(payload) < 8 or (self.spis and int.from_bytes(payload[:4], "big") not in self.spis):
            return None
        return payload[8:]


class AhShape(Shape):
    hidden = fresh = False

    def body(self, protocol, payload):
        return payload[12:] if protocol == AH and len(payload) > 24 else None


class WireguardShape(Shape):
    def body(self, protocol, payload):
        ports, payload = udp_ports(protocol, payload)
        if ports != (51820, 51820) or len(payload) < 16 or payload[0] not in (1, 2, 3, 4) or payload[1:4] != bytes(3):
            return None
        return payload[16:] if payload[0] == 4 else b""


class OpenvpnShape(Shape):
    P_DATA_V1, P_DATA_V2 = 6, 9

    def body(self, protocol, payload):
        ports, payload = udp_ports(protocol, payload)
        if ports != (1194, 1194) or len(payload) < 8:
            return None
        header = {self.P_DATA_V1: 1, self.P_DATA_V2: 4}.get(payload[0] >> 3)
        return payload[header:] if header else b""


def udp_ports(protocol, payload):
    """((source port, target port), data); no ports for anything but UDP."""
    if protocol != UDP or len(payload) < 8:
        return None, b""
    return struct.unpack_from("!HH", payload), payload[8:]


def _ipv4(frame):
    """(source, target, protocol, whether it is a fragment, payload), or None."""
    if len(frame) < 34 or frame[12:14] != b"\x08\x00":
        return None
    header = (frame[14] & 15) * 4
    fragment = struct.unpack_from("!H", frame, 20)[0] & 0x3fff != 0
    return (socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34]), frame[23], fragment, frame[14 + header:])


def judge(frames, shape, inner, octets):
    """Sentences of what is wrong with a capture in which `octets` of payload crossed the tunnel; none: all is well."""
    problems, carried, seen = [], 0, set()
    for frame in frames:
        packet = _ipv4(frame)
        if packet is None:
            continue  # neighbour discovery, ARP: the wire's own
        source, target, protocol, fragment, payload = packet
        if source in inner or target in inner:
            problems.append(f"a packet from {source} to {target}, protocol {protocol}, is on the wire as it is inside the tunnel")
            continue
        if fragment:
            problems.append(f"a fragment from {source} to {target}: the inner MTU does not fit the wire")
            continue
        body = shape.body(protocol, payload)
        if body is None:
            problems.append(f"a packet from {source} to {target}, protocol {protocol}, is none of the tunnel's: {payload[:16].hex()}")
        elif shape.hidden and MARKER in body:
            problems.append(f"a packet from {source} to {target} shows its payload")
        elif body and shape.fresh:
            start = body[:IV_AND_BLOCK]
            if start in seen:
                problems.append(f"two packets begin alike: {start.hex()}")
            seen.add(start)
        carried += len(body or b"")
    if carried < octets:
        problems.append(f"only {carried} octets crossed the wire inside the tunnel, and {octets} should have")
    if not shape.hidden and not any(MARKER in frame for frame in frames):
        problems.append("the payload cannot be read, although nothing should hide it")
    return problems


def judge_plain(frames, octets):
    """The control: without a tunnel the same capture must show everything."""
    shown = sum(len(frame) for frame in frames if MARKER in frame)
    return [] if shown >= octets else [f"the capture shows {shown} octets of plain payload, and {octets} crossed: it proves nothing"]
