"""The state machine as a picture and as text, drawn from what `vrrpd.fsm.step()` answers.

                 INIT
              /   |    \\            an arrow for each pair of states that an event leads between,
          FAULT - BACKUP - MASTER   its events beside it; below, what changes no state
             \\_______________/

Where the boxes stand is the only thing that was decided by hand.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from math import hypot
from typing import TYPE_CHECKING, Any

from labs.figures.base import Figure, canvas
from labs.figures.palette import GROUND, INK, PAPER, SHADE
from labs.figures.transition_table import Row, rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

# Inches: the middle of each box, its width and height, and how it is filled.
WIDTH, HEIGHT = 9.0, 5.5
BOXES = {
    "INIT": (4.5, 4.65, 1.5, 0.5),
    "BACKUP": (4.5, 2.7, 1.6, 0.6),
    "MASTER": (8.0, 2.7, 1.6, 0.6),
    "FAULT": (1.0, 2.7, 1.5, 0.6),
}
FILLS = {"MASTER": (INK, GROUND), "BACKUP": (SHADE, INK), "INIT": (PAPER, INK)}
# Where the words of an arrow stand: a point, and how they are aligned to it.
WORDS = {
    ("INIT", "BACKUP"): (4.68, 3.9, "left", "center"),
    ("BACKUP", "INIT"): (4.32, 3.9, "right", "center"),
    ("INIT", "FAULT"): (2.66, 3.4, "left", "top"),
    ("FAULT", "INIT"): (2.3, 3.56, "right", "bottom"),
    ("MASTER", "INIT"): (6.4, 3.56, "left", "bottom"),
    ("FAULT", "BACKUP"): (2.72, 2.86, "center", "bottom"),
    ("BACKUP", "FAULT"): (2.72, 2.54, "center", "top"),
    ("BACKUP", "MASTER"): (6.25, 2.86, "center", "bottom"),
    ("MASTER", "BACKUP"): (6.25, 2.35, "center", "top"),
    ("MASTER", "FAULT"): (3.3, 1.53, "center", "bottom"),
}
BELOW = 1.45  # height of the way that leads around a box
STAYS, STAYS_WIDE = {"BACKUP": 0.12, "MASTER": 4.6}, 54  # the two columns, in inches; characters
STAYS_TOP = 1.15
FONT = 8.6
APART = 0.09  # arrows keep to the left of their way, so that two between the same boxes part


class StateDiagram(Figure):
    """The picture; as text the same, one line for each state and event."""

    def __init__(self) -> None:
        self.rows = rows()

    def text(self) -> str:
        """Every transition, state by state."""
        lines = []
        for state in BOXES:
            lines.append(state)
            for row in (each for each in self.rows if each.state == state):
                goes = f"-> {row.after}" if row.after != state else "stays"
                told = f"  {row.event:<36} {goes:<10} {_consequence(row)}"
                lines += textwrap.wrap(told.rstrip(), 100, subsequent_indent=" " * 50)
        return "\n".join(lines)

    def figure(self) -> Drawing:
        """The picture, as a matplotlib figure."""
        with canvas(WIDTH, HEIGHT) as figure:
            ax: Any = figure.add_axes((0, 0, 1, 1))
            ax.set_xlim(0, WIDTH)
            ax.set_ylim(0, HEIGHT)
            ax.axis("off")
            title = "A virtual router has four states; an event leads from one to another"
            ax.text(0.12, HEIGHT - 0.12, title, va="top", fontsize=11, weight="bold")
            for state in BOXES:
                self._box(ax, state)
            for pair in dict.fromkeys((row.state, row.after) for row in self.rows):
                if pair[0] != pair[1]:
                    self._arrow(ax, *pair)
            for state in STAYS:
                self._changes_nothing(ax, state)
        return figure

    def _box(self, ax: Any, state: str) -> None:
        from matplotlib.patches import FancyBboxPatch

        x, y, width, height = BOXES[state]
        face, ink = FILLS.get(state, (GROUND, INK))
        style = "round,pad=0,rounding_size=0.12"
        dashed = (0, (4, 2)) if state == "FAULT" else "-"
        box = FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            boxstyle=style,
            facecolor=face,
            edgecolor=INK,
            lw=1.2,
            ls=dashed,
            zorder=3,
        )
        ax.add_patch(box)
        name = {"color": ink, "weight": "bold", "fontsize": 11, "zorder": 4}
        ax.text(x, y, state, ha="center", va="center", **name)

    def _changes_nothing(self, ax: Any, state: str) -> None:
        """Write, below the picture, what happens in `state` without a change of it."""
        left = STAYS[state]
        head = f"{state} stays {state}:"
        ax.text(left, STAYS_TOP, head, va="top", fontsize=FONT, weight="bold")
        words = {"fontsize": FONT, "linespacing": 1.25}
        ax.text(left, STAYS_TOP - 0.22, self._stays(state), va="top", **words)

    def _stays(self, state: str) -> str:
        """What changes no state: events of the same consequence on one line."""
        found: dict[str, list[str]] = {}
        for row in self.rows:
            if row.state == row.after == state:
                found.setdefault(_consequence(row), []).append(row.event)
        return "\n".join(
            textwrap.fill(f"{_events(events)}: {told}", STAYS_WIDE, subsequent_indent="   ")
            for told, events in found.items()
        )

    def _arrow(self, ax: Any, start: str, end: str) -> None:
        style: dict[str, Any] = {"arrowstyle": "-|>,head_width=0.22,head_length=0.45", "lw": 1.1}
        style |= {"color": INK, "shrinkA": 0, "shrinkB": 0}
        if (start, end) == ("MASTER", "FAULT"):  # around BACKUP, which is between them
            tail, head = (_foot(BOXES[state]) for state in (start, end))
            way = [(tail[0], tail[1]), (tail[0], BELOW), (head[0], BELOW)]
            ax.plot(*zip(*way, strict=True), color=INK, lw=1.1, zorder=1)
            tail = way[-1]
        else:
            tail, head = _ends(BOXES[start], BOXES[end])
        ax.annotate("", head, tail, arrowprops=style, zorder=1)
        events = [row.event for row in self.rows if (row.state, row.after) == (start, end)]
        told = "\n".join(textwrap.fill(_events([one]), 40) for one in events)
        x, y, side, level = WORDS[start, end]
        ax.text(x, y, told, ha=side, va=level, fontsize=FONT, zorder=2)


Box = tuple[float, float, float, float]
Point = tuple[float, float]


def _foot(box: Box) -> Point:
    """The middle of a box's lower edge."""
    return box[0], box[1] - box[3] / 2


