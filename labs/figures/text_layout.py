"""The text of the timeline figure: titles, labels, and what is written where it fits.

No word covers another or a line of an action; one that fits nowhere in any of its forms is left
out, for the lanes say the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.legend_handler import HandlerTuple

from labs.figures.label_rows import Place, places
from labs.figures.palette import PAPER
from labs.model.facts import Action

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from labs.analysis.timeline import Timeline

DPI = 130
SMALL = 8.2  # points; of what is written into the lanes
RIGHT = 0.22  # inches to the right of the axes
# Words beside the bars hide what is below them: a line, a touch of red.
_ON_LANE = {"facecolor": PAPER, "lw": 0, "pad": 1.0}
_TITLE_SIZE, _SMALLEST_TITLE = 11.0, 9.5  # points; a longer one takes two lines
# The legend's entries in this order, by how their names begin.
_ORDER = ("holds", "Adv", "priority", "nobody", "no answer", "two", "predicted")


class TextPlacer:
    """Writes on the axes of a panel, which `labs.figures.timeline_figure.TimelineAxes` supplies."""

    timeline: Timeline
    title: str
    width: float
    height: float
    above: float
    length: float
    figure: Figure
    canvas: Any
    ax: Any
    taken: list[Any]

    def seconds(self, inches: float) -> float:
        """The time that takes `inches` of the x axis."""
        raise NotImplementedError

    def _write(
        self,
        x: float,
        y: float,
        choices: Sequence[str],
        within: float | None = None,
        avoid: Sequence[Any] = (),
        **style: Any,
    ) -> bool:
        """Write the first of `choices` that fits into `within` seconds and hits no other words.

        Nor does it hit the boxes of `avoid`, in pixels.
        """
        style = {"ha": "center", "va": "center", "fontsize": SMALL, "linespacing": 1.1} | style
        if "color" not in style:
            style["bbox"] = _ON_LANE
        taken = [*self.taken, *avoid]
        for choice in choices:
            words = self.ax.text(x, y, choice, zorder=9, **style)
            box = words.get_window_extent(self.canvas.get_renderer())
            room = self.ax.get_window_extent()
            fits = within is None or box.width < within / self.length * room.width - 4
            inside = box.x0 >= room.x0 and box.x1 <= room.x1 + RIGHT * DPI
            if fits and inside and not any(box.overlaps(other) for other in taken):
                self.taken.append(box)
                return True
            words.remove()
        return False

    def _labels(self) -> list[tuple[Action, Place]]:
        """Every action and the place of its label."""
        actions = list(self.timeline.of(Action))
        inches = [_inches(label(action), self.canvas, self.ax) + 0.12 for action in actions]
        lines = [action.t - self.timeline.start for action in actions]
        widths = [self.seconds(width) for width in inches]
        return list(
            zip(actions, places(lines, widths, self.length + self.seconds(RIGHT)), strict=True)
        )

    def _title_size(self, words: str) -> float:
        """The size in points, 11 or less, in which these words take the width of the figure."""
        title = self.figure.text(0, 0, words, fontsize=_TITLE_SIZE, weight="bold")
        extent = title.get_window_extent(self.canvas.get_renderer()).width
        title.remove()
        room = (self.width - 0.24) * self.figure.dpi
        return min(_TITLE_SIZE, _TITLE_SIZE * room / max(extent, 1.0))

    def _plan_title(self) -> None:
        """Break the title into two lines if one would be small."""
        if self._title_size(self.title) < _SMALLEST_TITLE:
            half = len(self.title) // 2
            blanks = [n for n, letter in enumerate(self.title) if letter == " "]
            cut = min(blanks, key=lambda n: abs(n - half), default=half)
            self.title = f"{self.title[:cut]}\n{self.title[cut:].strip()}"

    def _title(self) -> None:
        """The fact, as large as fits."""
        self.figure.text(
            0.12 / self.width,
            1 - (self.above + 0.09) / self.height,
            self.title,
            va="top",
            fontsize=max(7.0, self._title_size(self.title)),
            weight="bold",
            linespacing=1.15,
        )


def legend(figure: Figure, entries: dict[str, Any]) -> None:
    """What the marks mean, below everything, once each."""
    names = sorted(entries, key=lambda n: [n.startswith(prefix) for prefix in _ORDER].index(True))
    figure.legend(
        [entries[name] for name in names],
        names,
        loc="lower center",
        ncol=max(1, len(names)),
        frameon=False,
        fontsize=8.5,
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0)},
        borderaxespad=0.1,
        columnspacing=1.6,
        handletextpad=0.5,
    )


def label(action: Action) -> str:
    return action.text or action.verb


def _inches(words: str, canvas: Any, ax: Any) -> float:
    """The width of `words` as a label of an action."""
    probe = ax.text(0, 0, words, fontsize=8.5)
    width: float = probe.get_window_extent(canvas.get_renderer()).width / DPI
    probe.remove()
    return width
