"""Advertisements as bytes, for all values and all bytes, and against a second opinion.

decode(encode(x)) == x        for every Advertisement that either RFC allows
decode(any bytes)             an Advertisement or PacketError, never another exception
scapy                         reads the same fields from our bytes and computes the same checksum
"""

from __future__ import annotations

from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.captures import packets
from tests.unit.test_packet import slow_checksum
from vrrpd.fsm import SECOND
from vrrpd.packet import (
    CENTISECOND,
    GROUP4,
    Advertisement,
    PacketError,
    checksum,
    decode,
    encode,
    ipv4_packet,
    ipv6_packet,
    numbered,
    parse_ip,
    parse_ipv4,
)

ip4 = st.integers(0, 2**32 - 1).map(IPv4Address)
ip6 = st.integers(0, 2**128 - 1).map(IPv6Address)
byte = st.integers(0, 255)
auth = st.one_of(
    st.just({"auth_type": 0, "auth": bytes(8)}),
    st.binary(min_size=8, max_size=8).map(lambda data: {"auth_type": 1, "auth": data}),
)


@st.composite
def sent(draw: Any) -> tuple[Advertisement, Any, Any]:
    """An Advertisement with the source and destination of its IP header."""
    version = draw(st.sampled_from([2, 3]))
    six = version == 3 and draw(st.booleans())
    address = ip6 if six else ip4
    vrid, priority = draw(byte), draw(byte)
    addresses = tuple(draw(st.lists(address, max_size=255 if draw(st.booleans()) else 3)))
    if version == 2:
        interval = draw(st.integers(1, 255)) * SECOND
        advert = Advertisement(2, vrid, priority, interval, addresses, **draw(auth))
    else:
        interval = draw(st.integers(1, 4095)) * CENTISECOND
        pseudo = six or draw(st.booleans())
        advert = Advertisement(3, vrid, priority, interval, addresses, pseudo=pseudo)
    return advert, draw(address), draw(address)


@settings(max_examples=120, deadline=None)
@given(sent())
def test_round_trip(sent: tuple[Advertisement, Any, Any]) -> None:
    advert, source, destination = sent
    message = encode(advert, source, destination, advert.pseudo is not False)
    found = decode(message, source, destination)
    if advert.pseudo and source.version == 4 and not (int(source) or int(destination)):
        return  # a pseudo-header of zeros may add up to the same sum as none
    if found.pseudo != advert.pseudo:
        # Both forms can fit: the sum of the pseudo-header was a multiple of 65535.
        assert slow_checksum(message) == 0
        return
    assert found == advert


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60), st.sampled_from([None, 4, 6]))
def test_any_bytes_are_an_advertisement_or_a_packet_error(data: bytes, family: int | None) -> None:
    source = {None: None, 4: IPv4Address("10.0.0.1"), 6: IPv6Address("fe80::1")}[family]
    with suppress(PacketError):
        assert isinstance(decode(data, source, source), Advertisement)
    with suppress(PacketError):
        parse_ip(data)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_real_packet_with_wrong_bytes_in_it(data: st.DataObject) -> None:
    """Nearly right is harder than random: the first checks pass."""
    packet = bytearray(data.draw(st.sampled_from(packets("01") + packets("04") + packets("06"))))
    for _ in range(data.draw(st.integers(0, 4))):
        packet[data.draw(st.integers(0, len(packet) - 1))] = data.draw(byte)
    cut = data.draw(st.one_of(st.just(len(packet)), st.integers(0, len(packet))))
    with suppress(PacketError):
        datagram = parse_ip(bytes(packet[:cut]))
        decode(datagram.message, datagram.source, datagram.destination)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=1500))
def test_checksum_is_rfc_1071_s(data: bytes) -> None:
    assert checksum(data) == slow_checksum(data)


@settings(max_examples=25, deadline=None)
@given(sent(), st.integers(0, 0xFFFF))
def test_scapy_agrees(sent: tuple[Advertisement, Any, Any], ident: int) -> None:
    scapy = pytest.importorskip("scapy.all", reason="scapy is in requirements.lock: make setup")
    from scapy.layers.vrrp import VRRP, VRRPv3

    advert, source, destination = sent
    if advert.pseudo is False or (advert.version == 3 and not advert.addresses):
        return  # scapy knows the form with the pseudo-header only, and wants an address in it
    message = encode(advert, source, destination)
    if source.version == 4:
        packet = ipv4_packet(message, source, destination, ident)
        read = scapy.IP(packet)
    else:
        packet = ipv6_packet(message, source, destination)
        read = scapy.IPv6(packet)
    layer = VRRP if advert.version == 2 else VRRPv3
    fields = read[layer]
    assert (fields.version, fields.type, fields.vrid) == (advert.version, 1, advert.vrid)
    assert (fields.priority, fields.ipcount) == (advert.priority, len(advert.addresses))
    assert tuple(map(ip_address, fields.addrlist)) == advert.addresses
    if advert.version == 2:
        assert fields.adv * SECOND == advert.interval
        assert fields.authtype == advert.auth_type
    else:
        assert fields.adv * CENTISECOND == advert.interval
    del fields.chksum
    if source.version == 4:
        del read.chksum
    assert bytes(read) == packet


@given(ip4, ip4, st.binary(max_size=40), byte, st.integers(1, 0xFFFF))
def test_a_number_put_in_later_is_as_if_it_had_been_there(
    source: IPv4Address, destination: IPv4Address, message: bytes, ttl: int, ident: int
) -> None:
    blank = ipv4_packet(message, source, destination, 0, ttl)
    assert numbered(blank, ident) == ipv4_packet(message, source, destination, ident, ttl)


def test_ipv6_packets_have_no_number() -> None:
    packet = ipv6_packet(b"x", IPv6Address("fe80::1"), IPv6Address("ff02::12"))
    assert numbered(packet, 7) == packet


def test_scapy_reads_our_reference_frame() -> None:
    scapy = pytest.importorskip("scapy.all", reason="scapy is in requirements.lock: make setup")
    from scapy.layers.vrrp import VRRP

    source, vip = IPv4Address("192.168.1.11"), IPv4Address("192.168.1.10")
    advert = Advertisement(2, 51, 150, SECOND, (vip,), 1, b"1111\0\0\0\0")
    read = scapy.IP(ipv4_packet(encode(advert, source, GROUP4), source, GROUP4, 1))
    assert (read.tos, read.ttl, read.id, read.flags.value, read.proto) == (0xC0, 255, 1, 0, 112)
    assert read[VRRP].addrlist == ["192.168.1.10"]


@given(st.binary(min_size=1, max_size=40), st.integers(0, 10))
def test_options_and_padding_of_any_kind(message: bytes, words: int) -> None:
    """The message is what stands between IHL * 4 and the total length."""
    plain = ipv4_packet(message, IPv4Address("10.0.0.1"), GROUP4, 1)
    start, total = 20 + 4 * words, 20 + 4 * words + len(message)
    head = bytes((0x40 | start // 4, plain[1])) + total.to_bytes(2, "big") + plain[4:20]
    assert parse_ipv4(head + bytes(4 * words) + message + b"padding").message == message
