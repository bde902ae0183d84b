"""The daemon's clock and its one thread: epoll for what arrives, a timerfd for what is due.

    run()   do what could wait (`idle`) -> sleep -> read every socket that has something
                 -> call every timer that is due

            sleep -> what has arrived has only postponed the timer that woke us -> doze
            doze  -> a short look finds that the timers are postponed again -> doze

Contract: timers are called at their moment, never early, and in the order of their moments.
What has already arrived is read before a timer is believed: a daemon that was kept waiting by the
host finds the Advertisement that came in the meantime before its Master_Down_Timer fires.

Why not asyncio: its timers are rounded up to whole milliseconds of poll(2)'s timeout, which is
longer than a takeover takes.  A timerfd has an absolute deadline in nanoseconds.

Nothing that arrives keeps a timer that is due waiting longer than LATEST of processor time and one
turn, nor a signal longer than a turn: in a turn each descriptor is read once, and each reader takes
no more than a batch.

To be woken is what costs most, so a timer that is postponed is not set again: the loop finds out
when its old moment comes, and then brings all of them up to date at once.  While all that comes is
what was expected, not even that: it only looks when the last of it came.
"""

from __future__ import annotations

import ctypes
import heapq
import os
import select
import signal
import socket
import struct
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from typing import Protocol

from vrrpd.fsm import SECOND
from vrrpd.ports import Timer

CLOCK_MONOTONIC = 1
TFD_TIMER_ABSTIME = 1
TFD_FLAGS = os.O_CLOEXEC | os.O_NONBLOCK
# ns by which the wall clock may seem to move against ours, as another program may run between the
# two reads.  NTP slews both clocks alike, so a larger difference means that the wall clock was set.
SLACK = 10_000_000
TOO_OLD = 10 * SECOND  # a timestamp this far from now comes from a clock that was set
LATEST = SECOND // 4  # of our processor time: so much of what arrives goes before a due timer
ROUNDS = 64  # of reading before timers that are due; a reader takes a batch in each
LEAD = 1_000_000  # ns before its moment at which the prefetch hook of a timer is called
# ns before a timer has work to do at which it is looked at; epoll(7) sleeps whole milliseconds.
EARLY = 3_000_000
# Of a sleep this part is left out: Linux may make it longer by a thousandth, and that of a nice
# program by a two-hundredth (select_estimate_accuracy() in fs/select.c; a timerfd is exact).
LONGER = 100
UNKNOWN = -1  # no moment: the timerfd has to be set
READY = 64  # descriptors reported at once
ITIMERSPEC = struct.Struct("@llll")  # interval (s, ns), value (s, ns)


class _QuietReader(Protocol):
    """Reads what arrives without waking us."""

    def read(self) -> None:
        """Hand over what has arrived."""

    def postpone_timers(self) -> bool:
        """Postpone the timers that what has arrived will restart; hand it over with `read()` later.

        False: there is a reason to hand it over now.
        """

    def expecting(self) -> Collection[Timer]:
        """The timers that an expected packet postpones, by all that is known."""

    def skim(self) -> Iterator[int]:
        """With each step, look at what has arrived, and keep it for `read()`.

        Yields for how long (ns) there is nothing to do yet for its timers, or 0: look closer.
        """


def _nothing() -> None:
    """For a loop without an owner that handles mistakes."""


class Call:
    """A timer; `callback` is None once it is cancelled, `near` is true once `before` was called.

    `wake` is when (ns) there is something to do for it: that is `when`, or `LEAD` earlier.  Of
    several that are due within `LEAD`, `before` of the first one is called: it does for all, and a
    hundred of them would delay what they prepare.
    """

    __slots__ = ("before", "callback", "near", "wake", "when")

    def __init__(
        self,
        when: int,
        callback: Callable[[], None],
        before: Callable[[], None] | None,
    ) -> None:
        self.callback: Callable[[], None] | None = callback
        self.before = before
        self.when = when
        self.wake = when if before is None else when - LEAD
        self.near = False

    def cancel(self) -> None:
        """Forget it; the heap drops it when its moment comes."""
        self.callback = None

    def is_near(self, now: int) -> bool:
        """Whether it is still to come, and soon."""
        return self.callback is not None and self.near and self.when > now

    def postpone(self, when: int) -> None:
        """Call at `when` instead, which is not earlier; costs nothing."""
        self.when = when
        self.wake = when if self.before is None else when - LEAD
        self.near = False


