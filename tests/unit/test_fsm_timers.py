"""The arithmetic of the timers, to the nanosecond: skew, master down, lateness, reconfiguration.

Sources: RFC 3768 section 6.1, RFC 9568 section 6.1 (errata included), and the figures measured with
keepalived 2.2.7: 3.414062 s and 3.609375 s for priorities 150 and 100, 0.304687 s of skew for
priority 100 at 50 cs.
"""

from __future__ import annotations

from fractions import Fraction
from ipaddress import IPv4Address, IPv6Address

import pytest

from vrrpd.events import AdvertReceived, Reconfigured, SendAdvert, Started, TimerFired
from vrrpd.fsm import SECOND, LastAdvert, Params, RouterState, State, master_down_time, step
from vrrpd.record import replace

MINE = IPv4Address("192.168.1.12")
OTHER = IPv4Address("192.168.1.11")
CENTISECOND = SECOND // 100
NOW = 77 * SECOND + 123_456_789
PARAMS = Params(vrid=51, priority=100, source=MINE)


def down(params: Params, interval: int = SECOND) -> int:
    return params.master_down(interval)


@pytest.mark.parametrize(
    ("priority", "skew"),
    [
        (1, 996_093_750),
        (100, 609_375_000),
        (150, 414_062_500),
        (254, 7_812_500),
        (255, 3_906_250),
    ],
)
def test_version_2_skew(priority: int, skew: int) -> None:
    params = replace(PARAMS, priority=priority)
    assert params.skew(SECOND) == skew
    assert params.master_down(SECOND) == 3 * SECOND + skew


def test_version_2_skew_is_in_seconds_whatever_the_interval() -> None:
    params = replace(PARAMS, advert_interval=10 * SECOND)
    assert params.skew(10 * SECOND) == 609_375_000
    assert params.master_down(10 * SECOND) == 30_609_375_000


@pytest.mark.parametrize(
    ("centiseconds", "skew"), [(50, 304_687_500), (200, 1_218_750_000), (1, 6_093_750)]
)
def test_version_3_skew_is_a_fraction_of_the_interval(centiseconds: int, skew: int) -> None:
    params = replace(PARAMS, version=3)
    assert params.skew(centiseconds * CENTISECOND) == skew


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("centiseconds", [1, 2, 3, 7, 100, 4095])
def test_no_two_priorities_expire_together(version: int, centiseconds: int) -> None:
    """Divided before it is multiplied, the skew of 1 cs would be 0 for all of them."""
    interval = centiseconds * CENTISECOND
    skews = [
        replace(PARAMS, version=version, priority=priority).skew(interval)
        for priority in range(1, 256)
    ]
    assert skews == sorted(set(skews), reverse=True)


@pytest.mark.parametrize("priority", [1, 77, 100, 255])
def test_the_skew_is_the_rational_number_rounded_down(priority: int) -> None:
    params = replace(PARAMS, version=3, priority=priority)
    interval = 33 * CENTISECOND
    assert params.skew(interval) == int(Fraction(256 - priority, 256) * interval)


@pytest.mark.parametrize("adverts", [1, 2, 3, 100])
def test_down_timer_adverts(adverts: int) -> None:
    params = replace(PARAMS, down_timer_adverts=adverts)
    router, _ = step(params, RouterState(), Started(), NOW)
    assert router.deadline == NOW + adverts * SECOND + 609_375_000


@pytest.mark.parametrize("state", [State.BACKUP, State.MASTER])
def test_version_3_learns_the_interval_of_the_master(state: State) -> None:
    params = replace(PARAMS, version=3, advert_interval=2 * SECOND)
    before = RouterState(state, NOW + SECOND, NOW)
    router, _ = step(params, before, AdvertReceived(150, OTHER, 50 * CENTISECOND), NOW)
    assert router.deadline == NOW + 1_500_000_000 + 304_687_500
    # ... and resigning teaches nothing: the skew is of the interval learned before.
    router, _ = step(params, router, AdvertReceived(0, OTHER, 4095 * CENTISECOND), NOW + 1)
    assert router.deadline == NOW + 1 + 304_687_500


