"""A running lab as seen from outside: what `labs watch` draws.

    watched = RemoteLab(running.choose(running.find()).directory)
    watched.refresh()                    asks the lab's control socket for what is new
    watched.picture(time.time())         a Picture: hosts, timers, timeline, what happened
    watched.do("unplug", "web1")         the lab does it; the answer in words

Nothing here knows of terminals.
A watch may last for hours, so what only a timeline needs is forgotten after MEMORY seconds.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labs.analysis import takeover_timing
from labs.analysis.timeline import Takeover, Timeline
from labs.emulation import control_server
from labs.errors import LabError
from labs.figures import timeline_text
from labs.model import facts
from labs.model.facts import Action, Advert, Arp, Fact, Heard, Ping, State

MEMORY = 150.0  # s of adverts, pings and ARP that are kept; of everything else, all
ANSWER = 60.0  # s within which a lab answers, even a `stop` of a daemon that takes its time
_DOWN = "the host is down: reset"
PASSED = 0.3  # s: a timer that should have run out so long ago is not the one that runs


@dataclass(frozen=True, slots=True)
class Timer:
    """A clock that runs down: `left` of `whole` seconds, until `what` happens."""

    what: str
    left: float
    whole: float


@dataclass(frozen=True, slots=True)
class HostNow:
    """One host; `daemon` and `runs` are "" for one that is not a server.

    `runs` is "runs", "frozen", "gone", or "down" if its host is.
    `note` says why a server has no timer.
    """

    name: str
    holds: bool
    carrier: bool
    daemon: str = ""
    runs: str = ""
    priority: int | None = None
    timer: Timer | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """The lab at one moment; `happened` are (Unix time, words), the latest last."""

    state: str
    address: str
    age: float
    hosts: tuple[HostNow, ...]
    timeline: Timeline
    happened: tuple[tuple[float, str], ...]

    @property
    def holders(self) -> list[str]:
        """The hosts that hold the address."""
        return [host.name for host in self.hosts if host.holds]


class ControlClient:
    """A connection to a lab's control socket.  Raises LabError when the lab has ended."""

    def __init__(self, directory: Path) -> None:
        self._lock = threading.Lock()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(ANSWER)
        try:
            self._socket.connect(str(directory / control_server.NAME))
        except OSError as error:
            self._socket.close()
            raise LabError(
                f"this lab lets nobody in ({error}): `labs ps` lists those there are"
            ) from None
        self._lines = self._socket.makefile("rb")

    def ask(self, **request: Any) -> dict[str, Any]:
        """The lab's answer; LabError with its words if it refuses."""
        try:
            with self._lock:
                self._socket.sendall(json.dumps(request).encode() + b"\n")
                line = self._lines.readline()
        except OSError:
            line = b""
        if not line.endswith(b"\n"):  # nothing, or what it was about to say when it was ended
            raise Ended("the lab has ended")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise LabError(answer["error"])
        return answer

    def close(self) -> None:
        """Hang up."""
        self._lines.close()
        self._socket.close()


class Ended(LabError):
    """The lab is not there any more."""


class RemoteLab:
    """What is known of a lab, renewed by `refresh`.  Raises Ended when the lab is gone."""

    def __init__(self, directory: Path) -> None:
        self._eyes, self._hands = ControlClient(directory), ControlClient(directory)
        self._mark: list[int] = []
        self._seen: list[Fact] = []
        self._told: list[Fact] = []
        self.lab: dict[str, Any] = {}
        self.refresh()

    def refresh(self) -> None:
        """Ask what is new."""
        news = self._eyes.ask(ask="news", mark=self._mark)
        kept = [] if news["whole"] else self._seen
        self._seen = _recent([*kept, *facts.read(news["seen"])], news["lab"]["now"])
        if news["told"] is not None:
            self._told = list(facts.read(news["told"]))
        self.lab, self._mark = news["lab"], news["mark"]

    def do(self, verb: str, host: str, words: Sequence[str] = ()) -> None:
        """Have the lab do it; LabError with its words if it refuses."""
        self._hands.ask(ask=verb, host=host, words=list(words))

    def close(self) -> None:
        """Look no more."""
        self._eyes.close()
        self._hands.close()

    def picture(self, now: float, seconds: float = 60.0) -> Picture:
        """The lab at `now` (Unix time), with a timeline of the last `seconds`."""
        lab = self.lab
        start = max(lab["since"], now - seconds)
        known = [*self._seen, *self._told]
        seen = Timeline(known, lab["watch"], lab["servers"], start=start, end=max(start, now))
        hosts = tuple(self._host(name, seen, now) for name in lab["hosts"])
        age = now - lab["since"]
        return Picture(lab["state"], lab["watch"], age, hosts, seen, _happened(seen, lab["since"]))

    # --- insides ---------------------------------------------------------------------------------

    def _host(self, name: str, seen: Timeline, now: float) -> HostNow:
        lab = self.lab
        holds, carrier = name in lab["holders"], lab["carrier"].get(name, False)
        if name not in lab["servers"]:
            note = _DOWN if name in lab["down"] else _answered(seen)
            return HostNow(name, holds, carrier, note=note)
        runs = lab["daemons"].get(name, "gone")
        timer, note = None, ""
        priority = _priority(seen, name) or lab["priorities"].get(name)
        if runs == "down":
            note = _DOWN
        elif runs != "runs":
            note = "its clock stands still" if runs == "frozen" else "nobody waits"
        elif not carrier:
            note = "no cable, no timer"
        else:
            timer = _next_advert(seen, name, now) if holds else _waits(seen, name, now, priority)
        return HostNow(name, holds, carrier, lab["runs"][name], runs, priority, timer, note)


