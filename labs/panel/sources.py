"""Where a panel gets its facts from: a real Lab, a recorded one, or a Lan in memory, seen alike.

A source knows the network, returns what is new each time it is asked, and carries out what a user
clicks.  A Lab is asked by a thread; a Lan and a recording have no clock of their own, so here their
time is played in real time, a piece at every look (by the notebook's own loop, so never during a
cell).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from labs.bounded_output import clipped
from labs.conf import priorities
from labs.errors import CommandTimeout, LabError, unknown
from labs.figures.palette import HOST_COLOURS, text_color
from labs.model import fault_verbs
from labs.model.facts import Fact

if TYPE_CHECKING:
    from labs.emulation.lab import Lab
    from labs.model.topology import Layout
    from labs.replay.replay_lab import ReplayLab
    from labs.simulation.lan import Lan

OLD_PINGS = 60.0  # s of pings that a new panel shows; everything else it shows whole
LONGEST_STEP = 0.5  # s of virtual time that a look may play
COMMAND_SECONDS = 15.0
SHOWN = 50_000  # characters of a command's output


class Source(Protocol):
    """What a panel needs of a lab."""

    addresses: tuple[str, ...]
    servers: tuple[str, ...]
    threaded: bool  # asked by a thread of its own, or by the notebook's loop

    @property
    def closed(self) -> bool:
        """Whether nothing more will come."""

    @property
    def since(self) -> float:
        """Where its timelines begin; another value after a reset."""

    def now(self) -> float:
        """The clock of its facts."""

    def network(self) -> dict[str, Any]:
        """Hosts, switches and cables as `js/plan.js` wants them."""

    def fresh(self) -> list[Fact]:
        """What was not fetched yet."""

    def daemons(self) -> dict[str, str]:
        """What each server's daemon does now: "runs", "frozen" or "gone"; "down" with its host."""

    def priorities(self, host: str) -> dict[int, int]:
        """VRID -> priority, as the configuration of `host` has it."""

    def conf(self, host: str, text: str | None = None) -> str:
        """The keepalived.conf of `host`; with `text`, written first and put to use."""

    def do(self, verb: str, host: str, interface: str = "eth0", words: Sequence[str] = ()) -> None:
        """Carry out a verb of the lab."""

    def run(self, host: str, command: str, show: Callable[[str], None]) -> str:
        """What a command prints on `host`; `show` gets it as it comes."""

    def waits(self) -> str:
        """What its clock waits for while it stands still; "" while it goes."""


class OfLab:
    """A real lab."""

    threaded = True

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._mark: Sequence[int] = ()
        self._witness: object = None
        self._since = lab.since
        self._said: set[Fact] = set()
        self.addresses = lab.watched
        self.servers = tuple(lab.servers)

    @property
    def closed(self) -> bool:
        """As `Source`."""
        return self._lab.closed

    @property
    def since(self) -> float:
        """As `Source`; a reset of the lab moves it."""
        return self._lab.since

    def now(self) -> float:
        """Unix time."""
        return time.time()

    def network(self) -> dict[str, Any]:
        """As `Source`; also the addresses and servers are read again."""
        self.addresses, self.servers = self._lab.watched, tuple(self._lab.servers)
        return {**wired(self._lab.layout), "terminals": True}

    def fresh(self) -> list[Fact]:
        """As `Source`."""
        lab = self._lab
        if (self._witness, self._since) != (lab.witness, lab.since):  # new, or reset
            self._witness, self._since = lab.witness, lab.since
            self._mark, self._said = (), set()
        told = [fact for fact in lab.unobserved_facts() if fact not in self._said]
        new, self._mark = lab.witness.after(self._mark, time.time() - OLD_PINGS)
        self._said.update(told)
        return [*new, *told]

    def daemons(self) -> dict[str, str]:
        """As `Source`."""
        from labs.emulation import daemons

        result = {}
        for name in self.servers:
            found = daemons.running(self._lab.hosts[name])
            result[name] = "frozen" if daemons.frozen(found) else "runs" if found else "gone"
        return {**result, **{name: "down" for name in self._lab.down if name in result}}

    def priorities(self, host: str) -> dict[int, int]:
        """As `Source`."""
        return priorities(self.conf(host), host)

    def conf(self, host: str, text: str | None = None) -> str:
        """As `Source`."""
        try:
            found = self._lab.conf(host, text)
        except LabError:
            return ""
        if text is not None:
            (self._lab.reload if self._lab.running(host) else self._lab.start)(host)
        return found

    def do(self, verb: str, host: str, interface: str = "eth0", words: Sequence[str] = ()) -> None:
        """As `Source`; LabError for what cannot be done."""
        known = fault_verbs.real()
        if verb not in known:
            raise unknown("verb", verb, known)
        at = fault_verbs.FAULT_VERBS[verb].scope == fault_verbs.CABLE
        options = {"interface": interface} if at else {}
        fault_verbs.perform(self._lab, verb, host, *words, **options)

    def run(self, host: str, command: str, show: Callable[[str], None]) -> str:
        """As `Source`; LabError for one that does not end within COMMAND_SECONDS."""
        try:
            found = self._lab.run(host, command, timeout=COMMAND_SECONDS, show=show)
        except CommandTimeout:
            raise LabError(
                f"[ended after {COMMAND_SECONDS:g} s: a terminal of {host} (>_) has no such limit]"
            ) from None
        return clipped(str(found), SHOWN)

    def waits(self) -> str:
        """The clock of a real lab never stands still."""
        return ""


