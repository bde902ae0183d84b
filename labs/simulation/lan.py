"""Lan: the article's cluster in memory, where a day passes in a moment.

    lan = Lan("basic")                     the hosts and files of Lab("basic"), no root, no Linux
    lan.run(10)                            ten virtual seconds
    lan.unplug("web1")
    lan.wait_until(lambda: lan.holders() == ["web2"])
    lan.timeline()                         the same timeline, the same figure

The hosts run vrrpd's own daemon (`vrrpd/daemon.py`) on the ports of `labs/simulation/machine.py`;
there is
no second implementation of the protocol to disagree with the first.  The verbs are Lab's.
Time is virtual and starts at 0; nothing happens until a caller calls `run()` or `wait_until()`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labs.analysis.master_down_timer import configured
from labs.analysis.timeline import Timeline
from labs.errors import LabError, unknown
from labs.model.facts import Action, Fact, Ping, State
from labs.simulation.clock import VirtualClock
from labs.simulation.fast_forward import FastForward
from labs.simulation.faults import Verbs
from labs.simulation.machine import SimulatedHost, same_link
from labs.simulation.ports import HostClock, HostKernel, HostWire
from labs.simulation.programs import HostFiles, HostPipes, HostPost, HostProcesses, HostRunner
from labs.simulation.switch import Switch
from labs.simulation.violation import InvariantViolation
from vrrpd.config import Config, loads
from vrrpd.daemon import Daemon
from vrrpd.fsm import SECOND
from vrrpd.journal import Journal, Log
from vrrpd.ports import Ports

if TYPE_CHECKING:
    from labs.simulation.invariants import InvariantChecker

STATES = Path(__file__).parents[1] / "states"
HOSTS = {"web1": "192.168.1.11", "web2": "192.168.1.12"}
LATENCY = 0.0001  # s from host to host


class Silent(Log):
    """A Log that keeps its lines for tests instead of printing them."""

    def __init__(self, clock: Callable[[], int]) -> None:
        super().__init__(clock, detailed=True)
        self.lines: list[str] = []
        self.mistakes: list[Exception] = []  # of the daemon's own

    def trouble(self, error: BaseException) -> None:
        """A mistake of the daemon's is remembered, one that a Guard has found is no such thing."""
        if isinstance(error, InvariantViolation):
            raise error
        if isinstance(error, Exception):
            self.mistakes.append(error)
        with suppress(Exception):
            super().trouble(error)

    def info(self, text: str) -> None:
        """Keep one line."""
        self.lines.append(text)


