"""Cluster: what the parts of a real lab share: its network, its hosts, its daemons, its observer.

    Lab ── owns ──> Cluster        what is there, and what was noted about it
        ── owns ──> Faults         labs.emulation.faults          ┐
        ── owns ──> HostAccess     labs.emulation.inspection      ├ each has the same Cluster
        ── owns ──> Services       labs.emulation.services        ┘

A reset replaces the network and the observer inside the Cluster; the parts stay.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labs.analysis.master_down_timer import configured
from labs.emulation import daemons, network
from labs.emulation.daemons import Daemon
from labs.emulation.nodes import Host, Process, remove_files
from labs.emulation.programs.keepalived_unit import CONFIGURATION, RECORD
from labs.emulation.watchdog import Watchdog
from labs.errors import LabError, unknown
from labs.model.facts import Action, Configured, State
from labs.model.topology import Layout, Socket
from labs.monitoring.observer import Observer, RecorderProcess

# What `systemctl` on a host writes down, and what a timeline shows of it.
_TYPED = {"start": "started", "stop": "stopped", "reload": "reloaded"}
_MOST_TYPED = 1 << 20  # bytes of the record that are read at once
_NOTING = threading.Lock()  # a cell, the panel and `labs watch` may look at the same time


@dataclass(eq=False)
class Cluster:
    """The hosts of a lab with all that belongs to them, between two resets and across them.

    `directory`: the lab's private directory. `watched`: the addresses whose holders are wanted.
    `ready`: when the daemons that were started last had begun to listen (Unix time, s).
    `since`: when the timelines begin (Unix time, s). `lossy`: switch ports with loss -> switches.
    `typed`: bytes that were read of each host's record of `systemctl`.
    """

    directory: Path
    state: str
    layout: Layout
    daemons: dict[str, Daemon]
    watched: tuple[str, ...]
    since: float = 0.0
    ready: float = 0.0
    closed: bool = False
    actions: list[Action] = field(default_factory=list)
    configured: list[Configured] = field(default_factory=list)
    journals: dict[str, tuple[tuple[int, int, int] | None, list[State]]] = field(
        default_factory=dict
    )
    lossy: dict[str, str] = field(default_factory=dict)
    typed: dict[str, int] = field(default_factory=dict)
    net: Any = None
    hosts: dict[str, Host] = field(default_factory=dict)
    _observer: Observer | None = None
    _watchdog: Watchdog | None = None

    @property
    def observer(self) -> Observer:
        """What watches every host and every port of a switch."""
        assert self._observer is not None, "build() comes first"
        return self._observer

    def build(self) -> None:
        """Make hosts, switches and cables, and an observer of every host and every port."""
        self.lossy.clear()
        self.typed.clear()
        recorder = RecorderProcess()
        try:
            self.net = network.build(self.directory, self.layout, self.watched)
        except BaseException:
            recorder.close()
            raise
        self.hosts = {name: self.net[name] for name in self.layout.hosts}
        self._observer = Observer(
            hosts={name: host.pid for name, host in self.hosts.items()},
            ports={each.port: each.host for each in self.layout.sockets},
            switch_pid={each.port: self.net[each.switch].pid for each in self.layout.sockets},
            client=self.layout.client,
            target=self.watched,
            recorder=recorder,
        )
        self._watchdog = Watchdog(self.hosts.values(), self._went_down)
        self.since = time.time()

    def dismantle(self) -> None:
        """End all that `build` has made, as far as it came."""
        if self._watchdog is not None:
            self._watchdog.close()
        if self._observer is not None:
            self._observer.stop()
        if self.net is not None:
            network.end(self.net)
        if self._observer is not None:
            self._observer.close()
        for place in self.directory.iterdir():
            if place.is_dir():
                remove_files(place)

    def _went_down(self, host: Host) -> None:
        """Make a host that is down look like one: no carrier, no addresses; record it."""
        self.record("down", host.name, f"{host.name} went down")
        network.unlink(self.net, self.layout, host.name)

    # --- finding ---------------------------------------------------------------------------------

    def host(self, name: str) -> Host:
        """The host of that name.  LabError with the known ones, or if the lab is closed."""
        if self.closed:
            raise LabError('this lab is closed: start another with `lab = Lab("basic")`')
        if name not in self.hosts:
            raise unknown("host", name, self.hosts)
        return self.hosts[name]

    def server(self, name: str) -> Host:
        """The server of that name: a host that can run a daemon.  LabError."""
        host = self.host(name)
        if name not in self.daemons:
            raise unknown("server", name, self.daemons)
        return host

    def up_host(self, name: str) -> Host:
        """The host of that name; LabError if it is down."""
        host = self.host(name)
        host.must_be_up()
        return host

    def socket(self, name: str, interface: str = "eth0") -> Socket:
        """Where the cable of an interface ends.  LabError."""
        return self.layout.socket(self.up_host(name).name, interface)

    def processes(self, name: str) -> list[Process]:
        """The processes of the daemon on a server; none if the server is down."""
        return daemons.running(self.server(name))

    def text(self, host: str, path: str) -> str | None:
        """The text of a file on `host`; None if there is none."""
        try:
            return self.host(host).path(path).read_text(errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            return None

    def configuration(self, host: str) -> str:
        """The keepalived.conf of `host`; empty if there is none."""
        return self.text(host, CONFIGURATION) or ""

    # --- noting ----------------------------------------------------------------------------------

    def record(self, verb: str, host: str | None, text: str) -> None:
        """Record an Action, for the timeline."""
        self.actions.append(Action(time.time(), verb, host, text))

    def note_configuration(self, host: str) -> None:
        """Note what the daemon of `host` is about to read, which its timers depend on."""
        self.configured += configured(self.configuration(host), host, time.time())

    def start_daemon(self, host: str) -> Any:
        """Start the daemon of `host`; what `daemons.wait_ready` waits for."""
        self.note_configuration(host)
        self.record("start", host, f"daemon of {host} started")
        return daemons.start(self.hosts[host], self.daemons[host])

    def note_typed(self) -> None:
        """Take over what `systemctl` on the hosts has done since the last look, as facts."""
        with _NOTING:
            for name in self.layout.servers:
                try:
                    with self.hosts[name].path(RECORD).open() as file:
                        file.seek(self.typed.get(name, 0))
                        text = file.read(_MOST_TYPED)
                except (OSError, LabError):
                    continue  # nothing was done there; or a reset has just taken it away
                whole = text[: text.rfind(b"\n") + 1]
                self.typed[name] = self.typed.get(name, 0) + len(whole)
                for line in whole.splitlines():
                    self._take_typed(name, line)

    def _take_typed(self, host: str, line: bytes) -> None:
        """One line of the record of `systemctl`, which a learner may have written by hand."""
        try:
            said = json.loads(line)
            t, verb, conf = float(said["t"]), said.get("verb"), said.get("conf", "")
            if not self.since <= t <= time.time():
                return
            if said.get("ready") is True:
                self.ready = max(self.ready, t)
            elif verb in _TYPED:
                if verb != "stop":
                    self.configured += configured(str(conf), host, t)
                self.actions.append(Action(t, verb, host, f"daemon of {host} {_TYPED[verb]}"))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, LabError):
            return
