"""What the tests of version 2 against strongSwan share: the two configurations, and traffic between the networks behind both."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import charon  # noqa: E402
import labtest  # noqa: E402
from labtest import ELMER, RELENT  # noqa: E402

HERE, THERE = "192.168.1.1", "192.168.2.1"
SECRET = "mekmitasdigoat"

NATIVE = """
connection elmer {
    remote %(elmer)s
    %(auth)s
    %(ike)s
    %(more)s
    child %(nets)s { %(child)s }
    %(children)s
}
"""

SWANCTL = """
connections {
  relent {
    version = 2
    encap = %(encap)s
    fragmentation = yes
    local_addrs = %(elmer)s
    remote_addrs = %(relent)s
    proposals = %(ikeprop)s
    rekey_time = %(rekey1)s
    over_time = 60s
    rand_time = 0s
    dpd_delay = %(theirdpd)s
    local { %(local)s }
    remote { %(remote)s }
    children {
      net {
        local_ts = %(localts)s
        remote_ts = %(remotets)s
        esp_proposals = %(espprop)s
        rekey_time = %(rekey2)s
        life_time = 2h
        rand_time = 0s
        mode = %(mode)s
      }
      %(theirchildren)s
    }
  }
}
secrets {
  ike-1 { id-1 = %(ourid)s
          secret = "mekmitasdigoat" }
}
"""


class Charon2Test(labtest.LabTest):
    """The suite on relent, charon on elmer."""

    suite_on = ("relent",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.relent.run("ip", "addr", "add", f"{HERE}/24", "dev", "lo")
        cls.elmer.run("ip", "addr", "add", f"{THERE}/24", "dev", "lo")

    def words(self, psk):
        return {"elmer": ELMER, "relent": RELENT, "ourid": RELENT, "ike": "", "more": "", "child": "", "children": "", "nets": "192.168.1.0/24 = 192.168.2.0/24",
                "theirchildren": "", "encap": "yes", "mode": "tunnel",
                "auth": f'secret "{SECRET}"' if psk else
                        'certificate /etc/inet/certs/relent.pem\n key /etc/inet/certs/relent.key\n authority /etc/inet/certs/ca.pem',
                "ikeprop": "aes128-sha256-x25519,aes128-sha256-modp2048,aes256-sha256-ecp256,default", "espprop": "default",
                "rekey1": "4h", "rekey2": "1h", "theirdpd": "0s", "localts": "192.168.2.0/24", "remotets": "192.168.1.0/24",
                "local": f"auth = psk\n id = {ELMER}" if psk else 'auth = pubkey\n certs = elmer.pem\n id = "C=XX, O=Lab, CN=elmer"',
                "remote": f"auth = psk\n id = {RELENT}" if psk else 'auth = pubkey\n id = "C=XX, O=Lab, CN=relent"'}

    def load(self, words):
        self.relent.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/postern/postern.conf", text=NATIVE % words)
        self.relent.run("ipsecctl", "load")

    def prepare(self, psk=True, chain=0, make=charon.certificates, **more):
        words = {**self.words(psk), **more}
        if not psk and make:
            make(self.relent, self.elmer, chain)
        self.load(words)
        self.peer = charon.Charon(self.elmer)
        self.addCleanup(self.peer.stop)
        self.addCleanup(self.relent.run, "ipsecctl", "down", ELMER, check=False)
        self.peer.start(SWANCTL % words)

    def tearDown(self):
        super().tearDown()
        outcome = self._outcome.result
        if any(case is self for case, _ in outcome.failures + outcome.errors):
            print("--- charon\n" + self.peer.log()[-8000:], file=sys.stderr)

    def carry(self, octets=200000):
        """From inner address to inner address."""
        labtest.carry(((self.relent, HERE), (self.elmer, THERE)), octets)
