"""Promises with a bound in time: who must own by when, and who must not yet.

    D(r)   Master_Down_Interval of r: 3 × the longest interval around + its Skew_Time
    L      the slowest way a frame can take at present

    served    a healthy router receives from a running MASTER, or is one, within D(r) + L
    single    two MASTERs that receive from each other, without loss: one interval + L
    ordered   quiet for 2 D + preempt_delay: one MASTER, and none better beside it
    patient   no router becomes MASTER by its timer before the last Advertisement that counted for
              it is D old, or a resignation one Skew_Time
    still     no router leaves MASTER for an Advertisement that does not outrank it
    trusted   with auth_hmac: calendars that agree to a second for a window and an interval are
              enough to be believed (trust_invariants.py)

"Receives" is judged by the switch: cables, cuts and partitions as they are now; and by auth_hmac,
whose close calls, two seconds around the edge of its window, are not judged.  Time is the
calendar's for `served`, `single` and `ordered`, the host's own clock for `patient`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from labs.simulation.machine import SimulatedHost
from labs.simulation.trust_invariants import Trust
from labs.simulation.violation import InvariantViolation
from vrrpd.events import IPAddress
from vrrpd.fsm import OWNER, RESIGN, SECOND, Params, State
from vrrpd.packet import Advertisement
from vrrpd.router import VirtualRouter

if TYPE_CHECKING:
    from labs.simulation.lan import Lan

EASE = SECOND // 1000  # what rounding and the switch may cost
MINUTE = 60 * SECOND
Key = tuple[int, int]  # VRID and family


@dataclass(frozen=True)
class Node:
    """A virtual router that could do its work now."""

    machine: SimulatedHost
    router: VirtualRouter

    @property
    def master(self) -> bool:
        """Whether it says that it is MASTER."""
        return self.router.state is State.MASTER

    @property
    def rank(self) -> tuple[int, int]:
        """Who wins an election."""
        return (self.router.priority, int(self.router.source))


FARTHEST = 10  # times its own interval is the longest that a router learns


@dataclass
class MasterDownDeadline:
    """What a BACKUP's timer counts from (`start`, ns by its own clock), and why.

    `interval` (ns) is the MASTER's if it has taught one; a resignation costs only Skew_Time.
    """

    start: int
    interval: int | None
    why: str
    skew_only: bool = False

    def until(self, params: Params) -> int:
        """When it is over under these parameters."""
        interval = min(self.interval or params.advert_interval, FARTHEST * params.advert_interval)
        return self.start + (skew if self.skew_only else down)(params, interval)


def skew(params: Params, interval: int) -> int:
    """Skew_Time in ns, worked out here once more from RFC 3768 and RFC 9568 section 6.1."""
    return (256 - params.priority) * (SECOND if params.version == 2 else interval) // 256


def down(params: Params, interval: int) -> int:
    """Master_Down_Interval in ns."""
    return params.down_timer_adverts * interval + skew(params, interval)


class TimingInvariants:
    """The promises with a bound; `look()` after every event."""

    def __init__(self, lan: Lan) -> None:
        self.lan = lan
        self.longest = 0  # of all advertisement intervals so far
        self.unserved: dict[VirtualRouter, int] = {}
        self.doubles: dict[tuple[VirtualRouter, VirtualRouter], int] = {}
        self.deadlines: dict[VirtualRouter, MasterDownDeadline] = {}
        self.learned: dict[VirtualRouter, int] = {}
        self.last: dict[VirtualRouter, tuple[int, IPAddress]] = {}
        self.quiet = 0  # since when nothing has been done to the LAN
        self.due = 0  # the next moment at which a bound can be broken
        self.stale = True
        self.reached: dict[str, float] = {}  # how much of a bound was ever needed (1: all of it)
        self.trust = Trust(lan)
        self.slow = 0  # the slowest way (ns) before the last time something was done
        lan.followers.append(lambda _: self.disturb())

    # What is seen.

    def disturb(self) -> None:
        """Something is done to the LAN, or something has failed."""
        self.slow = self.slowest()  # what is on its way takes as long as it took before
        self.quiet = self.lan.clock.calendar
        self.stale = True

    def tap(
        self,
        machine: SimulatedHost,
        router: VirtualRouter,
        said: Advertisement,
        source: IPAddress,
        at: int,
        trailer: bytes = b"",
    ) -> None:
        """An Advertisement reaches a router; work out for ourselves what that must mean."""
        if not self.trust.tap(machine, router, trailer, source, at):
            return
        if said.version == 2 and said.interval != router.instance.advert_interval_ns:
            return
        if router.state is State.MASTER:
            self.last[router] = (said.priority, source)
        if router.state is not State.BACKUP:
            return
        learned = self.learned.get(router)
        if said.priority == RESIGN:
            self.deadlines[router] = MasterDownDeadline(
                at, learned, "a resignation", skew_only=True
            )
        elif said.priority >= router.params.priority or not router.params.preempts:
            self.learned[router] = said.interval
            self.deadlines[router] = MasterDownDeadline(
                at, said.interval, f"priority {said.priority}"
            )

    def listen(self, host: str, line: dict[str, Any]) -> None:
        """A line of a journal."""
        self.stale = True
        if line["event"] not in ("state", "notify"):
            self.quiet = self.lan.clock.calendar
        if line["event"] != "state" or host not in self.lan.daemons:
            return
        if "FAULT" in (line["from"], line["to"]) or "INIT" in (line["from"], line["to"]):
            self.quiet = self.lan.clock.calendar
        for router in self.lan.daemons[host].routers.values():
            if router.name == line["instance"]:
                self.moved(self.lan.machines[host], router, line)

    def moved(self, machine: SimulatedHost, router: VirtualRouter, line: dict[str, Any]) -> None:
        """A router has changed its state: was it time, and was there a reason?"""
        now, params = machine.local(self.lan.clock.now()), router.params
        if line["to"] == "BACKUP":
            self.learned.pop(router, None)
            why = f"entering BACKUP ({line['trigger']})"
            self.deadlines[router] = MasterDownDeadline(
                now, None, why, line["trigger"] == "AddressLost"
            )
            if line["trigger"] == "AdvertReceived":
                self.still(machine, router)
        elif line["to"] == "MASTER" and line["trigger"] == "TimerFired":
            due = self.deadlines.get(router)
            if due is not None and now < due.until(params) and params.priority != OWNER:
                early = (due.until(params) - now) / SECOND
                raise InvariantViolation(
                    "patient", f"{machine.name} is {early:.6f} s early after {due.why}"
                )

    def still(self, machine: SimulatedHost, router: VirtualRouter) -> None:
        """A router that leaves MASTER for an Advertisement was outranked by it."""
        priority, source = self.last.get(router, (-1, router.source))
        mine = (router.params.priority, int(router.source))
        if (priority, int(source)) <= mine:
            raise InvariantViolation(
                "still", f"{machine.name} gave way to priority {priority} of {source}"
            )

    # The checks.

    def look(self) -> None:
        """See whether a bound has been broken by now."""
        now = self.lan.clock.calendar
        if not self.stale and now < self.due:
            return
        self.stale, self.due = False, now + 3600 * SECOND
        for group in self.nodes().values():
            for node in group:
                self.longest = max(self.longest, node.router.params.advert_interval)
            if self.trusted(group, now):
                continue
            self.served(group, now)
            self.single(group, now)
            self.ordered(group, now)

    def trusted(self, group: list[Node], now: int) -> bool:
        """Whether a group cannot be judged now, because a host's clock is about to matter."""
        if all(node.router.instance.auth_hmac is None for node in group):
            return False
        changed, close = self.trust.look(group, self.longest, now)
        self.due = min(self.due, now + SECOND)  # clocks go on where nothing happens
        if changed or close:
            self.quiet = now
            for node in group:
                self.unserved.pop(node.router, None)
            for pair in [pair for pair in self.doubles if any(n.router in pair for n in group)]:
                del self.doubles[pair]
        return close

    def nodes(self) -> dict[Key, list[Node]]:
        """The routers that could do their work, by VRID and family; not those released."""
        found: dict[Key, list[Node]] = {}
        for host, daemon in self.lan.daemons.items():
            machine = self.lan.machines[host]
            for router in () if machine.frozen else daemon.routers.values():
                if router.state in (State.BACKUP, State.MASTER) and not router.released:
                    key = (router.instance.vrid, router.instance.family)
                    found.setdefault(key, []).append(Node(machine, router))
        for old in self.unserved.keys() - {n.router for group in found.values() for n in group}:
            del self.unserved[old]
        return found

    def receives_from(self, one: Node, other: Node) -> bool:
        """Whether `one` believes what `other` says."""
        a, b = one.router.instance, other.router.instance
        same = a.version == b.version and (
            a.version == 3 or a.advert_interval_ns == b.advert_interval_ns
        )
        passes = self.lan.switch.passes(other.machine, one.machine)
        return same and passes and bool(self.trust.between(one, other))

    def slowest(self) -> int:
        """The longest (ns) a frame may take that arrives now."""
        cables = [one.slowest for one in self.lan.switch.cables.values()]
        now = self.lan.switch.latency + 2 * max(cables, default=0) + EASE
        calm = self.lan.clock.calendar - self.quiet > MINUTE
        return now if calm else max(now, self.slow)

    def deadline_of(self, node: Node) -> int:
        """D of a router, with what its clock and its sync group may add."""
        params = node.router.params
        wait = down(params, self.longest)
        if self.lan.daemons[node.machine.name].groups:
            wait *= 2
        return wait + wait * abs(node.machine.drift) // 1_000_000

    def expire(self, since: int, bound: int, now: int) -> bool:
        """Whether the bound is broken; if not, when to look again."""
        if now > since + bound:
            return True
        self.due = min(self.due, since + bound + 1)
        return False

    def reach(self, promise: str, took: int, bound: int) -> None:
        """Remember the closest call."""
        self.reached[promise] = max(self.reached.get(promise, 0.0), took / bound)

    def served(self, group: list[Node], now: int) -> None:
        """No healthy router is without a holder that it receives from for longer than D."""
        for node in group:
            if node.master or any(one.master and self.receives_from(node, one) for one in group):
                since = self.unserved.pop(node.router, now)
                self.reach("served", now - since, self.deadline_of(node) + self.slowest())
                continue
            since = self.unserved.setdefault(node.router, now)
            if self.expire(since, self.deadline_of(node) + self.slowest(), now):
                waited = (now - since) / SECOND
                raise InvariantViolation(
                    "served", f"{node.machine.name} has no MASTER for {waited:.3f} s"
                )

    def single(self, group: list[Node], now: int) -> None:
        """Two that receive from each other do not both hold."""
        fair = {n.machine.name: self.lan.switch.cable(n.machine.name).fair for n in group}
        both = set()
        for one, other in combinations([node for node in group if node.master], 2):
            if not (self.receives_from(one, other) and self.receives_from(other, one)):
                continue
            if not (fair[one.machine.name] and fair[other.machine.name]):
                continue
            pair = (one.router, other.router)
            both.add(pair)
            since = self.doubles.setdefault(pair, now)
            bound = self.longest + self.longest // 1000 + self.slowest()
            if self.expire(since, bound, now):
                names = f"{one.machine.name} and {other.machine.name}"
                raise InvariantViolation(
                    "single", f"{names} both MASTER for {(now - since) / SECOND:.3f} s"
                )
        for pair in [pair for pair in self.doubles if pair not in both]:
            if any(node.router in pair for node in group) or pair[0].state is not State.MASTER:
                since = self.doubles.pop(pair)
                self.reach("single", now - since, self.longest + self.slowest())

    def ordered(self, group: list[Node], now: int) -> None:
        """Once it is quiet there is one MASTER, and with preemption the best."""
        cables = self.lan.switch.cables.values()
        if not group or not all(one.fair and one.out and one.into for one in cables):
            return
        if not all(self.receives_from(a, b) for a in group for b in group if a is not b):
            return  # parts of the LAN receive nothing from each other
        delay = max(node.router.params.preempt_delay for node in group)
        calm = 2 * max(map(self.deadline_of, group)) + delay + 2 * self.longest
        if not self.expire(self.quiet, calm + 4 * self.slowest(), now):
            return
        masters = [node for node in group if node.master]
        best = max(node.router.priority for node in group)
        names = ", ".join(f"{n.machine.name} {n.router.priority}" for n in masters) or "nobody"
        if len(masters) != 1:
            raise InvariantViolation("ordered", f"the network is quiet and held by {names}")
        preempt = all(node.router.params.preempts for node in group)
        if preempt and masters[0].router.priority != best:
            raise InvariantViolation(
                "ordered", f"the network is quiet, {names} holds, {best} is there"
            )
