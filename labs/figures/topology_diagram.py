"""The network of a running lab as a picture and as text: who is joined to whom, and who holds what.

      web1              web2               client
      MASTER            BACKUP
      192.168.1.11      192.168.1.12       192.168.1.100
      ● 192.168.1.10
         |                 ×                  |           × pulled    ≠ cut    dashed: drops frames
    ═════╪═════════════════╪══════════════════╪═════  s1

Everything is asked at the moment it is drawn: the kernels about addresses, the switches about
their ports and rules, the daemons' own words about their state.
A host that holds the address is filled in the colour that it has in every timeline.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labs.errors import LabError
from labs.figures.base import Figure, canvas
from labs.figures.palette import GROUND, HOST_COLOURS, INK, NOBODY, NOBODY_INK, PAPER, text_color
from labs.monitoring import daemon_logs

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from labs.emulation.lab import Lab

# What is wrong with a cable -> its sign and words.
FAULTS = {
    "pulled": ("×", "cable pulled"),
    "cut": ("≠", "path cut"),
    "filtered": ("", "drops frames"),
    "gone": ("×", "interface gone"),
}
BOX, ROW, BAR = 1.75, 0.19, 0.26  # inches: width of a host, height of a line, of a switch
GAP, CABLE, TITLE = 0.35, 0.5, 0.45


@dataclass(frozen=True, slots=True)
class HostBox:
    """A host as it is now: `state` is "" for a client, `holds` are the shared addresses it has."""

    name: str
    state: str
    addresses: tuple[str, ...]
    holds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wire:
    """A cable as it is now: `fault` is a word of FAULTS, or ""."""

    host: str
    interface: str
    switch: str
    fault: str

    def __str__(self) -> str:
        broken = f" ({FAULTS[self.fault][1]})" if self.fault else ""
        return f"{self.interface} to {self.switch}{broken}"


class Wiring(Figure):
    """What there is to draw; it does not change any more."""

    def __init__(self, lab: Lab) -> None:
        layout = lab.layout
        shared = {timeline.address for timeline in lab.timelines()}
        self.address = lab.watch
        self.switches = layout.switches
        self.colours = {
            name: HOST_COLOURS[i % len(HOST_COLOURS)] for i, name in enumerate(layout.servers)
        }
        self.machines = [_host_box(lab, name, shared) for name in layout.hosts]
        faults = {switch: _faults(lab, switch) for switch in layout.switches}
        self.wires = [
            Wire(s.host, s.interface, s.switch, faults[s.switch].get(s.port, "gone"))
            for s in layout.sockets
        ]

    # -- text --------------------------------------------------------------------------------

    def text(self) -> str:
        """A line for each host and each cable that is broken."""
        lines = []
        for machine in self.machines:
            joined = [str(wire) for wire in self.wires if wire.host == machine.name]
            holds = f"  holds {', '.join(machine.holds)}" if machine.holds else ""
            told = f"{machine.name:<8} {machine.state:<12} {', '.join(machine.addresses):<26}"
            lines.append(f"{told} {', '.join(joined)}{holds}")
        return "\n".join(lines)

    # -- figure ------------------------------------------------------------------------------

    def figure(self) -> Drawing:
        """The picture: hosts of the first switch above it, of the second below, routers between."""
        above, between, below = self._rows()
        tall = 0.16 + ROW * max(2 + len(m.addresses) + len(m.holds) for m in self.machines)
        columns = max(len(row) for row in (above, between, below))
        width = max(5.0, columns * (BOX + GAP) + GAP)
        height = TITLE + tall + CABLE + BAR + 0.15
        if between:
            height += 3 * CABLE + 2 * tall + BAR
        with canvas(width, height) as figure:
            ax: Any = figure.add_axes((0, 0, 1, 1))
            ax.set_xlim(0, width)
            ax.set_ylim(height, 0)
            ax.axis("off")
            ax.text(0.12, 0.1, self._title(), va="top", fontsize=11, weight="bold")
            pen = _Pen(self, ax, width, tall)
            first = pen.hosts(above, TITLE)
            bar = first + CABLE
            pen.switch(self.switches[0], bar)
            pen.cables(above, self.switches[0], first, bar)
            if between:
                middle = bar + BAR + CABLE
                foot = pen.hosts(between, middle)
                second = foot + CABLE
                pen.switch(self.switches[1], second)
                pen.cables(between, self.switches[0], middle, bar + BAR)
                pen.cables(between, self.switches[1], foot, second)
                pen.hosts(below, second + BAR + CABLE)
                pen.cables(below, self.switches[1], second + BAR + CABLE, second + BAR)
        return figure

    def _rows(self) -> tuple[list[HostBox], list[HostBox], list[HostBox]]:
        """Hosts above the first switch, between both, and below the second."""
        joined: dict[str, set[str]] = {}
        for wire in self.wires:
            joined.setdefault(wire.host, set()).add(wire.switch)
        first = self.switches[0]
        alone = [m for m in self.machines if joined[m.name] == {first}]
        both = [m for m in self.machines if len(joined[m.name]) > 1]
        rest = [m for m in self.machines if m not in alone and m not in both]
        return alone, both, rest

    def _title(self) -> str:
        holders = [m.name for m in self.machines if self.address in m.holds]
        return f"{self.address} is held by {' and '.join(holders) or 'nobody'}"


class _Pen:
    """Draws hosts, switches and cables; y grows downwards, inches."""

    def __init__(self, wiring: Wiring, ax: Any, width: float, tall: float) -> None:
        self.wiring, self.ax, self.width, self.tall = wiring, ax, width, tall
        self.middles: dict[str, float] = {}

    def hosts(self, row: list[HostBox], top: float) -> float:
        """Draw a row of hosts below `top`; where it ends."""
        from matplotlib.patches import FancyBboxPatch

        step = self.width / max(1, len(row))
        for number, machine in enumerate(row):
            x = step * (number + 0.5)
            self.middles[machine.name] = x
            colour = self.wiring.colours.get(machine.name, INK)
            holds = bool(machine.holds)
            face = colour if holds else GROUND
            ink = text_color(colour) if holds else INK
            corner = (x - BOX / 2, top)
            style = "round,pad=0,rounding_size=0.08"
            size = (BOX, self.tall)
            self.ax.add_patch(
                FancyBboxPatch(corner, *size, boxstyle=style, fc=face, ec=colour, lw=2, zorder=3)
            )
            words = [machine.name, *filter(None, [machine.state]), *machine.addresses]
            words += [f"● {address}" for address in machine.holds]
            for line, text in enumerate(words):
                bold = "bold" if line == 0 or text.startswith("●") else "normal"
                y = top + 0.17 + ROW * line
                style_of = {"color": ink, "weight": bold, "fontsize": 9.5 if line == 0 else 8.2}
                self.ax.text(x, y, text, ha="center", va="center", zorder=4, **style_of)
        return top + self.tall

    def switch(self, name: str, top: float) -> None:
        """A bar across the figure with its name."""
        from matplotlib.patches import Rectangle

        corner, size = (GAP / 2, top), (self.width - GAP, BAR)
        self.ax.add_patch(Rectangle(corner, *size, fc=PAPER, ec=INK, lw=1.0, zorder=3))
        place = (GAP / 2 + 0.1, top + BAR / 2)
        self.ax.text(*place, name, va="center", fontsize=8.5, weight="bold", zorder=4)

    def cables(self, row: list[HostBox], switch: str, at_host: float, at_switch: float) -> None:
        """The cables from a row of hosts to a switch, each with what is wrong with it."""
        for machine in row:
            for wire in self.wiring.wires:
                if (wire.host, wire.switch) == (machine.name, switch):
                    self._cable(wire, self.middles[machine.name], at_host, at_switch)

    def _cable(self, wire: Wire, x: float, at_host: float, at_switch: float) -> None:
        colour = NOBODY if wire.fault else INK
        dashed = {"filtered": (0, (2, 1.5))}.get(wire.fault, "-")
        middle = (at_host + at_switch) / 2
        pieces = [(at_host, at_switch)]
        if wire.fault in ("pulled", "cut"):
            near = middle + (at_switch - middle) * 0.4
            far = middle - (at_switch - middle) * 0.4
            pieces = [(at_host, far), (near, at_switch)]
        for start, end in pieces:
            self.ax.plot([x, x], [start, end], color=colour, lw=1.8, ls=dashed, zorder=1)
        several = len([each for each in self.wiring.wires if each.host == wire.host]) > 1
        if several or not wire.fault:
            self.ax.text(x - 0.07, middle, wire.interface, ha="right", va="center", fontsize=7.6)
        if wire.fault:
            sign, words = FAULTS[wire.fault]
            told = {"color": NOBODY_INK, "weight": "bold", "va": "center", "zorder": 4}
            if sign:
                self.ax.text(x, middle, sign, ha="center", fontsize=12, **told)
            self.ax.text(x + 0.12, middle, words, ha="left", fontsize=8, **told)


def _host_box(lab: Lab, name: str, shared: set[str]) -> HostBox:
    cards = lab.layout.interfaces(name).values()
    held = lab.witness.held().get(name, set())
    own = tuple(card.ip.partition("/")[0] for card in cards)
    return HostBox(name, _state(lab, name), own, tuple(sorted(held & shared)))


def _state(lab: Lab, name: str) -> str:
    """The daemon's own last word about its instances, or why it has none."""
    if name in lab.down:
        return "down"
    if name not in lab.daemons:
        return ""
    if not lab.running(name):
        return "no daemon"
    if lab.frozen(name):
        return "frozen"
    daemon = lab.daemons[name]
    path = lab.hosts[name].path(daemon.journal or daemon.log)
    if not path.exists():
        return ""
    last = {
        said.instance: said.to for said in daemon_logs.states(path.read_text().splitlines(), name)
    }
    return " ".join(dict.fromkeys(last.values()))


def _faults(lab: Lab, switch: str) -> dict[str, str]:
    """What is wrong at each port of a switch, as its kernel has it; "" for nothing."""
    asked = "ip -j link show; nft -j list tables bridge"
    said = lab.at_switch(switch, asked).splitlines()
    try:
        links, tables = json.loads(said[0]), json.loads(said[1])["nftables"]
    except (IndexError, ValueError, KeyError):
        raise LabError(f"switch {switch} does not answer: lab.reset() starts over") from None
    filtered = {
        str(table.get("table", {}).get("name", "")).removeprefix("lab-") for table in tables
    }
    found = {}
    for link in links:
        if link["ifname"].startswith(f"{switch}-"):
            found[link["ifname"]] = "filtered" if link["ifname"] in filtered else ""
            if "UP" not in link["flags"] or "LOWER_UP" not in link["flags"]:
                found[link["ifname"]] = "pulled"
            elif link.get("master") != switch:
                found[link["ifname"]] = "cut"
    return found
