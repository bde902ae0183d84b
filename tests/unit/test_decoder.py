"""The Decoder, fed with bytes as the recorder writes them; and the recorder's BPF filters."""

from __future__ import annotations

import math
import socket
import struct
from ipaddress import IPv4Address, IPv6Address
from types import SimpleNamespace

import pytest

import labs.monitoring.wire_format as wire
from labs.model.facts import Address, Advert, Arp, Fact, Heard, Link, Loss, Ping
from labs.monitoring import packet_socket, recorder
from labs.monitoring.decoder import Decoder
from vrrpd.fsm import SECOND
from vrrpd.gratuitous_arp import gratuitous_arp, neighbour_advertisement
from vrrpd.packet import Advertisement, encode, ipv4_packet

VIP, VIP6 = "192.168.1.10", "2001:db8:1::10"
MAC = bytes.fromhex("02000000000b")
MASTER, GROUP = IPv4Address("192.168.1.11"), IPv4Address("224.0.0.18")
INCOMING, OUTGOING = b"\x02", b"\x04"

NEWLINK, DELLINK, NEWADDR, DELADDR, DONE = 16, 17, 20, 21, 3
UP, CARRIER = 0x1, 0x10000


@pytest.fixture
def decoder() -> Decoder:
    """One whose first dumps are in."""
    decoder = Decoder(["web1", "web2"], ["web1", "web2"], [VIP, VIP6])
    decoder.feed(wire.READY, 0, 0.5, b"")
    return decoder


# -- netlink, by hand ---------------------------------------------------------------------


def attribute(kind: int, data: bytes) -> bytes:
    padding = bytes(-len(data) % 4)
    return struct.pack("=HH", len(data) + 4, kind) + data + padding


def netlink(kind: int, body: bytes, sequence: int = 0) -> bytes:
    return recorder.NLMSG.pack(16 + len(body), kind, 0, sequence, 0) + body


def link(flags: int, name: str = "eth0", mac: bytes = MAC, kind: int = NEWLINK) -> bytes:
    head = struct.pack("=BxHiII", 0, 1, 2 if name != "lo" else 1, flags, 0)
    return netlink(kind, head + attribute(3, name.encode() + b"\0") + attribute(1, mac))


def address(text: str, kind: int = NEWADDR, sequence: int = 0) -> bytes:
    head = struct.pack("=BBBBI", socket.AF_INET, 32, 0x80, 0, 2)
    packed = IPv4Address(text).packed
    return netlink(kind, head + attribute(1, packed) + attribute(2, packed), sequence)


def decoded(decoder: Decoder, t: float, *messages: bytes, host: int = 0) -> list[Fact]:
    return decoder.feed(wire.NETLINK, host, t, b"".join(messages))


def test_links_and_addresses(decoder: Decoder) -> None:
    facts = decoded(decoder, 1.0, link(UP | CARRIER), address(VIP))
    assert facts == [
        Link(1.0, "web1", "eth0", True, True),
        Address(1.0, "web1", "eth0", VIP, 32, True),
    ]
    assert decoder.held() == {"web1": {VIP}, "web2": set()}
    assert decoder.carrier() == {"web1": True, "web2": False}


def test_what_the_first_dumps_say_was_so_from_the_first_moment() -> None:
    decoder = Decoder(["web1", "web2"], ["web1", "web2"], [VIP, VIP6])
    first = [*decoded(decoder, 1.0, link(UP | CARRIER)), *decoded(decoder, 1.1, address(VIP))]
    assert [fact.t for fact in first] == [1.0, 1.0]
    decoder.feed(wire.READY, 0, 1.2, b"")
    assert [fact.t for fact in decoded(decoder, 1.3, address(VIP, DELADDR))] == [1.3]


def test_what_is_recorded_again_is_no_news(decoder: Decoder) -> None:
    decoded(decoder, 1.0, link(UP | CARRIER), address(VIP))
    assert decoded(decoder, 2.0, link(UP | CARRIER), address(VIP)) == []


def test_a_pulled_cable_and_a_link_set_down_differ(decoder: Decoder) -> None:
    decoded(decoder, 1.0, link(UP | CARRIER))
    assert decoded(decoder, 2.0, link(UP)) == [Link(2.0, "web1", "eth0", True, False)]
    assert decoded(decoder, 3.0, link(0)) == [Link(3.0, "web1", "eth0", False, False)]
    assert decoder.carrier()["web1"] is False


def test_an_address_goes(decoder: Decoder) -> None:
    decoded(decoder, 1.0, link(UP | CARRIER), address(VIP))
    gone = decoded(decoder, 2.0, address(VIP, DELADDR))
    assert gone == [Address(2.0, "web1", "eth0", VIP, 32, False)]
    assert decoder.held()["web1"] == set()


