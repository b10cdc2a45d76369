"""What one can do with a lab. The command line and the tests call the same functions."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

from . import host, impair, keeper, net
from .kernel import LabError, Process, run
from .state import Folder, names

PROGRAM = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lab")
ROOT = os.path.dirname(os.path.dirname(PROGRAM))
SEGMENT = "lan"
GUIDE_HOSTS = (("relent", ["10.0.0.100/24", "fd00:10::100/64"]), ("elmer", ["10.0.0.110/24", "fd00:10::110/64"]))
START_S = 40  # hang guard; the supervisor itself gives up waiting after 30
CAPTURE_BUFFER_KIB = "16384"  # a busy machine may keep tcpdump waiting
TOOLS = ("ip", "nft", "nsenter", "setpriv")


def need_root():
    if os.geteuid() != 0:
        raise LabError("a lab is made of namespaces and needs root: run it with sudo.")
    missing = [tool for tool in TOOLS if not any(os.access(os.path.join(folder, tool), os.X_OK)
               for folder in ("/usr/sbin", "/usr/bin", "/sbin", "/bin"))]
    if missing:
        raise LabError(f"missing programs: {', '.join(missing)}. 'scripts/setup-debian' installs them.")


class Lab:
    """A lab by its name; the state is read anew for each call, so that several programs may work on one lab."""

    def __init__(self, name):
        self.folder = Folder(name)
        self.name = name

    # -- coming and going

    def up(self, build=None, owner_pid=None, guide_hosts=True):
        """Makes the segment and, unless told otherwise, the guide's two hosts."""
        need_root()
        build = os.path.abspath(build or os.path.join(ROOT, "build"))
        with self.folder.lock():
            if self.folder.alive():
                raise LabError(f"lab '{self.name}' is up already; 'scripts/lab down --name {self.name}' ends it.")
            self.folder.remove()  # a keeper that was killed left it
            self.folder.make()
            keeper.spawn(PROGRAM, self.name, build, owner_pid)
        try:
            if guide_hosts:
                for name, addresses in GUIDE_HOSTS:
                    self.add(name, addresses)
        except BaseException:
            self.down()
            raise

    def down(self):
        """Ends every process of the lab and waits until they are gone. A lab that is not there is no error."""
        process = self.folder.keeper()
        if process is None:
            with self.folder.lock():
                self.folder.remove()
            return
        process.kill(signal.SIGTERM)
        deadline = time.monotonic() + keeper.ENDING_S + 5
        while process.alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
        with self.folder.lock():
            state = self.folder.load()
            for row in (state or {"hosts": {}})["hosts"].values():
                Process.load(row["init"]).kill()
            self.folder.remove()

    # -- what it is made of

    def state(self):
        state = self.folder.load()
        if state is None or not Process.load(state["keeper"]).alive():
            others = [name for name in names() if Folder(name).alive()]
            hint = f" Labs that are up: {', '.join(others)}." if others else ""
            raise LabError(f"lab '{self.name}' is not up; 'scripts/lab up --name {self.name}' makes it.{hint}")
        return state

    def keeper_pid(self):
        """The process whose network namespace is the switch's."""
        return self.state()["keeper"]["pid"]

    def host_row(self, name, state=None):
        state = state or self.state()
        if name not in state["hosts"]:
            raise LabError(f"lab '{self.name}' has no host '{name}'; it has: {', '.join(state['hosts']) or 'none'}.")
        return state["hosts"][name]

    def init(self, name):
        """The first process of a host."""
        process = Process.load(self.host_row(name)["init"])
        if not process.alive():
            raise LabError(f"host '{name}' has ended; 'scripts/lab down' and 'scripts/lab up' make it again.")
        return process

    @contextlib.contextmanager
    def _change(self):
        with self.folder.lock():
            state = self.state()
            try:
                yield state, Process.load(state["keeper"])
            finally:
                self.folder.save(state)

    def add(self, name, addresses, segment=SEGMENT, gateway=None):
        """A plain host with one interface."""
        self._make_host(name, [(segment, addresses)], gateway)

    def add_router(self, name, interfaces, nat=True):
        """A host that forwards between segments; the last of `interfaces` is the outside, on which it masquerades."""
        if len(interfaces) < 2:
            raise LabError("a router needs at least two segments, for example lan=10.0.0.1/24 wan=192.0.2.1/24.")
        self._make_host(name, interfaces, None)
        process = self.init(name)
        net.run(host.enter(process, ["sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward; "
                                                 "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"]))
        if nat:
            net.nft(process.pid, f"""
                table inet lab_nat {{
                    chain postrouting {{
                        type nat hook postrouting priority srcnat;
                        oifname "eth{len(interfaces) - 1}" masquerade
                    }}
                }}""")

    def _make_host(self, name, interfaces, gateway):
        need_root()
        net.check_label(name, "host")
        parsed = [(net.check_label(segment, "segment"), [net.parse_address(text) for text in addresses])
                  for segment, addresses in interfaces]
        if gateway:
            gateway = net.parse_address(gateway).ip
        with self._change() as (state, kept):
            if name in state["hosts"]:
                raise LabError(f"lab '{self.name}' already has a host '{name}'.")
            if name in state["segments"] or any(segment in state["hosts"] for segment, _ in parsed):
                raise LabError("a host and a segment cannot have the same name.")
            self._check_free(state, parsed)
            rows = [{"segment": segment, "addresses": [str(address) for address in addresses]}
                    for segment, addresses in parsed]
            spec = {"name": name, "root": ROOT, "build": state["build"], "hosts": self._names(state, (name, rows))}
            process = host.spawn(PROGRAM, spec, kept)
            state["hosts"][name] = {"init": process.dump(), "interfaces": rows}
            try:
                for index, (segment, addresses) in enumerate(parsed):
                    if segment not in state["segments"]:
                        net.make_segment(kept.pid, segment)
                        state["segments"].append(segment)
                    net.plug(kept.pid, name, process.pid, index, segment, addresses, gateway if index == 0 else None)
                self._tell_names(state)
            except BaseException:
                process.kill()
                del state["hosts"][name]
                raise

    @staticmethod
    def _check_free(state, interfaces):
        """No address twice on one segment: which host answers would be chance."""
        taken = {(interface["segment"], address.split("/")[0]): name for name, row in state["hosts"].items()
                 for interface in row["interfaces"] for address in interface["addresses"]}
        for segment, addresses in interfaces:
            for address in addresses:
                place = (segment, str(address.ip))
                if place in taken:
                    raise LabError(f"address {address.ip} is taken on segment '{segment}': {taken[place]} has it.")
                taken[place] = "the new host itself"

    @staticmethod
    def _names(state, newcomer=None):
        rows = [(name, row["interfaces"]) for name, row in state["hosts"].items()]
        if newcomer:
            rows.append(newcomer)
        return [(interfaces[0]["addresses"][0].split("/")[0], name) for name, interfaces in rows]

    def _tell_names(self, state):
        rows = json.dumps(self._names(state))
        for row in state["hosts"].values():
            process = Process.load(row["init"])
            if process.alive():
                run(host.enter(process, [sys.executable, "-B", PROGRAM, "_names", rows]))

    def remove(self, name):
        """Ends one host."""
        with self._change() as (state, kept):
            process = Process.load(self.host_row(name, state)["init"])
            impair.clear(state, kept, name)
            process.kill()
            while process.alive():
                time.sleep(0.01)
            del state["hosts"][name]

    # -- working in it

    def command(self, name, words, directory="/"):
        """(argv, environment) that runs `words` in a host and dies with its caller."""
        return host.enter(self.init(name), list(words), directory), host.environment(self.name, name)

    def call(self, name, words, **kwargs):
        """Runs a command in a host to its end and gives its output; a failure becomes a LabError."""
        argv, env = self.command(name, words)
        return run(argv, env=env, **kwargs)

    def log_path(self, name):
        return self.folder.file(f"{name}.log")

    def start(self, name, extra=()):
        """Starts the suite in a host; the supervisor goes into the background once each of its services is ready."""
        build = self.state()["build"]
        if not os.access(os.path.join(build, "services/supervisor/postern-supervisor"), os.X_OK):
            raise LabError(f"there is no postern-supervisor below {build}; build first: ninja -C {build}.")
        if self.suite_pid(name):
            raise LabError(f"the suite runs already on {name}; 'scripts/lab stop {name}' ends it.")
        self.call(name, [sys.executable, "-B", PROGRAM, "_link", build])
        argv, env = self.command(name, ["postern-supervisor", *extra])
        with open(self.log_path(name), "ab") as log:
            try:
                done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=START_S)
                failed = done.returncode != 0
            except subprocess.TimeoutExpired:
                failed = True
        if failed:
            raise LabError(f"the suite on {name} did not start; its last words:\n{self.log_tail(name)}")

    def log_size(self, name):
        """Octets a host's suite has logged until now."""
        try:
            return os.path.getsize(self.log_path(name))
        except FileNotFoundError:
            return 0

    def log_since(self, name, size):
        """What it logged after it had logged `size` octets."""
        try:
            with open(self.log_path(name), "rb") as source:
                source.seek(size)
                return source.read().decode(errors="replace")
        except FileNotFoundError:
            return ""

    def log_tail(self, name, lines=15):
        return "".join(self.log_since(name, 0).splitlines(keepends=True)[-lines:])

    def _inside(self, name, path):
        """A path of a host's file system as seen from here."""
        return f"/proc/{self.init(name).pid}/root{path}"

    def supervisor_status(self, name):
        """What the supervisor wrote last, or None."""
        try:
            with open(self._inside(name, "/run/postern/supervisor.status"), encoding="utf-8") as source:
                return json.load(source)
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def services(self, name):
        """Name -> what the supervisor knows of each service."""
        return {row["name"]: row for row in (self.supervisor_status(name) or {"services": []})["services"]}

    def processes(self, name):
        """pid -> command name of everything that runs in a host, the init left out; pids as this side sees them."""
        init = self.init(name)
        namespace = os.readlink(f"/proc/{init.pid}/ns/pid")
        found = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == init.pid:
                continue
            try:
                if os.readlink(f"/proc/{entry}/ns/pid") != namespace:
                    continue
                with open(f"/proc/{entry}/cmdline", "rb") as source:
                    argv = source.read().split(b"\0")
            except OSError:
                continue
            if argv[0]:
                found[int(entry)] = os.path.basename(argv[0]).decode(errors="replace")
        return found

    def suite_pid(self, name):
        """The supervisor's pid as this side sees it, or None."""
        for pid, command in self.processes(name).items():
            if command == "postern-supervisor":
                return pid
        return None

    def stop(self, name):
        """The orderly end: the supervisor is asked to end and takes everything down with it."""
        pid = self.suite_pid(name)
        if pid is None:
            raise LabError(f"the suite does not run on {name}.")
        process = Process(pid)
        process.kill(signal.SIGTERM)
        deadline = time.monotonic() + START_S
        while process.alive():
            if time.monotonic() > deadline:
                raise LabError(f"the suite on {name} did not end within {START_S} s; see {self.log_path(name)}.")
            time.sleep(0.02)

    # -- wires

    def tap(self, target=None):
        """The device in the keeper's namespace on which a host's or a segment's packets are seen."""
        state = self.state()
        target = target or SEGMENT
        if target in state["segments"]:
            return net.bridge(target)
        if target in state["hosts"]:
            return net.port(target, 0)
        known = ", ".join([*state["segments"], *state["hosts"]])
        raise LabError(f"'{target}' is neither a segment nor a host of lab '{self.name}'; it has: {known}.")

    def capture_command(self, target, output, filter_words=()):
        """The tcpdump line; `output` is a file, or '-' for text lines."""
        words = ["tcpdump", "-n", "--immediate-mode", "-i", self.tap(target)]
        words += ["-l"] if output == "-" else ["-U", "-B", CAPTURE_BUFFER_KIB, "-Z", "root", "-w", output]
        return net.inside(self.keeper_pid(), [*words, *filter_words])

    def impair(self, name, wish):
        with self._change() as (state, kept):
            self.host_row(name, state)
            impair.apply(PROGRAM, state, kept, name, wish)

    def unimpair(self, name):
        with self._change() as (state, kept):
            self.host_row(name, state)
            impair.clear(state, kept, name)


def down_all():
    for name in names():
        Lab(name).down()
