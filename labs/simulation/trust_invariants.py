"""Who believes whom under `auth_hmac`, from calendars and packets, for timing_invariants.py.

    trust = Trust(lan)
    trust.tap(...)              whether a router must accept a packet that reaches it now
    trust.between(a, b)         whether a would accept b's next one; None: a close call

The rules are written down here once more (draft-cassen-vrrp-auth-hmac), and not asked of the
daemon: a number is fresh within the window, new if it is later than the last one accepted, and the
last one is forgotten outside of the window.  What a sender would send next is its calendar, or one
more than the last number that the switch has seen of it, if that is later and within its window.

The promise (`trusted`): two routers whose calendars agree to a second believe each other one
window and one interval later, whatever has been done to their clocks before.  It is what
keepalived before 2.4.3 broke.  With `anti_replay monotonic` it holds as long as the sender lives;
a sender that was restarted with its clock set back has to wait for its own past.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from labs.simulation.machine import SimulatedHost
from labs.simulation.violation import InvariantViolation
from vrrpd.config.model import AuthHmac
from vrrpd.events import IPAddress
from vrrpd.fsm import SECOND
from vrrpd.router import VirtualRouter

if TYPE_CHECKING:
    from labs.simulation.lan import Lan
    from labs.simulation.timing_invariants import Node

CIRCLE = 1 << 64
Pair = tuple[VirtualRouter, VirtualRouter]


def calendar(machine: SimulatedHost) -> int:
    """What people read off the clock of a host, ns."""
    return machine.local(machine.clock.now()) + machine.clock.skipped + machine.wall


def number(wall: int) -> int:
    """A moment as 32 bits of seconds, 16 of their fraction and 16 of a counter."""
    return (wall * (1 << 32) // SECOND % CIRCLE) & ~0xFFFF


def later(one: int, other: int) -> bool:
    """Whether a number comes after another on the circle."""
    return one != other and (one - other) % CIRCLE < CIRCLE // 2


def apart(one: int, other: int) -> int:
    """Whole seconds from `other` to `one`."""
    return ((one >> 32) - (other >> 32) + (1 << 31)) % (1 << 32) - (1 << 31)


@dataclass
class Trust:
    """What has been accepted and sent so far, by router."""

    lan: Lan
    marks: dict[tuple[VirtualRouter, IPAddress], int] = field(default_factory=dict)
    sent: dict[VirtualRouter, int] = field(default_factory=dict)
    known: dict[Pair, bool | None] = field(default_factory=dict)
    agreed: dict[Pair, int] = field(default_factory=dict)  # since when their calendars agree, ns

    def tap(
        self,
        machine: SimulatedHost,
        router: VirtualRouter,
        trailer: bytes,
        source: IPAddress,
        at: int,
    ) -> bool:
        """Whether `router` must accept a packet with this trailer that arrives at `at` (ns)."""
        auth = router.instance.auth_hmac
        if auth is None:
            return not trailer
        if not trailer:
            return auth.mode != "enforce"
        sequence = int.from_bytes(trailer[4:12], "big")
        self.note(router, source, sequence)
        clock = number(at + machine.clock.skipped + machine.wall)
        key = (router, source)
        mark = self.marks.get(key)
        if auth.window is not None:
            if abs(apart(clock, sequence)) > auth.window:
                return False
            if mark is not None and abs(apart(clock, mark)) > auth.window:
                mark = None
        if auth.key(trailer[1]) is None or (mark is not None and not later(sequence, mark)):
            return False
        self.marks[key] = sequence
        return True

    def note(self, router: VirtualRouter, source: IPAddress, sequence: int) -> None:
        """A number has been sent from `source`: remember it for the router that did."""
        for daemon in self.lan.daemons.values():
            for one in daemon.routers.values():
                same = one.instance.vrid == router.instance.vrid
                if same and one.source == source and one is not router:
                    self.sent[one] = sequence

    def between(self, receiver: Node, sender: Node) -> bool | None:
        """Whether `receiver` would accept what `sender` says now; None if it is a close call."""
        ours, theirs = receiver.router.instance.auth_hmac, sender.router.instance.auth_hmac
        signs = theirs is not None and theirs.signs
        if ours is None:
            return not signs
        if theirs is None or not signs:
            return ours.mode != "enforce"
        if ours.key(theirs.active_key) != theirs.key(theirs.active_key):
            return False
        coming = self.coming(sender, theirs)
        clock = number(calendar(receiver.machine))
        mark = self.marks.get((receiver.router, sender.router.source))
        if ours.window is not None:
            away = abs(apart(clock, coming))
            if away > ours.window - 2:
                return None if away <= ours.window + 2 else False
            if mark is not None and abs(apart(clock, mark)) > ours.window:
                mark = None
        if mark is None or later(coming, mark):
            return True
        return None if apart(mark, coming) == 0 else False

    def coming(self, sender: Node, auth: AuthHmac) -> int:
        """The number that a sender would send now."""
        clock, last = number(calendar(sender.machine)), self.sent.get(sender.router)
        if last is None or not later(last, clock):
            return clock
        lead = apart(last, clock)
        return clock if auth.window is not None and lead > auth.window else last + 1

    def look(self, group: list[Node], interval: int, now: int) -> tuple[bool, bool]:
        """Compare every router with every other: (whether anything has changed, a close call).

        Raises Violation if two that have agreed on the time for long enough do not believe each
        other.  `interval` is the longest (ns).
        """
        changed = close = False
        for receiver in group:
            for sender in group:
                if receiver is sender:
                    continue
                pair = (receiver.router, sender.router)
                found = self.between(receiver, sender)
                changed = changed or self.known.get(pair, found) != found
                close = close or found is None
                self.known[pair] = found
                self.promise(receiver, sender, found, interval, now)
        return changed, close

    def promise(
        self, receiver: Node, sender: Node, found: bool | None, interval: int, now: int
    ) -> None:
        """`trusted`: calendars that agree are enough, after one window and one interval."""
        pair = (receiver.router, sender.router)
        ours, theirs = receiver.router.instance.auth_hmac, sender.router.instance.auth_hmac
        agree = abs(calendar(receiver.machine) - calendar(sender.machine)) <= SECOND
        if ours is None or theirs is None or ours.window is None or not agree:
            self.agreed.pop(pair, None)
            return
        since = self.agreed.setdefault(pair, now)
        if found is False and now > since + (ours.window + 2) * SECOND + interval:
            raise InvariantViolation(
                "trusted",
                f"{receiver.machine.name} does not believe {sender.machine.name}, whose clock has "
                f"agreed with its own for {(now - since) / SECOND:.3f} s",
            )
