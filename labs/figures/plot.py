"""Every figure of the labs, and the only importer of matplotlib.

    plot.timeline(timeline)            the timeline figure: who held the address, when and why
    plot.stack([one, other])           several of them, one below the other, to compare
    plot.save(figure, "takeover.svg")  as a file

    192.168.1.10 moved from web1 to web2 3.1 s after the cable was pulled
              | cable of web1 pulled
    web1    ▔▔| nobody  ¦                          a lane per host, filled by the holder
    web2      |<------->¦▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔        ¦ the moment that the protocol predicts
    client  ──|!!!!!!!!!|──────────────────        who answers its pings
            0         5         10 seconds

Figures are made without pyplot, so they share no state and need no closing.
A Timeline shows the timeline figure by itself; call `timeline` here for another title or size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from labs.errors import LabError
from labs.figures import base
from labs.figures.prediction_overlay import PredictionMark
from labs.figures.text_layout import legend
from labs.figures.timeline_figure import AXIS, LEGEND, WIDTH, TimelineAxes
from labs.figures.timeline_text import headline

if TYPE_CHECKING:
    from labs.analysis.timeline import Timeline

_SAVED_DPI = 216  # of a PNG: two pixels for one of CSS at the width of a page
_HEIGHT = 3.2  # inches, until the panels are planned
BETWEEN = 0.16  # inches between two panels of a stack: space for the ticks of its axis


def timeline(
    timeline: Timeline,
    title: str | None = None,
    width: float = WIDTH,
    guess: PredictionMark | None = None,
) -> Figure:
    """The timeline figure, `width` inches wide; `title` defaults to the fact that it shows.

    `guess`: what the learner expected, drawn below the lanes.
    """
    with base.canvas(width, _HEIGHT) as figure:
        return _together(
            figure, [TimelineAxes(timeline, title or headline(timeline), figure, guess=guess)]
        )


@dataclass(frozen=True, repr=False)
class Stack(base.Figure):
    """Several timelines one below the other, on one time axis; as text, one after the other."""

    timelines: tuple[Timeline, ...]
    titles: tuple[str, ...]
    width: float = WIDTH

    def figure(self) -> Figure:
        """The timeline figure with a panel for each."""
        length = max(each.end - each.start for each in self.timelines)
        with base.canvas(self.width, _HEIGHT) as figure:
            told = zip(self.timelines, self.titles, strict=True)
            return _together(
                figure, [TimelineAxes(each, title, figure, length) for each, title in told]
            )

    def text(self, width: int = 60) -> str:
        """What every panel shows, in characters and sentences."""
        told = zip(self.timelines, self.titles, strict=True)
        return "\n\n".join(f"{title}\n{each.text(width)}" for each, title in told)


def stack(timelines: Sequence[Timeline], titles: Sequence[str] | None = None) -> Stack:
    """Timelines to be compared, one below the other; each counts from the start of its own window.

    `titles` default to the fact that each shows.  LabError unless there is one for each.
    """
    told = tuple(titles) if titles is not None else tuple(map(headline, timelines))
    if not timelines or len(told) != len(timelines):
        raise LabError(
            f"{len(timelines)} timelines and {len(told)} titles: give at least one timeline, "
            "and a title for each or none at all"
        )
    return Stack(tuple(timelines), told)


def _together(figure: Figure, panels: list[TimelineAxes]) -> Figure:
    """Arrange the panels from top to bottom, paint them, and explain their marks once."""
    heights = [panel.plan() for panel in panels]
    width = figure.get_size_inches()[0]
    height = sum(heights) + BETWEEN * (len(panels) - 1) + AXIS + LEGEND
    figure.set_size_inches(width, height)
    above = 0.0
    for panel, tall in zip(panels, heights, strict=True):
        panel.place(above, height)
        above += tall + BETWEEN
    entries: dict[str, Any] = {}
    for panel in panels:
        panel.paint(axis=panel is panels[-1])
        entries |= panel.legend
    held = [name for name in entries if name.startswith("holds ")]
    if len(held) > 1:
        entries["holds the address"] = entries[held[0]]
        for name in held:
            del entries[name]
    legend(figure, entries)
    return figure


def save(figure: Figure | Stack, path: str | Path, dpi: int = _SAVED_DPI) -> None:
    """Write the figure (or a stack) to `path`; its ending chooses the format (.png, .svg, .pdf).

    In the colors of a light page.  The same figure gives the same bytes.
    """
    metadata = {".png": {"Software": None}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    drawn = figure.figure() if isinstance(figure, Stack) else figure
    drawn.savefig(path, dpi=dpi, metadata=metadata.get(Path(path).suffix.lower()))
