#!/usr/bin/python3
"""The chapters of scripts/demo: each tells its story to the end, shows what it promises, and leaves nothing behind."""

import glob
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
from labtest import BUILD, ROOT, Lab  # noqa: E402

ESTABLISHED = r"%s: IPsec-SA established: ESP/Tunnel 10\.0\.0\.1[01]0\[0\]->10\.0\.0\.1[01]0\[0\] spi=\d+\(0x[0-9a-f]+\)"
WORDS = {
    "manual": [r"ESP\(spi=0x00010001,seq=0x\d+\)", r"All 49479 octets of the letter", r"outbound packets processed successfully"],
    "psk": [r"10\.0\.0\.110 mekmitasdigoat", r"isakmp: phase 1 I agg", r"isakmp: phase 2/others R oakley-quick\[E\]",
            r"no packet went in clear", ESTABLISHED % "relent", ESTABLISHED % "elmer", r"ipsec sas +\d pairs", r"E: 3des-cbc"],
    "cert": [r"openssl x509 -req -in request\.pem -signkey privkey\.pem -out elmer_cert\.pem", r"authentication_method rsasig",
             r"no packet went in clear", ESTABLISHED % "relent", ESTABLISHED % "elmer", r"ipsec sas +\d pairs", r"E: 3des-cbc"],
    "ikev2": [r"ipsecctl pki issue --address 10\.0\.0\.110", r"(?m)^ +local-id 10\.0\.0\.110$", r"(?m)^ +child +10\.1\.0\.0/24 = 10\.2\.0\.0/24$",
              r"\+ connection elmer", r"isakmp: parent_sa ikev2_init\[I\]", r"ikev2_auth\[R\]", r"no packet went in clear",
              r"relent: IKE-SA established", ESTABLISHED % "relent", ESTABLISHED % "elmer", r"3 received"],
}


def traces():
    """What a chapter could leave on the machine, but for temporary files."""
    return sorted(os.listdir("/usr/local")), os.path.exists("/etc/inet"), os.path.exists("/run/postern")


class Demo(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def tell(self, chapter, *words):
        name = f"it-demo-{chapter}-{os.getpid()}"
        self.addCleanup(Lab(name).down)
        env = {**os.environ, "POSTERN_DEMO_LAB": name, "POSTERN_BUILD": BUILD, "TMPDIR": self.folder}
        program = os.path.join(ROOT, "scripts", "chapters", f"{chapter}.py")
        done = subprocess.run([sys.executable, "-B", program, *words], env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout)
        return name, done.stdout

    def check(self, chapter):
        before = traces()
        name, said = self.tell(chapter)
        for expression in WORDS[chapter]:
            self.assertRegex(said, expression)
        steps = [int(number) for number in re.findall(r"^(\d+)\. ", said, re.M)]
        self.assertEqual(steps, list(range(1, len(steps) + 1)))
        self.assertFalse(Lab(name).folder.alive())
        self.assertEqual(traces(), before)
        self.assertEqual(os.listdir(self.folder), [])

    def test_manual(self):
        self.check("manual")

    def test_psk(self):
        self.check("psk")

    def test_cert(self):
        self.check("cert")

    def test_ikev2(self):
        self.check("ikev2")

    def test_kept_hosts_stay_until_they_are_taken_down(self):
        name, said = self.tell("psk", "--keep")
        self.assertIn(f"sudo scripts/lab down --name {name}", said)
        self.assertTrue(Lab(name).folder.alive())
        self.assertIn("10.0.0.110 10.0.0.100", Lab(name).call("elmer", ["ipsecctl", "sad"]))

    def test_the_script_knows_every_chapter(self):
        script = os.path.join(ROOT, "scripts", "demo")
        said = subprocess.run([script, "--help"], check=True, stdout=subprocess.PIPE, text=True).stdout
        chapters = {os.path.basename(path)[:-3] for path in glob.glob(os.path.join(ROOT, "scripts", "chapters", "*.py"))}
        self.assertEqual(chapters, set(WORDS))
        for chapter in chapters:
            self.assertRegex(said, rf"(?m)^  {chapter} ")
        wrong = subprocess.run([script, "dance"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertNotEqual(wrong.returncode, 0)
        for chapter in chapters:
            self.assertIn(chapter, wrong.stdout)


if __name__ == "__main__":
    labtest.main()
