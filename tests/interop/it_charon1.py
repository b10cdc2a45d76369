#!/usr/bin/python3
"""Version 1 against strongSwan: main and aggressive mode, pre-shared key and certificates, each side beginning."""

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
RATE = 2000  # packets a second under which keys are renewed
OCTETS = count(200_000, 50_000_000)
RENEWALS2, RENEWALS1 = count(30, 200), count(5, 20)
SECONDS = RENEWALS2 * 6  # as long as they take at a fifth less than their lives, and some more

POLICIES = f"""
spdadd 192.168.1.0/24 192.168.2.0/24 any -P out ipsec esp/tunnel/{RELENT}-{ELMER}/require;
spdadd 192.168.2.0/24 192.168.1.0/24 any -P in ipsec esp/tunnel/{ELMER}-{RELENT}/require;
"""

RACOON = """
path pre_shared_key "/etc/inet/psk.txt";
path certificate "/etc/inet/certs";
remote %(elmer)s {
    exchange_mode %(mode)s;
    nat_traversal on;
    dpd_delay %(dpd)s; dpd_retry 1; dpd_maxfail 3;
    proposal_check obey;
    ike_frag %(frag)s;
    %(identity)s
    lifetime time %(life1)s sec;
    proposal { encryption_algorithm aes; hash_algorithm sha1; authentication_method %(method)s; dh_group 14; }
}
sainfo anonymous {
    pfs_group 14;
    lifetime time %(life2)s sec;
    encryption_algorithm aes;
    authentication_algorithm hmac_sha1;
    compression_algorithm deflate;
}
"""

