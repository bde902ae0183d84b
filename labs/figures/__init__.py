"""Figures and their text twins; the only importer of matplotlib.

Importing this package gives every Timeline its figure and its text. matplotlib itself is imported
when the first figure is drawn: it takes longer than everything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labs.analysis import timeline as _timeline

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from labs.analysis.timeline import Timeline


class _Views:
    """The views of a Timeline, each imported when it is first wanted."""

    def text(self, timeline: Timeline, width: int) -> str:
        from labs.figures import timeline_text

        return timeline_text.text(timeline, width)

    def headline(self, timeline: Timeline) -> str:
        from labs.figures import timeline_text

        return timeline_text.headline(timeline)

    def figure(self, timeline: Timeline, **options: Any) -> Figure:
        from labs.figures import plot

        return plot.timeline(timeline, **options)

    def html(self, timeline: Timeline) -> str:
        from labs.figures import html_figure

        return html_figure.html_figure(timeline.figure(), timeline.text())


_timeline.draw_with(_Views())
