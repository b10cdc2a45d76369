#!/usr/bin/python3
"""Clients without a fixed address: the guide's dynamic clients (S147 to S151), whose policies are made when they come and go with
them, and our own client of XAuth and mode config."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtest import ELMER, RELENT, wait_for  # noqa: E402

ELSEWHERE = "10.0.0.77"
OFFER = "proposal { encryption_algorithm aes; hash_algorithm sha1; authentication_method %s; dh_group 14; }"
SAINFO = "{ encryption_algorithm aes; authentication_algorithm hmac_sha1; compression_algorithm deflate; }\n"

# R5 of the guide, in a block of its own.
GUIDE_SERVER = f"""
path certificate "/etc/inet/certs";
remote anonymous {{
    exchange_mode main, aggressive;
    my_identifier asn1dn; peers_identifier asn1dn;
    passive on; generate_policy on;
    certificate_type x509 "relent.pem" "relent.key";
    lifetime time 1 hour;
    {OFFER % "rsasig"}
    proposal_check obey;
}}
sainfo %s {SAINFO}
"""

GUIDE_CLIENT = f"""
path certificate "/etc/inet/certs";
remote {RELENT} {{
    exchange_mode main;
    my_identifier asn1dn; peers_identifier asn1dn;
    certificate_type x509 "elmer.pem" "elmer.key";
    {OFFER % "rsasig"}
}}
sainfo anonymous {SAINFO}
"""

XAUTH_SERVER = f"""
path pre_shared_key "/etc/inet/psk.txt";
mode_cfg {{ network4 10.9.9.1; netmask4 255.255.255.0; pool_size 5; dns4 192.168.1.53; auth_throttle 0; }}
remote anonymous {{
    exchange_mode aggressive; passive on; generate_policy unique; proposal_check obey;
    {OFFER % "xauth_psk_server"}
}}
sainfo anonymous {SAINFO}
"""

XAUTH_CLIENT = f"""
path pre_shared_key "/etc/inet/psk.txt";
remote {RELENT} {{
    exchange_mode aggressive; my_identifier keyid tag "roadies";
    xauth_login "alice"; mode_cfg on;
    {OFFER % "xauth_psk_client"}
}}
sainfo anonymous {SAINFO}
"""


def policies(here, there, host):
    return f"""
