"""How a virtual router speaks: its Advertisements as IP packets, to the group or to its peers.

    say(priority)    one Advertisement to every destination

Contract: the packets are keepalived's, byte for byte; the identification field counts them from 1.
Messages are encoded once for each priority and destination and kept until `renew()`.
A destination that cannot be reached does not keep the others from being told.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from vrrpd import ah
from vrrpd.config.model import Instance
from vrrpd.events import IPAddress
from vrrpd.packet import Advertisement, AuthType, encode, ipv4_packet, ipv6_packet
from vrrpd.receive import Segment

UNSET: dict[int, IPAddress] = {4: IPv4Address("0.0.0.0"), 6: IPv6Address("::")}


class Speaker:
    """The voice of one virtual router.  `source` is its primary address."""

    def __init__(self, instance: Instance, group: IPAddress, segment: Segment) -> None:
        self.segment = segment
        self.source: IPAddress = UNSET[instance.family]
        self.ident = 0
        self.sequence = 0  # of authentication headers: the highest seen or sent
        self.renew(instance, group)

    def renew(self, instance: Instance, group: IPAddress) -> None:
        """Speak under this configuration from now on."""
        self.instance = instance
        self.messages: dict[tuple[int, IPAddress], bytes] = {}
        peers = tuple(peer.ip for peer in instance.unicast_peers)
        self.destinations: tuple[IPAddress, ...] = peers if instance.unicast else (group,)

    def move(self, source: IPAddress) -> None:
        """Speak from this address from now on."""
        self.source = source
        self.messages.clear()

    def prepare(self, priority: int) -> None:
        """Have the messages with that priority ready."""
        for destination in self.destinations:
            self.message(priority, destination)

    def say(self, priority: int) -> None:
        """Send one Advertisement to every destination.  Raises the last OSError, if any."""
        self.ident = self.ident % 0xFFFF + 1
        if self.instance.auth.kind == "AH":
            self.sequence += 1
        trouble: OSError | None = None
        for destination in self.destinations:
            try:
                self.segment.send(self.packet(priority, destination))
            except OSError as error:
                trouble = error
        if trouble is not None:
            raise trouble

    def packet(self, priority: int, destination: IPAddress) -> bytes:
        """The IP packet that carries our Advertisement to `destination`."""
        message = self.message(priority, destination)
        source, ttl = self.source, self.instance.unicast_ttl if self.instance.unicast else 255
        if isinstance(source, IPv6Address):
            assert isinstance(destination, IPv6Address)
            return ipv6_packet(message, source, destination, ttl)
        assert isinstance(destination, IPv4Address)
        if self.instance.auth.kind != "AH":
            return ipv4_packet(message, source, destination, self.ident, ttl)
        key = self.instance.auth.password
        return ah.seal(message, source, destination, self.ident, ttl, key, self.sequence)

    def message(self, priority: int, destination: IPAddress) -> bytes:
        """The VRRP message of that packet; without AH it is always the same."""
        message = self.messages.get((priority, destination))
        if message is None:
            pseudo = not self.instance.v3_checksum_as_v2
            message = encode(self.advertisement(priority), self.source, destination, pseudo)
            self.messages[priority, destination] = message
        return message

    def advertisement(self, priority: int) -> Advertisement:
        """What this router says of itself, with that priority."""
        one = self.instance
        return Advertisement(
            version=one.version,
            vrid=one.vrid,
            priority=priority,
            interval=one.advert_interval_ns,
            addresses=tuple(address.ip for address in one.addresses),
            auth_type=AuthType[one.auth.kind].value,
            auth=one.auth.password if one.auth.kind == "PASS" else bytes(8),
        )

    def heard(self, sequence: int) -> None:
        """A valid packet carried this AH sequence number; ours goes on from there."""
        self.sequence = max(self.sequence, sequence)
