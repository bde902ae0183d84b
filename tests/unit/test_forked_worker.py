"""Work done by a child: the same results and the same errors, while the loop goes on."""

from __future__ import annotations

import gc
import os
import resource
import signal
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from tests.support import HUNG_S
from vrrpd.config import ConfigError, loads
from vrrpd.fsm import SECOND
from vrrpd.linux import forked_worker
from vrrpd.linux.forked_worker import ChildFailed, run_in_child
from vrrpd.linux.loop import Loop

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
    with pytest.raises(ChildProcessError):  # every child was waited for
        os.waitpid(-1, os.WNOHANG)


def test_every_part_comes_in_order_and_from_another_process(loop: Loop) -> None:
    def work() -> Iterator[object]:
        yield os.getpid()
        yield from range(5000)
        yield "x" * 300_000

    child, *rest = run_in_child(loop, work)
    assert child != os.getpid()
    assert rest == [*range(5000), "x" * 300_000]


def test_where_niceness_is_forbidden_the_child_is_as_important_as_we_are(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> int:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "nice", refuse)
    [child] = run_in_child(loop, lambda: [os.getpid()])
    assert child != os.getpid()


def test_a_timer_that_is_due_has_its_turn_between_any_two_pieces(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    def again() -> None:
        order.append("timer")
        loop.call_at(loop.now(), again)  # always due, as an Advertisement may be

    def read(fd: int, size: int, really: Callable[[int, int], bytes] = os.read) -> bytes:
        order.append("piece")
        return really(fd, size)

    monkeypatch.setattr(os, "read", read)
    again()
    size = 40 * forked_worker.PIECE
    assert run_in_child(loop, lambda: ["x" * size]) == ["x" * size]
    assert order.count("piece") > 40
    assert ("piece", "piece") not in pairwise(order)


def test_nothing_is_a_result_too(loop: Loop) -> None:
    assert run_in_child(loop, lambda: []) == []


def test_timers_go_on_meanwhile(loop: Loop) -> None:
    called: list[int] = []

    def tick() -> None:
        called.append(1)
        if len(called) == 3:
            os.write(far, b"go on")
        loop.call_at(loop.now() + MILLISECOND, tick)

    near, far = os.pipe()
    tick()
    assert run_in_child(loop, lambda: [os.read(near, 5)]) == [b"go on"]
    assert len(called) >= 3
    for end in (near, far):
        os.close(end)


def test_an_exception_is_raised_here(loop: Loop) -> None:
    def work() -> Iterator[int]:
        yield 1
        raise LookupError("eth7")

    with pytest.raises(LookupError, match="eth7"):
        run_in_child(loop, work)


def test_a_configuration_that_cannot_be_used_keeps_its_diagnostics(loop: Loop) -> None:
    def work() -> Iterator[object]:
        yield loads("vrrp_instance A {\n", name="x.conf")

    with pytest.raises(ConfigError) as here:
        list(work())
    with pytest.raises(ConfigError) as there:
        run_in_child(loop, work)
    assert there.value.diagnostics == here.value.diagnostics
    assert str(there.value) == str(here.value)
    assert there.value.exit_status == here.value.exit_status


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGXCPU])
def test_work_that_kills_the_child_is_not_done_here(loop: Loop, number: int) -> None:
    me = os.getpid()

    def work() -> Iterator[int]:
        yield 1
        assert os.getpid() != me
        os.kill(os.getpid(), number)
        yield 2

    with pytest.raises(ChildFailed, match=f"killed by {signal.Signals(number).name}"):
        run_in_child(loop, work)


def test_a_child_that_ends_before_its_work_does_has_failed(loop: Loop) -> None:
    with pytest.raises(ChildFailed, match="has failed"):
        run_in_child(loop, lambda: os._exit(0))


def test_a_child_without_memory_says_so_and_we_have_ours(loop: Loop) -> None:
    def work() -> Iterator[int]:
        resource.setrlimit(resource.RLIMIT_AS, (1 << 28, 1 << 28))
        yield len(bytearray(1 << 29))

    with pytest.raises(MemoryError):
        run_in_child(loop, work)


@pytest.mark.parametrize("hang", [signal.pause, lambda: os.kill(os.getpid(), signal.SIGSTOP)])
def test_work_without_an_end_is_given_up_and_the_loop_runs_on(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, hang: Callable[[], object]
) -> None:
    monkeypatch.setattr(forked_worker, "TIMEOUT", 50 * MILLISECOND)

    def work() -> Iterator[object]:
        yield hang()
        yield from iter(int, 1)

    with pytest.raises(ChildFailed, match="takes longer"):
        run_in_child(loop, work)
    assert loop.running


def test_if_there_can_be_no_child_the_work_is_not_done(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    with pytest.raises(ChildFailed, match="Resource temporarily unavailable"):
        run_in_child(loop, lambda: [os.getpid()])


def test_if_there_can_be_no_pipe_the_work_is_not_done(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> tuple[int, int]:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "pipe2", refuse)
    with pytest.raises(ChildFailed, match="Too many open files"):
        run_in_child(loop, lambda: [os.getpid()])


def test_a_loop_that_is_stopped_does_not_wait(loop: Loop) -> None:
    def work() -> Iterator[int]:
        signal.pause()
        yield 1

    loop.call_at(loop.now() + MILLISECOND, loop.stop)
    with pytest.raises(InterruptedError):
        run_in_child(loop, work)
