"""What happened, when and why: log lines for people, JSON lines for programs.

The log has keepalived's words (`(VI_1) Entering MASTER STATE`) with the reason added in
brackets, so that what people grep for still matches.  The journal has one JSON object a line:

    {"t": 1700000000.123456, "mono": 81.5, "host": "backup", "instance": "VI_1",
     "event": "state", "from": "BACKUP", "to": "MASTER",
     "reason": "no advertisement for 3.609 s (...)", "priority": 100}

Contract: writing never raises and never blocks the daemon for want of space.  What could not be
written is counted, and the first line that fits again says how many lines are missing.
Both can hold their lines, with the time at which they were written, until the daemon has nothing
better to do: `later` is called with what is to be done before it sleeps, so that a takeover does
not wait for a disk.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from vrrpd.events import Event
from vrrpd.fsm import SECOND, RouterState, State
from vrrpd.log_handlers import Console, LogHandler, Syslog, as_json, dated

SYSLOG = "/dev/log"
LIMIT = SECOND  # one line per cause and peer in this time (ns)
KEYS_REMEMBERED = 1024
# Not blocking: a FIFO without a reader must not stop the daemon.
APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK


class Journal:
    """The daemon's memory of events, on disk if a path is given and in short always."""

    def __init__(
        self,
        path: str | None = None,
        mono: Callable[[], int] = time.monotonic_ns,
        wall: Callable[[], float] = time.time,
        host: str | None = None,
    ) -> None:
        self.path = path
        self.mono = mono
        self.wall = wall
        self.host = host or os.uname().nodename
        self.recent: deque[dict[str, Any]] = deque(maxlen=500)
        self.listeners: list[Callable[[dict[str, Any]], None]] = []
        self.lost = 0
        self.fd: int | None = None
        self.later: Callable[[Callable[[], None]], object] | None = None
        self.held: list[dict[str, Any]] = []

    def line(self, event: str, instance: str | None = None, **fields: Any) -> dict[str, Any]:
        """What `write()` would record now."""
        if "from_" in fields:
            fields["from"] = fields.pop("from_")
        stamp = {"t": round(self.wall(), 6), "mono": round(self.mono() / SECOND, 6)}
        return {**stamp, "host": self.host, "instance": instance, "event": event, **fields}

    def transition(
        self, instance: str, priority: int, before: RouterState, after: RouterState, event: Event
    ) -> tuple[dict[str, Any], str]:
        """A state transition as a line of the journal and as a line of the log; neither is written.

        `priority` is the effective one, `event` what caused the transition.
        """
        line = self.line(
            "state",
            instance,
            from_=before.state.value,
            to=after.state.value,
            reason=after.why,
            priority=priority,
            trigger=type(event).__name__,
        )
        state = "STOP" if after.state is State.INIT else after.state.value
        return line, f"({instance}) Entering {state} STATE ({after.why})"

    def write(self, event: str, instance: str | None = None, **fields: Any) -> None:
        """Record one event.  `from_` is written as `from`, which is a word of Python's."""
        self.keep(self.line(event, instance, **fields))

    def keep(self, line: dict[str, Any]) -> None:
        """Record a line."""
        self.recent.append(line)
        for listener in list(self.listeners):
            listener(line)
        if self.path is not None:
            self.held.append(line)
            if self.later is None:
                self.flush()
            elif len(self.held) == 1:
                self.later(self.flush)

    def flush(self) -> None:
        """Put down what is held."""
        if self.held:
            held, self.held = self.held, []
            for line in held:
                self._store(line)

    def _store(self, line: dict[str, Any]) -> None:
        """Append one line to the file; a full disk or a vanished directory only counts."""
        if self.lost:
            line = {**line, "lost": self.lost}
        import json  # here, because without a file a daemon starts without it

        text = json.dumps(line, ensure_ascii=False, default=str) + "\n"
        try:
            if self.fd is None:
                self.fd = os.open(self.path or "", APPEND, 0o666)
            self.append(self.fd, text.encode("utf-8", "backslashreplace"))
            self.lost = 0
        except OSError:
            self.lost += 1
            self.shut()

    def append(self, fd: int, data: bytes) -> None:
        """Write all of it or nothing: half a line would spoil the next one.  Raises OSError."""
        done = os.write(fd, data)
        if done < len(data):
            os.ftruncate(fd, os.fstat(fd).st_size - done)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        """Put down what is held and close the file; the next line opens it again."""
        self.flush()
        self.shut()

    def shut(self) -> None:
        """Close the file as it is."""
        fd, self.fd = self.fd, None
        if fd is not None:
            with suppress(OSError):
                os.close(fd)


class Log:
    """Log lines: `info` always, `detail` only with -D, `limited` at most once a second."""

    def __init__(
        self,
        clock: Callable[[], int] = time.monotonic_ns,
        detailed: bool = False,
        to: Sequence[LogHandler] = (),
    ) -> None:
        self.clock = clock
        self.detailed = detailed
        self.to = to
        self.last: dict[tuple[object, ...], tuple[int, int]] = {}
        self.later: Callable[[Callable[[], None]], object] | None = None
        self.held: list[tuple[float, str]] = []  # Unix time, line

    def flush(self) -> None:
        """Write what is held.

        Lines keep the time at which they were written, and cost the work in hand next to nothing:
        a new MASTER has better things to do than to write that it is one.
        """
        held, self.held = self.held, []
        for created, text in held:
            for handler in self.to:
                handler.write(created, text)

    def info(self, text: str) -> None:
        """One line."""
        self.held.append((time.time(), text))
        if self.later is None:
            self.flush()
        elif len(self.held) == 1:
            self.later(self.flush)

    def detail(self, text: str) -> None:
        """One line for those who asked for them (-D/--log-detail)."""
        if self.detailed:
            self.info(text)

    def limited(self, key: tuple[object, ...], text: str) -> bool:
        """One line unless `key` had one within the last second; whether it was written.

        The next line that is written says how many were swallowed.
        """
        now = self.clock()
        before, swallowed = self.last.get(key, (None, 0))
        if before is not None and now - before < LIMIT:
            self.last[key] = (before, swallowed + 1)
            return False
        if len(self.last) >= KEYS_REMEMBERED:
            self.last.clear()  # a flood of forged peers must not grow our memory
        self.last[key] = (now, 0)
        more = f" ({swallowed} more like this since)" if swallowed else ""
        self.info(f"{text}{more}")
        return True

    def trouble(self, error: BaseException) -> None:
        """A mistake of ours, with its place: a line for every second it goes on."""
        place = _place(error)
        self.limited(
            ("trouble", place), f"internal error at {place}: {type(error).__name__}: {error}"
        )


def _place(error: BaseException) -> str:
    """The file and the line in which an exception was raised."""
    at = error.__traceback__
    if at is None:
        return "an unknown place"
    while at.tb_next is not None:
        at = at.tb_next
    return f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}"


def handlers(console: bool, facility: int | None, json_lines: bool = False) -> list[LogHandler]:
    """Where a Log writes: standard output, if asked for, and a facility of syslog, if any."""
    found: list[LogHandler] = []
    if console:
        found.append(Console(sys.stdout, as_json if json_lines else dated))
    if facility is not None and os.path.exists(SYSLOG):
        found.append(Syslog(SYSLOG, facility))
    return found
