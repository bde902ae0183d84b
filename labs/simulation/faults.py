"""What can be done to a simulated cluster: Lab's verbs, and those that only a simulation can obey.

`labs.model.fault_verbs` has the table: which verbs there are, and what each does here.
The methods are their effects; one that is in Lab, too, has the same name and the same words.

Every verb takes the name of a host first (`partition` takes groups of names), may be repeated,
and records an Action.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from labs.errors import LabError, unknown
from labs.model.facts import Action
from labs.simulation.machine import CARD
from labs.simulation.programs import Program
from labs.simulation.switch import Cable
from vrrpd.fsm import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable

    from labs.model.facts import Fact
    from labs.simulation.clock import VirtualClock
    from labs.simulation.machine import SimulatedHost
    from labs.simulation.switch import Switch
    from vrrpd.daemon import Daemon

FOREVER = 1e6  # s; what hangs does not come back by itself


def _named(port: SimulatedHost) -> str:
    """An interface as a sentence names it: the host, and the interface unless it is eth0."""
    return port.name if port.main is None else f"{port.name} {port.card}"


class Verbs:
    """The verbs; `labs.simulation.lan.Lan` supplies hosts, daemons, the clock and the switch."""

    machines: dict[str, SimulatedHost]
    daemons: dict[str, Daemon]
    switch: Switch
    clock: VirtualClock
    facts: list[Fact]
    followers: list[Callable[[Action], None]]

    if TYPE_CHECKING:

        @property
        def now(self) -> float:
            """Virtual seconds since the beginning."""

        def launch(self, host: str) -> None:
            """Start a daemon that does not run."""

        def note_configuration(self, host: str) -> None:
            """Note what a daemon is about to read."""

    # The daemon.

    def start(self, host: str) -> None:
        """Start the daemon; nothing happens if it runs."""
        self.simulated_host(host)
        if host not in self.daemons:
            self.note_configuration(host)
            self.act("start", host, f"vrrpd started on {host}")
            self.launch(host)

    def stop(self, host: str) -> None:
        """SIGTERM: the daemon resigns and gives its addresses back."""
        machine = self.simulated_host(host)
        if machine.frozen:
            raise LabError(f"the daemon of {host} is frozen: thaw {host!r} first")
        if host in self.daemons:
            self.act("stop", host, f"vrrpd stopped on {host}")
            self.daemons.pop(host).stop("stopped by a signal")
            machine.end_life()

    def restart(self, host: str) -> None:
        """Stop, and start again at once."""
        self.stop(host)
        self.start(host)

    def crash(self, host: str) -> None:
        """SIGKILL: no resignation is sent and the addresses stay."""
        self.simulated_host(host)
        if self.daemons.pop(host, None) is not None:
            self.act("crash", host, f"vrrpd killed on {host}")
            self.machines[host].end_life()

    def freeze(self, host: str) -> None:
        """SIGSTOP: the daemon sleeps, its host does not."""
        self.act("freeze", host, f"vrrpd frozen on {host}")
        self.simulated_host(host).frozen = host in self.daemons

    def thaw(self, host: str) -> None:
        """SIGCONT: the daemon wakes up to all it has missed."""
        self.act("thaw", host, f"vrrpd goes on on {host}")
        self.simulated_host(host).thaw()

    def reload(self, host: str) -> None:
        """SIGHUP: the daemon reads its file again, a frozen one when it wakes up."""
        machine = self.simulated_host(host)
        self.note_configuration(host)
        self.act("reload", host, f"vrrpd reloads on {host}")
        if host in self.daemons:
            machine.now(self.daemons[host].reload)

    # The cable.

    def link(self, host: str, status: str) -> None:
        """Both ends of the cable administratively "up" or "down", the switch's a moment earlier."""
        if status not in ("up", "down"):
            raise unknown("link status", status, ("up", "down"))
        self.act("link", host, f"link s1 {host} {status}")
        machine, up = self.simulated_host(host), status == "up"
        machine.set_link(plugged=up)
        when = self.clock.now() + SECOND // 1000
        self.clock.call_at(when, lambda: machine.set_link(up=up), (host, "link"))

    def unplug(self, host: str, interface: str = CARD) -> None:
        """Pull the cable: no carrier."""
        port = self.port(host, interface)
        self.act("unplug", host, f"cable of {_named(port)} pulled")
        port.set_link(plugged=False)

    def plug(self, host: str, interface: str = CARD) -> None:
        """Put the cable back."""
        port = self.port(host, interface)
        self.act("plug", host, f"cable of {_named(port)} plugged in")
        port.set_link(plugged=True)

    def flap(self, host: str, times: int = 3, every: float = 0.5) -> None:
        """Pull the cable and put it back, `times` times; a change every `every` seconds."""
        machine = self.simulated_host(host)
        self.act("flap", host, f"cable of {host} loose: {times} × {every:g} s")
        for number in range(2 * times):
            plugged = number % 2 == 1
            when = self.clock.now() + round(number * every * SECOND)

            def change(plugged: bool = plugged) -> None:
                machine.set_link(plugged=plugged)

            self.clock.call_at(when, change, (host, "flap"))

    def cut(self, host: str, interface: str = CARD) -> None:
        """The break is further away: the carrier stays, nothing passes."""
        port = self.port(host, interface)
        self.act("cut", host, f"path to {_named(port)} cut beyond the switch port")
        port.set_link(reachable=False)

    def mend(self, host: str, interface: str = CARD) -> None:
        """The path works again, in both directions, and loses nothing."""
        port = self.port(host, interface)
        self.act("mend", host, f"path to {_named(port)} restored")
        port.set_link(reachable=True)
        port.switch.cables[host] = Cable()
        port.switch.doomed = [one for one in port.switch.doomed if one[0] != host]

    def oneway(self, host: str, lost: str, interface: str = CARD) -> None:
        """Frames pass one way only: "to" stops what is for `host`, "from" what is of it."""
        if lost not in ("to", "from"):
            raise unknown("direction", lost, ("to", "from"))
        port, done = self.port(host, interface), "reaches" if lost == "to" else "leaves"
        self.act("oneway", host, f"nothing {done} {_named(port)} any more")
        cable = port.switch.cable(host)
        cable.out, cable.into = lost == "to", lost == "from"

    def lose(self, host: str, share: float, interface: str = CARD) -> None:
        """The path loses this share of all frames (0..1), in either direction."""
        port = self.port(host, interface)
        self.act("lose", host, f"path of {_named(port)} loses {share:.0%}")
        port.switch.cable(host).loss = share

    def delay(self, host: str, seconds: float, jitter: float = 0.0) -> None:
        """The path takes longer by `seconds`, and by up to `jitter` more."""
        self.act("delay", host, f"path of {host} slower by {seconds:g} s ± {jitter:g} s")
        cable = self.cable(host)
        cable.delay, cable.jitter = round(seconds * SECOND), round(jitter * SECOND)

    def double(self, host: str, share: float) -> None:
        """The path delivers this share of all frames (0..1) twice."""
        self.act("double", host, f"path of {host} doubles {share:.0%}")
        self.cable(host).doubles = share

    def reorder(self, host: str, share: float, late: float = 0.5) -> None:
        """This share of all frames (0..1) is overtaken by others: up to `late` seconds late."""
        self.act("reorder", host, f"path of {host} makes {share:.0%} up to {late:g} s late")
        cable = self.cable(host)
        cable.reorder, cable.late = share, round(late * SECOND)

    def drop(self, host: str, vrid: int = 0) -> None:
        """The next Advertisement of the host (0: of any VRID) enters the switch and is lost there.

        Asked for several times it loses as many.
        """
        which = f" for VRID {vrid}" if vrid else ""
        self.act("drop", host, f"next Advertisement of {host}{which} dropped")
        self.switch.doomed.append((host, vrid))

    def partition(self, *groups: str | list[str]) -> None:
        """Split the LAN: hosts receive only from their own group; the unnamed are in the first."""
        sides = [one.split("+") if isinstance(one, str) else list(one) for one in groups]
        for name in (name for side in sides for name in side):
            self.simulated_host(name)
        text = " | ".join("+".join(side) for side in sides)
        self.record_action(Action(self.now, "partition", None, f"LAN split: {text}"))
        self.switch.sides = {
            name: number for number, side in enumerate(sides) for name in side if number
        }

    def join(self) -> None:
        """The LAN is one again."""
        self.record_action(Action(self.now, "join", None, "LAN joined again"))
        self.switch.sides = {}

    # The interface.

    def unload(self, host: str) -> None:
        """eth0 vanishes, with everything on it."""
        self.act("unload", host, f"eth0 of {host} deleted")
        self.simulated_host(host).unload()

    def load(self, host: str) -> None:
        """eth0 is there again: another interface of the same name."""
        self.act("load", host, f"eth0 of {host} made again")
        self.simulated_host(host).load()

    def strip(self, host: str, address: str) -> None:
        """Remove an address by hand."""
        self.act("strip", host, f"{address} removed from {host} by hand")
        self.simulated_host(host).forget(ip_address(address))

    # The clock.

    def step(self, host: str, seconds: float) -> None:
        """Set the calendar of the host; its monotonic clock runs on."""
        self.act("step", host, f"clock of {host} set by {seconds:+g} s")
        self.simulated_host(host).wall += round(seconds * SECOND)

    def drift(self, host: str, ppm: int) -> None:
        """The clock of the host gains `ppm` millionths from now on."""
        self.act("drift", host, f"clock of {host} gains {ppm} ppm")
        self.simulated_host(host).go_by(ppm)

    # Programs and files.

    def fail(self, host: str, program: str, status: int = 1) -> None:
        """From now on a program ends with this status."""
        self.act("fail", host, f"{program} fails on {host}")
        self.simulated_host(host).workload.programs[program] = Program(status=status)

    def hang(self, host: str, program: str) -> None:
        """From now on a program does not end, and does not mind SIGTERM."""
        self.act("hang", host, f"{program} hangs on {host}")
        self.simulated_host(host).workload.programs[program] = Program(
            seconds=FOREVER, stubborn=True
        )

    def recover(self, host: str, program: str) -> None:
        """From now on a program succeeds at once."""
        self.act("recover", host, f"{program} works on {host}")
        self.simulated_host(host).workload.programs[program] = Program()

    def write(self, host: str, path: str, text: str) -> None:
        """Write a file that the daemon may be watching."""
        self.act("write", host, f"{text!r} written to {path} on {host}")
        self.simulated_host(host).workload.write(path, text)

    # Behind the verbs.

    def simulated_host(self, host: str) -> SimulatedHost:
        """The host of that name; LabError listing the known ones."""
        if host not in self.machines:
            raise unknown("host", host, list(self.machines))
        return self.machines[host]

    def port(self, host: str, interface: str) -> SimulatedHost:
        """An interface of a host that has a cable; LabError listing the known ones."""
        machine = self.simulated_host(host)
        if interface != machine.card and interface not in machine.ports:
            raise unknown("interface", interface, [machine.card, *machine.ports])
        return machine.port(interface)

    def cable(self, host: str) -> Cable:
        """The cable of that host; LabError listing the known ones."""
        return self.switch.cable(self.simulated_host(host).name)

    def act(self, verb: str, host: str, text: str) -> None:
        """Record what the learner does."""
        self.simulated_host(host)
        self.record_action(Action(self.now, verb, host, text))

    def record_action(self, action: Action) -> None:
        """Record it; followers are called before it has its effect."""
        self.facts.append(action)
        for follow in self.followers:
            follow(action)
