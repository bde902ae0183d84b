"""The JavaScript of the panel and of the site, checked by TypeScript as `make check` does."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import REPOSITORY

TSC = REPOSITORY / "build/node/node_modules/typescript/bin/tsc"


@pytest.fixture(scope="module", autouse=True)
def modules() -> None:
    """What site/package-lock.json pins, as `make setup-tests` fetches it."""
    if shutil.which("node") is None:
        pytest.skip("Node.js is not installed; remedy: sudo apt-get install nodejs npm")
    fetched = ["sh", "tools/site.sh", "modules"]
    subprocess.run(fetched, cwd=REPOSITORY, check=True, timeout=600)


def checked(project: Path) -> subprocess.CompletedProcess[str]:
    command = ["node", str(TSC), "-p", str(project), "--pretty", "false"]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)


@pytest.mark.parametrize("project", ["tsconfig.json", "tsconfig.worker.json"])
def test_the_types_of_the_javascript_fit(project: str) -> None:
    done = checked(REPOSITORY / "site" / project)
    assert done.returncode == 0, done.stdout


def test_a_call_that_does_not_fit_is_found(tmp_path: Path) -> None:
    (tmp_path / "wrong.js").write_text(
        'import { Runtime } from "@site/runtime.js";\nnew Runtime().call(5);\n'
    )
    project = {"extends": str(REPOSITORY / "site/tsconfig.json"), "include": ["wrong.js"]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(project))
    done = checked(tmp_path / "tsconfig.json")
    assert done.returncode != 0
    assert "wrong.js(2,20): error TS2345" in done.stdout, done.stdout