def _ends(here: Box, there: Box) -> tuple[Point, Point]:
    """Where the arrow between two boxes begins and ends: at their edges."""
    along = (there[0] - here[0], there[1] - here[1])
    length = hypot(*along)
    aside = (-along[1] / length * APART, along[0] / length * APART)

    def edge(box: Box, way: Point) -> Point:
        """From the box's middle, moved aside, in direction `way` to the edge."""
        reach = []
        for axis in (0, 1):
            if way[axis]:
                wall = box[axis + 2] / 2 * (1 if way[axis] > 0 else -1)
                reach.append((wall - aside[axis]) / way[axis])
        step = min(reach)
        return box[0] + aside[0] + way[0] * step, box[1] + aside[1] + way[1] * step

    return edge(here, along), edge(there, (-along[0], -along[1]))


def _consequence(row: Row) -> str:
    """``send an Advertisement; then Advertisement_Interval``."""
    done = "" if row.actions == "none" else row.actions
    timer = {"none": "no timer", "runs on": "the timer runs on"}.get(row.timer, row.timer)
    return f"{done}; {timer}" if done else timer


def _events(events: Iterable[str]) -> str:
    """Several in few words: the word Advertisement once."""
    heard = [one.partition(", ")[2] for one in events if one.startswith("Advertisement")]
    other = [one for one in events if not one.startswith("Advertisement")]
    spoken = [f"Advertisement ({'; '.join(heard)})"] if heard else []
    return ", ".join([*other, *spoken])
