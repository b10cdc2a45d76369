#!/usr/bin/python3
"""tunnel.rounds and the command line's end of it, with measurements that were thought up: the order, what is repeated, the exit status."""

import contextlib
import io
import json
import os
import tempfile
import unittest
from unittest import mock

import bench_path  # noqa: F401
from tunnel import command, rounds
from tunnel.arithmetic import Noise, TooNoisy


class FakeLink:
    def offload(self, on):
        self.on = on


class FakeSide:
    link, name = FakeLink(), "side"


class FakeSubject:
    cipher, shape, side = "none", None, FakeSide

    def __init__(self, name, ours=False):
        self.name, self.ours = name, ours


class FakeMeasure:
    def __init__(self, name):
        self.name, self.title, self.figures = name, name, ()

    def cost(self, _):
        return 1


class RoundsTest(unittest.TestCase):
    def run_plan(self, shares, noise=None, offloads=(True,)):
        """Runs two measurements of A and B in two rounds; `shares`: what was stolen in each, 0 once they are used up."""
        measures = [FakeMeasure("first"), FakeMeasure("second")]
        plan = rounds.Plan(measures, list(offloads), mock.Mock(rounds=2))
        for measure in measures:
            plan.subjects[measure.name] = [FakeSubject("A", ours=True), FakeSubject("B")]
        order, said, ticks = [], [], [0, 0]
        left = list(shares)

        def one_try(measure, subject, _):
            order.append(measure.name[0] + subject.name)
            return {"drops": {"relent out_nosa": 3}, "value": len(order)}

        def stolen():
            """Called before and after each round: 1000 ticks go by in it."""
            stolen.calls += 1
            if stolen.calls % 2 == 0:
                ticks[0] += int(1000 * (left.pop(0) if left else 0))
                ticks[1] += 1000
            return tuple(ticks)
        stolen.calls = 0

        run = rounds.Run(plan, noise or Noise(), said.append, [])
        with mock.patch.object(rounds, "one_try", one_try), mock.patch.object(rounds, "check_wire", return_value=1), \
                mock.patch.object(rounds.cpu, "stolen", stolen):
            try:
                run.all()
            except TooNoisy as problem:
                run.problem = problem
        return run, order, said

    def test_all_quiet_machine_interleaves_the_subjects(self):
        run, order, said = self.run_plan([])
        self.assertEqual(order, ["fA", "fB", "sA", "sB", "fA", "fB", "sA", "sB"])
        self.assertEqual([(row["measure"], row["subject"], row["round"]) for row in run.records[:3]],
                         [("first", "A", 1), ("first", "B", 1), ("second", "A", 1)])
        self.assertEqual({row["stolen_share"] for row in run.records}, {0})
        self.assertEqual(sum("dropped: relent out_nosa 3" in line for line in said), 4)  # A's are ours

    def test_all_stolen_round_is_repeated_whole_and_only_the_last_counts(self):
        run, order, said = self.run_plan([0, 0.03, 0.5])
        self.assertEqual(order, ["fA", "fB", "sA", "sB", "sA", "sB", "sA", "sB", "fA", "fB", "sA", "sB"])
        self.assertEqual(len(run.records), 8)
        self.assertEqual([row["value"] for row in run.records if row["measure"] == "second"], [7, 8, 11, 12])
        self.assertEqual(run.noise.repeated, 2)
        self.assertEqual(sum("does not count" in line for line in said), 2)

    def test_all_noisy_machine_ends_with_what_was_measured(self):
        run, order, _ = self.run_plan([0] + [0.2] * 10, Noise(each=2))
        self.assertEqual(len(order), 2 + 3 * 2)
        self.assertEqual([row["measure"] for row in run.records], ["first", "first"])
        self.assertIn("machine too noisy", str(run.problem))

    def test_all_time_of_what_is_left_bounds_repetition(self):
        with mock.patch.object(rounds.time, "monotonic", return_value=100):
            # Two rounds of two measurements with two subjects, a second each: 8 s are left at the start, 6 after the first.
            run, order, _ = self.run_plan([0.2], Noise(until=107))
            self.assertEqual((len(order), run.records), (2, []))
            run, order, _ = self.run_plan([0, 0.2], Noise(until=107))
            self.assertEqual(len(order), 10)

    def test_check_wires_leaves_out_a_peer_and_fails_for_ours(self):
        shape = mock.Mock(hidden=True)
        for bad, ours in (("A", True), ("B", False)):
            subjects = [FakeSubject("A", ours=True), FakeSubject("B")]
            plan = rounds.Plan([FakeMeasure("first")], [True], mock.Mock(rounds=1))
            plan.subjects["first"] = list(subjects)
            for subject in subjects:
                subject.shape = shape
            run = rounds.Run(plan, Noise(), lambda line: None, [])

            def check(subject, bad=bad):
                if subject.name == bad:
                    raise rounds.WireProblem(f"{subject.name}: a leak")
                return 1
            with mock.patch.object(rounds, "check_wire", check), mock.patch.object(rounds, "one_try", return_value={"drops": {}}):
                if ours:
                    self.assertRaises(rounds.WireProblem, run.all)
                else:
                    run.all()
                    self.assertEqual({row["subject"] for row in run.records}, {"A"})
                    self.assertEqual(run.left_out, [{"name": "B", "reason": "B: a leak"}])


