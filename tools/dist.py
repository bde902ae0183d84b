"""Build the source distribution and, from it, the wheel: the same bytes every time.

    python tools/dist.py build/wheel

The time in both is $SOURCE_DATE_EPOCH, or that of the last commit, or where there is no repository
the first that a wheel can hold.  It all happens in a copy below a temporary directory: the checkout
is only read.  No network; setuptools is .venv's.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
_EARLIEST = 315532800  # 1980-01-01, where the times of ZIP begin
# What is in the checkout and not of the project; the same as .gitignore.
_NOT_OURS = shutil.ignore_patterns(
    ".git", ".venv*", "build", "*.egg-info", "__pycache__", ".ipynb_checkpoints", ".hypothesis",
    ".*_cache", "node_modules",
)  # fmt: skip
_BACKEND = """
import sys
from setuptools import build_meta
print(getattr(build_meta, sys.argv[1])(sys.argv[2]))
"""


def epoch() -> int:
    """The time that the files get, in Unix seconds."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    command = ["git", "-C", str(REPOSITORY), "log", "-1", "--format=%ct"]
    try:
        return int(subprocess.run(command, capture_output=True, text=True).stdout)
    except (OSError, ValueError):  # no git, or an unpacked source distribution
        return _EARLIEST


def build(place: Path, source: Path = REPOSITORY) -> tuple[Path, Path]:
    """Build both from `source` into `place`, which is made; their paths, the wheel's last.

    Raises CalledProcessError if setuptools cannot; it has printed why.
    """
    place.mkdir(parents=True, exist_ok=True)
    os.umask(0o022)  # wheels keep the modes of files
    with tempfile.TemporaryDirectory() as room:
        copy = Path(room, "copy")
        shutil.copytree(source, copy, ignore=_NOT_OURS)
        made = _run_backend("build_sdist", copy, Path(room))
        archive = _normalized(made, place / made.name)
        subprocess.run(["tar", "--extract", "--file", archive, "--directory", room], check=True)
        tree = Path(room, archive.name.removesuffix(".tar.gz"))
        return archive, _run_backend("build_wheel", tree, place)


def _run_backend(hook: str, tree: Path, place: Path) -> Path:
    """The file that a hook of PEP 517 has made in `place`."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch()), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-W", "ignore", "-c", _BACKEND, hook, str(place.resolve())]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        done.check_returncode()
    return place / done.stdout.splitlines()[-1]


def _normalized(archive: Path, target: Path) -> Path:
    """Write an archive again with sorted names, one time, one owner and plain modes; `target`."""
    when = epoch()
    with (
        tarfile.open(archive) as old,
        target.open("wb") as raw,
        gzip.GzipFile("", "wb", 9, raw, when) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in sorted(old.getmembers(), key=lambda one: one.name):
            member.mtime, member.uid, member.gid = when, 0, 0
            member.uname = member.gname = ""
            member.pax_headers = {}
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
    return target


if __name__ == "__main__":
    for path in build(Path(sys.argv[1])):
        print(path)
