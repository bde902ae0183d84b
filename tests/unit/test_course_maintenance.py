"""Lesson 09: what counts as a restart of the master's daemon."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from labs.lessons.course.l09_swap_roles import _restarts
from labs.model.facts import Action


def a_lab(*times: float, since: float) -> Any:
    starts = [Action(t, "start", "web1", "daemon of web1 started") for t in times]
    return SimpleNamespace(since=since, facts=lambda: starts)


def test_the_start_of_the_lab_is_none() -> None:
    assert _restarts(a_lab(1.0, since=0.9)) == []
    assert [action.t for action in _restarts(a_lab(1.0, 9.0, since=0.9))] == [9.0]


def test_nor_is_that_of_a_lab_that_was_reset() -> None:
    assert _restarts(a_lab(1.0, 9.0, 20.0, since=19.9)) == []
