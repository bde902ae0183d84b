"""What must hold at every step of a simulated LAN.  docs/guarantees.md has the same list in words.

    guard = Guard(lan)          from now on every event of `lan` is followed by these checks
    lan.run(3600)               raises Violation at the first step that breaks a promise
    guard.finish()              what can only be added up at the end

    held           a living daemon holds exactly the addresses of its MASTERs
    timer          no timer in INIT and FAULT, exactly one otherwise
    able           a MASTER can send and receive
    synced         the members of a sync group are MASTER together or not at all
    released       a router that `vrrpctl release` has taken out of service is never MASTER
    sound          no daemon has made a mistake that it only logs
    notified       notify scripts are called as the states say
    counted        counters are what the switch has seen
    ... and with a bound in time (timing_invariants.py):
    served, single, ordered, patient, still, trusted

Contract: the checks use what an observer can see (addresses, packets, journals, scripts) and the
daemon's state, and never the code that decides; without InvariantChecker they cost nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from labs.simulation.machine import SimulatedHost
from labs.simulation.timing_invariants import TimingInvariants
from labs.simulation.violation import InvariantViolation
from vrrpd import packet
from vrrpd.auth_hmac import observe, split
from vrrpd.fsm import State
from vrrpd.packet import PacketError
from vrrpd.router import VirtualRouter

if TYPE_CHECKING:
    from labs.simulation.lan import Lan
    from vrrpd.daemon import Daemon

NOTIFY = "/bin/notify"
TIMELESS = (State.INIT, State.FAULT)
NOTICED = (State.BACKUP, State.MASTER)


@dataclass
class DaemonRun:
    """What has been seen of one life of a daemon."""

    daemon: Daemon
    scripts: int  # how many had been started before it
    spoken: int  # how many packets had been sent before it
    told: list[tuple[str, str]] = field(default_factory=list)  # (name, state) as the states went
    heard: Counter[str] = field(default_factory=Counter)  # by instance: packets delivered to it
    masters: Counter[str] = field(default_factory=Counter)
    gone: Counter[str] = field(default_factory=Counter)  # counters of instances that are no more


class InvariantChecker:
    """Watches a Lan; `checks` counts how often its promises were looked at."""

    def __init__(self, lan: Lan) -> None:
        self.lan = lan
        self.checks = 0
        self.lives: dict[str, DaemonRun] = {}
        self.bounds = TimingInvariants(lan)
        lan.clock.after.append(self.look)
        lan.listeners.append(self.listen)
        lan.switch.taps.append(self.tap)
        for host, daemon in lan.daemons.items():
            self.born(host, daemon)

    def born(self, host: str, daemon: Daemon) -> DaemonRun:
        """A daemon that we have not seen before."""
        machine = self.lan.machines[host]
        life = self.lives[host] = DaemonRun(daemon, len(machine.scripts), machine.spoken)
        return life

    def life(self, host: str) -> DaemonRun | None:
        """What we know of the daemon that runs on `host`."""
        daemon = self.lan.daemons.get(host)
        if daemon is None:
            return None
        known = self.lives.get(host)
        return known if known is not None and known.daemon is daemon else self.born(host, daemon)

    # What is seen.

    def listen(self, host: str, line: dict[str, Any]) -> None:
        """A line of a journal."""
        life = self.life(host)
        if life is None:
            return
        if line["event"] == "state":
            word = "STOP" if line["to"] == "INIT" else line["to"]
            life.told.append((line["instance"], word))
            life.masters[line["instance"]] += word == "MASTER"
        self.bounds.listen(host, line)

    def tap(self, machine: SimulatedHost, data: bytes, at: int) -> None:
        """A packet is about to reach a daemon; `at` (ns) is when it arrived by its clock."""
        life = self.life(machine.name)
        if life is None:
            return
        try:
            datagram = packet.parse_ip(data)
            said = observe(datagram)
            trailer = split(datagram.message, datagram.source.version)[1]
        except PacketError:
            return
        for router in life.daemon.routers.values():
            one = router.instance
            if (one.vrid, one.family) == (said.vrid, datagram.source.version):
                life.heard[router.name] += router.state in NOTICED
                if one.version == said.version:
                    self.bounds.tap(machine, router, said, datagram.source, at, trailer)

    # The checks.

    def look(self) -> None:
        """Something has happened: see whether everything still holds."""
        self.checks += 1
        for host, daemon in self.lan.daemons.items():
            machine = self.lan.machines[host]
            if not machine.frozen:
                for router in daemon.routers.values():
                    self.held(machine, router)
                    self.timer(machine, router)
                    self.able(machine, router)
                    if router.released and router.state is State.MASTER:
                        raise InvariantViolation(
                            "released", f"{machine.name} is MASTER and released"
                        )
                self.synced(host, daemon)
        self.bounds.look()

    def held(self, machine: SimulatedHost, router: VirtualRouter) -> None:
        """Addresses are held if and only if the router is MASTER."""
        master = router.state is State.MASTER
        for placed in router.placed:
            if (placed.address.ip in machine.addresses) != master and machine.present:
                word = "lacks" if master else "has"
                raise InvariantViolation(
                    "held", f"{machine.name} is {router.state.value} and {word} {placed.address.ip}"
                )

    def timer(self, machine: SimulatedHost, router: VirtualRouter) -> None:
        """No timer runs in INIT and FAULT, exactly one otherwise, and not too late."""
        deadline, timer = router.current.deadline, router.timer
        name = f"{machine.name} ({router.name}, {router.state.value})"
        if (deadline is None) != (router.state in TIMELESS):
            raise InvariantViolation("timer", f"{name} has the deadline {deadline}")
        armed = timer is not None and getattr(timer, "callback", None) is not None
        if armed != (deadline is not None):
            raise InvariantViolation("timer", f"{name} has {'a' if armed else 'no'} timer running")
        if deadline is not None and (router.armed_for or 0) > deadline:
            raise InvariantViolation("timer", f"{name} would wake up after its deadline")

    def able(self, machine: SimulatedHost, router: VirtualRouter) -> None:
        """A MASTER has a socket, and not all of its last Advertisements were refused.

        With `dont_track_primary` a link that is down is the operator's business.
        """
        if router.state is not State.MASTER or not machine.present:
            return
        if (machine.up or not router.instance.dont_track_primary) and (
            router.listener.channel is None or machine.unsent >= router.instance.down_timer_adverts
        ):
            raise InvariantViolation("able", f"{machine.name} is MASTER and cannot send or receive")

    def synced(self, host: str, daemon: Daemon) -> None:
        """A sync group never splits."""
        for group in daemon.groups:
            states = {member.state for member in group.members}
            if State.MASTER in states and len(states) > 1:
                split = ", ".join(f"{one.name} {one.state.value}" for one in group.members)
                raise InvariantViolation("synced", f"{group.name} of {host} is split: {split}")

    # At the end.

    def finish(self) -> None:
        """What only adds up when nothing is under way."""
        for host, log in self.lan.logs.items():
            for mistake in log.mistakes:
                raise InvariantViolation("sound", f"{host}: {mistake!r}")
        for host, daemon in self.lan.daemons.items():
            life = self.life(host)
            if life is not None and not self.lan.machines[host].frozen:
                self.lan.machines[host].late.read()
                self.notified(host, life)
                self.counted(host, life)
                self.alone(host, daemon)

    def notified(self, host: str, life: DaemonRun) -> None:
        """The scripts were called with the states, once each and in order."""
        grouped = {name for group in life.daemon.groups for name in group.config.members}
        calls = self.lan.machines[host].scripts[life.scripts :]
        said = [argv for _, _, argv in calls if argv[0] == NOTIFY and argv[1] == "INSTANCE"]
        for router in life.daemon.routers.values():
            if router.name in grouped or router.instance.notify.any is None:
                continue
            told = [state for name, state in life.told if name == router.name]
            heard = [argv[3] for argv in said if argv[2] == router.name]
            if told != heard:
                raise InvariantViolation(
                    "notified", f"{host}: states {told[-5:]}, scripts {heard[-5:]}"
                )

    def counted(self, host: str, life: DaemonRun) -> None:
        """Counters of the routers against what went by."""
        total: Counter[str] = Counter()
        for router in life.daemon.routers.values():
            counters = router.counters
            total += counters
            dropped = sum(counters[check.value] for check in packet.Check)
            heard = counters["advertisement-rcvd"] + dropped
            if heard != life.heard[router.name]:
                raise InvariantViolation(
                    "counted", f"{host}: {heard} received, {life.heard[router.name]} came in"
                )
            if counters["master-transitions"] != life.masters[router.name]:
                raise InvariantViolation(
                    "counted", f"{host}: {counters['master-transitions']} transitions"
                )
        spoken = self.lan.machines[host].spoken - life.spoken
        if total["advertisement-sent"] != spoken and not life.gone:
            raise InvariantViolation(
                "counted", f"{host}: {total['advertisement-sent']} sent, {spoken} went out"
            )

    def alone(self, host: str, daemon: Daemon) -> None:
        """The clock has one call to come for each router that waits, and no other."""
        waiting = Counter(
            getattr(timer.target[1], "__self__", None)
            for _, timer in self.lan.clock.waiting()
            if isinstance(timer.target, tuple)
            and getattr(timer.target[1], "__name__", "") == "expire"
        )
        for router in daemon.routers.values():
            expected = int(router.state not in TIMELESS)
            if waiting[router] != expected:
                raise InvariantViolation(
                    "timer", f"{host} ({router.name}): {waiting[router]} timers"
                )
