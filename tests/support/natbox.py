"""A router of the lab that masquerades, and forgets when it is told to."""

import socket
import struct

import labtest
from labkit.net import call_in_namespace

NFNETLINK = 12  # socket.NETLINK_NETFILTER came with no Python yet
CT_DELETE = 1 << 8 | 2  # all of conntrack
REQUEST_ACK = 1 | 4


class NatBox(labtest.Host):
    """Between the segment `home`, where it is `inside`, and the lab's own, where it is `outside`."""

    def __init__(self, lab, name, inside, outside):
        lab.add_router(name, [("home", [inside]), ("lan", [outside])])
        super().__init__(lab, name, outside.split("/")[0])
        self._flush = call_in_namespace(lab.init(name).pid, lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NFNETLINK))

    def map_to(self, port):
        """Every mapping is forgotten; the next ones of port 4500 get `port`."""
        self._begin_anew(f"add rule inet lab_nat postrouting oifname eth1 udp sport 4500 masquerade to :{port};")

    def forget(self):
        """Every mapping is forgotten: whoever speaks first from a port has it outside too, others get others."""
        self._begin_anew("")

    def _begin_anew(self, rules):
        self.run("nft", f"flush chain inet lab_nat postrouting; {rules} add rule inet lab_nat postrouting oifname eth1 masquerade")
        self._flush.send(struct.pack("=IHHII", 20, CT_DELETE, REQUEST_ACK, 1, 0) + bytes(4))
        answer = self._flush.recv(4096)
        if struct.unpack_from("=i", answer, 16)[0] != 0:
            raise AssertionError("the translator's mappings cannot be dropped")

    def close(self):
        self._flush.close()
