"""The election: up to five routers of one virtual router start at one moment; who becomes MASTER?

The same happens when a MASTER is lost: every BACKUP then starts its Master_Down_Timer at the last
Advertisement.  `vrrpd.fsm` counts the timers and decides, ties included.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address
from typing import Any

from labs.browser.wire import Change, Wire
from vrrpd.fsm import SECOND, Params, State

MOST = 5
FIRST = IPv4Address("192.168.1.11")
SETTLED = 2  # s after the last timer could have expired


def result(
    priorities: Sequence[int], taking_part: Sequence[bool] | None = None, interval: float = 1.0
) -> dict[str, Any]:
    """Elect a MASTER among routers web1, web2, ... with these priorities (1..255).

    `taking_part` leaves routers out (False); `interval` in seconds.  Times are seconds after the
    start.  `winner` is the index of the MASTER at the end, None if no router takes part.
    Raises ValueError for more than five routers or an impossible priority.
    """
    if not 1 <= len(priorities) <= MOST:
        raise ValueError(f"{len(priorities)} routers, and can be 1 to {MOST}")
    for number, priority in enumerate(priorities, 1):
        if not 1 <= priority <= 255:
            raise ValueError(f"the priority of web{number} is {priority}, and can be 1 to 255")
    tick = round(interval * SECOND)
    everyone = [Params(51, p, FIRST + n, advert_interval=tick) for n, p in enumerate(priorities)]
    present = [n for n in range(len(priorities)) if taking_part is None or taking_part[n]]
    wire = Wire([everyone[n] for n in present])
    wire.start()
    end = max((params.master_down(tick) for params in everyone), default=0) + SETTLED * SECOND
    if present:
        wire.run(end)
    place = dict(enumerate(present))
    routers = [_router(params, n) for n, params in enumerate(everyone)]
    for number, router in place.items():
        routers[router] |= _fate(wire, number)
    masters = wire.masters()
    winner = place[masters[0]] if masters else None
    return {
        "routers": routers,
        "winner": winner,
        "masters_at_the_end": [place[one] for one in masters],
        "together": _together(wire, end),
        "tie": _tie(priorities, present, winner),
        "why": routers[winner]["why"] if winner is not None else "",
        "end": end / SECOND,
    }


def _router(params: Params, number: int) -> dict[str, Any]:
    interval = params.advert_interval
    return {
        "name": f"web{number + 1}",
        "address": str(params.source),
        "priority": params.priority,
        "skew": params.skew(interval) / SECOND,
        "master_down": params.master_down(interval) / SECOND,
        "held": [],
        "why": "",
        "taking_part": False,
    }


def _fate(wire: Wire, number: int) -> dict[str, Any]:
    """From when to when the router was MASTER (the end None: still), and why it is what it is."""
    held: list[list[float | None]] = []
    for change in _of(wire, number):
        if change.to is State.MASTER:
            held.append([change.t / SECOND, None])
        elif change.frm is State.MASTER:
            held[-1][1] = change.t / SECOND
    why = wire.routers[number].why
    last = [change.why for change in _of(wire, number)]
    return {"held": held, "why": last[-1] if last else why, "taking_part": True}


def _of(wire: Wire, number: int) -> list[Change]:
    return [change for change in wire.changes if change.router == number]


def _together(wire: Wire, end: int) -> float:
    """For how many seconds two or more routers were MASTER."""
    total, since, masters = 0, 0, 0
    for change in wire.changes:
        if masters > 1:
            total += change.t - since
        masters += (change.to is State.MASTER) - (change.frm is State.MASTER)
        since = change.t
    return (total + (end - since if masters > 1 else 0)) / SECOND


def _tie(priorities: Sequence[int], present: Sequence[int], winner: int | None) -> list[int]:
    """The routers with the priority of the winner, if there are several."""
    equal = [n for n in present if winner is not None and priorities[n] == priorities[winner]]
    return equal if len(equal) > 1 else []
