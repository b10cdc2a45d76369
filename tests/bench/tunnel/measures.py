"""What is measured, each by a function of a subject. All load goes from relent to elmer, for two-way ones also back."""

import contextlib
import json
import os
import subprocess
import time

from labkit.kernel import LabError
from labtest import BUILD, first_line, wait_for

from .arithmetic import highest_rate, loss, per_cpu_second
from .cpu import Meter
from .link import INNER

BLAST = os.path.join(BUILD, "tests/support/udp-blast")
IPERF_PORT, UDP_PORT, ECHO_PORT = 5201, 5202, 5203
TARGET = INNER["elmer"]
HEADERS = 28                    # of an IPv4 packet with a datagram
FLOOD_RATE = 1_000_000          # datagrams a second, more than any tunnel of this kind carries
RATE_FIRST, RATE_LAST = 2_000, 1_024_000
PING_OCTETS, PING_PAUSE_US = 64, 1000
PATIENCE_S = 20                 # beyond what a measurement should take


class Figure:
    """One number of a measurement: its name in the JSON, unit, and whether more of it is better."""

    def __init__(self, key, title, unit, more_is_better=True, digits=0):
        self.key, self.title, self.unit, self.more_is_better, self.digits = key, title, unit, more_is_better, digits


class Failed(Exception):
    """A measurement of a subject that gave no figure; the run goes on without it."""


@contextlib.contextmanager
def helper(host, *words, ready="ready"):
    """A program beside the measurement, from its first word on until its standard input ends."""
    process = host.popen(*words)
    try:
        if not first_line(process.stdout).startswith(ready):
            raise Failed(f"{words[0]} did not begin")
        yield process
    finally:
        process.stdin.close()
        process.kill()
        process.wait()
        process.stdout.close()


