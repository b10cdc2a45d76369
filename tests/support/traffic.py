#!/usr/bin/python3
"""Small senders and receivers that run inside the hosts of a test. Each says 'ready' once, then does its one thing.

Every sender has an end: a number of octets, of packets, or of seconds.
"""

import hashlib
import json
import select
import socket
import sys
import threading
import time

CHUNK = 1400
SO_RCVBUFFORCE = 33
QUIET_S = 0.3


def say(text):
    print(text, flush=True)


def pattern(offset, length):
    """Octets that tell their place, so that a lost or doubled piece shows."""
    first, last = offset // 8, (offset + length + 7) // 8
    raw = b"".join(number.to_bytes(8, "big") for number in range(first, last))
    return raw[offset - first * 8:][:length]


def _listen(port):
    server = socket.create_server(("", int(port)), family=socket.AF_INET6, dualstack_ipv6=True, backlog=16)
    say("ready")
    return server


def _serve(port, work):
    server = _listen(port)
    while True:
        sock, _ = server.accept()
        threading.Thread(target=work, args=(sock,), daemon=True).start()


def _swallow(sock):
    digest, total = hashlib.sha256(), 0
    while data := sock.recv(65536):
        digest.update(data)
        total += len(data)
    sock.sendall(f"{total} {digest.hexdigest()}\n".encode())
    sock.close()


def tcp_sink(port):
    """Reads each connection to its end and answers with the octets' number and digest."""
    _serve(port, _swallow)


def tcp_sink_once(port):
    """The same with the first connection, and no other."""
    with _listen(port) as server:
        _swallow(server.accept()[0])


def tcp_send(address, port, octets, rate, timeout):
    """Sends `octets` at `rate` per second; exit 0 if the receiver got exactly these."""
    octets, rate = int(octets), float(rate)
    sock = socket.create_connection((address, int(port)), timeout=float(timeout))
    say("ready")
    digest, sent, begin = hashlib.sha256(), 0, time.monotonic()
    while sent < octets:
        data = pattern(sent, min(CHUNK * 8, octets - sent))
        digest.update(data)
        sock.sendall(data)
        sent += len(data)
        ahead = sent / rate - (time.monotonic() - begin)
        if ahead > 0:
            time.sleep(ahead)
    sock.shutdown(socket.SHUT_WR)
    answer = sock.makefile().readline().strip()
    say(answer)
    sys.exit(0 if answer == f"{octets} {digest.hexdigest()}" else 1)


def tcp_echo(port):
    def work(sock):
        while data := sock.recv(65536):
            sock.sendall(data)
        sock.close()
    _serve(port, work)


def tcp_talk(address, port):
    """One connection: each line of the standard input is sent, and its echo printed."""
    sock = socket.create_connection((address, int(port)), timeout=30)
    say("ready")
    stream = sock.makefile("r")
    for line in sys.stdin:
        sock.sendall(line.encode())
        say(stream.readline().rstrip("\n"))


def udp_send(address, port, packets, rate, size):
    """Numbered datagrams at `rate` per second; what the kernel refuses is counted, not retried. Several sizes, with
    commas between, take turns."""
    packets, rate, sizes = int(packets), float(rate), [int(word) for word in size.split(",")]
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    say("ready")
    filler = b"POSTERN-CLEAR-" * (max(sizes) // 14 + 1)
    refused, begin = 0, time.monotonic()
    why = {}
    for number in range(packets):
        try:
            sock.sendto((number.to_bytes(8, "big") + filler)[:sizes[number % len(sizes)]], (address, int(port)))
        except OSError as problem:
            refused += 1
            why[problem.errno] = why.get(problem.errno, 0) + 1
        ahead = (number + 1) / rate - (time.monotonic() - begin)
        if ahead > 0:
            time.sleep(ahead)
    say(json.dumps({"sent": packets - refused, "refused": refused, "why": why, "seconds": time.monotonic() - begin}))


def udp_flow(addresses, port, rate, size):
    """The same until the standard input says a line; prints how many were sent, and what the kernel refused, by its numbers.
    Several addresses, with commas between, take turns; before each, and a '>', may stand the one that it is sent from."""
    socks = []
    for word in addresses.split(","):
        source, _, target = word.rpartition(">")
        sock = socket.socket(socket.AF_INET6 if ":" in target else socket.AF_INET, socket.SOCK_DGRAM)
        if source:
            sock.bind((source, 0))
        socks.append((sock, (target, int(port))))
    say("ready")
    filler = b"POSTERN-CLEAR-" * (int(size) // 14 + 1)
    number, begin, refused = 0, time.monotonic(), {}
    while not select.select([sys.stdin], [], [], max(0, number / float(rate) - (time.monotonic() - begin)))[0]:
        sock, to = socks[number % len(socks)]
        try:
            sock.sendto((number.to_bytes(8, "big") + filler)[:int(size)], to)
        except OSError as problem:
            refused[problem.errno] = refused.get(problem.errno, 0) + 1
        number += 1
    say(json.dumps({"sent": number - sum(refused.values()), "refused": refused}))


def udp_count(port):
    """Counts datagrams until the standard input says a line and the wire has been quiet for a while; prints what came."""
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
    sock.bind(("::", int(port)))
    say("ready")
    numbers, total, octets, ending = set(), 0, 0, False
    while True:
        readable, _, _ = select.select([sock] if ending else [sock, sys.stdin], [], [], QUIET_S if ending else None)
        if sock in readable:
            data = sock.recv(65536)
            numbers.add(int.from_bytes(data[:8], "big"))
            total += 1
            octets += len(data)
        elif ending:
            say(json.dumps({"received": total, "different": len(numbers), "octets": octets}))
            return
        elif sys.stdin in readable:
            sys.stdin.readline()
            ending = True


def raw_send(address, protocol, packets, rate, size):
    """Bare IP packets of a protocol with `size` octets of upper layer: too short for anybody's ports."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, int(protocol))
    say("ready")
    refused, begin = 0, time.monotonic()
    for number in range(int(packets)):
        try:
            sock.sendto(b"\x01\x02\x03\x04"[:int(size)], (address, 0))
        except OSError:
            refused += 1
        ahead = (number + 1) / float(rate) - (time.monotonic() - begin)
        if ahead > 0:
            time.sleep(ahead)
    say(json.dumps({"sent": int(packets) - refused, "refused": refused}))


def packets():
    """Whole IP packets as they stand: each line of the standard input is an address, hexadecimal octets, how many."""
    say("ready")
    socks = {}
    for line in sys.stdin:
        address, octets, times = line.split()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        if family not in socks:
            socks[family] = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
        for _ in range(int(times)):
            socks[family].sendto(bytes.fromhex(octets), (address, 0))


PROGRAMS = {"tcp-sink": tcp_sink, "tcp-sink-once": tcp_sink_once, "tcp-send": tcp_send, "tcp-echo": tcp_echo, "tcp-talk": tcp_talk, "udp-send": udp_send,
            "udp-flow": udp_flow,
            "udp-count": udp_count, "raw-send": raw_send, "packets": packets}

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]](*sys.argv[2:])
