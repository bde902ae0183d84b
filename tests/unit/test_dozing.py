"""A loop that only looks when expected Advertisements came: each timer at its moment, each counted.

The loop, the channel and the quiet socket are the real ones; the clocks, epoll and the packets that
recvmmsg(2) yields are played, so an hour takes a moment and a timer that is late by 1 us is found.
"""

from __future__ import annotations

import heapq
import itertools
import random
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv4Address, ip_address
from math import ceil
from types import SimpleNamespace
from typing import Any, Protocol

import pytest

from vrrpd.fsm import SECOND
from vrrpd.linux import quiet_socket, sockets
from vrrpd.linux.loop import Call, Loop
from vrrpd.linux.quiet_socket import CONTROL, FEW, HEAD, HEADERS, SLOTS, STAMP, UNREAD, VRID
from vrrpd.linux.sockets import SO_TIMESTAMPNS, RawChannel
from vrrpd.packet import GROUP4, Advertisement, encode, ipv4_packet

PEER = IPv4Address("10.78.0.9")
MILLISECOND = SECOND // 1000
TICK = 1_000  # ns between two looks at the clock
NEAR = 100_000  # ns after its moment by which a timer is called: a hundred looks at the clock
WALL = 1_700_000_000 * SECOND


class Unforeseen(Exception):
    """What no code has thought of."""


class Channel(RawChannel):
    """A channel on a datagram socket."""

    def prepare(self, interface: str) -> None:
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)


class World:
    """The time, and the packets that are to come: (moment, VRID)."""

    def __init__(self) -> None:
        self.time = 1000 * SECOND
        self.offset = WALL
        self.coming: list[tuple[int, int]] = []
        self.waiting: list[tuple[int, int]] = []  # stamp and VRID
        self.arrived: list[tuple[int, int]] = []  # moment and VRID
        self.sleeps = self.stalls = 0
        self.at: dict[int, Callable[[], None]] = {}  # what happens at the n-th sleep
        self.events: list[tuple[int, int, Callable[[], None]]] = []  # what happens when

    def later(self, when: int, event: Callable[[], None]) -> None:
        """Have this happen at a moment, whatever the loop is at."""
        heapq.heappush(self.events, (when, len(self.events), event))

    def go_on(self, when: int) -> None:
        """Let the time pass."""
        while self.events and self.events[0][0] <= when:
            moment, _, event = heapq.heappop(self.events)
            self.arrive(moment)
            event()
        self.arrive(when)

    def arrive(self, when: int) -> None:
        """Have what comes until then."""
        while self.coming and self.coming[0][0] <= when:
            at, vrid = heapq.heappop(self.coming)
            self.time = max(self.time, at)
            self.waiting.append((at + self.offset, vrid))
            self.arrived.append((at, vrid))
        self.time = max(self.time, when)

    def send(self, vrid: int, first: int, interval: int, count: int) -> None:
        """Have so many Advertisements arrive, the first of them in `first` ns."""
        for number in range(count):
            heapq.heappush(self.coming, (self.time + first + number * interval, vrid))


