"""The real loop: epoll, a timerfd and signals.  Only orders are asserted, never absolute times."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest

from tests.support import HUNG_S, eventually
from vrrpd.fsm import SECOND
from vrrpd.linux.loop import Call, Loop
from vrrpd.ports import Timer

MILLISECOND = SECOND // 1000


@pytest.fixture
def loop() -> Iterator[Loop]:
    gc.collect()  # what other tests have left must not be closed in the middle of this one
    before = len(os.listdir("/proc/self/fd"))
    loop = Loop()
    loop.call_at(loop.now() + HUNG_S * SECOND, lambda: pytest.fail("the loop was forgotten"))
    yield loop
    loop.close()
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe2(os.O_NONBLOCK)
    yield ends
    for end in ends:
        os.close(end)


def test_timers_fire_in_the_order_of_their_moments(loop: Loop) -> None:
    called: list[str] = []
    now = loop.now()
    for name, after in (("c", 3), ("a", 1), ("b", 2), ("b again", 2)):
        loop.call_at(now + after * MILLISECOND, lambda name=name: called.append(name))  # type: ignore[misc]
    loop.run_until(lambda: len(called) == 4)
    assert called == ["a", "b", "b again", "c"]


def test_never_early(loop: Loop) -> None:
    due = [loop.now() + number * MILLISECOND // 3 for number in range(30)]
    early: list[int] = []
    called: list[int] = []

    def check(when: int) -> None:
        called.append(when)
        if loop.now() < when:
            early.append(when)

    for when in due:
        loop.call_at(when, lambda when=when: check(when))  # type: ignore[misc]
    loop.run_until(lambda: len(called) == len(due))
    assert (early, called) == ([], due)


def test_a_moment_in_the_past_is_soon_but_not_now(loop: Loop) -> None:
    called: list[str] = []
    for when in (0, -5, loop.now() - SECOND):
        loop.call_at(when, lambda: called.append("timer"))
    called.append("after call_at")
    loop.run_until(lambda: len(called) == 4)
    assert called[0] == "after call_at"


def test_a_signal_whose_handler_fails_keeps_no_other_from_being_handled() -> None:
    errors: list[BaseException] = []
    called: list[int] = []
    loop = Loop(errors.append)

    def fail() -> None:
        called.append(signal.SIGUSR1)
        raise ValueError

    loop.on_signal(signal.SIGUSR1, fail)
    loop.on_signal(signal.SIGUSR2, lambda: called.append(signal.SIGUSR2))
    try:
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            signal.raise_signal(number)
        loop.run_until(lambda: bool(errors), HUNG_S * SECOND)
    finally:
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, signal.SIG_DFL)
        loop.close()
    assert called == [signal.SIGUSR1, signal.SIGUSR2]
    assert [type(error) for error in errors] == [ValueError]


def test_a_callback_may_ask_when_the_next_timer_is_due(loop: Loop) -> None:
    """Timers are called in the order of their moments: what one does may change what follows."""
    now = loop.now()
    asked: list[int | None] = []
    cancelled = loop.call_at(now + 1, lambda: None)
    loop.call_at(now, lambda: asked.append(loop.next_call()))
    cancelled.cancel()
    loop.call_at(now + 2, lambda: asked.append(loop.next_call()))
    loop.call_at(now + 3600 * SECOND, lambda: None)
    loop.run_until(lambda: len(asked) == 2)
    assert asked[0] == now + 2
    assert asked[1] is not None
    assert asked[1] > now + SECOND


def test_a_cancelled_timer_never_fires(loop: Loop) -> None:
    called: list[str] = []
    one = loop.call_at(loop.now() + MILLISECOND, lambda: called.append("cancelled"))
    loop.call_at(loop.now() + 5 * MILLISECOND, lambda: called.append("kept"))
    one.cancel()
    one.cancel()
    loop.run_until(lambda: bool(called))
    assert called == ["kept"]


def test_one_timer_may_cancel_the_next_that_is_due_too(loop: Loop) -> None:
    called: list[str] = []
    when = loop.now()

    def first() -> None:
        called.append("first")
        second.cancel()

    loop.call_at(when, first)
    second = loop.call_at(when, lambda: called.append("second"))
    loop.call_at(when + MILLISECOND, lambda: called.append("third"))
    loop.run_until(lambda: "third" in called)
    assert called == ["first", "third"]


def test_prefetch_hook_runs_once_before_the_timer(loop: Loop) -> None:
    called: list[str] = []
    when = loop.now() + 10 * MILLISECOND
    loop.call_at(when, lambda: called.append("moment"), lambda: called.append("ahead"))
    loop.call_at(when + MILLISECOND, lambda: called.append("after"))
    loop.run_until(lambda: "after" in called)
    # A machine that was busy elsewhere may have slept through the half millisecond.
    assert called in (["ahead", "moment", "after"], ["moment", "after"])


def test_a_loop_that_is_not_kept_waiting_does_notify(loop: Loop) -> None:
    """Again and again, until the machine does not keep it waiting."""
    told: list[str] = []

    def again() -> None:
        loop.call_at(loop.now() + 2 * MILLISECOND, again, lambda: told.append("ahead"))

    again()
    loop.run_until(lambda: bool(told))


def test_of_timers_that_are_due_together_one_prefetches(loop: Loop) -> None:
    """The hooks of the others would only delay the first: all the timers of a host may expire."""
    told: list[int] = []

    def round_of(number: int) -> None:
        when = loop.now() + 3 * MILLISECOND
        for _ in range(20):
            loop.call_at(when, lambda: None, lambda: told.append(number))
        loop.call_at(when + MILLISECOND, lambda: round_of(number + 1))

    round_of(0)
    loop.run_until(lambda: len(told) > 2)  # a busy machine may sleep through some of them
    assert len(set(told)) == len(told), "one of each round"


def test_a_timer_prefetches_where_another_has_been_cancelled_or_postponed(loop: Loop) -> None:
    told: list[int] = []

    def round_of(number: int) -> None:
        when = loop.now() + 3 * MILLISECOND
        first = loop.call_at(when, lambda: None, lambda: end(first))
        loop.call_at(when + MILLISECOND // 2, lambda: None, lambda: told.append(number))
        loop.call_at(when + MILLISECOND, lambda: round_of(number + 1))

    def end(first: Call) -> None:
        if len(told) % 2:
            first.cancel()
        else:
            first.postpone(first.when + 10 * MILLISECOND)

    round_of(0)
    loop.run_until(lambda: len(told) > 3)


def test_prefetch_hook_runs_again_for_a_postponed_timer(loop: Loop) -> None:
    called: list[str] = []
    first = loop.now() + 10 * MILLISECOND

    def before() -> None:
        called.append("before")
        if called == ["before"]:
            timer.postpone(first + 10 * MILLISECOND)

    timer = loop.call_at(first, lambda: called.append("moment"), before)
    loop.run_until(lambda: "moment" in called)
    assert called in (["before", "before", "moment"], ["before", "moment"], ["moment"])
    assert "before" not in called or loop.now() >= first + 10 * MILLISECOND


def test_what_arrives_at_the_last_moment_still_comes_before_the_timer(
    loop: Loop, pipe: tuple[int, int]
) -> None:
    """Awake and waiting for its moment, the loop goes on listening."""
    near, far = pipe
    called: list[str] = []
    loop.add_reader(near, lambda: called.append(os.read(near, 9).decode()))
    when = loop.now() + 5 * MILLISECOND

    def send() -> None:
        os.write(far, b"packet")

    loop.call_at(when, lambda: called.append("timer"), send)
    loop.run_until(lambda: "timer" in called)
    assert called in (["packet", "timer"], ["timer"])
    loop.remove_reader(near)


def test_a_postponed_timer_fires_at_its_new_moment_and_keeps_its_place_among_others(
    loop: Loop,
) -> None:
    called: list[str] = []
    now = loop.now()
    moved = loop.call_at(now + MILLISECOND, lambda: called.append("moved"))
    loop.call_at(now + 2 * MILLISECOND, lambda: called.append("second"))
    again = loop.call_at(now + 3 * MILLISECOND, lambda: called.append("again"))
    loop.call_at(now + 9 * MILLISECOND, lambda: called.append("last"))
    moved.postpone(now + 6 * MILLISECOND)
    again.postpone(now + 5 * MILLISECOND)
    again.postpone(now + 8 * MILLISECOND)
    loop.run_until(lambda: "last" in called)
    assert called == ["second", "moved", "again", "last"]


def test_postponed_timers_that_are_late_keep_their_order_too(loop: Loop) -> None:
    called: list[str] = []
    past = loop.now() - SECOND
    moved = loop.call_at(past, lambda: called.append("moved"))
    loop.call_at(past + 1, lambda: called.append("first"))
    moved.postpone(past + 2)
    loop.run_until(lambda: len(called) == 2)
    assert called == ["first", "moved"]


def test_a_postponed_timer_may_be_cancelled(loop: Loop) -> None:
    called: list[str] = []
    now = loop.now()
    one = loop.call_at(now + MILLISECOND, lambda: called.append("cancelled"))
    one.postpone(now + 2 * MILLISECOND)
    one.cancel()
    loop.call_at(now + 4 * MILLISECOND, lambda: called.append("kept"))
    loop.run_until(lambda: bool(called))
    assert called == ["kept"]


def test_many_postponed_timers_wake_the_loop_once(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """255 BACKUPs that receive from their MASTER must not be woken 255 times for nothing."""
    called: list[int] = []
    begun = loop.now()
    timers = [loop.call_at(begun + n * 10_000, lambda: called.append(1)) for n in range(255)]
    for timer in timers:
        timer.postpone(begun + 60 * MILLISECOND)
    rounds: list[int] = []
    renew = loop.bring_up_to_date

    def counted() -> None:
        rounds.append(1)
        renew()

    monkeypatch.setattr(loop, "bring_up_to_date", counted)
    loop.run_until(lambda: len(called) == 255)
    assert len(rounds) == 1


def test_an_earlier_timer_overtakes_one_that_is_already_armed(loop: Loop) -> None:
    called: list[str] = []
    loop.call_at(loop.now() + 10 * SECOND, lambda: called.append("late"))

    def overtake() -> None:
        loop.call_at(loop.now() + MILLISECOND, lambda: called.append("early"))

    loop.call_at(loop.now() + MILLISECOND, overtake)
    loop.run_until(lambda: bool(called))
    assert called == ["early"]


def test_what_has_arrived_is_read_before_a_timer_is_believed(
    loop: Loop, pipe: tuple[int, int]
) -> None:
    """An Advertisement that waited in the socket must come before Master_Down_Timer."""
    near, far = pipe
    called: list[str] = []
    loop.add_reader(near, lambda: called.append(os.read(near, 9).decode()))
    loop.call_at(loop.now(), lambda: called.append("timer"))
    os.write(far, b"packet")
    loop.run_until(lambda: len(called) == 2)
    assert called == ["packet", "timer"]
    loop.remove_reader(near)


def test_what_arrives_while_a_reader_is_slow_still_comes_before_the_timer(
    loop: Loop, pipe: tuple[int, int]
) -> None:
    near, far = pipe
    called: list[str] = []

    def slow() -> None:
        os.read(near, 1)
        called.append("packet")
        if len(called) == 1:
            while loop.now() < due:
                pass  # 2 ms: as if the machine had kept us waiting
            os.write(far, b"y")

    loop.add_reader(near, slow)
    due = loop.now() + 2 * MILLISECOND
    loop.call_at(due, lambda: called.append("timer"))
    os.write(far, b"x")
    loop.run_until(lambda: len(called) == 3)
    assert called == ["packet", "packet", "timer"]
    loop.remove_reader(near)


def test_a_reader_may_remove_another_that_is_ready(loop: Loop, pipe: tuple[int, int]) -> None:
    near, far = pipe
    other, other_far = os.pipe()
    called: list[str] = []

    def only(name: str, fd: int, rival: int) -> None:
        os.read(fd, 1)
        called.append(name)
        loop.remove_reader(rival)

    loop.add_reader(near, lambda: only("one", near, other))
    loop.add_reader(other, lambda: only("two", other, near))
    os.write(far, b"x")
    os.write(other_far, b"x")
    loop.call_at(loop.now() + 5 * MILLISECOND, loop.stop)
    loop.run()
    assert len(called) == 1
    for fd in (near, other):
        loop.remove_reader(fd)
        loop.remove_reader(fd)
    os.close(other)
    os.close(other_far)


def broken() -> None:
    raise ZeroDivisionError


def test_exceptions_go_to_trouble_and_the_loop_goes_on() -> None:
    errors: list[BaseException] = []
    loop = Loop(errors.append)
    called: list[str] = []
    loop.call_at(0, broken)
    loop.call_at(1, lambda: called.append("next"))
    loop.run_until(lambda: bool(called))
    assert [type(error) for error in errors] == [ZeroDivisionError]
    loop.close()


def test_without_trouble_exceptions_come_out(loop: Loop) -> None:
    loop.call_at(0, broken)
    with pytest.raises(ZeroDivisionError):
        loop.run()


def test_postponed_timer(loop: Loop) -> None:
    loop.run_until(lambda: False, MILLISECOND)


def test_signals_are_handled_in_the_loop_and_in_order(loop: Loop) -> None:
    called: list[str] = []
    old = {number: signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGUSR2)}
    try:
        loop.on_signal(signal.SIGUSR1, lambda: called.append("one"))
        loop.on_signal(signal.SIGUSR2, lambda: called.append("two"))
        for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGUSR1):
            os.kill(os.getpid(), number)
        assert called == []
        loop.run_until(lambda: len(called) == 3)
        assert called == ["one", "two", "one"]
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def test_a_signal_wakes_a_loop_that_sleeps(loop: Loop) -> None:
    old = signal.getsignal(signal.SIGUSR1)
    try:
        loop.on_signal(signal.SIGUSR1, loop.stop)
        timer = threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGUSR1))
        timer.start()
        loop.run()  # nothing else would end it before the fixture's timer fails
        timer.join()
    finally:
        signal.signal(signal.SIGUSR1, old)


def test_a_kernel_stamp_becomes_a_moment_of_the_loop(loop: Loop) -> None:
    def close() -> bool:
        before = loop.now()
        moment = loop.from_wall(time.time_ns() - 50 * MILLISECOND)
        return before - 60 * MILLISECOND < moment < loop.now() - 40 * MILLISECOND

    # Where another program runs between the two clocks, the stamp counts as now.
    eventually(close, what="a time in which the machine does nothing else")


def test_what_runs_between_the_two_clocks_makes_no_packet_older(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would end Master_Down_Timer early by as much."""
    wall, mono, passed = time.time_ns(), time.monotonic_ns(), 0
    loop.from_wall(wall)

    def read(first: int) -> int:
        nonlocal passed
        passed += 5 * MILLISECOND  # and then another program has the processor
        return first + passed

    monkeypatch.setattr(time, "time_ns", lambda: read(wall))
    monkeypatch.setattr(time, "monotonic_ns", lambda: read(mono))
    assert loop.from_wall(wall) >= mono


