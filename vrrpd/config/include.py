"""`include PATTERN` and its stricter relatives: which files, and what is wrong with them.

| keyword  | a message only, or the end of everything (exit 6), when                        |
|----------|--------------------------------------------------------------------------------|
| include  | always a message only (`include_check` may change that)                        |
| includer | "read": a file cannot be read, is a directory or executable                    |
| includem | as r, and "match": no file matches a name without wildcards                    |
| includew | as m, and "wildcard_match": a wildcard matches nothing                         |
| includeb | "brace_match": some element of a {a,b} list matches nothing                    |
| includea | all of these                                                                   |

Names are relative to the directory of the file that includes them. Quotes are part of the name.
"""

from __future__ import annotations

import os
import stat
from itertools import pairwise

from vrrpd.record import Record

CHECKS: dict[str, frozenset[str]] = {
    "include": frozenset(),
    "includer": frozenset({"read"}),
    "includem": frozenset({"read", "match"}),
    "includew": frozenset({"read", "match", "wildcard_match"}),
    "includeb": frozenset({"brace_match"}),
    "includea": frozenset({"read", "match", "wildcard_match", "brace_match"}),
}
MAX_ALTERNATIVES = 1000
MAX_BYTES = 8 << 20  # of all files together


class _Problem(Record):
    """Something wrong with an include; `kind` is one of the checks above."""

    kind: str
    message: str


def find(pattern: str, directory: str) -> tuple[list[str], list[_Problem]]:
    """The files that `pattern` means, sorted as glob(3) does, and what is wrong."""
    import glob

    alternatives = braces(pattern)
    paths: list[str] = []
    problems: list[_Problem] = []
    for one in alternatives:
        full = os.path.join(directory, one)
        matches = sorted(glob.glob(full)) if "\0" not in full else []
        if not matches:
            wild = glob.has_magic(one)
            kind = "brace_match" if len(alternatives) > 1 else "wildcard_match" if wild else "match"
            problems.append(_Problem(kind, f"no file matches '{one}'"))
        for path in matches:
            problem = unreadable(path)
            if problem:
                problems.append(_Problem("read", problem))
            else:
                paths.append(path)
    return paths, problems


def unreadable(path: str) -> str:
    """Why a file is not fit to be included, or ""."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        return f"cannot read '{path}': {getattr(error, 'strerror', error)}"
    if not stat.S_ISREG(mode):
        return f"'{path}' is not a regular file; skipped"
    if mode & 0o111:
        return f"'{path}' is executable, so it is hardly a configuration; skipped"
    return ""


def read(path: str, most: int) -> bytes:
    """The content of a configuration file, but no more than `most` + 1 bytes. Raises OSError."""
    with open(path, "rb") as file:
        return file.read(most + 1)


def braces(pattern: str) -> list[str]:
    """`a{b,c}d` -> abd, acd. Nested lists work; unbalanced braces are ordinary characters."""
    done: list[str] = []
    todo = [pattern]
    while todo and len(done) + len(todo) <= MAX_ALTERNATIVES:
        text = todo.pop(0)
        span = _first_list(text)
        if span is None:
            done.append(text)
            continue
        start, end, commas = span
        edges = [start, *commas, end]
        parts = [text[a + 1 : b] for a, b in pairwise(edges)]
        todo[:0] = [text[:start] + part + text[end + 1 :] for part in parts]
    return done + todo


def _first_list(text: str) -> tuple[int, int, list[int]] | None:
    """Where the first balanced {..} begins and ends, and its own commas."""
    start = text.find("{")
    depth = 0
    commas: list[int] = []
    for index in range(start, len(text)) if start >= 0 else ():
        if text[index] == "{":
            depth += 1
        elif text[index] == "}":
            depth -= 1
            if depth == 0:
                return start, index, commas
        elif text[index] == "," and depth == 1:
            commas.append(index)
    return None
