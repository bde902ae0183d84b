"""What is written when the work is done: held log lines and journal lines keep time and order."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from vrrpd.journal import Journal, Log
from vrrpd.linux.loop import Loop


class LogLines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[float, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((record.created, record.getMessage()))


def logger(name: str) -> tuple[logging.Logger, LogLines]:
    to, told = logging.getLogger(name), LogLines()
    to.handlers[:] = [told]
    to.setLevel(logging.INFO)
    to.propagate = False
    return to, told


def test_held_lines_keep_their_order_and_their_moment() -> None:
    to, told = logger("held")
    log = Log(to=to)
    log.info("at once")
    chores: list[object] = []
    log.later = chores.append
    log.info("one")
    log.limited(("a",), "two")
    assert [text for _, text in told.lines] == ["at once"]
    log.flush()
    log.info("100 %s")
    log.flush()
    assert [text for _, text in told.lines] == ["at once", "one", "two", "100 %s"]
    assert sorted(told.lines) == told.lines


def test_a_deferred_journal_writes_when_flushed_and_when_closed(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(str(path))
    journal.later = lambda flush: None
    journal.write("one")
    assert [line["event"] for line in journal.recent] == ["one"]
    assert not path.exists()
    journal.flush()
    journal.write("two")
    journal.close()
    assert [json.loads(line)["event"] for line in path.read_text().splitlines()] == ["one", "two"]


def test_the_loop_is_idle_only_after_the_work(tmp_path: Path) -> None:
    loop = Loop()
    order: list[str] = []
    loop.idle.append(lambda: order.append("idle"))
    loop.call_at(loop.now(), lambda: order.append("first"))
    loop.call_at(loop.now(), lambda: order.append("second"))
    loop.call_at(loop.now() + 1_000_000, loop.stop)
    loop.run()
    loop.close()
    assert order == ["idle", "first", "second"]
