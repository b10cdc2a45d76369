"""The keeper: holds a lab's switches in its network namespace, waits for the order to end or for its owner's end.

When it ends, however it ends, every host's init sees it through a pidfd and ends too, so that a crashed test leaves
nothing. A keeper that can still act removes the run folder as well.
"""

import os
import select
import signal
import subprocess
import sys
import time

from . import kernel
from .kernel import LabError, Process
from .state import Folder

ENDING_S = 10  # after that, what does not end is left to the machine's init


def _detach():
    os.setsid()
    os.chdir("/")
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)


def _processes(state):
    rows = [host["init"] for host in state["hosts"].values()]
    rows += [impairment["relay"] for impairment in state["impair"].values() if impairment.get("relay")]
    return [Process.load(row) for row in rows]


def _end(folder):
    state = folder.load() or {"hosts": {}, "impair": {}}
    processes = _processes(state)
    for process in processes:
        process.kill()
    deadline = time.monotonic() + ENDING_S
    while any(process.alive() for process in processes) and time.monotonic() < deadline:
        time.sleep(0.01)
    folder.remove()


def _wait(owner_fd):
    wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake_write)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    poll = select.poll()
    poll.register(wake_read, select.POLLIN)
    if owner_fd >= 0:
        poll.register(owner_fd, select.POLLIN)
    while not poll.poll():
        pass


def keeper_main(name, build, owner_fd, answer_fd):
    """The program `lab _keeper`: writes the first state, tells "ok" or a sentence on `answer_fd`, and stays."""
    folder = Folder(name)
    try:
        kernel.unshare(kernel.CLONE_NEWNET)
        kernel.set_process_name(f"lab:{name}")
        folder.save({"name": name, "build": build, "keeper": Process(os.getpid()).dump(), "segments": [], "hosts": {},
                     "impair": {}})
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    except Exception as problem:  # pylint: disable=broad-except
        os.write(answer_fd, f"lab {name} could not be made: {problem}".encode())
        folder.remove()
        os._exit(1)
    os.write(answer_fd, b"ok")
    os.close(answer_fd)
    _detach()
    _wait(owner_fd)
    with folder.lock():
        _end(folder)
    os._exit(0)


def spawn(program, name, build, owner_pid):
    """Starts a lab's keeper. With an owner, the lab ends when that process ends."""
    owner_fd = -1
    if owner_pid is not None:
        try:
            owner_fd = os.pidfd_open(owner_pid)
        except OSError as problem:
            raise LabError(f"process {owner_pid} cannot own the lab: {problem.strerror}.") from None
    answer_read, answer_write = os.pipe()
    words = [sys.executable, "-B", program, "_keeper", name, build, str(owner_fd), str(answer_write)]
    fds = (answer_write,) if owner_fd < 0 else (answer_write, owner_fd)
    try:
        subprocess.Popen(words, pass_fds=fds, stdin=subprocess.DEVNULL)
    finally:
        os.close(answer_write)
        if owner_fd >= 0:
            os.close(owner_fd)
    with os.fdopen(answer_read, "rb") as source:
        answer = source.read().decode()
    if answer != "ok":
        raise LabError(answer or f"lab {name} could not be made: its keeper ended at once.")
