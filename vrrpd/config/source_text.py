"""Text that remembers where it came from.

A definition is replaced, a comment is cut, a brace is split off: what is left must still be
able to say "line 12, column 9". So each character carries the column it had in the file:

    file     |  priority $PRIO   # 150 |
    text     |priority 150|                       after replacement and cutting
    columns  |3 4 ... 11 12 12 12|                150 points at $PRIO

Text in which nothing has been replaced has a `range` for its columns, which costs nothing to cut.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

BLANK = " \t\f\v\r\n"  # and nothing else: a no-break space belongs to a word


class SourceLine(NamedTuple):
    """A physical line of a file, without its line end. `line` counts from 1."""

    file: str
    line: int
    text: str


class Word(NamedTuple):
    """A word of a logical line. `column` counts from 1 and is where it stands in the file."""

    text: str
    source: SourceLine
    column: int
    length: int  # characters of the file that it covers
    quoted: bool = False


class SourceText:
    """A piece of text with the source column of each of its characters; it never changes."""

    __slots__ = ("columns", "source", "text")

    def __init__(self, text: str, columns: Sequence[int], source: SourceLine) -> None:
        self.text = text
        self.columns = columns
        self.source = source

    @classmethod
    def of(cls, source: SourceLine) -> SourceText:
        return cls(source.text, range(1, len(source.text) + 1), source)

    def __len__(self) -> int:
        return len(self.text)

    def part(self, start: int, end: int | None = None) -> SourceText:
        return SourceText(self.text[start:end], self.columns[start:end], self.source)

    def __add__(self, other: SourceText) -> SourceText:
        columns = (*self.columns, *other.columns)
        return SourceText(self.text + other.text, columns, self.source)

    def strip(self) -> SourceText:
        text = self.text.strip(BLANK)
        if len(text) == len(self.text):
            return self
        start = len(self.text) - len(self.text.lstrip(BLANK))
        return self.part(start, start + len(text))

    def replace(self, start: int, end: int, value: str) -> SourceText:
        """`value` instead of [start:end], all of it pointing at the column of `start`."""
        column = self.columns[start] if start < len(self.columns) else self._end_column
        middle = SourceText(value, (column,) * len(value), self.source)
        return self.part(0, start) + middle + self.part(end)

    @property
    def _end_column(self) -> int:
        return self.columns[-1] + 1 if self.columns else 1

    def word(self, start: int, end: int, *, quoted: bool = False) -> Word:
        """The word [start:end]; an empty one still has a place."""
        if start >= len(self.columns):
            return Word("", self.source, self._end_column, 1, quoted)
        first = self.columns[start]
        last = self.columns[max(start, min(end, len(self.columns)) - 1)]
        return Word(self.text[start:end], self.source, first, max(1, last - first + 1), quoted)

    def find(self, what: re.Pattern[str], start: int = 0) -> int:
        """Index of the first place from `start` on that matches, or the length."""
        found = what.search(self.text, start)
        return found.start() if found else len(self.text)
