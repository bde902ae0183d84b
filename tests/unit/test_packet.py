"""Advertisements as bytes, against what keepalived puts on the wire and against every wrong byte.

WIRE is used both ways: the bytes decode to the value, the value encodes to the bytes.
The bytes are keepalived 2.2.7's (tests/data/wire).
"""

from __future__ import annotations

import ipaddress
import json
from collections import Counter
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any

import pytest

from tests.captures import packets
from vrrpd.auth_header import seal
from vrrpd.config.values import Auth
from vrrpd.fsm import SECOND
from vrrpd.packet import (
    CENTISECOND,
    GROUP4,
    GROUP6,
    PROTOCOL_AH,
    Advertisement,
    Check,
    Datagram,
    PacketError,
    checksum,
    decode,
    encode,
    ipv4_packet,
    ipv6_packet,
    parse_ip,
    parse_ipv4,
    read,
)
from vrrpd.validation import Expectation, admit, find_vrid

A, B = IPv4Address("192.168.1.1"), IPv4Address("192.168.1.2")
VIP = IPv4Address("192.168.1.10")
PASS: dict[str, Any] = {"auth_type": 1, "auth": b"1111\0\0\0\0"}
LINK_LOCAL = IPv6Address("fe80::b0:a5ec:fef1:de71")


def v2(priority: int, *addresses: IPv4Address, vrid: int = 51, **more: Any) -> Advertisement:
    return Advertisement(2, vrid, priority, SECOND, addresses or (VIP,), **more)


def v3(priority: int, centiseconds: int, *addresses: object) -> Advertisement:
    interval = centiseconds * CENTISECOND
    return Advertisement(3, 51, priority, interval, addresses or (VIP,), pseudo=True)  # type: ignore[arg-type]


def block(first: str, count: int) -> tuple[IPv4Address, ...]:
    """`count` addresses in a row."""
    start = int(IPv4Address(first))
    return tuple(IPv4Address(start + number) for number in range(count))


# name, capture, which of its packets, what it says
WIRE = [
    ("password", "01", 0, v2(150, **PASS)),
    ("password, resigning", "01", -1, v2(0, **PASS)),
    ("B as MASTER", "02", 0, v2(100, **PASS)),
    ("AH", "03", 0, v2(100, auth_type=2)),
    ("version 3, 50 cs", "04", 0, v3(150, 50)),
    ("version 3, 200 cs", "04", 15, v3(100, 200)),
    ("version 3, unicast", "05", 0, v3(100, 100)),
    (
        "version 3, IPv6",
        "06",
        0,
        v3(
            150,
            100,
            *map(IPv6Address, ("fe80::51", "2001:db8:1::10", "2001:db8:1::11")),
        ),
    ),
    ("20 addresses", "07", 0, v2(100, *block("192.168.1.101", 20), **PASS)),
]


@pytest.mark.parametrize(
    ("capture", "which", "advert"), [row[1:] for row in WIRE], ids=[row[0] for row in WIRE]
)
def test_wire_both_ways(capture: str, which: int, advert: Advertisement) -> None:
    packet = packets(capture)[which]
    datagram = parse_ip(packet)
    source, destination = datagram.source, datagram.destination
    assert decode(datagram.message, source, destination) == advert
    assert encode(advert, source, destination) == datagram.message


