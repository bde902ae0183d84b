"""The one look of everything that the lessons show: a card with a coloured edge, and a table.

    ┃ A surprise                              JupyterLab shows the HTML,
    ┃ You said 1 s; it was 3.61 s.            terminals, tests and screen readers the text

Colour never stands alone: the title says the same in words.
The edge alone has it, which is seen on a light and on a dark page; words in it would not be read on
both by everybody.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_CELL = "text-align:left;padding:.1em .9em .1em 0;vertical-align:top"
# Beside the words, which in these colours could not be read by everybody.
_BAND = ";border-left:4px solid {};padding-left:.5em"
RIGHT, WRONG, OPEN = "#1b7837", "#b35806", "#666666"


def card(colour: str, title: str, body: str) -> str:
    """The HTML of a card; `title` is text with commands in backticks, `body` is HTML already."""
    return (
        f'<div style="border-left:4px solid {colour};padding:.3em .8em;margin:.3em 0">'
        f"<b>{marked(title)}</b><br>{body}</div>"
    )


def folded(summary: str, body: str) -> str:
    """HTML that shows `summary` (text) and unfolds `body` (HTML) at a click."""
    return f"<details><summary>{html.escape(summary)}</summary>{body}</details>"


def marked(text: str) -> str:
    """Text as HTML; what stands between two backticks in the letters of a program."""
    return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", html.escape(text))


def lines(*texts: str) -> str:
    """Texts as HTML, each on a line of its own; empty ones are left out."""
    return "<br>".join(marked(text) for text in texts if text)


@dataclass(frozen=True, slots=True)
class Card:
    """Words to show as the last line of a cell: a title and lines of text below it."""

    colour: str
    title: str
    body: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "\n".join([self.title, *(line for line in self.body if line)])

    def _repr_html_(self) -> str:
        return card(self.colour, self.title, lines(*self.body))


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells below a head: HTML in a notebook, columns of characters everywhere else.

    A row that is a text is a line across all columns, and the heading of the rows below it; `bands`
    has the colours of such lines. `right`: the columns that are flush right. `code`: those in the
    letters of a program.
    """

    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...] | str]
    right: tuple[int, ...] = ()
    code: tuple[int, ...] = ()
    bands: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """The table in characters."""
        cells = [self.head, *(row for row in self.rows if not isinstance(row, str))]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = []
        for row in (self.head, *self.rows):
            if isinstance(row, str):
                lines.append(f"── {row}")
                continue
            padded = (
                cell.rjust(width) if column in self.right else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            lines.append("  ".join(padded).rstrip())
        return "\n".join(lines)

    def html(self) -> str:
        """The table as HTML."""
        parts, colour = [self._row(self.head, "th", "")], ""
        for row in self.rows:
            if isinstance(row, str):
                colour = self.bands.get(row, "")
                name = f"<b>{html.escape(row)}</b>"
                style = _CELL + (_BAND.format(colour) if colour else "")
                parts.append(f'<tr><td colspan="{len(self.head)}" style="{style}">{name}</td></tr>')
            else:
                parts.append(self._row(row, "td", colour))
        return f'<table style="border-collapse:collapse">{"".join(parts)}</table>'

    def _row(self, cells: tuple[str, ...], tag: str, colour: str) -> str:
        made = []
        for column, cell in enumerate(cells):
            style = _CELL.replace("left", "right") if column in self.right else _CELL
            if colour and column == 0:
                style += _BAND.format(colour)
            words = html.escape(cell)
            if column in self.code and tag == "td":
                words = f"<code>{words}</code>"
            made.append(f'<{tag} style="{style}">{words}</{tag}>')
        return f"<tr>{''.join(made)}</tr>"

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return self.html()


def widget(form: object, twin: Card) -> dict[str, object]:
    """The MIME bundle of an ipywidgets `form`, with `twin` for pages that run no widgets."""
    bundle = dict(form._repr_mimebundle_())  # type: ignore[attr-defined]
    return {**bundle, "text/html": twin._repr_html_(), "text/plain": repr(twin)}
