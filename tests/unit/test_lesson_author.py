"""`labs new lesson` makes a lesson that has everything, in a copy of the checkout.

That it also runs on a lab, and what its checks say there, is tried by `labs check lesson`, as the
authoring guide shows; the tests that it runs are those of the lessons in this repository.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from labs.cli import author, main
from labs.errors import LabError
from tests.support import HUNG_S, REPOSITORY

GUIDE = REPOSITORY / "docs" / "authoring.md"
LEFT_OUT = shutil.ignore_patterns(
    "__pycache__", "recordings", "js", "data", "browser", "lab", "sim", "bench", "unit", "interop"
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a lesson needs, to which one may add."""
    copy = tmp_path_factory.mktemp("author") / "checkout"
    for place in ("notebooks", "tools", "tests"):
        shutil.copytree(REPOSITORY / place, copy / place, ignore=LEFT_OUT)
    # labs/browser and others are left out by name, so packages are copied one by one.
    ignored = shutil.ignore_patterns("__pycache__", "recordings")
    shutil.copytree(REPOSITORY / "labs", copy / "labs", ignore=ignored)
    for place in ("vrrpd", "topologies"):
        (copy / place).symlink_to(REPOSITORY / place)
    shutil.copy(REPOSITORY / "pyproject.toml", copy)
    (copy / "tests" / "interop").mkdir()
    for name in ("__init__.py", "versions.py"):
        if (REPOSITORY / "tests" / "interop" / name).exists():
            shutil.copy(REPOSITORY / "tests" / "interop" / name, copy / "tests" / "interop")
    return copy


@pytest.fixture(scope="module")
def made(checkout: Path) -> author.Lesson:
    """A lesson made there, without a number."""
    return author.create(checkout, "three-gateways", "Three gateways")


def pytest_prints(checkout: Path, *words: str) -> str:
    """What pytest prints for these words, in the copy."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    done = subprocess.run(
        command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=HUNG_S
    )
    return done.stdout + done.stderr


def test_a_new_lesson_has_the_next_number_and_all_its_files(made: author.Lesson) -> None:
    numbers = [int(path.stem[:2]) for path in (REPOSITORY / "notebooks").glob("*.ipynb")]
    assert made.stem == f"{max(numbers) + 1:02}-three-gateways"
    assert [path.exists() for path in made.files.values()] == [True] * 6


def test_a_new_lesson_passes_the_tests_of_all_lessons(checkout: Path, made: author.Lesson) -> None:
    files = ("tests/notebooks/test_shape.py", "tests/notebooks/test_hidden_answers.py")
    truths = "tests/notebooks/test_lessons.py::test_every_truth_is_about_a_cell"
    printed = pytest_prints(checkout, *files, truths, "-k", made.stem)
    found = re.search(r"^(\d+) passed, \d+ deselected", printed, re.M)
    assert found, printed
    assert int(found[1]) > 25


def test_the_check_finds_what_the_author_has_to_write(made: author.Lesson) -> None:
    left = author.unwritten(made)
    assert len(left) > 30
    assert any("QUESTION = " in line for line in left)
    assert {line.partition(":")[0] for line in left} == {
        str(path.relative_to(made.checkout))
        for pattern, path in made.files.items()
        if pattern != "begin"
    }


def test_a_lesson_of_this_repository_is_written() -> None:
    lesson = author.find(REPOSITORY, "07")
    assert (lesson.stem, author.unwritten(lesson)) == ("07-failover", [])
    assert author.find(REPOSITORY, "failover") == author.find(REPOSITORY, "07-failover") == lesson


def test_a_file_that_a_lesson_lacks_is_named(checkout: Path, made: author.Lesson) -> None:
    other = author.create(checkout, "lacking")
    other.files["wrong"].unlink()
    assert f"tests/notebooks/wrong/l{other.number}.py: is missing" in author.unwritten(other)
    for path in other.files.values():
        path.unlink(missing_ok=True)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("07-other", "07-failover"),
        ("17", "names no lesson"),
        ("Failover", "names no lesson"),
        ("a/../b", "names no lesson"),
        ("", "names no lesson"),
        ("three-gateways", "is there already"),
    ],
)
def test_a_name_that_cannot_be_one_is_refused(
    checkout: Path, made: author.Lesson, name: str, reason: str
) -> None:
    before = sorted(checkout.rglob("*"))
    with pytest.raises(LabError, match=reason):
        author.create(checkout, name)
    assert sorted(checkout.rglob("*")) == before


def test_a_title_that_would_break_the_module_is_refused(checkout: Path) -> None:
    with pytest.raises(LabError, match="quotes"):
        author.create(checkout, "quoted", 'the "holder"')


def test_an_unknown_lesson_is_refused_with_the_known_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main.main(["check", "lesson", "no-such"]) == 2
    assert "07-failover" in capsys.readouterr().err


def test_the_guide_names_every_file_of_a_lesson(made: author.Lesson) -> None:
    guide = GUIDE.read_text()
    for path in made.files.values():
        where = str(path.relative_to(made.checkout)).replace(made.slug, "gateways")
        assert where.replace("three_gateways", "gateways") in guide


def test_the_guide_has_the_text_of_an_experiment_that_exists() -> None:
    cells = json.loads((REPOSITORY / "notebooks" / "08-failback.ipynb").read_text())["cells"]
    sources = ["".join(cell["source"]) for cell in cells]
    assert '%%experiment plug\nlab.plug("web1")' in sources
    assert '%%experiment plug\nlab.plug("web1")' in GUIDE.read_text()