def test_version_3_does_not_learn_from_a_lower_priority() -> None:
    params = replace(PARAMS, version=3)
    router, _ = step(params, RouterState(), Started(), NOW)
    router, _ = step(params, router, AdvertReceived(50, OTHER, 4095 * CENTISECOND), NOW + 1)
    router, _ = step(params, router, AdvertReceived(0, OTHER, SECOND), NOW + 2)
    assert router.deadline == NOW + 2 + 609_375_000


def test_version_3_does_not_learn_from_a_leaver() -> None:
    """Two resignations at other intervals: the skew is that of the interval in force."""
    params = replace(PARAMS, version=3)
    router = RouterState(State.BACKUP, NOW + 9 * SECOND, NOW)
    router, _ = step(params, router, AdvertReceived(200, OTHER, 2 * SECOND), NOW)
    for interval in (10 * SECOND, CENTISECOND):
        router, _ = step(params, router, AdvertReceived(0, OTHER, interval), NOW)
        assert router.deadline == NOW + params.skew(2 * SECOND)


def test_version_3_advertises_at_its_own_interval_again_once_master() -> None:
    params = replace(PARAMS, version=3, advert_interval=2 * SECOND)
    router, _ = step(params, RouterState(), Started(), NOW)
    router, _ = step(params, router, AdvertReceived(150, OTHER, 50 * CENTISECOND), NOW)
    due = router.deadline or 0
    router, _ = step(params, router, TimerFired(), due)
    assert router.deadline == due + 2 * SECOND


def test_version_2_never_learns() -> None:
    """Version 2's receiver refuses another interval; the machine would not use it either."""
    router, _ = step(PARAMS, RouterState(), Started(), NOW)
    router, _ = step(PARAMS, router, AdvertReceived(150, OTHER, 99 * SECOND), NOW)
    assert router.deadline == NOW + down(PARAMS)


def test_version_3_over_ipv6_breaks_ties_by_the_link_local_address() -> None:
    params = replace(PARAMS, version=3, source=IPv6Address("fe80::2"))
    master = RouterState(State.MASTER, NOW + SECOND, NOW)
    for last, state in (("1", State.MASTER), ("2", State.MASTER), ("3", State.BACKUP)):
        advert = AdvertReceived(100, IPv6Address(f"fe80::{last}"), SECOND)
        assert step(params, master, advert, NOW)[0].state is state


# Lateness.


def test_a_nanosecond_early_is_early() -> None:
    for state in (State.BACKUP, State.MASTER):
        before = RouterState(state, NOW + SECOND, NOW)
        assert step(PARAMS, before, TimerFired(), NOW + SECOND - 1) == (before, [])


def test_lateness_never_adds_up() -> None:
    router = RouterState(State.MASTER, NOW + SECOND, NOW)
    for number in range(1, 1001):
        late = (number * 7919) % 999_983_000  # anything below an interval
        router, actions = step(PARAMS, router, TimerFired(), NOW + number * SECOND + late)
        assert actions == [SendAdvert(100)]
    assert router.deadline == NOW + 1001 * SECOND


def test_after_a_long_stall_one_advertisement_is_enough() -> None:
    router = RouterState(State.MASTER, NOW + SECOND, NOW)
    late = NOW + 60 * SECOND + 1
    router, actions = step(PARAMS, router, TimerFired(), late)
    assert actions == [SendAdvert(100)]
    assert router.deadline == NOW + 61 * SECOND  # in step with those before the stall


def test_a_late_takeover_counts_its_advertisements_from_when_it_spoke() -> None:
    router = RouterState(State.BACKUP, NOW, NOW - SECOND)
    router, _ = step(PARAMS, router, TimerFired(), NOW + 5 * SECOND)
    assert router.deadline == NOW + 6 * SECOND


def test_takeovers_that_were_due_together_advertise_together_from_then_on() -> None:
    """One takes a while, so the second is late; both count from when they were due."""
    deadlines = []
    for late in (0, 400_000):
        router, _ = step(
            PARAMS, RouterState(State.BACKUP, NOW, NOW - SECOND), TimerFired(), NOW + late
        )
        deadlines.append(router.deadline)
    assert deadlines == [NOW + SECOND] * 2


# Reconfigured.


