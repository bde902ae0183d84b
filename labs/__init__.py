"""The lab: two machines in miniature, a cable to pull, and witnesses who write down what happens.

    from labs import Lab

    lab = Lab("basic")        # master, backup and client, configured as in the article
    lab.settle()
    lab.unplug("master")
    lab.wait_until(lambda: lab.owners() == ["backup"])
    lab.timeline()            # who owned 192.168.1.10, second by second

Dependencies point one way: notebooks -> labs -> topologies, vrrpd.

This package is lazy on purpose.
`python -m labs.sandbox.namespaces` runs before every kernel; it needs only the standard library and
must
start at once, so `import labs` imports nothing.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labs.api.lab import Lab
    from labs.emulation.base import Result
    from labs.errors import LabError

__all__ = ["Lab", "LabError", "Result"]

_WHERE = {
    "Lab": "labs.api.lab",
    "Result": "labs.emulation.base",
    "LabError": "labs.errors",
    "Lan": "labs.api.lan",
    "Timeline": "labs.analysis.timeline",
    "Witness": "labs.monitoring.observer",
}

# A lesson's Lab may be one that takes notes, or one that only remembers (labs.replay.recording).
_MODES = {
    "record": ("labs.api.recording", "RecordingLab"),
    "replay": ("labs.api.replay", "ReplayLab"),
}


def __getattr__(name: str) -> Any:
    """Import the module that holds `name` when somebody asks for it (PEP 562)."""
    if name not in _WHERE:
        raise AttributeError(f"module 'labs' has no attribute {name!r}")
    if name == "Lab" and (mode := os.environ.get("LAB_MODE")) in _MODES:
        module, name = _MODES[mode]
        return getattr(import_module(module), name)
    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    """The names that can be asked for, so that completion in a notebook finds them."""
    return sorted(_WHERE)
