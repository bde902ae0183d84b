"""The lab: two servers in miniature, a cable to pull, and observers that record what happens.

    from labs import Lab

    lab = Lab("basic")        # web1, web2 and client, configured as in the article
    lab.settle()
    lab.unplug("web1")
    lab.wait_until(lambda: lab.holders() == ["web2"])
    lab.timeline()            # who held 192.168.1.10, second by second

Dependencies point one way: notebooks -> labs -> topologies, vrrpd.

This package is lazy on purpose.
`python -m labs.sandbox.namespaces` runs before every kernel; it needs only the standard library and
must
start at once, so `import labs` imports nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labs.analysis.timeline import Timeline
    from labs.api.lab import Lab
    from labs.api.lan import Lan
    from labs.conf import change
    from labs.emulation.base import Result
    from labs.errors import LabError
    from labs.figures import plot
    from labs.lessons.show import show
    from labs.monitoring.observer import Observer

__all__ = ["Lab", "LabError", "Lan", "Observer", "Result", "Timeline", "change", "plot", "show"]

_WHERE = {
    "Lab": "labs.api.lab",
    "Result": "labs.emulation.base",
    "LabError": "labs.errors",
    "Lan": "labs.api.lan",
    "Timeline": "labs.analysis.timeline",
    "Observer": "labs.monitoring.observer",
    "change": "labs.conf",
    "plot": "labs.figures.plot",  # the module itself
    "show": "labs.lessons.show",
}


def __getattr__(name: str) -> Any:
    """Import the module that holds `name` when it is first used (PEP 562)."""
    if name not in _WHERE:
        raise AttributeError(f"module 'labs' has no attribute {name!r}")
    if name == "Lab":  # it may be one that takes notes, or one that only remembers
        from labs.api import lab_class

        return lab_class()
    module = import_module(_WHERE[name])
    return module if name == "plot" else getattr(module, name)


def __dir__() -> list[str]:
    """The names that can be asked for, so that completion in a notebook finds them."""
    return sorted(_WHERE)
