"""What can be asked of a running lab and typed on its hosts: commands, files, logs, daemons.

    lab.run("master", "ip address list")       what it prints, and its exit status
    lab.conf("master")                         its keepalived.conf; with a text, written first
    lab.log("master"), lab.journal("master")   what the daemon has said
    lab.read("master", "/var/log/called")      any file
    lab.running("master"), lab.program(...)    whether a daemon runs there, and which

What follows from the facts of the witnesses (owners, timelines) is in `labs.emulation.base`.
"""

from __future__ import annotations

import codecs
import json
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labs.analysis.master_down_timer import configured
from labs.bounded_output import Output, clipped
from labs.emulation import daemons
from labs.emulation.base import Result, Seeing
from labs.emulation.command_output import follow
from labs.emulation.daemons import Daemon, frozen
from labs.emulation.nodes import Host, Process
from labs.emulation.programs.keepalived_unit import CONFIGURATION, RECORD
from labs.errors import LabError
from labs.model.facts import Action, Configured, Fact, State
from labs.model.neighbour import Neighbour
from labs.monitoring import daemon_logs

if TYPE_CHECKING:
    from labs.monitoring.observer import Witness


_LOG = 1 << 21  # characters
# What `systemctl` on a host writes down, and what a timeline shows of it.
_TYPED = {"start": "started", "stop": "stopped", "reload": "reloaded"}
_MOST_TYPED = 1 << 20  # bytes of the record that are read at once
_NOTING = threading.Lock()  # a cell, the panel and `labs watch` may look at the same time


