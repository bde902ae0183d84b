"""The lesson's kernel, started while the browser still loads the page.

JupyterLab's page looks for a session of the notebook that it shows, and connects to the one that
is there: that saves the learner the start of the kernel.  The page asks a second after the server
has printed its address.  A kernel that no page has connected to ends after UNUSED_S.
"""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

from tornado.ioloop import PeriodicCallback

from labs.jupyter import kernel

UNUSED_S = 120.0  # s without a page; the browser of a learner opens at once
_LOOK_EVERY_S = 1.0


async def start(application: Any, lesson: str) -> None:
    """Start a session for the notebook `lesson`, as the page of `application` would, and watch it.

    `lesson` is a path below the server's root directory.  Does nothing for a notebook that is not
    there, or whose kernel is another than the lessons'.  A failure is logged: the page tries again.
    """
    if not is_for_our_kernel(Path(application.root_dir, lesson)):
        return
    starting = asyncio.ensure_future(
        application.session_manager.create_session(
            path=lesson, name=Path(lesson).name, type="notebook", kernel_name=kernel.NAME
        )
    )
    cleanup = application.cleanup_kernels

    async def cleanup_after_the_start() -> None:
        await asyncio.wait([starting])  # or the kernel would start when all others have ended
        await cleanup()

    application.cleanup_kernels = cleanup_after_the_start
    try:
        session = await starting
    except Exception:
        application.log.warning("the kernel of %s was not started early", lesson, exc_info=True)
        return
    deadline = time.monotonic() + UNUSED_S

    async def look() -> None:
        if await settled(application, session, deadline):
            looking.stop()

    looking = PeriodicCallback(look, _LOOK_EVERY_S * 1000)
    looking.start()


async def settled(application: Any, session: dict[str, Any], deadline: float) -> bool:
    """Whether a page has connected to the kernel of `session`, or the kernel has ended.

    Ends it if there is no page by the `deadline`, in s of time.monotonic().
    """
    kernels, number = application.kernel_manager, session["kernel"]["id"]
    if number not in kernels or kernels.kernel_model(number)["connections"]:
        return True
    if time.monotonic() < deadline:
        return False
    await application.session_manager.delete_session(session["id"])
    return True


def is_for_our_kernel(notebook: Path) -> bool:
    """Whether the file is a notebook with the kernel of the lessons."""
    try:
        return bool(
            json.loads(notebook.read_bytes())["metadata"]["kernelspec"]["name"] == kernel.NAME
        )
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return False
