"""path-tool from Python: one host's data path, told what to do by setkey statements; and the packets that tests give it."""

import json
import os
import random
import struct
import subprocess
from dataclasses import dataclass
from ipaddress import ip_address

import packet_model as model
from ipsec_algs import AUTH, ENC

HERE = {4: "10.0.0.1", 6: "2001:db8::1"}
THERE = {4: "10.0.0.2", 6: "2001:db8::2"}
NET_HERE = {4: "192.168.1.7", 6: "2001:db8:1::7"}
NET_THERE = {4: "192.168.2.9", 6: "2001:db8:2::9"}


def octets(text):
    return ip_address(text).packed


def rand(n):
    return random.getrandbits(8 * n).to_bytes(n, "big") if n else b""


@dataclass
class Answer:
    verdict: str
    reason: str
    data: bytes


class Path:
    """The tool. A fresh process has no associations, no policies and counters of zero."""

    def __init__(self, tool):
        self.process = subprocess.Popen([tool], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer

    def setkey(self, text):
        self.ask(setkey=text)

    def begin(self, text):
        """Nothing but this."""
        self.setkey("flush; spdflush;\n" + text)

    def run(self, way, packets, **more):
        answers = self.ask(**{way: [packet.hex() for packet in packets]}, **more)["packets"]
        return [Answer(a["verdict"], a["reason"], bytes.fromhex(a["data"])) for a in answers]

    def out(self, *packets):
        return self.run("out", packets)

    def wire(self, *packets):
        """Packets from the network; those in UDP come from the socket of port 4500. All of one kind."""
        seen = [model.received(packet) for packet in packets]
        return self.run("in", [packet for packet, _ in seen], sport=seen[0][1])

    def raw(self, *packets):
        """What raw sockets deliver, whatever it is."""
        return self.run("in", packets)

    def counters(self):
        return self.ask(counters=True)

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Moved:
    """Counters that changed inside a `with`."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.before = self.path.counters()
        return self

    def __exit__(self, *_):
        after = self.path.counters()
        self.by = {name: n - self.before.get(name, 0) for name, n in after.items() if n != self.before.get(name, 0)}

    def ipsec(self):
        """Of the statistics of the guide's netstat: without our own counters of the path."""
        return {name: n for name, n in self.by.items() if not name.startswith(("path.", "drop."))}

    def sum(self, word):
        """Of both families: "in_success", or a histogram by its first word."""
        return sum(n for name, n in self.by.items() if name.removeprefix("ip6.").split(".")[0] == word)


# --- associations and policies ---


def key_of(table, name, length=None):
    sizes = table[name].keys
    return rand(length if length is not None else next((n for n in sizes if n >= 16), sizes[-1]))


def association(proto, outer=4, back=False, mode="any", spi=None, enc=None, enc_len=None, auth=None, auth_len=None, ends=None, **more):
    """With random keys; from here to there, or `back`. Without words esp is aes-cbc and hmac-sha256, ah hmac-sha256."""
    if proto == "esp" and enc is None:
        enc, auth = "aes-cbc", "hmac-sha256" if auth is None else auth
    if proto == "ah" and auth is None:
        auth = "hmac-sha256"
    source, target = ends or (HERE[outer], THERE[outer])
    source, target = (target, source) if back else (source, target)
    if spi is None:
        spi = random.randrange(256, 1 << 16 if proto == "ipcomp" else 1 << 32)
    if more.get("udp") and back:
        more["udp"] = more["udp"][::-1]
    return model.Sa(proto, mode, spi, enc or "", key_of(ENC, enc, enc_len) if enc else b"", auth or "",
                    key_of(AUTH, auth, auth_len) if auth else b"", src=octets(source), dst=octets(target), **more)


def policy(steps, source, target, direction, upper="any", level="require"):
    return f"spdadd {source} {target} {upper} -P {direction} ipsec {' '.join(step.request(level) for step in steps)};\n"


def statements(out, back, source, target, options="-r 32", **more):
    """All of one host: the steps of packets from source to target, and of those that come back."""
    seen, text = set(), ""
    for step in out + back:
        if id(step.sa) not in seen:
            text += step.sa.statement(options if step.sa.proto != "ipcomp" else "")
        seen.add(id(step.sa))
    return text + policy(out, source, target, "out", **more) + policy(back, target, source, "in", **more)


# --- packets ---


def dress(head, packet_family, payload, proto):
    if packet_family == 4:
        return model.with_payload(head, 9, proto, payload)
    return model.with_payload(head, 6, proto, payload)


def clear(source, target, payload, proto=253, tos=None, df=None, options=b"", ext=(), ttl=None):
    """A clear packet. `ext`: (kind, octets from the second on) of IPv6 extension headers. proto 17 wants a whole UDP datagram as payload and
    fills in its checksum."""
    tos = random.choice((0, 1, 2, 0x28, 0xB9, 0xFE)) if tos is None else tos
    ttl = random.randrange(2, 255) if ttl is None else ttl
    source, target = octets(source), octets(target)
    if len(source) == 4:
        df = random.getrandbits(1) if df is None else df
        head = struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, tos, 0, random.randrange(1, 65536), df << 14, ttl, 0, 0, source, target) + options
        names = 9
    else:
        head, names = struct.pack("!IHBB16s16s", 6 << 28 | tos << 20 | random.getrandbits(20), 0, 0, ttl, source, target), 6
        for kind, body in ext:
            head = head[:names] + bytes([kind]) + head[names + 1 :]
            names = len(head)
            head += b"\0" + body
    if proto == 17:
        total = model.upper_sum(head, 0, 17, payload[:6] + b"\0\0" + payload[8:]) or 0xFFFF
        payload = payload[:6] + struct.pack("!H", total) + payload[8:]
    return model.with_payload(head, names, proto, payload)


def datagram(size, sport=1111, dport=2222, data=None):
    """A UDP datagram with `size` octets of random data, checksum to be filled in."""
    data = rand(size) if data is None else data
    return struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data


def plain(source, target, size, **more):
    """A clear packet with `size` octets behind its header: a datagram where one fits, nobody's protocol where not."""
    if size >= 8 and size % 2:
        return clear(source, target, datagram(size - 8), 17, **more)
    return clear(source, target, rand(size), **more)


def flipped(packet, bit):
    packet = bytearray(packet)
    packet[bit // 8] ^= 0x80 >> bit % 8
    return bytes(packet)


def tool_of(argv):
    """The path of path-tool, taken out of the arguments."""
    return os.path.abspath(argv.pop(1))
