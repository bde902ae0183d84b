"""The labs as a lesson knows them: each with its live panel and its figures.

    lab.Lab                   Mininet hosts, a real daemon on each server
    recording.RecordingLab    the same, and everything that is asked and done is written down
    replay.ReplayLab          a recorded run: the same questions, the recorded answers
    lan.Lan                   the same daemon on a LAN in memory, in virtual time

`from labs import Lab` gives one of the first three, as $LAB_MODE says.
Below this package nothing knows the panel, and nothing but the figures draws.
Each class has a module of its own: a replay runs where there is no Mininet to import.
The panel is imported when it is shown: its widgets take longer to import than a lab to start.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labs.api.lab import Lab


def lab_class() -> type[Lab]:
    """The class that `from labs import Lab` gives: real, recording or replay, as $LAB_MODE says."""
    mode = os.environ.get("LAB_MODE")
    if mode == "record":
        from labs.api.recording import RecordingLab

        return RecordingLab  # type: ignore[return-value]  # the same calls, another base
    if mode == "replay":
        from labs.api.replay import ReplayLab

        return ReplayLab  # type: ignore[return-value]
    from labs.api.lab import Lab

    return Lab
