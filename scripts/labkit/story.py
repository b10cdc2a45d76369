"""What the chapters of scripts/demo share: steps and commands as a reader sees them, captures, a letter over TCP, begin and end."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time

from .kernel import LabError
from .lab import GUIDE_HOSTS, ROOT, Lab, need_root
from .net import call_in_namespace

HOSTS = tuple(name for name, _ in GUIDE_HOSTS)
RELENT, ELMER = "10.0.0.100", "10.0.0.110"
EXAMPLES = "dist/examples/guide"
PORT = 7070
PATIENCE_S = 60  # hang guard; a few seconds on an idle machine
WIDTH = 116
OPENING = "Dear elmer, only you and I can read this line."
LETTER = (OPENING + "\n" + "".join(f"Line {number} of the letter, sent over an ordinary TCP connection.\n"
                                   for number in range(2, 801))).encode()


def step(number, text):
    print(f"\n{number}. {text}\n", flush=True)


def show(lines, indent="     "):
    for line in lines:
        print(f"{indent}{line.rstrip()[:WIDTH]}", flush=True)


def show_wrapped(lines, indent="     "):
    """For sentences, whose ends matter."""
    for line in lines:
        show(textwrap.wrap(line, WIDTH, subsequent_indent="    ", break_on_hyphens=False), indent)


def command(lab, host, *words, shown=None):
    """Shows a command as it would be typed on a host, in its own words or others, runs it, and gives its lines."""
    print(f"     {host}# {shown or ' '.join(words)}", flush=True)
    argv, env = lab.command(host, words, ROOT)
    done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise LabError(f"'{' '.join(words)}' failed on {host}:\n{done.stdout}")
    return done.stdout.splitlines()


def wait_for(condition):
    """Polls until `condition()` holds, for the machine may be busy with other things; gives up quietly."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)


def start_suite(lab):
    for host in HOSTS:
        lab.start(host)
        print(f"     {host}# postern-supervisor      ready: {', '.join(sorted(lab.services(host)))}", flush=True)


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
    """A TCP connection from relent to elmer, between these two of their addresses; both ends live in their hosts' network namespaces."""

    def __init__(self, lab, near=RELENT, far=ELMER):
        server = call_in_namespace(lab.init("elmer").pid, lambda: socket.create_server((far, PORT)))
        server.settimeout(20)
        self.near = call_in_namespace(lab.init("relent").pid, lambda: socket.create_connection((far, PORT), timeout=20,
                                                                                               source_address=(near, 0)))
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


class Log:
    """What the suite says on one host; each call gives what has come since the last."""

    def __init__(self, lab, host):
        self.path = lab.log_path(host)
        self.at = 0

    def fresh(self, expression):
        """The lines that match, from the first word of the expression on: no time of day, no key=value in front."""
        with open(self.path, encoding="utf-8", errors="replace") as source:
            source.seek(self.at)
            text = source.read()
        found = [match.group(0) for line in text.splitlines() if (match := re.search(expression + ".*", line))]
        self.at += len(text.encode())
        return found


def doors(name, folder=None):
    """How to look at hosts that were kept."""
    return f"""
The hosts are still running. Look around:

     sudo scripts/lab shell relent --name {name}
     sudo scripts/lab capture - --name {name}
     sudo scripts/lab down --name {name}          when you are done
""" + (f"""
What crossed the wire is in {folder}; remove it when you are done.
""" if folder else "")


def _clear(lab, folder):
    lab.down()
    shutil.rmtree(folder)


def _tell(lab, title, story, keep):
    """The story from the first host to the last. When a step fails, --keep leaves hosts and capture as they are."""
    lab.up(os.environ.get("POSTERN_BUILD"), None if keep else os.getpid())
    folder = tempfile.mkdtemp(prefix="postern-demo-")
    try:
        print(title)
        story(lab, folder)
    except (LabError, OSError) as problem:
        if keep:
            raise LabError(f"{problem}\n{doors(lab.name, folder)}") from None
        _clear(lab, folder)
        raise LabError(f"{problem}\n      With --keep the hosts and the capture stay for a look.") from None
    except BaseException:
        _clear(lab, folder)
        raise
    if keep:
        shutil.rmtree(folder)
    else:
        _clear(lab, folder)


def chapter(title, story, words):
    """A chapter as a program: `story(lab, folder)` between the coming and the going of a lab. Gives the exit status.

    POSTERN_DEMO_LAB and POSTERN_BUILD are for the tests: another name for the lab, another build.
    """
    keep = "--keep" in words
    name = os.environ.get("POSTERN_DEMO_LAB", "demo")
    begin = time.monotonic()
    try:
        need_root()
        _tell(Lab(name), title, story, keep)
    except LabError as problem:
        print(f"\ndemo: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"\nThat took {time.monotonic() - begin:.0f} seconds.")
    print(doors(name) if keep else "\nThe hosts are gone; nothing but the build folder stays.\n")
    return 0
