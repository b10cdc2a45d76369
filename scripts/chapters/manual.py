"""Chapter 'manual' of scripts/demo: the guide's two hosts with keys typed in by hand."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from labkit import stream, tshark  # noqa: E402
from labkit.kernel import LabError  # noqa: E402
from labkit.lab import ROOT  # noqa: E402
from labkit.story import (EXAMPLES, HOSTS, LETTER, RELENT, Capture, Connection, chapter, command, show,  # noqa: E402
                          start_suite, step, wait_for)

FILES = {host: f"{EXAMPLES}/manual-{host}.ipsec.cf" for host in HOSTS}
ASSOCIATION = re.compile(r'^add\s+(\S+)\s+(\S+)\s+esp\s+(\S+)[^;]*?-E\s+3des-cbc\s+"([^"]+)"', re.MULTILINE)


def keys():
    """The ESP associations of the guide's file, as tshark takes them."""
    with open(os.path.join(ROOT, FILES["relent"]), encoding="utf-8") as source:
        return [tshark.esp_row(from_, to, int(spi, 0), "TripleDES-CBC [RFC2451]", key.encode(), "NULL", b"")
                for from_, to, spi, key in ASSOCIATION.findall(source.read())]


def decrypted(path):
    """(number, SPI, sequence number, inner TCP sequence number, inner payload) of each ESP packet from relent to elmer."""
    fields = ["frame.number", "esp.spi", "esp.sequence", "tcp.seq_raw", "tcp.payload", "ip.src"]
    for number, spi, sequence, position, payload, source in tshark.read(path, keys(), fields):
        if spi and payload and source.startswith(RELENT):
            yield number, spi, sequence, int(position), bytes.fromhex(payload.replace(":", ""))


def letter_from(packets):
    """The octet stream that the inner TCP segments make, as far as it is without a gap."""
    return stream.join((position, payload) for _, _, _, position, payload in packets)


def tell_wire(capture):
    lines = capture.lines(8)
    show([*lines, "..."])
    if not lines or any("ESP(spi=0x0001000" not in line for line in lines):
        raise LabError("these should all be ESP packets with the guide's SPIs.")


def tell_decrypted(capture):
    packets = list(decrypted(capture.path))
    for number, spi, sequence, _, payload in packets[:3]:
        first = payload.decode(errors="replace").splitlines()[0]
        print(f'     packet {number:>3}  {spi} seq {sequence:>3}  TCP, {len(payload):>4} octets, begins "{first[:60]}"')
    print("     ...")
    text = letter_from(packets)
    if LETTER not in text:
        raise LabError(f"tshark found {len(text)} octets of TCP without a gap in {len(packets)} packets of the capture, and the"
                       f" letter of {len(LETTER)} octets is not among them.{capture.lost()}")
    print(f"\n     All {len(LETTER)} octets of the letter, found by a program that knows nothing of Postern but the keys.")


def story(lab, folder):
    step(1, "Two hosts on one segment: relent (10.0.0.100) and elmer (10.0.0.110). Each starts the suite.")
    start_suite(lab)

    step(2, "Nothing is configured yet, so nothing is protected. relent opens a TCP connection and says hello:")
    with Capture(lab, os.path.join(folder, "before.pcap"), "tcp") as before:
        connection = Connection(lab)
        connection.send(b"hello, this line anybody can read\n")
        wait_for(lambda: len(before.lines(4)) == 4)
    show(before.lines(4))

    step(3, "The guide's own files, unchanged; the remote host first, as the guide advises:")
    for host in ("elmer", "relent"):
        show(command(lab, host, "ipseckey", "-f", FILES[host]))
    print("\n     What relent now wants done with its packets:\n")
    show(command(lab, "relent", "ipseckey", "-DP"))

    step(4, "Over the same connection, still open, relent now sends a letter. What crosses the wire:")
    with Capture(lab, os.path.join(folder, "after.pcap"), "ip") as after:
        arrived = connection.send(LETTER)
        connection.close()
        # tcpdump writes what it has seen a little later; stopped too early it would forget the rest.
        wait_for(lambda: LETTER in letter_from(decrypted(after.path)))
    if arrived != LETTER:
        raise LabError("the letter did not arrive as it was sent.")
    tell_wire(after)
    print(f"\n     The letter arrived, {len(arrived)} octets, and not one line of it can be read above.")

    step(5, "The same packets, read by tshark, which was given the two keys:")
    tell_decrypted(after)

    step(6, "And the counters, as the guide prints them:")
    show(command(lab, "relent", "ipsecctl", "netstat", "-nsp", "ipsec"))


sys.exit(chapter("Manual keys: the first procedure of the guide", story, sys.argv[1:]))
