"""Editing a keepalived.conf from a lesson, one line at a time, and showing what changed.

    change(lab, "backup", priority=200)                   - priority 100
                                                          + priority 200
    change(lab, "master", smtp_alert=True)                a keyword without a value
    change(lab, "master", smtp_alert=None)                takes the line out
    change(lab, "master", virtual_ipaddress=["192.168.1.10", "192.168.1.101"])

Only the file changes: the daemon reads it when it is started or reloaded, as on any machine.
Everything but the line in question stays as it was, comments and indentation included.
The first `vrrp_instance` is meant; a keyword that is not there yet becomes its first line.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labs.errors import LabError

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

Value = str | int | float | bool | None | Iterable[str]


@dataclass(frozen=True, slots=True)
class Change:
    """What an edit did to the file of `host`; shown as the lines that went and came."""

    host: str
    before: str
    after: str

    def __repr__(self) -> str:
        lines = difflib.ndiff(self.before.splitlines(), self.after.splitlines())
        told = [f"  {line[0]} {line[2:].strip()}" for line in lines if line[0] in "-+"]
        return "\n".join([f"keepalived.conf of {self.host}:", *(told or ["  as it was"])])


def change(lab: Lab, host: str, **settings: Value) -> Change:
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
    if isinstance(value, Iterable) and not isinstance(value, str):
        return _with_block(text, keyword, list(value))
    line = keyword if value is True else f"{keyword} {value}"
    found = re.search(rf"^([ \t]*){re.escape(keyword)}\b(?![ \t]*\{{)[^\n]*\n", text, re.M)
    if value is None:
        return text.replace(found.group(0), "", 1) if found else text
    if found:
        return text[: found.start()] + f"{found.group(1)}{line}\n" + text[found.end() :]
    return _inserted(text, line)


def _with_block(text: str, keyword: str, lines: list[str]) -> str:
    found = re.search(rf"^([ \t]*){re.escape(keyword)}[ \t]*\{{[^}}]*\}}[^\n]*\n", text, re.M)
    indent = found.group(1) if found else "        "
    inner = "".join(f"{indent}        {line}\n" for line in lines)
    block = f"{keyword} {{\n{inner}{indent}}}"
    if found:
        return text[: found.start()] + f"{indent}{block}\n" + text[found.end() :]
    return _inserted(text, block)


def _inserted(text: str, line: str) -> str:
    """`text` with `line` as the first one of its vrrp_instance."""
    opening = re.search(r"^[ \t]*vrrp_instance[^\n]*\{[ \t]*\n", text, re.M)
    if not opening:
        raise LabError(
            "there is no `vrrp_instance NAME {` in this file to put the line in: "
            "write the whole file with %%conf HOST"
        )
    return text[: opening.end()] + f"        {line}\n" + text[opening.end() :]