class Lan(Verbs):
    """A simulated cluster.

    `state` names the files to start from; `hosts` maps names to addresses (all /24, on eth0);
    `beyond` has their addresses on a second network (eth1, another switch) if there is one;
    `latency` is in seconds; `ping` is how often the client pings `watch`, in seconds (None: never).
    `seed` decides what cables with faults do; without `detailed` no Advertisement is recorded.
    With `skips`, idle stretches are counted and not played (labs/simulation/fast_forward.py).
    Raises LabError for an unknown state or host.
    """

    def __init__(
        self,
        state: str = "basic",
        hosts: dict[str, str] | None = None,
        watch: str = "192.168.1.10",
        latency: float = LATENCY,
        ping: float | None = 0.01,
        seed: int = 0,
        detailed: bool = True,
        skips: bool = False,
        beyond: dict[str, str] | None = None,
    ) -> None:
        self.watch = watch
        self.facts: list[Fact] = []
        self.clock = VirtualClock()
        wire = (self.clock, round(latency * SECOND), self.facts.append)
        self.switch = Switch(*wire, seed, detailed)
        second = Switch(*wire, seed, detailed)
        self.followers: list[Callable[[Action], None]] = []
        self.listeners: list[Callable[[str, dict[str, Any]], None]] = []
        self.lines = 0  # of all journals, but for those of dropped packets
        self.idle = FastForward(self) if skips else None
        self.guard: InvariantChecker | None = None  # who checks what is promised, if anybody
        self.machines: dict[str, SimulatedHost] = {}
        self.files: dict[str, str] = {}
        self.daemons: dict[str, Daemon] = {}
        self.logs: dict[str, Silent] = {}
        self.journals: dict[str, list[dict[str, Any]]] = {}
        if not (STATES / state).is_dir():
            raise unknown("state", state, sorted(path.name for path in STATES.iterdir()))
        for number, (name, ip) in enumerate((hosts or HOSTS).items()):
            mac = bytes((2, 0, 0, 0, 0, 11 + number))
            self.machines[name] = SimulatedHost(name, IPv4Address(ip), mac, self.clock, self.switch)
            self.facts.append(same_link(self.machines[name]))
            if beyond is not None and name in beyond:
                self.machines[name].join("eth1", IPv4Address(beyond[name]), second)
                self.facts.append(same_link(self.machines[name].port("eth1")))
            path = STATES / state / name / "keepalived.conf"
            if path.is_file():
                self.files[name] = path.read_text()
        for name in self.files:
            self.start(name)
        if ping is not None:
            self.ping(0, round(ping * SECOND))

    # Looking.

    @property
    def now(self) -> float:
        """Virtual seconds since the beginning."""
        return self.clock.calendar / SECOND

    def holders(self) -> list[str]:
        """The hosts that have the watched address now."""
        ip = ip_address(self.watch)
        return [name for name, machine in self.machines.items() if machine.holds(ip)]

    def masters(self, instance: str = "VI_1") -> list[str]:
        """The hosts whose daemon says MASTER."""
        return [
            name
            for name, daemon in self.daemons.items()
            for router in daemon.routers.values()
            if router.name == instance and router.state.value == "MASTER"
        ]

    def journal(self, host: str) -> list[dict[str, Any]]:
        """The journal of the daemon of `host`, all its lives."""
        return self.journals.setdefault(self.simulated_host(host).name, [])

    def timeline(self) -> Timeline:
        """What has happened so far."""
        return Timeline(self.facts, self.watch, list(self.machines), start=0.0, end=self.now)

    # Time.

    def run(self, seconds: float) -> None:
        """Let virtual time pass."""
        if self.idle is not None:
            self.idle.run(self.clock.calendar + round(seconds * SECOND))
        else:
            self.clock.advance(self.clock.now() + round(seconds * SECOND))

    def wait_until(
        self, condition: Callable[[], bool], timeout: float = 15.0, what: str = "the condition"
    ) -> None:
        """Let time pass until `condition()`; LabError after `timeout` virtual seconds."""
        until = self.clock.now() + round(timeout * SECOND)
        if not condition() and not self.clock.advance(until, condition):
            holders = ", ".join(self.holders()) or "nobody"
            raise LabError(
                f"{what} did not come true within {timeout:g} virtual seconds; "
                f"{self.watch} is held by {holders}: look at .timeline()"
            )

    # What a host is given.

    def conf(self, host: str, text: str | None = None) -> str:
        """Read or replace the keepalived.conf of `host`; `reload` makes it count."""
        machine = self.simulated_host(host)
        if text is not None:
            self.files[machine.name] = text
        return self.files.get(machine.name, "")

    def launch(self, host: str) -> None:
        """Start the daemon of `host`, which does not run."""
        machine = self.simulated_host(host)
        log = self.logs[host] = Silent(self.clock.now)
        clock = HostClock(machine)
        journal = Journal(None, clock.now, lambda: self.now + machine.wall / SECOND, host)
        journal.listeners.append(lambda line: self.note(host, line))
        outside = (clock, HostWire(machine), HostKernel(machine))
        beside = (HostRunner(machine), HostFiles(machine), HostProcesses(machine))
        ports = Ports(*outside, *beside, HostPipes(machine), HostPost(machine))
        daemon = Daemon(lambda: self.read(host), ports, journal, log)
        self.daemons[host] = daemon
        daemon.start()

    # Behind the verbs.

    def read(self, host: str) -> Config:
        """The configuration of `host`.  Raises ConfigError."""
        return loads(self.files.get(host, "")).config

    def note_configuration(self, host: str) -> None:
        """Note what the daemon of `host` is about to read, which its timers depend on."""
        self.facts += configured(self.files.get(host, ""), host, self.now)

    def note(self, host: str, line: dict[str, Any]) -> None:
        """Keep a journal line; a change of state is a fact."""
        # A packet that is refused changes nothing; its line comes again and again, once a second.
        self.lines += line["event"] != "drop"
        self.journals.setdefault(host, []).append(line)
        for listener in self.listeners:
            listener(host, line)
        if line["event"] == "state":
            self.facts.append(
                State(
                    round(self.now, 6),
                    host,
                    line["instance"],
                    line["from"],
                    line["to"],
                    line["reason"],
                    line["priority"],
                )
            )

    def ping(self, seq: int, interval: int) -> None:
        """The client pings the watched address, now and every `interval` ns from now on."""
        answerer = self.switch.answerer(ip_address(self.watch))
        rtt = 2 * self.switch.latency / SECOND
        name = answerer.name if answerer else None
        self.facts.append(Ping(self.now, seq, self.watch, name, rtt if answerer else None))
        self.clock.call_at(self.clock.now() + interval, lambda: self.ping(seq + 1, interval))

    def __repr__(self) -> str:
        holders = ", ".join(self.holders()) or "nobody"
        return f"<Lan at {self.now:.3f} s: {self.watch} is held by {holders}>"
