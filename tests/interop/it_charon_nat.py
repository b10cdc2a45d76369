#!/usr/bin/python3
"""Version 1 against strongSwan with a translator between, which changes ports: each side behind it, each mode and method.

    office 192.168.9.2 --- home --- nat (masquerades as 10.0.0.1) --- lan --- elmer 10.0.0.110, relent 10.0.0.100
"""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import charon  # noqa: E402
import labtest  # noqa: E402
import natbox  # noqa: E402
from labtap import Tap  # noqa: E402
from labtest import ELMER, RELENT, count, wait_for  # noqa: E402

OFFICE, NAT = "192.168.9.2", "10.0.0.1"
OURS, THEIRS = "192.168.1.1", "192.168.2.1"  # inner addresses
FIRST, SECOND = 20001, 20002  # ports that the translator gives
OCTETS = count(200_000, 50_000_000)
RATE, FLOW_S = 500, 12  # packets a second

RACOON = """
path pre_shared_key "/etc/inet/psk.txt";
path certificate "/etc/inet/certs";
remote %(far)s {
    exchange_mode %(mode)s;
    nat_traversal on;
    dpd_delay %(dpd)s; dpd_retry 1; dpd_maxfail 20;
    proposal_check obey;
    verify_identifier off;
    %(identity)s
    proposal { encryption_algorithm aes; hash_algorithm sha1; authentication_method %(method)s; dh_group 14; }
}
sainfo anonymous {
    pfs_group 14;
    encryption_algorithm aes;
    authentication_algorithm hmac_sha1;
    compression_algorithm deflate;
}
"""

SWANCTL = """
connections {
  us {
    version = 1
    aggressive = %(aggressive)s
    local_addrs = %(near)s
    remote_addrs = %(us)s
    proposals = aes128-sha1-modp2048
    local { %(local)s }
    remote { %(remote)s }
    children {
      net {
        local_ts = 192.168.2.0/24
        remote_ts = 192.168.1.0/24
        esp_proposals = aes128-sha1-modp2048
        mode = tunnel
      }
    }
  }
}
secrets { ike-1 { secret = "mekmitasdigoat" } }
"""


