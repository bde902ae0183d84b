"""A damaged file in the learner's folder stays, is named, and a good one is written beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labs.jupyter.server import set_aside_workspaces
from labs.jupyter.workbooks import hand_out
from labs.progress import FILE, Entry

NAME, OTHER = "07-failover.ipynb", "08-failback.ipynb"
BESIDE = "07-failover.new.ipynb"
LEDGER = ".handed-out.json"


def notebook(text: str = "lab.stop('web1')") -> dict[str, Any]:
    cell: dict[str, object] = {
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{**cell, "source": text}]}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    place = tmp_path / "notebooks"
    place.mkdir()
    for name in (NAME, OTHER):
        (place / name).write_text(json.dumps(notebook()))
    return place


@pytest.fixture
def mine(tmp_path: Path, source: Path) -> Path:
    place = tmp_path / "mine"
    assert hand_out(place, source) == []
    return place


def written(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_link_to_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to("gone")


def a_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


DAMAGES = [
    (written(b""), "empty"),
    (written(b" \n"), "empty"),
    (half, "cut off"),
    (written(b"\x00" * 100), "not JSON"),
    (written(b"\xff\xfe"), "not UTF-8"),
    (written(b"[]"), "not a notebook"),
    (written(b'{"cells": []}'), "not a notebook"),
    (written(b'{"nbformat": 4, "cells": [3]}'), "not a notebook"),
    (written(b'{"nbformat": 4, "cells": [{"source": 3}]}'), "not a notebook"),
    (written(b"[" * 100_000), "nested too deep"),
    (a_directory, "Is a directory"),
    (a_pipe, "Not a regular file"),
    (a_link_to_nothing, "No such file"),
    (a_loop, "Too many levels"),
]


def state(path: Path) -> tuple[int, int, int]:
    known = path.lstat()
    return known.st_ino, known.st_size, known.st_mtime_ns


@pytest.mark.parametrize(("damage", "why"), DAMAGES)
@pytest.mark.parametrize("folder", ["", "solutions"])
def test_a_good_copy_is_written_beside_a_damaged_one(
    folder: str, damage: Callable[[Path], None], why: str, source: Path, mine: Path
) -> None:
    place = mine / folder
    good = (place / NAME).read_text()
    damage(place / NAME)
    before = state(place / NAME)
    for _ in range(2):  # it is reported as long as it is so, and there is one good copy
        (line,) = hand_out(mine, source)
        assert os.path.join(folder, NAME) in line
        assert why in line
        assert line.endswith(os.path.join(folder, BESIDE))
        assert (place / BESIDE).read_text() == good
    assert state(place / NAME) == before
    assert len(list(place.glob("07-failover.*"))) == 2
    (place / NAME).rmdir() if (place / NAME).is_dir() else (place / NAME).unlink()
    assert hand_out(mine, source) == []
    assert (place / NAME).read_text() == good


def test_work_in_the_copy_beside_is_kept(source: Path, mine: Path) -> None:
    (mine / NAME).write_text("")
    hand_out(mine, source)
    (mine / BESIDE).write_text(json.dumps(notebook("my own idea")))
    (line,) = hand_out(mine, source)
    assert line.endswith(BESIDE)
    assert "my own idea" in (mine / BESIDE).read_text()
    (mine / BESIDE).write_text("")
    (line,) = hand_out(mine, source)
    assert line.endswith("07-failover.new1.ipynb")


def test_a_good_copy_that_was_removed_comes_back(source: Path, mine: Path) -> None:
    (mine / NAME).write_text("")
    hand_out(mine, source)
    (mine / BESIDE).unlink()
    hand_out(mine, source)
    assert (mine / BESIDE).exists()


@pytest.mark.parametrize("content", ["", "{", "[1]", "null", "\x00", '{"07-failover.ipynb": 3}'])
def test_a_damaged_ledger_is_written_again(content: str, source: Path, mine: Path) -> None:
    (mine / OTHER).write_text(json.dumps(notebook("mine")))
    (mine / LEDGER).write_text(content)
    said = hand_out(mine, source)
    assert any(LEDGER in line for line in said) or content.startswith('{"')
    assert not (mine / BESIDE).exists()  # a copy that is as it was handed out
    assert "mine" in (mine / OTHER).read_text()
    assert (mine / "08-failback.new.ipynb").exists()
    assert hand_out(mine, source) == []


def test_a_ledger_removes_nothing_outside_of_the_folder(source: Path, mine: Path) -> None:
    ledger = json.loads((mine / LEDGER).read_text())
    outside = mine.parent / "copy.ipynb"
    outside.write_text((mine / NAME).read_text())
    for name in ("../copy.ipynb", str(outside)):
        (mine / LEDGER).write_text(json.dumps({**ledger, name: ledger[NAME]}))
        hand_out(mine, source)
        assert outside.exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_a_damaged_lesson_of_the_repository_costs_no_other(
    content: bytes, source: Path, mine: Path
) -> None:
    (mine / OTHER).unlink()
    (source / NAME).write_bytes(content)
    (line,) = hand_out(mine, source)
    assert f"git checkout {source / NAME}" in line
    assert (mine / OTHER).exists()
    assert (mine / NAME).exists()


def test_damaged_progress_is_named(source: Path, mine: Path) -> None:
    good = Entry(1.0, "07-failover", "check", "leave", passed=True).line()
    (mine / FILE).write_text(f"{good}half\n{good}")
    (line,) = hand_out(mine, source)
    assert "1 damaged lines count for nothing" in line
    assert "line 2: not JSON" in line
    (mine / FILE).unlink()
    (mine / FILE).mkdir()
    (line,) = hand_out(mine, source)
    assert f"{FILE} cannot be read (Is a directory)" in line


JUPYTER = """
import sys
from jupyterlab_server.workspaces_handler import WorkspacesManager
print(*(each["metadata"]["id"] for each in WorkspacesManager(sys.argv[1]).list_workspaces()))
"""


def test_damaged_workspaces_of_jupyter_are_set_aside(tmp_path: Path) -> None:
    contents = [b"", b"{", b"[]", b"{}", b'{"data": {}, "metadata": 3}', b"\xff"]
    good = tmp_path / "mine.jupyterlab-workspace"
    good.write_text(json.dumps({"data": {}, "metadata": {"id": "mine"}}))
    damaged = [tmp_path / f"{number}.jupyterlab-workspace" for number in range(len(contents))]
    for path, content in zip(damaged, contents, strict=True):
        path.write_bytes(content)
    said = set_aside_workspaces(tmp_path)
    assert [str(path) in line for path, line in zip(damaged, said, strict=True)] == [True] * 6
    assert [Path(f"{path}.damaged").read_bytes() for path in damaged] == contents
    assert set_aside_workspaces(tmp_path) == []
    command = [sys.executable, "-c", JUPYTER, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == "mine\n", done.stderr
