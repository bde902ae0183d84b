"""JupyterLab with the lessons: what `make lab` runs.

    127.0.0.1 only, with a token      also when root runs it
    the first lesson open             new notebooks get the kernel "VRRP Lab"
    no questions                      Ctrl-C ends the server and every lab, at once
    no calls to the outside           no news, no update check, no extension catalogue

The server itself runs on the machine; only kernels are in namespaces, each in its own.
"""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path
from typing import Any

from labs.errors import LabError

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
HOST = "127.0.0.1"


def serve(port: int, browser: bool | None = None) -> None:
    """Serve the lessons on `port` until Ctrl-C.

    `browser`: whether to open one; by default if there is a screen to open it on.
    Raises LabError if the port is taken or there are no notebooks.
    """
    if not NOTEBOOKS.is_dir():
        raise LabError(f"{NOTEBOOKS} is missing: run this from a clone of the repository")
    require_free(port)
    from jupyterlab.labapp import LabApp  # type: ignore[import-untyped]

    token = os.environ.setdefault("JUPYTER_TOKEN", secrets.token_hex(16))
    has_screen = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    application = LabApp.initialize_server(
        argv=arguments(port, has_screen if browser is None else browser)
    )
    print(f"\n  VRRP Lab is at\n\n      {address(port, token)}\n\n  Ctrl-C ends it.\n", flush=True)
    application.start()


def address(port: int, token: str) -> str:
    """The address to open, token included."""
    return f"http://{HOST}:{port}/lab/tree/{first_lesson()}?token={token}"


def first_lesson() -> str:
    """The notebook to open: the first by name, which is how the lessons are numbered."""
    lessons = sorted(path.name for path in NOTEBOOKS.glob("[0-9]*.ipynb"))
    return lessons[0] if lessons else ""


def arguments(port: int, browser: bool) -> list[str]:
    """The command line of JupyterLab."""
    page: dict[str, Any] = {
        "buildCheck": False,
        "buildAvailable": False,
        "disabledExtensions": {
            # They would ask about news and look for newer versions and extensions on the network.
            "@jupyterlab/apputils-extension:announcements": True,
            "@jupyterlab/extensionmanager-extension": True,
        },
    }
    return [
        f"--ServerApp.ip={HOST}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={NOTEBOOKS}",
        f"--ServerApp.open_browser={browser}",
        "--ServerApp.allow_root=True",
        # Ctrl-C: yes, end everything.
        "--ServerApp.answer_yes=True",
        "--ServerApp.log_level=WARN",
        f"--ServerApp.tornado_settings={ {'page_config_data': page}!r}",
        f"--LabApp.default_url=/lab/tree/{first_lesson()}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=",
        "--LabApp.extension_manager=readonly",
        "--MultiKernelManager.default_kernel_name=vrrp-lab",
    ]


def require_free(port: int) -> None:
    """LabError naming another port if `port` cannot be listened on."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as error:
            raise LabError(
                f"port {port} cannot be used ({error.strerror}): `make lab PORT={port + 1}`"
            ) from None
