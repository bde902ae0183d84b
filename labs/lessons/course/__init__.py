"""What the lessons ask of the learner: a module lNN for each, found by its name.

    TITLE        "Failover: pull the cable"
    QUESTION     the one question that the lesson answers
    MINUTES      how long a learner needs
    CHALLENGES   {"leave": Challenge(task, state, steps), ...}
    QUIZ         (Question(...), ...), the last of them from two lessons earlier
    EXPERIMENTS  {"plug": Experiment(...), ...}; may be absent
    REASONS      the reason that a verdict gives, by the question of the prediction; a name in
                 braces stands for something measured, which `judge` is given
    EXPECTED     the wrong answers to expect, by the question: ((answer, thought), ...), each with
                 what its learner probably thinks; for the teacher (`tools.predictions`)
    ANSWERS      what is right where nothing is measured, by the question; may be absent
    OWN_NUMBERS  ({"high": 200}, {"high": 210}), of which a learner has one, the recording the
                 first; {high} stands for it in questions, reasons and %%on (`labs.own_numbers`);
                 may be absent

The notebooks hold the prose and the experiments; what can be checked and tested is here, and so is
what a learner must not see before the experiment.
"""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from labs import lesson_names
from labs.errors import LabError, unknown
from labs.lessons.challenges import Challenge
from labs.lessons.experiment import Experiment
from labs.lessons.quiz import Question
from labs.progress import Answer


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson as its module describes it; `name` is ``07``, or ``07-failover`` once asked so.

    `slug`: ``failover``, which stays when lessons are renumbered.
    """

    name: str
    title: str
    question: str
    minutes: int
    challenges: dict[str, Challenge]
    questions: tuple[Question, ...]
    reasons: dict[str, str]
    expected: dict[str, tuple[tuple[Answer, str], ...]]
    answers: dict[str, Answer]
    experiments: dict[str, Experiment]
    slug: str
    own: tuple[dict[str, float], ...]


def _modules() -> list[str]:
    """The names of the lessons' modules, which are compiled files in the browser edition."""
    return sorted(each.name for each in pkgutil.iter_modules(__path__))


def numbers() -> list[str]:
    """The numbers of the lessons that have a module, as text: 02, 05, ..."""
    return [name[1:3] for name in _modules()]


def number_of(name: str) -> str:
    """The number of the lesson ``07-failover``, or ``07``, as text; see `numbers_of`."""
    return numbers_of(name)[0]


def numbers_of(name: str) -> tuple[str, ...]:
    """The numbers, as text, of what the lesson ``07-failover``, or ``07``, is today.

    A lesson keeps its name when it gets another number: the copies and the progress files of
    learners have the number that it had.  One that was split has the numbers of all its parts.
    """
    found = {each[4:].replace("_", "-"): each[1:3] for each in _modules()}
    today = lesson_names.today(name)
    return tuple(found[each] for each in today if each in found) or (name[:2],)


def lesson(name: str) -> Lesson:
    """The lesson ``07-failover``, or ``07``; raises LabError, naming the known ones."""
    present = number_of(name)
    if present not in numbers():
        raise unknown("lesson", name, numbers())
    found = next(each for each in _modules() if each[1:3] == present)
    module = import_module(f"labs.lessons.course.{found}")
    return Lesson(
        name, module.TITLE, module.QUESTION, module.MINUTES, module.CHALLENGES, module.QUIZ,
        module.REASONS, module.EXPECTED, getattr(module, "ANSWERS", {}),
        getattr(module, "EXPERIMENTS", {}), found[4:], getattr(module, "OWN_NUMBERS", ()),
    )  # fmt: skip


def reason(question: str) -> str:
    """Why the answer to the prediction `question` is what it is; empty if no lesson asks it."""
    return _predicted()[0].get(question, "")


def right_answer(question: str) -> Answer:
    """What is right where nothing is measured; LabError if no lesson says."""
    answers = _predicted()[1]
    if question not in answers:
        raise LabError("nothing to compare with: write judge(MEASURED)")
    return answers[question]


@cache
def _predicted() -> tuple[dict[str, str], dict[str, Answer]]:
    """The reasons and the answers of all lessons; LabError if two lessons ask the same."""
    reasons: dict[str, str] = {}
    answers: dict[str, Answer] = {}
    for number in numbers():
        found = lesson(number)
        for question in found.reasons:
            if question in reasons:
                raise LabError(f"two lessons ask {question!r}: word that of {number} differently")
        reasons |= found.reasons
        answers |= found.answers
    return reasons, answers


def challenge(name: str, present: str = "") -> Challenge:
    """The challenge `name` of the lesson `present`, or of any; LabError if there is none."""
    if number_of(present) in numbers() and name in (known := lesson(present).challenges):
        return known[name]
    if name not in challenges():
        raise unknown("challenge", name, challenges())
    return challenges()[name]


def experiment(name: str, present: str) -> Experiment:
    """The experiment `name` of the lesson `present`; LabError, naming the known ones, if none."""
    found: dict[str, Experiment] = {}
    for number in numbers_of(present):
        found |= lesson(number).experiments
    if name not in found:
        raise unknown("experiment", name, found)
    return found[name]


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
