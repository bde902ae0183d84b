"""When the check of a mystery gives up hope: not while what was done may still take effect."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest

from labs.analysis.timeline import Timeline
from labs.experiments.cluster_health import (
    ADVERT_COMES_WITHIN_S,
    HANDOVER_ENDS_AFTER_S,
    RECEIVES_NOTHING_AFTER_S,
    _hopeless,
)
from labs.model.facts import Action, Address, Fact, Heard, Ping

VIP = "192.168.1.10"
BEGAN = 100.0


def held(t: float, host: str, gained: bool = True) -> Address:
    return Address(t, host, "eth0", VIP, 32, gained)


def ping(t: float, by: str | None) -> Ping:
    return Ping(t, 1, VIP, by, None if by is None else 0.0001)


def received(t: float) -> Heard:
    return Heard(t, "web2", "192.168.1.11", 51, 2, 150, 1.0)


def a_lab(facts: Iterable[Fact], now: float, holders: Iterable[str] = ()) -> Any:
    """A lab at `now`, of which the observers have reported `facts`; `holders` comes next."""
    told = tuple(facts)
    return SimpleNamespace(
        now=now,
        watch=VIP,
        daemons=("web1", "web2"),
        holders=lambda: list(holders),
        facts=lambda: list(told),
        timeline=lambda: Timeline(told, VIP, start=0.0, end=now),
    )


def split(reloaded: float, now: float) -> Any:
    """A lab in which both have held the address since 10 s; web1 was reloaded."""
    told = Action(reloaded, "reload", "web1", "daemon of web1 reloaded")
    facts = (held(10.0, "web1"), held(10.0, "web2"), told, ping(now, "web2"))
    return a_lab(facts, now, ("web2", "web1"))


@pytest.mark.parametrize(
    ("later", "hopeless"),
    [
        (2.0, False),
        (RECEIVES_NOTHING_AFTER_S, False),
        (RECEIVES_NOTHING_AFTER_S + HANDOVER_ENDS_AFTER_S + 0.1, True),
    ],
)
def test_two_holders_are_given_time_to_receive_from_each_other(
    later: float, hopeless: bool
) -> None:
    assert _hopeless(split(BEGAN, BEGAN + later), BEGAN) is hopeless


def test_an_owner_of_this_moment_is_not_judged_by_what_was_seen_before() -> None:
    """The address moves between two looks: the new holder cannot have answered a client yet."""
    before = (held(10.0, "web2"), held(10.0, "web1"), held(BEGAN, "web1", gained=False))
    lab = a_lab((*before, ping(BEGAN + 3.4, "web2")), BEGAN + 3.4, holders=("web1",))
    assert not _hopeless(lab, BEGAN)


@pytest.mark.parametrize(
    ("pings", "hopeless"),
    [
        # Every ping since the handover is lost.
        ([ping(104.0, None), ping(103.0 + HANDOVER_ENDS_AFTER_S + 0.1, None)], True),
        # None was sent: the client, too, may have been kept waiting.
        ([ping(102.9, "web2")], False),
        (
            [
                ping(104.0, None),
                ping(104.2, "web1"),
                ping(103.0 + HANDOVER_ENDS_AFTER_S + 0.1, None),
            ],
            False,
        ),
        ([ping(104.0, None)], False),
    ],
)
def test_master_alone_must_leave_pings_unanswered(pings: list[Ping], hopeless: bool) -> None:
    handover = (held(10.0, "web2"), held(103.0, "web2", gained=False), held(103.0, "web1"))
    lab = a_lab((*handover, *pings), 106.0, holders=("web1",))
    assert _hopeless(lab, BEGAN) is hopeless


def test_what_leaves_no_trace_is_given_time_too() -> None:
    """A rule of the firewall is no action of the lab: only the next Advertisement shows it."""
    facts = (held(10.0, "web1"), held(10.0, "web2"))
    looks = [(2.0, False), (ADVERT_COMES_WITHIN_S + 0.1, True)]
    for later, hopeless in looks:
        told = (*facts, ping(BEGAN + later, "web2"))
        lab = a_lab(told, BEGAN + later, ("web2", "web1"))
        assert _hopeless(lab, BEGAN) is hopeless


def test_pings_from_before_the_remedy_prove_nothing() -> None:
    lost: list[Fact] = [held(BEGAN - 2, "web1"), ping(BEGAN - 0.1, None)]
    now = BEGAN + ADVERT_COMES_WITHIN_S + 0.1
    lab = a_lab([*lost, received(now)], now, holders=("web1",))
    assert not _hopeless(lab, BEGAN)


def test_an_observer_that_was_kept_waiting_accuses_no_host() -> None:
    """The clock has gone on by a minute; what was seen last is from a moment after the reload."""
    told = Action(BEGAN, "reload", "web1", "daemon of web1 reloaded")
    facts = (held(10.0, "web1"), held(10.0, "web2"), told, ping(BEGAN + 2, "web2"))
    assert not _hopeless(a_lab(facts, BEGAN + 60, ("web2", "web1")), BEGAN)
