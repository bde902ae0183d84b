"""The file tree of the image of packaging/kubernetes, built without Docker: as root.

    python -m tools.image [DIRECTORY]

The steps are those of the Dockerfile, read from it: what this file does is what `docker build`
would do, on a Debian 13 that debootstrap makes in the place of the image debian:13-slim.
DIRECTORY (build/image) gets `base`, that Debian, which is kept for the next time; `build`, the
first stage; and `image`, the second.

    FROM    a copy of base          COPY    from the checkout, or from the stage --from
    RUN     tools/debian13.sh       others  change no file
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
DOCKERFILE = REPOSITORY / "packaging" / "kubernetes" / "Dockerfile"
LAST = "image"
# What Docker remembers beside the files.
WITHOUT_FILES = ("ARG", "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "USER", "WORKDIR")
# Where tools/debian13.sh puts the checkout, which Docker does not.
CHECKOUT = "srv/vrrp-lab"


def instructions(dockerfile: Path = DOCKERFILE) -> Iterator[tuple[str, str]]:
    """Each instruction of a Dockerfile with its text, continued lines joined.

    Raises ValueError for one that `build` does not know.
    """
    lines = [line for line in dockerfile.read_text().splitlines() if not line.startswith("#")]
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        if not line:
            continue
        name, _, text = line.partition(" ")
        if name not in (*WITHOUT_FILES, "FROM", "RUN", "COPY"):
            raise ValueError(f"{dockerfile}: what does {name} do? This tool does not know it")
        yield name, text.strip()


def build(directory: Path) -> Path:
    """Carry out the Dockerfile below `directory`; the tree of the image.

    Raises subprocess.CalledProcessError if a step fails.
    """
    base = directory / "base"
    _run(base, "true")
    tree = base
    for name, text in instructions():
        print(f"image: {name} {text[:90]}", flush=True)
        if name == "FROM":
            tree = directory / (text.partition(" AS ")[2] or LAST)
            subprocess.run(["rm", "-rf", tree], check=True)
            subprocess.run(["cp", "--archive", base, tree], check=True)
        elif name == "RUN":
            _run(tree, text)
        elif name == "COPY":
            _copy(directory, tree, text)
    subprocess.run(["rm", "-rf", tree / CHECKOUT], check=True)
    return tree


def _run(tree: Path, command: str) -> None:
    environment = os.environ | {"DEBIAN13": str(tree)}
    shell = [str(REPOSITORY / "tools" / "debian13.sh"), "env", "DEBIAN_FRONTEND=noninteractive"]
    subprocess.run([*shell, "sh", "-c", command], env=environment, check=True)


def _copy(directory: Path, tree: Path, text: str) -> None:
    """COPY: each source into the directory that the last word names, a stage's to that path."""
    *sources, target = shlex.split(text)
    place = tree / target.lstrip("/")
    if sources[0].startswith("--from="):
        stage, source = sources[0].removeprefix("--from="), sources[1]
        subprocess.run(["cp", "-a", directory / stage / source.lstrip("/"), place], check=True)
        return
    place.mkdir(parents=True, exist_ok=True)
    for pattern in sources:
        found = sorted(REPOSITORY.glob(pattern))
        if not found:
            raise FileNotFoundError(f"{pattern}: COPY finds nothing; `make wheel` makes the wheel")
        for path in found:
            shutil.copy(path, place)


if __name__ == "__main__":
    where = Path(sys.argv[1] if len(sys.argv) > 1 else REPOSITORY / "build" / "image")
    print(build(where.resolve()))
