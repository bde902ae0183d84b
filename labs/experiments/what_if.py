"""What if a line of the file were different?  The article's cluster in memory answers at once.

    interval_costs([1, 2, 5, 10])           what each advert_int costs, how long a failover takes
    what_if({"auth_pass": "1112"}, ...)     who holds the address when only `web2` has that line
    differences()                           that question for every line of lesson 05

Both run `vrrpd` itself on a virtual clock (`labs.simulation.lan`), so half an hour passes in a
moment.
Times are virtual seconds; nothing here touches a real network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from labs.conf import Value, with_setting
from labs.model.facts import Advert
from labs.simulation.lan import Lan

SERVERS = ("web1", "web2")
DAY = 86_400
# Bytes of an Ethernet frame before the IP packet, and the shortest frame without its checksum.
ETHERNET, SHORTEST = 14, 60
# Every Master_Down_Timer has expired by then, at advert_int up to 5.
LONG = 30.0
# The lines of web2's file that lesson 05 tries: first those that must be equal on both servers.
_LINES: tuple[dict[str, Value], ...] = (
    {"auth_pass": "1112"},
    {"advert_int": 2},
    {"virtual_router_id": 52},
    {"priority": 120},
    {"priority": 200},
)


@dataclass(frozen=True, slots=True)
class Cost:
    """One `advert_int`: adverts and bytes a day, and the longest takeover (s) after a failure."""

    advert_int: int
    adverts: int
    octets: int
    takeover: float


class Costs(list[Cost]):
    """Rows that show themselves as a table."""

    def __repr__(self) -> str:
        head = "advert_int   adverts a day   MB a day   longest takeover"
        rows = [
            f"{row.advert_int:>8} s {row.adverts:>15,} {row.octets / 1e6:>10.1f} "
            f"{row.takeover:>16.3f} s"
            for row in self
        ]
        return "\n".join([head, *rows])


def interval_costs(intervals: Iterable[int] = (1, 2, 5, 10)) -> Costs:
    """What each `advert_int` costs in packets, and what it saves in time when the master fails."""
    return Costs(_cost(interval) for interval in intervals)


def _cost(interval: int) -> Cost:
    lan = _cluster({host: {"advert_int": interval} for host in SERVERS})
    lan.wait_until(lambda: lan.holders() == ["web1"], timeout=10.0 * interval)
    before = len(_adverts(lan))
    lan.run(100 * interval)
    count = len(_adverts(lan)) - before
    # The worst moment to fail is right after an advertisement.
    last = _adverts(lan)[-1].t
    lan.wait_until(lambda: _adverts(lan)[-1].t > last, timeout=10.0 * interval)
    pulled = lan.now
    lan.unplug("web1")
    lan.wait_until(lambda: lan.holders() == ["web2"], timeout=10.0 * interval)
    taken = lan.now
    frame = max(SHORTEST, ETHERNET + len(bytes.fromhex(_adverts(lan)[-1].hex)))
    daily = round(count / (100 * interval) * DAY)
    return Cost(interval, daily, daily * frame, taken - pulled)


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Who holds the address when the file of `web2` alone says `line`."""

    line: str
    holders: tuple[str, ...]


class WhatIfs(list[WhatIf]):
    """Rows that show themselves as a table."""

    def __repr__(self) -> str:
        head = f"{'only web2 has':<24} then 192.168.1.10 is held by"
        rows = [f"{row.line:<24} {' and '.join(row.holders) or 'nobody'}" for row in self]
        return "\n".join([head, *rows])


def what_if(*lines: Mapping[str, Value]) -> WhatIfs:
    """Give `web2` alone each of `lines` (keyword: value), and see who holds after 30 s."""
    found = WhatIfs()
    for settings in lines:
        lan = _cluster({"web2": settings})
        lan.run(LONG)
        text = ", ".join(f"{keyword} {value}" for keyword, value in settings.items())
        found.append(WhatIf(text, tuple(lan.holders())))
    return found


def differences() -> WhatIfs:
    """Who holds the address when one line of `web2` differs, for every line of lesson 05."""
    return what_if(*_LINES)


def _cluster(changes: Mapping[str, Mapping[str, Value]]) -> Lan:
    """The article's cluster, started with `changes` in the files of its hosts."""
    lan = Lan("basic", ping=None)
    for host, settings in changes.items():
        lan.stop(host)
        text = lan.conf(host)
        for keyword, value in settings.items():
            text = with_setting(text, keyword, value)
        lan.conf(host, text)
        lan.start(host)
    return lan


def _adverts(lan: Lan) -> list[Advert]:
    return [fact for fact in lan.facts if isinstance(fact, Advert)]
