"""What the lab uses of Mininet, imported without what Mininet does not need.

Mininet 2.3.0 compares versions of Open vSwitch with `distutils`, of which Python 3.12 and later
have only setuptools' copy.
Where Python has its own, setuptools puts its copy in front of it all the same, and that imports
three hundred modules more: longer than a lab takes to start.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def _distutils_of_python() -> Iterator[None]:
    """Let `distutils` be Python's own, where there is one, and leave no trace of it."""
    finders = [one for one in sys.meta_path if _is_of_setuptools(one)]
    before = set(sys.modules)
    own: set[str] = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        sys.meta_path[:] = [one for one in sys.meta_path if one not in finders]
        try:
            with suppress(ImportError):
                importlib.import_module("distutils.version")
                own = {"distutils", "distutils.version"} - before
        finally:
            sys.meta_path[:0] = finders
        yield
    # setuptools warns when it is imported after another distutils than its own.
    for name in own:
        del sys.modules[name]


def _is_of_setuptools(finder: object) -> bool:
    return type(finder).__module__ == "_distutils_hack"


with _distutils_of_python():
    from mininet.link import Intf, Link
    from mininet.net import Mininet
    from mininet.node import Node
    from mininet.nodelib import LinuxBridge
    from mininet.util import numCores

__all__ = ["Intf", "Link", "LinuxBridge", "Mininet", "Node", "numCores"]
