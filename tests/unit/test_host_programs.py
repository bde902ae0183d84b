"""Programs of a lab host that run the machine's own program of the same name."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from labs.emulation.nodes import COMMANDS
from tests.support import HUNG_S


@pytest.mark.parametrize("program", ["keepalived", "tcpdump"])
@pytest.mark.parametrize("place", ["plain", "lessons [2]", "x|y&z"])
@pytest.mark.parametrize("order", ["{here}:{machine}", "/none:{here}:{machine}"])
def test_the_machines_own_program_runs_wherever_the_checkout_is(
    tmp_path: Path, program: str, place: str, order: str
) -> None:
    """Not itself, for ever."""
    here, machine = tmp_path / place, tmp_path / "machine"
    here.mkdir()
    machine.mkdir()
    shutil.copy(COMMANDS / program, here)
    (machine / program).write_text('#!/bin/sh\necho "$PATH"\necho "$@"\n')
    (machine / program).chmod(0o755)
    path = order.format(here=here, machine=machine) + ":/usr/bin:/bin"
    done = subprocess.run(
        [here / program, "--version"],
        env={"PATH": path},
        capture_output=True,
        text=True,
        timeout=HUNG_S,
        check=True,
    )
    seen, words = done.stdout.splitlines()
    assert seen == path.replace(f"{here}:", "")
    assert words.endswith("--version")
