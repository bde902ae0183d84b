"""The files of the browser edition: a tab has all that its pages import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tools.site_files import REPOSITORY, sources

IMPORT = """
import importlib, pathlib
for path in sorted(pathlib.Path("labs/browser").glob("*.py")):
    importlib.import_module(f"labs.browser.{path.stem}")
"""


def test_the_pages_modules_import_nothing_that_the_tab_lacks(tmp_path: Path) -> None:
    for place in sources():
        copy = tmp_path / place
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((REPOSITORY / place).read_bytes())
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, '.'){IMPORT}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
