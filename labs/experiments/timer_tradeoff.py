"""What a quicker takeover costs: false alarms, counted on a LAN in memory and drawn as a curve.

    tradeoff()              the figure and its text twin, some seconds of work
    count(0.1, loss=0.2)    one point of it: real daemons in memory, 100 ms, 20 % of frames lost
    three_or_ten(0.2)       the same Master_Down_Interval made of 3 and of 10 advertisements

A false alarm is a BACKUP that becomes MASTER although the MASTER lives.
Where frames are lost one by one, each with chance p, it takes n of them in a row, n being
down_timer_adverts: the next one comes after n + 1 intervals, Master_Down_Interval is n and a skew.

    false alarms per second = (1 - p) p^n / interval        every run of losses begins with a hit
    Master_Down_Interval    = n * interval + skew           RFC 9568 section 6.1

So a quicker takeover costs in proportion, and a larger n in the same time costs nothing but
packets. Losses that come in bursts, and a machine that sleeps, are another matter:
`labs.experiments.cpu_contention.lateness`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labs.analysis.master_down_timer import master_down
from labs.figures.base import Figure, canvas
from labs.model.facts import State

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

DAY = 86_400.0
PRIORITY = 100  # of the backup in the state "fast"
INTERVALS = (1.0, 0.3, 0.1, 0.03, 0.01)
LOSSES = (0.01, 0.05, 0.2)
MANY = 10  # advertisements that may be missed, for the dashed line
SHORTEST = 0.01  # s: an advertisement says its interval in hundredths
ADVERTS = 6000  # of each run in memory
SEEN = 20  # false alarms that a run must promise to be worth while


@dataclass(frozen=True, slots=True)
class Setting:
    """`interval` in s, `loss` as a share (0 to 1), `missed`: down_timer_adverts."""

    interval: float
    loss: float
    missed: int = 3

    @property
    def master_down_interval(self) -> float:
        """Master_Down_Interval in s, version 3."""
        return master_down(PRIORITY, 3, self.interval, self.missed)

    @property
    def expected(self) -> float:
        """False alarms a day, by the formula above."""
        return DAY / self.interval * (1 - self.loss) * self.loss**self.missed


@dataclass(frozen=True, slots=True)
class Point:
    """`alarms` false alarms in `seconds` of virtual time."""

    setting: Setting
    alarms: int
    seconds: float

    @property
    def per_day(self) -> float:
        """The same as a rate."""
        return self.alarms / self.seconds * DAY


def count(interval: float, loss: float, adverts: int = ADVERTS, missed: int = 3) -> Point:
    """Let vrrpd's own daemons run in memory for `adverts` advertisements and count false alarms.

    The path to the backup loses the share `loss` of all frames.
    """
    from labs.simulation.lan import Lan

    lan = Lan("empty", ping=None, seed=round(1000 * interval), detailed=False)
    for host in lan.machines:
        lan.conf(host, _file(host, interval, missed))
        lan.start(host)
    lan.wait_until(lambda: lan.holders() == ["web1"], timeout=60)
    lan.lose("web2", loss)
    before, seconds = len(lan.facts), adverts * interval
    lan.run(seconds)
    new = [fact for fact in lan.facts[before:] if isinstance(fact, State)]
    alarms = sum((fact.host, fact.to) == ("web2", "MASTER") for fact in new)
    return Point(Setting(interval, loss, missed), alarms, seconds)


def _file(host: str, interval: float, missed: int) -> str:
    """keepalived.conf of the state "fast" with another interval."""
    from labs.simulation.lan import STATES

    text = (STATES / "fast" / host / "keepalived.conf").read_text()
    lines = f"advert_int {interval}\n        down_timer_adverts {missed}"
    return re.sub(r"advert_int \S+", lines, text)


def tradeoff(intervals: Sequence[float] = INTERVALS, losses: Sequence[float] = LOSSES) -> Tradeoff:
    """False alarms by the formula, and counted wherever a short run promises enough of them."""
    settings = [Setting(interval, loss) for loss in losses for interval in intervals]
    worth = [s for s in settings if s.expected * ADVERTS * s.interval / DAY >= SEEN]
    return Tradeoff(tuple(settings), tuple(count(each.interval, each.loss) for each in worth))


@dataclass(frozen=True, slots=True)
class Points:
    """Some points, a line each."""

    points: tuple[Point, ...]

    def __repr__(self) -> str:
        return "\n".join(
            f"{each.setting.missed} missed, every {each.setting.interval} s: takeover after "
            f"{each.setting.master_down_interval:.2f} s, {each.per_day:,.0f} false alarms a day"
            for each in self.points
        )


def three_or_ten(loss: float) -> Points:
    """Count false alarms for 3 advertisements missed every 100 ms and for 10 every 30 ms."""
    return Points((count(0.1, loss), count(0.03, loss, missed=MANY)))


@dataclass(frozen=True, repr=False)
class Tradeoff(Figure):
    """The settings, and the points counted for some of them."""

    settings: tuple[Setting, ...]
    points: tuple[Point, ...]

    def text(self) -> str:
        """A row for each interval: Master_Down_Interval, adverts a second, false alarms a day."""
        losses = sorted({each.loss for each in self.settings})
        head = "".join(f"{f'{loss:.0%} lost':>20}" for loss in losses)
        rows = ["                          false alarms a day, by formula (counted in memory)"]
        rows.append(f"interval  takeover after{head}")
        for interval in sorted({each.interval for each in self.settings}, reverse=True):
            cells = "".join(f"{self._cell(interval, loss):>20}" for loss in losses)
            master_down_interval = Setting(interval, 0.0).master_down_interval
            rows.append(f"{interval * 1000:5.0f} ms {master_down_interval:12.3f} s {cells}")
        many = _same_down_interval(Setting(1.0, losses[-1]), MANY)
        rows.append(
            f"the takeover of 1000 ms with {MANY} advertisements missed instead of 3, one every "
            f"{many.interval * 1000:.0f} ms, {losses[-1]:.0%} lost: {_short(many.expected)} a day"
        )
        return "\n".join(rows)

    def _cell(self, interval: float, loss: float) -> str:
        told = _short(Setting(interval, loss).expected)
        found = [p for p in self.points if (p.setting.interval, p.setting.loss) == (interval, loss)]
        return f"{told} ({_short(found[0].per_day)})" if found else told

    def figure(self) -> Drawing:
        """False alarms a day against Master_Down_Interval, logarithmic; a line for each loss."""
        return _draw(self)


def _same_down_interval(setting: Setting, missed: int) -> Setting:
    """As many advertisements missed in the same time: a shorter interval."""
    of_one_second = master_down(PRIORITY, 3, 1.0, missed)  # in proportion to the interval
    return Setting(setting.master_down_interval / of_one_second, setting.loss, missed)


def _short(number: float) -> str:
    """Two digits are all that such a number deserves: 0.086, 8.6, 5900."""
    return f"{float(f'{number:.2g}'):,.4g}" if number < 1000 else f"{float(f'{number:.2g}'):,.0f}"


def _draw(found: Tradeoff) -> Drawing:
    from labs.figures.palette import HOST_COLOURS, INK
    from labs.figures.timeline_figure import WIDTH

    with canvas(WIDTH, 4.2) as figure:
        title = (
            "Ten times faster: ten times the false alarms. Ten missed instead of three: hardly any"
        )
        figure.text(0.014, 0.97, title, va="top", fontsize=11, weight="bold")
        ax: Any = figure.add_axes((0.1, 0.16, 0.755, 0.73))
        losses = sorted({each.loss for each in found.settings})
        for colour, marker, loss in zip(HOST_COLOURS, "osD", losses, strict=False):
            line = [each for each in found.settings if each.loss == loss]
            _line(ax, line, f"{loss:.0%} lost, 3 missed", color=colour)
            dots = [point for point in found.points if point.setting.loss == loss and point.alarms]
            xs, ys = (
                [dot.setting.master_down_interval for dot in dots],
                [dot.per_day for dot in dots],
            )
            ax.plot(xs, ys, ls="", marker=marker, color=colour, mec=INK, ms=7, zorder=4)
        many = [
            _same_down_interval(each, MANY) for each in found.settings if each.loss == losses[-1]
        ]
        many = [each for each in many if each.interval >= SHORTEST]
        if many:
            _line(ax, many, f"{losses[-1]:.0%} lost, {MANY} missed", color=INK, ls=(0, (4, 2)))
        _axes(ax)
        return figure


def _line(ax: Any, line: Sequence[Setting], label: str, **style: Any) -> None:
    """A line with its name at the right end."""
    xs, ys = [each.master_down_interval for each in line], [each.expected for each in line]
    ax.plot(xs, ys, lw=1.8, zorder=3, **style)
    ax.annotate(
        label,
        (max(xs), min(ys)),
        xytext=(9, 0),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
        annotation_clip=False,
    )


def _axes(ax: Any) -> None:
    from matplotlib.ticker import FuncFormatter

    from labs.figures.palette import GRID

    ax.set_xscale("log")
    ax.set_yscale("log")
    ticks = [interval * Setting(1.0, 0.0).master_down_interval for interval in INTERVALS]
    names = [f"{interval * 1000:g} ms" for interval in INTERVALS]
    ax.set_xticks(ticks, [f"{t:.3g} s\n({n})" for t, n in zip(ticks, names, strict=True)])
    ax.set_xticks([], minor=True)
    ax.set_xlabel("the backup takes over after ... (three missed, one every ...)", fontsize=8.5)
    ax.set_ylabel("false alarms a day", fontsize=8.5)
    ax.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
    )
    ax.grid(axis="y", color=GRID, lw=0.6)
    for side in ("right", "top"):
        ax.spines[side].set_visible(False)
