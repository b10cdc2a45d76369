"""Whole packets as IPsec makes and reads them, over both families, written from the RFCs and sharing nothing with the C code.

ESP (RFC 4303), AH (RFC 4302), IPComp (RFC 3173, 2394), tunnels (RFC 4301 section 5.1.2), ESP in UDP (RFC 3948), transport mode behind
extension headers (RFC 8200). A bundle is a list of steps, innermost first, as a policy of setkey lists its requests. Packets are bytes.
seal() and open_() raise ValueError with a reason when a packet cannot be processed.
"""

import hmac
import os
import struct
import zlib
from dataclasses import dataclass
from ipaddress import ip_address

import ah6_model
import ipsec_algs
import ipsec_model
from ipsec_algs import ENC
from ipsec_model import ones_sum

ESP, AH, IPCOMP, UDP, IPIP, IPV6 = 50, 51, 108, 17, 4, 41
DEFLATE = 2  # RFC 3173 section 3.3: its well-known CPI
LEAST_COMPRESSED = 90  # RFC 2394 section 3


@dataclass
class Sa(ipsec_model.Sa):
    """One association; src and dst are octets of either family."""

    udp: tuple = ()  # source and destination port of ESP in UDP
    pad: str = "seq"  # seq, zero or random
    cpi: int = DEFLATE
    reqid: int = 0  # setkey's -u

    def family(self):
        return 4 if len(self.dst) == 4 else 6

    def ends(self):
        return str(ip_address(self.src)), str(ip_address(self.dst))

    def statement(self, options=""):
        """setkey's `add`."""
        words = ["add"]
        for end, port in zip(self.ends(), self.udp or (None, None)):
            words.append(f"{end}[{port}]" if port else end)
        words += ["esp-udp" if self.udp else self.proto, f"0x{self.spi:x}", f"-m {self.mode}", options]
        words += [f"-u {self.reqid}"] if self.reqid else []
        words += [f"-f {self.pad}-pad"] if self.proto == "esp" else []
        words += ["-f esn"] if self.esn else []
        short = f"-{self.icv_len * 8}" if self.icv_len else ""
        if ENC.get(self.enc, ENC["null"]).kind not in ("null", "cbc") or self.auth == "aes-gmac":
            words.append("-f fresh-key")
        if self.enc:
            words.append(f"-E {self.enc} 0x{self.enc_key.hex()}" if self.enc_key else f'-E {self.enc} ""')
        if self.auth:
            words.append(f"-A {self.auth}{short} 0x{self.auth_key.hex()}")
        if self.proto == "ipcomp":
            words.append("-C deflate" + (" -R" if self.cpi != DEFLATE else ""))
        return " ".join(words) + ";\n"


@dataclass
class Step:
    """One request of a policy with its association: how it is applied, and the number of the next packet."""

    sa: Sa
    tunnel: bool
    seq: int = 1

    def request(self, level="require"):
        level = f"unique:{self.sa.reqid}" if self.sa.reqid else level
        ends = "-".join(self.sa.ends()) if self.tunnel else ""
        return f"{self.sa.proto}/{'tunnel' if self.tunnel else 'transport'}/{ends}/{level}"


@dataclass
class Tune:
    """The administrator's choices for outer headers."""

    dfbit: int = 0  # clear, set, copied
    ecn: int = 1
    dscp: int = 1


# --- IP headers ---


def family(packet):
    return packet[0] >> 4


def traffic_class(packet):
    return packet[1] if family(packet) == 4 else struct.unpack_from("!H", packet)[0] >> 4 & 255


def dont_fragment(packet):
    return family(packet) == 4 and packet[6] & 0x40 != 0


def insertion(packet):
    """Where transport mode's header goes (RFC 4303 section 3.1.1), and the place of the octet that names it."""
    if family(packet) == 4:
        return (packet[0] & 15) * 4, 9
    kind, at, names = packet[6], 40, 6
    found = at, names
    while kind in (ah6_model.HOP, ah6_model.ROUTING, ah6_model.DEST):
        size, names, this, kind = 8 * (packet[at + 1] + 1), at, kind, packet[at]
        at += size
        if this != ah6_model.DEST:  # destination options are for the final host, unless a route follows
            found = at, names
    return found


