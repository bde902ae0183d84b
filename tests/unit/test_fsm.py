"""The state machine against RFC 3768 / RFC 9568 section 6.4: every state, every event.

TABLE is the whole product, written down by hand from the documents and not from the code:

    a cell       what must come out
    -            nothing: the same router, no action
    BACKUP down  the new state, its timer (down, skew, adver, kept, none) and the actions in order

A state or an event that is added to the program and not to the table fails
`test_the_table_is_complete`.  Boundaries, reasons and invariants are in test_fsm_timers.py,
test_fsm_reasons.py and test_fsm_properties.py.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from itertools import product

import pytest

from vrrpd import events
from vrrpd.events import (
    AddressLost,
    AdvertReceived,
    Announce,
    Event,
    Failed,
    PacketsLost,
    Reassert,
    Reconfigured,
    Recovered,
    ReleaseAddresses,
    Released,
    Resumed,
    SendAdvert,
    Started,
    Stopped,
    SyncGroupHold,
    SyncGroupTransition,
    TakeAddresses,
    TimerFired,
)
from vrrpd.fsm import SECOND, LastAdvert, Params, RouterState, State, step
from vrrpd.record import replace

MINE = IPv4Address("192.168.1.12")
LOWER = IPv4Address("192.168.1.2")  # lower as a number, higher as text
HIGHER = IPv4Address("192.168.1.200")
VIP = IPv4Address("192.168.1.10")
PRIORITY = 100
NOW = 1_000 * SECOND + 7
PARAMS = Params(vrid=51, priority=PRIORITY, source=MINE)

HEARD = LastAdvert(HIGHER, 150, SECOND, NOW - SECOND)
ROUTERS = {
    "INIT": RouterState(),
    "BACKUP": RouterState(State.BACKUP, NOW + SECOND, NOW - SECOND, HEARD, why="started"),
    "MASTER": RouterState(State.MASTER, NOW + SECOND // 2, NOW - SECOND // 2, HEARD, why="silence"),
    "FAULT": RouterState(State.FAULT, why="interface eth0 is down"),
}
EVENTS: dict[str, tuple[Event, int]] = {
    "Started": (Started(), NOW),
    "Started late": (Started(5 * SECOND), NOW),
    "Stopped": (Stopped("stopped by a signal"), NOW),
    "timer early": (TimerFired(), NOW),
    "timer due": (TimerFired(), NOW + SECOND),
    "priority 0": (AdvertReceived(0, HIGHER, SECOND), NOW),
    "lower": (AdvertReceived(99, HIGHER, SECOND), NOW),
    "tie won": (AdvertReceived(100, LOWER, SECOND), NOW),
    "tie with self": (AdvertReceived(100, MINE, SECOND), NOW),
    "tie lost": (AdvertReceived(100, HIGHER, SECOND), NOW),
    "higher": (AdvertReceived(101, LOWER, SECOND), NOW),
    "owner": (AdvertReceived(255, LOWER, SECOND), NOW),
    "Failed": (Failed("interface eth0 is down"), NOW),
    "Recovered": (Recovered("interface eth0 is up"), NOW),
    "AddressLost": (AddressLost(VIP), NOW),
    "Held": (SyncGroupHold("VI_2 is not ready"), NOW),
    "Lost": (PacketsLost(), NOW + SECOND),
    "Led up": (SyncGroupTransition(True, "VI_2 became MASTER"), NOW),
    "Led down": (SyncGroupTransition(False, "VI_2 gave way"), NOW),
    "Released": (Released("released by vrrpctl"), NOW),
    "Resumed": (Resumed("resumed by vrrpctl"), NOW),
    "Reconfigured": (Reconfigured(PARAMS.master_down(SECOND)), NOW),
}

TABLE = """
event         | INIT          | BACKUP                     | MASTER                    | FAULT
Started       | BACKUP down   | -                          | -                         | -
Started late  | BACKUP down+5 | -                          | -                         | -
Stopped       | INIT          | INIT                       | INIT send0 release        | INIT
timer early   | -             | -                          | -                         | -
timer due     | -             | MASTER adver send take arp | MASTER next send          | -
priority 0    | -             | BACKUP skew                | MASTER adver send         | -
lower         | -             | BACKUP kept                | MASTER adver send again   | -
tie won       | -             | BACKUP down                | MASTER adver send again   | -
tie with self | -             | BACKUP down                | MASTER adver send again   | -
tie lost      | -             | BACKUP down                | BACKUP down release       | -
higher        | -             | BACKUP down                | BACKUP down release       | -
owner         | -             | BACKUP down                | BACKUP down release       | -
Failed        | FAULT         | FAULT                      | FAULT send0 release       | -
Recovered     | -             | -                          | -                         | BACKUP down
AddressLost   | -             | -                          | BACKUP skew send0 release | -
Held          | -             | BACKUP down                | -                         | -
Lost          | -             | BACKUP down                | -                         | -
Led up        | -             | MASTER adver send take arp | -                         | -
Led down      | -             | -                          | BACKUP down release       | -
Released      | -             | BACKUP kept                | -                         | -
Resumed       | -             | BACKUP down                | -                         | -
Reconfigured  | -             | BACKUP kept                | MASTER kept               | -
"""

DOWN = 3 * SECOND + 156 * SECOND // 256
SKEW = 156 * SECOND // 256


def cells() -> dict[tuple[str, str], str]:
    """TABLE as (state, event) -> cell."""
    head, *rows = (
        [cell.strip() for cell in line.split("|")] for line in TABLE.strip().splitlines()
    )
    return {(state, row[0]): cell for row in rows for state, cell in zip(head[1:], row[1:])}  # noqa: B905


CELLS = cells()


def word(action: events.Action) -> str:
    """The table's word for an action."""
    if isinstance(action, SendAdvert):
        return {0: "send0", PRIORITY: "send"}[action.priority]
    return {
        TakeAddresses: "take",
        ReleaseAddresses: "release",
        Announce: "arp",
        Reassert: "again",
    }[type(action)]


