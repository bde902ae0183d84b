"""A recorded lesson, with figures and a live panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import labs.figures  # noqa: F401  gives every Timeline its figure and its text
from labs.replay import replay_lab

if TYPE_CHECKING:
    from labs.api.panel_widget import Bench


class ReplayLab(replay_lab.ReplayLab):
    """A recorded lab that can show itself."""

    def bench(self) -> Bench:
        """A live panel, which plays the recording while it is shown."""
        from labs.api.panel_widget import Bench
        from labs.panel.sources import OfReplay

        return Bench(OfReplay(self))
