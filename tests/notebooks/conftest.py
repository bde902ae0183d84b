"""Deals the long tests out evenly, and says which seed drew the lessons that ran three times."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.notebooks.lessons import LESSONS, WHOLE, own, passes, seed
from tests.support import OrdinaryUser


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each worker its share of the long tests, the longest first.

    Every worker begins with a block of the list; in the order of the files, one of them would
    get nearly all that takes long, and the others would be left to steal it at the end.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    ordered = sorted(items, key=length, reverse=True)
    items[:] = [item for first in range(workers) for item in ordered[first::workers]]


def length(item: pytest.Item) -> float:
    """How long a test may take, more or less: its limit, times its number of passes."""
    limit = item.get_closest_marker("timeout")
    case = getattr(item, "callspec", None)
    times = case.params.get("times", 1) if case else 1
    return float(limit.args[0]) * times if limit else 0.0


@pytest.fixture
def ordinary_user(
    ordinary_user: OrdinaryUser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OrdinaryUser]:
    """An account with Matplotlib's list of fonts, as `make setup` leaves it to a learner.

    Half a second of CPU for each account; the first one of a worker makes the list itself.
    """
    kept = tmp_path_factory.getbasetemp() / "fonts"
    cache = ordinary_user.home / ".cache"
    theirs = cache / "matplotlib"
    if kept.exists():
        shutil.copytree(kept, theirs)
        for path in (cache, theirs, *theirs.iterdir()):
            ordinary_user.give(path)
    yield ordinary_user
    if not kept.exists() and any(theirs.glob("fontlist-*.json")):
        shutil.copytree(theirs, kept)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A failure in a drawn lesson is repeated with LESSONS_SEED, or with `make lessons`."""
    thrice = [lesson.stem for lesson in LESSONS if passes(lesson) == 3]
    what = "all" if WHOLE else ", ".join(thrice)
    terminalreporter.write_line(f"LESSONS_SEED={seed()}: three passes of {what}")
    for lesson in LESSONS:
        if numbers := own(lesson.stem):
            chosen = ", ".join(f"{name} {value:g}" for name, value in numbers.items())
            terminalreporter.write_line(f"  {lesson.stem} with {chosen}")