@pytest.mark.parametrize(("state", "event"), list(product(ROUTERS, EVENTS)))
def test_every_state_and_event(state: str, event: str) -> None:
    router = ROUTERS[state]
    what, now = EVENTS[event]
    after, actions = step(PARAMS, router, what, now)
    cell = CELLS[state, event]
    if cell == "-":
        assert (after, actions) == (router, [])
        return
    expected, *rest = cell.split()
    deadlines = {
        "down": now + DOWN,
        "down+5": now + DOWN + 5 * SECOND,
        "skew": now + SKEW,
        "adver": now + SECOND,
        "next": (router.deadline or 0) + SECOND,
        "kept": router.deadline,
    }
    deadline = deadlines[rest.pop(0)] if rest and rest[0] in deadlines else None
    assert after.state.value == expected
    assert after.deadline == deadline
    assert [word(action) for action in actions] == rest


def test_the_table_is_complete() -> None:
    union = {name.strip() for name in str(events.Event).split("|")}
    assert {type(event).__name__ for event, _ in EVENTS.values()} == union
    assert {state.value for state in State} == set(ROUTERS)
    assert set(CELLS) == set(product(ROUTERS, EVENTS))


def test_reassert_names_the_rival() -> None:
    _, actions = step(PARAMS, ROUTERS["MASTER"], AdvertReceived(99, HIGHER, SECOND), NOW)
    assert actions == [SendAdvert(100), Reassert(HIGHER, 99)]


@pytest.mark.parametrize("state", ["BACKUP", "MASTER"])
@pytest.mark.parametrize("priority", [0, 99, 100, 101, 255])
def test_the_last_sender_is_remembered(state: str, priority: int) -> None:
    advert = AdvertReceived(priority, LOWER, SECOND)
    after, _ = step(PARAMS, ROUTERS[state], advert, NOW)
    assert after.heard == LastAdvert(LOWER, priority, SECOND, NOW)


