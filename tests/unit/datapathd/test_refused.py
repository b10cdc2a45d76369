#!/usr/bin/python3
"""What datapathd must not take, and what it must not send: each case through the whole pipeline, by the name of the reason and by the counters of
the statistics that people read.

Usage: test_refused.py PATH_TOOL. Packets are those of tests/support/packet_model.py.
"""

import os
import random
import struct
import sys
import unittest
from itertools import product

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))

import packet_model as model  # noqa: E402
from packet_model import Step  # noqa: E402
from path_driver import (  # noqa: E402
    HERE, NET_HERE, NET_THERE, THERE, Moved, Path, association, clear, datagram, flipped, plain, policy, rand, statements, tool_of)

TOOL = tool_of(sys.argv)
# Which line of the statistics a reason belongs to; None: a packet that nobody failed.
KAME = {"in_nosa": "in_nosa", "in_espreplay": "in_espreplay", "in_ahreplay": "in_ahreplay", "in_espauth": "in_espauthfail",
        "in_ahauth": "in_ahauthfail", "in_nopolicy": "in_polvio", "in_discard": "in_polvio", "in_unprotected": "in_polvio", "in_dummy": None,
        "out_nosa": "out_nosa", "out_discard": "out_polvio", "out_nopolicy": None}
AUTHENTIC = [("esp", "aes-cbc", "hmac-sha256"), ("esp", "3des-cbc", "hmac-md5"), ("esp", "null", "aes-xcbc-mac"), ("esp", "aes-ctr", "aes-cmac"),
             ("esp", "aes-gcm-16", None), ("esp", "aes-gcm-8", None), ("esp", "aes-ccm-12", None), ("esp", "aes-gmac", None),
             ("esp", "chacha20-poly1305", None), ("ah", None, "hmac-sha1"), ("ah", None, "hmac-sha256"), ("ah", None, "aes-gmac")]


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        random.seed(2401)
        cls.path = Path(TOOL)

    @classmethod
    def tearDownClass(cls):
        cls.path.close()

    def host(self, proto="esp", tunnel=True, outer=4, inner=4, options="-r 32", **more):
        """One association a direction. Returns the inbound step and the ends of its packets."""
        out, back = (Step(association(proto, outer, way, **more), tunnel) for way in (False, True))
        here, there = (NET_HERE[inner], NET_THERE[inner]) if tunnel else (HERE[outer], THERE[outer])
        self.path.begin(statements([out], [back], here, there, options))
        self.sender = out
        return back, there, here

    def refused(self, reasons, *packets, way="wire", before=0):
        """All of them, each for one of `reasons`; statistics move as the reference says. `before`: headers undone in front of the bad one."""
        reasons = {reasons} if isinstance(reasons, str) else set(reasons)
        with Moved(self.path) as moved:
            answers = [a for n in range(0, len(packets), 60) for a in getattr(self.path, way)(*packets[n : n + 60])]
        self.assertEqual({a.verdict for a in answers}, {"drop"})
        self.assertLessEqual({a.reason for a in answers}, reasons)
        want = {}
        for answer in answers:
            line = KAME.get(answer.reason, "out_inval" if way == "out" else "in_inval")
            if line:
                want[line] = want.get(line, 0) + 1
        word = "ip6." if answers and packets[0][0] >> 4 == 6 else ""
        lines = {name.removeprefix("ip6."): n for name, n in moved.ipsec().items() if "hist" not in name and "auth" not in name}
        self.assertEqual(lines | {"in_success": lines.get("in_success", 0)},
                         {name: n for name, n in want.items() if "auth" not in name} | {"in_success": before * len(packets)})
        for name in ("in_espauthfail", "in_ahauthfail"):
            self.assertEqual(moved.by.get(word + name, 0), want.get(name, 0), name)
        self.assertEqual(sum(n for name, n in moved.by.items() if name.startswith("drop.")), len(packets))
        return answers

    def taken(self, wire, packet):
        answer, = self.path.wire(wire)
        self.assertEqual((answer.verdict, answer.reason, answer.data), ("deliver", "", packet))


