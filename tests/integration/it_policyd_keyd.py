#!/usr/bin/python3
"""policyd's side of automatic keying, over its sockets: acquires for subscribers, policies for identities, grants for tickets.

keyd and datapathd are played by this test under their uids; tickets are made with the key that policyd made in its run
directory, by Python's own HMAC.
"""

import errno
import hmac
import os
import socket
import struct
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import it_policyd_edges as edges  # noqa: E402
from it_policyd_edges import FakeDatapathd, as_uid  # noqa: E402
from it_policyd_rig import (ANY, DATAPATHD_UID, TYPE, Edge, Netns, Policy, Policyd, Refused, address, decode, field,  # noqa: E402
                            main, message, prefix, wait_for)

KEYD_UID = 64212
TYPE.update({"GRANT_PUT": 192, "GRANT_GONE": 193, "IKE_BEGIN": 208, "IKE_ROW": 209, "IKE_PREPARE": 210, "IKE_COMMIT": 211,
             "SUBSCRIBE": 256, "ACQUIRE_EVENT": 257, "ACQUIRE_DONE": 258, "MATCH": 259, "GRANT_ASK": 261, "GRANT_DROP": 263})
AES_CBC, SHA1, SHA256 = 3, 2, 3
DAY_MS = 24 * 3600 * 1000


def boottime_ms():
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000)


def addr(text):
    return message(f1=address(text))


def selector(src, dst, upper=ANY, sport=0, dport=0):
    return message(f1=prefix(src), f2=prefix(dst), f3=upper, f4=sport, f5=dport)


class Datapathd(FakeDatapathd):
    """Remembers what it was told of grants."""

    def __init__(self, policyd):
        self.told, self.grants, self.refuse = [], {}, False
        super().__init__(policyd)

    def take(self, connection, kind, record_id, body):
        if kind == TYPE["GRANT_GONE"]:
            gone = (body[1] or [0])[0]
            self.told.append(("gone", gone))
            self.grants = {} if not gone else {k: v for k, v in self.grants.items() if k != gone}
        elif kind == TYPE["GRANT_PUT"]:
            self.told.append(("put", body[1][0]))
            if self.refuse:
                answer = TYPE["ERROR"], message(f1=errno.ENOSPC, f2="datapathd is full")
            else:
                self.grants[body[1][0]] = body
                answer = TYPE["OK"], b""
            connection.send(struct.pack("!HHII", answer[0], 0, record_id, 0) + answer[1])


