"""The colors of the figures, for a light page and for a dark one.

The hosts' are Okabe and Ito's (2008), chosen for the color-blind, and nothing depends on color
alone: a lane says who, hatching says two, words say that no host holds, so a grey print shows the
same.  Blue and orange, the first two hosts, differ in lightness too; vermilion is for no holder.

A figure is drawn in the colors of a light page.  Each of them has one part to play, and so one
color in the dark (`DARK`), by which `labs.figures.html_figure` finds it again in the drawing.
"""

from __future__ import annotations

from typing import Any

HOST_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#F0E442")
GROUND = "#FFFFFF"  # what is drawn on, and gaps between filled areas
PAPER = "#F1F1F1"  # a lane or a box of which nothing is known
SHADE = "#DCDCDC"  # a box that is set off from PAPER
GRID = "#DDDDDD"
INK = "#222222"  # lines, and words on GROUND, PAPER and SHADE
NOBODY = "#D55E00"
NOBODY_INK = "#8A3B00"  # words on such a tint, and of what is broken
UNKNOWN = "#999999"
ON_BLUE, ON_BRIGHT = "#FEFEFE", "#111111"  # words on the first host's color, and on all others

DARK = {
    **{colour: colour for colour in HOST_COLOURS[1:]},
    HOST_COLOURS[0]: "#3D9BDB",  # lighter, to be seen on the dark lane
    GROUND: "#111111",
    PAPER: "#2A2D33",
    SHADE: "#3C4048",
    GRID: "#383C43",
    INK: "#E8EAEE",
    NOBODY: NOBODY,
    NOBODY_INK: "#FFB380",
    UNKNOWN: UNKNOWN,
    ON_BLUE: "#101010",
    ON_BRIGHT: ON_BRIGHT,
}
NOBODY_TINT = 0.22  # opacity of that color over the lanes while no host holds


def text_color(ground: str) -> str:
    """Color of words on a bar or box filled with `ground`: that of a host, of no host, or INK."""
    return {HOST_COLOURS[0]: ON_BLUE, INK: GROUND}.get(ground, ON_BRIGHT)


def text_color_on(colour: str) -> dict[str, Any]:
    """The text style (matplotlib's words) that reads on a bar of `colour`, hatched or not."""
    ground = {"facecolor": colour, "lw": 0, "pad": 1.5}
    return {"color": text_color(colour), "bbox": ground}
