"""The command line of scripts/bench."""

import argparse
import contextlib
import json
import os
import signal
import sys
import time

from labkit.kernel import LabError
from labkit.lab import need_root

from . import machine, measures, rounds
from .arithmetic import Noise, TooNoisy
from .link import INNER_MTU
from .peers import OpenvpnSide, OursSide, PlainSide, StrongswanSide, WireguardSide
from .peers.ours import FURTHER
from .report import Results, as_json

QUICK_S = 45  # rounds are not repeated beyond this
NOISY = 3  # exit status: the machine was too noisy
SIDES = (OursSide, WireguardSide, StrongswanSide, OpenvpnSide, PlainSide)
EXAMPLE = "ours-udp-aes-128-gcm"
LEADERS = {EXAMPLE, "ours-raw-aes-128-gcm", WireguardSide.name, StrongswanSide.name, OpenvpnSide.name, PlainSide.name}
BRIEF = ("tcp-1", "udp-1400-flood")  # what the other transforms get, unless asked for more
EPILOG = f"""Without words it measures everything that is installed, which takes hours. Exit status: 0 measured, 1 it could not, 2 wrong
words, {NOISY} the machine was too noisy. docs/performance.md says how to read the result."""


class Settings:
    """How often and how long. Seconds."""

    def __init__(self, seconds, round_count, quick):
        self.quick, self.rounds, self.seconds = quick, round_count, seconds
        self.warm_up = 0 if quick else 2 if seconds >= 5 else 1
        self.udp_seconds = 0.6 if quick else max(0.5, seconds / 2)
        self.probe_seconds = max(0.3, min(1.0, seconds / 4))
        self.inner_mtu = INNER_MTU


def parse(words):
    names = list(measures.everything())
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Postern's tunnel beside others and the bare wire.", epilog=EPILOG)
    parser.add_argument("--quick", action="store_true", help=f"{EXAMPLE}, wireguard-go and plain only: one TCP stream and a flood of "
                        "packets of 64 octets, in under 50 seconds")
    parser.add_argument("--json", metavar="FILE", help="write all of it there, too")
    parser.add_argument("--rounds", type=int, help="how often each is measured (default 5, with --quick 3)")
    parser.add_argument("--seconds", type=int, help="of each TCP transfer (default 10, with --quick 2)")
    parser.add_argument("--only", action="append", metavar="NAME", help="this line only, for example wireguard-go; repeatable")
    parser.add_argument("--measure", action="append", choices=names, metavar="NAME", help=f"this measurement only, for every line; "
                        f"repeatable: {', '.join(names)}")
    parser.add_argument("--offload", choices=("on", "off", "both"), help="segmentation offload of the wire (default both, with --quick on)")
    parser.add_argument("--wireguard-go", metavar="PATH", help="this binary instead of the package's")
    parser.add_argument("--list", action="store_true", help="names for --only, and what is not installed")
    options = parser.parse_args(words)
    usual_rounds, usual_seconds = (3, 2) if options.quick else (5, 10)
    options.rounds = usual_rounds if options.rounds is None else options.rounds
    options.seconds = usual_seconds if options.seconds is None else options.seconds
    if not 1 <= options.rounds <= 100 or not 1 <= options.seconds <= 60:
        parser.error("rounds are 1 to 100, seconds 1 to 60")
    if options.quick and (options.only or options.measure):
        parser.error("--quick has its own --only and --measure")
    if options.wireguard_go:
        path = os.path.abspath(options.wireguard_go)
        if not os.access(path, os.X_OK):
            parser.error(f"--wireguard-go {path}: it is not there, or cannot be run")
        WireguardSide.use(path)
    known = [subject.name for side in SIDES for subject in side().subjects()]
    for name in options.only or []:
        if name not in known:
            parser.error(f"there is no line '{name}'; there is: {', '.join(known)}")
    return options


def choose(options):
    """(plan, sides that it needs, left out): nothing is started yet."""
    every = measures.everything()
    wanted = ["tcp-1", "udp-64-flood"] if options.quick else options.measure or list(every)
    offloads = {"on": [True], "off": [False], "both": [True, False]}[options.offload or ("on" if options.quick else "both")]
    settings = Settings(options.seconds, options.rounds, options.quick)
    plan = rounds.Plan([every[name] for name in every if name in wanted], offloads, settings)
    only = {EXAMPLE, WireguardSide.name, PlainSide.name} if options.quick else set(options.only or [])
    further = {f"ours-raw-{transform.name}" for transform in FURTHER}
    sides, left_out, subjects = [], [], []
    for kind in SIDES:
        side = kind()
        rows = [subject for subject in side.subjects() if (subject.name in only if only else subject.name not in further)]
        if not rows:
            continue
        reason = kind.missing()
        if reason:
            left_out.append({"name": side.name, "reason": reason})
            continue
        sides.append(side)
        subjects += rows
    for measure in plan.measures:
        plan.subjects[measure.name] = [subject for subject in subjects if options.measure or only or subject.name in LEADERS
                                       or measure.name in BRIEF]
    return plan, sides, left_out


