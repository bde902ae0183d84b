"""The one look of everything that the lessons say: a card with a coloured edge, and its text twin.

    ┃ A surprise                              JupyterLab shows the HTML,
    ┃ You said 1 s; it was 3.61 s.            terminals, tests and screen readers the text

Colour never stands alone: the title says the same in words.
The colours read on a light and on a dark page.
"""

from __future__ import annotations

import html
from dataclasses import dataclass

RIGHT, WRONG, OPEN = "#1b7837", "#b35806", "#666666"


def card(colour: str, title: str, body: str) -> str:
    """The HTML of a card; `title` is text, `body` is HTML already."""
    return (
        f'<div style="border-left:4px solid {colour};padding:.3em .8em;margin:.3em 0">'
        f'<b style="color:{colour}">{html.escape(title)}</b><br>{body}</div>'
    )


def folded(summary: str, body: str) -> str:
    """HTML that shows `summary` (text) and unfolds `body` (HTML) at a click."""
    return f"<details><summary>{html.escape(summary)}</summary>{body}</details>"


def lines(*texts: str) -> str:
    """Texts as HTML, each on a line of its own; empty ones are left out."""
    return "<br>".join(html.escape(text) for text in texts if text)


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


def widget(form: object, twin: Card) -> dict[str, object]:
    """The MIME bundle of an ipywidgets `form`, with `twin` for pages that run no widgets."""
    bundle = dict(form._repr_mimebundle_())  # type: ignore[attr-defined]
    return {**bundle, "text/html": twin._repr_html_(), "text/plain": repr(twin)}
