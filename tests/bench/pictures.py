"""The pictures of docs/performance.md: every takeover as a dot, and the cost of many instances."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from labs.figures.plot import save
from labs.figures.timeline_figure import STYLE
from tests.bench.page import by, pace
from tests.bench.targets import OURS, THEIRS, quantile

LOOK: dict[str, dict[str, Any]] = {
    THEIRS: {"color": "#767676", "marker": "s"},
    OURS: {"color": "#0b5394", "marker": "o"},
}


def draw(data: dict[str, Any], folder: Path) -> None:
    """Write both pictures."""
    with rc_context(STYLE):
        save(takeovers(data["takeover"]), folder / "performance-takeover.png")
        save(processors(data["scale"]), folder / "performance-scale.png")


def takeovers(rows: list[dict[str, Any]]) -> Figure:
    """The first gratuitous ARP of every takeover, a row of dots for each scenario and make."""
    scenarios = [(name, group) for name, group in by(rows, "scenario")]
    figure = Figure(figsize=(8, 0.6 + 0.42 * len(scenarios)), layout="constrained")
    axes = figure.subplots()
    for place, (_, group) in enumerate(scenarios):
        for kind, shift in ((THEIRS, -0.17), (OURS, 0.17)):
            values = sorted(max(0.02, row["arp"]) for row in group if row["kind"] == kind)
            label = kind if not place else None
            axes.plot(
                values,
                [place + shift] * len(values),
                linestyle="",
                alpha=0.45,
                markersize=4,
                label=label,
                **LOOK[kind],
            )
            axes.plot(
                [quantile(values, 0.5)] * 2,
                [place + shift - 0.15, place + shift + 0.15],
                color="black",
                linewidth=1.5,
            )
    axes.set_xscale("log")
    axes.set_yticks(range(len(scenarios)), [name for name, _ in scenarios])
    axes.invert_yaxis()
    axes.set_xlabel("ms from the protocol's moment to the first gratuitous ARP (line: median)")
    axes.legend(loc="upper right")
    # 0.1, 0.2, 0.5, 1 ...: matplotlib would name the ticks between them, too, and they collide.
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    return figure


def processors(rows: list[dict[str, Any]]) -> Figure:
    """Percent of a processor against the number of instances, a panel for each state."""
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, role in zip(panels, ("BACKUP", "MASTER"), strict=True):
        for (kind, interval), group in by(rows, "kind", "interval"):
            mine = [row for row in group if row["role"] == role]
            if len(mine) < 2:
                continue
            style = "-" if interval >= 1 else "--"
            axes.plot(
                [row["instances"] for row in mine],
                [max(0.001, row["cpu"]) for row in mine],
                linestyle=style,
                label=f"{kind}, {pace(interval)}",
                **LOOK[kind],
            )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_title(role)
        axes.set_xlabel("instances")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_major_formatter("{x:g}")
    panels[0].set_ylabel("percent of one processor")
    panels[0].legend()
    return figure
