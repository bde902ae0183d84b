"""The simulated LAN, with figures and a live panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import labs.figures  # noqa: F401  gives every Timeline its figure and its text
from labs.simulation import lan

if TYPE_CHECKING:
    from labs.api.panel_widget import Bench


class Lan(lan.Lan):
    """A simulated LAN that can show itself."""

    def bench(self) -> Bench:
        """A live panel; while it is shown, virtual time passes like real time."""
        from labs.api.panel_widget import Bench
        from labs.panel.sources import OfLan

        return Bench(OfLan(self))