flush; spdflush;
spdadd {here} {there} any -P out ipsec esp/tunnel/{host}-{RELENT}/require;
spdadd {there} {here} any -P in ipsec esp/tunnel/{RELENT}-{host}/require;
"""


class DynamicClients(labtest.LabTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        device = json.loads(cls.elmer.out("ip", "-j", "route", "get", RELENT))[0]["dev"]
        cls.elmer.run("ip", "addr", "add", f"{ELSEWHERE}/24", "dev", device)
        cls.elmer.run("ip", "addr", "add", "10.9.9.1/32", "dev", "lo")
        cls.relent.run("ip", "addr", "add", "192.168.1.1/24", "dev", "lo")
        cls.elmer.run("ip", "route", "add", "192.168.1.0/24", "via", RELENT)
        cls.make_certificates()

    @classmethod
    def make_certificates(cls):
        folder = "/var/lib/lab-ca"
        cls.relent.run("mkdir", "-p", folder)
        cls.relent.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{folder}/ca.key", "-out",
                       f"{folder}/ca.pem", "-days", "30", "-subj", "/C=XX/O=Lab/CN=ca")
        for host in (cls.relent, cls.elmer):
            cls.relent.run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{folder}/{host.name}.key", "-out",
                           f"{folder}/{host.name}.req", "-subj", f"/C=XX/O=Lab/CN={host.name}")
            cls.relent.run("openssl", "x509", "-req", "-in", f"{folder}/{host.name}.req", "-CA", f"{folder}/ca.pem", "-CAkey",
                           f"{folder}/ca.key", "-CAcreateserial", "-days", "30", "-out", f"{folder}/{host.name}.pem")
            for name in ("ca.pem", f"{host.name}.pem", f"{host.name}.key"):
                text = cls.relent.out("cat", f"{folder}/{name}")
                host.run("install", "-D", "-m", "600", "/dev/stdin", f"/etc/inet/certs/{name}", text=text)

    def load(self, host, text):
        host.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/racoon.conf", text=text)
        host.run("ipsecctl", "racoon")

    def made(self):
        return self.relent.json("spd")["policies"]

    def prepare(self, sainfo="anonymous"):
        self.relent.setkey("flush; spdflush;")
        self.load(self.relent, GUIDE_SERVER % sainfo)
        self.load(self.elmer, GUIDE_CLIENT)

    def gone(self):
        wait_for("the SAs to be gone", lambda: not self.relent.json("sad")["sas"])
        wait_for("the policies to be gone", lambda: not self.made())

    def leave(self):
        """The client's suite ends, and says so to its peer."""
        self.elmer.stop()
        self.gone()
        self.elmer.start()

    def test_S147_S148_S150_made_for_whoever_proves_to_be_him_wherever_he_is(self):
        self.prepare()
        for host in (ELMER, ELSEWHERE):
            self.elmer.setkey(policies(host, RELENT, host))
            self.elmer.run("ping", "-c", "3", "-W", "5", "-I", host, RELENT)
            found = {(p["dir"], p["selector"]["src"], p["selector"]["dst"]) for p in self.made()}
            self.assertEqual(found, {("out", RELENT, host), ("in", host, RELENT)})
            self.assertIn("try to generate the policy", self.relent.log())
            self.leave()
            self.load(self.elmer, GUIDE_CLIENT)

    def test_S149_only_the_client_begins(self):
        self.prepare()
        self.relent.setkey(f"spdadd {RELENT} {ELMER} any -P out ipsec esp/transport//require;")
        self.elmer.setkey("flush; spdflush;")
        before = self.elmer.log()
        self.assertNotEqual(self.relent.run("ping", "-c", "2", "-W", "1", ELMER, check=False).returncode, 0)
        self.assertNotIn("initiate new phase 1 negotiation", self.relent.log())
        self.assertNotIn("respond new phase 1 negotiation", self.elmer.log()[len(before):])
        self.relent.setkey("spdflush;")

    def test_S151_what_no_sainfo_allows_is_refused_and_said(self):
        self.prepare("subnet 192.168.1.0/24 any clientaddr")
        self.elmer.setkey(policies(ELMER, RELENT, ELMER))
        self.elmer.run("ping", "-c", "1", "-W", "1", "-I", ELMER, RELENT, check=False)
        wait_for("the refusal", lambda: "failed to get sainfo" in self.relent.log())
        self.assertFalse(self.made())
        self.elmer.setkey(policies(ELMER, "192.168.1.0/24", ELMER))
        self.elmer.run("ping", "-c", "3", "-W", "5", "-I", ELMER, "192.168.1.1")
        self.assertEqual(len(self.made()), 2)
        self.leave()

    def test_roots_policy_stands_and_nothing_is_made_beside_it(self):
        self.prepare()
        self.relent.setkey(f"spdadd {ELMER} {RELENT} any -P in discard;")
        self.elmer.setkey(policies(ELMER, RELENT, ELMER))
        self.elmer.run("ping", "-c", "1", "-W", "1", "-I", ELMER, RELENT, check=False)
        wait_for("the refusal", lambda: "root has written policy" in self.relent.log())
        self.assertEqual([p["action"] for p in self.made()], ["discard"])
        self.relent.setkey("spdflush;")

    def test_policies_outlive_a_restart_of_policyd(self):
        self.prepare()
        self.elmer.setkey(policies(ELMER, RELENT, ELMER))
        self.elmer.run("ping", "-c", "3", "-W", "5", "-I", ELMER, RELENT)
        self.relent.kill("policyd")
        self.relent.wait_ready()
        self.assertEqual(len(self.made()), 2)
        self.elmer.run("ping", "-c", "3", "-W", "5", "-I", ELMER, RELENT)
        self.leave()

    def xauth(self, password):
        hashed = self.relent.out("openssl", "passwd", "-6", "s3cret").strip()
        self.relent.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/xauth.txt", text=f"alice:{hashed}\n")
        self.relent.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/psk.txt", text="roadies group key\n")
        self.elmer.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/psk.txt",
                       text=f"{RELENT} group key\nalice {password}\n")
        self.relent.setkey("flush; spdflush;")
        self.load(self.relent, XAUTH_SERVER)
        self.load(self.elmer, XAUTH_CLIENT)
        self.elmer.setkey(policies("10.9.9.1/32", "192.168.1.0/24", ELMER))

    def test_our_own_client_of_xauth_and_mode_config(self):
        self.xauth("s3cret")
        self.elmer.run("ping", "-c", "3", "-W", "5", "-I", "10.9.9.1", "192.168.1.1")
        self.assertIn("the server gives the address 10.9.9.1, mask 255.255.255.0", self.elmer.log())
        self.assertIn("the server gives a name server: 192.168.1.53", self.elmer.log())
        self.assertIn('login succeeded for user "alice"', self.relent.log())
        self.relent.traffic("tcp-sink", 7001)
        client = self.elmer.traffic("tcp-send", "192.168.1.1", 7001, 200000, 10**9, 30)
        self.assertEqual(client.wait(timeout=60), 0, client.stdout.read())
        for host in self.both:
            self.assertNotIn("s3cret", host.log())
        self.leave()

    def test_our_own_client_with_a_wrong_password(self):
        self.xauth("guess")
        self.elmer.run("ping", "-c", "1", "-W", "1", "-I", "10.9.9.1", "192.168.1.1", check=False)
        wait_for("the end", lambda: "the server does not take xauth_login" in self.elmer.log())
        self.assertIn("wrong password", self.relent.log())
        self.assertFalse(self.made())
        self.assertFalse(self.relent.json("sad")["sas"])


if __name__ == "__main__":
    labtest.main()
