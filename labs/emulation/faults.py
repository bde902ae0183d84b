"""The verbs of a lab: what a learner can do to a cluster, and what really happens then.

    verb             what happens                              eth0 on the host     daemon
    ---------------  ----------------------------------------  -------------------  --------------
    link(h, "down")  both ends administratively down           <BROADCAST,...>      sees it
    unplug / plug    the switch's end down / up                <NO-CARRIER,...,UP>  sees it
    cut              the port taken out of the switch          <...,UP,LOWER_UP>    receives nothing
    lose             the switch drops a share of its frames    unchanged            receives less
    oneway           ... all frames to it, or all from it      unchanged            deaf, or dumb
    mend             undoes cut, lose and oneway
    crash            SIGKILL to all its processes              unchanged            gone, VIPs stay
    stop / start     SIGTERM, and wait / start it              unchanged            resigns
    restart          stop, and start
    freeze / thaw    SIGSTOP / SIGCONT                         unchanged            sleeps
    reload           SIGHUP                                    unchanged            reads its file

A cable is that of eth0; where a host has two, `interface="eth1"` is the other one.
Every verb may be repeated: to do what is already done changes nothing.
Each records an Action, so that the timeline can say what the learner did and when.
Each has a row in `labs.model.fault_verbs`, by which prompt, panel, `labs watch` ... know it.
The observers see a cable, or an address that is given up, a moment later: a verb waits for them.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from labs.emulation import daemons, impairments
from labs.emulation.cluster import Cluster
from labs.emulation.nodes import Process
from labs.errors import LabError, unknown
from labs.lab_api import command
from labs.model.topology import Socket

# A switch has one shell, and `labs watch` may use it while a cell does.
_AT_A_SWITCH = threading.Lock()
# The observers see what was done within this time; what they have not seen then is not so.
OBSERVED_WITHIN_S = 10.0


class Faults:
    """The fault verbs of a real lab, and what else changes its network and its daemons."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @command
    def link(self, host: str, status: str, interface: str = "eth0") -> None:
        """Mininet's `link s1 HOST up|down`: both ends of the cable, administratively."""
        socket = self._cluster.socket(host, interface)
        if status not in ("up", "down"):
            raise unknown("link status", status, ("up", "down"))
        self._cluster.record("link", host, f"link {socket.switch} {host} {status}")
        refused = self._cluster.hosts[host].network("ip", "link", "set", "dev", interface, status)
        if refused.strip():
            raise LabError(
                f"{host} refuses `ip link set {interface} {status}`: {refused.strip()}; "
                "lab.reset() starts over"
            )
        self._switch(socket.switch, f"ip link set {socket.port} {status}")
        self._see(self._up(socket) if status == "up" else self._lacks(socket))

    @command
    def unplug(self, host: str, interface: str = "eth0") -> None:
        """Pull the cable of `host` out of its socket: the host sees NO-CARRIER."""
        socket = self._cluster.socket(host, interface)
        self._cluster.record("unplug", host, f"{self._cable(socket)} pulled")
        self._switch(socket.switch, f"ip link set {socket.port} down")
        self._see(self._lacks(socket))

    @command
    def plug(self, host: str, interface: str = "eth0") -> None:
        """Put the cable back."""
        socket = self._cluster.socket(host, interface)
        self._cluster.record("plug", host, f"{self._cable(socket)} plugged in")
        self._switch(socket.switch, f"ip link set {socket.port} up")
        self._see(self._carries(socket))

    @command
    def cut(self, host: str, interface: str = "eth0") -> None:
        """Break the path behind the switch's port: the carrier stays and frames stop."""
        socket = self._cluster.socket(host, interface)
        self._cluster.record("cut", host, f"path to {self._end(socket)} cut beyond the switch port")
        self._switch(socket.switch, f"ip link set {socket.port} nomaster")

    @command
    def lose(self, host: str, share: float, interface: str = "eth0") -> None:
        """Let the switch drop this `share` (0 to 1) of the frames to and from `host`, by chance.

        Raises LabError for a share that is none.
        """
        socket = self._cluster.socket(host, interface)
        share = impairments.share(share)
        self._cluster.record(
            "lose", host, f"path to {self._end(socket)} loses {share:.0%} of its frames"
        )
        self._drop(socket, share)

    @command
    def oneway(self, host: str, lost: str, interface: str = "eth0") -> None:
        """Let frames pass one way only: with "to" nothing reaches `host`, with "from" nothing
        leaves it.
        """
        socket = self._cluster.socket(host, interface)
        if lost not in impairments.WAYS:
            raise unknown("direction", lost, impairments.WAYS)
        done = "reaches" if lost == "to" else "leaves"
        self._cluster.record("oneway", host, f"nothing {done} {self._end(socket)} any more")
        self._drop(socket, 1, lost)

    @command
    def mend(self, host: str, interface: str = "eth0") -> None:
        """Undo `cut`, `lose` and `oneway`."""
        socket = self._cluster.socket(host, interface)
        self._cluster.record("mend", host, f"path to {self._end(socket)} restored")
        self._pass(socket.port)
        self._switch(socket.switch, f"ip link set {socket.port} master {socket.switch}")

    @command
    def crash(self, host: str) -> None:
        """Kill the daemon of `host`: it does not resign, its addresses stay."""
        found = self._found(host)
        if found:
            self._cluster.record("crash", host, f"daemon of {host} killed")
            # Else keepalived's child would resign if its parent were gone for a moment before it.
            daemons.freeze(found)
            daemons.send(found, signal.SIGKILL)
            daemons.wait_gone(found)

    @command
    def stop(self, host: str, timeout: float = 30.0) -> None:
        """Ask the daemon of `host` to end and wait until it has."""
        found = self._found(host)
        if daemons.frozen(found):
            raise LabError(f"the daemon of {host} is frozen: lab.thaw({host!r}) first")
        if found:
            self._cluster.record("stop", host, f"daemon of {host} stopped")
            daemons.send(daemons.leaders(found), signal.SIGTERM)
            if not daemons.wait_gone(found, timeout):
                raise LabError(
                    f"the daemon of {host} still runs {timeout:g} s after SIGTERM: "
                    f"lab.crash({host!r}) ends it for certain"
                )
            self._see(lambda: not self._cluster.observer.held()[host] & {*self._cluster.watched})

    @command
    def start(self, host: str) -> None:
        """Start the daemon of `host` and wait until it listens to signals."""
        if not self._found(host):
            daemons.wait_ready([self._cluster.start_daemon(host)])
            self._cluster.ready = time.time()

    @command
    def restart(self, host: str) -> None:
        """Stop the daemon of `host`, and start it again at once."""
        self.stop(host)
        self.start(host)

    @command
    def freeze(self, host: str) -> None:
        """Stop the daemon's clock: it keeps its addresses and says nothing."""
        found = self._found(host)
        if found and not daemons.frozen(found):
            self._cluster.record("freeze", host, f"daemon of {host} frozen")
            daemons.freeze(found)

    @command
    def thaw(self, host: str) -> None:
        """Let a frozen daemon continue where it was."""
        found = self._found(host)
        if daemons.frozen(found):
            self._cluster.record("thaw", host, f"daemon of {host} thawed")
            daemons.send(found, signal.SIGCONT)

    @command
    def reload(self, host: str) -> None:
        """Have the daemon of `host` read its configuration again, and wait until it has.

        It may have refused, or ended: lab.log(host) has it.  A daemon that is frozen, or that was
        started by hand and logs elsewhere, is only signalled.
        """
        found = self._found(host)
        if not found:
            raise LabError(f"no daemon runs on {host}: lab.start({host!r})")
        self._cluster.note_configuration(host)
        self._cluster.record("reload", host, f"daemon of {host} reloaded")
        log = self._cluster.hosts[host].path(self._cluster.daemons[host].log)
        before = log.stat().st_size if log.exists() else None
        daemons.send(daemons.leaders(found), signal.SIGHUP)
        if before is not None and not daemons.frozen(found):
            daemons.wait_reloaded(log, before, found)

    @command
    def at_switch(self, switch: str, command: str) -> str:
        """Run a shell command on a switch; what it prints.  LabError for an unknown switch."""
        if switch not in self._cluster.layout.switches:
            raise unknown("switch", switch, self._cluster.layout.switches)
        with _AT_A_SWITCH:
            return str(self._cluster.net[switch].cmd(command))

    # --- insides ---------------------------------------------------------------------------------

    def _found(self, name: str) -> list[Process]:
        """As `_running`, for what is to be done to them; LabError if the server is down."""
        self._cluster.server(name).must_be_up()
        return self._cluster.processes(name)

    def _drop(self, socket: Socket, share: float, way: str | None = None) -> None:
        self._cluster.lossy[socket.port] = socket.switch
        self._switch(socket.switch, impairments.losing(socket.port, share, way))

    def _pass(self, port: str) -> None:
        """Undo `_drop`, if it was done."""
        if port in self._cluster.lossy:
            self._switch(self._cluster.lossy.pop(port), impairments.passing(port))

    def _switch(self, switch: str, command: str) -> None:
        """Have a switch run a command; LabError if it says anything."""
        refused = self.at_switch(switch, command).strip()
        if refused:
            raise LabError(f"the switch refuses `{command}`: {refused}; lab.reset() starts over")

    def _see(self, done: Callable[[], bool], seconds: float = OBSERVED_WITHIN_S) -> None:
        """Wait until the observers have seen what was done, if it has had that effect."""
        with suppress(LabError):  # without a recorder there is nothing to wait for
            self._cluster.observer.wait(done, seconds)

    def _carries(self, socket: Socket) -> Callable[[], bool]:
        """Whether an interface that is up has carrier: one that is down cannot get it."""
        card = (socket.host, socket.interface)
        return lambda: self._cluster.observer.link(*card) != (True, False)

    def _up(self, socket: Socket) -> Callable[[], bool]:
        card = (socket.host, socket.interface)
        return lambda: self._cluster.observer.link(*card) == (True, True)

    def _lacks(self, socket: Socket) -> Callable[[], bool]:
        card = (socket.host, socket.interface)
        return lambda: not self._cluster.observer.link(*card)[1]

    def _end(self, socket: Socket) -> str:
        """The host, and its interface where it has several."""
        several = len(self._cluster.layout.interfaces(socket.host)) > 1
        return f"{socket.interface} of {socket.host}" if several else socket.host

    def _cable(self, socket: Socket) -> str:
        several = len(self._cluster.layout.interfaces(socket.host)) > 1
        which = f"{socket.interface} of " if several else ""
        return f"cable of {which}{socket.host}"
