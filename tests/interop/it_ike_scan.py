#!/usr/bin/python3
"""ike-scan, as somebody uses it who wants to know what runs here: it finds a responder that does what the RFCs say, and learns
nothing that the exchange does not need."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtest import RELENT  # noqa: E402

SCAN = "/usr/bin/ike-scan"
DPD = "afcad71368a1f1c96b8696fc77570100"
NAT_T = {"4a131c81070358455c5728f20e95452f", "90cb80913ebb696e086381b5ec427b1f"}
XAUTH = "09002689dfd6b712"
COUNTER = 2  # repetitions of one message

RACOON = """
path pre_shared_key "/etc/inet/psk.txt";
timer { counter %(counter)d; interval 1 sec; }
remote anonymous {
    exchange_mode %(modes)s;
    passive on;
    nat_traversal %(natt)s;
    proposal_check obey;
    proposal { encryption_algorithm 3des; hash_algorithm sha1; authentication_method %(method)s; dh_group 2; }
}
sainfo anonymous { encryption_algorithm aes; authentication_algorithm hmac_sha1; compression_algorithm deflate; }
"""


class IkeScan(labtest.LabTest):
    suite_on = ("relent",)

    def prepare(self, modes="main, aggressive", natt="off", method="pre_shared_key", psk="roadies the-group's-key\n"):
        words = {"modes": modes, "natt": natt, "method": method, "counter": COUNTER}
        self.relent.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/psk.txt", text=psk)
        self.relent.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/racoon.conf", text=RACOON % words)
        self.relent.run("ipsecctl", "racoon")

    def scan(self, *words):
        return self.elmer.out(SCAN, "--sport=0", "--retry=2", "--timeout=700", *words, RELENT)

    def aggressive(self, name, *words):
        return self.scan("--aggressive", f"--id={name}", "--idtype=11", "--trans=5,2,1,2", "--dhgroup=2", *words)

    def vendors(self, text):
        return set(re.findall(r"VID=([0-9a-f]+)", text))

    def test_main_mode_is_found_and_tells_one_vendor_id(self):
        self.prepare(modes="main")
        text = self.scan()
        self.assertIn("Main Mode Handshake returned", text)
        self.assertRegex(text, r"Enc=3DES Hash=SHA1 (Auth=PSK Group=2|Group=2:modp1024 Auth=PSK)")
        self.assertIn("1 returned handshake; 0 returned notify", text)
        self.assertEqual(self.vendors(text), {DPD})

    def test_vendor_ids_are_those_that_are_switched_on(self):
        self.prepare(modes="main", natt="on")
        self.assertEqual(self.vendors(self.scan()), NAT_T | {DPD})

    def test_a_proposal_of_nobodys_is_refused_with_the_standard_notify(self):
        self.prepare(modes="main")
        text = self.scan("--trans=1,1,3,1")
        self.assertIn("0 returned handshake; 1 returned notify", text)
        self.assertIn("NO-PROPOSAL-CHOSEN", text)

    def test_aggressive_mode_of_a_known_group(self):
        self.prepare()
        text = self.aggressive("roadies")
        self.assertIn("Aggressive Mode Handshake returned", text)
        self.assertIn("Hash(20 bytes)", text)
        self.assertEqual(self.vendors(text), {DPD})

    def test_xauth_is_announced_where_it_is_asked(self):
        self.prepare(method="xauth_psk_server")
        text = self.aggressive("roadies", "--auth=65001", "--trans=5,2,65001,2")
        self.assertIn("Aggressive Mode Handshake returned", text)
        self.assertEqual(self.vendors(text), {DPD, XAUTH})

    def test_aggressive_mode_of_an_unknown_group_gives_no_hash(self):
        self.prepare()
        text = self.aggressive("nobody")
        self.assertNotIn("Hash(", text)
        self.assertIn("0 returned handshake; 0 returned notify", text)
        self.assertIn("couldn't find the pskey", self.relent.log())

    def test_aggressive_mode_that_is_not_configured_gives_nothing(self):
        self.prepare(modes="main")
        self.assertIn("0 returned handshake; 0 returned notify", self.aggressive("roadies"))

    def backoff(self, text):
        """Times at which copies of one answer came."""
        return re.findall(rf"^{re.escape(RELENT)}\t(\d+)\t", text, re.MULTILINE)

    def test_main_mode_is_not_repeated_to_strangers(self):
        self.prepare(modes="main")
        self.assertEqual(len(self.backoff(self.scan("--showbackoff=3"))), 1)

    def test_aggressive_mode_is_repeated_so_often_and_no_more(self):
        self.prepare()
        self.assertEqual(len(self.backoff(self.aggressive("roadies", "--showbackoff=4"))), COUNTER + 1)

    def test_version_2_is_not_answered(self):
        self.prepare(modes="main")
        self.assertIn("0 returned handshake", self.scan("--ikev2"))


if __name__ == "__main__":
    if not os.access(SCAN, os.X_OK):
        print("ike-scan is not installed")
        sys.exit(labtest.SKIP)
    labtest.main()
