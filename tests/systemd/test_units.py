#!/usr/bin/python3
"""The systemd units as systemd itself judges them, offline, in a root of their own: no word unknown, nothing missing, how exposed.

Arguments: folder of the configured units, folder of the others (the repository's dist/).
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

CONFIGURED, DIST = sys.argv[1:3]
HOST_UNITS = "/usr/lib/systemd/system"
SKIP = 77
# systemd's own measure, 10 is no protection at all. The services start as root to drop by themselves, which costs them the rest; the
# walls of hooks would be those of root's scripts.
EXPOSURE_MAX = {"postern-policyd.service": 3.0, "postern-datapathd.service": 3.2, "postern-withdraw.service": 3.0,
                "postern-keyd.service": 3.2, "postern-certd.service": 2.5, "postern-certd-verify.service": 2.5, "postern-hooks.service": 9.8, "postern.service": 3.8, "postern-ticket-key.service": 2.0,
                "postern-load.service": 3.0}


def read(path):
    with open(path, encoding="utf-8") as source:
        return source.read()


class Units(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="postern-units-")
        cls.addClassCleanup(shutil.rmtree, cls.root)
        cls.units = cls.root + HOST_UNITS
        shutil.copytree(HOST_UNITS, cls.units, symlinks=True)
        for path in glob.glob(f"{CONFIGURED}/*.service") + glob.glob(f"{DIST}/systemd/*.socket") + glob.glob(f"{DIST}/systemd/*.target"):
            shutil.copy(path, cls.units)
        cls.names = sorted(name for name in os.listdir(cls.units) if name.startswith("postern"))
        os.makedirs(f"{cls.root}/etc")
        for name in cls.names:
            for program in re.findall(r"^Exec\w+=(/\S+)", read(f"{cls.units}/{name}"), re.M):
                path = cls.root + program
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="ascii"):
                    os.chmod(path, 0o755)

    def analyze(self, *words):
        return subprocess.run(["systemd-analyze", *words[:1], f"--root={self.root}", *words[1:]], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)

    def test_verify_has_nothing_to_say(self):
        self.assertEqual(len(self.names), 24, self.names)
        done = self.analyze("verify", "--man=no", *self.names)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_verify_would_notice_a_missing_program_and_an_unknown_word(self):
        path = f"{self.units}/postern-broken.service"
        self.addCleanup(os.unlink, path)
        with open(path, "w", encoding="ascii") as target:
            target.write("[Service]\nExecStart=/nowhere/postern-policyd\nProtectNothing=yes\n")
        said = self.analyze("verify", "--man=no", "postern-broken.service").stdout
        self.assertIn("/nowhere/postern-policyd", said)
        self.assertIn("ProtectNothing", said)

    def test_exposure_stays_low(self):
        for name, limit in EXPOSURE_MAX.items():
            done = self.analyze("security", "--offline=yes", "--no-pager", name)
            found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
            self.assertTrue(found, done.stdout)
            print(f"{name}: exposure {found.group(1)} of 10", file=sys.stderr)
            self.assertLessEqual(float(found.group(1)), limit, name)

    def test_every_edge_has_a_socket_unit_that_names_it(self):
        edges = {}
        for name in self.names:
            if name.endswith(".socket"):
                text = read(f"{self.units}/{name}")
                edge = re.search(r"^ListenSequentialPacket=/run/postern/(\S+)$", text, re.M).group(1)
                self.assertEqual(re.search(r"^FileDescriptorName=(\S+)$", text, re.M).group(1), edge)
                self.assertEqual(re.search(r"^SocketMode=(\S+)$", text, re.M).group(1), "0660")
                edges[edge] = (re.search(r"^Service=postern-(\S+)\.service$", text, re.M).group(1),
                               re.search(r"^SocketGroup=(\S+)$", text, re.M).group(1))
        self.assertEqual(edges, {"policyd.admin": ("policyd", "postern-admin"), "policyd.acquire": ("policyd", "postern-datapathd"),
                                 "policyd.keyd": ("policyd", "postern-keyd"), "datapathd.admin": ("datapathd", "postern-admin"),
                                 "datapathd.spd": ("datapathd", "postern-policyd"), "datapathd.keyd": ("datapathd", "postern-keyd"), "keyd.admin": ("keyd", "postern-admin"),
                                 "certd.admin": ("certd", "postern-admin"), "certd.keyd": ("certd", "postern-keyd"),
                                 "certd-verify.admin": ("certd-verify", "postern-admin"),
                                 "certd-verify.keyd": ("certd-verify", "postern-keyd"),
                                 "hooks.admin": ("hooks", "postern-admin"), "hooks.keyd": ("hooks", "postern-keyd")})

    def test_every_service_has_all_its_sockets_and_the_other_launcher_none(self):
        sockets = {}
        for name in self.names:
            if name.endswith(".socket"):
                sockets.setdefault(re.search(r"^Service=(\S+)$", read(f"{self.units}/{name}"), re.M).group(1), set()).add(name)
        self.assertEqual(len(sockets), 6)
        for service, wanted in sockets.items():
            text = read(f"{self.units}/{service}")
            for word in ("Requires", "Sockets"):
                self.assertEqual(set(re.search(rf"^{word}=(.*)$", text, re.M).group(1).split()), wanted, (service, word))
            self.assertLessEqual(wanted, set(" ".join(re.findall(r"^After=(.*)$", text, re.M)).split()), service)
            self.assertEqual(re.search(r"^Also=(.*)$", text, re.M).group(1).split(), re.search(r"^Sockets=(.*)$", text, re.M).group(1).split())
        every = set().union(*sockets.values())
        for name, word in (("postern.target", "Requires"), ("postern.service", "Conflicts")):
            found = set(" ".join(re.findall(rf"^{word}=(.*)$", read(f"{self.units}/{name}"), re.M)).split())
            self.assertEqual({unit for unit in found if unit.endswith(".socket")}, every, name)
        self.assertEqual(set(" ".join(re.findall(r"^Wants=(.*)$", read(f"{self.units}/postern.target"), re.M)).split()),
                         {*sockets, "postern-load.service"})

    def test_who_keeps_keys_and_who_reads_certificates_have_no_network(self):
        for name in ("postern-certd.service", "postern-certd-verify.service"):
            self.assertEqual(re.findall(r"^RestrictAddressFamilies=(.*)$", read(f"{self.units}/{name}"), re.M), ["AF_UNIX"], name)

    def test_no_service_may_write_where_the_key_of_the_tickets_lies(self):
        """A unit of its own makes the key, and is there before each service that reads it."""
        self.assertIn(" --ticket-key\n", read(f"{self.units}/postern-ticket-key.service"))
        for name in self.names:
            text = read(f"{self.units}/{name}")
            self.assertNotIn("ReadWritePaths", text, name)
            if name.removesuffix(".service") in ("postern-policyd", "postern-datapathd", "postern-keyd", "postern-certd", "postern-certd-verify"):
                self.assertIn("\nReadOnlyPaths=/run/postern\n", text, name)
            makes = name in ("postern-ticket-key.service", "postern.service")  # the supervisor makes sockets there
            self.assertEqual("\nRuntimeDirectory=postern\n" in text, makes, name)
            if name in ("postern-policyd.service", "postern-certd.service", "postern-certd-verify.service"):
                for word in ("Wants", "After"):
                    self.assertIn("postern-ticket-key.service", " ".join(re.findall(rf"^{word}=(.*)$", text, re.M)).split(), name)
            else:
                self.assertNotIn("=postern-ticket-key.service", text, name)

    def test_configuration_is_loaded_behind_every_service_and_before_who_waits_for_the_network(self):
        text = read(f"{self.units}/postern-load.service")
        after = " ".join(re.findall(r"^After=(.*)$", text, re.M)).split()
        for name in self.names:
            if re.search(r"^Type=notify$", read(f"{self.units}/{name}"), re.M) and name != "postern.service":
                self.assertIn(name, after)
        self.assertIn("network.target", after)
        self.assertRegex(text, r"(?m)^Before=network-online\.target$")
        self.assertRegex(read(f"{self.units}/postern.target"), r"(?m)^PropagatesReloadTo=postern-load\.service$")
        self.assertIn("postern-load.service", " ".join(re.findall(r"^Conflicts=(.*)$", read(f"{self.units}/postern.service"), re.M)).split())

    def test_key_exchange_stops_before_the_datapath(self):
        self.assertRegex(read(f"{self.units}/postern-keyd.service"), r"(?m)^After=postern-datapathd\.service$")

    def test_scripts_have_no_walls_and_the_last_ones_are_waited_for(self):
        """What is forbidden to hooks is forbidden to root's scripts; keyd's last words come before hooks is told to stop."""
        text = read(f"{self.units}/postern-hooks.service")
        for word in ("Protect", "Restrict", "SystemCall", "Private", "NoNewPrivileges", "CapabilityBoundingSet", "LockPersonality"):
            self.assertNotRegex(text, rf"(?m)^{word}", word)
        self.assertRegex(text, r"(?m)^KillMode=mixed$")
        self.assertRegex(read(f"{self.units}/postern-keyd.service"), r"(?m)^After=postern-hooks\.service$")

    def test_users_and_folders_can_be_made(self):
        done = subprocess.run(["systemd-sysusers", f"--root={self.root}", "--dry-run", f"{DIST}/sysusers/postern.conf"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)
        for name in ("user 'postern-policyd'", "user 'postern-datapathd'", "user 'postern-keyd'", "user 'postern-certd'", "user 'postern-certd-verify'",
                     "group 'postern-admin'"):
            self.assertIn(name, done.stdout)
        if os.geteuid() != 0:
            self.skipTest("folders of root's take root")
        done = subprocess.run(["systemd-tmpfiles", f"--root={self.root}", "--create", f"{DIST}/tmpfiles/postern.conf"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)
        for folder in ("run/postern", "var/lib/postern"):
            found = os.stat(f"{self.root}/{folder}")
            self.assertEqual((found.st_uid, found.st_mode & 0o7777), (0, 0o755))


if __name__ == "__main__":
    if not shutil.which("systemd-analyze") or not os.path.isdir(HOST_UNITS):
        print("there is no systemd-analyze here")
        sys.exit(SKIP)
    unittest.main(verbosity=2, argv=sys.argv[:1])
