"""Every figure of the labs, and the only door to matplotlib.

    plot.timeline(timeline)            the house figure: who owned the address, when and why
    plot.save(figure, "takeover.svg")  as a file
    plot.png(figure)                   as bytes

    192.168.1.10 moved from master to backup 3.1 s after the cable was pulled
              | cable of master pulled
    master  ▔▔| nobody  ¦                          a lane per host, filled by the owner
    backup    |<------->¦▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔        ¦ the moment that the protocol predicts
    client  ──|!!!!!!!!!|──────────────────        who answers its pings
            0         5         10 seconds

Figures are made without pyplot, so they share no state and need no closing.
A Timeline shows the house figure by itself; call `timeline` here for another title or size.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib import rc_context
from matplotlib.figure import Figure

from labs.guesses import Guess
from labs.house import DPI, STYLE, WIDTH, House
from labs.telling import headline

if TYPE_CHECKING:
    from labs.timeline import Timeline


def timeline(
    timeline: Timeline,
    title: str | None = None,
    width: float = WIDTH,
    guess: Guess | None = None,
) -> Figure:
    """The house figure, `width` inches wide; `title` defaults to the fact that it shows.

    `guess`: what somebody expected, drawn below the lanes.
    """
    with rc_context(STYLE):
        return House(timeline, title or headline(timeline), width).draw(guess)


def png(figure: Figure, dpi: int = DPI) -> bytes:
    """The figure as a PNG file; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def save(figure: Figure, path: str | Path, dpi: int = DPI) -> None:
    """Write the figure to `path`; its ending chooses the format (.png, .svg, .pdf)."""
    metadata = {".png": {"Software": None}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    figure.savefig(path, dpi=dpi, metadata=metadata.get(Path(path).suffix.lower()))
