"""strongSwan's charon in a host of the lab, with its own datapath (kernel-libipsec), driven by swanctl.

Its datapath speaks ESP in UDP only, so it pretends that there is a NAT (encap = yes).
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from labtest import wait_for  # noqa: E402

CHARON = "/usr/lib/ipsec/charon"
PLUGINS = ("random nonce openssl pem pkcs1 pkcs8 x509 pubkey constraints revocation md5 sha1 sha2 hmac aes des kdf gmp curve25519 gcm "
           "kernel-libipsec kernel-netlink socket-default vici")
DAEMON = f"""
charon {{
  load_modular = no
  i_dont_care_about_security_and_use_aggressive_mode_psk = yes
  load = {PLUGINS}
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
}}
"""


def installed():
    return os.access(CHARON, os.X_OK) and os.access("/usr/sbin/swanctl", os.X_OK)


class Charon:
    def __init__(self, host):
        self.host = host
        self.process = None

    def start(self, connections):
        """Runs the daemon and loads a swanctl.conf."""
        host = self.host
        host.run("tee", "/etc/strongswan.conf", text=DAEMON)
        host.run("install", "-d", "-m", "700", "/etc/swanctl/x509", "/etc/swanctl/x509ca", "/etc/swanctl/private")
        host.run("tee", "/etc/swanctl/swanctl.conf", text=connections)
        host.run("rm", "-f", "/run/charon.vici", "/run/charon.log", "/run/charon.pid")
        self.process = host.popen(CHARON, stdin=None)
        wait_for("charon to listen", lambda: host.run("test", "-S", "/run/charon.vici", check=False).returncode == 0)
        self.swanctl("--load-all")

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
