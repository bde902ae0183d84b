"""The record behind a panel: what has happened, in bounded memory, and the LAN at any moment of it.

    base ──────┬── events ───────────────────────────────────────┐
    the scene  │  older half: thinned when there are too many     │  newest
    at `start` │  (whole stretches of Advertisements go,          │
               │   never a holder, a state or an action)          │
               └── at(t): base, and every event up to t ──────────┘

`js/record.js` does the same to the same events (`applied`, `thinned`), so that a page that is open
for an hour does not grow either; a test lays both side by side.
A scene is plain JSON:

    {"hosts": {"web1": {"st": {"VI_1": "MASTER"}, "prio": {"VI_1": 150}, "dmn": "runs",
                          "pth": "", "held": [0], "tmr": {"51": [12.5, 3.6094, "advert"]}}},
     "links": {"web1 eth0": [true, true]}}
"""

from __future__ import annotations

import copy
from bisect import bisect_right, insort
from collections.abc import Iterable
from typing import Any, TypeAlias

from labs.panel.events import TOUCHING, Event

Scene: TypeAlias = dict[str, Any]

# An event is about 60 bytes of JSON, so that a page of a whole run has less than half a megabyte.
CAPACITY = 6000
# Of the light ones, every second stretch of so many seconds goes, then of twice as many, and so on,
STEPS = tuple(2.0**power for power in range(1, 11))
# until so much of the capacity is used; more than this is too much, and the oldest are forgotten.
ROOMY, FULL = 0.75, 0.9
MOMENT = 0.0001  # s, the smallest difference between two times
# The light ones show movement; without them the story is the same.
LIGHT = frozenset({"adv", "hrd", "arp", "tmr"})


def blank(hosts: Iterable[str]) -> Scene:
    """A LAN of which nothing is known yet."""
    empty = {"st": {}, "prio": {}, "dmn": "runs", "pth": "", "held": [], "tmr": {}}
    return {"hosts": {name: copy.deepcopy(empty) for name in hosts}, "links": {}}


def applied(scene: Scene, event: Event) -> Scene:
    """`scene`, changed in place by one event."""
    host = scene["hosts"].get(event.get("h"))
    if host is None:
        return scene
    match event["k"]:
        case "own":
            others = [number for number in host["held"] if number != event["a"]]
            host["held"] = sorted([*others, event["a"]]) if event["on"] else others
        case "lnk":
            scene["links"][f"{event['h']} {event['i']}"] = [event["up"], event["ok"]]
        case "st":
            host["st"][event["i"]] = event["to"]
            if event["p"] is not None:
                host["prio"][event["i"]] = event["p"]
        case "dmn" | "pth" as kind:
            host[kind] = event["s"]
        case "tmr":
            if event["w"]:
                host["tmr"][str(event["r"])] = [event["t"], event["w"], event["b"]]
            else:
                host["tmr"].pop(str(event["r"]), None)
    return scene


def thinned(events: list[Event], step: float) -> list[Event]:
    """The older half without the light events of every second stretch of `step` seconds."""
    half = len(events) // 2
    kept = [e for e in events[:half] if e["k"] not in LIGHT or int(e["t"] / step) % 2 == 0]
    return kept + events[half:]


class Record:
    """Events by time, never more than `capacity` of them for long."""

    def __init__(self, hosts: Iterable[str], start: float, capacity: int = CAPACITY) -> None:
        self.base = blank(hosts)
        self.start = self.end = start
        self.capacity = capacity
        self.events: list[Event] = []
        self._stretches: dict[tuple[int, str | None], Event] = {}

    def take(self, events: Iterable[Event]) -> None:
        """Keep `events`; those from before the beginning only say how things stood then."""
        for event in map(self._clipped, events):
            if event["t"] <= self.start:
                applied(self.base, event)
            elif not self._joined(event):
                self._keep(event)
        if len(self.events) > self.capacity:
            self._shrink()

    def at(self, t: float) -> Scene:
        """The whole LAN as it was at `t`."""
        scene = copy.deepcopy(self.base)
        for event in self.events[: bisect_right(self.events, t, key=_time)]:
            applied(scene, event)
        return scene

    def snapshot(self) -> dict[str, Any]:
        """All of it, as JSON can carry it."""
        return {"base": self.base, "start": self.start, "end": self.end, "events": self.events}

    def _clipped(self, event: Event) -> Event:
        """A stretch of pings without what lies before the beginning; any other event as it is."""
        if event["k"] == "png" and event["t"] <= self.start < event["e"]:
            return {**event, "t": round(self.start + MOMENT, 4)}
        return event

    def _keep(self, event: Event) -> None:
        self.end = max(self.end, float(event["e"] if event["k"] == "png" else event["t"]))
        # A stretch goes on growing here while the event that came is on its way to a browser.
        mine = dict(event)
        if self.events and mine["t"] < self.events[-1]["t"]:
            insort(self.events, mine, key=_time)
        else:
            self.events.append(mine)
        if mine["k"] == "png":
            self._stretches[mine["a"], mine["by"]] = mine

    def _joined(self, event: Event) -> bool:
        """Whether pings could be added to the stretch before them."""
        if event["k"] != "png":
            return False
        before = self._stretches.get((event["a"], event["by"]))
        if before is None or not before["t"] <= event["t"] < before["e"] + TOUCHING:
            return False
        before["e"] = max(before["e"], event["e"])
        before["n"] += event["n"]
        self.end = max(self.end, before["e"])
        return True

    def _shrink(self) -> None:
        """Thin the older half until it fits; if that is not enough, forget the oldest."""
        for step in STEPS:
            if len(self.events) > ROOMY * self.capacity:
                self.events = thinned(self.events, step)
        quarter = self.capacity // 4
        while len(self.events) > FULL * self.capacity:
            old, self.events = self.events[:quarter], self.events[quarter:]
            self.start = old[-1]["t"]
            for event in old:
                applied(self.base, event)
            # A stretch of pings that began before the beginning may not have ended yet.
            longer = [event for event in old if self._clipped(event)["t"] > self.start]
            for event in longer:
                event["t"] = self._clipped(event)["t"]
            self.events[:0] = longer


def _time(event: Event) -> float:
    return float(event["t"])
