"""What the tests of the lessons share: the lessons, their cells, and who runs them how often.

Every lesson is run once, top to bottom, with vrrpd, and those of the article with keepalived, too.
A second pass and a shuffled third one cost three times as much, so `make test` takes a few lessons
for them, drawn by a seed that it prints; `make lessons` takes all (LESSONS=whole).
LESSONS_SEED=7 draws again what the seed 7 drew, and the numbers of the learner's own
(`labs.own_numbers`) that each lesson is run with.
"""

from __future__ import annotations

import json
import os
import random
import re
import time
from pathlib import Path
from typing import Any

from labs import own_numbers
from labs.lessons import course
from tests.support import REPOSITORY

LESSONS = sorted((REPOSITORY / "notebooks").glob("[0-9][0-9]-*.ipynb"))
WHOLE = os.environ.get("LESSONS") == "whole"
# Lessons that say the same with either daemon; the others are about vrrpd or choose for themselves.
WITH_KEEPALIVED = {*range(1, 15), 16, 17, 20, 21}
# How many lessons are run three times when not all are.
SAMPLE = 2

Cell = dict[str, Any]


def seed() -> int:
    """The same in all processes of one run; another one each day, so that in time all is tried."""
    return int(os.environ.get("LESSONS_SEED") or time.time() // 86400)


def learner() -> str:
    """The seed of the folder in which a lesson with numbers of the learner's own is run."""
    return f"lessons {seed()}"


def own(stem: str) -> dict[str, float]:
    """The numbers that a lesson has in these tests; {} if it has none."""
    lesson = course.lesson(stem)
    return own_numbers.chosen(lesson.slug, lesson.own, learner()) if lesson.own else {}


def number(lesson: Path) -> int:
    """7 for 07-failover.ipynb."""
    return int(lesson.stem[:2])


def name(lesson: Path) -> str:
    """How a test calls a lesson."""
    return lesson.stem


def passes(lesson: Path) -> int:
    """How often `lesson` is run with vrrpd."""
    chosen = random.Random(seed()).sample(LESSONS, min(SAMPLE, len(LESSONS)))
    return 3 if WHOLE or lesson in chosen else 1


def runs() -> list[tuple[Path, str, int]]:
    """Lesson, daemon and number of passes of every run, the longest first."""
    found = [(lesson, "vrrpd", passes(lesson)) for lesson in LESSONS]
    found += [
        (lesson, "keepalived", 3 if WHOLE else 1)
        for lesson in LESSONS
        if number(lesson) in WITH_KEEPALIVED
    ]
    return sorted(found, key=lambda run: -run[2])


def read(path: Path) -> list[Cell]:
    """The cells of a notebook, each with its whole source as "text"."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [{**cell, "text": "".join(cell["source"])} for cell in cells]


def of_kind(cells: list[Cell], kind: str) -> list[Cell]:
    """The cells that are "code" or "markdown"."""
    return [cell for cell in cells if cell["cell_type"] == kind]


def answers_to(lesson: Path, text: str) -> set[str]:
    """The questions of the predictions that the experiment of a cell answers."""
    found = re.match(r"%%experiment (\S+)", text)
    return set(course.experiment(found.group(1), lesson.stem).asks) if found else set()


def tagged(cell: Cell, tag: str) -> bool:
    """Whether a cell has `tag`."""
    return tag in cell["metadata"].get("tags", [])


def checked(cell: Cell) -> str:
    """The challenge that a cell checks in its last line; empty if it checks none."""
    last = cell["text"].strip().rpartition("\n")[2]
    found = re.fullmatch(r'check\(lab, "([\w-]+)"\)', last)
    return found.group(1) if found else ""


def shown(cell: Cell, kind: str = "text/plain") -> str:
    """Everything of one MIME type that a cell put out, printed text included.

    Printed text arrives in pieces, which may be divided anywhere.
    """
    parts = [output.get("data", {}).get(kind, "") for output in cell.get("outputs", [])]
    if kind == "text/plain":
        printed = (output.get("text", "") for output in cell.get("outputs", []))
        parts.append("".join("".join(piece) for piece in printed))
    return "\n".join("".join(part) for part in parts)


def errors(cell: Cell) -> list[Cell]:
    """The error outputs of a cell."""
    return [output for output in cell.get("outputs", []) if output["output_type"] == "error"]


def where(lesson: Path, cell: Cell) -> str:
    """A cell as a message names it, with its beginning."""
    first = cell["text"].strip().splitlines()[:2]
    return f"{lesson.name}, cell {cell['id']!r} ({' ⏎ '.join(first)[:90]})"
