#!/usr/bin/python3
"""The units under a real systemd: this machine's own system booted in a container, with the build installed on top.

The tree is an overlay of / whose upper layer is memory, so nothing is written anywhere else and nothing has to be fetched. Argument: the
build folder.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import unittest

TREE_LAYERS = "/mnt"
TREE = f"{TREE_LAYERS}/tree"
RESULT = "/srv/postern-boot.txt"
SKIP = 77
BOUND_S = 240
DROPPING = ("postern-policyd", "postern-datapathd", "postern-keyd", "postern-certd", "postern-certd-verify")
SERVICES = (*DROPPING, "postern-hooks")
CONF = "/etc/postern/postern.conf"
TUNNEL = ('connection peer {\n remote 192.0.2.2\n local 192.0.2.1\n secret "a long shared secret"\n'
          " child 10.3.0.0/16 = 10.4.0.0/16\n}\n")
SA = ('add 10.0.0.1 10.0.0.2 esp 0x1000 -m tunnel -E 3des-cbc "123456789012345678901234" -A hmac-md5 "1234567890123456";\n'
      "spdadd 10.1.0.0/24 10.2.0.0/24 any -P out ipsec esp/tunnel/10.0.0.1-10.0.0.2/require;\n")


def run(*words, check=True, text=None):
    done = subprocess.run(words, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(words)}: exit {done.returncode}\n{done.stdout}")
    return done.stdout


# --- inside the container


def wait_for(what, condition, timeout=30):
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s in vain: {what}\n{run('journalctl', '--no-pager', '-b', '-n', '60', check=False)}")
        time.sleep(0.05)


def shown(unit, name):
    return run("systemctl", "show", "-P", name, unit).strip()


def active(unit):
    return shown(unit, "ActiveState") == "active"


def main_pid(unit):
    return int(shown(unit, "MainPID"))


def rules():
    return run("nft", "list", "tables") + run("ip", "rule")


def status_rows(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as source:
        return dict(line.rstrip("\n").split(":\t", 1) for line in source if ":\t" in line)


class Inside(unittest.TestCase):
    """In order of their names: one life of a system."""

    def wait_up(self):
        wait_for("the services to be active", lambda: all(active(unit) for unit in SERVICES))
        wait_for("ipsecctl status to be content",
                 lambda: subprocess.run(["ipsecctl", "status"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0)

    def test_1_target_brings_everything_up_under_its_own_users(self):
        self.wait_up()
        uids = set()
        for unit, caps in zip(DROPPING, ("0000000000001000",) + ("0000000000000000",) * 4):
            rows = status_rows(main_pid(unit))
            uids.update(rows["Uid"].split())
            self.assertEqual(run("id", "-nu", rows["Uid"].split()[0]).strip(), unit)
            for field in ("CapPrm", "CapEff", "CapBnd"):
                self.assertEqual(rows[field], caps, (unit, field))
            self.assertEqual((rows["NoNewPrivs"], rows["Seccomp"]), ("1", "2"))
        self.assertEqual(len(uids), len(DROPPING))
        rows, init = status_rows(main_pid("postern-hooks")), status_rows(1)
        self.assertEqual(rows["Uid"].split(), ["0"] * 4)
        for field in ("NoNewPrivs", "Seccomp_filters", "CapBnd"):  # scripts may what this system may
            self.assertEqual(rows[field], init[field], field)

    def test_1a_no_service_can_write_where_the_key_of_the_tickets_lies(self):
        self.wait_up()
        self.assertEqual(os.stat("/run/postern/ticket.key").st_mode & 0o777, 0o600)
        for unit in DROPPING:
            # As root in the service's own view of the files, which is what it is before it drops; root passes file modes.
            said = run("nsenter", "-t", str(main_pid(unit)), "-m", "touch", "/run/postern/planted", check=False)
            self.assertIn("Read-only file system", said, unit)
        self.assertFalse(os.path.exists("/run/postern/planted"))

    def test_1b_the_key_comes_back_with_the_next_start(self):
        self.wait_up()
        with open("/run/postern/ticket.key", "rb") as file:
            before = file.read()
        os.unlink("/run/postern/ticket.key")
        for unit in ("postern-policyd", "postern-certd", "postern-certd-verify"):
            run("systemctl", "restart", f"{unit}.service")
        self.wait_up()
        with open("/run/postern/ticket.key", "rb") as file:
            self.assertNotEqual(file.read(), before)

    def loaded(self, n_policies):
        said = subprocess.run(["ipsecctl", "load", "-n"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
        return said == f"{CONF}: nothing is different (connections: 1, policies: {n_policies}).\n"

    def policies(self):
        return [row["id"] for row in json.loads(run("ipsecctl", "--json", "spd"))["policies"]]

    def journal(self, unit):
        return run("journalctl", "--no-pager", "-b", "-o", "cat", "-u", unit)

    def write_conf(self, text):
        with open(CONF, "w", encoding="ascii") as out:
            out.write(text)

    def test_1c_the_configuration_is_there_and_nobody_has_typed_anything(self):
        self.wait_up()
        self.assertTrue(active("postern-load"))
        self.assertIn(f"{CONF}: connections: 1 added, 0 changed, 0 removed; policies: 2 added, 0 removed.", self.journal("postern-load"))
        self.assertTrue(self.loaded(2))

    def test_1d_reload_means_the_file_as_it_is_now(self):
        self.write_conf(TUNNEL + "policy none 10.5.0.0/16 = 10.6.0.0/16\n")
        run("systemctl", "reload", "postern.target")
        wait_for("the load", lambda: self.loaded(4))

    def test_1e_a_fault_fails_the_unit_says_where_and_leaves_what_was_loaded(self):
        before = self.policies()
        self.write_conf(TUNNEL.replace("secret", "sekret"))
        run("systemctl", "restart", "postern-load.service", check=False)
        self.assertEqual(shown("postern-load", "ActiveState"), "failed")
        self.assertIn(f"{CONF}:4:2: error: ", self.journal("postern-load"))
        self.assertEqual(self.policies(), before)
        self.write_conf(TUNNEL)
        run("systemctl", "restart", "postern-load.service")
        self.assertTrue(self.loaded(2))

    def test_1f_a_name_that_nobody_knows_yet_is_asked_for_again(self):
        before = self.policies()
        self.write_conf(TUNNEL.replace("192.0.2.2", "later.example"))
        run("systemctl", "restart", "postern-load.service", check=False)
        self.assertIn("the name later.example has no address now", self.journal("postern-load"))
        self.assertEqual(self.policies(), before)
        with open("/etc/hosts", "a", encoding="ascii") as out:
            out.write("192.0.2.2 later.example\n")
        wait_for("the next try", lambda: self.loaded(2))
        self.write_conf(TUNNEL)
        wait_for("the unit to be content", lambda: active("postern-load"))
        run("systemctl", "reload", "postern-load.service")
        self.assertTrue(self.loaded(2))

    def test_2_killed_services_come_back_with_their_store(self):
        self.wait_up()
        run("setkey", "-c", text=SA)
        for _ in range(8):  # more often than systemd's own limit would allow
            for unit in SERVICES:
                pid = main_pid(unit)
                os.kill(pid, signal.SIGKILL)
                wait_for(f"{unit} to run again", lambda: active(unit) and main_pid(unit) not in (0, pid))
            self.assertIn("table inet", rules())
        self.wait_up()
        self.assertIn("spi=4096(0x00001000)", run("setkey", "-D"))
        self.assertTrue(self.loaded(2))
        self.assertGreaterEqual(int(shown("postern-datapathd", "NFileDescriptorStore")), 6)

    def test_3_stopping_one_service_leaves_the_rules(self):
        run("systemctl", "stop", "postern-datapathd.service")
        self.assertIn("table inet", rules())
        self.assertTrue(active("postern-withdraw"))
        run("systemctl", "start", "postern-datapathd.service")
        self.wait_up()

    def test_4_stopping_the_target_withdraws(self):
        self.assertIn("4500", rules())
        run("systemctl", "stop", "postern.target")
        wait_for("the withdrawal", lambda: shown("postern-withdraw", "ActiveState") in ("inactive", "failed"))
        self.assertNotIn("table inet", rules())
        self.assertNotIn("4500", rules())
        self.assertEqual(sorted(os.listdir("/run/postern")), ["load.key", "native.loaded", "ticket.key"])
        self.assertEqual(run("systemctl", "list-units", "--failed", "--plain", "--no-legend", "postern*"), "")

    def test_5_supervisor_takes_over(self):
        run("systemctl", "start", "postern.service")
        self.assertFalse(active("postern.target"))
        self.assertFalse(active("postern-load"))
        self.assertIn("supervisor up", run("ipsecctl", "status"))
        self.assertTrue(self.loaded(2))
        self.write_conf(TUNNEL + "policy none 10.5.0.0/16 = 10.6.0.0/16\n")
        run("systemctl", "reload", "postern.service")
        wait_for("the load", lambda: self.loaded(4))
        run("setkey", "-c", text=SA)
        self.assertIn("table inet", rules())
        run("systemctl", "stop", "postern.service")
        self.assertNotIn("table inet", rules())
        self.assertEqual(run("systemctl", "list-units", "--failed", "--plain", "--no-legend", "postern*"), "")


def inside():
    with open(RESULT, "w", encoding="utf-8") as out:
        runner = unittest.TextTestRunner(out, verbosity=2, failfast=True)
        good = runner.run(unittest.defaultTestLoader.loadTestsFromTestCase(Inside)).wasSuccessful()
        if not good:
            out.write(run("journalctl", "--no-pager", "-b", "-n", "120", check=False))
        out.write("GOOD\n" if good else "BAD\n")
    subprocess.run(["systemctl", "poweroff", "--no-block"], check=False)


# --- outside


def mount(*words):
    run("mount", *words)


def prepare(build):
    run("mount", "--make-rprivate", "/")
    mount("-t", "tmpfs", "none", "/run")
    mount("-t", "tmpfs", "none", TREE_LAYERS)
    for name in ("upper", "work", "tree"):
        os.mkdir(f"{TREE_LAYERS}/{name}")
    mount("-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={TREE_LAYERS}/upper,workdir={TREE_LAYERS}/work", TREE)
    run("meson", "install", "-C", build, "--no-rebuild", "--destdir", TREE)
    shutil.copy(__file__, f"{TREE}/srv/it_boot.py")
    os.makedirs(f"{TREE}/etc/postern", 0o700)
    with open(TREE + CONF, "w", encoding="ascii", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
        out.write(TUNNEL)
    units = f"{TREE}/etc/systemd/system"
    with open(f"{units}/postern-boot.target", "w", encoding="ascii") as out:
        out.write("[Unit]\nRequires=basic.target postern.target postern-boot.service\nAfter=basic.target\nAllowIsolate=yes\n")
    with open(f"{units}/postern-boot.service", "w", encoding="ascii") as out:
        out.write("[Unit]\nAfter=postern.target\n[Service]\nType=oneshot\nTimeoutStartSec=infinity\n"
                  "ExecStart=/usr/bin/python3 -B /srv/it_boot.py --inside\nEnvironment=PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin\n")
    open(f"{TREE}/etc/machine-id", "w", encoding="ascii").close()
    os.makedirs("/run/systemd/nspawn")


def boot():
    allowed = "memfd_secret landlock_create_ruleset landlock_add_rule landlock_restrict_self"
    words = ["systemd-nspawn", "-D", TREE, "--register=no", "--keep-unit", "--private-network", "--bind=/dev/net/tun", "--console=pipe",
             "--capability=CAP_IPC_LOCK", f"--system-call-filter={allowed}", "-b", "systemd.unit=postern-boot.target"]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            said = process.communicate(timeout=BOUND_S)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            said = process.communicate()[0]
    return said


def main():
    if "--inside" in sys.argv:
        inside()
        return 0
    if os.geteuid() != 0 or not shutil.which("systemd-nspawn") or not os.path.exists("/usr/lib/systemd/systemd"):
        print("needs root, systemd, and systemd-nspawn (package systemd-container)")
        return SKIP
    if "--in-namespace" not in sys.argv:
        os.execvp("unshare", ["unshare", "-m", sys.executable, "-B", *sys.argv, "--in-namespace"])
    try:
        prepare(sys.argv[1])
    except AssertionError as problem:
        print(f"cannot prepare a tree to boot: {problem}")
        return SKIP if "mount" in str(problem) else 1
    said = boot()
    try:
        with open(TREE + RESULT, encoding="utf-8") as source:
            result = source.read()
    except FileNotFoundError:
        print(f"the container did not get as far as the tests:\n{said}")
        return 1
    print(result)
    return 0 if result.endswith("GOOD\n") else 1


if __name__ == "__main__":
    sys.exit(main())
