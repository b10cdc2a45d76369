#!/usr/bin/python3
"""A host starts anew and has lost its SAs; its peer, which has not, learns of it from its own first packet."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labkit.kernel import Process  # noqa: E402
from labtap import Tap  # noqa: E402
from labtest import ELMER, RELENT, wait_for  # noqa: E402

RACOON = """
path pre_shared_key "/etc/inet/psk.txt";
remote %(peer)s {
    exchange_mode main;
    proposal_check obey;
    %(more)s
    proposal { encryption_algorithm aes; hash_algorithm sha1; authentication_method pre_shared_key; dh_group 14; }
}
sainfo anonymous {
    pfs_group 14;
    encryption_algorithm aes;
    authentication_algorithm hmac_sha1;
    compression_algorithm deflate;
}
"""


class UnknownSpi(labtest.LabTest):
    def load(self, host, more=""):
        peer = ELMER if host is self.relent else RELENT
        host.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/psk.txt", text=f"{peer} mekmitasdigoat\n")
        host.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/racoon.conf", text=RACOON % {"peer": peer, "more": more})
        here = host.address
        host.setkey(f"spdadd {here} {peer} icmp -P out ipsec esp/transport//require;\n"
                    f"spdadd {peer} {here} icmp -P in ipsec esp/transport//require;\n")
        host.run("ipsecctl", "racoon")

    def lose_power(self, host):
        """No goodbye is said, and nothing is kept."""
        victims = [Process(pid) for pid, command in self.lab.processes(host.name).items() if command.startswith("postern-")]
        for victim in victims:
            victim.kill()
        wait_for("all of them to be gone", lambda: not any(victim.alive() for victim in victims))
        wait_for("the suite to be gone", lambda: not host.running())

    def spis(self, host):
        return {row["spi"] for row in host.json("sad")["sas"]}

    def reaches(self, sender, receiver):
        return sender.run("ping", "-c", "1", "-W", "1", receiver.address, check=False).returncode == 0

    def prepare(self, **more):
        for host in self.both:
            self.load(host, **more)
            # What the test before has left: a load of the same ends nothing.
            host.run("ipsecctl", "down", ELMER if host is self.relent else RELENT, check=False)
        wait_for("a first answer", lambda: self.reaches(self.relent, self.elmer))
        old = self.spis(self.relent)
        self.lose_power(self.elmer)
        self.elmer.start()
        self.elmer.wait_ready()
        return old

    def test_the_peer_learns_soon(self):
        old = self.prepare()
        self.assertEqual(self.spis(self.relent), old)
        self.load(self.elmer)
        wait_for("an answer again", lambda: self.reaches(self.relent, self.elmer))
        self.assertFalse(self.spis(self.relent) & old)
        self.assertIn("purged: the peer began anew", self.relent.log())
        self.assertIn("for an SA that is not here", self.elmer.log())

    def test_a_passive_host_says_nothing(self):
        old = self.prepare()
        self.load(self.elmer, more="passive on;")
        with Tap(self.lab, f"udp port 500 and src host {ELMER}") as said, Tap(self.lab, f"ip proto 50 and src host {RELENT}") as sent:
            wait_for("packets into what is lost", lambda: not self.reaches(self.relent, self.elmer) and sent.count >= 3)
        self.assertEqual(said.count, 0)
        self.assertEqual(self.spis(self.relent), old)


if __name__ == "__main__":
    labtest.main()
