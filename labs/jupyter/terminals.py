"""Terminals of hosts in JupyterLab, by the extension jupyter-server-terminals.

A terminal with the name of a host runs `labs terminal HOST`, in either place: the workspace of
`labs.jupyter.workspace`, a click in the live panel (JupyterLab's command `terminal:open`), the API
of the server.  One with a number is an ordinary shell of the user.

A page that is reloaded gets all that a terminal has shown, without the questions that programs such
as vi ask a terminal: it would answer them again, to the shell, which takes the answer for typing.
"""

from __future__ import annotations

import os
import re
import sys
from collections import deque
from typing import Any

from jupyter_server_terminals.terminalmanager import TerminalManager

_HOST = re.compile(r"[A-Za-z]\w*")
# What xterm.js answers by itself (its manual, "Supported Terminal Sequences").
_QUESTIONS = re.compile(
    r"""
      \x1b\[[>=]?[0-9]*c                            # device attributes (DA1, DA2, DA3)
    | \x1b\[>[0-9]*q                                # name and version (XTVERSION)
    | \x1b\[\??[0-9]+n                              # status, position of the cursor (DSR)
    | \x1b\[\??[0-9]+\$p                            # whether a mode is set (DECRQM)
    | \x1b\[(?:1[1-9]|2[01])t                       # size and title of the window
    | \x1b\[\?1004h                                 # report the focus, now and later
    | \x1b\](?:4;[0-9]+|1[0-9]);\?(?:\x07|\x1b\\)   # colors (OSC 4, OSC 10 to 19)
    | \x1bP[$+]q[^\x1b]*\x1b\\                      # settings, capabilities (DECRQSS, XTGETTCAP)
    """,
    re.VERBOSE,
)


class History(deque[str]):
    """What a terminal has shown; a copy, which is what a reloaded page gets, asks nothing."""

    def copy(self) -> History:
        """All of it as one text, because a question may lie in two pieces."""
        return History([_QUESTIONS.sub("", "".join(self))])


class HostTerminals(TerminalManager):
    """JupyterLab's terminals; those that are called like a host are on that host."""

    def create(self, **options: Any) -> dict[str, Any]:
        """Start a terminal: `name` as the page asks for it; the model of Jupyter's API."""
        name = options.get("name")
        if isinstance(name, str) and _HOST.fullmatch(name):
            options["shell_command"] = command(name)
        return super().create(**options)

    def new_terminal(self, **options: Any) -> Any:
        """A terminal whose history asks no questions."""
        terminal = super().new_terminal(**options)
        terminal.read_buffer = History(maxlen=terminal.read_buffer.maxlen)
        return terminal


def command(host: str) -> list[str]:
    """What runs in the terminal of `host`: it follows the labs of this server's notebooks."""
    program = [sys.executable, "-I", "-m", "labs.cli.main"]
    return [*program, "terminal", host, "--server", str(os.getpid())]
