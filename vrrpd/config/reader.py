r"""Files -> logical lines, in keepalived's order of doing things.

    physical line  ->  comment cut  ->  @ID kept or not  ->  $NAME= remembered
                   ->  ~SEQ and ~LST repeated, $NAME replaced, and each result treated likewise
                   ->  include followed  ->  braces on lines of their own  ->  words

The comment goes first, so it may stand anywhere, also behind a definition or one of its lines.
keepalived's VRRP process reads a copy of the file from which its parent has cut the comments. So in
every block but `global_defs` they are cut twice, and `auth_pass a\#b` means `a`. We do the same, or
two hosts with one file would not share a password, but we say so.

A file that includes itself is an error. Nothing here raises: problems go to the Reporter.
More bytes or lines than the limits below are fatal, because to leave out the rest would leave out
virtual routers; it is found out before a line of the file is looked at.
"""

from __future__ import annotations

import os
import re

from vrrpd.config import include
from vrrpd.config.definitions import DEFINITION, GENERATORS, Definition, Definitions
from vrrpd.config.diagnostics import Reporter, Severity
from vrrpd.config.lexer import (
    FIRST_BLANK,
    LINE_BYTES,
    Line,
    after_first_word,
    continues,
    cut_comment,
    first_piece,
    plain_lines,
    split_words,
)
from vrrpd.config.source_text import SourceLine, SourceText

MAX_FILES = 2000
MAX_NESTING = 50
MAX_LINES = 100_000  # of all files together, and as many when definitions are replaced


