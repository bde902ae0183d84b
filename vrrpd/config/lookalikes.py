"""Characters that look like others: what a web page, a word processor or a chat makes of a file.

    interface eth0      with a no-break space is one unknown word
    auth_type "PASS"    with curly quotes is not quoted

keepalived takes them for letters of a word, and so do we; but they are named with their column.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from vrrpd.record import Record

_INVISIBLE = {
    "\u00ad": "soft hyphen", "\u200b": "zero-width space", "\u200c": "zero-width non-joiner",
    "\u200d": "zero-width joiner", "\u200e": "left-to-right mark", "\u200f": "right-to-left mark",
    "\u2060": "word joiner", "\ufeff": "byte order mark",
}  # fmt: skip
_MEANT = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
    **dict(zip("аеорсхуіјѕһԁ", "aeopcxyijshd", strict=True)),
    **dict(zip("АВЕКМНОРСТХІЅ", "ABEKMHOPCTXIS", strict=True)),
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοι", "ABEZHIKMNOPTYXoi", strict=True)),
}


class _LookAlike(Record):
    """The character at `index`, by its name, and what was probably meant ("": nothing)."""

    index: int
    name: str
    meant: str

    def __str__(self) -> str:
        meant = {" ": "a space", "": "nothing"}.get(self.meant, f"'{self.meant}'")
        return f"{self.name}, which is not {meant}" if self.meant else self.name


def look_alikes(text: str) -> Iterator[_LookAlike]:
    """Those in one line without its comment.  In double quotes only what cannot be seen counts."""
    quoted = False
    for index, char in enumerate(text):
        if char == '"':
            quoted = not quoted
        if char.isascii():
            continue
        meant = _meant(char)
        if meant is not None and (not quoted or not meant.strip()):
            name = _INVISIBLE.get(char) or unicodedata.name(char, "unnamed character").lower()
            yield _LookAlike(index, f"U+{ord(char):04X} {name}", meant)


def plain(text: str) -> str:
    """The text as it was probably meant."""
    if text.isascii():
        return text
    return "".join(char if (meant := _meant(char)) is None else meant for char in text)


def _meant(char: str) -> str | None:
    """The ASCII character that one looks like; "" for what cannot be seen, None for no other."""
    if char.isascii():
        return None
    if char in _INVISIBLE:
        return ""
    if char == "\N{REPLACEMENT CHARACTER}":
        return ""
    if char in _MEANT:
        return _MEANT[char]
    if unicodedata.category(char) in ("Zs", "Zl", "Zp"):
        return " "
    wide = unicodedata.normalize("NFKC", char)
    return wide if "\uff01" <= char <= "\uff5e" and wide.isascii() else None
