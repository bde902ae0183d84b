"""Two routers between two networks: the gateway of each network is an address that they share.

                 client                                          server
             192.168.1.100                                    10.0.0.100
             gw 192.168.1.10                                 gw 10.0.0.10
                  eth0                                           eth0
                    |                                              |
                 s1-eth3                                        s2-eth3
   +----------------------------------+     +----------------------------------+
   |   s1, the inside 192.168.1.0/24  |     |   s2, the outside 10.0.0.0/24    |
   +----------------------------------+     +----------------------------------+
        s1-eth1             s1-eth2              s2-eth1             s2-eth2
           |                   |                    |                   |
           |                   +-------- r2 --------|-------------------+
           |                     eth0        eth1   |
           |             192.168.1.12        10.0.0.12
           |                                        |
           +------------- r1 -----------------------+
                     eth0     eth1
             192.168.1.11     10.0.0.11

   192.168.1.10 inside and 10.0.0.10 outside should be held by one and the same router.

By itself, as root; plain Mininet leaves forwarding to you:

    mn --custom topologies/routers.py --topo routers --switch lxbr --controller none
    mininet> r1 sysctl -w net.ipv4.ip_forward=1
    mininet> r2 sysctl -w net.ipv4.ip_forward=1

In the lab forwarding is on, and an interface also has the IPv6 address with its number:
2001:db8:1::11 for 192.168.1.11, 2001:db8:2::11 for 10.0.0.11.
"""

from __future__ import annotations

from typing import ClassVar

from mininet.topo import Topo

ROUTERS = (("r1", 11), ("r2", 12))


class Routers(Topo):
    """r1 and r2 between the inside, where the client is, and the outside, where a server is."""

    servers: ClassVar[tuple[str, ...]] = ("r1", "r2")
    client: ClassVar[str] = "client"
    virtual: ClassVar[tuple[str, ...]] = ("192.168.1.10", "10.0.0.10")

    def build(self) -> None:
        """Called by Mininet."""
        inside, outside = self.addSwitch("s1"), self.addSwitch("s2")
        for port, (name, number) in enumerate(ROUTERS, start=1):
            ip, ip6 = f"192.168.1.{number}/24", f"2001:db8:1::{number}/64"
            self.addHost(name, ip=ip, ip6=ip6, forward=True)
            self._cable(name, "eth0", inside, port, number)
            beyond = {"ip": f"10.0.0.{number}/24", "ip6": f"2001:db8:2::{number}/64"}
            self._cable(name, "eth1", outside, port, number, beyond)
        for name, switch, network, six in (
            ("client", inside, "192.168.1", 1),
            ("server", outside, "10.0.0", 2),
        ):
            ip, ip6 = f"{network}.100/24", f"2001:db8:{six}::100/64"
            self.addHost(name, ip=ip, ip6=ip6, defaultRoute=f"via {network}.10")
            self._cable(name, "eth0", switch, 3, 100)

    def _cable(
        self,
        host: str,
        interface: str,
        switch: str,
        port: int,
        number: int,
        addresses: dict[str, str] | None = None,
    ) -> None:
        """A cable whose MAC addresses give the network (first of the last two bytes) and host."""
        network = 0x00 if switch == "s1" else 0x20
        self.addLink(
            host,
            switch,
            port1=int(interface[-1]),
            port2=port,
            intfName1=interface,
            addr1=f"02:00:00:00:{network:02x}:{number:02x}",
            addr2=f"02:00:00:00:{network + 1:02x}:{port:02x}",
            params1=addresses or {},
        )


# Where `mn --topo NAME` looks a topology up.
topos = {"routers": Routers}
