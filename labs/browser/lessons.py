"""Judging a lesson's predictions and challenges in the tab, by the same code as in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from labs.browser import player
from labs.browser.run_lab import RunLab
from labs.errors import unknown
from labs.lessons import course
from labs.lessons.challenges import look
from labs.lessons.predictions import Prediction, Verdict
from labs.lessons.typed_number import number

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

# The challenges that a LAN in memory can bear: hosts, cables, files, reloads; no shell.
CHALLENGES = (
    "home", "retire", "lowest", "vrid", "two-sites", "equal", "exchange", "leave", "stay",
    "maintenance", "excluded", "half-a-second", "three-at-work",
    "mystery-1", "mystery-4", "mystery-6",
)  # fmt: skip


def judge(
    question: str,
    answer: str,
    unit: str,
    measured: float | str,
    because: str,
    spread: float = 0.0,
    between: tuple[float, float] | None = None,
) -> dict[str, Any]:
    """Compare the number that was predicted with what was `measured`: {"right", "text"}.

    `because`, `spread` and `between` are what the lesson's module gives: labs.lessons.predictions.
    Raises ValueError, with a sentence for the learner, for what is not one number.
    """
    asked = Prediction(question, number(answer, unit), unit)
    verdict = Verdict(asked, measured, because, spread, between)
    return {"right": verdict.right, "text": repr(verdict)}


def check(lesson: str, challenge: str) -> dict[str, Any]:
    """Which steps of a challenge the run that is shown meets.

    {"passed", "task", "met": [goal], "unmet": [goal], "hints": [text], "sees": text}; the hints are
    for the first step that is not met.  The run itself is left as it is.
    Raises LabError for a challenge that a tab cannot bear, and if no run was started.
    """
    if challenge not in CHALLENGES:
        raise unknown("challenge of a tab", challenge, CHALLENGES)
    lab = cast("Lab", RunLab(player.shown()))  # as far as these challenges ask
    report = look(lab, course.challenge(challenge, lesson))
    return {
        "passed": report.passed,
        "task": report.task,
        "met": report.met,
        "unmet": report.unmet,
        "hints": report.hints,
        "sees": report.sees,
    }
