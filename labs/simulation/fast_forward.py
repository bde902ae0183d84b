"""Idle stretches of a simulated LAN, which are known without being played.

A network that is left alone repeats itself: the MASTER sends, the others receive it, timers are set
again.  As soon as everything that could make a difference is as it was P earlier, the next P will
be like the last P, and the one after that too; so a night of it is added to the calendar at once.

    played      ──┬──────┬──────┬ same again ┐                        ┌──────────
    calendar    ──┴──────┴──────┴            └── n times P, skipped ──┘
                         <- P ->

What is compared (`signature`): the state and remaining time of every virtual router, every call
that the clock still has to make, scripts, pauses, queues, the hosts' interfaces.  Whatever was a
matter of luck, or has been written into a journal, makes two moments different.

Contract: every event after a skipped stretch happens at the calendar time, to the ns, at which it
would have happened if all of it had been played; tests/sim/test_idle.py holds it to that.
Counters and Advertisements of a skipped stretch are not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vrrpd.auth_hmac import lead, stamp
from vrrpd.router import VirtualRouter

if TYPE_CHECKING:
    from labs.simulation.lan import Lan
    from labs.simulation.machine import SimulatedHost
    from vrrpd.daemon import Daemon

Signature = tuple[Any, ...]


class FastForward:
    """Runs a Lan, leaving out what repeats itself."""

    def __init__(self, lan: Lan) -> None:
        self.lan = lan
        self.carried = 0

    def run(self, until: int) -> None:
        """Go on until the calendar says `until` (ns)."""
        clock, seen = self.lan.clock, dict[Signature, int]()
        while clock.advance(until - clock.skipped, self.beat):
            now = signature(self.lan)
            if now in seen:
                period = clock.time - seen[now]
                clock.skipped += (until - clock.calendar) // period * period
                clock.advance(until - clock.skipped)
                return
            seen[now] = clock.time

    def beat(self) -> bool:
        """Whether a router has just sent: a good moment to compare."""
        before, self.carried = self.carried, self.lan.switch.carried
        return self.carried != before


def signature(lan: Lan) -> Signature:
    """Everything that decides what will happen next, with all times relative to now."""
    return (
        lan.lines,
        lan.switch.draws,
        tuple(lan.switch.doomed),
        tuple((wait, name_of(timer.target)) for wait, timer in lan.clock.waiting()),
        tuple(host_part(one) for one in lan.machines.values()),
        tuple(daemon_part(one, lan.machines[host]) for host, one in lan.daemons.items()),
    )


def name_of(target: object) -> object:
    """Whom a call is for, in a form that is the same for the next call of its kind."""
    if isinstance(target, tuple):
        host, what = target
        return (host, getattr(what, "__qualname__", what))
    return getattr(target, "__qualname__", target)


def host_part(machine: SimulatedHost) -> Signature:
    """What could change on a host without a journal line."""
    ports = (machine, *machine.ports.values())
    return (
        machine.frozen,
        len(machine.backlog),
        *((port.connected, len(port.addresses)) for port in ports),
    )


def daemon_part(daemon: Daemon, machine: SimulatedHost) -> Signature:
    """All that a daemon remembers and acts upon."""
    now = machine.local(machine.clock.now())
    signs = any(one.instance.auth_hmac is not None for one in daemon.routers.values())
    return (
        machine.clock.now() if machine.drift and signs else None,  # no two moments are alike
        tuple(router_part(one, now) for one in daemon.routers.values()),
        tuple(
            (one.up, one.counter, one.running is None, one.due - now)
            for one in daemon.tracking.scripts.values()
        ),
        tuple(
            (max(0, one.free - now), tuple(owed.times for owed in one.queue.values()))
            for one in daemon.pacer.lanes.values()
        ),
    )


def router_part(one: VirtualRouter, now: int) -> Signature:
    """The value of a virtual router, its times relative to `now`."""
    value, heard = one.current, one.current.heard
    return (
        value.state,
        None if value.deadline is None else value.deadline - now,
        None if value.hold_until is None else max(0, value.hold_until - now),
        value.resigned,
        value.waiting_for_group,
        value.extended,
        heard and (heard.source, heard.priority, heard.interval),
        tuple(one.faults),
        tuple(one.weights.values()),
        extension_part(one),
    )


def extension_part(one: VirtualRouter) -> Signature:
    """What `auth_hmac` remembers, relative to the clock that everyone reads.

    A number of the past is as good as none for a sender; for a receiver it is so outside of the
    window, where it is forgotten.
    """
    auth, verifier = one.instance.auth_hmac, one.verifier
    if auth is None or verifier is None:
        return ()
    clock = stamp(one.ports.clock.wall())
    ahead = 0 if one.advertiser.signed is None else max(0, lead(one.advertiser.signed, clock))
    ages = [(source, lead(clock, mark)) for source, mark in verifier.marks.items()]
    if auth.window is None:  # how far ahead of the clock is all one: it is not used
        return (ahead > 0, *(source for source, age in ages if age < 0))
    if ahead > auth.window:  # of no use either: the sender would return to its clock
        ahead = 0
    return (ahead, *(found for found in ages if abs(found[1]) <= auth.window))
