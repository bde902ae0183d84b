"""What the learner expected, drawn beside what was measured.

    client  ──|!!!!!!!!!!!!!!!|──────       no answer for 3.58 s
    you       |<----->|                     you said 1 s

A time is a bracket in a lane of its own, right below the client's, from the moment at which the
clock of the question starts; an answer in words is only words.
`labs.figures.timeline_figure` calls `draw` for a figure that was given a guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labs.figures.palette import GROUND, INK
from labs.model.facts import Action

if TYPE_CHECKING:
    from labs.analysis.timeline import Timeline
    from labs.figures.timeline_figure import TimelineAxes

HEIGHT = 0.34  # inches, as the client's lane
_BAR = 0.2


@dataclass(frozen=True, slots=True)
class PredictionMark:
    """`words` to show; for a time, also its start (Unix time) and its length in `seconds`."""

    words: str
    since: float = 0.0
    seconds: float | None = None


def start_of(timeline: Timeline) -> float:
    """Where the longest silence of the client begins; else the first action; else the start."""
    silences = [part for part in timeline.outages if part.duration > 0]
    if silences:
        return max(silences, key=lambda part: part.duration).start
    return next((action.t for action in timeline.of(Action)), timeline.start)


def height(guess: PredictionMark | None) -> float:
    """Inches that the lane needs."""
    return HEIGHT if guess else 0.0


def draw(house: TimelineAxes, guess: PredictionMark | None) -> None:
    """The lane of `guess`, the lowest of the figure; nothing without one."""
    if guess is None:
        return
    from matplotlib.patches import Rectangle  # the lessons load this module before any figure

    middle = house.lanes - HEIGHT / 2
    ax, length = house.ax, house.length
    ax.text(-house.seconds(0.1), middle, "you", ha="right", va="center", fontsize=10)
    style: dict[str, Any] = {"va": "center", "fontsize": 8.2, "zorder": 9}
    if guess.seconds is None:
        ax.text(house.seconds(0.07), middle, guess.words, ha="left", **style)
        return
    begin = min(max(guess.since - house.timeline.start, 0.0), length)
    end = min(begin + max(guess.seconds, 0.0), length)
    corner = (begin, middle - _BAR / 2)
    box = Rectangle(corner, end - begin, _BAR, fc=GROUND, ec=INK, lw=1.2, zorder=5)
    box.set_gid("guess")
    ax.add_patch(box)
    # Behind the bracket if it fits up to the edge, else before it.
    behind = length - end > house.seconds(1.6)
    x, side = (end + house.seconds(0.07), "left") if behind else (begin, "right")
    ax.text(x - (0 if behind else house.seconds(0.07)), middle, guess.words, ha=side, **style)
