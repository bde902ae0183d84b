"""A plugin of The Littlest JupyterHub: its users get the lessons of VRRP Lab.

    sudo git clone ... /opt/vrrp-lab && cd /opt/vrrp-lab && sudo make setup-class
    sudo /opt/tljh/hub/bin/python -m pip install /opt/vrrp-lab/packaging/jupyterhub
    sudo tljh-config reload hub

TLJH keeps accounts, limits (`tljh-config set limits.memory 1G`), TLS and the idle culler as it has
them; the servers run from the .venv of the checkout, whose Python has Debian's Mininet.
"""

from __future__ import annotations

import os
import sys
from typing import Any

CHECKOUT = os.environ.get("VRRP_LAB", "/opt/vrrp-lab")

try:
    from tljh.hooks import hookimpl  # type: ignore[import-not-found]
except ImportError:  # read outside of TLJH

    def hookimpl(function: Any) -> Any:
        """Leave the function as it is."""
        return function


@hookimpl
def tljh_extra_apt_packages() -> list[str]:
    """What a lab needs of Debian."""
    return [
        *("mininet", "iproute2", "bridge-utils", "iputils-ping", "procps", "net-tools"),
        *("nftables", "keepalived", "tcpdump", "python3-venv"),
    ]


@hookimpl
def tljh_custom_jupyterhub_config(c: Any) -> None:
    """Let TLJH's spawner start our server instead of its own; the rest stays TLJH's."""
    sys.path.append(CHECKOUT)
    from labs.jupyter import hub

    hub.serve_lessons(c, python=f"{CHECKOUT}/.venv/bin/python")
