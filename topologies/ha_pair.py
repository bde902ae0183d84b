"""The article's cluster: two servers that share one address, and a client that uses it.

         web1                web2                client
      192.168.1.11        192.168.1.12       192.168.1.100
           eth0                eth0               eth0
             |                   |                  |
          s1-eth1             s1-eth2            s1-eth3
     +-----------------------------------------------------+
     |                   s1, one switch                    |
     +-----------------------------------------------------+

                192.168.1.10 is held by one of the two

Use it from the lab, `Lab("basic")`, or by itself, as root:

    mn --custom topologies/ha_pair.py --topo ha_pair --switch lxbr --controller none

The MAC addresses show in a capture which host sent: their last byte is that of the IP address.
In the lab a host also has the IPv6 address with its number, 2001:db8:1::11 for 192.168.1.11.
"""

from __future__ import annotations

from typing import ClassVar

from mininet.topo import Topo

# Name and last byte of the address, in the order of the switch ports.
MACHINES = (("web1", 11), ("web2", 12), ("client", 100))


class HaPair(Topo):
    """web1, web2 and client on one switch."""

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
topos = {"ha_pair": HaPair}
