"""The three kinds of VRRP on the wire, so that one test runs as three: v2, v3 over IPv4 and IPv6.

    @pytest.mark.parametrize("kind", KINDS, ids=str)
    def test_something(kind: Kind) -> None:
        lan = kind.cluster(web1=200, web2=100)
        inject(lan, "web2", kind.advert(150))

An attacker's packets come from outside the cluster: LOW is below all its addresses, HIGH above.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from labs.simulation.lan import Lan
from tests.cluster import cluster, conf
from vrrpd.events import IPAddress
from vrrpd.fsm import SECOND
from vrrpd.packet import (
    GROUP4,
    GROUP6,
    Advertisement,
    checksum,
    encode,
    ipv4_packet,
    ipv6_packet,
    pseudo_header,
)

LATENCY = 100_000  # ns, labs.simulation.lan's


@dataclass(frozen=True)
class Kind:
    """A version over a family."""

    name: str
    version: int
    family: int
    vips: tuple[str, ...]
    low: IPAddress
    high: IPAddress
    group: IPAddress

    def conf(self, priority: int, *words: str, vips: Sequence[str] = (), **more: int) -> str:
        """A vrrp_instance of this kind."""
        return conf(priority, f"version {self.version}", *words, vips=vips or self.vips, **more)  # type: ignore[arg-type]

    def cluster(self, *words: str, **priorities: int) -> Lan:
        """Hosts of these priorities, all with the same words."""
        return cluster(**{host: self.conf(one, *words) for host, one in priorities.items()})

    def message(
        self,
        priority: int,
        source: IPAddress,
        interval: int = SECOND,
        vips: Sequence[str] = (),
        vrid: int = 51,
    ) -> bytes:
        """An attacker's VRRP message."""
        listed = tuple(map(ip_address, vips or self.vips))
        said = Advertisement(self.version, vrid, priority, interval, listed)
        return encode(said, source, self.group)

    def advert(
        self,
        priority: int,
        source: IPAddress | None = None,
        interval: int = SECOND,
        vips: Sequence[str] = (),
        vrid: int = 51,
    ) -> bytes:
        """An attacker's Advertisement as an IP packet."""
        sender = source or self.high
        return self.packet(self.message(priority, sender, interval, vips, vrid), sender)

    def packet(
        self,
        message: bytes,
        source: IPAddress | None = None,
        to: IPAddress | None = None,
        ttl: int = 255,
    ) -> bytes:
        """Any message as an IP packet."""
        source, to = source or self.high, to or self.group
        if isinstance(source, IPv6Address):
            assert isinstance(to, IPv6Address)
            return ipv6_packet(message, source, to, ttl)
        assert isinstance(to, IPv4Address)
        return ipv4_packet(message, source, to, 1, ttl)

    def summed(self, message: bytes, to: IPAddress | None = None) -> bytes:
        """The message with the checksum that belongs to it."""
        bare = message[:6] + bytes(2) + message[8:]
        over = bare
        if self.version == 3:
            over = pseudo_header(self.high, to or self.group, len(bare)) + bare
        return bare[:6] + checksum(over).to_bytes(2, "big") + bare[8:]

    def skew(self, priority: int, interval: int = SECOND) -> int:
        """Skew_Time in ns, worked out again from the RFC's text."""
        return (256 - priority) * (SECOND if self.version == 2 else interval) // 256

    def down(self, priority: int, interval: int = SECOND) -> int:
        """Master_Down_Interval in ns."""
        return 3 * interval + self.skew(priority, interval)

    def __str__(self) -> str:
        return self.name


V4 = (("192.168.1.10",), IPv4Address("192.168.1.2"), IPv4Address("192.168.1.200"), GROUP4)
V2 = Kind("v2", 2, 4, *V4)
V3 = Kind("v3", 3, 4, *V4)
V6 = Kind(
    "v6",
    3,
    6,
    ("fe80::10", "2001:db8:1::10"),
    IPv6Address("fe80::1"),
    IPv6Address("fe80::ff:ffff:ffff"),
    GROUP6,
)
KINDS = (V2, V3, V6)


def ns(t: float) -> int:
    """Seconds of a fact -> ns."""
    return round(t * SECOND)
