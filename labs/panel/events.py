"""What the panel draws: facts, translated into small events for a browser.

An event is a JSON object: "k" is its kind, "t" when (s, the clock of the facts), "h" the host:

    own   a on            address number `a` came (on) or went
    lnk   i up ok         the interface `i`: administratively up; has carrier
    adv   p v r           an Advertisement entered the switch: priority, version, VRID
    hrd   f p r           ... and left it towards `h`; `f` sent it
    arp   a               a gratuitous ARP for address number `a`
    png   e a by n        `n` pings from `t` to `e` were answered by the host `by` (null: none)
    act   v x             the user did something: verb, words
    st    i f to why p    a daemon changed state, in its own words
    dmn   s               the daemon "runs", is "frozen" or "gone", or its host is "down"
    pth   s               the path behind the switch port: "" (whole), "cut" or "lossy"
    tmr   r w b           the Master_Down_Timer of VRID `r` starts: `w` seconds (0: it stops), why

The last one is no observer's fact: it is the protocol's arithmetic
(`labs.analysis.master_down_timer`, RFC 3768 section 6.1) applied to what the observers saw, so the
ring that counts down can be wrong like a prediction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from labs.analysis.master_down_timer import MasterDownTimer, UnicastRouters
from labs.model.facts import (
    Action,
    Address,
    Advert,
    Arp,
    Configured,
    Fact,
    Heard,
    Link,
    Ping,
    State,
)
from labs.model.fault_verbs import FAULT_VERBS
from labs.model.timing import GIVES_UP_WITHIN_S

Event: TypeAlias = dict[str, Any]
# (host, VRID) -> priority, as the configuration has it; asked when no observer has seen it yet.
Priorities: TypeAlias = Callable[[str], Mapping[int, int]]

# s: pings of one answerer that follow one another so closely are one stretch.
TOUCHING = 0.15


class Events:
    """Translates facts, in the order in which they became known; remembers what timers need."""

    def __init__(self, addresses: Sequence[str], servers: Iterable[str], asked: Priorities) -> None:
        self._number = {address: number for number, address in enumerate(addresses)}
        self._servers = tuple(servers)
        self._asked = asked
        self._held: dict[str, set[int]] = {name: set() for name in self._servers}
        self._of: dict[int, set[int]] = {}  # VRID -> numbers of its addresses
        self._sender: dict[str, str] = {}  # source address -> host
        self._voice: dict[tuple[str, int], int] = {}  # (host, VRID) -> priority
        self._journal: dict[str, dict[str, int]] = {}  # host -> instance -> priority
        self._configured: dict[tuple[str, int], int] = {}  # (host, VRID) -> priority in its file
        self._pace: dict[int, tuple[int, float]] = {}  # VRID -> version, interval (s)
        self._unicast = UnicastRouters()
        self._started: dict[tuple[str, int], Event] = {}
        self._carrier: dict[tuple[str, str], bool] = {}
        self._timers: dict[tuple[str, int], MasterDownTimer] = {}  # (host, VRID) -> its timer

    def take(self, facts: Iterable[Fact]) -> list[Event]:
        """The events that follow from `facts`, by time."""
        found: list[Event] = []
        stretches: dict[tuple[int, str | None], Event] = {}
        for fact in sorted(facts, key=lambda one: one.t):
            if isinstance(fact, Ping):
                self._ping(fact, stretches, found)
            else:
                found += self._translate(fact)
        return sorted(found, key=lambda event: float(event["t"]))

    def _ping(
        self, ping: Ping, last: dict[tuple[int, str | None], Event], found: list[Event]
    ) -> None:
        number = self._number.get(ping.address)
        if number is None:
            return
        by = ping.answered_by if ping.rtt is not None else None
        arrived = ping.t + (ping.rtt or 0.0)
        if arrived - ping.t > TOUCHING:
            # A kernel held it back until it had learnt where to: no service while it waited.
            self._stretch(None, ping.t, arrived, number, last, found)
        self._stretch(by, arrived, arrived, number, last, found)

    def _stretch(
        self,
        by: str | None,
        start: float,
        end: float,
        number: int,
        last: dict[tuple[int, str | None], Event],
        found: list[Event],
    ) -> None:
        """Add a ping to the stretch before it, or begin another."""
        stretch = last.get((number, by))
        if stretch is not None and stretch["t"] <= start < stretch["e"] + TOUCHING:
            stretch["e"], stretch["n"] = max(stretch["e"], _short(end)), stretch["n"] + 1
            return
        times = {"t": _short(start), "e": _short(end)}
        last[number, by] = {"k": "png", **times, "a": number, "by": by, "n": 1}
        found.append(last[number, by])

    def _translate(self, fact: Fact) -> list[Event]:
        at: Event = {"t": _short(fact.t), "h": fact.host if hasattr(fact, "host") else None}
        discarded = self._unicast.discard(fact)
        match fact:
            case Address() if fact.address in self._number and fact.host in self._held:
                return self._owning(fact, at)
            case Link():
                return self._link(fact, at)
            case Advert():
                return self._advert(fact, at)
            case Heard():
                sender = self._sender.get(fact.source)
                said = {"k": "hrd", **at, "f": sender, "p": fact.priority, "r": fact.vrid}
                return [said, *([] if discarded else self._time(fact, at, fact.vrid))]
            case Arp() if fact.address in self._number:
                return [{"k": "arp", **at, "a": self._number[fact.address]}]
            case Action():
                return self._action(fact, at)
            case State():
                return self._state(fact, at)
            case Configured():
                self._configured[fact.host, fact.vrid] = fact.priority
                return self._time(fact, at, fact.vrid)
        return []

    def _owning(self, fact: Address, at: Event) -> list[Event]:
        number, held = self._number[fact.address], self._held[fact.host]
        (held.add if fact.held else held.discard)(number)
        result: list[Event] = [{"k": "own", **at, "a": number, "on": fact.held}]
        for vrid, numbers in self._of.items():
            if number not in numbers:
                continue
            started = self._started.get((fact.host, vrid))
            if fact.held:
                result.append({"k": "tmr", **at, "r": vrid, "w": 0, "b": ""})
            elif started and fact.t - started["t"] < GIVES_UP_WITHIN_S:
                result.append(started)
        return result

    def _link(self, fact: Link, at: Event) -> list[Event]:
        card, alive = (fact.host, fact.interface), fact.up and fact.carrier
        before, self._carrier[card] = self._carrier.get(card), alive
        event = {"k": "lnk", **at, "i": fact.interface, "up": fact.up, "ok": fact.carrier}
        stopped = self._stop(fact.host, at) if before and not alive else []
        return [event, *self._time(fact, at), *stopped]

    def _advert(self, fact: Advert, at: Event) -> list[Event]:
        self._sender[fact.source] = fact.host
        self._pace[fact.vrid] = (fact.version, fact.interval)
        shared = self._of.setdefault(fact.vrid, set())
        shared.update(self._number[one] for one in fact.addresses if one in self._number)
        if fact.priority:
            self._voice[fact.host, fact.vrid] = fact.priority
        return [{"k": "adv", **at, "p": fact.priority, "v": fact.version, "r": fact.vrid}]

    def _action(self, fact: Action, at: Event) -> list[Event]:
        result: list[Event] = [{"k": "act", **at, "v": fact.verb, "x": fact.text}]
        if fact.host is None:
            return result
        if (verb := FAULT_VERBS.get(fact.verb)) is not None:
            if verb.daemon is not None:
                result.append({"k": "dmn", **at, "s": verb.daemon})
            if verb.path is not None:
                result.append({"k": "pth", **at, "s": verb.path})
        result += self._time(fact, at)
        if verb is not None and verb.daemon == "gone":
            result += self._stop(fact.host, at)
        if fact.verb in ("start", "reload"):
            self._journal.pop(fact.host, None)
            for key in [key for key in self._voice if key[0] == fact.host]:
                del self._voice[key]
        return result

    def _state(self, fact: State, at: Event) -> list[Event]:
        names = {"i": fact.instance, "f": fact.frm, "to": fact.to}
        result: list[Event] = [{"k": "st", **at, **names, "why": fact.reason, "p": fact.priority}]
        if fact.priority:
            self._journal.setdefault(fact.host, {})[fact.instance] = fact.priority
        result += self._time(fact, at)
        if fact.to in ("FAULT", "INIT"):
            result += self._stop(fact.host, at)
        return result

    # --- Master_Down_Timers ----------------------------------------------------------------------

    def _priority(self, host: str, vrid: int) -> int | None:
        numbers = [number for name, number in self._configured if name == host]
        if numbers and vrid not in numbers:
            return None  # it receives the Advertisements of others' virtual routers, too
        journal = self._journal.get(host, {})
        if (host, vrid) not in self._voice and len(journal) == 1:
            return next(iter(journal.values()))
        if (host, vrid) not in self._voice and (host, vrid) in self._configured:
            return self._configured[host, vrid]
        if (host, vrid) not in self._voice and host in self._servers:
            self._voice.update({(host, number): p for number, p in self._asked(host).items()})
        return self._voice.get((host, vrid))

    def _time(self, fact: Fact, at: Event, vrid: int | None = None) -> list[Event]:
        """The timers of a host, or that of one VRID, take a fact; the ones that start."""
        result: list[Event] = []
        for number in [*self._pace] if vrid is None else [vrid]:
            key = (at["h"], number)
            timer = self._timers.setdefault(key, MasterDownTimer(at["h"]))
            timer.version, timer.interval = self._pace.get(number, (2, None))
            timer.priority = self._priority(*key)
            start = timer.take(fact)
            # A reload that lets the timer run on has the time when it began: no news.
            if start is not None and start.since == fact.t:
                result += self._run(number, at, start.wait, start.basis)
        return result

    def _run(self, vrid: int, at: Event, wait: float, basis: str) -> list[Event]:
        event = {"k": "tmr", **at, "r": vrid, "w": round(wait, 4), "b": basis}
        self._started[at["h"], vrid] = event
        return [] if self._held.get(at["h"], set()) & self._of.get(vrid, set()) else [event]

    def _stop(self, host: str, at: Event) -> list[Event]:
        running = [vrid for name, vrid in self._started if name == host]
        return [{"k": "tmr", **at, "r": vrid, "w": 0, "b": ""} for vrid in running]


def _short(t: float) -> float:
    """Four digits are a tenth of a millisecond, and a third of the bytes."""
    return round(t, 4)
