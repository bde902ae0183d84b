"""In a flood the kernel keeps only what could be an Advertisement for us, and afterwards all again.

a small buffer, many sent ─> the kernel counts what it lost ─> sieve ─> ten seconds later: off
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest

from tests.captures import packets
from tests.lab.cables import cable
from tests.support import HUNG_S
from vrrpd.fsm import SECOND
from vrrpd.linux import sockets
from vrrpd.linux.bpf import sieve
from vrrpd.linux.loop import Loop
from vrrpd.linux.sockets import RawWire
from vrrpd.packet import GROUP4, Advertisement, encode, ipv4_packet
from vrrpd.packet_signature import PacketSignature
from vrrpd.record import replace

NEAR, FAR = "sieve0", "sieve1"
SOURCE = IPv4Address("10.78.0.2")
PASSWORD = b"1111\0\0\0\0"
MINE = PacketSignature(51, 0x21, True, (1, 1), PASSWORD, least=50)
GOOD = Advertisement(2, 51, 150, SECOND, (IPv4Address("10.78.0.10"),), 1, PASSWORD)


@pytest.fixture
def ends() -> Iterator[None]:
    """Two ends of a cable."""
    with cable(NEAR, FAR, near="10.78.0.1/24"):
        yield


class Ear:
    """What arrives at NEAR."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.heard: list[bytes] = []
        self.wire = RawWire(self.loop)
        self.channel = self.wire.listen(NEAR, 4, 112, lambda packet, *_: self.heard.append(packet))
        self.channel.join(GROUP4)

    def receive(self, sent: list[bytes], timeout: int = HUNG_S * SECOND) -> list[bytes]:
        """Send, and take what comes until something of ours is among it."""
        self.heard.clear()
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
            out.bind((FAR, 0))
            for packet in sent:
                out.send(bytes.fromhex("01005e000012 0200000000aa 0800") + packet)
        self.loop.run_until(lambda: sent[-1] in self.heard, timeout)
        return self.heard

    def close(self) -> None:
        self.channel.close()
        self.wire.close()
        self.loop.close()


@pytest.fixture
def ear(ends: None) -> Iterator[Ear]:
    """A listening socket."""
    one = Ear()
    yield one
    one.close()


def packet(advert: Advertisement = GOOD, ttl: int = 255, **changes: object) -> bytes:
    """One IP packet."""
    message = encode(advert._replace(**changes), SOURCE, GROUP4)  # type: ignore[arg-type]
    return ipv4_packet(message, SOURCE, GROUP4, 1, ttl)


FORGED = {
    "ttl": packet(ttl=64),
    "vrid": packet(vrid=52),
    "password": packet(auth=b"2222\0\0\0\0"),
    "half a password": packet(auth=b"1111\0\0\0x"),
    "no password": packet(auth_type=0, auth=bytes(8)),
    "interval": packet(interval=2 * SECOND),
    "version": packet(version=3),
    "weaker than ourselves": packet(priority=49),
    "short": ipv4_packet(b"\x21\x33", SOURCE, GROUP4, 1),
}


@pytest.mark.parametrize("name", FORGED)
def test_what_a_sieve_keeps_out(ear: Ear, name: str) -> None:
    ear.channel.calm = ear.loop.call_at(ear.loop.now() + 60 * SECOND, ear.channel.relax)
    ear.channel.only((51,), (MINE,))
    assert ear.receive([FORGED[name], packet()]) == [packet()]


def test_what_it_lets_through(ear: Ear) -> None:
    """Other addresses, other priorities, a wrong checksum: the checks are still to come."""
    other = PacketSignature(52, 0x31, False)
    ear.channel.calm = ear.loop.call_at(ear.loop.now() + 60 * SECOND, ear.channel.relax)
    ear.channel.only((51, 52), (other, MINE))
    many = tuple(IPv4Address(f"10.78.1.{n}") for n in range(1, 200))
    third = GOOD._replace(version=3, vrid=52, auth_type=0, auth=bytes(8))
    sent = [packet(addresses=many), packet(priority=0), packet(third, ttl=9), packet()]
    assert ear.receive(sent) == sent


