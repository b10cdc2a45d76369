#!/usr/bin/python3
"""An initiator that does as Windows XP did for L2TP: its proposals, its way of writing lifetimes, its vendor ids, main mode with a
pre-shared key, quick mode for UDP port 1701 in transport mode, NAT traversal of draft 02. Written from the RFCs and with another
cryptographic library than the suite's; one echo of a datagram through ESP, then it says goodbye.

usage: xp_peer.py LOCAL REMOTE KEY [nat]

Prints a line of JSON with what it saw. Exit status 0: everything was as it should be.
"""

import hashlib
import hmac
import json
import os
import socket
import struct
import sys
import warnings

warnings.simplefilter("ignore")
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: E402

SA, KE, ID, HASH, NONCE, DELETE, VID, NAT_D, NAT_OA = 1, 4, 5, 8, 10, 12, 13, 130, 131
MAIN, INFO, QUICK = 2, 5, 32
ESP, L2TP = 50, 1701
PRIME = int("FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B"
            "302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE6"
            "49286651ECE65381FFFFFFFFFFFFFFFF", 16)
VENDORS = ("1e2b516905991c7d7c96fcbfb587e46100000004",  # MS NT5 ISAKMPOAKLEY, version 4
           "4048b7d56ebce88525e7de7f00d6c2d3",  # FRAGMENTATION
           "90cb80913ebb696e086381b5ec427b1f",  # draft-ietf-ipsec-nat-t-ike-02\n
           "26244d38eddb61b3172a36e3d0cfb819")  # Vid-Initial-Contact


def prf(key, *data):
    return hmac.new(key, b"".join(data), hashlib.sha1).digest()


def chain(*payloads):
    """Payloads as (type, body), and the type of the first."""
    types = [kind for kind, _ in payloads] + [0]
    return types[0], b"".join(struct.pack(">BBH", types[i + 1], 0, 4 + len(body)) + body for i, (_, body) in enumerate(payloads))


def parse(kind, data):
    found = []
    while kind:
        following, _, size = struct.unpack_from(">BBH", data)
        found.append((kind, data[4:size]))
        kind, data = following, data[size:]
    return found


def short(kind, value):
    return struct.pack(">HH", 0x8000 | kind, value)


def long(kind, value):
    """XP writes durations in four octets though two would do."""
    return struct.pack(">HHI", kind, 4, value)


def transforms(rows):
    return b"".join(struct.pack(">BBHBBH", 3 if i + 1 < len(rows) else 0, 0, 8 + len(attrs), i + 1, number, 0) + attrs
                    for i, (number, attrs) in enumerate(rows))


def proposal(number, protocol, spi, rows, last=True):
    body = transforms(rows)
    return struct.pack(">BBHBBBB", 0 if last else 2, 0, 8 + len(spi) + len(body), number, protocol, len(spi), len(rows)) + spi + body


def phase1_sa():
    rows = [(1, short(1, enc) + short(2, digest) + short(4, group) + short(3, 1) + short(11, 1) + long(12, 28800))
            for enc, digest, group in ((5, 2, 2), (5, 1, 2), (1, 2, 1), (1, 1, 1))]
    return struct.pack(">II", 1, 1) + proposal(1, 1, b"", rows)


def phase2_sa(spi, encapsulation):
    lives = short(1, 1) + long(2, 3600) + short(1, 2) + long(2, 250000)
    offers = [(3, 1), (3, 2), (2, 1), (2, 2)]  # 3DES and DES, MD5 and SHA1
    return struct.pack(">II", 1, 1) + b"".join(
        proposal(i + 1, 3, spi, [(enc, lives + short(4, encapsulation) + short(5, auth))], i + 1 == len(offers))
        for i, (enc, auth) in enumerate(offers))


