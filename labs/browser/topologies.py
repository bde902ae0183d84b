"""The networks that a tab can play: hosts on one switch, and the files that they start with.

The files are those of `labs/states`, so a page starts with what a lesson starts with.
"""

from __future__ import annotations

from dataclasses import dataclass

from labs.simulation.lan import HOSTS, STATES


@dataclass(frozen=True, slots=True)
class Topology:
    """A network: its state's files, hosts with their addresses, and what they share.

    `addresses` are the virtual addresses, the one that the client pings first.  `beyond` has the
    addresses of hosts on a second network, if there is one.
    """

    title: str
    state: str
    hosts: dict[str, str]
    addresses: tuple[str, ...] = ("192.168.1.10",)
    beyond: dict[str, str] | None = None

    @property
    def watch(self) -> str:
        """The address that the client pings."""
        return self.addresses[0]

    def file(self, host: str) -> str:
        """The keepalived.conf that `host` starts with."""
        return (STATES / self.state / host / "keepalived.conf").read_text(encoding="utf-8")


# As in topologies/two_pairs.py and routers.py, which need Mininet.
DATABASES = {"db1": "192.168.1.21", "db2": "192.168.1.22"}
INSIDE = {"r1": "192.168.1.11", "r2": "192.168.1.12"}
OUTSIDE = {"r1": "10.0.0.11", "r2": "10.0.0.12"}

TOPOLOGIES = {
    "pair": Topology("A pair", "basic", HOSTS),
    "three": Topology("Three nodes", "election", {**HOSTS, "web3": "192.168.1.13"}),
    "pairs": Topology(
        "Two pairs", "two-clusters", {**HOSTS, **DATABASES}, ("192.168.1.10", "192.168.1.20")
    ),
    "both": Topology("Active–active", "both-ways", HOSTS, ("192.168.1.10", "192.168.1.20")),
    "routers": Topology(
        "Two routers", "two-routers-together", INSIDE, ("192.168.1.10", "10.0.0.10"), OUTSIDE
    ),
    "ipv6": Topology("IPv6", "six", HOSTS, ("2001:db8:1::10", "fe80::10")),
}
