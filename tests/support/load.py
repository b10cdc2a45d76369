"""A mixed load between the two hosts for tests of what may never happen: every kind of packet a door could let out.

Bounded in rate and in time; ended at the latest with the test.
"""

import labtest
from labtap import Tap, describe
from labtest import wait_for

SECONDS = 600
PORT = 5000


class Load:
    """Small and large datagrams, fragments, pings, and packets too short for ports, both ways."""

    def __init__(self, test):
        self.test = test
        self.processes = []

    def __enter__(self):
        for host, other in ((self.test.relent, self.test.elmer), (self.test.elmer, self.test.relent)):
            counting = host.popen("/usr/bin/python3", "-B", f"{labtest.SUPPORT}/traffic.py", "udp-count", str(PORT))
            self.processes.append(counting)
            for rate, size in ((150, 120), (50, 1200), (30, 4000)):
                self._add(host, "udp-send", other.address, PORT, rate * SECONDS, rate, size)
            for protocol, size in ((253, 0), (253, 2), (6, 3), (17, 3)):
                self._add(host, "raw-send", other.address, protocol, 20 * SECONDS, 20, size)
            self.processes.append(host.popen("ping", "-q", "-i", "0.05", "-c", str(20 * SECONDS), other.address))
        return self

    def _add(self, host, *words):
        self.processes.append(host.traffic(*words))

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()
            process.stdout.close()


class NoClear:
    """Fails the test if a packet matching `expression` is on the segment while this context lasts."""

    def __init__(self, test, expression):
        self.test, self.expression = test, expression

    def __enter__(self):
        self.tap = Tap(self.test.lab, self.expression, keep=20)
        return self

    def check(self, during):
        """Names the moment as soon as there is a leak, which helps more than a number at the end."""
        if self.tap.count:
            raise AssertionError(f"{self.tap.count} packets in clear while {during}:\n{describe(self.tap.stop())}")

    def __exit__(self, kind, *_):
        frames = self.tap.stop()
        if kind is None and frames:
            raise AssertionError(f"{self.tap.count} packets in clear:\n{describe(frames)}")


def protected_both_ways(test, packets=5, timeout=30):
    """Waits until the load flows as ESP in both directions."""
    for host in test.both:
        with Tap(test.lab, f"ip proto 50 and src host {host.address}", snap=64, keep=10) as tap:
            wait_for(f"ESP from {host.name}", lambda tap=tap: tap.count >= packets, timeout)
