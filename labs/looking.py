"""What can be seen of a lab and typed on its hosts: commands, files, logs, owners, timelines.

    lab.run("master", "ip address list")       what it prints, and its exit status
    lab.conf("master")                         its keepalived.conf; with a text, written first
    lab.log("master"), lab.journal("master")   what the daemon has said
    lab.owners()                               ["master"]
    lab.timeline(), lab.timelines()            what happened to one address, to each
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labs import journals
from labs.daemons import CONFIGURATION, Daemon
from labs.errors import LabError
from labs.facts import Action, Address, Advert, Fact, State
from labs.node import Host, Process
from labs.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from labs.network import Layout
    from labs.witness import Witness


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """What a command printed (output and errors together) and its exit status."""

    text: str
    status: int

    def __repr__(self) -> str:
        ending = f"\n(exit status {self.status})" if self.status else ""
        return self.text.rstrip("\n") + ending

    __str__ = __repr__


class Looking:
    """The looks; `labs.lab.Lab` supplies the hosts, their daemons and the witnesses."""

    hosts: dict[str, Host]
    daemons: dict[str, Daemon]
    layout: Layout
    witness: Witness
    directory: Path
    watch: str
    watched: tuple[str, ...]
    _actions: list[Action]
    _journals: dict[str, tuple[tuple[int, int, int] | None, list[State]]]
    _closed: bool
    _since: float
    _host: Callable[[str], Host]
    _server: Callable[[str], Host]
    _running: Callable[[str], list[Process]]

    @property
    def servers(self) -> list[str]:
        """The hosts that can own an address."""
        return list(self.layout.servers)

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
        return [*self.witness.facts(), *self.told()]

    def told(self) -> list[Fact]:
        """What the journals and the learner's hands have told, unsorted."""
        return [*self._actions, *(fact for host in self.servers for fact in self._said(host))]

    @property
    def since(self) -> float:
        """When this lab was started or last reset (Unix time): its timelines begin there."""
        return self._since

    def timeline(self, address: str | None = None) -> Timeline:
        """What happened to `address`, by default the watched one, since the start or last reset."""
        wanted, now = self._address(address), time.time()
        return self._timeline(wanted, self.facts(), now)

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
        return [self._timeline(one, facts, now) for one in kept]

    # --- insides ---------------------------------------------------------------------------------

    def _timeline(self, address: str, facts: list[Fact], now: float) -> Timeline:
        """With a lane for each server that has, had or is meant to have the address.

        Where that is one alone, with a lane for all: that the others lack it is worth seeing.
        """
        held = {f.host for f in facts if isinstance(f, Address) and f.address == address}
        hosts = [name for name in self.servers if name in held or self._meant(name, address)]
        lanes = hosts if len(hosts) > 1 else self.servers
        return Timeline(facts, address, lanes, start=self._since, end=now)

    def _meant(self, name: str, address: str) -> bool:
        """Does the configuration of a server speak of the address?"""
        path = self.hosts[name].path(CONFIGURATION)
        text = path.read_text(errors="replace") if path.exists() else ""
        for word in re.findall(r"[0-9a-fA-F:.]+", re.sub(r"[#!].*", "", text)):
            with suppress(ValueError):
                if str(ip_address(word)) == address:
                    return True
        return False

    def _address(self, address: str | None) -> str:
        """`address` as the kernel writes it, or the watched one; LabError if it is none."""
        return self.watch if address is None else same(address)

    def _said(self, name: str) -> list[State]:
        """The changes of state that the daemon of the server `name` has written down."""
        written = self.daemons[name].journal
        path = self.hosts[name].path(written or self.daemons[name].log)
        if not path.exists():
            return []
        # Whoever watches asks several times a second: a file is read again when it has changed.
        now = path.stat()
        version = (now.st_ino, now.st_size, now.st_mtime_ns)
        known, said = self._journals.get(name, (None, []))
        if known != version:
            said = journals.states(path.read_text().splitlines(), name)
            self._journals[name] = (version, said)
        return said


def same(address: str) -> str:
    """An address in the one spelling that the kernel uses; LabError if it is no address."""
    try:
        return str(ip_address(address))
    except ValueError:
        raise LabError(
            f"{address!r} is no address: write one without a prefix length, such as 192.168.1.10"
        ) from None