def test_the_loopback_interface_is_nobodys_business(decoder: Decoder) -> None:
    assert decoded(decoder, 1.0, link(UP | CARRIER, "lo"), address("127.0.0.1")) == []


def test_a_link_that_vanishes_has_no_carrier(decoder: Decoder) -> None:
    decoded(decoder, 1.0, link(UP | CARRIER))
    assert decoded(decoder, 2.0, link(UP | CARRIER, kind=DELLINK)) == [
        Link(2.0, "web1", "eth0", False, False)
    ]


def test_a_link_that_vanishes_takes_its_addresses_with_it(decoder: Decoder) -> None:
    decoded(decoder, 1.0, link(UP | CARRIER), address(VIP))
    assert decoded(decoder, 2.0, link(UP | CARRIER, kind=DELLINK)) == [
        Link(2.0, "web1", "eth0", False, False),
        Address(2.0, "web1", "eth0", VIP, 32, False),
    ]


def test_an_interface_that_is_renamed_keeps_its_addresses(decoder: Decoder) -> None:
    decoded(decoder, 1.0, link(UP | CARRIER), address(VIP))
    assert decoded(decoder, 2.0, link(UP | CARRIER, "wan0")) == [
        Link(2.0, "web1", "eth0", False, False),
        Link(2.0, "web1", "wan0", True, True),
    ]
    assert decoder.link("web1", "eth0") == (False, False)
    assert decoder.held()["web1"] == {VIP}
    assert decoded(decoder, 3.0, address(VIP, DELADDR)) == [
        Address(3.0, "web1", "wan0", VIP, 32, False)
    ]
    assert decoder.held()["web1"] == set()


def test_a_new_dump_finds_what_a_full_buffer_lost(decoder: Decoder) -> None:
    kept, lost, new = "192.168.1.11", VIP, "192.168.1.20"
    decoded(decoder, 1.0, link(UP | CARRIER), netlink(DONE, bytes(4), 0))
    decoded(decoder, 1.1, address(kept, sequence=1), address(lost, sequence=1))
    decoded(decoder, 1.2, netlink(DONE, bytes(4), 1))
    decoded(decoder, 5.0, link(UP | CARRIER), netlink(DONE, bytes(4), 2))
    appeared = decoded(decoder, 5.1, address(kept, sequence=3), address(new, sequence=3))
    assert appeared == [Address(5.1, "web1", "eth0", new, 32, True)]
    vanished = decoded(decoder, 5.2, netlink(DONE, bytes(4), 3))
    assert vanished == [Address(5.2, "web1", "eth0", lost, 32, False)]
    assert decoder.held()["web1"] == {kept, new}


def test_an_address_that_came_during_a_dump_stays(decoder: Decoder) -> None:
    decoded(decoder, 1.0, link(UP | CARRIER), netlink(DONE, bytes(4), 0))
    decoded(decoder, 1.1, address("192.168.1.11", sequence=1))
    decoded(decoder, 1.2, address(VIP))  # an event, after the dump had passed its place
    assert decoded(decoder, 1.3, netlink(DONE, bytes(4), 1)) == []
    assert VIP in decoder.held()["web1"]


# -- the wire -----------------------------------------------------------------------------


def advertisement(version: int = 2, priority: int = 150) -> bytes:
    told = Advertisement(version, 51, priority, SECOND, (IPv4Address(VIP),))
    return ipv4_packet(encode(told, MASTER, GROUP), MASTER, GROUP, ident=7)


def ethernet(kind: int, packet: bytes) -> bytes:
    return bytes.fromhex("01005e000012") + MAC + kind.to_bytes(2, "big") + packet


def seen(decoder: Decoder, frame: bytes, way: bytes = INCOMING) -> list[Fact]:
    return decoder.feed(wire.FRAME, 0, 3.5, way + frame)


@pytest.mark.parametrize("version", [2, 3])
def test_what_enters_the_switch_is_an_advert_of_the_host_behind_the_port(
    decoder: Decoder, version: int
) -> None:
    packet = advertisement(version)
    (fact,) = seen(decoder, ethernet(0x0800, packet + bytes(6)))  # padded to Ethernet's minimum
    assert isinstance(fact, Advert)
    assert fact.hex == (packet + bytes(6)).hex()[: len(fact.hex)]
    assert (fact.t, fact.host, fact.source, fact.vrid) == (3.5, "web1", "192.168.1.11", 51)
    assert (fact.version, fact.priority, fact.interval) == (version, 150, 1.0)
    assert fact.addresses == (VIP,)