class CharonNat(labtest.LabTest):
    suite_on = ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nat = natbox.NatBox(cls.lab, "nat", "192.168.9.1/24", f"{NAT}/24")
        cls.addClassCleanup(cls.nat.close)
        cls.lab.add("office", [f"{OFFICE}/24"], segment="home", gateway="192.168.9.1")
        cls.office = labtest.Host(cls.lab, "office", OFFICE)
        cls.both = (cls.relent, cls.office)
        for host, inner in ((cls.relent, OURS), (cls.elmer, THEIRS)):
            host.run("ip", "addr", "add", f"{inner}/24", "dev", "lo")

    def tearDown(self):
        super().tearDown()
        outcome = self._outcome.result
        if any(case is self for case, _ in outcome.failures + outcome.errors):
            print("--- charon\n" + self.peer.log()[-6000:], file=sys.stderr)

    def prepare(self, us, them, mode, method="pre_shared_key", dpd=0):
        """The suite on `us`, charon on `them`; office is the one behind the translator."""
        self.nat.map_to(FIRST)
        self.us, self.far = us, NAT if them is self.office else them.address
        far = self.far
        psk = method == "pre_shared_key"
        if not us.running():
            us.start()
        us.wait_ready()
        us.flush()
        for host, inner in ((us, OURS), (them, THEIRS)):
            host.run("ip", "addr", "replace", f"{inner}/24", "dev", "lo")
            host.run("ip", "addr", "del", f"{THEIRS if inner == OURS else OURS}/24", "dev", "lo", check=False)
        if not psk:
            charon.certificates(us, them)
        us.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/psk.txt", text=f"{far} mekmitasdigoat\n")
        us.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/racoon.conf", text=RACOON % {
            "far": far, "mode": mode, "method": method, "dpd": dpd,
            "identity": "" if psk else 'my_identifier asn1dn; certificate_type x509 "relent.pem" "relent.key";'})
        us.setkey(f"spdadd 192.168.1.0/24 192.168.2.0/24 any -P out ipsec esp/tunnel/{us.address}-{far}/require;\n"
                  f"spdadd 192.168.2.0/24 192.168.1.0/24 any -P in ipsec esp/tunnel/{far}-{us.address}/require;\n")
        us.run("ipsecctl", "racoon")
        self.peer = charon.Charon(them)
        self.addCleanup(self.peer.stop)
        self.addCleanup(us.stop)
        self.peer.start(SWANCTL % {
            "near": them.address, "us": NAT if us is self.office else us.address, "aggressive": "yes" if mode == "aggressive" else "no",
            "local": f"auth = psk\n id = {them.address}" if psk else 'auth = pubkey\n certs = elmer.pem\n id = "C=XX, O=Lab, CN=elmer"',
            "remote": f"auth = psk\n id = {us.address}" if psk else 'auth = pubkey\n id = "C=XX, O=Lab, CN=relent"'})

    def ends(self):
        """Who has which inner address: the suite's side first."""
        return ((self.us, OURS), (self.peer.host, THEIRS))

    def renews_under_a_flow(self):
        """What our end had to do with a packet and could not is nothing."""
        name, packets = "outbound packets processed successfully", FLOW_S * RATE
        before, dropped = self.us.netstat()[name], self.dropped()
        counting = [host.traffic("udp-count", 5001) for host, _ in self.ends()]
        sending = [sender.traffic("udp-send", address, 5001, packets, RATE, 200)
                   for (sender, _), (_, address) in (self.ends(), self.ends()[::-1])]
        charon.renew(self.us, self.peer, self.far, "us", self.us is self.office)
        self.assertTrue(all(flow.poll() is None for flow in sending), "the flow ended before the renewals")
        for flow in sending:
            self.assertEqual(flow.wait(timeout=60), 0)
        ours, theirs = (json.loads(counter.communicate("\n", timeout=30)[0])["received"] for counter in counting)
        sent = self.us.netstat()[name] - before
        print(f"each side sent {packets}; protected by us {sent}, received by strongSwan {theirs}, by us {ours}", file=sys.stderr)
        self.assertEqual(sent, packets)
        self.assertEqual(self.dropped(), dropped)

    def dropped(self):
        """By reason; what is no packet of the flow left out."""
        return {reason: n for reason, n in self.us.json("stats")["drops"].items() if reason not in ("in_keepalive", "in_ike")}

    def ping(self, host, near, far):
        return host.run("ping", "-c", "1", "-W", "1", "-I", near, far, check=False).returncode == 0

    def they_begin(self, mode, method="pre_shared_key", and_renew=True, **more):
        self.prepare(self.relent, self.office, mode, method, **more)
        done = self.peer.initiate("net")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        with Tap(self.lab, f"udp port 4500 and host {RELENT}") as wire:
            wait_for("an answer from behind the translator", lambda: self.ping(self.office, THEIRS, OURS))
            self.assertTrue(self.ping(self.relent, OURS, THEIRS))
            wait_for("ESP in UDP", lambda: wire.count >= 4)
        if and_renew:
            charon.renew_under_a_flow(self, self.ends(), self.peer, self.far, "us", we_began=False)
            labtest.carry(self.ends(), OCTETS)
        self.assertIn("NAT detected: PEER", self.relent.log())
        self.assertIn(f"[{FIRST}]", self.relent.log())

    def we_begin(self, mode, method="pre_shared_key", and_renew=True, **more):
        self.prepare(self.office, self.elmer, mode, method, **more)
        # Its default route would give what starts here the outer address, which no policy is for.
        self.office.run("ip", "route", "replace", "192.168.2.0/24", "via", "192.168.9.1", "src", OURS)
        self.addCleanup(self.office.run, "ip", "route", "del", "192.168.2.0/24")
        wait_for("an answer through the translator", lambda: self.ping(self.office, OURS, THEIRS))
        self.assertTrue(self.ping(self.elmer, THEIRS, OURS))
        if and_renew:
            charon.renew_under_a_flow(self, self.ends(), self.peer, self.far, "us", we_began=True)
            labtest.carry(self.ends(), OCTETS)
        self.assertIn("NAT detected: ME", self.office.log())

    def test_main_psk_they_begin_behind_it(self):
        self.they_begin("main")

    def test_aggressive_psk_they_begin_behind_it(self):
        self.they_begin("aggressive")

    def test_main_rsa_they_begin_behind_it(self):
        self.they_begin("main", "rsasig")

    def test_aggressive_rsa_they_begin_behind_it(self):
        self.they_begin("aggressive", "rsasig")

    def test_main_psk_we_begin_behind_it(self):
        self.we_begin("main")

    def test_aggressive_psk_we_begin_behind_it(self):
        self.we_begin("aggressive")

    def test_main_rsa_we_begin_behind_it(self):
        self.we_begin("main", "rsasig")

    def test_aggressive_rsa_we_begin_behind_it(self):
        self.we_begin("aggressive", "rsasig")

    def test_they_renew_and_carry_behind_it(self):
        self.they_begin("main", and_renew=False)
        self.renews_under_a_flow()
        labtest.carry(self.ends(), 50_000_000)

    def test_we_renew_and_carry_behind_it(self):
        self.we_begin("main", and_renew=False)
        self.renews_under_a_flow()
        labtest.carry(self.ends(), 50_000_000)

    def test_a_mapping_that_changes_is_followed_by_what_we_send(self):
        self.they_begin("main", and_renew=False, dpd=2)
        before = self.relent.log().count("ISAKMP-SA established")
        self.nat.map_to(SECOND)
        # Their packet comes from the new port; the answer goes there, and what we begin ourselves.
        with Tap(self.lab, f"udp dst port {SECOND} and src host {RELENT} and udp[8:4] != 0") as esp, \
                Tap(self.lab, f"udp dst port {SECOND} and src host {RELENT} and udp[8:4] = 0") as ike:
            wait_for("an answer through the new mapping", lambda: self.ping(self.office, THEIRS, OURS))
            self.assertTrue(self.ping(self.relent, OURS, THEIRS))
            wait_for("ESP to the new port", lambda: esp.count >= 2)
            wait_for("IKE to the new port", lambda: ike.count >= 1)
        self.assertIn(f"moved it from port {FIRST} to {SECOND}", self.relent.log())
        self.assertEqual(self.relent.log().count("ISAKMP-SA established"), before)

    def test_a_forged_packet_moves_nothing(self):
        self.they_begin("main")
        spi = next(row["spi"] for row in self.relent.json("sad")["sas"] if row["dst"] == RELENT)
        spi = int(str(spi), 0)
        # From the translator's own address and another port, with the right SPI and no key.
        self.nat.run("/usr/bin/python3", "-c",
                     "import socket, struct\n"
                     "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                     "s.bind(('10.0.0.1', 20077))\n"
                     f"for n in range(20): s.sendto(struct.pack('>II', {spi}, 1000 + n) + bytes(92), ('{RELENT}', 4500))\n")
        wait_for("the forged ones to be dropped", lambda: self.relent.json("stats")["drops"]["in_espauth"] >= 20)
        with Tap(self.lab, f"udp dst port 20077 and src host {RELENT}") as astray:
            self.assertTrue(self.ping(self.relent, OURS, THEIRS))
            self.assertTrue(self.ping(self.office, THEIRS, OURS))
        self.assertEqual(astray.count, 0)

    def test_keepalives_keep_the_mapping(self):
        self.we_begin("main")
        self.office.run("ipsecctl", "set", "keepalive", "1")
        with Tap(self.lab, f"udp src port {FIRST} and src host {NAT} and udp[4:2] = 9") as kept:
            wait_for("keepalives on the far side of the translator", lambda: kept.count >= 3)


if __name__ == "__main__":
    if not charon.installed():
        print("strongSwan's charon is not installed")
        sys.exit(labtest.SKIP)
    labtest.main()
