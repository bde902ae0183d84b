"""`labs new lesson NAME` and `labs check lesson NAME`: for authors, in a checkout.

    labs new lesson gateways            22-gateways: every file that a lesson has, and it runs
    labs check lesson 22-gateways       what `make test` runs on it, and what is not written yet
    labs check lesson 22 --quick        only what takes seconds: no lab is started

The files are those of CONTRIBUTING.md, "Adding a lesson"; their patterns are in tools/lesson. A
pattern has WRITE where the author's own text belongs, and the check reports each that is left.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from labs.errors import LabError, unknown
from labs.shared_files import in_checkout

LEFT = "WRITE"
_CHECKOUT = Path(__file__).resolve().parents[2]
_NAME = re.compile(r"(?:(\d\d)-)?([a-z][a-z0-9]*(?:-[a-z0-9]+)*)")
_HIDDEN = {"jupyter": {"source_hidden": True}, "tags": ["solution"]}
# Tests that look at all lessons, and take seconds.
_WHOLE_FILES = (
    "tests/unit/test_lessons.py",
    "tests/unit/test_readme.py",
    "tests/unit/test_word_list.py",
    "tests/unit/test_names_in_prose.py",
    "tests/notebooks/test_challenges.py::test_every_wrong_answer_is_to_a_challenge",
)
_QUICK = (
    "tests/notebooks/test_shape.py",
    "tests/notebooks/test_hidden_answers.py",
    "tests/notebooks/test_lessons.py::test_every_truth_is_about_a_cell",
)
_ON_A_LAB = (
    "tests/notebooks/test_lessons.py::test_a_lesson_runs_as_an_ordinary_user_and_leaves_nothing",
    "tests/notebooks/test_challenges.py::test_a_check_knows_right_from_wrong",
    "tests/notebooks/test_learner.py",
)
_REPLAYS = (
    "tests/notebooks/test_replays.py::test_every_lesson_has_a_recording",
    "tests/notebooks/test_replays.py::test_recordings_are_small",
    "tests/notebooks/test_replays.py::test_a_lesson_marks_the_shell_commands_that_change_a_host",
)
_REPLAY = "tests/notebooks/test_replays.py::test_a_recorded_lesson_replays"


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson's name, 22-gateways, and the files that it has in `checkout`, by their pattern."""

    number: str
    slug: str
    checkout: Path = _CHECKOUT

    @property
    def stem(self) -> str:
        """Its name, which the notebook has: 22-gateways."""
        return f"{self.number}-{self.slug}"

    @property
    def files(self) -> dict[str, Path]:
        """Where each pattern of tools/lesson goes."""
        top, module = self.checkout, f"l{self.number}_{self.slug.replace('-', '_')}.py"
        return {
            "notebook": top / "notebooks" / f"{self.stem}.ipynb",
            "course": top / "labs" / "lessons" / "course" / module,
            "state": top / "labs" / "states" / self.slug / "README.md",
            "begin": top / "labs" / "states" / self.slug / "begin",
            "truths": top / "tests" / "notebooks" / "truths" / f"l{self.number}.py",
            "wrong": top / "tests" / "notebooks" / "wrong" / f"l{self.number}.py",
        }


def add_arguments(parser: argparse.ArgumentParser, check: bool = False) -> None:
    """Give `parser` the options of `labs new`, or of `labs check`."""
    parser.add_argument("kind", choices=["lesson"])
    parser.add_argument("name", metavar="NAME", help="22-gateways, or without its number")
    if check:
        parser.add_argument("--quick", action="store_true", help="start no lab")
    else:
        parser.add_argument("--title", help="default: made of the name")


def new(options: argparse.Namespace) -> None:
    """Write the files of a new lesson.  Raises LabError if the name is taken or none."""
    _require_checkout()
    made = create(_CHECKOUT, options.name, options.title)
    for path in made.files.values():
        print(f"  {path.relative_to(_CHECKOUT)}")
    before = _before(made)
    link = f"    2  link to it from the last cell of {before}:  ]({made.stem}.ipynb)\n"
    print(
        f"\n  {made.stem} runs as it is.  Then, as docs/authoring.md says:\n"
        f"    1  replace every {LEFT}\n{link if before else ''}"
        f"    3  labs check lesson {made.stem}"
    )


def create(checkout: Path, name: str, title: str | None = None) -> Lesson:
    """Write the files of the lesson `name` in `checkout`.

    Without a number it gets the next free one.
    Raises LabError, and writes nothing, for a name that is none or taken, and if a file is there.
    """
    lesson = _named(checkout, name)
    words = title or lesson.slug.replace("-", " ").capitalize()
    if re.search(r'["\\\n]', words):
        raise LabError(f"a title has neither quotes nor backslashes nor lines: {words}")
    values = {
        "number": lesson.number,
        "earlier": f"{max(int(lesson.number) - 2, 0):02}",
        "title": words,
        "stem": lesson.stem,
        "state": lesson.slug,
        "challenge": lesson.slug,
    }
    if there := [path for path in lesson.files.values() if path.exists()]:
        raise LabError(f"{there[0]} is there already: choose another name")
    for pattern, path in lesson.files.items():
        text = (checkout / "tools" / "lesson" / f"{pattern}.txt").read_text(encoding="utf-8")
        text = Template(text).substitute(values)
        path.parent.mkdir(exist_ok=True)
        path.write_text(_notebook(text) if pattern == "notebook" else text, encoding="utf-8")
    return lesson


