"""What the policyd tests share: bare network namespaces, policyd alone in one of them, its admin edge, and wires to listen on.

policyd is started here by the activation protocol, without a supervisor and without datapathd: what is protected then has
nowhere to go, and nothing of it may be seen on a wire. A namespace lives as long as a process of this test holds it, so
that nothing is left behind however the test ends.
"""

import collections
import ctypes
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("POSTERN_BUILD", os.path.join(ROOT, "build"))
POLICYD = os.path.join(BUILD, "services", "policyd", "postern-policyd")
LONG = bool(os.environ.get("POSTERN_LONG"))
SKIP = 77
POLICYD_UID, DATAPATHD_UID = 64210, 64211

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_for(what, condition, timeout=20, every=0.01):
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s in vain: {what}")
        time.sleep(every)


class Netns:
    """A network namespace, held by a sleeping process."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "-n", "sleep", "infinity"], preexec_fn=die_with_parent)
        mine = os.readlink("/proc/self/ns/net")
        wait_for("a network namespace", lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") != mine)
        self.fd = os.open(f"/proc/{self.holder.pid}/ns/net", os.O_RDONLY)
        self.run("ip", "link", "set", "lo", "up")

    def close(self):
        os.close(self.fd)
        self.holder.kill()
        self.holder.wait()

    def popen(self, *argv, **kwargs):
        return subprocess.Popen(["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "--", *argv],
                                preexec_fn=die_with_parent, **kwargs)

    def run(self, *argv, check=True, text=None):
        process = self.popen(*argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        out, err = process.communicate(text, timeout=60)
        if check and process.returncode != 0:
            raise AssertionError(f"{' '.join(argv)}: exit {process.returncode}\n{out}{err}")
        return out

    def sh(self, script, check=True):
        return self.run("sh", "-ec", script, check=check)

    def inside(self, function):
        """Calls function() by a thread that has entered the namespace: sockets it makes belong there for ever."""
        result = []

        def enter():
            if LIBC.setns(self.fd, CLONE_NEWNET) != 0:
                result.append(OSError(ctypes.get_errno(), "setns"))
                return
            try:
                result.append(function())
            except OSError as problem:
                result.append(problem)

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        if isinstance(result[0], Exception):
            raise result[0]
        return result[0]

    def socket(self, *args):
        return self.inside(lambda: socket.socket(*args))

    def sniff(self, device):
        return Wire(self, device)


def connect(left, left_device, right, right_device):
    """A veth pair between two namespaces."""
    left.run("ip", "link", "add", left_device, "type", "veth", "peer", "name", right_device, "netns", str(right.holder.pid))
    for ns, device in ((left, left_device), (right, right_device)):
        # No autoconfiguration chatter, and offloads off: what is sent is what is seen.
        ns.run("sysctl", "-qw", f"net.ipv6.conf.{device}.accept_dad=0", f"net.ipv6.conf.{device}.router_solicitations=0")
        ns.run("ethtool", "-K", device, "tx", "off", "gso", "off", "tso", "off", check=False)
        ns.run("ip", "link", "set", device, "up")


Frame = collections.namedtuple("Frame", "when family proto src dst sport dport payload")


class Wire:
    """Everything that passes a device, read on demand."""

    def __init__(self, ns, device):
        self.socket = ns.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
        self.socket.bind((device, 3))
        self.socket.setblocking(False)
        self.frames = []

    def close(self):
        self.socket.close()

    def lost(self):
        return struct.unpack("II", self.socket.getsockopt(263, 6, 8))[1]  # PACKET_STATISTICS

    def read(self):
        while True:
            try:
                data, where = self.socket.recvfrom(65535)
            except BlockingIOError:
                return self.frames
            frame = parse(data)
            if frame:
                self.frames.append(frame)

    def seen(self, marker):
        """Frames whose payload holds these octets."""
        return [frame for frame in self.read() if marker in frame.payload]


def parse(data):
    kind = struct.unpack("!H", data[12:14])[0]
    packet = data[14:]
    if kind == 0x0800 and len(packet) >= 20:
        start = (packet[0] & 15) * 4
        family, proto, src, dst = 4, packet[9], packet[12:16], packet[16:20]
        first = not struct.unpack("!H", packet[6:8])[0] & 0x1fff
    elif kind == 0x86dd and len(packet) >= 40:
        start, first = 40, packet[6] != 44
        family, proto, src, dst = 6, packet[6], packet[8:24], packet[24:40]
    else:
        return None
    upper = packet[start:]
    sport = dport = None
    if first and proto in (6, 17) and len(upper) >= 4:
        sport, dport = struct.unpack("!HH", upper[:4])
    af = socket.AF_INET if family == 4 else socket.AF_INET6
    return Frame(time.monotonic(), family, proto, socket.inet_ntop(af, src), socket.inet_ntop(af, dst), sport, dport, upper)


# -- the admin edge, spoken without our own libraries

TYPE = {"HELLO": 1, "ERROR": 2, "OK": 3, "STATUS": 32, "STATS": 34, "MONITOR": 37, "EVENT": 38, "PUT": 64, "DELETE": 65,
        "FLUSH": 66, "BARRIER": 68, "DUMP": 70, "DUMP_ROW": 71, "ENABLE_SET": 72, "ENABLE_GET": 73, "TXN_BEGIN": 80,
        "TXN_COMMIT": 81, "TXN_ABORT": 82, "SETTING_SET": 84, "ACQUIRE": 160, "ACQUIRE_EXPIRED": 161, "USED": 162}
DIRS = {"in": 1, "out": 2, "fwd": 3}
ACTIONS = {"discard": 1, "none": 2, "ipsec": 3}
LEVELS = {"default": 1, "use": 2, "require": 3, "unique": 4}
ANY = 256


def varint(n):
    out = bytearray()
    while True:
        out.append(n & 127 | (128 if n > 127 else 0))
        n >>= 7
        if not n:
            return bytes(out)


def field(number, value):
    if value is None or value == 0 or value == b"" and number == 0:
        return b""
    if isinstance(value, bool) or isinstance(value, int):
        return varint(number << 3) + varint(int(value))
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def message(**fields):
    return b"".join(field(int(name[1:]), value) for name, value in fields.items())


def decode(data):
    """Field number -> list of raw values."""
    out, at = collections.defaultdict(list), 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            octet = data[at]
            at += 1
            value |= (octet & 127) << shift
            shift += 7
            if not octet & 128:
                return value

    while at < len(data):
        key = number()
        if key & 7 == 0:
            out[key >> 3].append(number())
        else:
            size = number()
            out[key >> 3].append(data[at:at + size])
            at += size
    return out


def address(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def prefix(text):
    host, _, length = text.partition("/")
    octets = address(host)
    return message(f1=message(f1=octets), f2=int(length) if length else len(octets) * 8)


class Policy:
    """One policy; `level` None: no request."""

    def __init__(self, direction, src, dst, upper=ANY, sport=0, dport=0, misc=False, action="ipsec", level="require", priority=0,
                 mode="transport", tunnel=None, reqid=0, lifetime=0, validtime=0, in_only=False):
        self.__dict__.update(locals())
        del self.__dict__["self"]

    def selector(self):
        return message(f1=prefix(self.src), f2=prefix(self.dst), f3=self.upper, f4=self.sport, f5=self.dport, f6=self.misc)

    def encode(self):
        requests = b""
        if self.action == "ipsec" and self.level:
            ends = {}
            if self.tunnel:
                ends = {"f4": message(f1=address(self.tunnel[0])), "f5": message(f1=address(self.tunnel[1]))}
            requests = field(5 + 1, message(f1=50, f2=3 if self.tunnel else 2, f3=LEVELS[self.level], **ends, f6=self.reqid))
        zigzag = self.priority << 1 ^ self.priority >> 31
        return message(f2=DIRS[self.direction], f3=ACTIONS[self.action], f4=zigzag, f5=self.selector(), f9=self.lifetime,
                       f10=self.validtime, f11=self.in_only) + requests


class Refused(Exception):
    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")
        self.code, self.text = code, text


class Edge:
    """A connection to one of policyd's sockets."""

    def __init__(self, path, edge, instance="default", timeout=30):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.next_id = 1
        self.send("HELLO", message(f1=1, f2=1, f3=edge, f4=instance))
        self.receive()

    def close(self):
        self.socket.close()

    def send(self, kind, body=b""):
        record_id = self.next_id
        self.next_id += 1
        self.socket.send(struct.pack("!HHII", TYPE[kind], 0, record_id, 0) + body)
        return record_id

    def receive(self):
        data = self.socket.recv(70000)
        if not data:
            raise ConnectionError("the connection was ended")
        kind, flags, record_id, row = struct.unpack("!HHII", data[:12])
        return kind, flags, record_id, row, data[12:]

    def answer(self, record_id):
        while True:
            kind, flags, got, row, body = self.receive()
            if got != record_id:
                continue
            if kind == TYPE["ERROR"]:
                error = decode(body)
                raise Refused(error[1][0], error[2][0].decode())
            return body

    def call(self, kind, body=b""):
        return self.answer(self.send(kind, body))


