"""The command line of scripts/lab."""

import argparse
import json
import os
import signal
import subprocess
import sys

from . import host, keeper, relay
from .kernel import LabError
from .lab import GUIDE_HOSTS, SEGMENT, Lab, down_all, need_root
from .state import Folder, names

DESCRIPTION = """\
A laboratory on one machine: hosts in namespaces on common segments, for people and for tests.

Each host has its own network, processes, host name, /run and /proc; what it writes below /etc and /var
is its own and vanishes with it. Everything else of the file system is this machine's. The programs of
the build are on the PATH of every host: ipsecctl, setkey, ipseckey, postern-*.

  lab up                        hosts relent (10.0.0.100) and elmer (10.0.0.110) on the segment 'lan'
  lab start                     the suite on both, ready when the command returns
  lab exec relent setkey -DP    a command on a host
  lab shell elmer               a shell on a host
  lab capture -                 what crosses the segment, line by line
  lab down                      everything ends, nothing is left

'lab help COMMAND' describes one. Several labs can be up: --name LAB, before the host or right behind it,
says which.
"""

IMPAIR_HELP = """\
Makes the wire between one host and its segment bad, in both directions. Loss is an nftables rule at the
host's port; the rest is done by a relay put into the wire. 'scripts/lab impair HOST off' makes it good again.
"""

ROUTER_HELP = """\
A router is a host with one interface per segment, in the order given (eth0, eth1, ...). A segment
comes into being when it is first named. Packets that leave by the last one carry its address (NAT),
unless --no-nat is given. Hosts reach it with 'scripts/lab add ... --gateway'.

  lab add-router nat lan=10.0.0.1/24 wan=192.0.2.1/24
  lab add faraway 192.0.2.50/24 --segment wan
"""


def _up(args):
    lab = Lab(args.name)
    lab.up(args.build, args.owner_pid, not args.empty)
    if not args.empty:
        hosts = " and ".join(f"{name} ({addresses[0].split('/')[0]})" for name, addresses in GUIDE_HOSTS)
        print(f"Lab '{args.name}' is up: {hosts} on segment '{SEGMENT}'.")
    else:
        print(f"Lab '{args.name}' is up, without hosts.")


def _down(args):
    need_root()
    if args.all:
        down_all()
    else:
        Lab(args.name).down()


def _hosts(args, lab):
    return [args.host] if args.host else list(lab.state()["hosts"])


def _take_name(args):
    """--name right behind the host means the lab, as it does elsewhere; what follows belongs to the command."""
    if args.words[:1] == ["--name"] and len(args.words) > 1:
        args.name, args.words = args.words[1], args.words[2:]
    elif args.words and args.words[0].startswith("--name="):
        args.name, args.words = args.words[0].partition("=")[2], args.words[1:]


def _start(args):
    _take_name(args)
    lab = Lab(args.name)
    hosts = [args.host] if args.host else [name for name in lab.state()["hosts"] if name in dict(GUIDE_HOSTS)]
    for name in hosts:
        lab.start(name, args.words)
        print(f"The suite is ready on {name}.")


def _stop(args):
    lab = Lab(args.name)
    for name in _hosts(args, lab):
        if args.host or lab.suite_pid(name):
            lab.stop(name)
            print(f"The suite has ended on {name}.")


def _become(lab, name, words):
    here = os.getcwd()
    directory = here if not here.startswith("/run/") else "/"
    argv, env = lab.command(name, words, directory)
    child = subprocess.Popen(argv, env=env)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: child.send_signal(received))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal tells the command itself
    status = child.wait()
    sys.exit(status if status >= 0 else 128 - status)


def _exec(args):
    _take_name(args)
    words = args.words[1:] if args.words[:1] == ["--"] else args.words
    if not words:
        raise LabError(f"what shall run on {args.host}? For example: lab exec {args.host} ip address")
    _become(Lab(args.name), args.host, words)