class Reader:
    """Reads one configuration. `lines` grows as files are read.

    With `all_files` every file that is included has to be there.
    """

    def __init__(self, report: Reporter, config_id: str, all_files: bool = False) -> None:
        self.lines: list[Line] = []
        self._report = report
        self._config_id = config_id
        self._definitions = Definitions(config_id, report)
        self._collecting: tuple[str, list[str], bool] | None = None  # name, lines, several
        self._include_check = include.CHECKS["includea" if all_files else "include"]
        self._open: list[str] = []  # real paths of the files being read
        self._files = 0
        self._bytes = 0
        self._physical_lines = 0
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
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            where = SourceLine(name, 1, "")
            self._report.at(
                "error",
                where,
                "the file is UTF-16; nothing of it is read",
                cause=True,
                expected="UTF-8 (iconv -f UTF-16 -t UTF-8)",
            )
            return
        self._bytes += len(data)
        self._physical_lines += data.count(b"\n")
        if self._bytes > include.MAX_BYTES:
            return self._too_much(f"{name}: more than {include.MAX_BYTES >> 20} MiB")
        if self._physical_lines > MAX_LINES:
            return self._too_much(f"{name}: more than {MAX_LINES} lines")
        data_lines = data.split(b"\n")
        if not data_lines[-1]:
            data_lines.pop()
        for number, raw in enumerate(data_lines, 1):
            if len(self.lines) > MAX_LINES:
                return self._too_much(f"{name}: more than {MAX_LINES} lines")
            if self._plain(raw, name, number):
                continue
            for piece in self._physical(raw, name, number):
                self._line(piece, directory)
        if self._collecting and len(self._open) <= 1:
            self._report.at("error", None, f"${self._collecting[0]}= has no last line")

    def _too_much(self, what: str) -> None:
        """The configuration is larger than we take; reported once."""
        if not self._full:
            self._report.at("fatal", None, f"{what}, with all that is included", cause=True)
        self._full = True

    def _read_path(self, path: str, *, fatal: bool) -> None:
        real = os.path.realpath(path)
        try:
            data = include.read(path, max(0, include.MAX_BYTES - self._bytes))
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
        pieces = [raw[at : at + LINE_BYTES] for at in range(0, len(raw) or 1, LINE_BYTES)]
        lines = [SourceLine(name, number, _text_of(piece).rstrip("\r")) for piece in pieces]
        inner = next((one for one in lines if "\r" in one.text), None)
        if inner is not None:
            place = SourceText.of(inner).word(inner.text.index("\r"), inner.text.index("\r") + 1)
            self._report.at(
                "warning",
                place,
                f"column {place.column}: a carriage return inside the line",
                cause=True,
                expected="a line feed at the end of each line",
            )
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

    def _plain(self, raw: bytes, name: str, number: int) -> bool:
        """Whether it was a line that needs nothing of what `_line()` does; then it is read."""
        if self._collecting is not None:
            return False
        lines = plain_lines(raw, name, number)
        if lines is None or (lines and lines[0].words[0].text in include.CHECKS):
            return False
        for line in lines:
            self._emit(line)
        return True

    def _line(self, source: SourceLine, directory: str) -> None:
        """One line of a file."""
        self._definitions.begin()
        whole = SourceText.of(source).strip()
        text = self._as_copied(self._without_comment(whole))
        if not text.text.isascii():
            self._name_look_alikes(text)
        defining = "$" in text.text and re.search(DEFINITION, text.text)
        if (self._collecting is not None or defining) and continues(whole.text):
            # A definition goes on in the next line also behind a comment (keepalived up to 2.3.3).
            text = text if continues(text.text) else text + whole.part(len(whole) - 1)
        if self._collecting is None and "$" not in text.text and text.text[:1] not in ("@", "~"):
            if text.text:
                self._expanded(text, directory, 0)
            return
        self._process(text, directory)

    def _name_look_alikes(self, text: SourceText) -> None:
        """One message for each character that is not what it looks like, with all its columns."""
        from vrrpd.config.lookalikes import look_alikes

        columns: dict[str, list[int]] = {}
        for one in look_alikes(text.text):
            columns.setdefault(str(one), []).append(one.index)
        for name, places in columns.items():
            where = ", ".join(str(text.columns[place]) for place in places)
            self._report.at(
                "warning",
                text.word(places[0], places[0] + 1),
                f"column {where}: {name}",
                cause=True,
                expected="what is on the keyboard: type it again",
            )

    def _as_copied(self, text: SourceText) -> SourceText:
        """The line as keepalived's VRRP process reads it, from a copy without comments."""
        inside = self._depth and self._root != "global_defs"
        return self._without_comment(text) if inside else text

    def _process(self, text: SourceText, directory: str, depth: int = 0) -> None:
        """One line, of a file or of what stands for others; it has no comment any more."""
        if self._collecting is not None:
            return self._collect(text.text)
        following: list[SourceText] = []
        while text.text and not self._definitions.endless(text, depth):
            if text.text[0] == "@":
                text = self._conditional(text)
                continue
            found = re.fullmatch(DEFINITION, text.text)
            if found:
                self._collecting = (found[1], [], False)
                self._collect(found[2])
                break
            if text.text.startswith(GENERATORS):
                self._repeat(text, directory, depth)
                break
            name = "$" in text.text and text.text[0] != "~"
            replaced = self._definitions.replace(text, directory) if name else None
            if replaced is None:
                if name:
                    self._definitions.warn_undefined(text)
                self._expanded(text, directory, depth)
                break
            text = self._without_comment(replaced[0])
            following = replaced[1] + following
        for one in following:
            self._process(self._as_copied(one.strip()), directory, depth + 1)

    def _conditional(self, text: SourceText) -> SourceText:
        """What stands behind `@ID`, or nothing if it is not for us."""
        end = text.find(FIRST_BLANK)
        name = text.text[1:end]
        negated = name.startswith("^")
        matches = (name[1:] if negated else name) == self._config_id
        return text.part(end).strip() if matches != negated else text.part(0, 0)

    def _collect(self, text: str) -> None:
        """One line of a definition; it ends with the first line that does not end with `\\`.

        It has several lines, as keepalived counts, only if there is text before the last one.
        """
        assert self._collecting is not None
        name, lines, several = self._collecting
        more = text.endswith("\\")
        several = several and (more or bool(lines))
        text = text[:-1].rstrip(" \t") if more else text
        if text:
            lines.append(text)
        self._collecting = (name, lines, several or more)
        if not more:
            self._definitions.define(name, Definition(tuple(lines), several))
            self._collecting = None

    def _repeat(self, text: SourceText, directory: str, depth: int) -> None:
        """A line that begins with a generator: the rest of it once for each value."""
        settings, body = self._definitions.generate(text, directory)
        for setting in settings:
            for name, value in setting.items():
                self._definitions.define(name, Definition((value,)))
            self._process(body, directory, depth + 1)

    def _expanded(self, text: SourceText, directory: str, depth: int) -> None:
        """A line in which nothing is left to be replaced, up to its first brace; then the rest."""
        end = text.find(FIRST_BLANK)
        if text.text[:end] in include.CHECKS and end < len(text):
            return self._include(text.text[:end], text.part(end).strip().text, text, directory)
        piece, rest = first_piece(text)
        line_words, unterminated = split_words(piece)
        if unterminated:
            message = "this quote never ends; line ignored"
            self._report.at("error", unterminated, message, expected='a closing "')
        elif line_words:
            brace = piece.text if piece.text in ("{", "}") else ""
            self._emit(Line(tuple(line_words), after_first_word(piece), brace))
        if rest.text:
            self._process(rest, directory, depth + 1)

    def _without_comment(self, text: SourceText) -> SourceText:
        kept, cut = cut_comment(text)
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
        if not line.brace:
            self._last = line.words[0].text
            if self._last == "include_check":
                self._change_include_check([word.text for word in line.words[1:]])
            elif self._last == "random_seed" and len(line.words) > 1:
                self._definitions.seed(line.words[1].text)
        elif line.brace == "{":
            if self._depth == 0:
                self._root = self._last
            self._depth += 1
        else:
            self._depth = max(0, self._depth - 1)

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

    def _include(self, keyword: str, pattern: str, text: SourceText, directory: str) -> None:
        strict = self._include_check if keyword == "include" else include.CHECKS[keyword]
        name = text.word(text.text.index(pattern, len(keyword)), len(text))
        paths, problems = include.find(pattern, directory)
        for problem in problems:
            fatal = problem.kind in strict
            mild = problem.kind == "wildcard_match"
            severity: Severity = "fatal" if fatal else "warning" if mild else "error"
            self._report.at(severity, name, problem.message, missing_file=fatal)
        for path in paths:
            if self._full:
                return
            self._files += 1
            if os.path.realpath(path) in self._open:
                self._report.at("error", name, f"'{path}' includes itself; ignored here")
            elif len(self._open) >= MAX_NESTING or self._files > MAX_FILES:
                self._report.at("error", name, f"too many includes; '{path}' ignored")
            else:
                self._read_path(path, fatal="read" in strict)


def _text_of(raw: bytes) -> str:
    """UTF-8; each byte that is not becomes the replacement character."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("utf-8", "surrogateescape")
        return re.sub("[\udc80-\udcff]", "\N{REPLACEMENT CHARACTER}", text)
