"""Skipped time is like played time: the same stories give the same transitions, to the ns."""

from __future__ import annotations

from dataclasses import replace

import pytest

from labs.model.facts import Address, State
from labs.scenarios import runner
from labs.scenarios.model import Setup
from labs.scenarios.random_search import story
from labs.simulation.lan import Lan
from tests.sim.families import KINDS, Kind
from vrrpd.fsm import SECOND


def transitions(lan: Lan) -> list[object]:
    return [fact for fact in lan.facts if isinstance(fact, State | Address)]


def standing(lan: Lan) -> list[object]:
    return [(host, r.name, r.state) for host, d in lan.daemons.items() for r in d.routers.values()]


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4, 6, 7, 8, 9, 11])
def test_skipping_changes_nothing_but_the_effort(seed: int) -> None:
    told = story(seed, 0.01, 4)
    skipped = runner.simulate(told, detailed=False, skips=True)
    played = runner.simulate(told, detailed=False, skips=False)
    assert skipped.clock.calendar == played.clock.calendar
    assert transitions(skipped) == transitions(played)
    assert standing(skipped) == standing(played)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_quiet_year_costs_seconds_of_play(kind: Kind) -> None:
    setup = Setup(None, (("a", 200, ""), ("b", 100, "")), kind.name)
    lan = runner.build(setup, detailed=False, skips=True)
    lan.run(365 * 86_400)
    assert lan.now == 365 * 86_400
    assert lan.clock.time < 60 * SECOND
    before = lan.clock.calendar
    lan.unplug("a")
    lan.run(10)
    (taken,) = [f for f in lan.facts if isinstance(f, State) and (f.host, f.to) == ("b", "MASTER")]
    assert 0 < taken.t - before / SECOND <= kind.down(100) / SECOND + 0.001


def test_nothing_is_skipped_where_luck_plays() -> None:
    told = story(1, 0.01, 1)
    setup = replace(told.setup, hosts=(("a", 200, ""), ("b", 100, "")), kind="v2", each="")
    lan = runner.build(setup, detailed=False, skips=True)
    lan.lose("a", 0.1)
    lan.run(600)
    assert lan.clock.skipped == 0
