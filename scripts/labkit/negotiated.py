"""What the chapters 'psk', 'cert' and 'ikev2' of scripts/demo share: a letter for which keys are negotiated first."""

import os

from .kernel import LabError
from .story import (ELMER, EXAMPLES, HOSTS, LETTER, RELENT, Capture, Connection, Log, command, show, show_wrapped, step,
                    wait_for)

CONFIGURATION = "/etc/inet/racoon.conf"
# Lines of the log that tell the story; the debug level of the guide's `log debug` has more.
TOLD = (r"(initiate new phase|respond new phase|begin (Aggressive|Identity)|IPsec-SA request|ISAKMP-SA established"
        r"|IKE-SA established|IPsec-SA established)")


def install(lab, host, source, target):
    """A file of the guide at its place on a host, which has an /etc of its own."""
    show(command(lab, host, "install", "-D", "-m", "600", f"{EXAMPLES}/{source}", target))


def tell_policies(number, lab):
    step(number, "The policies, remote host first. `require`: without an association no packet of TCP leaves. No keys here:")
    for host in ("elmer", "relent"):
        show(command(lab, host, "ipseckey", "-f", f"{EXAMPLES}/ike-{host}.ipsec.conf"))
    show(command(lab, "relent", "ipseckey", "-DP"))


def tell_load(number, lab):
    step(number, "The configuration is read, as the program racoon did at its start. What it holds against it are warnings:")
    for host in ("elmer", "relent"):
        show_wrapped(command(lab, host, "ipsecctl", "racoon"))


def tell_exchange(number, lab, folder, near=RELENT, far=ELMER):
    """The first packet of a connection waits for keys, then everything goes under them."""
    step(number, "relent opens a TCP connection and sends a letter. The first packet needs a key, and there is none yet.\n"
                 "   What crosses the wire:")
    logs = {host: Log(lab, host) for host in HOSTS}
    for log in logs.values():
        log.fresh(TOLD)
    with Capture(lab, os.path.join(folder, "wire.pcap"), "ip") as wire:
        connection = Connection(lab, near, far)
        arrived = connection.send(LETTER)
        connection.close()
        wait_for(lambda: len(wire.lines(40, "ip proto 50")) == 40)
    if arrived != LETTER:
        raise LabError("the letter did not arrive as it was sent.")
    ike, esp = wire.lines(20, "udp port 500"), wire.lines(6, "ip proto 50")
    show([*ike, *esp, "..."])
    clear = wire.lines(4, f"tcp and host {near} and host {far}")
    if not ike or clear:
        raise LabError("\n     ".join(["clear packets crossed the wire:", *clear] if clear else ["no message of IKE was seen."]))
    print(f"\n     {len(ike)} messages of IKE, then ESP. The letter arrived, {len(arrived)} octets; of its TCP no packet went in clear.")
    return logs


def tell_logs(number, logs):
    step(number, "What the two hosts say in their logs, in the words of the guide:")
    for host in HOSTS:
        lines = logs[host].fresh(TOLD)
        show([f"{host}: {line}" for line in lines])
        if sum("IPsec-SA established: ESP/Tunnel" in line for line in lines) < 2:
            raise LabError(f"{host} should say that an association is established in each direction.")


def tell_state(number, lab):
    step(number, "The suite's state, and the associations, with their keys, since it is root who asks:")
    lines = command(lab, "relent", "ipsecctl", "status")
    begin = lines.index("keyd")
    show([*lines[:lines.index("policyd")], "...", *lines[begin:lines.index("", begin)], "..."])
    print()
    show(command(lab, "relent", "ipsecctl", "sad"))
