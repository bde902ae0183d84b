"""A thousand days of random faults, and what the search does when a promise is broken.

Each chunk has a seed of its own; a failure prints the shortest story that breaks the promise,
which can be pasted into tests/sim/scenarios/.  SIM_DAYS thins the days (make test-fast), `make
soak` plays as many as one likes.
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from labs.scenarios import model, runner
from labs.scenarios.random_search import RandomSearch, breaks, finding, shorten, story
from labs.simulation.violation import InvariantViolation
from tests.sim.mutations import mutated

DAYS = float(os.environ.get("SIM_DAYS", "1000"))
CHUNKS = 10


@pytest.mark.parametrize("seed", [10_000 * number + 1 for number in range(1, CHUNKS + 1)])
def test_a_thousand_days_of_faults(seed: int) -> None:
    search = RandomSearch(seed=seed)
    search.run(DAYS / CHUNKS)
    print(
        f"seed {seed}: {search.days:,.0f} days, {search.faults:,} faults, {search.checks:,} checks"
    )
    assert not search.findings, "\n\n".join(map(str, search.findings))


def test_the_same_seed_makes_the_same_story() -> None:
    first, second = story(7, 1, 5), story(7, 1, 5)
    assert str(first) == str(second)
    one = runner.simulate(first, skips=True)
    other = runner.simulate(second, skips=True)
    assert one.facts == other.facts
    assert one.journals == other.journals


def test_another_seed_makes_another_story() -> None:
    assert str(story(7, 1, 5)) != str(story(8, 1, 5))


def test_a_story_survives_being_written_down() -> None:
    for seed in range(40):
        told = story(seed, 1, 3)
        assert model.parse(str(told)) == told


def test_a_broken_promise_becomes_a_short_story_that_can_be_pasted() -> None:
    """Under a mistake in the state machine: no router waits for its skew."""
    with mutated("skew: none"):
        search = RandomSearch(seed=3, length=0.5, bursts=5)
        while not search.findings:
            search.play(story(search.stories, 0.5, 5))
        found = search.findings[0]
        again = breaks(model.parse(str(found.scenario)))
    assert again is not None
    assert again.promise == found.promise
    assert len(found.scenario.steps) <= 6
    assert found.text in str(found)
    assert breaks(found.scenario) is None  # without the mistake the promise is kept


def test_shortening_ends_at_what_matters() -> None:
    told = story(11, 1, 5)
    verb = told.steps[0].verb
    short = shorten(told, lambda one: any(step.verb == verb for step in one.steps))
    assert [step.verb for step in short.steps] == [verb]
    assert short.steps[0].at == 0
    assert len(short.setup.hosts) <= 2


def test_a_finding_names_seed_and_promise() -> None:
    told = replace(story(1, 1, 1), steps=story(1, 1, 1).steps[-1:])
    with mutated("skew: none"):
        found = finding(told, InvariantViolation("patient", "early"))
    assert found.promise == "patient"
    assert "seed 1" in str(found)
    assert "broken promise `patient`" in str(found)
