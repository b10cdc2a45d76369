#!/usr/bin/python3
"""vpnc, a real client of XAuth and mode config, against our server: a group's key, a user's password, an address of the pool,
and a policy made for it."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtest import ELMER, RELENT, wait_for  # noqa: E402

VPNC = "/usr/sbin/vpnc"
INSIDE = "192.168.1.1"
POOL = "10.9.9."

RACOON = """
path pre_shared_key "/etc/inet/psk.txt";
mode_cfg {
    network4 10.9.9.1; netmask4 255.255.255.0; pool_size 3;
    dns4 192.168.1.53; default_domain "example.com";
    split_network include 192.168.1.0/24;
    auth_source file "users.txt"; banner "/etc/inet/banner";
    auth_throttle 0;
}
remote anonymous {
    exchange_mode aggressive;
    passive on; generate_policy %(generate)s;
    nat_traversal %(natt)s;
    proposal_check obey;
    lifetime time 1 hour;
    proposal { encryption_algorithm aes 256; hash_algorithm sha1; authentication_method xauth_psk_server; dh_group 2; }
    proposal { encryption_algorithm aes 128; hash_algorithm sha1; authentication_method xauth_psk_server; dh_group 2; }
}
sainfo anonymous {
    lifetime time 1 hour;
    encryption_algorithm aes;
    authentication_algorithm hmac_sha1;
    compression_algorithm deflate;
}
"""

CLIENT = """
IPSec gateway %(relent)s
IPSec ID roadies
IPSec secret the-group's-key
Xauth username %(user)s
Xauth password %(password)s
IKE DH Group dh2
Perfect Forward Secrecy nopfs
NAT Traversal Mode %(natt)s
Local Port 0
Interface name vpn0
Script /etc/vpnc/script
"""

# What vpnc-script does, as far as a lab needs it.
SCRIPT = """#!/bin/sh
set -e
env | grep -E '^(reason|INTERNAL|CISCO|TUNDEV)' | sort > /run/vpnc.$reason
case $reason in
connect)
    ip addr add $INTERNAL_IP4_ADDRESS/32 dev $TUNDEV
    ip link set $TUNDEV up mtu 1390
    ip route add $CISCO_SPLIT_INC_0_ADDR/$CISCO_SPLIT_INC_0_MASKLEN dev $TUNDEV src $INTERNAL_IP4_ADDRESS
    ;;
