"""Records the lessons on the real lab, for LAB_MODE=replay; `make recordings` runs it.

    tools/recordings.py            every lesson, in labs/recordings
    tools/recordings.py 05 06      those

A lesson is executed top to bottom in its own kernel, with LAB_MODE=record; then the recording is
tried: the same lesson is executed with LAB_MODE=replay.  A recording that fails is not kept.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
PLACE = HOUSE / "labs" / "recordings"
EXECUTE = HOUSE / "tests" / "notebooks" / "execute.py"


def execute(lesson: Path, mode: str, place: Path) -> tuple[bool, str]:
    """Execute a lesson in a mode; whether every cell ran, and the message of the first error."""
    told = {"LAB_MODE": mode, "LAB_RECORDING": str(place / "book.json.gz")}
    done = subprocess.run(
        [sys.executable, str(EXECUTE), str(lesson), str(place / "result.ipynb")],
        env={**os.environ, **told},
        capture_output=True,
        text=True,
    )
    return done.returncode == 0, (done.stderr.strip().splitlines() or [""])[-1]


def record(lesson: Path) -> str:
    """Record one lesson and try the recording; a line on how it went."""
    with tempfile.TemporaryDirectory() as room:
        place = Path(room)
        good, why = execute(lesson, "record", place)
        made = place / "book.json.gz"
        if not good or not made.exists():
            return f"{lesson.stem}: could not be recorded: {why}"
        target = PLACE / f"{lesson.stem}.json.gz"
        former = target.read_bytes() if target.exists() else None
        PLACE.mkdir(exist_ok=True)
        target.write_bytes(made.read_bytes())
        good, why = execute(lesson, "replay", place)
        if good:
            return f"{lesson.stem}: recorded, {target.stat().st_size / 1000:.0f} kB"
        if former is None:
            target.unlink()
        else:
            target.write_bytes(former)
        return f"{lesson.stem}: the replay fails: {why}"


def main(numbers: list[str]) -> int:
    """Record those lessons, or all; 1 if one of them could not be recorded."""
    lessons = sorted((HOUSE / "notebooks").glob("[0-9][0-9]-*.ipynb"))
    lost = False
    for lesson in lessons:
        if not numbers or lesson.stem[:2] in numbers:
            said = record(lesson)
            print(said, flush=True)
            lost = lost or ": recorded" not in said
    return int(lost)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
