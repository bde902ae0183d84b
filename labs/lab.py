"""Lab: a cluster, running in this process's namespaces; the article's, if nothing else is said.

    lab = Lab("basic")                     three hosts, one switch, daemons, witnesses
    lab.settle()                           until exactly one host owns 192.168.1.10, for good
    lab.unplug("master")                   a pulled cable
    lab.wait_until(lambda: lab.owners() == ["backup"])
    lab.timeline()                         what happened, from the witnesses

A state is a directory of `labs/states/`: the topology and the files of every host at the start.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from labs import daemons, filters, journals, namespace, network, start
from labs.daemons import CONFIGURATION
from labs.errors import LabError
from labs.facts import Action, Address, Advert, Fact, State
from labs.node import PROGRAMS, Host
from labs.services import Services
from labs.timeline import Timeline
from labs.verbs import Verbs
from labs.witness import Witness

# Written beside the hosts' files, for `labs ps` and `labs shell` to read from outside.
CARD = "lab.json"

T = TypeVar("T")
_current: Lab | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """What a command printed (output and errors together) and its exit status."""

    text: str
    status: int

    def __repr__(self) -> str:
        ending = f"\n(exit status {self.status})" if self.status else ""
        return self.text.rstrip("\n") + ending

    __str__ = __repr__


class Lab(Verbs, Services):
    """A running cluster; what can be done to it is in `labs.verbs`, on it in `labs.services`.

    `state`: a name from `Lab.states()`. `daemon`: "vrrpd", "keepalived", or a name for each server;
    by default $LAB_DAEMON or vrrpd. `watch`: the addresses whose owners are wanted and which the
    client pings, the most important one first; by default those of the state's topology.
    A new Lab closes the one before it in this process, unless `beside` is true.
    Raises LabError outside a lab's namespaces and for unknown names.
    """

    def __init__(
        self,
        state: str = "basic",
        daemon: str | dict[str, str] | None = None,
        watch: str | Sequence[str] | None = None,
        beside: bool = False,
    ) -> None:
        global _current
        told = start.read(state)
        self._asked = (daemon, (watch,) if isinstance(watch, str) else tuple(watch or ()))
        self._plan(told)
        place = namespace.directory()
        _require_programs()
        if _current is not None and not beside:
            _current.close()
        self.directory = Path(tempfile.mkdtemp(prefix="lab-", dir=place))
        self._actions: list[Action] = []
        self._services: dict[tuple[str, str], Any] = {}
        self._closed = False
        try:
            self._build()
            self._begin(told)
        except BaseException:
            self.close()
            raise
        atexit.register(self.close)
        _current = self

    @property
    def servers(self) -> list[str]:
        """The hosts that can own an address."""
        return list(self.layout.servers)

    @staticmethod
    def states() -> list[str]:
        """The names of the start states that come with the lab."""
        return start.names()

    @staticmethod
    def current() -> Lab:
        """The lab of this process that magics act on; LabError if there is none."""
        if _current is None:
            raise LabError('no lab is running here: start one with `lab = Lab("basic")`')
        return _current

    # --- looking and touching --------------------------------------------------------------------

    def run(self, host: str, command: str, timeout: float = 60.0) -> Result:
        """Run a shell command on `host`; LabError if it takes longer than `timeout` seconds."""
        node = self._host(host)
        # A file, not a pipe: a program left in the background would hold a pipe open.
        with tempfile.TemporaryFile(dir=self.directory) as output:
            process = node.popen(
                ["bash", "-c", command],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
            try:
                status = process.wait(timeout)
            except subprocess.TimeoutExpired:
                raise LabError(
                    f"`{command}` on {host} took longer than {timeout:g} s: "
                    "give it a timeout=, or a limit of its own such as `ping -c 3`"
                ) from None
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
            output.seek(0)
            return Result(output.read().decode(errors="replace"), status)

    def conf(self, host: str, text: str | None = None) -> str:
        """The text of keepalived.conf on `host`; with `text`, write that first."""
        path = self._host(host).path(CONFIGURATION)
        if text is not None:
            path.write_text(text)
        if not path.exists():
            raise LabError(f"{host} has no {CONFIGURATION}: write one with %%conf {host}")
        return path.read_text()

    def log(self, host: str) -> str:
        """What the daemon of `host` has logged since the last reset."""
        path = self._server(host).path(self.daemons[host].log)
        return path.read_text(errors="replace") if path.exists() else ""

    def journal(self, host: str) -> list[dict[str, Any]]:
        """The journal of vrrpd on `host`, one dictionary a line; empty for keepalived."""
        name = self.daemons[host].journal if self._server(host) else None
        path = self.hosts[host].path(name) if name else None
        if path is None or not path.exists():
            return []
        whole = path.read_text().rpartition("\n")[0].splitlines()  # the last may be half written
        return [json.loads(line) for line in whole]

    @property
    def closed(self) -> bool:
        """Whether this lab has ended; a new one has taken its place, or its kernel is leaving."""
        return self._closed

    def running(self, host: str) -> bool:
        """Whether a daemon runs on the server `host`, frozen or not."""
        return bool(self._running(host))

    def owners(self, address: str | None = None) -> list[str]:
        """The hosts that hold `address`, by default the watched one, now."""
        wanted = self._address(address)
        held = self.witness.held()
        return [name for name in self.hosts if wanted in held.get(name, ())]

    def facts(self) -> list[Fact]:
        """Everything the witnesses, the journals and the learner's hands have told, unsorted."""
        said = [fact for host in self.servers for fact in self._said(host)]
        return [*self.witness.facts(), *self._actions, *said]

    def timeline(self, address: str | None = None) -> Timeline:
        """What happened to `address`, by default the watched one, since the start or last reset."""
        wanted, now = self._address(address), time.time()
        return Timeline(self.facts(), wanted, self.servers, start=self._since, end=now)

    def timelines(self) -> list[Timeline]:
        """One timeline for each address that servers have shared since the start, in order."""
        facts, now = self.facts(), time.time()
        own = {one.partition("/")[0] for each in self.layout.sockets for one in (each.ip, each.ip6)}
        shared = set(self.watched)
        for fact in facts:
            if isinstance(fact, Advert):
                shared.update(fact.addresses)
            elif isinstance(fact, Address) and fact.host in self.servers and fact.held:
                shared.add(fact.address)
        found = sorted(map(ip_address, shared - own), key=lambda one: (one.version, int(one)))
        kept = [str(one) for one in found if not one.is_link_local or str(one) in self.watched]
        return [Timeline(facts, one, self.servers, start=self._since, end=now) for one in kept]

    # --- waiting ---------------------------------------------------------------------------------

    def wait_until(
        self, condition: Callable[[], T], timeout: float = 15.0, what: str = "the condition"
    ) -> T:
        """Wait until `condition()` is true and return its value.

        LabError with the present state when that takes longer than `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        never = threading.Event()
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise LabError(
                    f"waited {timeout:g} s for {what}, in vain: {self._now()}; "
                    "lab.log(host) may tell why, lab.reset() starts over"
                )
            never.wait(0.01)
        return value

    def settle(self, timeout: float = 30.0) -> str:
        """Wait until exactly one host owns the address and nothing is about to change; its name.

        Nothing is about to change once every Master_Down_Timer that the learner's last action may
        have started has run out: whoever wanted to take over would have.
        """
        acted = max([self._since, *(action.t for action in self._actions)])
        seen, changed, patience = self.owners(), time.time(), 1.0

        def settled() -> bool:
            nonlocal seen, changed, patience
            if self.owners() != seen:
                seen, changed = self.owners(), time.time()
            if len(seen) != 1 or time.time() < max(acted + patience, changed + 1):
                return False
            patience = self._patience()
            return time.time() > acted + patience

        self.wait_until(settled, timeout, what=f"{self.watch} to be settled on one host")
        return seen[0]

    # --- starting over ---------------------------------------------------------------------------

    def reset(self, state: str | None = None) -> None:
        """Return to the start of `state` (default: the present one): files, cables and daemons.

        Everything else that runs on the hosts ends, too.
        """
        told = start.read(state or self.state)
        before = (self.layout, self.watched)
        self._plan(told)
        if before != (self.layout, self.watched):
            self._dismantle()
            self._build()
        else:
            self._clear()
        self._since = time.time()
        self._record("reset", None, f"reset to {self.state}")
        self._begin(told)

    def close(self) -> None:
        """End every process of the lab; its interfaces and files go with them."""
        global _current
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        if _current is self:
            _current = None
        self._dismantle()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Lab:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._closed:
            return f"<Lab {self.state!r}, closed>"
        runs = ", ".join(f"{host} runs {daemon.name}" for host, daemon in self.daemons.items())
        return f"<Lab {self.state!r}: {self._now()}; {runs}>"

    # --- insides ---------------------------------------------------------------------------------

    def _plan(self, told: start.Start) -> None:
        """Take over what a state says of the network; LabError before anything is changed."""
        daemon, watch = self._asked
        layout = network.layout(told.topology)
        chosen = daemons.choose(daemon, list(layout.servers))
        self.state, self.layout, self.daemons = told.name, layout, chosen
        self.watched = tuple(map(_same, watch or told.watch or layout.virtual))
        self.watch = self.watched[0]

    def _build(self) -> None:
        """Hosts, switches, cables and the witnesses, watching every host and every port."""
        self.net = network.build(self.directory, self.layout, self.watched)
        self.hosts: dict[str, Host] = {name: self.net[name] for name in self.layout.hosts}
        self.witness = Witness(
            hosts={name: host.pid for name, host in self.hosts.items()},
            ports={each.port: each.host for each in self.layout.sockets},
            switch_pid={each.port: self.net[each.switch].pid for each in self.layout.sockets},
            client=self.layout.client,
            target=self.watched,
        )
        self._since = time.time()

    def _dismantle(self) -> None:
        """End all that `_build` has made, as far as it came."""
        self._end_services()
        if hasattr(self, "witness"):
            self.witness.close()
        if hasattr(self, "net"):
            network.end(self.net)
        for name in self.layout.hosts:
            shutil.rmtree(self.directory / name, ignore_errors=True)

    def _clear(self) -> None:
        """Leave the hosts and the switches as they were made."""
        self._end_services()
        for host in self.hosts.values():
            found = host.processes()
            daemons.send(found, signal.SIGKILL)
            daemons.wait_gone(found, 5)
        for each in self.layout.sockets:
            self._switch(each, filters.passing(each.port))
            self._switch(each, f"ip link set {each.port} master {each.switch} up")
        network.dress(self.net, self.layout, anew=True)
        for host in self.hosts.values():
            start.empty(host)

    def _address(self, address: str | None) -> str:
        """`address` as the kernel writes it, or the watched one; LabError if it is none."""
        return self.watch if address is None else _same(address)

    def _said(self, name: str) -> list[State]:
        """The changes of state that the daemon of the server `name` has written down."""
        written = self.daemons[name].journal
        path = self.hosts[name].path(written or self.daemons[name].log)
        return journals.states(path.read_text().splitlines(), name) if path.exists() else []

    def _begin(self, told: start.Start) -> None:
        """Put the files of the state in place, start the daemons, and do what the state says.

        What a state does at its beginning is history: the timeline starts after it.
        """
        checks = []
        for name in self.servers:
            if start.fill(self.hosts[name], told):
                self._record("start", name, f"daemon of {name} started")
                checks.append(daemons.start(self.hosts[name], self.daemons[name]))
        daemons.wait_ready(checks)
        card = {
            "pid": os.getpid(),
            "state": self.state,
            "daemons": {name: daemon.name for name, daemon in self.daemons.items()},
            "hosts": {name: host.pid for name, host in self.hosts.items()},
        }
        (self.directory / CARD).write_text(json.dumps(card))
        if told.steps:
            start.play(self, told)
            self._since = time.time()

    def _patience(self) -> float:
        """Seconds within which every Master_Down_Timer of this lab runs out, and half a second."""
        said = self.witness.of(Advert)
        interval = said[-1].interval if said else 1.0
        return 3 * interval + max(1.0, interval) + 0.5

    def _now(self) -> str:
        return f"{self.watch} is held by {' and '.join(self.owners()) or 'nobody'}"


def _same(address: str) -> str:
    """An address in the one spelling that the kernel uses; LabError if it is no address."""
    try:
        return str(ip_address(address))
    except ValueError:
        raise LabError(
            f"{address!r} is no address: write one without a prefix length, such as 192.168.1.10"
        ) from None


def _require_programs() -> None:
    """LabError naming the first program that is missing and the package that has it."""
    for program, package in PROGRAMS.items():
        if shutil.which(program) is None:
            raise LabError(f"{program} is missing: run `sudo apt install {package}`")
