"""`labs grade`: what counts is the teacher's choice, and each form is what its program reads."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from labs import own_numbers
from labs.cli.main import main
from labs.grading import exports, points
from labs.jupyter.gradebook import rows
from labs.lessons import course
from labs.progress import FILE, Entry
from tests.support import REPOSITORY

SCHEMAS = REPOSITORY / "tests" / "data" / "schemas"
SEVEN = "VRRP 07 Failover: pull the cable"
# Names that a form could get wrong: a comma, quotes, another script, a formula's first character.
NAMES = ("Müller, Anna", "山田 太郎", 'O"Neil', "=1+1", "plain")
QUESTION = "For how long does the client get no answer?"


def history(*, solved: bool = True) -> str:
    """One prediction, wrong as it turned out; one challenge, met at the third try."""
    entries = [
        Entry(1.0, "07-failover", "begin", "07-failover"),
        Entry(2.0, "07-failover", "prediction", QUESTION, answer=1.0),
        Entry(3.0, "07-failover", "verdict", QUESTION, answer=1.0, measured=3.1, passed=False),
        Entry(4.0, "07-failover", "check", "leave", passed=False),
        Entry(5.0, "07-failover", "check", "leave", passed=solved),
        Entry(6.0, "07-failover", "check", "leave", passed=False),
        Entry(7.0, "21-mystery", "check", "mystery-1", passed=True),
    ]
    return "".join(entry.line() for entry in entries)


@pytest.fixture
def klass(tmp_path: Path) -> list[Path]:
    """The folders of five learners; the last has met no challenge."""
    folders = [tmp_path / "class" / name for name in NAMES]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / FILE).write_text(history(solved=folder is not folders[-1]), encoding="utf-8")
    return folders


def test_the_report_counts_the_first_round_of_a_prediction() -> None:
    verdict = Entry(3.0, "07-failover", "verdict", QUESTION, answer=1.0, measured=3.1, passed=False)
    said = [Entry(t, "07-failover", "prediction", QUESTION, answer=t) for t in (0.5, 1.0, 3.1)]
    again = Entry(9.0, "07-failover", "verdict", QUESTION, answer=3.1, measured=3.1, passed=True)
    (row,) = rows("anna", [said[0], said[1], verdict, said[2], again])
    assert row[-4:] == ("no", "2", "1", "3.1")


Grade = Callable[..., tuple[list[list[str]], list[str]]]


@pytest.fixture
def grade(capsys: pytest.CaptureFixture[str]) -> Grade:
    """Run `labs grade`; the lines of its CSV, and its warnings."""

    def run(*words: str | Path) -> tuple[list[list[str]], list[str]]:
        assert main(["grade", *map(str, words)]) == 0
        said = capsys.readouterr()
        return list(csv.reader(io.StringIO(said.out))), said.err.splitlines()

    return run


def test_a_lesson_that_got_another_number_keeps_its_points() -> None:
    (assignment,) = points.assignments(["21"], {"mystery"})
    earned = [Entry(7.0, name, "check", "mystery-1", passed=True) for name in
              ("16-mystery", "21-mystery", "20-your-servers")]  # fmt: skip
    assert [len(points.grade([entry], assignment).earned) for entry in earned] == [1, 1, 0]
    assert course.lesson("16-mystery").title == course.lesson("21").title


def test_a_lesson_that_was_split_keeps_its_points_in_both_parts() -> None:
    first, second = points.assignments(["13", "14"], {"prediction"})
    asked = "For how long does the client get no answer after the repair?"
    noted = Entry(1.0, "11-split-brain", "prediction", asked, answer=0.0)
    assert [len(points.grade([noted], each).earned) for each in (first, second)] == [0, 1]
    assert course.numbers_of("01-vrrp-and-keepalived") == ("01", "02")
    assert course.number_of("03-what-the-settings-mean") == "04"
    for name in ("listen", "election"):
        assert course.experiment(name, "01-vrrp-and-keepalived").asks


@pytest.mark.parametrize(
    ("kinds", "points"),
    [
        ("challenge", {"VRRP 07": "1"}),
        ("prediction", {"VRRP 07": "1"}),
        ("mystery", {"VRRP 21": "1"}),
        ("challenge,prediction", {"VRRP 07": "2"}),
    ],
)
def test_what_counts_is_the_teachers_choice(
    klass: list[Path], grade: Grade, kinds: str, points: dict[str, str]
) -> None:
    lines, _ = grade("moodle", klass[0], "--count", kinds)
    earned = {head[:7]: cell for head, cell in zip(*lines, strict=True) if head[:4] == "VRRP"}
    assert {head: cell for head, cell in earned.items() if cell != "0"} == points


def test_every_prediction_of_the_notebooks_can_earn_its_point() -> None:
    """The questions that count are those that the lessons ask."""
    items = {
        (each.number, item.name)
        for each in points.assignments([], {"prediction"})
        for item in each.items
    }
    for path in sorted((REPOSITORY / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text())["cells"]
        code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
        code = re.sub(r'"\s*\n\s*"', "", code)  # a string over two lines
        own = course.lesson(path.stem).own
        found = re.findall(r'(?:predict\(\s*|question = )"([^"]+)"', code)
        asked = {own_numbers.recorded(question, own) for question in found}
        assert asked == {name for number, name in items if number == path.name[:2]}, path.name


def test_points_are_shared_by_the_items_of_a_lesson(klass: list[Path], grade: Grade) -> None:
    lines, _ = grade(
        "moodle", klass[0], "--lessons", "07", "--count", "prediction", "--points", "10"
    )
    asked = len({*course.lesson("07").reasons, *course.lesson("07").answers})
    assert float(lines[1][-1]) == round(10 / asked, 2)


def test_moodle_gets_every_name_as_it_is(klass: list[Path], grade: Grade) -> None:
    head, *lines = grade("moodle", *klass, "--lessons", "07", "--count", "challenge")[0]
    assert head == [*exports.IDENTITY["moodle"], SEVEN]
    assert {line[0]: line[-1] for line in lines} == dict.fromkeys(NAMES, "1") | {"plain": "0"}


def test_canvas_reads_names_points_and_the_line_of_what_is_possible(
    klass: list[Path], grade: Grade
) -> None:
    head, possible, *lines = grade("canvas", *klass, "--lessons", "07", "--count", "challenge")[0]
    assert head == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", SEVEN]
    assert possible == ["    Points Possible", "", "", "", "", "1"]
    assert {line[0]: line[-1] for line in lines} == dict.fromkeys(NAMES, "1") | {"plain": "0"}
    assert all(line[0] == line[3] for line in lines)


def test_the_roster_of_canvas_gives_each_learner_the_id(
    klass: list[Path], grade: Grade, tmp_path: Path
) -> None:
    known = tmp_path / "roster.csv"
    known.write_text(
        "\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,Old work (7)\n"
        ",,,,,Manual\n"
        '"Müller, Anna",17,,amueller,A,3\n"Yamada, Taro",18,,山田 太郎,A,\n',
        encoding="utf-8",
    )
    lines, warnings = grade("canvas", *klass, "--lessons", "07", "--roster", known)
    assert [line[:5] for line in lines[2:]] == [
        ["Müller, Anna", "17", "", "amueller", "A"],
        ["Yamada, Taro", "18", "", "山田 太郎", "A"],
    ]
    assert len(warnings) == 3
    assert "labs: plain: not in the roster: left out" in warnings


def test_nbgrader_gets_the_columns_of_its_own_export(klass: list[Path], grade: Grade) -> None:
    lines, _ = grade("nbgrader", *klass, "--lessons", "07,21", "--count", "challenge,mystery")
    assert tuple(lines[0]) == exports.NBGRADER
    first = dict(zip(lines[0], lines[1], strict=True))
    assert first["student_id"] == "Müller, Anna"
    assert (first["assignment"], first["score"], first["max_score"]) == (SEVEN, "1.0", "1.0")
    assert first["timestamp"] == "1970-01-01 00:00:05"
    learners = [line[lines[0].index("student_id")] for line in lines[1:]]
    assert sorted(learners) == sorted(2 * NAMES)


@pytest.mark.parametrize("form", ["gradescope", "prairielearn"])
def test_results_fit_the_schema(klass: list[Path], grade: Grade, tmp_path: Path, form: str) -> None:
    schema = json.loads((SCHEMAS / f"{form}-results.json").read_text())
    grade(form, *klass, "--lessons", "07,21", "--points", "10", "--out", tmp_path / "out")
    results = {path.parent.name: json.loads(path.read_text()) for path in tmp_path.glob("out/*/*")}
    assert set(results) == set(NAMES)
    for content in results.values():
        jsonschema.validate(content, schema)
    scores = {name: content["score"] for name, content in results.items()}
    assert 0 < scores["plain"] < scores["山田 太郎"]


@pytest.mark.parametrize("form", ["gradescope", "prairielearn"])
def test_the_schemas_notice(form: str) -> None:
    schema = json.loads((SCHEMAS / f"{form}-results.json").read_text())
    wrong: list[Any] = [{"score": "full"}, {"scores": 1}, {"score": 0.5, "tests": [{"name": 5}]}]
    for content in wrong:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(content, schema)


def test_a_damaged_file_costs_its_line_only(klass: list[Path], grade: Grade) -> None:
    with (klass[1] / FILE).open("a") as file:
        file.write('{"t": 8.0, "lesson": "05-fail\n')
    (klass[2] / FILE).unlink()
    lines, warnings = grade("moodle", *klass, "--lessons", "07", "--count", "challenge")
    assert {line[0]: line[-1] for line in lines[1:]} == {
        "Müller, Anna": "1", "山田 太郎": "1", "=1+1": "1", "plain": "0",
    }  # fmt: skip
    assert len(warnings) == 2
    assert "progress.jsonl:8: skipped" in warnings[0]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["moodle", "FOLDER", "--lessons", "99"], "99"),
        (["moodle", "FOLDER", "--count", "beauty"], "beauty"),
        (["moodle", "FOLDER", "--lessons", "07", "--count", "mystery"], "nothing of the kind"),
        (["gradescope", "FOLDER"], "--out FOLDER"),
        (["gradescope", "FOLDER", "--out", "/dev/null/out"], "--out FOLDER"),
        (["moodle", "FOLDER", "--out", "/dev/null/out"], "--out FILE"),
        (["moodle", "FOLDER", "--roster", "/dev/null"], "cannot be read as CSV"),
        (["moodle", "/absent"], "no progress to grade"),
    ],
)
def test_an_error_says_what_to_do(
    klass: list[Path], capsys: pytest.CaptureFixture[str], words: list[str], reason: str
) -> None:
    words = [str(klass[0]) if word == "FOLDER" else word for word in words]
    assert main(["grade", *words]) == 2
    assert reason in capsys.readouterr().err.splitlines()[-1]
