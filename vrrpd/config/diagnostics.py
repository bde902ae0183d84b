"""What is wrong with a configuration, where, and what was expected instead.

    keepalived.conf:12:9: error: unknown keyword 'virtual_router_idd' (in vrrp_instance VI_1)
                virtual_router_idd 51
                ^^^^^^^^^^^^^^^^^^  did you mean 'virtual_router_id'?

| severity | meaning                                                     | `-t` exits with |
|----------|-------------------------------------------------------------|-----------------|
| note     | understood, but this version does nothing with it           | 0               |
| warning  | in effect, but probably not what was meant                  | 0               |
| error    | ignored as written, as keepalived would; the daemon runs    | 4               |
| fatal    | there is no configuration to run; raised as `ConfigError`   | 2, or 6         |

Exit status 6 is keepalived's "no configuration": the file, or one it must include, is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from vrrpd.config.source_text import SourceLine, Word
from vrrpd.config.values import SourceLocation
from vrrpd.record import Record

Severity = Literal["note", "warning", "error", "fatal"]

EXIT_OK = 0
EXIT_CONFIG = 2  # keepalived's KEEPALIVED_EXIT_CONFIG
EXIT_ERRORS = 4
EXIT_NO_CONFIG = 6  # keepalived's KEEPALIVED_EXIT_NO_CONFIG

MOST_SHOWN = 20  # messages about one configuration, the likely causes first
MOST_KEPT = 1000  # the others are only counted

# What may be a secret, be its keyword misspelt: `auth_pass 1111`, `key 1 hex:00..`.
# It begins with a literal: `\S*` before it would take a square of the time for a long word.
# Not compiled until there is a message.
_SECRET = r"(?i)((?:pass\w*\s+|key(?!\w*pass)\w*\s+(?:\d{1,3}\s+(?=\S))?))(.*)"


class Diagnostic(Record):
    """One message about one place. `line` and `column` count from 1; 0 means "none"."""

    severity: Severity
    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    length: int = 0
    expected: str = ""
    suggestion: str = ""
    source_line: str = ""
    missing_file: bool = False
    cause: bool = False  # others probably follow from it
    follows: bool = False  # it probably follows from others
    others: int = 0  # so many messages that are not kept; it has no text of its own

    def render(self) -> str:
        """The message as text, with the offending words underlined where they are known."""
        place = self.file
        if self.line:
            place += f":{self.line}"
            if self.column:
                place += f":{self.column}"
        head = f"{place}: " if place else ""
        lines = [f"{head}{self.severity}: {self.message}"]
        hints = []
        if self.suggestion:
            hints.append(f"did you mean '{self.suggestion}'?")
        if self.expected:
            hints.append(f"expected {self.expected}")
        if self.column and self.source_line:
            lines.append("    " + self.source_line)
            under = _underline(self.source_line, self.column, self.length)
            lines.append("  ".join(["    " + under, *hints]))
        elif hints:
            lines.append("    " + "; ".join(hints))
        return "\n".join(lines)

    __str__ = render


def _underline(source: str, column: int, length: int) -> str:
    before = source[: column - 1]
    marked = source[column - 1 : column - 1 + max(length, 1)] or " "
    gap = "".join("\t" if char == "\t" else " " * _width(char) for char in before)
    return gap + "^" * sum(_width(char) for char in marked)


def _width(char: str) -> int:
    """Columns that a terminal gives to `char`."""
    import unicodedata

    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


class ConfigError(Exception):
    """There is no configuration to run.

    Carries every diagnostic, not only the fatal ones; as text the first twenty, causes first.
    """

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(shown(_causes_first(self.diagnostics))))

    def __reduce__(self) -> tuple[type[ConfigError], tuple[tuple[Diagnostic, ...]]]:
        """How it is pickled: made again of its diagnostics."""
        return type(self), (self.diagnostics,)

    @property
    def exit_status(self) -> int:
        """2, or 6 if a file is missing."""
        return exit_status(self.diagnostics)


def shown(diagnostics: Sequence[Diagnostic]) -> list[str]:
    """Twenty messages as text, the likely causes, and how many there are besides."""
    kept = [one for one in diagnostics if not one.others]
    if len(kept) > MOST_SHOWN:
        kept = _causes_first(kept)
    more = len(kept[MOST_SHOWN:]) + sum(one.others for one in diagnostics)
    lines = [one.render() for one in kept[:MOST_SHOWN]]
    return [*lines, f"and {more} more"] if more else lines


def _causes_first(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The likely causes before what follows from them, and before what is no mistake."""

    def rank(one: Diagnostic) -> int:
        if one.cause:
            return 0
        if one.severity in ("error", "fatal"):
            return 2 if one.follows else 1
        return 3

    return sorted(diagnostics, key=rank)


