"""Ways to lose a cable: pulled, cut, one-way; the same pair, the same moments, what each host sees.

Two simulated hosts run vrrpd itself (`labs.simulation`): web1 (priority 150) and web2 (100).
web1's path breaks at `broken` and works again at `repaired`.  Who held the address and who answered
the client are derived by `labs.analysis`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from labs.analysis.timeline import OwnershipInterval, ServiceInterval, Timeline
from labs.model.facts import Advert, Fact, Heard, Link, State
from labs.simulation.lan import Lan

ADDRESS = "192.168.1.10"
HOSTS = {"web1": "192.168.1.11", "web2": "192.168.1.12"}
PRIORITIES = {"web1": 150, "web2": 100}
END = 18.0  # s
BREAK = {
    "pulled": lambda lan: lan.unplug("web1"),
    "cut": lambda lan: lan.cut("web1"),
    "nothing-leaves": lambda lan: lan.oneway("web1", "from"),
    "nothing-arrives": lambda lan: lan.oneway("web1", "to"),
}
CONF = """vrrp_instance VI_1 {{
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int 1
    virtual_ipaddress {{
        {address}
    }}
}}
"""


def story(way: str, broken: float = 2.4, repaired: float = 11.0) -> dict[str, Any]:
    """Play what happens if web1's cable is lost in this `way` and repaired later.

    Times are seconds after an Advertisement of web1, from 0 to 18.  Of each host: its states with
    their reasons, when it held the address, whether it had a carrier; `nobody`, `both` and
    `unanswered` are sums in seconds.  Raises ValueError for an unknown way or order of times.
    """
    if way not in BREAK:
        raise ValueError(f"the way is {way!r}, and can be {', '.join(BREAK)}")
    if not 0 < broken < repaired < END:
        raise ValueError(f"broken {broken:g} s, repaired {repaired:g} s: not in order below {END}")
    lan = Lan("empty", HOSTS, ADDRESS, ping=0.02)
    for name, priority in PRIORITIES.items():
        lan.conf(name, CONF.format(priority=priority, address=ADDRESS))
        lan.start(name)
    lan.run(8)
    zero = next(fact.t for fact in reversed(lan.facts) if isinstance(fact, Advert))
    lan.run(zero + 1 + broken - lan.now)
    BREAK[way](lan)
    lan.run(repaired - broken)
    lan.plug("web1") if way == "pulled" else lan.mend("web1")
    zero += 1
    lan.run(zero + END + 1 - lan.now)
    return {"way": way, "broken": broken, "repaired": repaired, "end": END} | _seen(lan, zero)


def _seen(lan: Lan, zero: float) -> dict[str, Any]:
    """What the observers saw from `zero` on, in seconds after it."""
    line = Timeline(lan.facts, ADDRESS, HOSTS, start=zero, end=zero + END)

    def s(t: float) -> float:
        return round(max(0.0, min(END, t - zero)), 4)

    shown = [fact for fact in lan.facts if zero <= fact.t <= zero + END]
    hosts = {
        name: {
            "states": _states(lan.facts, name, zero, s),
            "held": [[s(o.start), s(o.end)] for o in line.spans() if o.host == name],
            "carrier": [
                [s(f.t), f.carrier] for f in shown if isinstance(f, Link) and f.host == name
            ],
        }
        for name in HOSTS
    }
    return {
        "hosts": hosts,
        "adverts": [[s(f.t), f.host, f.priority] for f in shown if isinstance(f, Advert)],
        "received": [[s(f.t), f.host, f.priority] for f in shown if isinstance(f, Heard)],
        "service": [[s(part.start), s(part.end), part.host] for part in line.service],
        "nobody": _sum(line.gaps),
        "both": _sum(line.overlaps),
        "unanswered": _sum(line.outages),
    }


def _states(
    facts: list[Fact], name: str, zero: float, s: Callable[[float], float]
) -> list[list[Any]]:
    """[time, state, reason] of a host: its state at `zero`, then each change."""
    own = [fact for fact in facts if isinstance(fact, State) and fact.host == name]
    before = [fact for fact in own if fact.t < zero]
    return [
        [s(fact.t), fact.to, fact.reason] for fact in own if fact in before[-1:] or fact.t >= zero
    ]


def _sum(parts: Sequence[OwnershipInterval | ServiceInterval]) -> float:
    return round(sum((part.duration for part in parts), 0.0), 3)