def _shell(args):
    lab = Lab(args.name)
    lab.init(args.host)  # says so if there is none
    print(f"A shell on {args.host} of lab '{args.name}'; 'exit' returns.", file=sys.stderr)
    prompt = rf"\u@{args.host}:\w# "
    _become(lab, args.host, ["env", f"PS1={prompt}", "bash", "--norc", "--noprofile"])


def _add(args):
    Lab(args.name).add(args.host, args.address, args.segment, args.gateway)


def _add_router(args):
    interfaces = []
    for word in args.interfaces:
        segment, found, addresses = word.partition("=")
        if not found:
            raise LabError(f"'{word}' should read SEGMENT=ADDRESS/LENGTH, for example wan=192.0.2.1/24.")
        interfaces.append((segment, addresses.split(",")))
    Lab(args.name).add_router(args.host, interfaces, not args.no_nat)


def _capture(args):
    lab = Lab(args.name)
    target, output, rest = (args.words[0], args.words[1], args.words[2:]) if len(args.words) > 1 else \
        (None, args.words[0], [])
    if rest[:1] == ["--"]:
        rest = rest[1:]
    argv = lab.capture_command(target, output if output == "-" else os.path.abspath(output), rest)
    os.execvp(argv[0], argv)


def _impair(args):
    lab = Lab(args.name)
    wish = {key: getattr(args, key) for key in ("loss", "duplicate", "reorder", "delay", "jitter", "seed")}
    for key in ("loss", "duplicate", "reorder"):
        if not 0 <= wish[key] <= 100:
            raise LabError(f"--{key} is a percentage from 0 to 100.")
    if wish["delay"] < 0 or wish["jitter"] < 0:
        raise LabError("--delay and --jitter are milliseconds, 0 or more.")
    worse = any(wish[key] for key in ("loss", "duplicate", "reorder", "delay", "jitter"))
    if args.off and worse:
        raise LabError("'off' takes no further options.")
    if args.off:
        lab.unimpair(args.host)
    elif worse:
        lab.impair(args.host, wish)
    else:
        raise LabError("say what shall be bad: --loss, --delay, --jitter, --reorder, --duplicate; or 'off'.")


def _describe(lab, state):
    rows = []
    for name, row in state["hosts"].items():
        places = ", ".join(f"{interface['segment']} {' '.join(interface['addresses'])}"
                           for interface in row["interfaces"])
        bad = state["impair"].get(name)
        wire = "" if not bad else "; wire: " + " ".join(
            f"{key} {bad[key]:g}{'%' if key in ('loss', 'duplicate', 'reorder') else ' ms'}"
            for key in ("loss", "duplicate", "reorder", "delay", "jitter") if bad[key])
        try:
            suite = "suite runs" if lab.suite_pid(name) else "no suite"
        except LabError:
            suite = "ENDED"
        rows.append(f"  {name:<10} {places}; {suite}{wire}")
    return rows


def _status(args):
    if args.json:
        print(json.dumps({name: Folder(name).load() for name in names() if Folder(name).alive()}, indent=1))
        return
    for name in names():
        folder = Folder(name)
        if not folder.alive():
            print(f"{name}: its keeper was killed; 'scripts/lab down --name {name}' removes what is left.")
            continue
        lab = Lab(name)
        state = lab.state()
        print(f"{name}: programs from {state['build']}")
        print("\n".join(_describe(lab, state)) or "  no hosts")
    if not names():
        print("No lab is up; 'scripts/lab up' makes one.")


