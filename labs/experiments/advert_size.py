"""The Advertisement growing on the wire: what each address costs, and what the limits are.

    vips(23)             the article's addresses: 192.168.1.10, .101 to .122
    last(lab).addresses  what the latest Advertisement carries
    on_the_wire(lab)     one bar for each number of addresses that the lab has advertised

    23   ▒▒▒▒▒·▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓··  128 bytes          |
     1   ▒▒▒▒▒·▓··  40 bytes                           | 1500: the largest packet of an Ethernet
         IP    VRRP header, addresses, password

An IPv4 packet of version 2 is 20 (IP) + 8 (VRRP) + 4 × n + 8 (password) bytes (RFC 2338,
section 5; RFC 3768 keeps the last 8 as zeros). The number of addresses is one byte: 255 at most.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labs.errors import LabError
from labs.figures.base import Figure, canvas
from labs.model.facts import Advert

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from labs.emulation.lab import Lab

IP, HEADER, ADDRESS, PASSWORD = 20, 8, 4, 8
MTU = 1500
# The parts of a packet, as the legend calls them.
PARTS = ("IP header", "VRRP header", "addresses, 4 bytes each", "password")


def vips(count: int) -> list[str]:
    """`count` virtual addresses: the article's, then its neighbours, then 192.168.2.1 onwards."""
    neighbours = [f"192.168.1.{last}" for last in range(101, 255)]
    further = [f"192.168.2.{last}" for last in range(1, 255)]
    return ["192.168.1.10", *neighbours, *further][:count]


@dataclass(frozen=True, repr=False)
class Growth(Figure):
    """The length in bytes of the IP packet that carried each number of addresses."""

    lengths: dict[int, int]

    def length(self, count: int) -> int:
        """How long the packet with `count` addresses was; LabError if there was none."""
        if count not in self.lengths:
            raise LabError(f"no advertisement with {count} addresses was seen: send one first")
        return self.lengths[count]

    def text(self) -> str:
        """A line for each number of addresses."""
        lines = ["addresses   bytes of the IP packet"]
        for count, length in sorted(self.lengths.items()):
            rest = length - ADDRESS * count
            lines.append(f"{count:9}   {length:4} = {rest} + {ADDRESS} × {count}")
        return "\n".join([*lines, f"An Ethernet packet holds {MTU}; the count is one byte: 255."])

    def figure(self) -> Drawing:
        """A bar for each number of addresses, as long as the packet."""
        return _draw(self)


def last(lab: Lab) -> Advert:
    """The latest Advertisement; waits for one if none has been sent yet."""
    return lab.wait_until(lambda: _sent(lab), what="an Advertisement")[-1]


def _sent(lab: Lab) -> list[Advert]:
    return lab.witness.of(Advert)


def of(adverts: Iterable[Advert]) -> Growth:
    """What these Advertisements carry; a later one of the same number counts."""
    return Growth({len(advert.addresses): len(advert.hex) // 2 for advert in adverts})


def on_the_wire(lab: Lab) -> Growth:
    """What this lab has sent so far; waits for the first."""
    last(lab)
    return of(fact for fact in lab.facts() if isinstance(fact, Advert))


def _draw(growth: Growth) -> Drawing:
    from labs.figures.timeline_figure import WIDTH

    rows = sorted(growth.lengths.items())
    height = 1.35 + 0.34 * len(rows)
    with canvas(WIDTH, height) as figure:
        title = "Four bytes for each address: the largest list still fits into one packet"
        figure.text(0.014, 1 - 0.1 / height, title, va="top", fontsize=11, weight="bold")
        ax: Any = figure.add_axes(
            (0.125, 0.75 / height, 0.85, (height - 1.15) / height),
        )
        for row, (count, length) in enumerate(rows):
            _bar(ax, row, count, length)
        _limits(ax, rows)
        ax.legend(
            loc="upper center",
            bbox_to_anchor=(0.45, -0.36 / (height - 1.15)),
            ncol=len(PARTS),
            frameon=False,
        )
        return figure


def _bar(ax: Any, row: int, count: int, length: int) -> None:
    """The parts of one packet, from its first byte to its last."""
    from labs.figures.palette import GROUND, HOST_COLOURS, INK, UNKNOWN

    body = ADDRESS * count
    sizes = (IP, HEADER, body, length - IP - HEADER - body)
    colours = (UNKNOWN, INK, HOST_COLOURS[4], HOST_COLOURS[1])
    start = 0
    for part, size, colour in zip(PARTS, sizes, colours, strict=True):
        label = part if row == 0 else None
        style = {"height": 0.6, "color": colour, "edgecolor": GROUND, "lw": 0.4}
        ax.barh(row, size, left=start, label=label, **style)
        start += size
    ax.text(length + 12, row, f"{length} bytes", va="center")


def _limits(ax: Any, rows: list[tuple[int, int]]) -> None:
    """The axes, and the line that no packet may cross."""
    from labs.figures.palette import GRID, INK

    ax.axvline(MTU, color=INK, lw=1.4, ls=(0, (3, 2)))
    ax.text(
        MTU - 12,
        -0.1,
        f"{MTU} bytes:\nthe most that\nEthernet carries",
        ha="right",
        va="bottom",
        linespacing=1.1,
    )
    ax.set_yticks(
        range(len(rows)), [f"{n} address" + "es" * (n != 1) for n, _ in rows], fontsize=9.5
    )
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.set_xlim(0, MTU + 30)
    ax.set_xlabel("bytes of the IP packet", fontsize=8.5, labelpad=1)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color=GRID, lw=0.6)
    ax.set_axisbelow(True)
