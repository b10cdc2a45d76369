"""The wires: each segment is a bridge in the keeper's network namespace, each host is plugged in by a veth pair."""

import contextlib
import ipaddress
import os
import re
import threading

from . import kernel
from .kernel import LabError, run

HOST = re.compile(r"[a-z][a-z0-9-]{0,9}\Z")  # "sw3-" and the name must fit an interface name


def check_label(label, what):
    if not HOST.match(label):
        raise LabError(f"'{label}' cannot name a {what}: use up to 10 lower-case letters, digits and '-', a letter first.")
    return label


def parse_address(text, default_length=24):
    try:
        if "/" in text:
            return ipaddress.ip_interface(text)
        address = ipaddress.ip_address(text)
        return ipaddress.ip_interface(f"{text}/{default_length if address.version == 4 else 64}")
    except ValueError:
        raise LabError(f"'{text}' is not an IP address; write for example 10.0.0.120 or 10.0.0.120/24.") from None


def bridge(segment):
    return f"br-{segment}"


def port(host, index):
    """The switch's end of a host's interface ethINDEX."""
    return f"sw-{host}" if index == 0 else f"sw{index}-{host}"


def inside(pid, words):
    """A command line run in the network namespace of `pid`."""
    return ["nsenter", f"--net=/proc/{pid}/ns/net", "--", *words]


def ip(pid, *words):
    return run(inside(pid, ["ip", *words]))


def ip_batch(pid, lines):
    return run(inside(pid, ["ip", "-batch", "-"]), input="\n".join(lines) + "\n")


def nft(pid, text):
    return run(inside(pid, ["nft", "-f", "-"]), input=text)


def make_segment(keeper_pid, segment):
    name = bridge(segment)
    ip_batch(keeper_pid, [
        f"link add {name} type bridge mcast_snooping 0 forward_delay 0",
        f"link set {name} addrgenmode none up",
    ])


def plug(keeper_pid, host, host_pid, index, segment, addresses, gateway=None):
    """Gives the host an interface ethINDEX on the segment."""
    name = f"eth{index}"
    ip_batch(keeper_pid, [
        f"link add {port(host, index)} type veth peer name {name} netns {host_pid}",
        f"link set {port(host, index)} master {bridge(segment)} addrgenmode none up",
    ])
    lines = [f"address add {address} dev {name}{' nodad' if address.version == 6 else ''}" for address in addresses]
    lines.append(f"link set {name} up")
    if gateway:
        lines.append(f"route add default via {gateway}")
    ip_batch(host_pid, lines)


@contextlib.contextmanager
def _namespace(pid):
    """This thread in the network namespace of `pid`, and back."""
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    there = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        kernel.setns(there, kernel.CLONE_NEWNET)
        yield
    finally:
        kernel.setns(here, kernel.CLONE_NEWNET)
        os.close(here)
        os.close(there)


def call_in_namespace(pid, function):
    """The value of function(), called in the network namespace of `pid`: a socket made there stays there.

    It runs in a thread of its own, because the namespace is a property of the thread and the caller may have others.
    """
    result = {}

    def body():
        try:
            with _namespace(pid):
                result["value"] = function()
        except BaseException as problem:  # pylint: disable=broad-except
            result["problem"] = problem

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    if "problem" in result:
        raise result["problem"]
    return result["value"]
