#!/usr/bin/python3
"""Two road warriors behind one translator, ourselves and strongSwan, and the gateway that knows neither's address.

    office 192.168.9.2 (ours) ------ home --- nat (masquerades as 10.0.0.1) --- lan --- relent 10.0.0.100, in it 192.168.1.1
    cabin 192.168.9.3 (charon) --'

To the gateway both have one address: what tells them apart is who they have proved to be, the port that the translator gave, and
the SAs themselves.
"""

import os
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import charon  # noqa: E402
import labtest  # noqa: E402
import natbox  # noqa: E402
from labtap import Tap, ip_fields  # noqa: E402
from labtest import RELENT, count, wait_for  # noqa: E402

OFFICE, CABIN, NAT, INSIDE = "192.168.9.2", "192.168.9.3", "10.0.0.1", "192.168.1.1"
OCTETS = count(2, 50) * 1024 * 1024  # of each transfer,
RATE = 1000000  # so many a second
DEAD = 7  # seconds: longer than it takes the gateway to take somebody for dead
WRONG = ("in_espauth", "in_source", "in_encap", "in_crypto", "in_inner", "in_nopolicy", "in_unprotected")

RACOON = """
path certificate "/etc/inet/certs";
remote %(peer)s {
    exchange_mode main;
    my_identifier fqdn "%(me)s.example.org";
    certificate_type x509 "%(me)s.example.org.pem" "%(me)s.example.org.key";
    nat_traversal on;
    dpd_delay 2; dpd_retry 1; dpd_maxfail 3;
    proposal_check obey;
    %(more)s
    proposal { encryption_algorithm aes; hash_algorithm sha1; authentication_method rsasig; dh_group 14; }
}
sainfo anonymous { encryption_algorithm aes; authentication_algorithm hmac_sha1; compression_algorithm deflate; }
"""

SWANCTL = f"""
connections {{
  gateway {{
    version = 1
    local_addrs = {CABIN}
    remote_addrs = {RELENT}
    proposals = aes128-sha1-modp2048
    local {{
      auth = pubkey
      certs = cabin.example.org.pem
      id = cabin.example.org
    }}
    remote {{
      auth = pubkey
      id = relent.example.org
    }}
    children {{
      net {{
        local_ts = {CABIN}/32
        remote_ts = 192.168.1.0/24
        esp_proposals = aes128-sha1
        mode = tunnel
      }}
    }}
  }}
}}
"""


def spis(tap):
    """Of the ESP in UDP that a tap has seen."""
    found = set()
    for frame in tap.stop():
        udp = ip_fields(frame)[3]
        if len(udp) >= 16 and (spi := struct.unpack_from("!I", udp, 8)[0]):
            found.add(spi)
    return found


def spi_of(sa):
    return int(str(sa["spi"]), 0)