def _least(looks: Sequence[Iterator[int]]) -> Iterator[int]:
    """With each step, a step of each of them: the least that they yield."""
    return looks[0] if len(looks) == 1 else (min(step) for step in zip(*looks, strict=True))


class Loop:
    """A Clock that also watches file descriptors and signals.

    `trouble` is called with every exception that a callback lets out: a daemon does not end
    because one packet or one script found a mistake of ours.
    """

    def __init__(self, trouble: Callable[[BaseException], None] | None = None) -> None:
        self.trouble = trouble
        self.mistaken: Callable[[], None] = _nothing  # called after `trouble`
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.settime = self.libc.timerfd_settime
        self.settime.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
        self.alarm = ctypes.create_string_buffer(ITIMERSPEC.size)
        self.alarm_at = ctypes.addressof(self.alarm)
        self.timerfd = self.libc.timerfd_create(CLOCK_MONOTONIC, TFD_FLAGS)
        if self.timerfd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self.offset = time.time_ns() - self.now()  # of the wall clock, when last looked at
        self.set_at = 0  # when the wall clock was last found to have been set, by its own time
        self.epoll = select.epoll()
        self.epoll.register(self.timerfd, select.EPOLLIN)
        self.readers: dict[int, Callable[[], None]] = {}
        self.heap: list[tuple[int, int, Call]] = []
        self.serial = 0
        self.armed: int | None = None  # what the timerfd is set to
        self.running = False
        self.prefetched: Call | None = None  # that whose `before` was called last
        self.drowsy = False  # the last wake-up has only postponed timers
        self.behind = False  # timers are called although not all that has arrived is read
        self.handlers: dict[int, Callable[[], None]] = {}
        self.idle: list[Callable[[], None]] = []  # called once, before the loop goes to sleep
        self.quiet: list[_QuietReader] = []  # of what does not wake us; read after each sleep

    # The Clock.

    def now(self) -> int:
        """CLOCK_MONOTONIC in ns."""
        return time.monotonic_ns()

    def wall(self) -> int:
        """CLOCK_REALTIME in ns."""
        return time.time_ns()

    def uptime(self) -> int:
        """CLOCK_BOOTTIME in ns: time spent suspended counts (keepalived reads /proc/uptime)."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def _processor_time(self) -> int:
        """What this thread has used of the processor, in ns."""
        return time.thread_time_ns()

    def call_at(
        self,
        when: int,
        callback: Callable[[], None],
        before: Callable[[], None] | None = None,
    ) -> Call:
        """Call back at `when` (ns of `now()`), and call `before` shortly before that."""
        call = Call(when, callback, before)
        self.serial += 1
        heapq.heappush(self.heap, (call.wake, self.serial, call))
        return call

    def next_call(self) -> int | None:
        """When (ns) the next timer is due, at the earliest: it may be postponed.  None: never."""
        while self.heap and self.heap[0][2].callback is None:
            heapq.heappop(self.heap)
        return self.heap[0][0] if self.heap else None

    def from_wall(self, stamp: int) -> int:
        """The monotonic moment of a CLOCK_REALTIME stamp (ns) taken by the kernel.

        A stamp that cannot be right, because the wall clock was set in between, counts as now:
        a packet that is made older than it is would end Master_Down_Timer early.  That holds
        for all the packets that were waiting when the clock was found to have been set.
        """
        wall = time.time_ns()
        now = self.now()  # after it: on a busy machine another program may run in between
        offset, self.offset = self.offset, wall - now
        if abs(self.offset - offset) > SLACK:
            self.set_at = wall
        age = wall - stamp
        return now if stamp < self.set_at or not 0 <= age < TOO_OLD else now - age

    # What arrives.

    def add_reader(self, fd: int, callback: Callable[[], None]) -> None:
        """Call back whenever `fd` has something to read."""
        self.readers[fd] = callback
        self.epoll.register(fd, select.EPOLLIN)

    def remove_reader(self, fd: int) -> None:
        """Watch `fd` no longer; to be called before it is closed."""
        if self.readers.pop(fd, None) is not None:
            with suppress(OSError):
                self.epoll.unregister(fd)

    def on_signal(self, number: int, callback: Callable[[], None]) -> None:
        """Call back in the loop, not in the middle of something, when the signal comes."""
        if not self.handlers:
            near, far = socket.socketpair()
            near.setblocking(False)
            far.setblocking(False)
            self.signals = (near, far)
            signal.set_wakeup_fd(far.fileno(), warn_on_full_buffer=False)
            self.add_reader(near.fileno(), self._take_signals)
        self.handlers[number] = callback
        signal.signal(number, lambda *_: None)

    def _take_signals(self) -> None:
        """Call the handlers of all the signals that have come."""
        with suppress(BlockingIOError):
            for number in self.signals[0].recv(64):
                handler = self.handlers.get(number)
                if handler is not None:
                    self.guard(handler)

    # The loop.

    def run(self) -> None:
        """Run until `stop()`."""
        self.run_until(lambda: False)

    def run_until(self, done: Callable[[], bool], timeout: int | None = None) -> None:
        """Run until `done()`, `stop()`, or for `timeout` ns at the most."""
        self.running = True
        end = None if timeout is None else self.call_at(self.now() + timeout, self.stop)
        while self.running and not done():
            while self.idle:
                self.drowsy = False
                self.guard(self.idle.pop(0))
            if self.heap and self.heap[0][2].near:
                events = self._watch()
            else:
                events = self._sleep()
                if self._only_postponed(events):
                    continue
            now = self.now()  # the host may let us wait here: what comes until then is read below
            self.read_quiet()
            if self.read(events) or self.read(self.epoll.poll(0, READY)):
                self.breathe()
            else:  # nothing had arrived by then
                self.behind = False
                self.fire(now)
        if end is not None:
            end.cancel()

    def _only_postponed(self, events: list[tuple[int, int]]) -> bool:
        """Whether the timer that woke us is not due any more: its Advertisement has arrived.

        No callback is called then, so the Advertisements need not be handed over yet.
        """
        if not self.quiet or any(fd != self.timerfd for fd, _ in events):
            return False
        for one in self.quiet:
            try:
                if not one.postpone_timers():
                    return False
            except Exception as error:
                self._report(error)
                return False
        self.armed = UNKNOWN
        if self.heap and self.heap[0][0] <= self.now():
            if self.heap[0][2].wake == self.heap[0][0]:
                return False  # it was not postponed
            self.bring_up_to_date()
        self.drowsy = not self.heap or self.heap[0][0] > self.now()
        return self.drowsy

    def _sleep(self) -> list[tuple[int, int]]:
        """Sleep until something has arrived or a timer is due; what has arrived."""
        drowsy, self.drowsy = self.drowsy, False
        if drowsy:
            try:
                events = self._doze()
            except Exception as error:
                self._report(error)
                events = None
            if events is not None:
                return events
        self.arm()
        return self.epoll.poll(-1, READY)

    def _doze(self) -> list[tuple[int, int]] | None:
        """Sleep as long as short looks find the timers postponed in time; what has arrived.

        An empty list: there is a reason to look closer.  None: a timer is too near for this.

        To look closer and to set the timerfd is most of what a wake-up costs.  A short look hands
        nothing over and moves no timer: to the rest of the loop it is as if we had slept on.
        """
        readers = [one for one in self.quiet if one.expecting()]
        timers = {timer for one in readers for timer in one.expecting()}
        wakes = [call.wake for _, _, call in self.heap if call.callback and call in timers]
        if not wakes:
            return None
        left = min(wakes) - EARLY - self.now()
        if left <= 0:
            return None
        others = [when for when, _, call in self.heap if call.callback and call not in timers]
        self._set_alarm(min(others, default=None))
        poll, look = self.epoll.poll, _least([one.skim() for one in readers]).__next__
        while left > 0:
            events = poll((left - left // LONGER) / SECOND, READY)
            if events:
                return events
            left = look()
        return []

    def _watch(self) -> list[tuple[int, int]]:
        """Wait for a timer that has had its prefetch call, or for what arrives; what has arrived.

        Awake: to be woken once more would take longer than what is left of `LEAD`.  What is read
        when the timer is due is read once before, so that it is in the processor's caches.
        """
        call, events = self.heap[0][2], list[tuple[int, int]]()
        self.read_quiet()
        while call.near and not events and self.now() < call.when:
            # The timerfd can be read until it is set again.
            events = [one for one in self.epoll.poll(0, READY) if one[0] != self.timerfd]
        return events

    def breathe(self) -> None:
        """Let what is due happen now, from the middle of a callback that takes long."""
        now = self.now()
        if self.heap and self.heap[0][0] <= now:
            self.behind = not self._catch_up()
            self.read_quiet()
            self.fire(now)

    def read_quiet(self) -> None:
        """Read what has arrived without waking us: no callback is to decide without it."""
        for one in tuple(self.quiet):
            self.guard(one.read)

    def _catch_up(self) -> bool:
        """Read what came while we slept: as much as a queue can hold, not as much as can be sent.

        Returns whether that was all of it.

        A flood may have put hundreds of packets before the one that makes a timer void.
        The limit is processor time: on a busy host a second may pass without much of it.
        """
        end = self._processor_time() + LATEST
        for _ in range(ROUNDS):
            if self._processor_time() >= end:
                return False
            if not self.read(self.epoll.poll(0, READY)):
                return True
        return False

    def stop(self) -> None:
        """End `run()` after the present callback."""
        self.running = False

    def arm(self) -> None:
        """Set the timerfd to the earliest call, if it is not already."""
        self._set_alarm(self.next_call())

    def _set_alarm(self, when: int | None) -> None:
        """Set the timerfd to a moment (ns), if it is not already; None: to none."""
        if when == self.armed:
            return
        self.armed = when
        # Zero would disarm it, so a moment in the past becomes the first nanosecond.
        value = divmod(max(when, 1), SECOND) if when is not None else (0, 0)
        ITIMERSPEC.pack_into(self.alarm, 0, 0, 0, *value)
        self.settime(self.timerfd, TFD_TIMER_ABSTIME, self.alarm_at, None)

    def read(self, events: list[tuple[int, int]]) -> bool:
        """Call the reader of every descriptor that has something; whether there was any."""
        found = False
        for fd, _ in events:
            callback = self.readers.get(fd)
            if callback is not None:
                found = True
                self.guard(callback)
            elif fd == self.timerfd:
                self.armed = UNKNOWN  # to be set again, which also ends that it can be read
        return found

    def fire(self, now: int) -> None:
        """Call every timer that was due at `now` (ns); what had arrived by then has been read."""
        while self.heap and self.heap[0][0] <= now:
            when, serial, call = self.heap[0]
            if call.callback is not None and call.wake != when:
                self.bring_up_to_date()
            elif call.callback is not None and call.before is not None and call.when > now:
                call.near, call.wake = True, call.when
                heapq.heapreplace(self.heap, (call.when, serial, call))
                if self.prefetched is None or not self.prefetched.is_near(now):
                    self.prefetched = call
                    self.guard(call.before)
            else:
                heapq.heappop(self.heap)
                callback, call.callback = call.callback, None
                if callback is not None:
                    self.guard(callback)

    def bring_up_to_date(self) -> None:
        """Put every timer where it has been postponed to.

        All of them: while their MASTER lives, a hundred BACKUPs would else wake us one by one,
        each of them once in every Master_Down_Interval, and all for nothing.
        """
        calls = [(call.wake, serial, call) for _, serial, call in self.heap if call.callback]
        heapq.heapify(calls)
        self.heap = calls

    def guard(self, callback: Callable[[], None]) -> None:
        """Call; hand what goes wrong to `trouble` and carry on."""
        try:
            callback()
        except Exception as error:
            self._report(error)

    def _report(self, error: Exception) -> None:
        """Hand what went wrong to `trouble`; raise it again if there is none."""
        if self.trouble is None:
            raise error
        self.trouble(error)
        self.mistaken()

    def close(self) -> None:
        """Give the descriptors back."""
        if self.handlers:
            signal.set_wakeup_fd(-1)
            for end in self.signals:
                end.close()
        self.epoll.close()
        os.close(self.timerfd)
