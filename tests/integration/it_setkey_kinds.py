#!/usr/bin/python3
"""Every kind of SA and policy that setkey's language has, against a running suite: loaded, dumped, reserved, switched."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import random  # noqa: E402
import subprocess  # noqa: E402

import labtest  # noqa: E402
from labtest import ELMER, RELENT  # noqa: E402

PAIR = f"{RELENT} {ELMER}"
KEY = {n: "0x" + "".join(f"{(17 + 7 * i) % 256:02x}" for i in range(n)) for n in (8, 16, 19, 20, 24, 32, 36, 48, 64)}
# Name as dumps have it: key octets. Those of OpenSSL's legacy provider may be missing on a host.
CIPHERS = {"null": 0, "3des-cbc": 24, "aes-cbc": 32, "camellia-cbc": 16}
COUNTERS = {"aes-gcm-8": 20, "aes-gcm-12": 20, "aes-gcm-16": 36, "aes-ccm-8": 19, "aes-ccm-12": 19, "aes-ccm-16": 19, "aes-gmac": 20,
            "chacha20-poly1305": 36}
HASHES = {"hmac-md5": 16, "hmac-sha1": 20, "hmac-sha256": 32, "hmac-sha256-96": 32, "hmac-sha384": 48, "hmac-sha384-96": 48,
          "hmac-sha512": 64, "hmac-sha512-96": 64, "aes-xcbc-mac": 16, "aes-cmac": 16, "md5": 16, "sha": 20}


TOOL = os.path.join(labtest.BUILD, "tests", "support", "roundtrip-tool")
ENTRIES = 300
# Keys of counter modes are taken once and never again, and a life of seconds may end between two dumps.
NOT_TWICE = re.compile(r"-f fresh-key|-[lbp][hs] \d{1,3}\b")
# What belongs to one life of an entry: when, by whom, how much, and numbers that are given anew.
PASSING = re.compile(r"\t(created|diff|last|current|allocated|spid|sadb_seq|refcnt)[:=].*\n|#\d+| state=\S+|seq=0x\w+")


def tool(*words, text=None):
    return subprocess.run([TOOL, *map(str, words)], input=text, text=True, check=True, stdout=subprocess.PIPE).stdout


class Kinds(labtest.LabTest):
    suite_on = ("relent",)

    def load(self, text):
        done = self.relent.run("ipsecctl", "setkey", "-f", "-", text=text)
        self.assertEqual(done.stderr, "")

    def test_each_algorithm_is_taken_and_dumped_under_its_name(self):
        lines, names, spi = [], [], 0x1000
        for name, size in CIPHERS.items():
            lines.append(f"add {PAIR} esp {spi + len(lines)} -E {name} {KEY.get(size, '')} -A hmac-sha1 {KEY[20]};")
            names.append(name)
        for name, size in COUNTERS.items():
            lines.append(f"add {PAIR} esp {spi + len(lines)} -f fresh-key -E {name} {KEY[size]};")
            names.append(name)
        for name, size in HASHES.items():
            lines.append(f"add {PAIR} ah {spi + len(lines)} -A {name} {KEY[size]};")
            names.append(name)
        self.load("flush;" + "\n".join(lines))
        dumped = {}
        for block in re.split(r"\n(?=[0-9a-f])", self.relent.out("setkey", "-D")):
            number = int(re.search(r"spi=(\d+)", block).group(1))
            dumped[number - spi] = re.search(r"\t[EA]: (\S+)", block).group(1)
        self.assertEqual([dumped[i] for i in range(len(names))], names)

    def test_compression_udp_and_extended_numbers_come_back(self):
        self.load(f"""flush;
            add {PAIR} ipcomp 0x1000 -m transport -C deflate -R;
            add {RELENT}[4500] {ELMER}[40000] esp-udp 10.9.9.9 0x1001 -m tunnel -esp_frag 1000 -r 4 -f esn -ph 5000
                -E aes-cbc {KEY[16]} -A hmac-sha256 {KEY[32]};""")
        text = self.relent.out("setkey", "-D")
        for part in ("\tipcomp mode=transport spi=4096(0x00001000)", "\tC: deflate \n", "flags=0x000000c0",
                     f"{RELENT}[4500] {ELMER}[40000] \n\tesp-udp mode=tunnel", "\tNAT OA=10.9.9.9\n", "\tNAT-T esp_frag=1000\n",
                     "replay=4 flags=0x00000400", "hard: 5000\t"):
            self.assertIn(part, text)
        self.assertEqual(self.relent.out("setkey", "-c", text="dump ipcomp;").count("\tipcomp "), 1)
        self.relent.run("setkey", "-c", text=f"delete {PAIR} ipcomp 0x1000; flush esp-udp;")
        self.assertEqual(self.relent.out("setkey", "-D"), "No SAD entries.\n")

    def test_a_reserved_spi_becomes_a_whole_association(self):
        said = self.relent.out("setkey", "-c", text=f"getspi {PAIR} esp;")
        spi = int(re.fullmatch(rf"{RELENT} {ELMER} esp spi=(\d+)\(0x[0-9a-f]{{8}}\)\n", said).group(1))
        self.assertRegex(self.relent.out("setkey", "-D"), rf"spi={spi}\(.*\n\tseq=0x00000000 .*state=larval ")
        self.assertRegex(self.relent.out("setkey", "-c", text=f"get {PAIR} esp {spi};"), rf"spi={spi}\((.|\n)*state=larval ")
        other = self.relent.run("setkey", "-c", text=f"get {ELMER} {ELMER} esp {spi};", check=False)
        self.assertIn("No entry.", other.stdout + other.stderr)
        self.relent.run("setkey", "-c", text=f"update {PAIR} esp {spi} -E aes-cbc {KEY[16]} -A hmac-sha1 {KEY[20]};")
        self.assertRegex(self.relent.out("setkey", "-c", text=f"get {PAIR} esp {spi};"), "E: aes-cbc (.|\n)*state=mature")

    def test_policies_with_ports_lifetimes_and_ten_requests(self):
        requests = " ".join(f"{('ipcomp', 'esp', 'ah')[i % 3]}/tunnel/{RELENT}-{ELMER}/unique:{i + 1}" for i in range(10))
        self.load(f"""spdflush;
            spdadd {PAIR} udp -lh 3600 -lv 60 -P out ipsec esp/tunnel/{RELENT}[4500]-{ELMER}[40000]/require;
            spdadd {PAIR} sctp -P out prio low + 7 ipsec {requests};""")
        text = self.relent.out("setkey", "-DPp")
        self.assertIn(f"\tesp/tunnel/{RELENT}[4500]-{ELMER}[40000]/require\n", text)
        self.assertIn("\tlifetime: 3600(s) validtime: 60(s)\n", text)
        self.assertIn("out prio low + 7 ipsec\n", text)
        self.assertEqual(len(re.findall(r"unique:\d+\n", text)), 10)

    def test_kernel_mode_marks_what_it_loads(self):
        for mode, forwarded in (("-k", False), ("-r", True)):
            self.relent.run("setkey", mode, "-c", text=f"spdflush; spdadd {ELMER} {RELENT} udp -P in none;")
            self.assertEqual([p["forwarded"] for p in self.relent.json("spd")["policies"]], [forwarded])

    def dumps(self):
        return self.relent.out("setkey", "-D"), self.relent.out("setkey", "-DPp")

    def test_random_databases_come_back_from_their_dumps(self):
        """Loaded, dumped, written down from the dump, flushed, loaded, dumped again."""
        for _ in range(labtest.count(3, 50)):
            seed = random.randrange(1 << 32)
            with self.subTest(seed=seed):
                made = [line for line in tool("make", seed, ENTRIES).splitlines(True) if not NOT_TWICE.search(line)]
                self.relent.run("ipsecctl", "setkey", "-f", "-", text="flush; spdflush;\n" + "".join(made))
                first = self.dumps()
                self.assertEqual(first[0].count("sadb_seq=") + first[1].count("spid="), len(made))
                again = tool("sad", text=first[0]) + tool("spd", text=first[1])
                self.assertEqual(sorted(again.splitlines(True)), sorted(made))
                self.relent.run("ipsecctl", "setkey", "-f", "-", text="flush; spdflush;\n" + again)
                second = self.dumps()
                for before, after in zip(first, second):
                    self.assertEqual(PASSING.sub("", after), PASSING.sub("", before))

    def test_settings_of_tunnels_are_taken(self):
        for name, values in (("dfbit", "210"), ("ecn", "01"), ("dscp", "01"), ("keepalive", ("7", "20"))):
            for value in values:
                self.assertIn("from now on", self.relent.out("ipsecctl", "set", name, value))


labtest.main()
