"""The dev container: its file fits the reference, and names what the repository has."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from labs.cli.doctor import PORT
from tests.support import REPOSITORY

FILE = REPOSITORY / ".devcontainer" / "devcontainer.json"
SCHEMA = REPOSITORY / "tests" / "data" / "schemas" / "devcontainer.json"


def checked(path: Path) -> subprocess.CompletedProcess[str]:
    checker = Path(sys.executable).with_name("check-jsonschema")
    command = [str(checker), "--schemafile", str(SCHEMA), str(path)]
    return subprocess.run(command, capture_output=True, text=True)


def test_it_fits_the_reference() -> None:
    done = checked(FILE)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schema_notices(tmp_path: Path) -> None:
    wrong = tmp_path / "devcontainer.json"
    wrong.write_text(FILE.read_text().replace('"privileged"', '"privilege"'))
    assert checked(wrong).returncode == 1


def test_it_sets_up_at_build_and_forwards_the_port_of_the_lessons() -> None:
    content = json.loads(FILE.read_text())
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", (REPOSITORY / "Makefile").read_text(), re.M))
    for step in ("onCreateCommand", "postAttachCommand"):
        assert content[step].removeprefix("make ") in targets
    assert content["forwardPorts"] == [PORT]
    assert content["privileged"] is True
