#!/usr/bin/python3
"""What policyd, datapathd and the supervisor could do, as the linker sees it: which libraries, and no code for what is another's.

A library that is on no list fails, so that somebody looks at a new one. keyd, certd, certd-verify and hooks have tests of their own.

usage: test_other_symbols.py BUILD-FOLDER
"""

import os
import re
import subprocess
import sys
import unittest

SERVICES = os.path.join(os.path.abspath(sys.argv.pop(1)), "services")
PROGRAMS = {name: os.path.join(SERVICES, name, f"postern-{name}") for name in ("policyd", "datapathd", "supervisor", "keyd", "certd")}
# What every program may need of the C library's split parts.
ANY = {"ld-linux-x86-64", "libm", "libpthread", "libdl", "librt", "libc"}
LIBRARIES = {
    "policyd": {"libnftables", "libprotobuf-c", "libuv", "libcap", "libseccomp", "libsodium"},
    "datapathd": {"libcrypto", "libIPSec_MB", "libz", "libprotobuf-c", "libuv", "libcap", "libseccomp"},
    "supervisor": {"libuv", "libcap", "libseccomp", "libjansson", "libprotobuf-c", "libsodium"},
}
LONG_TERM_KEYS = r"\w*(PrivateKey|PKCS8|PKCS12|X509|GENERAL_NAME)\w*|(PEM|d2i|RSA|DSA)_\w+|EVP_PKEY_\w+|EVP_Digest(Sign|Verify)\w*"
CIPHERS = r"EVP_\w+|AES_\w+|IMB_\w+|init_mb_mgr\w*"
FILTERS = r"nft_\w+"
KEY_EXCHANGE = r"ike1_(datagram|open|seal|choose1|proof|keys_init)|ike_chain_parse|core_datagram"
PROGRAMS_STARTED = r"exec[vl]\w*|v?fork|posix_spawnp?|system|popen|uv_spawn"
PACKETS = r"esp_\w+|sad_\w+|stage_\w+"


def names(program, which):
    extra = ["-D", "--undefined-only"] if which == "imported" else ["--defined-only"]
    listed = subprocess.run(["nm", "-P", *extra, PROGRAMS[program]], check=True, stdout=subprocess.PIPE, text=True).stdout
    return {line.split()[0].split("@")[0] for line in listed.splitlines() if line.strip()}


def among(found, pattern):
    return sorted(name for name in found if re.fullmatch(pattern, name))


class Symbols(unittest.TestCase):
    def test_patterns_find_what_is_there(self):
        """A list that nothing fits would let everything pass."""
        self.assertTrue(among(names("certd", "imported"), LONG_TERM_KEYS))
        self.assertTrue(among(names("datapathd", "imported"), CIPHERS))
        self.assertTrue(among(names("policyd", "imported"), FILTERS))
        self.assertTrue(among(names("keyd", "defined"), KEY_EXCHANGE))
        self.assertTrue(among(names("supervisor", "imported"), PROGRAMS_STARTED))
        self.assertTrue(among(names("datapathd", "defined"), PACKETS))

    def test_libraries(self):
        for program, allowed in LIBRARIES.items():
            with self.subTest(program):
                listed = subprocess.run(["readelf", "-d", PROGRAMS[program]], check=True, stdout=subprocess.PIPE, text=True).stdout
                found = set(re.findall(r"\(NEEDED\).*\[([\w+-]+?)(?:-\d[\w.]*)?\.so", listed))
                self.assertEqual(found - ANY - allowed, set())

    def test_nobody_but_certd_has_code_for_long_term_keys(self):
        for program in LIBRARIES:
            with self.subTest(program):
                self.assertEqual(among(names(program, "imported"), LONG_TERM_KEYS), [])

    def test_policyd_has_no_code_for_packets_ciphers_and_key_exchange(self):
        self.assertEqual(among(names("policyd", "imported"), CIPHERS + "|" + PROGRAMS_STARTED), [])
        self.assertEqual(among(names("policyd", "defined"), PACKETS + "|" + KEY_EXCHANGE), [])

    def test_datapathd_has_no_code_for_filters_and_key_exchange(self):
        self.assertEqual(among(names("datapathd", "imported"), FILTERS + "|" + PROGRAMS_STARTED), [])
        self.assertEqual(among(names("datapathd", "defined"), KEY_EXCHANGE), [])

    def test_supervisor_has_no_code_for_keys_packets_filters_and_key_exchange(self):
        self.assertEqual(among(names("supervisor", "imported"), CIPHERS + "|" + FILTERS), [])
        self.assertEqual(among(names("supervisor", "defined"), PACKETS + "|" + KEY_EXCHANGE), [])


if __name__ == "__main__":
    unittest.main(verbosity=1)
