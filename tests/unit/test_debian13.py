"""tools/debian13.sh: what it lacks is one line; where packages come from is the machine's business.

That it makes a Debian 13 and runs the rings there is seen by `make test-debian13` alone.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.support import REPOSITORY, OrdinaryUser

SCRIPT = REPOSITORY / "tools" / "debian13.sh"


def test_without_root_it_says_so_in_one_line(ordinary_user: OrdinaryUser) -> None:
    done = ordinary_user.run([SCRIPT, "true"], timeout=30, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "debian13: this needs root; remedy: put sudo before the command\n"


def test_without_debootstrap_it_says_so_in_one_line(tmp_path: Path) -> None:
    for program in ("dirname", "id"):
        (tmp_path / program).symlink_to(shutil.which(program) or program)
    done = subprocess.run(
        ["unshare", "--map-root-user", "env", f"PATH={tmp_path}", SCRIPT, "true"],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stdout) == (1, "")
    missing = "debootstrap is missing; remedy: sudo apt-get install debootstrap"
    assert done.stderr == f"debian13: {missing}\n"


def test_without_a_command_it_says_how_it_is_used() -> None:
    done = subprocess.run([SCRIPT], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "debian13: usage: tools/debian13.sh COMMAND [WORD...]\n"


def test_it_names_no_mirror() -> None:
    assert "://" not in SCRIPT.read_text(encoding="utf-8")
