"""A recorded lesson, with figures and a live panel."""

from __future__ import annotations

import labs.figures  # noqa: F401  gives every Timeline its figure and its text
from labs.panel.panel import Bench
from labs.panel.sources import OfReplay
from labs.replay.replay_lab import Replayed


class ReplayLab(Replayed):
    """A recorded lab that can show itself."""

    def bench(self) -> Bench:
        """A live panel, which plays the recording while it is shown."""
        return Bench(OfReplay(self))
