#!/usr/bin/python3
"""Nothing that a protecting policy matches is ever on the wire in clear: every door of failing closed, under load.

    relent --- lan --- elmer          policies: everything between the two, level require, both directions

A sniffer whose filter runs in the kernel sits on the segment. By default each process is killed 10 times, with
POSTERN_LONG=1 100 times.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import random  # noqa: E402
import time  # noqa: E402

import labtest  # noqa: E402
from labtap import Tap, clear_between  # noqa: E402
from labtest import ELMER, RELENT, wait_for  # noqa: E402
from load import Load, NoClear, protected_both_ways  # noqa: E402

KILLS = labtest.count(10, 100)
ROUNDS = labtest.count(30, 300)
CLEAR = clear_between(RELENT, ELMER)
IN_POLICY = "inbound packets violated process security policy"

KEYS = f"""
add {RELENT} {ELMER} esp 0x4001 -m tunnel -E aes-cbc "sixteen octets k" -A hmac-sha1 "twenty octets of key";
add {ELMER} {RELENT} esp 0x4002 -m tunnel -E aes-cbc "SIXTEEN OCTETS K" -A hmac-sha1 "TWENTY OCTETS OF KEY";
"""


def protect(there, back, protocol="any", level="require"):
    return f"""
    spdadd {RELENT}[any] {ELMER}[any] {protocol} -P {there} ipsec esp/tunnel/{RELENT}-{ELMER}/{level};
    spdadd {ELMER}[any] {RELENT}[any] {protocol} -P {back} ipsec esp/tunnel/{ELMER}-{RELENT}/{level};
    """


def crowd(number, start=0):
    """Policies for other pairs: they fill the maps around ours."""
    return "".join(f"spdadd 10.77.{i // 200}.{i % 200 + 1}[any] 10.78.{i // 200}.0/24[{1000 + i}] udp -P out discard;\n"
                   for i in range(start, start + number))


class LeakBase(labtest.LabTest):
    def setUp(self):
        super().setUp()
        seed = int(os.environ.get("POSTERN_SEED", random.randrange(1 << 32)))
        self.random = random.Random(seed)
        print(f"POSTERN_SEED={seed}", file=sys.stderr)

    def words(self, host):
        return ("out", "in") if host is self.relent else ("in", "out")

    def protect_both(self):
        for host in self.both:
            host.setkey(KEYS + protect(*self.words(host)))

    def apply(self, host, statements):
        """`ipsecctl setkey`: the whole file as one change."""
        host.run("ipsecctl", "setkey", "-f", "/dev/stdin", text=statements)



class Doors(LeakBase):
    def test_loading_while_traffic_flows(self):
        with Load(self):
            for host in self.both:
                self.apply(host, KEYS + protect(*self.words(host)))
            with NoClear(self, CLEAR) as clear:
                for number in range(ROUNDS):
                    for host in self.both:
                        self.apply(host, crowd(20, number * 20))
                    clear.check("adding policies")
                protected_both_ways(self)

    def test_reloading_the_same_file_as_one_change(self):
        self.protect_both()
        with Load(self), NoClear(self, CLEAR) as clear:
            protected_both_ways(self)
            for _ in range(ROUNDS):
                for host in self.both:
                    self.apply(host, "spdflush;\n" + crowd(30) + protect(*self.words(host)))
                clear.check("reloading")
            protected_both_ways(self)

    def test_flushing_associations_and_loading_new_ones(self):
        self.protect_both()
        with Load(self), NoClear(self, CLEAR) as clear:
            for _ in range(ROUNDS):
                for host in self.both:
                    host.run("setkey", "-F")
                clear.check("without associations")
                for host in self.both:
                    host.setkey(KEYS)
                clear.check("loading associations")
            protected_both_ways(self)

    def test_adding_replacing_and_deleting_other_policies(self):
        self.protect_both()
        with Load(self), NoClear(self, CLEAR) as clear:
            for number in range(ROUNDS):
                for host in self.both:
                    there, back = self.words(host)
                    host.setkey(crowd(10, number * 10) + protect(there, back).replace("spdadd", "spdupdate"))
                    host.setkey(crowd(10, number * 10).replace("spdadd", "spddelete").replace(" discard", ""))
                clear.check("changing policies")
            protected_both_ways(self)

    def test_narrower_policies_come_and_go_before_the_wide_one(self):
        """The wide policy moves through the layers of the kernel's maps and never out of them."""
        self.protect_both()
        with Load(self), NoClear(self, CLEAR) as clear:
            for number in range(ROUNDS):
                for host in self.both:
                    there, _ = self.words(host)
                    narrow = f"{RELENT}[{number + 1}] {ELMER}[any] udp -P {there}"
                    self.apply(host, f"spdflush;\nspdadd {narrow} ipsec esp/tunnel/{RELENT}-{ELMER}/require;\n"
                               + protect(*self.words(host)))
                clear.check("narrower policies come and go")
            protected_both_ways(self)

    def test_fragments_and_short_packets_under_a_policy_for_one_port(self):
        """Non-first fragments carry no ports; neither do packets of under four octets."""
        port = f"""
        spdadd {RELENT}[any] {ELMER}[5000] udp -P %s ipsec esp/tunnel/{RELENT}-{ELMER}/require;
        spdadd {ELMER}[5000] {RELENT}[any] udp -P %s ipsec esp/tunnel/{ELMER}-{RELENT}/require;
        """
        for host in self.both:
            host.setkey(KEYS + port % self.words(host))
        counting = self.elmer.traffic("udp-count", 5000)
        expression = f"ip and src host {RELENT} and dst host {ELMER} and udp and (dst port 5000 or ip[6:2] & 0x1fff != 0)"
        with NoClear(self, expression):
            self.relent.traffic("udp-send", ELMER, 5000, 50, 200, 4000).wait(timeout=30)
            said = counting.communicate("\n", timeout=30)[0]
        self.assertIn('"different": 50', said)

    def test_rules_and_routes_removed_by_somebody(self):
        """The guard at the end of the kernel's path holds what lost its way; policyd puts the way back."""
        self.protect_both()
        with Load(self), NoClear(self, CLEAR) as clear:
            for _ in range(3):
                for host in self.both:
                    host.run("sh", "-c", "ip rule show | awk -F: '$1 > 0 && $1 < 32766 || $1 > 32767 {print $1}' | "
                             "while read p; do ip rule del pref $p; done")
                clear.check("the rules are gone")
                protected_both_ways(self)
                for host in self.both:
                    host.run("sh", "-c", "ip route flush table 4500; ip route flush table 4501", check=False)
                clear.check("the routes are gone")
                protected_both_ways(self)
                for host, other in ((self.relent, ELMER), (self.elmer, RELENT)):
                    for table in (4500, 4501):
                        host.run("ip", "route", "replace", "default", "dev", "eth0", "table", str(table))
                    host.run("ip", "route", "replace", other, "dev", "eth0", "table", "4501")
                clear.check("the routes lead past the device")
                protected_both_ways(self)
                for host in self.both:
                    host.run("ip", "link", "set", "ipsec0", "down")
                clear.check("the device is down")
                protected_both_ways(self)

    def test_ruleset_flushed_by_somebody_is_back_at_once(self):
        """Outside the guarantee, inside the promise: the window is short and ends by itself."""
        self.protect_both()
        with Load(self):
            for host in self.both:
                host.run("nft", "flush", "ruleset")
            wait_for("the tables to be back", lambda: all("postern" in host.out("nft", "list", "tables")
                                                          for host in self.both))
            protected_both_ways(self)
            with NoClear(self, CLEAR):
                protected_both_ways(self, packets=100)

    def test_other_programs_reload_their_own_tables(self):
        """Somebody's firewall comes and goes and sets marks of its own; ours are told apart by their bits."""
        self.protect_both()
        theirs = """
        table inet theirs
        delete table inet theirs
        table inet theirs {
            chain output { type route hook output priority mangle + 5; meta mark set meta mark or 0x00000007; }
            chain forward { type filter hook forward priority filter; ct state established accept; }
        }"""
        with Load(self), NoClear(self, CLEAR) as clear:
            for _ in range(ROUNDS):
                for host in self.both:
                    host.run("nft", "-f", "/dev/stdin", text=theirs)
                clear.check("another table is loaded")
            protected_both_ways(self)
        for host in self.both:
            host.run("nft", "delete", "table", "inet", "theirs")

    def test_started_again_after_an_orderly_stop(self):
        """Stopped, everything is clear; from the moment the start is done, nothing is."""
        self.protect_both()
        with Load(self):
            for _ in range(labtest.count(3, 30)):
                for host in self.both:
                    host.stop()
                with Tap(self.lab, CLEAR, keep=10) as tap:
                    wait_for("clear packets without the suite", lambda tap=tap: tap.count > 10)
                for host in self.both:
                    host.start()
                with NoClear(self, CLEAR):
                    for host in self.both:
                        host.wait_ready()
                        host.run("setkey", "-F")
                        host.setkey(KEYS)
                    protected_both_ways(self)

    def test_clear_packets_from_outside_are_refused_and_counted(self):
        self.protect_both()
        intruder = self.intruder()
        counting = self.elmer.traffic("udp-count", 5000)
        before = self.elmer.netstat()[IN_POLICY]
        # The intruder has relent's address on its own wire: its packets match elmer's policy and carry no ESP.
        self.elmer.run("ip", "neigh", "replace", RELENT, "lladdr", "02:00:00:00:00:01", "dev", "eth0")
        intruder.traffic("udp-send", ELMER, 5000, 20, 100, 100).wait(timeout=20)
        wait_for("20 refused packets", lambda: self.elmer.netstat()[IN_POLICY] - before >= 20)
        self.assertIn('"received": 0', counting.communicate("\n", timeout=20)[0])
        self.elmer.run("ip", "neigh", "flush", "dev", "eth0")

    def intruder(self):
        self.lab.add("intruder", ["10.0.0.120/24"])
        self.addCleanup(self.lab.remove, "intruder")
        host = labtest.Host(self.lab, "intruder", "10.0.0.120")
        host.run("ip", "address", "flush", "dev", "eth0")
        host.run("ip", "address", "add", f"{RELENT}/24", "dev", "eth0")
        return host

    def test_forwarded_packets_of_a_gateway(self):
        """A router between two segments protects what it forwards; its own suite dies and comes back."""
        self.lab.add_router("gate", [("lan", ["10.0.0.1/24"]), ("inside", ["10.9.0.1/24"])], nat=False)
        self.addCleanup(self.lab.remove, "gate")
        self.lab.add("client", ["10.9.0.9/24"], segment="inside", gateway="10.9.0.1")
        self.addCleanup(self.lab.remove, "client")
        gate, client = labtest.Host(self.lab, "gate", "10.0.0.1"), labtest.Host(self.lab, "client", "10.9.0.9")
        self.relent.run("ip", "route", "add", "10.9.0.0/24", "via", "10.0.0.1")
        self.addCleanup(self.relent.run, "ip", "route", "del", "10.9.0.0/24")
        gate.start()
        keys = KEYS.replace(ELMER, "10.0.0.1")
        rules = f"""
        spdadd {RELENT}[any] 10.9.0.0/24[any] any -P %s ipsec esp/tunnel/{RELENT}-10.0.0.1/require;
        spdadd 10.9.0.0/24[any] {RELENT}[any] any -P %s ipsec esp/tunnel/10.0.0.1-{RELENT}/require;
        """
        self.relent.setkey(keys + rules % ("out", "in"))
        gate.setkey(keys + rules % ("in", "out"))
        counting = client.traffic("udp-count", 5000)
        with NoClear(self, f"ip and net 10.9.0.0/24 and host {RELENT} and not ip proto 50") as clear:
            sending = [self.relent.traffic("udp-send", client.address, 5000, 60000, 200, 2000),
                       client.traffic("udp-send", RELENT, 5000, 60000, 200, 2000)]
            for service in ("datapathd", "policyd", "datapathd", "policyd"):
                time.sleep(self.random.uniform(0.05, 0.3))
                gate.kill(service)
                clear.check(f"{service} of the gateway is dead")
                gate.wait_ready()
            with Tap(self.lab, "ip proto 50 and src host 10.0.0.1", snap=64) as tap:
                wait_for("ESP from the gateway", lambda: tap.count >= 10)
            for process in sending:
                process.kill()
        said = counting.communicate("\n", timeout=20)[0]
        self.assertNotIn('"received": 0,', said)
        gate.stop()

    def test_IPv6_policies_hold_as_well(self):
        """No association exists for them: everything waits or is refused, nothing leaves."""
        six = ("fd00:10::100", "fd00:10::110")
        for host in self.both:
            there, back = self.words(host)
            host.setkey(f"spdadd {six[0]} {six[1]} any -P {there} ipsec esp/tunnel/{six[0]}-{six[1]}/require;\n"
                        f"spdadd {six[1]} {six[0]} any -P {back} ipsec esp/tunnel/{six[1]}-{six[0]}/require;")
        clear = f"ip6 and host {six[0]} and host {six[1]} and not ip6 proto 50 and not (icmp6 and ip6[40] >= 133 and ip6[40] <= 137)"
        with NoClear(self, clear):
            self.relent.traffic("udp-send", six[1], 5000, 50, 200, 100).wait(timeout=20)
            self.elmer.traffic("udp-send", six[0], 5000, 50, 200, 4000).wait(timeout=20)
            self.relent.run("ping", "-c", "5", "-i", "0.1", "-W", "1", six[1], check=False)


