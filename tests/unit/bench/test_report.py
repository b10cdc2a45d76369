#!/usr/bin/python3
"""tunnel.report: records as a table and as a summary, against figures reckoned by hand."""

import unittest
from unittest import mock

import bench_path  # noqa: F401
from tunnel import measures, report, rounds
from tunnel.measures import cpu_rows


def subject(name, ours=False):
    found = mock.Mock(ours=ours, cipher="some-cipher")
    found.name = name
    return found


class ReportTest(unittest.TestCase):
    def results(self, measure="tcp-1", values=None, offloads=(True,), cpu=None):
        """`values`: name -> one value for each round, None for one that failed."""
        self.measure = measures.everything()[measure]
        plan = rounds.Plan([self.measure], list(offloads), mock.Mock(rounds=3))
        plan.subjects[measure] = [subject(name, name.startswith("ours")) for name in values]
        records = []
        for name, row in values.items():
            for number, value in enumerate(row, 1):
                more = {"failed": "why"} if value is None else {figure.key: value for figure in self.measure.figures}
                if cpu and value is not None:
                    more["cpu"] = cpu
                records.append({"measure": measure, "offload": True, "subject": name, "round": number, **more})
        return report.Results(plan, records)

    def test_summary_ratios_are_of_one_round_and_to_each_reference(self):
        rows = self.results(values={"ours-udp": [300, 600, 450], "peer": [100, 200, 300], "plain": [1000, 1000, 1000]}).summary()
        by_name = {row["subject"]: row for row in rows}
        ours = by_name["ours-udp"]
        self.assertEqual((ours["median"], ours["min"], ours["max"], ours["rounds"]), (450, 300, 600, 3))
        self.assertEqual(ours["ratio"], {"peer": 3, "plain": 0.45})
        self.assertEqual(by_name["peer"]["ratio"], {"plain": 0.2})
        self.assertEqual(by_name["plain"]["ratio"], {"peer": 5})
        self.assertEqual((ours["unit"], ours["more_is_better"], ours["offload"]), ("Mbit/s", True, True))

    def test_summary_failed_rounds_are_left_out(self):
        rows = self.results(values={"ours-udp": [None, 600, 450], "peer": [100, None, 300], "gone": [None, None, None]}).summary()
        by_name = {row["subject"]: row for row in rows}
        self.assertEqual((by_name["ours-udp"]["median"], by_name["ours-udp"]["rounds"]), (525, 2))
        self.assertEqual(by_name["ours-udp"]["ratio"], {"peer": 1.5, "gone": None})
        self.assertEqual((by_name["gone"]["median"], by_name["gone"]["rounds"]), (None, 0))

    def test_text_names_measure_unit_direction_and_ratios(self):
        text = self.results(values={"ours-udp": [300, 600, 450], "plain": [1000, 1000, 1000]}).text()
        self.assertRegex(text, r"TCP, one stream: throughput, Mbit/s, higher is better\. Segmentation offload of the wire on")
        self.assertRegex(text, r"\n +cipher +median +min +max +x plain\n")
        self.assertRegex(text, r"\n  ours-udp +some-cipher +450 +300 +600 +0\.45\n")
        self.assertRegex(text, r"\n  plain +some-cipher +1,000 +1,000 +1,000$")

    def test_text_latency_says_that_less_is_better(self):
        text = self.results("rtt-idle", {"ours-udp": [50.04], "plain": [25]}).text()
        self.assertRegex(text, r"median, microseconds, lower is better")
        self.assertRegex(text, r"99th percentile, microseconds, lower is better")
        self.assertRegex(text, r"ours-udp +some-cipher +50\.0 +50\.0 +50\.0 +2\.00")

    def test_text_failed_subject_is_a_line_of_dashes(self):
        self.assertRegex(self.results(values={"ours-udp": [None], "plain": [5]}).text(), r"ours-udp +some-cipher( +-){4}\n")

    def test_cpu_is_shown_by_process_and_in_all(self):
        spent = {"processes": {"relent datapathd": 0.5, "elmer datapathd": 0.25, "elmer keyd": 0.0}, "softirq": 0.4, "busy": 4.0}
        row = cpu_rows(spent, 300_000_000)
        self.assertEqual(row["octets_per_cpu_second"], {"relent datapathd": 6e8, "elmer datapathd": 12e8})
        self.assertEqual((row["octets_per_cpu_second_of_tunnel"], row["octets_per_cpu_second_of_machine"]), (4e8, 75e6))
        text = self.results(values={"ours-udp": [1, 2, 3]}, cpu=row).text()
        self.assertRegex(text, r"MB/CPU-s tunnel +MB/CPU-s machine\n +ours-udp .* 400 +75\.0\n")
        self.assertIn("elmer datapathd 1,200, relent datapathd 600, soft interrupts 10% of all CPU time", text)

    def test_cpu_nothing_ran_says_nothing(self):
        row = cpu_rows({"processes": {}, "softirq": 0.0, "busy": 0.0}, 10)
        self.assertIsNone(row["octets_per_cpu_second_of_tunnel"])
        self.assertIsNone(row["octets_per_cpu_second_of_machine"])
        self.assertIn("no CPU time", self.results(values={"plain": [1]}, cpu=row).text())


if __name__ == "__main__":
    unittest.main()
