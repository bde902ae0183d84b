"""vrrpd: a VRRP daemon that reads keepalived.conf, written to be read.

Start with `fsm.py` beside RFC 3768 section 6.4, then `packet.py`, then `router.py`.
"""

__version__ = "0.2.0"
