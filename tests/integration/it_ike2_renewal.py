#!/usr/bin/python3
"""Version 2: pairs and IKE SAs are renewed under a constant flow, from either side and both, and no packet is lost over it."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import labtest  # noqa: E402
import rekeying  # noqa: E402
from labtest import ELMER, RELENT, wait_for  # noqa: E402

NATIVE = """
connection peer {
    remote %s
    secret "a long shared secret, with blanks"
    child local[udp] = remote[udp] { mode transport; pfs x25519 }
}
"""


class Renewal2(labtest.LabTest):
    def rekey(self, host, peer, ike):
        host.run("ipsecctl", "rekey", *(("--ike",) if ike else ()), peer)

    def settled(self):
        """One of each, and the same at both ends."""
        here, there = rekeying.rows(self.relent), rekeying.rows(self.elmer)
        return here == there and [len(ids) for ids in here] == [1, 1]

    def test_no_packet_is_lost_over_renewals_from_both_sides(self):
        for host, peer in ((self.relent, ELMER), (self.elmer, RELENT)):
            host.run("install", "-D", "-m", "600", "/dev/stdin", "/etc/postern/postern.conf", text=NATIVE % peer)
            host.run("ipsecctl", "load")
        self.relent.run("ipsecctl", "up", ELMER)
        wait_for("both sides to agree", self.settled)
        before = [(host.netstat(), host.kernel_drops()) for host in self.both]
        for host in self.both:
            rekeying.lose_ike(host)
        flow = rekeying.Flow(self.relent, self.elmer, RELENT, ELMER)

        def ours(ike):
            self.rekey(self.relent, ELMER, ike)

        def theirs(ike):
            self.rekey(self.elmer, RELENT, ike)
        rekeying.again_and_again(self.relent, ours, theirs, self.settled)
        sent, got, back, got_back = told = flow.stop()
        lost = [rekeying.lose_nothing(host) for host in self.both]
        after = [(host.netstat(), host.kernel_drops()) for host in self.both]
        rekeying.report("against ourselves", told, lost, before[0][0], after[0][0])
        self.assertEqual((got, got_back), (sent, back), f"kernels: {before[0][1]} {after[0][1]} {before[1][1]} {after[1][1]}")
        for old, new in zip(before, after):
            self.assertEqual(rekeying.losses(old[0], new[0]), {})


if __name__ == "__main__":
    labtest.main()