def protected_at(packet):
    """Where the IPsec header of a packet from the wire begins, and the place of the octet that names it."""
    if family(packet) == 4:
        return insertion(packet)
    names = 6
    for kind, at, size in ah6_model.headers(packet):
        if size is None:
            return at, names
        names = at
    raise ValueError("no end of extension headers")


def with_payload(head, names, proto, payload):
    """The same headers in front of something else: length, protocol and checksum renewed."""
    head = bytearray(head)
    head[names] = proto
    if family(head) == 6:
        struct.pack_into("!H", head, 4, len(head) - 40 + len(payload))
    else:
        struct.pack_into("!H", head, 2, len(head) + len(payload))
        struct.pack_into("!H", head, 10, 0)
        struct.pack_into("!H", head, 10, ones_sum(bytes(head)))
    return bytes(head) + payload


def with_class(packet, tos):
    """The packet with another TOS or traffic class."""
    if family(packet) == 6:
        return struct.pack("!H", 0x6000 | tos << 4 | packet[1] & 15) + packet[2:]
    at, names = insertion(packet)
    return with_payload(packet[:1] + bytes([tos]) + packet[2:at], names, packet[names], packet[at:])


def with_ident(packet, ident):
    at, names = insertion(packet)
    return with_payload(packet[:4] + struct.pack("!H", ident) + packet[6:at], names, packet[names], packet[at:])


def outer_header(sa, inner, tune, ident):
    """The header of a tunnel, without length and protocol (RFC 4301 section 5.1.2, RFC 6040 section 4.1)."""
    tos = traffic_class(inner)
    tos = (tos & 0xFC if tune.dscp else 0) | (tos & 3 if tune.ecn else 0)
    if sa.family() == 6:
        return struct.pack("!IHBB16s16s", 6 << 28 | tos << 20, 0, 0, 64, sa.src, sa.dst)
    flags = 0x4000 if tune.dfbit == 1 or (tune.dfbit == 2 and dont_fragment(inner)) else 0
    return struct.pack("!BBHHHBBH4s4s", 0x45, tos, 0, ident, flags, 64, 0, 0, sa.src, sa.dst)


def ecn_received(outer, inner):
    """RFC 6040 section 4.2: the class of the delivered packet; ValueError where it must be dropped."""
    mine, theirs = inner & 3, outer & 3
    if theirs == 3:
        if mine == 0:
            raise ValueError("congestion mark on a packet that cannot carry it")
        return inner | 3
    return inner & 0xFC | 1 if (mine, theirs) == (2, 1) else inner


def upper_sum(packet, at, proto, upper):
    """The checksum of what stands at `at` (RFC 768, 8200 section 8.1)."""
    ends = packet[12:20] if family(packet) == 4 else packet[8:40]
    return ones_sum(ends + struct.pack("!II", len(upper), proto) + upper)


# --- one header ---


def esp_wrap(step, plain, iv=None):
    """Around what stands between IV and integrity value, trailer and all."""
    sa, seq = step.sa, step.seq
    enc = ENC[sa.enc]
    # A counter mode's IV must never come again; the number does not (RFC 4106 section 3.1).
    iv = iv or (os.urandom(enc.iv) if enc.kind == "cbc" else struct.pack("!Q", seq)[: enc.iv])
    data, icv = ipsec_algs.encipher(sa.enc, sa.enc_key, iv, ipsec_model.esp_aad(sa, seq), plain)
    body = struct.pack("!II", sa.spi, seq & 0xFFFFFFFF) + iv + data
    return body + (icv if sa.combined() else ipsec_model.mac(sa, body, seq) if sa.auth else b"")


def esp_body(step, payload, next_header):
    n_pad = -(len(payload) + 2) % max(ENC[step.sa.enc].block, 4)
    pad = {"seq": bytes(range(1, n_pad + 1)), "zero": bytes(n_pad), "random": os.urandom(n_pad)}[step.sa.pad]
    return esp_wrap(step, payload + pad + bytes([n_pad, next_header]))