class Spoilt(Case):
    def test_one_bit_anywhere_under_protection(self):
        for (proto, enc, auth), tunnel, family in product(AUTHENTIC, (False, True), (4, 6)):
            if tunnel and family == 6 and enc not in ("aes-cbc", "aes-gcm-16", None):
                continue
            with self.subTest(proto=proto, enc=enc, auth=auth, tunnel=tunnel, family=family):
                step, there, here = self.host(proto, tunnel, family, family, enc=enc, auth=auth)
                step.seq = 1000
                packet = plain(there, here, 21)
                wire = model.seal([step], packet)
                at, _ = model.protected_at(wire)
                bad = "in_espauth" if proto == "esp" else "in_ahauth"
                number = at + 4 if proto == "esp" else at + 8
                for bit in range(at * 8, len(wire) * 8):
                    reasons = {bad}
                    if number - 4 <= bit // 8 < number:
                        reasons = {"in_nosa"}
                    elif proto == "ah" and bit // 8 == at + 1:
                        reasons = {"in_length"}
                    # AH is one of IPv6's own headers: what cannot be walked is found before any association is looked for.
                    if proto == "ah" and family == 6 and bit // 8 in (at, at + 1):
                        reasons |= {"in_malformed"}
                    self.refused(reasons, flipped(wire, bit))
                self.taken(wire, packet)

    def test_what_ah_covers_of_the_header_in_front(self):
        step, there, here = self.host("ah", False)
        packet = plain(there, here, 24)
        wire = model.seal([step], packet)
        # TOS, the bits in front of the offset but that for more fragments, TTL, checksum
        mutable = {*range(8, 16), 48, 49, *range(64, 72), *range(80, 96)}
        for bit in set(range(160)) - mutable:
            # Protocol 51 is one bit from 50.
            self.refused({"in_ahauth", "in_malformed", "in_nosa", "in_source", "in_length"}, flipped(wire, bit))
        for bit in mutable:
            answer, = self.path.wire(flipped(model.seal([step], packet), bit))
            self.assertEqual(answer.verdict, "deliver", f"bit {bit}")

    def test_fields_of_ah_without_meaning_are_signed_and_no_more(self):
        """RFC 4302 sections 2.3 and 2.6: whatever a sender writes into the reserved field and behind its value counts only as octets signed."""
        for family in (4, 6):
            step, there, here = self.host("ah", False, family, family)
            packet = plain(there, here, 24)
            wire = model.seal([step], packet)
            at, _ = model.protected_at(wire)
            end, after = at + 12 + step.sa.icv(), at + model.ah_len(step.sa, family)
            self.assertEqual(after - end, 4 if family == 6 else 0)
            odd = wire[: at + 2] + b"\xbe\xef" + wire[at + 4 : end] + rand(after - end) + wire[after:]
            self.refused("in_ahauth", odd)
            self.taken(odd[: at + 12] + model.ah_value(step, odd, at) + odd[end:], packet)

    def test_cut_off_anywhere(self):
        for (proto, enc, auth), tunnel, family in product(AUTHENTIC, (False, True), (4, 6)):
            with self.subTest(proto=proto, enc=enc, auth=auth, tunnel=tunnel, family=family):
                step, there, here = self.host(proto, tunnel, family, family, enc=enc, auth=auth)
                packet = plain(there, here, 40)
                wire = model.seal([step], packet)
                at, names = model.protected_at(wire)
                self.refused("in_malformed", *(wire[:n] for n in range(1, len(wire))), way="raw") if family == 4 else None
                honest = [model.with_payload(wire[:at], names, wire[names], wire[at:n]) for n in range(at, len(wire))]
                self.refused({"in_length", "in_espauth", "in_ahauth"} | ({"in_malformed"} if proto == "ah" and family == 6 else set()), *honest, way="raw")
                self.taken(wire, packet)

    def test_octets_behind_the_packet_are_not_its_own(self):
        for proto, family in product(("esp", "ah"), (4, 6)):
            step, there, here = self.host(proto, True, family, 4)
            packet = plain(there, here, 40)
            self.taken(model.seal([step], packet) + b"rubbish", packet)

    def test_another_association_address_or_protocol(self):
        for proto, family in product(("esp", "ah"), (4, 6)):
            step, there, here = self.host(proto, True, family, 4)
            packet = plain(there, here, 40)
            wire = model.seal([step], packet)
            at, names = model.protected_at(wire)
            n = 4 if family == 4 else 16
            where = 12 if family == 4 else 8
            source, target = wire[where : where + n], wire[where + n : where + 2 * n]
            head = wire[:where] + rand(n) + target + wire[where + 2 * n : at]
            self.refused("in_source", model.with_payload(head, names, wire[names], wire[at:]))
            head = wire[:where] + source + rand(n) + wire[where + 2 * n : at]
            self.refused("in_nosa", model.with_payload(head, names, wire[names], wire[at:]))
            self.refused({"in_nosa", "in_length", "in_malformed"}, model.with_payload(wire[:at], names, 101 - wire[names], wire[at:]))
            # Proofs of the other direction's association do not count for this one.
            self.sender.sa.src, self.sender.sa.dst, self.sender.sa.spi = step.sa.src, step.sa.dst, step.sa.spi
            self.refused("in_espauth" if proto == "esp" else "in_ahauth", model.seal([self.sender], packet))
            self.taken(wire, packet)

    def test_not_a_packet_at_all(self):
        self.host()
        for n in range(0, 64):
            self.refused("in_malformed", bytes([0x45]) + rand(n), way="raw")
        for version in (*range(4), 5, *range(7, 16)):
            self.refused("in_malformed", bytes([version << 4 | 5]) + rand(60), way="raw")
        self.refused("in_malformed", plain(THERE[4], HERE[4], 40), plain(THERE[4], HERE[4], 40)[:-1], way="raw")
        self.refused("in_malformed", plain(THERE[6], HERE[6], 40), plain(THERE[6], HERE[6], 40)[:-1], way="raw")

    def test_udp_and_plain_are_two_things(self):
        for family, tunnel in product((4, 6), (False, True)):
            step, there, here = self.host("esp", tunnel, family, family, udp=(4500, 4500))
            packet = plain(there, here, 40)
            wire = model.seal([step], packet)
            self.refused("in_encap", model.received(wire)[0], way="raw")
            self.taken(wire, packet)
            step, there, here = self.host("esp", tunnel, family, family)
            packet = plain(there, here, 40)
            wire = model.seal([step], packet)
            answer, = self.path.run("in", [wire], sport=4500)
            self.assertEqual((answer.verdict, answer.reason), ("drop", "in_encap"))
            self.taken(wire, packet)

    def test_port_4500_brings_other_things_too(self):
        for family in (4, 6):
            self.host("esp", True, family, family, udp=(4500, 4500))
            for content, reason in ((b"\xff", "in_keepalive"), (bytes(4) + rand(28), "in_ike"), (b"", "in_malformed"), (b"\xff\xff\xff", "in_malformed"),
                                    (b"\0", "in_malformed"), (b"\0\0\1\0" + rand(40), "in_nosa")):
                with Moved(self.path) as moved:
                    answer, = self.path.run("in", [clear(THERE[family], HERE[family], content, 50)], sport=4500)
                self.assertEqual((answer.verdict, answer.reason), ("drop", reason), content)
                if reason in ("in_keepalive", "in_ike"):  # nobody's fault, and no sign of life from a peer either
                    self.assertEqual(moved.by, {f"drop.{reason}": 1})


