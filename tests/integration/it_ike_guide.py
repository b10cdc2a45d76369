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

    def connect(self, sender, receiver, port, octets=20000):
        """A TCP connection whose first packet has to wait for keys."""
        receiver.traffic("tcp-sink", port)
        client = sender.traffic("tcp-send", receiver.address, port, octets, 10**9, 30)
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
            self.connect(self.elmer, self.relent, 7001)
            wait_for("ESP on the wire", lambda: wire.count >= 10)
        self.assertEqual(clear.count, 0)
        for host in self.both:
            said = self.log(host)
            self.assertIn("IPsec-SA established: ESP/Tunnel 10.0.0.110[0]->10.0.0.100[0] spi=", said)

    def test_the_packet_that_asked_is_not_lost(self):
        self.prepare_psk()
        name = "outbound packets with no SA available"
        before = self.elmer.netstat()[name]
        self.elmer.run("ping", "-c", "1", "-W", "5", RELENT)
        self.assertEqual(self.elmer.netstat()[name], before)

    def test_what_dies_comes_back_with_what_it_had(self):
        self.prepare_psk()
        for host in self.both:
            for service in ("keyd", "certd", "certd-verify", "policyd", "datapathd"):
                host.kill(service)
        for host in self.both:
            host.wait_ready()
        with Tap(self.lab, clear_between(RELENT, ELMER, "tcp")) as clear:
            self.connect(self.elmer, self.relent, 7003)
        self.assertEqual(clear.count, 0)

    def test_a_connection_outlives_those_who_made_its_keys(self):
        self.prepare_psk()
        self.relent.traffic("tcp-sink", 7004)
        client = self.elmer.traffic("tcp-send", RELENT, 7004, 300000, 100000, 30)
        wait_for("the first packets", lambda: "outbound packets processed successfully" in self.elmer.netstat())
        for host in self.both:
            for service in ("keyd", "certd", "certd-verify"):
                host.kill(service)
        self.assertEqual(client.wait(timeout=60), 0, client.stdout.read())
        for host in self.both:
            host.wait_ready()

    def make_certificates(self, host, peer_name):
        """The guide's commands (S126, S127), answered by -subj: a key, a request, a self-signed certificate."""
        folder = "/usr/local/ssl/certs"
        host.run("mount", "-t", "tmpfs", "tmpfs", "/usr/local")  # of this host alone: nothing stays on the machine
        host.run("mkdir", "-p", folder)
        subject = "/C=US/ST=NY/L=BERNE/O=Internet Widgits Pty Ltd"
        host.run("openssl", "req", "-new", "-nodes", "-newkey", "rsa:1024", "-sha1", "-keyform", "PEM", "-keyout",
                 f"{folder}/privkey.pem", "-out", f"{folder}/request.pem", "-subj", subject)
        host.run("openssl", "x509", "-req", "-in", f"{folder}/request.pem", "-signkey", f"{folder}/privkey.pem",
                 "-out", f"{folder}/{host.name}_cert.pem")
        return host.out("cat", f"{folder}/{host.name}_cert.pem"), f"{folder}/{peer_name}_cert.pem"

    def prepare_cert(self):
        made = {}
        for host, peer in ((self.relent, self.elmer), (self.elmer, self.relent)):
            made[host.name] = self.make_certificates(host, peer.name)
        for host, peer in ((self.relent, self.elmer), (self.elmer, self.relent)):
            # Copied over by hand, says the guide.
            host.run("tee", made[host.name][1], text=made[peer.name][0])
            self.give(host, f"cert-{host.name}.racoon.conf", "/etc/inet/racoon.conf")
            host.run("ipseckey", "-f", os.path.join(EXAMPLES, f"ike-{host.name}.ipsec.conf"))
            host.run("ipsecctl", "racoon")

    def test_S126_certificates(self):
        self.prepare_cert()
        with Tap(self.lab, clear_between(RELENT, ELMER, "tcp")) as clear, Tap(self.lab, "ip proto 50") as wire:
            self.connect(self.elmer, self.relent, 7002)
            wait_for("ESP on the wire", lambda: wire.count >= 10)
        self.assertEqual(clear.count, 0)


if __name__ == "__main__":
    labtest.main()