class CommandTest(unittest.TestCase):
    def bench(self, *words, run):
        """The command with nothing started, its JSON, and what it said on both channels."""
        said, complaint = [], io.StringIO()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "out.json")
            options = command.parse(["--quick", "--json", path, *words])
            with mock.patch.object(command, "start", return_value={}), mock.patch.object(rounds.Run, "all", run), \
                    contextlib.redirect_stderr(complaint):
                status = command.bench(options, said.append)
            with open(path, encoding="utf-8") as source:
                return status, json.load(source), "\n".join(said), complaint.getvalue()

    def test_bench_noisy_machine_has_an_exit_status_of_its_own(self):
        def run(_):
            raise TooNoisy("machine too noisy: it was")
        status, document, _, complaint = self.bench(run=run)
        self.assertEqual((status, document["noisy"]), (command.NOISY, True))
        self.assertIn("bench: machine too noisy", complaint)

    def test_bench_measured_is_zero_and_says_what_on(self):
        status, document, said, _ = self.bench(run=lambda _: None)
        self.assertEqual((status, document["noisy"]), (0, False))
        for key in ("processor", "cores", "kernel", "system"):
            self.assertTrue(document["machine"][key], key)
        self.assertIn("commit", document["software"])
        self.assertIn(document["machine"]["kernel"], said)
        self.assertEqual(document["settings"]["inner_mtu"], 1420)

    def test_bench_failure_of_ours_is_one(self):
        def run(self):
            self.records.append({"measure": "tcp-1", "offload": True, "round": 1, "subject": command.EXAMPLE, "failed": "x"})
        self.assertEqual(self.bench(run=run)[0], 1)

    def test_parse_wrong_words_are_two(self):
        for words in (["--rounds", "0"], ["--rounds", "101"], ["--seconds", "99"], ["--only", "ipsec"], ["--measure", "speed"],
                      ["--quick", "--measure", "tcp-1"], ["--quick", "--only", "plain"], ["--wireguard-go", "/nowhere"],
                      ["--offload", "maybe"]):
            with self.subTest(words=words), contextlib.redirect_stderr(io.StringIO()), self.assertRaises(SystemExit) as ended:
                command.parse(words)
            self.assertEqual(ended.exception.code, 2)

    def test_choose_peer_that_is_not_installed_is_left_out_with_what_to_install(self):
        with mock.patch.object(command.WireguardSide, "runs", staticmethod(lambda program: False)):
            plan, sides, left_out = command.choose(command.parse(["--quick"]))
        self.assertEqual([row["name"] for row in left_out], ["wireguard-go"])
        self.assertIn("apt-get install --no-install-recommends wireguard-go wireguard-tools", left_out[0]["reason"])
        self.assertEqual([side.name for side in sides], ["ours", "plain"])
        self.assertEqual([subject.name for subject in plan.everybody()], [command.EXAMPLE, "plain"])

    def test_choose_everything_measures_the_leaders_more_than_the_rest(self):
        plan, _, _ = command.choose(command.parse([]))
        names = {name: [subject.name for subject in rows] for name, rows in plan.subjects.items()}
        for cipher in ("aes-128-gcm", "aes-256-gcm", "chacha20-poly1305", "aes-128-cbc-hmac-sha256", "null"):
            for way in ("udp", "raw"):
                self.assertIn(f"ours-{way}-{cipher}", names["tcp-1"])
        self.assertNotIn("ours-raw-3des-cbc", names["tcp-1"])
        self.assertNotIn("ours-udp-null", names["udp-64-rate"])
        self.assertIn(command.EXAMPLE, names["udp-64-rate"])
        self.assertEqual(plan.offloads, [True, False])

    def test_quick_fits_its_time(self):
        plan, _, _ = command.choose(command.parse(["--quick"]))
        self.assertLess(plan.cost(), command.QUICK_S - 5)


if __name__ == "__main__":
    unittest.main()
