"""What the lessons ask of the learner: a module lNN for each, found by its name.

    TITLE        "Failover: pull the cable"
    QUESTION     the one question that the lesson answers
    MINUTES      how long a learner needs
    CHALLENGES   {"leave": Challenge(task, state, steps), ...}
    QUIZ         (Question(...), ...), the last of them from two lessons earlier

The notebooks hold the prose and the experiments; what can be checked and tested is here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from labs.errors import LabError, unknown
from labs.lessons.challenges import Challenge
from labs.lessons.quiz import Question


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson as its module describes it; `name` is ``05``, or ``05-failover`` once asked so."""

    name: str
    title: str
    question: str
    minutes: int
    challenges: dict[str, Challenge]
    questions: tuple[Question, ...]


def _modules() -> list[Path]:
    return sorted(Path(__file__).parent.glob("l[0-9][0-9]_*.py"))


def numbers() -> list[str]:
    """The numbers of the lessons that have a module, as text: 02, 05, ..."""
    return sorted(path.stem[1:3] for path in _modules())


def lesson(name: str) -> Lesson:
    """The lesson ``05-failover``, or ``05``; raises LabError, naming the known ones."""
    number = name[:2]
    if number not in numbers():
        raise unknown("lesson", name, numbers())
    stem = next(path.stem for path in _modules() if path.stem[1:3] == number)
    module = import_module(f"labs.lessons.course.{stem}")
    return Lesson(
        name, module.TITLE, module.QUESTION, module.MINUTES, module.CHALLENGES, module.QUIZ
    )


def challenge(name: str, present: str = "") -> Challenge:
    """The challenge `name` of the lesson `present`, or of any; LabError if there is none."""
    if present[:2] in numbers() and name in (known := lesson(present).challenges):
        return known[name]
    if name not in challenges():
        raise unknown("challenge", name, challenges())
    return challenges()[name]


@cache
def challenges() -> dict[str, Challenge]:
    """Every challenge by its name; raises LabError if two lessons use the same one."""
    found: dict[str, Challenge] = {}
    for number in numbers():
        for name, challenge in lesson(number).challenges.items():
            if name in found:
                raise LabError(f"two lessons have a challenge {name!r}: rename that of {number}")
            found[name] = challenge
    return found
