"""Hours of random faults on virtual time, and what must hold all the same.

    always             a living daemon has its addresses if and only if it is MASTER
    always             a master that receives no higher priority sends every second
    after a quiet time one holder: the best of those that are up and can be received
    always             the same seed gives the same facts

Faults are drawn from a seed; a failure names it, and `play(seed, ...)` shows it again.
"""

from __future__ import annotations

import random

import pytest

from labs.simulation.lan import Lan
from tests.cluster import VIP, cluster, conf, held, router

PRIORITIES = {"a": 200, "b": 150, "c": 100}
QUIET = 10.0  # s; more than the longest Master_Down_Interval and the tie that may follow it
FAULTS = (
    ("unplug", "plug"),
    ("cut", "mend"),
    ("freeze", "thaw"),
    ("crash", "start"),
    ("stop", "start"),
)
# Those that no daemon ends of: what it keeps of its past grows full, and the oldest is dropped.
LIVED_THROUGH = (("unplug", "plug"), ("cut", "mend"), ("freeze", "thaw"))


def alive(lan: Lan) -> list[str]:
    """The hosts whose daemon runs and is not frozen."""
    return [host for host in lan.daemons if not lan.machines[host].frozen]


def check(lan: Lan, seed: int) -> None:
    """What holds at every moment."""
    for host in alive(lan):
        holds = VIP in held(lan, host)
        master = router(lan, host).state.value == "MASTER"
        assert holds == master, f"seed {seed}, {host} at {lan.now}: {holds=}, {master=}"
    for host in lan.daemons:
        one = router(lan, host).current
        assert (one.deadline is None) == (one.state.value in ("INIT", "FAULT"))


def heal(lan: Lan, broken: dict[str, str]) -> None:
    """Undo every fault that is still there."""
    for host, remedy in broken.items():
        getattr(lan, remedy)(host)
    broken.clear()


def play(
    seed: int,
    seconds: float,
    words: tuple[str, ...] = (),
    faults: tuple[tuple[str, str], ...] = FAULTS,
) -> Lan:
    """Random faults for `seconds` of virtual time, with quiet times in between."""
    dice = random.Random(seed)
    lan = cluster(**{host: conf(priority, *words) for host, priority in PRIORITIES.items()})
    broken: dict[str, str] = {}
    while lan.now < seconds:
        for _ in range(dice.randint(1, 8)):
            host = dice.choice(list(PRIORITIES))
            if host in broken:
                getattr(lan, broken.pop(host))(host)
            else:
                verb, broken[host] = dice.choice(faults)
                getattr(lan, verb)(host)
            lan.run(dice.choice((0.0, 0.0001, dice.random(), 5 * dice.random())))
            check(lan, seed)
        heal(lan, broken)
        lan.run(QUIET)
        check(lan, seed)
        assert len(lan.holders()) == 1, f"seed {seed} at {lan.now}: held by {lan.holders()}"
        if "nopreempt" not in words:
            assert lan.holders() == ["a"], f"seed {seed} at {lan.now}"
    return lan


@pytest.mark.parametrize("seed", range(3))
def test_an_hour_of_faults(seed: int) -> None:
    play(seed, 3600)


@pytest.mark.parametrize("seed", range(1))
def test_an_hour_of_faults_without_preemption(seed: int) -> None:
    play(seed, 3600, ("nopreempt",))


def test_three_hours_of_faults_without_a_restart() -> None:
    lan = play(0, 3 * 3600, faults=LIVED_THROUGH)
    for host in PRIORITIES:
        one = router(lan, host)
        assert one.transitions.total() > 10 * len(one.history), "each has forgotten the most of it"
        assert len(one.history) == one.history.maxlen


def test_the_same_seed_makes_the_same_story() -> None:
    first, second = play(7, 300), play(7, 300)
    assert first.facts == second.facts
    assert first.journals == second.journals


@pytest.mark.parametrize("seed", range(3))
def test_the_highest_priority_that_can_be_received_holds(seed: int) -> None:
    """Some stay unplugged or stopped: the best of the rest holds, once the network is quiet."""
    dice = random.Random(seed)
    lan = cluster(**{host: conf(priority) for host, priority in PRIORITIES.items()})
    for _ in range(60):
        gone = dice.sample(list(PRIORITIES), dice.randint(0, 3))
        remedies = {}
        for host in gone:
            verb, remedies[host] = dice.choice((("unplug", "plug"), ("stop", "start")))
            getattr(lan, verb)(host)
        lan.run(QUIET)
        best = [host for host in PRIORITIES if host not in gone][:1]
        assert lan.holders() == best, f"seed {seed}: {gone} are gone"
        heal(lan, remedies)
        lan.run(QUIET)
        assert lan.holders() == ["a"]


@pytest.mark.parametrize("priority", [100, 255])
def test_equal_priorities_settle_on_the_highest_address(priority: int) -> None:
    """keepalived and RFC 3768: a tie among MASTERs goes to the higher address.  255, too."""
    lan = cluster(a=conf(priority), b=conf(priority), c=conf(priority))
    lan.run(QUIET)
    assert lan.holders() == ["c"]
    lan.cut("c")
    lan.run(QUIET)
    assert lan.holders() == ["b", "c"]
    lan.mend("c")
    lan.run(QUIET)
    assert lan.holders() == ["c"]
