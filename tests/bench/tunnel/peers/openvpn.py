"""OpenVPN 2.6 in userspace: its data channel offload stays off, for that is a kernel module."""

import re

from labtest import wait_for
from tunnel.link import INNER, INNER_MTU, OTHER, OUTER
from tunnel.machine import said_by
from tunnel.wire import OpenvpnShape

from .side import Side, Subject

CIPHER, LOG, KEY, CERT = "AES-128-GCM", "/run/openvpn.log", "/run/openvpn.key", "/run/openvpn.crt"


class OpenvpnSide(Side):
    name = "openvpn"
    packages = ("openvpn", "openssl")
    programs = ("openvpn", "openssl")
    daemons = ("openvpn",)

    def version(self):
        said = re.match(r"OpenVPN \S+", said_by("openvpn", "--version") or "")
        return said.group(0) if said else None

    def subjects(self):
        return [Subject(self, self.name, "aes-128-gcm", OpenvpnShape())]

    def open(self):
        prints = {}
        for name, host in self.link.hosts.items():
            host.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                     "-subj", f"/CN={name}", "-keyout", KEY, "-out", CERT)
            prints[name] = host.out("openssl", "x509", "-in", CERT, "-noout", "-fingerprint", "-sha256").strip().split("=", 1)[1]
        for name in self.link.hosts:
            there = OTHER[name]
            self.daemon(
                name, "openvpn", "--dev", "tun0", "--dev-type", "tun", "--proto", "udp4", "--local", OUTER[name], "--remote",
                OUTER[there], "--lport", "1194", "--rport", "1194", "--tls-client" if name == "relent" else "--tls-server", "--dh",
                "none", "--cert", CERT, "--key", KEY, "--peer-fingerprint", prints[there], "--data-ciphers", CIPHER, "--cipher",
                CIPHER, "--ifconfig", INNER[name], INNER[there], "--tun-mtu", str(INNER_MTU), "--mssfix", "0", "--disable-dco",
                "--verb", "1", "--suppress-timestamps", log=LOG)
        for name, host in self.link.hosts.items():
            try:
                wait_for("OpenVPN's handshake", lambda host=host: "Initialization Sequence Completed" in
                         host.run("cat", LOG, check=False).stdout, timeout=40)
            except AssertionError:
                self.complain(name, LOG)
