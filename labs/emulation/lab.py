"""Lab: a cluster, running in this process's namespaces; by default the article's.

    lab = Lab("basic")                     three hosts, one switch, daemons, observers
    lab.settle()                           until exactly one host holds 192.168.1.10, for good
    lab.unplug("web1")                     a pulled cable
    lab.wait_until(lambda: lab.holders() == ["web2"])
    lab.timeline()                         what happened, from the observers

A Lab holds its parts and answers in their place to each of their methods that is marked
(`labs.lab_api`): lab.unplug(...) is lab.faults.unplug(...).

    faults      what can be done to it                        labs.emulation.faults
    access      what can be asked of and typed on its hosts   labs.emulation.inspection
    services    what can run there                            labs.emulation.services

What follows from the facts of its observer is in `labs.emulation.base`.
A state is a directory of `labs/states/`: the topology and the files of every host at the start.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from labs import waiting
from labs.analysis.master_down_timer import ADVERTS
from labs.conf import setting
from labs.emulation import daemons, network, start_states
from labs.emulation.base import LabView, same
from labs.emulation.cluster import Cluster
from labs.emulation.control_server import ControlServer
from labs.emulation.daemons import Daemon
from labs.emulation.faults import Faults
from labs.emulation.inspection import HostAccess
from labs.emulation.nodes import PROGRAMS, Host
from labs.emulation.services import Services
from labs.errors import NO_LAB, LabError
from labs.lab_api import command, is_marked, query
from labs.model.facts import Advert, Fact, State
from labs.model.timing import BUSY_DELAY_S
from labs.monitoring import daemon_logs
from labs.monitoring.observer import Observer
from labs.polling import poll
from labs.sandbox import namespaces

# Written beside the hosts' files, for `labs ps` and `labs terminal` to read from outside.
CARD = "lab.json"

T = TypeVar("T")
_SomeLab = TypeVar("_SomeLab", bound="Lab")  # with typing.Self from 3.11 on
_open_labs: list[Lab] = []  # of this process; the last one is the current one


def _close_last() -> None:
    """Close the current lab, and the one that it was opened beside with all others there."""
    beside = True
    while _open_labs and beside:
        lab = _open_labs[-1]
        beside = lab.beside
        lab.close()


_PARTS = {"faults": Faults, "access": HostAccess, "services": Services}


def _answers_for_its_parts(lab: type[_SomeLab]) -> type[_SomeLab]:
    """Give the class a method for each marked one of its parts, with its words and its help."""
    for part, kind in _PARTS.items():
        for name, method in vars(kind).items():
            if is_marked(method):
                setattr(lab, name, _forwarded(part, method))
    return lab


def _forwarded(part: str, method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(self: Lab, *args: Any, **options: Any) -> Any:
        return getattr(getattr(self, part), method.__name__)(*args, **options)

    return call


if TYPE_CHECKING:

    class _Parts(Faults, HostAccess, Services):
        """The methods that `_answers_for_its_parts` gives a Lab."""

else:

    class _Parts:
        """Nothing: a Lab has its parts, and is none of them."""


@_answers_for_its_parts
class Lab(_Parts, LabView):
    """A running cluster.

    `state`: a name from `Lab.states()`. `daemon`: "vrrpd", "keepalived", or a name for each server;
    by default $LAB_DAEMON or vrrpd. `watch`: the addresses whose holders are wanted and which the
    client pings, the most important one first; by default those of the state's topology.
    A new Lab closes the one before it in this process and those opened beside that one, unless
    `beside` is true.
    Raises LabError outside a lab's namespaces and for unknown names.
    """

    hosts: dict[str, Host]
    daemons: dict[str, Daemon]
    witness: Observer
    _door: ControlServer

    def __init__(
        self,
        state: str = "basic",
        daemon: str | dict[str, str] | None = None,
        watch: str | Sequence[str] | None = None,
        beside: bool = False,
    ) -> None:
        told = start_states.read(state)
        self._asked = (daemon, (watch,) if isinstance(watch, str) else tuple(watch or ()))
        plan = self._plan(told)
        place = namespaces.directory()
        _require_programs()
        if not beside:
            _close_last()
        self.beside = beside
        self.directory = Path(tempfile.mkdtemp(prefix="lab-", dir=place))
        self.cluster = Cluster(self.directory, **plan)
        self.faults = Faults(self.cluster)
        self.access = HostAccess(self.cluster)
        self.services = Services(self.cluster, self.access, self)
        self.before_close: list[Callable[[], None]] = []  # for who takes a last look at it
        try:
            self._build()
            self._begin(told)
            self._door = ControlServer(self)
        except BaseException:
            self.close()
            raise
        atexit.register(self.close)
        _open_labs.append(self)

    @staticmethod
    def states() -> list[str]:
        """The names of the start states that come with the lab."""
        return start_states.names()

    @staticmethod
    def current() -> Lab:
        """The lab of this process that magics act on; LabError if there is none."""
        if not _open_labs:
            raise LabError(NO_LAB)
        return _open_labs[-1]

    def come_to_the_front(self) -> None:
        """Make this the lab that was used last, which the terminals of its hosts follow."""
        os.utime(self.directory / CARD)

    def hide(self) -> None:
        """Let no terminal of a host and no `labs ps` find this lab."""
        (self.directory / CARD).unlink(missing_ok=True)

    # --- waiting ---------------------------------------------------------------------------------

    def wait_until(
        self, condition: Callable[[], T], timeout: float = 15.0, what: str = "the condition"
    ) -> T:
        """Wait until `condition()` is true and return its value; a notebook shows for what.

        LabError with the present state, and what the daemons logged about it, when that takes
        longer than `timeout` seconds.
        """
        silent = min(timeout, waiting.SILENT_S)
        if value := poll(condition, silent):
            return value
        if timeout > silent:
            waiting.report(f"waiting for {what} (up to {timeout:g} s)")
            if value := poll(condition, timeout - silent):
                return value
        reasons = "".join(f"; {reason}" for reason in self._complaints())
        raise LabError(
            f"timed out after {timeout:g} s waiting for {what}: {self._now()}{reasons}; "
            "`journalctl -u keepalived` on a host shows more, lab.reset() starts over"
        )

    @query
    def settle(self, timeout: float = 30.0) -> str:
        """Wait until exactly one host holds the address and nothing is about to change; its name.

        Nothing is about to change once every Master_Down_Timer that the learner's last action may
        have started has run out: a router that was due to take over would have.
        """
        made = self.cluster
        made.note_typed()
        acted = max([made.since, made.ready, *(action.t for action in made.actions)])
        seen, changed, takeover_time = self.holders(), time.time(), 1.0

        def settled() -> bool:
            nonlocal seen, changed, takeover_time
            if self.holders() != seen:
                seen, changed = self.holders(), time.time()
            if len(seen) != 1 or time.time() < max(acted + takeover_time, changed + 1):
                return False
            takeover_time = self._longest_takeover()
            late = BUSY_DELAY_S if self._outranked(*seen) else 0
            return time.time() > acted + takeover_time + late

        self.wait_until(settled, timeout, what=f"{self.watch} to be settled on one host")
        return seen[0]

    # --- looking ---------------------------------------------------------------------------------

    def facts(self) -> list[Fact]:
        """Everything the observer, the journals and the learner's hands have shown, unsorted."""
        return [*self.witness.facts(), *self.unobserved_facts()]

    def unobserved_facts(self) -> list[Fact]:
        """What the journals and the learner's hands have shown, unsorted."""
        self.cluster.note_typed()
        written = (fact for host in self.servers for fact in self.access.transitions(host))
        return [*self.cluster.actions, *self.cluster.configured, *written]

    @property
    def now(self) -> float:
        """The lab's clock: Unix time, in seconds."""
        return time.time()

    @property
    def since(self) -> float:
        """When this lab was started or last reset (Unix time): its timelines begin there."""
        return self.cluster.since

    @property
    def down(self) -> list[str]:
        """The hosts whose process 1 has ended, as after `reboot -f`; reset() starts them again."""
        return [name for name, host in self.hosts.items() if not host.alive]

    @property
    def closed(self) -> bool:
        """Whether this lab has ended; a new one has taken its place, or its kernel is leaving."""
        return self.cluster.closed

    # --- starting over ---------------------------------------------------------------------------

    @command
    def reset(self, state: str | None = None) -> None:
        """Return to the start of `state` (default: the present one): hosts, cables and daemons.

        All hosts and switches are made again, so whatever has become of them does not matter:
        files, mounts, interfaces, processes, a host that is down.
        """
        told = start_states.read(state or self.state)
        plan = self._plan(told)
        self._dismantle()
        for name, value in plan.items():
            setattr(self.cluster, name, value)
        self._build()
        self.cluster.record("reset", None, f"reset to {self.state}")
        self._begin(told)

    def close(self) -> None:
        """End every process of the lab; its interfaces and files go with them."""
        if self.closed:
            return
        for look in self.before_close:
            look()
        self.cluster.closed = True
        atexit.unregister(self.close)
        if self in _open_labs:  # else it did not start
            _open_labs.remove(self)
        if hasattr(self, "_door"):
            self._door.close()
        self._dismantle()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self: _SomeLab) -> _SomeLab:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if self.closed:
            return f"<Lab {self.state!r}, closed>"
        runs = ", ".join(f"{host} runs {daemon.name}" for host, daemon in self.daemons.items())
        return f"<Lab {self.state!r}: {self._now()}; {runs}>"

    # --- insides ---------------------------------------------------------------------------------

    def _plan(self, told: start_states.StartState) -> dict[str, Any]:
        """What a state says of the network; LabError before anything is changed."""
        daemon, watch = self._asked
        layout = network.layout(told.topology)
        return {
            "state": told.name,
            "layout": layout,
            "daemons": daemons.choose(daemon, list(layout.servers)),
            "watched": tuple(map(same, watch or told.watch or layout.virtual)),
        }

    def _build(self) -> None:
        """Build the network, and show what it consists of."""
        made = self.cluster
        made.build()
        self.state, self.layout, self.daemons = made.state, made.layout, made.daemons
        self.watched, self.watch = made.watched, made.watched[0]
        self.net, self.witness = made.net, made.observer
        self.hosts = made.hosts

    def _dismantle(self) -> None:
        """End every process of the lab."""
        self.services.end()
        self.cluster.dismantle()

    def _configuration(self, host: str) -> str:
        return self.cluster.configuration(host)

    def _begin(self, told: start_states.StartState) -> None:
        """Put the files of the state in place, start the daemons, and do what the state says.

        What a state does at its beginning is history: the timeline starts after it.
        """
        checks = []
        for name in self.servers:
            daemons.install_unit(self.hosts[name], self.daemons[name])
            if start_states.fill(self.hosts[name], told):
                checks.append(self.cluster.start_daemon(name))
        daemons.wait_ready(checks)
        self.cluster.ready = time.time()
        card = {
            "pid": os.getpid(),
            "state": self.state,
            "daemons": {name: daemon.name for name, daemon in self.daemons.items()},
            "hosts": {name: host.pid for name, host in self.hosts.items()},
        }
        (self.directory / CARD).write_text(json.dumps(card))
        if told.steps:
            start_states.play(self, told)
            self.cluster.since = time.time()

    def _longest_takeover(self) -> float:
        """Seconds within which every Master_Down_Timer of this lab runs out, and half a second."""
        said = self.witness.of(Advert)
        interval = said[-1].interval if said else 1.0
        # The longest that any of them was ever given: a lab that settles too early is worse.
        adverts = max(
            (fact.down_timer_adverts for fact in self.cluster.configured), default=ADVERTS
        )
        return adverts * interval + max(1.0, interval) + 0.5

    def _outranked(self, holder: str) -> bool:
        """Whether a router listens whose file gives it a higher priority than the holder's."""
        said = [advert for advert in self.witness.of(Advert) if advert.host == holder]
        last = {fact.host: fact.to for fact in self.unobserved_facts() if isinstance(fact, State)}
        listening = [host for host, state in last.items() if state == "BACKUP" and host != holder]
        files = [setting(self._configuration(host), "priority") or "100" for host in listening]
        return bool(said) and any(
            each.isdecimal() and int(each) > said[-1].priority for each in files
        )

    def _complaints(self) -> list[str]:
        """Of each server that no daemon runs there, or what its daemon complained of last."""
        found = []
        for host in self.servers:
            if host in self.down:
                continue
            if not self.running(host):
                found.append(f"no daemon is running on {host}")
            elif line := daemon_logs.complaint(self.log(host)):
                found.append(f"{host} logged: {line}")
        return found

    def _now(self) -> str:
        down = "".join(f", {name} is down" for name in self.down)
        return f"{self.watch} is held by {' and '.join(self.holders()) or 'nobody'}{down}"


def _require_programs() -> None:
    """LabError naming the first program that is missing and the package that has it."""
    for program, package in PROGRAMS.items():
        if shutil.which(program) is None:
            raise LabError(f"{program} is missing: run `sudo apt install {package}`")
