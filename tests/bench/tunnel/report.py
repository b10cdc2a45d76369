"""The result for people, and the same as JSON."""

from .arithmetic import STOLEN_MAX, ratio, spread

LEGEND = """How to read it: each line is one way to carry the same load between the same two hosts. Compare the columns 'x NAME': the value
divided by NAME's of the same round, the median over the rounds. Where higher is better, 2.00 is twice as good; where lower is
better, 0.50 is. All other figures belong to this machine and this hour, since both ends and the load share its processors.
'MB/CPU-s': megabytes carried for a CPU-second of the tunnel's processes on both hosts, and for one of everything that ran."""
SPENT_MIN_S = 0.05  # of CPU time, for a line of one's own


def number(value, digits=0):
    return "-" if value is None else f"{value:,.{digits}f}"


def megabytes(octets):
    """Two or three digits that mean something."""
    return number(octets and octets / 1e6, 0 if octets and octets >= 1e8 else 1)


def table(titles, rows):
    """Columns as wide as they must be; the first to the left, numbers to the right."""
    widths = [max(len(row[i]) for row in [titles, *rows]) for i in range(len(titles))]
    lines = []
    for row in [titles, *rows]:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  " + "  ".join(cells).rstrip())
    return lines


class Results:
    """What a plan's records say. `references` are the subjects against which everybody is held: the peers and the bare wire."""

    def __init__(self, plan, records):
        self.plan, self.records = plan, records
        self.references = [subject.name for subject in plan.everybody() if not subject.ours]

    def rows_of(self, measure, offload, subject):
        """Its records by round; None for a round in which there is none."""
        found = {row["round"]: row for row in self.records
                 if (row["measure"], row["offload"], row["subject"]) == (measure.name, offload, subject.name)}
        rounds = sorted({row["round"] for row in self.records})
        return [found.get(number) for number in rounds]

    def values(self, measure, offload, subject, key):
        return [None if row is None else row.get(key) for row in self.rows_of(measure, offload, subject)]

    def summary(self):
        """One entry for each figure of each subject."""
        rows = []
        for offload in self.plan.offloads:
            for measure in self.plan.measures:
                for figure in measure.figures:
                    rows += self._of_figure(measure, offload, figure)
        return rows

    def _of_figure(self, measure, offload, figure):
        subjects = self.plan.subjects[measure.name]
        values = {subject.name: self.values(measure, offload, subject, figure.key) for subject in subjects}
        rows = []
        for subject in subjects:
            middle = spread(values[subject.name])
            rows.append({
                "measure": measure.name, "offload": offload, "figure": figure.key, "unit": figure.unit,
                "more_is_better": figure.more_is_better, "subject": subject.name, "cipher": subject.cipher,
                "rounds": sum(value is not None for value in values[subject.name]),
                **dict(zip(("median", "min", "max"), middle or (None, None, None))),
                "ratio": {name: ratio(values[subject.name], values[name]) for name in self.references
                          if name in values and name != subject.name},
                "octets_per_cpu_second": self._cpu(measure, offload, subject, "octets_per_cpu_second_of_tunnel"),
                "octets_per_cpu_second_of_machine": self._cpu(measure, offload, subject, "octets_per_cpu_second_of_machine"),
            })
        return rows

    def _cpu(self, measure, offload, subject, key):
        known = spread([row["cpu"][key] for row in self.rows_of(measure, offload, subject) if row and "cpu" in row])
        return known[0] if known else None

    # -- for people

    def text(self):
        lines = []
        summary = self.summary()
        for offload in self.plan.offloads:
            for measure in self.plan.measures:
                for figure in measure.figures:
                    rows = [row for row in summary
                            if (row["measure"], row["offload"], row["figure"]) == (measure.name, offload, figure.key)]
                    lines += ["", self._heading(measure, offload, figure), *self._table(rows, figure)]
                lines += self._by_process(measure, offload)
        return "\n".join([LEGEND, *lines])

    @staticmethod
    def _heading(measure, offload, figure):
        better = "higher is better" if figure.more_is_better else "lower is better"
        state = "on" if offload else "off: every packet crosses the wire by itself"
        return f"{measure.title}: {figure.title}, {figure.unit}, {better}. Segmentation offload of the wire {state}"

    def _table(self, rows, figure):
        with_cpu = any(row["octets_per_cpu_second_of_machine"] for row in rows)
        references = [name for name in self.references if any(row["subject"] == name for row in rows)]
        titles = ["", "cipher", "median", "min", "max", *(f"x {name}" for name in references)]
        titles += ["MB/CPU-s tunnel", "MB/CPU-s machine"] if with_cpu else []
        cells = []
        for row in rows:
            line = [row["subject"], row["cipher"], *(number(row[key], figure.digits) for key in ("median", "min", "max"))]
            line += ["" if name == row["subject"] else number(row["ratio"].get(name), 2) for name in references]
            if with_cpu:
                for key in ("octets_per_cpu_second", "octets_per_cpu_second_of_machine"):
                    line.append(megabytes(row[key]))
            cells.append(line)
        return table(titles, cells)

    def _by_process(self, measure, offload):
        """Which process carries how much for its time; the median of the rounds, those left out that hardly run."""
        lines = []
        for subject in self.plan.subjects[measure.name]:
            rows = [row["cpu"] for row in self.rows_of(measure, offload, subject) if row and "cpu" in row]
            names = sorted({name for row in rows for name, spent in row["seconds"].items() if spent >= SPENT_MIN_S})
            parts = [f"{name} {megabytes(spread([row['octets_per_cpu_second'].get(name) for row in rows])[0])}" for name in names]
            if rows:
                softirq = spread([row["softirq_seconds"] / row["busy_seconds"] if row["busy_seconds"] else None for row in rows])
                parts.append(f"soft interrupts {softirq[0]:.0%} of all CPU time" if softirq else "no CPU time")
                lines.append([subject.name, ", ".join(parts)])
        if not lines:
            return []
        width = max(len(line[0]) for line in lines)
        return ["  MB/CPU-s by process (higher is better):", *(f"    {name.ljust(width)}  {words}" for name, words in lines)]


def as_json(plan, run, facts, noisy):
    """The document of --json; docs/performance.md says what its fields mean."""
    return {
        "schema_version": 2, "bench": "tunnel", "noisy": noisy, **facts,
        "settings": {**vars(plan.settings), "offload": plan.offloads},
        "left_out": run.left_out, "wire_checked": run.wires,
        "stolen": {"bound": STOLEN_MAX, "highest_counted": max(run.noise.shares, default=0.0), "rounds_repeated": run.noise.repeated},
        "results": Results(plan, run.records).summary(), "records": run.records,
    }
