"""The cheat sheet has all lessons, and the glossary all their terms, with the same Japanese."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest

from labs.jupyter.workbooks import lessons
from tests.support import REPOSITORY
from tools import book, cheatsheet, worksheets

GLOSSARY = REPOSITORY / "docs" / "glossary.md"


def rows(text: str) -> list[list[str]]:
    """The rows of the glossaries in `text`: the English, the Japanese, the meaning."""
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| ") and not line.startswith("| ---")
    ]
    return [row for row in cells if row[0] != "English"]


def last_cell(lesson: Path) -> str:
    return "".join(json.loads(lesson.read_text())["cells"][-1]["source"])


@pytest.mark.parametrize("lesson", lessons(), ids=lambda path: path.stem)
def test_the_sheet_has_five_lines_and_the_commands_of_every_lesson(lesson: Path) -> None:
    found = cheatsheet.entry(lesson)
    assert found.title.startswith(lesson.stem[:2])
    assert len(found.summary) == 5
    shown = cheatsheet.whole()
    for text in (*found.summary, found.commands):
        assert cheatsheet.inline(text) in shown, text


def test_a_lesson_without_a_summary_is_named(tmp_path: Path) -> None:
    lesson = tmp_path / "05-bare.ipynb"
    lesson.write_text(json.dumps({"cells": [{"source": ["# 05 Bare\n"]}]}))
    with pytest.raises(ValueError, match=r"05-bare\.ipynb: its last cell has no ## Summary"):
        cheatsheet.entry(lesson)


def test_what_a_line_quotes_is_shown_as_it_is() -> None:
    text = "`nft '{ icmp }' <file>` & more"
    made = cheatsheet.page([cheatsheet.Entry("a < b", (text,), text)])
    assert "<h2>a &lt; b</h2>" in made
    assert "<code>nft '{ icmp }' &lt;file&gt;</code> &amp; more" in made


def test_the_page_and_its_place_in_the_book_need_nothing_from_elsewhere() -> None:
    assert not book.FETCHED.search(cheatsheet.whole())
    assert 'href="cheatsheet.html"' in book.index(lessons())


def test_the_program_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "new" / "sheet.html"
    assert cheatsheet.main([str(target)]) == 0
    assert target.read_text() == cheatsheet.whole()


@pytest.mark.parametrize("program", [cheatsheet, worksheets])
@pytest.mark.parametrize(("word", "status"), [("--help", 0), ("--print", 2)])
def test_an_option_is_never_the_name_of_a_file(
    program: ModuleType, word: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        program.main([word])
    assert ended.value.code == status
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lesson", lessons(), ids=lambda path: path.stem)
def test_the_glossary_has_the_terms_of_every_lesson(lesson: Path) -> None:
    """With the same Japanese, or the same and another that is in use, too."""
    known: dict[str, str] = {}
    for english, japanese, _ in rows(GLOSSARY.read_text()):
        known |= dict.fromkeys([english, *english.split(", ")], japanese)
    for english, japanese, _ in rows(last_cell(lesson)):
        assert english in known, f"docs/glossary.md lacks {english!r}"
        assert japanese in known[english], f"docs/glossary.md: {english!r} is {japanese!r} here"


def test_every_term_of_the_glossary_has_its_japanese_and_a_meaning() -> None:
    found = rows(GLOSSARY.read_text())
    assert [row for row in found if len(row) != 3 or not all(row)] == []
    terms = [row[0] for row in found]
    assert sorted(term for term in terms if terms.count(term) > 1) == []