class Replays(Case):
    def seal(self, step, packet, seq):
        step.seq = seq
        return model.seal([step], packet)

    def test_a_packet_counts_once(self):
        for (proto, enc, auth), family in product(AUTHENTIC, (4, 6)):
            with self.subTest(proto=proto, enc=enc, auth=auth, family=family):
                step, there, here = self.host(proto, True, family, 4, enc=enc, auth=auth)
                packet, reason = plain(there, here, 40), f"in_{proto}replay"
                wire = self.seal(step, packet, 1)
                first, second = self.path.wire(wire, wire)  # in one batch
                self.assertEqual((first.verdict, second.reason), ("deliver", reason))
                with Moved(self.path) as moved:
                    answer, = self.path.wire(wire)
                self.assertEqual(answer.reason, reason)
                word = "ip6." if family == 6 else ""
                self.assertEqual(moved.ipsec(), {word + reason: 1})
                self.assertEqual(moved.by, {word + reason: 1, f"drop.{reason}": 1})
                self.refused(reason, self.seal(step, packet, 0))

    def test_edges_of_the_window(self):
        for proto, window in product(("esp", "ah"), (1, 4, 8, 56, 57, 512)):
            with self.subTest(proto=proto, window=window):
                step, there, here = self.host(proto, options=f"-r {window}")
                packet, n = plain(there, here, 9), window * 8
                self.taken(self.seal(step, packet, 10000), packet)
                self.refused(f"in_{proto}replay", *(self.seal(step, packet, seq) for seq in (10000 - n, 9999 - n, 1)))
                for seq in (10001 - n, 9999, 10002):
                    if seq != 10000:
                        self.taken(self.seal(step, packet, seq), packet)
                self.refused(f"in_{proto}replay", *(self.seal(step, packet, seq) for seq in {10000, 9999, 10001 - n, 10002}))
                self.taken(self.seal(step, packet, 10000 + 5 * n), packet)
                self.refused(f"in_{proto}replay", self.seal(step, packet, 10002))
                self.taken(self.seal(step, packet, 0xFFFFFFFF), packet)

    def test_without_a_window_numbers_do_not_matter(self):
        for proto in ("esp", "ah"):
            step, there, here = self.host(proto, options="")
            packet = plain(there, here, 9)
            for seq in (5, 5, 0, 1, 0xFFFFFFFF, 1):
                self.taken(self.seal(step, packet, seq), packet)

    def test_a_window_without_authentication_checks_nothing(self):
        """RFC 4303 section 3.4.3: anybody can write numbers that nobody has signed."""
        step, there, here = self.host("esp", enc="aes-cbc", options="-r 32")
        self.assertEqual(step.sa.icv(), 0)
        packet = plain(there, here, 9)
        for seq in (0xFFFFFFFF, 5, 5, 0):
            self.taken(self.seal(step, packet, seq), packet)

    def test_a_forged_number_moves_no_window(self):
        step, there, here = self.host()
        packet = plain(there, here, 9)
        wire = self.seal(step, packet, 0x7FFFFFFF)
        self.refused("in_espauth", flipped(wire, len(wire) * 8 - 1))
        self.taken(self.seal(step, packet, 1), packet)


