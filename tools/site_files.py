"""The files of the browser edition that Python makes, for `make site`.

    python3 tools/site_files.py DIRECTORY        writes DIRECTORY/vrrp-lab.zip

The zip holds `vrrpd` and the part of `labs` that needs nothing but the standard library, as this
checkout has them.  The same checkout gives the same bytes.  Needs no .venv.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

# Of `labs`, what runs only on a Linux host, in Jupyter, or with packages that a tab does not have.
ABSENT = {"api", "cli", "emulation", "jupyter", "monitoring", "recordings", "replay", "sandbox"}
LONG_AGO = (2020, 1, 1, 0, 0, 0)


def sources() -> Iterator[Path]:
    """The files of the zip, as paths below the repository, sorted."""
    for package in ("labs", "topologies", "vrrpd"):
        for path in sorted((REPOSITORY / package).rglob("*")):
            place = path.relative_to(REPOSITORY)
            if path.is_file() and "__pycache__" not in place.parts and place.parts[1] not in ABSENT:
                yield place


def write_zip(target: Path) -> None:
    """Write the zip."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for place in sources():
            entry = zipfile.ZipInfo(str(place), LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, (REPOSITORY / place).read_bytes())


def main(directory: Path) -> None:
    """Write every file into `directory`, which exists."""
    write_zip(directory / "vrrp-lab.zip")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