class KeydTest(unittest.TestCase):
    refused, assert_ends, connect = edges.EdgesTest.refused, edges.EdgesTest.assert_ends, edges.EdgesTest.connect

    def setUp(self):
        self.ns = Netns()
        self.addCleanup(self.ns.close)
        self.policyd = Policyd(self.ns, "--peer", f"keyd={KEYD_UID}:{KEYD_UID}", sockets=("policyd.keyd",))
        self.addCleanup(self.policyd.close)
        self.admin = self.policyd.start()
        self.addCleanup(lambda: self._outcome.success or print(self.policyd.log_text(), file=sys.stderr))
        self.keyd = self.keyd_edge()

    def edge(self, name, uid):
        edge = as_uid(uid, lambda: Edge(os.path.join(self.policyd.run_dir, name), name))
        self.addCleanup(edge.close)
        return edge

    def keyd_edge(self):
        return self.edge("policyd.keyd", KEYD_UID)

    def event(self, edge, kind, wait=30):
        edge.socket.settimeout(wait)
        try:
            got, _, record_id, _, body = edge.receive()
        except TimeoutError:
            return None
        finally:
            edge.socket.settimeout(30)
        self.assertEqual((got, record_id), (TYPE[kind], 0))
        return decode(body)

    # -- acquires

    def acquire(self, edge, policy, seq):
        edge.call("ACQUIRE", message(f1=seq, f2=policy, f4=selector("10.0.0.1", "10.0.0.2", 6, 1000, 80), f5=addr("10.0.0.1"),
                                     f6=addr("10.0.0.2")))

    def test_subscribers_hear_of_each_acquire_once(self):
        one, two, three = self.admin.put(*(Policy("out", "10.0.0.1", f"10.0.0.{n}") for n in (2, 3, 4)))
        self.admin.loaded()
        datapathd = self.edge("policyd.acquire", DATAPATHD_UID)
        self.acquire(datapathd, one, 41)
        self.keyd.call("SUBSCRIBE")
        event = self.event(self.keyd, "ACQUIRE_EVENT")
        policy = decode(event[2][0])
        self.assertEqual((policy[1][0], policy[2][0]), (one, 2))  # the outbound one, whole
        self.assertEqual(len(policy[6]), 1)
        self.assertEqual(event[3][0], selector("10.0.0.1", "10.0.0.2", 6, 1000, 80))
        self.assertEqual((event[4][0], event[5][0]), (addr("10.0.0.1"), addr("10.0.0.2")))
        self.keyd.call("SUBSCRIBE")  # again: what was told is not told again
        self.assertIsNone(self.event(self.keyd, "ACQUIRE_EVENT", 0.5))
        self.acquire(datapathd, two, 42)
        second = self.event(self.keyd, "ACQUIRE_EVENT")
        self.assertGreater(second[1][0], event[1][0])
        late = self.keyd_edge()
        late.call("SUBSCRIBE")
        self.assertEqual([self.event(late, "ACQUIRE_EVENT")[1][0] for _ in range(2)], [event[1][0], second[1][0]])
        self.acquire(datapathd, three, 43)
        self.assertEqual(self.event(late, "ACQUIRE_EVENT")[1][0], self.event(self.keyd, "ACQUIRE_EVENT")[1][0])

    def test_done_ends_an_acquire_and_datapathd_is_told_at_once(self):
        policy, = self.admin.put(Policy("out", "10.0.0.1", "10.0.0.2"))
        self.admin.loaded()
        datapathd = self.edge("policyd.acquire", DATAPATHD_UID)
        self.keyd.call("SUBSCRIBE")
        self.acquire(datapathd, policy, 1)
        seq = self.event(self.keyd, "ACQUIRE_EVENT")[1][0]
        self.keyd.send("ACQUIRE_DONE", message(f1=seq, f2=True))
        over = self.event(datapathd, "ACQUIRE_EXPIRED", 5)  # ended well: it may ask again
        self.assertEqual((over[1][0], over[2][0]), (1, policy))
        self.acquire(datapathd, policy, 2)
        again = self.event(self.keyd, "ACQUIRE_EVENT")[1][0]
        self.keyd.send("ACQUIRE_DONE", message(f1=seq))  # of the one before: nothing
        self.refused(errno.EALREADY, self.acquire, datapathd, policy, 3)
        self.keyd.send("ACQUIRE_DONE", message(f1=again))
        expired = self.event(datapathd, "ACQUIRE_EXPIRED", 5)
        self.assertEqual((expired[1][0], expired[2][0]), (2, policy))
        self.acquire(datapathd, policy, 4)
        self.assertGreater(self.event(self.keyd, "ACQUIRE_EVENT")[1][0], again)
        stats = self.admin.stats()
        self.assertEqual((stats["acquire_done"], stats["acquire_failed"], stats["acquire_expired"]), (1, 1, 0))

    def test_only_keyd(self):
        for uid in (0, DATAPATHD_UID):
            with self.assertRaises((ConnectionError, Refused)):
                self.edge("policyd.keyd", uid).call("SUBSCRIBE")

    def test_malformed_ends_that_connection_only(self):
        for kind in ("MATCH", "GRANT_ASK"):
            for body in (b"\xff" * 9, b"", message(f1=selector("10.0.0.1", "10.0.0.2"), f2=message(f1=b"12345"))):
                self.assert_ends(self.keyd_edge(), kind, body)
        self.keyd.call("SUBSCRIBE")

    # -- policies

    def match(self, out, local="192.0.2.1", remote="192.0.2.2"):
        reply = decode(self.keyd.call("MATCH", message(f1=out, f2=addr(local), f3=addr(remote))))
        return tuple(decode(reply[n][0])[1][0] if reply[n] else None for n in (1, 2))

    def test_policies_of_two_identities(self):
        ends = ("192.0.2.1", "192.0.2.2")
        out, in_, hosts, inside = self.admin.put(
            Policy("out", "10.1.0.0/16", "10.2.0.0/16", tunnel=ends), Policy("in", "10.2.0.0/16", "10.1.0.0/16", tunnel=ends[::-1]),
            Policy("out", "192.0.2.0/24", "192.0.2.0/24", 6), Policy("in", "10.2.0.7", "10.1.0.0/16", tunnel=ends[::-1]))
        self.admin.loaded()
        self.assertEqual(self.match(selector("10.1.9.9/16", "10.2.0.0/16")), (out, in_))
        self.assertEqual(self.match(selector("10.1.0.0/16", "10.2.0.0/17")), (None, None))
        self.assertEqual(self.match(selector("10.1.0.0/16", "10.2.0.7")), (None, inside))
        self.assertEqual(self.match(selector("192.0.2.1", "192.0.2.2")), (hosts, None))
        self.assertEqual(self.match(selector("192.0.2.1", "192.0.2.2", 6, 0, 80)), (hosts, None))
        self.assertEqual(self.match(selector("192.0.2.1", "192.0.2.2", 17)), (None, None))
        self.assertEqual(self.match(selector("192.0.2.1", "192.0.2.2"), remote="192.0.2.3"), (None, None))

    # -- the configuration for key exchange

    def load(self, generation, peers=(("192.0.2.2", "192.0.2.2"),), children=(((AES_CBC,), (SHA1, SHA256)),), admin=None):
        admin = admin or self.admin
        admin.call("IKE_BEGIN", message(f1=len(peers), f2=len(children)))
        rows = [message(f1=message(f1=name, f2=addr(at) if at else None, f3=500)) for name, at in peers]
        rows += [message(f2=b"".join(field(8, message(f1=number)) for number in enc) +
                         b"".join(field(9, message(f1=number)) for number in auth) +
                         field(1, message(f1=1)) + field(2, message(f1=1))) for enc, auth in children]
        for number, row in enumerate(rows):
            admin.socket.send(struct.pack("!HHII", TYPE["IKE_ROW"], 0, 0, number) + row)
        admin.call("IKE_PREPARE")
        if generation:
            admin.call("IKE_COMMIT", message(f1=generation))

    def test_a_load_is_staged_per_connection_and_survives_a_restart(self):
        other = self.connect()
        self.load(0)
        self.load(0, peers=(), admin=other)
        self.assertNotIn("ike generation", self.admin.status())
        self.admin.call("IKE_COMMIT", message(f1=1 << 40))
        status = self.admin.status()
        self.assertEqual((status["ike generation"], status["ike peers"]), (str(1 << 40), "1"))
        self.refused(errno.EINVAL, self.admin.call, "IKE_COMMIT", message(f1=1 << 41))
        self.policyd.kill()
        self.admin = self.policyd.start()
        status = self.admin.status()
        self.assertEqual((status["ike generation"], status["ike peers"]), (str(1 << 40), "1"))

    def test_an_odd_load_is_refused_with_the_row(self):
        self.admin.call("IKE_BEGIN", message(f2=1))
        self.admin.socket.send(struct.pack("!HHII", TYPE["IKE_ROW"], 0, 0, 0) + message(f2=field(8, message(f1=31))))
        self.assertIn("row 0: cipher 31", self.refused(errno.EINVAL, self.admin.call, "IKE_PREPARE"))
        self.refused(errno.EINVAL, self.admin.call, "IKE_COMMIT", message(f1=1))

    # -- grants

    def ticket(self, generation=1, peer=0, at="192.0.2.2", life_ms=60000, cookie=b"initiatr"):
        with open(os.path.join(self.policyd.run_dir, "ticket.key"), "rb") as file:
            key = file.read()
        family = 6 if ":" in at else 4
        said = struct.pack("!BQIQB16sI8s8sQBHB", 4, generation, peer, 0, family, address(at), 0, cookie, b"respondr",
                           boottime_ms() + life_ms, 1, 0, 0)
        return said + hmac.digest(key, b"postern ticket\0" + said, "sha512")[:32]

    def ask_body(self, policy, ticket, local="192.0.2.1", remote="192.0.2.2"):
        return message(f1=ticket, f2=policy, f3=addr(local), f4=addr(remote))

    def ask(self, policy, ticket=None, **more):
        reply = decode(self.keyd.call("GRANT_ASK", self.ask_body(policy, ticket or self.ticket(), **more)))
        return reply[1][0], reply[2][0]

    def with_tunnel(self):
        """datapathd, a configuration and a tunnel in both directions."""
        datapathd = Datapathd(self.policyd)
        self.addCleanup(datapathd.close)
        self.load(1)
        ends = ("192.0.2.1", "192.0.2.2")
        self.tunnel = (Policy("out", "10.1.0.0/16", "10.2.0.0/16", tunnel=ends, level="unique"),
                       Policy("in", "10.2.0.0/16", "10.1.0.0/16", tunnel=ends[::-1], level="unique", reqid=77))
        policy = self.admin.put(*self.tunnel)[0]
        wait_for("datapathd to have the policies", lambda: datapathd.snapshots and len(datapathd.snapshots[-1][1]) == 2)
        self.admin.barrier(kernel_only=False)
        return datapathd, policy

    def test_a_grant_is_known_to_datapathd_before_keyd(self):
        datapathd, policy = self.with_tunnel()
        grant, expires = self.ask(policy)
        body = datapathd.grants[grant]  # there already
        self.assertAlmostEqual(expires, boottime_ms() + DAY_MS, delta=60000)
        self.assertEqual((body[2][0], body[3][0], body[4][0], body[6][0]), (policy, addr("192.0.2.1"), addr("192.0.2.2"), expires))
        request = decode(body[5][0])
        self.assertEqual((request[1][0], request[2][0], request[4][0]), (50, 3, 77))
        self.assertGreaterEqual(request[3][0], 0x8000)
        self.assertEqual((request[5][0], request[6][0]), (bytes([AES_CBC]), bytes([SHA1, SHA256])))
        self.assertEqual(datapathd.told, [("gone", 0), ("put", grant)])
        # The same exchange has one grant; another one gets its own.
        self.assertEqual(self.ask(policy)[0], grant)
        other = self.ask(policy, self.ticket(cookie=b"another!"))[0]
        self.assertGreater(other, grant)
        # Asked for twice, it goes when it is given back twice.
        self.keyd.send("GRANT_DROP", message(f1=grant))
        self.assertEqual(self.ask(policy)[0], grant)
        for _ in range(2):
            self.keyd.send("GRANT_DROP", message(f1=grant))
        wait_for("it to be dropped", lambda: set(datapathd.grants) == {other})
        self.assertEqual(self.admin.status()["grants"], "1")

    def test_what_does_not_fit_is_refused_by_name(self):
        datapathd, policy = self.with_tunnel()
        forged = bytearray(self.ticket())
        forged[9] ^= 1

        def why(code, policy=policy, ticket=None, **more):
            return self.refused(code, self.keyd.call, "GRANT_ASK",
                                self.ask_body(policy, self.ticket() if ticket is None else ticket, **more))
        self.assertIn("there is no ticket", why(errno.EACCES, ticket=b""))
        self.assertIn("neither certd nor certd-verify", why(errno.EBADMSG, ticket=bytes(forged)))
        self.assertIn("expired", why(errno.EKEYEXPIRED, ticket=self.ticket(life_ms=-1)))
        self.assertIn("at 192.0.2.9", why(errno.EACCES, ticket=self.ticket(at="192.0.2.9")))
        self.assertIn("peer 1", why(errno.EACCES, ticket=self.ticket(peer=1)))
        self.assertIn("loaded anew", why(errno.ESTALE, ticket=self.ticket(generation=2)))
        self.assertIn("no outbound policy", why(errno.ENOENT, policy=policy + 1))
        self.assertIn("not between", why(errno.EACCES, local="192.0.2.3"))
        self.assertEqual(datapathd.told, [("gone", 0)])
        datapathd.refuse = True
        self.assertIn("datapathd is full", why(errno.ENOSPC))
        self.assertEqual(self.admin.status()["grants"], "0")
        self.assertEqual(self.admin.stats()["grant_made"], 0)

    def test_without_datapathd_there_is_no_grant(self):
        self.load(1)
        policy, = self.admin.put(Policy("out", "192.0.2.1", "192.0.2.2"))
        self.admin.loaded()
        text = self.refused(errno.ENOTCONN, self.keyd.call, "GRANT_ASK", self.ask_body(policy, self.ticket()))
        self.assertIn("datapathd is not there", text)

    def test_grants_go_with_policy_and_peer_and_come_again_with_datapathd(self):
        datapathd, policy = self.with_tunnel()
        more = self.admin.put(Policy("out", "192.0.2.1", "192.0.2.2"))[0]
        self.admin.barrier(kernel_only=False)
        first, second = self.ask(policy)[0], self.ask(more)[0]
        datapathd.grants.clear()
        before = len(datapathd.told)
        datapathd.drop_connection()
        wait_for("both to be told again", lambda: set(datapathd.grants) == {first, second})
        self.assertNotIn(("gone", 0), datapathd.told[before:])
        self.admin.delete(self.tunnel[0])
        wait_for("one to be withdrawn", lambda: set(datapathd.grants) == {second})
        self.load(2, peers=(("192.0.2.2", "192.0.2.2"),), children=(((AES_CBC,), (SHA256,)),))
        wait_for("the transforms to follow", lambda: decode(datapathd.grants[second][5][0])[6][0] == bytes([SHA256]))
        self.assertEqual(self.ask(more, self.ticket(generation=1))[0], second)  # for two minutes
        self.load(3, peers=(("192.0.2.3", "192.0.2.3"),))
        wait_for("the other one to be withdrawn", lambda: not datapathd.grants)
        self.refused(errno.ESTALE, self.keyd.call, "GRANT_ASK", self.ask_body(more, self.ticket(generation=2)))
        self.assertEqual(self.admin.stats()["grant_withdrawn"], 2)

    def test_a_new_policyd_takes_back_what_an_earlier_one_granted(self):
        datapathd, policy = self.with_tunnel()
        grant = self.ask(policy)[0]
        self.policyd.kill()
        self.admin = self.policyd.start()
        wait_for("the old grants to be taken back", lambda: not datapathd.grants)
        self.keyd = self.keyd_edge()
        wait_for("datapathd to be connected", lambda: self.admin.status()["datapathd"] == "connected")
        self.assertGreater(self.ask(policy)[0], grant)


class WithoutSocketTest(unittest.TestCase):
    def test_a_launcher_without_keyd_is_no_error(self):
        ns = Netns()
        self.addCleanup(ns.close)
        policyd = Policyd(ns)
        self.addCleanup(policyd.close)
        admin = policyd.start()
        self.assertEqual(admin.put(Policy("out", "10.0.0.1", "10.0.0.2")), [1])
        self.assertIn("policyd.keyd", policyd.log_text())


if __name__ == "__main__":
    main()
