"""A figure as HTML that is right on a light page and on a dark one, and says what it shows.

    <img src="data:image/svg+xml;base64,..." alt="192.168.1.10 moved from web1 to web2 ...">
    <details><summary>The same in words</summary><pre>...</pre></details>

The SVG holds each color as a variable with two values, and chooses by `prefers-color-scheme`, which
in an image is the color scheme of the element around it: JupyterLab sets that of its theme, the
book and the site that of theirs.  A page that sets none shows the reader's own choice, and the
figure can be read there, too, for it brings its ground with it.  It is sharp at every density, the
words in it are outlines and need no font, and JupyterLab shows it in a notebook that it does not
trust, for an <img> needs neither script nor style sheet.
"""

from __future__ import annotations

import base64
import html
import io
import re
from typing import TYPE_CHECKING

from labs.figures.palette import DARK

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUMMARY = "The same in words"
PIXELS = 108  # CSS pixels for an inch of the figure: as wide as a cell of a notebook, at most
MOST_ALT = 1000  # characters
# Lanes drawn in characters, their scale, their marks and their legend.
_LANES = re.compile(r"[░▒▓█·!]{4}|█ holds|^\s*\^ |\b0 s  ")
_COLOR = re.compile(r"(?<=: )#[0-9a-f]{6}\b")


def html_figure(figure: Figure, text: str) -> str:
    """The HTML of a figure whose text twin is `text`."""
    image = base64.b64encode(svg(figure)).decode()
    width = round(figure.get_size_inches()[0] * PIXELS)
    return (
        f'<img src="data:image/svg+xml;base64,{image}" alt="{html.escape(alt(text))}" '
        f'width="{width}" style="max-width:100%;height:auto">'
        f"<details><summary>{SUMMARY}</summary><pre>{html.escape(text)}</pre></details>"
    )


def svg(figure: Figure) -> bytes:
    """The figure as an SVG of two color schemes; the same figure gives the same bytes."""
    from matplotlib import rc_context

    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with rc_context({"svg.hashsalt": "labs"}):
        figure.savefig(buffer, format="svg", metadata=nothing)
    drawn = re.sub(r"\n\s*", "\n", buffer.getvalue())
    head, body = re.split(r"(?<=<defs>\n)(?=<style)", drawn, maxsplit=1)
    used: list[str] = []

    def variable(found: re.Match[str]) -> str:
        if found[0] not in used:
            used.append(found[0])
        return f"var(--c{used.index(found[0])})"

    body = _COLOR.sub(variable, body)
    return f"{head}{_styles(used)}{body}".encode()


def _styles(used: list[str]) -> str:
    """What gives these colors, as the drawing has them, their values in either scheme."""
    dark = {light.lower(): value for light, value in DARK.items()}
    schemes = (
        "".join(f"--c{number}:{value};" for number, value in enumerate(values))
        for values in (used, [dark.get(one, one) for one in used])
    )
    light, other = (f":root{{{scheme}}}" for scheme in schemes)
    return f"<style>{light}@media (prefers-color-scheme:dark){{{other}}}</style>\n"


def alt(text: str) -> str:
    """The sentences of a text twin on one line, without the lanes drawn in characters."""
    lines = (line.strip() for line in text.splitlines() if not _LANES.search(line))
    whole = " ".join(line for line in lines if line) or "a figure"
    return whole if len(whole) <= MOST_ALT else f"{whole[: MOST_ALT - 2]} …"
