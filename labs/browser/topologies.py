"""The networks that a tab can play: hosts on one switch, and the files that they start with.

The files are those of `labs/states`, so a page starts with what a lesson starts with.
"""

from __future__ import annotations

from dataclasses import dataclass

from labs.simulation.lan import HOSTS, STATES


@dataclass(frozen=True, slots=True)
class Topology:
    """A network: its state's files, hosts with their addresses, and what they share.

    `addresses` are the virtual addresses, the one that the client pings first.
    """

    title: str
    state: str
    hosts: dict[str, str]
    addresses: tuple[str, ...] = ("192.168.1.10",)

    @property
    def watch(self) -> str:
        """The address that the client pings."""
        return self.addresses[0]

    def file(self, host: str) -> str:
        """The keepalived.conf that `host` starts with."""
        return (STATES / self.state / host / "keepalived.conf").read_text(encoding="utf-8")


def _hosts(state: str) -> dict[str, str]:
    """The hosts of a state, in the order of their names, from 192.168.1.11 on."""
    names = sorted(path.name for path in (STATES / state).iterdir() if path.is_dir())
    return {name: f"192.168.1.{11 + number}" for number, name in enumerate(names)}


TOPOLOGIES = {
    "pair": Topology("A pair", "basic", HOSTS),
    "three": Topology("Three nodes", "election", _hosts("election")),
    "pairs": Topology(
        "Two pairs", "two-clusters", _hosts("two-clusters"), ("192.168.1.10", "192.168.1.20")
    ),
    "both": Topology("Active–active", "both-ways", HOSTS, ("192.168.1.10", "192.168.1.20")),
    "ipv6": Topology("IPv6", "six", HOSTS, ("2001:db8:1::10", "fe80::10")),
}
