"""Lines of ip(8) for several nodes at once: what is refused is reported for each of them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import Any, cast

import pytest

from labs.emulation.nodes import batch
from labs.errors import LabError


@dataclass(frozen=True)
class Gone:
    """A node whose process has ended."""

    name: str
    pid: int


def test_every_node_that_refuses_its_lines_is_named() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    lines = {cast(Any, Gone(name, ended.pid)): ["link set lo up"] for name in ("s1", "s2")}
    with pytest.raises(LabError) as refused:
        batch(lines, "address")
    first, second, remedy = str(refused.value).split("; ")
    assert first.startswith("cannot address s1: nsenter: ")
    assert second.startswith("cannot address s2: nsenter: ")
    assert remedy == "try `labs doctor`"
