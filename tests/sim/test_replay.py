"""Journals recorded in the real lab, played in the simulation: the same transitions come of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from labs.model import facts
from labs.model.facts import Action, Fact, State
from labs.simulation.journal_replay import changes, differences, replay

JOURNALS = sorted((Path(__file__).parents[1] / "data" / "journals").glob("*.jsonl"))


def recorded(path: Path) -> list[Fact]:
    return list(facts.read(path.read_text().splitlines()))


@pytest.mark.parametrize("path", JOURNALS, ids=lambda path: path.stem)
def test_the_simulation_does_what_the_real_lab_did(path: Path) -> None:
    real = recorded(path)
    lan = replay(real)
    assert differences(real, lan.facts) == []
    assert len(changes(real, "web1")) >= 4


def test_there_are_recordings_of_every_verb() -> None:
    verbs = {one.verb for path in JOURNALS for one in recorded(path) if isinstance(one, Action)}
    assert verbs >= {
        "unplug",
        "plug",
        "stop",
        "start",
        "cut",
        "mend",
        "crash",
        "freeze",
        "thaw",
        "reload",
        "link",
    }


def test_another_story_is_noticed() -> None:
    """Leave out an action, and what comes of it is missing; shift one, and it comes late."""
    real = recorded(JOURNALS[-1])
    at = next(n for n, one in enumerate(real) if isinstance(one, Action) and one.verb == "stop")
    without = [*real[:at], *real[at + 1 :]]
    assert differences(real, replay(without).facts)
    pulled = next(n for n, one in enumerate(real) if isinstance(one, Action) and one.verb == "plug")
    late = [*real]
    late[pulled] = replace(real[pulled], t=real[pulled].t + 0.5)
    assert any(" s from the simulation" in text for text in differences(real, replay(late).facts))


def test_another_reason_is_noticed() -> None:
    real = recorded(JOURNALS[-1])
    other = [replace(one, reason="a whim") if isinstance(one, State) else one for one in real]
    assert differences(other, replay(real).facts)
