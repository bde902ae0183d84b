"""What comes in without an end: a timer that is due, and a signal, wait for a bounded time."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator

import pytest

from tests.cluster import advert, cluster, conf, inject, router
from vrrpd.announcer import MOST_PENDING
from vrrpd.config import loads
from vrrpd.fsm import SECOND
from vrrpd.linux.bpf import JUMP_EQ, JUMP_GE, LD_BYTE, LD_BYTE_X, SUBTRACT, lines_of
from vrrpd.linux.kernel import TURN, LinuxKernel
from vrrpd.linux.loop import LATEST, Loop
from vrrpd.linux.sockets import BATCH
from vrrpd.packet_signature import PacketSignature, shape

WORK = SECOND // 100  # what a reader takes for its batch


class Busy(Loop):
    """A loop whose descriptors always have something, and whose time is what they cost."""

    def __init__(self) -> None:
        self.time = 0
        super().__init__()
        self.ends: list[int] = []

    def now(self) -> int:
        return self.time

    def _processor_time(self) -> int:
        return self.time

    def flood(self, callback: Callable[[], None]) -> None:
        near, far = os.pipe()
        os.write(far, b"more")
        self.ends += [near, far]

        def read() -> None:
            self.time += WORK
            callback()

        self.add_reader(near, read)


@pytest.fixture
def loop() -> Iterator[Busy]:
    loop = Busy()
    yield loop
    loop.close()
    for end in loop.ends:
        os.close(end)


@pytest.mark.parametrize("sources", [1, 5, 40])
def test_a_due_timer_waits_for_no_more_than_the_bound(loop: Busy, sources: int) -> None:
    fired: list[int] = []
    for _ in range(sources):
        loop.flood(lambda: None)
    for number in range(1, 20):
        loop.call_at(number * SECOND, lambda: fired.append(loop.now()))
    loop.run_until(lambda: len(fired) == 19)
    turn = sources * WORK
    late = [at - number * SECOND for number, at in enumerate(fired, 1)]
    assert max(late) <= LATEST + 2 * turn


def test_a_busy_host_does_not_keep_what_has_arrived_from_being_read(
    loop: Busy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon does not run for a second in each turn: the last packet still counts."""
    order: list[str] = []
    loop.flood(lambda: None)
    near = loop.ends[0]

    def take() -> None:
        loop.time += SECOND
        order.append("read")
        if len(order) == 5:
            os.read(near, 9)

    loop.readers[near] = take
    monkeypatch.setattr(loop, "_processor_time", lambda: WORK * len(order))
    loop.call_at(SECOND, lambda: order.append("timer"))
    loop.run_until(lambda: "timer" in order)
    assert order == [*["read"] * 5, "timer"]


def test_a_timer_that_is_called_before_all_is_read_can_find_that_out(loop: Busy) -> None:
    """Its Advertisement may be among what was not read."""
    behind: list[bool] = []
    loop.flood(lambda: None)
    near = loop.ends[0]

    def expire() -> None:
        behind.append(loop.behind)
        loop.remove_reader(near)

    loop.call_at(SECOND, expire)
    loop.run_until(lambda: bool(behind))
    assert behind == [True]
    loop.call_at(loop.time, lambda: behind.append(loop.behind))
    loop.run_until(lambda: len(behind) == 2)
    assert behind == [True, False]


def test_what_could_all_be_read_is_not_missed(loop: Busy) -> None:
    behind: list[bool] = []

    def take() -> None:
        os.read(loop.ends[0], 4)

    loop.flood(take)
    loop.call_at(0, lambda: behind.append(loop.behind))
    loop.run_until(lambda: bool(behind))
    assert behind == [False]


def test_a_signal_waits_for_one_turn(loop: Busy) -> None:
    heard: list[int] = []
    loop.on_signal(signal.SIGUSR2, lambda: heard.append(loop.now()))
    for _ in range(40):
        loop.flood(lambda: None)
    loop.call_at(SECOND, lambda: os.kill(os.getpid(), signal.SIGUSR2))
    loop.run_until(lambda: bool(heard))
    signal.signal(signal.SIGUSR2, signal.SIG_DFL)
    assert heard[0] <= SECOND + LATEST + 3 * 40 * WORK


