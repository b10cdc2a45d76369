"""The relay: forwards frames between two interfaces and makes them late, uneven, out of order or double.

The test kernel has no netem, so this stands in for it. It reads and writes with the virtio header, so that large
segments and unfinished checksums pass as they are. Order is kept unless a frame is chosen to be reordered: such a frame
is held back until later ones have passed it.
"""

import heapq
import os
import random
import select
import signal
import socket
import time

SOL_PACKET = 263
PACKET_VNET_HDR = 15
PACKET_IGNORE_OUTGOING = 23
ETH_P_ALL = 3
FRAME_MAX = 10 + 14 + 65536
HELD_MAX = 20000          # frames in flight; more are dropped, as a real queue would
HOLD_BACK_NS = 4_000_000  # a reordered frame comes this much later than its turn


def _open(interface):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    sock.bind((interface, ETH_P_ALL))
    sock.setblocking(False)
    return sock


class Line:
    """One direction: frames and when each is due."""

    def __init__(self, target, rules, rng):
        self.target = target
        self.rules = rules
        self.rng = rng
        self.heap = []
        self.count = 0
        self.last_due = 0

    def put(self, frame, now):
        rules, rng = self.rules, self.rng
        copies = 2 if rng.random() < rules["duplicate"] else 1
        for _ in range(copies):
            if len(self.heap) >= HELD_MAX:
                return
            due = now + rules["delay_ns"] + round(rng.uniform(-rules["jitter_ns"], rules["jitter_ns"]))
            due = max(due, now, self.last_due)
            if rng.random() < rules["reorder"]:
                due += HOLD_BACK_NS
            else:
                self.last_due = due
            self.count += 1
            heapq.heappush(self.heap, (due, self.count, frame))

    def flush(self, now):
        while self.heap and self.heap[0][0] <= now:
            frame = heapq.heappop(self.heap)[2]
            try:
                self.target.send(frame)
            except OSError:
                pass  # the far end is down or its queue full: lost, as on a wire

    def wait_ms(self, now):
        return None if not self.heap else max(0, -(-(self.heap[0][0] - now) // 1_000_000))


def relay_main(left, right, rules, keeper_fd, answer_fd):
    """Runs until the keeper ends or SIGTERM; tells "ok" on `answer_fd` when frames flow."""
    rng = random.Random(rules["seed"])
    first, second = _open(left), _open(right)
    lines = {first.fileno(): (first, Line(second, rules, rng)), second.fileno(): (second, Line(first, rules, rng))}
    poll = select.poll()
    poll.register(keeper_fd, select.POLLIN)
    for fd in lines:
        poll.register(fd, select.POLLIN)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    os.write(answer_fd, b"ok")
    os.close(answer_fd)
    while True:
        now = time.monotonic_ns()
        waits = [wait for _, line in lines.values() if (wait := line.wait_ms(now)) is not None]
        for fd, _ in poll.poll(min(waits) if waits else None):
            if fd == keeper_fd:
                return
            sock, line = lines[fd]
            now = time.monotonic_ns()
            for _ in range(64):
                try:
                    line.put(sock.recv(FRAME_MAX), now)
                except BlockingIOError:
                    break
                except OSError:
                    break  # interface down: nothing to read until it is up again
        now = time.monotonic_ns()
        for _, line in lines.values():
            line.flush(now)
