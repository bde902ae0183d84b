"""Why 2.6 to 3.6 seconds: the outage as a function of the moment at which the MASTER is lost.

web1 is MASTER and advertises at 0, 1, 2, 3 intervals; web2 is BACKUP.  web1's cable is pulled
between two Advertisements, or its daemon is stopped.  `vrrpd.fsm` says what follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address
from typing import Any

from labs.browser.wire import Wire
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
    All times of the result are seconds from that first Advertisement.
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
    wire, zero = _running(mine, tick)
    wire.run(zero + lost)
    since = next(sent.t for sent in reversed(wire.adverts) if sent.router == 0)
    if ending == "stopped":
        since = wire.now
        wire.dispatch(0, Stopped(), wire.now)
    else:
        wire.connected.discard(0)
    wire.run(zero + lost + 2 * mine.master_down(tick))
    taken = next(c for c in wire.changes if c.router == 1 and c.to is State.MASTER)
    least, most = _range(mine, tick, ending)
    return {
        "adverts": [_s(t - zero) for t in _sent_until(wire, zero, zero + lost)],
        "lost": _s(lost),
        "counted_from": _s(since - zero),
        "taken": _s(taken.t - zero),
        "outage": _s(taken.t - zero - lost),
        "skew": _s(mine.skew(tick)),
        "master_down": _s(mine.master_down(tick)),
        "least": _s(least),
        "most": _s(most),
        "why": taken.why,
    }


def curve(
    priorities: Sequence[int], interval: float = 1.0, ending: str = "pulled"
) -> list[dict[str, float]]:
    """Return the shortest and the longest outage in seconds for each priority of web2."""
    tick = round(interval * SECOND)
    found = []
    for priority in priorities:
        least, most = _range(Params(51, priority, WEB2, advert_interval=tick), tick, ending)
        found.append({"priority": priority, "least": _s(least), "most": _s(most)})
    return found


def _running(backup: Params, tick: int) -> tuple[Wire, int]:
    """Return a wire where web1 has just advertised, and that moment (ns)."""
    wire = Wire([Params(51, PRIORITY, WEB1, advert_interval=tick), backup], latency=0)
    wire.start()
    while len(wire.adverts) < 2:
        wire.play(wire.now + 10 * SECOND + 10 * tick)
    return wire, wire.adverts[-1].t


def _sent_until(wire: Wire, start: int, end: int) -> list[int]:
    return [sent.t for sent in wire.adverts if sent.router == 0 and start <= sent.t <= end]


def _range(backup: Params, tick: int, ending: str) -> tuple[int, int]:
    """The outage (ns) if the MASTER is lost just before an Advertisement, and just after one."""
    if ending == "stopped":
        return backup.skew(tick), backup.skew(tick)
    return backup.master_down(tick) - tick, backup.master_down(tick)


def _s(ns: int) -> float:
    return ns / SECOND
