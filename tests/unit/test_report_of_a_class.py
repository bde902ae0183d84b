"""`labs report class/*`: whatever one folder holds, the rest of the class is reported."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from labs import jsonlines
from labs.cli.main import main
from labs.progress import FILE, Entry
from tests.support import HUNG_S, OrdinaryUser

GOOD = Entry(1.0, "07-failover", "check", "leave, politely", passed=True).line()


def learner(place: Path, content: bytes | str = GOOD) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    raw = content if isinstance(content, bytes) else content.encode()
    (place / FILE).write_bytes(raw)
    return place


def report(
    folders: list[Path], capsys: pytest.CaptureFixture[str]
) -> tuple[list[dict[str, str]], list[str]]:
    """The rows, and the warnings."""
    assert main(["report", *map(str, folders)]) == 0
    said = capsys.readouterr()
    return list(csv.DictReader(io.StringIO(said.out))), said.err.splitlines()


def a_pipe(place: Path) -> None:
    place.mkdir()
    os.mkfifo(place / FILE)


def a_directory(place: Path) -> None:
    (place / FILE).mkdir(parents=True)


def a_loop(place: Path) -> None:
    place.mkdir()
    (place / FILE).symlink_to(FILE)


def a_device(place: Path) -> None:
    place.mkdir()
    (place / FILE).symlink_to("/dev/zero")


def a_socket_name_too_long(place: Path) -> None:
    place.mkdir()
    (place / FILE).symlink_to("x" * 300)


def nothing_in_it(place: Path) -> None:
    place.mkdir()


def a_stray_file(place: Path) -> None:
    place.write_text("notes")


def not_there(place: Path) -> None:
    """The name of a folder that has just been removed."""


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (nothing_in_it, "no lesson has been begun"),
        (a_stray_file, "not a learner's folder"),
        (not_there, "No such file or directory"),
        (a_pipe, "Not a regular file"),
        (a_device, "Not a regular file"),
        (a_directory, "Is a directory"),
        (a_loop, "Too many levels of symbolic links"),
        (a_socket_name_too_long, "File name too long"),
    ],
)
def test_a_folder_without_progress_is_a_warning(
    make: Callable[[Path], None],
    why: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make(tmp_path / "berta")
    folders = [learner(tmp_path / "anna"), tmp_path / "berta", learner(tmp_path / "carl")]
    rows, (warning,) = report(folders, capsys)
    assert [row["learner"] for row in rows] == ["anna", "carl"]
    assert "berta" in warning
    assert why in warning


def fields(**changed: object) -> str:
    return json.dumps({**json.loads(GOOD), **changed})


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"\x00\x01\x02", "not JSON"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b"{", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"t": ' + b"9" * 5000 + b"}", "not JSON"),
        (b"{}", "is missing"),
        (fields(t="yesterday"), "'t' cannot be"),
        (fields(t=float("nan")), "'t' cannot be NaN"),
        (fields(t=10**400), "'t' cannot be"),
        (fields(lesson=5), "'lesson' cannot be 5"),
        (fields(lesson=["05"]), "'lesson' cannot be"),
        (fields(kind={}), "'kind' cannot be {}"),
        (fields(item=None), "'item' cannot be null"),
        (fields(item="\ud800"), "'item' cannot be"),
        (fields(answer=float("inf")), "'answer' cannot be Infinity"),
        (fields(answer=[1]), "'answer' cannot be [1]"),
        (fields(measured=True), "'measured' cannot be true"),
        (fields(passed="yes"), "'passed' cannot be"),
        (fields(passed=1), "'passed' cannot be 1"),
        (fields(colour="red"), "'colour' is not a field of ours"),
    ],
)
def test_a_damaged_line_costs_that_line(
    line: bytes | str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = line if isinstance(line, bytes) else line.encode()
    folder = learner(tmp_path / "anna", GOOD.encode() + raw + b"\n" + GOOD.encode())
    rows, (warning,) = report([folder], capsys)
    assert [row["attempts"] for row in rows] == ["1"]
    assert warning.startswith(f"labs: {folder / FILE}:2: skipped: ")
    assert why in warning


def test_a_line_that_never_ends_costs_that_line_and_no_memory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = learner(tmp_path / "anna")
    with (folder / FILE).open("ab") as file:
        file.truncate(100 << 20)  # zeros, which take no space on the disk
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + GOOD.encode())
    rows, (warning,) = report([folder], capsys)
    assert len(rows) == 1
    assert warning.endswith(f":2: skipped: longer than {jsonlines.LONGEST_LINE >> 20} MiB")


def test_many_damaged_lines_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = learner(tmp_path / "anna", "x\n" * 500 + GOOD)
    rows, warnings = report([folder], capsys)
    assert len(rows) == 1
    assert len(warnings) == 11
    assert warnings[-1].endswith("500 lines are skipped in all")


def test_an_empty_file_is_a_learner_who_has_not_begun(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, (warning,) = report([learner(tmp_path / "anna"), learner(tmp_path / "eve", "")], capsys)
    assert [row["learner"] for row in rows] == ["anna"]
    assert warning.endswith("eve has not begun a lesson")


def test_a_line_separator_in_an_answer_ends_no_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python's splitlines() would divide at these, and JSON need not escape them."""
    entry = Entry(1.0, "07-failover", "prediction", "Who?\u2028Why?\x85", "a\x0bb")
    rows, warnings = report([learner(tmp_path / "anna", entry.line())], capsys)
    assert (rows[0]["item"], rows[0]["prediction"]) == (entry.item, entry.answer)
    assert warnings == []


@pytest.mark.parametrize("name", ["Tanaka, Hanako", "田中花子", 'a"b', "two\nlines", " "])
def test_any_name_is_one_field(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, _ = report([learner(tmp_path / name)], capsys)
    assert [row["learner"] for row in rows] == [name]


def test_a_name_that_is_no_text_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xf6rn"))
    rows, _ = report([learner(folder), learner(tmp_path / "carl")], capsys)
    assert [row["learner"] for row in rows] == ["b\ufffdrn", "carl"]


def test_learners_of_the_same_name_stay_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [learner(tmp_path / place / "anna") for place in ("monday", "friday")]
    folders += [learner(tmp_path / "carl"), tmp_path / "carl" / ".." / "carl"]
    rows, _ = report(folders, capsys)
    assert [row["learner"] for row in rows] == ["monday/anna", "friday/anna", "carl"]


def test_an_unreadable_folder_is_a_warning(tmp_path: Path, ordinary_user: OrdinaryUser) -> None:
    folders = [learner(ordinary_user.home / name) for name in ("anna", "berta", "carl", "dora")]
    folders[1].chmod(0o000)
    (folders[2] / FILE).chmod(0o000)
    done = ordinary_user.run([sys.executable, "-m", "labs.cli.main", "report", *folders], HUNG_S)
    names = [row["learner"] for row in csv.DictReader(io.StringIO(done.stdout))]
    assert names == ["anna", "dora"]
    assert done.stderr.count("Permission denied") == 2
    assert len(done.stderr.splitlines()) == 2