def test_leaving_fault_forgets_what_was_received_before() -> None:
    after, _ = step(PARAMS, ROUTERS["FAULT"]._replace(heard=HEARD), Recovered("up"), NOW)
    assert after.heard is None


# What keepalived's options change.


def test_lower_prio_no_advert_is_silent_but_still_says_where_the_addresses_are() -> None:
    """keepalived leaves out the advertisement alone; garp_lower_prio_* has its own option."""
    params = replace(PARAMS, lower_prio_no_advert=True)
    router = ROUTERS["MASTER"]
    after, actions = step(params, router, AdvertReceived(99, HIGHER, SECOND), NOW)
    assert actions == [Reassert(HIGHER, 99)]
    assert after.deadline == router.deadline


def test_higher_prio_send_advert_lets_the_winner_see_us() -> None:
    params = replace(PARAMS, higher_prio_send_advert=True)
    after, actions = step(params, ROUTERS["MASTER"], AdvertReceived(150, HIGHER, SECOND), NOW)
    assert after.state is State.BACKUP
    assert actions == [SendAdvert(100), ReleaseAddresses()]


def test_strict_version_2_discards_a_lower_advertisement() -> None:
    """RFC 3768 section 6.4.3: "Otherwise discard the ADVERTISEMENT"."""
    params = replace(PARAMS, strict=True)
    router = ROUTERS["MASTER"]
    after, actions = step(params, router, AdvertReceived(99, HIGHER, SECOND), NOW)
    assert actions == []
    assert after.deadline == router.deadline


def test_strict_version_3_answers_without_touching_adver_timer() -> None:
    """RFC 9568 section 6.4.3 sends at once and says nothing of Adver_Timer."""
    params = replace(PARAMS, strict=True, version=3)
    router = ROUTERS["MASTER"]
    after, actions = step(params, router, AdvertReceived(99, HIGHER, SECOND), NOW)
    assert actions[0] == SendAdvert(100)
    assert after.deadline == router.deadline


@pytest.mark.parametrize("strict", [False, True])
def test_the_owner_is_master_at_once(strict: bool) -> None:
    """RFC 3768 section 6.4.1, and keepalived: an owner that starts makes no detour."""
    params = replace(PARAMS, strict=strict, priority=255)
    after, actions = step(params, RouterState(), Started(), NOW)
    assert (after.state, after.deadline) == (State.MASTER, NOW + SECOND)
    assert actions == [SendAdvert(255), TakeAddresses(), Announce()]


def test_an_owner_that_must_wait_waits_in_backup() -> None:
    params = replace(PARAMS, priority=255)
    after, actions = step(params, RouterState(), Started(delay=SECOND), NOW)
    assert (after.state, after.deadline, actions) == (State.BACKUP, NOW + SECOND, [])
    after, actions = step(params, after, TimerFired(), NOW + SECOND)
    assert after.state is State.MASTER
    assert actions == [SendAdvert(255), TakeAddresses(), Announce()]


def test_the_owner_waits_like_anybody_else_after_a_fault() -> None:
    params = replace(PARAMS, priority=255)
    after, _ = step(params, ROUTERS["FAULT"], Recovered("up"), NOW)
    assert after.deadline == NOW + 3 * SECOND + SECOND // 256


# Preempt_Mode and preempt_delay.


def test_nopreempt_stays_below_any_living_master() -> None:
    params = replace(PARAMS, preempt=False)
    after, _ = step(params, ROUTERS["BACKUP"], AdvertReceived(1, LOWER, SECOND), NOW)
    assert after.deadline == NOW + DOWN


def test_nopreempt_still_takes_over_from_the_dead_and_yields_to_the_better() -> None:
    params = replace(PARAMS, preempt=False)
    after, _ = step(params, ROUTERS["BACKUP"], TimerFired(), NOW + SECOND)
    assert after.state is State.MASTER
    after, _ = step(params, after, AdvertReceived(101, LOWER, SECOND), NOW + SECOND)
    assert after.state is State.BACKUP


