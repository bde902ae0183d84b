"""Numbers of the learner's own in what a lesson asks, so that neighbors cannot copy an answer.

    OWN_NUMBERS = ({"high": 200}, {"high": 210})    what a lesson's module offers
    use("swap_roles", OWN_NUMBERS)                  choose one; begin() of a lesson does it
    fill("priority {high}")                         "priority 210"
    recorded("priority {high}", OWN_NUMBERS)        "priority 200"

Chosen by the seed in the learner's folder (`labs.progress`).  The first choice is that of the
recordings: it holds without a folder, while a lesson is recorded, and in its replay.
A progress file names a question as the recording asks it, whatever the learner's numbers are.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from labs.progress import path, seed

T = TypeVar("T")
Numbers = Mapping[str, float]
# A name in braces; ${name} is the shell's.
_NAME = re.compile(r"(?<!\$)\{(\w+)\}")
# Those of the lesson that this kernel has begun, and those of its recording.
_own: dict[str, float] = {}
_recorded: dict[str, float] = {}


def chosen(what: str, choices: Sequence[T], learner: str) -> T:
    """Which of `choices` this `learner` gets for `what`: always the same; the first for ""."""
    return random.Random(f"{learner} {what}").choice(choices) if learner else choices[0]


def choose(what: str, choices: Sequence[T]) -> T:
    """Which of `choices` the learner of this folder gets for `what`."""
    return chosen(what, choices, "" if fixed() else seed())


def fixed() -> bool:
    """Whether everybody has the same numbers: in a recording and in its replay."""
    return os.environ.get("LAB_MODE") in ("record", "replay")


def use(lesson: str, offered: Sequence[Numbers]) -> None:
    """Let the numbers of `lesson` be those of this learner from now on; none if none is offered."""
    _own.clear()
    _recorded.clear()
    if offered:
        _own.update(choose(lesson, offered))
        _recorded.update(offered[0])


def values() -> dict[str, float]:
    """The learner's numbers in the lesson that this kernel has begun, by name."""
    return dict(_own)


def fill(text: str) -> str:
    """`text` with the learner's numbers; a name in braces that is none of theirs stays."""
    return _filled(text, _own)


def recorded(text: str, offered: Sequence[Numbers] | None = None) -> str:
    """`text` with the numbers of the recording: of the lesson begun, or of one that offers these.

    A question is known by this text in progress files.
    """
    return _filled(text, _recorded if offered is None else {} if not offered else offered[0])


def remark(text: str) -> str:
    """What to say below a question that has numbers in it; "" if it has none of the learner's."""
    if fill(text) == text or not (fixed() or path()):
        return ""
    if fixed():
        return "A replay has fixed numbers: those of the recorded run."
    return "The numbers in this question are your own: your neighbors have others."


def _filled(text: str, numbers: Numbers) -> str:
    def number(found: re.Match[str]) -> str:
        name = found[1]
        return f"{numbers[name]:g}" if name in numbers else found[0]

    return _NAME.sub(number, text)