class OfReplay(OfLab):
    """A recorded run: its time passes like real time while it is shown, up to the next deed."""

    threaded = False

    def __init__(self, lab: ReplayLab) -> None:
        super().__init__(lab)  # type: ignore[arg-type]  # it has all that is asked of a Lab here
        self._recorded = lab
        self._count = 0
        self._looked = time.monotonic()

    def now(self) -> float:
        """The clock of the recording."""
        return self._recorded.now

    def network(self) -> dict[str, Any]:
        """As `Source`, and that it is a replay."""
        return {**super().network(), "replay": True, "terminals": False}

    def fresh(self) -> list[Fact]:
        """As `Source`: first what has passed since the last look is played."""
        lab, now = self._recorded, time.monotonic()
        passed, self._looked = min(now - self._looked, LONGEST_STEP), now
        lab.play(passed)
        if self._since != lab.since:  # another run, whose beginning was not fetched
            self._since, self._count = lab.since, 0
        known = lab.facts()
        new, self._count = known[self._count :], len(known)
        return new

    def daemons(self) -> dict[str, str]:
        """As `Source`."""
        lab = self._recorded
        return {
            name: "gone" if not lab.running(name) else "frozen" if lab.frozen(name) else "runs"
            for name in self.servers
        }

    def waits(self) -> str:
        """As `Source`."""
        lab = self._recorded
        return f"this is a replay: {lab.continuation()}" if lab.now >= lab.until() else ""


class OfLan:
    """A cluster in memory, whose time is played as it passes here."""

    threaded = False

    def __init__(self, lan: Lan) -> None:
        self._lan = lan
        self._told = 0
        self._looked = time.monotonic()
        self.addresses: tuple[str, ...] = (lan.watch,)
        self.servers = tuple(lan.machines)

    closed = False
    since = 0.0

    def now(self) -> float:
        """Virtual seconds."""
        return self._lan.now

    def network(self) -> dict[str, Any]:
        """As `Source`; the client of a Lan is the switch itself, so it is only drawn."""
        own = {name: str(machine.ip) for name, machine in self._lan.machines.items()}
        cables = [{"h": name, "i": "eth0", "s": "s1"} for name in (*own, "client")]
        return network({**own, "client": "192.168.1.100"}, self.servers, ("s1",), cables)

    def fresh(self) -> list[Fact]:
        """As `Source`: first what has passed since the last look is played."""
        now = time.monotonic()
        passed, self._looked = min(now - self._looked, LONGEST_STEP), now
        self._lan.run(passed)
        new = self._lan.facts[self._told :]
        self._told = len(self._lan.facts)
        return new

    def daemons(self) -> dict[str, str]:
        """As `Source`."""
        lan = self._lan
        return {
            name: "gone" if name not in lan.daemons else "frozen" if machine.frozen else "runs"
            for name, machine in lan.machines.items()
        }

    def priorities(self, host: str) -> dict[int, int]:
        """As `Source`."""
        return priorities(self._lan.conf(host), host)

    def conf(self, host: str, text: str | None = None) -> str:
        """As `Source`."""
        found = self._lan.conf(host, text)
        if text is not None:
            (self._lan.reload if host in self._lan.daemons else self._lan.start)(host)
        return found

    def do(self, verb: str, host: str, interface: str = "eth0", words: Sequence[str] = ()) -> None:
        """As `Source`; LabError for what cannot be done."""
        fault_verbs.perform(self._lan, verb, host, *words)

    def run(self, host: str, command: str, show: Callable[[str], None]) -> str:
        """There is no shell in memory: LabError."""
        raise LabError(f"{host} is in memory and has no shell: use Lab() to type {command!r}")

    def waits(self) -> str:
        """Virtual time goes on as long as a panel is shown."""
        return ""


def wired(layout: Layout) -> dict[str, Any]:
    """The network of a layout, as `network` says."""
    own = {name: next(iter(layout.interfaces(name).values())).ip for name in layout.hosts}
    cables = [{"h": s.host, "i": s.interface, "s": s.switch} for s in layout.sockets]
    return network(own, layout.servers, layout.switches, cables, layout.client)


def network(
    own: dict[str, str],
    servers: Sequence[str],
    switches: Sequence[str],
    cables: Sequence[dict[str, str]],
    client: str = "client",
) -> dict[str, Any]:
    """The network as `js/plan.js` wants it; a server has the colour that it has in every figure."""
    hosts = []
    for name, ip in own.items():
        row: dict[str, Any] = {"name": name, "ip": ip.partition("/")[0], "server": name in servers}
        if row["server"]:
            colour = HOST_COLOURS[list(servers).index(name) % len(HOST_COLOURS)]
            row |= {"colour": colour, "ink": text_color(colour)}
        hosts.append(row)
    names = {"switches": list(switches), "client": client}
    return {"hosts": hosts, "cables": list(cables), **names}
