"""What is measured side by side: a file for each. A Side has the hosts and the daemons, and one or more Subjects run on it."""

from .openvpn import OpenvpnSide
from .ours import OursSide
from .plain import PlainSide
from .strongswan import StrongswanSide
from .wireguard import WireguardSide

__all__ = ["OpenvpnSide", "OursSide", "PlainSide", "StrongswanSide", "WireguardSide"]
