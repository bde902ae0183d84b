"""The files of the browser edition that Python makes, for `make site`.

    python3 tools/site_files.py DIRECTORY        writes vrrp-lab.zip, recorded.json
                                                 and explore/*/first.json

The zip holds `vrrpd` and the part of `labs` that needs nothing but the standard library, as this
checkout has them.  The recorded run is what a page shows until Python has started there,
and so is the answer for the first state of an explorable figure, first.json.
The same checkout gives the same bytes.
"""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

# Of `labs`, what runs only on a Linux host, in Jupyter, or with packages that a tab does not have.
ABSENT = {"api", "cli", "emulation", "jupyter", "monitoring", "recordings", "replay", "sandbox"}
# What the lessons import of them, which needs nothing more either.
PRESENT = (
    *("labs/jupyter/__init__.py", "labs/jupyter/notebook_errors.py"),
    *("labs/replay/__init__.py", "labs/replay/recording.py"),
)
# The recorded run: shown from FIRST to END (s); its cable is pulled and put back (ms).
FIRST, PULLED, PUT_BACK, END = 6.0, 14_000, 22_000, 32.0
LONG_AGO = (2020, 1, 1, 0, 0, 0)


def sources() -> Iterator[Path]:
    """The files of the zip, as paths below the repository, sorted."""
    for package in ("labs", "topologies", "vrrpd"):
        for path in sorted((REPOSITORY / package).rglob("*")):
            place = path.relative_to(REPOSITORY)
            wanted = place.parts[1] not in ABSENT or str(place) in PRESENT
            if path.is_file() and "__pycache__" not in place.parts and wanted:
                yield place


def write_zip(target: Path) -> None:
    """Write the zip."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for place in sources():
            entry = zipfile.ZipInfo(str(place), LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, (REPOSITORY / place).read_bytes())


def write_recorded(target: Path) -> None:
    """Write a run of the pair: a cable is pulled and put back."""
    from labs.browser import player
    from labs.simulation.lan import HOSTS

    first = next(iter(HOSTS))
    actions = [[PULLED, "unplug", first], [PUT_BACK, "plug", first]]
    run = player.start("pair", {}, actions, END)
    shown = {key: run[key] for key in ("base", "start", "end", "events", "actions")}
    found = {
        "topology": "pair",
        "first": FIRST,
        "network": player.recorded(run["network"]),
        **shown,
    }
    target.write_text(json.dumps(found, ensure_ascii=False, separators=(",", ":")))


def first_answers() -> dict[str, object]:
    """The answer for the first state of each explorable, by the name of its folder."""
    from labs.browser import advertisement, election, interval_risk, lost_cable, takeover_moment

    return {
        "outage": takeover_moment.takeover(2.4),
        "election": election.result([150, 100, 200, 100, 50]),
        "interval": [interval_risk.runs(each, 0.02, 0.2) for each in interval_risk.INTERVALS],
        "cable": [lost_cable.story(way) for way in ("pulled", "cut", "nothing-leaves")],
        "advertisement": advertisement.inspect(),
    }


def main(directory: Path) -> None:
    """Write every file into `directory`, which exists."""
    write_zip(directory / "vrrp-lab.zip")
    write_recorded(directory / "recorded.json")
    for name, answer in first_answers().items():
        place = directory / "explore" / name
        place.mkdir(parents=True, exist_ok=True)
        (place / "first.json").write_text(json.dumps(answer, separators=(",", ":")))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
