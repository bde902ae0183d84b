"""Log and journal lines: held until the work is done, and lost rather than waited for.

A log that is not read must not stop a router: lines are lost, counted, and reported later.

console   a pipe whose reader has stopped reading
syslog    a socket whose daemon is alive and does not read
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import HUNG_S, REPOSITORY
from vrrpd import journal
from vrrpd.journal import Journal, Log
from vrrpd.linux.loop import Loop
from vrrpd.log_handlers import Console, LogHandler, Syslog, as_json

# What is written when the work is done keeps its time and order.


class LogLines(LogHandler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[float, str]] = []

    def write(self, created: float, text: str) -> None:
        self.lines.append((created, text))


def test_held_lines_keep_their_order_and_their_moment() -> None:
    written = LogLines()
    log = Log(to=[written])
    log.info("at once")
    chores: list[object] = []
    log.later = chores.append
    log.info("one")
    log.limited(("a",), "two")
    assert [text for _, text in written.lines] == ["at once"]
    log.flush()
    log.info("100 %s")
    log.flush()
    assert [text for _, text in written.lines] == ["at once", "one", "two", "100 %s"]
    assert sorted(written.lines) == written.lines


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


# A log that is not read.


# Writes as many lines as it is asked for and says on standard error that it is through.
WRITER = """
import sys
from vrrpd.journal import Log, handlers
log = Log(to=handlers(True, None))
for number in range(int(sys.argv[1])):
    log.info(f"line {number} " + "x" * 100)
print("through", file=sys.stderr, flush=True)
sys.stdin.readline()
log.info("after")
"""
LINES = 2000  # of 130 bytes: four times what a pipe holds


def taken(pipe: int) -> list[str]:
    """The lines that are in a pipe."""
    data = b""
    while select.select([pipe], [], [], 0)[0]:
        data += os.read(pipe, 65536)
    return data.decode().splitlines()


def test_a_console_without_a_reader() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(LINES)],
        cwd=REPOSITORY,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as writer:
        try:
            assert writer.stdout and writer.stderr and writer.stdin  # noqa: PT018
            assert select.select([writer.stderr], [], [], HUNG_S)[0], (
                "the writer waits for a reader"
            )
            kept = taken(writer.stdout.fileno())
            writer.stdin.write("\n")
            writer.stdin.close()
            assert writer.wait(HUNG_S) == 0
            last = writer.stdout.read().splitlines()
        finally:
            writer.kill()
    assert 100 < len(kept) < LINES
    assert [line.split()[6] for line in kept] == [str(n) for n in range(len(kept))]
    assert len(last) == 1
    assert last[0].endswith(f": after ({LINES - len(kept)} lines before this are lost)")


def test_a_line_of_json_is_one_also_after_lines_that_are_lost() -> None:
    near, far = os.pipe()
    with os.fdopen(far, "w") as stream:
        outlet = Console(stream, as_json)
        outlet.write(1.0, "z" * 100_000)
        taken(near)
        outlet.write(2.0, "after")
        last = json.loads(taken(near)[-1])
        assert last == {"t": 2.0, "message": "after (1 lines before this are lost)"}
    os.close(near)


def test_a_file_as_console_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w") as file:
        command = [sys.executable, "-c", WRITER, str(LINES)]
        subprocess.run(command, cwd=REPOSITORY, stdout=file, input="\n", text=True, check=True)
    lines = path.read_text().splitlines()
    assert len(lines) == LINES + 1
    assert lines[-1].endswith(": after")


def test_a_line_longer_than_a_pipe_takes_at_once() -> None:
    near, far = os.pipe()
    with os.fdopen(far, "w") as stream:
        outlet = Console(stream)
        outlet.put("y" * 10_000)
        assert taken(near) == ["y" * 10_000]
        with pytest.raises(BlockingIOError):
            outlet.put("z" * 100_000)
        taken(near)
        outlet.put("after")
        assert taken(near) == ["", "after"]  # half a line is ended first
    os.close(near)


def test_a_full_disk_spoils_neither_the_next_line_nor_the_exit_status() -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-c", WRITER, "3"]
        done = subprocess.run(command, cwd=REPOSITORY, stdout=full, input="\n", text=True)
    assert done.returncode == 0


def test_a_console_that_is_gone() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, "3"],
        cwd=REPOSITORY,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as writer:
        assert writer.stdout
        writer.stdout.close()
        assert writer.stdin
        writer.stdin.write("\n")
        writer.stdin.close()
        assert writer.wait(HUNG_S) == 0


@pytest.fixture
def syslogd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """What syslog's end of /dev/log looks like."""
    path = tmp_path / "log"
    monkeypatch.setattr(journal, "SYSLOG", str(path))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(path))
        end.setblocking(False)
        yield end


@pytest.fixture
def log(syslogd: socket.socket) -> Iterator[Log]:
    """A log that goes to syslog."""
    [syslog] = journal.handlers(False, 3)
    assert isinstance(syslog, Syslog)
    yield Log(to=[syslog])
    syslog.close()


def log_lines(end: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(end.recv(4096).decode())
        except BlockingIOError:
            return found


def test_syslog_gets_a_line_of_the_facility_daemon(syslogd: socket.socket, log: Log) -> None:
    log.info("(VI_1) Entering MASTER STATE")
    assert log_lines(syslogd) == [f"<30>vrrpd[{os.getpid()}]: (VI_1) Entering MASTER STATE"]


def test_a_syslog_that_does_not_read(syslogd: socket.socket, log: Log) -> None:
    for number in range(LINES):
        log.info(f"line {number}")
    kept = log_lines(syslogd)
    assert 1 <= len(kept) < LINES
    log.info("after")
    [last] = log_lines(syslogd)
    assert last.endswith(f": after ({LINES - len(kept)} lines before this are lost)")


def test_a_syslog_that_is_started_again(syslogd: socket.socket, log: Log) -> None:
    log.info("one")
    path = syslogd.getsockname()
    os.unlink(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as again:
        again.bind(path)
        again.setblocking(False)
        syslogd.close()
        log.info("two")
        assert [line.rpartition(" ")[2] for line in log_lines(again)] == ["two"]
