"""The predictions of the course, for teachers: docs/predictions.md, from docs/predictions.json.

    python -m tools.predictions            print the page
    python -m tools.predictions --write    write it
    python -m tools.predictions --record   first read the answers off the recordings, a minute

    notebooks/NN-name.ipynb  predict(...)      the questions, their units and choices
    recordings               verdicts          docs/predictions.json: what was measured, and why
    labs.lessons.course      EXPECTED          the wrong answers to expect

A test holds the page current; the replay of each lesson compares its verdicts with the answers.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labs import own_numbers
from labs.jupyter.workbooks import lessons
from labs.lessons import course
from labs.lessons.predictions import answer_text

DOCS = Path(__file__).resolve().parents[1] / "docs"
DATA, PAGE = DOCS / "predictions.json", DOCS / "predictions.md"

INTRODUCTION = """\
# The predictions and their answers

For teachers: every prediction of the course, what was measured, why, and the wrong answers to expect, each with what its learner probably thinks.
Do not show it to a class before the predictions are in.

The answers are those of the recorded runs, with vrrpd and with the numbers of the recording; a time is another one in each run, and longer on a busy computer.
A number within 15 percent counts as right, and so does any in a range that the reason gives.
Each learner sees the choices in an order of their own; here and on the worksheets they have that of the notebook.
With keepalived up to 2.3.2 two answers are others: the last one of lesson 05 and *Only web1 has the longer list* in lesson 06 are “both”.
With numbers of the learner's own two answers can be others: in lesson 12, web1 keeps the address with a weight of 50 or less; in lesson 15, web2 does nothing from 250 ms on.

`make worksheets` prints this page, too, beside the worksheets of the learners.
It is made by `python -m tools.predictions --write`; the reasons and the wrong answers are in `labs/lessons/course`.
"""  # noqa: E501


@dataclass(frozen=True, slots=True)
class Asked:
    """A prediction as a notebook asks it; own numbers are names in braces in the question.

    The choices have the order of the notebook; learners see them shuffled unless `ordered`.
    """

    question: str
    unit: str
    choices: tuple[str, ...]
    ordered: bool


def asked(lesson: Path) -> list[Asked]:
    """The predictions of `lesson`, a notebook, in their order."""
    cells = json.loads(lesson.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return [each for source in sources if "predict(" in source for each in _asked(source)]


def _asked(source: str) -> Iterator[Asked]:
    """The calls of predict() in a cell, whose arguments are constants or names of constants."""
    if source.startswith("%"):
        return
    known: dict[str, Any] = {}
    for node in ast.parse(source).body:
        if not isinstance(node, ast.Assign):
            continue
        call, name = node.value, ast.unparse(node.targets[0])
        if not isinstance(call, ast.Call):
            known[name] = ast.literal_eval(call)
        elif ast.unparse(call.func) == "predict":
            given = {each.arg: each.value for each in call.keywords if each.arg != "guess"}
            found = {name: _value(value, known) for name, value in given.items()}
            question = _value(call.args[0], known)
            choices, ordered = tuple(found.get("choices", ())), found.get("ordered", False)
            yield Asked(question, found.get("unit", ""), choices, ordered)


def _value(node: ast.expr, known: dict[str, Any]) -> Any:
    return known[node.id] if isinstance(node, ast.Name) else ast.literal_eval(node)


def answers() -> dict[str, dict[str, Any]]:
    """The `answer` and the `reason` of the recorded run, by the question as it was asked there."""
    return dict(json.loads(DATA.read_text(encoding="utf-8")))


def recorded() -> dict[str, dict[str, Any]]:
    """What `answers` has, from the recordings; each lesson is replayed in its own process."""
    from tools import site_lessons

    found = {}
    for made in site_lessons.replays(lessons()):
        for cell in made["cells"]:
            for output in cell.get("outputs", []):
                if output["kind"] == "verdict":
                    answer, reason = output["measured"], output["because"]
                    if isinstance(answer, float):
                        answer = float(f"{answer:.4g}")  # a verdict shows three digits
                    found[output["question"]] = {"answer": answer, "reason": reason}
    return found


def page(known: dict[str, dict[str, Any]]) -> str:
    """The whole page, in Markdown; `known` as `answers` has it."""
    return "\n".join([INTRODUCTION, *(_section(lesson, known) for lesson in lessons())])


def _section(lesson: Path, known: dict[str, dict[str, Any]]) -> str:
    about = course.lesson(lesson.stem)
    lines = [f"## {lesson.stem[:2]} {about.title}", ""]
    for number, each in enumerate(asked(lesson), 1):
        question = own_numbers.recorded(each.question, about.own)
        found = known[question]
        answer = answer_text(found["answer"], each.unit)
        choices = f" ({' / '.join(each.choices)})" if each.choices else ""
        lines += [f"**{number}. {question}**{choices}", ""]
        lines += [f"Recorded: **{answer}**. {found['reason']}", ""]
        lines += ["| expect | the learner thinks |", "| --- | --- |"]
        for wrong, thought in about.expected[each.question]:
            lines.append(f"| {answer_text(wrong, each.unit)} | {thought} |")
        lines.append("")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """The program; returns its exit status."""
    parser = argparse.ArgumentParser(
        "python -m tools.predictions", description="The predictions of the course, for teachers."
    )
    parser.add_argument("--write", action="store_true", help="write docs/predictions.md")
    parser.add_argument("--record", action="store_true", help="read the answers off the recordings")
    chosen = parser.parse_args(arguments)
    if chosen.record:
        text = json.dumps(recorded(), indent=1, ensure_ascii=False)
        DATA.write_text(f"{text}\n", encoding="utf-8")
    if chosen.write:
        PAGE.write_text(page(answers()), encoding="utf-8")
    elif not chosen.record:
        print(page(answers()), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
