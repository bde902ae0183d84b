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
from typing import NamedTuple

from vrrpd.config.source_text import BLANK, SourceLine, SourceText, Word

WORD_END = re.compile(f'[{BLANK}"]')
FIRST_BLANK = re.compile(f"[{BLANK}]")
LINE_BYTES = 1023  # keepalived reads lines into a buffer of 1024
_PLAIN = re.compile(rb"([ \tA-Za-z0-9_.:/+-]*)([{}]?)")


class Line(NamedTuple):
    """A logical line: words, or a lone brace, which is in `brace`, too.

    `rest` is the raw text after the first word.
    """

    words: tuple[Word, ...]
    rest: str
    brace: str = ""  # "{" or "}"


def plain_lines(raw: bytes, name: str, number: int) -> list[Line] | None:
    """The logical lines of a line to which no other rule applies; None: some do.

    Nearly all lines are words, words with ` {` behind them, or a lone brace, in ASCII and without
    a character that means anything; they take this short way.
    """
    if len(raw) > LINE_BYTES:
        return None
    # With the blanks at the end in the pattern, a comment behind many would take their square.
    found = _PLAIN.fullmatch(raw.rstrip(b" \t"))
    if found is None:
        return None
    text = raw.decode("ascii")
    source = SourceLine(name, number, text)
    lines: list[Line] = []
    words: list[Word] = []
    end = found.end(1)
    at = 0
    for word in text[:end].split():
        at = text.index(word, at)
        words.append(Word(word, source, at + 1, len(word)))
        at += len(word)
    if words:
        rest = text[words[1].column - 1 : at] if len(words) > 1 else ""
        lines.append(Line(tuple(words), rest))
    if found[2]:
        brace = text[end]
        lines.append(Line((Word(brace, source, end + 1, 1),), "", brace))
    return lines


def cut_comment(line: SourceText) -> tuple[SourceText, Word | None]:
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


def first_piece(line: SourceText) -> tuple[SourceText, SourceText]:
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


def split_words(piece: SourceText) -> tuple[list[Word], Word | None]:
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


def after_first_word(piece: SourceText) -> str:
    """What follows the first word, for those who split it by rules of their own."""
    if piece.text[:1] == '"':
        end = piece.text.find('"', 1)
        return piece.text[end + 1 if end > 0 else len(piece) :].strip(BLANK)
    return piece.text[piece.find(WORD_END) :].strip(BLANK)
