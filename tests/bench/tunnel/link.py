"""Two hosts and one wire between them, without a bridge: what each subject gets for itself.

Inside its tunnel every subject uses the same two addresses and the same MTU, so that the load is the same, too.
"""

import os

import labtest
from labkit import net
from labkit.kernel import LabError
from labkit.lab import Lab
from labtest import ELMER, RELENT

INNER = {"relent": "192.168.101.1", "elmer": "192.168.102.1"}
OTHER = {"relent": "elmer", "elmer": "relent"}
OUTER = {"relent": RELENT, "elmer": ELMER}
INNER_MTU, OUTER_MTU = 1420, 1500
OFFLOADS = ("tso", "gso", "tx-udp-segmentation")


class Link:
    def __init__(self, name):
        self.lab = Lab(f"bench-{name}-{os.getpid()}"[:31])
        self.hosts = {}

    def up(self):
        self.lab.up(build=labtest.BUILD, owner_pid=os.getpid())
        self.hosts = {name: labtest.Host(self.lab, name, address) for name, address in OUTER.items()}
        self._wire()

    def _wire(self):
        """The lab plugs hosts into a bridge, which costs something per packet that would be charged to everybody alike and so
        make everybody look alike."""
        pid = {name: self.lab.init(name).pid for name in OUTER}
        for name in OUTER:
            net.ip_batch(pid[name], ["link delete eth0"])
        net.ip_batch(pid["relent"], [f"link add eth0 type veth peer name eth0 netns {pid['elmer']}"])
        for name, address in OUTER.items():
            net.ip_batch(pid[name], [f"address add {address}/24 dev eth0", f"link set eth0 mtu {OUTER_MTU} up"])

    def down(self):
        self.lab.down()

    def pid(self, host):
        return self.lab.init(host).pid

    def inner_on_loopback(self):
        """For tunnels without a device of their own: the inner addresses, and a route between them with the inner MTU."""
        for name, host in self.hosts.items():
            host.run("ip", "address", "add", f"{INNER[name]}/32", "dev", "lo")
            host.run("ip", "route", "add", INNER[OTHER[name]], "via", OUTER[OTHER[name]], "src", INNER[name], "mtu", str(INNER_MTU))

    def offload(self, on):
        """Whether superpackets cross the wire whole, or as the single packets that a real one would carry, put together again by
        the receiver's kernel."""
        state = "on" if on else "off"
        words = [word for name in OFFLOADS for word in (name, state)] + ["gro", "off" if on else "on"]
        for host in self.hosts.values():
            host.run("ethtool", "-K", "eth0", *words)
            said = host.out("ethtool", "-k", "eth0")
            if f"generic-segmentation-offload: {state}" not in said:
                raise LabError(f"ethtool could not turn segmentation offload {state} on {host.name}.")

    def kernel_drops(self):
        """What the hosts' kernels count as lost, by 'HOST WHERE'. The packets of another round are still in it: take differences."""
        counts = {}
        for name in OUTER:
            at = f"/proc/{self.pid(name)}/net"
            with open(f"{at}/snmp", encoding="ascii") as source:
                rows = [line.split()[1:] for line in source if line.startswith("Udp:")]
            counts.update({f"{name} Udp{key}": int(value) for key, value in zip(*rows) if key in ("RcvbufErrors", "SndbufErrors")})
            with open(f"{at}/dev", encoding="ascii") as source:
                for line in source.readlines()[2:]:
                    device, fields = line.split(":")
                    fields = fields.split()
                    counts[f"{name} {device.strip()} rx_dropped"] = int(fields[3])
                    counts[f"{name} {device.strip()} tx_dropped"] = int(fields[11])
        with open("/proc/net/softnet_stat", encoding="ascii") as source:
            counts["machine softnet dropped"] = sum(int(line.split()[1], 16) for line in source)
        return counts
