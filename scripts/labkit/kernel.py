"""The system calls that Python's standard library of Debian 12 does not have, and process identity."""

import ctypes
import os
import signal
import subprocess

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18

PR_SET_NAME = 15

_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """Something a person has to be told in one sentence."""


def _check(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags):
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def setns(fd, kind=0):
    _check(_libc.setns(ctypes.c_int(fd), ctypes.c_int(kind)), "setns")


def mount(source, target, fstype=None, flags=0, data=None):
    def text(value):
        return None if value is None else os.fsencode(value)

    _check(_libc.mount(text(source), text(target), text(fstype), ctypes.c_ulong(flags), text(data)),
           f"mount {fstype or 'bind'} on {target}")


def sethostname(name):
    raw = name.encode()
    _check(_libc.sethostname(raw, len(raw)), "sethostname")


def set_process_name(name):
    """The name `ps` shows; the kernel cuts it at 15 octets."""
    _libc.prctl(PR_SET_NAME, ctypes.c_char_p(name.encode()), 0, 0, 0)


def start_time(pid):
    """When a process began, in clock ticks since boot; with its pid this names one process for good. None: gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            fields = stat.read().rsplit(b")", 1)[1].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


class Process:
    """One process of a lab, told apart from a later one that got the same number."""

    def __init__(self, pid, started=None):
        self.pid = pid
        self.started = start_time(pid) if started is None else started

    @classmethod
    def load(cls, row):
        return cls(row["pid"], row["started"])

    def dump(self):
        return {"pid": self.pid, "started": self.started}

    def alive(self):
        return self.started is not None and start_time(self.pid) == self.started

    def open(self):
        """A pidfd, or None when the process is gone."""
        try:
            fd = os.pidfd_open(self.pid)
        except OSError:
            return None
        if self.alive():
            return fd
        os.close(fd)
        return None

    def kill(self, number=signal.SIGKILL):
        fd = self.open()
        if fd is None:
            return
        try:
            signal.pidfd_send_signal(fd, number)
        except ProcessLookupError:
            pass
        finally:
            os.close(fd)


def run(words, **kwargs):
    """Runs a tool of the system; a failure becomes a LabError with its own words."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL if "input" not in kwargs else None, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kwargs)
    if done.returncode != 0:
        said = done.stderr.strip() or done.stdout.strip() or f"exit status {done.returncode}"
        raise LabError(f"{' '.join(words)}: {said}")
    return done.stdout
