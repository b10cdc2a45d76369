"""The memory in which keyd keeps established SAs, as root can reach it: the copy of its descriptor that the supervisor holds."""

import ctypes
import mmap
import os

PIDFD_GETFD = 438  # the same on every architecture
MAGIC, SLOT, SEGMENT = b"POSTSAS1", 512, 1 << 20
BEHIND_SCRATCH = 17  # keep.c's first slot with something in it


def _descriptors(pid):
    """Copies of a process's descriptors that are as large as a segment."""
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(pid)
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            fd = libc.syscall(PIDFD_GETFD, pidfd, int(name), 0)
            if fd < 0:
                continue
            if os.fstat(fd).st_size == SEGMENT:
                yield fd
            os.close(fd)
    finally:
        os.close(pidfd)


def spoil(host):
    """Overwrites whatever keyd keeps on this host; the number of segments."""
    found = 0
    for fd in _descriptors(host.lab.suite_pid(host.name)):
        with mmap.mmap(fd, SEGMENT) as memory:
            if memory[:len(MAGIC)] == MAGIC:
                memory[BEHIND_SCRATCH * SLOT:] = b"\xff" * (SEGMENT - BEHIND_SCRATCH * SLOT)
                found += 1
    if not found:
        raise AssertionError(f"the supervisor on {host.name} holds no memory of keyd's")
    return found
