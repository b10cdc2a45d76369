"""Chapter 'manual' of scripts/demo: the guide's two hosts with keys typed in by hand."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from labkit import stream, tshark  # noqa: E402
from labkit.kernel import LabError  # noqa: E402
from labkit.lab import ROOT, Lab, need_root  # noqa: E402
from labkit.net import call_in_namespace  # noqa: E402

LAB = "demo"
RELENT, ELMER = "10.0.0.100", "10.0.0.110"
FILES = {host: f"dist/examples/guide/manual-{host}.ipsec.cf" for host in ("relent", "elmer")}
PORT = 7070
PATIENCE_S = 60  # hang guard; a few seconds on an idle machine
OPENING = "Dear elmer, only you and I can read this line."
LETTER = (OPENING + "\n" + "".join(f"Line {number} of the letter, sent over an ordinary TCP connection.\n"
                                   for number in range(2, 801))).encode()
ASSOCIATION = re.compile(r'^add\s+(\S+)\s+(\S+)\s+esp\s+(\S+)[^;]*?-E\s+3des-cbc\s+"([^"]+)"', re.MULTILINE)


def step(number, text):
    print(f"\n{number}. {text}\n", flush=True)


def show(lines, indent="     "):
    for line in lines:
        print(f"{indent}{line.rstrip()[:116]}")


class Capture:
    """tcpdump on the segment while the context lasts; the file stays until the demo ends."""

    def __init__(self, lab, path, *expression):
        self.path = path
        self.argv = lab.capture_command(None, path, expression)

    def __enter__(self):
        self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "listening on" in line:
                return self
        raise LabError("tcpdump did not start on the segment.")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        _, self.said = self.process.communicate(timeout=PATIENCE_S)

    def lost(self):
        """What tcpdump says about packets that it was too slow for; empty if there were none."""
        return "".join(f"\n     tcpdump: {line}" for line in self.said.splitlines()
                       if "dropped" in line and not line.startswith("0 "))

    def lines(self, limit, expression=""):
        """What tcpdump says about the first packets, without the time of day."""
        words = ["tcpdump", "-n", "-t", "-r", self.path, "-c", str(limit), *expression.split()]
        return subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.splitlines()


class Connection:
    """A TCP connection from relent to elmer; both ends live in their hosts' network namespaces."""

    def __init__(self, lab):
        server = call_in_namespace(lab.init("elmer").pid, lambda: socket.create_server((ELMER, PORT)))
        server.settimeout(20)
        self.near = call_in_namespace(lab.init("relent").pid, lambda: socket.create_connection((ELMER, PORT), timeout=20))
        self.far, _ = server.accept()
        self.far.settimeout(20)
        server.close()

    def send(self, octets):
        """Sends all of it and gives what arrived on the other side."""
        sender = threading.Thread(target=self.near.sendall, args=(octets,))
        sender.start()
        arrived = bytearray()
        while len(arrived) < len(octets):
            piece = self.far.recv(65536)
            if not piece:
                break
            arrived += piece
        sender.join()
        return bytes(arrived)

    def close(self):
        self.near.close()
        self.far.close()


def command(lab, host, *words):
    """Shows a command as it would be typed on a host, runs it, and gives its lines."""
    print(f"     {host}# {' '.join(words)}", flush=True)
    argv, env = lab.command(host, words, ROOT)
    done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise LabError(f"'{' '.join(words)}' failed on {host}:\n{done.stdout}")
    return done.stdout.splitlines()


def keys():
    """The ESP associations of the guide's file, as tshark takes them."""
    with open(os.path.join(ROOT, FILES["relent"]), encoding="utf-8") as source:
        return [tshark.esp_row(from_, to, int(spi, 0), "TripleDES-CBC [RFC2451]", key.encode(), "NULL", b"")
                for from_, to, spi, key in ASSOCIATION.findall(source.read())]


def decrypted(path):
    """(number, SPI, sequence number, inner TCP sequence number, inner payload) of each ESP packet from relent to elmer."""
    fields = ["frame.number", "esp.spi", "esp.sequence", "tcp.seq_raw", "tcp.payload", "ip.src"]
    for number, spi, sequence, position, payload, source in tshark.read(path, keys(), fields):
        if spi and payload and source.startswith(RELENT):
            yield number, spi, sequence, int(position), bytes.fromhex(payload.replace(":", ""))


def letter_from(packets):
    """The octet stream that the inner TCP segments make, as far as it is without a gap."""
    return stream.join((position, payload) for _, _, _, position, payload in packets)