class Numbers(Case):
    """Extended numbers, and the end of the short ones."""

    def set(self, step, last, top):
        self.path.ask(seq={"dst": step.sa.ends()[1], "proto": 50 if step.sa.proto == "esp" else 51, "spi": step.sa.spi, "last": str(last), "top": str(top)})

    def test_extended_numbers_cross_the_boundary(self):
        for (proto, enc, auth), family in product(AUTHENTIC, (4, 6)):
            for high in (0, 6):
                with self.subTest(proto=proto, enc=enc, auth=auth, family=family, high=high):
                    edge = (high + 1) << 32
                    step, there, here = self.host(proto, True, family, 4, enc=enc, auth=auth, esn=True)
                    self.set(self.sender, edge - 4, 0)
                    self.sender.seq = edge - 3
                    for packet in (plain(here, there, 5) for _ in range(6)):
                        answer, = self.path.out(packet)
                        self.assertEqual(model.open_([self.sender], answer.data), packet)
                    self.set(step, 0, edge - 20)
                    packet, bad = plain(there, here, 5), "in_espauth" if proto == "esp" else "in_ahauth"
                    # Late ones of the old run and early ones of the new run, mixed; each once.
                    for seq in (edge - 3, edge + 2, edge - 8, edge, edge + 100, edge - 1, edge + 1):
                        step.seq = seq
                        wire = model.seal([step], packet)
                        self.taken(wire, packet)
                        self.refused(f"in_{proto}replay", wire)
                    # The same low half in another run.
                    for seq in (edge + 101 + (1 << 32), edge + 101 - (1 << 32), edge - 300):
                        step.seq = seq % (1 << 64)
                        self.refused({bad, f"in_{proto}replay"}, model.seal([step], packet))
                    step.seq = edge + 101
                    self.taken(model.seal([step], packet), packet)

    def test_an_association_without_extended_numbers_is_another(self):
        for proto, family in product(("esp", "ah"), (4, 6)):
            step, there, here = self.host(proto, True, family, 4, esn=True)
            step.sa.esn = False
            self.refused("in_espauth" if proto == "esp" else "in_ahauth", model.seal([step], plain(there, here, 5)))

    def test_short_numbers_end(self):
        for (proto, enc, auth), family in product(AUTHENTIC, (4, 6)):
            with self.subTest(proto=proto, enc=enc, auth=auth, family=family):
                _, there, here = self.host(proto, True, family, 4, enc=enc, auth=auth, options="-r 4 -f nocyclic-seq")
                self.set(self.sender, 0xFFFFFFFD, 0)
                self.sender.seq = 0xFFFFFFFE
                packet = plain(here, there, 5)
                for answer in self.path.out(packet, packet):
                    self.assertEqual(model.open_([self.sender], answer.data), packet)
                self.refused("out_sequence", packet, packet, packet, way="out")

    def test_cyclic_numbers_go_on(self):
        for proto, family in product(("esp", "ah"), (4, 6)):
            step, there, here = self.host(proto, True, family, 4, options="")
            self.set(self.sender, 0xFFFFFFFD, 0)
            self.sender.seq = 0xFFFFFFFE
            for packet in (plain(here, there, 5) for _ in range(6)):
                answer, = self.path.out(packet)
                self.assertEqual(model.open_([self.sender], answer.data), packet)
            self.set(step, 0, 0xFFFFFFFD)
            step.seq = 0xFFFFFFFE
            packet = plain(there, here, 5)
            for _ in range(6):
                self.taken(model.seal([step], packet), packet)

    def test_counter_modes_end_without_being_told(self):
        _, there, here = self.host("esp", True, enc="aes-gcm-16", auth=None)
        self.set(self.sender, 0xFFFFFFFF, 0)
        self.refused("out_sequence", plain(here, there, 5), way="out")

    def test_extended_numbers_end(self):
        _, there, here = self.host("esp", True, esn=True)
        self.set(self.sender, (1 << 64) - 2, 0)
        self.sender.seq = (1 << 64) - 1
        packet = plain(here, there, 5)
        answer, = self.path.out(packet)
        self.assertEqual(model.open_([self.sender], answer.data), packet)
        self.refused("out_sequence", packet, way="out")


