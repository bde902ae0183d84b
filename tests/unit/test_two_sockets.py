"""The two sockets of a channel, with the kernel's own filters: what goes wrong loses no packet.

Datagram sockets stand for the raw ones, which need privileges: the kernel runs the same filters for
them.  `Cable.send()` gives each packet to both, as it does with raw sockets.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Iterator
from ipaddress import IPv4Address, ip_address
from types import SimpleNamespace

import pytest

from tests.support import HUNG_S
from vrrpd.fsm import SECOND
from vrrpd.journal import Log
from vrrpd.linux import quiet_socket, sockets
from vrrpd.linux.bpf import attach, detach, exactly
from vrrpd.linux.loop import Loop
from vrrpd.linux.sockets import SO_RXQ_OVFL, SO_TIMESTAMPNS, RawChannel
from vrrpd.packet import GROUP4, Advertisement, encode, ipv4_packet
from vrrpd.ports import Postpone

PEER = IPv4Address("10.78.0.9")


class Unforeseen(Exception):
    """What no code has thought of."""


class Channel(RawChannel):
    """A channel on a datagram socket."""

    def prepare(self, interface: str) -> None:
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)


class Cable:
    """A channel, the far ends of its sockets, and what it has handed over: (VRID, how many)."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.errors: list[BaseException] = []
        self.taken: list[tuple[int, int]] = []
        self.spoilt: set[int] = set()  # VRIDs for which to take a packet fails
        self.used: list[tuple[socket.socket, socket.socket]] = []
        ends = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2)]
        for _, far in ends:
            far.setblocking(False)

        def take_end(*_: int) -> socket.socket:
            self.used.append(ends.pop())
            return self.used[-1][0]

        for module in (sockets, quiet_socket):
            names = vars(socket) | {"socket": take_end}
            patch.setattr(module, "socket", SimpleNamespace(**names))
        self.loop = Loop(self.errors.append)
        self.channel = Channel(self.loop, "lo", 4, 112, self.take, quiet=True)
        self.unused = ends

    def take(self, packet: bytes, at: int, times: int = 1) -> None:
        if packet[21] in self.spoilt:
            raise Unforeseen
        self.taken.append((packet[21], times))

    def send(self, vrid: int, times: int = 1) -> None:
        for _ in range(times):
            for near, far in self.used:
                if near.fileno() >= 0:
                    far.send(packet(vrid))

    def expect(self, *vrids: int, postpone: Postpone | None = None) -> None:
        """Have the packets of these VRIDs wait from now on."""
        self.channel.expect({vrid: packet(vrid) for vrid in vrids}, postpone)
        self.channel._settle()

    def waiting(self) -> set[int]:
        quiet = self.channel.quiet
        return set() if quiet is None else set(quiet.templates)

    def close(self) -> None:
        self.channel.close()
        self.loop.close()
        for near, far in (*self.used, *self.unused):
            near.close()
            far.close()


def packet(vrid: int) -> bytes:
    advert = Advertisement(3, vrid, 150, SECOND, (ip_address("10.78.0.10"),))
    return ipv4_packet(encode(advert, PEER, GROUP4), PEER, GROUP4, ident=7)


@pytest.fixture
def cable(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cable]:
    one = Cable(monkeypatch)
    yield one
    one.close()


def test_each_packet_is_in_one_of_the_sockets(cable: Cable) -> None:
    cable.expect(51)
    cable.send(51, times=5)
    cable.send(52)
    assert cable.channel.number in dict(cable.loop.epoll.poll(0))
    cable.channel.read()
    assert cable.taken == [(51, 5), (52, 1)]
    cable.send(51, times=5)
    assert not cable.loop.epoll.poll(0)
    cable.taken.clear()
    cable.channel.read()
    assert cable.taken == [(51, 5)]


def test_a_timer_that_cannot_be_postponed_costs_no_advertisement(cable: Cable) -> None:
    postponed: list[int] = []

    def postpone(vrid: int, at: int) -> None:
        if vrid == 51:
            raise Unforeseen
        postponed.append(vrid)

    cable.expect(51, 52, 53, postpone=postpone)
    for vrid in (51, 52, 53):
        cable.send(vrid, times=2)
    taken: list[list[tuple[int, int]]] = []
    cable.loop.call_at(cable.loop.now(), lambda: taken.append(list(cable.taken)))
    cable.loop.run_until(lambda: bool(taken), HUNG_S * SECOND)
    assert [type(error) for error in cable.errors] == [Unforeseen]
    assert taken == [[(51, 2), (52, 2), (53, 2)]]


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("woken", [False, True])
def test_a_packet_that_cannot_be_taken_costs_none_of_the_others(
    cable: Cable, held: bool, woken: bool
) -> None:
    cable.expect(51, 52, 53, postpone=lambda vrid, at: None)
    cable.spoilt.add(51)
    for vrid in (51, 52, 53):
        cable.send(vrid)
    if held:
        assert cable.channel.postpone_timers()
    if woken:
        cable.send(50)
    cable.loop.read_quiet()
    assert cable.taken == [(52, 1), (53, 1)] + ([(50, 1)] if woken else [])
    assert [type(error) for error in cable.errors] == [Unforeseen]


