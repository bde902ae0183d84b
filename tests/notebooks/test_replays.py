"""Every lesson runs from its recording: without namespaces or Mininet, and saying what it is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from labs import own_numbers
from labs.lessons import course
from labs.lessons.predictions import answer_text
from labs.replay import recording
from tests.notebooks.lessons import LESSONS, checked, errors, of_kind, read, shown
from tests.support import HUNG_S, REPOSITORY
from tools import predictions

LARGEST = 400_000  # bytes
EXECUTE = Path(__file__).with_name("execute.py")


def test_every_lesson_has_a_recording() -> None:
    assert recording.lessons() == [lesson.stem for lesson in LESSONS]


def test_recordings_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in recording.PLACE.glob("*.json.gz")}
    assert {name: size for name, size in sizes.items() if size > LARGEST} == {}


def test_a_lesson_marks_the_shell_commands_that_change_a_host() -> None:
    """They are steps of its recording; none is found by what it looks like."""
    with_steps, marked = set(), set()
    for lesson in LESSONS:
        runs = recording.load(recording.PLACE / f"{lesson.stem}.json.gz").runs
        if any(step.do[0] == "run" for run in runs for step in run.steps):
            with_steps.add(lesson.stem)
        if re.search(r"changes=True|%%on .*--changes", lesson.read_text()):
            marked.add(lesson.stem)
    assert with_steps == marked


# Between two cells a learner reads, and the panel plays on: up to the next step of the recording.
READ = """
from labs.replay.replay_lab import ReplayLab
if isinstance(globals().get("lab"), ReplayLab):
    lab.play(3600)
"""


def read_slowly(lesson: str, place: Path) -> Path:
    """A copy of the lesson at `place`, with a long time between its cells."""
    source = REPOSITORY / "notebooks" / f"{lesson}.ipynb"
    notebook = nbformat.read(source, as_version=4)
    cells = [[nbformat.v4.new_code_cell(READ), cell] for cell in notebook.cells]
    notebook.cells = [each for pair in cells for each in pair]
    nbformat.write(notebook, place)
    return place


def verdicts(lesson: str) -> list[str]:
    """What the verdicts of a lesson show, by docs/predictions.json."""
    known, own = predictions.answers(), course.lesson(lesson).own
    found = []
    for asked in predictions.asked(REPOSITORY / "notebooks" / f"{lesson}.ipynb"):
        answer = known[own_numbers.recorded(asked.question, own)]["answer"]
        text = answer_text(answer, asked.unit)
        quoted = isinstance(answer, str) and " " in answer
        found.append(f"it was “{text}”." if quoted else f"it was {text}.")
    return found


@pytest.mark.timeout(900)
@pytest.mark.parametrize("lesson", recording.lessons())
def test_a_recorded_lesson_replays(lesson: str, tmp_path: Path) -> None:
    source = read_slowly(lesson, tmp_path / f"{lesson}.ipynb")
    result = tmp_path / "result.ipynb"
    absent = tmp_path / "absent" / "mininet"
    absent.mkdir(parents=True)
    (absent / "__init__.py").write_text("raise ImportError('there is no Mininet here')\n")
    environment = {
        **os.environ, "LAB_MODE": "replay", "LAB_WORK": str(tmp_path),
        "PYTHONPATH": str(absent.parent),
    }  # fmt: skip
    done = subprocess.run(
        # In a user namespace of its own that allows none below it: no lab can start here.
        # Nor is the kernel's port another program's.
        ["unshare", "-Urn", "sh", "-c",
         '/sbin/ip link set lo up; '
         'echo 0 >/proc/sys/user/max_user_namespaces; echo 0 >/proc/sys/user/max_net_namespaces; '
         'if unshare -n true 2>/dev/null; then exit 99; fi; exec "$@"', "sh",
         sys.executable, str(EXECUTE), str(source), str(result)],
        capture_output=True, text=True, env=environment, timeout=HUNG_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    cells = of_kind(read(result), "code")
    assert not [error for cell in cells for error in errors(cell)]
    said = "\n".join(shown(cell) for cell in cells)
    assert "Replay: nothing runs here." in said
    assert "REPLAY" in said
    assert [asked for asked in verdicts(lesson) if asked not in said] == []
    last = {checked(cell): shown(cell) for cell in cells if checked(cell)}
    assert last
    assert all(": done\n" in report for report in last.values()), last
