r"""Files -> logical lines, in keepalived's order of doing things.

    physical line  ->  @ID kept or not  ->  $NAME= remembered  ->  ~SEQ, ~LST, $NAME replaced
                   ->  comment cut  ->  include followed
                   ->  braces on lines of their own  ->  words

keepalived's VRRP process reads a copy of the file that its parent has already replaced and
unescaped. So in every block but `global_defs` comments are cut twice, and `auth_pass a\#b` means
`a`. We do the same, or two machines with one file would not share a password, but we say so.

A file that includes itself is an error. Nothing here raises: problems go to the Reporter.
"""

from __future__ import annotations

import os

from vrrpd.config import include
from vrrpd.config.definitions import DEFINITION, Definitions
from vrrpd.config.diagnostics import Reporter, Severity
from vrrpd.config.lexer import (
    FIRST_BLANK,
    Line,
    after_first_word,
    cut_comment,
    split_braces,
    split_words,
)
from vrrpd.config.text import SourceLine, Traced

LINE_BYTES = 1023  # keepalived reads lines into a buffer of 1024
MAX_FILES = 2000
MAX_NESTING = 50
MAX_LINES = 500_000


class Reader:
    """Reads one configuration. `lines` grows as files are read."""

    def __init__(self, report: Reporter, config_id: str) -> None:
        self.lines: list[Line] = []
        self._report = report
        self._config_id = config_id
        self._definitions = Definitions(config_id, report)
        self._collecting: tuple[str, list[str]] | None = None
        self._include_check: frozenset[str] = frozenset()
        self._open: list[str] = []  # real paths of the files being read
        self._files = 0
        self._full = False
        self._depth = 0
        self._root = ""  # the keyword whose root block is open
        self._last = ""

    def read_main(self, path: str) -> None:
        """Read the file the daemon was given; a fatal diagnostic if that cannot be."""
        problem = include.unreadable(path)
        if problem and not problem.endswith("skipped"):
            self._report.at("fatal", None, problem, missing_file=True)
            return
        if problem and not os.path.isfile(path):
            message = problem.replace("; skipped", "")
            self._report.at("fatal", None, message, missing_file=True)
            return
        self._read_path(path, fatal=True)

    def read_text(self, data: bytes, name: str, directory: str) -> None:
        """Read `data` as the content of a file called `name`."""
        data_lines = data.split(b"\n")
        if not data_lines[-1]:
            data_lines.pop()
        for number, raw in enumerate(data_lines, 1):
            if len(self.lines) > MAX_LINES:
                if not self._full:
                    self._report.at("fatal", None, f"more than {MAX_LINES} lines")
                self._full = True
                return
            for piece in self._physical(raw, name, number):
                self._line(piece, directory)
        if self._collecting and len(self._open) <= 1:
            self._report.at("error", None, f"${self._collecting[0]}= has no last line")

    def _read_path(self, path: str, *, fatal: bool) -> None:
        real = os.path.realpath(path)
        try:
            data = include.read(path)
        except OSError as error:
            message = f"cannot read '{path}': {error.strerror}"
            self._report.at("fatal" if fatal else "error", None, message, missing_file=True)
            return
        self._open.append(real)
        self.read_text(data, path, os.path.dirname(real))
        self._open.pop()

    def _physical(self, raw: bytes, name: str, number: int) -> list[SourceLine]:
        """The line, in pieces if it does not fit keepalived's buffer."""
        raw, nul, _ = raw.partition(b"\0")
        pieces = [raw[at : at + LINE_BYTES] for at in range(0, len(raw), LINE_BYTES)]
        lines = [
            SourceLine(name, number, piece.decode("utf-8", "replace").rstrip("\r"))
            for piece in pieces
        ]
        if nul:
            where = lines[0] if lines else SourceLine(name, number, "")
            self._report.at("warning", where, "a NUL byte ends this line")
        if len(lines) > 1:
            self._report.at(
                "warning",
                lines[0],
                f"line longer than {LINE_BYTES} bytes: the rest counts as a line of its own",
            )
        return lines

    def _line(self, source: SourceLine, directory: str) -> None:
        text = self._conditional(Traced.of(source).strip())
        if text is None:
            return
        if self._collecting is not None:
            self._collect(text.text)
            return
        found = DEFINITION.fullmatch(text.text)
        if found:
            self._collecting = (found[1], [])
            self._collect(found[2])
            return
        # A comment in a definition is part of it and cut where the name is used.
        if "$" in text.text:
            text = self._without_comment(text, unescape=False)
        plain = "$" not in text.text and text.text[:1] != "~"
        for one in [text] if plain else self._definitions.expand(text, directory):
            self._expanded(one, directory)

    def _conditional(self, text: Traced) -> Traced | None:
        if not text.text.startswith("@"):
            return text
        end = text.find(FIRST_BLANK)
        name = text.text[1:end]
        negated = name.startswith("^")
        matches = (name[1:] if negated else name) == self._config_id
        return text.part(end).strip() if matches != negated else None

    def _collect(self, text: str) -> None:
        assert self._collecting is not None
        name, lines = self._collecting
        more = text.endswith("\\")
        lines.append(text[:-1].rstrip() if more else text)
        if not more:
            whole = lines if len(lines) == 1 else [line for line in lines if line.strip()]
            self._definitions.define(name, whole or [""])
            self._collecting = None

    def _expanded(self, text: Traced, directory: str) -> None:
        text = self._without_comment(text)
        words = text.text.split(None, 1)
        if words and words[0] in include.CHECKS and len(words) == 2:
            return self._include(words[0], words[1].strip(), text, directory)
        if self._depth and self._root != "global_defs":
            text = self._without_comment(text)
        for piece in split_braces(text):
            line_words, unterminated = split_words(piece)
            if unterminated:
                message = "this quote never ends; line ignored"
                self._report.at("error", unterminated, message, expected='a closing "')
                continue
            if line_words:
                self._emit(Line(tuple(line_words), after_first_word(piece), piece.source))

    def _without_comment(self, text: Traced, *, unescape: bool = True) -> Traced:
        kept, cut = cut_comment(text, unescape=unescape)
        if cut:
            self._report.at(
                "warning",
                cut,
                f"'{cut.text[:1]}' begins a comment even inside a word: the value ends here",
                expected="double quotes around the value if the character belongs to it",
            )
        return kept.strip()

    def _emit(self, line: Line) -> None:
        self.lines.append(line)
        if line.is_open:
            if self._depth == 0:
                self._root = self._last
            self._depth += 1
        elif line.is_close:
            self._depth = max(0, self._depth - 1)
        else:
            self._last = line.words[0].text
            if self._last == "include_check":
                self._change_include_check([word.text for word in line.words[1:]])
            elif self._last == "random_seed" and len(line.words) > 1:
                self._definitions.seed(line.words[1].text)

    def _change_include_check(self, words: list[str]) -> None:
        if not words:
            self._include_check = include.CHECKS["includea"]
        elif not any(word[0:1] in ("+", "-") for word in words):
            self._include_check = frozenset(words)
        for word in words:
            if word.startswith("+"):
                self._include_check |= {word[1:]}
            elif word.startswith("-"):
                self._include_check -= {word[1:]}

    def _include(self, keyword: str, pattern: str, text: Traced, directory: str) -> None:
        strict = self._include_check if keyword == "include" else include.CHECKS[keyword]
        name = text.word(text.text.index(pattern, len(keyword)), len(text))
        paths, problems = include.find(pattern, directory)
        for problem in problems:
            fatal = problem.kind in strict
            mild = problem.kind == "wildcard_match"
            severity: Severity = "fatal" if fatal else "warning" if mild else "error"
            self._report.at(severity, name, problem.message, missing_file=fatal)
        for path in paths:
            self._files += 1
            if os.path.realpath(path) in self._open:
                self._report.at("error", name, f"'{path}' includes itself; ignored here")
            elif len(self._open) >= MAX_NESTING or self._files > MAX_FILES:
                self._report.at("error", name, f"too many includes; '{path}' ignored")
            else:
                self._read_path(path, fatal="read" in strict)
