"""Where the labels above the lanes go: rows in which no label covers another, nor any line.

    cut ----------+
    | cable of web1 pulled            row 1: above the label whose line it would cover
    |     | cable of web1 plugged     row 0: the lowest
    |     |            mended |       near the right edge a label stands left of its line
    +-----+-------------------+--

Each action has a line from the lanes up to its label.
A label right of its line may cover the lines of later actions, so it goes above their rows;
a label left of its line may cover those of earlier ones, and goes above theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """`row` 0 is the lowest; `left` says that the label stands left of its line."""

    row: int
    left: bool


def places(lines: Sequence[float], widths: Sequence[float], limit: float) -> list[Place]:
    """A place for each label; `lines` are positions in ascending order, `limit` the right edge.

    All three in the same unit; widths include the distance to keep.
    """
    flipped = _flipped(lines, widths, limit)
    rows: dict[int, int] = {}
    for i in sorted(flipped):
        covered = [j for j in rows if lines[j] >= lines[i] - widths[i]]
        rows[i] = max((rows[j] + 1 for j in covered), default=0)
    for i in reversed(range(len(lines))):
        if i in flipped:
            continue
        end = lines[i] + widths[i]
        covered = [
            j for j in rows if j > i and lines[j] - (widths[j] if j in flipped else 0) <= end
        ]
        rows[i] = max((rows[j] + 1 for j in covered), default=0)
    return [Place(rows[i], i in flipped) for i in range(len(lines))]


def _flipped(lines: Sequence[float], widths: Sequence[float], limit: float) -> set[int]:
    """The labels that do not fit on the right, and those whose lines these would cover."""
    flipped: set[int] = set()
    edge = limit  # where the leftmost label left of its line begins
    for i in reversed(range(len(lines))):
        if lines[i] + widths[i] > limit or (flipped and lines[i] >= edge):
            flipped.add(i)
            edge = min(edge, lines[i] - widths[i])
    return flipped