def exit_status(diagnostics: Iterable[Diagnostic]) -> int:
    """The exit status of `-t` for these diagnostics (see the table above)."""
    found = list(diagnostics)
    if any(one.missing_file for one in found if one.severity == "fatal"):
        return EXIT_NO_CONFIG
    severities = {one.severity for one in found}
    if "fatal" in severities:
        return EXIT_CONFIG
    return EXIT_ERRORS if "error" in severities else EXIT_OK


def nearest(word: str, known: Iterable[str]) -> str:
    """The known keyword most like `word`, or ""."""
    from difflib import get_close_matches  # takes longer to import than to read a small file

    from vrrpd.config.lookalikes import plain

    candidates = list(known)
    word = plain(word).strip(" ").partition(" ")[0]
    if word in candidates:
        return word
    folded = {name.lower(): name for name in candidates}
    if word.lower() in folded:
        return folded[word.lower()]
    close = get_close_matches(word[:64], candidates, n=1, cutoff=0.75)
    return close[0] if close else ""


class Reporter:
    """Collects diagnostics in the order in which they are found."""

    def __init__(self) -> None:
        self._found: list[Diagnostic] = []
        self._noted: set[str] = set()
        self._severities: set[Severity] = set()
        self._others = 0

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self._found)

    @property
    def full(self) -> bool:
        """Whether further messages are only counted: then they need not be good ones."""
        return len(self._found) >= MOST_KEPT

    def in_order(self) -> tuple[Diagnostic, ...]:
        """File by file as first met, line by line."""
        files: dict[str, int] = {}
        for one in self._found:
            files.setdefault(one.file, len(files))
        found = sorted(self._found, key=lambda one: (files[one.file], one.line))
        rest = [Diagnostic("note", f"and {self._others} more", others=self._others)]
        return (*found, *(rest if self._others else []))

    def at(
        self,
        severity: Severity,
        where: Word | SourceLine | SourceLocation | None,
        message: str,
        *,
        expected: str = "",
        suggestion: str = "",
        missing_file: bool = False,
        cause: bool = False,
        follows: bool = False,
    ) -> None:
        """Report `message` at a word, a line, or a place of which only the line is known."""
        if self.full and severity in self._severities:
            self._others += 1
            return
        self._severities.add(severity)
        column = length = 0
        source = ""
        if isinstance(where, Word):
            column, length = where.column, where.length
            where = where.source
        if isinstance(where, SourceLine):
            source = re.sub(_SECRET, lambda found: found[1] + "*" * len(found[2]), where.text)
        self._found.append(
            Diagnostic(
                severity=severity,
                message=_printable(message),
                file=where.file if where else "",
                line=where.line if where else 0,
                column=column,
                length=length,
                expected=expected,
                suggestion=suggestion,
                source_line=_printable(source),
                missing_file=missing_file,
                cause=cause,
                follows=follows,
            )
        )

    def note_once(self, key: str, where: Word | SourceLine, message: str) -> None:
        """Report a note, unless one with the same key has been reported."""
        if key not in self._noted:
            self._noted.add(key)
            self.at("note", where, message)


def _printable(text: str) -> str:
    """`text` without what would upset a terminal, each character still one character."""
    return "".join(
        char if char == "\t" or char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text
    )
