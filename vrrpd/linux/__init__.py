"""The only modules of the daemon that touch the host.

`loop` the clock, `sockets` the wire, `netlink` the kernel's addresses and links, `runner` the
scripts.  Each implements one Protocol of `vrrpd/ports.py`.
"""
