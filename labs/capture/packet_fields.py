"""An Advertisement, byte by byte: what each byte is called, what it says, and what that means.

    dissect(packet) -> Anatomy            rows in the order of the bytes, and our decoder's verdict

    byte    hex          field            value          meaning                    scapy
    IPv4
    0       4.           version          4              ...                        version=4
    8       ff           TTL              255            it has passed no router    ttl=255
    VRRP
    20      2.           version          2              RFC 3768                   version=2

Every byte of the packet is in exactly one row; where a byte holds two fields, each shows its half.
Our reading and scapy's were written by different people: that they agree is worth something, and
where they do not, the row says so.
A packet that was cut off or forged is shown as far as it goes.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from itertools import groupby
from typing import Any

from labs.cards import Table
from vrrpd.auth_hmac import TRAILER_BYTES, observe
from vrrpd.packet import Check, PacketError, checksum, parse_ip

IPV4, IPV6, AH, VRRP, REST = "IPv4", "IPv6", "Authentication header", "VRRP", "behind it"
HMAC = "auth_hmac"
# Width of each column but the meaning; None is the half of a byte in a row.
_SCAPY = "scapy, a Python library for packets, has read the same bytes (last column)"
_HEADINGS = ("byte", "hex", "field", "value", "meaning", "scapy")
_TINTS = {
    IPV4: "#0072B2",
    IPV6: "#0072B2",
    AH: "#CC79A7",
    VRRP: "#009E73",
    HMAC: "#CC79A7",
    REST: "#D55E00",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One field: the bytes `start` to `end` of the packet (`half` 0 or 1: of one byte).

    `scapy` is the name of the field there and its value, None where scapy has no such field.
    """

    layer: str
    start: int
    end: int
    raw: str
    field: str
    value: int | str
    meaning: str
    scapy: tuple[str, object] | None = None

    @property
    def place(self) -> str:
        """``8`` or ``12-15``."""
        return str(self.start) if self.end - self.start == 1 else f"{self.start}-{self.end - 1}"

    @property
    def agrees(self) -> bool:
        """Do we and scapy read the same?"""
        return self.scapy is None or str(self.scapy[1]) == str(self.value)

    @property
    def other(self) -> str:
        """What scapy says, with a mark where it is something else."""
        if self.scapy is None:
            return ""
        return f"{'' if self.agrees else '≠ '}{self.scapy[0]}={self.scapy[1]}"


@dataclass(frozen=True, slots=True)
class Anatomy:
    """A packet taken apart; in a notebook it is a table, elsewhere the same table as text."""

    packet: bytes
    rows: tuple[Row, ...]
    verdict: str

    def table(self) -> Table:
        """A line for each layer, and the six cells of each of its fields."""
        lines: list[tuple[str, ...] | str] = []
        for layer, fields in groupby(self.rows, key=lambda row: row.layer):
            lines.append(layer)
            lines += [(f.place, f.raw, f.field, str(f.value), f.meaning, f.other) for f in fields]
        return Table(_HEADINGS, lines, code=(1,), bands=_TINTS)

    def text(self) -> str:
        """The table in characters."""
        return f"{self.table().text()}\n── {self.verdict}\n── {_SCAPY}"

    __repr__ = text
    __str__ = text

    def _repr_html_(self) -> str:
        below = "<br>".join(html.escape(line) for line in (self.verdict, _SCAPY))
        return f"{self.table().html()}<p>{below}</p>"


def dissect(packet: bytes) -> Anatomy:
    """Take an IP packet that carries VRRP, plain or behind AH, apart; never fails."""
    return Anatomy(packet, tuple(_Reader(packet).rows()), _verdict(packet))


def _verdict(packet: bytes) -> str:
    """What vrrpd's decoder makes of it, before it asks whether it is meant for it."""
    try:
        data = parse_ip(packet)
        told = observe(data)
    except PacketError as error:
        return f"vrrpd drops it: {error}"
    names = ", ".join(map(str, told.addresses))
    return (
        f"vrrpd reads: version {told.version}, virtual router {told.vrid}, priority "
        f"{told.priority}, every {told.interval / 1e9:g} s, {names or 'no addresses'}"
    )


