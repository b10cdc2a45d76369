"""strongSwan's charon in a host of the lab, with its own datapath (kernel-libipsec), driven by swanctl.

Its datapath speaks ESP in UDP only, so it pretends that there is a NAT (encap = yes).
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import rekeying  # noqa: E402
from labtest import wait_for  # noqa: E402

CHARON = "/usr/lib/ipsec/charon"
PLUGINS = ("random nonce openssl pem pkcs1 pkcs8 x509 pubkey constraints revocation md5 sha1 sha2 hmac aes des kdf gmp curve25519 gcm chapoly "
           "kernel-libipsec kernel-netlink socket-default vici")
DAEMON = f"""
charon {{
  load_modular = no
  i_dont_care_about_security_and_use_aggressive_mode_psk = yes
  load = {PLUGINS}
  fragment_size = 576
  max_packet = 60000
  filelog {{
    all {{
      path = /run/charon.log
      default = 1
      ike = 2
      cfg = 2
      flush_line = yes
    }}
  }}
  plugins {{
    vici {{
      socket = unix:///run/charon.vici
    }}
  }}
  %s
}}
"""


def installed():
    return os.access(CHARON, os.X_OK) and os.access("/usr/sbin/swanctl", os.X_OK)


def _new_key(kind):
    """openssl's words for a key: rsa of so many bits, rsa-pss (for RSASSA-PSS alone), ecdsa on P-so-many, ed25519, ed448."""
    if kind == "rsa-pss":
        return kind, "-pkeyopt", "rsa_keygen_bits:2048"
    name, _, size = kind.partition("-")
    return {"rsa": (f"rsa:{size or 2048}",), "ecdsa": ("ec", "-pkeyopt", f"ec_paramgen_curve:P-{size}")}.get(name, (kind,))


def certificates(us, them, chain=0, kind="rsa", note=0):
    """An authority of the test's own, and a certificate for each side (/var is each host's own): relent is the suite's, elmer
    charon's. `chain`: so many authorities below the first, each with a long name, so that the certificates do not fit, and with a
    comment of `note` octets."""
    folder, long, key = "/var/lib/lab-ca", "/O=" + "Lab " * 14, _new_key(kind)
    us.run("rm", "-rf", folder)
    us.run("mkdir", "-p", folder)
    us.run("openssl", "req", "-x509", "-newkey", *key, "-nodes", "-keyout", f"{folder}/ca.key", "-out",
           f"{folder}/ca.pem", "-days", "30", "-subj", "/C=XX/O=Lab/CN=ca")
    us.run("tee", f"{folder}/ca.ext", text="basicConstraints = critical, CA:true\nkeyUsage = keyCertSign, cRLSign\n"
           + (f"nsComment = {'x' * note}\n" if note else ""))
    issuer, below = "ca", [f"ca{n}" for n in range(chain)]
    for name in [*below, "relent", "elmer"]:
        subject = f"/C=XX{long}/CN={name}" if name in below else f"/C=XX/O=Lab/CN={name}"
        us.run("openssl", "req", "-newkey", *key, "-nodes", "-keyout", f"{folder}/{name}.key", "-out",
               f"{folder}/{name}.req", "-subj", subject)
        us.run("openssl", "x509", "-req", "-in", f"{folder}/{name}.req", "-CA", f"{folder}/{issuer}.pem", "-CAkey",
               f"{folder}/{issuer}.key", "-CAcreateserial", "-days", "30", "-out", f"{folder}/{name}.pem",
               *(("-extfile", f"{folder}/ca.ext") if name in below else ()))
        issuer = name if name in below else issuer
    text = {name: us.out("cat", f"{folder}/{name}.pem") for name in [*below, "ca", "relent", "elmer"]}
    leaf = text["relent"] + "".join(text[name] for name in reversed(below))
    for name, what in (("ca.pem", text["ca"]), ("relent.pem", leaf), ("relent.key", us.out("cat", f"{folder}/relent.key"))):
        us.run("install", "-D", "-m", "600", "/dev/stdin", f"/etc/inet/certs/{name}", text=what)
    for name, place, what in (("ca.pem", "x509ca", text["ca"]), ("elmer.pem", "x509", text["elmer"]),
                              ("elmer.key", "private", us.out("cat", f"{folder}/elmer.key")),
                              *((f"{name}.pem", "x509ca", text[name]) for name in below)):
        them.run("install", "-D", "-m", "600", "/dev/stdin", f"/etc/swanctl/{place}/{name}", text=what)


