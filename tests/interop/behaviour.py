"""What one Advertisement does to a MASTER: the probes, what comes of each, and docs/behaviour.md.

    python -m tests.interop.behaviour > docs/behaviour.md

A probe is one crafted packet at a MASTER of priority 100 that advertises every four seconds, so
that a busy machine does not make an answer at once look like the next advertisement on schedule.
`test_behaviour.py` fires each at keepalived and at vrrpd, on a real network, and compares what it
sees with the rows here.  Where versions of keepalived differ, `versions.py` says how.
The last column of the page is what the RFC of that version of VRRP says.

The outcomes, as a bystander on the LAN can distinguish them:

    BACKUP            it gives way, and is MASTER again one Master_Down_Interval later
    learns            the same, and that interval is computed from the one in the probe
    flips             it gives way and is MASTER again at once
    answers           it stays MASTER and sends an Advertisement at once
    nothing           it stays MASTER and its schedule is what it was
    silenced          it stays MASTER and stops advertising as long as such packets come
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from tests.interop.versions import VERSIONS, expected

HOST = {4: ipaddress.ip_address("192.168.1.11"), 6: ipaddress.ip_address("fe80::ff:fe00:b")}
HIGHER = {4: ipaddress.ip_address("192.168.1.12"), 6: ipaddress.ip_address("fe80::ff:fe00:c")}
LOWER = {4: ipaddress.ip_address("192.168.1.5"), 6: ipaddress.ip_address("fe80::5")}
EVERY = 4  # seconds between its advertisements
GROUP = {4: ipaddress.ip_address("224.0.0.18"), 6: ipaddress.ip_address("ff02::12")}
GROUP_MAC = {4: bytes.fromhex("01005e000012"), 6: bytes.fromhex("333300000012")}
SENDER_MAC = bytes.fromhex("02000000000c")


def vips(vrid: int, family: int) -> list[str]:
    """The addresses of virtual router `vrid`; an IPv6 one begins with a link-local address."""
    if family == 4:
        return [f"10.1.{vrid}.1", f"10.1.{vrid}.2"]
    return [f"fe80::1:{vrid:x}", f"2001:db8::{vrid:x}"]


def ones_complement(data: bytes) -> int:
    """RFC 1071."""
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A packet, by its difference from a good one of priority 200."""

    priority: int = 200
    version: int | None = None  # None: the virtual router's
    kind: int = 1
    ttl: int = 255
    interval: int | None = None  # None: the same; else seconds (v2) or centiseconds (v3)
    reserved: int = 0
    lower_source: bool = False
    addresses: str = "same"  # "same", "other", "extra", "none"
    count: int | None = None
    checksum: str = "good"  # "good", "wrong", "message" (no pseudo-header)
    trailing: int = 0
    options: bool = False
    auth_type: int = 0
    auth_data: bytes | None = bytes(8)  # None: left out
    stream: bool = False  # one every tenth of a second

    def message(self, vrid: int, version: int, family: int) -> bytes:
        """The VRRP message."""
        listed = vips(vrid, family)
        listed = {
            "same": listed,
            "other": [listed[0], vips(250, family)[1]],
            "extra": [*listed, vips(250, family)[1]],
            "none": [],
        }[self.addresses]
        count = len(listed) if self.count is None else self.count
        said = version if self.version is None else self.version
        head = struct.pack(">BBBB", said << 4 | self.kind, vrid, self.priority, count)
        if version == 2:
            whole_seconds = EVERY if self.interval is None else self.interval
            head += struct.pack(">BB", self.auth_type, whole_seconds)
        else:
            centiseconds = 100 * EVERY if self.interval is None else self.interval
            head += struct.pack(">H", self.reserved << 12 | centiseconds)
        body = b"".join(ipaddress.ip_address(one).packed for one in listed)
        if version == 2 and self.auth_data is not None:
            body += self.auth_data
        pseudo = b""
        if version == 3 and self.checksum != "message":
            pseudo = self.pseudo(family, len(head) + 2 + len(body))
        total = ones_complement(pseudo + head + bytes(2) + body)
        if self.checksum == "wrong":
            total ^= 0x5555
        return head + total.to_bytes(2, "big") + body + bytes(self.trailing)

    def pseudo(self, family: int, length: int) -> bytes:
        """The pseudo-header of the family (RFC 5798 section 5.2.8)."""
        ends = self.source(family).packed + GROUP[family].packed
        if family == 4:
            return ends + struct.pack(">BBH", 0, 112, length)
        return ends + struct.pack(">IHBB", length, 0, 0, 112)

    def source(self, family: int) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
        """Who says so."""
        return (LOWER if self.lower_source else HIGHER)[family]

    def frame(self, vrid: int, version: int, family: int) -> bytes:
        """The Ethernet frame."""
        message = self.message(vrid, version, family)
        ends = self.source(family).packed + GROUP[family].packed
        if family == 6:
            kind = b"\x86\xdd"
            packet = struct.pack(">IHBB", 0x6C000000, len(message), 112, self.ttl) + ends
        else:
            kind = b"\x08\x00"
            options = b"\x01\x01\x01\x00" if self.options else b""
            words = 5 + len(options) // 4
            packet = (
                struct.pack(
                    ">BBHHHBBH",
                    0x40 | words,
                    0xC0,
                    4 * words + len(message),
                    7,
                    0,
                    self.ttl,
                    112,
                    0,
                )
                + ends
                + options
            )
            packet = packet[:10] + ones_complement(packet).to_bytes(2, "big") + packet[12:]
        return GROUP_MAC[family] + SENDER_MAC + kind + packet + message