@pytest.mark.parametrize("capture", ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10"])
def test_every_packet_of_keepalived_survives_the_round_trip(capture: str) -> None:
    """All of it, the IP header included: identification, TOS, flags and header checksum."""
    assert packets(capture)
    for packet in packets(capture):
        datagram = parse_ip(packet)
        source, destination = datagram.source, datagram.destination
        advert = decode(datagram.message, source, destination)
        message = encode(advert, source, destination)
        if isinstance(source, IPv6Address):
            assert isinstance(destination, IPv6Address)
            again = ipv6_packet(message, source, destination, datagram.ttl)
            # The 20 bits of the flow label are the kernel's.
            assert again[4:] == packet[4:]
            assert again[0] == packet[0]
            assert again[1] & 0xF0 == packet[1] & 0xF0
            continue
        assert isinstance(destination, IPv4Address)
        ident = int.from_bytes(packet[4:6], "big")
        if datagram.protocol == PROTOCOL_AH:
            number = int.from_bytes(datagram.ah[8:12], "big")
            key = b"1111\0\0\0\0"
            again = seal(message, source, destination, ident, datagram.ttl, key, number)
        else:
            again = ipv4_packet(message, source, destination, ident, datagram.ttl)
        assert again == packet


@pytest.mark.parametrize(("capture", "count"), [("07", 20), ("08", 21), ("09", 255), ("10", 255)])
def test_many_addresses(capture: str, count: int) -> None:
    """keepalived 2.2.7 advertises at most 255, in the order of the file."""
    for packet in packets(capture):
        advert = decode(parse_ipv4(packet).message)
        assert len(advert.addresses) == count
        assert advert.addresses == tuple(sorted(advert.addresses, key=int))


def test_the_reference_frame_of_the_article_s_configuration() -> None:
    packet = ipv4_packet(encode(v2(150, **PASS), A, GROUP4), A, GROUP4, 1)
    assert packet.hex() == (
        "45c0002800010000ff7018e9c0a80101e000001221339601010123b5c0a8010a3131313100000000"
    )


def test_identification_runs_over() -> None:
    packet = ipv4_packet(b"", A, GROUP4, 0x10001)
    assert packet[4:6] == b"\x00\x01"


# Checksums.


def slow_checksum(data: bytes) -> int:
    """RFC 1071, word for word."""
    data += b"\0" * (len(data) % 2)
    total = 0
    for at in range(0, len(data), 2):
        total += data[at] << 8 | data[at + 1]
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


@pytest.mark.parametrize(
    "data",
    [b"", b"\0", b"\0\0", b"\xff", b"\xff\xff", b"\xff\xff\xff\xff", b"\xff\xfe\0\x01", bytes(1500),
     b"\xff" * 1500, b"\0\x01" * 700, bytes(range(256)) * 5],
)  # fmt: skip
def test_checksum_at_the_corners(data: bytes) -> None:
    assert checksum(data) == slow_checksum(data)


def test_version_3_is_accepted_with_and_without_the_pseudo_header() -> None:
    """RFC 5798 as keepalived reads it, and RFC 9568 section 5.2.8: the field is split."""
    for pseudo in (True, False):
        advert = v3(150, 50)._replace(pseudo=pseudo)
        message = encode(advert, A, GROUP4, pseudo)
        assert decode(message, A, GROUP4) == advert


def test_version_3_over_ipv6_has_no_choice() -> None:
    advert = v3(150, 50, IPv6Address("fe80::1"))
    message = encode(advert, LINK_LOCAL, GROUP6, pseudo=False)
    assert message == encode(advert, LINK_LOCAL, GROUP6)
    bare = message[:6] + b"\0\0" + message[8:]
    bare = message[:6] + checksum(bare).to_bytes(2, "big") + message[8:]
    with pytest.raises(PacketError) as caught:
        decode(bare, LINK_LOCAL, GROUP6)
    assert caught.value.check is Check.CHECKSUM


def test_version_2_never_has_a_pseudo_header() -> None:
    assert encode(v2(150), A, GROUP4, True) == encode(v2(150), A, GROUP4, False)


def test_the_pseudo_header_has_the_real_destination() -> None:
    """Old keepalived put the group there even for unicast."""
    message = encode(v3(100, 100), B, A)
    assert decode(message, B, A).pseudo is True
    with pytest.raises(PacketError):
        decode(message, B, GROUP4)


def test_every_single_bit_counts() -> None:
    message = encode(v2(150, **PASS), A, GROUP4)
    for bit in range(8 * len(message)):
        broken = bytearray(message)
        broken[bit // 8] ^= 1 << bit % 8
        with pytest.raises(PacketError):
            decode(bytes(broken))


# What cannot be encoded.


@pytest.mark.parametrize(
    "advert",
    [
        v2(1)._replace(interval=0),
        v2(1)._replace(interval=SECOND // 2),
        v2(1)._replace(interval=SECOND + 1),
        v2(1)._replace(interval=256 * SECOND),
        v3(1, 1)._replace(interval=0),
        v3(1, 1)._replace(interval=CENTISECOND // 2),
        v3(1, 1)._replace(interval=4096 * CENTISECOND),
    ],
)
def test_intervals_that_the_wire_cannot_carry(advert: Advertisement) -> None:
    with pytest.raises(ValueError, match="cannot carry"):
        encode(advert, A, GROUP4)


@pytest.mark.parametrize("advert", [v2(1), v3(1, 1)])
def test_more_than_255_addresses_do_not_fit(advert: Advertisement) -> None:
    encode(advert._replace(addresses=block("10.0.0.0", 255)), A, GROUP4)
    with pytest.raises(ValueError, match="255"):
        encode(advert._replace(addresses=block("10.0.0.0", 256)), A, GROUP4)


@pytest.mark.parametrize("interval", [SECOND, 255 * SECOND])
def test_version_2_intervals_at_the_ends(interval: int) -> None:
    advert = v2(1)._replace(interval=interval)
    assert decode(encode(advert, A, GROUP4)) == advert


@pytest.mark.parametrize("centiseconds", [1, 255, 256, 4095])
def test_version_3_intervals_at_the_ends(centiseconds: int) -> None:
    advert = v3(1, centiseconds)
    assert decode(encode(advert, A, GROUP4), A, GROUP4) == advert


# The IPv4 header.


def test_options_are_skipped() -> None:
    """The message starts at IHL * 4 (a Router Alert in front of keepalived's own packet)."""
    packet = packets("01")[0]
    options = b"\x94\x04\x00\x00"
    total = (len(packet) + 4).to_bytes(2, "big")
    longer = b"\x46" + packet[1:2] + total + packet[4:20] + options + packet[20:]
    assert parse_ipv4(longer).message == parse_ipv4(packet).message


@pytest.mark.parametrize("padding", [1, 6, 18])
def test_link_layer_padding_is_cut_off(padding: int) -> None:
    packet = packets("01")[0]
    assert parse_ipv4(packet + bytes(padding)) == parse_ipv4(packet)


@pytest.mark.parametrize("byte", range(256))
def test_the_reserved_nibble_is_masked(byte: int) -> None:
    """FRR 8.4 learns 61 460 cs from this and stays BACKUP for half an hour."""
    message = bytearray(encode(v3(150, 100), A, GROUP4, pseudo=False))
    message[4] = byte & 0xF0
    message[6:8] = b"\0\0"
    message[6:8] = checksum(bytes(message)).to_bytes(2, "big")
    assert decode(bytes(message), A, GROUP4).interval == SECOND


# One wrong thing at a time.

GOOD = encode(v2(150, **PASS), A, GROUP4)


def refilled(message: bytes) -> bytes:
    """The message with a right checksum."""
    blank = message[:6] + b"\0\0" + message[8:]
    return message[:6] + checksum(blank).to_bytes(2, "big") + message[8:]


@pytest.mark.parametrize(
    ("message", "check", "words"),
    [
        (b"", Check.LENGTH, "only 0 bytes"),
        (GOOD[:7], Check.LENGTH, "only 7 bytes"),
        (refilled(b"\x11" + GOOD[1:]), Check.VERSION, "version 1, expected 2 or 3"),
        (refilled(b"\x01" + GOOD[1:]), Check.VERSION, "version 0"),
        (refilled(b"\x22" + GOOD[1:]), Check.TYPE, "type 2, expected 1"),
        (refilled(b"\x20" + GOOD[1:]), Check.TYPE, "type 0"),
        (refilled(GOOD + bytes(4)), Check.LENGTH, "24 bytes, but 1 addresses make 20"),
        (refilled(GOOD[:-4]), Check.LENGTH, "16 bytes, but 1 addresses make 20"),
        (refilled(GOOD[:-8]), Check.LENGTH, "12 bytes"),
        (GOOD[:6] + b"\0\0" + GOOD[8:], Check.CHECKSUM, "checksum 0x0000"),
    ],
)
def test_each_check_names_itself(message: bytes, check: Check, words: str) -> None:
    with pytest.raises(PacketError, match=words) as caught:
        decode(message)
    assert caught.value.check is check


@pytest.mark.parametrize(
    "packet",
    [b"", b"\x45", packets("01")[0][:19], b"\x55" + bytes(39), b"\x44" + packets("01")[0][1:],
     packets("01")[0][:-1], b"\x45\0\0\x13" + bytes(40), b"\x4f\0\0\x14" + bytes(16),
     packets("06")[0][:39], packets("06")[0][:-1], packets("03")[0][:20]],
)  # fmt: skip
def test_broken_ip_headers(packet: bytes) -> None:
    with pytest.raises(PacketError) as caught:
        parse_ip(packet)
    assert caught.value.check is Check.LENGTH


def test_carp_is_not_mistaken_for_vrrp() -> None:
    """ucarp 1.5.2: protocol 112, version nibble 2, type 1, right checksum, priority 0.

    Only its length gives it away: 36 bytes, where 7 addresses make 44.
    """
    carp = refilled(bytes.fromhex("2101000707000100") + bytes(28))
    with pytest.raises(PacketError) as caught:
        decode(carp)
    assert caught.value.check is Check.LENGTH


def test_addresses_are_of_the_family_of_the_carrier() -> None:
    """Sixteen bytes are four addresses or one: the IP header says which, never the length."""
    four = v3(1, 1, *block("10.0.0.1", 4))
    assert decode(encode(four, A, GROUP4), A, GROUP4).addresses == four.addresses
    one = v3(1, 1, ipaddress.IPv6Address("fe80::1"))
    assert decode(encode(one, LINK_LOCAL, GROUP6), LINK_LOCAL, GROUP6).addresses == one.addresses


# Packets from other people's test suites (tests/data/vrrp-vectors.json), with their verdicts.
#
# Every vector must decode to the fields that its source states, and be admitted or refused as its
# verdict says, by a router that is configured as its sender is.  A vector is set apart only by a
# rule that is written here with its reason, and the number of those is written here too.


VECTORS = json.loads((Path(__file__).parents[1] / "data" / "vrrp-vectors.json").read_text())
NOWHERE = {4: IPv4Address("192.0.2.9"), 6: IPv6Address("fe80::9")}
GROUPS = {4: GROUP4, 6: GROUP6}
ETHERNET = 14


def apart(vector: dict[str, Any]) -> str | None:
    """Why a vector has no verdict that a receiver could be held to, or None."""
    decoded = vector["decoded"]
    if decoded["layer"].endswith("-header"):
        return "a bare header of another layer"
    if decoded["verdict"].startswith("field-decode"):
        return "the checksum in it is a placeholder, or its address pair is unknown"
    if vector["source"].endswith("VRRP-V2.pcap"):
        return "version 2 without its authentication data: incomplete by RFC 3768 section 5.3"
    return None


def datagram(vector: dict[str, Any]) -> Datagram:
    """The vector as it would have come in."""
    decoded, data = vector["decoded"], bytes.fromhex(vector["hex"])
    if decoded["layer"] == "ethernet":
        return parse_ip(data[ETHERNET:])
    if decoded["layer"] in ("ipv4", "ipv6"):
        return parse_ip(data)
    family = decoded["ip_version"]
    source = ip_address(decoded.get("ip_src", NOWHERE[family]))
    destination = ip_address(decoded.get("ip_dst", GROUPS[family]))
    return Datagram(source, destination, decoded.get("ttl_or_hop_limit", 255), 112, data)


def expectation(vector: dict[str, Any], strict: bool = False) -> Expectation:
    """A router configured as the sender is, but one of 1 s where the verdict says mismatch."""
    decoded = vector["decoded"]
    vrrp = decoded.get("vrrp", {})
    version = 2 if vrrp.get("version") == 2 and decoded.get("ip_version") != 6 else 3
    interval = SECOND * vrrp.get("adver_int_s", 1)
    if "mismatch" in decoded["verdict"]:
        interval = SECOND
    auth = Auth()
    if vrrp.get("auth_type") == 1 and decoded["verdict"].startswith("accept"):
        auth = Auth("PASS", bytes.fromhex(vrrp["trailer_hex"]))
    return Expectation(version, interval, auth, IPv4Address("203.0.113.77"), strict=strict)


def accepted(vector: dict[str, Any]) -> bool:
    """Whether the verdict is that an RFC 9568 receiver (RFC 3768 for version 2) takes it.

    Trailing bytes and the HMAC extension are refused, as keepalived, FRR and ze refuse them; a
    first IPv6 address that is not link-local is refused under strict only, as everybody does.
    """
    verdict = vector["decoded"]["verdict"]
    return (
        (
            verdict.startswith(("accept", "checksum", "reject under RFC 9568 5.2.9"))
            and "HMAC" not in verdict
        )
        or verdict.startswith("reject: vrid")  # found out before any check, by the lookup
    )


def name(vector: dict[str, Any]) -> str:
    return str(vector["source"]).split("github:")[-1].replace(" ", "-")[:80]


JUDGED = [vector for vector in VECTORS if apart(vector) is None]


def test_how_many_are_set_apart_and_why() -> None:
    assert len(VECTORS) == 99
    assert Counter(filter(None, map(apart, VECTORS))) == {
        "a bare header of another layer": 2,
        "the checksum in it is a placeholder, or its address pair is unknown": 5,
        "version 2 without its authentication data: incomplete by RFC 3768 section 5.3": 1,
    }


def receive(vector: dict[str, Any], strict: bool = False) -> Advertisement:
    """What a Segment does with a packet: find whose it is, then the checks in order."""
    packet = datagram(vector)
    find_vrid(packet)
    return admit(packet, expectation(vector, strict))


@pytest.mark.parametrize("vector", JUDGED, ids=name)
def test_verdict(vector: dict[str, Any]) -> None:
    if accepted(vector):
        receive(vector)
    else:
        with pytest.raises(PacketError):
            receive(vector)


@pytest.mark.parametrize("vector", [v for v in JUDGED if accepted(v)], ids=name)
def test_fields(vector: dict[str, Any]) -> None:
    stated = vector["decoded"]["vrrp"]
    advert = receive(vector)
    assert (advert.version, advert.vrid, advert.priority) == (
        stated["version"],
        stated["vrid"],
        stated["priority"],
    )
    assert [str(address) for address in advert.addresses] == stated["addresses"]
    if advert.version == 2:
        assert advert.interval == stated["adver_int_s"] * SECOND
        assert advert.auth.hex() == stated["trailer_hex"]
    else:
        assert advert.interval == stated["max_adver_int_cs"] * CENTISECOND
        form = "pseudo-header" if advert.pseudo else "message-only"
        assert form in stated["checksum_verifies_as"]


@pytest.mark.parametrize(
    "vector", [v for v in JUDGED if "link-local" in v["decoded"]["verdict"]], ids=name
)
def test_strict_wants_a_link_local_address_first(vector: dict[str, Any]) -> None:
    with pytest.raises(PacketError, match="link-local"):
        receive(vector, strict=True)


@pytest.mark.parametrize(
    "vector",
    [v for v in VECTORS if apart(v) and "vrrp" in v["decoded"] and v["decoded"]["vrrp"]],
    ids=name,
)
def test_even_a_placeholder_has_fields(vector: dict[str, Any]) -> None:
    stated, found = vector["decoded"]["vrrp"], datagram(vector)
    advert = read(found.message, found.source.version)
    assert (advert.vrid, advert.priority) == (stated["vrid"], stated["priority"])
    assert [str(address) for address in advert.addresses] == stated["addresses"]