def test_an_overflow_turns_it_on_and_quiet_turns_it_off(
    ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "FLOOD", SECOND // 5)
    ear.channel.only((51, 52), (MINE,))
    ear.channel.set_receive_buffer(1, 0)  # the kernel gives a little more
    ear.receive([FORGED["password"]] * 500 + [packet()], SECOND)  # the last one is lost, too
    for _ in range(3):  # the number of lost ones comes with the next packet that is kept
        ear.receive([packet()])
    assert ear.channel.lost > 0
    ear.loop.run_until(lambda: ear.channel.calm is None, HUNG_S * SECOND)
    assert ear.channel.calm is None
    assert ear.receive([FORGED["password"], packet()]) == [FORGED["password"], packet()]


def test_packets_that_were_lost_are_known_before_the_next_one_arrives(ear: Ear) -> None:
    """A timer that is due cannot wait for it."""
    ear.channel.set_receive_buffer(1, 0)
    before = ear.loop.now()
    assert not ear.channel.may_have_missed(before)
    ear.receive([packet()])
    assert not ear.channel.may_have_missed(before)
    ear.receive([FORGED["password"]] * 500 + [packet()], SECOND // 100)
    assert ear.channel.may_have_missed(before)
    assert ear.channel.calm is not None
    assert not ear.channel.may_have_missed(ear.loop.now())


def test_packets_that_have_waited_carry_an_older_number_of_lost_ones(ear: Ear) -> None:
    ear.channel.set_receive_buffer(1, 0)
    ear.receive([FORGED["password"]] * 500, SECOND // 100)
    ear.receive([packet()])
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
        out.bind((FAR, 0))
        for _ in range(500):
            out.send(bytes.fromhex("01005e000012 0200000000aa 0800") + packet())
    assert ear.channel.may_have_missed(0)
    known = ear.channel.lost
    ear.channel.read()
    assert ear.channel.lost == known


def test_it_is_on_for_longer_when_it_overflows_again(ear: Ear) -> None:
    """A daemon that was busy for a second, with its start for one, has met no flood."""

    def length() -> int:
        return max(when for when, _, _ in ear.loop.heap) - ear.loop.now()

    ear.channel._overrun(1)
    assert 0 < length() <= sockets.FLOOD // sockets.STALL
    ear.channel.relax()
    ear.channel._overrun(2)
    assert length() > sockets.FLOOD // 2


def test_keepalived_s_own_packets_have_the_shape() -> None:
    """What the captures hold passes in a simulation of the machine, so none is lost in a flood."""
    for capture, shape in (("01", MINE), ("04", PacketSignature(51, 0x31, True))):
        code = sieve([replace(shape, vrid=packets(capture)[0][21])], 4)
        assert all(run(code, one) for one in packets(capture))
        weak = sieve([replace(shape, vrid=packets(capture)[0][21], least=255)], 4)
        assert not any(run(weak, one) for one in packets(capture) if one[22])
        assert all(run(weak, one[:22] + b"\0" + one[23:]) for one in packets(capture))
        assert not any(run(code, one[:21] + b"\x07" + one[22:]) for one in packets(capture))


def run(code: bytes, data: bytes) -> int:
    """What a classic BPF program returns for a packet."""
    a = x = at = 0
    while True:
        operation, hit, miss, k = sockets.INSTRUCTION.unpack_from(code, at * 8)
        at += 1
        if operation == 0x06:
            return int(k)
        if operation == 0x15:
            at += hit if a == k else miss
        elif operation == 0xB1:
            x = (data[k] & 15) * 4
        elif operation == 0x80:
            a = len(data)
        elif operation == 0x14:
            a = (a - k) % (1 << 32)
        elif operation == 0x35:
            at += hit if a >= k else miss
        elif operation == 0x07:
            x = a
        else:
            size, base = {0x30: (1, 0), 0x50: (1, x), 0x40: (4, x)}[operation]
            if base + k + size > len(data):
                return 0
            a = int.from_bytes(data[base + k : base + k + size], "big")


def test_over_ipv6_the_program_begins_with_the_message() -> None:
    code = sieve([PacketSignature(51, 0x31, True)], 6)
    assert run(code, b"\x31\x33" + bytes(6))
    assert not run(code, b"\x31\x34" + bytes(6))
    code = sieve([PacketSignature(51, 0x31, True, least=100)], 6)
    assert [p for p in range(256) if run(code, bytes((0x31, 0x33, p)) + bytes(5))][:2] == [0, 100]
    assert not run(code, b"\x21\x33" + bytes(6))
