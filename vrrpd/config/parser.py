"""Logical lines -> a tree of statements, with the table of keywords as the guide.

    vrrp_instance VI_1 {          Statement(vrrp_instance, args [VI_1], block=
        priority 150                 [Statement(priority, args [150]),
        virtual_ipaddress {           Statement(virtual_ipaddress, block=
            192.168.1.10                 [Statement(None, words [192.168.1.10])])])
        }
    }

Where keepalived lets one unknown block spoil the rest of its surroundings (the block's `}` closes
the enclosing one), we skip the unknown block whole and say so once.  But where a `}` would be
missing at the end of the root's block, the `{` at which this shows is the mistake: it counts as
not there, so that the lines behind it keep their meaning (as in keepalived).
"""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from vrrpd.config.diagnostics import Reporter, nearest
from vrrpd.config.grammar import BLOCK_KINDS, Keyword, blocks_of, in_block
from vrrpd.config.lexer import Line
from vrrpd.config.source_text import Word
from vrrpd.config.values import SourceLocation

_STEP = {"{": 1, "}": -1, "": 0}  # of the depth
_ROUTERS = ("vrrp_instance", "vrrp_sync_group")


class Statement(NamedTuple):
    """A line and the block that belongs to it. `keyword` is None in blocks of entries."""

    words: tuple[Word, ...]
    rest: str  # the raw text after the first word
    context: str  # "vrrp_instance VI_1", for messages
    keyword: Keyword | None = None
    block: tuple[Statement, ...] = ()

    @property
    def name(self) -> Word:
        return self.words[0]

    @property
    def args(self) -> tuple[Word, ...]:
        return self.words[1:]

    @property
    def where(self) -> SourceLocation:
        source = self.words[0].source
        return SourceLocation(source.file, source.line)

    def inner_words(self) -> list[Word]:
        """Every word of the block, however it is spread over lines."""
        return [word for one in self.block for word in one.words]


def parse(lines: list[Line], report: Reporter) -> tuple[Statement, ...]:
    """The statements at the root of the configuration."""
    return _Parser(lines, report).block("", "", None)