class Inside(Case):
    """Sealed honestly, by somebody who has the keys and lies."""

    def wire(self, step, plain_text):
        """An ESP packet with this between IV and ICV."""
        sa, step.seq = step.sa, step.seq + 1
        body = model.esp_wrap(step, plain_text)
        return clear(sa.ends()[0], sa.ends()[1], body, 50, tos=0)

    def trailer(self, payload, next_header):
        n = -(len(payload) + 2) % 4
        return payload + bytes(range(1, n + 1)) + bytes([n, next_header])

    def test_next_header_lies(self):
        four, six = plain(NET_THERE[4], NET_HERE[4], 40), plain(NET_THERE[6], NET_HERE[6], 40)
        for family in (4, 6):
            step, _, _ = self.host("esp", True, family, mode="tunnel", enc="null", auth="hmac-sha1")
            for payload, number, reason in ((four, 41, "in_inner"), (six, 4, "in_inner"), (four, 17, "in_nextheader"), (four, 50, "in_nextheader"),
                                            (b"", 4, "in_inner"), (four[:19], 4, "in_inner"), (six[:39], 41, "in_inner"), (rand(40), 59, "in_dummy"),
                                            (b"", 59, "in_dummy"), (four[:-1], 4, "in_inner"), (six[:-1], 41, "in_inner")):
                with self.subTest(family=family, number=number, reason=reason):
                    self.refused(reason, self.wire(step, self.trailer(payload, number)))
            step.seq += 1
            self.taken(model.seal([step], four), four)

    def test_malformed_inside(self):
        step, there, here = self.host("esp", True, enc="null", auth="hmac-sha1")
        good = clear(there, here, b"x" * 20, df=0, tos=0)
        for at, value in ((0, 0x44), (0, 0x4F), (0, 0x65), (0, 0x05), (2, 0xFF), (10, good[10] ^ 1)):
            bad = good[:at] + bytes([value]) + good[at + 1 :]
            with self.subTest(at=at, value=value):
                self.refused("in_inner", self.wire(step, self.trailer(bad, 4)))

    def test_padding_for_secrecy_of_length_is_not_the_packets(self):
        step, there, here = self.host("esp", True, enc="null", auth="hmac-sha1")
        packet = plain(there, here, 40)
        self.taken(self.wire(step, self.trailer(packet + bytes(1000), 4)), packet)

    def test_padding(self):
        step, there, here = self.host("esp", True, enc="null", auth="hmac-sha1")
        packet = clear(there, here, b"x" * 19)
        for n in range(3, 256, 4):
            # What is in it is the sender's choice: setkey knows zero-pad and random-pad.
            for pad in (bytes(range(1, n + 1)), bytes(n), rand(n)):
                self.taken(self.wire(step, packet + pad + bytes([n, 4])), packet)
        for size in (0, 4, 8, 200):
            self.refused("in_padding", *(self.wire(step, rand(size + 2) + bytes([n, 4])) for n in (size + 3, size + 4, 255)))

    def test_expanded_data(self):
        esp = Step(association("esp", 4, True, enc="null", auth="hmac-sha1"), False)
        comp = Step(association("ipcomp", 4, True), True)
        here, there = NET_HERE[4], NET_THERE[4]
        self.path.begin(comp.sa.statement() + esp.sa.statement("-r 32") + policy([comp, esp], there, here, "in"))

        def wire(data, cpi=2, next_header=4, flags=0):
            return model.seal([esp], clear(THERE[4], HERE[4], struct.pack("!BBH", next_header, flags, cpi) + data, 108, tos=0))

        packet = clear(there, here, b"word " * 100)
        stream = model.deflate(packet)
        self.taken(wire(stream), packet)
        self.taken(wire(stream, flags=0xFF), packet)  # RFC 3173 section 3.1: ignored
        bombs = [model.deflate(bytes(n)) for n in (65536, 1_000_000, 50_000_000)]
        bad = [stream[:n] for n in range(0, len(stream))] + [stream + b"\0", stream + stream, rand(60), b"\xff" * 20, *bombs]
        for data in bad:
            self.refused("in_comp", wire(data), before=1)
        self.refused("in_comp", *(wire(bombs[2][:n]) for n in range(1000, 40000, 1000)), before=1)
        self.refused("in_nosa", wire(stream, cpi=3), wire(stream, cpi=1), wire(stream, cpi=255), wire(stream, cpi=300), wire(stream, cpi=0), before=1)
        self.refused("in_length", model.seal([esp], clear(THERE[4], HERE[4], b"\4\0\0", 108, tos=0)), before=1)
        six = clear(NET_THERE[6], NET_HERE[6], b"word " * 100)
        # Their own header was undone, expansion was right: what failed is what was inside.
        for data, number in ((model.deflate(six), 4), (stream, 41), (model.deflate(packet[:50]), 4)):
            self.refused("in_inner", wire(data, next_header=number), before=1)

    def test_nested_deeper_than_any_policy(self):
        step = Step(association("ah", 4, True), False)
        here, there = HERE[4], THERE[4]
        self.path.begin(step.sa.statement("-r 32") + policy([step], there, here, "in"))
        packet = plain(there, here, 9)
        self.taken(model.seal([step] * 10, packet), packet)
        self.refused("in_nested", model.seal([step] * 11, packet), before=10)


