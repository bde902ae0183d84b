"""A class whose disk is full: a clear line, and nothing lost that was there before."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from labs.errors import LabError
from labs.exam import hand_out, paper, results
from labs.jupyter import server, singleuser, trial, workbooks
from labs.progress import FILE, VARIABLE, memory, read
from tests.support import HUNG_S, REPOSITORY


class Disk:
    """A small one, that can be filled and cleared."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def fill(self) -> None:
        """Leave no byte free."""
        with (self.place / "ballast").open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))

    def clear(self) -> None:
        """Make space again."""
        (self.place / "ballast").unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """32 MB, which the lessons need a part of."""
    (place := tmp_path / "disk").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(place)], check=True)
    yield Disk(place)
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def anna(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A learner's folder on it."""
    (folder := disk.place / "anna").mkdir()
    monkeypatch.setenv(VARIABLE, str(folder))
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    memory.forget()
    memory.lesson = "07-failover"
    yield folder
    memory.forget()


@pytest.mark.parametrize("in_an_exam", [False, True])
def test_what_was_answered_before_and_after_is_there(
    in_an_exam: bool, disk: Disk, anna: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line that the disk takes half of is reported; in an exam it looks like no line edited."""
    exam = paper.new("final", time.time() - 60, time.time() + 3600)
    if in_an_exam:
        hand_out.hand_out(exam, "anna", anna)
    memory.note("check", "leave", passed=False)
    disk.fill()
    memory.note("prediction", "x" * 5000, 1.0)  # more than the file's last page has left
    assert "No space left on device" in capsys.readouterr().err
    disk.clear()
    memory.note("check", "leave", passed=True)
    kept = [(entry.kind, entry.passed) for entry in read(anna / FILE)]
    assert kept == [("check", False), ("check", True)]
    if in_an_exam:
        assert results.result(exam, "anna", anna).remarks == []


def test_a_learner_who_has_the_lessons_comes_in(
    disk: Disk, anna: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workbooks.hand_out(anna)
    (anna / "08-failback.ipynb").unlink()  # to be handed out again
    disk.fill()
    assert singleuser._prepared() == anna
    assert "not brought up to date" in capsys.readouterr().err
    assert (anna / server.first_lesson()).stat().st_size > 1000
    disk.clear()
    singleuser._prepared()
    assert (anna / "08-failback.ipynb").exists()


def test_a_learner_without_lessons_reads_why(disk: Disk, anna: Path) -> None:
    disk.fill()
    with pytest.raises(LabError, match="No space left on device"):
        singleuser._prepared()


@pytest.mark.skipif(
    shutil.which("configurable-http-proxy") is None
    or not Path(sys.executable).with_name("jupyterhub").exists(),
    reason="JupyterHub or its proxy is not installed; remedy: make setup-class",
)
@pytest.mark.skipif(
    any(not place.stat().st_mode & 0o001 for place in REPOSITORY.parents),
    reason="optional: this checkout is closed to learners, and a class says that first",
)
def test_a_class_that_cannot_write_says_so_in_one_line(disk: Disk) -> None:
    folder = disk.place / "class"
    words = trial._arguments(trial.Options(folder))
    disk.fill()
    command = [sys.executable, "-m", "labs.cli.main", "class", "--folder", str(folder)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=HUNG_S)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "No space left on device" in done.stderr
    disk.clear()
    assert trial._arguments(trial.Options(folder)) == words
