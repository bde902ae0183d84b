"""What can be asked of a running lab and typed on its hosts: commands, files, logs, daemons.

    lab.run("web1", "ip address list")         what it prints, and its exit status
    lab.conf("web1")                           its keepalived.conf; with a text, written first
    lab.log("web1"), lab.journal("web1")       what the daemon has logged
    lab.read("web1", "/var/log/called")        any file
    lab.running("web1"), lab.program(...)      whether a daemon runs there, and which

What follows from the facts of the observers (holders, timelines) is in `labs.emulation.base`.
"""

from __future__ import annotations

import codecs
import json
import subprocess
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from labs.bounded_output import Output, clipped
from labs.emulation import daemons
from labs.emulation.base import Result
from labs.emulation.cluster import Cluster
from labs.emulation.command_output import follow
from labs.emulation.daemons import frozen
from labs.emulation.nodes import Host
from labs.emulation.programs.keepalived_unit import CONFIGURATION
from labs.errors import CommandTimeout, LabError
from labs.lab_api import command_if, query
from labs.model.facts import State
from labs.model.neighbour import Neighbour
from labs.monitoring import daemon_logs

if TYPE_CHECKING:
    from labs.monitoring.observer import Observer


_LOG = 1 << 21  # characters


class HostAccess:
    """Questions to the hosts of a real lab, and commands typed on them."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @command_if("changes")
    def run(
        self,
        host: str,
        command: str,
        timeout: float = 60.0,
        show: Callable[[str], None] | None = None,
        changes: bool = False,
    ) -> Result:
        """Run a shell command on `host`, and give `show` what it prints, piece by piece.

        `changes` says that the command changes its host: a recording then replays it in its place.

        Of a very long output the result has the beginning, the end, and a line that says how much
        was left out.  LabError if the command takes longer than `timeout` seconds, or if the host
        is down or goes down; then, and after an interrupt, the command has ended on the host, too.
        """
        node = self._cluster.up_host(host)
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
            raise CommandTimeout(
                f"`{command}` on {host} took longer than {timeout:g} s: "
                "give it a timeout=, or a limit of its own such as `ping -c 3`",
                timeout,
            ) from None
        finally:
            daemons.end(process)
        text = kept.text()
        _require_result(node, command, text, status)
        return Result(text, status)

    @command_if("text")
    def conf(self, host: str, text: str | None = None) -> str:
        """The text of keepalived.conf on `host`; with `text`, write that first."""
        path = self._cluster.host(host).path(CONFIGURATION)
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

    @query
    def log(self, host: str) -> str:
        """What the daemon of `host` has logged since the last reset; of very much, the two ends."""
        self._cluster.server(host)
        return clipped(self._cluster.text(host, self._cluster.daemons[host].log) or "", _LOG)

    @query
    def journal(self, host: str) -> list[dict[str, Any]]:
        """The journal of vrrpd on `host`, one dictionary a line; empty for keepalived."""
        name = self._cluster.daemons[host].journal if self._cluster.server(host) else None
        path = self._cluster.hosts[host].path(name) if name else None
        if path is None or not path.exists():
            return []
        found = []
        for line in path.read_text(errors="replace").splitlines():
            with suppress(ValueError):  # the last may be half written, and a learner may add some
                found.append(json.loads(line))
        return [entry for entry in found if isinstance(entry, dict)]

    @query
    def running(self, host: str) -> bool:
        """Whether a daemon runs on the server `host`, frozen or not."""
        return bool(self._cluster.processes(host))

    @query
    def program(self, host: str) -> str:
        """The daemon that runs on the server `host`, by its program's name; "" if none does."""
        return next((process.program for process in self._cluster.processes(host)), "")

    @query
    def frozen(self, host: str) -> bool:
        """Whether the daemon of `host` has been stopped by a signal, and not continued."""
        return frozen(self._cluster.processes(host))

    @query
    def read(self, host: str, path: str) -> str | None:
        """The text of a file on `host`; None if there is none."""
        return self._cluster.text(host, path)

    def transitions(self, name: str) -> list[State]:
        """The changes of state that the daemon of the server `name` has written down."""
        written = self._cluster.daemons[name].journal
        path = self._cluster.hosts[name].path(written or self._cluster.daemons[name].log)
        try:
            # The panel asks several times a second: a file is read again when it has changed.
            now = path.stat()
            version = (now.st_ino, now.st_size, now.st_mtime_ns)
            known, said = self._cluster.journals.get(name, (None, []))
            if known != version:
                said = daemon_logs.states(path.read_text().splitlines(), name)
                self._cluster.journals[name] = (version, said)
            return said
        except (OSError, LabError):
            return []  # there is none, or a reset in another thread has just taken it away


def _require_result(node: Host, command: str, text: str, status: int) -> None:
    """LabError if the host went down during a command, or could not begin it."""
    if not node.alive:
        raise LabError(
            f"{node.name} went down during `{command}` ({node.why_down}): "
            "lab.reset() starts all hosts again"
        )
    if status and text.startswith("nsenter: "):  # it did not come as far as the command
        raise LabError(
            f"{node.name} cannot run `{command}`: {text.strip()[len('nsenter: ') :]}; "
            "lab.reset() starts all hosts again"
        )


def neighbour(node: Host, address: str, witness: Observer) -> Neighbour:
    """What the neighbour table of a host says about an address; LabError if it cannot be read."""
    asked = node.network("ip", "-j", "neighbour", "show", address)
    try:
        found = json.loads(asked or "[]")
    except ValueError:
        raise LabError(f"{node.name} does not answer: lab.reset() starts over") from None
    entry = found[0] if found else {}
    mac, state = entry.get("lladdr"), " ".join(entry.get("state", ()))
    holders = sorted(witness.hosts_of(mac)) if mac else []
    return Neighbour(node.name, address, mac, " or ".join(holders) or None, state)
