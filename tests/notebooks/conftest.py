"""Says, at the end of the ring, which seed drew the lessons that ran three times."""

from __future__ import annotations

import pytest

from tests.notebooks.lessons import LESSONS, WHOLE, passes, seed


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A failure in a drawn lesson is repeated with LESSONS_SEED, or with `make lessons`."""
    thrice = [lesson.stem for lesson in LESSONS if passes(lesson) == 3]
    what = "all" if WHOLE else ", ".join(thrice)
    terminalreporter.write_line(f"LESSONS_SEED={seed()}: three passes of {what}")
