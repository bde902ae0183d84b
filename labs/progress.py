"""What the learner answered and tried: remembered by the kernel, and kept in the learner's folder.

    $LAB_WORK/progress.jsonl      one JSON object a line, only ever appended to
    {"t": 1735689600.1, "lesson": "05-failover", "kind": "prediction", "item": "For how long ...",
     "answer": 3.1}

    kind          item             with
    begin         the lesson
    prediction    the question     answer
    verdict       the question     answer, measured, passed: whether the two agree
    check         the challenge    passed
    quiz          the question     answer, passed

`make lab` sets LAB_WORK. Without it nothing is written, and all is forgotten with the kernel.
A line that was half written when the power went is skipped; whoever writes next starts a new one.
A lesson goes on when the folder is full or gone: that is worth a line of warning, no more.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

Answer = str | float
VARIABLE, FILE = "LAB_WORK", "progress.jsonl"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line; `t` is Unix time in seconds, the rest is explained at the top of this module."""

    t: float
    lesson: str
    kind: str
    item: str
    answer: Answer | None = None
    measured: Answer | None = None
    passed: bool | None = None

    def line(self) -> str:
        """As JSON, without what is not known."""
        known = {name: value for name, value in asdict(self).items() if value is not None}
        return json.dumps(known, ensure_ascii=False) + "\n"


def path() -> Path | None:
    """The learner's file; None if LAB_WORK is not set."""
    folder = os.environ.get(VARIABLE)
    return Path(folder, FILE) if folder else None


def read(file: Path) -> Iterator[Entry]:
    """The entries of a file in their order; lines that are none are skipped.

    Raises OSError if the file cannot be read.
    """
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = Entry(**json.loads(line))
        except (ValueError, TypeError, RecursionError):
            continue
        if isinstance(entry.t, int | float) and isinstance(entry.item, str):
            yield entry


def opened() -> str:
    """The lesson whose notebook Jupyter has started this kernel for; empty if it does not say."""
    stem = Path(os.environ.get("JPY_SESSION_NAME", "")).name.partition(".")[0]
    return stem if re.fullmatch(r"\d\d-[\w-]+", stem) else ""


class Memory:
    """What this kernel knows: the entries of the file when it started, and its own since then."""

    def __init__(self) -> None:
        self.lesson = opened()
        self._entries: list[Entry] | None = None
        self._warned = False

    def entries(self, kind: str, item: str) -> list[Entry]:
        """What is known of one item of the present lesson, oldest first."""
        wanted = (self.lesson, kind, item)
        return [e for e in self._all() if (e.lesson, e.kind, e.item) == wanted]

    def note(
        self,
        kind: str,
        item: str,
        answer: Answer | None = None,
        measured: Answer | None = None,
        passed: bool | None = None,
    ) -> None:
        """Remembers an entry for the present lesson, and writes it down if there is a file."""
        known = self._all()  # before the file has this line, or it would be read, too
        entry = Entry(time.time(), self.lesson, kind, item, answer, measured, passed)
        known.append(entry)
        file = path()
        if file is None:
            return
        try:
            _append(file, entry.line())
        except OSError as error:
            if not self._warned:
                self._warned = True
                print(f"your progress is not kept: {file}: {error.strerror}", file=sys.stderr)

    def forget(self) -> None:
        """Starts over, as a new kernel would."""
        self.__init__()  # type: ignore[misc]

    def _all(self) -> list[Entry]:
        if self._entries is None:
            file = path()
            try:
                self._entries = list(read(file)) if file else []
            except OSError:
                self._entries = []
        return self._entries


def _append(file: Path, line: str) -> None:
    """Adds a line in one write, so that two lessons may do so at once."""
    with file.open("ab+", buffering=0) as stream:
        size = stream.seek(0, os.SEEK_END)
        if size:
            stream.seek(size - 1)
            if stream.read(1) != b"\n":
                line = "\n" + line
        stream.write(line.encode())


memory = Memory()
