#!/usr/bin/python3
"""tunnel.arithmetic: medians, ratios, stolen time, and the search for a rate against models of a tunnel."""

import random
import unittest

import bench_path  # noqa: F401
from tunnel.arithmetic import LOSS_MAX, Noise, TooNoisy, highest_rate, loss, per_cpu_second, ratio, spread, stolen_share


class Summaries(unittest.TestCase):
    def test_spread_numbered_cases_gives_median_minimum_maximum(self):
        cases = (
            (1, [], None),
            (2, [None, None], None),
            (3, [5], (5, 5, 5)),
            (4, [3, 1, 2], (2, 1, 3)),
            (5, [4, 1, 2, 3], (2.5, 1, 4)),
            (6, [None, 9, 1, None, 5], (5, 1, 9)),
            (7, [0, 0, 10], (0, 0, 10)),
        )
        for number, values, expected in cases:
            with self.subTest(case=number):
                self.assertEqual(spread(values), expected)

    def test_ratio_numbered_cases_pairs_the_rounds(self):
        cases = (
            (1, [2, 4, 6], [1, 2, 3], 2),
            (2, [2, 40, 6], [1, 20, 3], 2),             # a round in which the machine was ten times faster says the same
            (3, [1, 1, 1], [1, 2, 4], 0.5),
            (4, [None, 4, 6], [1, None, 3], 2),         # only what both have
            (5, [None, 4], [1, None], None),
            (6, [4], [0], None),                        # nothing can be held against nothing
            (7, [0, 0], [5, 5], 0),
            (8, [], [], None),
        )
        for number, ours, theirs, expected in cases:
            with self.subTest(case=number):
                self.assertEqual(ratio(ours, theirs), expected)

    def test_ratio_drift_between_rounds_does_not_show(self):
        chance = random.Random(6)
        drift = [chance.uniform(0.2, 5) for _ in range(101)]
        self.assertAlmostEqual(ratio([3.5 * d for d in drift], drift), 3.5)
        # The ratio of the medians would be this only if they came from one round.
        self.assertAlmostEqual(ratio(drift, [2 * d for d in drift]), 0.5)

    def test_per_cpu_second_below_a_tick_says_nothing(self):
        self.assertIsNone(per_cpu_second(10, 0))
        self.assertIsNone(per_cpu_second(10, 0.009))
        self.assertEqual(per_cpu_second(1000, 0.5), 2000)


class Stolen(unittest.TestCase):
    def test_stolen_share_numbered_cases(self):
        cases = ((1, (0, 0), (2, 100), 0.02), (2, (10, 1000), (10, 1400), 0), (3, (5, 50), (5, 50), 0), (4, (7, 100), (107, 200), 1))
        for number, before, after, expected in cases:
            with self.subTest(case=number):
                self.assertEqual(stolen_share(before, after), expected)

    def test_noise_quiet_rounds_all_count(self):
        noise = Noise()
        self.assertFalse(any(noise.again(share, 1) for share in (0, 0.01, 0.02)))
        self.assertEqual((noise.shares, noise.repeated), ([0, 0.01, 0.02], 0))

    def test_noise_one_bad_round_is_repeated_and_does_not_count(self):
        noise = Noise()
        self.assertTrue(noise.again(0.021, 1))
        self.assertFalse(noise.again(0.001, 2))
        self.assertEqual((noise.shares, noise.repeated), ([0.001], 1))

    def test_noise_one_round_is_repeated_so_often_and_no_more(self):
        noise = Noise(each=3, in_all=100)
        for tries in (1, 2, 3):
            self.assertTrue(noise.again(0.5, tries))
        with self.assertRaisesRegex(TooNoisy, r"machine too noisy: 50\.0% .*2% .*before: 3"):
            noise.again(0.5, 4)

    def test_noise_all_rounds_together_are_repeated_so_often(self):
        noise = Noise(each=3, in_all=4)
        for _ in range(4):
            self.assertTrue(noise.again(0.03, 1))
            self.assertFalse(noise.again(0.0, 2))
        with self.assertRaises(TooNoisy):
            noise.again(0.03, 1)

    def test_noise_no_time_left_is_not_repeated(self):
        noise = Noise(until=100)
        self.assertTrue(noise.again(0.03, 1, ends=100))
        self.assertFalse(noise.again(0.02, 2, ends=101))
        with self.assertRaises(TooNoisy):
            noise.again(0.03, 1, ends=101)


class Rates(unittest.TestCase):
    def test_loss_numbered_cases(self):
        cases = ((1, 1000, 0, 1000, 0), (2, 1000, 0, 999, 0.001), (3, 500, 500, 500, 0.5), (4, 0, 0, 0, 1), (5, 10, 0, 11, 0))
        for number, sent, refused, received, expected in cases:
            with self.subTest(case=number):
                self.assertAlmostEqual(loss(sent, refused, received), expected)

    @staticmethod
    def tunnel(capacity, sender=float("inf"), probes=None):
        """One that loses all that is beyond its capacity, and a sender that has an end, too."""
        def probe(rate):
            sent = min(rate, sender)
            if probes is not None:
                probes.append(rate)
            return sent, max(0, 1 - capacity / sent)
        return probe

    def test_highest_rate_any_capacity_is_found_within_a_few_percent_from_below(self):
        chance = random.Random(2)
        for _ in range(300):
            capacity, probes = chance.uniform(2_100, 900_000), []
            found = highest_rate(self.tunnel(capacity, probes=probes), 2000, 1_024_000)
            self.assertLessEqual(found, capacity * (1 + 2 * LOSS_MAX))
            self.assertGreater(found, capacity * 0.95)
            self.assertLess(len(probes), 22)

    def test_highest_rate_rises_before_it_narrows(self):
        probes = []
        highest_rate(self.tunnel(20_000, probes=probes), 2000, 1_024_000)
        self.assertEqual(probes[:6], [2000, 4000, 8000, 16000, 32000, 32000])

    def test_highest_rate_too_much_from_the_start_is_zero(self):
        probes = []
        self.assertEqual(highest_rate(self.tunnel(100, probes=probes), 2000, 1_024_000), 0)
        self.assertEqual(probes, [2000, 2000])

    def test_highest_rate_sender_that_cannot_is_the_answer(self):
        for sender in (1_500, 70_000, 120_000):
            self.assertEqual(highest_rate(self.tunnel(1e9, sender=sender), 2000, 1_024_000), sender)

    def test_highest_rate_sender_that_was_kept_from_running_proves_nothing(self):
        """A machine so busy that the sender reaches a fraction of each rate at first."""
        tunnel, calls = self.tunnel(50_000), []

        def probe(rate):
            calls.append(rate)
            return tunnel(rate * (0.6 if len(calls) < 6 else 1))
        found = highest_rate(probe, 2000, 1_024_000)
        self.assertGreater(found, 50_000 * 0.95)
        self.assertLess(found, 50_000 * 1.01)

    def test_highest_rate_no_end_in_sight_stops_at_the_last(self):
        self.assertEqual(highest_rate(self.tunnel(1e9), 2000, 100_000), 100_000)

    def test_highest_rate_one_hiccup_is_forgiven(self):
        tries = []

        def probe(rate):
            tries.append(rate)
            return rate, 0.5 if rate == 8000 and tries.count(8000) == 1 or rate > 16000 else 0
        self.assertGreater(highest_rate(probe, 2000, 1_024_000), 15_000)


if __name__ == "__main__":
    unittest.main()
