"""The observer on real sockets, each scene in fresh namespaces (see `observer_cases.py`)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.lab.observer_cases import SCENES
from tests.support import HUNG_S, REPOSITORY


@pytest.mark.parametrize("scene", SCENES)
def test_scene(scene: str) -> None:
    inside = [sys.executable, "-m", "labs.sandbox.namespaces", "--"]
    done = subprocess.run(
        [*inside, sys.executable, "-m", "tests.lab.observer_cases", scene],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=HUNG_S,
    )
    assert done.returncode == 0, f"{SCENES[scene].__doc__}\n{done.stdout}\n{done.stderr}"