def start(plan, sides, left_out, stack, say):
    """Starts every side. A peer that does not come up is left out; without ours there is nothing to say."""
    versions = {}
    for side in sides:
        stack.callback(side.stop)
        try:
            side.start()
        except (LabError, AssertionError) as problem:
            if side.ours:
                raise
            left_out.append({"name": side.name, "reason": str(problem)})
            say(f"Left out: {side.name}: {problem}")
            plan.leave_out(lambda subject, side=side: subject.side is side)
            continue
        versions[side.name] = "; ".join(filter(None, (side.version(), side.remark()))) or None
    return versions


def duration(seconds):
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"


def introduce(plan, facts, say):
    here, settings = facts["machine"], plan.settings
    changed = " with changes that are not committed" if facts["software"]["changed_since"] else ""
    say(f"Machine: {here['processor']}, {here['cores']} cores ({' '.join(here['instructions'])}), {here['memory_mib']} MiB, "
        f"{here['system']}, Linux {here['kernel']}, load {here['load_before']:.1f}")
    say(f"Postern: commit {(facts['software']['commit'] or 'unknown')[:12]}{changed}, build {facts['software']['build']}")
    for name, version in facts["versions"].items():
        if version:
            say(f"Peer: {name}: {version}")
    say(f"Everybody: inner MTU {settings.inner_mtu}, both ends and the load on this machine, nobody bound to a processor")
    say(f"{settings.rounds} rounds, TCP {settings.seconds} s after {settings.warm_up} s of warm-up, floods {settings.udp_seconds:g} s: "
        f"about {duration(plan.cost())}")


def write(path, document):
    with open(path, "w", encoding="utf-8") as target:
        json.dump(document, target, indent=2)
        target.write("\n")


def bench(options, say):
    plan, sides, left_out = choose(options)
    if options.json:
        try:
            with open(options.json, "a", encoding="utf-8"):
                pass  # to fail now and not in two hours
        except OSError as problem:
            raise LabError(f"--json {options.json} cannot be written: {problem.strerror}.") from None
    for row in left_out:
        say(f"Left out: {row['name']}: {row['reason']}")
    if not plan.everybody():
        raise LabError("nothing to measure: none of the lines asked for is installed.")
    began, noisy = time.monotonic(), None
    noise = Noise(each=2, in_all=3, until=began + QUICK_S) if options.quick else Noise()
    run = rounds.Run(plan, noise, say, left_out)
    with contextlib.ExitStack() as stack:
        versions = start(plan, sides, left_out, stack, say)
        facts = {"machine": machine.describe(), "software": machine.software(), "versions": versions}
        introduce(plan, facts, say)
        try:
            run.all()
        except TooNoisy as problem:
            noisy = str(problem)
    say("")
    say(Results(plan, run.records).text())
    say(f"\nStolen time: at most {max(noise.shares, default=0.0):.1%} in a round that counts; rounds repeated: {noise.repeated}. "
        f"It took {duration(time.monotonic() - began)}.")
    if options.json:
        write(options.json, as_json(plan, run, facts, noisy is not None))
        say(f"All of it: {options.json}")
    if noisy:
        print(f"bench: {noisy} What is above is what was measured until then.", file=sys.stderr)
        return NOISY
    failed = [row for row in run.records if "failed" in row and row["subject"].startswith("ours")]
    return 1 if failed else 0


def listing():
    for kind in SIDES:
        reason = kind.missing()
        for subject in kind().subjects():
            print(f"{subject.name:32} {subject.cipher}" + (f" (left out: {reason})" if reason else ""))


def main():
    options = parse(sys.argv[1:])
    if options.list:
        listing()
        return 0
    # Ended from outside it must still end its hosts, as it does when it fails.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda caught, _: sys.exit(128 + caught))
    try:
        need_root()
        return bench(options, lambda line: print(line, flush=True))
    except (LabError, AssertionError, OSError, rounds.WireProblem) as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: ended by the keyboard", file=sys.stderr)
        return 130

