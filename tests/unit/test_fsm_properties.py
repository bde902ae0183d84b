"""What must hold after any sequence of events whatever, found by trying very many.

    deadline is None        exactly in INIT and FAULT
    TakeAddresses           exactly on entering MASTER, ReleaseAddresses exactly on leaving it
    priority 0              at most once per leaving, and from none but a MASTER
    a deadline in the past  only a timer that is due
    step()                  never raises, and a second look at the same event changes nothing else

The sequences are arbitrary: also events that no shell of ours would send in that order.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from hypothesis import given, settings
from hypothesis import strategies as st

from vrrpd import events
from vrrpd.events import (
    Announce,
    Event,
    Reassert,
    ReleaseAddresses,
    SendAdvert,
    TakeAddresses,
    TimerFired,
)
from vrrpd.fsm import SECOND, Params, RouterState, State, master_down_time, step
from vrrpd.record import replace

TIMELESS = (State.INIT, State.FAULT)

intervals = st.integers(1, 4095).map(lambda cs: cs * SECOND // 100)
addresses = st.integers(1, 2**32 - 2).map(IPv4Address)
params = st.builds(
    Params,
    vrid=st.integers(1, 255),
    priority=st.one_of(st.integers(1, 255), st.sampled_from([1, 100, 254, 255])),
    source=addresses,
    advert_interval=intervals,
    version=st.sampled_from([2, 3]),
    preempt=st.booleans(),
    preempt_delay=st.sampled_from([0, SECOND, 1000 * SECOND]),
    down_timer_adverts=st.integers(1, 100),
    lower_prio_no_advert=st.booleans(),
    higher_prio_send_advert=st.booleans(),
    strict=st.booleans(),
)
happenings = st.one_of(
    st.builds(events.Started, st.sampled_from([0, SECOND])),
    st.builds(events.Stopped),
    st.just(TimerFired()),
    st.just(TimerFired()),
    st.builds(events.AdvertReceived, st.integers(0, 255), addresses, intervals),
    st.builds(events.Failed, st.just("a cause")),
    st.builds(events.Recovered, st.just("no cause")),
    st.builds(events.AddressLost, addresses),
    st.builds(events.SyncGroupHold, st.just("the group")),
    st.just(events.PacketsLost()),
    st.builds(events.SyncGroupTransition, st.booleans(), st.just("the group")),
    st.just(events.Released("by the operator")),
    st.just(events.Resumed("by the operator")),
    params,  # new ones: Reconfigured
)
# How long until the next thing happens; "due" is the moment of the timer, a nanosecond around it.
waits = st.one_of(st.integers(0, 10 * SECOND), st.sampled_from(["due", "just before", "late"]))
stories = st.lists(st.tuples(waits, happenings), max_size=40)


def moment(router: RouterState, now: int, wait: int | str) -> int:
    """When the next event happens; time never runs backwards."""
    if isinstance(wait, int):
        return now + wait
    due = router.deadline if router.deadline is not None else now
    return max(now, due + {"due": 0, "just before": -1, "late": 90 * SECOND}[wait])


@settings(max_examples=200, deadline=None)
@given(params, stories, st.booleans())
def test_invariants(
    params: Params, story: list[tuple[int | str, Event | Params]], released: bool
) -> None:
    router, now = RouterState(), 0
    params = replace(params, released=released)
    for wait, event in story:
        now = moment(router, now, wait)
        before = router
        if isinstance(event, Params):
            after = replace(event, released=released)
            event, params = events.Reconfigured(master_down_time(params, router)), after
        router, actions = step(params, before, event, now)

        assert (router.deadline is None) == (router.state in TIMELESS)
        entered = router.state is State.MASTER and before.state is not State.MASTER
        left = router.state is not State.MASTER and before.state is State.MASTER
        assert actions.count(TakeAddresses()) == entered
        assert actions.count(Announce()) == entered
        assert actions.count(ReleaseAddresses()) == left
        if entered:
            assert actions == [SendAdvert(params.priority), TakeAddresses(), Announce()]
        assert actions.count(SendAdvert(0)) <= left
        assert before.state is State.MASTER or entered or actions == []
        if left:
            assert not any(isinstance(action, Reassert) for action in actions)
        if router.deadline is not None and router.deadline < now:
            # Nothing but a timer that was due already, or that a new priority has made due.
            assert router.deadline == before.deadline or isinstance(event, events.Reconfigured)
        if router.state is before.state is State.MASTER and isinstance(event, TimerFired):
            assert actions in ([], [SendAdvert(params.priority)])
        assert router.state is before.state or router.why
        assert not (released and entered)
        if actions == [] and router == before:
            assert step(params, router, event, now) == (router, [])


@settings(max_examples=200, deadline=None)
@given(params, st.lists(st.tuples(st.integers(0, 254), st.integers(0, SECOND)), max_size=30))
def test_a_master_without_higher_priority_advertises_at_least_every_interval(
    params: Params, heard: list[tuple[int, int]]
) -> None:
    """Whatever routers of lower priority send: never more than one interval of silence."""
    params = replace(params, priority=255)
    router, _ = step(params, RouterState(), events.Started(), 0)
    router, _ = step(params, router, TimerFired(), 0)
    said = now = 0
    for priority, wait in heard:
        while router.deadline is not None and router.deadline <= now + wait:
            now, wait = router.deadline, now + wait - router.deadline
            router, actions = step(params, router, TimerFired(), now)
            assert now - said <= params.advert_interval
            said = now if SendAdvert(255) in actions else said
        now += wait
        advert = events.AdvertReceived(priority, IPv4Address("1.1.1.1"), SECOND)
        router, actions = step(params, router, advert, now)
        said = now if SendAdvert(255) in actions else said
        assert router.state is State.MASTER
        assert (router.deadline or 0) - said <= params.advert_interval


@settings(max_examples=150, deadline=None)
@given(params, addresses, st.integers(1, 255), addresses)
def test_one_of_two_masters_gives_way(
    params: Params, mine: IPv4Address, priority: int, theirs: IPv4Address
) -> None:
    """Two MASTERs that receive from each other: exactly one stays, whichever sends first."""
    if mine == theirs:
        return
    one = replace(params, source=mine)
    other = replace(params, source=theirs, priority=priority)
    master = RouterState(State.MASTER, SECOND, 0)
    interval = params.advert_interval
    hears_other = events.AdvertReceived(other.priority, other.source, interval)
    hears_one = events.AdvertReceived(one.priority, one.source, interval)
    first, _ = step(one, master, hears_other, 0)
    second, _ = step(other, master, hears_one, 0)
    assert {first.state, second.state} == {State.MASTER, State.BACKUP}