class Peer:
    def __init__(self, local, remote, key, nat):
        self.local, self.remote, self.key, self.nat = local, remote, key.encode(), nat
        self.sock = self.bind(500)
        self.port = 500
        self.icookie, self.rcookie = os.urandom(8), bytes(8)

    def bind(self, port):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((self.local, port))
        sock.settimeout(20)
        return sock

    def move(self):
        """Draft 02: from the fifth message on at port 4500, behind four zeros."""
        self.sock.close()
        self.sock = self.bind(4500)
        self.port = 4500

    def send(self, exchange, flags, message_id, first, body):
        head = self.icookie + self.rcookie + struct.pack(">BBBBII", first, 0x10, exchange, flags, message_id, 28 + len(body))
        self.sock.sendto((bytes(4) if self.port == 4500 else b"") + head + body, (self.remote, self.port))

    def receive(self, exchange, message_id=0):
        """What comes of this exchange; repetitions of others are passed over."""
        while True:
            data = self.sock.recv(65535)
            if self.port == 4500:
                if data[:4] != bytes(4):
                    continue
                data = data[4:]
            first, _, kind, flags, number, size = struct.unpack_from(">BBBBII", data, 16)
            if data[:8] != self.icookie or kind != exchange or number != message_id or size != len(data):
                continue
            self.rcookie = data[8:16]
            return first, flags, data[28:]

    def cipher(self, iv):
        return Cipher(algorithms.TripleDES(self.cipher_key), modes.CBC(iv))

    def seal(self, iv, body):
        body += bytes(-len(body) % 8)
        encryptor = self.cipher(iv).encryptor()
        out = encryptor.update(body) + encryptor.finalize()
        return out, out[-8:]

    def open(self, iv, body):
        decryptor = self.cipher(iv).decryptor()
        return decryptor.update(body) + decryptor.finalize(), body[-8:]

    def nat_hash(self, address, port):
        return hashlib.sha1(self.icookie + self.rcookie + socket.inet_aton(address) + struct.pack(">H", port)).digest()

    def main_mode(self):
        sa = phase1_sa()
        first, body = chain((SA, sa), *((VID, bytes.fromhex(text)) for text in VENDORS))
        self.send(MAIN, 0, 0, first, body)
        first, _, body = self.receive(MAIN)
        answer = parse(first, body)
        self.vendors = [body.hex() for kind, body in answer if kind == VID]
        chosen = next(body for kind, body in answer if kind == SA)
        assert chosen[8 + 8 + 8:] == phase1_sa()[8 + 8 + 8:][:len(chosen) - 24], "it is not the first transform, as it was offered"

        secret = int.from_bytes(os.urandom(64), "big")
        gxi, ni = pow(2, secret, PRIME).to_bytes(128, "big"), os.urandom(20)
        there, here = self.nat_hash(self.remote, 500), self.nat_hash(self.local, 500)
        if self.nat:
            here = os.urandom(20)  # as if the address were another one on the way
        first, body = chain((KE, gxi), (NONCE, ni), (NAT_D, there), (NAT_D, here))
        self.send(MAIN, 0, 0, first, body)
        first, _, body = self.receive(MAIN)
        answer = parse(first, body)
        gxr = next(body for kind, body in answer if kind == KE)
        nr = next(body for kind, body in answer if kind == NONCE)
        hashes = [body for kind, body in answer if kind == NAT_D]
        assert len(hashes) >= 2 and self.nat_hash(self.local, 500) == hashes[0], "NAT-D of draft 02, the receiver's address first"

        shared = pow(int.from_bytes(gxr, "big"), secret, PRIME).to_bytes(128, "big")
        cookies = self.icookie + self.rcookie
        skeyid = prf(self.key, ni, nr)
        self.skeyid_d = prf(skeyid, shared, cookies, b"\0")
        self.skeyid_a = prf(skeyid, self.skeyid_d, shared, cookies, b"\1")
        skeyid_e = prf(skeyid, self.skeyid_a, shared, cookies, b"\2")
        first_part = prf(skeyid_e, b"\0")
        self.cipher_key = (first_part + prf(skeyid_e, first_part))[:24]
        iv = hashlib.sha1(gxi + gxr).digest()[:8]

        ident = struct.pack(">BBH", 1, 0, 0) + socket.inet_aton(self.local)
        first, body = chain((ID, ident), (HASH, prf(skeyid, gxi, gxr, cookies, sa, ident)))
        if self.nat:
            self.move()
        body, iv = self.seal(iv, body)
        self.send(MAIN, 1, 0, first, body)
        first, flags, body = self.receive(MAIN)
        assert flags & 1, "message 6 is not enciphered"
        body, self.iv = self.open(iv, body)
        answer = parse(first, body)
        theirs = next(body for kind, body in answer if kind == ID)
        proof = next(body for kind, body in answer if kind == HASH)
        assert proof == prf(skeyid, gxr, gxi, self.rcookie + self.icookie, sa, theirs), "the responder's proof"

    def under_hash(self, message_id, *payloads, nonces=b""):
        first, rest = chain(*payloads)
        proof = prf(self.skeyid_a, struct.pack(">I", message_id), nonces, rest)
        return HASH, struct.pack(">BBH", first, 0, 24) + proof + rest

    def quick_mode(self):
        message_id = int.from_bytes(os.urandom(4), "big") | 1
        iv = hashlib.sha1(self.iv + struct.pack(">I", message_id)).digest()[:8]
        self.spi_in, ni = os.urandom(4), os.urandom(20)
        selector = [struct.pack(">BBH", 1, socket.IPPROTO_UDP, L2TP) + socket.inet_aton(a) for a in (self.local, self.remote)]
        payloads = [(SA, phase2_sa(self.spi_in, 61444 if self.nat else 2)), (NONCE, ni), (ID, selector[0]), (ID, selector[1])]
        if self.nat:
            payloads.append((NAT_OA, struct.pack(">BBH", 1, 0, 0) + socket.inet_aton(self.local)))
        first, body = self.under_hash(message_id, *payloads)
        body, iv = self.seal(iv, body)
        self.send(QUICK, 1, message_id, first, body)
        first, _, body = self.receive(QUICK, message_id)
        body, iv = self.open(iv, body)
        answer = parse(first, body)
        assert [kind for kind, _ in answer[:5]] == [HASH, SA, NONCE, ID, ID], [kind for kind, _ in answer]
        nr, chosen = answer[2][1], answer[1][1]
        covered = 24 + sum(4 + len(data) for _, data in answer[1:])
        assert answer[0][1] == prf(self.skeyid_a, struct.pack(">I", message_id), ni, body[24:covered]), "HASH(2)"
        assert [answer[3][1], answer[4][1]] == selector, "the identities come back"
        _, _, _, number, protocol, spi_len, count = struct.unpack_from(">BBHBBBB", chosen, 8)
        assert (number, protocol, spi_len, count) == (2, 3, 4, 1), "the second proposal: 3DES with SHA1"
        assert struct.pack(">HHI", 2, 4, 250000) in chosen, "the lifetime in kilobytes, as it was written"
        self.spi_out = chosen[16:20]
        proof = prf(self.skeyid_a, b"\0", struct.pack(">I", message_id), ni, nr)
        first, body = chain((HASH, proof))
        body, iv = self.seal(iv, body)
        self.send(QUICK, 1, message_id, first, body)
        self.keys_in, self.keys_out = (self.keymat(spi, ni, nr) for spi in (self.spi_in, self.spi_out))

    def keymat(self, spi, ni, nr):
        made, block = b"", b""
        while len(made) < 44:
            block = prf(self.skeyid_d, block, b"\3", spi, ni, nr)
            made += block
        return made[:24], made[24:44]

    def esp_socket(self):
        if self.nat:
            return self.sock
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, ESP)
        sock.bind((self.local, 0))
        sock.settimeout(20)
        return sock

    def protect(self, number, inner):
        cipher_key, mac_key = self.keys_out
        pad = -(len(inner) + 2) % 8
        clear = inner + bytes(range(1, pad + 1)) + bytes([pad, socket.IPPROTO_UDP])
        iv = os.urandom(8)
        encryptor = Cipher(algorithms.TripleDES(cipher_key), modes.CBC(iv)).encryptor()
        packet = self.spi_out + struct.pack(">I", number) + iv + encryptor.update(clear) + encryptor.finalize()
        return packet + prf(mac_key, packet)[:12]

    def unprotect(self, packet):
        cipher_key, mac_key = self.keys_in
        assert packet[:4] == self.spi_in and prf(mac_key, packet[:-12])[:12] == packet[-12:], "the answer's integrity"
        decryptor = Cipher(algorithms.TripleDES(cipher_key), modes.CBC(packet[8:16])).decryptor()
        clear = decryptor.update(packet[16:-12]) + decryptor.finalize()
        pad, following = clear[-2], clear[-1]
        assert following == socket.IPPROTO_UDP and clear[-2 - pad:-2] == bytes(range(1, pad + 1)), "padding and next header"
        return clear[:-2 - pad]

    def echo(self, words):
        """A datagram from port 1701 to port 1701, and its echo."""
        sock = self.esp_socket()
        inner = struct.pack(">HHHH", L2TP, L2TP, 8 + len(words), 0) + words  # no checksum: allowed in IPv4
        sock.sendto(self.protect(1, inner), (self.remote, self.port if self.nat else 0))
        while True:
            data = sock.recv(65535)
            if not self.nat:
                data = data[4 * (data[0] & 15):]
            if data[:4] == self.spi_in:
                break
        answer = self.unprotect(data)
        assert struct.unpack_from(">HHH", answer) == (L2TP, L2TP, 8 + len(words)), "the answer's ports"
        return answer[8:]

    def goodbye(self):
        message_id = int.from_bytes(os.urandom(4), "big") | 1
        iv = hashlib.sha1(self.iv + struct.pack(">I", message_id)).digest()[:8]
        first, body = self.under_hash(message_id, (DELETE, struct.pack(">IBBH", 1, 3, 4, 1) + self.spi_in))
        self.send(INFO, 1, message_id, first, self.seal(iv, body)[0])


def main():
    local, remote, key, *more = sys.argv[1:]
    peer = Peer(local, remote, key, "nat" in more)
    peer.main_mode()
    peer.quick_mode()
    words = b"control message of L2TP, or so"
    echo = peer.echo(words)
    print(json.dumps({"vendors": peer.vendors, "echo": echo == words, "spi_in": int.from_bytes(peer.spi_in, "big")}), flush=True)
    sys.stdin.readline()
    peer.goodbye()
    sys.exit(0 if echo == words else 1)


if __name__ == "__main__":
    main()
