"""Bad days, a few of each: vrrpd keeps its promises, with the seed and the figures printed.

The whole of it, with keepalived beside it, is `make soak-real`, which writes the table in
docs/guarantees-real.md.  HARDSHIP=N multiplies the rounds here; HARDSHIP_PACE is the number of
forged frames a second, 0 for as many as one core can send.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.lab.hardship import HARDSHIPS, SEED

TIMES = int(os.environ.get("HARDSHIP", "1"))


@pytest.mark.timeout(1800 * TIMES)
@pytest.mark.parametrize("name", HARDSHIPS)
def test_vrrpd_keeps_its_promise(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hardship = HARDSHIPS[name]
    outcome = hardship.run("vrrpd", hardship.few * TIMES, tmp_path / "vrrpd")
    with capsys.disabled():
        print(f" {name} × {outcome.tried}, seed {SEED}: {outcome.figure} ", end="")
    assert outcome.kept, f"{hardship.promise}: {outcome.figure}"
