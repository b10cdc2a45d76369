#!/usr/bin/python3
"""Messages of IKE version 2: what scapy writes is read by ours, and what ours writes is read by scapy and by tshark.

Usage: test_ike2_oracle.py IKE2_WIRE_TOOL.
"""

import ipaddress
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

from scapy.contrib import ikev2  # noqa: E402
from scapy.contrib.ikev2 import (  # noqa: E402
    ConfigurationAttribute, IKEv2, IKEv2_payload_AUTH, IKEv2_payload_CERTREQ, IKEv2_payload_CP, IKEv2_payload_IDi, IKEv2_payload_KE,
    IKEv2_payload_Nonce, IKEv2_payload_Notify, IKEv2_payload_Proposal, IKEv2_payload_SA, IKEv2_payload_Transform, IKEv2_payload_TSi,
    IKEv2_payload_TSr, IKEv2_payload_VendorID, IPv4TrafficSelector, IPv6TrafficSelector)
from scapy.layers.inet import IP, UDP  # noqa: E402
from scapy.packet import Raw  # noqa: E402
from scapy.utils import wrpcap  # noqa: E402

TOOL = sys.argv.pop(1)
SEED = int(os.environ.get("POSTERN_SEED", "7296"))
ROUNDS = 100
SA, KE, ID_I, ID_R, CERT, CERT_REQ, AUTH, NONCE, NOTIFY, DELETE, VENDOR, TS_I, TS_R, CONFIG, EAP = *range(33, 46), 47, 48
FIELDS = ("ispi", "rspi", "exchangetype", "messageid", "flags", "prop.number", "prop.protoid", "prop.transforms", "tf.type", "tf.id.encr",
          "tf.id.prf", "tf.id.integ", "tf.id.dh", "tf.id.esn", "key_exchange.dh_group", "id.type", "auth.method", "ts.number", "ts.protoid",
          "ts.start_port", "ts.end_port", "ts.start_ipv4", "ts.end_ipv4", "ts.start_ipv6", "ts.end_ipv6", "notify.msgtype", "delete.spi",
          "cfg.type", "cfg.attr.type", "certreq.type")
CIPHERS, FUNCTIONS, INTEGRITIES, GROUPS = (3, 12, 13, 16, 20, 28), (2, 4, 5, 7, 8), (2, 5, 12, 14), (2, 14, 19, 21, 31, 32)


def rand(most, least=0):
    return random.randbytes(random.randint(least, most))


def address(version):
    return str(ipaddress.ip_address(random.randbytes(4 if version == 4 else 16)))


def span(version):
    pair = sorted((ipaddress.ip_address(address(version)) for _ in range(2)))
    return [str(one) for one in pair]


def selector():
    version = random.choice((4, 6))
    ports = random.choice(([0, 65535], [65535, 0], sorted(random.getrandbits(16) for _ in range(2))))
    return [random.choice((0, 1, 6, 17)), *ports, *span(version)]


def transform():
    kind = random.randint(1, 5)
    number = random.choice({1: CIPHERS, 2: FUNCTIONS, 3: INTEGRITIES, 4: GROUPS, 5: (0, 1)}[kind])
    return [kind, number, random.choice((128, 192, 256)) if kind == 1 and number in (12, 13, 16, 20) else 0]


