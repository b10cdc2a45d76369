#!/usr/bin/python3
"""datapathd's less travelled paths: fragments both ways, IPv6 inside, a small first hop, a lost device, keys that may not come
twice, lifetimes, acquires.

    relent (the suite) --- lan --- elmer (the suite)
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import json  # noqa: E402

import labtest  # noqa: E402
from labtap import Tap, esp_of  # noqa: E402
from labtest import ELMER, RELENT, wait_for  # noqa: E402

RELENT6, ELMER6 = "fd00:10::100", "fd00:10::110"
KEYS = '-E aes-cbc "sixteen octets k" -A hmac-sha256 "thirty-two octets of key, really"'
THERE, BACK = 0xA001, 0xA002


def associations(mode, more=""):
    return (f"add {RELENT} {ELMER} esp 0x{THERE:x} -m {mode} {more} {KEYS};\n"
            f"add {ELMER} {RELENT} esp 0x{BACK:x} -m {mode} {more} {KEYS};\n")


def policies(request, relent=RELENT, elmer=ELMER, back=None, level="require"):
    """Statements for relent and for elmer."""
    both = f"spdadd {relent} {elmer} any -P %s ipsec {request}/{level};\nspdadd {elmer} {relent} any -P %s ipsec {back or request}/{level};\n"
    return both % ("out", "in"), both % ("in", "out")


TRANSPORT = policies("esp/transport/")
TUNNEL = policies(f"esp/tunnel/{RELENT}-{ELMER}", back=f"esp/tunnel/{ELMER}-{RELENT}")


class Paths(labtest.LabTest):
    def load(self, keys, rules):
        for host, rule in zip(self.both, rules):
            host.setkey(keys + rule)

    def other(self, host, name):
        return host.json("stats")["other"].get(name, 0)

    def ping(self, size, target=ELMER, count=3, *more):
        words = ("ping", "-n", "-c", str(count), "-i", "0.05", "-W", "3", "-s", str(size), *more, target)
        self.assertIn(f" {count} received", self.relent.out(*words))

    def test_large_datagrams_in_transport_mode_are_sealed_whole(self):
        self.load(associations("transport", "-r 32"), TRANSPORT)
        with Tap(self.lab, "ip proto 1 or ip proto 17") as clear:
            for size in (56, 1400, 4000, 20000, 60000):
                with self.subTest(size):
                    self.ping(size)
        self.assertEqual(len(clear.stop()), 0)
        self.assertGreater(self.other(self.relent, "path.reassembled"), 0)
        self.assertGreater(self.other(self.relent, "path.fragmented"), 0)

    def test_large_datagrams_in_tunnel_mode(self):
        self.load(associations("tunnel", "-r 32"), TUNNEL)
        for size in (56, 1400, 4000, 60000):
            with self.subTest(size):
                self.ping(size)

    def narrow(self, mtu):
        """Both ends' links carry no more than this."""
        for host in self.both:
            wire = next(row["ifname"] for row in json.loads(host.out("ip", "-j", "-4", "addr"))
                        if any(address["local"] == host.address for address in row["addr_info"]))
            host.run("ip", "link", "set", wire, "mtu", str(mtu))
            self.addCleanup(host.run, "ip", "link", "set", wire, "mtu", "1500")

    def test_a_small_first_hop_is_learnt_from_the_first_packet(self):
        self.load(associations("tunnel", "-r 32"), TUNNEL)
        self.ping(56)
        self.narrow(1300)
        before = {name: self.other(self.relent, f"path.{name}") for name in ("fragmented", "cut_before", "mtu_learnt", "too_big_told")}
        # The first one is cut behind its protection; after it the sender of what must not be cut is told how much fits, and
        # believes it.
        said = self.relent.run("ping", "-n", "-c", "5", "-i", "0.05", "-W", "3", "-s", "1260", "-M", "do", ELMER, check=False).stdout
        self.assertIn("Frag needed and DF set (mtu = ", said)
        self.assertNotIn(" 0 received", said)
        # What may be cut is cut before it is protected.
        self.ping(1260, ELMER, 5, "-M", "dont")
        self.ping(30000, ELMER, 3, "-M", "dont")
        after = {name: self.other(self.relent, f"path.{name}") for name in before}
        self.assertGreaterEqual(after["fragmented"] - before["fragmented"], 1)
        self.assertEqual(after["mtu_learnt"] - before["mtu_learnt"], 1)
        self.assertGreaterEqual(after["too_big_told"] - before["too_big_told"], 1)
        self.assertGreaterEqual(after["cut_before"] - before["cut_before"], 5)

    def test_ipv6_inside_an_ipv4_tunnel(self):
        rules = policies(f"esp/tunnel/{RELENT}-{ELMER}", RELENT6, ELMER6, f"esp/tunnel/{ELMER}-{RELENT}")
        self.load(associations("tunnel", "-r 32"), rules)
        with Tap(self.lab, "ip6 proto 58 and (ip6[40] == 128 or ip6[40] == 129)") as clear:
            for size in (56, 1000, 4000):
                with self.subTest(size):
                    self.ping(size, ELMER6)
        self.assertEqual(len(clear.stop()), 0)

    def test_use_without_an_association_passes_both_families_in_clear(self):
        self.load("", policies("esp/transport/", level="use"))
        self.load("", policies(f"esp/tunnel/{RELENT}-{ELMER}", RELENT6, ELMER6, f"esp/tunnel/{ELMER}-{RELENT}", level="use"))
        for target in (ELMER, ELMER6):
            with self.subTest(target):
                self.ping(56, target)
                self.ping(3000, target)
        self.assertGreater(self.other(self.relent, "path.sent_clear"), 0)

    def test_dummy_packets_hide_that_an_association_is_idle(self):
        """Datagrams have a tunnel; what ping says is encrypted inside of AH. Only the tunnel sends by itself: neither what only
        receives nor the inner one of a bundle does."""
        def drops():
            return self.elmer.json("stats")["drops"]["in_dummy"]

        inner, around = 0xA005, 0xA007
        keys, rules = associations("tunnel", "-r 32"), ["", ""]
        for source, target, spi, words in ((RELENT, ELMER, inner, ("out", "in")), (ELMER, RELENT, inner + 1, ("in", "out"))):
            keys += f"add {source} {target} esp 0x{spi:x} -m transport -r 32 {KEYS};\n"
            keys += f"add {source} {target} ah 0x{spi + around - inner:x} -A hmac-sha256 \"thirty-two octets of key, really\";\n"
            for host, word in enumerate(words):
                ends = f"{source}-{target}"
                rules[host] += (f"spdadd {source} {target} udp -P {word} ipsec esp/tunnel/{ends}/require;\n"
                                f"spdadd {source} {target} icmp -P {word} ipsec esp/transport//require ah/tunnel/{ends}/require;\n")
        self.load(keys, rules)
        self.ping(56)
        self.relent.traffic("udp-send", ELMER, 5000, 3, 200, 100).wait(timeout=20)
        before, made = drops(), self.other(self.relent, "path.dummies")
        with Tap(self.lab, "ip proto 50 or ip proto 51") as wire:
            self.relent.run("ipsecctl", "set", "dummy", "1")
            self.addCleanup(self.relent.run, "ipsecctl", "set", "dummy", "0")
            wait_for("three dummies at the other end", lambda: drops() - before >= 3)
            self.relent.run("ipsecctl", "set", "dummy", "0")
        self.assertEqual({esp.spi for esp in esp_of(wire.stop())}, {THERE})
        self.assertGreaterEqual(self.other(self.relent, "path.dummies") - made, 3)
        self.ping(56)

    def test_a_lost_device_is_made_again_and_associations_survive(self):
        self.load(associations("tunnel", "-r 32"), TUNNEL)
        self.ping(56)
        pid = self.relent.service_pid("datapathd")
        self.relent.run("ip", "link", "delete", "ipsec0")
        wait_for("another datapathd", lambda: self.relent.service_pid("datapathd") not in (None, pid), 30)
        self.relent.wait_ready()
        wait_for("the tunnel to carry again", lambda: self.relent.run("ping", "-n", "-c", "1", "-W", "1", ELMER, check=False).returncode == 0, 30)
        self.assertEqual(len(self.relent.json("sad")["sas"]), 2)

    def test_a_counter_mode_key_is_loaded_once_also_after_a_kill(self):
        key = f"0x{os.urandom(20).hex()}"
        statement = f"add {RELENT} {ELMER} esp 0xb001 -m tunnel -f fresh-key -E aes-gcm-16 {key};"
        self.relent.setkey(statement)
        for _ in range(2):
            self.relent.setkey("flush;")
            done = self.relent.setkey(statement, check=False)
            self.assertIn("loaded before", done.stdout + done.stderr)
            self.relent.kill("datapathd")
            self.relent.wait_ready()
        self.assertEqual(self.relent.json("sad")["sas"], [])

    def test_lifetimes_move_states_and_a_dead_association_protects_nothing(self):
        self.load(associations("transport", "-ls 1 -lh 4"), TRANSPORT)
        self.ping(56, count=1)
        state = lambda *more: {row["state"] for row in self.relent.json("sad", *more)["sas"]}  # noqa: E731
        wait_for("the soft limit", lambda: state() == {"dying"}, 10)
        self.ping(56, count=1)
        wait_for("the hard limit", lambda: state() == set(), 20)
        before = self.relent.netstat()["outbound packets with no SA available"]
        self.relent.run("ping", "-n", "-c", "2", "-i", "0.1", "-W", "1", ELMER, check=False)
        self.assertEqual(self.relent.netstat()["outbound packets with no SA available"] - before, 2)

    def test_reload_in_one_transaction_loses_nothing(self):
        self.load(associations("tunnel"), TUNNEL)
        running = self.relent.popen("ping", "-n", "-c", "400", "-i", "0.01", "-W", "3", ELMER)
        self.addCleanup(running.kill)
        statements = {}
        for host, rule in zip(self.both, TUNNEL):
            statements[host.name] = "flush;\nspdflush;\n" + associations("tunnel") + rule
        for _ in range(10):
            for host in self.both:
                host.run("ipsecctl", "setkey", "-f", "-", text=statements[host.name])
        said = running.communicate(timeout=60)[0]
        self.assertIn(" 0% packet loss", said.rsplit("---", 1)[-1])

    def test_an_unanswered_acquire_is_asked_once_and_expires(self):
        self.load("", TRANSPORT)
        asked = lambda: self.other(self.relent, "path.acquire_wanted")  # noqa: E731
        before = asked()
        self.relent.run("ping", "-n", "-c", "5", "-i", "0.05", "-W", "1", ELMER, check=False)
        wait_for("the acquire", lambda: asked() - before >= 1)
        self.assertEqual(asked() - before, 1)


labtest.main()
