"""The state machine, found by asking `vrrpd.fsm.step()` itself.

    rows()    (state, event, actions, timer, next state) for everything that has a consequence

Every state is shown every kind of event; a row is what came of it.
The table of README.md and the picture of `show.machine()` are made of these rows, so neither can
say anything that the daemon does not do.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import NamedTuple

from vrrpd import events, fsm
from vrrpd.fsm import SECOND, Params, RouterState, State

US = Params(vrid=51, priority=100, source=IPv4Address("192.168.1.12"))
LOWER, HIGHER = IPv4Address("192.168.1.11"), IPv4Address("192.168.1.13")
NOW = 100 * SECOND
DUE = NOW + SECOND // 2  # so that a timer that starts again can be seen

STATES = {
    State.INIT: RouterState(),
    State.BACKUP: RouterState(State.BACKUP, DUE, NOW),
    State.MASTER: RouterState(State.MASTER, DUE, NOW),
    State.FAULT: RouterState(State.FAULT),
}

EVENTS: tuple[tuple[str, events.Event, int], ...] = (
    ("started", events.Started(), NOW),
    ("timer fires", events.TimerFired(), DUE),
    ("Advertisement, priority 0", events.AdvertReceived(0, LOWER, SECOND), NOW),
    ("Advertisement, lower priority", events.AdvertReceived(50, HIGHER, SECOND), NOW),
    ("Advertisement, equal, lower address", events.AdvertReceived(100, LOWER, SECOND), NOW),
    ("Advertisement, equal, higher address", events.AdvertReceived(100, HIGHER, SECOND), NOW),
    ("Advertisement, higher priority", events.AdvertReceived(150, LOWER, SECOND), NOW),
    ("an address is removed by others", events.AddressLost(LOWER), NOW),
    ("fails (no carrier, script, ...)", events.Failed("no carrier"), NOW),
    ("recovers", events.Recovered("carrier"), NOW),
    ("sync group: not ready yet", events.SyncGroupHold("VI_2 is not ready"), NOW),
    ("sync group becomes MASTER", events.SyncGroupTransition(True, "VI_2 is MASTER"), NOW),
    ("sync group becomes BACKUP", events.SyncGroupTransition(False, "VI_2 is BACKUP"), NOW),
    ("stopped", events.Stopped(), NOW),
)

ACTIONS = {
    "TakeAddresses": "take the addresses",
    "ReleaseAddresses": "release the addresses",
    "Announce": "announce (ARP)",
    "Reassert": "announce again",
}


class Row(NamedTuple):
    """In `state`, `event` has these `actions`; then this `timer` runs, and `after` is the state."""

    state: str
    event: str
    actions: str
    timer: str
    after: str


def rows() -> list[Row]:
    """One for each state and event that has a consequence."""
    found = []
    for state, router in STATES.items():
        for name, event, now in EVENTS:
            after, actions = fsm.step(US, router, event, now)
            same = (after.state, after.deadline) == (router.state, router.deadline)
            heard = isinstance(event, events.AdvertReceived) and router.deadline is not None
            if actions or heard or not same:
                done = ", ".join(map(_action, actions)) or "none"
                running = "runs on" if same else _timer(after, now)
                found.append(Row(state.value, name, done, running, after.state.value))
    return found


def _action(one: events.Action) -> str:
    """An action in a few words."""
    if isinstance(one, events.SendAdvert):
        return "send an Advertisement" + (" of priority 0" if one.priority == 0 else "")
    return ACTIONS[type(one).__name__]


def _timer(router: RouterState, now: int) -> str:
    """The running timer as the RFC calls it, recognised by its length."""
    if router.deadline is None:
        return "none"
    names = {
        US.master_down(SECOND): "Master_Down_Interval",
        US.skew(SECOND): "Skew_Time",
        SECOND: "Advertisement_Interval",
    }
    return names[router.deadline - now]
