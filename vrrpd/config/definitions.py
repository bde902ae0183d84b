r"""`$NAME`, `~SEQ`, `~LST`: text that stands for other text.

    $VIP=192.168.1.10            one line; used as $VIP or ${VIP}
    $COMMON=\                    several lines; used alone at the end of a line,
        advert_int 1 \           each stored line becoming a line of its own
        priority 100
    ~SEQ(i,1,3) 192.168.1.$i     repeated with i = 1, 2, 3
    ~LST({a,b},{1,2},{3,4}) ${a}.${b}

Replacement is late: a value may name what is defined, or counted through, only where it is used.
The names of a `~SEQ` and `~LST` are ordinary definitions, and keep their last value afterwards.
An undefined name stays as it is, with a warning from us.
keepalived 2.2.7 hangs on a name defined by itself; here it is an error.
"""

from __future__ import annotations

import os
import re
from functools import cached_property
from itertools import zip_longest
from typing import TYPE_CHECKING

from vrrpd.config.diagnostics import Reporter, Severity
from vrrpd.config.source_text import SourceText
from vrrpd.record import Record

if TYPE_CHECKING:
    from random import Random

# Not compiled until a line needs one: that takes longer than to read a small file.
DEFINITION = r"\$([A-Za-z_][A-Za-z0-9_]*)=[ \t]*(.*)"
GENERATORS = ("~SEQ", "~LST")
_REFERENCE = r"\$\{([^{}]*)\}|\$([A-Za-z_][A-Za-z0-9_]*)(?=[ \t,)]|$)"
_GENERATOR = r"~(SEQx?|LST)[ \t]*\("
_NUMBER = r"[+-]?(?:0[xX][0-9a-fA-F]{1,12}|[0-9]{1,12})"
_GROUP = r"[ \t]*(?:\{([^{}()]*)\}|([^,{}()]*))[ \t]*([,)])"
MAX_LENGTH = 64 * 1024
MAX_REPEATS = 10_000
MAX_DEPTH = 100


class Definition(Record):
    """What a name stands for; `several` if it was written over several lines, with backslashes."""

    lines: tuple[str, ...]
    several: bool = False


