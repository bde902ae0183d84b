"""The answer to GET /api/nbconvert: what JupyterLab's menu *Save and Export Notebook As* offers.

JupyterLab asks when it opens the first notebook.  Jupyter Server's own handler imports all of
nbconvert then: half a second of processor time in which the server answers nothing else, and the
lesson waits.  Here another process finds the same answer (`labs.jupyter.export_formats`).
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web


class ExportFormats(APIHandler):
    """Answers GET /api/nbconvert as Jupyter Server's own handler does, but not in this process."""

    auth_resource = "nbconvert"

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """The formats; HTTPError with status 500 if nbconvert cannot be imported."""
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "labs.jupyter.export_formats"),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
        )
        formats, errors = await child.communicate()
        if child.returncode:
            last = errors.decode(errors="replace").strip().rpartition("\n")[2]
            raise web.HTTPError(500, f"nbconvert lists no formats: {last}")
        self.finish(formats)


def serve(application: Any) -> None:
    """Put the handler before that of Jupyter Server; `application` is its ServerApp."""
    path = url_path_join(application.base_url, "/api/nbconvert")
    application.web_app.add_handlers(".*$", [(path, ExportFormats)])
