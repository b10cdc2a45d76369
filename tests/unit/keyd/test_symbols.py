#!/usr/bin/python3
"""What keyd could do, as the linker sees it: no code for private keys, certificates, packet filters, raw sockets or programs.

keyd reads what strangers write, so what it is able to call is what breaking in would gain. What is listed here is what it may have;
a name that is on no list fails, so that a new library or a new use of one is looked at by somebody.

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
PROGRAM = os.path.join(BUILD, "services", "keyd", "postern-keyd")

LIBRARIES = {"libcrypto", "libprotobuf-c", "libuv", "libcap", "libseccomp", "libc"}
# Hashes, ciphers and Diffie-Hellman of OpenSSL, in families: its keys are the ephemeral ones of an exchange.
CRYPTO = "|".join((
    r"BN_\w+", r"CRYPTO_(memcmp|secure_\w+)", r"EC_(GROUP|POINT)_\w+", r"EC_curve_nist2nid", r"ERR_clear_error", r"OpenSSL_version",
    r"EVP_(CIPHER|MAC|MD)_\w+", r"EVP_(Cipher|Encrypt|Decrypt|Digest)(Init|Update|Final)(_ex2?)?", r"EVP_CipherUpdate",
    r"EVP_PKEY_(Q_keygen|free|fromdata\w*|derive\w*|generate|keygen_init|get_(bn|octet_string)_param)",
    r"EVP_PKEY_CTX_(free|new_from_(name|pkey)|set_dh_pad)", r"OSSL_PARAM_\w+", r"OSSL_PROVIDER_(try_load|unload)"))
CRYPTO_NAMES = r"(BN|EC|EVP|OSSL|CRYPTO|ERR|RSA|DSA|PEM|X509\w*|PKCS\d+|CMS|SSL|BIO|d2i|i2d|OPENSSL|OpenSSL|OCSP|CT|TS|UI|ENGINE|ASN1)_\w+"
KEYS = r"\w*(Private|PRIVATE|PKCS8|PKCS12|X509|GENERAL_NAME)\w*|(PEM|d2i|RSA|DSA)_\w+|EVP_PKEY_(sign|verify|decrypt|encrypt)\w*|EVP_Digest(Sign|Verify)\w*"
FILTERS = r"(nft|nftnl|mnl|nl|rtnl|pcap|sodium|crypto_auth)\w*"
# Beside execve(2): what would start a program, load code, look into another process, or change what is mounted.
POWERS = (r"exec[vl]\w*|v?fork|clone|posix_spawnp?|system|popen|dl(open|m?sym)|ptrace|process_vm_\w+|u?mount2?|unshare|setns|chroot|"
          r"ioctl|kill|tgkill|unlink(at)?|rename(at2?)?|link(at)?|symlink(at)?|truncate(64)?|mknod(at)?|init_module|reboot")
FILES = r"_*(open|openat|creat)(64)?(_2)?|f(re)?open(64)?|opendir|p?(read|write)(v|64)?"
SOCKETS = r"socket|socketpair|bind|connect|listen|accept4?|setsockopt|send(to|msg|mmsg)?|recv(from|msg|mmsg)?"


def names(path, which):
    extra = ["-D"] if which == "imported" else []
    kind = "--defined-only" if which == "defined" else "--undefined-only"
    listed = subprocess.run(["nm", "-P", *extra, kind, path], check=True, stdout=subprocess.PIPE, text=True).stdout
    return {line.split()[0].split("@")[0] for line in listed.splitlines() if line.strip()}


def among(found, pattern):
    return sorted(name for name in found if re.fullmatch(pattern, name))


def own_objects():
    found = glob.glob(os.path.join(BUILD, "services", "keyd", "*.p", "**", "*.o"), recursive=True)
    return [path for path in found if not path.endswith(".pb-c.c.o")]


def sources():
    for path in glob.glob(os.path.join(ROOT, "services", "keyd", "**", "*.[ch]"), recursive=True):
        with open(path, encoding="utf-8") as file:
            yield path, file.read()


class Symbols(unittest.TestCase):
    def test_patterns_find_what_is_there(self):
        """A list that nothing fits would let everything pass."""
        certd, policyd = (os.path.join(BUILD, "services", *parts) for parts in (("certd", "postern-certd"), ("policyd", "postern-policyd")))
        self.assertIn("PEM_read_bio_PrivateKey", among(names(certd, "imported"), KEYS))
        self.assertIn("EVP_PKEY_sign", among(names(certd, "imported"), KEYS))
        self.assertTrue(among(names(policyd, "imported"), FILTERS))
        supervisor = os.path.join(BUILD, "services", "supervisor", "postern-supervisor")
        self.assertTrue(among(names(supervisor, "imported"), POWERS))
        self.assertIn("bind", among(names(PROGRAM, "imported"), SOCKETS))

    def test_libraries(self):
        listed = subprocess.run(["readelf", "-d", PROGRAM], check=True, stdout=subprocess.PIPE, text=True).stdout
        found = set(re.findall(r"\(NEEDED\).*\[([\w+-]+?)\.so", listed))
        self.assertEqual(found - {"ld-linux-x86-64", "libm", "libpthread", "libdl", "librt"}, LIBRARIES)

    def test_no_private_keys_and_no_certificates(self):
        self.assertEqual(among(names(PROGRAM, "imported"), KEYS), [])
        self.assertEqual(among(names(PROGRAM, "defined"), r"(own_key|creds|psk|anchors|kept_keys|prove)_\w+|judge"), [])

    def test_openssl_is_used_for_what_is_listed(self):
        used = among(names(PROGRAM, "imported"), CRYPTO_NAMES)
        self.assertGreater(len(used), 50)
        self.assertEqual([name for name in used if not re.fullmatch(CRYPTO, name)], [])

    def test_no_packet_filter_no_tickets_no_programs(self):
        imported = names(PROGRAM, "imported")
        self.assertEqual(among(imported, FILTERS), [])
        self.assertEqual(among(imported, POWERS), [])
        # It carries tickets, and can neither make nor read them.
        self.assertEqual(among(names(PROGRAM, "defined"), r"ticket_\w+"), [])

    def test_its_own_code_opens_one_kind_of_socket_and_no_file(self):
        objects = own_objects()
        self.assertGreater(len(objects), 5)
        calls = {}
        for path in objects:
            name = os.path.basename(path)
            self.assertEqual(among(names(path, "undefined"), FILES), [], path)
            if found := among(names(path, "undefined"), SOCKETS):
                calls[name] = found
        self.assertEqual(calls, {"open.c.o": ["bind", "setsockopt", "socket"], "io_sockets.c.o": ["recvmsg", "sendmsg"]})

    def test_that_socket_is_udp(self):
        made = []
        for path, text in sources():
            made += re.findall(r"\bsocket\(([^;]*)\);", text)
            for word in ("SOCK_RAW", "SOCK_PACKET", "AF_PACKET", "AF_NETLINK", "AF_KEY", "IP_HDRINCL", "/dev/net/tun", "PF_KEY"):
                self.assertNotIn(word, text, path)
        self.assertEqual(len(made), 1, made)
        self.assertRegex(made[0], r"^family, SOCK_DGRAM \|")

    def test_system_calls_it_asks_for_beside_everybodys(self):
        with open(os.path.join(ROOT, "services", "keyd", "main.c"), encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(set(re.findall(r"SCMP_SYS\((\w+)\)", text)), {"pread64", "memfd_create", "memfd_secret", "ftruncate",
                                                                      "fstatfs", "mlock", "mlock2"})
        self.assertNotIn(".dirs", text)


if __name__ == "__main__":
    unittest.main(verbosity=1)
