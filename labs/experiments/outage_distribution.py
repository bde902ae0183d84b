"""Many pulled cables at once: how long no host holds the address, and what that depends on.

    spread = distribution.simulate(1000)       a thousand pulls in memory, two seconds
    spread = spread.with_real(5)               and five on real clusters, side by side
    spread                                     the figure and its text twin

A Master_Down_Timer counts from the last Advertisement, the trouble from the pull.
So a pull early between two Advertisements costs more than a late one, and never anything else:

    no holder                                     how often
    3.609 s  .                                  ▇▇▇▇▇▇▇▇
               .   .   o                        ▇▇▇▇▇▇▇▇▇         o  a real cluster
                     .    .                     ▇▇▇▇▇▇▇
    2.609 s                  .                  ▇▇▇▇▇▇▇▇
             0 s  pulled after an Advertisement  1 s
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from labs.analysis.master_down_timer import master_down
from labs.figures.base import Figure, canvas
from labs.model.facts import Advert

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from labs.emulation.lab import Lab

INTERVAL = 1.0  # s; advert_int of the state "basic"
MASTER_DOWN = master_down(100, 2, INTERVAL)  # s; Master_Down_Interval of the state's web2
# Between two bars of the histogram, in s.
BIN = 0.1


@dataclass(frozen=True, slots=True)
class Pull:
    """A cable pulled `phase` seconds after an Advertisement; no host held for `gap` seconds."""

    phase: float
    gap: float


@dataclass(frozen=True, repr=False)
class Spread(Figure):
    """What came of many pulls, in memory and on real machines."""

    simulated: tuple[Pull, ...]
    real: tuple[Pull, ...] = ()

    @property
    def shortest(self) -> float:
        """The shortest time without a holder, in s, of the simulated pulls."""
        return min(pull.gap for pull in self.simulated)

    @property
    def longest(self) -> float:
        """The longest, in s, of the simulated pulls."""
        return max(pull.gap for pull in self.simulated)

    def with_real(self, count: int = 5) -> Spread:
        """The same beside `count` pulls on real clusters, which all run at once."""
        from labs.replay.recording import aside

        def pulls() -> list[list[float]]:
            return [[pull.phase, pull.gap] for pull in measure(count)]

        return replace(self, real=tuple(Pull(*told) for told in aside("distribution", pulls)))

    def figure(self) -> Drawing:
        """Gap against phase, with the line that the protocol promises, and how often each came."""
        return _draw(self)

    def text(self) -> str:
        """The histogram in characters, and the real pulls one by one."""
        lines = ["nobody held the address for"]
        for low, count in _histogram(self.simulated):
            bar = "█" * round(200 * count / len(self.simulated))
            lines.append(f"  {low:.2f} to {low + BIN:.2f} s  {bar} {count}")
        lines.append(
            f"{len(self.simulated)} simulated pulls: {self.shortest:.2f} to {self.longest:.2f} s"
        )
        for pull in sorted(self.real, key=lambda pull: pull.phase):
            promised = MASTER_DOWN - pull.phase
            lines.append(
                f"real: pulled {pull.phase:.2f} s after an Advertisement, nobody held "
                f"for {pull.gap:.2f} s (promised {promised:.2f} s)"
            )
        return "\n".join(lines)


def simulate(count: int = 1000, seed: int = 1) -> Spread:
    """Pulls the master's cable `count` times in memory, at moments that chance chooses.

    The same `seed` gives the same moments; the daemons are vrrpd's own.
    """
    from labs.simulation.lan import Lan

    chance = random.Random(seed)
    lan = Lan("basic", ping=None)
    lan.wait_until(lambda: lan.holders() == ["web1"])
    pulls = []
    for _ in range(count):
        lan.run(INTERVAL + chance.random() * INTERVAL)
        spoke = next(f.t for f in reversed(lan.facts) if isinstance(f, Advert))
        pulled = lan.now
        lan.unplug("web1")
        lan.wait_until(lambda: lan.holders() == ["web2"])
        pulls.append(Pull(pulled - spoke, lan.now - pulled))
        lan.plug("web1")
        lan.wait_until(lambda: lan.holders() == ["web1"])
    return Spread(tuple(pulls))


def measure(count: int = 5) -> tuple[Pull, ...]:
    """Pulls the master's cable on `count` real clusters, each at another moment.

    The clusters exist side by side, with the same addresses, and are gone afterwards.  The lab
    that was there before them stays.
    LabError if one of them does not do what it should in time.
    """
    from labs.emulation.lab import Lab

    labs: list[Lab] = []
    try:
        for _ in range(count):
            labs.append(Lab("basic", beside=True))
        for lab in labs:
            lab.wait_until(partial(_advertised, lab), what="the master to speak")
        return _pull_each(labs)
    finally:
        for lab in labs:
            lab.close()


def _pull_each(labs: Sequence[Lab]) -> tuple[Pull, ...]:
    """Pull the cables at moments spread over an interval, then look at all of them."""
    due = {
        lab: _advertised(lab)[-1] + 2 * INTERVAL + INTERVAL * (number + 0.5) / len(labs)
        for number, lab in enumerate(labs)
    }
    for lab, moment in sorted(due.items(), key=lambda item: item[1]):
        lab.wait_until(partial(_is_past, moment), what="the right moment")
        lab.unplug("web1")
    return tuple(map(_pulled, labs))


def _pulled(lab: Lab) -> Pull:
    """What came of pulling the master's cable, once the backup has the address."""
    lab.wait_until(lambda: lab.holders() == ["web2"], what="the backup to take over")
    takeover = lab.timeline().takeovers[-1]
    assert takeover.cause is not None
    assert takeover.after is not None
    gap = takeover.at - takeover.cause.t
    return Pull(takeover.after - gap, gap)