class Transfer:
    """One run of iperf3, bounded in time on both sides."""

    def __init__(self, link, seconds, warm_up, streams=1, both_ways=False):
        self.link, self.seconds, self.warm_up = link, seconds, warm_up
        words = ["-t", str(seconds), "-O", str(warm_up), "-P", str(streams)] + (["--bidir"] if both_ways else [])
        self.client, self.server, self.words, self.both_ways = None, None, words, both_ways

    def __enter__(self):
        relent, elmer = self.link.hosts["relent"], self.link.hosts["elmer"]
        self.server = elmer.popen("iperf3", "-s", "-1", "-p", str(IPERF_PORT), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            wait_for("iperf3 to listen", lambda: self._listens(elmer), timeout=PATIENCE_S)
            self.client = relent.popen("iperf3", "-c", TARGET, "-p", str(IPERF_PORT), "--json", *self.words, stdin=subprocess.DEVNULL)
        except BaseException:
            self._end(self.server)
            raise
        return self

    @staticmethod
    def _listens(host):
        with open(f"/proc/{host.lab.init(host.name).pid}/net/tcp6", encoding="ascii") as source:
            return any(f":{IPERF_PORT:04X} " in line and " 0A " in line for line in source)

    @staticmethod
    def _end(process):
        process.kill()
        process.wait()

    def result(self):
        try:
            said, _ = self.client.communicate(timeout=self.seconds + self.warm_up + PATIENCE_S)
            self.server.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise Failed("iperf3 did not come to its end") from None
        answer = json.loads(said) if said.lstrip().startswith("{") else {"error": said.strip() or "it said nothing"}
        if "error" in answer:
            raise Failed(f"iperf3: {answer['error']}")
        end = answer["end"]
        speed, octets = end["sum_received"]["bits_per_second"], end["sum_received"]["bytes"]
        if self.both_ways:
            speed += end["sum_received_bidir_reverse"]["bits_per_second"]
            octets += end["sum_received_bidir_reverse"]["bytes"]
        return speed, octets, end["sum_sent"].get("retransmits", 0)

    def __exit__(self, *_):
        for process in (self.client, self.server):
            if process is not None:
                self._end(process)


def cpu_rows(meter_read, octets):
    """What a measurement tells of the processors: seconds, and octets a CPU-second, by process and for the whole tunnel."""
    seconds = {name: spent for name, spent in meter_read["processes"].items() if spent > 0}
    tunnel = sum(seconds.values())
    return {"octets": octets, "seconds": seconds, "softirq_seconds": meter_read["softirq"], "busy_seconds": meter_read["busy"],
            "octets_per_cpu_second": {name: per_cpu_second(octets, spent) for name, spent in seconds.items()},
            "octets_per_cpu_second_of_tunnel": per_cpu_second(octets, tunnel),
            "octets_per_cpu_second_of_machine": per_cpu_second(octets, meter_read["busy"])}


class Tcp:
    def __init__(self, name, title, streams=1, both_ways=False):
        self.name, self.title, self.streams, self.both_ways = name, title, streams, both_ways
        self.figures = (Figure("mbit_per_s", "throughput", "Mbit/s"),)

    def cost(self, settings):
        return settings.seconds + settings.warm_up + 0.6

    def run(self, subject, settings):
        with Transfer(subject.side.link, settings.seconds, settings.warm_up, self.streams, self.both_ways) as transfer:
            time.sleep(settings.warm_up)
            meter = Meter(subject.side.processes())
            speed, octets, again = transfer.result()
            spent = meter.read()
        return {"mbit_per_s": speed / 1e6, "retransmits": again, "cpu": cpu_rows(spent, octets)}


class Sink:
    """The counting end of UDP measurements, for several probes."""

    def __init__(self, process):
        self.process = process

    def probe(self, host, size, rate, seconds):
        """One run of the sender: its own words and the sink's."""
        sent = json.loads(host.out(BLAST, "send", TARGET, str(UDP_PORT), str(size), str(int(rate)), f"{seconds:g}",
                                   timeout=seconds + PATIENCE_S))
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        got = json.loads(first_line(self.process.stdout))
        return sent, got


class UdpFlood:
    def __init__(self, packet):
        self.name, self.title = f"udp-{packet}-flood", f"UDP in packets of {packet} octets, flood"
        self.size = packet - HEADERS
        self.figures = (Figure("delivered_per_s", "delivered", "datagrams/s"),)

    def cost(self, settings):
        return settings.udp_seconds + 0.7

    def run(self, subject, settings):
        hosts = subject.side.link.hosts
        with helper(hosts["elmer"], BLAST, "sink", str(UDP_PORT)) as process:
            meter = Meter(subject.side.processes())
            sent, got = Sink(process).probe(hosts["relent"], self.size, FLOOD_RATE, settings.udp_seconds)
            spent = meter.read()
        if got["received"] < 2 or not got["ns"]:
            raise Failed("nothing arrived")
        return {"delivered_per_s": got["received"] / (got["ns"] / 1e9), "delivered_mbit_per_s": got["octets"] * 8e3 / got["ns"],
                "offered_per_s": (sent["sent"] + sent["refused"]) / (sent["ns"] / 1e9), "late": got["late"],
                "cpu": cpu_rows(spent, got["octets"])}


class UdpRate:
    def __init__(self, packet):
        self.name, self.title = f"udp-{packet}-rate", f"UDP in packets of {packet} octets, rising load"
        self.size = packet - HEADERS
        self.figures = (Figure("loss_free_per_s", "highest rate with at most 0.1% lost", "datagrams/s"),)

    def cost(self, settings):
        return 14 * (settings.probe_seconds + 0.2)

    def run(self, subject, settings):
        hosts, steps = subject.side.link.hosts, []
        with helper(hosts["elmer"], BLAST, "sink", str(UDP_PORT)) as process:
            sink = Sink(process)

            def probe(rate):
                sent, got = sink.probe(hosts["relent"], self.size, rate, settings.probe_seconds)
                reached = (sent["sent"] + sent["refused"]) / (sent["ns"] / 1e9)
                lost = loss(sent["sent"], sent["refused"], got["received"])
                steps.append({"wanted_per_s": round(rate), "offered_per_s": round(reached), "lost": lost, "late": got["late"]})
                return reached, lost

            best = highest_rate(probe, RATE_FIRST, RATE_LAST)
        return {"loss_free_per_s": best, "steps": steps}


class RoundTrip:
    """A datagram of 64 octets there and back, once a millisecond."""

    def __init__(self, loaded):
        self.name = "rtt-loaded" if loaded else "rtt-idle"
        self.title = "round trip " + ("beside one TCP stream" if loaded else "without other load")
        self.loaded = loaded
        self.figures = (Figure("median_us", "median", "microseconds", more_is_better=False, digits=1),
                        Figure("p99_us", "99th percentile", "microseconds", more_is_better=False, digits=1))

    def cost(self, settings):
        return settings.udp_seconds * 1.3 + (1.2 if self.loaded else 0.4)

    def run(self, subject, settings):
        hosts, link = subject.side.link.hosts, subject.side.link
        with contextlib.ExitStack() as stack:
            stack.enter_context(helper(hosts["elmer"], BLAST, "echo", str(ECHO_PORT)))
            if self.loaded:
                # Longer than the pings can take, and ended with them.
                stack.enter_context(Transfer(link, int(settings.udp_seconds * 4) + 5, 0))
                time.sleep(min(settings.udp_seconds / 2, 1))
            count = max(50, int(settings.udp_seconds * 1e6 / (PING_PAUSE_US * 1.3)))
            got = json.loads(hosts["relent"].out(BLAST, "ping", TARGET, str(ECHO_PORT), str(PING_OCTETS), str(count),
                                                 str(PING_PAUSE_US), timeout=count * 0.2 + PATIENCE_S))
        if not got["answered"]:
            raise Failed("no ping was answered")
        return {"median_us": got["median_ns"] / 1e3, "p99_us": got["p99_ns"] / 1e3, "lost": got["lost"]}


def everything():
    """All measurements by name, in the order in which they are made."""
    rows = [Tcp("tcp-1", "TCP, one stream"), Tcp("tcp-4", "TCP, 4 streams", 4), Tcp("tcp-16", "TCP, 16 streams", 16),
            Tcp("tcp-bidi", "TCP, one stream each way at once (sum of both)", both_ways=True)]
    for packet in (64, 512, 1400):
        rows += [UdpRate(packet), UdpFlood(packet)]
    rows += [RoundTrip(False), RoundTrip(True)]
    return {row.name: row for row in rows}


def one_try(measure, subject, settings):
    """A measurement with what was dropped while it ran; a failure is a row as well."""
    side = subject.side
    try:
        subject.select()
        before = side.drops()
        row = measure.run(subject, settings)
    except (Failed, LabError, AssertionError, subprocess.TimeoutExpired) as problem:
        return {"failed": str(problem).strip()}
    after = side.drops()
    row["drops"] = {name: more for name in after if (more := after[name] - before.get(name, 0)) > 0}
    return row
