"""The verbs of a lab: what a learner can do to a cluster, and what really happens then.

    verb             what happens                              eth0 on the host     daemon
    ---------------  ----------------------------------------  -------------------  --------------
    link(h, "down")  both ends administratively down           <BROADCAST,...>      sees it
    unplug / plug    the switch's end down / up                <NO-CARRIER,...,UP>  sees it
    cut / mend       the port taken out of the switch / back   <...,UP,LOWER_UP>    hears nothing
    crash            SIGKILL to all its processes              unchanged            gone, VIPs stay
    stop / start     SIGTERM, and wait / start it              unchanged            says farewell
    freeze / thaw    SIGSTOP / SIGCONT                         unchanged            sleeps
    reload           SIGHUP                                    unchanged            reads its file

Every verb may be repeated: to do what is already done changes nothing.
Each records an Action, so that the timeline can say what the learner did and when.
"""

from __future__ import annotations

import signal
import time
from typing import Any

from labs import daemons, network
from labs.daemons import Daemon
from labs.errors import LabError, unknown
from labs.facts import Action
from labs.network import SWITCH
from labs.node import Host, Process


class Verbs:
    """The verbs; `labs.lab.Lab` supplies the network, the hosts and their daemons."""

    net: Any
    hosts: dict[str, Host]
    daemons: dict[str, Daemon]
    _actions: list[Action]
    _closed: bool

    def link(self, host: str, status: str) -> None:
        """Mininet's `link s1 HOST up|down`: both ends of the cable, administratively."""
        self._host(host)
        if status not in ("up", "down"):
            raise unknown("link status", status, ("up", "down"))
        self._record("link", host, f"link s1 {host} {status}")
        self.net.configLinkStatus("s1", host, status)

    def unplug(self, host: str) -> None:
        """Pull the cable of `host` out of its socket: the host sees NO-CARRIER."""
        port = self._port(host)
        self._record("unplug", host, f"cable of {host} pulled")
        self._switch(f"ip link set {port} down")

    def plug(self, host: str) -> None:
        """Put the cable back."""
        port = self._port(host)
        self._record("plug", host, f"cable of {host} plugged in")
        self._switch(f"ip link set {port} up")

    def cut(self, host: str) -> None:
        """Break the path behind the switch's port: the carrier stays and frames stop."""
        port = self._port(host)
        self._record("cut", host, f"path to {host} cut beyond the switch port")
        self._switch(f"ip link set {port} nomaster")

    def mend(self, host: str) -> None:
        """Undo `cut`."""
        port = self._port(host)
        self._record("mend", host, f"path to {host} mended")
        self._switch(f"ip link set {port} master s1")

    def crash(self, host: str) -> None:
        """End the daemon of `host` as a power cut would: no farewell, its addresses stay."""
        found = self._running(host)
        if found:
            self._record("crash", host, f"daemon of {host} killed")
            daemons.send(found, signal.SIGKILL)
            daemons.wait_gone(found, 5)

    def stop(self, host: str, timeout: float = 10.0) -> None:
        """Ask the daemon of `host` to end and wait until it has."""
        found = self._running(host)
        if daemons.frozen(found):
            raise LabError(f"the daemon of {host} is frozen: lab.thaw({host!r}) first")
        if found:
            self._record("stop", host, f"daemon of {host} stopped")
            daemons.send(daemons.leaders(found), signal.SIGTERM)
            if not daemons.wait_gone(found, timeout):
                raise LabError(
                    f"the daemon of {host} still runs {timeout:g} s after SIGTERM: "
                    f"lab.crash({host!r}) ends it for certain"
                )

    def start(self, host: str) -> None:
        """Start the daemon of `host` and wait until it listens to signals."""
        if not self._running(host):
            self._record("start", host, f"daemon of {host} started")
            daemons.wait_ready([daemons.start(self.hosts[host], self.daemons[host])])

    def freeze(self, host: str) -> None:
        """Stop the daemon's clock: it keeps its addresses and says nothing."""
        found = self._running(host)
        if found and not daemons.frozen(found):
            self._record("freeze", host, f"daemon of {host} frozen")
            daemons.freeze(found)

    def thaw(self, host: str) -> None:
        """Let a frozen daemon continue where it was."""
        found = self._running(host)
        if daemons.frozen(found):
            self._record("thaw", host, f"daemon of {host} thawed")
            daemons.send(found, signal.SIGCONT)

    def reload(self, host: str) -> None:
        """Tell the daemon of `host` to read its configuration again."""
        found = self._running(host)
        if not found:
            raise LabError(f"no daemon runs on {host}: lab.start({host!r})")
        self._record("reload", host, f"daemon of {host} reloaded")
        daemons.send(daemons.leaders(found), signal.SIGHUP)

    # --- insides ---------------------------------------------------------------------------------

    def _host(self, name: str) -> Host:
        """The host of that name; LabError listing the known ones."""
        if self._closed:
            raise LabError('this lab is closed: start another with `lab = Lab("basic")`')
        if name not in self.hosts:
            raise unknown("host", name, self.hosts)
        return self.hosts[name]

    def _server(self, name: str) -> Host:
        """The server of that name: a host that can run a daemon."""
        host = self._host(name)
        if name not in self.daemons:
            raise unknown("server", name, self.daemons)
        return host

    def _running(self, name: str) -> list[Process]:
        return daemons.running(self._server(name))

    def _port(self, name: str) -> str:
        return network.port(self.net, self._host(name).name)

    def _switch(self, command: str) -> None:
        refused = self.net[SWITCH].cmd(command).strip()
        if refused:
            raise LabError(f"the switch refuses `{command}`: {refused}; lab.reset() starts over")

    def _record(self, verb: str, host: str | None, text: str) -> None:
        self._actions.append(Action(time.time(), verb, host, text))
