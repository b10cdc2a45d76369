"""A small model of ESP (RFC 4303) and AH (RFC 4302) over IPv4, written from the RFCs and sharing nothing with the C code.

Packets are bytes. seal() and open_() raise ValueError with a reason when a packet cannot be processed.
"""

import hashlib
import hmac
import os
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES

try:
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
except ImportError:
    from cryptography.hazmat.primitives.ciphers.algorithms import TripleDES

# name: (block, IV octets)
ENC = {"null": (1, 0), "3des-cbc": (8, 8), "aes-cbc": (16, 16), "aes-gcm-16": (1, 8)}
# name: (hash, ICV octets)
AUTH = {
    "hmac-md5": ("md5", 12),
    "hmac-sha1": ("sha1", 12),
    "hmac-sha256": ("sha256", 16),
    "hmac-sha384": ("sha384", 24),
    "hmac-sha512": ("sha512", 32),
}
ESP, AH, IPIP, IPV6 = 50, 51, 4, 41
# RFC 4302 appendix A1: options whose content does not change on the way.
IMMUTABLE_OPTIONS = {130, 133, 134, 148, 149}


@dataclass
class Sa:
    proto: str  # "esp" or "ah"
    mode: str  # "transport" or "tunnel"
    spi: int
    enc: str = ""
    enc_key: bytes = b""
    auth: str = ""
    auth_key: bytes = b""
    icv_len: int = 0
    esn: bool = False
    src: bytes = b"\x0a\x00\x00\x64"
    dst: bytes = b"\x0a\x00\x00\x6e"

    def icv(self):
        if self.enc == "aes-gcm-16":
            return 16
        return self.icv_len or (AUTH[self.auth][1] if self.auth else 0)


def ones_sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip_header(src, dst, proto, payload_len, tos=0, ident=1, frag=0, ttl=64, options=b""):
    options += b"\0" * (-len(options) % 4)
    words = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH4s4s", 0x40 | words, tos, words * 4 + payload_len, ident, frag, ttl, proto, 0, src, dst) + options
    return head[:10] + struct.pack("!H", ones_sum(head)) + head[12:]


def split_ip(packet):
    """Header, payload and protocol of an IPv4 packet."""
    n = (packet[0] & 15) * 4
    total = struct.unpack_from("!H", packet, 2)[0]
    return packet[:n], packet[n:total], packet[9]


def renew_header(head, proto, payload_len):
    head = bytearray(head)
    struct.pack_into("!H", head, 2, len(head) + payload_len)
    head[9] = proto
    struct.pack_into("!H", head, 10, 0)
    struct.pack_into("!H", head, 10, ones_sum(bytes(head)))
    return bytes(head)


def inside(sa, packet):
    """What the IPsec header protects, its next header number, and the IP header that goes in front."""
    if sa.mode == "tunnel":
        return packet, IPIP if packet[0] >> 4 == 4 else IPV6, None
    head, payload, proto = split_ip(packet)
    return payload, proto, head


def outside(sa, head, proto, payload_len):
    if head is None:
        return ip_header(sa.src, sa.dst, proto, payload_len)
    return renew_header(head, proto, payload_len)


def restore(sa, head, next_header, payload):
    if sa.mode == "tunnel":
        if next_header not in (IPIP, IPV6):
            raise ValueError("no packet inside")
        return payload
    return renew_header(head, next_header, len(payload)) + payload


def mac(sa, data, seq):
    if sa.esn:
        data += struct.pack("!I", seq >> 32)
    return hmac.new(sa.auth_key, data, AUTH[sa.auth][0]).digest()[: sa.icv()]


def gcm(sa, seq, iv):
    low, high = seq & 0xFFFFFFFF, seq >> 32
    aad = struct.pack("!III", sa.spi, high, low) if sa.esn else struct.pack("!II", sa.spi, low)
    return AESGCM(sa.enc_key[:-4]), sa.enc_key[-4:] + iv, aad


def cbc(sa, iv):
    kind = TripleDES if sa.enc == "3des-cbc" else AES
    return Cipher(kind(sa.enc_key), modes.CBC(iv))