class _Reader:
    """Walks over the bytes of one packet."""

    def __init__(self, packet: bytes) -> None:
        self.packet = packet
        self.layers = _scapy(packet)

    def rows(self) -> Iterator[Row]:
        """Every row, until the bytes run out."""
        first = self.packet[0] >> 4 if self.packet else 0
        walk = self._ipv6() if first == 6 else self._ipv4()
        end = 0
        for row in walk:
            if row.start < row.end <= len(self.packet):
                end = max(end, row.end)
                yield row
        if end < len(self.packet):
            left = self.packet[end:]
            words = "the packet ends in the middle of a field, or has more than it announced"
            yield Row(REST, end, len(self.packet), _hex(left), "", f"{len(left)} bytes", words)

    def _row(
        self, layer: str, start: int, size: int, field: str, meaning: str, name: str = ""
    ) -> Row:
        """A field of whole bytes, read as a number."""
        raw = self.packet[start : start + size]
        value = int.from_bytes(raw, "big")
        told = self.layers.get((layer, name))
        return Row(layer, start, start + size, _hex(raw), field, value, meaning, told)

    def _halves(
        self, layer: str, start: int, fields: tuple[tuple[str, str, str], tuple[str, str, str]]
    ) -> Iterator[Row]:
        """Two fields of four bits each: (field, meaning, scapy's name)."""
        byte = self._byte(start)
        for half, (field, meaning, name) in enumerate(fields):
            value = byte & 0x0F if half else byte >> 4
            raw = f".{value:x}" if half else f"{value:x}."
            told = self.layers.get((layer, name))
            yield Row(layer, start, start + 1, raw, field, value, meaning, told)

    def _address(
        self, layer: str, start: int, size: int, field: str, meaning: str, told: Any
    ) -> Row:
        raw = self.packet[start : start + size]
        if len(raw) < size:
            return self._row(layer, start, size, field, meaning)
        value = str(IPv4Address(raw) if size == 4 else IPv6Address(raw))
        return Row(layer, start, start + size, _hex(raw), field, value, meaning, told)

    def _byte(self, at: int) -> int:
        return self.packet[at] if at < len(self.packet) else 0

    def _ipv4(self) -> Iterator[Row]:
        length = (self._byte(0) & 0x0F) * 4
        yield from self._halves(
            IPV4,
            0,
            (
                ("version", "Internet Protocol version 4", "version"),
                ("header length", f"{length} bytes, in words of four", "ihl"),
            ),
        )
        yield self._row(IPV4, 1, 1, "type of service", _precedence(self._byte(1)), "tos")
        yield self._row(IPV4, 2, 2, "total length", "bytes, this header included", "len")
        yield self._row(IPV4, 4, 2, "identification", "the sender counts its packets", "id")
        yield self._row(IPV4, 6, 2, "flags, fragment offset", "not a fragment")
        yield self._row(IPV4, 8, 1, "TTL", _hops(self._byte(8)), "ttl")
        protocol = self._byte(9)
        yield self._row(IPV4, 9, 1, "protocol", _protocol(protocol), "proto")
        good = checksum(self.packet[:length]) == 0
        words = "over this header: " + ("right" if good else "WRONG")
        yield self._row(IPV4, 10, 2, "header checksum", words, "chksum")
        source, destination = self.layers.get((IPV4, "src")), self.layers.get((IPV4, "dst"))
        yield self._address(IPV4, 12, 4, "source", "who sends: its own address", source)
        group = self.packet[16:20] == IPv4Address("224.0.0.18").packed
        yield self._address(IPV4, 16, 4, "destination", _group(group), destination)
        if length > 20:
            yield self._row(IPV4, 20, length - 20, "options", "seldom seen")
        at = max(20, length)
        if protocol == 51:
            yield from self._ah(at)
            at += 24
        yield from self._vrrp(at, 4)

    def _ipv6(self) -> Iterator[Row]:
        first = int.from_bytes(self.packet[:4].ljust(4, b"\0"), "big")
        tos, flow = first >> 20 & 0xFF, first & 0xFFFFF

        def row(start: int, end: int, raw: str, name: str, value: int, words: str, key: str) -> Row:
            return Row(IPV6, start, end, raw, name, value, words, self.layers.get((IPV6, key)))

        yield row(0, 1, f"{first >> 28:x}.", "version", first >> 28, "IP version 6", "version")
        yield row(
            0, 2, f".{tos >> 4:x} {tos & 15:x}.", "traffic class", tos, _precedence(tos), "tc"
        )
        yield row(1, 4, f".{flow >> 16:x} {flow & 0xFFFF:04x}", "flow label", flow, "", "fl")
        yield self._row(IPV6, 4, 2, "payload length", "bytes behind this header", "plen")
        yield self._row(IPV6, 6, 1, "next header", _protocol(self._byte(6)), "nh")
        yield self._row(IPV6, 7, 1, "hop limit", _hops(self._byte(7)), "hlim")
        source, destination = self.layers.get((IPV6, "src")), self.layers.get((IPV6, "dst"))
        yield self._address(IPV6, 8, 16, "source", "who sends: its link-local address", source)
        group = self.packet[24:40] == IPv6Address("ff02::12").packed
        yield self._address(IPV6, 24, 16, "destination", _group(group), destination)
        yield from self._vrrp(40, 6)

    def _ah(self, at: int) -> Iterator[Row]:
        yield self._row(AH, at, 1, "next header", _protocol(self._byte(at)), "nh")
        yield self._row(AH, at + 1, 1, "length", "in words of four bytes, less two", "payloadlen")
        yield self._row(AH, at + 2, 2, "reserved", "", "reserved")
        yield self._row(AH, at + 4, 4, "SPI", "keepalived puts the sender's address here", "spi")
        yield self._row(AH, at + 8, 4, "sequence number", "a replayed packet has an old one", "seq")
        words = "HMAC-MD5 under the password: who lacks it cannot make this"
        raw = self.packet[at + 12 : at + 24]
        yield Row(AH, at + 12, at + 24, _hex(raw), "integrity value", raw.hex(), words)

    def _vrrp(self, at: int, family: int) -> Iterator[Row]:
        version, count = self._byte(at) >> 4, self._byte(at + 3)
        rfc = {2: "RFC 3768: IPv4 only", 3: "RFC 9568: IPv4 and IPv6"}.get(version, "unknown")
        yield from self._halves(
            VRRP,
            at,
            (
                ("version", rfc, "version"),
                ("type", "ADVERTISEMENT, the only one there is", "type"),
            ),
        )
        yield self._row(
            VRRP, at + 1, 1, "virtual router ID", "the virtual router it is about", "vrid"
        )
        priority = _priority(self._byte(at + 2))
        yield self._row(VRRP, at + 2, 1, "priority", priority, "priority")
        yield self._row(VRRP, at + 3, 1, "address count", "how many addresses follow", "ipcount")
        if version == 3:
            yield from self._interval3(at + 4)
        else:
            auth = {0: "none", 1: "simple text password (RFC 2338)", 2: "IP AH (RFC 2338)"}
            kind = auth.get(self._byte(at + 4), "unknown")
            yield self._row(VRRP, at + 4, 1, "authentication type", kind, "authtype")
            words = "seconds between two of these"
            yield self._row(VRRP, at + 5, 1, "advertisement interval", words, "adv")
        yield self._row(VRRP, at + 6, 2, "checksum", self._sum(), "chksum")
        size = 4 if family == 4 else 16
        listed = self.layers.get((VRRP, "addrlist"), ("", None))[1]
        read = listed if isinstance(listed, list) else []
        for number in range(count):
            start = at + 8 + number * size
            told = (f"addrlist[{number}]", read[number]) if number < len(read) else None
            words = "an address that the MASTER holds"
            yield self._address(VRRP, start, size, f"address {number + 1}", words, told)
        end = at + 8 + count * size
        if version == 2:
            yield from self._password(end)
            end += 8
        if len(self.packet) - end == TRAILER_BYTES:
            yield from self._trailer(end)

    def _trailer(self, at: int) -> Iterator[Row]:
        """What keepalived's `auth_hmac` puts behind a message."""
        kind = {1: "HMAC-SHA256, cut to 128 bits"}.get(self._byte(at), "unknown")
        yield self._row(HMAC, at, 1, "type", kind)
        yield self._row(HMAC, at + 1, 1, "key ID", "which of the shared keys has signed")
        yield self._row(HMAC, at + 2, 2, "reserved", "sent as 0")
        yield self._row(HMAC, at + 4, 4, "seconds", "the sender's clock, since 1970 (UTC)")
        yield self._row(HMAC, at + 8, 2, "fraction", "of a second, in units of 1/65536")
        yield self._row(HMAC, at + 10, 2, "counter", "tells apart what is sent at one moment")
        raw = self.packet[at + 12 : at + TRAILER_BYTES]
        words = "proves that the sender has the key; the source address is covered, too"
        yield Row(HMAC, at + 12, at + TRAILER_BYTES, _hex(raw), "HMAC", raw.hex(), words)

    def _interval3(self, at: int) -> Iterator[Row]:
        high, low = self._byte(at), self._byte(at + 1)
        value = (high & 0x0F) << 8 | low
        reserved, adv = self.layers.get((VRRP, "res")), self.layers.get((VRRP, "adv"))
        yield Row(VRRP, at, at + 1, f"{high >> 4:x}.", "reserved", high >> 4, "sent as 0", reserved)
        words = f"hundredths of a second: {value / 100:g} s between two of these"
        raw = f".{high & 15:x} {low:02x}"
        yield Row(VRRP, at, at + 2, raw, "advertisement interval", value, words, adv)

    def _sum(self) -> str:
        try:
            data = parse_ip(self.packet)
            told = observe(data)
        except PacketError as error:
            return "WRONG" if error.check is Check.CHECKSUM else "of a message that is not whole"
        if told.pseudo:
            return "right, over the message and both IP addresses (pseudo-header)"
        return "right, over the message alone"

    def _password(self, at: int) -> Iterator[Row]:
        raw = self.packet[at : at + 8]
        text = raw.rstrip(b"\0").decode("ascii", "replace")
        words = f"readable by everybody on the network: {text!r}" if text else "not used"
        yield Row(VRRP, at, at + 8, _hex(raw), "authentication data", raw.hex(), words)


