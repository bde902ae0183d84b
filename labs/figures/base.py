"""A figure of the labs: a picture in a notebook, the same as text everywhere else, a file on disk.

    @dataclass(frozen=True, repr=False)
    class Lengths(Figure):
        bytes: tuple[int, ...]

        def figure(self):
            with canvas(8, 3) as figure:
                figure.add_axes((0.1, 0.1, 0.8, 0.8)).plot(self.bytes)
            return figure

        def text(self):
            return " ".join(map(str, self.bytes))

A figure is such a class in a module of its own, and nothing else: no other file lists figures.
`repr=False`, or the dataclass would write a repr in the place of the text.
matplotlib is imported when the first figure is drawn.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing


@contextmanager
def canvas(width: float, height: float) -> Iterator[Drawing]:
    """A matplotlib figure of that size in inches, in the style of the labs, to draw on."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Drawing

    from labs.figures.text_layout import DPI
    from labs.figures.timeline_figure import STYLE

    with rc_context(STYLE):
        figure = Drawing(figsize=(width, height), dpi=DPI)
        FigureCanvasAgg(figure)
        yield figure


class Figure(ABC):
    """Anything that can be drawn and says the same in text."""

    @abstractmethod
    def figure(self) -> Drawing:
        """The picture, made of `canvas`."""

    @abstractmethod
    def text(self) -> str:
        """What the picture shows, in characters."""

    def save(self, path: str | Path) -> None:
        """Write the picture to `path`; its ending chooses the format (.png, .svg, .pdf)."""
        from labs.figures.plot import save

        save(self.figure(), path)

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        from labs.figures.html_figure import html_figure

        return html_figure(self.figure(), self.text())

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self) if cycle else self.text())