def esp_seal(sa, packet, seq, iv=None):
    payload, next_header, head = inside(sa, packet)
    block, iv_len = ENC[sa.enc]
    n_pad = -(len(payload) + 2) % max(block, 4)
    plain = payload + bytes(range(1, n_pad + 1)) + bytes([n_pad, next_header])
    iv = iv or os.urandom(iv_len)
    start = struct.pack("!II", sa.spi, seq & 0xFFFFFFFF)
    if sa.enc == "aes-gcm-16":
        aead, nonce, aad = gcm(sa, seq, iv)
        body = start + iv + aead.encrypt(nonce, plain, aad)
    else:
        if sa.enc != "null":
            worker = cbc(sa, iv).encryptor()
            plain = worker.update(plain) + worker.finalize()
        body = start + iv + plain
        if sa.auth:
            body += mac(sa, body, seq)
    return outside(sa, head, ESP, len(body)) + body


def esp_open(sa, packet, seq):
    head, body, proto = split_ip(packet)
    iv_len, icv_len = ENC[sa.enc][1], sa.icv()
    if proto != ESP or struct.unpack_from("!II", body) != (sa.spi, seq & 0xFFFFFFFF):
        raise ValueError("another SA or number")
    iv, data = body[8 : 8 + iv_len], body[8 + iv_len :]
    if sa.enc == "aes-gcm-16":
        aead, nonce, aad = gcm(sa, seq, iv)
        try:
            plain = aead.decrypt(nonce, data, aad)
        except InvalidTag:
            raise ValueError("wrong ICV") from None
    else:
        if sa.auth:
            data, icv = data[:-icv_len], data[-icv_len:]
            if not hmac.compare_digest(mac(sa, body[:-icv_len], seq), icv):
                raise ValueError("wrong ICV")
        plain = data
        if sa.enc != "null":
            worker = cbc(sa, iv).decryptor()
            plain = worker.update(data) + worker.finalize()
    n_pad, next_header = plain[-2], plain[-1]
    if n_pad + 2 > len(plain):
        raise ValueError("bad padding")
    return restore(sa, head, next_header, plain[: len(plain) - 2 - n_pad])


def ah_mask(head):
    head = bytearray(head)
    head[1] = head[6] = head[7] = head[8] = head[10] = head[11] = 0
    at = 20
    while at < len(head) and head[at] != 0:
        n = 1 if head[at] == 1 else head[at + 1]
        if head[at] != 1 and head[at] not in IMMUTABLE_OPTIONS:
            head[at : at + n] = bytes(n)
        at += n
    return bytes(head)


def ah_len(icv_len):
    return (12 + icv_len + 3) // 4 * 4


def ah_seal(sa, packet, seq):
    payload, next_header, head = inside(sa, packet)
    icv_len, n = sa.icv(), ah_len(sa.icv())
    start = struct.pack("!BBHII", next_header, n // 4 - 2, 0, sa.spi, seq & 0xFFFFFFFF)
    outer = outside(sa, head, AH, n + len(payload))
    icv = mac(sa, ah_mask(outer) + start + bytes(n - 12) + payload, seq)
    return outer + start + icv + bytes(n - 12 - icv_len) + payload


def ah_open(sa, packet, seq):
    head, body, proto = split_ip(packet)
    icv_len, n = sa.icv(), (body[1] + 2) * 4
    if proto != AH or struct.unpack_from("!II", body, 4) != (sa.spi, seq & 0xFFFFFFFF) or n < 12 + icv_len:
        raise ValueError("another SA, number or length")
    icv = body[12 : 12 + icv_len]
    zeroed = body[:12] + bytes(icv_len) + body[12 + icv_len :]
    if not hmac.compare_digest(mac(sa, ah_mask(head) + zeroed, seq), icv):
        raise ValueError("wrong ICV")
    return restore(sa, head, body[0], body[n:])


def seal(sa, packet, seq):
    return esp_seal(sa, packet, seq) if sa.proto == "esp" else ah_seal(sa, packet, seq)


def open_(sa, packet, seq):
    return esp_open(sa, packet, seq) if sa.proto == "esp" else ah_open(sa, packet, seq)


def random_key(enc_or_auth, bits=128):
    """A key of the right length for a name of the tables above."""
    if enc_or_auth in AUTH:
        return os.urandom(hashlib.new(AUTH[enc_or_auth][0]).digest_size)
    return os.urandom({"null": 0, "3des-cbc": 24, "aes-cbc": bits // 8, "aes-gcm-16": bits // 8 + 4}[enc_or_auth])
