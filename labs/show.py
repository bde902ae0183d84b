"""Things worth looking at in a lesson: the source of what just happened.

    show(Params.master_down)      the function, coloured, with the file and line it is from

A lesson that claims something about the daemon shows the lines that do it, from the very module
that is running. Plain text everywhere but in a notebook.
"""

from __future__ import annotations

import html
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOUSE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Source:
    """The text of a function or class, and `file:line` within the repository."""

    text: str
    place: str

    def __repr__(self) -> str:
        return f"# {self.place}\n{self.text}"

    def _repr_html_(self) -> str:
        from pygments import highlight
        from pygments.formatters import HtmlFormatter
        from pygments.lexers import PythonLexer

        # Inline styles: a style sheet of ours would reach into the rest of the page.
        coloured = highlight(self.text, PythonLexer(), HtmlFormatter(noclasses=True))
        return f"<small>{html.escape(self.place)}</small>{coloured}"


def show(thing: Callable[..., Any] | type[Any]) -> Source:
    """The source of a function, method or class; raises TypeError for anything else."""
    lines, first = inspect.getsourcelines(thing)
    path = Path(inspect.getsourcefile(thing) or "?").resolve()
    place = path.relative_to(HOUSE) if path.is_relative_to(HOUSE) else path
    return Source(textwrap.dedent("".join(lines)), f"{place}:{first}")
