#!/usr/bin/python3
"""A peer of base mode with a pre-shared key, as initiator (then quick mode and an echo through ESP, both xp_peer.py's) or as
responder (until keyd's first message under the new keys). Its hashes are computed here from their formulas, which are in
docs/decisions.md, with nothing of the suite's.

usage: base_peer.py begin|answer LOCAL REMOTE KEY

Prints a line of JSON with what it saw; `begin` then waits for a line and says goodbye. Exit status 0: everything was as it
should be.
"""

import hashlib
import json
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from xp_peer import HASH, ID, INFO, KE, NONCE, PRIME, QUICK, SA, Peer, chain, parse, phase1_sa, prf  # noqa: E402

BASE = 1


def one(payloads, kind):
    found = [body for name, body in payloads if name == kind]
    assert len(found) == 1, f"{len(found)} payloads of type {kind}"
    return found[0]


class BasePeer(Peer):
    def __init__(self, local, remote, key):
        super().__init__(local, remote, key, False)
        self.vendors = []
        self.secret = int.from_bytes(os.urandom(64), "big")
        self.ours, self.nonce = pow(2, self.secret, PRIME).to_bytes(128, "big"), os.urandom(20)
        self.ident = struct.pack(">BBH", 1, 0, 0) + socket.inet_aton(local)

    def say(self, *payloads):
        self.send(BASE, 0, 0, *chain(*payloads))

    def hear(self):
        first, flags, body = self.receive(BASE)
        assert not flags & 1, "nothing of base mode is enciphered"
        return parse(first, body)

    def make_keys(self, skeyid, gxi, gxr, theirs):
        shared = pow(int.from_bytes(theirs, "big"), self.secret, PRIME).to_bytes(128, "big")
        cookies = self.icookie + self.rcookie
        self.skeyid_d = prf(skeyid, shared, cookies, b"\0")
        self.skeyid_a = prf(skeyid, self.skeyid_d, shared, cookies, b"\1")
        skeyid_e = prf(skeyid, self.skeyid_a, shared, cookies, b"\2")
        block = prf(skeyid_e, b"\0")
        self.cipher_key = (block + prf(skeyid_e, block))[:24]
        self.iv = hashlib.sha1(gxi + gxr).digest()[:8]  # no message of phase 1 was enciphered

    def begin(self):
        sa = phase1_sa()
        self.say((SA, sa), (ID, self.ident), (NONCE, self.nonce))
        answer = self.hear()
        assert answer[0][0] == SA and one(answer, SA)[24:] == sa[24:][:len(one(answer, SA)) - 24], "the first transform, unchanged"
        shown = {kind for kind, _ in answer}
        assert shown >= {ID, NONCE} and not shown & {KE, HASH}, "message 2 has nothing that a key could be guessed from"
        theirs, cookies = one(answer, ID), self.icookie + self.rcookie
        skeyid = prf(self.key, self.nonce, one(answer, NONCE))
        self.say((KE, self.ours), (HASH, prf(skeyid, self.ours, cookies, sa, self.ident)))
        answer = self.hear()
        gxr = one(answer, KE)
        assert one(answer, HASH) == prf(skeyid, gxr, self.ours, self.rcookie + self.icookie, sa, theirs), "the responder's proof"
        self.make_keys(skeyid, self.ours, gxr, gxr)

    def first_message(self):
        """What begins an exchange with us; who sent it and the cookie are known from then on."""
        data = self.sock.recv(65535)
        first, _, kind, flags, number, size = struct.unpack_from(">BBBBII", data, 16)
        assert (kind, flags & 1, number, size) == (BASE, 0, 0, len(data)) and data[8:16] == bytes(8), "message 1 of base mode"
        self.icookie = data[:8]
        return parse(first, data[28:])

    def receive(self, exchange, message_id=0):
        mine, answer = self.rcookie, super().receive(exchange, message_id)
        assert mine == bytes(8) or mine == self.rcookie, "the cookies are the exchange's"
        return answer

    def answer(self):
        asked = self.first_message()
        sa, theirs, ni = one(asked, SA), one(asked, ID), one(asked, NONCE)
        assert asked[0][0] == SA and not {kind for kind, _ in asked} & {KE, HASH}, "SA, identity and nonce"
        self.rcookie = os.urandom(8)
        self.say((SA, sa), (ID, self.ident), (NONCE, self.nonce))  # its one transform is the choice
        shown = self.hear()
        while any(kind == SA for kind, _ in shown):
            shown = self.hear()  # message 1 once more
        gxi, cookies = one(shown, KE), self.icookie + self.rcookie
        skeyid = prf(self.key, ni, self.nonce)
        assert one(shown, HASH) == prf(skeyid, gxi, cookies, sa, theirs), "the initiator's proof"
        self.say((KE, self.ours), (HASH, prf(skeyid, self.ours, gxi, self.rcookie + self.icookie, sa, self.ident)))
        self.make_keys(skeyid, gxi, self.ours, gxi)

    def under_our_keys(self):
        """The first message behind phase 1: its hash holds only if both have made the same keys, and the same IV."""
        while True:
            data = self.sock.recv(65535)
            first, _, kind, flags, number, _ = struct.unpack_from(">BBBBII", data, 16)
            if kind in (INFO, QUICK) and data[:16] == self.icookie + self.rcookie:
                break
        assert flags & 1 and number and first == HASH, "enciphered, with a message id, the hash in front"
        body, _ = self.open(hashlib.sha1(self.iv + struct.pack(">I", number)).digest()[:8], data[28:])
        following = parse(first, body)[1:]
        covered = 24 + sum(4 + len(data) for _, data in following)
        assert body[4:24] == prf(self.skeyid_a, struct.pack(">I", number), body[24:covered]), "HASH(1)"
        return kind


def main():
    role, local, remote, key = sys.argv[1:]
    peer = BasePeer(local, remote, key)
    if role == "answer":
        print("ready", flush=True)
        peer.answer()
        print(json.dumps({"exchange": peer.under_our_keys()}), flush=True)
        sys.stdin.readline()
        return
    peer.begin()
    peer.quick_mode()
    words = b"through what base mode has made"
    echo = peer.echo(words)
    print(json.dumps({"echo": echo == words}), flush=True)
    sys.stdin.readline()
    peer.goodbye()


if __name__ == "__main__":
    main()
