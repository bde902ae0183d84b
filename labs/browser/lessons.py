"""Judging a lesson's numbers in the tab, by the same code as in a notebook."""

from __future__ import annotations

from typing import Any

from labs.lessons.predictions import Prediction, Verdict, number


def judge(
    question: str, answer: str, unit: str, measured: float | str, because: str
) -> dict[str, Any]:
    """Compare the number that was predicted with what was `measured`: {"right", "text"}.

    `because` is the reason that the lesson's module gives.  Raises ValueError for no number.
    """
    verdict = Verdict(Prediction(question, number(answer), unit), measured, because)
    return {"right": verdict.right, "text": repr(verdict)}