def _is_past(moment: float) -> bool:
    return time.time() >= moment


def _advertised(lab: Lab) -> list[float]:
    """When the master has sent its Advertisements."""
    return [advert.t for advert in lab.witness.of(Advert) if advert.host == "web1"]


def _histogram(pulls: Sequence[Pull]) -> list[tuple[float, int]]:
    """(lower edge in s, how many) of each bar, from the shortest gap to the longest."""
    lowest = MASTER_DOWN - INTERVAL
    bins = round(INTERVAL / BIN)
    number = [min(max(0, int((pull.gap - lowest) / BIN)), bins - 1) for pull in pulls]
    return [(lowest + n * BIN, number.count(n)) for n in range(bins)]


def _draw(spread: Spread) -> Drawing:
    from labs.figures.timeline_figure import WIDTH

    with canvas(WIDTH, 3.6) as figure:
        figure.text(0.014, 0.97, _title(spread), va="top", fontsize=11, weight="bold")
        pulls: Any = figure.add_axes((0.085, 0.13, 0.6, 0.74))
        often: Any = figure.add_axes((0.73, 0.13, 0.25, 0.74), sharey=pulls)
        _scatter(pulls, spread)
        _bars(often, spread)
        return figure


def _title(spread: Spread) -> str:
    return (
        f"Between {spread.shortest:.1f} s and {spread.longest:.1f} s, "
        "depending on when between two Advertisements the cable is pulled"
    )


def _scatter(ax: Any, spread: Spread) -> None:
    from labs.figures.palette import HOST_COLOURS, INK, UNKNOWN

    line = ((0, INTERVAL), (MASTER_DOWN, MASTER_DOWN - INTERVAL))
    ax.plot(*line, color=INK, lw=1.4, ls=(0, (3, 2)), zorder=3)
    ax.text(
        0.03,
        MASTER_DOWN - INTERVAL + 0.06,
        f"dashed: {MASTER_DOWN:.3f} s after the last Advertisement",
        va="bottom",
    )
    xs, ys = zip(*((pull.phase, pull.gap) for pull in spread.simulated), strict=True)
    told = f"{len(xs)} simulated pulls"
    ax.scatter(xs, ys, s=9, color=UNKNOWN, alpha=0.45, lw=0, zorder=2, label=told)
    if spread.real:
        xs, ys = zip(*((pull.phase, pull.gap) for pull in spread.real), strict=True)
        style = {"s": 62, "marker": "D", "color": HOST_COLOURS[1], "edgecolor": INK, "lw": 1.2}
        ax.scatter(xs, ys, zorder=5, label=f"{len(xs)} real ones", **style)
    legend = ax.legend(loc="upper right", frameon=False, fontsize=8.5)
    legend.legend_handles[0].set(sizes=[40], alpha=0.8)
    ax.set_xlim(-0.02, INTERVAL + 0.02)
    ax.set_ylim(MASTER_DOWN - INTERVAL - 0.1, MASTER_DOWN + 0.15)
    ax.set_xlabel("cable pulled, seconds after an Advertisement", fontsize=8.5)
    ax.set_ylabel("nobody holds it, seconds", fontsize=8.5)
    _plain(ax)


def _bars(ax: Any, spread: Spread) -> None:
    from labs.figures.palette import UNKNOWN

    rows = _histogram(spread.simulated)
    middles = [low + BIN / 2 for low, _ in rows]
    counts = [count for _, count in rows]
    ax.barh(middles, counts, height=BIN * 0.82, color=UNKNOWN, lw=0)
    ax.set_xlabel("how often", fontsize=8.5)
    ax.tick_params(labelleft=False)
    _plain(ax)


def _plain(ax: Any) -> None:
    from labs.figures.palette import GRID

    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(color=GRID, lw=0.6)
    ax.set_axisbelow(True)
