"""The article's cluster and an attacker: one more host on the same switch.

         web1                web2                client             attacker
      192.168.1.11        192.168.1.12       192.168.1.100       192.168.1.66
           eth0                eth0               eth0                eth0
             |                   |                  |                   |
          s1-eth1             s1-eth2            s1-eth3             s1-eth4
     +-------------------------------------------------------------------------+
     |                          s1, one switch                                 |
     +-------------------------------------------------------------------------+

                192.168.1.10 is held by one of the first two

The attacker is not part of the cluster: no daemon, no password, a cable like everybody else's.
By itself, as root:

    mn --custom topologies/attacker.py --topo attacker --switch lxbr --controller none
"""

from __future__ import annotations

from typing import ClassVar

from mininet.topo import Topo

# Name and last byte of the address, in the order of the switch ports.
MACHINES = (("web1", 11), ("web2", 12), ("client", 100), ("attacker", 66))


class Attacker(Topo):
    """web1, web2, client and attacker on one switch."""

    servers: ClassVar[tuple[str, ...]] = ("web1", "web2")
    client: ClassVar[str] = "client"
    virtual: ClassVar[tuple[str, ...]] = ("192.168.1.10",)

    def build(self) -> None:
        """Called by Mininet."""
        switch = self.addSwitch("s1")
        for port, (name, number) in enumerate(MACHINES, start=1):
            self.addHost(name, ip=f"192.168.1.{number}/24", ip6=f"2001:db8:1::{number}/64")
            self.addLink(
                name,
                switch,
                port2=port,
                intfName1="eth0",
                addr1=f"02:00:00:00:00:{number:02x}",
                addr2=f"02:00:00:00:01:{port:02x}",
            )


# Where `mn --topo NAME` looks a topology up.
topos = {"attacker": Attacker}
