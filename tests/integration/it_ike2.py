#!/usr/bin/python3
"""Version 2 between two hosts of our own, from a native configuration of a few lines."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtap import Tap, clear_between  # noqa: E402
from labtest import ELMER, RELENT, wait_for  # noqa: E402

SECRET = "a long shared secret, with blanks"


class Ike2(labtest.LabTest):
    def load(self, host, peer, child, *more):
        text = f'connection peer {{\n remote {peer.address}\n secret "{SECRET}"\n' + "".join(f" {line}\n" for line in more) + f" child {child}\n}}\n"
        host.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/postern/postern.conf", text=text)
        host.run("ipsecctl", "load")

    def load_both(self, child="local = remote { mode transport }", *more):
        self.load(self.relent, self.elmer, child, *more)
        self.load(self.elmer, self.relent, child, *more)
        for host, peer in ((self.relent, self.elmer), (self.elmer, self.relent)):
            self.addCleanup(host.run, "ipsecctl", "down", peer.address, check=False)

    def tearDown(self):
        super().tearDown()
        for host in self.both:
            host.run("ipsecctl", "load", "--none")

    def reaches(self, sender, receiver):
        return sender.run("ping", "-c", "1", "-W", "2", receiver.address, check=False).returncode == 0

    def assert_one(self):
        for host in self.both:
            shown = host.json("show")
            self.assertEqual([sa["version"] for sa in shown["ike_sas"]], [2])
            self.assertEqual([row["state"] for row in shown["child_sas"]], ["up"])

    def test_the_first_packet_is_not_lost(self):
        self.load_both()
        with Tap(self.lab, clear_between(RELENT, ELMER, "icmp")) as clear:
            self.assertTrue(self.reaches(self.relent, self.elmer))
            self.assertTrue(self.reaches(self.elmer, self.relent))
        self.assertEqual(clear.count, 0)
        self.assert_one()
        for host in self.both:
            self.assertIn("IKE-SA established", host.log())

    def test_both_begin_at_once(self):
        self.load_both()
        commands = [host.popen("ping", "-c", "3", "-i", "0.3", "-W", "5", peer.address)
                    for host, peer in ((self.relent, self.elmer), (self.elmer, self.relent))]
        for command in commands:
            self.assertEqual(command.wait(timeout=60), 0)
        wait_for("one IKE SA on each side", lambda: all(len(host.json("show")["ike_sas"]) == 1 for host in self.both), timeout=60)
        self.assertTrue(self.reaches(self.relent, self.elmer))

    def test_compression(self):
        self.load_both("local = remote { mode transport; compress yes }")
        self.assertTrue(self.reaches(self.relent, self.elmer))
        for host in self.both:
            self.assertEqual(sorted(row["proto"] for row in host.json("sad")["sas"]), ["esp", "esp", "ipcomp", "ipcomp"])
        self.elmer.traffic("tcp-sink", 7001)
        client = self.relent.traffic("tcp-send", ELMER, 7001, 200000, 10**9, 30)
        self.assertEqual(client.wait(timeout=60), 0, client.stdout.read())

    def test_keyd_dies_and_packets_go_on(self):
        self.load_both()
        self.assertTrue(self.reaches(self.relent, self.elmer))
        self.relent.kill("keyd")
        self.relent.wait_ready()
        for sender, receiver in ((self.relent, self.elmer), (self.elmer, self.relent)):
            self.assertTrue(self.reaches(sender, receiver))

    def test_transport_mode_as_another_program_reads_it(self):
        """scapy opens what is on the wire with the keys that were agreed on, and finds no second IP header."""
        from scapy.layers.inet import ICMP, IP
        from scapy.layers.ipsec import ESP, SecurityAssociation
        from scapy.layers.l2 import Ether
        self.load_both("local = remote { mode transport; esp aes128gcm }")
        with Tap(self.lab, "esp") as wire:
            self.assertTrue(self.reaches(self.relent, self.elmer))
            wait_for("both directions on the wire", lambda: wire.count >= 2)
        kinds = set()
        keys = {row["spi"]: row for row in self.relent.json("sad", "--keys")["sas"]}
        for frame in wire.stop():
            packet = Ether(frame)[IP]
            row = keys[packet[ESP].spi]
            self.assertEqual((row["mode"], row["extended_seq"]), ("transport", True))
            sa = SecurityAssociation(ESP, spi=row["spi"], crypt_algo="AES-GCM", crypt_key=bytes.fromhex(row["encryption"]["key"]), esn_en=True)
            inner = sa.decrypt(packet)  # raises when the integrity value is wrong
            self.assertEqual((inner.src, inner.dst, inner.haslayer(ESP)), (packet.src, packet.dst, 0))
            kinds.add((inner.src, inner[ICMP].type))
        self.assertEqual(kinds, {(RELENT, 8), (ELMER, 0)})

    def test_new_keys_on_demand(self):
        """`rekey`, from either side: nothing is lost, and the old ones are gone."""
        self.load_both()
        self.assertIn("there is nothing to renew", self.relent.run("ipsecctl", "rekey", ELMER, check=False).stderr)
        self.assertTrue(self.reaches(self.relent, self.elmer))
        for host, peer in ((self.relent, self.elmer), (self.elmer, self.relent)):
            sas, children = self.newest()
            pinging = peer.popen("ping", "-c", "50", "-i", "0.02", host.address)
            self.assertIn("0 SAs of key exchange and 1 pair of", host.out("ipsecctl", "rekey", peer.address))
            wait_for("another pair", lambda children=children: self.newest()[1].isdisjoint(children))
            self.assertEqual(self.newest()[0], sas)
            self.assertIn("1 SA of key exchange and 1 pair of", host.out("ipsecctl", "rekey", "--ike", peer.address))
            wait_for("another IKE SA", lambda sas=sas: self.newest()[0].isdisjoint(sas))
            self.assertIn(" 0% packet loss", pinging.communicate(timeout=30)[0])
        wait_for("one of each", lambda: all(len(ids) == 1 for ids in self.newest()))

    def newest(self):
        """What both sides have and use: IKE SAs, and children by either side's SPIs."""
        shown = [host.json("show") for host in self.both]
        sas = [{row["spis"] for row in side["ike_sas"] if row["state"] == "up"} for side in shown]
        children = [{frozenset((row["parts"][0]["spi_in"], row["parts"][0]["spi_out"])) for row in side["child_sas"] if row["state"] == "up"}
                    for side in shown]
        return sas[0] | sas[1], children[0] | children[1]

    def test_down_ends_both_sides(self):
        self.load_both()
        self.relent.run("ipsecctl", "up", ELMER)
        self.assert_one()
        self.relent.run("ipsecctl", "down", ELMER)
        for host in self.both:
            wait_for("nothing to be left", lambda host=host: not host.json("sad")["sas"] and not host.json("show")["ike_sas"])

    def test_other_secrets_make_nothing(self):
        self.load_both()
        text = self.elmer.out("cat", "/etc/postern/postern.conf").replace(SECRET, "another one, and long enough")
        self.elmer.run("install", "-m", "600", "/dev/stdin", "/etc/postern/postern.conf", text=text)
        self.elmer.run("ipsecctl", "load")
        done = self.relent.run("ipsecctl", "up", "-t", "10", ELMER, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("AUTHENTICATION_FAILED", done.stderr)
        for host in self.both:
            self.assertEqual(host.json("sad")["sas"], [])


if __name__ == "__main__":
    labtest.main()
