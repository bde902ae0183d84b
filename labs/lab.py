"""Lab: the article's cluster, running in this process's namespaces.

    lab = Lab("basic")                     three hosts, one switch, daemons, witnesses
    lab.settle()                           until exactly one host owns 192.168.1.10, for good
    lab.unplug("master")                   a pulled cable
    lab.wait_until(lambda: lab.owners() == ["backup"])
    lab.timeline()                         what happened, from the witnesses

A state is a directory of `labs/states/`: the files of every host at the start.
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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from labs import daemons, journals, namespace, network, start
from labs.daemons import CONFIGURATION
from labs.errors import LabError
from labs.facts import Action, Advert, Fact, State
from labs.network import CLIENT, SERVERS, SWITCH
from labs.node import PROGRAMS, Host
from labs.timeline import Timeline
from labs.verbs import Verbs
from labs.witness import Witness

# Written beside the hosts' files, for `labs ps` and `labs shell` to read from outside.
CARD = "lab.json"

# A host's network as it was at the start: own address only, card up.
RESTORE = "ip addr flush dev eth0 scope global; ip link set eth0 up; ip addr add {ip} dev eth0"

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


class Lab(Verbs):
    """A running cluster; what can be done to it is in `labs.verbs`.

    `state`: a name from `Lab.states()`. `daemon`: "vrrpd", "keepalived", or a name for each server;
    by default $LAB_DAEMON or vrrpd. `watch`: the address whose owners are wanted.
    A new Lab closes the one before it in this process, unless `beside` is true.
    Raises LabError outside a lab's namespaces and for unknown names.
    """

    def __init__(
        self,
        state: str = "basic",
        daemon: str | dict[str, str] | None = None,
        watch: str = "192.168.1.10",
        beside: bool = False,
    ) -> None:
        global _current
        self.state = start.known(state)
        self.watch = watch
        self.daemons = daemons.choose(daemon, list(SERVERS))
        place = namespace.directory()
        _require_programs()
        if _current is not None and not beside:
            _current.close()
        self.directory = Path(tempfile.mkdtemp(prefix="lab-", dir=place))
        self._actions: list[Action] = []
        self._closed = False
        try:
            self.net = network.build(self.directory, watch)
            self.hosts: dict[str, Host] = network.hosts(self.net)
            self.witness = self._watch()
            self._since = time.time()
            self._begin()
        except BaseException:
            self.close()
            raise
        atexit.register(self.close)
        _current = self

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

    def running(self, host: str) -> bool:
        """Whether a daemon runs on the server `host`, frozen or not."""
        return bool(self._running(host))

    def owners(self) -> list[str]:
        """The hosts that hold the watched address now."""
        held = self.witness.held()
        return [name for name in self.hosts if self.watch in held.get(name, ())]

    def facts(self) -> list[Fact]:
        """Everything the witnesses, the journals and the learner's hands have told, unsorted."""
        said = [fact for host in SERVERS for fact in self._said(host)]
        return [*self.witness.facts(), *self._actions, *said]

    def timeline(self) -> Timeline:
        """What happened since the lab started or was last reset."""
        return Timeline(self.facts(), self.watch, SERVERS, start=self._since, end=time.time())

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
        """Return to the start of `state` (default: the present one): files, cables and daemons."""
        self.state = start.known(state or self.state)
        for host in SERVERS:
            found = self._running(host)
            daemons.send(found, signal.SIGKILL)
            daemons.wait_gone(found, 5)
        for host in self.hosts:
            self._switch(f"ip link set {self._port(host)} master {SWITCH} up")
            self.run(host, RESTORE.format(**self.hosts[host].params))
            start.empty(self.hosts[host])
        self._since = time.time()
        self._record("reset", None, f"reset to {self.state}")
        self._begin()

    def close(self) -> None:
        """End every process of the lab; its interfaces and files go with them."""
        global _current
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        if _current is self:
            _current = None
        # A lab that could not be completed is closed, too.
        if hasattr(self, "witness"):
            self.witness.close()
        if hasattr(self, "net"):
            network.end(self.net)
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

    def _watch(self) -> Witness:
        """The witnesses, watching every host and every port of the switch."""
        return Witness(
            hosts={name: host.pid for name, host in self.hosts.items()},
            ports={self._port(name): name for name in self.hosts},
            switch_pid=self.net[SWITCH].pid,
            client=CLIENT,
            target=self.watch,
        )

    def _said(self, name: str) -> list[State]:
        """The changes of state that the daemon of the server `name` has written down."""
        written = self.daemons[name].journal
        path = self.hosts[name].path(written or self.daemons[name].log)
        return journals.states(path.read_text().splitlines(), name) if path.exists() else []

    def _begin(self) -> None:
        """Put the files of the state in place and start the daemons that have a configuration."""
        checks = []
        for name in SERVERS:
            if start.fill(self.hosts[name], self.state):
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

    def _patience(self) -> float:
        """Seconds within which every Master_Down_Timer of this lab runs out, and half a second."""
        said = self.witness.of(Advert)
        interval = said[-1].interval if said else 1.0
        return 3 * interval + max(1.0, interval) + 0.5

    def _now(self) -> str:
        return f"{self.watch} is held by {' and '.join(self.owners()) or 'nobody'}"


def _require_programs() -> None:
    """LabError naming the first program that is missing and the package that has it."""
    for program, package in PROGRAMS.items():
        if shutil.which(program) is None:
            raise LabError(f"{program} is missing: run `sudo apt install {package}`")
