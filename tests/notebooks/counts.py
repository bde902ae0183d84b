"""Counts of what the lessons ask of a learner: what is typed, predicted, and gives answers away.

.venv/bin/python -m tests.notebooks.counts

lines          in the author's solutions of the challenges: Python is the kit's, %%on the shell's;
               a shell command that writes keepalived.conf, and %%conf, is configuration
in sight       predictions whose reason or answer stands in a learner's copy before the verdict
commonest      the share of the quiz questions that a learner answers right by choosing the same
               letter each time: the best letter, on average over LEARNERS learners
longest        the share of the quiz questions whose right choice is longer than each other one
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from labs import own_numbers
from labs.lessons import course
from labs.lessons.quiz import Question
from tests.notebooks.lessons import LESSONS, of_kind, read, tagged
from tests.notebooks.test_hidden_answers import given_away, predictions

LEARNERS = 200
KINDS = ("shell", "configuration", "kit")


def written() -> Counter[str]:
    """How many lines of each kind the solutions have."""
    found: Counter[str] = Counter()
    for lesson in LESSONS:
        for cell in of_kind(read(lesson), "code"):
            if tagged(cell, "solution"):
                found.update(_kinds(cell["text"]))
    return found


def _kinds(text: str) -> Iterator[str]:
    """The kind of each line of a cell but for magics, comments and empty lines."""
    magic = text.partition("\n")[0] if text.startswith("%%") else ""
    for line in text.splitlines():
        if not line.strip() or line.startswith(("%%", "#")):
            continue
        if not magic.startswith(("%%on", "%%conf")):
            yield "kit"
        elif magic.startswith("%%conf") or (">" in line or "sed -" in line or "tee" in line):
            is_conf = magic.startswith("%%conf") or "keepalived.conf" in line
            yield "configuration" if is_conf else "shell"
        else:
            yield "shell"


def questions() -> list[Question]:
    """All questions of the quizzes."""
    return [each for number in course.numbers() for each in course.lesson(number).questions]


def commonest(learner: str) -> float:
    """The share of this learner's questions whose right choice is at the commonest place."""
    places = Counter(each.choices(learner).index(each.right) for each in questions())
    return max(places.values()) / places.total()


def longest() -> float:
    """The share of the questions whose right choice is longer than each of the others."""
    longer = [len(each.right) > max(map(len, each.wrong)) for each in questions()]
    return sum(longer) / len(longer)


def with_own_numbers() -> list[tuple[str, str]]:
    """The lessons and questions of the predictions that have numbers of the learner's own."""
    return [
        (number, question)
        for number in course.numbers()
        for question in course.lesson(number).reasons
        if own_numbers.recorded(question, course.lesson(number).own) != question
    ]


def report() -> str:
    """All counts, a line each."""
    lines = written()
    kinds = ", ".join(f"{kind} {lines[kind]}" for kind in KINDS)
    asked = sum(len(predictions(lesson)) for lesson in LESSONS)
    shown = sum(len(given_away(lesson)) for lesson in LESSONS)
    own = with_own_numbers()
    best = sum(commonest(f"learner {n}") for n in range(LEARNERS)) / LEARNERS
    return "\n".join([
        f"lines that a learner writes: {lines.total()} ({kinds})",
        f"predictions: {asked}, of them {len(own)} with own numbers in "
        f"{len({number for number, _ in own})} lessons",
        f"predictions with an answer in sight: {shown}",
        f"quiz questions: {len(questions())}; the commonest right letter: {best:.0%}; "
        f"the longest choice is right: {longest():.0%}",
    ])  # fmt: skip


if __name__ == "__main__":
    print(report())