class Policies(Case):
    def test_not_what_the_policy_asks_for(self):
        esp, ah = (Step(association(proto, 4, True), proto == "esp") for proto in ("esp", "ah"))
        here, there = NET_HERE[4], NET_THERE[4]
        self.path.begin(esp.sa.statement("-r 32") + ah.sa.statement("-r 32") + policy([esp, ah], there, here, "in")
                        + f"spdadd {there} 192.168.1.8 any -P in discard;\n")
        packet = plain(there, here, 40)
        self.taken(model.seal([esp, ah], packet), packet)
        self.refused("in_unprotected", model.seal([esp], packet), before=1)
        ah.tunnel = True
        self.refused("in_unprotected", model.seal([ah], packet), before=1)
        ah.tunnel = False
        self.refused("in_discard", model.seal([esp], plain(there, "192.168.1.8", 9)), before=1)
        self.refused("in_nopolicy", model.seal([esp], plain(there, "192.168.1.9", 9)), before=1)
        self.refused("in_nopolicy", model.seal([esp], plain("192.168.2.10", here, 9)), before=1)

    def test_another_peers_association_around_a_tunnel_that_only_compresses(self):
        """It has associations of its own with us, and no business with these networks."""
        esp, comp = Step(association("esp", 4, True), False), Step(association("ipcomp", 4, True), True)
        stranger = ("10.66.0.1", HERE[4])
        its_esp = Step(association("esp", 4, mode="transport", ends=stranger), False)
        its_comp = Step(association("ipcomp", 4, ends=stranger), True)
        here, there = NET_HERE[4], NET_THERE[4]
        self.path.begin(esp.sa.statement("-r 32") + comp.sa.statement() + its_esp.sa.statement("-r 32") + its_comp.sa.statement()
                        + policy([comp, esp], there, here, "in"))
        packet = clear(there, here, b"word " * 100)
        self.taken(model.seal([comp, esp], packet), packet)
        # Does not shrink twice, so the stranger's tunnel is IP in IP; what is inside is compressed as the policy has it.
        self.refused("in_unprotected", model.seal([comp, its_comp, its_esp], packet), before=2)

    def test_other_tunnel_ends_than_the_policys(self):
        for proto in ("esp", "ah"):
            asked, given = (Step(association(proto, 4, True, ends=(HERE[4], end)), True) for end in (THERE[4], "10.0.0.3"))
            here, there = NET_HERE[4], NET_THERE[4]
            self.path.begin(asked.sa.statement() + given.sa.statement() + policy([asked], there, here, "in"))
            packet = plain(there, here, 9)
            self.taken(model.seal([asked], packet), packet)
            self.refused("in_unprotected", model.seal([given], packet), before=1)

    def test_transport_between_other_ends_than_the_tunnel_inside(self):
        """The tunnel is not demanded, so only the association around it tells whose packet it is."""
        here, there, stranger = NET_HERE[4], NET_THERE[4], "10.0.0.3"
        for (inside, around), mode, size in product((("ipcomp", "esp"), ("ipcomp", "ah"), ("esp", "ah")), ("any", "transport"), (0, 300)):
            asked, given = ([Step(association(inside, ends=(end, HERE[4])), True), Step(association(around, ends=(end, HERE[4]), mode=mode), False)]
                            for end in (THERE[4], stranger))
            wanted = f"{asked[0].request('use')} {asked[1].request()}"
            self.path.begin("".join(step.sa.statement() for step in asked + given) + f"spdadd {there} {here} any -P in ipsec {wanted};\n")
            packet = clear(there, here, rand(size) or bytes(300))
            self.taken(model.seal(asked, packet), packet)
            answer, = self.path.wire(model.seal(given, packet))
            self.assertEqual((answer.verdict, answer.reason), ("drop", "in_unprotected"))

    def test_ports_of_the_policy(self):
        esp = Step(association("esp", 4, True), True)
        here, there = NET_HERE[4], NET_THERE[4]
        self.path.begin(esp.sa.statement() + f"spdadd {there}[2222] {here}[1111] udp -P in ipsec {esp.request()};\n")
        packet = clear(there, here, datagram(20, 2222, 1111), 17)
        self.taken(model.seal([esp], packet), packet)
        for sport, dport in ((2222, 1112), (2223, 1111), (1111, 2222)):
            self.refused("in_nopolicy", model.seal([esp], clear(there, here, datagram(20, sport, dport), 17)), before=1)

    def test_peers_behind_one_translator_are_told_apart_by_their_ports(self):
        """RFC 3948 section 5.2: in transport mode both have the translator's address."""
        here, there, text, out, back = HERE[4], THERE[4], "", {}, {}
        for number, port in ((1, 40001), (2, 40002)):
            for steps, way in ((out, False), (back, True)):
                steps[number] = Step(association("esp", 4, way, udp=(4500, port)), False)
                text += steps[number].sa.statement("-r 32")
            text += (f"spdadd {here}[{number}] {there} udp -P out ipsec esp/transport/{here}[4500]-{there}[{port}]/require;\n"
                     f"spdadd {there} {here}[{number}] udp -P in ipsec esp/transport/{there}[{port}]-{here}[4500]/require;\n")
        self.path.begin(text)
        for number, other in ((1, 2), (2, 1)):
            packet = clear(here, there, datagram(20, number, 9), 17)
            self.assertEqual(model.open_([out[number]], self.path.out(packet)[0].data), packet)
            packet = clear(there, here, datagram(20, 9, number), 17)
            self.taken(model.seal([back[number]], packet), packet)
            self.refused("in_unprotected", model.seal([back[other]], packet), before=1)

    def test_a_refused_first_fragment_speaks_for_nobody(self):
        """A peer whose association is not for these hosts cannot choose the ports by which their later fragments are judged."""
        here, there = NET_HERE[4], NET_THERE[4]
        web, rest, stranger = (Step(association("esp", ends=(end, HERE[4])), True) for end in (THERE[4], "10.0.0.4", "10.0.0.3"))
        self.path.begin("".join(step.sa.statement() for step in (web, rest, stranger))
                        + f"spdadd {there}[80] {here} udp -P in ipsec {web.request()};\n"
                        + f"spdadd {there} {here} udp -P in ipsec {rest.request()};\n")

        def fragments(sport):
            whole = clear(there, here, datagram(1000, sport), 17, df=0)
            head = whole[:6] + b"\x20\0" + whole[8:20], whole[:6] + struct.pack("!H", 808 // 8) + whole[8:20]
            return model.with_payload(head[0], 9, 17, whole[20:828]), model.with_payload(head[1], 9, 17, whole[828:])

        first, later = fragments(443)
        forged = first[:20] + struct.pack("!H", 80) + first[22:]
        self.taken(model.seal([rest], first), first)
        self.refused("in_unprotected", model.seal([stranger], forged), before=1)
        self.taken(model.seal([rest], later), later)
        first, later = fragments(80)
        self.taken(model.seal([web], first), first)
        self.taken(model.seal([web], later), later)

    def test_packets_of_one_batch_count_for_a_hard_limit(self):
        """Packets and octets (setkey's -ph, -bh), both ways, whatever the batch began with."""
        here, there = NET_HERE[4], NET_THERE[4]
        for proto, tunnel, limit in product(("esp", "ah"), (False, True), ("-ph 5", "-bh 500")):
            back = Step(association(proto, 4, True), tunnel)
            out = Step(association(proto), tunnel)
            here, there = (NET_HERE[4], NET_THERE[4]) if tunnel else (HERE[4], THERE[4])
            self.path.begin(statements([out], [back], here, there, "-r 32 " + limit))
            size = 80 if tunnel else 100
            answers = self.path.out(*(clear(here, there, rand(size)) for _ in range(20)))
            self.assertEqual([a.verdict for a in answers], ["send"] * 5 + ["drop"] * 15)
            self.assertEqual({a.reason for a in answers[5:]}, {"out_nosa"})
            answers = self.path.wire(*(model.seal([back], clear(there, here, rand(size))) for _ in range(20)))
            self.assertEqual([a.verdict for a in answers], ["deliver"] * 5 + ["drop"] * 15)
            self.assertEqual({a.reason for a in answers[5:]}, {"in_nosa"})

    def test_levels_without_an_association(self):
        here, there = NET_HERE[4], NET_THERE[4]
        packet = plain(here, there, 40)
        for level, reason in (("require", "out_nosa"), ("unique", "out_nosa"), ("unique:7", "out_nosa")):
            self.path.begin(f"spdadd {here} {there} any -P out ipsec esp/tunnel/{HERE[4]}-{THERE[4]}/{level};\n")
            self.refused(reason, packet, packet, way="out")
        self.path.begin(f"spdadd {here} {there} any -P out ipsec esp/tunnel/{HERE[4]}-{THERE[4]}/use;\n")
        with Moved(self.path) as moved:
            answer, = self.path.out(packet)
        self.assertEqual((answer.verdict, answer.data, moved.ipsec()), ("clear", packet, {}))
        self.path.begin(f"spdadd {here} {there} any -P out discard;\n")
        self.refused("out_discard", packet, way="out")
        self.refused("out_nopolicy", plain(there, here, 9), way="out")

    def test_malformed_outbound(self):
        self.host()
        self.refused("out_malformed", b"\x45" + bytes(10), b"\x55" + rand(30), plain(NET_HERE[4], NET_THERE[4], 20)[:-1], way="out")


if __name__ == "__main__":
    unittest.main()
