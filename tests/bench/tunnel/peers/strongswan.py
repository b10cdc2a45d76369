"""strongSwan's charon with its own datapath in userspace (kernel-libipsec), which carries ESP in UDP.

Its TUN device has an MTU of 1400, which nothing changes: a longer packet is read cut off, whatever the device says. This is 20 octets
less than everybody else has.
"""

import charon
from labkit.kernel import LabError
from labtest import wait_for
from tunnel.link import INNER, OTHER, OUTER
from tunnel.machine import said_by
from tunnel.wire import EspShape

from .side import Side, Subject

PLUGIN = "/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so"
SWANCTL = """
connections {
  bench {
    version = 2
    encap = yes
    mobike = no
    local_addrs = %(here)s
    remote_addrs = %(there)s
    proposals = aes128-sha256-modp2048
    rekey_time = 0
    local { auth = psk
            id = %(here)s }
    remote { auth = psk
             id = %(there)s }
    children {
      bench {
        local_ts = %(inner_here)s/32
        remote_ts = %(inner_there)s/32
        esp_proposals = aes128gcm16
        rekey_time = 0
        mode = tunnel
      }
    }
  }
}
secrets {
  ike-1 { secret = "only for a benchmark" }
}
"""


class StrongswanSide(Side):
    name = "strongswan"
    packages = ("strongswan-charon", "strongswan-swanctl", "libcharon-extra-plugins", "libstrongswan-standard-plugins")
    programs = (charon.CHARON, "swanctl")
    daemons = ("charon",)

    def __init__(self):
        super().__init__()
        self.charons = []

    @classmethod
    def missing(cls):
        sentence = super().missing()
        if sentence or cls.has_plugin():
            return sentence
        return f"{PLUGIN} not found; to have it measured: apt-get install --no-install-recommends {' '.join(cls.packages)}"

    @staticmethod
    def has_plugin():
        try:
            with open(PLUGIN, "rb"):
                return True
        except OSError:
            return False

    def remark(self):
        return "its inner MTU is 1400 and cannot be changed"

    def version(self):
        return said_by(charon.CHARON, "--version")

    def subjects(self):
        return [Subject(self, self.name, "aes-128-gcm", EspShape(udp=True, negotiated=True))]

    def open(self):
        for name, host in self.link.hosts.items():
            host.run("ip", "address", "add", f"{INNER[name]}/32", "dev", "lo")
            there = OTHER[name]
            peer = charon.Charon(host)
            self.charons.append(peer)
            peer.start(SWANCTL % {"here": OUTER[name], "there": OUTER[there], "inner_here": INNER[name], "inner_there": INNER[there]})
        said = self.charons[0].initiate("bench")
        if said.returncode != 0:
            raise LabError(f"strongSwan did not agree on a tunnel:\n{said.stdout[-2000:]}")
        for name, host in self.link.hosts.items():
            wait_for("strongSwan's route", lambda host=host, there=OTHER[name]: "dev ipsec0" in
                     host.out("ip", "route", "get", INNER[there]))

    def stop(self):
        self.link.down()
        for peer in self.charons:
            if peer.process:
                peer.process.wait(timeout=20)
        self.charons.clear()