def bare_keys(us, them, kind):
    """A key for each side without a certificate, and the other's public key, all made by `ipsecctl pki`."""
    name, _, size = kind.partition("-")
    for host in ("relent", "elmer"):
        us.run("ipsecctl", "pki", "key", f"/etc/inet/{host}.key", "--force", "--type", name, *(("--bits", size) if size else ()))
        us.run("ipsecctl", "pki", "public", f"/etc/inet/{host}.key", "-o", f"/etc/inet/{host}.pub", "--force")
    for name, place in (("elmer.key", "private"), ("elmer.pub", "pubkey"), ("relent.pub", "pubkey")):
        them.run("install", "-D", "-m", "600", "/dev/stdin", f"/etc/swanctl/{place}/{name}", text=us.out("cat", f"/etc/inet/{name}"))
    us.run("rm", "/etc/inet/elmer.key")


def renew(us, peer, far, ike, we_began):
    """Both phases of version 1, each from either side, but that of ours only who began phase 1 renews it. `ike`: charon's name for
    the connection."""
    def moves_on(what, ask, line="IPsec-SA established: ESP/Tunnel"):
        before = us.log().count(line)
        ask()
        wait_for(what, lambda: us.log().count(line) > before)

    moves_on("phase 2 by them", lambda: peer.swanctl("--rekey", "--child", "net"))
    moves_on("phase 2 by us", lambda: us.run("ipsecctl", "rekey", far))
    if we_began:
        moves_on("phase 1 by us", lambda: us.run("ipsecctl", "rekey", "--ike", far), "ISAKMP-SA established")
    moves_on("phase 1 by them", lambda: peer.swanctl("--rekey", "--ike", ike), "ISAKMP-SA established")


def renew_under_a_flow(case, ends, peer, far, ike, we_began):
    """The same with packets both ways all the while; `ends`: ours and its inner address, theirs and its. What our end had to do with
    a packet and could not is nothing."""
    (us, near), (them, inner) = ends
    before, kernel = us.netstat(), us.kernel_drops()
    flow = rekeying.Flow(us, them, near, inner)
    renew(us, peer, far, ike, we_began)
    told, after = flow.stop(), us.netstat()
    full = {what: n - kernel.get(what, 0) for what, n in us.kernel_drops().items() if n != kernel.get(what, 0)}
    case.assertEqual(after[rekeying.PROTECTED] - before[rekeying.PROTECTED] + full.get("ipsec0 tx_dropped", 0), told[0], full)
    case.assertEqual(rekeying.losses(before, after), {})


class Charon:
    def __init__(self, host):
        self.host = host
        self.process = None

    def start(self, connections, settings=""):
        """Runs the daemon, with further settings of strongswan.conf's section charon, and loads a swanctl.conf."""
        host = self.host
        self.write(connections, settings)
        host.run("rm", "-f", "/run/charon.vici", "/run/charon.log", "/run/charon.pid")
        self.process = host.popen(CHARON, stdin=None)
        wait_for("charon to listen", lambda: host.run("test", "-S", "/run/charon.vici", check=False).returncode == 0)
        self.swanctl("--load-all")

    def write(self, connections, settings):
        self.host.run("tee", "/etc/strongswan.conf", text=DAEMON % settings)
        self.host.run("install", "-d", "-m", "700", "/etc/swanctl/x509", "/etc/swanctl/x509ca", "/etc/swanctl/private", "/etc/swanctl/pubkey")
        self.host.run("tee", "/etc/swanctl/swanctl.conf", text=connections)

    def load(self, connections, settings=""):
        """Another configuration, and whatever keys are there now, for the daemon that runs."""
        self.write(connections, settings)
        self.swanctl("--reload-settings")
        self.swanctl("--load-all", "--clear")

    def swanctl(self, *words, check=True, timeout=60):
        return self.host.run("swanctl", *words, "--uri", "unix:///run/charon.vici", check=check, timeout=timeout)

    def initiate(self, child):
        return self.swanctl("--initiate", "--child", child, "--timeout", "20", check=False)

    def log(self):
        return self.host.out("cat", "/run/charon.log")

    def stop(self):
        """As if the machine had lost its power: nobody is told."""
        if self.process:
            self.host.run("pkill", "-KILL", "-x", "charon", check=False)
            self.process.wait(timeout=20)
        self.process = None
