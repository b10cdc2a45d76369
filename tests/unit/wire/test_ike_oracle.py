#!/usr/bin/python3
"""Messages of IKE version 1: what scapy writes is read by ours, and what ours writes is read by tshark.

Usage: test_ike_oracle.py IKE_WIRE_TOOL.
"""

import json
import logging
import os
import random
import shutil
import subprocess
import sys
import tempfile
import unittest
import warnings

warnings.filterwarnings("ignore")
logging.getLogger("scapy").setLevel(logging.ERROR)

from scapy.layers.inet import IP, UDP  # noqa: E402
from scapy.layers.isakmp import (  # noqa: E402
    ISAKMP, ISAKMP_payload_ID, ISAKMP_payload_KE, ISAKMP_payload_Nonce, ISAKMP_payload_Proposal, ISAKMP_payload_SA,
    ISAKMP_payload_Transform, ISAKMP_payload_VendorID, ISAKMPAttributeTypes)
from scapy.packet import Raw  # noqa: E402
from scapy.utils import wrpcap  # noqa: E402

TOOL = sys.argv.pop(1)
SEED = int(os.environ.get("POSTERN_SEED", "2408"))
ROUNDS = 100
SA, PROPOSAL, TRANSFORM, KE, IDENT, HASH, NONCE, NOTIFY, DELETE, VENDOR = 1, 2, 3, 4, 5, 8, 10, 11, 12, 13
PHASE1 = {"Encryption": 1, "Hash": 2, "Authentication": 3, "GroupDesc": 4, "LifeType": 11, "LifeDuration": 12, "KeyLength": 14}
FIELDS = ("ispi", "rspi", "exchangetype", "messageid", "flags", "prop.number", "prop.protoid", "prop.transforms", "spi", "trans.number",
          "ike.attr.type", "ipsec.attr.type", "id.type", "id.port", "notify.msgtype", "delete.spi")


def rand(most, least=0):
    return random.randbytes(random.randint(least, most))


