#!/usr/bin/python3
"""udp-blast against itself over the loopback device: what is sent is counted, exactly, and told apart from what came before."""

import json
import socket
import subprocess
import sys
import unittest

BLAST = sys.argv.pop(1)


def run(*words):
    return subprocess.run([BLAST, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)


class BlastTest(unittest.TestCase):
    def beside(self, mode):
        process = subprocess.Popen([BLAST, mode, "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        word, port = process.stdout.readline().split()
        self.assertEqual(word, "ready")
        return process, port

    def counts(self, process):
        process.stdin.write("\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    def test_sink_counts_each_run_by_itself(self):
        sink, port = self.beside("sink")
        for size, rate, seconds, address in ((64, 2000, 0.1, "127.0.0.1"), (8, 500, 0.1, "::1"), (1400, 20000, 0.05, "127.0.0.1"),
                                             (9000, 1000, 0.01, "127.0.0.1")):
            with self.subTest(size=size):
                sent = json.loads(run("send", address, port, str(size), str(rate), str(seconds)).stdout)
                got = self.counts(sink)
                self.assertGreater(sent["sent"], 0)
                self.assertLessEqual(sent["sent"], rate * seconds)
                self.assertEqual((got["received"], got["octets"], got["late"]), (sent["sent"], sent["sent"] * size, 0))
                self.assertLessEqual(got["ns"], sent["ns"] + 10**9)
        self.assertEqual(self.counts(sink)["received"], 0)

    def test_sink_tells_late_ones_and_stragglers_apart(self):
        sink, port = self.beside("sink")
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(sock.close)

        def send(run_number, *numbers):
            for number in numbers:
                sock.sendto(run_number.to_bytes(4, sys.byteorder) + number.to_bytes(4, sys.byteorder), ("127.0.0.1", int(port)))
        send(1, 0, 1, 4, 2, 3, 5)
        sock.sendto(b"short", ("127.0.0.1", int(port)))
        got = self.counts(sink)
        self.assertEqual((got["received"], got["octets"], got["late"]), (6, 48, 2))
        send(1, 6, 7)
        send(2, 0, 1)
        self.assertEqual(self.counts(sink)["received"], 2)

    def test_send_never_goes_beyond_its_count(self):
        sent = json.loads(run("send", "127.0.0.1", "9", "64", "100", "0.05").stdout)
        self.assertEqual(sent["sent"] + sent["refused"], 5)

    def test_ping_each_is_answered(self):
        _, port = self.beside("echo")
        got = json.loads(run("ping", "127.0.0.1", port, "64", "50", "100").stdout)
        self.assertEqual(got["answered"] + got["lost"], 50)
        self.assertGreater(got["answered"], 0)
        self.assertLessEqual(got["min_ns"], got["median_ns"])
        self.assertLessEqual(got["median_ns"], got["p99_ns"])
        self.assertLessEqual(got["p99_ns"], got["max_ns"])

    def test_ping_nobody_there_is_all_lost(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
            deaf.bind(("127.0.0.1", 0))
            got = json.loads(run("ping", "127.0.0.1", str(deaf.getsockname()[1]), "64", "2", "0").stdout)
        self.assertEqual((got["answered"], got["lost"], got["median_ns"]), (0, 2, 0))

    def test_wrong_words_are_refused(self):
        for words in ((), ("send",), ("sink",), ("sink", "70000"), ("send", "localhost", "9", "64", "10", "1"),
                      ("send", "127.0.0.1", "9", "7", "10", "1"), ("send", "127.0.0.1", "9", "9001", "10", "1"),
                      ("send", "127.0.0.1", "9", "64", "0", "1"), ("send", "127.0.0.1", "9", "64", "10", "61"),
                      ("send", "127.0.0.1", "9", "64", "nan", "1"), ("ping", "127.0.0.1", "9", "64", "100001", "0")):
            done = run(*words)
            self.assertEqual(done.returncode, 2, words)
            self.assertTrue(done.stderr)


if __name__ == "__main__":
    unittest.main()