def esp_content(step, body):
    """Payload and next header; padding must be as short as it can be and as the association says."""
    sa, seq = step.sa, step.seq
    enc = ENC[sa.enc]
    if struct.unpack_from("!II", body) != (sa.spi, seq & 0xFFFFFFFF):
        raise ValueError(f"SPI and number are {struct.unpack_from('!II', body)}, not {sa.spi}, {seq}")
    end, start = len(body) - sa.icv(), 8 + enc.iv
    iv, data, icv = body[8:start], body[start:end], body[end:]
    if sa.auth and not hmac.compare_digest(ipsec_model.mac(sa, body[:end], seq), icv):
        raise ValueError("wrong ICV")
    plain = ipsec_algs.decipher(sa.enc, sa.enc_key, iv, ipsec_model.esp_aad(sa, seq), data, icv)
    n_pad, next_header = plain[-2], plain[-1]
    payload, pad = plain[: len(plain) - 2 - n_pad], plain[len(plain) - 2 - n_pad : -2]
    if len(pad) != -(len(payload) + 2) % max(enc.block, 4):
        raise ValueError(f"{len(pad)} octets of padding")
    if sa.pad != "random" and pad != (bytes(range(1, n_pad + 1)) if sa.pad == "seq" else bytes(n_pad)):
        raise ValueError(f"padding {pad.hex()}")
    return payload, next_header


def in_udp(packet, at, ports):
    """The body of a packet behind a UDP header; its checksum is 0 over IPv4 and right over IPv6 (RFC 3948 section 2.1, RFC 8200 section 8.1)."""
    body = packet[at:]
    head = struct.pack("!HHHH", *ports, 8 + len(body), 0)
    if family(packet) == 6:
        head = head[:6] + struct.pack("!H", upper_sum(packet, at, UDP, head + body) or 0xFFFF)
    return head + body


def ah_len(sa, over):
    unit = 4 if over == 4 else 8  # RFC 4302 section 2.2
    return (12 + sa.icv() + unit - 1) // unit * unit


def ah_value(step, packet, at, icv_iv=None):
    """The ICV of a packet in which it stands at `at`."""
    sa = step.sa
    if family(packet) == 6:
        covered = ah6_model.covered(packet, sa.icv())
    else:
        covered = ipsec_model.ah_mask(packet[:at]) + packet[at : at + 12] + bytes(sa.icv()) + packet[at + 12 + sa.icv() :]
    return ipsec_model.mac(sa, covered, step.seq, icv_iv)


def deflate(payload):
    worker = zlib.compressobj(9, zlib.DEFLATED, -15)
    return worker.compress(payload) + worker.flush()


def inflate(data):
    worker = zlib.decompressobj(-15)
    payload = worker.decompress(data)
    if not worker.eof or worker.unused_data:
        raise ValueError("compressed data does not end where the packet does")
    return payload


# --- whole packets ---