@dataclass(frozen=True)
class Row:
    """A probe, and what keepalived 2.2.7, vrrpd and the RFC make of it."""

    name: str
    probe: Probe
    keepalived: str
    vrrpd: str
    rfc: str
    why: str = ""  # of a difference between vrrpd and a version of keepalived

    def outcome(self, kind: str, version: str) -> str:
        """What the daemon of this kind makes of it; `version` is that of keepalived."""
        if kind == "vrrpd":
            return self.vrrpd
        return expected(version).outcomes.get(self.name, self.keepalived)

    def differs(self) -> bool:
        """Whether vrrpd does other than some version of keepalived."""
        return any(self.outcome("keepalived", version) != self.vrrpd for version in VERSIONS)


V2 = [
    Row("good, higher priority", Probe(), "BACKUP", "BACKUP", "BACKUP"),
    Row("wrong checksum", Probe(checksum="wrong"), "nothing", "nothing", "drop"),
    Row("TTL 254", Probe(ttl=254), "nothing", "nothing", "drop"),
    Row("version 3", Probe(version=3), "nothing", "nothing", "drop"),
    Row("type 2", Probe(kind=2), "nothing", "nothing", "drop"),
    Row("another interval", Probe(interval=2), "nothing", "nothing", "drop"),
    Row("interval 0", Probe(interval=0), "nothing", "nothing", "drop"),
    Row("another address in the list", Probe(addresses="other"), "nothing", "BACKUP",
        "may drop, unless the sender is the owner",
        "two masters are worse than a differing list; it is logged and counted, as by keepalived "
        "from 2.3.3 on"),
    Row("one address more", Probe(addresses="extra"), "nothing", "BACKUP",
        "may drop, unless the sender is the owner", "as above"),
    Row("no addresses, count 0", Probe(addresses="none"), "nothing", "BACKUP", "not forbidden",
        "as above: a list like any other"),
    Row("count larger than what is there", Probe(count=5), "nothing", "nothing", "drop"),
    Row("8 trailing bytes", Probe(trailing=8), "nothing", "nothing", "not said"),
    Row("IPv4 options", Probe(options=True), "BACKUP", "BACKUP", "BACKUP"),
    Row("authentication type 1", Probe(auth_type=1), "nothing", "nothing", "drop"),
    Row("authentication type 7", Probe(auth_type=7), "nothing", "nothing", "drop"),
    Row("no authentication data", Probe(auth_data=None), "nothing", "nothing", "drop"),
    Row("junk in unused authentication data", Probe(auth_data=b"whatever"), "BACKUP", "BACKUP",
        "BACKUP"),
    Row("lower priority", Probe(priority=50), "answers", "answers", "drop"),
    Row("priority 0", Probe(priority=0), "answers", "answers", "answers"),
    Row("equal priority, higher address", Probe(priority=100), "BACKUP", "BACKUP", "BACKUP"),
    Row("equal priority, lower address", Probe(priority=100, lower_source=True), "answers",
        "answers", "drop"),
    Row("priority 255", Probe(priority=255), "BACKUP", "BACKUP", "BACKUP"),
    Row("a stream with wrong checksums", Probe(checksum="wrong", stream=True), "silenced",
        "nothing", "drop", "a dropped packet must not touch the Adver_Timer"),
    Row("a stream with TTL 254", Probe(ttl=254, stream=True), "silenced", "nothing", "drop",
        "as above"),
]  # fmt: skip

