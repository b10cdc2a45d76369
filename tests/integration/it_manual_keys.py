#!/usr/bin/python3
"""The guide's first procedure: manual keys from its own unchanged files (S60 to S85).

    relent 10.0.0.100 --- lan --- elmer 10.0.0.110
    relent -> elmer: ESP 0x10001, elmer -> relent: ESP 0x10002, TCP only, level use
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtap import Tap, clear_between, describe, esp_of, ip_fields  # noqa: E402
from labtest import ELMER, RELENT, wait_for  # noqa: E402

NO_SA = "inbound packets with no SA available"
IN_DONE, OUT_DONE = "inbound packets processed successfully", "outbound packets processed successfully"
CLEAR_TCP = clear_between(RELENT, ELMER, "tcp")

TRANSPORT = f"""
add {RELENT} {ELMER} esp 0x10001 -m transport -E 3des-cbc "thescogp12341234thescogp";
add {ELMER} {RELENT} esp 0x10002 -m transport -E 3des-cbc "thescogp43214321thescogp";
spdadd {RELENT}[any] {ELMER}[any] tcp -P %s ipsec esp/transport//use;
spdadd {ELMER}[any] {RELENT}[any] tcp -P %s ipsec esp/transport//use;
"""


class ManualKeys(labtest.LabTest):
    def transfer(self, sender, receiver, octets=200_000):
        """One TCP transfer; fails unless every octet arrived."""
        sink = receiver.traffic("tcp-sink", 7000)
        try:
            sending = sender.traffic("tcp-send", receiver.address, 7000, octets, 2_000_000, 20)
            said = sending.communicate(timeout=60)[0]
            self.assertEqual(sending.returncode, 0, said)
        finally:
            sink.kill()
            sink.wait()

    def talk(self, process, line):
        process.stdin.write(line + "\n")
        process.stdin.flush()

    def open_conversation(self):
        echo = self.elmer.traffic("tcp-echo", 7001)
        self.addCleanup(echo.kill)
        conversation = self.relent.traffic("tcp-talk", ELMER, 7001)
        self.addCleanup(conversation.kill)
        self.talk(conversation, "before")
        self.assertEqual(conversation.stdout.readline().strip(), "before")
        return conversation

    def assert_guide_wire(self, frames):
        """ESP both ways with the guide's SPIs, each association's numbers growing by one (S74, S75)."""
        seen = {}
        for esp in esp_of(frames):
            seen.setdefault((esp.source, esp.target, esp.spi), []).append(esp.sequence)
        self.assertEqual(set(seen), {(RELENT, ELMER, 0x10001), (ELMER, RELENT, 0x10002)})
        for key, numbers in seen.items():
            self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))), key)

    def test_S14_nothing_loaded_protects_and_blocks_nothing(self):
        with Tap(self.lab, CLEAR_TCP) as clear, Tap(self.lab, "esp or ah") as protected:
            self.transfer(self.relent, self.elmer)
        self.assertGreater(clear.count, 10)
        self.assertEqual(protected.count, 0)

    def test_S66_S75_both_files_loaded_esp_both_ways(self):
        self.load_guide()
        with Tap(self.lab, CLEAR_TCP) as clear, Tap(self.lab, "ip proto 50", snap=200) as wire:
            self.transfer(self.relent, self.elmer)
            self.transfer(self.elmer, self.relent)
        self.assertEqual(clear.count, 0, describe(clear.stop()))
        self.assert_guide_wire(wire.stop())

    def test_S63_no_AH_on_the_wire_nor_in_the_counters(self):
        self.load_guide()
        with Tap(self.lab, "ip proto 51") as ah:
            self.transfer(self.relent, self.elmer)
        self.assertEqual(ah.count, 0)
        for host in self.both:
            self.assertFalse([name for name in host.netstat() if name.startswith("AH")])

    def test_S78_the_payload_cannot_be_seen(self):
        self.load_guide()
        conversation = self.open_conversation()
        with Tap(self.lab, f"host {RELENT} and host {ELMER}") as wire:
            self.talk(conversation, "the secret sentence of this test")
            self.assertEqual(conversation.stdout.readline().strip(), "the secret sentence of this test")
        frames = wire.stop()
        self.assertTrue(esp_of(frames))
        self.assertFalse([frame for frame in frames if b"secret sentence" in frame])

    def test_S71_an_open_connection_survives_the_switch(self):
        conversation = self.open_conversation()
        self.load_guide()
        with Tap(self.lab, CLEAR_TCP) as clear, Tap(self.lab, "ip proto 50") as wire:
            self.talk(conversation, "after")
            self.assertEqual(conversation.stdout.readline().strip(), "after")
            wait_for("ESP both ways", lambda: len({esp.spi for esp in esp_of(p for _, p in list(wire.packets))}) == 2)
        self.assertEqual(clear.count, 0, describe(clear.stop()))
        self.assert_guide_wire(wire.stop())

    def test_S73_S85_one_sided_configuration_does_what_the_guide_saw(self):
        conversation = self.open_conversation()
        before = self.relent.netstat()[NO_SA]
        self.load_guide(self.elmer)
        with Tap(self.lab, f"{CLEAR_TCP} and src host {RELENT}") as retransmits, \
                Tap(self.lab, f"ip proto 50 and src host {ELMER}") as answers, \
                Tap(self.lab, f"{CLEAR_TCP} and src host {ELMER}") as clear_from_elmer:
            self.talk(conversation, "can you hear me")
            wait_for("answers that relent cannot read", lambda: answers.count >= 2)
            wait_for("relent to repeat itself in clear", lambda: retransmits.count >= 2)
            self.assertGreaterEqual(self.relent.netstat()[NO_SA] - before, 2)
            self.assertEqual(clear_from_elmer.count, 0, describe(clear_from_elmer.stop()))
            self.assertEqual({esp.spi for esp in esp_of(packet for _, packet in list(answers.packets))}, {0x10002})
        self.load_guide(self.relent)
        self.assertEqual(conversation.stdout.readline().strip(), "can you hear me")

    def test_S67_the_same_in_transport_mode(self):
        self.relent.setkey(TRANSPORT % ("out", "in"))
        self.elmer.setkey(TRANSPORT % ("in", "out"))
        with Tap(self.lab, CLEAR_TCP) as clear, Tap(self.lab, "ip proto 50", snap=200) as wire:
            self.transfer(self.relent, self.elmer)
        self.assertEqual(clear.count, 0, describe(clear.stop()))
        self.assert_guide_wire(wire.stop())

    def test_S77_the_outer_header_shows_the_inner_service_class(self):
        for host, first, second in ((self.relent, "out", "in"), (self.elmer, "in", "out")):
            host.setkey((TRANSPORT % (first, second)).replace("-m transport", "-m tunnel").replace(
                f"{RELENT}[any] {ELMER}[any] tcp -P {first} ipsec esp/transport//use",
                f"{RELENT}[any] {ELMER}[any] icmp -P {first} ipsec esp/tunnel/{RELENT}-{ELMER}/use").replace(
                f"{ELMER}[any] {RELENT}[any] tcp -P {second} ipsec esp/transport//use",
                f"{ELMER}[any] {RELENT}[any] icmp -P {second} ipsec esp/tunnel/{ELMER}-{RELENT}/use"))
        with Tap(self.lab, f"ip proto 50 and src host {RELENT}") as wire:
            self.relent.run("ping", "-c", "3", "-i", "0.1", "-Q", "0x10", ELMER)
        frames = wire.stop()
        self.assertGreaterEqual(len(frames), 3)
        self.assertEqual({frame[15] for frame in frames}, {0x10})

    def test_large_segments_fit_into_the_wire_without_fragments(self):
        self.load_guide()
        with Tap(self.lab, "ip proto 50 and ip[6:2] & 0x3fff != 0") as fragments:
            self.transfer(self.relent, self.elmer, 1_000_000)
        self.assertEqual(fragments.count, 0)

    def test_S79_S82_counters_are_the_histograms_sum(self):
        before = {host.name: host.netstat() for host in self.both}
        self.load_guide()
        with Tap(self.lab, "ip proto 50", snap=64) as wire:
            self.transfer(self.relent, self.elmer)
        there = sum(1 for frame in wire.stop() if ip_fields(frame)[0] == RELENT)
        for host in self.both:
            now = host.netstat()
            for done, title in ((IN_DONE, "ESP input/"), (OUT_DONE, "ESP output/")):
                grown = {name: now[name] - before[host.name].get(name, 0) for name in now if name.startswith(title)}
                self.assertEqual(set(name for name, by in grown.items() if by), {title + "3des-cbc"})
                self.assertEqual(now[done] - before[host.name][done], sum(grown.values()))
        self.assertEqual(self.relent.netstat()[OUT_DONE] - before["relent"][OUT_DONE], there)
        self.assertEqual(self.elmer.netstat()[IN_DONE] - before["elmer"][IN_DONE], there)

    def test_S59_S25_S26_keys_are_changed_by_flush_and_load_under_the_same_spi(self):
        self.load_guide()
        self.transfer(self.relent, self.elmer, 20_000)
        for host in self.both:
            host.flush()
            path = os.path.join(labtest.EXAMPLES, f"manual-{host.name}.ipsec.cf")
            with open(path, encoding="utf-8") as source:
                host.setkey(source.read().replace("thescogp", "newscogp"))
        with Tap(self.lab, CLEAR_TCP) as clear, Tap(self.lab, "ip proto 50", snap=200) as wire:
            self.transfer(self.relent, self.elmer, 20_000)
        self.assertEqual(clear.count, 0, describe(clear.stop()))
        self.assert_guide_wire(wire.stop())

    def test_S25_S26_after_both_flushes_everything_is_clear_again(self):
        self.load_guide()
        for host in self.both:
            host.run("ipseckey", "-F")
            host.run("ipseckey", "-FP")
            self.assertEqual(host.run("ipseckey", "-D").stdout.strip(), "No SAD entries.")
            self.assertEqual(host.run("ipseckey", "-DP").stdout.strip(), "No SPD entries.")
        with Tap(self.lab, "ip proto 50") as wire:
            self.transfer(self.relent, self.elmer, 20_000)
        self.assertEqual(wire.count, 0)


labtest.main()
