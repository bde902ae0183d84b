"""What a lesson asks of a learner, section by section: read from the notebook itself.

    07-failover.ipynb
        ## Pull                                 a section
        predict("One second after ...")         its items: predictions, checks, quiz questions
        check(lab, "leave")

A section without items is none for the wall: nothing is recorded that could show where it stands.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from labs import jsonlines, own_numbers
from labs.jupyter import workbooks
from labs.lessons import course

BEFORE = "Start"  # what stands before the first heading
QUIZ = "Check yourself"


@dataclass(frozen=True)
class Item:
    """Something that a learner answers: `kind` and `name` as in progress.jsonl.

    `asks`: a question with a name for each number that is the learner's own; "" if it has none.
    """

    kind: str
    name: str
    asks: str = field(default="", compare=False)


@dataclass(frozen=True)
class Section:
    """A part of a lesson with its items in their order."""

    title: str
    items: tuple[Item, ...]


@cache
def of(lesson: str, notebooks: Path = workbooks.NOTEBOOKS) -> tuple[Section, ...]:
    """The sections of a lesson ("07-failover"); none if its notebook cannot be read."""
    try:
        cells = json.loads(jsonlines.whole(notebooks / f"{lesson}.ipynb"))["cells"]
    except (OSError, ValueError, LookupError):
        return ()
    found: list[tuple[str, list[Item]]] = [(BEFORE, [])]
    seen: set[Item] = set()  # a check is called before and after the learner's work
    for cell in cells:
        text = "".join(cell["source"])
        if cell["cell_type"] == "code":
            for item in _items(text, lesson):
                if item in seen:
                    continue
                seen.add(item)
                if item.kind == "quiz" and found[-1][0] != QUIZ:
                    found.append((QUIZ, []))
                found[-1][1].append(item)
            continue
        titles = [line[3:].strip() for line in text.splitlines() if line.startswith("## ")]
        found += [(title, []) for title in titles]
    return tuple(Section(title, tuple(items)) for title, items in found if items)


def lessons(notebooks: Path = workbooks.NOTEBOOKS) -> list[str]:
    """The names of the lessons that have sections, in the course's order."""
    return [path.stem for path in workbooks.lessons(notebooks) if of(path.stem, notebooks)]


def _items(code: str, lesson: str) -> Iterator[Item]:
    """What the calls in a cell ask; nothing for a cell that is a magic."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    calls.sort(key=lambda call: (call.lineno, call.col_offset))
    for call in calls:
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        words = [word.value for word in call.args if isinstance(word, ast.Constant)]
        yield from _asked(name, [word for word in words if isinstance(word, str)], lesson)


def _asked(function: str, words: list[Any], lesson: str) -> Iterator[Item]:
    if not words:
        return
    if function == "predict":
        key = own_numbers.recorded(words[0], course.lesson(lesson).own)
        yield Item("prediction", key, words[0] if key != words[0] else "")
    elif function == "check":
        yield Item("check", words[0])
    elif function == "quiz":
        questions = course.lesson(words[0]).questions
        yield from (Item("quiz", question.text) for question in questions)
