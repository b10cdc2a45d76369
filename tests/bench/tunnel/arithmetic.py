"""What is reckoned from measured values, apart from how they were measured."""

import statistics

STOLEN_MAX = 0.02   # of the processors' time, by another guest of the same machine
LOSS_MAX = 0.001    # of the datagrams offered
MORE_MIN = 1.1      # times what it sent at half the rate, for a sender not to be at its end
REACHED_MIN = 0.95  # of a rate, for the sender to have kept to it


def spread(values):
    """(median, minimum, maximum) of what was measured; None stands for a measurement that failed. None: there is nothing."""
    known = [value for value in values if value is not None]
    return (statistics.median(known), min(known), max(known)) if known else None


def ratio(ours, theirs):
    """The median over the rounds of ours divided by theirs, each pair from one round: what drifts between rounds drops out."""
    pairs = [a / b for a, b in zip(ours, theirs) if a is not None and b]
    return statistics.median(pairs) if pairs else None


def per_cpu_second(octets, seconds):
    """Octets a CPU-second; None below the clock's own tick, of which nothing can be said."""
    return octets / seconds if seconds >= 0.01 else None


def stolen_share(before, after):
    """Share of the processors' time that the hypervisor gave to others between two readings of (stolen, all) ticks."""
    total = after[1] - before[1]
    return (after[0] - before[0]) / total if total > 0 else 0.0


class Noise:
    """Which rounds count. A round with too much stolen time is measured again: at most `each` times, `in_all` over the run, and
    not when it would end after `until` (a time of the caller's clock)."""

    def __init__(self, each=3, in_all=10, until=float("inf")):
        self.each, self.left, self.until = each, in_all, until
        self.shares, self.repeated = [], 0

    def again(self, share, tries, ends=0.0):
        """Whether a round that was measured `tries` times and lost `share` the last time has to be measured again, which would last
        until `ends`; TooNoisy when it has to and may not."""
        if share <= STOLEN_MAX:
            self.shares.append(share)
            return False
        if tries > self.each or self.left <= 0 or ends > self.until:
            raise TooNoisy(f"machine too noisy: {share:.1%} of the processors' time was stolen in a round ({STOLEN_MAX:.0%} is the "
                           f"bound; rounds repeated before: {self.repeated}).")
        self.left -= 1
        self.repeated += 1
        return True


class TooNoisy(Exception):
    """Another guest of the machine takes too much of it for a figure to mean anything."""


def loss(sent, refused, received):
    """Share of the datagrams offered that did not arrive; what the sender's own kernel refused is lost as well."""
    offered = sent + refused
    return max(0.0, 1 - received / offered) if offered else 1.0


class RateSearch:
    """The highest rate that `probe` finds good. probe(rate) gives (rate that was really offered, share lost); datagrams a second.

    A rate that fails is tried once more, because a single hiccup of the machine costs more than a thousandth. A sender that was kept
    from its rate has shown nothing about the tunnel, unless asking for more gets no more out of it.
    """

    GOOD, STARVED, BAD = range(3)

    def __init__(self, probe):
        self.probe, self.best = probe, 0.0

    def _try(self, rate):
        outcome = self.BAD
        for _ in range(2):
            sent, lost = self.probe(rate)
            if lost <= LOSS_MAX:
                self.best = max(self.best, sent)
                if sent >= rate * REACHED_MIN:
                    return self.GOOD
                outcome = self.STARVED
        return outcome

    def rise(self, first, last):
        """Doubles until a rate is bad; (highest that was not, lowest that was). One of them is None at either end."""
        low, rate = None, first
        while True:
            before = self.best
            outcome = self._try(rate)
            if outcome == self.BAD:
                return low, rate
            if rate >= last or (outcome == self.STARVED and before and self.best <= before * MORE_MIN):
                return rate, None
            low, rate = rate, min(rate * 2, last)

    def narrow(self, low, high, times):
        """Halves the way between a rate that is good and one that is not, by ratio."""
        for _ in range(times):
            middle = (low * high) ** 0.5
            low, high = (low, middle) if self._try(middle) == self.BAD else (middle, high)


def highest_rate(probe, first, last, refinements=4):
    """See RateSearch; 0.0 when already the first is too much."""
    search = RateSearch(probe)
    low, high = search.rise(first, last)
    if low and high:
        search.narrow(low, high, refinements)
    return search.best