class PlayedLoop(Loop):
    """A loop in a world; its timerfd and its epoll are never asked."""

    def __init__(self, world: World, trouble: Callable[[BaseException], None]) -> None:
        self.world = world
        super().__init__(trouble)
        self.epoll.close()
        names = ("register", "unregister", "close")
        played = SimpleNamespace(poll=self.poll, **dict.fromkeys(names, lambda *_: None))
        self.epoll: Any = played

    def now(self) -> int:
        self.world.go_on(self.world.time + TICK)
        return self.world.time

    def wall(self) -> int:
        return self.now() + self.world.offset

    def poll(self, timeout: float, _: int = 0) -> list[tuple[int, int]]:
        """Sleep as epoll(7) does, or until the timerfd's moment.

        Whole milliseconds, and as much longer as Linux may let a nice program sleep.
        """
        world = self.world
        alarm = self.armed
        assert timeout == 0 or alarm != -1, "the timerfd can still be read"
        if timeout:
            world.sleeps += 1
            world.at.pop(world.sleeps, lambda: None)()
            ends = [] if alarm is None else [alarm]
            if timeout > 0:
                longer = min(int(timeout * SECOND) // 200, 100 * MILLISECOND)
                ends.append(world.time + ceil(timeout * 1000) * MILLISECOND + longer)
            world.go_on(min(ends) + world.stalls)
        rings = alarm is not None and 0 <= alarm <= world.time
        return [(self.timerfd, 1)] if rings else []


class Host:
    """A BACKUP of some virtual routers: when its timers were called, and what was handed over.

    They are spread over so many channels, as on a host with several interfaces.
    """

    def __init__(self, patch: pytest.MonkeyPatch, waits: dict[int, int], channels: int = 1) -> None:
        self.world = world = World()
        self.begun = world.time
        self.errors: list[BaseException] = []
        self.waits = waits  # Master_Down_Interval by VRID, in ns
        self.timers: dict[int, Call] = {}
        self.called: dict[int, int] = {}
        self.counted: Counter[int] = Counter()
        self.closer = 0  # how often a timer was postponed
        self.last: dict[int, int] = {}  # the moment of the last packet that was handed over
        ends = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2 * channels)]
        self.ends = [end for both in ends for end in both]
        near = [one for one, _ in ends]
        names = vars(socket) | {"socket": lambda *_: near.pop()}
        for module in (sockets, quiet_socket):
            patch.setattr(module, "socket", SimpleNamespace(**names))
            patch.setattr(module, "attach", lambda *_: None)  # a kernel with space for all filters
        self.loop = PlayedLoop(world, self.errors.append)
        clocks = {"monotonic_ns": self.loop.now, "time_ns": self.loop.wall}
        patch.setattr(quiet_socket, "time", SimpleNamespace(**clocks))
        self.channels = [self.open(patch, list(waits)[n::channels]) for n in range(channels)]
        self.channel = self.channels[0]
        assert self.channel.quiet is not None
        self.quiet = self.channel.quiet
        for vrid in waits:
            self.arm(vrid, self.loop.now() + waits[vrid])

    def open(self, patch: pytest.MonkeyPatch, vrids: Sequence[int]) -> Channel:
        """A channel that expects the Advertisements of these virtual routers, and gets no other."""
        channel = Channel(self.loop, "lo", 4, 112, self.take, quiet=True)
        channel.expect({vrid: packet(vrid) for vrid in vrids}, self.postpone)
        channel._settle()
        assert channel.quiet is not None
        quiet = channel.quiet
        quiet.room = len(vrids)  # what the kernel has for us is of no account
        channel._settle()

        mine = frozenset(vrids)

        def read(offset: int, count: int, *_: object) -> int:
            """Write what waits where the kernel would; how many packets that were."""
            found, rest = list[tuple[int, int]](), list[tuple[int, int]]()
            for each in self.world.waiting:
                (found if each[1] in mine and len(found) < count else rest).append(each)
            self.world.waiting = rest
            for slot, (stamp, vrid) in enumerate(found, offset // HEADERS.size):
                quiet._bytes[slot * HEAD + VRID[4]] = vrid
                word = slot * (CONTROL // 8) + STAMP
                quiet._words[word], quiet._words[word + 1] = divmod(stamp, SECOND)
            return len(found) or -1

        patch.setattr(quiet, "_recvmmsg", lambda _, at, *rest: read(at - quiet._address, *rest))
        patch.setattr(
            quiet, "_receive", lambda _, at, *rest: read(quiet.filled * HEADERS.size, *rest)
        )
        return channel

    def arm(self, vrid: int, when: int) -> None:
        def call() -> None:
            self.called[vrid] = self.loop.now()

        self.timers[vrid] = self.loop.call_at(when, call, lambda: None)

    def postpone(self, vrid: int, at: int) -> Call:
        self.closer += 1
        self.timers[vrid].postpone(at + self.waits[vrid])
        return self.timers[vrid]

    def take(self, data: bytes, at: int, times: int = 1) -> None:
        vrid = data[21]
        self.counted[vrid] += times
        self.last[vrid] = at
        self.timers[vrid].postpone(at + self.waits[vrid])

    def run(self, seconds: float) -> None:
        self.loop.run_until(lambda: False, int(seconds * SECOND))

    def run_until_all_are_called(self) -> None:
        self.loop.run_until(lambda: len(self.called) == len(self.waits), 100_000 * SECOND)
        self.loop.read_quiet()
        assert set(self.called) == set(self.waits)

    def all_is_right(self) -> None:
        """Each timer was called at its moment, and each packet was counted."""
        assert self.errors == []
        moments: dict[int, list[int]] = {vrid: [] for vrid in self.waits}
        for at, vrid in self.world.arrived:
            moments[vrid].append(at)
        for vrid, called in self.called.items():
            arrivals = [at for at in moments[vrid] if at <= called]
            # One that comes when the timer is due already may come too late to make it void.
            known = [at for at in arrivals if at <= called - NEAR]
            due = max(known, default=self.begun) + self.waits[vrid]
            assert due <= called <= due + NEAR, vrid
            assert [at for at in arrivals[len(known) :] if at < due] == []
        self.loop.read_quiet()
        assert self.counted == Counter(vrid for _, vrid in self.world.arrived)

    def close(self) -> None:
        for channel in self.channels:
            channel.close()
        self.loop.close()
        for end in self.ends:
            end.close()


def packet(vrid: int) -> bytes:
    advert = Advertisement(3, vrid, 150, SECOND, (ip_address("10.78.0.10"),))
    return ipv4_packet(encode(advert, PEER, GROUP4), PEER, GROUP4, ident=7)


class Make(Protocol):
    """Makes a host, which is closed after the test."""

    def __call__(self, waits: dict[int, int], channels: int = 1) -> Host: ...


@pytest.fixture(params=[FEW, 0], ids=["few", "many"])
def make(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Short looks are taken for each timer by itself, or for many together."""
    monkeypatch.setattr(quiet_socket, "FEW", request.param)
    hosts: list[Host] = []

    def host(waits: dict[int, int], channels: int = 1) -> Host:
        hosts.append(Host(monkeypatch, waits, channels))
        return hosts[-1]

    yield host
    for one in hosts:
        one.close()


INTERVAL, DOWN = 100 * MILLISECOND, 361 * MILLISECOND


@pytest.mark.parametrize(("count", "rounds"), [(1, 300), (3, 300), (10, 300), (255, 30)])
def test_one_that_falls_silent_among_several_is_called_at_its_moment(
    make: Make, count: int, rounds: int
) -> None:
    host = make(dict.fromkeys(range(1, count + 1), DOWN))
    for vrid in host.waits:
        host.world.send(vrid, vrid * 1000, INTERVAL, rounds if vrid == count else rounds + 100)
    host.run((rounds + 50) / 10)
    assert set(host.called) == {count}
    host.run_until_all_are_called()
    host.all_is_right()


@pytest.mark.parametrize("silent", [51, 52, 53])
def test_with_several_channels_the_one_that_falls_silent_is_noticed(
    make: Make, silent: int
) -> None:
    """Each look goes through all of them, and counts the least that any of them has left."""
    intervals = {51: INTERVAL, 52: 3 * INTERVAL, 53: INTERVAL}
    host = make({vrid: 3 * each + 61 * MILLISECOND for vrid, each in intervals.items()}, 2)
    for vrid, interval in intervals.items():
        host.world.send(vrid, vrid * 1000, interval, 100 if vrid == silent else 400)
    host.run(35)
    assert set(host.called) == {silent}
    assert host.world.sleeps > 100
    host.run_until_all_are_called()
    host.all_is_right()


@pytest.mark.parametrize("wait", [36, 361, 3_609, 36_090, 100_000])
def test_a_long_sleep_ends_before_the_timer_although_the_kernel_makes_it_longer(
    make: Make, wait: int
) -> None:
    host = make({51: wait * MILLISECOND})
    host.world.send(51, 0, wait * MILLISECOND // 3, 20)
    host.run_until_all_are_called()
    host.all_is_right()


def test_nothing_is_postponed_while_all_is_as_expected(make: Make) -> None:
    """At most as often as the buffers are full, and not with each wake-up."""
    host = make({51: DOWN})
    host.world.send(51, 0, INTERVAL, 36_000)
    host.run(3_000)
    assert host.called == {}
    assert host.world.sleeps > 9_000
    assert host.closer < 30_000 / UNREAD + 5
    host.run_until_all_are_called()
    host.all_is_right()


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_lost_or_late_each_timer_is_called_at_its_moment(make: Make, seed: int) -> None:
    luck = random.Random(seed)
    vrids = luck.sample(range(1, 256), luck.choice([1, 1, 2, 5, 12]))
    channels = luck.randint(1, min(3, len(vrids)))
    intervals = {vrid: luck.choice([10, 100, 100, 1000]) * MILLISECOND for vrid in vrids}
    waits = {vrid: 3 * one + luck.randrange(one) for vrid, one in intervals.items()}
    host = make(waits, channels)
    lost = luck.choice([0, 0.05, 0.4])
    for vrid, interval in intervals.items():
        for number in range(luck.randrange(2000)):
            late = luck.randrange(interval // 4)
            at = host.world.time + number * interval + late
            if luck.random() >= lost or number == 0:
                heapq.heappush(host.world.coming, (at, vrid))
    for _ in range(5):  # other work, which has all handed over
        host.loop.call_at(host.world.time + luck.randrange(200 * SECOND), lambda: None)
    host.run_until_all_are_called()
    host.run(3000)
    host.all_is_right()


@pytest.mark.parametrize("step", [-SECOND, -40 * MILLISECOND, 40 * MILLISECOND, SECOND])
@pytest.mark.parametrize("sleep", range(20, 28))
def test_a_clock_that_is_set_makes_no_timer_early(make: Make, step: int, sleep: int) -> None:
    """Late by the step at most, and by one reading: docs/quiet-backup.md."""
    host = make({51: DOWN})
    host.world.send(51, 0, INTERVAL, 100)

    def set_clock() -> None:
        host.world.offset += step

    host.world.at[sleep] = set_clock
    host.run_until_all_are_called()
    assert host.errors == []
    due = max(at for at, _ in host.world.arrived) + DOWN
    assert due <= host.called[51] <= due + NEAR


@pytest.mark.parametrize("step", [-900_000, 900_000])
def test_small_steps_of_the_clock_do_not_add_up(make: Make, step: int) -> None:
    """None of them is noticed by itself; the last Advertisement is as exact as one of them."""
    host = make({51: DOWN})
    host.world.send(51, 0, INTERVAL, 400)

    def set_clock() -> None:
        host.world.offset += step

    host.world.at = dict.fromkeys(range(5, 1000), set_clock)
    host.run_until_all_are_called()
    assert host.errors == []
    due = max(at for at, _ in host.world.arrived) + DOWN
    assert due <= host.called[51] <= due + 4 * MILLISECOND


@pytest.mark.parametrize("step", [-3600 * SECOND, -SECOND, SECOND, 3600 * SECOND])
@pytest.mark.parametrize("sleep", [20, 23, 26])
def test_a_clock_that_is_set_there_and_back_between_two_looks(
    make: Make, step: int, sleep: int
) -> None:
    """Of the Advertisement between the steps nothing can be known but that it has come by now."""
    host = make({51: DOWN})
    host.world.send(51, 0, INTERVAL, 100)
    stamped: list[int] = []

    def arrive() -> None:
        """The MASTER's last Advertisement has a stamp of the other time."""
        host.world.coming.clear()
        at = host.loop.now()
        host.world.arrived.append((at, 51))
        host.world.waiting.append((at + host.world.offset + step, 51))
        stamped.append(at)

    host.world.at[sleep] = arrive
    host.run_until_all_are_called()
    assert host.errors == []
    due = stamped[0] + DOWN
    assert due <= host.called[51] <= due + DOWN


@pytest.mark.parametrize(
    ("step", "late"),
    [(-40 * MILLISECOND, 40 * MILLISECOND), (40 * MILLISECOND, 0), (3600 * SECOND, 0)],
)
@pytest.mark.parametrize("after", [3, 390, 750, 1020])
def test_a_clock_that_is_set_delays_a_silent_one_by_the_step_at_most(
    make: Make, step: int, late: int, after: int
) -> None:
    """The others go on, and what came before the step is still known."""
    host = make({51: 3 * DOWN, 52: DOWN, 53: DOWN})
    for vrid, count in (51, 40), (52, 60), (53, 60):
        host.world.send(vrid, vrid * 1000, INTERVAL, count)
    last = max(at for at, vrid in host.world.coming if vrid == 51)

    def set_clock() -> None:
        host.world.offset += step

    host.world.later(last + after * MILLISECOND, set_clock)
    host.run(5.5)
    assert host.errors == []
    assert last + 3 * DOWN <= host.called[51] <= last + 3 * DOWN + late + NEAR


@pytest.mark.parametrize("late", [1, 5, 40])
def test_another_program_that_runs_between_two_looks_at_the_clocks_makes_no_timer_early(
    make: Make, monkeypatch: pytest.MonkeyPatch, late: int
) -> None:
    host = make({51: DOWN})
    host.world.send(51, 0, INTERVAL, 30)

    end = host.world.time + 29 * INTERVAL

    def wall() -> int:
        """It runs whenever Advertisements are read, and no more when the timer is due."""
        if host.world.time < end + DOWN - 2 * late * MILLISECOND:
            host.world.go_on(host.world.time + late * MILLISECOND)
        return host.world.time + host.world.offset

    monkeypatch.setattr(host.loop, "wall", wall)
    host.run_until_all_are_called()
    assert host.errors == []
    due = max(at for at, _ in host.world.arrived) + DOWN
    assert due <= host.called[51] <= due + late * MILLISECOND + NEAR


def test_a_host_that_stalls_believes_no_timer_before_it_has_read(make: Make) -> None:
    host = make({51: DOWN, 52: DOWN})
    for vrid in host.waits:
        host.world.send(vrid, 0, INTERVAL, 200)

    def stall() -> None:
        host.world.stalls = 5 * SECOND

    def run() -> None:
        host.world.stalls = 0

    host.world.at |= {10: stall, 11: run, 15: stall, 16: run}
    host.run(15)
    assert host.called == {}
    host.run_until_all_are_called()
    host.all_is_right()


@pytest.mark.parametrize("more", [0, 1, 63, 64, 65, SLOTS])
def test_more_than_the_buffers_hold_is_read_and_counted(make: Make, more: int) -> None:
    host = make({51: DOWN})
    host.world.send(51, 0, INTERVAL, 20)
    host.world.send(51, 2 * SECOND, 1, UNREAD + more)
    host.run_until_all_are_called()
    host.all_is_right()


def test_another_packet_finds_all_that_was_skimmed_handed_over_before_it(make: Make) -> None:
    host = make({51: DOWN})
    host.world.send(51, 0, INTERVAL, 100)
    taken: list[tuple[int, int]] = []
    arrived: list[int] = []

    def other() -> None:
        """A packet arrives in the middle of a doze, and is stamped before the last one."""
        assert host.quiet.filled > 6 or host.quiet.counted[51] > 6
        arrived.extend(at for at, _ in host.world.arrived)
        patch.setattr(host.channel, "receiver", lambda _, at, times=1: taken.append((at, times)))
        moment = arrived[-2] + MILLISECOND
        patch.setattr(host.channel, "_read", lambda take: take(packet(9), moment))
        patch.setattr(sockets, "ioctl", lambda *_: b"more")
        host.channel.read()
        patch.undo()
        raise Unforeseen  # out of the loop

    host.world.at[20] = other
    with pytest.MonkeyPatch.context() as patch:
        host.run(30)
    middle = arrived[-2] + MILLISECOND
    assert [type(error) for error in host.errors] == [Unforeseen]
    assert [at for at, _ in taken[-3:]] == pytest.approx(
        [arrived[-2], middle, arrived[-1]], abs=2 * TICK
    )
    assert [times for _, times in taken[-2:]] == [1, 1]
    assert sum(times for _, times in taken) == len(arrived) + 1


def test_a_short_look_that_fails_costs_nothing_but_time(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = make({51: DOWN})
    host.world.send(51, 0, INTERVAL, 100)

    def fail(*_: object) -> int:
        raise Unforeseen

    monkeypatch.setattr(quiet_socket, "_halves", fail)
    host.run_until_all_are_called()
    assert {type(error) for error in host.errors} == {Unforeseen}
    host.errors.clear()
    host.all_is_right()


def test_a_short_look_that_fails_after_it_has_read_loses_nothing(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = make({51: DOWN, 52: DOWN, 53: DOWN}, 2)
    for vrid, count in (51, 100), (52, 150), (53, 200):
        host.world.send(vrid, vrid * 1000, INTERVAL, count)
    looks = itertools.count()

    def wall() -> int:
        """The first thing that a look does with what it has read."""
        if next(looks) % 3 == 2:
            raise Unforeseen
        return host.loop.wall()

    clocks = SimpleNamespace(monotonic_ns=host.loop.now, time_ns=wall)
    monkeypatch.setattr(quiet_socket, "time", clocks)
    host.run_until_all_are_called()
    assert len(host.errors) > 5
    assert {type(error) for error in host.errors} == {Unforeseen}
    host.errors.clear()
    host.all_is_right()


def test_lost_packets_are_noticed_long_before_the_master_falls_silent(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its takeover would be late for them, although all is well again."""
    host = make({51: DOWN})
    host.world.send(51, 0, INTERVAL, UNREAD + 100)
    last = max(at for at, _ in host.world.coming)
    lost, noticed = [0], list[int]()
    played = SimpleNamespace(size=quiet_socket.MEMINFO.size, unpack=lambda _: tuple(lost))
    monkeypatch.setattr(quiet_socket, "MEMINFO", played)
    monkeypatch.setattr(host.channel, "_overflowed", lambda _: noticed.append(host.world.time))

    def lose() -> None:
        lost[0] = 7

    host.world.at[20] = lose
    host.run_until_all_are_called()
    assert len(noticed) == 1
    assert noticed[0] < last - INTERVAL
    host.all_is_right()


def test_a_timer_of_others_is_called_at_its_moment_while_the_loop_dozes(make: Make) -> None:
    host = make({51: DOWN})
    host.world.send(51, 0, INTERVAL, 200)
    due = [host.world.time + number * 777 * MILLISECOND + 17 for number in range(1, 20)]
    called: list[int] = []
    for when in due:
        host.loop.call_at(when, lambda: called.append(host.world.time))
    host.run_until_all_are_called()
    assert all(when <= at <= when + NEAR for when, at in zip(due, called, strict=True))
    host.all_is_right()
