#!/usr/bin/python3
"""The doors of the leak table on a packet's way: ports and fragments, inbound, forwarded, translated, and through the device. See
it_policyd_router.py for the stage.
"""

import contextlib
import os
import signal
import socket
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from it_policyd_rig import Policy, main, wait_for  # noqa: E402
from it_policyd_router import RouterTest, Traffic, Tun, checksum, ipv4, protect_all, syn, udp  # noqa: E402

IP_NODEFRAG = 22


class PathsTest(RouterTest):
    # -- ports, fragments, short packets

    def port_policies(self):
        return [Policy("out", "0.0.0.0/0", "10.0.0.0/8", 17, dport=53), Policy("in", "10.0.0.0/8", "0.0.0.0/0", 17, dport=53),
                Policy("out", "::/0", "fd00::/32", 17, dport=53)]

    def test_fragments_under_a_port_policy(self):
        self.load(*self.port_policies())
        for ns, target in ((self.a, "10.0.0.2"), (self.c, "10.0.0.2"), (self.a, "fd00::2"), (self.c, "fd00::2")):
            # Two fragments, each with the marker.
            with Traffic(ns, target, self.marker * 600, size=6000) as traffic:
                self.wait_sent(traffic, 50)
        self.assert_no_clear()
        with Traffic(self.c, "10.0.0.2", self.marker * 600, port=54, size=6000):
            wait_for("fragments of another port", lambda: self.wan.seen(self.marker))

    def test_fragments_that_evade_reassembly(self):
        self.load(*self.port_policies())
        whole = udp(1000, 53, self.marker * 300)
        for ns, source in ((self.a, "10.0.0.1"), (self.c, "172.20.0.2")):
            with ns.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
                s.setsockopt(socket.IPPROTO_IP, IP_NODEFRAG, 1)
                for identification in range(1, 50):
                    for start in (0, 1400, 2800):
                        piece = ipv4(source, "10.0.0.2", 17, whole[start:start + 1400], identification, start, start < 2800)
                        with contextlib.suppress(OSError):
                            s.sendto(piece, ("10.0.0.2", 0))
        self.assert_no_clear()

    def test_packets_too_short_for_ports(self):
        self.load(*self.port_policies(), Policy("out", "0.0.0.0/0", "10.0.0.0/8", 1, sport=8, misc=True))
        for ns, source in ((self.a, "10.0.0.1"), (self.c, "172.20.0.2")):
            with ns.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
                for proto in (17, 1):
                    for size in range(4):
                        with contextlib.suppress(OSError):
                            s.sendto(ipv4(source, "10.0.0.2", proto, b"\0" * size), ("10.0.0.2", 0))
        self.fence(self.wan)
        short = [frame for frame in self.wan.read() if frame.family == 4 and frame.proto in (1, 17) and len(frame.payload.strip(b"\0")) == 0]
        self.assertEqual(short, [])

    # -- inbound and forwarded

    def test_inbound_clear_is_dropped_and_counted(self):
        self.load(*protect_all())
        for source, target, counter in (("10.0.0.2", "10.0.0.1", "in_polvio"), ("fd00::2", "fd00::1", "ip6.in_polvio")):
            family = socket.AF_INET6 if ":" in target else socket.AF_INET
            with self.a.socket(family, socket.SOCK_DGRAM) as receiver, self.b.socket(family, socket.SOCK_DGRAM) as sender:
                receiver.bind((target, 5000))
                receiver.setblocking(False)
                before = self.stat(counter)
                for _ in range(20):
                    sender.sendto(self.marker, (target, 5000))
                wait_for("the packets to be counted", lambda: self.stat(counter) == before + 20)
                with self.assertRaises(BlockingIOError):
                    receiver.recv(100)

    def test_inbound_use_is_accepted(self):
        self.load(*protect_all("use"))
        with self.a.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver, self.b.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            receiver.bind(("10.0.0.1", 5000))
            receiver.settimeout(10)
            sender.sendto(self.marker, ("10.0.0.1", 5000))
            self.assertEqual(receiver.recv(100), self.marker)

    def test_forwarded_to_protected_network(self):
        for target in ("10.0.0.2", "fd00::2"):
            with Traffic(self.c, target, self.marker):
                wait_for("forwarded clear traffic", lambda: self.wan.seen(self.marker))
            self.wan.frames.clear()
        self.load(Policy("out", "172.20.0.0/24", "10.0.0.0/24", tunnel=("10.0.0.1", "10.0.0.2")),
                  Policy("out", "fd02::/64", "fd00::/64", tunnel=("fd00::1", "fd00::2")))
        self.fence(self.wan)  # behind what was under way when the rules changed
        self.wan.frames.clear()
        for target in ("10.0.0.2", "fd00::2"):
            with Traffic(self.c, target, self.marker) as traffic:
                self.wait_sent(traffic)
        self.assert_no_clear()
        self.assertTrue([frame for frame in self.lan.read() if frame.family == 4 and frame.proto == 1], "no ICMP for the sender")

    def test_forwarded_from_outside_checked_by_in_and_fwd(self):
        for direction, action in (("in", "ipsec"), ("in", "discard"), ("fwd", "ipsec"), ("fwd", "discard")):
            self.reload([Policy(direction, "10.0.0.0/24", "172.20.0.0/24", action=action)])
            self.admin.loaded()
            before = self.stat("in_polvio")
            with Traffic(self.b, "172.20.0.2", self.marker) as traffic:
                self.wait_sent(traffic)
            wait_for("packets to be counted", lambda: self.stat("in_polvio") >= before + 100)
            self.assert_no_clear(self.lan)
            if direction == "fwd":  # says nothing about what is for the host itself
                self.assertIn("1 received", self.b.run("ping", "-c", "1", "-W", "5", "172.20.0.1"))
        self.reload([Policy("fwd", "10.0.0.0/24", "172.20.0.0/24", action="none"), Policy("in", "10.0.0.0/24", "172.20.0.0/24")])
        self.admin.loaded()
        with Traffic(self.b, "172.20.0.2", self.marker) as traffic:
            self.wait_sent(traffic)
        self.assert_no_clear(self.lan)

    def test_in_only_says_nothing_about_forwarded_packets(self):
        for action in ("ipsec", "discard"):
            self.reload([Policy("in", "10.0.0.0/24", "172.20.0.0/24", action=action, in_only=True)])
            self.admin.loaded()
            with Traffic(self.b, "172.20.0.2", self.marker):
                wait_for("forwarded clear traffic", lambda: self.lan.seen(self.marker))
            self.lan.frames.clear()
            before = self.stat("in_polvio")
            self.assertIn("0 received", self.b.run("ping", "-c", "1", "-W", "1", "172.20.0.1", check=False))
            self.assertGreater(self.stat("in_polvio"), before)
        # Beside it, one that does say something.
        self.reload([Policy("in", "10.0.0.0/24", "172.20.0.0/24", 17, action="none", in_only=True),
                     Policy("in", "10.0.0.0/24", "172.20.0.0/24", priority=-1)])
        self.admin.loaded()
        with Traffic(self.b, "172.20.0.2", self.marker) as traffic:
            self.wait_sent(traffic)
        self.fence(self.lan)
        self.lan.read()
        self.lan.frames.clear()
        with Traffic(self.b, "172.20.0.2", self.marker) as traffic:
            self.wait_sent(traffic)
        self.assert_no_clear(self.lan)

    def test_discard_is_counted(self):
        self.load(Policy("out", "10.0.0.1", "10.0.0.2", action="discard"))
        with Traffic(self.a, "10.0.0.2", self.marker) as traffic:
            self.wait_sent(traffic)
        self.assertEqual(set(traffic.errors), {"EPERM"})
        self.assertGreaterEqual(self.stat("out_polvio"), 100)
        self.assert_no_clear()
        counted = self.stat("out_polvio")
        self.reload([Policy("out", "10.0.0.1", "10.0.0.2", action="discard")])
        self.admin.loaded()
        self.assertGreaterEqual(self.stat("out_polvio"), counted)  # reloading forgets no counter

    # -- address translation

    def test_translated_into_a_policy_is_stopped_by_the_guard(self):
        self.load(Policy("out", "10.0.0.1", "10.0.0.2"))
        self.a.run("nft", "add table ip nat; add chain ip nat post { type nat hook postrouting priority srcnat; };"
                   "add rule ip nat post oifname e0 masquerade")
        with Traffic(self.c, "10.0.0.2", self.marker) as traffic:
            self.wait_sent(traffic)
        self.assert_no_clear()
        self.assertGreater(self.stat("drop.guard"), 50)

    def test_redirected_into_a_policy_is_stopped_by_the_guard(self):
        self.load(Policy("out", "172.20.0.0/24", "10.0.0.2"))
        self.a.run("nft", "add table ip nat; add chain ip nat pre { type nat hook prerouting priority dstnat; };"
                   "add rule ip nat pre udp dport 53 dnat to 10.0.0.2")
        with Traffic(self.c, "172.20.0.1", self.marker) as traffic:
            self.wait_sent(traffic)
        self.assert_no_clear()
        self.assertGreater(self.stat("drop.guard"), 50)

    # -- what must go on working

    def test_exempt_traffic_under_policies_for_everything(self):
        self.load(Policy("out", "0.0.0.0/0", "0.0.0.0/0"), Policy("in", "0.0.0.0/0", "0.0.0.0/0"), Policy("out", "::/0", "::/0"),
                  Policy("in", "::/0", "::/0"))
        for ns in (self.a, self.b):
            ns.run("ip", "-6", "neigh", "flush", "all")
        self.assertIn("1 received", self.a.run("ping", "-c", "1", "-W", "5", "127.0.0.1"))
        self.assertIn("1 received", self.a.run("ping", "-6", "-c", "1", "-W", "5", "::1"))
        link_local = self.b.run("ip", "-6", "-br", "addr", "show", "dev", "e0", "scope", "link").split()[2].split("/")[0]
        self.assertIn("1 received", self.a.run("ping", "-6", "-c", "1", "-W", "5", f"{link_local}%e0"))
        # IKE for this host gets in, other UDP does not.
        with self.a.socket(socket.AF_INET, socket.SOCK_DGRAM) as ike, self.b.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            ike.bind(("10.0.0.1", 500))
            ike.settimeout(10)
            peer.sendto(self.marker, ("10.0.0.1", 500))
            self.assertEqual(ike.recv(100), self.marker)
        # A neighbour asks for the global address, and is answered.
        with self.b.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
            s.sendto(b"?", ("fd00::1", 9))
        wait_for("neighbour discovery", lambda: "REACHABLE" in self.b.run("ip", "-6", "neigh", "show", "fd00::1") or
                 "lladdr" in self.b.run("ip", "-6", "neigh", "show", "fd00::1"))

    def test_named_traffic_is_not_exempt(self):
        self.load(Policy("in", "10.0.0.0/8", "10.0.0.0/8", 17, dport=500))
        before = self.stat("in_polvio")
        with self.b.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.sendto(self.marker, ("10.0.0.1", 500))
        wait_for("the packet to be refused", lambda: self.stat("in_polvio") == before + 1)

    # -- the device

    def test_device_gets_everything_and_comes_back(self):
        self.load(*protect_all())
        for _ in range(2):
            tun = Tun(self.a)
            wait_for("the device to be configured", lambda: "default dev ipsec0" in self.a.run("ip", "route", "show", "table", "4500") and
                     "default dev ipsec0" in self.a.run("ip", "-6", "route", "show", "table", "4500"))
            self.assertIn("mtu 1400", self.a.run("ip", "link", "show", "ipsec0"))
            self.assertEqual(self.a.run("sysctl", "-n", "net.ipv4.conf.ipsec0.src_valid_mark").strip(), "1")
            for ns, target in ((self.a, "10.0.0.2"), (self.a, "fd00::2"), (self.c, "10.0.0.2"), (self.c, "fd00::2")):
                with Traffic(ns, target, self.marker):
                    wait_for(f"packets to {target} at the device", lambda: any(self.marker in packet for packet in tun.read()))
            self.assert_no_clear()
            tun.close()
            wait_for("the device to be missed", lambda: "not there" in self.admin.status()["device"])
            with Traffic(self.a, "10.0.0.2", self.marker) as traffic:
                self.wait_sent(traffic)
            self.assertEqual(set(traffic.errors), {"EHOSTUNREACH"})
            self.assert_no_clear()

    def with_device(self, *policies):
        self.load(*policies)
        tun = Tun(self.a)
        self.addCleanup(tun.close)
        wait_for("the device to be configured", lambda: "default dev ipsec0" in self.a.run("ip", "route", "show", "table", "4500"))
        return tun

    def test_what_comes_out_of_the_device_is_delivered_under_strict_rp_filter(self):
        tun = self.with_device(*protect_all())
        with self.a.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
            receiver.bind(("10.0.0.1", 5000))
            receiver.settimeout(10)
            tun.write(ipv4("10.0.0.2", "10.0.0.1", 17, udp(1, 5000, self.marker)))
            self.assertEqual(receiver.recv(100), self.marker)
        self.assertEqual(self.stat("in_polvio"), 0)

    def test_what_comes_out_of_the_device_is_forwarded_or_goes_in_again(self):
        tun = self.with_device(Policy("out", "172.20.0.0/24", "10.0.0.0/24"), Policy("in", "10.0.0.0/24", "172.20.0.0/24"),
                               Policy("out", "10.0.0.0/24", "10.9.0.0/24"), Policy("in", "10.0.0.0/24", "10.9.0.0/24"),
                               Policy("out", "10.0.0.0/24", "10.8.0.0/24", action="discard"))
        self.a.run("ip", "route", "add", "10.9.0.0/24", "via", "10.0.0.2")
        self.a.run("ip", "route", "add", "10.8.0.0/24", "via", "10.0.0.2")
        tun.write(ipv4("10.0.0.2", "172.20.0.2", 17, udp(1, 2, self.marker)))
        wait_for("the packet on the inner wire", lambda: self.lan.seen(self.marker))
        tun.read()
        tun.write(ipv4("10.0.0.2", "10.9.0.7", 17, udp(1, 2, self.marker)))  # the router would redirect, quoting it
        wait_for("the packet in the device again", lambda: any(self.marker in packet for packet in tun.read()))
        discarded = self.stat("out_polvio")
        tun.write(ipv4("10.0.0.2", "10.8.0.7", 17, udp(1, 2, self.marker)))
        wait_for("the packet to be discarded", lambda: self.stat("out_polvio") == discarded + 1)
        self.assert_no_clear()

    def test_what_comes_out_of_the_device_is_discarded_where_its_list_says_so(self):
        """datapathd has judged protection; which of two lists may discard, the kernel knows."""
        def goes(tun, target, wire_or_socket):
            tun.write(ipv4("10.0.0.2", target, 17, udp(1, 5000, self.marker)))
            if isinstance(wire_or_socket, socket.socket):
                return wire_or_socket.recv(100) == self.marker
            return wait_for("the packet on the inner wire", lambda: self.lan.seen(self.marker))

        host, network = "172.20.0.1", "172.20.0.0/24"
        tun = self.with_device(Policy("in", "10.0.0.0/24", network, in_only=True), Policy("fwd", "10.0.0.0/24", network, action="discard"))
        with self.a.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
            receiver.bind((host, 5000))
            receiver.settimeout(10)
            self.assertTrue(goes(tun, host, receiver))
            before = self.stat("in_polvio")
            tun.write(ipv4("10.0.0.2", "172.20.0.2", 17, udp(1, 5000, self.marker)))
            wait_for("the forwarded packet to be discarded", lambda: self.stat("in_polvio") == before + 1)
            self.assert_no_clear(self.lan)
            self.reload([Policy("in", "10.0.0.0/24", network, action="discard", in_only=True), Policy("fwd", "10.0.0.0/24", network)])
            self.admin.loaded()
            self.assertTrue(goes(tun, "172.20.0.2", self.lan))
            before = self.stat("in_polvio")
            tun.write(ipv4("10.0.0.2", host, 17, udp(1, 5000, self.marker)))
            wait_for("the host's packet to be discarded", lambda: self.stat("in_polvio") == before + 1)

    def test_device_down_or_changed_is_put_back(self):
        tun = self.with_device(*protect_all(), Policy("out", "10.0.0.0/24", "10.7.0.0/24", tunnel=("10.0.0.1", "10.0.0.2")))
        wait_for("the remote network's route", lambda: "10.7.0.0/24" in self.a.run("ip", "route", "show", "table", "4501"))
        for breakage in (("ip", "link", "set", "ipsec0", "down"), ("ip", "link", "set", "ipsec0", "mtu", "900"),
                         ("ip", "link", "set", "ipsec0", "down", "mtu", "1000"), ("ip", "route", "flush", "table", "4501"),
                         ("ip", "route", "del", "default", "dev", "ipsec0", "table", "4500"),
                         ("ip", "-6", "route", "flush", "table", "4500")):
            self.a.run(*breakage)
            wait_for(f"the repair after {' '.join(breakage)}", self.is_whole)
            tun.read()
            with Traffic(self.a, "10.0.0.2", self.marker):
                wait_for("packets at the device", lambda: any(self.marker in packet for packet in tun.read()))
        self.assert_no_clear()

    def is_whole(self):
        link = self.a.run("ip", "link", "show", "ipsec0")
        return ("mtu 1400" in link and ",UP" in link and "10.7.0.0/24" in self.a.run("ip", "route", "show", "table", "4501") and
                all("default dev ipsec0" in self.a.run("ip", family, "route", "show", "table", "4500") and
                    "unreachable default" in self.a.run("ip", family, "route", "show", "table", "4500") for family in ("-4", "-6")))

    def test_errors_about_what_came_out_of_the_device_are_not_clear(self):
        """An ICMP error quotes its packet: about a decrypted one it must not go out in clear, about others it must."""
        tun = self.with_device(Policy("out", "172.20.0.0/24", "10.0.0.0/24"), Policy("in", "10.0.0.0/24", "172.20.0.0/24"),
                               Policy("in", "fd00::/64", "fd02::/64"))
        expired = ipv4("10.0.0.2", "172.20.0.2", 17, udp(1, 2, self.marker))
        expired = expired[:8] + b"\1" + expired[9:10] + b"\0\0" + expired[12:]
        expired = expired[:10] + struct.pack("!H", checksum(expired[:20])) + expired[12:]
        guard = self.stat("drop.guard")
        tun.write(expired)
        wait_for("the error to be stopped", lambda: self.stat("drop.guard") == guard + 1)
        guard = self.stat("ip6.drop.guard")
        tun.write(struct.pack("!IHBB", 6 << 28, 8 + len(self.marker), 17, 1) + socket.inet_pton(socket.AF_INET6, "fd00::2") +
                  socket.inet_pton(socket.AF_INET6, "fd02::2") + udp(1, 2, self.marker))
        wait_for("the error to be stopped", lambda: self.stat("ip6.drop.guard") == guard + 1)
        self.assert_no_clear()
        with self.b.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:  # clear, to a port that nobody serves
            s.sendto(self.marker, ("10.0.0.1", 7))
        wait_for("the error about a clear packet", lambda: [f for f in self.wan.seen(self.marker) if f.proto == 1])

    def test_hairpin_without_routes_is_not_clear(self):
        tun = self.with_device(Policy("out", "10.0.0.0/24", "10.9.0.0/24"))
        self.a.run("ip", "route", "add", "10.9.0.0/24", "via", "10.0.0.2")
        os.kill(self.policyd.process.pid, signal.SIGSTOP)
        self.a.run("ip", "rule", "del", "pref", "98")
        self.a.run("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.ipsec0.rp_filter=0")
        for _ in range(50):
            tun.write(ipv4("10.0.0.2", "10.9.0.7", 17, udp(1, 2, self.marker)))
        self.fence(self.wan)
        os.kill(self.policyd.process.pid, signal.SIGCONT)
        self.assert_no_clear()
        self.assertEqual(self.stat("drop.guard"), 50)

    def test_segment_size_is_clamped_both_ways(self):
        tun = self.with_device(*protect_all())
        with self.c.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
            s.sendto(ipv4("172.20.0.2", "10.0.0.2", 6, syn(1460)), ("10.0.0.2", 0))
        seen = []
        wait_for("the SYN", lambda: seen.extend(packet for packet in tun.read() if packet[9] == 6) or seen)
        self.assertEqual(struct.unpack("!H", seen[0][-2:])[0], 1360)
        tun.write(ipv4("10.0.0.2", "172.20.0.2", 6, syn(1460)))
        wait_for("the SYN", lambda: [f for f in self.lan.read() if f.proto == 6 and f.dst == "172.20.0.2"])
        forwarded = [f for f in self.lan.frames if f.proto == 6 and f.dst == "172.20.0.2"][0]
        self.assertEqual(struct.unpack("!H", forwarded.payload[22:24])[0], 1360)

    def test_the_source_for_such_a_network_is_one_that_answers_reach(self):
        """Not the loopback device's, however wide the policy's source is."""
        self.a.run("ip", "link", "set", "lo", "up")
        self.addCleanup(self.a.run, "ip", "link", "set", "lo", "down")
        self.with_device(Policy("out", "0.0.0.0/0", "10.8.0.0/16", tunnel=("10.0.0.1", "10.0.0.2")),
                         Policy("out", "::/0", "fd08::/64", tunnel=("10.0.0.1", "10.0.0.2")))
        for family, net in (("-4", "10.8.0.0/16"), ("-6", "fd08::/64")):
            def route(family=family, net=net):
                return next((line for line in self.a.run("ip", family, "route", "show", "table", "4501").splitlines() if net in line), "")
            wait_for(f"the route to {net}", route)
            self.assertNotRegex(route(), r"src (127\.|::1\b|fe80:)")

    def test_tunnel_to_a_network_without_a_route(self):
        self.a.run("ip", "route", "flush", "table", "main", "scope", "global", check=False)
        tun = self.with_device(Policy("out", "10.0.0.1", "172.16.0.0/16", tunnel=("10.0.0.1", "10.0.0.2")),
                               Policy("out", "172.20.0.0/24", "172.17.0.0/16", tunnel=("10.0.0.1", "10.0.0.2")))
        wait_for("the route", lambda: "172.16.0.0/16 dev ipsec0" in self.a.run("ip", "route", "show", "table", "4501"))
        routes = self.a.run("ip", "route", "show", "table", "4501")
        self.assertIn("172.16.0.0/16 dev ipsec0 proto kernel scope link src 10.0.0.1", routes)
        self.assertIn("172.17.0.0/16 dev ipsec0 proto kernel scope link src 172.20.0.1", routes)
        with Traffic(self.a, "172.16.0.9", self.marker):
            wait_for("packets at the device", lambda: any(self.marker in packet for packet in tun.read()))
        self.reload([Policy("out", "10.0.0.1", "172.16.0.0/16", tunnel=("10.0.0.1", "10.0.0.2"))])
        self.admin.loaded()
        self.assertNotIn("172.17", self.a.run("ip", "route", "show", "table", "4501"))

    def test_a_device_of_that_name_that_is_no_tun_gets_nothing(self):
        self.load(*protect_all())
        self.a.sh("ip link add ipsec0 type veth peer name other; ip link set ipsec0 up; ip addr add 10.0.0.9/32 dev ipsec0")
        wait_for("a word about it", lambda: "is no TUN device" in self.policyd.log_text())
        self.assertNotIn("dev ipsec0", self.a.run("ip", "route", "show", "table", "4500"))

    def test_host_without_ipv6(self):
        self.policyd.kill()
        self.a.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
        self.admin = self.policyd.start()
        tun = self.with_device(*protect_all())
        with Traffic(self.a, "10.0.0.2", self.marker):
            wait_for("packets at the device", lambda: any(self.marker in packet for packet in tun.read()))
        self.assert_no_clear()


if __name__ == "__main__":
    main()