def test_the_owner_preempts_whatever_preempt_mode_says() -> None:
    """RFC 3768 section 6.1: the owner always preempts, independent of this flag."""
    params = replace(PARAMS, preempt=False, priority=255)
    before = ROUTERS["BACKUP"]
    after, _ = step(params, before, AdvertReceived(254, LOWER, SECOND), NOW)
    assert after.deadline == before.deadline


def test_preempt_delay_counts_from_the_first_advertisement_of_lower_priority() -> None:
    """The sum of keepalived: the delay, then what is left of the last timer it restarted."""
    params = replace(PARAMS, preempt_delay=3 * SECOND)
    router, start = ROUTERS["BACKUP"], NOW
    for second in range(10):
        now = start + second * SECOND
        if now >= (router.deadline or 0):
            break
        router, _ = step(params, router, AdvertReceived(50, LOWER, SECOND), now)
    # Advertisements at 0, 1 and 2 s restarted the timer; the one at 3 s no longer did.
    assert router.hold_until == start + 3 * SECOND
    assert router.deadline == start + 2 * SECOND + DOWN


@pytest.mark.parametrize("priority", [100, 101])
def test_preempt_delay_is_cancelled_by_an_equal_or_better_master(priority: int) -> None:
    params = replace(PARAMS, preempt_delay=3 * SECOND)
    weak, strong = AdvertReceived(50, LOWER, SECOND), AdvertReceived(priority, LOWER, SECOND)
    router, _ = step(params, ROUTERS["BACKUP"], weak, NOW)
    router, _ = step(params, router, strong, NOW + SECOND)
    assert router.hold_until is None
    router, _ = step(params, router, weak, NOW + 2 * SECOND)
    assert router.hold_until == NOW + 5 * SECOND


def test_preempt_delay_does_not_delay_a_takeover_from_the_dead() -> None:
    params = replace(PARAMS, preempt_delay=1000 * SECOND)
    router, _ = step(params, RouterState(), Started(), NOW)
    router, _ = step(params, router, TimerFired(), NOW + DOWN)
    assert router.state is State.MASTER


def test_preempt_delay_ends_exactly() -> None:
    params = replace(PARAMS, preempt_delay=SECOND)
    router, _ = step(params, ROUTERS["BACKUP"], AdvertReceived(50, LOWER, SECOND), NOW)
    last, _ = step(params, router, AdvertReceived(50, LOWER, SECOND), NOW + SECOND - 1)
    late, _ = step(params, router, AdvertReceived(50, LOWER, SECOND), NOW + SECOND)
    assert last.deadline == NOW + SECOND - 1 + DOWN
    assert late.deadline == router.deadline


# Ties.


@pytest.mark.parametrize(
    ("address", "state"),
    [
        ("192.168.1.11", State.MASTER),
        ("192.168.1.12", State.MASTER),
        ("192.168.1.13", State.BACKUP),
        ("0.0.0.1", State.MASTER),
        ("255.255.255.254", State.BACKUP),
        ("9.255.255.255", State.MASTER),  # "9..." sorts behind "192..." as text
    ],
)
def test_ties_go_to_the_higher_address_as_a_number(address: str, state: State) -> None:
    advert = AdvertReceived(PRIORITY, IPv4Address(address), SECOND)
    after, _ = step(PARAMS, ROUTERS["MASTER"], advert, NOW)
    assert after.state is state


@pytest.mark.parametrize("mine", [1, 2, 100, 253, 254, 255])
@pytest.mark.parametrize("theirs", [1, 2, 99, 100, 101, 253, 254, 255])
def test_the_higher_priority_wins_at_every_boundary(mine: int, theirs: int) -> None:
    params = replace(PARAMS, priority=mine)
    advert = AdvertReceived(theirs, LOWER, SECOND)
    after, _ = step(params, ROUTERS["MASTER"], advert, NOW)
    assert (after.state is State.BACKUP) == (theirs > mine)
    before = ROUTERS["BACKUP"]
    after, _ = step(params, before, advert, NOW)
    assert (after.deadline == before.deadline) == (theirs < mine)


# Packets that were lost.


