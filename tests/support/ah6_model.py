"""What AH covers of an IPv6 packet, written from RFC 4302 section 3.3.3.1.2 and appendix A2 alone; and the routers between two hosts.

Packets are bytes. Nothing here is shared with the C code or with scapy.
"""

HOP, ROUTING, DEST, FRAGMENT, AH = 0, 43, 60, 44, 51


def headers(packet):
    """(type, offset, length) of the extension headers in front of AH or the upper layer, then (type, offset, None) of that."""
    kind, at = packet[6], 40
    while kind in (HOP, ROUTING, DEST, FRAGMENT):
        size = 8 if kind == FRAGMENT else 8 * (packet[at + 1] + 1)
        yield kind, at, size
        kind, at = packet[at], at + size
    yield kind, at, None


def visit(packet, at):
    """One hop of a routing header of type 0 or 2 (RFC 2460 section 4.4): the packet as it leaves the node it was addressed to."""
    packet = bytearray(packet)
    n = packet[at + 1] // 2
    packet[at + 3] -= 1
    i = at + 8 + 16 * (n - packet[at + 3] - 1)
    packet[24:40], packet[i:i + 16] = packet[i:i + 16], packet[24:40]
    return bytes(packet)


def travel(packet):
    """As it arrives at the last host: every node of the routing header visited."""
    for kind, at, _ in list(headers(packet)):
        if kind == ROUTING:
            while packet[at + 3]:
                packet = visit(packet, at)
    return packet


def meddle(packet, change):
    """As a router may leave it: change(octet) on all that is mutable."""
    packet = bytearray(packet)
    packet[0] = 0x60 | change(packet[0]) & 15
    for i in (1, 2, 3, 7):
        packet[i] = change(packet[i])
    for kind, at, size in list(headers(bytes(packet))):
        if kind not in (HOP, DEST):
            continue
        end, at = at + size, at + 2
        while at < end:
            if packet[at] == 0:  # Pad1 has no length
                at += 1
                continue
            if packet[at] & 0x20:
                for i in range(at + 2, at + 2 + packet[at + 1]):
                    packet[i] = change(packet[i])
            at += 2 + packet[at + 1]
    return bytes(packet)


def covered(packet, icv_len):
    """The octets under the ICV, of a packet at the last host or on its way there."""
    packet = bytearray(meddle(travel(packet), lambda octet: 0))
    at = [at for kind, at, size in headers(bytes(packet)) if size is None][0]
    packet[at + 12:at + 12 + icv_len] = bytes(icv_len)
    return bytes(packet)
