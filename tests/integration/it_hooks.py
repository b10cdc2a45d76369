#!/usr/bin/python3
"""Scripts of `remote` in racoon.conf, between two hosts: when they run, with what, what is refused, and what ends them."""

import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtest import ELMER, RELENT, wait_for  # noqa: E402

FOLDER, SAID = "/etc/inet/hooks", "/var/lib/hooks-said"
OFFER = "proposal { encryption_algorithm aes; hash_algorithm sha1; authentication_method %s; dh_group 14; }"
SAINFO = "sainfo anonymous { encryption_algorithm aes; authentication_algorithm hmac_sha1; compression_algorithm deflate; }\n"
# All that a script knows, one block a run.
TELL = f"""#!/bin/sh
{{ echo "event=$1"; env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= | sort; echo; }} >> {SAID}
"""
PLAIN = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LOCAL_ADDR": ELMER, "LOCAL_PORT": "500", "REMOTE_ADDR": RELENT, "REMOTE_PORT": "500"}


def conf(peer, scripts, more="", mode="main", method="pre_shared_key"):
    return (f'path pre_shared_key "/etc/inet/psk.txt";\npath script "{FOLDER}";\n'
            f"remote {peer} {{\n exchange_mode {mode};\n {more}\n {scripts}\n {OFFER % method}\n}}\n{SAINFO}")


ALL = 'script "tell" phase1_up; script "tell" phase1_down; script "tell" phase1_dead;'


