"""What the runtime in the tab is."""

from __future__ import annotations

import sys

import vrrpd


def versions() -> dict[str, str]:
    """The versions of Python and of VRRP Lab."""
    return {"python": sys.version.split()[0], "vrrpd": vrrpd.__version__}
