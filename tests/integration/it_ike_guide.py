#!/usr/bin/python3
"""The guide's second and third procedure from their unchanged files: keys come by themselves (S117 to S136)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtap import Tap, clear_between  # noqa: E402
from labtest import ELMER, EXAMPLES, RELENT, wait_for  # noqa: E402


class Guide(labtest.LabTest):
    def give(self, host, name, path, mode="600"):
        """A file of the guide at the place where it tells its reader to put it."""
        host.run("install", "-D", "-m", mode, os.path.join(EXAMPLES, name), path)

    def log(self, host):
        return self.lab.log_tail(host.name, 400)

    def connect(self, sender, receiver, octets=20000):
        """A TCP connection whose first packet has to wait for keys."""
        receiver.traffic("tcp-sink", 7000)
        client = sender.traffic("tcp-send", receiver.address, 7000, octets, 10**9, 30)
        self.assertEqual(client.wait(timeout=60), 0, client.stdout.read())

    def prepare_psk(self):
        for host in self.both:
            self.give(host, f"psk-{host.name}.txt", "/etc/inet/psk.txt")
            self.give(host, f"psk-{host.name}.racoon.conf", "/etc/inet/racoon.conf")
            host.run("ipseckey", "-f", os.path.join(EXAMPLES, f"ike-{host.name}.ipsec.conf"))
            host.run("ipsecctl", "racoon")

    def test_S117_pre_shared_key(self):
        self.prepare_psk()
        with Tap(self.lab, clear_between(RELENT, ELMER, "tcp")) as clear, Tap(self.lab, "ip proto 50") as wire:
            self.connect(self.elmer, self.relent)
            wait_for("ESP on the wire", lambda: wire.count >= 10)
        self.assertEqual(clear.count, 0)
        for host in self.both:
            said = self.log(host)
            self.assertIn("IPsec-SA established: ESP/Tunnel 10.0.0.110[0]->10.0.0.100[0] spi=", said)


if __name__ == "__main__":
    labtest.main()
