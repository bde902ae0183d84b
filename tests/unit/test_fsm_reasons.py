"""Every change of state has a reason, in words that a learner can check with a pencil.

The figures in the sentence must add up: `3.609 s (3 × 1 s + skew 0.609 s)`.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address

import pytest

from vrrpd.events import (
    AddressLost,
    AdvertReceived,
    Event,
    Failed,
    Reconfigured,
    Recovered,
    Started,
    Stopped,
    TimerFired,
)
from vrrpd.fsm import SECOND, Params, RouterState, State, master_down_time, seconds, step
from vrrpd.record import replace

MINE = IPv4Address("192.168.1.12")
A = IPv4Address("192.168.1.11")
C = IPv4Address("192.168.1.13")
NOW = 500 * SECOND
PARAMS = Params(vrid=51, priority=100, source=MINE)


def backup(*heard: AdvertReceived, params: Params = PARAMS) -> RouterState:
    """A router that has started and received these Advertisements, a second apart."""
    router, _ = step(params, RouterState(), Started(), NOW)
    for number, advert in enumerate(heard, 1):
        router, _ = step(params, router, advert, NOW + number * SECOND)
    return router


def takeover(router: RouterState, params: Params = PARAMS) -> str:
    """Why this BACKUP becomes MASTER when its timer fires."""
    after, _ = step(params, router, TimerFired(), router.deadline or 0)
    assert after.state is State.MASTER
    return after.why


def test_the_sentence_of_the_design() -> None:
    assert takeover(backup(AdvertReceived(150, A, SECOND))) == (
        "no advertisement for 3.609 s (3 × 1 s + skew 0.609 s); "
        "last heard 192.168.1.11 priority 150"
    )


def test_a_start_without_another_router() -> None:
    assert takeover(backup()) == (
        "no advertisement for 3.609 s (3 × 1 s + skew 0.609 s); none heard since: started"
    )


def test_preempting() -> None:
    assert takeover(backup(AdvertReceived(50, A, SECOND))) == (
        "preempting 192.168.1.11 priority 50: "
        "nobody of priority 100 or more for 3.609 s (3 × 1 s + skew 0.609 s)"
    )


def test_nopreempt_takes_over_from_the_silent_not_from_the_weak() -> None:
    params = replace(PARAMS, preempt=False)
    why = takeover(backup(AdvertReceived(50, A, SECOND), params=params), params)
    assert why.startswith("no advertisement for 3.609 s")


def test_a_resignation() -> None:
    assert takeover(backup(AdvertReceived(0, A, SECOND))) == (
        "192.168.1.11 resigned (priority 0) and nobody better spoke within skew 0.609 s"
    )


def test_a_resignation_is_not_attributed_to_the_next_sender() -> None:
    why = takeover(backup(AdvertReceived(0, A, SECOND), AdvertReceived(50, C, SECOND)))
    assert "192.168.1.13 resigned" not in why
    assert "192.168.1.13 priority 50" in why
    assert "skew 0.609 s" in why


@pytest.mark.parametrize(
    ("advert", "why"),
    [
        (AdvertReceived(150, A, SECOND), "higher priority 150 from 192.168.1.11"),
        (
            AdvertReceived(100, C, SECOND),
            "equal priority 100 from 192.168.1.13, which has the higher address",
        ),
    ],
)
def test_giving_way(advert: AdvertReceived, why: str) -> None:
    master = RouterState(State.MASTER, NOW + SECOND, NOW)
    assert step(PARAMS, master, advert, NOW)[0].why == why


@pytest.mark.parametrize(
    ("state", "event", "why"),
    [
        (State.MASTER, Stopped("stopped by a signal"), "stopped by a signal"),
        (
            State.MASTER,
            Failed("interface eth0 lost its carrier"),
            "interface eth0 lost its carrier",
        ),
        (State.FAULT, Recovered("interface eth0 is up"), "interface eth0 is up"),
        (
            State.MASTER,
            AddressLost(IPv4Address("192.168.1.10")),
            "192.168.1.10 was removed by somebody else",
        ),
    ],
)
def test_the_reasons_that_come_from_outside(state: State, event: Event, why: str) -> None:
    router = RouterState(state, NOW + SECOND if state is State.MASTER else None, NOW)
    assert step(PARAMS, router, event, NOW)[0].why == why


def test_a_lost_address_comes_back_with_its_reason() -> None:
    master = RouterState(State.MASTER, NOW + SECOND, NOW)
    lost, _ = step(PARAMS, master, AddressLost(IPv4Address("192.168.1.10")), NOW)
    assert takeover(lost) == (
        "192.168.1.10 was removed by somebody else and nobody better spoke within skew 0.609 s"
    )


def test_the_owner_says_that_it_is_the_owner() -> None:
    params = replace(PARAMS, priority=255)
    router, _ = step(params, RouterState(), Started(), NOW)
    assert takeover(router, params) == "started as the owner of the addresses (priority 255)"


SUM = re.compile(
    r"(?P<sum>[\d.]+) s \((?P<n>\d+) × (?P<interval>[\d.]+) s \+ skew (?P<skew>[\d.]+)"
)


def adds_up(why: str) -> bool:
    found = SUM.search(why)
    assert found, why
    total, n, interval, skew = map(float, found.groups())
    return abs(total - (n * interval + skew)) < 0.002  # three rounded figures


def test_the_sum_is_right_after_a_delayed_start() -> None:
    """vrrp_startup_delay comes before the timer and is no part of it."""
    router, _ = step(PARAMS, RouterState(), Started(10 * SECOND), NOW)
    assert adds_up(takeover(router))


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("interval", [SECOND, 2 * SECOND])
@pytest.mark.parametrize("adverts", [1, 3, 5])
def test_the_sum_is_right(version: int, interval: int, adverts: int) -> None:
    params = replace(
        PARAMS, version=version, advert_interval=interval, down_timer_adverts=adverts, priority=33
    )
    for heard in ((), (AdvertReceived(150, A, interval),), (AdvertReceived(9, A, interval),)):
        assert adds_up(takeover(backup(*heard, params=params), params))


def test_the_sum_is_right_after_a_reload_of_everything() -> None:
    router = backup(AdvertReceived(150, A, SECOND))
    after = replace(PARAMS, priority=7, advert_interval=3 * SECOND, down_timer_adverts=2)
    moved, _ = step(after, router, Reconfigured(master_down_time(PARAMS, router)), NOW + 2 * SECOND)
    assert adds_up(takeover(moved, after))


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 s"),
        (SECOND, "1 s"),
        (10 * SECOND, "10 s"),
        (100 * SECOND, "100 s"),
        (609_375_000, "0.609 s"),
        (10_000_000, "0.01 s"),
        (40_950_000_000, "40.95 s"),
    ],
)
def test_seconds(ns: int, text: str) -> None:
    assert seconds(ns) == text
