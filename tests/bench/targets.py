"""What vrrpd is to reach beside keepalived, and what was measured: a line for each target.

    | first gratuitous ARP, kill or term | ≤ 0.85 × | 0.79 × | reached | |
    | start to first Advertisement | ≤ 80 ms | 61.68 ms | reached | 7.1 × keepalived's |

Contract: pure.  Where several scenarios make up a target the worst of them counts; what the figures
do not hold is "not measured".
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Data = dict[str, Any]
Measure = Callable[[Data], float | None]
THEIRS, OURS = "keepalived", "vrrpd"
FAST = ("v3 100 ms, 1 VIP", "v3 10 ms, 1 VIP")


@dataclass(frozen=True)
class Target:
    """`most` is in `unit`; "×" is the ratio of vrrpd's figure to keepalived's.

    `beside` is that ratio for a figure in another unit, which depends on the machine.
    """

    title: str
    most: float
    unit: str
    measure: Measure
    beside: Measure | None = None

    def line(self, data: Data) -> str:
        """The line of the table."""
        value = self.measure(data)
        if value is None:
            return f"| {self.title} | ≤ {self.most:g} {self.unit} | not measured | | |"
        reached = "reached" if value <= self.most else "**not reached**"
        ratio = None if self.beside is None else self.beside(data)
        beside = "" if ratio is None else f"{ratio:.1f} × keepalived's"
        return (
            f"| {self.title} | ≤ {self.most:g} {self.unit} | {value:.2f} {self.unit} "
            f"| {reached} | {beside} |"
        )


def table(data: Data) -> Iterator[str]:
    """All targets."""
    yield "| figure | target | measured | | |"
    yield "|---|---|---|---|---|"
    yield from (target.line(data) for target in TARGETS)


def _takeover(figure: str, faults: tuple[str, ...], part: float) -> Measure:
    """The worst ratio of a quantile of `figure` over the fast scenarios with these faults."""
    names = [f"{pace}, {fault}" for pace in FAST for fault in faults]

    def measure(data: Data) -> float | None:
        rows = data.get("takeover", [])
        return _worst(
            [_ratio([r for r in rows if r["scenario"] == n], figure, part) for n in names]
        )

    return measure


def _cpu(role: str, *counts: int) -> Measure:
    """The worst ratio of processor time in `role` with so many instances, over all intervals."""

    def measure(data: Data) -> float | None:
        rows = [r for r in data.get("scale", []) if r["role"] == role and r["instances"] in counts]
        groups = {(r["instances"], r["interval"]) for r in rows}
        return _worst(
            [
                _ratio([r for r in rows if (r["instances"], r["interval"]) == group], "cpu", 0.5)
                for group in sorted(groups)
            ]
        )

    return measure


def _memory(data: Data) -> float | None:
    """MiB of vrrpd with one instance."""
    rows = [r for r in data.get("scale", []) if r["kind"] == OURS and r["instances"] == 1]
    return max((r["memory"] / 2**20 for r in rows), default=None)


def _median(section: str, key: str, scale: float = 1.0, **where: object) -> Measure:
    """The median of vrrpd's figures in a section, times `scale`."""

    def measure(data: Data) -> float | None:
        rows = [r for r in data.get(section, []) if r.get("kind", OURS) == OURS]
        found = [r[key] for r in rows if all(r[name] == value for name, value in where.items())]
        return statistics.median(found) * scale if found else None

    return measure


def _median_ratio(section: str, key: str, **where: object) -> Measure:
    """The ratio of the medians of a section's figures, vrrpd's to keepalived's."""

    def measure(data: Data) -> float | None:
        rows = data.get(section, [])
        return _ratio([r for r in rows if all(r[k] == v for k, v in where.items())], key, 0.5)

    return measure


def _ratio(rows: list[dict[str, Any]], key: str, part: float) -> float | None:
    """vrrpd's quantile of a figure divided by keepalived's."""
    ours, theirs = (
        sorted(r[key] for r in rows if r["kind"] == kind and r[key] is not None)
        for kind in (OURS, THEIRS)
    )
    if not (ours and theirs) or not (below := quantile(theirs, part)):
        return None
    return quantile(ours, part) / below


def quantile(ordered: list[float], part: float) -> float:
    """The value below which that part of the values lies, the middle one for a half."""
    if part == 0.5:
        return statistics.median(ordered)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def _worst(ratios: list[float | None]) -> float | None:
    return max((ratio for ratio in ratios if ratio is not None), default=None)


TARGETS = (
    Target("CPU as BACKUP, 1 instance", 1.2, "×", _cpu("BACKUP", 1)),
    Target("CPU as BACKUP, 10 instances", 0.8, "×", _cpu("BACKUP", 10)),
    Target("CPU as BACKUP, 255 instances", 0.3, "×", _cpu("BACKUP", 255)),
    Target("CPU as BACKUP, 1,000 instances", 0.3, "×", _cpu("BACKUP", 1000)),
    Target("CPU as MASTER, 10 instances and more", 1.0, "×", _cpu("MASTER", 10, 100, 255, 1000)),
    Target(
        "first gratuitous ARP, kill or term", 0.85, "×", _takeover("arp", ("kill", "term"), 0.5)
    ),
    Target("the same, nine of ten", 1.0, "×", _takeover("arp", ("kill", "term"), 0.9)),
    Target("first gratuitous ARP, unplug", 1.0, "×", _takeover("arp", ("unplug",), 0.5)),
    Target("client answered again, unplug", 1.0, "×", _takeover("ping", ("unplug",), 0.5)),
    Target(
        "start to first Advertisement",
        80,
        "ms",
        _median("start", "seconds", 1e3),
        _median_ratio("start", "seconds"),
    ),
    *(
        Target(
            f"`-t`, {title}",
            most,
            "ms",
            _median("checking", "seconds", 1e3, instances=instances),
            _median_ratio("checking", "seconds", instances=instances),
        )
        for title, most, instances in (
            ("1 instance", 45, 1),
            ("100 kB", 350, 400),
            ("1,000 instances with 10,000 addresses", 200, 1000),
        )
    ),
    Target(
        "silence around a reload of that file",
        1.05,
        "intervals",
        _median("reload", "silence_ms", 0.01),
    ),
    Target("memory, 1 instance", 16, "MiB", _memory),
    Target('`Lab("basic")` ready', 0.3, "s", _median("lab", "ready")),
    Target('`Lab("basic")` closed', 0.15, "s", _median("lab", "closed")),
    Target("`make lab` to a lesson that can be run", 3, "s", _median("notebook", "ready")),
)
