"""Chapter 'ikev2' of scripts/demo: two gateways with a network behind each, one authority, and a configuration of nine lines."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from labkit import negotiated  # noqa: E402
from labkit.kernel import LabError  # noqa: E402
from labkit.story import ELMER, HOSTS, RELENT, chapter, command, show, show_wrapped, start_suite, step, wait_for  # noqa: E402

ADDRESS = {"relent": RELENT, "elmer": ELMER}
NETWORK = {"relent": "10.1.0.0/24", "elmer": "10.2.0.0/24"}
INSIDE = {"relent": "10.1.0.1", "elmer": "10.2.0.1"}
FOLDER = "/etc/postern/certs"
FILE = "/etc/postern/postern.conf"


def other(host):
    return HOSTS[1 - HOSTS.index(host)]


def give_networks(lab):
    for host in HOSTS:
        command(lab, host, "ip", "address", "add", f"{INSIDE[host]}/32", "dev", "lo")
        command(lab, host, "ip", "route", "add", NETWORK[other(host)], "via", ADDRESS[other(host)], "src", INSIDE[host])


def issue(lab):
    show(command(lab, "relent", "ipsecctl", "pki", "ca", "--name", "Example CA", shown='ipsecctl pki ca --name "Example CA"'))
    show(command(lab, "relent", "ipsecctl", "pki", "issue", "--address", RELENT, "-o", FOLDER))
    show(command(lab, "relent", "ipsecctl", "pki", "issue", "--address", ELMER, "-o", "/etc/postern/for-elmer"))


def carry(lab):
    """elmer's folder, key and all, over a way that both trust; then nobody but elmer has it."""
    print(f"     relent# scp -r /etc/postern/for-elmer elmer:{FOLDER}")
    lab.call("elmer", ["mkdir", "-p", "-m", "700", FOLDER])
    for name in lab.call("relent", ["ls", "/etc/postern/for-elmer"]).split():
        text = lab.call("relent", ["cat", f"/etc/postern/for-elmer/{name}"])
        lab.call("elmer", ["install", "-m", "600", "/dev/stdin", f"{FOLDER}/{name}"], input=text)
    command(lab, "relent", "rm", "-r", "/etc/postern/for-elmer")


def configuration(host):
    here, there = ADDRESS[host], ADDRESS[other(host)]
    return (f"connection {other(host)} {{\n"
            f"    remote      {there}\n"
            f"    local-id    {here}\n"
            f"    remote-id   {there}\n"
            f"    certificate {FOLDER}/{here}.pem\n"
            f"    key         {FOLDER}/{here}.key\n"
            f"    authority   {FOLDER}/ca.pem\n"
            f"    child       {NETWORK[host]} = {NETWORK[other(host)]}\n"
            "}\n")


def write_configuration(lab, host):
    lab.call(host, ["install", "-m", "600", "/dev/stdin", FILE], input=configuration(host))


def tell_new_start(number, lab):
    step(number, "relent's suite is stopped and started again, as by a reboot. The file is loaded by itself; nobody types anything but ping:")
    lab.stop("relent")
    print("     relent# kill $(pidof postern-supervisor)")
    lab.start("relent")
    print("     relent# postern-supervisor", flush=True)
    lines = command(lab, "relent", "ping", "-c", "3", "-W", "5", "-I", INSIDE["relent"], INSIDE["elmer"])
    show(lines)
    if not any("3 received" in line for line in lines):
        raise LabError("every packet should have come through.")


def story(lab, folder):
    step(1, "Two gateways: relent (10.0.0.100) with the network 10.1.0.0/24 behind it, elmer (10.0.0.110) with 10.2.0.0/24. An address\n"
            "   of each stands for its network. Each starts the suite.")
    give_networks(lab)
    start_suite(lab)

    step(2, "relent makes an authority, and with it a key and a certificate for each gateway:")
    issue(lab)

    step(3, "elmer gets its folder:")
    carry(lab)

    step(4, f"{FILE}, mode 600, on relent; on elmer it is the same with addresses and networks swapped:")
    for host in HOSTS:
        write_configuration(lab, host)
    show(command(lab, "relent", "cat", FILE))

    step(5, "It is checked, which changes nothing, and loaded, remote gateway first:")
    show_wrapped(command(lab, "relent", "ipsecctl", "check"))
    for host in ("elmer", "relent"):
        show(command(lab, host, "ipsecctl", "load"))

    logs = negotiated.tell_exchange(6, lab, folder, INSIDE["relent"], INSIDE["elmer"])
    negotiated.tell_logs(7, logs)

    step(8, "What was negotiated, as elmer sees it:")
    show(command(lab, "elmer", "ipsecctl", "show"))

    tell_new_start(9, lab)


sys.exit(chapter("Version 2 of IKE: two sites, certificates, one short file", story, sys.argv[1:]))
