#!/usr/bin/python3
"""Version 2 against strongSwan with a translator between, which changes ports: each side behind it, and beginning.

    office 192.168.9.2 --- home --- nat (masquerades as 10.0.0.1) --- lan --- elmer 10.0.0.110, relent 10.0.0.100
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import charon  # noqa: E402
import charon2  # noqa: E402
import labtest  # noqa: E402
import natbox  # noqa: E402
from charon2 import HERE, THERE  # noqa: E402
from labtap import Tap  # noqa: E402
from labtest import ELMER, RELENT, wait_for  # noqa: E402

OFFICE, NAT = "192.168.9.2", "10.0.0.1"
FIRST, SECOND = 20001, 20002  # ports that the translator gives


class Charon2Nat(charon2.Charon2Test):
    suite_on = ()

    @classmethod
    def setUpClass(cls):
        labtest.LabTest.setUpClass.__func__(cls)
        cls.nat = natbox.NatBox(cls.lab, "nat", "192.168.9.1/24", f"{NAT}/24")
        cls.addClassCleanup(cls.nat.close)
        cls.lab.add("office", [f"{OFFICE}/24"], segment="home", gateway="192.168.9.1")
        cls.office = labtest.Host(cls.lab, "office", OFFICE)
        cls.both = (cls.relent, cls.office)

    def ready(self, us, them, psk, **more):
        """The suite on `us`, charon on `them`; office is the one behind the translator."""
        self.nat.map_to(FIRST)
        far, near = (NAT if them is self.office else them.address), (NAT if us is self.office else us.address)
        for host, inner in ((us, HERE), (them, THERE)):
            host.run("ip", "address", "add", f"{inner}/24", "dev", "lo")
            self.addCleanup(host.run, "ip", "address", "del", f"{inner}/24", "dev", "lo")
        us.start()
        self.addCleanup(us.stop)
        us.wait_ready()
        words = self.words(psk)
        if psk:
            words.update(local=f"auth = psk\n id = {them.address}", remote=f"auth = psk\n id = {us.address}", ourid=us.address)
        else:
            charon.certificates(us, them)
        words.update({"elmer": them.address, "relent": near, "encap": "no", **more})
        native = charon2.NATIVE % {**words, "elmer": far, "more": f"remote-id {them.address}" if psk else ""}
        us.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/postern/postern.conf", text=native)
        us.run("ipsecctl", "load")
        self.peer = charon.Charon(them)
        self.addCleanup(self.peer.stop)
        self.addCleanup(us.run, "ipsecctl", "down", far, check=False)
        self.peer.start(charon2.SWANCTL % words)

    def ping(self, host, near, far):
        return host.run("ping", "-c", "1", "-W", "1", "-I", near, far, check=False).returncode == 0

    def they_begin(self, psk):
        self.ready(self.relent, self.office, psk)
        done = self.peer.initiate("net")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        with Tap(self.lab, f"udp port 4500 and udp port {FIRST} and host {RELENT} and udp[8:4] != 0") as wire:
            wait_for("an answer from behind the translator", lambda: self.ping(self.office, THERE, HERE))
            self.assertTrue(self.ping(self.relent, HERE, THERE))
            wait_for("ESP in UDP", lambda: wire.count >= 4)
        self.assertIn("NAT detected: PEER", self.relent.log())
        self.renew(self.relent, NAT)

    def we_begin(self, psk):
        self.ready(self.office, self.elmer, psk)
        wait_for("an answer through the translator", lambda: self.ping(self.office, HERE, THERE))
        self.assertTrue(self.ping(self.elmer, THERE, HERE))
        self.assertIn("NAT detected: ME", self.office.log())
        self.renew(self.office, ELMER)

    def renew(self, us, far):
        """Both phases, by either side, at the ports that the translator gave."""
        for what in (lambda: us.run("ipsecctl", "rekey", "--ike", far), lambda: self.peer.swanctl("--rekey", "--ike", "relent"),
                     lambda: self.peer.swanctl("--rekey", "--child", "net")):
            old = self.ids(us)
            what()
            wait_for("another one, and the old one gone", lambda old=old: self.ids(us) != old and [len(x) for x in self.ids(us)] == [1, 1])
            self.assertTrue(self.ping(us, HERE, THERE))

    def ids(self, us):
        shown = us.json("show")
        return ({row["spis"] for row in shown["ike_sas"]}, {row["parts"][0]["spi_in"] for row in shown["child_sas"] if row["state"] == "up"})

    def test_psk_they_begin_behind_it(self):
        self.they_begin(True)

    def test_certificates_they_begin_behind_it(self):
        self.they_begin(False)

    def test_psk_we_begin_behind_it(self):
        self.we_begin(True)

    def test_certificates_we_begin_behind_it(self):
        self.we_begin(False)

    def test_a_mapping_that_changes_is_followed(self):
        self.they_begin(True)
        self.nat.map_to(SECOND)
        with Tap(self.lab, f"udp dst port {SECOND} and src host {RELENT} and udp[8:4] != 0") as esp:
            wait_for("an answer through the new mapping", lambda: self.ping(self.office, THERE, HERE))
            self.assertTrue(self.ping(self.relent, HERE, THERE))
            wait_for("ESP to the new port", lambda: esp.count >= 2)
        self.renew(self.relent, NAT)


if __name__ == "__main__":
    if not charon.installed():
        print("strongSwan's charon is not installed")
        sys.exit(labtest.SKIP)
    labtest.main()