def test_a_timer_that_expires_after_packets_were_lost_runs_once_more_and_not_twice() -> None:
    now = NOW + SECOND
    once, _ = step(PARAMS, ROUTERS["BACKUP"], PacketsLost(), now)
    assert (once.deadline, once.armed, once.extended) == (now + DOWN, now, True)
    assert step(PARAMS, once, PacketsLost(), now + DOWN) == (once, [])
    after, _ = step(PARAMS, once, TimerFired(), now + DOWN)
    assert after.state is State.MASTER


def test_an_advertisement_ends_the_extension() -> None:
    once, _ = step(PARAMS, ROUTERS["BACKUP"], PacketsLost(), NOW + SECOND)
    after, _ = step(PARAMS, once, AdvertReceived(PRIORITY, LOWER, SECOND), NOW + 2 * SECOND)
    assert not after.extended
    again, _ = step(PARAMS, after, PacketsLost(), NOW + 2 * SECOND + DOWN)
    assert again.deadline == NOW + 2 * SECOND + 2 * DOWN


def test_an_advertisement_that_is_outranked_does_not_end_the_extension() -> None:
    """Else packets that are lost now and then would keep a router from preempting."""
    once, _ = step(PARAMS, ROUTERS["BACKUP"], PacketsLost(), NOW + SECOND)
    after, _ = step(PARAMS, once, AdvertReceived(99, LOWER, SECOND), NOW + 2 * SECOND)
    assert (after.deadline, after.extended) == (once.deadline, True)


def test_after_a_resignation_the_timer_runs_once_more_in_full() -> None:
    """Who has become MASTER advertises once in an interval; Skew_Time may be shorter."""
    resigned, _ = step(PARAMS, ROUTERS["BACKUP"], AdvertReceived(0, HIGHER, SECOND), NOW)
    after, _ = step(PARAMS, resigned, PacketsLost(), NOW + SKEW)
    assert (after.deadline, after.resigned) == (NOW + SKEW + DOWN, False)


def test_a_timer_that_has_not_expired_runs_on_whatever_was_lost() -> None:
    router = ROUTERS["BACKUP"]
    assert step(PARAMS, router, PacketsLost(), NOW) == (router, [])


# vrrpctl release: `Params.released`.

OUT = replace(PARAMS, released=True)


@pytest.mark.parametrize("event", [e for e in EVENTS if e not in ("Failed", "Stopped")])
@pytest.mark.parametrize("priority", [1, PRIORITY, 255])
def test_a_released_backup_becomes_master_by_no_event(event: str, priority: int) -> None:
    what, now = EVENTS[event]
    params = replace(OUT, priority=priority)
    after, actions = step(params, ROUTERS["BACKUP"], what, now)
    assert (after.state, after.waiting_for_group, actions) == (State.BACKUP, False, [])
    assert after.deadline is not None


def test_a_released_owner_starts_as_backup() -> None:
    after, actions = step(replace(OUT, priority=255), RouterState(), Started(), NOW)
    assert (after.state, actions) == (State.BACKUP, [])
    assert "released" in after.why


def test_a_master_that_is_released_resigns() -> None:
    after, actions = step(OUT, ROUTERS["MASTER"], Released("released by vrrpctl"), NOW)
    assert actions == [SendAdvert(0), ReleaseAddresses()]
    assert (after.state, after.why) == (State.BACKUP, "released by vrrpctl")


def test_a_member_that_follows_a_released_one_resigns_as_well() -> None:
    after, actions = step(OUT, ROUTERS["MASTER"], SyncGroupTransition(False, "follows VI_2"), NOW)
    assert (after.state, actions) == (State.BACKUP, [SendAdvert(0), ReleaseAddresses()])


def test_a_released_backup_waits_in_full_after_a_resignation() -> None:
    resigned, _ = step(OUT, ROUTERS["BACKUP"], AdvertReceived(0, HIGHER, SECOND), NOW)
    assert resigned.deadline == NOW + SKEW
    after, _ = step(OUT, resigned, TimerFired(), NOW + SKEW)
    assert after.deadline == NOW + SKEW + DOWN