class _Parser:
    def __init__(self, lines: list[Line], report: Reporter) -> None:
        self._lines = lines
        self._at = 0
        self._depth = 0  # blocks that are open
        self._opened_before: list[int] = []  # of each line: `{` less `}` before it
        self._root_blocks: list[int] = []  # the lines at which a block of the root begins
        self._report = report

    def _peek_open(self) -> bool:
        return self._at < len(self._lines) and self._lines[self._at].brace == "{"

    def _one_too_many(self) -> bool:
        """Whether one more open block, here, would leave those around it without their `}`."""
        if not self._opened_before:
            self._count()
        end = self._root_blocks[bisect_left(self._root_blocks, self._at)]
        return self._depth + self._opened_before[end] >= self._opened_before[self._at]

    def _count(self) -> None:
        """What `_one_too_many` looks up; only files with a mistake need it."""
        depth = 0
        for at, line in enumerate(self._lines):
            self._opened_before.append(depth)
            depth += _STEP[line.brace]
            following = self._lines[at + 1 : at + 2]
            if following and following[0].brace == "{" and blocks_of(line.words[0].text) == [""]:
                self._root_blocks.append(at)
        self._opened_before.append(depth)
        self._root_blocks.append(len(self._lines))

    def block(self, block: str, context: str, opener: Word | None) -> tuple[Statement, ...]:
        """Statements up to the `}` that ends the block (or, at the root, the last line)."""
        found: list[Statement] = []
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            if line.brace == "}":
                if opener is not None:
                    return tuple(found)
                self._report.at("error", line.words[0], "this '}' closes nothing; ignored")
            elif line.brace:
                self._stray(line.words[0], line.words[0], "unexpected '{': no keyword before it")
            else:
                statement = self._statement(line, block, context)
                if statement:
                    found.append(statement)
        if opener is not None:
            self._report.at(
                "error",
                opener,
                f"the block of '{opener.text}' is never closed",
                expected="'}' before the end of the file",
            )
        return tuple(found)

    def _statement(self, line: Line, block: str, context: str) -> Statement | None:
        word = line.words[0]
        keyword = in_block(block).get(word.text)
        if keyword is None:
            return self._unknown(line, block, context)
        if keyword.status == "skipped":
            what = f"{word.text} belongs to {keyword.scope}, which is out of scope"
            if keyword.block in _ROUTERS and keyword.scope == "BFD":
                self._report.at("error", word, f"{what}: this check will not run")
            else:
                key = f"skip {block} {word.text} {word.source.line}"
                self._report.note_once(key, word, f"{what}: skipped")
            if keyword.opens_block and not self._peek_open():
                self._no_brace(word)
            self._skip_block(word)
            return None
        if keyword.kind not in BLOCK_KINDS:
            if self._peek_open():
                brace = self._lines[self._at].words[0]
                self._at += 1
                self._stray(brace, word, f"'{word.text}' takes no block")
            return Statement(line.words, line.rest, context, keyword)
        return self._opened(line, keyword, block, context)

    def _opened(self, line: Line, keyword: Keyword, block: str, context: str) -> Statement:
        """A keyword that opens a block: read the block."""
        word = line.words[0]
        if self._peek_open():
            self._at += 1
        else:
            self._no_brace(word)
            if self._goes_on(keyword, block) and self._one_too_many():
                return Statement(line.words, line.rest, context, keyword)
        self._depth += 1
        if keyword.kind == "block":
            name = f" {line.words[1].text}" if len(line.words) > 1 else ""
            inner = f"{word.text}{name}" if not context else f"{word.text} of {context}"
            body = self.block(keyword.opens, inner, word)
        else:
            body = self._entries(word, context)
        self._depth -= 1
        return Statement(line.words, line.rest, context, keyword, body)

    def _entries(self, opener: Word, context: str) -> tuple[Statement, ...]:
        """The lines of a block with a syntax of its own."""
        inner = f"{opener.text} of {context}" if context else opener.text
        found: list[Statement] = []
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            if line.brace == "}":
                return tuple(found)
            if line.brace:
                self._stray(line.words[0], line.words[0], f"unexpected '{{' in {inner}")
            else:
                found.append(Statement(line.words, line.rest, inner))
        self._report.at(
            "error",
            opener,
            f"the block of '{opener.text}' is never closed",
            expected="'}' before the end of the file",
        )
        return tuple(found)

    def _unknown(self, line: Line, block: str, context: str) -> Statement | None:
        word = line.words[0]
        inside = f" (in {context})" if context else ""
        what, end = "keyword", ""
        if self._peek_open():
            what, end = "block", ", skipped with all that is in it"
        others = ["" if other == "" else other for other in blocks_of(word.text)]
        expected, suggestion = "", ""
        if block and "" in others:
            expected = f"a '}}' that closes {context} before this line"
        elif others and not block:
            expected = f"it inside {others[0]} {{ ... }}"
        elif others:
            expected = f"it in {' or '.join(other for other in others[:3])}"
        elif not self._report.full:  # it takes longest of all this
            suggestion = nearest(word.text, in_block(block))
        self._report.at(
            "error",
            word,
            f"unknown {what} '{word.text}'{inside}{end}",
            expected=expected,
            suggestion=suggestion,
        )
        self._skip_block(word)
        return None

    def _no_brace(self, word: Word) -> None:
        self._report.at(
            "error",
            word,
            f"no '{{' after '{word.text}'",
            expected="'{' at the beginning of its block",
        )

    def _goes_on(self, keyword: Keyword, block: str) -> bool:
        """Whether the next line is one of the block around a keyword that has no `{`."""
        if self._at == len(self._lines):
            return False
        name = self._lines[self._at].words[0].text
        inner = in_block(keyword.opens) if keyword.kind == "block" else {}
        return name in in_block(block) and name not in inner

    def _stray(self, brace: Word, opener: Word, message: str) -> None:
        """A `{` (already passed) where none may be: skip its block, or only itself."""
        if self._one_too_many():
            self._report.at("error", brace, f"{message}; this '{{' is ignored")
        else:
            self._report.at("error", brace, f"{message}; the block is skipped")
            self._skip_rest(opener)

    def _skip_block(self, opener: Word) -> None:
        """Pass over the block that opens here, if one does."""
        if self._peek_open():
            self._at += 1
            self._skip_rest(opener)

    def _skip_rest(self, opener: Word) -> None:
        """Pass over lines up to the `}` of a `{` already passed.

        A block of the root in there means that a `}` is missing before it: it is lost as well
        (keepalived), but never without a line.
        """
        depth = 1
        while self._at < len(self._lines) and depth:
            line = self._lines[self._at]
            self._at += 1
            depth += _STEP[line.brace]
            word = line.words[0]
            keyword = in_block("").get(word.text)
            if keyword and keyword.opens_block and self._peek_open():
                self._report.at(
                    "error",
                    word,
                    f"'{word.text}' in the block of '{opener.text}' (line {opener.source.line}): "
                    "skipped with it",
                    expected=f"'}}' for each '{{' of '{opener.text}' before this line",
                )
        if depth:
            self._report.at(
                "error",
                opener,
                f"the block of '{opener.text}' is never closed: {depth} '}}' missing",
                expected="'}' before the end of the file",
            )
