"""What a router does when it receives an advertisement: the state machine asked one question.

    receives("BACKUP", 150, own=100)   BACKUP of priority 100 receives priority 150:
                                       it stays BACKUP; its Master_Down_Timer starts again, 3.609 s
    timer_expires("BACKUP", own=100)   nothing received for 3.609 s: it becomes MASTER, ...

Nothing is written down here: every answer comes from `vrrpd.fsm.step()`, the function that the
daemon itself calls.  Intervals are one second, version 2, Preempt_Mode on, as in the article.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from ipaddress import IPv4Address

from labs.errors import LabError, unknown
from vrrpd import fsm
from vrrpd.events import (
    Action,
    AdvertReceived,
    Announce,
    ReleaseAddresses,
    SendAdvert,
    Started,
    TakeAddresses,
    TimerFired,
)
from vrrpd.fsm import SECOND, Params, RouterState, State

ME, OTHER = "192.168.1.12", "192.168.1.11"
# A timer that has run a little when the advertisement comes, so that "starts again" can be seen.
RECEIVED_AFTER = SECOND // 2
WIDTH = 86  # characters of an answer, so that a page of a book holds it
STATES = {"BACKUP": State.BACKUP, "MASTER": State.MASTER}


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a router: its `state`, what it did, and what its timer does (s or None)."""

    event: str
    before: str
    state: str
    deeds: tuple[str, ...]
    timer: float | None

    def __repr__(self) -> str:
        stays = (
            f"it stays {self.state}" if self.state == self.before else f"it becomes {self.state}"
        )
        name = "Adver_Timer" if self.state == "MASTER" else "Master_Down_Timer"
        # A number and its unit stay on one line.
        time = f"{self.timer or 0:.3f}\N{NO-BREAK SPACE}s"
        clock = f"its {name} starts again, {time}" if self.timer else "its timer runs on"
        told = textwrap.fill("; ".join([stays, *self.deeds, clock]), WIDTH)
        told = told.replace("\N{NO-BREAK SPACE}", " ")
        return f"{self.event}:\n" + textwrap.indent(told, "    ")


def receives(
    state: str, advert: int, *, own: int = 100, source: str = OTHER, me: str = ME
) -> Answer:
    """What a router in `state` with priority `own` does with an advertisement of priority `advert`.

    Raises LabError for a state that receives nothing and for impossible priorities.
    """
    params, router = _running(state, own, me)
    if not 0 <= advert <= 255:
        raise LabError(f"no advertisement has priority {advert}: one byte, 0 to 255")
    event = AdvertReceived(advert, IPv4Address(source), SECOND)
    after, actions = fsm.step(params, router, event, RECEIVED_AFTER)
    told = f"{state} of priority {own} receives priority {advert} from {source}"
    return _answer(told, router, after, actions)


def timer_expires(state: str, *, own: int = 100) -> Answer:
    """What a router in `state` does when nothing happens until its timer expires."""
    params, router = _running(state, own, ME)
    assert router.deadline is not None
    after, actions = fsm.step(params, router, TimerFired(), router.deadline)
    told = f"{state} of priority {own}, whose timer of {router.deadline / SECOND:.3f} s expires"
    return _answer(told, router, after, actions)


def _running(state: str, own: int, me: str) -> tuple[Params, RouterState]:
    """A router that has just come into `state`, at time 0."""
    if state not in STATES:
        raise unknown("state", state, STATES)
    if not 1 <= own <= 254:
        raise LabError(f"a priority of {own}: routers like these have 1 to 254")
    params = Params(51, own, IPv4Address(me))
    router, _ = fsm.step(params, RouterState(), Started(), 0)
    if state == "MASTER":
        router, _ = fsm.become_master(params, router, 0, "asked to be")
    return params, router


def _answer(event: str, before: RouterState, after: RouterState, actions: list[Action]) -> Answer:
    started = after.deadline if after.deadline != before.deadline else None
    length = (started - after.armed) / SECOND if started is not None else None
    deeds = tuple(filter(None, map(_deed, actions)))
    return Answer(event, before.state.value, after.state.value, deeds, length)


def _deed(action: Action) -> str:
    """One action, as the output describes it."""
    match action:
        case SendAdvert(priority):
            return f"it advertises priority {priority}"
        case TakeAddresses():
            return "it adds the addresses"
        case ReleaseAddresses():
            return "it removes the addresses"
        case Announce():
            return "it sends gratuitous ARP"
    return "it sends gratuitous ARP once more"
