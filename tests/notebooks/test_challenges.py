"""A check distinguishes a solution from two typical wrong answers, and names the fault of each."""

from __future__ import annotations

import json
import re
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from labs.lessons import course
from tests.notebooks.leftovers import nothing_left
from tests.notebooks.lessons import LESSONS, name
from tests.notebooks.wrong import Wrong
from tests.support import REPOSITORY, OrdinaryUser

PROGRAM = Path(__file__).with_name("attempt.py")
SECONDS = 1200

CHALLENGES = [
    (lesson, challenge)
    for lesson in LESSONS
    if lesson.stem[:2] in course.numbers()
    for challenge in course.lesson(lesson.stem).challenges
]


def wrong(lesson: Path) -> dict[str, tuple[Wrong, ...]]:
    """The wrong answers that were written for `lesson`; none if there is no module."""
    module = f"tests.notebooks.wrong.l{lesson.stem[:2]}"
    return dict(import_module(module).WRONG) if find_spec(module) else {}


def ids(value: Any) -> str:
    return name(value) if isinstance(value, Path) else str(value)


@pytest.mark.timeout(SECONDS + 300)
@pytest.mark.parametrize(("lesson", "challenge"), CHALLENGES, ids=ids)
def test_a_check_knows_right_from_wrong(
    lesson: Path, challenge: str, ordinary_user: OrdinaryUser
) -> None:
    answers = wrong(lesson).get(challenge, ())
    assert len(answers) >= 2, f"two wrong answers to {challenge} are wanted in wrong/"
    enter = [sys.executable, "-m", "labs.sandbox.namespaces", "--"]
    command: list[str | Path] = [*enter, sys.executable, PROGRAM]
    with nothing_left(ordinary_user) as mark:
        done = ordinary_user.run(
            [*command, lesson, challenge], SECONDS, env={"PYTHONPATH": str(REPOSITORY), **mark}
        )
    tries = [json.loads(line) for line in done.stdout.splitlines()]
    untouched, *failed, right = tries
    assert not untouched["passed"], f"{challenge} is met before anything was done"
    assert untouched["hint"]
    for answer, told in zip(answers, failed, strict=True):
        assert not told["passed"], f"{challenge} is met by {answer.code!r}"
        assert re.search(answer.hint, told["hint"]), (
            f"after {answer.code!r} the first hint is {told['hint']!r}, not {answer.hint!r}:\n"
            f"{told['story']}"
        )
    assert right["passed"], f"the solution is not accepted: {right['report']}\n{right['story']}"


def test_every_wrong_answer_is_to_a_challenge() -> None:
    known = {(lesson.stem[:2], challenge) for lesson, challenge in CHALLENGES}
    strays = [
        f"wrong/l{lesson.stem[:2]}.py: {challenge}"
        for lesson in LESSONS
        for challenge in wrong(lesson)
        if (lesson.stem[:2], challenge) not in known
    ]
    assert strays == []
