"""One line of text -> comment cut off, braces on their own, words.

    vrrp_instance VI_1 {   # ours      ->   `vrrp_instance VI_1`   `{`
    auth_pass "11 11"                  ->   auth_pass | 11 11

keepalived's rules, some of which surprise:

* `#` and `!` begin a comment anywhere outside double quotes, even in the middle of a word;
  a backslash before one of them takes that meaning away.
* Every `{` or `}` outside double quotes is a line of its own.
* A double quote begins a word wherever it stands, and the next one ends it.
  There are no escapes inside. Single quotes mean nothing here (they do in commands).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from vrrpd.config.source_text import BLANK, SourceLine, Traced, Word

WORD_END = re.compile(f'[{BLANK}"]')
FIRST_BLANK = re.compile(f"[{BLANK}]")
_WORD = re.compile(r"[^ \t]+")
_NOT_PLAIN = re.compile(rb"[^ \tA-Za-z0-9_.:/+-]")


@dataclass(frozen=True, slots=True)
class Line:
    """A logical line: a lone brace, or words. `rest` is the raw text after the first word."""

    words: tuple[Word, ...]
    rest: Traced
    source: SourceLine

    @property
    def is_open(self) -> bool:
        return self.words[0].text == "{" and not self.words[0].quoted

    @property
    def is_close(self) -> bool:
        return self.words[0].text == "}" and not self.words[0].quoted


def is_plain(line: bytes) -> bool:
    """Whether a line has nothing that any rule is about: blanks and simple words, or nothing.

    Nearly all lines are like that, so they take a short way: `plain_line()`.
    """
    return _NOT_PLAIN.search(line) is None


def plain_line(source: SourceLine) -> Line | None:
    """The words of a plain line; None: it is empty."""
    words = tuple(
        Word(found[0], source, found.start() + 1, len(found[0]))
        for found in _WORD.finditer(source.text)
    )
    if not words:
        return None
    behind = words[0].column - 1 + words[0].length
    return Line(words, Traced.of(source).part(behind).strip(), source)


def cut_comment(line: Traced) -> tuple[Traced, Word | None]:
    r"""The line without its comment, and the comment if it cut a word in two.

    `\#` and `\!` lose their backslash, and begin no comment.
    """
    text = line.text
    if "#" not in text and "!" not in text:
        return line, None
    quoted = False
    index = 0
    dropped: list[int] = []
    while index < len(text):
        char = text[index]
        if char == "\\" and index + 1 < len(text):
            if not quoted and text[index + 1] in "#!":
                dropped.append(index)
            index += 2
            continue
        if char == '"':
            quoted = not quoted
        elif not quoted and char in "#!":
            break
        index += 1
    index = min(index, len(text))
    kept = line.part(0, index)
    for place in reversed(dropped):
        kept = kept.part(0, place) + kept.part(place + 1)
    inside = 0 < index < len(text) and text[index - 1] not in BLANK + '{}"'
    return kept, line.word(index, len(text)) if inside else None


def continues(text: str) -> bool:
    """Whether the last backslash of a line is its end, and not the second of a pair."""
    return (len(text) - len(text.rstrip("\\"))) % 2 == 1


def first_piece(line: Traced) -> tuple[Traced, Traced]:
    """The line up to its first brace outside double quotes, or that brace; and the rest."""
    text = line.text
    if "{" not in text and "}" not in text:
        return line, line.part(len(text))
    if text[0] in "{}":
        return line.part(0, 1), line.part(1).strip()
    quoted = False
    name_end = 0  # an undefined ${NAME} stays in one piece
    for index, char in enumerate(text):
        if char == '"':
            quoted = not quoted
        elif char == "{" and text[index - 1 : index] == "$" and "}" in text[index:]:
            name_end = text.index("}", index) + 1
        elif char in "{}" and not quoted and index >= name_end:
            return line.part(0, index).strip(), line.part(index)
    return line, line.part(len(text))


def split_words(piece: Traced) -> tuple[list[Word], Word | None]:
    """The words, and the quote that never ends if there is one."""
    text = piece.text
    words: list[Word] = []
    index = 0
    while index < len(text):
        if text[index] in BLANK:
            index += 1
        elif text[index] == '"':
            end = text.find('"', index + 1)
            if end < 0:
                return words, piece.word(index, len(text))
            words.append(piece.word(index + 1, end, quoted=True))
            index = end + 1
        else:
            end = piece.find(WORD_END, index)
            words.append(piece.word(index, end))
            index = end
    return words, None


def after_first_word(piece: Traced) -> Traced:
    """What follows the first word, for those who split it by rules of their own."""
    if piece.text[:1] == '"':
        end = piece.text.find('"', 1)
        return piece.part(end + 1 if end > 0 else len(piece)).strip()
    return piece.part(piece.find(WORD_END)).strip()