@pytest.mark.parametrize("priority", [1, 99, 101, 150, 254])
def test_a_new_priority_shifts_the_running_timer_by_the_difference_of_the_skews(
    priority: int,
) -> None:
    router, _ = step(PARAMS, RouterState(), Started(), NOW)
    after = replace(PARAMS, priority=priority)
    moved, actions = step(
        after, router, Reconfigured(master_down_time(PARAMS, router)), NOW + SECOND
    )
    assert actions == []
    assert moved.deadline == NOW + down(after)
    back, _ = step(PARAMS, moved, Reconfigured(master_down_time(after, moved)), NOW + 2 * SECOND)
    assert back == router


def test_a_new_priority_after_a_resignation_shifts_the_skew() -> None:
    router, _ = step(PARAMS, RouterState(), Started(), NOW)
    router, _ = step(PARAMS, router, AdvertReceived(0, OTHER, SECOND), NOW)
    after = replace(PARAMS, priority=200)
    moved, _ = step(after, router, Reconfigured(master_down_time(PARAMS, router)), NOW + 1)
    assert moved.deadline == NOW + after.skew(SECOND)


def test_a_new_interval_counts_from_the_start_of_the_running_timer() -> None:
    router, _ = step(PARAMS, RouterState(), Started(), NOW)
    after = replace(PARAMS, advert_interval=5 * SECOND, down_timer_adverts=2)
    moved, _ = step(after, router, Reconfigured(master_down_time(PARAMS, router)), NOW + SECOND)
    assert moved.deadline == NOW + 10 * SECOND + 609_375_000


def test_version_3_keeps_the_learned_interval_through_a_reconfiguration() -> None:
    params = replace(PARAMS, version=3)
    router, _ = step(params, RouterState(), Started(), NOW)
    router, _ = step(params, router, AdvertReceived(150, OTHER, 50 * CENTISECOND), NOW)
    after = replace(params, advert_interval=9 * SECOND)
    moved, _ = step(after, router, Reconfigured(master_down_time(params, router)), NOW + 1)
    assert moved.deadline == router.deadline


def test_version_3_that_received_no_higher_priority_has_its_own_interval() -> None:
    """A lower priority was received but taught nothing: a reload's interval must count."""
    params = replace(PARAMS, version=3)
    router, _ = step(params, RouterState(), Started(), NOW)
    router, _ = step(params, router, AdvertReceived(50, OTHER, 4095 * CENTISECOND), NOW)
    after = replace(params, advert_interval=9 * SECOND)
    moved, _ = step(after, router, Reconfigured(master_down_time(params, router)), NOW + 1)
    assert moved.deadline == NOW + after.master_down(9 * SECOND)


def test_a_master_goes_over_to_a_shorter_interval_at_once() -> None:
    slow = replace(PARAMS, advert_interval=60 * SECOND)
    router = RouterState(State.MASTER, NOW + 60 * SECOND, NOW, LastAdvert(OTHER, 50, SECOND, NOW))
    moved, actions = step(
        PARAMS, router, Reconfigured(master_down_time(slow, router)), NOW + 10 * SECOND
    )
    assert (moved.deadline, actions) == (NOW + 11 * SECOND, [])


def test_a_master_does_not_stretch_the_running_adver_timer() -> None:
    slow = replace(PARAMS, advert_interval=60 * SECOND)
    router = RouterState(State.MASTER, NOW + SECOND, NOW)
    moved, _ = step(slow, router, Reconfigured(master_down_time(PARAMS, router)), NOW + 1)
    assert moved.deadline == NOW + SECOND


@pytest.mark.parametrize("theirs", [1, 999, 1000, 1001, 4095])
def test_version_3_learns_no_interval_beyond_ten_times_its_own(theirs: int) -> None:
    params = replace(PARAMS, version=3, priority=100, advert_interval=SECOND)
    waiting, _ = step(params, RouterState(), Started(), NOW)
    router, _ = step(params, waiting, AdvertReceived(200, OTHER, theirs * CENTISECOND), NOW)
    learned = min(theirs, 1000) * CENTISECOND
    assert router.deadline == NOW + 3 * learned + 156 * learned // 256
