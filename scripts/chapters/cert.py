"""Chapter 'cert' of scripts/demo: the guide's two hosts negotiate their keys; certificates say who is who."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from labkit import negotiated  # noqa: E402
from labkit.story import HOSTS, chapter, command, show, start_suite, step  # noqa: E402

FOLDER = "/usr/local/ssl/certs"
SUBJECT = "/C=US/ST=NY/L=BERNE/O=Internet Widgits Pty Ltd"  # what the guide's readers answered openssl


def run(lab, host, line):
    """A line for the shell, in the folder of the certificates; what openssl reports of its progress is left out."""
    command(lab, host, "sh", "-ec", f"cd {FOLDER}; {line}", shown=line.replace("\\\n", "\\\n     > "))


def make_certificate(lab, host):
    # A /usr/local of this host alone; the machine's own is not touched.
    lab.call(host, ["mount", "-t", "tmpfs", "tmpfs", "/usr/local"])
    command(lab, host, "mkdir", "-p", FOLDER)
    print(f"     {host}# cd {FOLDER}")
    run(lab, host, "openssl req -new -nodes -newkey rsa:1024 -sha1 -keyform PEM \\\n"
                   f"-keyout privkey.pem -out request.pem -subj '{SUBJECT}'")
    run(lab, host, f"openssl x509 -req -in request.pem -signkey privkey.pem -out {host}_cert.pem")
    run(lab, host, f"ln -s {host}_cert.pem $(openssl x509 -noout -hash -in {host}_cert.pem).0")


def copy_certificate(lab, source, target):
    """From host to host; the private key stays where it was made."""
    name = f"{FOLDER}/{source}_cert.pem"
    text = lab.call(source, ["cat", name])
    print(f"     {target}# scp {source}:{name} {FOLDER}")
    lab.call(target, ["tee", name], input=text)


def story(lab, folder):
    step(1, "Two hosts on one segment: relent (10.0.0.100) and elmer (10.0.0.110). Each starts the suite.")
    start_suite(lab)

    step(2, "Each host makes a private key and signs its own certificate, with the guide's commands:")
    for host in HOSTS:
        make_certificate(lab, host)

    step(3, "Each gets the other's certificate. That is all the trust there is: no authority, nothing in common but these files.")
    for source, target in zip(HOSTS, reversed(HOSTS)):
        copy_certificate(lab, source, target)
    print()
    show(command(lab, "relent", "openssl", "x509", "-noout", "-subject", "-fingerprint", "-sha256", "-in",
                 f"{FOLDER}/elmer_cert.pem"))

    step(4, "The guide's own racoon.conf, which names them:")
    for host in HOSTS:
        negotiated.install(lab, host, f"cert-{host}.racoon.conf", negotiated.CONFIGURATION)
    show(command(lab, "relent", "grep", "-E", "identifier|certificate_type|certfile|authentication_method",
                 negotiated.CONFIGURATION))

    negotiated.tell_policies(5, lab)

    negotiated.tell_load(6, lab)
    logs = negotiated.tell_exchange(7, lab, folder)
    negotiated.tell_logs(8, logs)
    negotiated.tell_state(9, lab)


sys.exit(chapter("Certificates: the third procedure of the guide", story, sys.argv[1:]))
