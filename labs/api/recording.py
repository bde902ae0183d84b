"""The lab that writes a lesson down, with figures and a live panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import labs.figures  # noqa: F401  gives every Timeline its figure and its text
from labs.replay import recording_lab

if TYPE_CHECKING:
    from labs.api.panel_widget import Bench


class RecordingLab(recording_lab.RecordingLab):
    """A real lab that is recorded and can show itself."""

    def bench(self) -> Bench:
        """A live panel of this lab, to click, to scrub and to save."""
        from labs.api.panel_widget import Bench
        from labs.panel.sources import OfLab

        return Bench(OfLab(self.lab))