class Oracle(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        random.seed(SEED)
        cls.process = subprocess.Popen([TOOL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    @classmethod
    def tearDownClass(cls):
        cls.process.stdin.close()
        cls.process.stdout.close()
        assert cls.process.wait() == 0

    def ask(self, **words):
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    # -- scapy writes

    def attributes(self):
        """Names and values as scapy has them, and the numbers that stand for these."""
        for name in random.sample(sorted(PHASE1), random.randint(1, len(PHASE1))):
            number, values = ISAKMPAttributeTypes[name][:2]
            self.assertEqual(number, PHASE1[name])
            wide = (65536, 86400, 2**31) if name == "LifeDuration" else ()
            value = random.choice(sorted(values)) if values else random.choice((1, 128, 65535) + wide)
            yield (name, value), [number, values[value] if values else value]

    def transforms(self):
        chain, want = None, []
        for place in range(random.randint(1, 4)):
            pairs = list(self.attributes())
            one = ISAKMP_payload_Transform(num=place + 1, transforms=[words for words, _ in pairs])
            chain = one if chain is None else chain / one
            want.append({"number": place + 1, "id": 1, "attributes": [numbers for _, numbers in pairs]})
        return chain, want

    def proposals(self):
        chain, want = None, []
        for number in range(1, random.randint(1, 3) + 1):
            trans, wanted = self.transforms()
            spi = rand(8)
            length = 8 + len(spi) + len(bytes(trans))  # scapy forgets the SPI
            one = ISAKMP_payload_Proposal(length=length, proposal=number, proto=1, SPI=spi, trans_nb=len(wanted), trans=trans)
            chain = one if chain is None else chain / one
            want.append({"number": number, "protocol": 1, "spi": spi.hex(), "transforms": wanted})
        return chain, want

    def test_what_scapy_writes_is_read(self):
        for _ in range(ROUNDS):
            chain, proposals = self.proposals()
            cookies, ident = (rand(8, 8), rand(8, 8)), rand(30, 1)
            bodies = [rand(256, 1), rand(64, 8), rand(20, 1)]
            number, flags = random.getrandbits(32), random.randrange(8)
            message = (ISAKMP(init_cookie=cookies[0], resp_cookie=cookies[1], exch_type=4, id=number, flags=flags)
                       / ISAKMP_payload_SA(prop=chain) / ISAKMP_payload_KE(load=bodies[0]) / ISAKMP_payload_Nonce(load=bodies[1])
                       / ISAKMP_payload_ID(IDtype=2, ProtoID=17, Port=500, load=ident) / ISAKMP_payload_VendorID(load=bodies[2]))
            got = self.ask(read=bytes(message).hex())
            self.assertNotIn("fault", got, bytes(message).hex())
            self.assertEqual((got["icookie"], got["rcookie"], got["exchange"], got["flags"], got["msg_id"]),
                             (cookies[0].hex(), cookies[1].hex(), 4, flags, number))
            sa, ke, nonce, who, vendor = got["payloads"]
            self.assertEqual([one["type"] for one in got["payloads"]], [SA, KE, NONCE, IDENT, VENDOR])
            self.assertEqual(sa["proposals"], proposals)
            self.assertEqual([ke["body"], nonce["body"], vendor["body"]], [body.hex() for body in bodies])
            self.assertEqual((who["id_type"], who["proto"], who["port"], who["data"]), (2, 17, 500, ident.hex()))

    def test_what_scapy_cuts_short_is_a_fault(self):
        chain, _ = self.proposals()
        message = bytes(ISAKMP(init_cookie=b"i" * 8, exch_type=4) / ISAKMP_payload_SA(prop=chain) / ISAKMP_payload_Nonce(load=b"n" * 16))
        for n in range(len(message)):
            self.assertIn("fault", self.ask(read=message[:n].hex()), f"{n} octets")
            whole = message[:24] + n.to_bytes(4, "big") + message[28:n]  # the header knows of it
            self.assertIn("fault", self.ask(read=whole[:n].hex()), f"{n} octets")

    # -- tshark reads

    def message(self):
        """What is asked for, and what tshark has to say of it."""
        phase1 = random.random() < 0.5
        protocols = (1,) if phase1 else (2, 3)  # of IPComp tshark reads other things
        proposals = []
        for number in range(1, random.randint(1, 3) + 1):
            spi = "" if phase1 else rand(4, 4).hex()
            transforms = [{"number": place, "id": 1 if phase1 else random.randint(2, 3),
                           "attributes": [[kind, random.choice((1, 2, 3600))] for kind in random.sample((1, 2, 3, 4), random.randint(1, 4))]}
                          for place in range(1, random.randint(1, 4) + 1)]
            proposals.append({"number": number, "protocol": random.choice(protocols), "spi": spi, "transforms": transforms})
        payloads = [{"type": SA, "proposals": proposals}, {"type": NONCE, "body": rand(64, 8).hex()},
                    {"type": IDENT, "id_type": 1, "proto": 17, "port": random.getrandbits(16), "data": rand(4, 4).hex()},
                    {"type": NOTIFY, "doi": 1, "protocol": 3, "notify": random.choice((14, 24576, 24578)), "spi": rand(4, 4).hex(),
                     "data": "800b00010002000400000e10"},
                    {"type": DELETE, "doi": 1, "protocol": 3, "spi_len": 4, "spis": rand(4, 4).hex() * random.randint(1, 3)}]
        order = payloads[:1] + random.sample(payloads[1:], random.randint(0, 4))
        return {"icookie": rand(8, 8).hex(), "rcookie": rand(8, 8).hex(), "exchange": 2 if phase1 else 32, "flags": 0,
                "msg_id": random.getrandbits(32), "payloads": order}, phase1

    def expected(self, asked, phase1):
        by = {one["type"]: one for one in asked["payloads"]}
        proposals = by[SA]["proposals"]
        transforms = [t for p in proposals for t in p["transforms"]]
        kinds = [str(kind) for t in transforms for kind, _ in t["attributes"]]
        deleted = by.get(DELETE, {"spis": ""})["spis"]
        notify = by.get(NOTIFY)
        spis = [one["spi"] for one in sorted((p for p in asked["payloads"]), key=asked["payloads"].index) if one["type"] == NOTIFY]
        return {"ispi": [asked["icookie"]], "rspi": [asked["rcookie"]], "exchangetype": [str(asked["exchange"])],
                "messageid": [f"0x{asked['msg_id']:08x}"], "flags": ["0x00"], "prop.number": [str(p["number"]) for p in proposals],
                "prop.protoid": [str(p["protocol"]) for p in proposals],
                "prop.transforms": [str(len(p["transforms"])) for p in proposals],
                "spi": [p["spi"] for p in proposals if p["spi"]] + spis, "trans.number": [str(t["number"]) for t in transforms],
                "ike.attr.type": kinds if phase1 else [], "ipsec.attr.type": [] if phase1 else kinds,
                "id.type": ["1"] if IDENT in by else [], "id.port": [str(by[IDENT]["port"])] if IDENT in by else [],
                "notify.msgtype": [str(notify["notify"])] if notify else [],
                "delete.spi": [deleted[i : i + 8] for i in range(0, len(deleted), 8)]}

    @unittest.skipUnless(shutil.which("tshark"), "tshark is not installed")
    def test_what_is_written_is_read_by_tshark(self):
        asked = [self.message() for _ in range(ROUNDS)]
        written = [bytes.fromhex(self.ask(write=one)["message"]) for one, _ in asked]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "ike.pcap")
            wrpcap(path, [IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=500, dport=500) / Raw(one) for one in written], linktype=101)
            words = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=,", "-E", "separator=|"]
            for field in FIELDS:
                words += ["-e", f"isakmp.{field}"]
            lines = subprocess.run([*words, "-e", "_ws.malformed"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                   check=True).stdout.splitlines()
        self.assertEqual(len(lines), ROUNDS)
        for (one, phase1), line, octets in zip(asked, lines, written):
            *values, malformed = line.split("|")
            with self.subTest(message=octets.hex()):
                self.assertEqual(malformed, "")
                got = {field: [word for word in value.split(",") if word] for field, value in zip(FIELDS, values)}
                self.assertEqual(got, self.expected(one, phase1))

    @unittest.skipUnless(shutil.which("tshark"), "tshark is not installed")
    def test_fragments_are_joined_by_tshark(self):
        """Messages cut by ours: it sees each fragment's number and end, and with the last the message; the others in
        any order (it shows a message in the frame of its last fragment alone)."""
        vendor = random.randbytes(200).hex()
        asked = {"exchange": 4, "flags": 0, "msg_id": 0, "payloads": [{"type": VENDOR, "body": vendor}, {"type": NONCE, "body": "77" * 20}]}
        for fit in (60, 100, 200):
            icookie = rand(8, 8).hex()  # its conversations are told apart by it
            message = self.ask(write={**asked, "icookie": icookie, "rcookie": rand(8, 8).hex()})["message"]
            pieces = [bytes.fromhex(one) for one in self.ask(cut=message, fit=fit)["datagrams"]]
            self.assertTrue(all(len(one) <= fit for one in pieces))
            self.assertGreater(len(pieces), 1)
            for order in (range(len(pieces)), [*random.sample(range(len(pieces) - 1), len(pieces) - 1), len(pieces) - 1]):
                with tempfile.TemporaryDirectory() as folder, self.subTest(fit=fit, order=list(order)):
                    path = os.path.join(folder, "ike.pcap")
                    wrpcap(path, [IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=500, dport=500) / Raw(pieces[at]) for at in order],
                           linktype=101)
                    words = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=,", "-E", "separator=|"]
                    for field in ("isakmp.frag.seq", "isakmp.frag.last", "isakmp.fragment.count", "isakmp.vid_bytes", "_ws.malformed"):
                        words += ["-e", field]
                    rows = [line.split("|") for line in subprocess.run(
                        words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout.splitlines()]
                    self.assertEqual([int(row[0]) for row in rows], [at + 1 for at in order])
                    self.assertEqual([row[1] in ("1", "True") for row in rows], [at == len(pieces) - 1 for at in order])
                    self.assertEqual([row[2] for row in rows], [""] * (len(pieces) - 1) + [str(len(pieces))])
                    self.assertEqual(rows[-1][3].replace(":", ""), vendor)
                    self.assertEqual([row[4] for row in rows], [""] * len(pieces))

    def test_what_is_written_is_read_by_ours(self):
        for _ in range(ROUNDS):
            asked, _ = self.message()
            got = self.ask(read=self.ask(write=asked)["message"])
            for one in got["payloads"]:
                if one["type"] != NONCE:
                    one.pop("body")
            self.assertEqual(got, asked)


if __name__ == "__main__":
    unittest.main()