class Admin(Edge):
    def put(self, *policies, update=False):
        """Sends all, then reads the answers; gives the spids."""
        sent = [self.send("PUT", message(f1=policy.encode(), f2=update)) for policy in policies]
        return [decode(self.answer(record_id))[1][0] for record_id in sent]

    def delete(self, policy):
        self.call("DELETE", message(f1=DIRS[policy.direction], f2=policy.selector()))

    def flush(self):
        self.call("FLUSH")

    def barrier(self, kernel_only=True):
        """Without datapathd the barrier ends with the sentence that says so; then the kernel has everything."""
        try:
            self.call("BARRIER")
        except Refused as refusal:
            if not kernel_only or "enforced by the kernel" not in refusal.text:
                raise

    def dump(self):
        record_id, rows = self.send("DUMP"), []
        while True:
            kind, flags, got, row, body = self.receive()
            if got != record_id:
                continue
            assert kind == TYPE["DUMP_ROW"] and row == len(rows), (kind, row)
            if flags & 1:
                return rows
            rows.append(decode(decode(body)[1][0]))

    def status(self):
        reply = decode(self.call("STATUS"))
        fields = {decode(item)[1][0].decode(): decode(item)[2][0].decode() for item in reply[8]}
        fields["state"] = reply[5][0].decode()
        return fields

    def stats(self):
        return {decode(item)[1][0].decode(): (decode(item)[2] or [0])[0] for item in decode(self.call("STATS"))[1]}

    def loaded(self, version=None):
        """Waits until the kernel has the newest version."""
        def there():
            status = self.status()
            return status["kernel version"] == status["spd version"]
        wait_for("the kernel to have the newest SPD", there)