def _named(checkout: Path, name: str) -> Lesson:
    """The lesson that `name` can become."""
    found = _NAME.fullmatch(name)
    if not found:
        raise LabError(f"{name!r} names no lesson: lower case and hyphens, as in 22-gateways")
    taken = {path.stem[:2]: path.stem for path in _notebooks(checkout)}
    number = found[1] or f"{max(map(int, taken), default=-1) + 1:02}"
    if number in taken or int(number) > 99:
        raise LabError(f"the number {number} is that of {taken.get(number, 'no lesson')}")
    return Lesson(number, found[2], checkout)


def _notebooks(checkout: Path) -> list[Path]:
    return sorted((checkout / "notebooks").glob("[0-9][0-9]-*.ipynb"))


def _before(lesson: Lesson) -> str:
    """The file of the lesson before; "" if there is none."""
    number = f"{int(lesson.number) - 1:02}"
    return next((p.name for p in _notebooks(lesson.checkout) if p.name.startswith(number)), "")


def _notebook(text: str) -> str:
    """A notebook of a pattern, whose cells begin with `--- KIND NAME`."""
    cells: list[dict[str, Any]] = []
    for part in re.split(r"^--- ", text, flags=re.M)[1:]:
        head, _, body = part.partition("\n")
        kind, name = head.split()
        cell: dict[str, Any] = {
            "cell_type": "markdown" if kind == "markdown" else "code",
            "id": name,
            "metadata": _HIDDEN if kind == "solution" else {},
            "source": body.rstrip("\n").splitlines(keepends=True),
        }
        if kind != "markdown":
            cell |= {"execution_count": None, "outputs": []}
        cells.append(cell)
    kernel = {"display_name": "VRRP Lab", "language": "python", "name": "vrrp-lab"}
    whole = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


# --- the check -----------------------------------------------------------------------------------


def check(options: argparse.Namespace) -> int:
    """Run what `make test` runs on a lesson; 1 if something fails or is not written yet.

    Raises LabError for a lesson that does not exist.
    """
    _require_checkout()
    lesson = find(_CHECKOUT, options.name)
    left = unwritten(lesson)
    bad = len(left)
    for line in left:
        print(line)
    python = [sys.executable, "-m"]
    sources = [path for path in lesson.files.values() if path.suffix == ".py" and path.exists()]
    paths = [str(path.relative_to(_CHECKOUT)) for path in sources]
    bad += _run([*python, "ruff", "check", "--quiet", *paths])
    bad += _run([*python, "ruff", "format", "--check", "--quiet", *paths])
    bad += _run([*python, "mypy", *paths])
    pytest = [*python, "pytest", "-q", "-p", "no:cacheprovider"]
    bad += _run([*pytest, *_WHOLE_FILES])
    bad += _run([*pytest, *_QUICK, "-k", lesson.stem])
    if not options.quick:
        bad += _run([*pytest, *_ON_A_LAB, "-k", lesson.stem])
        bad += _run([*pytest, *_REPLAYS])
        bad += _run([*pytest, _REPLAY, "-k", lesson.stem])
    if left:
        print(f"labs: {len(left)} places of {lesson.stem} are not written yet", file=sys.stderr)
    print(f"{lesson.stem}: {'not ready' if bad else 'ready'}")
    return 1 if bad else 0


def find(checkout: Path, name: str) -> Lesson:
    """The lesson of this name, or number; LabError, naming the known ones, if there is none."""
    for path in _notebooks(checkout):
        number, _, slug = path.stem.partition("-")
        if name in (path.stem, number, slug):
            return Lesson(number, slug, checkout)
    raise unknown("lesson", name, [path.stem for path in _notebooks(checkout)])


def unwritten(lesson: Lesson) -> list[str]:
    """The places of a lesson's files that still have the pattern's text, and files that lack."""
    found = []
    for pattern, path in lesson.files.items():
        where = path.relative_to(lesson.checkout)
        if path.exists():
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if re.search(rf"\b{LEFT}\b", line):
                    found.append(f"{where}:{number}: {line.strip()[:100]}")
        elif pattern not in ("state", "begin", "course"):  # which it may share, or call otherwise
            found.append(f"{where}: is missing")
    return found


def _run(command: list[str]) -> bool:
    """Whether a command of the check failed; what it prints goes to the terminal."""
    print(f"── {' '.join(command[2:])[:76]}", flush=True)
    return bool(subprocess.call(command, cwd=_CHECKOUT))


def _require_checkout() -> None:
    if not in_checkout() or not (_CHECKOUT / "tools" / "lesson").is_dir():
        raise LabError("lessons are written in a checkout: git clone, then .venv/bin/labs new")
    if shutil.which("ruff", path=str(Path(sys.executable).parent)) is None:
        raise LabError("ruff is missing beside this Python: `make setup`")
