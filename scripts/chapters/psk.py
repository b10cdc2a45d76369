"""Chapter 'psk' of scripts/demo: the guide's two hosts negotiate their keys; a pre-shared key says who is who."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from labkit import negotiated  # noqa: E402
from labkit.lab import ROOT  # noqa: E402
from labkit.story import EXAMPLES, HOSTS, chapter, command, show, start_suite, step  # noqa: E402


def story(lab, folder):
    step(1, "Two hosts on one segment: relent (10.0.0.100) and elmer (10.0.0.110). Each starts the suite.")
    start_suite(lab)

    step(2, "Each host lists its peer and the key they share, in a file that only root can read:")
    for host in HOSTS:
        negotiated.install(lab, host, f"psk-{host}.txt", "/etc/inet/psk.txt")
    show(command(lab, "relent", "cat", "/etc/inet/psk.txt"))

    step(3, "How to negotiate, in the guide's own racoon.conf; it is the same on both but for their addresses:")
    for host in HOSTS:
        negotiated.install(lab, host, f"psk-{host}.racoon.conf", negotiated.CONFIGURATION)
    with open(os.path.join(ROOT, EXAMPLES, "psk-relent.racoon.conf"), encoding="utf-8") as source:
        show((line for line in source if line.strip() and "#" not in line), "         ")

    negotiated.tell_policies(4, lab)

    negotiated.tell_load(5, lab)
    logs = negotiated.tell_exchange(6, lab, folder)
    negotiated.tell_logs(7, logs)
    negotiated.tell_state(8, lab)


sys.exit(chapter("Pre-shared keys: the second procedure of the guide", story, sys.argv[1:]))
