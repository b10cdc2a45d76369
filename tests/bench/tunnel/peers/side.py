"""What every peer has in common."""

import os
import shutil
import subprocess

from labkit.kernel import LabError
from tunnel.link import Link


class Subject:
    """One line of a table: a side with one set of keys and transforms."""

    def __init__(self, side, name, cipher, shape):
        self.side, self.name, self.cipher, self.shape = side, name, cipher, shape

    @property
    def ours(self):
        return self.side.ours

    def select(self):
        """Puts its keys and policies in force, if the side has to choose."""
        self.side.select(self)


class Side:
    """Two hosts with a tunnel between them, and whoever carries it."""

    name = ""
    ours = False
    packages = ()    # of Debian, all of which it needs
    programs = ()    # which those bring
    daemons = ()     # whose CPU time counts: names of processes, or their beginnings

    def __init__(self):
        self.link = Link(self.name)
        self.started = []

    @classmethod
    def missing(cls):
        """A sentence that says what to install; None when all is there."""
        absent = [program for program in cls.programs if not cls.runs(program)]
        if not absent:
            return None
        return f"{', '.join(absent)} not found; to have it measured: apt-get install --no-install-recommends {' '.join(cls.packages)}"

    @staticmethod
    def runs(program):
        places = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return os.access(program, os.X_OK) if program.startswith("/") else shutil.which(program, path=places) is not None

    def version(self):
        return None

    def remark(self):
        """In what it is not like the others; None: in nothing."""
        return None

    def subjects(self):
        raise NotImplementedError

    def start(self):
        """Hosts, daemons, tunnel: afterwards packets pass, or the reason is raised."""
        self.link.up()
        self.open()

    def open(self):
        raise NotImplementedError

    def select(self, subject):
        pass

    def stop(self):
        """Whatever state it is in; the lab ends every process in its hosts."""
        self.link.down()
        for process in self.started:
            process.wait(timeout=20)
        self.started.clear()

    def daemon(self, host, *words, log):
        """A daemon in the foreground; its words go to a file of the host's own."""
        process = self.link.hosts[host].popen("sh", "-c", 'exec "$@" >"$0" 2>&1', log, *words, stdin=subprocess.DEVNULL, stdout=None,
                                                stderr=None)
        self.started.append(process)

    def processes(self):
        """'HOST PROGRAM' -> pid of each daemon."""
        found = {}
        for host in self.link.hosts:
            for pid, command in sorted(self.link.lab.processes(host).items()):
                if command.startswith(self.daemons):
                    found[f"{host} {command}"] = pid
        return found

    def drops(self):
        """Counters of lost packets by name, cumulative."""
        return self.link.kernel_drops()

    def complain(self, host, log):
        """What a daemon said last, for whoever has to find out why it does not run."""
        done = self.link.hosts[host].run("tail", "-n", "15", log, check=False)
        raise LabError(f"{self.name} on {host} did not come up; its last words:\n{done.stdout}")
