"""wireguard-go: WireGuard in userspace, over a TUN device."""

from labkit.kernel import LabError
from labtest import wait_for
from tunnel.link import INNER, INNER_MTU, OTHER, OUTER
from tunnel.machine import said_by
from tunnel.wire import WireguardShape

from .side import Side, Subject

PORT, LOG = 51820, "/run/wireguard-go.log"


class WireguardSide(Side):
    name = "wireguard-go"
    packages = ("wireguard-go", "wireguard-tools")
    programs = ("wireguard-go", "wg")
    program = "wireguard-go"  # or a path, by --wireguard-go
    daemons = ("wireguard-go",)

    @classmethod
    def use(cls, path):
        """Another binary than the package's."""
        cls.program, cls.programs = path, (path, "wg")
        cls.daemons = (path.rsplit("/", 1)[-1],)

    def version(self):
        return said_by(self.program, "--version")

    def subjects(self):
        return [Subject(self, self.name, "chacha20-poly1305", WireguardShape())]

    def open(self):
        keys = {}
        for name, host in self.link.hosts.items():
            if host.run("test", "-x", self.program, check=False).returncode != 0 and self.program.startswith("/"):
                raise LabError(f"{self.program} is out of sight of the hosts, which have a /run and a /var of their own; put it elsewhere.")
            private = host.out("wg", "genkey").strip()
            keys[name] = (private, host.out("wg", "pubkey", text=private + "\n").strip())
            self.daemon(name, "env", "LOG_LEVEL=error", self.program, "-f", "wg0", log=LOG)
        for name, host in self.link.hosts.items():
            there = OTHER[name]
            try:
                wait_for("wireguard-go's socket", lambda host=host: host.run("wg", "show", "wg0", check=False).returncode == 0)
            except AssertionError:
                self.complain(name, LOG)
            host.run("wg", "setconf", "wg0", "/dev/stdin", text=(
                f"[Interface]\nPrivateKey = {keys[name][0]}\nListenPort = {PORT}\n"
                f"[Peer]\nPublicKey = {keys[there][1]}\nAllowedIPs = {INNER[there]}/32\nEndpoint = {OUTER[there]}:{PORT}\n"))
            host.run("ip", "address", "add", f"{INNER[name]}/32", "dev", "wg0")
            host.run("ip", "link", "set", "wg0", "mtu", str(INNER_MTU), "up")
            host.run("ip", "route", "add", INNER[there], "dev", "wg0", "src", INNER[name])
