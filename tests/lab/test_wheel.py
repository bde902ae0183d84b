"""The wheel and the source distribution: the same bytes every time, and what an install does.

The venv has what Debian's Python has, Mininet with it, and the libraries of this checkout's .venv:
no network is needed.  The package itself is the wheel's.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from email.parser import BytesParser
from pathlib import Path

import pytest
from packaging.metadata import Metadata

from tests.support import HUNG_S, REPOSITORY

EPOCH = "1700000000"  # of the files in the archives, Unix seconds
EXECUTE = REPOSITORY / "tests" / "notebooks" / "execute.py"


def built(place: Path) -> tuple[Path, Path]:
    """A source distribution and a wheel, built as `make wheel` does."""
    done = subprocess.run(
        [sys.executable, REPOSITORY / "tools" / "dist.py", place],
        env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    source, wheel = map(Path, done.stdout.splitlines())
    return source, wheel


@dataclass(frozen=True)
class Installed:
    """A source distribution, the wheel built from it, and a venv in which that is installed."""

    source: Path
    wheel: Path
    venv: Path

    def run(self, *words: str | Path, **variables: str) -> str:
        """What a command of the venv prints; run where no checkout can be in the way."""
        program, *rest = words
        environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "LAB_WORK")}
        done = subprocess.run(
            [self.venv / "bin" / program, *rest], cwd=self.venv, capture_output=True, text=True,
            env=environment | variables, timeout=HUNG_S,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    place = tmp_path_factory.mktemp("wheel")
    source, wheel = built(place)
    venv = place / "venv"
    bare = ["/usr/bin/python3", "-m", "venv", "--without-pip", "--system-site-packages"]
    subprocess.run([*bare, str(venv)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", f"{venv}/bin/python", "install", "-qq"]
    offline = ["--no-index", "--no-deps", "--no-compile", "--disable-pip-version-check"]
    subprocess.run([*pip, *offline, str(wheel)], check=True)
    [packages] = venv.glob("lib/python3*/site-packages")
    # Only the directory: the checkout's own .pth in it is not read.
    [libraries] = Path(sys.prefix).glob("lib/python3*/site-packages")
    (packages / "libraries.pth").write_text(f"{libraries}\n")
    return Installed(source, wheel, venv)


def test_the_same_bytes_every_time(installed: Installed, tmp_path: Path) -> None:
    source, wheel = built(tmp_path)
    # Not the bytes themselves: pytest would look for the differences of megabytes for minutes.
    assert digest(source) == digest(installed.source)
    assert digest(wheel) == digest(installed.wheel)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_metadata_are_complete(installed: Installed) -> None:
    """What `twine check --strict` asks for, with the library that it asks."""
    with zipfile.ZipFile(installed.wheel) as wheel, tarfile.open(installed.source) as source:
        [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
        of_source = source.extractfile(f"{installed.source.name[:-7]}/PKG-INFO")
        assert of_source is not None
        texts = [wheel.read(name), of_source.read()]
    for text in texts:
        metadata = Metadata.from_email(text, validate=True)
        assert metadata.description == BytesParser().parsebytes(text).get_payload()
        assert metadata.description_content_type == "text/markdown"
        assert metadata.license_expression == "MIT AND CC-BY-4.0"
        assert "jupyterlab" in map(str, metadata.requires_dist or [])


def test_nothing_of_the_packages_is_left_out(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as wheel:
        names = set(wheel.namelist())
    wanted = {
        str(path.relative_to(REPOSITORY))
        for package in ("vrrpd", "labs", "topologies")
        for path in (REPOSITORY / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wanted - names == set()
    assert not any("tests/" in name or "__pycache__" in name for name in names)


def test_the_programs_run(installed: Installed) -> None:
    assert "vrrpd" in installed.run("vrrpd", "--version")
    assert "usage: vrrpctl" in installed.run("vrrpctl", "--help")
    assert str(installed.venv) in installed.run("python", "-c", "import labs; print(labs.__file__)")
    said = installed.run("labs", "run", "failover", "--simulated", "--figure", "failover.png")
    assert "web1 -> web2" in said
    assert (installed.venv / "failover.png").stat().st_size > 10_000


def test_a_lesson_replays_with_its_panel(installed: Installed, tmp_path: Path) -> None:
    """The learner's files come from the wheel; the kernel makes itself known to Jupyter."""
    installed.run("labs", "learner", tmp_path)
    ensure = "from labs.jupyter import kernel; kernel.ensure(); kernel.ensure()"
    installed.run("python", "-c", ensure)
    spec = json.loads((installed.venv / "share/jupyter/kernels/vrrp-lab/kernel.json").read_text())
    assert spec["argv"][0] == str(installed.venv / "bin" / "python")
    lesson, result = tmp_path / "solutions" / "03-basic-setup.ipynb", tmp_path / "result.ipynb"
    installed.run("python", EXECUTE, lesson, result, LAB_MODE="replay", LAB_WORK=str(tmp_path))
    cells = json.loads(result.read_text())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert [output for output in outputs if output["output_type"] == "error"] == []
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert "application/vnd.jupyter.widget-view+json" in kinds


def test_a_real_lab_runs_with_the_mininet_of_debian(installed: Installed) -> None:
    said = installed.run("labs", "exec", "--", installed.venv / "bin" / "python", "-c", (
        "from labs import Lab\n"
        "with Lab('basic') as lab:\n"
        f"    lab.wait_until(lambda: lab.holders() == ['web1'], {HUNG_S})\n"
        "    print(lab.run('web1', 'pgrep -af vrrpd'))\n"
    ))  # fmt: skip
    assert str(installed.venv) in said
