"""Every lesson runs from its first cell to its last, as an ordinary user, with either daemon."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import REPOSITORY, OrdinaryUser

LESSONS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
SECONDS = 240


def executed(lesson: Path, user: OrdinaryUser, daemon: str) -> list[dict[str, Any]]:
    """The cells of `lesson` after a run by `user`, in JSON as JupyterLab would store them."""
    result = user.home / lesson.name
    program = Path(__file__).with_name("execute.py")
    user.run([sys.executable, program, lesson, result], SECONDS, env={"LAB_DAEMON": daemon})
    return list(json.loads(result.read_text())["cells"])


def shown(cell: dict[str, Any], kind: str = "text/plain") -> str:
    """Everything of one MIME type that a cell put out, printed text included."""
    parts = [output.get("data", {}).get(kind, "") for output in cell.get("outputs", [])]
    if kind == "text/plain":
        parts += [output.get("text", "") for output in cell.get("outputs", [])]
    return "\n".join("".join(part) for part in parts)


@pytest.mark.timeout(SECONDS + 30)
@pytest.mark.parametrize("daemon", ["vrrpd", "keepalived"])
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_runs_and_its_challenge_is_met_only_by_the_solution(
    lesson: Path, daemon: str, ordinary_user: OrdinaryUser
) -> None:
    if daemon == "keepalived" and not shutil.which(
        "keepalived", path="/usr/sbin:/usr/local/sbin:/usr/bin"
    ):
        pytest.skip("keepalived is not installed; remedy: sudo apt-get install keepalived")
    cells = [c for c in executed(lesson, ordinary_user, daemon) if c["cell_type"] == "code"]
    before, after = [c for c in cells if "".join(c["source"]).startswith("check(lab, ")]
    assert re.search(r"\d of \d", shown(before)), shown(before)
    assert "Hint: " in shown(before)
    assert ": done" in shown(after), shown(after)
    pictures = [cell for cell in cells if shown(cell, "image/png")]
    assert pictures, "no timeline was drawn"
    addresses = [shown(c) for c in cells if "/sbin/ip address list" in "".join(c["source"])]
    assert any("inet 192.168.1.10/" in text for text in addresses)
