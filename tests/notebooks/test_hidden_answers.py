"""What a learner must not see before the experiment: the answers to its predictions, and reasons.

Looked at are the learners' copies, as `labs.jupyter.workbooks` makes them: every cell from the
first to the one that judges.  The question and its choices name the answer, of course; they are
left out, and so are numbers that the choices or the question give.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from labs.jupyter import workbooks
from labs.lessons import course
from tests.notebooks.lessons import LESSONS, answers_to, name
from tests.notebooks.truths import truths
from tools.predictions import asked


@dataclass(frozen=True)
class Asked:
    """A prediction of a lesson: its name in the cells, its question, and what is seen before."""

    variable: str
    question: str
    choices: str
    visible: str
    judged_in: str


def calls(text: str, function: str) -> Iterator[ast.Call]:
    """The calls of `function`, or of a method of that name, in a cell of Python."""
    try:
        tree = ast.parse(text)
    except SyntaxError:  # a magic
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and function in ast.unparse(node.func).split("."):
            yield node


def constants(text: str) -> dict[str, Any]:
    """The names that a cell gives to constants."""
    found = {}
    try:
        tree = ast.parse(text)
    except SyntaxError:  # a magic
        return {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    return found


def predictions(lesson: Path) -> list[Asked]:
    """The predictions of the learner's copy of `lesson`, in order."""
    cells = workbooks.copy(json.loads(lesson.read_text()), lesson.name)["cells"]
    texts = ["".join(cell["source"]) for cell in cells]
    found = []
    for number, text in enumerate(texts):
        for node in calls(text, "predict"):
            names = constants(text)
            first = node.args[0]
            question = names.get(ast.unparse(first), getattr(first, "value", ""))
            variable = re.search(r"^(\w+) = predict\(", text, re.M)
            assert variable, text
            judge = next(
                n
                for n in range(number, len(texts))
                if f"{variable[1]}.judge(" in texts[n] or question in answers_to(lesson, texts[n])
            )
            before = [t for n, t in enumerate(texts[: judge + 1]) if n != number]
            found.append(Asked(variable[1], question, text, "\n".join(before), cells[judge]["id"]))
    return found


@pytest.mark.parametrize("lesson", LESSONS, ids=name)
def test_every_prediction_has_its_reason_in_the_course_module(lesson: Path) -> None:
    questions = [one.question for one in predictions(lesson)]
    assert sorted(questions) == sorted(course.lesson(lesson.stem).reasons)


@pytest.mark.parametrize("lesson", LESSONS, ids=name)
def test_no_verdict_is_given_its_reason_in_the_notebook(lesson: Path) -> None:
    cells = workbooks.copy(json.loads(lesson.read_text()), lesson.name)["cells"]
    for cell in cells:
        for node in calls("".join(cell["source"]), "judge"):
            assert len(node.args) <= 1, f"{cell['id']}: the reason is for labs.lessons.course"
            assert "because" not in [each.arg for each in node.keywords], cell["id"]


def given_away(lesson: Path) -> list[str]:
    """What of the reasons and answers of `lesson` a learner sees before the verdict.

    Answers of several words; a host's name or a small number is everywhere.
    """
    known, found = truths(lesson.stem), []
    for one in predictions(lesson):
        reason = course.reason(one.question)
        sentences = re.split(r"(?<=[.;:]) ", reason)
        shown = [each for each in sentences if each.lower() in one.visible.lower()]
        shown += [each for each in re.findall(r"= (\d+\.\d+)", reason) if each in one.visible]
        truth = known.get(one.judged_in, "")
        given = course.lesson(lesson.stem).answers.get(one.question)
        answers = re.findall(r"it was “([^”(\\[]+)”", truth) if isinstance(truth, str) else []
        seen = re.sub(r"(?m)^.*(judge\(|choices|ways|fates).*$", "", one.visible).lower()
        answers += [given] if isinstance(given, str) else []
        shown += [answer for answer in answers if answer.lower() in seen]
        if shown:
            found.append(f"{one.judged_in}: {', '.join(shown)}")
    return found


@pytest.mark.parametrize("lesson", LESSONS, ids=name)
def test_no_reason_and_no_answer_is_seen_before_its_verdict(lesson: Path) -> None:
    assert given_away(lesson) == []


# Other words for an answer; a heading or the lesson's question with them gives it away.
SAYS = {
    "both": r"two (?:masters|holders)|both hold|hold (?:one|the same) address",
    "all at once": r"for all|at once",
}


def in_the_map() -> str:
    """The texts of lesson 00, which lists the others with what each of them answers."""
    cells = json.loads(LESSONS[0].read_text())["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


@pytest.mark.parametrize("lesson", LESSONS, ids=name)
def test_no_heading_before_a_verdict_says_its_answer_in_other_words(lesson: Path) -> None:
    """Nor does the lesson's question, in lists of lessons, or its line in the map of lesson 00."""
    about = course.lesson(lesson.stem)
    expected = about.expected
    (line,) = re.findall(rf"(?m)^\| \[.*\]\({lesson.name}\).*$", in_the_map()) or [""]
    choices = {each.question: each.choices for each in asked(lesson)}
    for one in predictions(lesson):
        wrong = [answer for answer, _ in expected[one.question]]
        titles = "\n".join(re.findall(r"(?m)^(?:#+ .+|\*[^*].*\*)$", one.visible))
        assert titles
        titles += f"\n{about.question}\n{line}"
        for answer in {*choices[one.question]} & SAYS.keys() - {*wrong}:
            found = re.search(SAYS[answer], titles, re.I)
            assert not found, f"{one.question} {answer}: {found}"
