"""Every lesson runs from its first cell to its last, as an ordinary user, with either daemon.

It runs twice in one kernel, and with its cells shuffled its checks still answer. Nothing is left.
What the prose says of an experiment is what the experiment showed (truths/).  Some of it hangs on
less than two tenths of a second, which a busy machine may spoil: then the lesson runs once more,
and what is wrong both times is wrong.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from labs.lessons import course
from labs.progress import SEED, VARIABLE
from tests.notebooks.leftovers import nothing_left
from tests.notebooks.lessons import (
    LESSONS,
    Cell,
    checked,
    errors,
    learner,
    name,
    of_kind,
    passes,
    read,
    runs,
    seed,
    shown,
    where,
)
from tests.notebooks.truths import truths, untrue
from tests.support import OrdinaryUser

PROGRAM = Path(__file__).with_name("execute.py")
# For one pass, of 100 s on a machine that does nothing else: a guard, and not a measurement.
SECONDS = 600
MOST_MINUTES, WORDS_A_MINUTE, PREDICTION_SECONDS = 45, 200, 30
REPORT = re.compile(r": (done|\d+ of \d+)\b")


def require(daemon: str) -> None:
    if daemon == "keepalived" and not shutil.which(
        "keepalived", path="/usr/sbin:/usr/local/sbin:/usr/bin"
    ):
        pytest.skip("keepalived is not installed; remedy: sudo apt-get install keepalived")


def ids(run: Any) -> str:
    return name(run) if isinstance(run, Path) else str(run)


@pytest.mark.timeout(4 * SECONDS + 120)
@pytest.mark.parametrize(("lesson", "daemon", "times"), runs(), ids=ids)
def test_a_lesson_runs_as_an_ordinary_user_and_leaves_nothing(
    lesson: Path,
    daemon: str,
    times: int,
    ordinary_user: OrdinaryUser,
    record_property: Callable[[str, object], None],
) -> None:
    require(daemon)
    results = run(ordinary_user, lesson, daemon, "r", times)
    lies: dict[str, str] = {}
    for result in results[:2]:
        cells = of_kind(read(result), "code")
        check_pass(lesson, cells)
        lies |= untrue(lesson.stem, daemon, cells)
    check_time(lesson, read(results[0]))
    for result in results[2:]:
        check_shuffled(lesson, result)
    if lies:
        record_property("untrue at first", "; ".join(lies.values()))
        (again,) = run(ordinary_user, lesson, daemon, "again", 1)
        cells = of_kind(read(again), "code")
        check_pass(lesson, cells)
        lies = {name: lies[name] for name in untrue(lesson.stem, daemon, cells) if name in lies}
    assert not lies, "twice:\n" + "\n".join(lies.values())


def run(user: OrdinaryUser, lesson: Path, daemon: str, stem: str, times: int) -> list[Path]:
    """Executes `lesson` as `user`, who is left with nothing but the results, a file for a pass."""
    results = [user.home / f"{stem}{ending}.ipynb" for ending in ("", ".2", ".3")][:times]
    options = ["--passes", str(times), "--seed", str(seed())]
    with nothing_left(user, tuple(result.name for result in results)) as mark, folder(user) as work:
        user.run(
            [sys.executable, PROGRAM, lesson, results[0], *options],
            times * SECONDS,
            env={"LAB_DAEMON": daemon, VARIABLE: str(work), **mark},
        )
    return results


@contextmanager
def folder(user: OrdinaryUser) -> Iterator[Path]:
    """A learner's folder, new for each run, whose seed decides the numbers of the learner's own."""
    work = user.home / "vrrp-lab"
    work.mkdir()
    (work / SEED).write_text(learner())
    for path in (work, work / SEED):
        user.give(path)
    yield work
    shutil.rmtree(work)


def check_pass(lesson: Path, cells: list[Cell]) -> None:
    """In order, every challenge is unmet before its solution and met after it."""
    for challenge in course.lesson(lesson.stem).challenges:
        said = [shown(cell) for cell in cells if checked(cell) == challenge]
        assert len(said) == 2, f"{lesson.name}: {challenge} is checked {len(said)} times"
        before, after = said
        assert re.search(r": \d of \d", before), f"{lesson.name}, untouched start: {before}"
        assert "Hint: " in before, before
        assert ": done" in after, f"{lesson.name}, after the solution: {after}"


def check_time(lesson: Path, cells: list[Cell]) -> None:
    """Reading, running and thinking take three quarters of an hour at most."""
    words = sum(len(cell["text"].split()) for cell in of_kind(cells, "markdown"))
    running = sum(cell["metadata"].get("seconds", 0.0) for cell in cells)
    guesses = sum(cell["text"].count("= predict(") for cell in of_kind(cells, "code"))
    minutes = words / WORDS_A_MINUTE + running / 60 + guesses * PREDICTION_SECONDS / 60
    print(f"{lesson.stem}: {minutes:.1f} min ({words} words, {running:.0f} s, {guesses} guesses)")
    assert minutes <= MOST_MINUTES, f"{words} words, {running:.0f} s, {guesses} predictions"


def check_shuffled(lesson: Path, result: Path) -> None:
    """Out of order, a cell works, refuses, or fails with one line; every check reports."""
    order = json.loads(result.read_text())["metadata"]["order"]
    cells = read(result)
    told = f"seed {seed()}, order {[cells[n]['id'] for n in order]}"
    for cell in of_kind(cells, "code"):
        for error in errors(cell):
            line = f"{error['ename']}: {error['evalue']}"
            assert error["ename"] == "LabError", f"{where(lesson, cell)}: {line}; {told}"
        if checked(cell):
            assert REPORT.search(shown(cell)), f"{where(lesson, cell)} has no report; {told}"


@pytest.mark.parametrize("lesson", LESSONS, ids=name)
def test_every_truth_is_about_a_cell(lesson: Path) -> None:
    known = {cell["id"] for cell in of_kind(read(lesson), "code")}
    assert sorted(set(truths(lesson.stem)) - known) == []
    told = untrue(lesson.stem, "vrrpd", [])
    assert len(told) == len(truths(lesson.stem)), "one of them is true of an empty cell"


def test_printed_text_is_put_together_where_it_was_divided() -> None:
    pieces = ["root@web1 ~]# ls", " /run\n", ["in-", "charge\n"]]
    outputs = [{"output_type": "stream", "text": piece} for piece in pieces]
    assert shown({"outputs": outputs}).strip() == "root@web1 ~]# ls /run\nin-charge"


def test_the_draw_is_the_same_for_the_same_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LESSONS_SEED", "7")
    first = [(lesson, times) for lesson, _, times in runs()]
    assert first == [(lesson, times) for lesson, _, times in runs()]
    assert {passes(lesson) for lesson, _ in first} <= {1, 3}
