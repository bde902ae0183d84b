"""Why 2.6 to 3.6 seconds: the outage as a function of the moment at which the MASTER is lost.

web1 is MASTER and advertises at 0, 1, 2, 3 intervals; web2 is BACKUP.  web1's cable is pulled
between two Advertisements, or its daemon is stopped.  `vrrpd.fsm` says what follows.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

from labs.browser.wire import Change, Wire
from vrrpd.events import Stopped
from vrrpd.fsm import SECOND, Params, State

SHOWN = 3  # intervals in which the MASTER can be lost
PRIORITY = 150  # of web1
ENDINGS = ("pulled", "stopped")
WEB1, WEB2 = IPv4Address("192.168.1.11"), IPv4Address("192.168.1.12")


def takeover(
    moment: float, priority: int = 100, interval: float = 1.0, ending: str = "pulled"
) -> dict[str, Any]:
    """Say what follows if web1 is lost `moment` seconds after an Advertisement.

    `moment` is within 0..3 intervals, counted from the first Advertisement that is shown.
    `priority` is web2's, 1..149; `interval` in seconds.  `ending` is "pulled" (the cable) or
    "stopped" (SIGTERM: web1 sends an Advertisement of priority 0).
    All times of the result are seconds from that first Advertisement; `profile` is the outage for
    moments right after an Advertisement and right before the next one.
    Raises ValueError for values outside of these ranges.
    """
    if ending not in ENDINGS:
        raise ValueError(f"ending is {ending!r}, and can be {' or '.join(ENDINGS)}")
    if not 1 <= priority < PRIORITY:
        raise ValueError(f"web2's priority is {priority}, and can be 1 to {PRIORITY - 1}")
    tick = round(interval * SECOND)
    lost = round(moment * SECOND)
    if not 0 <= lost <= SHOWN * tick:
        raise ValueError(f"the moment is {moment:g} s, and can be 0 to {SHOWN * interval:g} s")
    mine = Params(51, priority, WEB2, advert_interval=tick)
    wire, zero, since, taken = _play(mine, tick, lost, ending)
    ends = [(n * tick, (n + 1) * tick - 1) for n in range(SHOWN)]
    moments = [moment for pair in ends for moment in pair]
    outages = [_outage(mine, tick, moment, ending) for moment in moments]
    sent = [one.t - zero for one in wire.adverts if one.router == 0 and one.priority]
    return {
        "adverts": [_s(t) for t in sent if 0 <= t <= lost],
        "lost": _s(lost),
        "counted_from": _s(since - zero),
        "taken": _s(taken.t - zero),
        "outage": _s(taken.t - zero - lost),
        "skew": _s(mine.skew(tick)),
        "master_down": _s(mine.master_down(tick)),
        "least": round(_s(min(outages)), 6),
        "most": _s(max(outages)),
        "profile": [[_s(at), _s(outage)] for at, outage in zip(moments, outages, strict=True)],
        "why": taken.why,
    }


def _play(mine: Params, tick: int, lost: int, ending: str) -> tuple[Wire, int, int, Change]:
    """Return the wire, the moment (ns) of the first Advertisement, what web2 counts from, and how
    web2 became MASTER.
    """
    wire, zero = _running(mine, tick)
    wire.run(zero + lost)
    since = next(sent.t for sent in reversed(wire.adverts) if sent.router == 0)
    if ending == "stopped":
        since = wire.now
        wire.dispatch(0, Stopped(), wire.now)
    else:
        wire.connected.discard(0)
    while wire.routers[1].state is not State.MASTER:
        wire.play(zero + lost + 2 * mine.master_down(tick))
    return wire, zero, since, wire.changes[-1]


def _outage(mine: Params, tick: int, lost: int, ending: str) -> int:
    """For how long (ns) no router is MASTER."""
    _, zero, _, taken = _play(mine, tick, lost, ending)
    return taken.t - zero - lost


def _running(backup: Params, tick: int) -> tuple[Wire, int]:
    """Return a wire where web1 has just advertised, and that moment (ns)."""
    wire = Wire([Params(51, PRIORITY, WEB1, advert_interval=tick), backup], latency=0)
    wire.start()
    while len(wire.adverts) < 2:
        wire.play(wire.now + 10 * SECOND + 10 * tick)
    return wire, wire.adverts[-1].t


def _s(ns: int) -> float:
    return ns / SECOND