class Hooks(labtest.LabTest):
    def setUp(self):
        super().setUp()
        for host, peer in ((self.relent, ELMER), (self.elmer, RELENT)):
            host.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/psk.txt", text=f"{peer} mekmitasdigoat\n")
            host.setkey(f"spdadd {host.address} {peer} any -P out ipsec esp/transport//require;"
                        f"spdadd {peer} {host.address} any -P in ipsec esp/transport//require;")
        self.elmer.run("rm", "-rf", SAID, FOLDER)
        self.put("tell", TELL)
        self.load(self.relent, conf(ELMER, ""))

    def put(self, name, text, mode="755"):
        self.elmer.run("install", "-D", "-m", mode, "/dev/stdin", f"{FOLDER}/{name}", text=text)

    def load(self, host, text, check=True):
        host.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/racoon.conf", text=text)
        return host.run("ipsecctl", "racoon", check=check)

    def said(self):
        """What the scripts were told, in order: (event, environment)."""
        text = self.elmer.out("sh", "-c", f"cat {SAID} 2>/dev/null || true")
        rows = [dict(line.split("=", 1) for line in block.splitlines()) for block in text.split("\n\n") if block]
        return [(row.pop("event"), row) for row in rows]

    def events(self):
        return [event for event, _ in self.said()]

    def wait_events(self, *events):
        wait_for(f"{events} instead of {self.events()}", lambda: self.events() == list(events))

    def up(self):
        self.elmer.run("ipsecctl", "up", RELENT)

    def leave(self):
        self.elmer.run("ipsecctl", "down", RELENT)

    def test_up_and_down(self):
        self.load(self.elmer, conf(RELENT, ALL, ""))
        self.up()
        self.wait_events("phase1_up")
        self.leave()
        self.wait_events("phase1_up", "phase1_down")
        for _, row in self.said():
            self.assertEqual(row, {**PLAIN, "REMOTE_ID": RELENT})
        self.assertIn("phase1_up: /etc/inet/hooks/tell", self.elmer.log())
        self.assertNotIn("hook.failed", self.elmer.log())

    def test_the_other_side_ends_it_and_a_strangers_name_is_harmless(self):
        name = "$(touch /var/lib/pwned) `id`;\\'-x *"
        self.load(self.relent, conf(ELMER, "", f'my_identifier keyid tag "{name}";', "aggressive"))
        self.load(self.elmer, conf(RELENT, ALL, "", "aggressive"))
        self.up()
        self.relent.run("ipsecctl", "down", ELMER)
        self.wait_events("phase1_up", "phase1_down")
        said = self.said()[0][1]["REMOTE_ID"]
        self.assertRegex(said, r"^%24%28touch%20/var/lib/pwned%29%20%60id%60%3B.*-x%20%2A$")
        self.assertRegex(said, r"^[A-Za-z0-9._@:/=,+%-]+$")
        self.assertNotEqual(self.elmer.run("test", "-e", "/var/lib/pwned", check=False).returncode, 0)

    def test_dead(self):
        self.load(self.elmer, conf(RELENT, ALL, "dpd_delay 1; dpd_retry 1; dpd_maxfail 1;"))
        self.up()
        self.wait_events("phase1_up")
        self.relent.run("nft", "add table ip quiet; add chain ip quiet in { type filter hook input priority -450; policy accept; };"
                               "add rule ip quiet in udp dport 500 drop")
        self.addCleanup(self.relent.run, "nft", "delete table ip quiet")
        self.wait_events("phase1_up", "phase1_dead", "phase1_down")
        self.assertEqual(self.said()[1][1], self.said()[2][1])

    def test_another_load_ends_what_the_one_before_began(self):
        self.load(self.elmer, conf(RELENT, ALL))
        self.up()
        self.wait_events("phase1_up")
        self.load(self.elmer, conf(RELENT, ""))
        self.wait_events("phase1_up", "phase1_down")
        self.up()
        self.leave()
        self.elmer.run("ipsecctl", "status")
        self.assertEqual(self.events(), ["phase1_up", "phase1_down"])

    def test_mode_config(self):
        hashed = self.relent.out("openssl", "passwd", "-6", "s3cret").strip()
        self.relent.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/xauth.txt", text=f"alice:{hashed}\n")
        self.relent.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/psk.txt", text="roadies group key\n")
        self.elmer.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/inet/psk.txt", text=f"{RELENT} group key\nalice s3cret\n")
        self.relent.setkey("spdflush;")
        self.load(self.relent, "mode_cfg { network4 10.9.9.1; netmask4 255.255.255.0; pool_size 5; dns4 192.168.1.53, 192.168.1.54;"
                  " wins4 192.168.1.5; default_domain \"example.com\"; split_network include 192.168.1.0/24, 10.7.0.0/16;"
                  " split_network local_lan 10.8.0.0/16; auth_throttle 0; }\n" + conf("anonymous", "", "passive on; generate_policy unique; proposal_check obey;", "aggressive",
                                                 "xauth_psk_server"))
        self.load(self.elmer, conf(RELENT, ALL, 'my_identifier keyid tag "roadies"; xauth_login "alice"; mode_cfg on;', "aggressive",
                                   "xauth_psk_client"))
        self.elmer.setkey(f"spdflush; spdadd 10.9.9.1 192.168.1.0/24 any -P out ipsec esp/tunnel/{ELMER}-{RELENT}/require;"
                          f"spdadd 192.168.1.0/24 10.9.9.1 any -P in ipsec esp/tunnel/{RELENT}-{ELMER}/require;")
        self.up()
        self.leave()
        self.wait_events("phase1_up", "phase1_down")
        given = {"INTERNAL_ADDR4": "10.9.9.1", "INTERNAL_NETMASK4": "255.255.255.0", "INTERNAL_CIDR4": "24",
                 "INTERNAL_DNS4": "192.168.1.53", "INTERNAL_DNS4_LIST": "192.168.1.53 192.168.1.54", "INTERNAL_WINS4": "192.168.1.5",
                 "INTERNAL_WINS4_LIST": "192.168.1.5", "SPLIT_INCLUDE": "192.168.1.0/255.255.255.0 10.7.0.0/255.255.0.0",
                 "SPLIT_INCLUDE_CIDR": "192.168.1.0/24 10.7.0.0/16", "SPLIT_LOCAL": "10.8.0.0/255.255.0.0",
                 "SPLIT_LOCAL_CIDR": "10.8.0.0/16",
                 "DEFAULT_DOMAIN": "example.com"}
        for _, row in self.said():
            self.assertEqual(row, {**PLAIN, "REMOTE_ID": RELENT, **given})
        self.assertNotIn("s3cret", self.elmer.log())

    def test_what_root_should_not_execute_is_refused_at_the_load_and_at_its_time(self):
        self.load(self.elmer, conf(RELENT, ALL))
        self.elmer.run("chmod", "777", f"{FOLDER}/tell")
        words = f"{FOLDER}/tell can be written by others than root: chmod go-w {FOLDER}/tell"
        for command in (("ipsecctl", "racoon"), ("ipsecctl", "racoon", "-C")):
            done = self.elmer.run(*command, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, r'/etc/inet/racoon\.conf:6:\d+: "?tell"? cannot be a script that root executes: ' + re.escape(words))
        self.up()  # the configuration of before holds
        wait_for("the refusal", lambda: f"tell phase1_up for {RELENT} is not run: {words}" in self.elmer.log())
        self.elmer.run("chmod", "755", f"{FOLDER}/tell")
        self.elmer.run("chown", "4000", FOLDER)
        self.addCleanup(self.elmer.run, "chown", "0", FOLDER)
        self.leave()
        wait_for("the refusal", lambda: f"{FOLDER} belongs to user 4000 and not to root: chown root {FOLDER}" in self.elmer.log())
        self.assertEqual(self.events(), [])

    def test_one_that_hangs_is_ended_and_the_next_has_its_turn(self):
        self.put("hang", "#!/bin/sh\ntrap '' TERM\necho hanging\nsleep 1000 & sleep 1001\n")
        self.load(self.elmer, conf(RELENT, 'script "hang" phase1_up; script "tell" phase1_down;'))
        self.up()
        began = time.monotonic()
        wait_for("it to run", lambda: "event=phase1_up: hanging" in self.elmer.log())
        self.leave()
        wait_for("its end", lambda: self.events() == ["phase1_down"], timeout=120)
        self.assertGreater(time.monotonic() - began, 55)
        self.assertIn(f"{FOLDER}/hang phase1_up for {RELENT} (/etc/inet/racoon.conf:3: remote {RELENT}) was ended: it took too long; "
                      "last it said: hanging", self.elmer.log())
        self.assertFalse([p for p in self.lab.processes("elmer").values() if p == "sleep"])

    def test_failure_is_one_warning(self):
        self.put("fail", "#!/bin/sh\necho one; echo 'no such route' >&2; exit 7\n")
        self.load(self.elmer, conf(RELENT, 'script "fail" phase1_up;'))
        self.up()
        wait_for("the warning", lambda: "ended with status 7; last it said: no such route" in self.elmer.log())

    def test_killed_service_comes_back_with_its_table_and_its_script_went_with_it(self):
        self.put("slow", f"#!/bin/sh\necho slow; sleep 1000; echo event=late >> {SAID}\n")
        self.load(self.elmer, conf(RELENT, 'script "slow" phase1_up; script "tell" phase1_down;'))
        self.up()
        wait_for("it to run", lambda: "event=phase1_up: slow" in self.elmer.log())
        self.elmer.kill("hooks")
        self.leave()  # what happens while it is not there is told when it is
        self.wait_events("phase1_down")
        wait_for("the script to be gone", lambda: "slow" not in self.lab.processes("elmer").values())
        self.elmer.wait_ready()
        self.elmer.run("pkill", "-x", "sleep", check=False)

    def test_orderly_end_runs_the_last_ones(self):
        self.load(self.elmer, conf(RELENT, ALL))
        self.up()
        self.elmer.stop()
        self.assertEqual(self.events(), ["phase1_up", "phase1_down"])


if __name__ == "__main__":
    labtest.main()
