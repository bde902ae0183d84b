"""The journal and the log: one JSON object a line, whatever happens to the disk."""

from __future__ import annotations

import json
import os
import resource
import signal
from pathlib import Path
from typing import Any

import pytest

from vrrpd.fsm import SECOND
from vrrpd.journal import Journal, Log
from vrrpd.log_handlers import LogHandler, as_json


class Clock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.time = 0

    def __call__(self) -> int:
        return self.time


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def journal(path: Path | str) -> Journal:
    return Journal(str(path), lambda: 81_500_000_000, lambda: 1700000000.1234567, "web2")


def test_a_line_has_the_shape_that_others_rely_on(tmp_path: Path) -> None:
    one = journal(tmp_path / "j")
    one.write("state", "VI_1", from_="BACKUP", to="MASTER", reason="3 × 1 s", priority=100)
    one.close()
    assert lines(tmp_path / "j") == [
        {
            "t": 1700000000.123457,
            "mono": 81.5,
            "host": "web2",
            "instance": "VI_1",
            "event": "state",
            "from": "BACKUP",
            "to": "MASTER",
            "reason": "3 × 1 s",
            "priority": 100,
        }
    ]


def test_lines_are_appended_and_there_at_once(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_text('{"event": "old"}\n')
    one = journal(path)
    one.write("start")
    assert [line["event"] for line in lines(path)] == ["old", "start"]
    one.close()


def test_a_full_disk_is_counted_line_by_line() -> None:
    one = journal("/dev/full")
    for _ in range(7):
        one.write("state")
    assert one.lost == 7
    assert len(one.recent) == 7
    one.close()
    assert one.lost == 7


def test_a_directory_that_comes_back_is_used_and_gets_a_note_of_what_is_missing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "gone" / "j"
    one = journal(path)
    one.write("a")
    one.write("b")
    path.parent.mkdir()
    one.write("c")
    one.write("d")
    one.close()
    assert [(line["event"], line.get("lost")) for line in lines(path)] == [("c", 2), ("d", None)]


def test_a_disk_that_fills_up_in_the_middle_of_a_line(tmp_path: Path) -> None:
    """Half a line on the disk must not spoil the next one."""
    path = tmp_path / "j"
    one = journal(path)
    one.write("first")
    size = path.stat().st_size
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, old[1]))
    try:
        one.write("second")
        one.write("third")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, previous)
    assert one.lost == 2
    one.write("fourth")
    one.close()
    assert [line["event"] for line in lines(path)] == ["first", "fourth"]
    assert lines(path)[-1]["lost"] == 2


def test_a_fifo_without_a_reader_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    one = journal(tmp_path / "fifo")
    one.write("state")
    assert one.lost == 1


@pytest.mark.parametrize("value", ["\udcff", object(), {1, 2}, b"x"])
def test_any_value_can_be_written(tmp_path: Path, value: object) -> None:
    """Configurations need not be UTF-8; their bytes come as surrogates."""
    one = journal(tmp_path / "j")
    one.write("state", reason=value)
    one.close()
    assert one.lost == 0
    assert len(lines(tmp_path / "j")) == 1


def test_without_a_path_it_remembers_the_last_ones() -> None:
    one = Journal(None)
    for number in range(1000):
        one.write("state", number=number)
    assert [line["number"] for line in one.recent] == list(range(500, 1000))


def test_a_listener_may_leave_while_it_listens() -> None:
    one, heard = Journal(None), []

    def once(line: dict[str, Any]) -> None:
        heard.append(line)
        one.listeners.remove(once)

    one.listeners += [once, heard.append]
    one.write("a")
    one.write("b")
    assert [line["event"] for line in heard] == ["a", "a", "b"]


# The log.


class _Kept(LogHandler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def put(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def log() -> Log:
    clock = Clock()
    log = Log(clock)
    log.to = [_Kept()]
    return log


def logged(log: Log) -> list[str]:
    [kept] = log.to
    assert isinstance(kept, _Kept)
    return kept.lines


def test_detail_is_for_those_who_asked(log: Log) -> None:
    log.detail("quiet")
    log.detailed = True
    log.detail("loud")
    log.info("always")
    assert logged(log) == ["loud", "always"]


def test_one_line_a_second_for_each_key(log: Log) -> None:
    for _ in range(5):
        log.limited(("a",), "A")
    log.limited(("b",), "B")
    log.clock.time = SECOND  # type: ignore[attr-defined]
    assert log.limited(("a",), "A")
    assert logged(log) == ["A", "B", "A (4 more like this since)"]


def test_a_percent_sign_is_no_template(log: Log) -> None:
    log.info("100 %s")
    log.limited(("a",), "%d")
    assert logged(log) == ["100 %s", "%d"]


def test_our_own_mistakes_have_a_place(log: Log) -> None:
    try:
        raise KeyError("x")
    except KeyError as error:
        log.trouble(error)
    assert "test_journal.py" in logged(log)[0]
    assert "KeyError: 'x'" in logged(log)[0]


def test_lines_as_json() -> None:
    assert json.loads(as_json(1.5, 'say "×"')) == {"t": 1.5, "message": 'say "×"'}
