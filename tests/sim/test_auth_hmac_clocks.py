"""Clocks that are set and clocks that drift, under `auth_hmac`: never a lasting second MASTER.

With `anti_replay time`, routers whose calendars disagree by more than the window drop each
other; that is what they are asked for.  When the calendars agree again there is one MASTER within
a window and two intervals.  With `anti_replay monotonic` no clock matters while the daemons live.
keepalived before 2.4.3 kept two MASTERs for as long as a clock had been wrong; both halves of that
mistake are put back below, and the guard of the simulation names them.
"""

from __future__ import annotations

from itertools import product
from typing import Any
from unittest.mock import patch

import pytest

from labs.model.facts import State
from labs.scenarios import runner
from labs.scenarios.model import Setup
from labs.scenarios.random_search import SIGNED, RandomSearch, story
from labs.simulation.lan import Lan
from labs.simulation.trust_invariants import calendar
from labs.simulation.violation import InvariantViolation
from vrrpd import auth_hmac
from vrrpd.fsm import SECOND

KINDS = ("v2", "v3", "v6")
STEPS = (3600, -3600, 6, -6, 4, -4)


def build(kind: str, *words: str) -> Lan:
    """`a` with priority 200 and `b` with 100, with these words in auth_hmac; after 20 s."""
    each = "; ".join([*SIGNED, *words, "}"])
    setup = Setup(None, (("a", 200, ""), ("b", 100, "")), kind, each)
    lan = runner.build(setup, detailed=False, skips=True)
    lan.run(20)
    assert lan.masters() == ["a"]
    return lan


def end(lan: Lan) -> None:
    """Whatever has been done to the clocks, `a` alone is MASTER soon and stays it."""
    lan.run(5 + 2 + 2)  # the window, the intervals, the way of a frame
    assert lan.masters() == ["a"]
    lan.run(4000)
    assert lan.masters() == ["a"]
    assert lan.guard is not None
    lan.guard.look()
    lan.guard.finish()


def became_master(lan: Lan, host: str) -> int:
    """How often."""
    return sum(isinstance(f, State) and (f.host, f.to) == (host, "MASTER") for f in lan.facts)


@pytest.mark.parametrize(("kind", "host", "step"), list(product(KINDS, "ab", STEPS)))
def test_a_clock_that_is_set_wrong_and_then_right(kind: str, host: str, step: float) -> None:
    lan = build(kind)
    lan.step(host, step)
    lan.run(30.3)
    if abs(step) > 5:
        assert lan.masters() == ["a", "b"]  # as asked for: they disagree on the time
    lan.step(host, -step)
    end(lan)


@pytest.mark.parametrize(("host", "step"), list(product("ab", STEPS)))
def test_a_clock_that_is_set_right_by_a_restart(host: str, step: float) -> None:
    """The daemon dies while its clock is wrong, and starts with the right one."""
    lan = build("v3")
    lan.step(host, step)
    lan.run(30.3)
    lan.crash(host)
    lan.step(host, -step)
    lan.start(host)
    end(lan)


@pytest.mark.parametrize("step", [step for step in STEPS if abs(step) > 5])
def test_both_clocks_are_set_wrong_together_and_right_one_after_the_other(step: float) -> None:
    lan = build("v2")
    lan.step("a", step)
    lan.step("b", step)
    lan.run(30.3)
    lan.step("b", -step)
    lan.run(30.3)
    lan.step("a", -step)
    end(lan)


@pytest.mark.parametrize(("kind", "host", "ppm"), list(product(("v3",), "ab", (900, -900))))
def test_a_clock_that_drifts_and_is_corrected(kind: str, host: str, ppm: int) -> None:
    lan = build(kind, "time_window 1")
    lan.drift(host, ppm)
    lan.run(3600)
    assert lan.masters() == ["a", "b"]  # 3.2 s apart, with a window of one
    lan.drift(host, 0)
    wrong = calendar(lan.machines[host]) - lan.clock.calendar
    assert abs(wrong) > 3 * SECOND
    lan.step(host, -wrong / SECOND)
    end(lan)


@pytest.mark.parametrize(("kind", "host", "step"), list(product(("v2", "v6"), "ab", STEPS[:4])))
def test_monotonic_does_not_mind_at_all(kind: str, host: str, step: float) -> None:
    lan = build(kind, "anti_replay monotonic")
    for change in (step, -step, -step, step):
        lan.step(host, change)
        lan.run(30.3)
        assert lan.masters() == ["a"]
    lan.drift(host, 900 if step > 0 else -900)
    lan.run(600)
    lan.drift(host, 0)
    end(lan)
    assert became_master(lan, "b") == 0


def test_a_warning_comes_before_the_window_ends() -> None:
    lan = build("v3", "time_window 4")
    lan.drift("b", 900)
    lan.run(3600)  # 3.2 s apart
    assert lan.masters() == ["a"]
    assert any("authentication clock skew" in line for line in lan.logs["b"].lines)


def an_hour_ahead_and_back() -> None:
    """Both clocks together, so that `b` accepts what `a` says, and remembers it."""
    lan = build("v3")
    for step in (3600, -3600):
        lan.step("a", step)
        lan.step("b", step)
        lan.run(30.3)
    end(lan)


def test_both_clocks_are_set_wrong_and_right_together() -> None:
    an_hour_ahead_and_back()


def stubborn(last: int | None, wall: int, window: int | None) -> int:
    """A sender that never returns to its clock: keepalived 2.4.2."""
    return FOLLOWING(last, wall, None)


class Elephant(auth_hmac.Verifier):
    """A receiver that never forgets: keepalived 2.4.2."""

    def mark(self, source: Any, sequence: int, clock: int) -> None:
        last = self.marks.get(source)
        super().mark(source, sequence, last if last is not None else clock)


FOLLOWING = auth_hmac.following
MISTAKES = {
    "a sender that never returns to its clock": ("vrrpd.auth_hmac.following", stubborn),
    "a receiver that never forgets": ("vrrpd.router.Verifier", Elephant),
}


@pytest.mark.parametrize("mistake", list(MISTAKES))
def test_the_guard_names_the_mistakes_of_keepalived_2_4_2(mistake: str) -> None:
    with patch(*MISTAKES[mistake]), pytest.raises(InvariantViolation) as caught:
        an_hour_ahead_and_back()
    assert caught.value.promise in ("trusted", "single", "patient")


def test_the_search_draws_both_kinds_of_anti_replay_and_clock_faults() -> None:
    stories = [story(seed, 1, 10) for seed in range(60)]
    drawn = [one.setup.each for one in stories if "auth_hmac" in one.setup.each]
    assert 15 < len(drawn) < 45
    assert {"time", "monotonic"} == {one.split("anti_replay ")[1].split(";")[0] for one in drawn}
    verbs = {step.verb for one in stories for step in one.steps}
    assert {"step", "drift"} <= verbs


def test_the_search_plays_stories_with_auth_hmac() -> None:
    search, seed = RandomSearch(), 0
    while search.stories < 6:
        seed += 1
        told = story(seed, 1, 6)
        if "auth_hmac" in told.setup.each:
            search.play(told)
    assert not search.findings, "\n\n".join(map(str, search.findings))
