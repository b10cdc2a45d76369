"""A TCP stream put together again from the segments of a capture, in whatever pieces and order they crossed the wire."""

HALF, WHOLE = 1 << 31, 1 << 32  # sequence numbers wrap (RFC 9293 section 3.4)


def ahead(position, origin):
    """How many octets `position` lies after `origin`; negative: before it."""
    return (position - origin + HALF) % WHOLE - HALF


def join(segments):
    """The octets from the first one seen up to the first that is missing; `segments` are (sequence number, octets).

    A retransmission may begin and end elsewhere than what it repeats: what is there already is cut off.
    """
    segments = [(position, octets) for position, octets in segments if octets]
    if not segments:
        return b""
    origin = segments[0][0]
    placed = sorted((ahead(position, origin), octets) for position, octets in segments)
    begin = placed[0][0]
    stream = bytearray()
    for offset, octets in placed:
        known = begin + len(stream) - offset
        if known < 0:
            break
        stream += octets[known:]
    return bytes(stream)
