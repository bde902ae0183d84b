"""How a virtual router advertises: its Advertisements as IP packets, to the group or to its peers.

    send(priority)    one Advertisement to every destination

Contract: the packets are keepalived's, byte for byte; the identification field counts them from 1.
Packets are made once for each priority and kept until something changes; with AH and auth_hmac no
two Advertisements are alike.  With auth_hmac all peers get the same trailer (keepalived 2.4.3).
A destination that cannot be reached does not keep the others from being reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address
from itertools import repeat

from vrrpd import auth_header, auth_hmac
from vrrpd.config.model import AuthHmac, Instance
from vrrpd.events import IPAddress
from vrrpd.packet import Advertisement, AuthType, encode, ipv4_packet, ipv6_packet, numbered

UNSET: dict[int, IPAddress] = {4: IPv4Address("0.0.0.0"), 6: IPv6Address("::")}


class Advertiser:
    """Sends the Advertisements of one virtual router.

    `source` is its primary address, `transmit` sends one IP packet or raises OSError, `wall` is
    the clock of `auth_hmac` (ns since 1970).
    """

    def __init__(
        self,
        instance: Instance,
        group: IPAddress,
        transmit: Callable[[bytes], None],
        wall: Callable[[], int],
    ) -> None:
        self.transmit = transmit
        self.wall = wall
        self.source: IPAddress = UNSET[instance.family]
        self.ident = 0
        self.sequence = 0  # of authentication headers: the latest seen or sent
        self.signed: int | None = None  # the last sequence number of auth_hmac
        self.reached = 0  # destinations that the last Advertisement was sent to
        self.configure(instance, group)

    def configure(self, instance: Instance, group: IPAddress) -> None:
        """Advertise under this configuration from now on."""
        self.instance = instance
        self.packets: dict[int, list[bytes]] = {}  # packets by priority
        peers = tuple(peer.ip for peer in instance.unicast_peers)
        self.destinations: tuple[IPAddress, ...] = peers if instance.unicast else (group,)
        # Whether Advertisements of one priority differ in identification only, to an IPv4 group.
        signs = instance.auth_hmac is not None and instance.auth_hmac.signs
        plain = instance.auth.kind != "AH" and not signs and not instance.unicast
        self.repeats = plain and instance.family == 4 and group.is_multicast

    def set_source(self, source: IPAddress) -> None:
        """Send from this address from now on."""
        self.source = source
        self.packets.clear()

    def prepare(self, priority: int) -> list[bytes]:
        """Have the packets with that priority ready, all but their numbers."""
        self.packets[priority] = [self._packet(priority, one) for one in self.destinations]
        return self.packets[priority]

    def count(self, times: int) -> None:
        """So many Advertisements were sent without us."""
        self.ident = (self.ident + times - 1) % 0xFFFF + 1

    def send(self, priority: int) -> None:
        """Send one Advertisement to every destination.  Raises the last error, if any."""
        self.ident = self.ident % 0xFFFF + 1
        self.reached = 0
        packets: Iterable[bytes]
        if self.instance.auth.kind == "AH":
            self.sequence = auth_header.following(self.sequence)
            packets = [self._packet(priority, one, self.ident) for one in self.destinations]
        elif self.instance.auth_hmac is not None and self.instance.auth_hmac.signs:
            made = self._trailer(priority, self.instance.auth_hmac)
            packets = [self._packet(priority, one, self.ident, made) for one in self.destinations]
        else:
            ready = self.packets.get(priority) or self.prepare(priority)
            packets = map(numbered, ready, repeat(self.ident))
        trouble: Exception | None = None
        for packet in packets:
            try:
                self.transmit(packet)
                self.reached += 1
            except Exception as error:
                trouble = error
        if trouble is not None:
            raise trouble

    def _trailer(self, priority: int, auth: AuthHmac) -> bytes:
        """The trailer of the next Advertisement, which does not depend on its destination."""
        self.signed = auth_hmac.following(self.signed, self.wall(), auth.window)
        message = encode(self._advertisement(priority), self.source, self.source)
        key = auth.key(auth.active_key)
        assert key is not None, "the reader refuses an active_key without key"
        return auth_hmac.sign(message, self.source, auth.active_key, key, self.signed)

    def _packet(
        self, priority: int, destination: IPAddress, ident: int = 0, trailer: bytes = b""
    ) -> bytes:
        """The IP packet that carries our Advertisement, and a trailer, to `destination`."""
        one, source = self.instance, self.source
        ttl = one.unicast_ttl if one.unicast else 255
        pseudo = not one.v3_checksum_as_v2
        message = encode(self._advertisement(priority), source, destination, pseudo, trailer)
        if isinstance(source, IPv6Address):
            assert isinstance(destination, IPv6Address)
            return ipv6_packet(message, source, destination, ttl)
        assert isinstance(destination, IPv4Address)
        if one.auth.kind != "AH":
            return ipv4_packet(message, source, destination, ident, ttl)
        key = one.auth.password
        return auth_header.seal(message, source, destination, ident, ttl, key, self.sequence)

    def _advertisement(self, priority: int) -> Advertisement:
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

    def note_sequence(self, sequence: int) -> None:
        """A valid packet carried this AH sequence number; ours goes on from there."""
        if auth_header.later(sequence, self.sequence):
            self.sequence = sequence