def wait_for(condition):
    """Polls until `condition()` holds, for the machine may be busy with other things; gives up quietly."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)


def tell_wire(capture):
    lines = capture.lines(8)
    show([*lines, "..."])
    if not lines or any("ESP(spi=0x0001000" not in line for line in lines):
        raise LabError("these should all be ESP packets with the guide's SPIs.")


def tell_decrypted(capture):
    packets = list(decrypted(capture.path))
    for number, spi, sequence, _, payload in packets[:3]:
        first = payload.decode(errors="replace").splitlines()[0]
        print(f'     packet {number:>3}  {spi} seq {sequence:>3}  TCP, {len(payload):>4} octets, begins "{first[:60]}"')
    print("     ...")
    text = letter_from(packets)
    if LETTER not in text:
        raise LabError(f"tshark found {len(text)} octets of TCP without a gap in {len(packets)} packets of the capture, and the"
                       f" letter of {len(LETTER)} octets is not among them.{capture.lost()}")
    print(f"\n     All {len(LETTER)} octets of the letter, found by a program that knows nothing of Postern but the keys.")


def story(lab, folder):
    step(1, "Two hosts on one segment: relent (10.0.0.100) and elmer (10.0.0.110). Each starts the suite.")
    for host in FILES:
        lab.start(host)
        print(f"     {host}# postern-supervisor      ready: {', '.join(sorted(lab.services(host)))}")

    step(2, "Nothing is configured yet, so nothing is protected. relent opens a TCP connection and says hello:")
    with Capture(lab, os.path.join(folder, "before.pcap"), "tcp") as before:
        connection = Connection(lab)
        connection.send(b"hello, this line anybody can read\n")
        wait_for(lambda: len(before.lines(4)) == 4)
    show(before.lines(4))

    step(3, "The guide's own files, unchanged; the remote host first, as the guide advises:")
    for host in ("elmer", "relent"):
        show(command(lab, host, "ipseckey", "-f", FILES[host]))
    print("\n     What relent now wants done with its packets:\n")
    show(command(lab, "relent", "ipseckey", "-DP"))

    step(4, "Over the same connection, still open, relent now sends a letter. What crosses the wire:")
    with Capture(lab, os.path.join(folder, "after.pcap"), "ip") as after:
        arrived = connection.send(LETTER)
        connection.close()
        # tcpdump writes what it has seen a little later; stopped too early it would forget the rest.
        wait_for(lambda: LETTER in letter_from(decrypted(after.path)))
    if arrived != LETTER:
        raise LabError("the letter did not arrive as it was sent.")
    tell_wire(after)
    print(f"\n     The letter arrived, {len(arrived)} octets, and not one line of it can be read above.")

    step(5, "The same packets, read by tshark, which was given the two keys:")
    tell_decrypted(after)

    step(6, "And the counters, as the guide prints them:")
    show(command(lab, "relent", "ipsecctl", "netstat", "-nsp", "ipsec"))


def doors(folder=None):
    """How to look at hosts that were kept."""
    return f"""
The hosts are still running. Look around:

     sudo scripts/lab shell relent --name {LAB}
     sudo scripts/lab capture - --name {LAB}
     sudo scripts/lab down --name {LAB}          when you are done
""" + (f"""
What crossed the wire is in {folder}; remove it when you are done.
""" if folder else "")


def tell(lab, keep):
    """The story from the first host to the last. When a step fails, --keep leaves hosts and capture as they are."""
    lab.up(owner_pid=None if keep else os.getpid())
    folder = tempfile.mkdtemp(prefix="postern-demo-")
    try:
        print("Manual keys: the first procedure of the guide")
        story(lab, folder)
    except (LabError, OSError) as problem:
        if keep:
            raise LabError(f"{problem}\n{doors(folder)}") from None
        clear(lab, folder)
        raise LabError(f"{problem}\n      With --keep the hosts and the capture stay for a look.") from None
    except BaseException:
        clear(lab, folder)
        raise
    if keep:
        shutil.rmtree(folder)
    else:
        clear(lab, folder)


def clear(lab, folder):
    lab.down()
    shutil.rmtree(folder)


def main(words):
    keep = "--keep" in words
    begin = time.monotonic()
    try:
        need_root()
        tell(Lab(LAB), keep)
    except LabError as problem:
        print(f"\ndemo: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"\nThat took {time.monotonic() - begin:.0f} seconds.")
    print(doors() if keep else "\nThe hosts are gone; nothing but the build folder stays.\n")
    return 0


sys.exit(main(sys.argv[1:]))
