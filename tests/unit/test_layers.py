"""The layers of the product: who may import whom, and what runs with the standard library alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import REPOSITORY

# The browser edition runs these where there is nothing but Python itself.
BARE = ("vrrpd", "labs.simulation", "labs.analysis", "labs.model", "labs.panel", "labs.browser")
# A WebAssembly Python can start nothing and call nothing outside; `socket` and `threading` can be
# imported there, as `logging` does, and are of no use.
ABSENT = ("subprocess", "multiprocessing", "ctypes", "fcntl", "termios")

PROGRAM = """
import importlib, pkgutil, sys

own, blocked, packages = {own!r}, {blocked!r}, {packages!r}


class Blocked:
    def find_spec(self, name, path=None, target=None):
        top = name.split(".")[0]
        if top in blocked or top not in (*sys.stdlib_module_names, *own):
            raise ImportError(f"{{name}} is blocked")


for name in blocked:
    sys.modules[name] = None
sys.path.insert(0, {root!r})
sys.meta_path.insert(0, Blocked())
for name in packages:
    package = importlib.import_module(name)
    for each in pkgutil.walk_packages(package.__path__, name + "."):
        importlib.import_module(each.name)
        print(each.name)
"""


def _imported(packages: tuple[str, ...], blocked: tuple[str, ...] = ()) -> list[str]:
    own = ("vrrpd", "labs", "topologies")
    program = PROGRAM.format(own=own, blocked=blocked, packages=packages, root=str(REPOSITORY))
    command = [sys.executable, "-I", "-S", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("package", BARE)
def test_it_imports_with_the_standard_library_alone(package: str) -> None:
    assert _imported((package,))


@pytest.mark.parametrize("package", ["labs.analysis", "labs.model", "labs.simulation"])
def test_it_imports_where_nothing_can_be_started(package: str) -> None:
    assert _imported((package,), ABSENT)


def _lint(place: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    command: list[str | Path] = [program, "--no-cache", "--config", "pyproject.toml"]
    return subprocess.run(command, cwd=place, capture_output=True, text=True)


def test_dependencies_point_one_way() -> None:
    done = _lint(REPOSITORY)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("labs/analysis/ownership.py", "from labs.figures import palette"),
        ("labs/model/facts.py", "from labs.emulation import lab"),
        ("vrrpd/packet.py", "import labs.errors"),
        ("vrrpd/listener.py", "from vrrpd.router import VirtualRouter"),
        ("vrrpd/control.py", "from vrrpd.linux.loop import Loop"),
        ("labs/emulation/lab.py", "from labs.api.lab import Lab as Public"),
    ],
)
def test_an_import_that_points_upward_is_found(module: str, line: str, tmp_path: Path) -> None:
    for name in ("vrrpd", "labs", "topologies"):
        ignored = shutil.ignore_patterns("__pycache__", "states", "recordings", "js")
        shutil.copytree(REPOSITORY / name, tmp_path / name, ignore=ignored)
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    changed = tmp_path / module
    changed.write_text(f"{changed.read_text()}\n\nif TYPE_CHECKING:\n    {line}\n")
    assert _lint(tmp_path).returncode == 1