class Definitions:
    """The names defined so far, and the replacing of them."""

    def __init__(self, config_id: str, report: Reporter) -> None:
        self._values: dict[str, Definition] = {}
        self._config_id = config_id
        self._report = report
        self._left = MAX_REPEATS

    @cached_property
    def _random(self) -> Random:
        """Numbers for `_RANDOM`, which hardly any file asks for."""
        import random

        return random.Random()

    def define(self, name: str, definition: Definition) -> None:
        """Give a name its meaning from here on."""
        self._values[name] = definition

    def seed(self, number: str) -> None:
        """`random_seed`."""
        self._random.seed(number)

    def begin(self) -> None:
        """The next line of a file: it may stand for so many lines, but not for ever more."""
        self._left = MAX_REPEATS

    def endless(self, line: SourceText, depth: int = 0) -> bool:
        """Whether what a line stands for has no end, which is reported once."""
        if self._left < 0:
            return True
        self._left -= 1
        if self._left < 0 or len(line) > MAX_LENGTH or depth > MAX_DEPTH:
            self._left = -1
            message = "definitions grow without end; line ignored"
            self._report.at("error", line.source, message)
        return self._left < 0

    def replace(
        self, line: SourceText, directory: str
    ) -> tuple[SourceText, list[SourceText]] | None:
        """The line with every name replaced, and the lines that follow it; None: nothing to do.

        What the values name in turn is replaced as well, but not in the lines that follow.
        """
        reference = re.compile(_REFERENCE)
        following: list[SourceText] = []
        replaced = False
        at = 0
        while (found := reference.search(line.text, at)) is not None:
            value = self._lookup(found[1] if found[1] is not None else found[2], directory)
            if value is None or (value.several and found.end() < len(line)):
                at = found.start() + 1
                continue
            if self.endless(line):
                return line.part(0, 0), []
            replaced, at = True, found.start()
            where = line.word(found.start(), found.end())
            columns = where.column
            lines = value.lines or ("",)
            line = line.replace(found.start(), found.end(), lines[0])
            more = [SourceText(one, (columns,) * len(one), line.source) for one in lines[1:]]
            following = more + following
            if lines[0].lstrip(" \t").startswith("~"):
                break
        return (line, following) if replaced else None

    def warn_undefined(self, line: SourceText) -> None:
        """Report the names that are left in a line."""
        for found in re.finditer(_REFERENCE, line.text):
            word = line.word(found.start(), found.end())
            name = found[1] if found[1] is not None else found[2]
            if name in self._values:
                message = f"'${name}' has several lines and must stand at the end of a line"
                self._report.at("error", word, message)
            else:
                severity: Severity = "warning" if found[1] is None else "error"
                self._report.at(severity, word, f"'{found[0]}' is not defined; left as it is")

    def _lookup(self, name: str, directory: str) -> Definition | None:
        if name in self._values:
            return self._values[name]
        text = self._standard(name, directory)
        return None if text is None else Definition((text,))

    def _standard(self, name: str, directory: str) -> str | None:
        """What keepalived defines itself; `_HASH` and `_BANG` are of use in double quotes only."""
        words = name.split()
        if name == "_PWD":
            return directory
        if name == "_INSTANCE":
            return self._config_id
        if name in ("_HASH", "_BANG"):
            return "#" if name == "_HASH" else "!"
        if words[:1] == ["_RANDOM"] and all(word.isdecimal() for word in words[1:]):
            low = int(words[1][:9]) if len(words) > 1 else 0
            high = int(words[2][:9]) if len(words) > 2 else 32767
            return str(self._random.randint(min(low, high), max(low, high)))
        if words[:1] == ["_ENV"] and len(words) == 2:
            return os.environ.get(words[1], "")
        return None

    def generate(self, line: SourceText, directory: str) -> tuple[list[dict[str, str]], SourceText]:
        """What a leading `~SEQ(...)` or `~LST(...)` counts through, and the text to be repeated."""
        head = re.match(_GENERATOR, line.text)
        end = line.text.find(")") if head else -1
        if not head or end < 0:
            return self._misunderstood(line, len(line)), line
        inside = line.part(head.end(), end + 1)
        settings: list[dict[str, str]] | None
        if head[1] == "LST":
            settings = _list(inside.text)
        else:
            name, comma, numbers = inside.text.partition(",")
            replaced = self.replace(inside.part(len(name) + len(comma)), directory)
            numbers = replaced[0].text if replaced else numbers
            settings = _sequence(name.strip(), numbers, head[1] == "SEQx")
        if settings is None:
            settings = self._misunderstood(line, end + 1)
        return settings, line.part(end + 1).strip()

    def _misunderstood(self, line: SourceText, end: int) -> list[dict[str, str]]:
        self._report.at(
            "error",
            line.word(0, end),
            f"cannot understand '{line.text[:end]}'; line ignored",
            expected="~SEQ(name,[start,[step,]]end) or ~LST(name,value,...)",
        )
        return []


def _sequence(name: str, inside: str, hexadecimal: bool) -> list[dict[str, str]] | None:
    texts = [text.strip() for text in inside.rstrip(")").split(",")]
    if not name or "{" in name or not 1 <= len(texts) <= 3:
        return None
    if not all(re.fullmatch(_NUMBER, text) for text in texts):
        return None
    numbers = [_integer(text) for text in texts]
    end = numbers[-1]
    start = numbers[0] if len(numbers) > 1 else (-1 if end < 0 else 1)
    step = numbers[1] if len(numbers) == 3 else (1 if end >= start else -1)
    if step == 0 or (end - start) * step < 0 or (end - start) // step > MAX_REPEATS:
        return None
    if hexadecimal and min(start, end) < 0:
        return None
    values = range(start, end + (1 if step > 0 else -1), step)
    return [{name: f"{value:x}" if hexadecimal else str(value)} for value in values]


def _integer(text: str) -> int:
    """As strtol(3) with base 0: hexadecimal after 0x, octal after 0."""
    sign, digits = (-1 if text[0] == "-" else 1), text.lstrip("+-").lower()
    if digits.startswith("0x"):
        return sign * int(digits, 16)
    octal = len(digits) > 1 and digits[0] == "0" and set(digits) <= set("01234567")
    return sign * int(digits, 8 if octal else 10)


def _list(inside: str) -> list[dict[str, str]] | None:
    """One dictionary for each set of values; values that are missing are empty (keepalived)."""
    group = re.compile(_GROUP)
    parts: list[list[str]] = []
    at = 0
    while at < len(inside):
        found = group.match(inside, at)
        if found is None:
            return None
        text = found[1] if found[1] is not None else found[2]
        parts.append([word.strip() for word in text.split(",")])
        at = found.end()
    names, rows = parts[0], parts[1:]
    if not rows or not all(names) or any(len(row) > len(names) for row in rows):
        return None
    if any(re.search(r"\s", word) for part in parts for word in part):
        return None
    return [dict(zip_longest(names, row, fillvalue="")) for row in rows]
