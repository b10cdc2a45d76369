"""scapy's IPsec layer as a second judge of whole packets: one association of packet_model in its words."""

import oracle
import packet_model
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.ipsec import AH, CRYPT_ALGOS, ESP, SecurityAssociation

# Its CAST and Blowfish take some key lengths only.
PARTLY = ("blowfish-cbc", "cast128-cbc")


def knows(sa):
    """Whether scapy has the algorithms, and gets right what is asked of it."""
    enc = oracle.ENC.get(sa.enc, (0, None))[1] if sa.enc else "NULL"
    auth = oracle.AUTH.get(sa.auth or None, (0, None))[1]
    if not enc or not auth or sa.icv_len:
        return False
    if sa.enc in PARTLY and len(sa.enc_key) not in CRYPT_ALGOS[enc].key_size:
        return False
    # With an algorithm beside the cipher it forgets the upper half of the number.
    return not (sa.esn and sa.proto == "esp" and not sa.combined())


def association(sa, tunnel):
    source, target = sa.ends()
    header = (IP if sa.family() == 4 else IPv6)(src=source, dst=target)
    return SecurityAssociation(
        ESP if sa.proto == "esp" else AH, spi=sa.spi, crypt_algo=oracle.ENC[sa.enc][1] if sa.enc else None, crypt_key=sa.enc_key or None,
        auth_algo=oracle.AUTH[sa.auth or None][1], auth_key=sa.auth_key or None, esn_en=sa.esn, tunnel_header=header if tunnel else None,
        nat_t_header=UDP(sport=sa.udp[0], dport=sa.udp[1]) if sa.udp else None)


def layer_of(packet):
    return (IP if packet[0] >> 4 == 4 else IPv6)(packet)


def seal(step, packet):
    sealed = association(step.sa, step.tunnel).encrypt(
        layer_of(packet), seq_num=step.seq & 0xFFFFFFFF, esn_en=step.sa.esn, esn=step.seq >> 32)
    step.seq += 1
    return bytes(sealed)


def open_(step, packet):
    # Behind IPv6 it takes the UDP header for one of IPv6's own; the model has looked at it.
    packet, _ = packet_model.received(packet)
    clear = association(step.sa, step.tunnel).decrypt(layer_of(packet), esn_en=step.sa.esn, esn=step.seq >> 32)
    step.seq += 1
    return bytes(clear)
