#!/usr/bin/python3
"""Two programs that know nothing of ours judge our packets: tshark decrypts them, scapy opens them and makes some for us.

    relent (the suite) --- lan --- peer 10.0.0.120 (scapy)
                            |
                           elmer (the suite), for the captures that tshark reads
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import json  # noqa: E402
import socket  # noqa: E402
import zlib  # noqa: E402

import labtest  # noqa: E402
from labkit.net import call_in_namespace  # noqa: E402
from labtap import Tap  # noqa: E402
from labtest import ELMER, RELENT, wait_for  # noqa: E402
from oracle import Sa, tshark  # noqa: E402

PEER = "10.0.0.120"
PORT = 5000
CIPHERS = [  # (enc, auth, octets of the cipher's key where there is a choice)
    ("3des-cbc", None, None), ("3des-cbc", "hmac-md5", None), ("3des-cbc", "hmac-sha1", None),
    ("aes-cbc", "hmac-sha1", 16), ("aes-cbc", "hmac-sha256", 24), ("aes-cbc", "hmac-sha384", 32), ("aes-cbc", "hmac-sha512", 16),
    ("aes-gcm-16", None, 20), ("aes-gcm-16", None, 36), ("null", "hmac-sha256", None),
    ("des-cbc", "hmac-ripemd160", None), ("des-cbc", "hmac-md5", None), ("cast128-cbc", "hmac-sha1", None),
    ("blowfish-cbc", "hmac-sha1", 16), ("blowfish-cbc", "aes-cmac", 16), ("aes-ctr", "hmac-sha256", 20), ("aes-ctr", "aes-cmac", 36),
    ("aes-cbc", "aes-xcbc-mac", 16), ("aes-gcm-8", None, 28), ("aes-gcm-12", None, 20), ("aes-ccm-16", None, 19),
    ("chacha20-poly1305", None, None),
]
MACS = ["hmac-md5", "hmac-sha1", "hmac-sha256", "hmac-sha384", "hmac-sha512", "aes-cmac"]
MODES = ("tunnel", "transport")


def variants(there, back, modes=MODES, known=Sa.known_to_scapy):
    """(label, association there, association back) for each transform that the other program knows, and each mode."""
    for mode in modes:
        for number, (enc, auth, octets) in enumerate(CIPHERS):
            pair = [Sa(source, target, 0x6000 + number * 2 + index, mode=mode, enc=enc, auth=auth, enc_octets=octets)
                    for index, (source, target) in enumerate((there, back))]
            if known(pair[0]):
                yield f"esp {mode} {enc} {auth} {octets or ''}", *pair
        for number, auth in enumerate(MACS):
            pair = [Sa(source, target, 0x6100 + number * 2 + index, proto="ah", mode=mode, auth=auth)
                    for index, (source, target) in enumerate((there, back))]
            if known(pair[0]):
                yield f"ah {mode} {auth}", *pair


def policies(out, back):
    """Policies of the host that sends under `out` and receives under `back`."""
    def request(association):
        ends = f"{association.source}-{association.target}" if association.mode == "tunnel" else ""
        return f"{association.proto}/{association.mode}/{ends}/require"
    return (f"spdadd {out.source}[any] {out.target}[any] udp -P out ipsec {request(out)};\n"
            f"spdadd {back.source}[any] {back.target}[any] udp -P in ipsec {request(back)};\n")


class WireOracle(labtest.LabTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.add("peer", [f"{PEER}/24"])
        cls.peer = labtest.Host(cls.lab, "peer", PEER)
        # The peer's kernel knows no ESP; without this it would complain to relent about each packet.
        cls.peer.run("nft", "add table ip quiet; add chain ip quiet out { type filter hook output priority 0; }; "
                     "add rule ip quiet out icmp type destination-unreachable drop")
        cls.raw = call_in_namespace(cls.lab.init("peer").pid, lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW,
                                                                                    socket.IPPROTO_RAW))
        cls.addClassCleanup(cls.raw.close)

    def load(self, host, out, back):
        host.flush()
        host.setkey(out.statement("-r 8") + back.statement("-r 8") + policies(out, back))

    def send(self, packet):
        self.raw.sendto(bytes(packet), (RELENT, 0))

    def captured(self, expression, sender, target, packets, size):
        """The frames that `packets` datagrams of `sender` become."""
        with Tap(self.lab, expression) as tap:
            sender.traffic("udp-send", target, PORT, packets, 500, size).wait(timeout=20)
            wait_for(f"{packets} packets of '{expression}'", lambda: tap.count >= packets)
        return tap.stop()

    def test_tshark_decrypts_every_cipher(self):
        for label, there, back in variants((RELENT, ELMER), (ELMER, RELENT), known=Sa.known_to_tshark):
            with self.subTest(label):
                self.load(self.relent, there, back)
                self.load(self.elmer, back, there)
                frames = self.captured(f"ip proto 50 and src host {RELENT}", self.relent, ELMER, 5, 333)
                rows = tshark(frames, [there], ["esp.sequence", "ip.src", "udp.dstport", "udp.payload", "esp.icv_good"])
                self.assertEqual([int(row[0]) for row in rows], [1, 2, 3, 4, 5])
                for number, (_, source, port, data, good) in enumerate(rows):
                    self.assertEqual(source, RELENT if there.mode == "transport" else f"{RELENT},{RELENT}")
                    self.assertEqual(port, str(PORT))
                    self.assertEqual(bytes.fromhex(data), (number.to_bytes(8, "big") + b"POSTERN-CLEAR-" * 30)[:333])
                    if there.checked_by_tshark():
                        self.assertEqual(good, "1")

    def test_scapy_opens_what_we_send(self):
        from scapy.layers.inet import IP, UDP
        from scapy.layers.l2 import Ether
        for label, there, back in variants((RELENT, PEER), (PEER, RELENT)):
            with self.subTest(label):
                self.load(self.relent, there, back)
                frames = self.captured(f"ip proto {51 if there.proto == 'ah' else 50} and src host {RELENT}",
                                       self.relent, PEER, 3, 100)
                opener = there.scapy()
                for number, frame in enumerate(frames):
                    inner = IP(bytes(opener.decrypt(Ether(frame)[IP])))  # scapy leaves what AH held undissected
                    self.assertEqual((inner.src, inner.dst), (RELENT, PEER))
                    self.assertEqual(inner[UDP].dport, PORT)
                    self.assertEqual(bytes(inner[UDP].payload), (number.to_bytes(8, "big") + b"POSTERN-CLEAR-" * 9)[:100])

    def test_S142_S146_compressed_first_encrypted_then_and_much_shorter(self):
        """The guide's policy with both; scapy opens ESP, zlib what is in IPComp."""
        from scapy.layers.inet import IP
        from scapy.layers.l2 import Ether
        esp = Sa(RELENT, PEER, 0x6200, mode="transport", enc="aes-cbc", auth="hmac-sha256")
        self.relent.flush()
        self.relent.setkey(esp.statement("-r 8") + f"add {RELENT} {PEER} ipcomp 0x4242 -C deflate -R;\n"
                           f"spdadd {RELENT} {PEER} udp -P out ipsec ipcomp/transport//use esp/transport//require;\n")
        frames = self.captured(f"ip proto 50 and src host {RELENT}", self.relent, PEER, 3, 1200)
        for number, frame in enumerate(frames):
            self.assertLess(len(frame), 400)
            inside = bytes(esp.scapy().decrypt(Ether(frame)[IP]))
            following, flags, cpi = inside[20], inside[21], int.from_bytes(inside[22:24], "big")
            self.assertEqual((inside[9], following, flags, cpi), (108, socket.IPPROTO_UDP, 0, 0x4242))
            datagram = zlib.decompress(inside[24:], wbits=-15)
            self.assertEqual(int.from_bytes(datagram[2:4], "big"), PORT)
            self.assertEqual(datagram[8:], (number.to_bytes(8, "big") + b"POSTERN-CLEAR-" * 90)[:1200])

    def inner(self, number):
        from scapy.layers.inet import IP, UDP
        from scapy.packet import Raw
        return IP(src=PEER, dst=RELENT) / UDP(sport=4000, dport=PORT) / Raw(number.to_bytes(8, "big") + b"from scapy")

    def test_we_accept_what_scapy_sends(self):
        for label, there, back in variants((RELENT, PEER), (PEER, RELENT)):
            with self.subTest(label):
                self.load(self.relent, there, back)
                counting = self.relent.traffic("udp-count", PORT)
                sealer = back.scapy()
                for number in range(5):
                    self.send(sealer.encrypt(self.inner(number)))
                said = json.loads(counting.communicate("\n", timeout=20)[0])
                self.assertEqual((said["received"], said["octets"]), (5, 5 * 18), label)

    def test_a_replayed_packet_is_delivered_once_and_counted(self):
        for label, there, back in variants((RELENT, PEER), (PEER, RELENT), modes=("tunnel",)):
            if not (back.auth or back.combined()):
                continue  # without integrity there is no replay check to speak of
            with self.subTest(label):
                self.load(self.relent, there, back)
                name = f"inbound packets failed on {back.proto.upper()} replay check"
                before = self.relent.netstat()[name]
                counting = self.relent.traffic("udp-count", PORT)
                packet = back.scapy().encrypt(self.inner(1))
                for _ in range(3):
                    self.send(packet)
                wait_for("two replays to be counted", lambda: self.relent.netstat()[name] - before == 2)
                self.assertEqual(json.loads(counting.communicate("\n", timeout=20)[0])["received"], 1)

    def test_a_changed_packet_is_dropped_and_counted(self):
        for label, there, back in variants((RELENT, PEER), (PEER, RELENT), modes=("tunnel",)):
            if not (back.auth or back.combined()):
                continue
            with self.subTest(label):
                self.load(self.relent, there, back)
                name = "inbound packets failed on " + ("authentication" if back.proto == "ah" else "ESP authentication")
                before = self.relent.netstat().get(name, 0)
                counting = self.relent.traffic("udp-count", PORT)
                packet = bytearray(bytes(back.scapy().encrypt(self.inner(1))))
                packet[-5] ^= 0x40
                self.send(packet)
                wait_for("the damage to be counted", lambda: self.relent.netstat().get(name, 0) - before == 1)
                self.assertEqual(json.loads(counting.communicate("\n", timeout=20)[0])["received"], 0)


labtest.main()
