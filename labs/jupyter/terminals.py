"""Terminals of hosts in JupyterLab, by the extension jupyter-server-terminals.

A terminal with the name of a host runs `labs terminal HOST`, in either place: the workspace of
`labs.jupyter.workspace`, a click in the live panel (JupyterLab's command `terminal:open`), the API
of the server.  One with a number is an ordinary shell of the user.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Any

from jupyter_server_terminals.terminalmanager import TerminalManager

_HOST = re.compile(r"[A-Za-z]\w*")


class HostTerminals(TerminalManager):
    """JupyterLab's terminals; those that are called like a host are on that host."""

    def create(self, **options: Any) -> dict[str, Any]:
        """Start a terminal: `name` as the page asks for it; the model of Jupyter's API."""
        name = options.get("name")
        if isinstance(name, str) and _HOST.fullmatch(name):
            options["shell_command"] = command(name)
        return super().create(**options)


def command(host: str) -> list[str]:
    """What runs in the terminal of `host`: it follows the labs of this server's notebooks."""
    program = [sys.executable, "-I", "-m", "labs.cli.main"]
    return [*program, "terminal", host, "--server", str(os.getpid())]