def seal_one(step, packet, tune, ident):
    sa = step.sa
    if step.tunnel:
        payload, next_header = packet, IPIP if family(packet) == 4 else IPV6
        head, names = outer_header(sa, packet, tune, ident), 9 if sa.family() == 4 else 6
    else:
        at, names = insertion(packet)
        head, payload, next_header = packet[:at], packet[at:], packet[names]
    if sa.proto == "ipcomp":
        squeezed = deflate(payload) if len(payload) >= LEAST_COMPRESSED else payload
        if len(squeezed) + 4 < len(payload):
            return with_payload(head, names, IPCOMP, struct.pack("!BBH", next_header, 0, sa.cpi) + squeezed)
        return with_payload(head, names, next_header, payload)
    if sa.proto == "ah":
        n = ah_len(sa, family(head))
        start = struct.pack("!BBHII", next_header, n // 4 - 2, 0, sa.spi, step.seq & 0xFFFFFFFF)
        whole = with_payload(head, names, AH, start + bytes(n - 12) + payload)
        at = len(head)
        icv = ah_value(step, whole, at)
        return whole[: at + 12] + icv + whole[at + 12 + len(icv) :]
    body = esp_body(step, payload, next_header)
    if not sa.udp:
        return with_payload(head, names, ESP, body)
    whole = with_payload(head, names, UDP, bytes(8) + body)
    return whole[: len(head)] + in_udp(whole[: len(head)] + body, len(head), sa.udp)


def seal(steps, packet, tune=Tune(), ident=0x4711):
    """The packet on the wire. Each step's number is used up."""
    for step in steps:
        packet = seal_one(step, packet, tune, ident)
        step.seq += 1
    return packet


def open_ipcomp(step, packet, at, names):
    """Content and next header; None for a packet that did not shrink and so has no header of its own (RFC 3173 section 2.2)."""
    sa = step.sa
    if packet[names] == IPCOMP:
        next_header, flags, cpi = struct.unpack_from("!BBH", packet, at)
        if flags or cpi != sa.cpi:
            raise ValueError(f"flags {flags}, CPI {cpi}")
        content = inflate(packet[at + 4 :])
        if len(content) < LEAST_COMPRESSED or len(packet) - at >= len(content):
            raise ValueError("compressed without need")
        return content, next_header
    return (packet[at:], packet[names]) if step.tunnel else None


def open_ah(step, packet, at):
    sa, n = step.sa, ah_len(step.sa, family(packet))
    next_header, words, reserved, spi, seq = struct.unpack_from("!BBHII", packet, at)
    if (words, reserved, spi, seq) != (n // 4 - 2, 0, sa.spi, step.seq & 0xFFFFFFFF):
        raise ValueError(f"AH says {words}, {reserved}, {spi}, {seq}")
    icv = packet[at + 12 : at + 12 + sa.icv()]
    if not hmac.compare_digest(ah_value(step, packet, at, icv[:8]), icv):
        raise ValueError("wrong ICV")
    if any(packet[at + 12 + sa.icv() : at + n]):
        raise ValueError("padding behind the ICV")
    return packet[at + n :], next_header


def open_esp(step, packet, at, proto):
    sa, body = step.sa, packet[at:]
    if sa.udp:
        if proto != UDP or body[:8] != in_udp(packet[:at] + body[8:], at, sa.udp)[:8]:
            raise ValueError(f"UDP header {body[:8].hex()} behind protocol {proto}")
        body = body[8:]
    elif proto != ESP:
        raise ValueError(f"protocol {proto}")
    return esp_content(step, body)


def check_lengths(packet):
    if family(packet) == 4:
        head = packet[: (packet[0] & 15) * 4]
        if struct.unpack_from("!H", packet, 2)[0] != len(packet) or ones_sum(head):
            raise ValueError("length or checksum of the header")
    elif struct.unpack_from("!H", packet, 4)[0] != len(packet) - 40:
        raise ValueError("length in the header")


def open_one(step, packet, tune):
    check_lengths(packet)
    sa = step.sa
    at, names = protected_at(packet)
    if sa.proto == "ipcomp":
        found = open_ipcomp(step, packet, at, names)
        if found is None:
            return packet
    elif sa.proto == "ah":
        if packet[names] != AH:
            raise ValueError(f"protocol {packet[names]}")
        found = open_ah(step, packet, at)
    else:
        found = open_esp(step, packet, at, packet[names])
    content, next_header = found
    if not step.tunnel:
        return with_payload(packet[:at], names, next_header, content)
    if next_header != (IPIP if family(content) == 4 else IPV6):
        raise ValueError(f"next header {next_header}")
    ident = struct.unpack_from("!H", packet, 4)[0]
    want = with_payload(outer_header(sa, content, tune, ident), names, packet[names], packet[at:])[:at]
    if packet[:at] != want:
        raise ValueError(f"outer header {packet[:at].hex()}, not {want.hex()}")
    return content


def open_(steps, packet, tune=Tune()):
    """The clear packet out of one that was sealed a moment ago: outer headers must be exactly those that its sender writes."""
    for step in reversed(steps):
        packet = open_one(step, packet, tune)
        step.seq += 1
    return packet


def received(packet):
    """A packet of ESP in UDP as a receiver of datagrams sees it: the IP header in front of ESP, and the source port; 0 for others."""
    at, names = insertion(packet)
    if packet[names] != UDP:
        return packet, 0
    port = struct.unpack_from("!H", packet, at)[0]
    return with_payload(packet[:at], names, ESP, packet[at + 8 :]), port
