"""Every cipher and integrity algorithm of IPsec that the product knows, by setkey's names, sharing nothing with the C code.

Primitives are those of python's hashlib and `cryptography`. What is built from them (CTR, CCM, XCBC, keyed digests) is written from its RFC
here, because python has none, or the one of the OpenSSL that the C code uses.
"""

import hashlib
import hmac
import struct
import warnings
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import cmac
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

warnings.filterwarnings("ignore")
try:
    from cryptography.hazmat.decrepit.ciphers.algorithms import CAST5, Blowfish, TripleDES
except ImportError:
    from cryptography.hazmat.primitives.ciphers.algorithms import CAST5, Blowfish, TripleDES
from cryptography.hazmat.primitives.ciphers.algorithms import AES, Camellia


@dataclass(frozen=True)
class Enc:
    kind: str  # null, cbc, ctr, gcm, ccm, gmac, chacha
    block: int  # padding unit before ESP's own 4
    iv: int  # octets on the wire
    keys: tuple  # lengths to try, salt included
    salt: int = 0
    icv: int = 0  # of a combined mode
    primitive: object = None


def single_des(key):
    return TripleDES(key * 3)


ENC = {
    "null": Enc("null", 1, 0, (0,)),
    "des-cbc": Enc("cbc", 8, 8, (8,), primitive=single_des),
    "3des-cbc": Enc("cbc", 8, 8, (24,), primitive=TripleDES),
    "cast128-cbc": Enc("cbc", 8, 8, (5, 10, 11, 16), primitive=CAST5),
    "blowfish-cbc": Enc("cbc", 8, 8, (5, 16, 37, 56), primitive=Blowfish),
    "aes-cbc": Enc("cbc", 16, 16, (16, 24, 32), primitive=AES),
    "camellia-cbc": Enc("cbc", 16, 16, (16, 24, 32), primitive=Camellia),
    "aes-ctr": Enc("ctr", 1, 8, (20, 28, 36), 4),
    "aes-gcm-8": Enc("gcm", 1, 8, (20, 28, 36), 4, 8),
    "aes-gcm-12": Enc("gcm", 1, 8, (20, 28, 36), 4, 12),
    "aes-gcm-16": Enc("gcm", 1, 8, (20, 28, 36), 4, 16),
    "aes-ccm-8": Enc("ccm", 1, 8, (19, 27, 35), 3, 8),
    "aes-ccm-12": Enc("ccm", 1, 8, (19, 27, 35), 3, 12),
    "aes-ccm-16": Enc("ccm", 1, 8, (19, 27, 35), 3, 16),
    "aes-gmac": Enc("gmac", 1, 8, (20, 28, 36), 4, 16),
    "chacha20-poly1305": Enc("chacha", 1, 8, (36,), 4, 16),
}


def aes_blocks(key, blocks):
    """Each block alone (ECB)."""
    worker = Cipher(AES(key), modes.ECB()).encryptor()
    return worker.update(blocks) + worker.finalize()


def aes_chain(key, blocks):
    """The last block of CBC under a zero IV: a CBC-MAC."""
    worker = Cipher(AES(key), modes.CBC(bytes(16))).encryptor()
    return (worker.update(blocks) + worker.finalize())[-16:]


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def filled(data):
    return data + bytes(-len(data) % 16)


