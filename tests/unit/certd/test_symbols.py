#!/usr/bin/python3
"""Who could do what, as the linker sees it: which program has code for keys, for certificates, and for sockets.

The programs import socket(2), connect(2) and open(2) through lib/ipc and lib/service, which use them before the walls are
closed. What holds them back from then on is the system call filter (tests/unit/service/test_seccomp.c); what is asked here
is that nothing of certd's own calls them, and that both programs ask for that filter.

usage: test_symbols.py BUILD-FOLDER
"""

import glob
import os
import re
import subprocess
import sys
import unittest

BUILD = os.path.abspath(sys.argv.pop(1))
ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
SERVICES = os.path.join(BUILD, "services")
CERTD = os.path.join(SERVICES, "certd", "postern-certd")
VERIFY = os.path.join(SERVICES, "certd", "postern-certd-verify")
KEYD = os.path.join(SERVICES, "keyd", "postern-keyd")

# With the names that the C library's headers give them.
OPENS = r"_*(open|openat|creat)(64)?(_2)?|f(re)?open(64)?|opendir"
SOCKETS = r"socket|socketpair|connect|bind|listen"
RUNS = r"execv.*|execl.*|fork|vfork|posix_spawnp?|system|popen|dlopen"
CERTIFICATES = r".*X509.*|.*GENERAL_NAME.*|d2i_.*|PEM_.*|PKCS(7|12)_.*"
PRIVATE_RSA = r"RSA_.*|EVP_RSA_gen|EVP_PKEY_(sign|decrypt).*|EVP_DigestSign.*"
PRIVATE_KEYS = (r"(PEM_read|d2i)_.*PrivateKey.*|PEM_.*X509_INFO.*|d2i_PKCS(8|12).*|PKCS(8|12)_.*|X509_SIG_.*|OSSL_(DECODER|STORE)_.*|"
                + PRIVATE_RSA)
CHAINS = r"ike_(chain|hdr)_(parse|find|count)"
CODECS = CHAINS + r"|ike1_(open|seal|datagram|phase[12]_decode|meet1)|ike2_(open|seal|chain_parse|sk_inner|sa_parse)"


def names(path, which):
    extra = ["-D"] if which == "imported" else []
    kind = "--defined-only" if which == "defined" else "--undefined-only"
    listed = subprocess.run(["nm", "-P", *extra, kind, path], check=True, stdout=subprocess.PIPE, text=True).stdout
    return {line.split()[0].split("@")[0] for line in listed.splitlines() if line.strip()}


def among(found, pattern):
    return sorted(name for name in found if re.fullmatch(pattern, name))


def own_objects():
    found = glob.glob(os.path.join(SERVICES, "certd", "*.p", "**", "*.o"), recursive=True)
    # Meson puts sources that are declared as dependencies into the folder of the program.
    return [path for path in found if not path.endswith(".pb-c.c.o")]


class Symbols(unittest.TestCase):
    def test_patterns_find_what_is_there(self):
        """A list that nothing fits would let everything pass."""
        certd, verify, keyd = (names(path, "imported") for path in (CERTD, VERIFY, KEYD))
        self.assertIn("PEM_read_bio_PrivateKey", among(certd, PRIVATE_KEYS))
        self.assertIn("EVP_PKEY_sign", among(certd, PRIVATE_RSA))
        self.assertIn("X509_verify_cert", among(verify, CERTIFICATES))
        self.assertIn("bind", among(keyd, SOCKETS))
        self.assertTrue(among(certd, OPENS), "the libraries open files at start")
        self.assertIn("ike_chain_parse", among(names(KEYD, "defined"), CODECS))

    def test_keyd_has_no_code_for_certificates_and_private_keys(self):
        keyd = names(KEYD, "imported")
        self.assertEqual(among(keyd, CERTIFICATES), [])
        self.assertEqual(among(keyd, PRIVATE_KEYS), [])

    def test_certd_verify_has_no_code_for_private_keys(self):
        self.assertEqual(among(names(VERIFY, "imported"), PRIVATE_KEYS), [])
        self.assertEqual(among(names(VERIFY, "defined"), r"own_key_.*|creds_.*|psk_.*|prove_.*|proof_.*|exchange_.*|nonce_.*"), [])

    def test_certd_has_no_code_that_judges_strangers(self):
        self.assertEqual(among(names(CERTD, "imported"), r"X509_verify.*|X509_STORE.*|EVP_PKEY_verify.*"), [])
        self.assertEqual(among(names(CERTD, "defined"), r"judge|hearing_.*|anchors_.*|dn_text_.*"), [])

    def test_neither_reads_messages_of_key_exchange(self):
        """But certd the chains of IKE_SA_INIT's two, which it looks at before it signs over them: proof2.c."""
        self.assertEqual(among(names(VERIFY, "defined"), CODECS), [])
        found = among(names(CERTD, "defined"), CODECS)
        self.assertEqual([name for name in found if not re.fullmatch(CHAINS, name)], [])

    def test_neither_gives_a_socket_a_name_or_starts_a_program(self):
        for path in (CERTD, VERIFY):
            self.assertEqual(among(names(path, "imported"), "bind|socketpair|" + RUNS), [], path)

    def test_nothing_of_their_own_makes_sockets_or_opens_files(self):
        objects = own_objects()
        for name in ("own_key.c.o", "prove.c.o", "verify_judge.c.o", "verify_main.c.o", "certd_msg.c.o", "verify_msg.c.o"):
            self.assertTrue([path for path in objects if path.endswith(name)], name)
        for path in objects:
            self.assertEqual(among(names(path, "undefined"), f"{OPENS}|{SOCKETS}|{RUNS}"), [], path)

    def test_both_ask_for_the_filter_without_sockets_and_files(self):
        shared = {"pread64", "memfd_create"}
        secret_memory = {"memfd_secret", "ftruncate", "fstatfs", "mlock", "mlock2"}  # for keys that outlive a restart
        for source, wanted in (("main.c", shared | secret_memory), ("verify/main.c", shared)):
            with open(os.path.join(ROOT, "services", "certd", source), encoding="utf-8") as file:
                text = file.read()
            self.assertIn(".no_sockets = true", text, source)
            self.assertNotIn(".dirs", text, source)
            self.assertEqual(set(re.findall(r"SCMP_SYS\((\w+)\)", text)), wanted, source)


if __name__ == "__main__":
    unittest.main(verbosity=1)