V3 = [
    Row("good, higher priority", Probe(), "BACKUP", "BACKUP", "BACKUP"),
    Row("wrong checksum", Probe(checksum="wrong"), "nothing", "nothing", "drop"),
    Row("checksum without pseudo-header", Probe(checksum="message"), "nothing", "BACKUP",
        "the only right form over IPv4",
        "RFC 9568 and half of the vendors send it; we send the other form and accept both"),
    Row("TTL 254", Probe(ttl=254), "nothing", "nothing", "drop"),
    Row("version 2", Probe(version=2), "nothing", "nothing", "drop"),
    Row("type 2", Probe(kind=2), "nothing", "nothing", "drop"),
    Row("another interval", Probe(interval=150 * EVERY), "learns", "learns", "accept, log"),
    Row("interval 0", Probe(interval=0), "flips", "nothing", "drop (erratum 8301)",
        "a Master_Down_Interval of nothing would make everybody master"),
    Row("reserved bits set", Probe(reserved=15), "BACKUP", "BACKUP", "mask"),
    Row("another address in the list", Probe(addresses="other"), "nothing", "BACKUP",
        "accept, log", "RFC 9568; keepalived from 2.3.3 on"),
    Row("one address more", Probe(addresses="extra"), "nothing", "BACKUP", "accept, log",
        "as above"),
    Row("no addresses, count 0", Probe(addresses="none"), "nothing", "nothing",
        "ignore (erratum 8299)", "RFC 9568 with its errata"),
    Row("count larger than what is there", Probe(count=5), "nothing", "nothing", "drop"),
    Row("8 trailing bytes", Probe(trailing=8), "nothing", "nothing", "not said"),
    Row("IPv4 options", Probe(options=True), "BACKUP", "BACKUP", "BACKUP"),
    Row("lower priority", Probe(priority=50), "answers", "answers", "answers"),
    Row("priority 0", Probe(priority=0), "answers", "answers", "answers"),
    Row("equal priority, higher address", Probe(priority=100), "BACKUP", "BACKUP", "BACKUP"),
    Row("equal priority, lower address", Probe(priority=100, lower_source=True), "answers",
        "answers", "answers"),
    Row("priority 255", Probe(priority=255), "BACKUP", "BACKUP", "BACKUP"),
    Row("a stream with wrong checksums", Probe(checksum="wrong", stream=True), "silenced",
        "nothing", "drop", "a dropped packet must not touch the Adver_Timer"),
    Row("a stream with TTL 254", Probe(ttl=254, stream=True), "silenced", "nothing", "drop",
        "as above"),
]  # fmt: skip


def over_ipv6(rows: list[Row]) -> Iterator[Row]:
    """The probes that have a meaning over IPv6.

    There the pseudo-header is certain, and the kernel itself verifies the checksum.
    """
    for row in rows:
        if row.probe.options or row.probe.checksum == "message":
            continue
        if row.probe.stream and row.probe.checksum == "wrong":
            yield Row(row.name, row.probe, "nothing", "nothing", "drop")
        else:
            yield row


TABLES: dict[str, tuple[str, int, int, list[Row]]] = {
    "v2": ("Version 2", 2, 4, V2),
    "v3-ipv4": ("Version 3 over IPv4", 3, 4, V3),
    "v3-ipv6": ("Version 3 over IPv6", 3, 6, list(over_ipv6(V3))),
}

HEAD = """\
# What one advertisement does to a master

Each row is one crafted packet at a MASTER of priority 100 that advertises every four seconds, alone
on its LAN otherwise.
The packet has priority 200 and is a good one but for what the row says.
The columns of keepalived and vrrpd are measured by `tests/interop/test_behaviour.py` on a real
network, that of keepalived with the version of the machine, and the test fails when this page is
not what it saw.
The last column is RFC 3768 for version 2 and RFC 9568 with its errata for version 3.

| word | what a bystander sees |
|---|---|
| BACKUP | it gives way, and is MASTER again one Master_Down_Interval later |
| learns | the same, and that interval is computed from the one in the packet |
| flips | it gives way and is MASTER again at once |
| answers | it stays MASTER and sends an advertisement at once |
| nothing | it stays MASTER and its schedule is what it was |
| silenced | it stays MASTER and stops advertising as long as such packets come |

**Bold** is where vrrpd differs from a version of keepalived, with the reason below the table.
"""


def page() -> str:
    """docs/behaviour.md."""
    return "\n".join([HEAD, *(section(*table) for table in TABLES.values())])


def section(title: str, version: int, family: int, rows: list[Row]) -> str:
    """One table with its reasons."""
    columns = ["packet", *(f"keepalived {version}" for version in VERSIONS), "vrrpd", "RFC"]
    lines = [f"## {title}", "", f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    differing = []
    for row in rows:
        theirs = " | ".join(row.outcome("keepalived", version) for version in VERSIONS)
        ours = f"**{row.vrrpd}**" if row.differs() else row.vrrpd
        lines.append(f"| {row.name} | {theirs} | {ours} | {row.rfc} |")
        if row.differs():
            differing.append(f"- {row.name}: {row.why}.")
    return "\n".join([*lines, "", *differing, ""])


if __name__ == "__main__":
    print(page(), end="")
