#!/usr/bin/python3
"""An administrator's day with key exchange: up, show, down, delete, reload, and the same by racoonctl."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtest import ELMER, RELENT, wait_for  # noqa: E402

CONF = """
path pre_shared_key "/etc/inet/psk.txt";
%(top)s
timer { counter 2; interval 1 sec; }
remote %(remote)s {
    exchange_mode %(mode)s;
    %(more)s
    dpd_delay 20;
    proposal { encryption_algorithm %(enc)s; hash_algorithm sha1; authentication_method pre_shared_key; dh_group 2; }
}
sainfo anonymous {
    pfs_group 2; lifetime time 2 hour; encryption_algorithm aes; authentication_algorithm hmac_sha1;
    compression_algorithm deflate;
}
"""


class Admin(labtest.LabTest):
    def give(self, host, path, text):
        host.run("install", "-D", "-m", "600", "/dev/stdin", path, text=text)

    def conf(self, host, peer, **words):
        words = {"top": "", "remote": peer, "mode": "main", "more": "", "enc": "aes", **words}
        self.give(host, "/etc/inet/racoon.conf", CONF % words)

    def prepare(self, key="mekmitasdigoat", **words):
        for host, peer in ((self.relent, ELMER), (self.elmer, RELENT)):
            self.give(host, "/etc/inet/psk.txt", f"{peer} {key}\n")
            self.conf(host, peer, **{name: value.replace("PEER", peer) for name, value in words.items()})
            host.setkey(f"spdadd {host.address} {peer} icmp -P out ipsec esp/transport//require;"
                        f"spdadd {peer} {host.address} icmp -P in ipsec esp/transport//require;")
            host.run("ipsecctl", "racoon")

    def shown(self, host):
        return host.json("show")

    def refused(self, host, *words, timeout=60):
        done = host.run(*words, check=False, timeout=timeout)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        return done.stderr

    def test_up_show_and_down(self):
        self.prepare()
        self.assertEqual(self.shown(self.relent)["ike_sas"], [])
        said = self.relent.out("ipsecctl", "up", ELMER)
        self.assertEqual(said, f"IKE SA with {ELMER} is up\nesp/transport {RELENT} -> {ELMER} with {ELMER} is up\n")
        self.assertEqual(self.relent.out("ipsecctl", "up", ELMER).count(" was up\n"), 2)
        here, there = self.shown(self.relent), self.shown(self.elmer)
        for rows, role in ((here, "initiator"), (there, "responder")):
            self.assertEqual([(row["state"], row["role"], row["mode"], row["ike_version"]) for row in rows["ike_sas"]],
                             [("established", role, "main", 1)])
            self.assertEqual([(row["encryption"], row["key_bits"], row["hash"], row["dh_group"], row["authentication"])
                              for row in rows["ike_sas"]], [("aes-cbc", 128, "sha1", "modp1024", "pre_shared_key")])
            self.assertEqual([row["ike_sa"] for row in rows["children"]], [row["number"] for row in rows["ike_sas"]])
        mine, his = here["ike_sas"][0], there["ike_sas"][0]
        self.assertEqual((mine["spi_i"], mine["spi_r"]), (his["spi_i"], his["spi_r"]))
        self.assertEqual(mine["remote_id"], {"type": "address", "value": ELMER})
        self.assertLessEqual(mine["left_ms"], 28800 * 1000)
        self.assertGreater(mine["left_ms"], 28000 * 1000)
        child, other = here["children"][0], there["children"][0]
        self.assertEqual(child["selector"], {"src": RELENT, "dst": ELMER, "protocol": 1, "src_port": 0, "dst_port": 0})
        self.assertEqual((child["lifetime_s"], child["pfs_group"]), (7200, "modp1024"))
        self.assertEqual((child["sas"][0]["spi_in"], child["sas"][0]["spi_out"]),
                         (other["sas"][0]["spi_out"], other["sas"][0]["spi_in"]))
        in_sad = {row["spi"] for row in self.relent.json("sad")["sas"]}
        self.assertEqual(in_sad, {child["sas"][0]["spi_in"], child["sas"][0]["spi_out"]})
        self.assertEqual(self.relent.out("ping", "-c", "1", "-W", "2", ELMER).count("1 received"), 1)

        text = self.relent.out("ipsecctl", "show", ELMER)
        self.assertLessEqual(max(map(len, text.splitlines())), 80)
        self.assertIn(f"{RELENT}[500] - {ELMER}[500]\n  IKEv1 established, initiator, mode main\n", text)
        self.assertIn(f"  spi {mine['spi_i']}:{mine['spi_r']}, remote {ELMER}\n", text)
        self.assertIn(f"  child {RELENT} -> {ELMER} icmp\n", text)
        self.assertEqual(self.relent.out("ipsecctl", "show", "192.0.2.1"), "")

        self.assertEqual(self.relent.out("ipsecctl", "down", ELMER),
                         "deleted: 1 IKE SA, 1 pair of IPsec SAs\n")
        for host in self.both:  # The peer was told.
            wait_for("nothing to be left", lambda host=host: not self.shown(host)["ike_sas"]
                     and not self.shown(host)["children"] and not host.json("sad")["sas"])
        self.assertIn(f"there is no SA with {ELMER}.", self.refused(self.relent, "ipsecctl", "down", ELMER))

    def test_one_sa_is_deleted(self):
        self.prepare()
        self.relent.run("ipsecctl", "up", ELMER)
        spi = self.shown(self.relent)["children"][0]["sas"][0]["spi_out"]
        self.relent.run("ipsecctl", "delete", "ipsec", "esp", hex(spi))
        for host in self.both:
            wait_for("the pair to be gone", lambda host=host: not host.json("sad")["sas"])
            self.assertEqual(len(self.shown(host)["ike_sas"]), 1)
        sa = self.shown(self.relent)["ike_sas"][0]
        self.refused(self.relent, "ipsecctl", "delete", "isakmp", "0" * 16 + ":" + "0" * 16)
        self.relent.run("ipsecctl", "delete", "isakmp", f"{sa['spi_i']}:{sa['spi_r']}")
        for host in self.both:
            wait_for("the IKE SA to be gone", lambda host=host: not self.shown(host)["ike_sas"])

    def test_why_it_does_not_come_up(self):
        self.prepare()
        self.assertIn("not negotiated with: no configuration found",
                      self.refused(self.relent, "ipsecctl", "up", "10.0.0.77"))
        self.conf(self.relent, ELMER, enc="3des")
        self.relent.run("ipsecctl", "racoon")
        said = self.refused(self.relent, "ipsecctl", "up", ELMER)
        self.assertIn(f"IKE SA with {ELMER} does not come up: no answer", said)
        self.assertIn("NO-PROPOSAL-CHOSEN", said)
        said = self.refused(self.relent, "ipsecctl", "up", "-t", "1", ELMER)
        self.assertIn("is not up after 1 s: main mode, message 1 sent", said)
        self.conf(self.relent, ELMER)
        self.give(self.relent, "/etc/inet/psk.txt", f"{ELMER} another\n")
        self.relent.run("ipsecctl", "reload")
        self.assertIn("does not come up: no answer", self.refused(self.relent, "ipsecctl", "up", ELMER))
        self.conf(self.relent, ELMER, more="passive on;")
        self.relent.run("ipsecctl", "reload")
        self.assertIn("its remote is passive", self.refused(self.relent, "ipsecctl", "up", ELMER))

    def test_a_remote_is_named(self):
        self.prepare(remote='"office"', more="remote_address PEER;")
        self.assertIn("IKE SA with", self.relent.out("ipsecctl", "up", "-1", "office"))
        self.assertEqual(self.shown(self.relent)["children"], [])
        self.assertEqual(self.shown(self.relent)["ike_sas"][0]["peer"], "office")
        self.assertIn("no remote of that name", self.refused(self.relent, "ipsecctl", "up", "offce"))
        self.relent.run("ipsecctl", "down", "office")

    def test_reload_takes_the_changed_file_and_refuses_a_faulty_one(self):
        self.prepare()
        self.assertEqual(self.relent.out("ipsecctl", "reload"), "loaded /etc/inet/racoon.conf\n")
        self.give(self.relent, "/etc/inet/racoon.conf", "remote anonymous { exchange_mod main; }\n")
        said = self.refused(self.relent, "ipsecctl", "reload")
        self.assertIn("/etc/inet/racoon.conf:1:", said)
        self.relent.run("ipsecctl", "up", "-1", ELMER)  # The old one holds.
        self.relent.run("ipsecctl", "down", ELMER)

    def test_only_root_directs_and_the_admin_group_reads(self):
        self.relent.stop()
        self.addCleanup(self.relent.stop)
        self.relent.start("--admin-group", "nogroup")
        self.relent.wait_ready()
        self.prepare()
        for words in (("up", ELMER), ("down", ELMER), ("reload",), ("delete", "ipsec", "0x1000")):
            done = self.relent.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "ipsecctl", *words,
                                   check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("only root may", done.stderr)
        reader = ("setpriv", "--reuid=65533", "--regid=65534", "--clear-groups")
        self.relent.run("ipsecctl", "up", ELMER)
        self.assertEqual(len(json.loads(self.relent.out(*reader, "ipsecctl", "--json", "show"))["ike_sas"]), 1)
        self.assertIn(".500 ", self.relent.out(*reader, "racoonctl", "show-sa", "isakmp"))
        stranger = ("setpriv", "--reuid=65533", "--regid=65533", "--clear-groups")
        self.assertIn("no permission to talk to keyd", self.refused(self.relent, *stranger, "ipsecctl", "show"))

    def test_listen_is_a_filter(self):
        self.prepare()
        self.elmer.run("ip", "address", "add", "10.0.0.111/24", "dev", self.device(self.elmer))
        self.conf(self.elmer, RELENT, top="listen { isakmp 10.0.0.111 [500]; }")
        self.elmer.run("ipsecctl", "reload")
        self.conf(self.relent, "anonymous")
        self.give(self.relent, "/etc/inet/psk.txt", f"{ELMER} mekmitasdigoat\n10.0.0.111 mekmitasdigoat\n")
        self.relent.run("ipsecctl", "reload")
        before = self.elmer.counters()["ike.not_listening"]
        self.assertIn("no answer", self.refused(self.relent, "ipsecctl", "up", "-1", ELMER))
        self.assertGreater(self.elmer.counters()["ike.not_listening"], before)
        self.assertIn(f"to {ELMER}[500] is dropped: listen does not name this address", self.lab.log_tail("elmer", 1000))
        self.relent.run("ipsecctl", "up", "-1", "10.0.0.111")
        self.assertEqual(self.shown(self.elmer)["ike_sas"][0]["local"], "10.0.0.111")
        self.assertIn("listen names other addresses of this host",
                      self.refused(self.elmer, "ipsecctl", "up", "-s", ELMER, RELENT))
        self.conf(self.elmer, RELENT, top="listen { isakmp 192.0.2.99; strict_address; }")
        self.assertIn("listen names 192.0.2.99, which is no address of this host",
                      self.refused(self.elmer, "ipsecctl", "reload"))
        self.elmer.run("ip", "address", "del", "10.0.0.111/24", "dev", self.device(self.elmer))

    def device(self, host):
        rows = json.loads(host.out("ip", "-j", "address"))
        return next(row["ifname"] for row in rows
                    if any(address.get("local") == host.address for address in row.get("addr_info", ())))

    def test_racoonctl(self):
        self.prepare()
        events = self.relent.popen("racoonctl", "show-event")
        self.addCleanup(events.kill)
        wait_for("somebody to listen", lambda: self.up_and_down_until_heard(events))
        self.relent.run("racoonctl", "establish-sa", "-w", "isakmp", "inet", RELENT, ELMER)
        self.relent.run("racoonctl", "es", "-w", "esp", "inet", f"{RELENT}/32/0", f"{ELMER}/32/0", "icmp")
        sa = self.shown(self.relent)["ike_sas"][0]
        head, row = self.relent.out("racoonctl", "show-sa", "isakmp").splitlines()
        self.assertRegex(head, r"^Destination {12}Cookies {27}Created$")
        self.assertRegex(row, rf"^{ELMER}\.500 {{9}}{sa['spi_i']}:{sa['spi_r']} \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d$")
        self.assertRegex(self.relent.out("racoonctl", "-l", "ss", "isakmp").splitlines()[1], r" 9 I 10 M \d{4}-.* 1$")
        self.assertIn("\tesp mode=transport spi=", self.relent.out("racoonctl", "show-sa", "esp"))
        self.assertEqual(self.relent.out("racoonctl", "show-sa", "ah"), "No SAD entries.\n")
        self.relent.run("racoonctl", "delete-sa", "esp", "inet", f"{RELENT}/32/0", f"{ELMER}/32/0", "icmp")
        wait_for("the pair to be gone", lambda: not self.relent.json("sad")["sas"])
        self.relent.run("racoonctl", "flush-sa", "isakmp")
        self.assertEqual(self.shown(self.relent)["ike_sas"], [])
        self.relent.run("racoonctl", "vpn-connect", ELMER)
        self.assertEqual(len(self.shown(self.relent)["children"]), 1)
        self.relent.run("racoonctl", "vpn-disconnect", ELMER)
        self.assertEqual(self.shown(self.relent), {"schema_version": 1, "ike_sas": [], "children": []})
        self.assertEqual(self.relent.out("racoonctl", "reload-config"), "loaded /etc/inet/racoon.conf\n")
        self.refused(self.relent, "racoonctl", "vd", ELMER)
        self.refused(self.relent, "racoonctl", "no-such-command")

    def up_and_down_until_heard(self, events):
        """The line of one ISAKMP SA, once the other program is listening."""
        self.relent.run("ipsecctl", "up", "-1", ELMER)
        self.relent.run("ipsecctl", "down", ELMER)
        os.set_blocking(events.stdout.fileno(), False)
        said = events.stdout.read() or ""
        if not said:
            return False
        self.assertRegex(said, rf"(?m)^Phase 1 (established|deleted) : {RELENT} -> {ELMER}$")
        return True


if __name__ == "__main__":
    labtest.main()
