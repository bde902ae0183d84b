"""The colours of the lab, the same in every figure and picture.

They are Okabe and Ito's (2008), chosen for the colour-blind, and nothing depends on colour alone:
a lane says who, hatching says two, words say that no host holds, so a grey print shows the same.
Blue and orange, the first two hosts, differ in lightness too; vermilion is for no holder.
"""

from __future__ import annotations

HOST_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#F0E442")
NOBODY = "#D55E00"
DARK_RED = "#8A3B00"
UNKNOWN = "#999999"
INK = "#222222"
PAPER = "#F1F1F1"


def luma(colour: str) -> float:
    """Lightness of ``#RRGGBB`` as a grey print shows it, 0 to 1 (Rec. 709)."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def text_color_on(colour: str) -> dict[str, object]:
    """The text style (matplotlib's words) that reads on a bar of `colour`, hatched or not."""
    ground = {"facecolor": colour, "lw": 0, "pad": 1.5}
    return {"color": "white" if luma(colour) < 0.5 else INK, "bbox": ground}
