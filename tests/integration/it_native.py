#!/usr/bin/python3
"""The native configuration: loaded by difference, beside setkey's policies, in the place of a racoon.conf, and with nothing
disturbed that is the same."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtest import ELMER, EXAMPLES, RELENT, count, wait_for  # noqa: E402

FILE = "/etc/postern/postern.conf"
SECRET = "a long shared secret, with blanks"


def connection(name, remote, child, *more, secret=SECRET):
    return f'connection {name} {{\n version 1\n remote {remote}\n secret "{secret}"\n' + "".join(f" {line}\n" for line in more) + \
        f" child {child}\n}}\n"


class Native(labtest.LabTest):
    def setUp(self):
        super().setUp()
        for host in self.both:
            host.run("ipsecctl", "load", "--none")
            host.run("ipsecctl", "down", ELMER if host is self.relent else RELENT, check=False)

    def write(self, host, text):
        host.run("sh", "-c", f"umask 077; cat > {FILE}", text=text)

    def load(self, host, text=None, *words):
        if text is not None:
            self.write(host, text)
        return host.out("ipsecctl", "load", *words)

    def fails(self, host, *words):
        done = host.run(*words, check=False)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        return done.stderr

    def between(self, *more, remote_more=()):
        self.load(self.elmer, connection("relent", RELENT, f"{ELMER} = {RELENT}", *more))
        self.load(self.relent, connection("elmer", ELMER, f"{RELENT} = {ELMER}", *more, *remote_more))

    def policies(self, host):
        return host.json("spd")["policies"]

    def sas(self, host):
        return [sa["spis"] for sa in host.json("show")["ike_sas"]]

    def spis(self, host):
        return sorted(row["spi"] for row in host.json("sad")["sas"])

    def up(self):
        self.elmer.run("ipsecctl", "up", RELENT)
        for host in self.both:
            wait_for("its pair", lambda host=host: len(host.json("sad")["sas"]) == 2)

    def test_a_tunnel_in_six_lines(self):
        """PSK, both ways, and the traffic is inside of it."""
        self.between()
        rows = self.policies(self.elmer)
        self.assertEqual([row["dir"] for row in rows], ["in", "out"])
        self.assertTrue(all(row["loaded"] for row in rows))
        self.up()
        self.elmer.run("ping", "-c", "3", "-W", "5", RELENT)
        self.assertGreaterEqual(max(row["packets"] for row in self.elmer.json("sad")["sas"]), 3)

    def test_dry_run_says_and_changes_nothing(self):
        said = self.load(self.elmer, connection("relent", RELENT, f"{ELMER} = {RELENT}"), "-n")
        self.assertIn("+ connection relent\n", said)
        self.assertIn(f"+ policy {ELMER}[any] {RELENT}[any] any -P out ipsec esp/tunnel/{ELMER}-{RELENT}/unique\n", said)
        self.assertIn(f"{FILE}, not loaded: connections: 1 added, 0 changed, 0 removed; policies: 2 added, 0 removed.", said)
        self.assertEqual(self.policies(self.elmer), [])
        self.assertIn("no connection", self.fails(self.elmer, "ipsecctl", "up", "-t", "1", RELENT))

    def test_the_second_time_nothing_is_different(self):
        self.between()
        self.up()
        before = (self.sas(self.elmer), self.spis(self.elmer), [row["id"] for row in self.policies(self.elmer)],
                  self.elmer.json("status"))
        said = self.load(self.elmer)
        self.assertEqual(said, f"{FILE}: nothing is different (connections: 1, policies: 2).\n")
        self.assertEqual(before[:3], (self.sas(self.elmer), self.spis(self.elmer), [row["id"] for row in self.policies(self.elmer)]))
        doc = json.loads(self.elmer.out("ipsecctl", "--json", "load", "-n"))
        self.assertEqual(doc["connections"], {"added": [], "changed": [], "removed": []})
        self.assertEqual(doc["policies"], {"added": [], "removed": []})
        self.assertEqual((doc["schema_version"], doc["applied"], doc["file"]), (1, False, FILE))

    def test_what_changed_is_named_and_the_rest_goes_on(self):
        """Another connection comes, changes and goes; the SAs of this one stay, here and there, through every load."""
        self.between()
        self.up()
        held = (self.sas(self.elmer), self.spis(self.elmer))
        first = connection("relent", RELENT, f"{ELMER} = {RELENT}")
        said = self.load(self.elmer, connection("ahead", "10.0.0.77", "10.9.0.0/16 = 10.8.0.0/16") + first)
        self.assertIn("+ connection ahead\n", said)
        self.assertNotIn("connection relent", said)
        said = self.load(self.elmer, connection("ahead", "10.0.0.77", "10.9.0.0/16 = 10.8.0.0/16", "lifetime 4h", "ike aes256-sha512-modp2048",
                                                secret="another one") + first)
        self.assertIn("~ connection ahead\n", said)
        self.assertIn("    lifetime: 28800s -> 14400s\n", said)
        self.assertIn("    ike: aes256-sha256-modp3072, ", said)
        self.assertIn("    secret: other contents\n", said)
        self.assertNotIn("another one", said)
        doc = json.loads(self.load(self.elmer, connection("new", "10.0.0.78", "10.9.0.0/16 = 10.8.0.0/16") + first, "--json"))
        self.assertEqual(doc["connections"], {"added": ["new"], "changed": [], "removed": ["ahead"]})
        self.assertEqual([len(doc["policies"][way]) for way in ("added", "removed")], [2, 2])
        self.assertTrue(doc["applied"])
        self.load(self.elmer, first)
        self.assertEqual(held, (self.sas(self.elmer), self.spis(self.elmer)))
        self.assertEqual(held[0], self.sas(self.relent))
        # What was carried over works: a pair is made under it, with a ticket from four loads before.
        self.elmer.run("ipsecctl", "delete", "ipsec", "esp", f"0x{self.pair_spi():x}")
        self.elmer.run("ping", "-c", "2", "-W", "5", RELENT)
        self.assertEqual(held[0], self.sas(self.elmer))
        self.assertNotEqual(held[1], self.spis(self.elmer))
        # Its own block changes: it ends, and its peer hears of it.
        self.load(self.elmer, connection("relent", RELENT, f"{ELMER} = {RELENT}", "lifetime 4h"))
        self.assertEqual(self.sas(self.elmer), [])
        wait_for("the peer to know", lambda: not self.sas(self.relent))

    def pair_spi(self):
        return self.elmer.json("show")["child_sas"][0]["parts"][0]["spi_in"]

    def test_through_a_restart_of_keyd_after_a_load(self):
        """keyd finds what it has kept although it was written down under the configuration before."""
        self.between()
        self.up()
        held = self.sas(self.elmer)
        self.load(self.elmer, connection("ahead", "10.0.0.77", "10.9.0.0/16 = 10.8.0.0/16") + connection("relent", RELENT, f"{ELMER} = {RELENT}"))
        self.elmer.kill("keyd")
        self.elmer.wait_ready()
        wait_for("it to be back", lambda: self.sas(self.elmer) == held)
        self.assertEqual(self.load(self.elmer).splitlines()[-1], f"{FILE}: nothing is different (connections: 2, policies: 4).")

    def test_policies_of_setkey_are_not_touched(self):
        self.elmer.setkey("spdadd 10.7.0.0/16 10.6.0.0/16 any -P out none;\n")
        self.between()
        self.load(self.elmer, "policy none 10.1.0.0/16 = 10.2.0.0/16\n")
        self.assertEqual([(row["selector"]["src"], row["loaded"]) for row in self.policies(self.elmer)],
                         [("10.2.0.0/16", True), ("10.7.0.0/16", False), ("10.1.0.0/16", True)])
        said = self.fails_with(self.elmer, "policy none 10.7.0.0/16 = 10.6.0.0/16\n")
        self.assertIn("there is one for the same packets that setkey has made", said)
        self.assertIn("everything is as it was before", said)
        self.load(self.elmer, "")
        self.assertEqual([row["selector"]["src"] for row in self.policies(self.elmer)], ["10.7.0.0/16"])

    def fails_with(self, host, text):
        self.write(host, text)
        return self.fails(host, "ipsecctl", "load")

    def test_the_order_of_the_file_is_the_order_of_the_list(self):
        """What comes between two others is put there; those keep their numbers."""
        def nets(host):
            return [row["selector"]["src"] for row in self.policies(host) if row["dir"] == "out"]

        def text(*numbers):
            return "".join(f"policy none out 10.{n}.0.0/16 = any\n" for n in numbers)
        self.load(self.elmer, text(1, 3))
        held = [row["id"] for row in self.policies(self.elmer)]
        self.load(self.elmer, text(0, 1, 2, 3, 4))
        self.assertEqual(nets(self.elmer), [f"10.{n}.0.0/16" for n in range(5)])
        self.assertEqual([row["id"] for row in self.policies(self.elmer)][1::2], held)
        self.load(self.elmer, text(4, 3, 2, 1, 0))
        self.assertEqual(nets(self.elmer), [f"10.{n}.0.0/16" for n in range(4, -1, -1)])

    def test_one_configuration_for_key_exchange(self):
        """racoon.conf and postern.conf take each other's place, and say so; reload means the last one."""
        self.between()
        for name, path in (("psk-elmer.txt", "/etc/inet/psk.txt"), ("psk-elmer.racoon.conf", "/etc/inet/racoon.conf")):
            self.elmer.run("install", "-D", "-m", "600", os.path.join(EXAMPLES, name), path)
        said = self.elmer.run("ipsecctl", "racoon").stderr
        self.assertIn(f"WARNING: the connections of {FILE} give way to this configuration", said)
        self.assertEqual(len(self.policies(self.elmer)), 2)
        said = self.elmer.run("ipsecctl", "load")
        self.assertIn("the configuration of /etc/inet/racoon.conf gives way", said.stderr)
        self.assertIn("+ connection relent", said.stdout)
        self.assertIn("policies: 0 added, 0 removed", said.stdout)
        self.up()
        self.write(self.elmer, connection("relent", RELENT, f"{ELMER} = {RELENT}", "dpd 10s"))
        self.assertIn("    dpd: 30s 5 -> 10s 5\n", self.elmer.out("ipsecctl", "reload"))

    def test_what_is_wrong_changes_nothing(self):
        self.between()
        before = self.policies(self.elmer)
        self.assertIn("nothing of it", self.fails_with(self.elmer, "connection x {\n remot any\n}\n").replace(
            f"nothing of {FILE}", "nothing of it"))
        said = self.fails_with(self.elmer, connection("x", RELENT, "any = any").replace(f'secret "{SECRET}"', "secret-file /nowhere"))
        self.assertIn("/nowhere cannot be opened", said)
        said = self.fails_with(self.elmer, connection("x", RELENT, "any = any").replace(
            f'secret "{SECRET}"', "certificate /c; key /k; authority /a"))
        self.assertIn("remote x: /c cannot be opened", said)
        self.assertEqual(before, self.policies(self.elmer))
        self.up()

    def test_secrets_of_any_octets_and_files_of_them(self):
        """Secrets that psk.txt would read otherwise; and one side that has its secret in a file."""
        for secret in ("0x6d656b", "# no comment", "inner  blanks", "0x"):
            self.load(self.elmer, connection("relent", RELENT, f"{ELMER} = {RELENT}", secret=secret))
            digits = secret.encode().hex()
            self.relent.run("sh", "-c", "umask 077; cat > /etc/postern/keys", text=f"192.0.2.99 other\n{ELMER} 0x{digits}\n")
            self.load(self.relent, connection("elmer", ELMER, f"{RELENT} = {ELMER}").replace(
                f'secret "{SECRET}"', "secret-file /etc/postern/keys"))
            self.up()
            self.elmer.run("ipsecctl", "down", RELENT)
            wait_for("nothing to be left", lambda: not self.relent.json("sad")["sas"])

    def test_version_2(self):
        """The default version: up, carried over a load of another connection, renewed by its own change."""
        def text(remote, mine, *more):
            return connection("peer", remote, f"{mine} = {remote}", *more).replace("version 1", "version 2")
        self.load(self.relent, text(ELMER, RELENT))
        self.load(self.elmer, text(RELENT, ELMER))
        self.up()
        self.assertEqual([sa["version"] for sa in self.elmer.json("show")["ike_sas"]], [2])
        self.elmer.run("ping", "-c", "3", "-W", "5", RELENT)
        held = (self.sas(self.elmer), self.spis(self.elmer))
        self.load(self.elmer, connection("ahead", "10.0.0.77", "10.9.0.0/16 = 10.8.0.0/16") + text(RELENT, ELMER))
        self.assertEqual(held, (self.sas(self.elmer), self.spis(self.elmer)))
        self.elmer.run("ping", "-c", "3", "-W", "5", RELENT)
        self.load(self.elmer, text(RELENT, ELMER, "dpd 17s"))
        wait_for("the peer to know", lambda: not self.sas(self.relent))
        self.elmer.run("ping", "-c", "3", "-W", "5", RELENT)

    def addresses_of_many(self, n):
        """So many pairs of addresses, elmer's and relent's; by way of the other host, and not on the link: the kernel's table of
        neighbours has no room for so many."""
        pairs = [(f"10.1.{i // 250}.{i % 250 + 1}", f"10.2.{i // 250}.{i % 250 + 1}") for i in range(n)]
        for host, mine, other, via in ((self.elmer, 0, "10.2.0.0/16", RELENT), (self.relent, 1, "10.1.0.0/16", ELMER)):
            device = host.out("ip", "-o", "route", "show", "10.0.0.0/24").split(" dev ")[1].split()[0]
            host.run("ip", "-batch", "-", text="".join(f"addr add {pair[mine]}/32 dev {device}\n" for pair in pairs)
                     + f"route add {other} via {via}\n")
            self.addCleanup(host.run, "ip", "-batch", "-", text=f"route del {other}\n" + "".join(
                f"addr del {pair[mine]}/32 dev {device}\n" for pair in pairs))
        return pairs

    def packets_from(self, sources):
        """Packets that elmer has sent from each of these addresses."""
        return {row["src"]: row["packets"] for row in self.elmer.json("sad")["sas"] if row["src"] in sources}

    def each_carries_more(self, sources):
        """The flow is under way in all of them."""
        before = self.packets_from(sources)
        self.assertEqual(set(before), sources)
        wait_for("a packet from each", lambda: all(more > before[one] for one, more in self.packets_from(sources).items()), 60)

    def one_of_many_changes(self, version, n):
        """All others keep their SAs, on both sides, and no packet of theirs is lost."""
        pairs = self.addresses_of_many(n)

        def text(mine, changed=None):
            return "".join(connection(f"c{i}", pair[1 - mine], f"{pair[mine]} = {pair[1 - mine]}", f"local {pair[mine]}",
                                      *(["dpd 17s"] if i == changed else [])).replace("version 1", f"version {version}")
                           for i, pair in enumerate(pairs))
        self.load(self.relent, text(1))
        self.load(self.elmer, text(0))
        for here, there in pairs:
            self.elmer.run("ipsecctl", "up", "-l", here, there)
        for host in self.both:
            wait_for("all pairs", lambda host=host: len(host.json("sad")["sas"]) == 2 * n, 60)
        held = {host: (set(self.sas(host)), set(self.spis(host))) for host in self.both}
        sink = self.relent.traffic("udp-count", 7101)
        flow = self.elmer.traffic("udp-flow", ",".join(f"{here}>{there}" for here, there in pairs[1:]), 7101, count(500, 2000), 200)
        sources = {here for here, _ in pairs[1:]}
        self.each_carries_more(sources)
        for changed in (0, None, 0):
            said = self.load(self.elmer, text(0, changed))
            self.assertIn("connections: 0 added, 1 changed, 0 removed; policies: 0 added, 0 removed.", said)
        self.each_carries_more(sources)
        sent = json.loads(flow.communicate("\n", timeout=60)[0])["sent"]
        received = json.loads(sink.communicate("\n", timeout=60)[0])["received"]
        self.assertGreaterEqual(sent, 2 * len(sources))
        self.assertEqual(received, sent)
        for host in self.both:
            wait_for("one IKE SA to be gone", lambda host=host: len(self.sas(host)) == n - 1)
            self.assertLess(set(self.sas(host)), held[host][0])
            # Version 1's pair outlives its IKE SA.
            self.assertLessEqual(set(self.spis(host)), held[host][1])
            self.assertEqual(len(self.spis(host)), 2 * n - 2 * (version - 1))
        self.load(self.elmer, None, "--none")  # while there are the addresses from which the peer can be told
        for host in self.both:
            wait_for("all of them to be gone", lambda host=host: not self.sas(host), 60)

    def test_of_many_connections_one_changes(self):
        self.one_of_many_changes(2, count(40, 1000))

    def test_of_many_connections_of_version_1_one_changes(self):
        self.one_of_many_changes(1, count(10, 1000))

    # -- converted

    def convert(self, way):
        for host in self.both:
            done = host.run("ipsecctl", "convert", os.path.join(EXAMPLES, f"{way}-{host.name}.racoon.conf"),
                            os.path.join(EXAMPLES, f"ike-{host.name}.ipsec.conf"), check=False)
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn(":3: dropped: log: ", done.stderr)
            self.load(host, done.stdout)

    def carried(self, port):
        """A TCP connection, which is what the guide protects."""
        self.relent.traffic("tcp-sink", port)
        client = self.elmer.traffic("tcp-send", RELENT, port, 20000, 10**9, 30)
        self.assertEqual(client.wait(timeout=60), 0, client.stdout.read())
        for host in self.both:
            rows = host.json("sad")["sas"]
            self.assertEqual({(row["src"], row["dst"]) for row in rows}, {(RELENT, ELMER), (ELMER, RELENT)})
            self.assertEqual({row["encryption"]["name"] for row in rows}, {"3des-cbc"})
            self.assertEqual({row["lifetime"]["hard_s"] for row in rows}, {36000})
            self.assertEqual({row["mode"] for row in rows}, {"tunnel"})

    def test_S117_the_guide_s_second_procedure_converted(self):
        for host in self.both:
            host.run("install", "-D", "-m", "600", os.path.join(EXAMPLES, f"psk-{host.name}.txt"), "/etc/inet/psk.txt")
        self.convert("psk")
        self.carried(7101)

    def test_S126_the_guide_s_third_procedure_converted(self):
        """Its certificates as it makes them, but for the size of the key."""
        folder, made = "/usr/local/ssl/certs", {}
        for host in self.both:
            host.run("mount", "-t", "tmpfs", "tmpfs", "/usr/local")  # of this host alone: nothing stays on the machine
            host.run("mkdir", "-p", folder)
            host.run("openssl", "req", "-x509", "-new", "-nodes", "-newkey", "rsa:2048", "-keyout", f"{folder}/privkey.pem", "-days", "30",
                     "-subj", f"/C=US/ST=NY/O=Internet Widgits Pty Ltd/CN={host.name}", "-out", f"{folder}/{host.name}_cert.pem")
            host.run("chmod", "600", f"{folder}/privkey.pem")
            made[host.name] = host.out("cat", f"{folder}/{host.name}_cert.pem")
        for host, peer in (self.both, self.both[::-1]):
            host.run("tee", f"{folder}/{peer.name}_cert.pem", text=made[peer.name])
        self.convert("cert")
        self.carried(7102)


if __name__ == "__main__":
    labtest.main()