@pytest.mark.parametrize("off", [-SECOND, 11 * SECOND, 10**18])
def test_a_stamp_from_a_clock_that_was_set_counts_as_now(loop: Loop, off: int) -> None:
    before = loop.now()
    assert before <= loop.from_wall(time.time_ns() - off) <= loop.now()


@pytest.mark.parametrize("step", [2 * SECOND, -2 * SECOND])
def test_a_wall_clock_that_steps_while_packets_wait_makes_none_of_them_older(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """A packet that seems 2 s old would restart the Master_Down_Timer 2 s too early."""
    loop.from_wall(time.time_ns())
    stamps, real = [time.time_ns() for _ in range(3)], time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + step)
    before = loop.now()
    for stamp in stamps:
        assert loop.from_wall(stamp) >= before
    assert loop.now() - loop.from_wall(time.time_ns() - MILLISECOND) < 100 * MILLISECOND


@pytest.mark.parametrize("step", [-SECOND, -SECOND // 50, SECOND // 50, SECOND])
def test_a_step_is_found_although_no_packet_has_come_for_an_hour(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    loop.from_wall(time.time_ns())
    real, mono = time.time_ns, time.monotonic_ns
    hour = 3600 * SECOND
    stamp = real() + hour
    monkeypatch.setattr(time, "monotonic_ns", lambda: mono() + hour)
    monkeypatch.setattr(time, "time_ns", lambda: real() + hour + step)
    before = loop.now()
    assert loop.from_wall(stamp) >= before


def test_many_timers_cost_no_memory_once_they_are_past(loop: Loop) -> None:
    before = len(loop.heap)
    called: list[int] = []
    for number in range(1000):
        loop.call_at(0, lambda number=number: called.append(number))  # type: ignore[misc]
    loop.run_until(lambda: len(called) == 1000)
    assert len(loop.heap) == before


def test_the_timer_is_a_timerfd(loop: Loop) -> None:
    assert os.readlink(f"/proc/self/fd/{loop.timerfd}") == "anon_inode:[timerfd]"
    assert Path("/proc/self/fd").exists()


class Stepping(Loop):
    """A loop that looks at its clock every 10 microseconds, however busy the host is."""

    time = 0

    def now(self) -> int:
        self.time += 10_000
        return self.time


def test_between_the_prefetch_and_the_timer_the_loop_only_watches() -> None:
    """To look at every interface in each turn would make the takeover late by all of them."""
    called: list[str] = []

    class Quiet:
        def read(self) -> None:
            called.append("read")

        def postpone_timers(self) -> bool:
            called.append("postpone")
            return True

        def expecting(self) -> Collection[Timer]:
            return ()

        def skim(self) -> Iterator[int]:
            yield 0

    loop = Stepping()
    loop.quiet.append(Quiet())
    due = loop.now() + MILLISECOND
    loop.call_at(due, lambda: called.append("timer"), lambda: called.append("prefetch"))
    loop.run_until(lambda: "timer" in called)
    loop.close()
    assert called[called.index("prefetch") :] == ["prefetch", "read", "read", "timer"]


def test_an_advertisement_read_while_the_loop_watches_ends_the_watch() -> None:
    called: list[str] = []

    class Quiet:
        def read(self) -> None:
            if called == ["prefetch"]:
                called.append("read")
                call.postpone(due + SECOND)

        def postpone_timers(self) -> bool:
            return True

        def expecting(self) -> Collection[Timer]:
            return ()

        def skim(self) -> Iterator[int]:
            yield 0

    loop = Stepping()
    loop.quiet.append(Quiet())
    due = loop.now() + MILLISECOND
    call = loop.call_at(due, lambda: called.append("timer"), lambda: called.append("prefetch"))
    loop.run_until(lambda: "read" in called)
    assert loop.time < due
    loop.close()
    assert called == ["prefetch", "read"]


@pytest.mark.parametrize("hook", [None, lambda: None], ids=["timer", "timer with a prefetch"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_what_comes_while_the_host_lets_us_wait_is_read_before_the_timer(
    pipe: tuple[int, int], hook: Callable[[], None] | None, turn: int
) -> None:
    """At whichever look at the clock that is, counted back from the timer."""
    near, far = pipe
    called: list[str] = []

    class Waiting(Stepping):
        looks, at = 0, 0

        def now(self) -> int:
            self.looks += 1
            if self.looks == self.at:
                os.write(far, b"Advertisement")
                self.time += SECOND
            return super().now()

    def run(at: int) -> int:
        loop = Waiting()
        loop.at = at

        def read() -> None:
            os.read(near, 99)
            called.append("read")

        loop.add_reader(near, read)
        loop.call_at(loop.now() + MILLISECOND, lambda: called.append("timer"), hook)
        loop.run_until(lambda: "timer" in called)
        loop.close()
        return loop.looks

    looks = run(at=0)
    assert called == ["timer"]
    called.clear()
    run(at=looks - turn + 1)
    assert called == ["read", "timer"]
