"""What the cells of a lesson must have shown, or its prose is not true: a module lNN for a lesson.

    TRUE = {
        "judge-who": "it was nobody",                       a regex for the text of that cell
        "judge-apart": {"vrrpd": "it was web1", "keepalived": "it was both"},
        "log": {"vrrpd": "also has", "keepalived": lambda it: it.complaint_of_other_list},
    }

A lesson that only runs may still say the opposite of what it shows; here it is held to its word.
A busy machine makes a time longer, never shorter: so the lower bound of a time is the protocol's,
and the upper one leaves about two seconds to the machine, if that makes no other sentence true.
A dot matches the end of a line, too, and a sentence may be written in one line though it was shown
in several.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec

from tests.interop.versions import Expected, expected
from tests.notebooks.lessons import Cell, shown

# A regex; one for each daemon where they differ; made of what this version of keepalived does.
Regex = str | Callable[[Expected], str]
Truth = str | Mapping[str, Regex]


def between(low: float, high: float) -> str:
    """A regex for the numbers that a verdict may show from `low` to `high`, to a tenth."""
    tenths = (divmod(n, 10) for n in range(math.floor(low * 10), math.ceil(high * 10)))
    shown = (rf"{whole}\.{tenth}\d*" if tenth else rf"{whole}(\.0\d*)?" for whole, tenth in tenths)
    return rf"(?<![\d.])({'|'.join(shown)})(?![\d.]*\d)"


def truths(stem: str) -> dict[str, Truth]:
    """What was written down for a lesson; nothing if there is no module."""
    module = f"tests.notebooks.truths.l{stem[:2]}"
    return dict(import_module(module).TRUE) if find_spec(module) else {}


def untrue(stem: str, daemon: str, cells: list[Cell]) -> dict[str, str]:
    """The executed `cells` that do not show what the prose says, and what they show instead."""
    text = {cell["id"]: shown(cell) for cell in cells}
    found = {}
    for name, truth in truths(stem).items():
        said = truth if isinstance(truth, str) else truth[daemon]
        wanted = said if isinstance(said, str) else said(expected())
        told = text.get(name, "")
        if not any(re.search(wanted, each, re.S) for each in (told, unwrapped(told))):
            found[name] = f"{stem}, {name}: not {wanted!r} but {text.get(name, 'no such cell')}"
    return found


def unwrapped(text: str) -> str:
    """`text` with the sentences of a timeline, whose further lines are indented, in a line each."""
    return re.sub(r"\n  (?=\S)", " ", text)