def _hex(raw: bytes) -> str:
    """Pairs of bytes; of long fields the first ones."""
    return raw.hex(" ", -2) if len(raw) > 1 else raw.hex()


def _precedence(tos: int) -> str:
    return "internetwork control: before all other traffic" if tos == 0xC0 else "no precedence"


def _hops(ttl: int) -> str:
    if ttl == 255:
        return "must be 255: it has passed no router"
    return "not 255: it came from afar, or was forged; it is dropped"


def _protocol(number: int) -> str:
    return {112: "VRRP", 51: "an authentication header comes first"}.get(number, "not VRRP")


def _group(multicast: bool) -> str:
    return "all VRRP routers of this link; no router passes it on" if multicast else "one router"


def _priority(value: int) -> str:
    return {0: "the MASTER resigns", 255: "it owns the addresses itself"}.get(
        value, "the highest becomes MASTER"
    )


def _scapy(packet: bytes) -> dict[tuple[str, str], tuple[str, object]]:
    """Scapy's fields by (layer, name); what it cannot read is not there."""
    try:
        from scapy.layers.inet import IP
        from scapy.layers.inet6 import IPv6
        from scapy.layers.ipsec import AH as AuthenticationHeader
        from scapy.layers.vrrp import VRRP as Two
        from scapy.layers.vrrp import VRRPv3 as Three
    except ImportError:  # in a browser tab there is only the standard library
        return {}
    found: dict[tuple[str, str], tuple[str, object]] = {}
    try:
        whole = (IPv6 if packet[0] >> 4 == 6 else IP)(packet)
        if whole.haslayer(AuthenticationHeader):
            start = 4 * whole.ihl + 24
            message = Two(packet[start:])
        else:
            message = whole.getlayer(Three) or whole.getlayer(Two)
    except Exception:  # scapy raises whatever it happens to stumble over
        return found
    layers = ((IPV4, whole.getlayer(IP)), (IPV6, whole.getlayer(IPv6)))
    for layer, read in (*layers, (AH, whole.getlayer(AuthenticationHeader)), (VRRP, message)):
        if read is not None:
            for field in read.fields_desc:
                found[layer, field.name] = (field.name, read.getfieldval(field.name))
    return found
