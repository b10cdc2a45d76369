#!/usr/bin/python3
"""Base mode with a pre-shared key against a peer that was written from the formulas (base_peer.py), in both roles."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtest import ELMER, RELENT, wait_for  # noqa: E402

PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "base_peer.py")
KEY = "mekmitasdigoat"

RACOON = """
path pre_shared_key "/etc/inet/psk.txt";
remote anonymous {
    exchange_mode base;
    %s
    proposal { encryption_algorithm 3des; hash_algorithm sha1; authentication_method pre_shared_key; dh_group 2; }
}
sainfo anonymous {
    encryption_algorithm 3des;
    authentication_algorithm hmac_sha1;
    compression_algorithm deflate;
}
"""

ECHO = """
import socket
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("0.0.0.0", 1701))
print("ready", flush=True)
while True:
    data, where = sock.recvfrom(65535)
    sock.sendto(data, where)
"""


class Base(labtest.LabTest):
    suite_on = ("relent",)

    def prepare(self, *more):
        self.relent.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/psk.txt", text=f"{ELMER} {KEY}\n")
        self.relent.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/racoon.conf", text=RACOON % " ".join(more))
        loaded = self.relent.run("ipsecctl", "racoon")
        self.relent.run("racoonctl", "flush-sa")  # of the test before
        self.relent.mark_log()
        return loaded

    def popen(self, *words):
        process = self.elmer.popen("/usr/bin/python3", PEER, *words)
        self.addCleanup(process.wait, 20)
        self.addCleanup(process.kill)
        return process

    def told(self, process):
        line = process.stdout.readline()
        if not line.startswith("{"):
            self.fail(line + process.stdout.read())
        return json.loads(line)

    def end(self, process):
        process.stdin.write("\n")
        process.stdin.flush()
        self.assertEqual(process.wait(timeout=20), 0)

    def test_peer_begins(self):
        loaded = self.prepare("passive on; generate_policy unique;")
        self.assertIn("base mode lets whoever listens guess at the pre-shared key offline", loaded.stderr)
        echo = self.relent.popen("/usr/bin/python3", "-u", "-c", ECHO, stdin=None)
        self.addCleanup(echo.wait, 20)
        self.addCleanup(echo.kill)
        self.assertEqual(echo.stdout.readline().strip(), "ready")
        peer = self.popen("begin", ELMER, RELENT, KEY)
        self.assertTrue(self.told(peer)["echo"])
        self.assertIn("begin Base mode.", self.relent.log())
        self.assertIn("IKEv1 base mode", self.relent.out("ipsecctl", "show"))
        rows = self.relent.out("racoonctl", "-l", "show-sa", "isakmp").splitlines()
        self.assertEqual(rows[0].split().index("E"), 5, rows)
        self.assertIn(" B ", rows[1])
        self.end(peer)
        wait_for("the SAs to be gone", lambda: not self.relent.json("sad")["sas"])

    def test_peer_answers(self):
        self.prepare()
        peer = self.popen("answer", ELMER, RELENT, KEY)
        self.assertEqual(peer.stdout.readline().strip(), "ready")
        self.relent.run("racoonctl", "establish-sa", "-w", "isakmp", "inet", RELENT, ELMER)
        self.assertIn(self.told(peer)["exchange"], (5, 32))
        self.assertIn("begin Base mode.", self.relent.log())
        self.end(peer)

    def test_peer_with_another_key(self):
        self.prepare("passive on; generate_policy unique;")
        peer = self.popen("begin", ELMER, RELENT, "another key")
        wait_for("the peer's hash to be judged", lambda: "HASH mismatched" in self.relent.log())
        self.assertIsNone(peer.poll())
        self.assertNotIn("ISAKMP-SA established", self.relent.log())
        self.assertEqual(self.relent.json("sad")["sas"], [])

    def test_peer_answers_with_another_key(self):
        self.prepare()
        peer = self.popen("answer", ELMER, RELENT, "another key")
        self.assertEqual(peer.stdout.readline().strip(), "ready")
        self.relent.run("racoonctl", "establish-sa", "isakmp", "inet", RELENT, ELMER)
        self.assertIn("the initiator's proof", peer.stdout.read())
        self.assertNotIn("ISAKMP-SA established", self.relent.log())


if __name__ == "__main__":
    labtest.main()
