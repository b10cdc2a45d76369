"""The two independent programs that say whether our packets are right: scapy builds and opens them, tshark decrypts them.

An Sa is one manual association, told in the words of setkey, scapy and tshark alike.
"""

import os
import struct
import tempfile

import labtest  # noqa: F401 (sets the path to labkit)
from labkit.tshark import esp_row, read

ENC = {  # setkey's name -> (octets of key, salt included; scapy's name; tshark's name); None where the program has it not
    "des-cbc": (8, "DES", "DES-CBC [RFC2405]"),
    "3des-cbc": (24, "3DES", "TripleDES-CBC [RFC2451]"),
    "cast128-cbc": (16, "CAST", "CAST5-CBC [RFC2144]"),
    "blowfish-cbc": (16, "Blowfish", "BLOWFISH-CBC [RFC2451]"),
    "aes-cbc": (16, "AES-CBC", "AES-CBC [RFC3602]"),
    "aes-ctr": (20, "AES-CTR", "AES-CTR [RFC3686]"),
    "aes-gcm-8": (20, None, "AES-GCM with 8 octet ICV [RFC4106]"),
    "aes-gcm-12": (20, None, "AES-GCM with 12 octet ICV [RFC4106]"),
    "aes-gcm-16": (20, "AES-GCM", "AES-GCM with 16 octet ICV [RFC4106]"),
    "aes-ccm-16": (19, "AES-CCM", None),
    "chacha20-poly1305": (36, "CHACHA20-POLY1305", None),
    "null": (0, "NULL", "NULL"),
}
AUTH = {
    None: (0, "NULL", "NULL"),
    "hmac-md5": (16, "HMAC-MD5-96", "HMAC-MD5-96 [RFC2403]"),
    "hmac-sha1": (20, "HMAC-SHA1-96", "HMAC-SHA-1-96 [RFC2404]"),
    "hmac-sha256": (32, "SHA2-256-128", "HMAC-SHA-256-128 [RFC4868]"),
    "hmac-sha384": (48, "SHA2-384-192", "HMAC-SHA-384-192 [RFC4868]"),
    "hmac-sha512": (64, "SHA2-512-256", "HMAC-SHA-512-256 [RFC4868]"),
    "hmac-ripemd160": (20, None, "MAC-RIPEMD-160-96 [RFC2857]"),
    "aes-cmac": (16, "AES-CMAC-96", "ANY 96 bit authentication [no checking]"),
    "aes-xcbc-mac": (16, None, "ANY 96 bit authentication [no checking]"),
    "md5": (16, None, "ANY 96 bit authentication [no checking]"),
    "sha": (20, None, "ANY 96 bit authentication [no checking]"),
}
# RFC 8221 section 3: refused under manual keys without a word for it.
COUNTERS = {"aes-ctr", "aes-gcm-8", "aes-gcm-12", "aes-gcm-16", "aes-ccm-16", "chacha20-poly1305"}


class Sa:
    """One association with random keys, so that no counter-mode key is ever used twice."""

    def __init__(self, source, target, spi, proto="esp", mode="tunnel", enc=None, auth=None, enc_octets=None):
        self.source, self.target, self.spi, self.proto, self.mode = source, target, spi, proto, mode
        self.enc, self.auth = enc, auth
        self.enc_key = os.urandom(enc_octets or ENC[enc][0]) if enc else b""
        self.auth_key = os.urandom(AUTH[auth][0])

    def combined(self):
        """Whether the cipher has an integrity value of its own."""
        return self.enc is not None and ("-gcm-" in self.enc or "-ccm-" in self.enc or self.enc == "chacha20-poly1305")

    def known_to_scapy(self):
        # Its CAST takes no key of 16 octets, and tshark's takes no other.
        return bool((self.enc is None or ENC[self.enc][1]) and AUTH[self.auth][1]) and self.enc != "cast128-cbc"

    def known_to_tshark(self):
        return self.proto == "esp" and bool(ENC[self.enc][2] and AUTH[self.auth][2])

    def checked_by_tshark(self):
        """Whether it says that an integrity value is right (esp.icv_good)."""
        return (ENC[self.enc][2] or "").startswith("AES-GCM") or AUTH[self.auth][2].startswith(("HMAC", "MAC"))

    def statement(self, options=""):
        """The `add` statement."""
        words = [f"add {self.source} {self.target} {self.proto} 0x{self.spi:x} -m {self.mode} {options}"]
        if self.enc in COUNTERS:
            words.append("-f fresh-key")
        if self.enc:
            words.append(f"-E {self.enc} 0x{self.enc_key.hex()}" if self.enc_key else f'-E {self.enc} ""')
        if self.auth:
            words.append(f"-A {self.auth} 0x{self.auth_key.hex()}")
        return " ".join(words) + ";\n"

    def scapy(self):
        from scapy.layers.inet import IP
        from scapy.layers.ipsec import AH, ESP, SecurityAssociation
        header = IP(src=self.source, dst=self.target) if self.mode == "tunnel" else None
        if self.proto == "ah":
            return SecurityAssociation(AH, spi=self.spi, auth_algo=AUTH[self.auth][1], auth_key=self.auth_key,
                                       tunnel_header=header)
        return SecurityAssociation(ESP, spi=self.spi, crypt_algo=ENC[self.enc][1], crypt_key=self.enc_key,
                                   auth_algo=AUTH[self.auth][1], auth_key=self.auth_key, tunnel_header=header)

    def tshark(self):
        """A row of tshark's table of ESP associations."""
        return esp_row(self.source, self.target, self.spi, ENC[self.enc][2], self.enc_key, AUTH[self.auth][2], self.auth_key)


def write_pcap(path, frames):
    """Ethernet frames as a capture file."""
    with open(path, "wb") as target:
        target.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for number, frame in enumerate(frames):
            target.write(struct.pack("<IIII", number // 1000, number % 1000 * 1000, len(frame), len(frame)) + frame)


def tshark(frames, associations, fields):
    """Rows of `fields` of each frame as tshark sees it when it has the keys of `associations`."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "wire.pcap")
        write_pcap(path, frames)
        return read(path, [association.tshark() for association in associations], fields)
