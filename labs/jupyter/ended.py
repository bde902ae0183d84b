"""What a learner reads after the machine has killed a kernel, as it does when memory runs out.

    the keeper of the kernel    leave()       the first process has ended by SIGKILL: writes why
    the keeper of the next one  take()        Jupyter starts it with the same connection file
    that kernel                 announce()    prints it above what the first cell prints

Jupyter itself only says that the kernel has died, and starts another, without lab and variables.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

VARIABLE = "VRRP_LAB_ENDED"
_KEPT = (
    "What you answered is kept; the lab and your variables are gone: "
    "run this notebook again from its first cell"
)
_MEMORY = (
    "labs: memory ran out, here or on the whole machine, and so the kernel of this notebook was "
    f"killed. {_KEPT}, and shut down the kernels of notebooks that you do not need."
)
_OTHER = f"labs: the kernel of this notebook was killed (SIGKILL). {_KEPT}."


def killed_for_memory() -> int:
    """How many processes this machine has killed so far because memory ran out, theirs or its own.

    0 where /proc/vmstat does not show it.
    """
    with suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def leave(connection_file: str, status: int, before: int) -> None:
    """Write why the kernel ended, if `status` is that of SIGKILL, for the next one.

    `before`: what `killed_for_memory` was when it began.
    """
    if status == 128 + signal.SIGKILL:
        with suppress(OSError):
            _file(connection_file).write_text(_MEMORY if killed_for_memory() > before else _OTHER)


def take(connection_file: str) -> None:
    """Put into $VRRP_LAB_ENDED what the kernel before this one has left; remove the file."""
    os.environ.pop(VARIABLE, None)
    with suppress(OSError):
        os.environ[VARIABLE] = _file(connection_file).read_text()
        _file(connection_file).unlink()


def announce(shell: Any) -> None:
    """Print $VRRP_LAB_ENDED, if there is something, when the first cell is run."""
    if words := os.environ.pop(VARIABLE, ""):

        def once(_info: object) -> None:
            shell.events.unregister("pre_run_cell", once)
            print(words, flush=True)

        shell.events.register("pre_run_cell", once)


def _file(connection_file: str) -> Path:
    return Path(f"{connection_file}.ended")
