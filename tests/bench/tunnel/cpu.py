"""Where the processors' time went: by process, in soft interrupts, stolen. Seconds, by the kernel's clock of 10 ms ticks."""

import os

HZ = os.sysconf("SC_CLK_TCK")


def _machine():
    """Ticks of the whole machine since boot by kind (proc(5), /proc/stat)."""
    with open("/proc/stat", encoding="ascii") as source:
        words = source.readline().split()[1:]
    names = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
    return dict(zip(names, map(int, words)))


def stolen():
    """(stolen, all) ticks: for arithmetic.stolen_share()."""
    ticks = _machine()
    return ticks["steal"], sum(ticks.values())


def _process(pid):
    """utime and stime of one process; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as source:
            fields = source.read().rsplit(")", 1)[1].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


class Meter:
    """CPU seconds of some processes, and of the machine, from now on. `processes`: label -> pid."""

    def __init__(self, processes):
        self.processes = processes
        self.machine = _machine()
        self.own = {label: _process(pid) for label, pid in processes.items()}

    def read(self):
        """{"processes": label -> seconds, "softirq": seconds, "busy": seconds}; soft interrupts are those of the whole machine."""
        now = _machine()
        spent = {kind: (now[kind] - self.machine[kind]) / HZ for kind in now}
        own = {label: max(0, _process(pid) - self.own[label]) / HZ for label, pid in self.processes.items()}
        return {"processes": own, "softirq": spent["softirq"],
                "busy": sum(spent[kind] for kind in ("user", "nice", "system", "irq", "softirq"))}
