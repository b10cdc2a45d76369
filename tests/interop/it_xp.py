#!/usr/bin/python3
"""A Windows XP-like client of L2TP over IPsec (xp_peer.py) against our server, with and without a NAT between."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtest import ELMER, RELENT, wait_for  # noqa: E402

PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "xp_peer.py")
KEY = "mekmitasdigoat"
DPD, NAT_RFC, NAT_DRAFT = "afcad71368a1f1c96b8696fc77570100", "4a131c81070358455c5728f20e95452f", "90cb80913ebb696e086381b5ec427b1f"

RACOON = """
path pre_shared_key "/etc/inet/psk.txt";
remote anonymous {
    exchange_mode main, aggressive;
    passive on; generate_policy unique;
    nat_traversal on;
    proposal_check claim;
    proposal { encryption_algorithm 3des; hash_algorithm sha1; authentication_method pre_shared_key; dh_group 2; }
}
sainfo anonymous clientaddr {
    encryption_algorithm 3des, aes;
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


class Xp(labtest.LabTest):
    suite_on = ("relent",)

    def prepare(self):
        self.relent.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/psk.txt", text=f"{ELMER} {KEY}\n")
        self.relent.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/racoon.conf", text=RACOON)
        self.relent.run("ipsecctl", "racoon")
        echo = self.relent.popen("/usr/bin/python3", "-u", "-c", ECHO, stdin=None)
        self.addCleanup(echo.wait, 20)
        self.addCleanup(echo.kill)
        self.assertEqual(echo.stdout.readline().strip(), "ready")

    def session(self, *more):
        self.prepare()
        peer = self.elmer.popen("/usr/bin/python3", PEER, ELMER, RELENT, KEY, *more)
        self.addCleanup(peer.wait, 20)
        self.addCleanup(peer.kill)
        line = peer.stdout.readline()
        if not line.startswith("{"):
            self.fail(line + peer.stdout.read())
        told = json.loads(line)
        self.assertTrue(told["echo"])
        self.assertEqual(set(told["vendors"]), {DPD, NAT_RFC, NAT_DRAFT})
        sas = self.relent.json("sad")["sas"]
        self.assertEqual(len(sas), 2)
        for sa in sas:
            self.assertEqual((sa["mode"], bool(sa["udp_encapsulation"])), ("transport", "nat" in more))
        policies = self.relent.json("spd")["policies"]
        self.assertEqual([(p["selector"]["upper"], p["selector"]["sport"], p["selector"]["dport"]) for p in policies],
                         [(17, 1701, 1701)] * 2)
        self.assertTrue(all(p["requests"][0]["level"] == "unique" for p in policies))
        peer.stdin.write("\n")
        peer.stdin.flush()
        self.assertEqual(peer.wait(timeout=20), 0)
        wait_for("the SAs to be gone", lambda: not self.relent.json("sad")["sas"])
        wait_for("the policies to be gone", lambda: not self.relent.json("spd")["policies"])
        return sas

    def test_transport_mode_with_kilobytes(self):
        sas = self.session()
        for sa in sas:
            text = json.dumps(sa)
            self.assertIn("3600", text)
            self.assertIn(str(250000 * 1024), text)

    def test_behind_a_nat_in_the_manner_of_draft_02(self):
        self.session("nat")


if __name__ == "__main__":
    labtest.main()
