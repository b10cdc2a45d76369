"""Postern, run as it is in production: by its supervisor, sandboxed, with replay windows, every check and every counter."""

import os

from labkit.kernel import LabError
from labtest import ELMER, RELENT
from tunnel.link import INNER, INNER_MTU, OTHER
from tunnel.wire import AhShape, EspShape

from .side import Side, Subject

SPI = {"relent": 0x9001, "elmer": 0x9002}  # by who sends
WINDOW_OCTETS = 512                        # 4096 packets; the default would be none


class Transform:
    """Words of `setkey add`: protocol, and (name, octets of key) for -E and -A."""

    def __init__(self, name, enc=None, auth=None, counter=False):
        self.name, self.enc, self.auth, self.counter = name, enc, auth, counter

    @property
    def proto(self):
        return "esp" if self.enc else "ah"

    @property
    def hidden(self):
        return bool(self.enc) and self.enc[0] != "null"

    @property
    def replay(self):
        """Without integrity there is nothing that a window could trust (RFC 4303 section 3.4.3)."""
        return bool(self.auth) or self.counter


CHOSEN = (
    Transform("aes-128-gcm", ("aes-gcm-16", 20), counter=True),
    Transform("aes-256-gcm", ("aes-gcm-16", 36), counter=True),
    Transform("chacha20-poly1305", ("chacha20-poly1305", 36), counter=True),
    Transform("aes-128-cbc-hmac-sha256", ("aes-cbc", 16), ("hmac-sha256", 32)),
    Transform("null-hmac-sha256", ("null", 0), ("hmac-sha256", 32)),
    Transform("null", ("null", 0)),
)
# Measured when asked for by name, over IP only.
FURTHER = (
    Transform("null-hmac-sha1", ("null", 0), ("hmac-sha1", 20)),
    Transform("3des-cbc", ("3des-cbc", 24)),
    Transform("ah-hmac-sha256", auth=("hmac-sha256", 32)),
)


class OursSubject(Subject):
    def __init__(self, side, transform, udp):
        shape = EspShape(udp, set(SPI.values()), transform.hidden) if transform.enc else AhShape()
        super().__init__(side, f"ours-{'udp' if udp else 'raw'}-{transform.name}", transform.name, shape)
        self.transform, self.udp = transform, udp


def octets(count):
    return f"0x{os.urandom(count).hex()}" if count else '""'


def association(sender, subject):
    """One statement. Keys are new each time: a key of a counter mode is never loaded twice."""
    source, target = (RELENT, ELMER) if sender == "relent" else (ELMER, RELENT)
    port, transform = "[4500]" if subject.udp else "", subject.transform
    words = [f"add {source}{port} {target}{port} {'esp-udp' if subject.udp else transform.proto} 0x{SPI[sender]:x} -m tunnel"]
    if transform.replay:
        words.append(f"-r {WINDOW_OCTETS}")
    if transform.counter:
        words.append("-f fresh-key")
    if transform.enc:
        words.append(f"-E {transform.enc[0]} {octets(transform.enc[1])}")
    if transform.auth:
        words.append(f"-A {transform.auth[0]} {octets(transform.auth[1])}")
    return " ".join(words) + ";\n"


def policies(host, proto):
    text = ""
    for sender, source, target in (("relent", RELENT, ELMER), ("elmer", ELMER, RELENT)):
        text += (f"spdadd {INNER[sender]} {INNER[OTHER[sender]]} any -P {'out' if sender == host else 'in'} "
                 f"ipsec {proto}/tunnel/{source}-{target}/require;\n")
    return text


class OursSide(Side):
    name = "ours"
    ours = True
    daemons = ("postern-",)

    def __init__(self):
        super().__init__()
        self.selected = None

    def subjects(self):
        udp = [OursSubject(self, transform, True) for transform in CHOSEN]
        return udp + [OursSubject(self, transform, False) for transform in CHOSEN + FURTHER]

    def open(self):
        self.link.inner_on_loopback()
        for host in self.link.hosts.values():
            host.start("--tun-mtu", str(INNER_MTU))
        for host in self.link.hosts.values():
            host.wait_ready()
            self._check_sandbox(host)

    @staticmethod
    def _check_sandbox(host):
        """The figures are those of the service behind its walls, or there are none."""
        with open(f"/proc/{host.service_pid('datapathd')}/status", encoding="ascii") as source:
            rows = dict(line.rstrip("\n").split(":\t", 1) for line in source if ":\t" in line)
        if rows["Seccomp"] != "2" or rows["NoNewPrivs"] != "1" or int(rows["CapEff"], 16) or rows["Uid"].split()[0] == "0":
            raise LabError(f"datapathd on {host.name} is not sandboxed (Seccomp {rows['Seccomp']}, CapEff {rows['CapEff']}): "
                           "figures of it would not be those of production. A build with sanitizers has no filter; use another.")

    def select(self, subject):
        """The same two associations on both hosts, and the policies that require them."""
        if self.selected is subject:
            return
        self.selected = None
        both = association("relent", subject) + association("elmer", subject)
        for name, host in self.link.hosts.items():
            host.flush()
            host.setkey(both + policies(name, subject.transform.proto))
            windows = [row["replay_window_packets"] for row in host.json("sad")["sas"]]
            if len(windows) != 2 or (subject.transform.replay and 0 in windows):
                raise LabError(f"{host.name} has not loaded {subject.name} as it should: replay windows {windows}.")
        self.selected = subject

    def drops(self):
        counts = super().drops()
        for name, host in self.link.hosts.items():
            for reason, count in host.json("stats")["drops"].items():
                counts[f"{name} {reason}"] = count
        return counts