def test_what_leaves_a_port_was_received(decoder: Decoder) -> None:
    facts = seen(decoder, ethernet(0x0800, advertisement(priority=0)), OUTGOING)
    assert facts == [Heard(3.5, "web1", "192.168.1.11", 51, 2, 0, 1.0)]


def test_an_advertisement_over_ipv6(decoder: Decoder) -> None:
    source, group = IPv6Address("fe80::b"), IPv6Address("ff02::12")
    told = Advertisement(3, 52, 150, SECOND // 2, (IPv6Address("fe80::10"),))
    message = encode(told, source, group)
    head = struct.pack("!IHBB", 0x6C000000, len(message), 112, 255) + source.packed + group.packed
    (fact,) = seen(decoder, ethernet(0x86DD, head + message))
    assert isinstance(fact, Advert)
    assert (fact.source, fact.version, fact.interval) == ("fe80::b", 3, 0.5)
    assert fact.addresses == ("fe80::10",)


def test_damaged_advertisements_are_nobodys(decoder: Decoder) -> None:
    packet = bytearray(advertisement())
    packet[22] ^= 1  # the priority; the checksum no longer fits
    assert seen(decoder, ethernet(0x0800, bytes(packet))) == []
    assert seen(decoder, ethernet(0x0800, bytes(packet[:25]))) == []


def test_gratuitous_arp(decoder: Decoder) -> None:
    frame = gratuitous_arp(MAC, IPv4Address(VIP))
    assert seen(decoder, frame) == [Arp(3.5, "web1", VIP, "02:00:00:00:00:0b")]
    assert seen(decoder, frame, OUTGOING) == []


def test_unsolicited_neighbour_advertisement(decoder: Decoder) -> None:
    frame = neighbour_advertisement(MAC, IPv6Address("2001:db8::10"))
    assert seen(decoder, frame) == [Arp(3.5, "web1", "2001:db8::10", "02:00:00:00:00:0b")]


# -- the client, and the recorder itself --------------------------------------------------


def pong(decoder: Decoder, rtt: float, mac: bytes = MAC) -> Fact:
    (fact,) = decoder.feed(wire.PING, 0, 4.0, wire.PONG.pack(9, rtt, mac))
    return fact


def test_a_reply_is_the_hosts_whose_interface_sent_it(decoder: Decoder) -> None:
    decoded(decoder, 1.0, link(UP, mac=MAC), host=1)
    assert pong(decoder, 0.25) == Ping(4.0, 9, VIP, "web2", 0.25)


def test_an_interface_of_no_host_or_of_two_is_named_by_its_address(decoder: Decoder) -> None:
    assert pong(decoder, 0.25) == Ping(4.0, 9, VIP, "02:00:00:00:00:0b", 0.25)
    decoded(decoder, 1.0, link(UP, mac=MAC), host=0)
    decoded(decoder, 1.0, link(UP, mac=MAC), host=1)
    assert pong(decoder, 0.25) == Ping(4.0, 9, VIP, "02:00:00:00:00:0b", 0.25)


def test_no_reply(decoder: Decoder) -> None:
    assert pong(decoder, math.nan, bytes(6)) == Ping(4.0, 9, VIP, None, None)


def test_losses_say_where(decoder: Decoder) -> None:
    at_host = decoder.feed(wire.LOST, 1, 5.0, b"netlink messages were lost")
    at_port = decoder.feed(wire.LOST, 0x80, 5.0, b"3 frames were lost")
    assert at_host == [Loss(5.0, "web2", "netlink messages were lost in web2")]
    assert at_port == [Loss(5.0, "web1", "3 frames were lost at the switch port of web1")]


def test_readiness_and_failure_are_no_facts() -> None:
    decoder = Decoder(["web1"], ["web1"], [VIP, VIP6])
    assert not decoder.ready
    assert decoder.feed(wire.READY, 0, 1.0, b"") == []
    assert decoder.ready
    assert decoder.feed(wire.FAILED, 0, 1.0, b"web1: No such process") == []
    assert decoder.failure == "web1: No such process"


# -- the filters --------------------------------------------------------------------------


def run(program: tuple[tuple[int, int, int, int], ...], frame: bytes) -> bool:
    """Classic BPF, as far as the recorder uses it; a load beyond the frame drops it."""
    accumulator = index = at = 0
    sizes = {packet_socket.LD_W: 4, packet_socket.LD_H: 2, packet_socket.LD_B: 1}
    while True:
        code, yes, no, operand = program[at]
        at += 1
        if code == packet_socket.RET:
            return operand > 0
        if code in sizes:
            end = operand + sizes[code]
            if end > len(frame):
                return False
            accumulator = int.from_bytes(frame[operand:end], "big")
        elif code == packet_socket.TAX:
            index = accumulator
        else:
            other = index if code == packet_socket.JEQ_X else operand
            at += yes if accumulator == other else no


def arp(sender: str, target: str) -> bytes:
    addresses = MAC + IPv4Address(sender).packed + bytes(6) + IPv4Address(target).packed
    return ethernet(0x0806, bytes.fromhex("0001080006040001") + addresses)


def ipv4(protocol: int, payload: bytes = bytes(16)) -> bytes:
    return ethernet(
        0x0800, bytes.fromhex("4500002400000000ff") + bytes([protocol]) + bytes(10) + payload
    )


@pytest.mark.parametrize(
    ("frame", "kept"),
    [
        pytest.param(ethernet(0x0800, advertisement()), True, id="VRRP"),
        pytest.param(ipv4(51), True, id="AH"),
        pytest.param(ipv4(1), False, id="ping"),
        pytest.param(ipv4(6), False, id="TCP"),
        pytest.param(gratuitous_arp(MAC, IPv4Address(VIP)), True, id="gratuitous ARP"),
        pytest.param(arp("192.168.1.100", VIP), False, id="a question by ARP"),
        pytest.param(
            neighbour_advertisement(MAC, IPv6Address("2001:db8::10")), True, id="unsolicited NA"
        ),
        pytest.param(ethernet(0x86DD, bytes(6) + b"\x70" + bytes(60)), True, id="VRRP over IPv6"),
        pytest.param(ethernet(0x86DD, bytes(6) + b"\x3a" + bytes(60)), False, id="other ICMPv6"),
        pytest.param(ethernet(0x86DD, bytes(6) + b"\x06" + bytes(60)), False, id="TCP over IPv6"),
        pytest.param(ethernet(0x88CC, bytes(60)), False, id="LLDP"),
    ],
)
def test_the_filter_of_the_ports(frame: bytes, kept: bool) -> None:
    assert run(packet_socket.VRRP_AND_ARP, frame) is kept


@pytest.mark.parametrize(
    ("icmp", "kept"),
    [
        (struct.pack("!BBHHH", 0, 0, 0, 4711, 1), True),
        (struct.pack("!BBHHH", 0, 0, 0, 4712, 1), False),
        (struct.pack("!BBHHH", 8, 0, 0, 4711, 1), False),
    ],
    ids=["our reply", "another's reply", "a request"],
)
def test_the_filter_of_the_client(icmp: bytes, kept: bool) -> None:
    assert run(packet_socket.echo_replies(4711), ipv4(1, icmp + bytes(8))) is kept
    assert not run(packet_socket.echo_replies(4711), ipv4(17, icmp + bytes(8)))


@pytest.mark.parametrize(
    ("kind", "ident", "kept"), [(129, 4711, True), (129, 1, False), (128, 4711, False)]
)
def test_the_ipv6_filter_keeps_only_our_own_replies(kind: int, ident: int, kept: bool) -> None:
    echo = bytes([kind, 0, 0, 0]) + ident.to_bytes(2, "big") + bytes(10)
    header = b"\x60\0\0\0" + len(echo).to_bytes(2, "big") + b"\x3a\x40" + bytes(32)
    assert run(packet_socket.echo_replies6(4711), bytes(12) + b"\x86\xdd" + header + echo) is kept


def test_a_ping_names_the_address_it_went_to(decoder: Decoder) -> None:
    (fact,) = decoder.feed(wire.PING, 1, 4.0, wire.PONG.pack(9, 0.001, MAC))
    assert isinstance(fact, Ping)
    assert fact.address == VIP6


def test_lost_frames_are_counted_on_when_the_kernel_s_number_begins_again() -> None:
    """SO_RXQ_OVFL has 32 bits."""
    numbers = iter((0xFFFFFFFE, 3, 4))

    def receive(*_: int) -> tuple[bytes, list[tuple[int, int, bytes]], int, tuple[str, int, int]]:
        try:
            data = struct.pack("@I", next(numbers))
        except StopIteration:
            raise BlockingIOError from None
        return b"", [(socket.SOL_SOCKET, packet_socket.SO_RXQ_OVFL, data)], 0, ("eth0", 0, 0)

    frames = packet_socket.Frames.__new__(packet_socket.Frames)
    frames.socket, frames.dropped = SimpleNamespace(recvmsg=receive), 0  # type: ignore[assignment]
    assert [lost for _, _, _, lost in frames.read()] == [0xFFFFFFFE, 5, 1]