SWANCTL = """
connections {
  relent {
    version = 1
    aggressive = %(aggressive)s
    encap = yes
    local_addrs = %(elmer)s
    remote_addrs = %(relent)s
    proposals = aes128-sha1-modp2048
    rekey_time = %(rekey1)s
    dpd_delay = %(theirdpd)s
    dpd_timeout = 8s
    local { %(local)s }
    remote { %(remote)s }
    children {
      net {
        local_ts = 192.168.2.0/24
        remote_ts = 192.168.1.0/24
        esp_proposals = aes128-sha1-modp2048
        rekey_time = %(rekey2)s
        life_time = 2h
        rand_time = 0s
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


class Charon1(labtest.LabTest):
    suite_on = ("relent",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.relent.run("ip", "addr", "add", f"{HERE}/24", "dev", "lo")
        cls.elmer.run("ip", "addr", "add", f"{THERE}/24", "dev", "lo")

    def words(self, mode, method):
        psk = method == "pre_shared_key"
        return {"elmer": ELMER, "relent": RELENT, "mode": mode, "method": method, "frag": "off", "life1": 3600, "life2": 3600, "dpd": 0, "theirdpd": "0s",
                "rekey1": "4h", "rekey2": "1h", "aggressive": "yes" if mode == "aggressive" else "no",
                "identity": "" if psk else 'my_identifier asn1dn; certificate_type x509 "relent.pem" "relent.key";',
                "local": f"auth = psk\n id = {ELMER}" if psk else "auth = pubkey\n certs = elmer.pem\n id = \"C=XX, O=Lab, CN=elmer\"",
                "remote": f"auth = psk\n id = {RELENT}" if psk else "auth = pubkey\n id = \"C=XX, O=Lab, CN=relent\""}

    def prepare(self, mode, method="pre_shared_key", chain=0, make=charon.certificates, **more):
        words = {**self.words(mode, method), **more}
        if method == "rsasig":
            make(self.relent, self.elmer, chain)
        self.relent.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/psk.txt", text=f"{ELMER} mekmitasdigoat\n")
        self.relent.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/racoon.conf", text=RACOON % words)
        self.relent.setkey(POLICIES)
        self.relent.run("ipsecctl", "racoon")
        # Of the peer of the test before, which lost its power: a load of the same ends nothing.
        self.relent.run("ipsecctl", "down", ELMER, check=False)
        self.peer = charon.Charon(self.elmer)
        self.addCleanup(self.peer.stop)
        self.peer.start(SWANCTL % words)

    def tearDown(self):
        super().tearDown()
        outcome = self._outcome.result
        if any(case is self for case, _ in outcome.failures + outcome.errors):
            print("--- charon\n" + self.peer.log()[-6000:], file=sys.stderr)

    def ends(self):
        return ((self.relent, HERE), (self.elmer, THERE))

    def carry(self, octets=OCTETS):
        """From inner address to inner address."""
        labtest.carry(self.ends(), octets)

    def certificates_by_pki(self, us, them, _):
        """Our authority, and for charon the same files under swanctl's own names."""
        run = us.run
        self.addCleanup(run, "rm", "-rf", "/etc/postern/ca", "/etc/inet/certs", "/etc/inet/elmer")
        self.addCleanup(them.run, "rm", "-rf", "/etc/swanctl/x509crl", "/etc/swanctl/x509ca/ca.pem")
        run("rm", "-rf", "/etc/postern/ca", "/etc/inet/certs", "/etc/inet/elmer")
        run("ipsecctl", "pki", "ca", "--name", "C=XX, O=Lab, CN=pki", "--bits", "2048")
        run("ipsecctl", "pki", "issue", "--host", "relent.example.org", "-o", "/etc/inet/certs")
        run("ipsecctl", "pki", "issue", "--host", "elmer.example.org", "-o", "/etc/inet/elmer")
        run("ipsecctl", "pki", "crl", "-o", "/etc/inet/elmer")
        for name, place in (("ca.pem", "x509ca"), ("crl.pem", "x509crl"), ("elmer.example.org.pem", "x509"),
                            ("elmer.example.org.key", "private")):
            them.run("install", "-D", "-m", "600", "/dev/stdin", f"/etc/swanctl/{place}/{name}", text=us.out("cat", f"/etc/inet/elmer/{name}"))

    def test_certificates_that_ipsecctl_made(self):
        words = {"identity": 'my_identifier fqdn "relent.example.org"; peers_identifier fqdn "elmer.example.org";'
                             'certificate_type x509 "relent.example.org.pem" "relent.example.org.key";',
                 "local": "auth = pubkey\n certs = elmer.example.org.pem\n id = elmer.example.org",
                 "remote": "auth = pubkey\n id = relent.example.org\n revocation = strict"}
        self.prepare("main", "rsasig", make=self.certificates_by_pki, **words)
        self.relent.run("ping", "-c", "3", "-W", "5", "-I", HERE, THERE)
        self.assertIn("certificate status is good", self.peer.log())
        self.carry()

    def we_begin(self, mode, method):
        self.prepare(mode, method)
        self.relent.run("ping", "-c", "3", "-W", "5", "-I", HERE, THERE)
        charon.renew_under_a_flow(self, self.ends(), self.peer, ELMER, "relent", we_began=True)
        self.carry()

    def they_begin(self, mode, method, octets=OCTETS):
        self.prepare(mode, method)
        done = self.peer.initiate("net")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.elmer.run("ping", "-c", "3", "-W", "5", "-I", THERE, HERE)
        charon.renew_under_a_flow(self, self.ends(), self.peer, ELMER, "relent", we_began=False)
        self.carry(octets)

    def test_main_psk_we_begin(self):
        self.we_begin("main", "pre_shared_key")

    def test_main_psk_they_begin(self):
        self.they_begin("main", "pre_shared_key")

    def test_aggressive_psk_we_begin(self):
        self.we_begin("aggressive", "pre_shared_key")

    def test_aggressive_psk_they_begin(self):
        self.they_begin("aggressive", "pre_shared_key")

    def test_main_rsa_we_begin(self):
        self.we_begin("main", "rsasig")

    def test_main_rsa_they_begin(self):
        self.they_begin("main", "rsasig")

    def test_aggressive_rsa_we_begin(self):
        self.we_begin("aggressive", "rsasig")

    def test_aggressive_rsa_they_begin(self):
        self.they_begin("aggressive", "rsasig", 50_000_000)

    def no_ip_fragments(self):
        """As some firewalls have it, in front of both hosts."""
        for host in (self.relent, self.elmer):
            host.run("nft", "add table inet no_fragments; add chain inet no_fragments in "
                     "{ type filter hook prerouting priority -450; }; add rule inet no_fragments in ip frag-off & 0x3fff != 0 counter drop")
            self.addCleanup(host.run, "nft", "delete table inet no_fragments")

    def long_chain(self, mode, they):
        """Certificates that do not fit into a packet, over a path that takes whole ones alone."""
        self.no_ip_fragments()
        self.prepare(mode, "rsasig", chain=3, frag="on")
        before = self.relent.counters()["ike.fragments"]
        # Behind IP and UDP the marker of port 4500 and a header, whose 17th octet is the kind of the first payload.
        fragment = "(port 4500 and udp[28] = 132) or (port 500 and udp[24] = 132)"
        with Tap(self.lab, f"udp and src host {RELENT} and ({fragment})") as ours, \
                Tap(self.lab, f"udp and src host {ELMER} and ({fragment})") as theirs:
            if they:
                done = self.peer.initiate("net")
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.relent.run("ping", "-c", "3", "-W", "5", "-I", HERE, THERE)
            wait_for("fragments of both", lambda: ours.count >= 4 and theirs.count >= 2)
        self.assertGreaterEqual(self.relent.counters()["ike.fragments"] - before, 2)

    def test_a_long_chain_in_fragments_main_we_begin(self):
        self.long_chain("main", False)

    def test_a_long_chain_in_fragments_main_they_begin(self):
        self.long_chain("main", True)

    def test_a_long_chain_in_fragments_aggressive_we_begin(self):
        self.long_chain("aggressive", False)

    def test_a_long_chain_in_fragments_aggressive_they_begin(self):
        self.long_chain("aggressive", True)

    def test_without_fragments_of_our_own_the_path_takes_nothing(self):
        """The other tests would prove nothing if this one passed a certificate."""
        self.no_ip_fragments()
        self.prepare("main", "rsasig", chain=3)
        self.assertNotEqual(self.peer.initiate("net").returncode, 0)

    def test_50_megabytes_each_way(self):
        self.prepare("main")
        self.carry(50_000_000)

    def dropped(self):
        """By reason; what is no packet of the flow left out."""
        return {reason: n for reason, n in self.relent.json("stats")["drops"].items() if reason not in ("in_keepalive", "in_ike")}

    def under_a_flow(self, seconds):
        """Packets both ways all the while; what our end had to do with them and could not is nothing. What the kernel has
        no room for on its way to us, on a machine that is busy with other things, is counted apart."""
        packets, name = RATE * seconds, "outbound packets processed successfully"
        sides = ((self.relent, THERE, self.elmer), (self.elmer, HERE, self.relent))
        before, dropped, kernel = self.relent.netstat()[name], self.dropped(), self.relent.kernel_drops()
        counting = [receiver.traffic("udp-count", 5001) for _, _, receiver in sides]
        sending = [sender.traffic("udp-send", address, 5001, packets, RATE, 200) for sender, address, _ in sides]
        for flow in sending:
            self.assertEqual(flow.wait(timeout=3 * seconds), 0)
        refused = json.loads(sending[0].stdout.read().splitlines()[-1])["refused"]
        theirs, ours = (json.loads(counter.communicate("\n", timeout=30)[0])["received"] for counter in counting)
        sent = self.relent.netstat()[name] - before
        full = {what: n - kernel.get(what, 0) for what, n in self.relent.kernel_drops().items() if n != kernel.get(what, 0)}
        print(f"each side sent {packets}; protected by us {sent}, received by strongSwan {theirs}, by us {ours}; refused by our "
              f"kernel {refused}, dropped by it {full}", file=sys.stderr)
        self.assertEqual(sent + refused + full.get("ipsec0 tx_dropped", 0), packets)
        self.assertEqual(self.dropped(), dropped)

    def renewed(self):
        log = self.relent.log()
        found = [log.count(line) - 1 for line in ("IPsec-SA established: ESP/Tunnel 10.0.0.100[0]->10.0.0.110[0]",
                                                  "ISAKMP-SA established")]
        print(f"renewed phase 2 {found[0]} times, phase 1 {found[1]} times", file=sys.stderr)
        return found

    def test_renewal_of_both_phases_under_a_flow_loses_nothing_at_our_end(self):
        self.prepare("main", life1=30, life2=6)
        self.relent.run("ping", "-c", "3", "-W", "5", "-I", HERE, THERE)
        self.under_a_flow(SECONDS)
        renewed = self.renewed()
        self.assertGreaterEqual(renewed[0], RENEWALS2)
        self.assertGreaterEqual(renewed[1], RENEWALS1)

    def test_renewal_by_them_under_a_flow_loses_nothing_at_our_end(self):
        self.prepare("main", rekey2="4s", rekey1="15s")
        done = self.peer.initiate("net")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.under_a_flow(SECONDS // 6)
        renewed = self.renewed()
        self.assertGreaterEqual(renewed[0], RENEWALS2 // 6)
        self.assertGreaterEqual(renewed[1], RENEWALS1 // 5)

    def test_the_administrator_begins_and_ends(self):
        """Up and down by command: strongSwan takes our deletes for what they are, and is asked why it refuses."""
        self.prepare("main")
        self.relent.run("ipsecctl", "up", ELMER)
        shown = self.relent.json("show")
        theirs = self.peer.swanctl("--list-sas").stdout
        self.assertEqual(theirs.count("ESTABLISHED"), 1)
        for spi in shown["ike_sas"][0]["spis"].split(":"):
            self.assertIn(spi, theirs)
        part = shown["child_sas"][0]["parts"][0]
        for spi in (part["spi_in"], part["spi_out"]):
            self.assertIn(f"{spi:08x}", theirs)
        self.relent.run("ipsecctl", "delete", "ipsec", "esp", hex(part["spi_in"]))
        wait_for("their child to be gone", lambda: "INSTALLED" not in self.peer.swanctl("--list-sas").stdout)
        self.relent.run("ipsecctl", "up", ELMER)
        self.relent.run("ipsecctl", "down", ELMER)
        wait_for("everything to be gone", lambda: not self.peer.swanctl("--list-sas").stdout.strip())
        self.relent.run("sed", "-i", "s/dh_group 14/dh_group 2/", "/etc/inet/racoon.conf")
        self.relent.run("ipsecctl", "reload")
        refused = self.relent.run("ipsecctl", "up", "-t", "3", ELMER, check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("notification 14", refused.stderr)

    def test_keyd_dies_and_they_do_not_notice(self):
        """Their questions are answered and ours too, a quick mode of theirs works, and what they delete goes."""
        self.prepare("main", dpd=2, theirdpd="1s")
        self.relent.run("ipsecctl", "up", ELMER)
        before = [sa["spis"] for sa in self.relent.json("show")["ike_sas"]]
        for _ in range(2):
            self.relent.kill("keyd")
            self.relent.wait_ready()
        self.assertEqual([sa["spis"] for sa in self.relent.json("show")["ike_sas"]], before)
        asked = self.peer.log().count("DPD_ACK")
        wait_for("questions of both sides", lambda: self.peer.log().count("DPD_ACK") >= asked + 20, timeout=60)
        self.assertEqual([sa["spis"] for sa in self.relent.json("show")["ike_sas"]], before)
        self.assertNotIn("is dead", self.relent.log())
        self.carry()
        spis = {row["spi"] for row in self.relent.json("sad")["sas"]}
        done = self.peer.initiate("net")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        wait_for("their pair", lambda: {row["spi"] for row in self.relent.json("sad")["sas"]} - spis)
        self.assertEqual([sa["spis"] for sa in self.relent.json("show")["ike_sas"]], before)
        self.peer.swanctl("--terminate", "--ike", "relent")
        wait_for("everything to be gone", lambda: not self.relent.json("sad")["sas"])
        self.assertEqual([self.relent.json("show")[rows] for rows in ("ike_sas", "child_sas")], [[], []])

    def test_a_dead_peer_is_noticed(self):
        self.prepare("main", dpd=2)
        self.relent.run("ping", "-c", "3", "-W", "5", "-I", HERE, THERE)
        self.assertTrue(self.relent.json("sad")["sas"])
        self.peer.stop()
        wait_for("the SAs to be gone", lambda: not self.relent.json("sad")["sas"], timeout=40)
        self.assertIn("the peer is dead", self.relent.log())


if __name__ == "__main__":
    if not charon.installed():
        print("strongSwan's charon is not installed")
        sys.exit(labtest.SKIP)
    labtest.main()