def _parser():
    parser = argparse.ArgumentParser(prog="lab", description=DESCRIPTION,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    raw = {"formatter_class": argparse.RawDescriptionHelpFormatter}

    def command(word, function, text, **kwargs):
        sub = commands.add_parser(word, help=text, **kwargs)
        sub.add_argument("--name", metavar="LAB", default=os.environ.get("LAB", "postern"),
                         help="which lab (default: $LAB, or 'postern')")
        sub.set_defaults(run=function)
        return sub

    sub = command("up", _up, "make a lab with the hosts relent and elmer")
    sub.add_argument("--build", metavar="DIR", help="build folder whose programs the hosts use (default: build/)")
    sub.add_argument("--owner-pid", metavar="PID", type=int, help="end the lab when this process ends")
    sub.add_argument("--empty", action="store_true", help="without hosts")
    sub = command("down", _down, "end a lab; nothing is left")
    sub.add_argument("--all", action="store_true", help="every lab of this machine")
    sub = command("start", _start, "start the suite on a host (default: on relent and elmer) and wait until it is ready")
    sub.add_argument("host", nargs="?", metavar="HOST")
    sub.add_argument("words", nargs=argparse.REMAINDER, metavar="OPTION", help="further options for the supervisor")
    sub = command("stop", _stop, "stop the suite on a host (default: wherever it runs)")
    sub.add_argument("host", nargs="?", metavar="HOST")
    sub = command("exec", _exec, "run a command on a host")
    sub.add_argument("host", metavar="HOST")
    sub.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND...")
    sub = command("shell", _shell, "open a shell on a host")
    sub.add_argument("host", metavar="HOST")
    sub = command("add", _add, "add a plain host")
    sub.add_argument("host", metavar="NAME")
    sub.add_argument("address", metavar="ADDRESS[/LENGTH]", nargs="+")
    sub.add_argument("--segment", default=SEGMENT, help=f"the segment it is plugged into (default: {SEGMENT})")
    sub.add_argument("--gateway", metavar="ADDRESS", help="its default route")
    sub = command("add-router", _add_router, "add a router with NAT between segments", epilog=ROUTER_HELP, **raw)
    sub.add_argument("host", metavar="NAME")
    sub.add_argument("interfaces", metavar="SEGMENT=ADDRESS[,ADDRESS]", nargs="+")
    sub.add_argument("--no-nat", action="store_true", help="only forward")
    sub = command("capture", _capture, "run tcpdump on a segment or at a host's port")
    sub.add_argument("words", nargs="+", metavar="WORD",
                     help="[HOST|SEGMENT] FILE [FILTER...]; FILE '-' prints lines instead of writing a file")
    sub = command("impair", _impair, "make a host's wire lossy, late, uneven; 'off' clears it", description=IMPAIR_HELP)
    sub.add_argument("host", metavar="HOST")
    sub.add_argument("off", nargs="?", choices=["off"], metavar="off")
    sub.add_argument("--loss", type=float, default=0, metavar="PERCENT")
    sub.add_argument("--duplicate", type=float, default=0, metavar="PERCENT")
    sub.add_argument("--reorder", type=float, default=0, metavar="PERCENT")
    sub.add_argument("--delay", type=float, default=0, metavar="MS", help="in each direction")
    sub.add_argument("--jitter", type=float, default=0, metavar="MS", help="up to this much more or less delay")
    sub.add_argument("--seed", type=int, default=1, help="of the relay's choices (default 1)")
    sub = command("status", _status, "show the labs of this machine")
    sub.add_argument("--json", action="store_true")
    return parser


def _internal(words):
    """The programs that the lab starts of itself; not for people."""
    kind, rest = words[0], words[1:]
    if kind == "_keeper":
        keeper.keeper_main(rest[0], rest[1], int(rest[2]), int(rest[3]))
    elif kind == "_init":
        host.init_main(rest[0], int(rest[1]), int(rest[2]))
    elif kind == "_relay":
        relay.relay_main(rest[0], rest[1], json.loads(rest[2]), int(rest[3]), int(rest[4]))
    elif kind == "_names":
        host.write_hosts_file(json.loads(rest[0]))
    elif kind == "_link":
        host.link_programs(rest[0])


def main(words):
    if words[:1] and words[0].startswith("_"):
        return _internal(words)
    if words[:1] == ["help"]:
        words = [*words[1:2], "--help"]
    args = _parser().parse_args(words)
    try:
        if args.command != "status":
            need_root()
        args.run(args)
    except LabError as problem:
        print(f"lab: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0