def test_a_storm_of_netlink_leaves_others_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = LinuxKernel.__new__(LinuxKernel)
    asked: list[int] = []

    class Endless:
        def recv(self, _: int) -> bytes:
            asked.append(1)
            return b""

    told: list[str] = []
    kernel.events, kernel.put_off, kernel.lost = Endless(), 0, []  # type: ignore[assignment]
    monkeypatch.setattr(kernel, "report", lambda: told.append("losses"))
    kernel.read_events()
    assert len(asked) == TURN
    assert told == []  # what has come back in the rest is no loss
    for _ in range(20):
        kernel.read_events()
    assert told  # but a storm without an end hides none


# A flood of routers of lower priority.


def kept(shape_: PacketSignature, priority: int) -> bool:
    """What the program's test of the priority says, worked out step by step."""
    value, keep, at_priority = 0, True, False
    for operation, operand in lines_of(shape_, 4):
        if operation in (LD_BYTE, LD_BYTE_X):
            at_priority = operation == LD_BYTE_X and operand == 2
            value = priority
        elif operation == SUBTRACT and at_priority:
            value = (value - operand) % (1 << 32)
        elif operation == JUMP_GE and at_priority:
            keep = keep and value >= operand
        assert operation != JUMP_EQ or not at_priority
    return keep


def test_in_a_flood_the_kernel_drops_what_says_nothing_to_us() -> None:
    (one,) = loads(conf(100)).config.instances
    for priority in range(256):
        assert kept(shape(one, 100), priority) is (priority == 0 or priority >= 100)


@pytest.mark.parametrize("word", ["nopreempt", "preempt_delay 3"])
def test_where_lower_priorities_count_they_are_received(word: str) -> None:
    (one,) = loads(conf(100, "state BACKUP", word)).config.instances
    assert all(kept(shape(one, 100), priority) for priority in range(256))


def test_a_weight_moves_the_limit_at_once() -> None:
    lan = cluster(one=conf(100))
    lan.run(5)
    one = router(lan, "one")
    seen: list[int] = []
    assert one.listener.channel is not None

    def only(vrids: object, shapes: tuple[PacketSignature, ...] = ()) -> None:
        seen.extend(each.least for each in shapes)

    one.listener.channel.only = only  # type: ignore[assignment]
    one.set_weight("check", -40)
    assert seen == [60]


def test_a_flood_of_lower_priorities_costs_bounded_memory_and_a_line_a_second() -> None:
    lan = cluster(one=conf(100))
    lan.run(20)
    one, lines = router(lan, "one"), lan.logs["one"].lines
    before, said = len(one.announcer.pending), len(lines)
    for number in range(1000):
        inject(lan, "one", advert(50, source=f"192.168.1.{100 + number % 4}"))
    assert len(one.announcer.pending) <= max(before, MOST_PENDING)
    assert len(lines) - said < 20
    lan.run(10)
    assert lan.masters() == ["one"]


# A flood fills a socket's queue; what is in it when a timer comes due is still read first.
#
# A Master_Down_Timer that fires with the MASTER's Advertisement unread behind some hundred forged
# ones would be a takeover for nothing. A reader takes a batch at a time, so one is not enough.


QUEUE = 300  # small datagrams that the kernel's usual 212,992 bytes hold, roughly


def test_a_timer_waits_for_the_whole_queue() -> None:
    loop, seen = Loop(), []
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    far.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    near.setblocking(False)
    far.setblocking(False)
    sent = 0

    def read() -> None:
        nonlocal sent
        for _ in range(BATCH):
            try:
                seen.append(near.recv(64))
            except BlockingIOError:
                return
            if sent < QUEUE:  # the queue of a Unix socket is short: it is filled up as it empties
                far.send(b"forged")
                sent += 1

    far.send(b"forged")
    loop.add_reader(near.fileno(), read)
    loop.call_at(loop.now() - 1, loop.stop)
    loop.run()
    assert len(seen) == QUEUE + 1
    loop.close()
    near.close()
    far.close()


def test_a_reader_that_is_never_done_does_not_keep_timers_waiting() -> None:
    loop, calls = Loop(), []
    near, far = socket.socketpair()
    far.send(b"x")
    loop.add_reader(near.fileno(), lambda: calls.append(1))  # takes nothing: ready for ever
    loop.call_at(loop.now() - 1, loop.stop)
    loop.run()
    assert 1 < len(calls) < 100
    loop.close()
    near.close()
    far.close()
