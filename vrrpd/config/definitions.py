r"""`$NAME`, `~SEQ`, `~LST`: text that stands for other text.

    $VIP=192.168.1.10            one line; used as $VIP or ${VIP}
    $COMMON=\                    several lines; used alone at the end of a line,
        advert_int 1 \           each stored line becoming a line of its own
        priority 100
    ~SEQ(i,1,3) 192.168.1.$i     repeated with i = 1, 2, 3
    ~LST({a,b},{1,2},{3,4}) ${a}.${b}

Replacement is late and recursive; an undefined name stays as it is, with a warning from us.
keepalived 2.2.7 hangs on a name defined by itself; here it is an error.
"""

from __future__ import annotations

import os
import random
import re

from vrrpd.config.diagnostics import Reporter, Severity
from vrrpd.config.text import Traced

DEFINITION = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)=(.*)")
_REFERENCE = re.compile(r"\$\{([^{}]*)\}|\$([A-Za-z_][A-Za-z0-9_]*)(?=[ \t,)]|$)")
_GENERATOR = re.compile(r"~(SEQx?|LST)\(")
MAX_DEPTH = 100
MAX_LENGTH = 64 * 1024
MAX_REPEATS = 10_000


class Definitions:
    """The names defined so far, and the replacing of them."""

    def __init__(self, config_id: str, report: Reporter) -> None:
        self._values: dict[str, list[str]] = {}
        self._config_id = config_id
        self._report = report
        self._random = random.Random()

    def define(self, name: str, lines: list[str]) -> None:
        """`lines` has one element for an ordinary definition, more for a multi-line one."""
        self._values[name] = lines

    def seed(self, number: str) -> None:
        """`random_seed`."""
        self._random.seed(number)

    def expand(self, line: Traced, directory: str) -> list[Traced]:
        """Every line that `line` stands for, fully replaced."""
        done: list[Traced] = []
        budget = [MAX_REPEATS]
        self._expand(line, directory, 0, done, budget)
        return done

    def _expand(
        self, line: Traced, directory: str, depth: int, done: list[Traced], budget: list[int]
    ) -> None:
        budget[0] -= 1
        if depth > MAX_DEPTH or len(line) > MAX_LENGTH or budget[0] < 0:
            if budget[0] > -MAX_REPEATS:
                self._report.at("error", line.source, "definitions grow without end; line ignored")
            budget[0] = -MAX_REPEATS
            return
        if line.text.lstrip().startswith("~"):
            made = self._generate(line.strip())
            if made is not None:
                for one in made:
                    self._expand(one, directory, depth + 1, done, budget)
                return
        for found in _REFERENCE.finditer(line.text):
            name = found[1] if found[1] is not None else found[2]
            lines = self._lookup(name, directory)
            if lines is None:
                continue
            if len(lines) == 1:
                replaced = line.replace(found.start(), found.end(), lines[0])
                return self._expand(replaced, directory, depth + 1, done, budget)
            if line.text[found.end() :].strip():
                self._report.at(
                    "error",
                    line.word(found.start(), found.end()),
                    f"'${name}' has several lines and must stand at the end of a line",
                )
                return
            heads = [line.part(0, found.start()).text + lines[0], *lines[1:]]
            for text in heads:
                one = line.replace(0, len(line), text)
                self._expand(one, directory, depth + 1, done, budget)
            return
        done.append(self._warn_undefined(line))

    def _warn_undefined(self, line: Traced) -> Traced:
        for found in _REFERENCE.finditer(line.text):
            if found[1] is not None or found[2] is not None:
                word = line.word(found.start(), found.end())
                severity: Severity = "warning" if found[1] is None else "error"
                self._report.at(severity, word, f"'{found[0]}' is not defined; left as it is")
        return line

    def _lookup(self, name: str, directory: str) -> list[str] | None:
        if name in self._values:
            return self._values[name]
        words = name.split()
        if name == "_PWD":
            return [directory]
        if name == "_INSTANCE":
            return [self._config_id]
        if name in ("_HASH", "_BANG"):
            return ["\\#" if name == "_HASH" else "\\!"]  # escaped: no comment begins here
        if words[:1] == ["_RANDOM"] and all(word.isdecimal() for word in words[1:]):
            low = int(words[1][:9]) if len(words) > 1 else 0
            high = int(words[2][:9]) if len(words) > 2 else 32767
            return [str(self._random.randint(min(low, high), max(low, high)))]
        if words[:1] == ["_ENV"] and len(words) == 2:
            return [os.environ.get(words[1], "")]
        return None

    def _generate(self, line: Traced) -> list[Traced] | None:
        """The lines that a leading `~SEQ(...)` or `~LST(...)` makes, or None if it is not one."""
        head = _GENERATOR.match(line.text)
        end = line.text.find(")") if head else -1
        if not head or end < 0:
            return None
        inside = line.text[head.end() : end]
        settings = _list(inside) if head[1] == "LST" else _sequence(inside, head[1] == "SEQx")
        if settings is None:
            self._report.at(
                "error",
                line.word(0, end + 1),
                f"cannot understand '{line.text[: end + 1]}'; line ignored",
                expected="~SEQ(name,[start,[step,]]end) or ~LST(name,value,...)",
            )
            return []
        body = line.part(end + 1).strip()
        return [_assign(body, setting) for setting in settings]


def _sequence(inside: str, hexadecimal: bool) -> list[dict[str, str]] | None:
    name, *texts = (part.strip() for part in inside.split(","))
    try:
        numbers = [int(text[:12], 0) for text in texts]
    except ValueError:
        return None
    if not name or not 1 <= len(numbers) <= 3:
        return None
    end = numbers[-1]
    start = numbers[0] if len(numbers) > 1 else (-1 if end < 0 else 1)
    step = numbers[1] if len(numbers) == 3 else (1 if end >= start else -1)
    if step == 0 or abs((end - start) // step) > MAX_REPEATS:
        return None
    values = range(start, end + (1 if step > 0 else -1), step)
    return [{name: f"{value:x}" if hexadecimal else str(value)} for value in values]


def _list(inside: str) -> list[dict[str, str]] | None:
    groups = re.findall(r"\s*(?:\{([^}]*)\}|([^,{}]+))\s*(?:,|$)", inside)
    parts = [[word.strip() for word in (many or one).split(",")] for many, one in groups]
    if len(parts) < 2:
        return None
    names, *rows = parts
    if not all(names) or any(len(row) != len(names) for row in rows):
        return None
    return [dict(zip(names, row, strict=True)) for row in rows]


def _assign(line: Traced, setting: dict[str, str]) -> Traced:
    for name, value in setting.items():
        plain = re.escape(name)
        pattern = re.compile(rf"\$\{{{plain}\}}|\${plain}(?=[ \t,)]|$)")
        for found in reversed(list(pattern.finditer(line.text))):
            line = line.replace(found.start(), found.end(), value)
    return line