def _recent(known: Iterable[Fact], now: float) -> list[Fact]:
    """Without what is old and only a timeline needs; each host's last Advertisement stays."""
    known = list(known)
    last = {fact.host: fact for fact in known if isinstance(fact, Advert) and fact.priority}
    return [
        fact
        for fact in known
        if fact.t > now - MEMORY
        or not isinstance(fact, Advert | Heard | Ping | Arp)
        or last.get(getattr(fact, "host", "")) is fact
    ]


def _priority(seen: Timeline, host: str) -> int | None:
    """The priority of the last Advertisement of `host`, or of its journal."""
    told = [
        (fact.t, fact.priority)
        for fact in seen.router_facts
        if isinstance(fact, Advert | State) and fact.host == host and fact.priority
    ]
    return max(told)[1] if told else None


def _next_advert(seen: Timeline, host: str, now: float) -> Timer | None:
    """When a MASTER is due to advertise."""
    own = [fact for fact in seen.router_facts if isinstance(fact, Advert) and fact.host == host]
    if not own or not own[-1].priority:
        return None
    left = own[-1].t + own[-1].interval - now
    return Timer("speaks", max(0.0, left), own[-1].interval) if left > -PASSED else None


def _waits(seen: Timeline, host: str, now: float, priority: int | None) -> Timer | None:
    """When the Master_Down_Timer of a BACKUP runs out, unless it receives an Advertisement.

    `priority` is what its file says, in case it has never advertised.
    """
    due = takeover_timing.predict(seen.router_facts, host, now, priority)
    if due is None or due.at < now - PASSED:
        return None
    return Timer("takes over", max(0.0, due.at - now), due.wait)


def _answered(seen: Timeline) -> str:
    """Who answered the client's last ping whose fate is known."""
    pings = [fact for fact in seen.facts if isinstance(fact, Ping) and fact.address == seen.address]
    if not pings:
        return "sends no pings"
    last = pings[-1]
    if last.rtt is None:
        return "pings: no answer"
    return f"pings: {last.answered_by} answers in {last.rtt * 1000:.2f} ms"


def _happened(seen: Timeline, since: float) -> tuple[tuple[float, str], ...]:
    """What was done, what the daemons logged about it, and what came of it, in words."""
    told: list[tuple[float, str]] = []
    for fact in seen.facts:
        if fact.t < since:
            continue
        if isinstance(fact, Action):
            told.append((fact.t, f"► {fact.text}"))
        elif isinstance(fact, State):
            why = f": {fact.reason}" if fact.reason else ""
            told.append((fact.t, f"{fact.host} {fact.frm} → {fact.to}{why}"))
    for move in seen.takeovers:
        told.append((move.at, _moved(seen.address, move)))
    for outage in seen.outages:
        # It is over when a host has answered since.
        if any(part.host is not None and part.start >= outage.end for part in seen.service):
            told.append((outage.end, f"the client had no answer for {outage.duration:.2f} s"))
    return tuple(sorted(told))


def _moved(address: str, move: Takeover) -> str:
    """``web2 holds 192.168.1.10, 3.61 s after the last Advertisement of web1``."""
    words = f"{move.to} holds {address}"
    if move.split:
        return f"{words}, and {move.frm} still does"
    if move.after is not None and move.frm != move.to:
        words += f", {move.after:.2f} s after the last Advertisement of {move.frm}"
    return words


def ago(timeline: Timeline, width: int) -> str:
    """An axis for a window that moves: ``60 s ago      40        20      now``."""
    length = timeline.end - timeline.start
    if length <= 0:
        return "now".rjust(width)
    step = max(1.0, timeline_text.step_for(length, max(1, width // 10)))
    row = [" "] * width
    for number in range(int(length / step), 0, -1):
        column = round((length - number * step) / length * width)
        label = f"{number * step:g}" + (" s ago" if not "".join(row).strip() else "")
        if column + len(label) < width - 4:
            row[column : column + len(label)] = label
    row[width - 3 :] = "now"
    return "".join(row)


def clock(t: float) -> str:
    """A Unix time as a wall clock shows it."""
    return time.strftime("%H:%M:%S", time.localtime(t))