esac
"""


class Vpnc(labtest.LabTest):
    suite_on = ("relent",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.relent.run("ip", "addr", "add", f"{INSIDE}/24", "dev", "lo")
        cls.relent.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/psk.txt", text="roadies the-group's-key\n")
        hashed = cls.relent.out("openssl", "passwd", "-6", "s3cret").strip()
        # As Debian hashes passwords today: slow, and with much memory, inside of certd's walls.
        today = cls.relent.out("/usr/bin/python3", "-W", "ignore", "-c", "import crypt; print(crypt.crypt('s3cret', '$y$j9T$abcdefgh$'))").strip()
        cls.relent.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/users.txt",
                       text=f"alice:{hashed}:staff\nbob:{today}\n")
        cls.relent.run("tee", "/etc/inet/banner", text="Be nice.\n")
        cls.elmer.run("install", "-D", "-m", "700", "/dev/stdin", "/etc/vpnc/script", text=SCRIPT)

    def prepare(self, generate="on", natt="on"):
        self.relent.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/racoon.conf",
                        text=RACOON % {"generate": generate, "natt": natt})
        self.relent.run("ipsecctl", "racoon")
        self.process = None
        self.addCleanup(self.kill)

    def connect(self, password="s3cret", natt="natt", user="alice"):
        self.elmer.run("sh", "-c", "rm -f /run/vpnc.*")
        self.elmer.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/vpnc/lab.conf",
                       text=CLIENT % {"relent": RELENT, "password": password, "natt": natt, "user": user})
        self.process = self.elmer.popen("sh", "-c", f"exec {VPNC} --non-inter --no-detach --debug 1 /etc/vpnc/lab.conf >/run/vpnc.log 2>&1",
                                        stdin=None)

    def is_up(self):
        if self.process.poll() is not None:
            self.fail(f"vpnc ended:\n{self.elmer.out('cat', '/run/vpnc.log')}\n{self.relent.log()}")
        return self.elmer.run("ip", "route", "show", "dev", "vpn0", check=False).stdout.count("192.168.1.0/24")

    def given(self):
        """What the client's script was told."""
        text = self.elmer.out("cat", "/run/vpnc.connect")
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

    def policies(self):
        return [p for p in self.relent.json("spd")["policies"] if POOL in json.dumps(p)]

    def disconnect(self):
        self.elmer.run("pkill", "-TERM", "-x", "vpnc")
        self.process.wait(timeout=20)

    def kill(self):
        self.elmer.run("pkill", "-KILL", "-x", "vpnc", check=False)
        if self.process:
            self.process.wait(timeout=20)

    def session(self, natt="natt", server_natt="on", user="alice"):
        self.prepare(natt=server_natt)
        self.connect(natt=natt, user=user)
        wait_for("vpnc to be connected", self.is_up, timeout=60)
        told = self.given()
        address = told["INTERNAL_IP4_ADDRESS"]
        self.assertTrue(address.startswith(POOL), told)
        self.assertEqual(told["INTERNAL_IP4_NETMASK"], "255.255.255.0")
        self.assertEqual(told["INTERNAL_IP4_DNS"], "192.168.1.53")
        self.assertEqual(told["CISCO_DEF_DOMAIN"], "example.com")
        self.assertEqual(told["CISCO_BANNER"], "Be nice.")
        self.assertEqual(len(self.policies()), 2)
        self.elmer.run("ping", "-c", "3", "-W", "5", "-I", address, INSIDE)
        self.relent.run("ping", "-c", "3", "-W", "5", "-I", INSIDE, address)
        labtest.carry(((self.relent, INSIDE), (self.elmer, address)), 1_000_000)
        log = self.relent.log()
        self.assertIn(f'login succeeded for user "{user}"', log)
        self.assertIn(f"address {address} is for user {user}", log)
        self.assertNotIn("s3cret", log)
        return address

    def test_traffic_both_ways_and_a_clean_end(self):
        address = self.session()
        self.disconnect()
        wait_for("the SAs to be gone", lambda: not self.relent.json("sad")["sas"])
        wait_for("the policies to be gone", lambda: not self.policies())
        self.assertIn("deleted by the peer", self.relent.log())
        # The same user has his address again.
        self.connect()
        wait_for("vpnc to be connected", self.is_up, timeout=60)
        self.assertEqual(self.given()["INTERNAL_IP4_ADDRESS"], address)

    def test_in_udp_though_there_is_no_nat(self):
        self.session(natt="force-natt")
        self.assertTrue(all(sa["udp_encapsulation"] for sa in self.relent.json("sad")["sas"]))

    def test_plain_esp(self):
        self.session(natt="none", server_natt="off", user="bob")
        self.assertFalse(any(sa["udp_encapsulation"] for sa in self.relent.json("sad")["sas"]))

    def test_a_wrong_password_is_refused_with_the_reason(self):
        self.prepare()
        self.connect(password="guess")
        self.assertNotEqual(self.process.wait(timeout=60), 0)
        log = self.relent.log()
        self.assertIn('login failed for user "alice"', log)
        self.assertIn("wrong password", log)
        self.assertFalse(self.relent.json("sad")["sas"])
        self.assertFalse(self.policies())

    def test_without_generate_policy_nothing_is_made(self):
        self.prepare(generate="off")
        self.connect()
        wait_for("the refusal", lambda: "no policy found for what the peer asks for" in self.relent.log(), timeout=60)
        self.assertFalse(self.relent.json("sad")["sas"])
        self.assertFalse(self.policies())


if __name__ == "__main__":
    if not os.access(VPNC, os.X_OK):
        print("vpnc is not installed")
        sys.exit(labtest.SKIP)
    labtest.main()
