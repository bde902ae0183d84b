"""A BACKUP is not woken by the Advertisement that it expects, and misses nothing for it.

A real virtual router listens on one end of a cable; frames are put on the other end.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import pytest

from tests.lab.cables import cable
from tests.support import HUNG_S, REPOSITORY, eventually
from vrrpd.fsm import SECOND
from vrrpd.linux import quiet_socket
from vrrpd.linux.bpf import MOST, can_compare, exactly
from vrrpd.linux.loop import Loop
from vrrpd.linux.quiet_socket import FEW, QuietSocket, moment
from vrrpd.linux.sockets import RawChannel, RawWire
from vrrpd.packet import GROUP4, GROUP6, Advertisement, encode, ipv4_packet
from vrrpd.packet_signature import PacketSignature
from vrrpd.ports import Postpone, Timer
from vrrpd.receive_buffer import minimum_size

NEAR, FAR = "quiet0", "quiet1"
RECEIVE_BUFFER = socket.SOL_SOCKET, socket.SO_RCVBUF
PEER4, PEER6 = IPv4Address("10.78.0.9"), IPv6Address("fe80::78:2")


@pytest.fixture
def ends() -> Iterator[None]:
    """Two ends of a cable, with addresses of both families at once usable."""
    with cable(NEAR, FAR, near="10.78.0.1/24", six="fe80::78:"):
        yield


class Listener:
    """What is handed over at NEAR: (VRID, priority, how many)."""

    def __init__(self, family: int) -> None:
        self.family = family
        self.loop = Loop()
        self.taken: list[tuple[int, int, int]] = []
        self.moments: list[int] = []
        self.packets: dict[int, bytes] = {}
        self.wire = RawWire(self.loop, quiet=True)
        self.channel = self.wire.listen(NEAR, family, 112, self.take)
        self.channel.join(ip_address("224.0.0.18" if family == 4 else "ff02::12"))

    def take(self, packet: bytes, at: int, times: int = 1) -> None:
        message = packet[20 if self.family == 4 else 40 :]
        self.packets[message[1]] = packet
        self.taken.append((message[1], message[2], times))
        self.moments.append(at)

    def wait(self, count: int) -> None:
        """Run until so many packets were handed over."""
        self.loop.run_until(lambda: sum(one[2] for one in self.taken) >= count, HUNG_S * SECOND)

    def expect(self, *vrids: int, postpone: Postpone | None = None) -> None:
        """Have these packets wait from now on; they were all handed over before."""
        self.channel.expect({vrid: self.packets[vrid] for vrid in vrids}, postpone)
        self.do_idle()
        self.loop.run_until(lambda: set(self.waiting()) == set(vrids), HUNG_S * SECOND)
        assert set(self.waiting()) == set(vrids)
        self.taken.clear()
        self.moments.clear()

    def do_idle(self) -> None:
        """Do what waits for the loop to be idle."""
        while self.loop.idle:
            self.loop.idle.pop(0)()

    def woken(self) -> bool:
        """Whether there is something to read on the socket that wakes the daemon."""
        return self.channel.number in dict(self.loop.epoll.poll(0))

    def waiting(self) -> list[int]:
        """The VRIDs whose packets wait."""
        quiet = self.channel.quiet
        return [] if quiet is None else list(quiet.templates)

    def close(self) -> None:
        self.channel.close()
        self.wire.close()
        self.loop.close()


@pytest.fixture(params=[4, 6])
def listener(request: pytest.FixtureRequest, ends: None) -> Iterator[Listener]:
    one = Listener(request.param)
    yield one
    one.close()


def send(family: int, vrid: int, priority: int = 150, ident: int = 7) -> None:
    """One Advertisement from FAR."""
    vip = "10.78.0.10" if family == 4 else "fe80::78:10"
    advert = Advertisement(3, vrid, priority, SECOND // 10, (ip_address(vip),))
    if family == 4:
        message = encode(advert, PEER4, GROUP4)
        frame = bytes.fromhex("01005e0000120200000000090800")
        frame += ipv4_packet(message, PEER4, GROUP4, ident=ident)
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as one:
            one.bind((FAR, 0))
            one.send(frame)
        return
    message = encode(advert, PEER6, GROUP6)
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, 112) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, FAR.encode())
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        one.sendto(message, ("ff02::12", 0, 0, socket.if_nametoindex(FAR)))


def test_the_expected_one_wakes_no_loop_and_is_read_before_the_next_callback(
    listener: Listener,
) -> None:
    family, loop = listener.family, listener.loop
    send(family, 51)
    listener.wait(1)
    listener.expect(51)
    before = loop.now()
    for ident in range(3):
        send(family, 51, ident=ident)
    after = loop.now()
    assert not listener.woken()
    seen: list[int] = []
    loop.call_at(loop.now(), lambda: seen.append(len(listener.taken)))
    loop.run_until(lambda: bool(seen), HUNG_S * SECOND)
    assert seen == [1]
    assert listener.taken == [(51, 150, 3)]
    assert before <= listener.moments[0] <= after


def expecting(listener: Listener, vrids: Sequence[int]) -> tuple[list[tuple[int, int]], list[str]]:
    """Expect one packet of each VRID, which postpones its timer by an hour.

    Returns what was postponed, and the timers that were called.
    """
    loop = listener.loop
    for vrid in vrids:
        send(listener.family, vrid)
    listener.wait(len(vrids))
    postponed: list[tuple[int, int]] = []
    called: list[str] = []
    timers: dict[int, Timer] = {}

    def postpone(vrid: int, at: int) -> None:
        postponed.append((vrid, at))
        timers[vrid].postpone(at + 3600 * SECOND)

    listener.expect(*vrids, postpone=postpone)
    for vrid in vrids:
        timers[vrid] = loop.call_at(loop.now() + SECOND // 10, lambda: called.append("timer"))
    return postponed, called


def test_a_timer_that_is_only_postponed_hands_nothing_over(listener: Listener) -> None:
    family, loop = listener.family, listener.loop
    postponed, called = expecting(listener, (51, 52))
    before = loop.now()
    for ident in range(3):
        send(family, 51, ident=ident)
    send(family, 52)
    after = loop.now()
    loop.run_until(lambda: len(postponed) == 2, HUNG_S * SECOND)
    assert [vrid for vrid, _ in postponed] == [51, 52]
    assert all(before <= at <= after for _, at in postponed)
    assert listener.taken == []
    assert called == []
    send(family, 51)
    seen: list[list[tuple[int, int, int]]] = []
    loop.call_at(loop.now(), lambda: seen.append(list(listener.taken)))
    loop.run_until(lambda: bool(seen), HUNG_S * SECOND)
    assert seen == [[(51, 150, 4), (52, 150, 1)]]
    assert dict(zip((51, 52), listener.moments, strict=True)) == dict(postponed)
    assert called == []


@pytest.mark.parametrize("few", [FEW, 0], ids=["few", "many"])
def test_a_loop_that_dozes_believes_no_timer_early_and_counts_each_packet(
    listener: Listener, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """Real filters, stamps and buffers; tests/unit/test_dozing.py has the moments."""
    monkeypatch.setattr(quiet_socket, "FEW", few)
    family, loop = listener.family, listener.loop
    vrids, wait = (51, 52), SECOND // 2
    for vrid in vrids:
        send(family, vrid)
    listener.wait(len(vrids))
    calls: dict[int, int] = {}
    closer: list[int] = []
    timers: dict[int, Timer] = {}

    def postpone(vrid: int, at: int) -> Timer:
        closer.append(vrid)
        timers[vrid].postpone(at + wait)
        return timers[vrid]

    def called(vrid: int) -> None:
        calls[vrid] = loop.now()

    def first_has_come() -> bool:
        loop.read_quiet()
        return bool(listener.taken)

    listener.expect(*vrids, postpone=postpone)
    script = f"""if True:
        import threading
        from tests.lab.test_quiet_backup import send
        pause = threading.Event()  # never set
        input()
        for number in range(100):
            if number < 60:
                send({family}, 52, ident=number)
            send({family}, 51, ident=number)
            pause.wait(0.02)
        """
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, text=True) as sender:
        assert sender.stdin is not None
        sender.stdin.write("go\n")
        sender.stdin.close()
        eventually(first_has_come, every=0.001)
        begun = loop.now()
        for vrid in vrids:
            timers[vrid] = loop.call_at(begun + wait, partial(called, vrid))
        loop.run_until(lambda: len(calls) == 2, HUNG_S * SECOND)
    loop.read_quiet()
    last = dict.fromkeys(vrids, begun)
    for (vrid, _, _), at in zip(listener.taken, listener.moments, strict=True):
        if at <= calls[vrid]:
            last[vrid] = max(at, begun)
    assert all(last[vrid] + wait <= calls[vrid] for vrid in vrids)
    counted = {vrid: sum(n for one, _, n in listener.taken if one == vrid) for vrid in vrids}
    assert counted == {51: 100, 52: 60}
    assert len(closer) < sum(counted.values())


def test_what_was_held_is_handed_over_before_what_wakes(listener: Listener) -> None:
    family, loop = listener.family, listener.loop
    postponed, called = expecting(listener, (51,))
    send(family, 51)
    loop.run_until(lambda: bool(postponed), HUNG_S * SECOND)
    assert listener.taken == []
    send(family, 51, priority=0)
    send(family, 51)
    listener.wait(3)
    assert listener.taken == [(51, 150, 1), (51, 0, 1), (51, 150, 1)]
    assert listener.moments == sorted(listener.moments)
    assert called == []


def test_the_timer_of_a_silent_router_is_called_after_all_is_handed_over(
    listener: Listener,
) -> None:
    postponed, called = expecting(listener, (51, 52))
    send(listener.family, 51)
    listener.loop.run_until(lambda: bool(called), HUNG_S * SECOND)
    assert [vrid for vrid, _ in postponed] == [51]
    assert listener.taken == [(51, 150, 1)]
    assert called == ["timer"]


def test_anything_else_wakes_at_once_and_comes_in_order(listener: Listener) -> None:
    family = listener.family
    send(family, 51)
    listener.wait(1)
    listener.expect(51)
    send(family, 51)
    send(family, 51, priority=0)
    send(family, 51)
    send(family, 52)
    listener.wait(4)
    assert listener.taken == [(51, 150, 1), (51, 0, 1), (51, 150, 1), (52, 150, 1)]
    assert listener.moments == sorted(listener.moments)


def test_what_is_no_longer_expected_wakes_again(listener: Listener) -> None:
    family = listener.family
    for vrid in (51, 52):
        send(family, vrid)
    listener.wait(2)
    listener.expect(51, 52)
    send(family, 51)
    listener.expect(52)
    send(family, 51)
    listener.wait(1)
    assert listener.taken == [(51, 150, 1)]
    send(family, 52)
    assert not listener.woken()


@pytest.mark.parametrize("steps", [(250,), (200, 250)])
def test_filters_that_are_too_large_for_the_kernel_keep_no_packet_from_both_sockets(
    listener: Listener, steps: tuple[int, ...]
) -> None:
    """The old filter and the new one together may exceed net.core.optmem_max."""
    family, loop, channel = listener.family, listener.loop, listener.channel
    vrids = range(1, 251)
    channel.ensure_receive_buffer(minimum_size(len(vrids)))
    channel.only(vrids, [PacketSignature(vrid, 0x31, True) for vrid in vrids])
    for many in (vrids[:step] for step in steps):
        for vrid in many:
            send(family, vrid)
        listener.wait(len(many))
        listener.taken.clear()
        channel.expect({vrid: listener.packets[vrid] for vrid in many})
        listener.do_idle()
        loop.run_until(lambda: channel.settling is None, HUNG_S * SECOND)
    optmem = int(Path("/proc/sys/net/core/optmem_max").read_text())
    if (
        family == 4
        and optmem >= 1 << 17
        and channel.socket.getsockopt(*RECEIVE_BUFFER) >= minimum_size(250)
    ):
        assert set(listener.waiting()) == set(vrids)
    channel._overrun(1)
    listener.do_idle()
    assert not listener.waiting()
    for vrid in vrids:
        send(family, vrid)
    loop.call_at(loop.now(), lambda: None)
    listener.wait(len(vrids))
    assert {vrid for vrid, *_ in listener.taken} == set(vrids)


def test_without_the_option_nothing_waits(ends: None) -> None:
    loop = Loop()
    channel = RawChannel(loop, NEAR, 4, 112, lambda packet, at, times=1: None)
    channel.expect({51: b"\x45" + bytes(31)})
    loop.run_until(lambda: False, SECOND // 1000)
    assert channel.quiet is None
    channel.close()
    loop.close()


def test_lost_packets_count_as_received_just_now(listener: Listener) -> None:
    family, loop = listener.family, listener.loop
    for vrid in (51, 52):
        send(family, vrid)
    listener.wait(2)
    listener.expect(51, 52)
    quiet = listener.channel.quiet
    assert quiet is not None
    quiet.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
    for ident in range(20):
        send(family, 51, ident=ident)
    before = loop.now()
    loop.call_at(before, lambda: None)
    loop.run_until(lambda: len(listener.taken) >= 3, HUNG_S * SECOND)
    latest = dict(zip([vrid for vrid, *_ in listener.taken], listener.moments, strict=True))
    assert latest[51] >= before
    assert latest[52] >= before
    listener.do_idle()
    assert not listener.waiting()  # for a while everything wakes


def test_a_closed_socket_reads_from_no_other_that_has_its_number(ends: None) -> None:
    loop = Loop()
    try:
        quiet = QuietSocket(loop, NEAR, 4, 112, 1 << 16)
        number = quiet.socket.fileno()
        quiet.close()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with ours, theirs:
            assert number in (ours.fileno(), theirs.fileno())
            for end in (ours, theirs):
                end.send(b"not for it")
            with pytest.raises(OSError, match="Bad file descriptor"):
                quiet.fetch()
            assert not quiet.vrids
    finally:
        loop.close()


def test_a_clock_that_was_set_makes_no_packet_older_than_it_is() -> None:
    hour = 3600 * SECOND
    received, now, since = 100 * SECOND, 102 * SECOND, 99 * SECOND
    for before, after in ((0, hour), (hour, 0), (0, SECOND), (SECOND, 0), (0, 0)):
        for offset in {before, after}:
            found = moment(received + offset, (before, after), since, now)
            assert received <= found <= received + abs(after - before)
            assert found <= now
    assert moment(received + hour, (0, 0), since, now) == now


def test_the_program_fits_each_vrid_of_an_interface() -> None:
    source = PEER4
    packets = []
    for vrid in range(1, 256):
        advert = Advertisement(3, vrid, 150, SECOND, (IPv4Address("10.0.0.1"),))
        packets.append(ipv4_packet(encode(advert, source, GROUP4), source, GROUP4, 7))
    assert all(can_compare(packet, 4) for packet in packets)
    assert len(exactly(packets, 4, 0)) // 8 < MOST - 300


def test_what_the_firewall_drops_is_not_received(listener: Listener) -> None:
    """A packet socket would see it; the lesson on split brain depends on this."""
    family = listener.family
    send(family, 51)
    listener.wait(1)
    listener.expect(51)
    hook = "type filter hook input priority 0; meta l4proto 112 drop;"
    table = f"table inet quiet {{ chain input {{ {hook} }}; }}"
    subprocess.run(["nft", "-f", "-"], input=table, text=True, check=True)
    try:
        send(family, 51)
        listener.loop.read_quiet()
    finally:
        subprocess.run(["nft", "delete", "table", "inet", "quiet"], check=True)
    assert listener.taken == []
    send(family, 51)
    listener.loop.read_quiet()
    assert listener.taken == [(51, 150, 1)]
