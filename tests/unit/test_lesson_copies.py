"""What is made from the solved lessons: the learner's copies, and the book.

Copies give nothing away, and nothing of the learner's is ever overwritten. The book has pages
without widgets, figures with their words, and fetches nothing from elsewhere.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labs.errors import LabError
from labs.jupyter.workbooks import copy, folder, hand_out, lessons, without_guess
from tools import book

NAME = "07-failover.ipynb"
BESIDE = "07-failover.new.ipynb"


def code(source: str, **metadata: Any) -> dict[str, Any]:
    outputs = [{"output_type": "stream", "name": "stdout", "text": "3.58"}]
    return {
        "cell_type": "code",
        "source": source.splitlines(keepends=True),
        "metadata": metadata,
        "outputs": outputs,
        "execution_count": 7,
    }


def solved(question: str = "How long?") -> dict[str, Any]:
    hidden = {"tags": ["solution"], "jupyter": {"source_hidden": True}}
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
        "cells": [
            {"cell_type": "markdown", "source": ["# 05 Failover"], "metadata": {}},
            code(f'gap = predict("{question}", unit="s", guess=3.1)\ngap'),
            code("lab.stop('web1')", **hidden),
        ],
    }


@pytest.fixture
def source(tmp_path: Path) -> Path:
    place = tmp_path / "notebooks"
    place.mkdir()
    (place / NAME).write_text(json.dumps(solved()))
    return place


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return tmp_path / "mine"


def edit(path: Path, text: str) -> None:
    notebook = json.loads(path.read_text())
    notebook["cells"][-1]["source"] = [text]
    path.write_text(json.dumps(notebook))


def last(path: Path) -> str:
    return "".join(json.loads(path.read_text())["cells"][-1]["source"])


def upgrade(source: Path) -> None:
    (source / NAME).write_text(json.dumps(solved("How many seconds?")))


# --- one copy ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ('predict("Who?", guess="me")', 'predict("Who?")'),
        ('predict("Who?", guess=1, unit="s")', 'predict("Who?", unit="s")'),
        ('a = predict("誰?", guess="私")\na', 'a = predict("誰?")\na'),
        ('predict(\n    "Who?",\n    guess="me",\n)', 'predict(\n    "Who?",\n)'),
        ('predict("Why guess=1?", guess=f(1, 2))', 'predict("Why guess=1?")'),
        ('predict("a", guess=1); predict("b", guess=2)', 'predict("a"); predict("b")'),
        ("other(1, guess=2)", "other(1, guess=2)"),
        ("%%on web1\npredict(1, guess=2)", "%%on web1\npredict(1, guess=2)"),
    ],
)
def test_a_guess_goes_and_everything_else_stays(given: str, left: str) -> None:
    assert without_guess(given) == left


def test_a_copy_has_no_guess_no_solution_and_no_outputs() -> None:
    made = copy(solved(), NAME)
    text = json.dumps(made)
    assert "guess" not in text
    assert "lab.stop" not in text
    assert "3.58" not in text
    assert f"solutions/{NAME}" in text
    assert made["cells"][2]["metadata"] == {"tags": ["solution"]}


def test_only_the_first_of_several_cells_of_a_solution_asks_for_one() -> None:
    """Six cells that each say "Your turn" look like six things to do."""
    made = copy(solved(), NAME)
    made["cells"] = [dict(made["cells"][2]) for _ in range(3)]
    texts = ["".join(cell["source"]) for cell in copy(made, NAME)["cells"]]
    assert [text.startswith("# Your turn") for text in texts] == [True, False, False]
    assert "if you need one" in texts[1]


def test_every_lesson_can_be_copied_without_giving_anything_away() -> None:
    for path in lessons():
        notebook = json.loads(path.read_text())
        made = copy(notebook, path.name)
        assert len(made["cells"]) == len(notebook["cells"])
        for cell in made["cells"]:
            text = "".join(cell["source"])
            assert cell["cell_type"] == "markdown" or "guess=" not in text, text


# --- the folder ----------------------------------------------------------------------------------


def test_the_first_time_there_are_copies_and_solutions(source: Path, mine: Path) -> None:
    assert hand_out(mine, source) == []
    assert last(mine / NAME).startswith("# Your turn")
    assert last(mine / "solutions" / NAME) == "lab.stop('web1')"


def test_an_untouched_copy_is_renewed(source: Path, mine: Path) -> None:
    hand_out(mine, source)
    upgrade(source)
    assert hand_out(mine, source) == []
    assert "How many seconds?" in (mine / NAME).read_text()
    assert not (mine / BESIDE).exists()


def test_edits_outlive_an_upgrade_and_the_new_lesson_is_laid_beside(
    source: Path, mine: Path
) -> None:
    hand_out(mine, source)
    edit(mine / NAME, "my own idea")
    assert hand_out(mine, source) == []  # nothing new
    upgrade(source)
    (told,) = hand_out(mine, source)
    assert NAME in told
    assert BESIDE in told
    assert last(mine / NAME) == "my own idea"
    assert "How many seconds?" in (mine / BESIDE).read_text()
    assert hand_out(mine, source) == []  # reported once


def test_what_was_run_is_work_too(source: Path, mine: Path) -> None:
    hand_out(mine, source)
    notebook = json.loads((mine / NAME).read_text())
    notebook["cells"][1]["outputs"] = code("")["outputs"]
    (mine / NAME).write_text(json.dumps(notebook))
    upgrade(source)
    assert len(hand_out(mine, source)) == 1
    assert "How long?" in (mine / NAME).read_text()


def test_edits_of_the_one_beside_are_kept_as_well(source: Path, mine: Path) -> None:
    hand_out(mine, source)
    edit(mine / NAME, "first idea")
    upgrade(source)
    hand_out(mine, source)
    edit(mine / BESIDE, "second idea")
    (source / NAME).write_text(json.dumps(solved("Third?")))
    (told,) = hand_out(mine, source)
    assert last(mine / NAME) == "first idea"
    assert last(mine / BESIDE) == "second idea"
    assert "Third?" in (mine / told.split()[-1]).read_text()


def test_opening_a_copy_is_not_editing_it(source: Path, mine: Path) -> None:
    hand_out(mine, source)
    notebook = json.loads((mine / NAME).read_text())
    notebook["metadata"]["language_info"] = {"version": "3.11"}
    (mine / NAME).write_text(json.dumps(notebook, indent=2))
    upgrade(source)
    assert hand_out(mine, source) == []


def test_a_deleted_copy_comes_back_fresh(source: Path, mine: Path) -> None:
    hand_out(mine, source)
    (mine / NAME).unlink()
    hand_out(mine, source)
    assert last(mine / NAME).startswith("# Your turn")


@pytest.mark.parametrize("content", ["", "not JSON", "[]", '{"cells": [3]}'])
def test_a_file_of_that_name_that_is_not_ours_is_kept(
    content: str, source: Path, mine: Path
) -> None:
    mine.mkdir()
    (mine / NAME).write_text(content)
    hand_out(mine, source)
    assert (mine / NAME).read_text() == content
    assert (mine / BESIDE).exists()


def test_a_lesson_that_was_renamed_leaves_only_what_was_edited(source: Path, mine: Path) -> None:
    (source / "08-failback.ipynb").write_text(json.dumps(solved()))
    hand_out(mine, source)
    edit(mine / "08-failback.ipynb", "mine")
    for name in (NAME, "08-failback.ipynb"):
        (source / name).rename(source / name.replace("0", "1", 1))
    line = "08-failback.ipynb has your work in it; that lesson is 18-failback.ipynb now"
    assert hand_out(mine, source) == [line]
    assert hand_out(mine, source) == []
    assert not (mine / NAME).exists()
    assert last(mine / "08-failback.ipynb") == "mine"


def test_the_copy_of_a_lesson_that_was_split_names_both_parts(source: Path, mine: Path) -> None:
    before = source / "01-vrrp-and-keepalived.ipynb"
    before.write_text(json.dumps(solved()))
    hand_out(mine, source)
    edit(mine / before.name, "mine")
    before.rename(source / "01-what-a-router-sends.ipynb")
    (source / "02-who-is-elected.ipynb").write_text(json.dumps(solved()))
    (line,) = hand_out(mine, source)
    assert line.endswith("is 01-what-a-router-sends.ipynb and 02-who-is-elected.ipynb now")
    assert last(mine / before.name) == "mine"


def test_a_ledger_that_cannot_be_read_costs_nothing(source: Path, mine: Path) -> None:
    hand_out(mine, source)
    edit(mine / NAME, "mine")
    (mine / ".handed-out.json").write_text("{")
    hand_out(mine, source)
    assert last(mine / NAME) == "mine"


def test_a_folder_that_cannot_be_written_is_one_line(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LabError, match=r"LAB_WORK=FOLDER"):
        hand_out(tmp_path / "file" / "mine", source)


def test_a_folder_without_lessons_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="clone"):
        hand_out(tmp_path / "mine", tmp_path)


def test_the_folder_is_the_learners_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_WORK", "/somewhere/else")
    assert folder() == Path("/somewhere/else")
    monkeypatch.delenv("LAB_WORK")
    monkeypatch.setenv("HOME", "/home/anna")
    assert folder() == Path("/home/anna/vrrp-lab")


# --- the book ------------------------------------------------------------------------------------


def cell(data: dict[str, Any], *tags: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "source": ["x"],
        "metadata": {"tags": list(tags)},
        "outputs": [{"output_type": "display_data", "data": data, "metadata": {}}],
    }


def paged(*cells: dict[str, Any]) -> list[dict[str, Any]]:
    return list(book.page({"metadata": {"widgets": {}}, "cells": list(cells)})["cells"])


def test_a_widget_gives_way_to_its_static_twin() -> None:
    (found,) = paged(cell({book.WIDGET: {}, "text/html": "<p>1. Who decides?</p>"}))
    assert found["outputs"][0]["data"] == {"text/html": "<p>1. Who decides?</p>"}


def test_a_solution_is_folded() -> None:
    (found,) = paged(cell({}, "solution"))
    assert "hide-input" in found["metadata"]["tags"]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A built site with a page for every lesson, and the cheat sheet."""
    (tmp_path / "lessons").mkdir()
    (tmp_path / "cheatsheet.html").touch()
    for lesson in lessons():
        (tmp_path / "lessons" / f"{lesson.stem}.html").write_text(
            '<script src="../_static/x.js"></script><a href="https://www.rfc-editor.org/">RFC</a>'
        )
    return tmp_path


def test_a_site_that_stands_alone_passes(site: Path) -> None:
    assert book.check(site) == 0


@pytest.mark.parametrize(
    "markup",
    [
        '<script defer src="https://cdn.example/require.js"></script>',
        '<link rel="stylesheet" href="//fonts.example/a.css">',
        "<img src='http://example/badge.png'>",
        "<style>body { background: url(https://example/a.png) }</style>",
    ],
)
def test_a_site_that_fetches_from_elsewhere_does_not(
    markup: str, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (site / "index.html").write_text(markup)
    assert book.check(site) == 1
    assert "index.html" in capsys.readouterr().err


def test_a_missing_page_is_noticed(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    next((site / "lessons").iterdir()).unlink()
    assert book.check(site) == 1
    assert "there is no page of" in capsys.readouterr().err


def test_a_missing_cheat_sheet_is_noticed(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "cheatsheet.html").unlink()
    assert book.check(site) == 1
    assert capsys.readouterr().err == "book: there is no page of the cheat sheet\n"