def proposals():
    protocol, spi = random.choice(((1, b""), (1, rand(8, 8)), (2, rand(4, 4)), (3, rand(4, 4))))
    return [{"number": number, "protocol": protocol, "spi": spi.hex(), "transforms": [transform() for _ in range(random.randint(1, 5))]}
            for number in range(1, random.randint(1, 4) + 1)]


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

    def test_names_are_those_of_the_registry(self):
        names = self.ask(names=True)
        self.assertGreater(len(names["notifications"]), 30)
        for number, name in names["notifications"].items():
            self.assertEqual(name, ikev2.IKEv2NotifyMessageTypes[int(number)])
        self.assertEqual({int(n): name for n, name in names["exchanges"].items()},
                         {n: name for n, name in enumerate(ikev2.IKEv2_exchange_type) if name and n < 38})
        for number, name in names["payloads"].items():
            theirs = ikev2.IKEv2_payload_type[int(number)]
            mine = {"N": "Notify", "D": "Delete", "V": "VendorID", "SK": "Encrypted", "SKF": "Encrypted_Fragment"}.get(name, name)
            self.assertEqual(mine, theirs)

    # -- scapy writes

    @staticmethod
    def scapy_transforms(wanted):
        chain = None
        for place, (kind, number, bits) in enumerate(wanted):
            words = {"key_length": bits, "length": 12} if bits else {}
            one = IKEv2_payload_Transform(transform_type=kind, transform_id=number, next_payload=0 if place + 1 == len(wanted) else 3, **words)
            chain = one if chain is None else chain / one
        return chain

    def scapy_sa(self, wanted):
        chain = None
        for place, one in enumerate(wanted):
            part = IKEv2_payload_Proposal(
                proposal=one["number"], proto=one["protocol"], SPI=bytes.fromhex(one["spi"]), SPIsize=len(one["spi"]) // 2,
                trans_nb=len(one["transforms"]), trans=self.scapy_transforms(one["transforms"]),
                next_payload=0 if place + 1 == len(wanted) else 2)
            chain = part if chain is None else chain / part
        return IKEv2_payload_SA(prop=chain)

    @staticmethod
    def scapy_ts(layer, wanted):
        parts = []
        for proto, first_port, last_port, first, last in wanted:
            words = {"IP_protocol_ID": proto, "start_port": first_port, "end_port": last_port}
            if ":" in first:
                parts.append(IPv6TrafficSelector(length=40, starting_address_v6=first, ending_address_v6=last, **words))
            else:
                parts.append(IPv4TrafficSelector(starting_address_v4=first, ending_address_v4=last, **words))
        return layer(length=8 + sum(len(bytes(one)) for one in parts), number_of_TSs=len(parts), traffic_selector=parts)

    def both(self):
        """A payload of each kind: scapy's, and what ours has to say of it."""
        sa, data = proposals(), rand(300, 20)
        selectors = [[selector() for _ in range(random.randint(1, 4))] for _ in range(2)]
        attributes = [[1, ""], [3, rand(4, 4).hex()], [10, ""], [7, rand(20).hex()]]
        config = IKEv2_payload_CP(length=8 + sum(4 + len(value) // 2 for _, value in attributes), CFGType=1, attributes=[
            ConfigurationAttribute(type=kind, length=len(value) // 2, value=str(ipaddress.ip_address(bytes.fromhex(value)))
                                   if kind == 3 else bytes.fromhex(value)) for kind, value in attributes])
        yield self.scapy_sa(sa), {"type": SA, "proposals": sa}
        yield IKEv2_payload_KE(group=19, load=data), {"type": KE, "group": 19, "data": data.hex()}
        yield IKEv2_payload_Nonce(load=data[:20]), {"type": NONCE, "body": data[:20].hex()}
        yield (IKEv2_payload_IDi(IDtype=2, length=8 + len(data), ID=data), {"type": ID_I, "id_type": 2, "data": data.hex()})
        yield (IKEv2_payload_AUTH(auth_type=2, load=data), {"type": AUTH, "method": 2, "alg": "", "data": data.hex()})
        yield (IKEv2_payload_CERTREQ(cert_type=4, cert_data=data[:20]), {"type": CERT_REQ, "encoding": 4, "data": data[:20].hex()})
        yield (IKEv2_payload_Notify(proto=3, SPI=b"spi!", length=12 + len(data), type=16393, load=data),
               {"type": NOTIFY, "protocol": 3, "notify": 16393, "spi": b"spi!".hex(), "data": data.hex()})
        yield IKEv2_payload_VendorID(vendorID=data), {"type": VENDOR, "body": data.hex()}
        yield self.scapy_ts(IKEv2_payload_TSi, selectors[0]), {"type": TS_I, "selectors": selectors[0]}
        yield self.scapy_ts(IKEv2_payload_TSr, selectors[1]), {"type": TS_R, "selectors": selectors[1]}
        yield config, {"type": CONFIG, "cfg_type": 1, "attributes": attributes}

    def test_what_scapy_writes_is_read(self):
        for _ in range(ROUNDS):
            pairs = list(self.both())
            random.shuffle(pairs)
            pairs = pairs[: random.randint(1, len(pairs))]
            spis, number, flags = (rand(8, 8), rand(8, 8)), random.getrandbits(32), random.choice((0, 8, 32, 40))
            message = IKEv2(init_SPI=spis[0], resp_SPI=spis[1], exch_type=34, id=number, flags=flags, next_payload=pairs[0][1]["type"])
            for place, (layer, _) in enumerate(pairs):
                layer.next_payload = pairs[place + 1][1]["type"] if place + 1 < len(pairs) else 0
                message = message / layer
            got = self.ask(read=bytes(message).hex())
            self.assertEqual(got, {"spi_i": spis[0].hex(), "spi_r": spis[1].hex(), "exchange": 34, "flags": flags, "msg_id": number,
                                   "payloads": [want for _, want in pairs]}, bytes(message).hex())

    def test_what_scapy_cuts_short_is_a_fault(self):
        sa, nonce = self.scapy_sa(proposals()), IKEv2_payload_Nonce(load=b"n" * 16, next_payload=0)
        sa.next_payload = NONCE
        message = bytes(IKEv2(init_SPI=b"i" * 8, exch_type=34, next_payload=SA) / sa / nonce)
        self.assertNotIn("fault", self.ask(read=message.hex()))
        for n in range(len(message)):
            self.assertIn("fault", self.ask(read=message[:n].hex()), f"{n} octets")
            whole = message[:24] + n.to_bytes(4, "big") + message[28:n]  # the header knows of it
            self.assertIn("fault", self.ask(read=whole[:n].hex()), f"{n} octets")

    # -- scapy and tshark read

    def message(self):
        data = rand(100, 20).hex()
        payloads = [{"type": SA, "proposals": proposals()}, {"type": NONCE, "body": rand(64, 16).hex()},
                    {"type": KE, "group": random.choice(GROUPS), "data": data},
                    {"type": ID_I, "id_type": 2, "data": data}, {"type": ID_R, "id_type": 11, "data": data},
                    {"type": CERT_REQ, "encoding": 4, "data": (rand(20, 20) * random.randint(0, 3)).hex()},
                    random.choice(({"type": AUTH, "method": 2, "alg": "", "data": data},
                                   {"type": AUTH, "method": 14, "alg": "300506032b6570", "data": data})),
                    {"type": NOTIFY, "protocol": 3, "notify": 16393, "spi": rand(4, 4).hex(), "data": ""},
                    {"type": NOTIFY, "protocol": 0, "notify": random.choice((14, 24, 16385)), "spi": "", "data": rand(4, 4).hex()},
                    {"type": DELETE, "protocol": 3, "spi_len": 4, "spis": b"".join(rand(4, 4) for _ in range(random.randint(1, 3))).hex()},
                    {"type": TS_I, "selectors": [selector() for _ in range(random.randint(1, 4))]},
                    {"type": TS_R, "selectors": [selector() for _ in range(random.randint(1, 4))]},
                    {"type": CONFIG, "cfg_type": 2, "attributes": [[1, rand(4, 4).hex()], [3, ""], [13, "0a000000ffffff00"]]},
                    {"type": VENDOR, "body": rand(16, 16).hex()}]
        return {"spi_i": rand(8, 8).hex(), "spi_r": rand(8, 8).hex(), "exchange": random.choice((34, 35, 36)), "flags": 8,
                "msg_id": random.getrandbits(32), "payloads": random.sample(payloads, random.randint(1, len(payloads)))}

    def test_what_is_written_is_read_by_ours(self):
        for _ in range(ROUNDS):
            asked = self.message()
            self.assertEqual(self.ask(read=self.ask(write=asked)["message"]), asked)

    def test_what_is_written_is_read_by_scapy(self):
        for _ in range(ROUNDS):
            asked = self.message()
            # Behind a notification with an SPI scapy loses its way.
            asked["payloads"] = [one for one in asked["payloads"] if one["type"] != NOTIFY or not one["spi"]] or [{"type": VENDOR, "body": ""}]
            layer = IKEv2(bytes.fromhex(self.ask(write=asked)["message"]))
            self.assertEqual((layer.init_SPI.hex(), layer.id, layer.exch_type), (asked["spi_i"], asked["msg_id"], asked["exchange"]))
            for one in asked["payloads"]:
                self.assertEqual(layer.next_payload, one["type"])
                layer = layer.payload
                self.look(layer, one)
            self.assertEqual(layer.next_payload, 0)
            self.assertEqual(bytes(layer.payload), b"")

    def look(self, layer, one):
        """What scapy has to say of a payload; of Delete it knows nothing."""
        if one["type"] == SA:
            part = layer.prop
            for wanted in one["proposals"]:
                self.assertEqual((part.proposal, part.proto, part.SPI.hex()), (wanted["number"], wanted["protocol"], wanted["spi"]))
                trans = part.trans
                for kind, number, bits in wanted["transforms"]:
                    self.assertEqual((trans.transform_type, trans.transform_id), (kind, number))
                    self.assertEqual(trans.key_length & 0xFFFF if trans.length > 8 else 0, bits)
                    trans = trans.payload
                part = part.payload
        elif one["type"] == KE:
            self.assertEqual((layer.group, layer.load.hex()), (one["group"], one["data"]))
        elif one["type"] == NOTIFY:
            self.assertEqual((layer.proto, layer.type, layer.SPI.hex()), (one["protocol"], one["notify"], one["spi"]))
        elif one["type"] in (TS_I, TS_R):
            got = [[t.IP_protocol_ID, t.start_port, t.end_port,
                    *([t.starting_address_v4, t.ending_address_v4] if t.TS_type == 7 else [t.starting_address_v6, t.ending_address_v6])]
                   for t in layer.traffic_selector]
            self.assertEqual(got, one["selectors"])

    def expected(self, asked):
        by = {}
        for one in asked["payloads"]:
            by.setdefault(one["type"], []).append(one)
        props = [p for one in by.get(SA, []) for p in one["proposals"]]
        trans = [t for p in props for t in p["transforms"]]
        ts = [t for one in asked["payloads"] for t in one.get("selectors", [])]
        deleted = "".join(one["spis"] for one in by.get(DELETE, []))

        def numbers(kind):
            return [str(number) for k, number, _ in trans if k == kind]

        def ends(column, version):
            return [t[column] for t in ts if (":" in t[column]) == (version == 6)]
        return {"ispi": [asked["spi_i"]], "rspi": [asked["spi_r"]], "exchangetype": [str(asked["exchange"])],
                "messageid": [f"0x{asked['msg_id']:08x}"], "flags": ["0x08"], "prop.number": [str(p["number"]) for p in props],
                "prop.protoid": [str(p["protocol"]) for p in props], "prop.transforms": [str(len(p["transforms"])) for p in props],
                "tf.type": [str(t[0]) for t in trans], "tf.id.encr": numbers(1), "tf.id.prf": numbers(2), "tf.id.integ": numbers(3),
                "tf.id.dh": numbers(4), "tf.id.esn": numbers(5),
                "key_exchange.dh_group": [str(one["group"]) for one in by.get(KE, [])],
                "id.type": [str(one["id_type"]) for one in asked["payloads"] if "id_type" in one],
                "auth.method": [str(one["method"]) for one in by.get(AUTH, [])],
                "ts.number": [str(len(one["selectors"])) for one in asked["payloads"] if "selectors" in one],
                "ts.protoid": [str(t[0]) for t in ts], "ts.start_port": [str(t[1]) for t in ts], "ts.end_port": [str(t[2]) for t in ts],
                "ts.start_ipv4": ends(3, 4), "ts.end_ipv4": ends(4, 4), "ts.start_ipv6": ends(3, 6), "ts.end_ipv6": ends(4, 6),
                "notify.msgtype": [str(one["notify"]) for one in by.get(NOTIFY, [])],
                "delete.spi": [deleted[i : i + 8] for i in range(0, len(deleted), 8)],
                "cfg.type": [str(one["cfg_type"]) for one in by.get(CONFIG, [])],
                "cfg.attr.type": [str(kind) for one in by.get(CONFIG, []) for kind, _ in one["attributes"]],
                "certreq.type": [str(one["encoding"]) for one in by.get(CERT_REQ, [])]}

    @unittest.skipUnless(shutil.which("tshark"), "tshark is not installed")
    def test_what_is_written_is_read_by_tshark(self):
        asked = [self.message() for _ in range(ROUNDS)]
        written = [bytes.fromhex(self.ask(write=one)["message"]) for one in asked]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "ike.pcap")
            wrpcap(path, [IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=500, dport=500) / Raw(one) for one in written], linktype=101)
            words = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=,", "-E", "separator=|"]
            for field in FIELDS:
                words += ["-e", f"isakmp.{field}"]
            lines = subprocess.run([*words, "-e", "_ws.malformed"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                   check=True).stdout.splitlines()
        self.assertEqual(len(lines), ROUNDS)
        for one, line, octets in zip(asked, lines, written):
            *values, malformed = line.split("|")
            with self.subTest(message=octets.hex()):
                self.assertEqual(malformed, "")
                got = {field: [word for word in value.split(",") if word] for field, value in zip(FIELDS, values)}
                self.assertEqual(got, self.expected(one))


if __name__ == "__main__":
    unittest.main()
