"""The parts of the Observer that need no network: how it keeps pings and how it fails."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import labs.monitoring.wire_format as wire
from labs.errors import LabError
from labs.model.facts import Ping
from labs.monitoring import observer, recorder
from labs.monitoring.observer import (
    HOUSE,
    PROGRAM,
    Observer,
    PingLog,
    RecorderProcess,
    records,
)

VIP = "192.168.1.10"
# What an array of 32-bit floats can hold exactly.
rtts = st.floats(min_value=0, max_value=1, width=32)
answers = st.one_of(
    st.just((None, None)),
    st.tuples(st.sampled_from(["web1", "web2", "02:00:00:00:00:0b"]), rtts),
)


@given(st.lists(st.tuples(st.floats(0, 1e10), st.integers(1, 2**32 - 1), answers), max_size=30))
def test_a_log_of_pings_gives_back_what_it_was_given(
    sent: list[tuple[float, int, tuple[str | None, float | None]]],
) -> None:
    pings = [Ping(t, sequence, VIP, who, rtt) for t, sequence, (who, rtt) in sent]
    log = PingLog(VIP)
    for ping in pings:
        log.add(ping)
    assert len(log) == len(pings)
    assert list(log.since(0.0)) == pings
    assert list(log.since(5e9)) == [ping for ping in pings if ping.t >= 5e9]


def test_an_hour_of_pings_fits_in_ten_megabytes() -> None:
    log = PingLog(VIP)
    for i in range(1000):
        log.add(Ping(i * 0.01, i, VIP, "web1", 0.0002))
    arrays = (log._t, log._rtt, log._sequence, log._who)
    assert sum(array.itemsize for array in arrays) * 360_000 < 10_000_000
    assert {len(array) for array in arrays} == {1000}


def test_a_host_that_is_gone_is_named() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    with pytest.raises(LabError, match=r"cannot watch web2: .*; is every host of the lab still"):
        Observer({"web2": gone.pid}, {}, os.getpid(), client=None)


def test_an_interrupted_start_leaves_no_recorder(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would hold the namespaces of a lab that never began, as long as the kernel lives."""

    def interrupted(_: Observer) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Observer, "_await_ready", interrupted)
    process = RecorderProcess()
    try:
        with pytest.raises(KeyboardInterrupt):
            Observer({"web1": os.getpid()}, {}, os.getpid(), client=None, recorder=process)
        assert not process._thread.is_alive()
    finally:
        process.close()


def test_a_recorder_that_is_too_slow_is_reported_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observer, "START", 0.0)
    monkeypatch.setattr(RecorderProcess, "follow", lambda *_: None)
    with pytest.raises(LabError, match="the recorder saw nothing within 0 s"):
        Observer({"web1": os.getpid()}, {}, os.getpid(), client=None)


def test_the_recorder_needs_nothing_but_the_standard_library() -> None:
    code = f"{PROGRAM.partition('; main()')[0]}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, HOUSE], capture_output=True, text=True, check=True
    )
    tops = {name.partition(".")[0] for name in done.stdout.split()}
    assert tops - set(sys.stdlib_module_names) == {"__main__", "labs"}


def test_the_plan_is_read_and_nothing_after_it() -> None:
    ours, theirs = os.pipe()
    try:
        os.write(theirs, b'{"hosts": []}\nrest')
        assert recorder.plan_from(ours) == {"hosts": []}
        assert os.read(ours, 10) == b"rest"
    finally:
        os.close(ours)
        os.close(theirs)


class Dribble:
    """A stream that gives `size` bytes at a time, as a pipe may."""

    def __init__(self, data: bytes, size: int) -> None:
        self.data, self.size = data, size

    def read(self, _: int) -> bytes:
        chunk, self.data = self.data[: self.size], self.data[self.size :]
        return chunk


@given(st.lists(st.binary(max_size=40), max_size=8), st.integers(1, 50))
def test_records_may_be_cut_anywhere(payloads: list[bytes], size: int) -> None:
    output = wire.Output()
    for i, payload in enumerate(payloads):
        output.add(wire.FRAME, i, i / 4, payload)
    stream: Any = Dribble(bytes(output.buffer), size)
    expected = [(wire.FRAME, i, i / 4, payload) for i, payload in enumerate(payloads)]
    assert list(records(stream)) == expected