def ctr_stream(key, nonce, iv, data):
    """RFC 3686: the block counter starts at one."""
    counters = b"".join(nonce + iv + struct.pack("!I", n + 1) for n in range((len(data) + 15) // 16))
    return xor(data, aes_blocks(key, counters))


def ccm_seal(key, nonce, aad, plain, icv_len):
    """RFC 3610 section 2: CBC-MAC over flags, nonce, length, header and data; then counter mode, the MAC under counter 0."""
    n_len = 15 - len(nonce)
    first = bytes([(0x40 if aad else 0) | (icv_len - 2) // 2 << 3 | n_len - 1]) + nonce + len(plain).to_bytes(n_len, "big")
    head = filled(struct.pack("!H", len(aad)) + aad) if aad else b""
    mac = aes_chain(key, first + head + filled(plain))
    counters = b"".join(bytes([n_len - 1]) + nonce + n.to_bytes(n_len, "big") for n in range(1 + (len(plain) + 15) // 16))
    stream = aes_blocks(key, counters)
    return xor(plain, stream[16:]), xor(mac, stream)[:icv_len]


def ccm_open(key, nonce, aad, data, icv):
    n_len = 15 - len(nonce)
    counters = b"".join(bytes([n_len - 1]) + nonce + n.to_bytes(n_len, "big") for n in range(1, 1 + (len(data) + 15) // 16))
    plain = xor(data, aes_blocks(key, counters))
    if ccm_seal(key, nonce, aad, plain, len(icv))[1] != icv:
        raise ValueError("wrong ICV")
    return plain


def cbc_worker(name, key, iv):
    return Cipher(ENC[name].primitive(key), modes.CBC(iv))


def encipher(name, key, iv, aad, plain):
    """Data and integrity value (b"" without a combined mode). aad: SPI and number."""
    enc = ENC[name]
    salted, nonce = key[: len(key) - enc.salt], key[len(key) - enc.salt :] + iv
    if enc.kind == "null":
        return plain, b""
    if enc.kind == "cbc":
        worker = cbc_worker(name, key, iv).encryptor()
        return worker.update(plain) + worker.finalize(), b""
    if enc.kind == "ctr":
        return ctr_stream(salted, key[-4:], iv, plain), b""
    if enc.kind == "gmac":  # RFC 4543 section 3.3: everything is additional data, the IV too
        return plain, AESGCM(salted).encrypt(nonce, b"", aad + iv + plain)
    if enc.kind == "ccm":
        return ccm_seal(salted, nonce, aad, plain, enc.icv)
    whole = (AESGCM if enc.kind == "gcm" else ChaCha20Poly1305)(salted).encrypt(nonce, plain, aad)
    return whole[:-16], whole[-16:][: enc.icv]


def decipher(name, key, iv, aad, data, icv):
    """Plain text; ValueError when a combined mode's value is wrong."""
    enc = ENC[name]
    salted, nonce = key[: len(key) - enc.salt], key[len(key) - enc.salt :] + iv
    if enc.kind == "null":
        return data
    if enc.kind == "cbc":
        worker = cbc_worker(name, key, iv).decryptor()
        return worker.update(data) + worker.finalize()
    if enc.kind == "ctr":
        return ctr_stream(salted, key[-4:], iv, data)
    if enc.kind == "ccm":
        return ccm_open(salted, nonce, aad, data, icv)
    try:
        if enc.kind == "gcm":
            worker = Cipher(AES(salted), modes.GCM(nonce, icv, min_tag_length=enc.icv)).decryptor()
            worker.authenticate_additional_data(aad)
            return worker.update(data) + worker.finalize()
        if enc.kind == "gmac":
            AESGCM(salted).decrypt(nonce, icv, aad + iv + data)
            return data
        return ChaCha20Poly1305(salted).decrypt(nonce, data + icv, aad)
    except InvalidTag:
        raise ValueError("wrong ICV") from None


@dataclass(frozen=True)
class Auth:
    icv: int  # octets on the wire
    keys: tuple
    value: object  # function(key, data) -> all octets; GMAC: function(key, data, iv)
    esp: bool = True


def hmac_of(digest):
    return lambda key, data: hmac.new(key, data, digest).digest()


def keyed_of(digest, order):
    """RFC 1828, 1852: key, filled as the digest fills; data; key."""

    def value(key, data):
        fill = b"\x80" + bytes(64 - 8 - 1 - len(key)) + struct.pack(order + "Q", len(key) * 8)
        return hashlib.new(digest, key + fill + data + key).digest()

    return value


def xcbc(key, data):
    """RFC 3566 section 4."""
    k1, k2, k3 = (aes_blocks(key, bytes([n]) * 16) for n in (1, 2, 3))
    at = max(0, (len(data) - 1) // 16 * 16)
    last, mixed = data[at:], k2
    if len(last) < 16:
        last, mixed = filled(last + b"\x80"), k3
    return aes_chain(k1, data[:at] + xor(last, mixed))


def cmac_of(key, data):
    worker = cmac.CMAC(AES(key))
    worker.update(data)
    return worker.finalize()


def gmac(key, data, iv):
    """RFC 4543 section 4: the ICV field holds the IV and the tag."""
    return iv + AESGCM(key[:-4]).encrypt(key[-4:] + iv, b"", data)


AUTH = {
    "hmac-md5": Auth(12, (16,), hmac_of("md5")),
    "hmac-sha1": Auth(12, (20,), hmac_of("sha1")),
    "hmac-sha256": Auth(16, (32,), hmac_of("sha256")),
    "hmac-sha384": Auth(24, (48,), hmac_of("sha384")),
    "hmac-sha512": Auth(32, (64,), hmac_of("sha512")),
    "hmac-ripemd160": Auth(12, (20,), hmac_of("ripemd160")),
    "aes-xcbc-mac": Auth(12, (16,), xcbc),
    "aes-cmac": Auth(12, (16,), cmac_of),
    "md5": Auth(12, (16,), keyed_of("md5", "<")),
    "sha": Auth(12, (20,), keyed_of("sha1", ">")),
    "aes-gmac": Auth(24, (20, 28, 36), gmac, esp=False),
}


def ike2_fixed(mac):
    """RFC 4615 section 3: a key of another length is made one of 128 bits."""
    return lambda key, data: mac(key if len(key) == 16 else mac(bytes(16), key), data)


def ike2_xcbc(key, data):
    """RFC 4434 section 2: a shorter key is filled with zeros."""
    return ike2_fixed(xcbc)(key + bytes(max(0, 16 - len(key))), data)


# By our own numbers.
IKE2_PRFS = {1: ("md5", hmac_of("md5")), 2: ("sha1", hmac_of("sha1")), 4: ("xcbc", ike2_xcbc), 5: ("sha256", hmac_of("sha256")),
             6: ("sha384", hmac_of("sha384")), 7: ("sha512", hmac_of("sha512")), 8: ("cmac", ike2_fixed(cmac_of))}
