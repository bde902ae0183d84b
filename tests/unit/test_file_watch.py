"""Watched files: however often a watch begins and ends, there is one look for each directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import HUNG_S
from vrrpd.fsm import SECOND
from vrrpd.linux.file_watch import SmallFiles
from vrrpd.linux.loop import Loop


@pytest.fixture
def files() -> Iterator[SmallFiles]:
    loop = Loop()
    files = SmallFiles(loop)
    yield files
    files.close()
    loop.close()


def timers(files: SmallFiles) -> int:
    """How many timers of the loop will call back."""
    return sum(call.callback is not None for _, _, call in files.loop.heap)


def test_a_missing_directory_is_looked_for_by_one_timer(files: SmallFiles, tmp_path: Path) -> None:
    for number in range(20):
        files.watch(str(tmp_path / "missing" / f"file{number}"), lambda: None)
    assert timers(files) == 1


def test_reloads_leave_no_timer_for_a_missing_directory(files: SmallFiles, tmp_path: Path) -> None:
    path = str(tmp_path / "missing" / "file")
    watched = files.watch(path, lambda: None)
    for _ in range(20):
        watched.cancel()
        watched = files.watch(path, lambda: None)
    assert timers(files) == 1
    watched.cancel()
    assert timers(files) == 0


def test_every_file_is_read_when_its_directory_appears(files: SmallFiles, tmp_path: Path) -> None:
    seen: list[str] = []
    files.watch(str(tmp_path / "missing" / "one"), lambda: seen.append("one"))
    files.watch(str(tmp_path / "missing" / "two"), lambda: seen.append("two"))
    (tmp_path / "missing").mkdir()
    files.loop.run_until(lambda: len(seen) > 1, HUNG_S * SECOND)
    assert seen == ["one", "two"]
    assert timers(files) == 0
    (tmp_path / "missing" / "two").write_text("1")
    files.loop.run_until(lambda: len(seen) > 2, HUNG_S * SECOND)
    assert seen == ["one", "two", "two"]


def test_a_file_is_read_though_another_one_has_found_the_directory(
    files: SmallFiles, tmp_path: Path
) -> None:
    seen: list[str] = []
    files.watch(str(tmp_path / "missing" / "one"), lambda: seen.append("one"))
    (tmp_path / "missing").mkdir()
    (tmp_path / "missing" / "one").write_text("1")
    files.watch(str(tmp_path / "missing" / "two"), lambda: None)
    files.loop.run_until(lambda: bool(seen), HUNG_S * SECOND)
    assert seen == ["one"]


def test_a_file_that_fails_costs_no_other_one_its_change(files: SmallFiles, tmp_path: Path) -> None:
    """The kernel gives what happened to both in one go, and once."""
    errors: list[BaseException] = []
    files.loop.trouble = errors.append
    seen: list[str] = []

    def fail() -> None:
        raise LookupError

    files.watch(str(tmp_path / "one"), fail)
    files.watch(str(tmp_path / "two"), lambda: seen.append("two"))
    for name in ("one", "two"):
        (tmp_path / name).write_text("1")
    files.loop.run_until(lambda: bool(seen) or len(errors) > 1, HUNG_S * SECOND)
    assert seen == ["two"]
    assert [type(error) for error in errors] == [LookupError]