class TwoBehindNat(labtest.LabTest):
    suite_on = ("relent", "office")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nat = natbox.NatBox(cls.lab, "nat", "192.168.9.1/24", f"{NAT}/24")
        cls.addClassCleanup(cls.nat.close)
        for name, address in (("office", OFFICE), ("cabin", CABIN)):
            cls.lab.add(name, [f"{address}/24"], segment="home", gateway="192.168.9.1")
        cls.office = labtest.Host(cls.lab, "office", OFFICE)
        cls.cabin = labtest.Host(cls.lab, "cabin", CABIN)
        cls.both = (cls.relent, cls.office)
        cls.relent.run("ip", "addr", "add", f"{INSIDE}/24", "dev", "lo")
        cls.relent.run("ip", "route", "add", "192.168.9.0/24", "via", NAT, "src", INSIDE)
        cls.make_certificates()
        for host in (cls.relent, cls.office, cls.cabin):
            host.traffic("tcp-sink", 7000)

    @classmethod
    def make_certificates(cls):
        cls.relent.run("ipsecctl", "pki", "ca", "--name", "Lab CA", "--bits", "2048")
        for host in (cls.relent, cls.office, cls.cabin):
            name = f"{host.name}.example.org"
            cls.relent.run("ipsecctl", "pki", "issue", "--host", name, "-o", f"/etc/inet/made/{host.name}")
            for piece, place in (("ca.pem", "x509ca"), (f"{name}.pem", "x509"), (f"{name}.key", "private")):
                where = f"/etc/swanctl/{place}" if host is cls.cabin else "/etc/inet/certs"
                host.run("install", "-D", "-m", "600", "/dev/stdin", f"{where}/{piece}",
                         text=cls.relent.out("cat", f"/etc/inet/made/{host.name}/{piece}"))

    def setUp(self):
        super().setUp()
        self.relent.setkey("flush; spdflush;")
        self.load(self.relent, "anonymous", "passive on; generate_policy on;")
        self.peer = charon.Charon(self.cabin)
        self.addCleanup(self.peer.stop)
        self.addCleanup(self.office.stop)  # and says so: the gateway has forgotten it when the next test begins
        self.peer.start(SWANCTL)

    def tearDown(self):
        super().tearDown()
        outcome = self._outcome.result
        if any(case is self for case, _ in outcome.failures + outcome.errors):
            print("--- charon\n" + self.peer.log()[-6000:], file=sys.stderr)

    def load(self, host, peer, more=""):
        host.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/racoon.conf",
                 text=RACOON % {"peer": peer, "me": host.name, "more": more})
        host.run("ipsecctl", "racoon")

    # -- the two of them

    def office_comes(self):
        self.load(self.office, RELENT)
        self.office.setkey(f"flush; spdflush;"
                           f"spdadd {OFFICE} 192.168.1.0/24 any -P out ipsec esp/tunnel/{OFFICE}-{RELENT}/require;"
                           f"spdadd 192.168.1.0/24 {OFFICE} any -P in ipsec esp/tunnel/{RELENT}-{OFFICE}/require;")
        self.assertTrue(self.ping(self.office))

    def cabin_comes(self):
        done = self.peer.initiate("net")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        wait_for("an answer to the cabin", lambda: self.ping(self.cabin))

    def ping(self, host, patience=5):
        return host.run("ping", "-c", "1", "-W", str(patience), INSIDE, check=False).returncode == 0

    def clients(self):
        """Inner addresses for which the gateway has a policy."""
        return {policy["selector"]["dst"] for policy in self.relent.json("spd")["policies"] if policy["dir"] == "out"}

    def wait_clients(self, *addresses):
        wait_for(f"the gateway's clients to be {addresses}", lambda: self.clients() == set(addresses), timeout=30)

    def transfers(self, *pairs):
        """Begins a transfer for each (sender, address); give the list to assert_arrived()."""
        return [(sender, address, sender.traffic("tcp-send", address, 7000, OCTETS, RATE, 30)) for sender, address in pairs]

    def assert_arrived(self, begun):
        for sender, address, client in begun:
            self.assertEqual(client.wait(timeout=300), 0, f"{sender.name} to {address}: {client.stdout.read()}")

    def both_ways(self, host):
        return ((host, INSIDE), (self.relent, host.address))

    def assert_nothing_refused(self):
        """No packet was ever opened under a key that is not its own, or came without leave, on either of our sides. (Without an
        SA some may come: of whoever has not heard yet that it ended.)"""
        for host in (self.relent, self.office):
            drops = host.json("stats")["drops"]
            wrong = {name: drops[name] for name in WRONG if drops[name]}
            self.assertFalse(wrong, host.name)

    def all_leave(self):
        self.peer.swanctl("--terminate", "--ike", "gateway")
        self.office.stop()
        self.wait_clients()
        self.assertFalse(self.relent.json("sad")["sas"])
        self.office.start()

    # -- what is promised

    def carry_both(self):
        """All four at once: each client gets its own packets and none of the other's, and nothing passes in clear."""
        with Tap(self.lab, f"host {INSIDE}") as clear, Tap(self.lab, f"udp src port 4500 and dst host {OFFICE}", target="office") as one, \
                Tap(self.lab, f"udp src port 4500 and dst host {CABIN}", target="cabin") as other:
            self.assert_arrived(self.transfers(*self.both_ways(self.office), *self.both_ways(self.cabin)))
            mine, theirs = spis(one), spis(other)
        self.assertTrue(mine and theirs)
        self.assertLessEqual(mine, self.own_spis())
        self.assertFalse(mine & theirs)
        self.assertEqual(clear.count, 0)
        self.assert_nothing_refused()

    def test_each_has_its_own_traffic(self):
        for first, second in ((self.office_comes, self.cabin_comes), (self.cabin_comes, self.office_comes)):
            first()
            second()
            self.wait_clients(OFFICE, CABIN)
            ports = {sa["udp_encapsulation"]["dst_port"] for sa in self.relent.json("sad")["sas"] if sa["dst"] == NAT}
            self.assertEqual(len(ports), 2)
            self.carry_both()
            self.all_leave()

    def come(self, first, second):
        """Two who come in this order: the first one has port 4500 outside too."""
        self.nat.forget()
        for host in (first, second):
            (self.office_comes if host is self.office else self.cabin_comes)()
        self.wait_clients(OFFICE, CABIN)
        self.assertEqual(self.port_of(first), 4500)
        self.assertNotEqual(self.port_of(second), 4500)

    def port_of(self, host):
        """Where the gateway sends what is for this client."""
        own = self.own_spis()
        ports = {sa["udp_encapsulation"]["dst_port"] for sa in self.relent.json("sad")["sas"]
                 if sa["dst"] == NAT and (spi_of(sa) in own) == (host is self.office)}
        self.assertEqual(len(ports), 1)
        return ports.pop()

    def own_spis(self):
        """Of what comes to the office."""
        return {spi_of(sa) for sa in self.office.json("sad")["sas"] if sa["dst"] == OFFICE}

    def test_translator_forgets(self):
        """And gives one client the port that the other one had: both go on, neither is taken for the other or for dead."""
        for first, second in ((self.office, self.cabin), (self.cabin, self.office)):
            self.come(first, second)
            before = {spi_of(sa) for sa in self.relent.json("sad")["sas"]}
            self.nat.forget()
            for host in (second, first):
                wait_for(f"an answer to the {host.name}", lambda host=host: self.ping(host, 1))
            self.assertEqual(self.port_of(second), 4500)
            self.assertNotEqual(self.port_of(first), 4500)
            time.sleep(DEAD)
            self.carry_both()
            self.assertEqual({spi_of(sa) for sa in self.relent.json("sad")["sas"]}, before)
            self.all_leave()

    def test_translator_forgets_and_one_is_silent(self):
        """Who had the port that the other one has now is taken for dead, and takes nothing of the other's along."""
        self.come(self.cabin, self.office)
        before = self.own_spis()
        self.nat.forget()
        wait_for("an answer to the office", lambda: self.ping(self.office))
        under_way = self.transfers(*self.both_ways(self.office))
        self.wait_clients(OFFICE)
        self.assertIn("the peer is dead", self.relent.log())
        self.assert_arrived(under_way)
        self.assertEqual(self.own_spis(), before)
        self.peer.swanctl("--terminate", "--ike", "gateway", "--force")
        self.cabin_comes()
        self.carry_both()

    def test_nobody_gets_what_is_anothers(self):
        """The cabin, which proves who it is, asks for the office's address: what is sent there goes on to the office alone, also
        after the process that makes policies has died."""
        self.office_comes()
        self.cabin.run("ip", "addr", "add", f"{OFFICE}/32", "dev", "lo")
        self.addCleanup(self.cabin.run, "ip", "addr", "del", f"{OFFICE}/32", "dev", "lo")
        self.peer.load(SWANCTL.replace(f"local_ts = {CABIN}/32", f"local_ts = {OFFICE}/32"))
        for _ in range(2):
            self.assertNotEqual(self.peer.initiate("net").returncode, 0)
            self.assertIn("for the same traffic is another client's", self.relent.log())
            with Tap(self.lab, f"udp src port 4500 and dst host {OFFICE} and udp[8:4] != 0", target="office") as one, \
                    Tap(self.lab, f"udp src port 4500 and dst host {CABIN} and udp[8:4] != 0", target="cabin") as other:
                self.relent.run("ping", "-c", "3", "-W", "5", "-I", INSIDE, OFFICE)
                wait_for("the office's packets", lambda: one.count >= 3)
            self.assertEqual(other.count, 0)
            self.relent.kill("policyd")
            self.relent.wait_ready()
            self.relent.mark_log()

    def test_strongswan_says_goodbye_and_comes_back(self):
        self.office_comes()
        self.cabin_comes()
        under_way = self.transfers(*self.both_ways(self.office))
        self.peer.swanctl("--terminate", "--ike", "gateway")
        self.wait_clients(OFFICE)
        self.cabin_comes()
        self.assert_arrived(under_way)
        self.carry_both()
        self.assertNotIn("ISAKMP-SA deleted", self.office.log())

    def test_we_say_goodbye_and_come_back(self):
        self.office_comes()
        self.cabin_comes()
        under_way = self.transfers(*self.both_ways(self.cabin))
        self.office.stop()
        self.wait_clients(CABIN)
        self.office.start()
        self.office_comes()
        self.assert_arrived(under_way)
        self.carry_both()

    def test_strongswan_dies(self):
        self.office_comes()
        self.cabin_comes()
        under_way = self.transfers(*self.both_ways(self.office))
        self.peer.stop()
        self.wait_clients(OFFICE)
        self.assertIn("the peer is dead", self.relent.log())
        self.assert_arrived(under_way)
        self.peer.start(SWANCTL)
        self.cabin_comes()
        self.carry_both()

    def test_our_line_is_cut(self):
        self.cabin_comes()
        self.office_comes()
        under_way = self.transfers(*self.both_ways(self.cabin))
        self.office.run("ip", "link", "set", "eth0", "down")
        self.wait_clients(CABIN)
        self.assertIn("the peer is dead", self.relent.log())
        self.office.run("ip", "link", "set", "eth0", "up")
        self.office.run("ip", "route", "replace", "default", "via", "192.168.9.1")
        wait_for("the office to be back", lambda: self.ping(self.office), timeout=40)
        self.assert_arrived(under_way)
        self.carry_both()


if __name__ == "__main__":
    if not charon.installed():
        print("strongSwan's charon is not installed")
        sys.exit(labtest.SKIP)
    labtest.main()
