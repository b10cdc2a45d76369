#!/usr/bin/python3
"""The shared library as a file: what it exports, what it needs, and that programs in C and C++ can be built with it.

usage: test_library.py BUILD-FOLDER plain|unoptimised|sanitized
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

KIND = sys.argv.pop(2)
SANITIZED = KIND == "sanitized"
BUILD = os.path.abspath(sys.argv.pop(1))
ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
LIBRARY = os.path.join(BUILD, "lib", "libipsec", "libipsec.so.1")
INCLUDE = os.path.join(ROOT, "lib", "libipsec", "include")
MAN = os.path.join(ROOT, "docs", "man")
PUBLIC = {"ipsec_set_policy", "ipsec_get_policylen", "ipsec_dump_policy", "ipsec_dump_policy_withports", "ipsec_strerror",
          "ipsec_check_keylen", "ipsec_check_keylen2", "ipsec_get_keylen", "ipsec_hexdump"}
HEADERS = ["netinet6/ipsec.h", "netinet/ipsec.h", "netipsec/ipsec.h", "libipsec/libpfkey.h"]
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-pedantic"]


def run(*words, **more):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)
    if done.returncode:
        raise AssertionError(f"{' '.join(words)}: {done.stdout}")
    return done.stdout


class Symbols(unittest.TestCase):
    def test_exactly_the_public_names_are_exported(self):
        rows = [line.split() for line in run("nm", "-D", "--defined-only", LIBRARY).splitlines()]
        names = {row[2] for row in rows if row[1] != "A"}
        if SANITIZED:
            names = {name for name in names if not name.startswith(("__asan", "__odr_asan", "__ubsan", "__sancov"))}
        self.assertEqual(names, {f"{name}@@LIBIPSEC_1.0" for name in PUBLIC})

    def test_the_header_declares_what_is_exported(self):
        with open(os.path.join(INCLUDE, "netinet6/ipsec.h"), encoding="utf-8") as header:
            declared = set(re.findall(r"^[a-z ]+[ *](\w+)\([^)]*\);", header.read(), re.M))
        self.assertEqual(declared, PUBLIC)

    def test_the_soname(self):
        self.assertIn("soname: [libipsec.so.1]", run("readelf", "-d", LIBRARY))

    @unittest.skipIf(SANITIZED, "a sanitizer brings libraries and constructors of its own")
    def test_nothing_but_libc_is_needed(self):
        needed = set(re.findall(r"\(NEEDED\).*\[(.+?)\]", run("readelf", "-d", LIBRARY)))
        # The dynamic linker is part of libc: it hands out the memory of threads.
        self.assertEqual({name for name in needed if not name.startswith(("libc.", "ld-"))}, set())

    @unittest.skipIf(SANITIZED, "a sanitizer brings libraries and constructors of its own")
    def test_nothing_runs_when_it_is_loaded(self):
        size = re.search(r"\(INIT_ARRAYSZ\)\s+(\d+)", run("readelf", "-d", LIBRARY))
        # One entry is the compiler's own, which every shared library has.
        self.assertLessEqual(int(size.group(1)) if size else 0, 8)

    @unittest.skipIf(KIND != "plain", "without optimisation a function of flex's is there that nobody calls")
    def test_it_neither_ends_the_program_nor_writes_to_stderr(self):
        names = {line.split()[-1].split("@")[0] for line in run("nm", "-D", "--undefined-only", LIBRARY).splitlines()}
        self.assertEqual(names & {"exit", "_exit", "stderr", "perror", "syslog", "write", "err", "warn", "fwrite"}, set())


class Programs(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def build(self, compiler, standard, source, suffix):
        path = os.path.join(self.folder, "program" + suffix)
        with open(path, "w", encoding="utf-8") as file:
            file.write(source)
        program = os.path.join(self.folder, "program")
        run(*compiler, f"-std={standard}", *WARNINGS, "-I" + INCLUDE, "-o", program, path, "-L" + os.path.dirname(LIBRARY),
            "-Wl,-rpath," + os.path.dirname(LIBRARY), *(["-fsanitize=address,undefined"] if SANITIZED else []), "-lipsec")
        return program

    def test_each_header_alone_in_c_and_cxx(self):
        uses = ("int main() { char *p = ipsec_set_policy(\"out none\", 8); ipsec_policy_t q = p; "
                "char *t = ipsec_dump_policy(q, 0); return ipsec_get_policylen(p) == 16 && t ? 0 : 1; }\n")
        compilers = [(["cc"], "gnu99", ".c"), (["cc"], "gnu17", ".c")]
        if shutil.which("c++"):
            compilers += [(["c++"], "c++98", ".cc"), (["c++"], "c++20", ".cc")]
        for header in HEADERS:
            for compiler, standard, suffix in compilers:
                with self.subTest(header=header, standard=standard):
                    program = self.build(compiler, standard, f"#include <{header}>\n{uses}", suffix)
                    environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")
                    self.assertEqual(run(program, env=environment), "")

    def test_headers_of_the_system_beside_ours_in_any_order(self):
        system = ["netinet/in.h", "linux/pfkeyv2.h", "linux/ipsec.h", "net/if.h", "sys/socket.h"]
        for order in (HEADERS + system, system + HEADERS):
            lines = "".join(f"#include <{header}>\n" for header in order)
            self.build(["cc"], "gnu17", lines + "int main(void) { return IPSEC_DIR_MAX == 0; }\n", ".c")

    def test_the_manual_s_program(self):
        with open(os.path.join(MAN, "ipsec_set_policy.3"), encoding="utf-8") as page:
            blocks = re.findall(r"\.Bd -literal\n(#include.*?)\.Ed", page.read(), re.S)
        self.assertEqual(len(blocks), 1)
        source = blocks[0].replace("\\e", "\\").replace("\\&", "")
        program = self.build(["cc"], "gnu17", source, ".c")
        done = subprocess.run([program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        # What the kernel says depends on the host; that it was asked, and with a policy, does not.
        self.assertIn(done.returncode, (0, 1))
        self.assertRegex(done.stdout, r"^out ipsec\n\tesp/transport//require\n(IP_IPSEC_POLICY: .+\n)?$")


class Example(unittest.TestCase):
    def example(self, *words, text=None):
        program = os.path.join(BUILD, "tests", "unit", "libipsec", "policy-text")
        return subprocess.run([program, *words], input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)

    def test_policies_from_the_command_line(self):
        done = self.example("out ipsec esp/transport//require", "in prio high-5 ipsec ah/tunnel/10.0.0.1-10.0.0.2")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"\Aout ipsec esp/transport//require\n    32 bytes\n    IPv4 socket: .+\n    IPv6 socket: .+\n"
                                      r"in prio high - 5 ipsec ah/tunnel/10\.0\.0\.1\[0\]-10\.0\.0\.2\[0\]/default\n    64 bytes\n")

    def test_policies_from_standard_input_and_errors(self):
        done = self.example(text="out none\n\nin ipsec esp/tunnel/::1-10.0.0.1\nin entrust\n")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "in ipsec esp/tunnel/::1-10.0.0.1: Family mismatch\n")
        self.assertEqual(re.findall(r"^\w.*$", done.stdout, re.M), ["out none", "in entrust"])


class Installed(unittest.TestCase):
    """As a package would have it, and found by pkg-config."""

    def setUp(self):
        if not shutil.which("meson") or not shutil.which("pkg-config"):
            self.skipTest("meson or pkg-config is not installed")
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def test_a_program_is_built_with_pkg_config(self):
        listed = run("meson", "introspect", "--installed", BUILD)
        for header in HEADERS:
            self.assertRegex(listed, rf'/include/{re.escape(header)}"')
        for page in ("ipsec_set_policy.3", "ipsec_strerror.3"):
            self.assertIn(f"/man3/{page}", listed)
        with open(os.path.join(BUILD, "meson-private", "libipsec.pc"), encoding="utf-8") as page:
            text = page.read()
        self.assertRegex(text, r"(?m)^Libs: -L\$\{libdir\} -lipsec$")
        self.assertNotRegex(text, r"(?m)^Requires")
        flags = run("pkg-config", "--cflags", "--libs", "libipsec",
                    env=dict(os.environ, PKG_CONFIG_PATH=os.path.join(BUILD, "meson-private"))).split()
        self.assertIn("-lipsec", flags)


if __name__ == "__main__":
    unittest.main()
