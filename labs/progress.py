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
A line that was half written when the power went is skipped; the next line starts after it.
A lesson goes on when the folder is full or gone: that is worth a line of warning, no more.
"""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import re
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from labs import jsonlines

Answer = str | float
VARIABLE, FILE = "LAB_WORK", "progress.jsonl"
# What is different from learner to learner is made of this file's text.
SEED = ".seed"


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


def seed() -> str:
    """A text of the learner's own, made once and kept in the folder; without one it is empty."""
    file = path()
    if file is None:
        return ""
    try:
        with suppress(FileExistsError), (file.parent / SEED).open("x") as made:
            made.write(secrets.token_hex(8))
        return (file.parent / SEED).read_text()
    except (OSError, UnicodeDecodeError):
        return str(file)


def read(file: Path, bad: jsonlines.Bad = lambda _number, _why: None) -> Iterator[Entry]:
    """The entries of a file in their order; for a line that is none, `bad(number, why)` is called.

    Raises OSError if the file cannot be read.
    """
    for number, fields in jsonlines.read(file, bad):
        try:
            yield _entry(fields)
        except ValueError as error:
            bad(number, str(error))


def _entry(fields: dict[str, Any]) -> Entry:
    """The entry with these fields.  Raises ValueError that names the first that is not ours."""
    known = {field.name: field for field in dataclasses.fields(Entry)}
    for name in known.keys() - fields.keys():
        if known[name].default is dataclasses.MISSING:
            raise ValueError(f"{name!r} is missing")
    for name, value in fields.items():
        if name not in known:
            raise ValueError(f"{name[:40]!r} is not a field of ours")
        if not _FITS[name](value):
            raise ValueError(f"{name!r} cannot be {json.dumps(value)[:40]}")
    return Entry(**fields)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not re.search(r"[\ud800-\udfff]", value)


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and abs(value) < sys.float_info.max  # type: ignore[arg-type]


def _is_answer(value: object) -> bool:
    return value is None or _is_text(value) or _is_number(value)


_FITS: dict[str, Callable[[object], bool]] = {
    "t": _is_number,
    "lesson": _is_text,
    "kind": _is_text,
    "item": _is_text,
    "answer": _is_answer,
    "measured": _is_answer,
    "passed": lambda value: value is None or isinstance(value, bool),
}


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
                why = error.strerror or error
                print(f"your progress is not kept: {file}: {why}", file=sys.stderr)

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
    """Adds a line in one write, so that two lessons may do so at once.

    Raises OSError, also where something else than a file has taken the place.
    """
    if file.exists() and not file.is_file():
        raise OSError(errno.EINVAL, "Not a regular file", str(file))
    with file.open("ab+", buffering=0) as stream:
        size = stream.seek(0, os.SEEK_END)
        if size:
            stream.seek(size - 1)
            if stream.read(1) != b"\n":
                line = "\n" + line
        stream.write(line.encode())


memory = Memory()