def refuse(*_: object) -> None:
    """The kernel takes no filter any more."""
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


def test_when_the_kernel_refuses_a_filter_everything_wakes(
    cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    cable.expect(51, 52)
    cable.send(51)
    cable.send(52)
    for module in (sockets, quiet_socket):
        monkeypatch.setattr(module, "attach", refuse)
    cable.expect(52)
    assert cable.taken == [(51, 1), (52, 1)], "what has waited is handed over"
    assert cable.channel.quiet is None
    cable.taken.clear()
    cable.send(51)
    cable.send(52)
    assert cable.channel.number in dict(cable.loop.epoll.poll(0))
    cable.channel.read()
    assert cable.taken == [(51, 1), (52, 1)], "no filter of before keeps it away"


class Space:
    """Has the kernel take no more than so many bytes of filters for a socket, old and new."""

    def __init__(self, patch: pytest.MonkeyPatch, most: int) -> None:
        self.most = most
        self.used: dict[int, int] = {}
        for module in (sockets, quiet_socket):
            patch.setattr(module, "attach", self.attach)
        patch.setattr(sockets, "detach", self.detach)

    def attach(self, one: socket.socket, program: bytes) -> None:
        if self.used.get(one.fileno(), 0) + len(program) > self.most:
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
        attach(one, program)
        self.used[one.fileno()] = len(program)

    def detach(self, one: socket.socket) -> None:
        detach(one)
        self.used.pop(one.fileno(), None)


def size(count: int) -> int:
    """Of the filter that keeps the packets of so many virtual routers away."""
    return len(exactly([packet(vrid) for vrid in range(1, count + 1)], 4, hit=0, otherwise=1))


@pytest.mark.parametrize(
    ("most", "waiting"),
    [
        (2 * size(8), 8),
        (size(8) + size(0), 8),
        (size(8) - 1, 4),
        (size(4) - 1, 2),
        (size(1) - 1, 0),
    ],
)
def test_as_many_wait_as_the_kernel_has_space_for(
    cable: Cable, monkeypatch: pytest.MonkeyPatch, most: int, waiting: int
) -> None:
    every = range(1, 10)
    Space(monkeypatch, most)
    for vrids in (every[:8], every[1:], every[:8]):
        cable.expect(*vrids)
        assert len(cable.waiting()) == waiting
        assert cable.waiting() <= {*vrids}
        cable.taken.clear()
        for vrid in every:
            cable.send(vrid)
        cable.channel.read()
        assert sorted(cable.taken) == [(vrid, 1) for vrid in every]


def test_on_a_machine_of_32_bits_everything_wakes(
    cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """recvmmsg(2) has another structure there, and would leave every packet where it is."""
    monkeypatch.setattr(quiet_socket, "BITS", 32)
    cable.expect(51)
    cable.send(51)
    assert cable.channel.quiet is None
    assert cable.channel.number in dict(cable.loop.epoll.poll(0))


def test_a_sender_that_is_faster_than_reading_does_not_keep_the_daemon(
    cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    cable.expect(51)
    quiet = cable.channel.quiet
    assert quiet is not None
    calls: list[None] = []

    def always_full(*_: object) -> int:
        calls.append(None)
        assert len(calls) < 9999
        return quiet_socket.SLOTS

    monkeypatch.setattr(quiet, "_recvmmsg", always_full)
    quiet.fetch()
    fit = quiet.socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // quiet_socket.LEAST
    assert len(quiet.vrids) >= fit, "all that had arrived is read"


def test_lost_packets_are_counted_on_when_the_kernel_s_number_begins_again(
    cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SO_RXQ_OVFL has 32 bits."""
    lines: list[str] = []
    cable.channel.log = log = Log()
    monkeypatch.setattr(log, "limited", lambda key, text: lines.append(text))
    cable.channel.lost = 0xFFFFFFFE
    for number in (3, 4):
        data = number.to_bytes(4, sys.byteorder)
        cable.channel._count_lost([(socket.SOL_SOCKET, SO_RXQ_OVFL, data)])
    assert lines == [f"lo: more VRRP than can be read, {more} packets lost" for more in (5, 1)]
