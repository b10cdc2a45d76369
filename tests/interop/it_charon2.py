#!/usr/bin/python3
"""Version 2 against strongSwan, from the native configuration: pre-shared key and certificates, each side beginning."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import charon  # noqa: E402
import labtest  # noqa: E402
from labtap import Tap  # noqa: E402
from labtest import ELMER, RELENT, count, wait_for  # noqa: E402

HERE, THERE = "192.168.1.1", "192.168.2.1"
SECRET = "mekmitasdigoat"
RATE = 2000

NATIVE = """
connection elmer {
    remote %(elmer)s
    %(auth)s
    %(ike)s
    %(more)s
    child 192.168.1.0/24 = 192.168.2.0/24 { %(child)s }
}
"""

SWANCTL = """
connections {
  relent {
    version = 2
    encap = yes
    fragmentation = yes
    local_addrs = %(elmer)s
    remote_addrs = %(relent)s
    proposals = %(ikeprop)s
    rekey_time = %(rekey1)s
    dpd_delay = %(theirdpd)s
    local { %(local)s }
    remote { %(remote)s }
    children {
      net {
        local_ts = %(localts)s
        remote_ts = %(remotets)s
        esp_proposals = %(espprop)s
        rekey_time = %(rekey2)s
        mode = tunnel
      }
    }
  }
}
secrets {
  ike-1 { id-1 = %(relent)s
          secret = "mekmitasdigoat" }
}
"""


class Charon2(labtest.LabTest):
    suite_on = ("relent",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.relent.run("ip", "addr", "add", f"{HERE}/24", "dev", "lo")
        cls.elmer.run("ip", "addr", "add", f"{THERE}/24", "dev", "lo")

    def words(self, psk):
        return {"elmer": ELMER, "relent": RELENT, "ike": "", "more": "", "child": "",
                "auth": f'secret "{SECRET}"' if psk else
                        'certificate /etc/inet/certs/relent.pem\n key /etc/inet/certs/relent.key\n authority /etc/inet/certs/ca.pem',
                "ikeprop": "aes128-sha256-x25519,aes128-sha256-modp2048,aes256-sha256-ecp256,default", "espprop": "default",
                "rekey1": "4h", "rekey2": "1h", "theirdpd": "0s", "localts": "192.168.2.0/24", "remotets": "192.168.1.0/24",
                "local": f"auth = psk\n id = {ELMER}" if psk else 'auth = pubkey\n certs = elmer.pem\n id = "C=XX, O=Lab, CN=elmer"',
                "remote": f"auth = psk\n id = {RELENT}" if psk else 'auth = pubkey\n id = "C=XX, O=Lab, CN=relent"'}

    def prepare(self, psk=True, chain=0, make=charon.certificates, **more):
        words = {**self.words(psk), **more}
        if not psk and make:
            make(self.relent, self.elmer, chain)
        self.relent.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/postern/postern.conf", text=NATIVE % words)
        self.relent.run("ipsecctl", "load")
        self.peer = charon.Charon(self.elmer)
        self.addCleanup(self.peer.stop)
        self.addCleanup(self.relent.run, "ipsecctl", "down", ELMER, check=False)
        self.peer.start(SWANCTL % words)

    def tearDown(self):
        super().tearDown()
        outcome = self._outcome.result
        if any(case is self for case, _ in outcome.failures + outcome.errors):
            print("--- charon\n" + self.peer.log()[-8000:], file=sys.stderr)

    def carry(self, port, octets=200000):
        """A transfer with a checksum in each direction, from inner address to inner address."""
        for sender, receiver, address in ((self.relent, self.elmer, THERE), (self.elmer, self.relent, HERE)):
            receiver.traffic("tcp-sink", port)
            client = sender.traffic("tcp-send", address, port, octets, 10**9, 30)
            self.assertEqual(client.wait(timeout=90), 0, client.stdout.read())
            port += 1

    def we_begin(self, port, octets=200000, **more):
        self.prepare(**more)
        with Tap(self.lab, f"udp port 4500 and host {RELENT}") as wire:
            self.carry(port, octets)
            wait_for("ESP in UDP", lambda: wire.count > 100)
        self.assertIn("IKE-SA established", self.relent.log())

    def they_begin(self, port, octets=200000, **more):
        self.prepare(**more)
        done = self.peer.initiate("net")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.carry(port, octets)

    def test_psk_we_begin(self):
        self.we_begin(7001, 50_000_000)

    def test_psk_they_begin(self):
        self.they_begin(7003)

    def test_certificates_we_begin(self):
        self.we_begin(7005, psk=False)

    def test_certificates_they_begin(self):
        self.they_begin(7007, 50_000_000, psk=False)


if __name__ == "__main__":
    labtest.main()
