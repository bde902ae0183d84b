"""The real lab, with figures and a live panel."""

from __future__ import annotations

import labs.figures  # noqa: F401  gives every Timeline its figure and its text
from labs.emulation import lab
from labs.panel.panel import Bench
from labs.panel.sources import OfLab


class Lab(lab.Lab):
    """A real lab that can show itself."""

    def bench(self) -> Bench:
        """A live panel of this lab, to click, to scrub and to save."""
        return Bench(OfLab(self))
