"""Catching up: which cells bring a lab to the start of a section, and the line in the report."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labs import progress
from labs.cli.main import main
from labs.errors import LabError
from labs.jupyter import workbooks
from labs.lessons import catch_up
from labs.progress import memory
from tests.support import HUNG_S, REPOSITORY

LESSONS = [path.stem for path in workbooks.lessons()]
PROGRAM = """
import sys
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
shell.extension_manager.load_extension("labs.jupyter.magics")
for cell in (f"from labs.lessons import begin\\nbegin({sys.argv[1]!r})", *sys.argv[2:]):
    shell.run_cell(cell).raise_error()
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A learner's folder and a new kernel, in lesson 08."""
    monkeypatch.setenv("LAB_WORK", str(tmp_path))
    memory.forget()
    memory.lesson = "08-failback"
    return tmp_path


def names(lesson: str, number: int) -> list[str]:
    return [name for name, _ in catch_up.before(catch_up.sections(lesson), number)]


def test_the_second_section_goes_on_with_the_lab_of_the_first() -> None:
    assert names("08-failback", 1) == ["begin"]
    assert names("08-failback", 2)[:3] == ["begin", "start", "plug"]
    assert names("08-failback", 3)[-4:] == [
        "nopreempt-alone", "nopreempt-right", "plug-again", "stop",
    ]  # fmt: skip


def test_a_copy_with_the_earlier_number_of_its_lesson_catches_up() -> None:
    assert names("06-failback", 2) == names("08-failback", 2)


@pytest.mark.parametrize("lesson", LESSONS)
def test_nothing_is_asked_or_judged_on_the_way(lesson: str) -> None:
    parts = catch_up.sections(lesson)
    assert len(parts) > 3
    for number in range(1, len(parts)):
        for name, text in catch_up.before(parts, number):
            if not text.startswith("%"):
                compile(text, name, "exec")
                for asking in ("predict(", "commit(", ".judge(", "check(", "quiz(", "begin("):
                    assert asking not in text, f"{lesson}, {name}: {text}"


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_section_with_a_lab_of_its_own_needs_imports_only(lesson: str) -> None:
    parts = catch_up.sections(lesson)
    (challenge, *_) = [
        n for n, part in enumerate(parts) if part.title.startswith(("Challenge", "1."))
    ]
    found = catch_up.before(parts, challenge)
    assert found
    assert all(text.startswith(("import ", "from ")) for _, text in found)


def test_a_cell_loses_what_asks_and_keeps_what_acts() -> None:
    cell = (
        'who = predict("Who?", choices=["web1"])\nwho\ncommit(who)\nlab.unplug("web1")\n'
        'lab.settle()\nwho.judge(lab.holders())\nx = who.right("web1")\nlab.timeline\nn = 3'
    )
    assert catch_up._acts(cell) == "lab.unplug('web1')\nlab.settle()\nn = 3"


def test_without_a_number_the_sections_are_listed(work: Path) -> None:
    shown = repr(catch_up.magic(None, ""))
    assert "%catch_up 2   Keep the address where it is" in shown
    assert not (work / progress.FILE).exists()


@pytest.mark.parametrize("line", ["0", "99", "-1", "two", "2 3"])
def test_a_section_that_does_not_exist_is_refused(work: Path, line: str) -> None:
    with pytest.raises(LabError, match="the number of a section, 1 to 5"):
        catch_up.magic(None, line)


def test_a_kernel_without_a_lesson_is_refused(work: Path) -> None:
    memory.lesson = ""
    with pytest.raises(LabError, match=r"run begin\(...\) of a lesson first"):
        catch_up.magic(None, "")


def test_in_an_exam_no_solution_is_run(work: Path) -> None:
    numbers = '{"vrid": 3, "high": 2, "low": 1, "interval": 1}'
    (work / progress.EXAM).write_text(
        '{"title": "x", "learner": "anna", "key": "00", "begins": 1, "ends": 2, '
        f'"numbers": {numbers}}}'
    )
    with pytest.raises(LabError, match="an exam in this folder"):
        catch_up.magic(None, "2")


def test_a_cell_that_fails_is_named(work: Path) -> None:
    def fails(*_words: Any) -> None:
        raise LabError("no host called 'web1' in this lab")

    shell = SimpleNamespace(user_ns={"LabError": LabError}, run_cell_magic=fails)
    parts = [catch_up.Section(""), catch_up.Section("one", [("typed", "%%on web1\nls")])]
    with pytest.raises(LabError, match="the cell 'typed' of the solved lesson failed: no host"):
        catch_up._run(shell, parts[1].cells)


def test_a_replayed_lesson_is_brought_to_its_third_section(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = [
        "%catch_up 3",
        "assert lab.holders() == ['web1'], lab.holders()",
        "%%on web2 --changes\nsystemctl start keepalived",
    ]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "08-failback", *cells],
        env={**os.environ, "LAB_MODE": "replay", "LAB_WORK": str(work)},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=HUNG_S,
    )
    assert done.returncode == 0, done.stderr
    assert "You are at the start of “Come back later”" in done.stdout
    assert main(["report", str(work)]) == 0
    (line,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert [line["item"], line["kind"], line["passed"], line["prediction"]] == [
        "Come back later", "catch-up", "yes", "",
    ]  # fmt: skip