class Policyd:
    """policyd in a namespace, with its own folders."""

    def __init__(self, ns, *options, sockets=()):
        self.ns, self.options = ns, options
        self.dir = tempfile.mkdtemp(prefix="policyd-")
        os.chmod(self.dir, 0o755)
        self.run_dir, self.state_dir = os.path.join(self.dir, "run"), os.path.join(self.dir, "state")
        self.log = os.path.join(self.dir, "log")
        os.mkdir(self.run_dir)
        self.listeners, self.process = {}, None
        for name in ("policyd.admin", "policyd.acquire", *sockets):
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            listener.bind(os.path.join(self.run_dir, name))
            os.chmod(os.path.join(self.run_dir, name), 0o666)
            listener.listen(16)
            self.listeners[name] = listener

    def argv(self):
        return [POLICYD, "--run-dir", self.run_dir, "--state-dir", self.state_dir, "--log", f"file:{self.log}", "--log-level",
                "debug", "--peer", f"policyd={POLICYD_UID}:{POLICYD_UID}", "--peer", f"datapathd={DATAPATHD_UID}:{DATAPATHD_UID}",
                *self.options]

    def start(self):
        # The descriptors have to be 3 and 4, and LISTEN_PID the pid of the process that execs.
        names = list(self.listeners)
        shell = ":".join(names)
        fds = [self.listeners[name].fileno() for name in names]
        moves = " ".join(f"{3 + i}<&{fd}" for i, fd in enumerate(fds))
        script = f'export LISTEN_PID=$$ LISTEN_FDS={len(fds)} LISTEN_FDNAMES={shell}; exec "$@" {moves}'
        self.process = self.ns.popen("bash", "-c", script, "policyd", *self.argv(), pass_fds=fds)
        wait_for("policyd to answer", self.try_connect)
        return self.admin

    def try_connect(self):
        if self.process.poll() is not None:
            raise AssertionError(f"policyd ended with {self.process.returncode}\n{self.log_text()}")
        # The listener is ours: a connection succeeds before anybody serves it.
        try:
            self.admin = Admin(os.path.join(self.run_dir, "policyd.admin"), "policyd.admin", timeout=1)
        except (TimeoutError, ConnectionError):
            return False
        self.admin.socket.settimeout(30)
        return True

    def log_text(self):
        try:
            with open(self.log, encoding="utf-8") as log:
                return log.read()
        except FileNotFoundError:
            return ""

    def kill(self, how=signal.SIGKILL):
        self.process.send_signal(how)
        self.process.wait()

    def withdraw(self):
        self.ns.run(*self.argv(), "--withdraw")

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill(signal.SIGTERM)
        for listener in self.listeners.values():
            listener.close()
        shutil.rmtree(self.dir, ignore_errors=True)


def able():
    """Whether this machine lets us; a sentence if not."""
    if os.geteuid() != 0:
        return "needs root"
    probe = subprocess.run(["unshare", "-n", "true"], stderr=subprocess.PIPE, text=True)
    if probe.returncode != 0:
        return f"this machine does not let us make namespaces: {probe.stderr.strip()}"
    return None


def main():
    import unittest
    problem = able()
    if problem:
        print(problem)
        sys.exit(SKIP)
    unittest.main(verbosity=2, warnings="ignore")
