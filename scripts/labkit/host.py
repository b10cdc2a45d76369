"""A host: a process that is number 1 of its own pid, mount, network, host name and IPC namespaces.

It does nothing but reap and wait for the keeper's end; when it ends, the kernel ends everything in the host. The
machine's file system shows through, except that /etc and /var are writable layers of the host's own, /run is empty, and
/proc and /sys are those of its namespaces: programs find their default paths and leave nothing behind.
"""

import json
import os
import select
import signal
import subprocess
import sys

from . import kernel
from .kernel import LabError, Process

LAYERS = "/run/.layers"  # inside the host: what it wrote below /etc and /var
BIN = "/run/bin"         # inside the host: the build's programs under the names people type


def program_links(build):
    """Name -> path of every program of the build, as an installed system would have them on its PATH."""
    root = os.path.join(build, "services")
    links = {}
    if os.path.isdir(root):
        for service in sorted(os.listdir(root)):
            for name in sorted(os.listdir(os.path.join(root, service))):
                path = os.path.join(root, service, name)
                if name.startswith("postern-") and os.path.isfile(path) and os.access(path, os.X_OK):
                    links[name] = path
    for name in ("ipsecctl", "setkey", "ipseckey", "racoon", "racoonctl"):
        links[name] = os.path.join(build, "cli", "ipsecctl")
    return links


def _bring_along(path):
    """Keeps a folder below /run, where a clone may lie, in sight of the host."""
    if not path.startswith("/run/") or not os.path.isdir(path):
        return None
    return path, os.open(path, os.O_PATH | os.O_DIRECTORY)


def _mounts(spec):
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    kept = _bring_along(spec["root"])
    kernel.mount("tmpfs", "/run", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=0755")
    if kept:
        os.makedirs(kept[0], exist_ok=True)
        kernel.mount(f"/proc/self/fd/{kept[1]}", kept[0], None, kernel.MS_BIND | kernel.MS_REC)
        os.close(kept[1])
    for name in ("etc", "var"):
        upper, work = f"{LAYERS}/{name}/upper", f"{LAYERS}/{name}/work"
        os.makedirs(upper)
        os.makedirs(work)
        os.chmod(upper, 0o755)
        kernel.mount("overlay", f"/{name}", "overlay", 0, f"lowerdir=/{name},upperdir={upper},workdir={work}")
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount("proc", "/proc", "proc", flags)
    kernel.mount("sysfs", "/sys", "sysfs", flags)
    os.chmod(LAYERS, 0o700)
    os.makedirs("/run/lock", exist_ok=True)


def _write(path, text):
    with open(path, "w", encoding="utf-8") as target:
        target.write(text)


def write_hosts_file(rows):
    """Runs inside a host: the names of the lab in front of nothing but localhost."""
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost"] + [f"{address} {name}" for address, name in rows]
    _write("/etc/hosts", "\n".join(lines) + "\n")


def _furnish(spec):
    kernel.sethostname(spec["name"])
    _write("/etc/hostname", spec["name"] + "\n")
    write_hosts_file(spec["hosts"])
    for path in ("/etc/inet", "/etc/postern", BIN):
        os.makedirs(path, exist_ok=True)
    link_programs(spec["build"])
    settings = {
        "net/ipv4/conf/all/rp_filter": 1, "net/ipv4/conf/default/rp_filter": 1,
        "net/ipv6/conf/default/accept_dad": 0, "net/ipv6/conf/default/router_solicitations": 0,
        "net/ipv4/ping_group_range": "0 2147483647",
    }
    for name, value in settings.items():
        if os.path.exists(f"/proc/sys/{name}"):
            _write(f"/proc/sys/{name}", f"{value}\n")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def link_programs(build):
    """Runs inside a host: makes BIN show what is built now."""
    for name, path in program_links(build).items():
        temporary = f"{BIN}/.{name}"
        if os.path.lexists(temporary):
            os.unlink(temporary)
        os.symlink(path, temporary)
        os.rename(temporary, f"{BIN}/{name}")


def _reap():
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return


def _wait_for_end(keeper_fd):
    wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    poll = select.poll()
    poll.register(keeper_fd, select.POLLIN)
    poll.register(wake_read, select.POLLIN)
    while True:
        _reap()
        for fd, _ in poll.poll():
            if fd == keeper_fd:
                os._exit(0)
            try:
                os.read(wake_read, 512)
            except BlockingIOError:
                pass


def init_main(spec_text, keeper_fd, answer_fd):
    """The program `lab _init`: tells its pid, or a sentence of failure, on `answer_fd`, then is the host."""
    spec = json.loads(spec_text)
    kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWUTS | kernel.CLONE_NEWIPC | kernel.CLONE_NEWPID
                   | kernel.CLONE_NEWNET)
    ready_read, ready_write = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid:
        os.close(ready_write)
        problem = os.read(ready_read, 4096).decode()
        os.write(answer_fd, json.dumps({"problem": problem, "process": Process(pid).dump()}).encode())
        os._exit(0)
    os.setsid()
    kernel.set_process_name(f"lab:{spec['name']}")
    try:
        _mounts(spec)
        _furnish(spec)
        os.chdir("/")
    except Exception as problem:  # pylint: disable=broad-except
        os.write(ready_write, f"host {spec['name']} could not be made: {problem}".encode())
        os._exit(1)
    os.close(ready_write)
    os.close(ready_read)
    os.close(answer_fd)
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    _wait_for_end(keeper_fd)


def spawn(program, spec, keeper):
    """Makes a host; its init as a Process."""
    keeper_fd = keeper.open()
    if keeper_fd is None:
        raise LabError("the lab's keeper has ended; run 'scripts/lab down' and 'scripts/lab up' again.")
    answer_read, answer_write = os.pipe()
    words = [sys.executable, "-B", program, "_init", json.dumps(spec), str(keeper_fd), str(answer_write)]
    try:
        child = subprocess.Popen(words, pass_fds=(keeper_fd, answer_write), stdin=subprocess.DEVNULL)
    finally:
        os.close(keeper_fd)
        os.close(answer_write)
    with os.fdopen(answer_read, "rb") as source:
        answer = source.read()
    child.wait()
    if not answer:
        raise LabError(f"host {spec['name']} could not be made: its first process ended at once.")
    told = json.loads(answer)
    if told["problem"]:
        raise LabError(told["problem"])
    return Process.load(told["process"])


def enter(process, words, directory="/", bound=True):
    """The command line that runs `words` in a host; bound: they die with whoever runs that line."""
    bond = ["setpriv", "--pdeathsig", "KILL", "--"] if bound else []
    return ["nsenter", "-t", str(process.pid), "-m", "-u", "-i", "-n", "-p", f"--wdns={directory}", "--", *bond, *words]


def environment(lab, host):
    """What a command in a host finds; nothing of the caller's but its terminal and language."""
    kept = {name: os.environ[name] for name in ("TERM", "COLORTERM", "LANG", "LC_ALL", "LC_CTYPE") if name in os.environ}
    return {**kept, "PATH": f"{BIN}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
            "USER": "root", "LOGNAME": "root", "SHELL": "/bin/bash", "LAB": lab, "LAB_HOST": host}
