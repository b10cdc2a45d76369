#!/usr/bin/python3
"""The guide's second and third procedure from their unchanged files: keys come by themselves (S86 to S136, S155, S195, S202)."""

import os
import re
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtap import Tap, clear_between  # noqa: E402
from labkit.kernel import Process  # noqa: E402
from labtest import ELMER, EXAMPLES, RELENT, wait_for  # noqa: E402

ESTABLISHED = re.compile(r"IPsec-SA established: ESP/Tunnel (\S+)\[0\]->(\S+)\[0\] spi=(\d+)\(0x([0-9a-f]+)\)")


class Guide(labtest.LabTest):
    def give(self, host, name, path, mode="600"):
        """A file of the guide at the place where it tells its reader to put it."""
        host.run("install", "-D", "-m", mode, os.path.join(EXAMPLES, name), path)

    def connect(self, sender, receiver, port, octets=20000):
        """A TCP connection whose first packet has to wait for keys."""
        receiver.traffic("tcp-sink", port)
        client = sender.traffic("tcp-send", receiver.address, port, octets, 10**9, 30)
        self.assertEqual(client.wait(timeout=60), 0, client.stdout.read())

    def prepare_psk(self, *load):
        for host in self.both:
            self.give(host, f"psk-{host.name}.txt", "/etc/inet/psk.txt")
            self.give(host, f"psk-{host.name}.racoon.conf", "/etc/inet/racoon.conf")
            host.run("ipseckey", "-f", os.path.join(EXAMPLES, f"ike-{host.name}.ipsec.conf"))
            host.run(*(load or ("ipsecctl", "racoon")))

    def check_logs(self, began):
        """The guide's lines, word for word and in its order; `began` holds how much was said before."""
        begins, answers = self.elmer.log()[began[0]:], self.relent.log()[began[1]:]
        self.assertIn(f"initiate new phase 1 negotiation: {ELMER}[500]<=>{RELENT}[500]", begins)
        self.assertIn(f"initiate new phase 2 negotiation: {ELMER}[0]<=>{RELENT}[0]", begins)  # S185
        self.assertIn(f"respond new phase 1 negotiation: {RELENT}[500]<=>{ELMER}[500]", answers)  # S195
        self.assertIn("begin Aggressive mode.", answers)  # S196
        for said, peer, host in ((begins, RELENT, ELMER), (answers, ELMER, RELENT)):
            rows = ESTABLISHED.findall(said)
            # S202: what receives is first.
            self.assertEqual([row[:2] for row in rows], [(peer, host), (host, peer)])
            for _, _, decimal, sixteen in rows:
                self.assertEqual(int(decimal), int(sixteen, 16))

    def check_associations(self):
        """ESP tunnels each way, of the first offer, with the sainfo's life; deflate adds nothing by itself."""
        for host in self.both:
            rows = host.json("sad")["sas"]
            self.assertEqual({(row["src"], row["dst"]) for row in rows}, {(RELENT, ELMER), (ELMER, RELENT)})
            said = host.out("setkey", "-D")
            self.assertEqual(len(re.findall(r"^\tesp mode=tunnel spi=", said, re.M)), len(rows))  # S124
            self.assertEqual(len(re.findall(r"^\tE: 3des-cbc ( [0-9a-f]{8}){6}$", said, re.M)), len(rows))  # S123
            self.assertEqual(len(re.findall(r"^\tA: hmac-sha1 ( [0-9a-f]{8}){5}$", said, re.M)), len(rows))
            self.assertEqual(len(re.findall(r"hard: 36000\(s\)", said)), len(rows))  # S101

    def carried(self, port, check_wire=True):
        began = [len(host.log()) for host in (self.elmer, self.relent)]
        with Tap(self.lab, clear_between(RELENT, ELMER, "tcp")) as clear, Tap(self.lab, "ip proto 50") as wire:
            self.connect(self.elmer, self.relent, port)
            wait_for("ESP on the wire", lambda: wire.count >= 10)
        self.assertEqual(clear.count, 0)
        if check_wire:
            self.check_logs(began)
            self.check_associations()

    def test_S117_pre_shared_key(self):
        self.prepare_psk()
        self.carried(7001)

    def test_S89_keys_renew_themselves_and_nothing_is_lost(self):
        """The guide's ten hours, cut down to eight seconds."""
        self.prepare_psk()
        for host in self.both:
            host.run("sed", "-i", "s/time 10 hour/time 8 sec/", "/etc/inet/racoon.conf")
            host.run("ipsecctl", "racoon")
        began = len(self.elmer.log())
        with Tap(self.lab, clear_between(RELENT, ELMER, "tcp")) as clear:
            self.relent.traffic("tcp-sink", 7015)
            # Slowly: it lasts longer than an association does.
            client = self.elmer.traffic("tcp-send", RELENT, 7015, 200000, 20000, 60)
            self.assertEqual(client.wait(timeout=90), 0, client.stdout.read())
        self.assertEqual(clear.count, 0)
        self.assertGreaterEqual(len(ESTABLISHED.findall(self.elmer.log()[began:])), 4)

    def test_S88_a_key_file_that_others_can_read_is_not_used_and_the_cure_is_told(self):
        self.give(self.relent, "psk-relent.txt", "/etc/inet/psk.txt", "644")
        self.give(self.relent, "psk-relent.racoon.conf", "/etc/inet/racoon.conf")
        said = self.relent.run("ipsecctl", "racoon", check=False).stderr
        self.assertIn("/etc/inet/psk.txt has weak file permission 0644", said)
        self.assertIn("chmod 600 /etc/inet/psk.txt", said)

    def test_a_key_file_that_is_opened_to_others_later_is_not_used_any_more(self):
        self.prepare_psk()
        self.elmer.run("ipsecctl", "down", RELENT, check=False)  # of the test before
        self.elmer.run("chmod", "644", "/etc/inet/psk.txt")
        self.addCleanup(self.elmer.run, "chmod", "600", "/etc/inet/psk.txt")
        self.assertNotEqual(self.elmer.run("ipsecctl", "up", "-t", "3", RELENT, check=False).returncode, 0)
        lines = [line for line in self.elmer.log().splitlines() if "certd.file_mode" in line]
        self.assertTrue(lines)
        self.assertIn("chmod 600", lines[-1])

    def racoon_pids(self, host):
        return [pid for pid, command in self.lab.processes(host.name).items() if command == "racoon"]

    def test_S27_S28_S155_started_in_the_background_and_killed_and_started_again(self):
        start = ("sh", "-c", "rm -f /tmp/.racoon; racoon >/dev/null 2>&1 &")
        self.prepare_psk(*start)
        self.addCleanup(lambda: [Process(pid).kill() for host in self.both for pid in self.racoon_pids(host)])
        for host in self.both:
            wait_for("one process of that name", lambda host=host: len(self.racoon_pids(host)) == 1)
            wait_for("keyd to have it", lambda host=host: "negotiating with 1 peers" in host.out("ipsecctl", "status"))
        self.carried(7013, check_wire=False)
        old = self.racoon_pids(self.elmer)
        Process(old[0]).kill()  # kill -9
        wait_for("it to be gone", lambda: old[0] not in self.racoon_pids(self.elmer))
        wait_for("its configuration to be gone", lambda: "negotiating with 0 peers" in self.elmer.out("ipsecctl", "status"))
        wait_for("what it had made to be gone", lambda: not self.elmer.json("sad")["sas"])
        self.elmer.run("sh", "-c", "racoon >/dev/null 2>&1 &")
        wait_for("another one", lambda: self.racoon_pids(self.elmer))
        self.carried(7014, check_wire=False)

    def test_two_of_that_name_and_keyd_between_them(self):
        """A configuration is held by who loaded it last, through restarts of keyd."""
        start = ("sh", "-c", "racoon -dd >/dev/null 2>&1 &")
        self.prepare_psk(*start)
        self.addCleanup(lambda: [Process(pid).kill() for host in self.both for pid in self.racoon_pids(host)])
        wait_for("the first", lambda: len(self.racoon_pids(self.elmer)) == 1)
        peers = lambda n: f"negotiating with {n} peers" in self.elmer.out("ipsecctl", "status")  # noqa: E731
        wait_for("keyd to have it", lambda: peers(1))
        first = self.racoon_pids(self.elmer)[0]
        self.elmer.run(*start)
        wait_for("the second", lambda: len(self.racoon_pids(self.elmer)) == 2)
        wait_for("the second one's configuration", lambda: self.elmer.log().count("conf.held") >= 2)
        Process(first).kill()
        wait_for("the first to be gone", lambda: first not in self.racoon_pids(self.elmer))
        self.assertTrue(peers(1))
        self.elmer.kill("keyd")
        self.elmer.wait_ready()
        wait_for("keyd to have it again", lambda: peers(1))
        wait_for("racoon to hold on to it again", lambda: self.elmer.log().count("conf.held") >= 3)
        Process(self.racoon_pids(self.elmer)[0]).kill()
        wait_for("all to be gone", lambda: peers(0))

    def with_level(self, level):
        """The guide's file with another `log`, loaded; what keyd says from then on."""
        self.relent.run("sed", "-i", "-E", f"s/^ *log .*/log {level};/", "/etc/inet/racoon.conf")
        began = len(self.relent.log())
        self.relent.run("ipsecctl", "racoon")
        return lambda: self.relent.log()[began:]

    def test_S92_S93_S224_the_file_says_how_much_is_logged(self):
        self.prepare_psk()
        said = self.with_level("debug")
        wait_for("the start in racoon's words", lambda: "configuring default isakmp port." in said())  # S172
        for line in ("@(#)racoon (Postern ", "@(#)This product linked OpenSSL ",              # S165, S166
                     "setsockopt_bypass: in bypass", "setsockopt_bypass: out bypass",           # S173
                     "0.0.0.0[500] used as isakmp port (fd="):                                  # S174
            self.assertIn(line, said())
        self.connect(self.elmer, self.relent, 7021)
        wait_for("a negotiation that is read along", lambda: "bytes message received from" in said())
        said = self.with_level("warning")
        self.elmer.run("ipsecctl", "racoon")
        self.elmer.run("setkey", "-F")
        self.relent.run("setkey", "-F")
        self.connect(self.elmer, self.relent, 7022)
        self.assertNotIn("@(#)racoon", said())
        self.assertNotIn("IPsec-SA established", said())
        for level in ("info", "notify"):  # S93: the lines of level debug are gone, those of level info stay.
            said = self.with_level(level)
            wait_for("the lines of level info", lambda said=said: "@(#)racoon" in said())
            self.assertNotIn("configuring default isakmp port.", said())

    def test_S31_syslog_has_it_under_the_tag_racoon(self):
        journal = "/run/systemd/journal/socket"
        listener = self.relent.popen("/usr/bin/python3", "-c", f"""
import os, socket
os.makedirs(os.path.dirname({journal!r}), exist_ok=True)
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind({journal!r})
os.chmod({journal!r}, 0o666)
print("ready", flush=True)
while True:
    fields = dict(line.split("=", 1) for line in s.recv(65536).decode().splitlines())
    print(fields["SYSLOG_IDENTIFIER"], fields["POSTERN_EVENT"], flush=True)
""")
        self.addCleanup(listener.kill)
        self.assertEqual(listener.stdout.readline(), "ready\n")
        self.relent.stop()
        self.addCleanup(self.relent.start)
        self.addCleanup(self.relent.stop)
        self.addCleanup(self.relent.run, "rm", "-r", "/run/systemd")
        self.relent.start("--log", "journal")
        self.relent.wait_ready()
        self.give(self.relent, "psk-relent.txt", "/etc/inet/psk.txt")
        self.give(self.relent, "psk-relent.racoon.conf", "/etc/inet/racoon.conf")
        heard = set()
        threading.Thread(target=lambda: heard.update(listener.stdout), daemon=True).start()

        def told():
            self.relent.run("ipsecctl", "racoon")  # again, because a full logger loses lines
            return {"racoon conf.product\n", "racoon conf.loaded\n"} <= heard
        wait_for("keyd's lines under the tag racoon", told)
        self.assertIn("postern-policyd start.ready\n", heard)

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
        self.carried(7002)
        self.assertIn("C=US, ST=NY, L=BERNE, O=Internet Widgits Pty Ltd", self.relent.out("ipsecctl", "show", ELMER))

    def test_certificates_in_base_mode(self):
        """The same two hosts, and nothing else changed in their files."""
        self.prepare_cert()
        for host in self.both:
            host.run("sed", "-i", "s/exchange_mode aggressive/exchange_mode base/", "/etc/inet/racoon.conf")
            self.assertIn("signatures of base mode do not cover the answerer's identity", host.run("ipsecctl", "racoon").stderr)
            host.run("racoonctl", "flush-sa")  # what aggressive mode has made
        self.carried(7031, check_wire=False)
        shown = self.relent.out("ipsecctl", "show", ELMER)
        self.assertIn("C=US, ST=NY, L=BERNE, O=Internet Widgits Pty Ltd", shown)
        self.assertIn("IKEv1 base mode", shown)


if __name__ == "__main__":
    labtest.main()
