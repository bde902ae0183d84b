"""The learner's copies: run without an answer, they stop politely where the first is due."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from labs import progress
from labs.jupyter.workbooks import copy
from tests.notebooks.leftovers import nothing_left
from tests.notebooks.lessons import LESSONS, errors, name, of_kind, read, shown, where
from tests.support import OrdinaryUser

PROGRAM = Path(__file__).with_name("execute.py")
SECONDS = 500
# How a cell begins that needs a prediction.
BEGINS = ("commit(", "%%experiment ")
ASKING = [lesson for lesson in LESSONS if any(begin in lesson.read_text() for begin in BEGINS)]


@pytest.mark.timeout(SECONDS + 300)
@pytest.mark.parametrize("lesson", ASKING, ids=name)
def test_a_copy_stops_politely_at_the_first_question(
    lesson: Path, ordinary_user: OrdinaryUser
) -> None:
    mine, result = ordinary_user.home / lesson.name, ordinary_user.home / "result.ipynb"
    mine.write_text(json.dumps(copy(json.loads(lesson.read_text()), lesson.name)))
    with nothing_left(ordinary_user, ("result.ipynb", progress.FILE, progress.SEED)) as mark:
        work = {"LAB_WORK": str(ordinary_user.home), **mark}
        done = ordinary_user.run([sys.executable, PROGRAM, mine, result], SECONDS, work, False)
    assert done.returncode == 1, "it ran on without an answer"
    cells = of_kind(read(result), "code")
    (last,) = [cell for cell in cells if cell["metadata"].get("refused")]
    assert last["text"].lstrip().startswith(BEGINS), where(lesson, last)
    assert "First say what you expect" in shown(last)
    assert "First say what you expect" in shown(last, "text/html")
    assert [where(lesson, cell) for cell in cells if errors(cell)] == []
    assert (ordinary_user.home / "progress.jsonl").exists()
