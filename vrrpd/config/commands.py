r"""Command lines: `notify_master "/etc/keepalived/hoge.sh 'a b' c" user group`.

keepalived splits twice. First the text after the keyword, with both kinds of quotes and the
escapes of C; then the first of the resulting words again. So the usual form is one quoted string:

    text        "/bin/cmd 'a b' c" nobody
    1st split   [/bin/cmd 'a b' c] [nobody]
    2nd split   /bin/cmd | a b | c        argv; and `nobody` is the user

Unquoted `script /bin/echo one two` runs only /bin/echo; for `notify_*` further words are the user
and the group. The programs are not looked for here.
"""

from __future__ import annotations

import re

from vrrpd.config.source_text import BLANK
from vrrpd.config.values import Command

_ESCAPES = {
    "a": "\a",
    "b": "\b",
    "E": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}
_OCTAL = r"[0-7]{1,3}"
_HEX = r"x([0-9A-Fa-f]{1,2})"


class UnterminatedQuote(ValueError):
    """A quote in a command line that never ends."""


def parse_command(text: str) -> tuple[Command | None, list[str]]:
    """The command (None if there is no program), and words that count for nothing.

    Raises UnterminatedQuote.
    """
    text = text.strip(BLANK)
    words = _split_quoted(text)
    argv = _split_quoted(words[0]) if words else []
    if not argv or not argv[0]:
        return None, []
    user = words[1] if len(words) > 1 else None
    group = words[2] if len(words) > 2 else None
    return Command(tuple(argv), user, group, text), words[3:]


def _split_quoted(text: str) -> list[str]:
    """Words with ' and " as quotes, joined pieces and escapes. Raises UnterminatedQuote."""
    words: list[str] = []
    word: list[str] | None = None
    quote = ""
    index = 0
    while index < len(text):
        char = text[index]
        if char == "\\" and index + 1 < len(text):
            piece, index = _escape(text, index + 1)
            word = word or []
            word.append(piece.strip("\0"))
            continue
        if quote:
            if char == quote:
                quote = ""
            else:
                assert word is not None
                word.append(char)
        elif char in "'\"":
            quote = char
            word = word or []
        elif char in BLANK:
            if word is not None:
                words.append("".join(word))
            word = None
        else:
            word = word or []
            word.append(char)
        index += 1
    if quote:
        raise UnterminatedQuote(quote)
    if word is not None:
        words.append("".join(word))
    return words


def _escape(text: str, index: int) -> tuple[str, int]:
    """What the escape at `index` (behind the backslash) means, and where it ends."""
    char = text[index]
    octal = re.match(_OCTAL, text[index : index + 3])
    if octal:
        return chr(int(octal[0], 8) & 0xFF), index + octal.end()
    hexadecimal = re.match(_HEX, text[index : index + 3])
    if hexadecimal:
        return chr(int(hexadecimal[1], 16)), index + hexadecimal.end()
    if char == "c" and index + 1 < len(text):
        return chr(ord(text[index + 1]) & 0x1F), index + 2
    return _ESCAPES.get(char, char), index + 1
