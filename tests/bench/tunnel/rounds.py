"""The order of things: A, B, C, A, B, C, each round of a measurement whole, and again when the machine was not ours."""

import time

from . import cpu
from .arithmetic import stolen_share
from .link import INNER
from .measures import BLAST, UDP_PORT, Sink, helper, one_try
from .wire import Capture, judge, judge_plain

CHECK_OCTETS, CHECK_RATE, CHECK_S = 1000, 2000, 0.032


class WireProblem(Exception):
    """A tunnel whose wire is not what it should be: its figures would be a lie."""


def check_wire(subject):
    """Sends a little through the tunnel and looks at every packet on the wire; how many there were."""
    link = subject.side.link
    subject.select()
    with helper(link.hosts["elmer"], BLAST, "sink", str(UDP_PORT)) as process:
        sink = Sink(process)
        sink.probe(link.hosts["relent"], CHECK_OCTETS, CHECK_RATE, CHECK_S)  # handshakes, neighbours' addresses
        with Capture(link.pid("relent")) as capture:
            sent, got = sink.probe(link.hosts["relent"], CHECK_OCTETS, CHECK_RATE, CHECK_S)
    if not got["received"]:
        raise WireProblem(f"{subject.name}: none of {sent['sent']} datagrams arrived")
    # A datagram that was lost on the way may have been lost before the wire.
    if subject.shape is None:
        problems = judge_plain(capture.frames, got["octets"])
    else:
        problems = judge(capture.frames, subject.shape, set(INNER.values()), got["octets"])
    if problems:
        more = f" (and {len(problems) - 5} more)" if len(problems) > 5 else ""
        raise WireProblem(f"{subject.name}: " + "; ".join(problems[:5]) + more)
    return len(capture.frames)


class Plan:
    """What to measure: measures by name, the subjects of each, the states of offload, how often and how long."""

    def __init__(self, measures, offloads, settings):
        self.measures, self.offloads, self.settings = measures, offloads, settings
        self.subjects = {}  # name of a measure -> subjects

    def everybody(self):
        """Each subject once, in order."""
        return list(dict.fromkeys(subject for rows in self.subjects.values() for subject in rows))

    def leave_out(self, which):
        """Takes subjects out, for all that is still to be measured."""
        for name, rows in self.subjects.items():
            self.subjects[name] = [subject for subject in rows if not which(subject)]

    def cost_of(self, measure):
        """Seconds of one round of a measurement."""
        return measure.cost(self.settings) * len(self.subjects[measure.name])

    def cost(self):
        """Seconds that it will take, without repetitions: a forecast for whoever waits."""
        one = sum(map(self.cost_of, self.measures)) * self.settings.rounds + len(self.everybody()) * 0.6  # and the looks at the wire
        return one * len(self.offloads)


class Run:
    """The measurements of a plan; `records` grows while it runs, so that what was measured before the
    machine became too noisy is not lost."""

    def __init__(self, plan, noise, say, left_out):
        self.plan, self.noise, self.say, self.left_out = plan, noise, say, left_out
        self.records, self.wires = [], []

    def all(self):
        for offload in self.plan.offloads:
            for side in dict.fromkeys(subject.side for subject in self.plan.everybody()):
                side.link.offload(offload)
            self._check_wires(offload)
            units = [(measure, number) for number in range(1, self.plan.settings.rounds + 1) for measure in self.plan.measures]
            for done, (measure, number) in enumerate(units):
                self._round(measure, offload, number, sum(self.plan.cost_of(left) for left, _ in units[done:]))

    def _check_wires(self, offload):
        for subject in self.plan.everybody():
            try:
                frames = check_wire(subject)
            except WireProblem as problem:
                if subject.ours or subject.shape is None:
                    raise
                self.left_out.append({"name": subject.name, "reason": str(problem)})
                self.say(f"Left out: {problem}")
                self.plan.leave_out(lambda other, subject=subject: other is subject)
                continue
            self.wires.append({"subject": subject.name, "offload": offload, "packets": frames})
        tunnels = [subject.shape for subject in self.plan.everybody() if subject.shape]
        hiding = sum(shape.hidden for shape in tunnels)
        self.say(f"Wire checked, segmentation offload {_on(offload)}: each of {len(tunnels)} tunnels looks as it should and nothing passes "
                 f"beside it; {hiding} hide what they carry{', as the others are not meant to' if hiding < len(tunnels) else ''}.")

    def _round(self, measure, offload, number, cost_left):
        """One measurement of every subject, until too little of the time was stolen to matter. `cost_left`: seconds from its
        beginning to the end of all."""
        tries = 0
        while True:
            tries += 1
            before, rows = cpu.stolen(), []
            for subject in self.plan.subjects[measure.name]:
                row = one_try(measure, subject, self.plan.settings)
                rows.append({"measure": measure.name, "offload": offload, "subject": subject.name, "round": number, **row})
                self._tell(measure, subject, rows[-1])
            share = stolen_share(before, cpu.stolen())
            if not self.noise.again(share, tries, time.monotonic() + cost_left):
                break
            self.say(f"  {share:.1%} of the processors' time was stolen meanwhile: this round does not count and is made again")
        for row in rows:
            row["stolen_share"] = share
        self.records += rows

    def _tell(self, measure, subject, row):
        """A line of progress, and what of ours was dropped."""
        what = f"  round {row['round']}/{self.plan.settings.rounds}, offload {_on(row['offload'])}, {measure.name:15} {subject.name:32}"
        if "failed" in row:
            self.say(f"{what} failed: {row['failed']}")
            return
        figures = ", ".join(f"{row[figure.key]:,.{figure.digits}f} {figure.unit}" for figure in measure.figures)
        again = f", {row['retransmits']:,} retransmissions" if row.get("retransmits") else ""
        self.say(f"{what} {figures}{again}")
        if subject.ours and row["drops"]:
            self.say("    dropped: " + ", ".join(f"{name} {count:,}" for name, count in sorted(row["drops"].items())))


def _on(offload):
    return "on" if offload else "off"
