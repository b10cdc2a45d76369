#!/usr/bin/python3
"""scripts/bench's program with short measurements: it measures, verifies the wire, writes its JSON, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labkit.state import names  # noqa: E402
from labtest import BUILD, ROOT, first_line, wait_for  # noqa: E402

OURS = "ours-udp-aes-128-gcm"
MEASURES = {"tcp-1": "mbit_per_s", "tcp-bidi": "mbit_per_s", "udp-64-flood": "delivered_per_s", "udp-1400-rate": "loss_free_per_s",
            "rtt-idle": "p99_us", "rtt-loaded": "median_us"}


def begin(*words, **more):
    env = {**os.environ, "PYTHONPATH": os.path.join(ROOT, "tests", "bench"), "POSTERN_BUILD": BUILD}
    return subprocess.Popen([sys.executable, "-B", "-m", "tunnel", *words], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, **more)


class Bench(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "out.json")

    def check_nothing_left(self, process):
        wait_for("the benchmark's hosts to be gone", lambda: not [name for name in names() if name.endswith(f"-{process.pid}")])

    def run_bench(self, *words):
        process = begin("--json", self.path, "--seconds", "1", "--rounds", "1", *words)
        said, _ = process.communicate(timeout=240)
        self.check_nothing_left(process)
        # Noise is the machine's fault and not the program's: what was measured until then is in the file.
        self.assertIn(process.returncode, (0, 3), said)
        with open(self.path, encoding="utf-8") as source:
            document = json.load(source)
        self.assertEqual(document["noisy"], process.returncode == 3)
        return document, said

    def test_every_kind_of_measurement_gives_figures(self):
        words = [word for name in MEASURES for word in ("--measure", name)]
        document, said = self.run_bench("--only", OURS, "--only", "plain", "--offload", "off", *words)
        self.assertEqual([(row["subject"], row["offload"]) for row in document["wire_checked"]], [(OURS, False), ("plain", False)])
        self.assertIn("each of 1 tunnels looks as it should", said)
        self.assertFalse([row for row in document["records"] if "failed" in row], said)
        if not document["noisy"]:
            self.assertEqual({row["measure"] for row in document["results"]}, set(MEASURES))
        for row in document["records"]:
            if row["measure"] == "udp-1400-rate":
                self.assertGreater(len(row["steps"]), 1)  # on a busy machine already the first may lose one in a thousand
            else:
                self.assertGreater(row[MEASURES[row["measure"]]], 0, row)
        for row in document["results"]:
            if row["subject"] == OURS and row["median"] and row["measure"] != "udp-1400-rate":
                self.assertGreater(row["ratio"]["plain"], 0, row)
        spent = [row["cpu"]["seconds"] for row in document["records"] if row["measure"] == "tcp-1" and row["subject"] == OURS]
        for seconds in spent:
            self.assertGreater(seconds["relent postern-datapathd"], 0)
            self.assertGreater(seconds["elmer postern-datapathd"], 0)

    def test_each_transform_crosses_the_wire_as_it_should(self):
        """The check is the benchmark's own and comes before the first measurement."""
        names_of = [line.split()[0] for line in subprocess.run(
            [sys.executable, "-B", "-m", "tunnel", "--list"], env={**os.environ, "PYTHONPATH": os.path.join(ROOT, "tests", "bench")},
            check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()]
        ours = [name for name in names_of if name.startswith("ours-")]
        self.assertEqual(len(ours), 15)
        document, _ = self.run_bench("--measure", "rtt-idle", "--offload", "on", *(word for name in ours for word in ("--only", name)))
        self.assertEqual([row["subject"] for row in document["wire_checked"]], ours)

    def test_each_peer_that_is_installed_is_measured(self):
        peers = ["wireguard-go", "strongswan", "openvpn"]
        process = begin("--list")
        absent = [line.split()[0] for line in process.communicate(timeout=60)[0].splitlines() if "left out" in line]
        here = [name for name in peers if name not in absent]
        if not here:
            self.skipTest("no peer is installed")
        document, said = self.run_bench("--measure", "tcp-1", "--offload", "on", *(word for name in peers for word in ("--only", name)))
        self.assertEqual([row["subject"] for row in document["wire_checked"]], here, said)
        self.assertEqual(sorted(row["name"] for row in document["left_out"]), sorted(absent))
        for row in document["records"]:
            self.assertGreater(row["mbit_per_s"], 1, row)
            self.assertTrue(row["cpu"]["seconds"], row)

    def test_ended_from_outside_it_leaves_nothing(self):
        process = begin("--only", "plain", "--measure", "tcp-1", "--seconds", "60")
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        while "Wire checked" not in (line := first_line(process.stdout)):
            self.assertTrue(line, "it ended before it began")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=60), 128 + signal.SIGTERM)
        self.check_nothing_left(process)


labtest.main()
