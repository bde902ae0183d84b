"""Which Debian packages tools/setup.sh asks for on a bare machine, by what it sets up."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.support import REPOSITORY

SCRIPT = (REPOSITORY / "tools" / "setup.sh").read_text()
MISSING = re.search(r"^missing\(\) \{\n.*?^\}\n", SCRIPT, re.M | re.S)


def needed(purpose: str) -> set[str]:
    """What `missing` finds where no program is on PATH."""
    assert MISSING
    text = f'PURPOSE={purpose} CI=\n{MISSING[0]}\nmissing\necho "$NEEDED $WANTED"\n'
    done = subprocess.run(
        ["/bin/sh", "-eu", "-c", text],
        env={"PATH": "/nonexistent"},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("purpose", ["lessons", "class"])
def test_a_learner_and_a_class_need_no_npm(purpose: str) -> None:
    assert not needed(purpose) & {"nodejs", "npm"}


def test_a_class_needs_the_proxy_besides() -> None:
    assert needed("class") - needed("lessons") == {"node-configurable-http-proxy"}


@pytest.mark.parametrize("purpose", ["tests", "site"])
def test_the_browser_edition_needs_node_and_npm(purpose: str) -> None:
    assert {"nodejs", "npm"} <= needed(purpose)
