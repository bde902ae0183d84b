"""Every behaviour of two or three virtual routers, within bounds: an exhaustive search.

    a state   what each router is (the value that `fsm.step` returned, times relative to now),
              the Advertisements on their way, what may still go wrong, and two stop-watches
    a move    a timer that is due fires, an Advertisement arrives or is lost, a router crashes,
              resigns or starts, the network becomes calm, or a tick of TICK passes

There is no model of the protocol here: every move of a router is a call of the real `step()`.
Time is in ticks of a quarter of a second, which all intervals and skews are multiples of; an
Advertisement takes 0 to `delay` ticks; due timers and arrivals happen in every order.

Promises, checked in every state that can be reached:

    served    a router is MASTER at most D + delay after none was, if any has been up so long
    settled   `calm` ticks after the last loss and fault: one MASTER, the best that is up
    clean     priority 0 only from a MASTER that leaves; addresses taken and released in turn
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import NamedTuple

from vrrpd import events, fsm
from vrrpd.events import ReleaseAddresses, SendAdvert, TakeAddresses
from vrrpd.fsm import SECOND, Params, RouterState, State

TICK = SECOND // 4
DEAD = -1

Message = tuple[int, int, int, int]  # to, from, priority, ticks left
"""An Advertisement on its way."""

Step = Callable[[Params, RouterState, events.Event, int], tuple[RouterState, list[events.Action]]]


class World(NamedTuple):
    """One state: `routers` are numbers of values seen, DEAD for one that is not up."""

    routers: tuple[int, ...]
    messages: tuple[Message, ...] = ()
    losses: int = 0
    faults: int = 0
    calm: int = -1  # ticks since nothing can go wrong any more; -1: it still can
    holderless: int = 0  # ticks since anybody was MASTER


@dataclass(frozen=True)
class Bounds:
    """What may go wrong, how late an Advertisement may be, and whether preemption is on."""

    losses: int
    faults: int
    delay: int = 1
    preempt: bool = True
    version: int = 2
    adverts: int = 3  # down_timer_adverts


class Broken(AssertionError):
    """A promise is not kept in a state that can be reached."""


class Explorer:
    """Visits every state that can be reached.  `priorities` are multiples of 64 below 256."""

    def __init__(self, priorities: tuple[int, ...], bounds: Bounds, step: Step = fsm.step) -> None:
        self.bounds = bounds
        self.step = step
        self.params = [
            Params(
                51,
                priority,
                IPv4Address(f"192.168.1.{11 + number}"),
                version=bounds.version,
                preempt=bounds.preempt,
                down_timer_adverts=bounds.adverts,
            )
            for number, priority in enumerate(priorities)
        ]
        self.values: list[RouterState] = []
        self.numbers: dict[RouterState, int] = {}
        self.known: dict[tuple[int, int, object], tuple[int, tuple[int, ...]]] = {}
        self.aged: dict[int, int] = {}
        down = max(one.master_down(SECOND) for one in self.params) // TICK
        self.longest_outage = down + bounds.delay
        self.settles = down + 4 + 2 * bounds.delay
        self.explored = 0
        self.moves = 0

    # Values of routers, by number.

    def number(self, router: RouterState) -> int:
        """A short name for a value; what no later step looks at is left out."""
        heard = router.heard
        if self.bounds.version == 2:
            heard = None
        elif heard is not None:
            heard = heard._replace(source=self.params[0].source, priority=1, at=0)
        plain = router._replace(armed=0, heard=heard, why="")
        if plain not in self.numbers:
            self.numbers[plain] = len(self.values)
            self.values.append(plain)
        return self.numbers[plain]

    def state(self, number: int) -> State:
        return State.INIT if number == DEAD else self.values[number].state

    def due(self, number: int) -> bool:
        """Whether the timer of a router is due."""
        deadline = None if number == DEAD else self.values[number].deadline
        return deadline is not None and deadline <= 0

    def older(self, number: int) -> int:
        """The same router a tick later."""
        if number == DEAD:
            return DEAD
        if number not in self.aged:
            value = self.values[number]
            left = None if value.deadline is None else value.deadline - TICK
            self.aged[number] = self.number(value._replace(deadline=left))
        return self.aged[number]

    def play(self, who: int, number: int, event: events.Event) -> tuple[int, tuple[int, ...]]:
        """One call of step(): the new value, and the priorities that are advertised."""
        key = (who, number, event)
        if key not in self.known:
            before = RouterState() if number == DEAD else self.values[number]
            after, actions = self.step(self.params[who], before, event, 0)
            self.clean(self.params[who], before, after, actions)
            said = tuple(one.priority for one in actions if isinstance(one, SendAdvert))
            self.known[key] = (self.number(after), said)
        return self.known[key]

    def clean(
        self, params: Params, before: RouterState, after: RouterState, actions: list[events.Action]
    ) -> None:
        """What a single step may never do."""
        entered = after.state is State.MASTER and before.state is not State.MASTER
        left = before.state is State.MASTER and after.state is not State.MASTER
        if actions.count(TakeAddresses()) != entered or actions.count(ReleaseAddresses()) != left:
            raise Broken(f"addresses: {before} -> {after}: {actions}")
        if SendAdvert(0) in actions and not left:
            raise Broken(f"resigns without leaving: {before} -> {after}")
        if (after.deadline is None) != (after.state in (State.INIT, State.FAULT)):
            raise Broken(f"timer: {after}")

    # Moves.

    def happen(self, world: World, who: int, event: events.Event) -> World:
        """A router meets an event; what it says goes on its way to all others."""
        number, said = self.play(who, world.routers[who], event)
        routers = (*world.routers[:who], number, *world.routers[who + 1 :])
        more = tuple(
            (to, who, priority, self.bounds.delay)
            for priority in said
            for to in range(len(routers))
            if to != who
        )
        return self.kept(world._replace(routers=routers), (*world.messages, *more))

    def kept(self, world: World, messages: tuple[Message, ...]) -> World:
        """The messages that a router may still receive, in order."""
        alive = tuple(sorted(one for one in messages if world.routers[one[0]] != DEAD))
        held = any(self.state(one) is State.MASTER for one in world.routers)
        return world._replace(messages=alive, holderless=0 if held else world.holderless)

    def successors(self, world: World) -> Iterator[World]:
        """Everything that can happen next."""
        urgent = False
        for who, number in enumerate(world.routers):
            if self.due(number):
                urgent = True
                yield self.happen(world, who, events.TimerFired())
        for message in dict.fromkeys(world.messages):
            to, sender, priority, left = message
            rest = list(world.messages)
            rest.remove(message)
            fewer = world._replace(messages=tuple(rest))
            advert = events.AdvertReceived(priority, self.params[sender].source, SECOND)
            yield self.happen(fewer, to, advert)
            if world.losses:
                yield fewer._replace(losses=world.losses - 1)
            urgent = urgent or not left
        if world.faults:
            yield from self.misfortunes(world)
        for who, number in enumerate(world.routers):
            if number == DEAD and world.calm < 0:
                yield self.happen(world, who, events.Started())
        if world.calm < 0:
            yield world._replace(calm=0, losses=0, faults=0)
        if not urgent:
            yield self.tick(world)

    def misfortunes(self, world: World) -> Iterator[World]:
        """A router dies without a word, or is stopped."""
        fewer = world._replace(faults=world.faults - 1, holderless=0)
        for who, number in enumerate(world.routers):
            if number == DEAD:
                continue
            for stopped in (False, True):
                after = self.happen(fewer, who, events.Stopped()) if stopped else fewer
                routers = (*after.routers[:who], DEAD, *after.routers[who + 1 :])
                yield self.kept(after._replace(routers=routers), after.messages)

    def tick(self, world: World) -> World:
        """A quarter of a second passes."""
        routers = tuple(self.older(one) for one in world.routers)
        messages = tuple((to, sender, p, left - 1) for to, sender, p, left in world.messages)
        up = [one for one in routers if one != DEAD]
        held = any(self.state(one) is State.MASTER for one in up)
        return world._replace(
            routers=routers,
            messages=messages,
            calm=min(world.calm + 1, self.settles) if world.calm >= 0 else -1,
            holderless=0 if held or not up else world.holderless + 1,
        )

    # The search.

    def check(self, world: World) -> None:
        """What holds in every state."""
        if world.holderless > self.longest_outage:
            raise Broken(f"nobody is MASTER for {world.holderless} ticks: {self.described(world)}")
        if world.calm < self.settles:
            return
        up = [who for who, number in enumerate(world.routers) if number != DEAD]
        masters = [who for who in up if self.state(world.routers[who]) is State.MASTER]
        best = max((self.params[who].priority for who in up), default=0)
        holder = self.params[masters[0]].priority if len(masters) == 1 else None
        if up and (holder is None or (self.bounds.preempt and holder != best)):
            raise Broken(f"calm for {world.calm} ticks, MASTER: {masters}: {self.described(world)}")

    def described(self, world: World) -> str:
        """A state in words."""
        names = ", ".join(
            "down" if one == DEAD else f"{self.values[one].state.value} {self.values[one].deadline}"
            for one in world.routers
        )
        return f"[{names}] {world}"

    def run(self, most: int = 5_000_000) -> int:
        """Visit every state; their number.  Raises Broken."""
        first = World((DEAD,) * len(self.params), (), self.bounds.losses, self.bounds.faults)
        seen = {first}
        queue = deque([first])
        while queue:
            world = queue.popleft()
            self.check(world)
            for after in self.successors(world):
                self.moves += 1
                if after not in seen:
                    seen.add(after)
                    queue.append(after)
            if len(seen) > most:
                raise Broken(f"more than {most} states")
        self.explored = len(seen)
        return self.explored
