"""A small model of ESP (RFC 4303) and AH (RFC 4302) over IPv4, written from the RFCs and sharing nothing with the C code.

Packets are bytes. seal() and open_() raise ValueError with a reason when a packet cannot be processed.
"""

import hmac
import os
import struct
from dataclasses import dataclass

import ipsec_algs
from ipsec_algs import AUTH, ENC

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
        if self.combined():
            return ENC[self.enc].icv
        return self.icv_len or (AUTH[self.auth].icv if self.auth else 0)

    def combined(self):
        return self.proto == "esp" and ENC[self.enc].icv > 0

    def protects(self):
        """Whether a changed packet is noticed."""
        return bool(self.auth) or self.combined()


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


def mac(sa, data, seq, iv=None):
    """The ICV field. iv: of the packet, for an algorithm whose field begins with it; the number when it is made."""
    if sa.esn:
        data += struct.pack("!I", seq >> 32)
    if sa.auth == "aes-gmac":
        return AUTH[sa.auth].value(sa.auth_key, data, iv or struct.pack("!Q", seq))
    return AUTH[sa.auth].value(sa.auth_key, data)[: sa.icv()]


def esp_aad(sa, seq):
    low, high = seq & 0xFFFFFFFF, seq >> 32
    return struct.pack("!III", sa.spi, high, low) if sa.esn else struct.pack("!II", sa.spi, low)


def esp_seal(sa, packet, seq, iv=None):
    payload, next_header, head = inside(sa, packet)
    enc = ENC[sa.enc]
    n_pad = -(len(payload) + 2) % max(enc.block, 4)
    plain = payload + bytes(range(1, n_pad + 1)) + bytes([n_pad, next_header])
    iv = iv or os.urandom(enc.iv)
    data, icv = ipsec_algs.encipher(sa.enc, sa.enc_key, iv, esp_aad(sa, seq), plain)
    body = struct.pack("!II", sa.spi, seq & 0xFFFFFFFF) + iv + data
    body += icv if sa.combined() else mac(sa, body, seq) if sa.auth else b""
    return outside(sa, head, ESP, len(body)) + body


def esp_open(sa, packet, seq):
    head, body, proto = split_ip(packet)
    if proto != ESP or struct.unpack_from("!II", body) != (sa.spi, seq & 0xFFFFFFFF):
        raise ValueError("another SA or number")
    end, start = len(body) - sa.icv(), 8 + ENC[sa.enc].iv
    iv, data, icv = body[8:start], body[start:end], body[end:]
    if sa.auth and not hmac.compare_digest(mac(sa, body[:end], seq), icv):
        raise ValueError("wrong ICV")
    plain = ipsec_algs.decipher(sa.enc, sa.enc_key, iv, esp_aad(sa, seq), data, icv)
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
    if not hmac.compare_digest(mac(sa, ah_mask(head) + zeroed, seq, iv=icv[:8]), icv):
        raise ValueError("wrong ICV")
    return restore(sa, head, body[0], body[n:])


def seal(sa, packet, seq):
    return esp_seal(sa, packet, seq) if sa.proto == "esp" else ah_seal(sa, packet, seq)


def open_(sa, packet, seq):
    return esp_open(sa, packet, seq) if sa.proto == "esp" else ah_open(sa, packet, seq)


def random_key(enc_or_auth, length=None):
    """A key for a name of the tables; `length` octets, or the shortest that has at least 128 bits."""
    sizes = (ENC.get(enc_or_auth) or AUTH[enc_or_auth]).keys
    return os.urandom(length if length is not None else next((n for n in sizes if n >= 16), sizes[-1]))
