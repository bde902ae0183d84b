"""Virtual routers on one wire: `vrrpd.fsm.step` for each of them, and nothing else of a daemon.

    wire = Wire([Params(51, 150, address), Params(51, 100, other)])
    wire.start()
    wire.run(10 * SECOND)
    wire.changes, wire.adverts         what happened, in order of time

`labs.simulation` runs whole daemons, with files, sockets and bytes; the figures that draw a curve
from a thousand runs need less: the state machine, frames that arrive `latency` later or are lost,
and a router whose process does not run for a while. tests/unit/test_explorables.py compares both.

Contract: all times are ns of one virtual clock that starts at 0.  The same calls with the same
`dice` give the same result.  At one moment timers come before frames.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from vrrpd.events import AdvertReceived, Event, SendAdvert, Started, TimerFired
from vrrpd.fsm import SECOND, Params, RouterState, State, step

LATENCY = SECOND // 10_000  # from host to host, as on the simulated LAN
NEVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Change:
    """Router number `router` went from one state to another at `t` (ns), for the reason `why`."""

    t: int
    router: int
    frm: State
    to: State
    why: str


@dataclass(frozen=True, slots=True)
class Sent:
    """Router number `router` sent an Advertisement of this priority at `t` (ns)."""

    t: int
    router: int
    priority: int


class Wire:
    """The routers and what is on its way between them.

    `loss` is the chance (0..1) that a frame does not arrive; `drop` that many frames are lost
    first, whatever `loss` says.  `connected` holds the routers whose frames pass.
    """

    def __init__(
        self,
        params: Sequence[Params],
        latency: int = LATENCY,
        loss: float = 0.0,
        dice: random.Random | None = None,
    ) -> None:
        self.params = list(params)
        self.everyone = range(len(self.params))
        self.routers = [RouterState() for _ in self.params]
        self.latency = latency
        self.loss = loss
        self.drop = 0
        self.connected = set(self.everyone)
        self.now = 0
        self.changes: list[Change] = []
        self.adverts: list[Sent] = []
        self.received: list[int | None] = [None for _ in self.params]  # when, last
        self.dice = dice or random.Random(0)
        self._frames: deque[tuple[int, int, AdvertReceived]] = deque()  # (arrival, receiver, event)
        self._busy = [0 for _ in self.params]  # the process does not run until then
        self._missed: list[list[tuple[int, AdvertReceived]]] = [[] for _ in self.params]

    def start(self) -> None:
        """Start every router, now."""
        for number in self.everyone:
            self.dispatch(number, Started(), self.now)

    def stall(self, number: int, duration: int) -> None:
        """Let the process of a router not run for `duration` ns; what arrives waits for it."""
        self._busy[number] = max(self._busy[number], self.now + duration)

    def run(self, until: int) -> None:
        """Play everything that is due up to `until`."""
        while self.play(until):
            pass
        self.now = max(self.now, until)

    def play(self, until: int) -> bool:
        """Play the next thing that is due up to `until`; return whether there was one."""
        frame = self._frames[0][0] if self._frames else NEVER
        dues = [self._due(number) for number in self.everyone]
        timer = min(dues)
        if frame > until and timer > until:
            return False
        if timer <= frame:
            self.now = max(self.now, timer)
            self._wake(dues.index(timer))
        else:
            self.now = frame
            self._arrive()
        return True

    def dispatch(self, number: int, event: Event, at: int) -> None:
        """Give `event` to a router, as something that happened at `at`, and do what it asks for."""
        params, before = self.params[number], self.routers[number]
        after, actions = step(params, before, event, at)
        self.routers[number] = after
        if after.state is not before.state:
            self.changes.append(Change(self.now, number, before.state, after.state, after.why))
        for action in actions:
            if isinstance(action, SendAdvert):
                self._send(number, action.priority)

    def masters(self) -> list[int]:
        """The routers that are MASTER now."""
        return [n for n, router in enumerate(self.routers) if router.state is State.MASTER]

    def _due(self, number: int) -> int:
        """When a router has something to do: its timer, or what waits for a stalled process."""
        deadline, busy = self.routers[number].deadline, self._busy[number]
        if self._missed[number] or (deadline is not None and deadline < busy):
            return busy
        return NEVER if deadline is None else deadline

    def _wake(self, number: int) -> None:
        """What waits in the socket comes first, each with the time of its arrival."""
        missed, self._missed[number] = self._missed[number], []
        for arrival, event in missed:
            self.dispatch(number, event, arrival)
        deadline = self.routers[number].deadline
        if deadline is not None and deadline <= self.now:
            self.dispatch(number, TimerFired(), self.now)

    def _send(self, number: int, priority: int) -> None:
        self.adverts.append(Sent(self.now, number, priority))
        mine = self.params[number]
        event = AdvertReceived(priority, mine.source, mine.advert_interval)
        if number in self.connected:
            for other in self.everyone:
                if other != number and not self._lost():
                    self._frames.append((self.now + self.latency, other, event))

    @property
    def quiet(self) -> bool:
        """Whether no frame is on its way."""
        return not self._frames

    def _lost(self) -> bool:
        if self.drop:
            self.drop -= 1
            return True
        return self.loss > 0 and self.dice.random() < self.loss

    def _arrive(self) -> None:
        arrival, number, event = self._frames.popleft()
        if number not in self.connected:
            return
        self.received[number] = arrival
        if self._busy[number] > arrival:
            self._missed[number].append((arrival, event))
        else:
            self.dispatch(number, event, arrival)
