"""How the timeline figure is drawn; callers use `labs.figures.plot`.

One class, used once per panel of a figure: it lays out lanes by inches, so that they look the same
whatever the number of hosts, and writes words (labs.figures.text_layout) only where they fit.

    title      the fact
    labels     one row, or more where they would collide: what the learner did
    lanes      one per host: grey, filled in the host's colour while it holds the address;
               ticks on the upper edge for its Advertisements, a triangle for priority 0
    client     a thin lane in the colour of the host that answers, thick and red for none
    you        what the learner expected, if the figure was given a guess
    (labs.figures.prediction_overlay)
    x axis     seconds from the start of the window
    legend     only what occurs
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox

from labs.analysis.ownership import HolderInterval, OwnershipInterval
from labs.figures import prediction_overlay
from labs.figures.label_rows import Place
from labs.figures.palette import (
    GRID,
    GROUND,
    HOST_COLOURS,
    INK,
    NOBODY,
    NOBODY_INK,
    NOBODY_TINT,
    PAPER,
    UNKNOWN,
    text_color,
    text_color_on,
)
from labs.figures.text_layout import DPI as DPI
from labs.figures.text_layout import RIGHT, TextPlacer, label
from labs.model.facts import Action, Advert, Ping

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from labs.analysis.timeline import Takeover, Timeline

# Inches.
WIDTH = 9.0
LANE, BAR, CLIENT_LANE, CLIENT_BAR = 0.62, 0.42, 0.34, 0.17
TITLE, TITLE_LINE, LABEL_ROW, AXIS, LEGEND = 0.34, 0.18, 0.17, 0.36, 0.28
LEFT = 0.85
MOST_LABEL_ROWS = 7
# What a timer counts from that has a mark of its own: an Advertisement of the former holder.
_ADVERTISEMENTS = ("advert", "received", "respected", "delayed", "goodbye")
MOST_EXPLAINED = 3  # takeovers whose predicted and measured time a figure has space for

STYLE = {
    "font.family": "sans-serif",
    "font.size": 8.5,
    "figure.facecolor": GROUND,
    "axes.facecolor": GROUND,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "hatch.linewidth": 2.2,
}
PREDICTED: dict[str, Any] = {"color": INK, "lw": 1.4, "ls": (0, (3, 2))}


class TimelineAxes(TextPlacer):
    """One panel of the figure: y is in inches from the top of its first lane, downwards.

    First `plan`, which says how tall it gets; then `place`, in a figure of the final size; then
    `paint`.  `length` is that of the time axis, in seconds, when other panels share it.
    """

    def __init__(
        self,
        timeline: Timeline,
        title: str,
        figure: Figure,
        length: float | None = None,
        guess: prediction_overlay.PredictionMark | None = None,
    ) -> None:
        self.timeline, self.title, self.guess = timeline, title, guess
        self.figure, self.canvas = figure, figure.canvas
        self.width = float(figure.get_size_inches()[0])
        self.hosts = timeline.hosts
        self.own = max(timeline.end - timeline.start, 1e-6)
        self.length = self.own if length is None else length
        self.colour = {h: HOST_COLOURS[i % len(HOST_COLOURS)] for i, h in enumerate(self.hosts)}
        self.served = any(True for _ in timeline.of(Ping))
        self.lanes = LANE * max(1, len(self.hosts)) + (CLIENT_LANE if self.served else 0.0)
        self.lanes += prediction_overlay.height(guess)
        self.legend: dict[str, Any] = {}
        self.taken: list[Any] = []
        self.above = self.height = self.top = 0.0
        self.ax: Any = figure.add_axes((0, 0, 1, 1), label=str(len(figure.axes)))

    def plan(self) -> float:
        """Find a row for each label; inches from the panel's top to the end of its lanes."""
        self.labels = self._labels()
        self._plan_title()
        highest = 1 + max((place.row for _, place in self.labels), default=-1)
        rows = min(MOST_LABEL_ROWS, highest)
        title = TITLE + TITLE_LINE * self.title.count("\n")
        self.top = title + LABEL_ROW * rows + (0.06 if rows else 0.0)
        return self.top + self.lanes

    def place(self, above: float, height: float) -> None:
        """Give the axes their place: the panel begins `above` inches below the figure's top."""
        self.above, self.height = above, height
        self.ax.set_position(
            (
                LEFT / self.width,
                1 - (above + self.top + self.lanes) / height,
                (self.width - LEFT - RIGHT) / self.width,
                self.lanes / height,
            )
        )
        self.ax.set_xlim(0, self.length)
        self.ax.set_ylim(self.lanes, 0)

    def paint(self, axis: bool = True) -> None:
        """Lanes first, then what happened in them, then words; numbers below if it has the axis."""
        for action, place in self.labels:
            self._action(action, place)
        self._lanes()
        self._adverts()
        self._stretches()
        if self.served:
            self._client()
        prediction_overlay.draw(self, self.guess)
        measured = [self._takeover(takeover) for takeover in self._explained()]
        for one in measured:
            self._explain(*one)
        self._title()
        if not axis:
            self.ax.set_xlabel("")
            self.ax.tick_params(axis="x", labelbottom=False)

    # -- where things are --------------------------------------------------------------------

    def _x(self, t: float) -> float:
        return t - self.timeline.start

    def _lane(self, host: str) -> float:
        """The middle of the host's lane."""
        return LANE * (self.hosts.index(host) + 0.5)

    def seconds(self, inches: float) -> float:
        """The time that takes `inches` of the x axis."""
        return inches * self.length / (self.width - LEFT - RIGHT)

    def _visible(self, duration: float) -> bool:
        """Wide enough to be seen: a hundredth of an inch."""
        return duration >= self.seconds(0.01)

    # -- what is drawn -----------------------------------------------------------------------

    def _lanes(self) -> None:
        ax = self.ax
        for host in self.hosts:
            middle = self._lane(host)
            ax.add_patch(Rectangle((0, middle - BAR / 2), self.own, BAR, color=PAPER, lw=0))
            ax.text(
                -self.seconds(0.1),
                middle,
                host,
                ha="right",
                va="center",
                fontsize=10,
                weight="bold",
            )
        for span in self.timeline.spans():
            if span.host not in self.colour:
                continue
            corner = (self._x(span.start), self._lane(span.host) - BAR / 2)
            colour = self.colour[span.host]
            ax.add_patch(Rectangle(corner, span.duration, BAR, color=colour, lw=0, zorder=2))
        for side in ("left", "right", "top"):
            ax.spines[side].set_visible(False)
        ax.set_yticks([])
        ax.xaxis.set_major_locator(MaxNLocator(nbins=12, steps=[1, 2, 5, 10]))
        ax.tick_params(axis="x", length=3, labelsize=8.5)
        ax.set_xlabel("seconds", fontsize=8.5, labelpad=1)
        ax.set_axisbelow(True)
        ax.grid(axis="x", color=GRID, lw=0.6)
        holds = tuple(Patch(color=c) for c in list(self.colour.values())[:2])
        if any(True for _ in self.timeline.spans()):
            self.legend[f"holds {self.timeline.address}"] = holds

    def _adverts(self) -> None:
        """A tick on the upper edge of the sender's lane; a triangle for priority 0."""
        sent = [(a.host, a.priority == 0, self._x(a.t)) for a in self.timeline.of(Advert)]
        for host in self.hosts:
            top = self._lane(host) - BAR / 2
            ticks = [x for who, goodbye, x in sent if who == host and not goodbye]
            # An hour of ticks is a grey band, not a black one.
            width = min(1.1, max(0.2, 400 / (len(ticks) or 1)))
            if ticks:
                self.ax.vlines(ticks, top - 0.075, top + 0.03, color=INK, lw=width, zorder=5)
                style: dict[str, Any] = {"marker": "|", "ms": 8, "mew": 1.2, "ls": "", "color": INK}
                self.legend["Advertisement"] = Line2D([], [], **style)
            resignations = [x for who, goodbye, x in sent if who == host and goodbye]
            if resignations:
                style = {"marker": "v", "ms": 6, "ls": "", "color": INK}
                heights = [top - 0.045] * len(resignations)
                self.ax.plot(resignations, heights, zorder=6, clip_on=False, **style)
                self.legend["priority 0"] = Line2D([], [], **style)

    def _stretches(self) -> None:
        """Red where no host holds, hatched where two do."""
        for gap in self.timeline.gaps:
            if not self._visible(gap.duration) or not self.hosts:
                continue
            corner = (self._x(gap.start), 0.0)
            size = (gap.duration, LANE * len(self.hosts))
            self.ax.add_patch(
                Rectangle(corner, *size, color=NOBODY, alpha=NOBODY_TINT, lw=0, zorder=1)
            )
            self.legend["nobody holds"] = Patch(facecolor=NOBODY, alpha=0.35)
            self._no_holder(gap)
        for both in self.timeline.overlaps:
            if not self._visible(both.duration):
                continue
            for host in both.holders:
                if host in self.colour:
                    corner = (self._x(both.start), self._lane(host) - BAR / 2)
                    self.ax.add_patch(
                        Rectangle(
                            corner,
                            both.duration,
                            BAR,
                            fill=False,
                            ec=GROUND,
                            hatch="///",
                            lw=0,
                            zorder=3,
                        )
                    )
            self._two(both)
            self.legend["two holders"] = Patch(facecolor=UNKNOWN, edgecolor=GROUND, hatch="////")

    def _no_holder(self, gap: OwnershipInterval) -> None:
        """Write it in the lane of the host that lost it, or of the first when none ever had it."""
        losers = [s.host for s in self.timeline.spans() if s.end == gap.start]
        lane = self._lane(losers[0]) if losers and losers[0] in self.colour else LANE / 2
        choices = [f"nobody holds it\nfor {gap.duration:.2f} s", "nobody"]
        x, room = self._clear(gap.start, gap.end)
        self._write(x, lane, choices, within=room, color=NOBODY_INK, weight="bold")

    def _clear(self, start: float, end: float) -> tuple[float, float]:
        """The middle and the length (s) of the longest part that no line of an action crosses."""
        lines = [action.t for action in self.timeline.of(Action) if start < action.t < end]
        parts = list(pairwise([start, *lines, end]))
        left, right = max(parts, key=lambda part: part[1] - part[0])
        return self._x((left + right) / 2), right - left

    def _two(self, both: OwnershipInterval) -> None:
        """Say so on the bar of the one who held first."""
        host = both.holders[0]
        if host in self.colour:
            colour = self.colour[host]
            length = f"for {both.duration:.2f} s"
            choices = [f"two holders {length}", f"two holders\n{length}", "two holders", "two"]
            x, room = self._clear(both.start, both.end)
            self._write(
                x,
                self._lane(host),
                choices,
                within=room,
                weight="bold",
                **text_color_on(colour),
            )

    def _client(self) -> None:
        middle = LANE * len(self.hosts) + CLIENT_LANE / 2
        self.ax.text(-self.seconds(0.1), middle, "client", ha="right", va="center", fontsize=10)
        for part in self.timeline.service:
            colour = NOBODY if part.host is None else self.colour.get(part.host, UNKNOWN)
            height = CLIENT_BAR * (1.5 if part.host is None else 1.0)
            corner = (self._x(part.start), middle - height / 2)
            self.ax.add_patch(
                Rectangle(corner, part.duration, height, color=colour, lw=0, zorder=2)
            )
            if part.host is None and self._visible(part.duration):
                self.legend["no answer"] = Patch(facecolor=NOBODY)
                x, room = self._clear(part.start, part.end)
                self._write(
                    x,
                    middle,
                    [f"no answer for {part.duration:.2f} s", f"{part.duration:.2f} s"],
                    within=room,
                    color=text_color(NOBODY),
                    weight="bold",
                )

    def _action(self, action: Action, place: Place) -> None:
        """A line through all lanes, up to its label if there is a row for it."""
        named = place.row < MOST_LABEL_ROWS
        x, top = self._x(action.t), -LABEL_ROW * (place.row + 0.8) - 0.02 if named else 0.0
        (line,) = self.ax.plot(
            [x, x], [self.lanes, top], color=INK, lw=1.3, zorder=7, clip_on=False
        )
        self.taken.append(line.get_window_extent(self.canvas.get_renderer()))
        if named:
            side, gap = ("right", -0.05) if place.left else ("left", 0.05)
            self.ax.text(
                x + self.seconds(gap),
                top,
                label(action),
                ha=side,
                va="top",
                fontsize=8.5,
                zorder=8,
            )

    def _explained(self) -> list[Takeover]:
        """The takeovers whose time is shown: all, or of many the first to each host."""
        found = [
            one
            for one in self.timeline.takeovers
            if one.to in self.colour and one.prediction is not None
        ]
        if len(found) <= MOST_EXPLAINED:
            return found
        return list({one.to: one for one in reversed(found)}.values())

    def _takeover(self, takeover: Takeover) -> tuple[Takeover, float, float]:
        """The time from the last sign of life to the predicted moment, as a draughtsman would.

        Returns the takeover and the two ends of that time on the x axis.
        """
        prediction = takeover.prediction
        assert prediction is not None
        middle = self._lane(takeover.to)
        since, due = self._x(max(prediction.since, self.timeline.start)), self._x(prediction.at)
        self.ax.plot([due, due], [middle - LANE / 2, middle + LANE / 2], zorder=6, **PREDICTED)
        self.legend["predicted"] = Line2D([], [], **PREDICTED)
        foot = middle + BAR / 2 + 0.04
        sign = takeover.frm if prediction.basis in _ADVERTISEMENTS else None
        # A sign of its own has no mark to start from, and the bar may hold a word just there.
        origin = self._lane(sign) - BAR / 2 if sign in self.colour else foot - 0.03
        (line,) = self.ax.plot([since, since], [origin, foot + 0.03], color=INK, lw=0.7, zorder=6)
        self.taken.append(line.get_window_extent(self.canvas.get_renderer()))
        arrow = {"arrowstyle": "<|-|>,head_width=0.16,head_length=0.32", "lw": 0.9, "color": INK}
        self.ax.annotate(
            "",
            (since, foot),
            (due, foot),
            arrowprops=arrow | {"shrinkA": 0, "shrinkB": 0},
            zorder=6,
        )
        return takeover, since, due

    def _explain(self, takeover: Takeover, since: float, due: float) -> None:
        """Predicted and measured, on the new holder's bar if they fit, else before it."""
        assert takeover.prediction is not None
        head, _, tail = takeover.prediction.text.partition(" after ")
        measured = f"measured {takeover.measured:.3f} s"
        long, tall = f"{head} after {tail}\n{measured}", f"{head}\nafter {tail}\n{measured}"
        short = f"{head}\n{measured}"
        middle = self._lane(takeover.to)
        on_bar = {"ha": "left", **text_color_on(self.colour[takeover.to])}
        gap = self.seconds(0.07)
        spans = [span for span in self.timeline.spans() if span.host == takeover.to]
        stays = min((s.end for s in spans if s.end > takeover.at), default=takeover.at)
        begin = max(due, self._x(takeover.at)) + gap
        room = self._x(stays) - begin
        bars = [self._box(span, middle) for span in spans]
        gaps = [self._box(each, middle) for each in self.timeline.gaps]
        before = {"ha": "right", "avoid": bars}
        places: list[tuple[float, list[str], dict[str, Any]]] = [
            (begin, [long, tall], on_bar | {"within": room}),
            (due - gap, [tall], before),
            (begin, [short], on_bar | {"within": room}),
            (due - gap, [short], before),
            (since - gap, [tall, short], before | {"avoid": [*bars, *gaps]}),
            (due - gap, [head], before),
        ]
        any(self._write(x, middle, choices, **style) for x, choices, style in places)

    def _box(self, span: HolderInterval | OwnershipInterval, middle: float) -> Bbox:
        """What a bar would take that lasts as long as `span`, in pixels."""
        corners = [(self._x(span.start), middle - BAR / 2), (self._x(span.end), middle + BAR / 2)]
        return Bbox(self.ax.transData.transform(corners))