class Looking(Seeing):
    """The looks; `labs.emulation.lab.Lab` supplies the hosts, their daemons and the witnesses."""

    hosts: dict[str, Host]
    daemons: dict[str, Daemon]
    witness: Witness
    directory: Path
    _actions: list[Action]
    _configured: list[Configured]
    _journals: dict[str, tuple[tuple[int, int, int] | None, list[State]]]
    _typed: dict[str, int]  # bytes that were read of each host's record of `systemctl`
    _ready: float
    _closed: bool
    _since: float
    _host: Callable[[str], Host]
    _up_host: Callable[[str], Host]
    _server: Callable[[str], Host]
    _running: Callable[[str], list[Process]]

    def run(
        self,
        host: str,
        command: str,
        timeout: float = 60.0,
        show: Callable[[str], None] | None = None,
    ) -> Result:
        """Run a shell command on `host`, and give `show` what it prints, piece by piece.

        Of a very long output the result has the beginning, the end, and a line that says how much
        was left out.  LabError if the command takes longer than `timeout` seconds, or if the host
        is down or goes down; then, and after an interrupt, the command has ended on the host, too.
        """
        node = self._up_host(host)
        process = node.popen(
            ["bash", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        kept, decoder = Output(), codecs.getincrementaldecoder("utf-8")(errors="replace")

        def take(data: bytes) -> None:
            kept.add(data)
            if show is not None:
                show(decoder.decode(data))

        try:
            status = follow(process, take, timeout)
        except subprocess.TimeoutExpired:
            raise LabError(
                f"`{command}` on {host} took longer than {timeout:g} s: "
                "give it a timeout=, or a limit of its own such as `ping -c 3`"
            ) from None
        finally:
            daemons.end(process)
        if not node.alive:
            raise LabError(
                f"{host} went down during `{command}` ({node.why_down}): "
                "lab.reset() starts all hosts again"
            )
        text = kept.text()
        if status and text.startswith("nsenter: "):  # it did not come as far as the command
            raise LabError(
                f"{host} cannot run `{command}`: {text.strip()[len('nsenter: ') :]}; "
                "lab.reset() starts all hosts again"
            )
        return Result(text, status)

    def conf(self, host: str, text: str | None = None) -> str:
        """The text of keepalived.conf on `host`; with `text`, write that first."""
        path = self._host(host).path(CONFIGURATION)
        if text is not None:
            try:
                path.write_text(text)
            except OSError as error:
                raise LabError(
                    f"cannot write {CONFIGURATION} on {host}: {error.strerror}; "
                    f"lab.run({host!r}, 'df -h') may tell why, lab.reset() starts over"
                ) from None
        if not path.exists():
            raise LabError(f"{host} has no {CONFIGURATION}: write one with %%conf {host}")
        return path.read_text()

    def log(self, host: str) -> str:
        """What the daemon of `host` has logged since the last reset; of very much, the two ends."""
        self._server(host)
        return clipped(Looking.read(self, host, self.daemons[host].log) or "", _LOG)

    def journal(self, host: str) -> list[dict[str, Any]]:
        """The journal of vrrpd on `host`, one dictionary a line; empty for keepalived."""
        name = self.daemons[host].journal if self._server(host) else None
        path = self.hosts[host].path(name) if name else None
        if path is None or not path.exists():
            return []
        found = []
        for line in path.read_text(errors="replace").splitlines():
            with suppress(ValueError):  # the last may be half written, and a learner may add some
                found.append(json.loads(line))
        return [entry for entry in found if isinstance(entry, dict)]

    @property
    def down(self) -> list[str]:
        """The hosts whose process 1 has ended, as after `reboot -f`; reset() starts them again."""
        return [name for name, host in self.hosts.items() if not host.alive]

    @property
    def closed(self) -> bool:
        """Whether this lab has ended; a new one has taken its place, or its kernel is leaving."""
        return self._closed

    def running(self, host: str) -> bool:
        """Whether a daemon runs on the server `host`, frozen or not."""
        return bool(self._running(host))

    def program(self, host: str) -> str:
        """The daemon that runs on the server `host`, by its program's name; "" if none does."""
        return next((process.program for process in self._running(host)), "")

    def frozen(self, host: str) -> bool:
        """Whether the daemon of `host` has been stopped by a signal, and not continued."""
        return frozen(self._running(host))

    def read(self, host: str, path: str) -> str | None:
        """The text of a file on `host`; None if there is none."""
        try:
            return self._host(host).path(path).read_text(errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            return None

    def facts(self) -> list[Fact]:
        """Everything the witnesses, the journals and the learner's hands have told, unsorted."""
        return [*self.witness.facts(), *self.told()]

    def told(self) -> list[Fact]:
        """What the journals and the learner's hands have told, unsorted."""
        self._note_typed()
        said = (fact for host in self.servers for fact in self._said(host))
        return [*self._actions, *self._configured, *said]

    @property
    def now(self) -> float:
        """The lab's clock: Unix time, in seconds."""
        return time.time()

    @property
    def since(self) -> float:
        """When this lab was started or last reset (Unix time): its timelines begin there."""
        return self._since

    # --- insides ---------------------------------------------------------------------------------

    def _configuration(self, host: str) -> str:
        # By this way a recording does not take it for a question of the lesson.
        return Looking.read(self, host, CONFIGURATION) or ""

    def _note_typed(self) -> None:
        """Take over what `systemctl` on the hosts has done since the last look, as facts."""
        with _NOTING:
            for name in self.servers:
                try:
                    with self.hosts[name].path(RECORD).open() as file:
                        file.seek(self._typed.get(name, 0))
                        text = file.read(_MOST_TYPED)
                except (OSError, LabError):
                    continue  # nothing was done there; or a reset has just taken it away
                whole = text[: text.rfind(b"\n") + 1]
                self._typed[name] = self._typed.get(name, 0) + len(whole)
                for line in whole.splitlines():
                    self._take_typed(name, line)

    def _take_typed(self, host: str, line: bytes) -> None:
        """One line of the record of `systemctl`, which a learner may have written by hand."""
        try:
            said = json.loads(line)
            t, verb, conf = float(said["t"]), said.get("verb"), said.get("conf", "")
            if not self._since <= t <= time.time():
                return
            if said.get("ready") is True:
                self._ready = max(self._ready, t)
            elif verb in _TYPED:
                if verb != "stop":
                    self._configured += configured(str(conf), host, t)
                self._actions.append(Action(t, verb, host, f"daemon of {host} {_TYPED[verb]}"))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, LabError):
            return

    def _said(self, name: str) -> list[State]:
        """The changes of state that the daemon of the server `name` has written down."""
        written = self.daemons[name].journal
        path = self.hosts[name].path(written or self.daemons[name].log)
        try:
            # Whoever watches asks several times a second: a file is read again when it has changed.
            now = path.stat()
            version = (now.st_ino, now.st_size, now.st_mtime_ns)
            known, said = self._journals.get(name, (None, []))
            if known != version:
                said = daemon_logs.states(path.read_text().splitlines(), name)
                self._journals[name] = (version, said)
            return said
        except (OSError, LabError):
            return []  # there is none, or a reset in another thread has just taken it away


def neighbour(node: Host, address: str, witness: Witness) -> Neighbour:
    """What the neighbour table of a host says about an address; LabError if it cannot be read."""
    asked = node.network("ip", "-j", "neighbour", "show", address)
    try:
        found = json.loads(asked or "[]")
    except ValueError:
        raise LabError(f"{node.name} does not answer: lab.reset() starts over") from None
    entry = found[0] if found else {}
    mac, state = entry.get("lladdr"), " ".join(entry.get("state", ()))
    owners = sorted(witness.hosts_of(mac)) if mac else []
    return Neighbour(node.name, address, mac, " or ".join(owners) or None, state)
