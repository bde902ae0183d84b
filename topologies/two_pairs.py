"""Two clusters on one switch, each with an address of its own, and one client for both.

      web1          web2          db1           db2            client
   192.168.1.11  192.168.1.12  192.168.1.21  192.168.1.22  192.168.1.100
       eth0          eth0          eth0          eth0          eth0
         |             |             |             |             |
      s1-eth1       s1-eth2       s1-eth3       s1-eth4       s1-eth5
   +--------------------------------------------------------------------+
   |                          s1, one switch                            |
   +--------------------------------------------------------------------+

     192.168.1.10 is held by           192.168.1.20 is held by
       one of the first two              one of the other two

Every host receives the Advertisements of both: only virtual_router_id keeps the clusters apart.
By itself, as root:

    mn --custom topologies/two_pairs.py --topo two_pairs --switch lxbr --controller none

In the lab a host also has the IPv6 address with its number, 2001:db8:1::21 for 192.168.1.21.
"""

from __future__ import annotations

from typing import ClassVar

from mininet.topo import Topo

# Name and last byte of the address, in the order of the switch ports.
MACHINES = (
    ("web1", 11),
    ("web2", 12),
    ("db1", 21),
    ("db2", 22),
    ("client", 100),
)


class TwoPairs(Topo):
    """Two pairs of servers and a client on one switch."""

    servers: ClassVar[tuple[str, ...]] = ("web1", "web2", "db1", "db2")
    client: ClassVar[str] = "client"
    virtual: ClassVar[tuple[str, ...]] = ("192.168.1.10", "192.168.1.20")

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
topos = {"two_pairs": TwoPairs}
