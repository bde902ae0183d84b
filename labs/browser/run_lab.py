"""A run as a lesson's checks see it: what `labs.lessons.challenges.look` asks of a lab.

    lab = RunLab(player.shown())        a copy of the run, played to the same moment
    look(lab, challenge)                what the check waits for, or does, happens in the copy alone

A run depends on nothing but its files and actions, so that a copy is the same to the nanosecond.
`stop`, `plug` and every other fault verb are methods, as in Lab.
What needs a kernel (`run`, `capture`, `log` of another program) raises LabError.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from ipaddress import ip_address
from types import SimpleNamespace
from typing import Any, TypeVar

from labs.analysis.timeline import Timeline
from labs.browser.run import Run
from labs.errors import LabError
from labs.model import fault_verbs
from labs.model.facts import Fact

T = TypeVar("T")
F = TypeVar("F", bound=Fact)
STEP = 0.1  # s between two looks at a condition
# s without a change after which an address is settled: more than any Master_Down_Interval at
# advert_int 1.
SETTLED = 4.0


class RunLab:
    """A copy of `run` with the queries of `labs.emulation.lab.Lab`; its clock is virtual (s)."""

    closed = False
    since = 0.0

    def __init__(self, run: Run) -> None:
        self._run = Run(run.name, run.files, run.actions, run.story).to(run.now / 1000)
        self._facts: list[Fact] = []
        self.watch = run.topology.watch
        self.servers = list(run.topology.hosts)
        self.daemons = {host: SimpleNamespace(name="vrrpd") for host in self.servers}
        self.witness = _Observer(self)

    def __getattr__(self, name: str) -> Any:
        if name in fault_verbs.simulated():
            return partial(fault_verbs.perform, self._run.lan, name)
        raise LabError(f"lab.{name} needs the real lab: a tab has no kernel")

    @property
    def now(self) -> float:
        """Virtual seconds since the beginning of the run."""
        return self._run.now / 1000

    def facts(self) -> list[Fact]:
        """All that has been seen so far."""
        self._facts += self._run.fresh()
        return self._facts

    def holders(self, address: str | None = None) -> list[str]:
        """The hosts that hold `address`, by default the watched one, now."""
        wanted = ip_address(address or self.watch)
        return [name for name, host in self._run.lan.machines.items() if host.has(wanted)]

    def timeline(self) -> Timeline:
        """What happened to the watched address so far."""
        return Timeline(self.facts(), self.watch, self.servers, start=0.0, end=self.now)

    def conf(self, host: str) -> str:
        """The keepalived.conf of `host`."""
        return self._run.lan.conf(host)

    def running(self, host: str) -> bool:
        """Whether the daemon of `host` runs."""
        return host in self._run.lan.daemons

    def frozen(self, host: str) -> bool:
        """Whether the daemon of `host` is suspended."""
        return self._run.lan.simulated_host(host).frozen

    def wait_until(
        self, condition: Callable[[], T], timeout: float = 15.0, what: str = "the condition"
    ) -> T:
        """Let time pass until `condition()` is true; its value.  Raises LabError."""
        end = self.now + timeout
        while not (value := condition()):
            if self.now >= end:
                raise LabError(f"{what} did not come true within {timeout:g} virtual seconds")
            self._run.to(min(self.now + STEP, end))
        return value

    def settle(self, timeout: float = 30.0) -> str:
        """Let time pass until one host has held the address for a while; its name."""
        holders, since = self.holders(), self.now

        def settled() -> bool:
            nonlocal holders, since
            if self.holders() != holders:
                holders, since = self.holders(), self.now
            return len(holders) == 1 and self.now >= since + SETTLED

        self.wait_until(settled, timeout, f"{self.watch} to be settled on one host")
        return holders[0]


class _Observer:
    """What `lab.witness` is asked."""

    def __init__(self, lab: RunLab) -> None:
        self._lab = lab

    def facts(self, since: float = 0.0) -> list[Fact]:
        """All facts from `since` on."""
        return [fact for fact in self._lab.facts() if fact.t >= since]

    def of(self, kind: type[F]) -> list[F]:
        """The facts of one kind."""
        return [fact for fact in self._lab.facts() if isinstance(fact, kind)]

    def held(self) -> dict[str, set[str]]:
        """All addresses of each host, its own and those that the panel does not draw included."""
        machines = self._lab._run.lan.machines
        return {name: set(map(str, host.addresses)) for name, host in machines.items()}

    def carrier(self) -> dict[str, bool]:
        """Whether each host has an interface that is up and has carrier."""
        machines = self._lab._run.lan.machines
        return {name: host.up and host.plugged and host.present for name, host in machines.items()}
