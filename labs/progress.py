"""What the learner answered and tried: remembered by the kernel, and kept in the learner's folder.

    $LAB_WORK/progress.jsonl      one JSON object a line, only ever appended to
    {"t": 1735689600.1, "lesson": "07-failover", "kind": "prediction", "item": "For how long ...",
     "answer": 3.1}

    kind          item             with
    begin         the lesson
    prediction    the question     answer
    verdict       the question     answer, measured, passed: whether the two agree
    check         the challenge    passed
    quiz          the question     answer, passed
    catch-up      the section      passed: whether the lab was brought to its start
    answer        the task         answer; in an exam (labs.exam)

In an exam, for which a teacher has put .exam.json into the folder, every line is sealed
(`labs.sealing`), so that a changed or a lost one shows.

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
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from labs import jsonlines, sealing
from labs.errors import LabError
from labs.lesson_names import are_the_same

Answer = str | float
VARIABLE, FILE = "LAB_WORK", "progress.jsonl"
# What is different from learner to learner is made of this file's text.
SEED = ".seed"
# What a teacher hands out for an exam.
EXAM = ".exam.json"
SEAL = "seal"  # the field of a line that is not the entry's


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

    def fields(self) -> dict[str, Any]:
        """As a JSON object, without what is not known."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def line(self) -> str:
        """As a line of the file."""
        return _line(self.fields())


def _line(fields: dict[str, Any]) -> str:
    return json.dumps(fields, ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True)
class Exam:
    """An exam as a learner's folder has it; `begins` and `ends` in Unix seconds.

    `key` seals the lines, `numbers` are the learner's own.
    """

    title: str
    learner: str
    key: bytes
    begins: float
    ends: float
    numbers: dict[str, int]


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
        # Empty: the disk was full when it was made.
        return (file.parent / SEED).read_text() or str(file)
    except (OSError, UnicodeDecodeError):
        return str(file)


def exam() -> Exam | None:
    """The exam in the learner's folder; None if there is none.

    Raises LabError if the file is damaged.
    """
    file = path()
    if file is None:
        return None
    place = file.parent / EXAM
    try:
        found = json.loads(jsonlines.whole(place))
        return Exam(
            str(found["title"]),
            str(found["learner"]),
            bytes.fromhex(found["key"]),
            float(found["begins"]),
            float(found["ends"]),
            {str(name): int(value) for name, value in found["numbers"].items()},
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise LabError(f"{place} is damaged: the teacher has to hand out the exam again") from None


def read(file: Path, bad: jsonlines.Bad = lambda _number, _why: None) -> Iterator[Entry]:
    """The entries of a file in their order; for a line that is none, `bad(number, why)` is called.

    Raises OSError if the file cannot be read.
    """
    for number, fields in jsonlines.read(file, bad):
        try:
            yield entry(fields)
        except ValueError as error:
            bad(number, str(error))


def entry(fields: Mapping[str, Any]) -> Entry:
    """The entry with these fields, without its seal.

    Raises ValueError that names the first field that is not ours.
    """
    fields = {name: value for name, value in fields.items() if name != SEAL}
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
        """What is known of one item of the present lesson, oldest first.

        Of that lesson under an earlier name, too.
        """
        return [
            each
            for each in self._all()
            if (each.kind, each.item) == (kind, item) and are_the_same(each.lesson, self.lesson)
        ]

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
        made = Entry(time.time(), self.lesson, kind, item, answer, measured, passed)
        known.append(made)
        file = path()
        if file is None:
            return
        try:
            _append(file, made.fields(), self._key())
        except OSError as error:
            self._warn(f"your progress is not kept: {file}: {error.strerror or error}")

    def _key(self) -> bytes | None:
        """What seals a line; None outside of an exam."""
        try:
            found = exam()
        except LabError as error:
            self._warn(f"what you do now is kept without a seal: {error}")
            return None
        return found.key if found else None

    def _warn(self, sentence: str) -> None:
        if not self._warned:
            self._warned = True
            print(sentence, file=sys.stderr)

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


def _append(file: Path, fields: dict[str, Any], key: bytes | None) -> None:
    """Adds a line in one write, so that two lessons may do so at once; sealed, if there is a key.

    Raises OSError, also where something else than a file has taken the place.
    """
    if file.exists() and not file.is_file():
        raise OSError(errno.EINVAL, "Not a regular file", str(file))
    with file.open("ab+", buffering=0) as stream:
        if key is not None:
            fields = _sealed(file, stream, fields, key)
        line = _line(fields)
        size = stream.seek(0, os.SEEK_END)
        if size:
            stream.seek(size - 1)
            if stream.read(1) != b"\n":
                line = "\n" + line
        data = line.encode()
        if stream.write(data) < len(data):
            if key is not None:  # half a line would look like one that was edited
                stream.truncate(size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))


def _sealed(file: Path, stream: IO[bytes], fields: dict[str, Any], key: bytes) -> dict[str, Any]:
    """The fields with a seal that follows the last one of the file, which is locked from now on."""
    import fcntl  # a browser has none, and no exam

    fcntl.flock(stream, fcntl.LOCK_EX)
    lines = (line for _, line in jsonlines.read(file, lambda _number, _why: None))
    return sealing.sealed(fields, key, sealing.head(lines), *sealing.running())


memory = Memory()
