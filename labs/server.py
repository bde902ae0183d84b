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
import signal
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
    application.web_app.settings["page_config_hook"] = _stay_offline
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: application.stop(from_signal=True))
    words = f"\n  VRRP Lab is at\n\n      {address(port, token)}\n\n  Ctrl-C ends it.\n"
    # The server has asked the loop to listen; ours comes after it, when the address works.
    application.io_loop.add_callback(print, words, flush=True)
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
    return [
        f"--ServerApp.ip={HOST}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={NOTEBOOKS}",
        f"--ServerApp.open_browser={browser}",
        "--ServerApp.allow_root=True",
        "--ServerApp.log_level=WARN",
        f"--LabApp.default_url=/lab/tree/{first_lesson()}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=",
        "--LabApp.extension_manager=readonly",
        "--MultiKernelManager.default_kernel_name=vrrp-lab",
    ]


def _stay_offline(_handler: object, page: dict[str, Any]) -> dict[str, Any]:
    """Take from JupyterLab's page what would ask about news or look for newer versions."""
    disabled = [
        *page.get("disabledExtensions", []),
        "@jupyterlab/apputils-extension:announcements",
        "@jupyterlab/extensionmanager-extension",
    ]
    page.update(buildCheck=False, buildAvailable=False, disabledExtensions=disabled)
    return page


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