class Deaths(LeakBase):
    """kill -9 at random moments under load."""

    def deaths(self, die):
        """Calls die(host) KILLS times, on the hosts in turn."""
        self.protect_both()
        with Load(self), NoClear(self, CLEAR) as clear:
            protected_both_ways(self)
            for number in range(KILLS):
                host = self.both[number % 2]
                time.sleep(self.random.uniform(0, 0.3))  # a random moment, not a wait for anything
                die(host, clear)
            protected_both_ways(self)

    def kill_service(self, service):
        def die(host, clear):
            host.kill(service)
            clear.check(f"{service} is dead")
            host.wait_ready()
            clear.check(f"{service} has come back")
        self.deaths(die)

    def test_kill_policyd(self):
        self.kill_service("policyd")

    def test_kill_datapathd(self):
        self.kill_service("datapathd")

    def kill_suite(self, names):
        def die(host, clear):
            self.random.shuffle(names)
            for name in names:
                host.kill(name)
            wait_for("no process of the suite", lambda: not any(
                command.startswith("postern-") for command in self.lab.processes(host.name).values()))
            clear.check("the suite is dead")
            host.start()
            host.wait_ready()
            clear.check("the suite has come back")
            self.load_what_was_lost(host)
        self.deaths(die)

    def load_what_was_lost(self, host):
        """The descriptor store died with the supervisor, so the associations are gone; the policies are not."""
        self.assertIn(f"{RELENT}[any] {ELMER}[any]", host.out("setkey", "-DP"))
        host.run("setkey", "-F")
        host.setkey(KEYS)

    def test_kill_supervisor(self):
        self.kill_suite(["supervisor"])

    def test_kill_all_at_once(self):
        self.kill_suite(["supervisor", *labtest.SERVICES])


labtest.main()
