"""What is reckoned from measured values, apart from how they were measured."""

import statistics

STOLEN_MAX = 0.02   # of the processors' time, by another guest of the same machine
LOSS_MAX = 0.001    # of the datagrams offered
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


def highest_rate(probe, first, last, refinements=4):
    """The highest rate that `probe` finds good: doubled from `first` until one is not, then narrowed between the two by ratio.

    probe(rate) gives (rate that was really sent, share lost). A rate that fails is tried once more, because a single hiccup of the
    machine costs more than a thousandth. A sender that cannot reach a rate without loss has shown its own end, which is the answer.
    Datagrams a second; 0.0 when already the first is too much.
    """
    best = 0.0

    def good(rate):
        nonlocal best
        for _ in range(2):
            sent, lost = probe(rate)
            if lost <= LOSS_MAX:
                best = max(best, sent)
                return True, sent < rate * REACHED_MIN
        return False, False

    low, high = None, first
    while True:
        passed, exhausted = good(high)
        if exhausted or (passed and high >= last):
            return best
        if not passed:
            break
        low, high = high, min(high * 2, last)
    for _ in range(refinements if low else 0):
        middle = (low * high) ** 0.5
        passed, exhausted = good(middle)
        if exhausted:
            return best
        low, high = (middle, high) if passed else (low, middle)
    return best
