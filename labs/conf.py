"""keepalived.conf for lessons: read a setting, change a line, show the difference, diagnose.

    setting(text, "priority")                             "150"
    contents(text, "vrrp_instance", "virtual_ipaddress")  [["192.168.1.10"], ["192.168.1.101"]]
    change(lab, "web2", priority=200)                     - priority 100
                                                          + priority 200
    change(lab, "web1", smtp_alert=True)                  a keyword without a value
    change(lab, "web1", smtp_alert=None)                  takes the line out
    change(lab, "web1", virtual_ipaddress=["192.168.1.10", "192.168.1.101"])
    diagnose(text, "web1")                                what vrrpd says about it
    errors(text, "web1")                                  what `vrrpd -t` rejects in it

Words, comments, quotes and braces are those of `vrrpd.config.lexer`, so a lesson reads a file as
the daemon does. No other module of labs takes a keepalived.conf apart.

Only the file changes: the daemon reads it when it starts or reloads, as on any server.
Everything but the line in question stays as it was, comments and indentation included.
The first line with the keyword is meant; a keyword that is not there yet becomes the first line of
the first `vrrp_instance`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Protocol

from labs.errors import LabError
from vrrpd.config import ConfigError, loads
from vrrpd.config.lexer import cut_comment, first_piece, split_words
from vrrpd.config.model import Config, Instance
from vrrpd.config.source_text import SourceLine, SourceText

Value = str | int | float | bool | None | Iterable[str]


class HasFiles(Protocol):
    """A lab, real or simulated, as far as its configuration files go."""

    def conf(self, host: str, text: str | None = None) -> str:
        """The keepalived.conf of `host`; with `text`, written first."""


@dataclass(slots=True)
class Statement:
    """A line of a configuration file and the block that belongs to it.

    `first` and `last` count lines from 0; they differ where the block has lines of its own.
    """

    words: list[str]
    first: int
    last: int
    block: list[Statement] = field(default_factory=list)

    def is_called(self, name: str) -> bool:
        """Whether it begins with `name`: ``priority``, or ``vrrp_instance VI_1``."""
        return self.words[: len(name.split())] == name.split()


def statements(text: str) -> list[Statement]:
    """The statements of a keepalived.conf as a tree, whether the keywords exist or not."""
    root = Statement([], 0, 0)
    opened = [root]
    for number, line in enumerate(text.splitlines()):
        code, _ = cut_comment(SourceText.of(SourceLine("", number + 1, line)))
        for piece in _pieces(code.strip()):
            if piece.text == "{" and opened[-1].block:
                opened.append(opened[-1].block[-1])
            elif piece.text == "}" and len(opened) > 1:
                opened.pop().last = number
            elif piece.text not in "{}":
                words, _ = split_words(piece)
                statement = Statement([word.text for word in words], number, number)
                opened[-1].block.append(statement)
    return root.block


def _pieces(line: SourceText) -> Iterator[SourceText]:
    while line.text:
        piece, line = first_piece(line)
        if piece.text:
            yield piece


def setting(text: str, keyword: str) -> str | None:
    """The value of the first `keyword` that has one, or None."""
    found = (each for each in _all(statements(text)) if each.is_called(keyword))
    return next((each.words[1] for each in found if len(each.words) > 1), None)


def has(text: str, keyword: str) -> bool:
    """Whether a line begins with `keyword`, with a value or without."""
    return any(each.is_called(keyword) for each in _all(statements(text)))


def contents(text: str, *names: str) -> list[list[str]]:
    """The words of each line in every block that `names` lead to, from the outside in.

    A name is a keyword, or a keyword and what follows it: ``"vrrp_instance VI_1"``.
    """
    found = statements(text)
    for name in names:
        found = [inner for each in found if each.is_called(name) for inner in each.block]
    return [each.words for each in found]


def names_address(text: str, address: str) -> bool:
    """Whether a word of the file is `address`, in any spelling and with any prefix length."""
    words = (word for each in _all(statements(text)) for word in each.words)
    for word in words:
        with suppress(ValueError):
            if str(ip_address(word.partition("/")[0])) == address:
                return True
    return False


def config(text: str, host: str) -> Config:
    """All that vrrpd reads in the file of `host`; empty for a file that vrrpd refuses."""
    try:
        return loads(text, config_id=host).config
    except ConfigError:
        return Config()


def instances(text: str, host: str) -> list[Instance]:
    """The virtual routers in the file of `host`; empty for a file that vrrpd refuses."""
    return list(config(text, host).instances)


def priorities(text: str, host: str) -> dict[int, int]:
    """VRID -> priority in the file of `host`; empty for a file that vrrpd refuses."""
    return {each.vrid: each.priority for each in instances(text, host)}


def diagnose(text: str, host: str) -> list[str]:
    """What vrrpd on `host` reports about this keepalived.conf, one string a diagnostic."""
    try:
        diagnostics = loads(text, config_id=host).diagnostics
    except ConfigError as error:
        diagnostics = error.diagnostics
    return [diagnostic.render() for diagnostic in diagnostics]


def errors(text: str, host: str) -> list[str]:
    """The errors for which `vrrpd -t` on `host` rejects this keepalived.conf; notes are not among
    them.
    """
    try:
        found = loads(text, config_id=host).diagnostics
    except ConfigError as error:
        found = error.diagnostics
    return [each.render() for each in found if each.severity in ("error", "fatal")]


@dataclass(frozen=True, slots=True)
class Change:
    """What an edit did to the file of `host`; shown as the lines that went and came."""

    host: str
    before: str
    after: str

    def __repr__(self) -> str:
        lines = difflib.ndiff(self.before.splitlines(), self.after.splitlines())
        shown = [f"  {line[0]} {line[2:].strip()}" for line in lines if line[0] in "-+"]
        return "\n".join([f"keepalived.conf of {self.host}:", *(shown or ["  as it was"])])


def change(lab: HasFiles, host: str, **settings: Value) -> Change:
    """Write `settings` into the file of `host` and return what that changed.

    Raises LabError if the host has no file, or its file no vrrp_instance.
    """
    before = after = lab.conf(host)
    for keyword, value in settings.items():
        after = with_setting(after, keyword, value)
    lab.conf(host, after)
    return Change(host, before, after)


def with_setting(text: str, keyword: str, value: Value) -> str:
    """`text` with `keyword` set: True for a bare word, None for no line, a list for a block.

    Raises LabError if the keyword has no line yet and there is no vrrp_instance to put it in.
    """
    is_block = isinstance(value, Iterable) and not isinstance(value, str)
    same = [each for each in _all(statements(text)) if each.is_called(keyword)]
    found = next((each for each in same if bool(each.block) == is_block), None)
    if value is None:
        return _with_lines(text, same[0].first, same[0].last, []) if same else text
    if found is None:
        opening = next((s for s in _all(statements(text)) if s.is_called("vrrp_instance")), None)
        if opening is None:
            raise LabError(
                "there is no `vrrp_instance NAME {` in this file to put the line in: "
                "write the whole file with %%conf HOST"
            )
        at = opening.first + 1
        return _with_lines(text, at, at - 1, _lines(keyword, value, " " * 8))
    line = text.splitlines()[found.first]
    indent = line[: len(line) - len(line.lstrip())]
    return _with_lines(text, found.first, found.last, _lines(keyword, value, indent))


def _all(tree: Iterable[Statement]) -> Iterator[Statement]:
    for each in tree:
        yield each
        yield from _all(each.block)


def _lines(keyword: str, value: Value, indent: str) -> list[str]:
    if isinstance(value, Iterable) and not isinstance(value, str):
        inner = [f"{indent}        {line}" for line in value]
        return [f"{indent}{keyword} {{", *inner, f"{indent}}}"]
    return [f"{indent}{keyword}" if value is True else f"{indent}{keyword} {value}"]


def _with_lines(text: str, first: int, last: int, new: list[str]) -> str:
    """`text` with the lines `first` to `last` replaced."""
    lines = text.splitlines()
    return "".join(f"{line}\n" for line in [*lines[:first], *new, *lines[last + 1 :]])
