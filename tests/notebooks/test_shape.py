"""What every lesson has in common, read from the files: short cells, a question first, predictions
before the run, a challenge, questions at the end, words in both languages, no stored outputs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support import REPOSITORY

LESSONS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
MAX_CELLS, MAX_LINES, MAX_WORDS = 40, 6, 60
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")

pytestmark = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)


def cells(lesson: Path, kind: str | None = None) -> list[dict[str, Any]]:
    """The cells of a lesson, of one kind if asked, each with its whole text under "text"."""
    found = json.loads(lesson.read_text())["cells"]
    return [
        {**cell, "text": "".join(cell["source"])}
        for cell in found
        if kind in (None, cell["cell_type"])
    ]


def words(text: str) -> int:
    """Words of running prose; tables, headings, quotations, folded answers and links are not."""
    lines = [line for line in text.splitlines() if not re.match(r"[|#>\[]|<details>|.*</det", line)]
    return len(" ".join(lines).split())


def test_cells_are_few_and_short(lesson: Path) -> None:
    assert len(cells(lesson)) <= MAX_CELLS
    for cell in cells(lesson, "code"):
        if not cell["text"].startswith("%%conf"):  # a configuration file has the length it has
            lines = [line for line in cell["text"].splitlines() if line.strip()]
            assert len(lines) <= MAX_LINES, cell["text"]
    for cell in cells(lesson, "markdown"):
        assert words(cell["text"]) <= MAX_WORDS, cell["text"]


def test_it_opens_with_a_title_and_a_question(lesson: Path) -> None:
    title, _, rest = cells(lesson)[0]["text"].partition("\n")
    assert re.match(rf"# {lesson.stem[:2]} ", title)
    assert re.search(r"^\*.*\?\*$", rest, re.M), "no question in italics below the title"


def test_something_is_predicted_before_it_is_judged(lesson: Path) -> None:
    code = "\n".join(cell["text"] for cell in cells(lesson, "code"))
    asked = dict(re.findall(r"^(\w+) = (predict)\(", code, re.M))
    assert asked
    for name in asked:
        judged = code.find(f"{name}.judge(")
        assert judged > code.find(f"{name} = predict("), f"{name} is never judged"
    assert "guess=" not in code, "the learner's guess is the learner's"


def test_the_challenge_is_checked_before_and_after_its_solution(lesson: Path) -> None:
    code = cells(lesson, "code")
    solutions = [n for n, cell in enumerate(code) if "solution" in cell["metadata"].get("tags", [])]
    checks = [n for n, cell in enumerate(code) if cell["text"].startswith("check(lab, ")]
    assert len(solutions) == 1
    assert checks == [solutions[0] - 1, solutions[0] + 1]
    assert code[checks[0]]["text"] == code[checks[1]]["text"]
    assert code[solutions[0]]["metadata"]["jupyter"]["source_hidden"] is True


def test_it_ends_with_three_questions_and_a_glossary(lesson: Path) -> None:
    questions, glossary = cells(lesson, "markdown")[-2:]
    assert questions["text"].count("<details><summary>") == 3
    rows = [line for line in glossary["text"].splitlines() if line.startswith("|")]
    assert JAPANESE.search("".join(rows))


def test_it_is_stored_without_outputs_for_our_kernel(lesson: Path) -> None:
    whole = json.loads(lesson.read_text())
    assert whole["metadata"]["kernelspec"]["name"] == "vrrp-lab"
    for cell in cells(lesson, "code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


def test_its_links_lead_somewhere(lesson: Path) -> None:
    text = "\n".join(cell["text"] for cell in cells(lesson, "markdown"))
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert (lesson.parent / link).exists(), link
