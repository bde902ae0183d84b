"""Grades in the forms that other programs import.

    canvas        one CSV, a column for each lesson, "Points Possible" in its second line
                  (instructure/canvas-lms, lib/gradebook_importer.rb: `row_has_student_headers?`,
                  `update_column_count`, `process_student`; a learner is found by ID, then by the
                  SIS ids, then by the name)
    moodle        one CSV, a column for each lesson; any identifies the learner
                  (moodle/moodle, grade/import/grade_import_form.php: `mapto` is userid, username,
                  useridnumber or useremail)
    nbgrader      one CSV, a line for each learner and lesson, as `nbgrader export` writes it
                  (jupyter/nbgrader, nbgrader.plugins.export.CsvExportPlugin)
    gradescope    FOLDER/LEARNER/results.json
                  (https://gradescope-autograders.readthedocs.io/en/latest/specs/, Output format)
    prairielearn  FOLDER/LEARNER/results.json
                  (PrairieLearn/PrairieLearn, docs/externalGrading.md, Grading results: `score` is
                  from 0.0 to 1.0; the file has at most 1 MB)

Canvas and Moodle match learners by columns that they export themselves: a `Roster` is such a file,
and a learner is the line of it in which the name of the folder stands.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from labs import jsonlines
from labs.errors import LabError
from labs.grading.points import Assignment, Grade, Item

# The columns by which each program knows a learner, in its own order.
IDENTITY = {
    "canvas": ("Student", "ID", "SIS User ID", "SIS Login ID", "Section"),
    "moodle": ("Username", "First name", "Last name", "ID number", "Email address"),
    "nbgrader": ("student_id", "last_name", "first_name", "email"),
}
# Where the name of a folder goes when there is no roster.
_NAMED = {
    "canvas": ("Student", "SIS Login ID"),
    "moodle": ("Username",),
    "nbgrader": ("student_id",),
}
NBGRADER = (
    "assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email",
    "raw_score", "late_submission_penalty", "score", "max_score",
)  # fmt: skip
_LABELS = {"challenge": "Challenge", "prediction": "Prediction made", "mystery": "Mystery"}


@dataclass(frozen=True, slots=True)
class Learner:
    """The name of a learner's folder, and a grade for every assignment."""

    name: str
    grades: tuple[Grade, ...]

    @property
    def score(self) -> float:
        """All points together, rounded to hundredths."""
        return round(sum(grade.score for grade in self.grades), 2)

    @property
    def possible(self) -> float:
        """All points that there are."""
        return round(sum(grade.assignment.points for grade in self.grades), 2)


Identity = dict[str, str]


class Roster:
    """The learners as Canvas, Moodle or nbgrader know them: a CSV that they have exported."""

    def __init__(self, form: str, lines: Iterable[dict[str, str]] = ()) -> None:
        self._form = form
        self._lines = [{name: line.get(name) or "" for name in IDENTITY[form]} for line in lines]
        self.given = bool(self._lines)

    def find(self, name: str) -> Identity | None:
        """The columns of the learner whose folder is `name`; None if the roster has no such line.

        Without a roster they are made of the name.
        """
        if not self.given:
            return {
                column: name if column in _NAMED[self._form] else ""
                for column in IDENTITY[self._form]
            }
        return next((line for line in self._lines if name in line.values()), None)


def roster(form: str, path: Path) -> Roster:
    """The roster in a CSV file, UTF-8 with or without a byte order mark.

    Raises LabError if it cannot be read or has none of the columns of `form`.
    """
    try:
        text = jsonlines.whole(path).removeprefix("\ufeff")
        lines = list(csv.DictReader(io.StringIO(text)))
    except (OSError, ValueError, csv.Error) as error:
        raise LabError(f"{path} cannot be read as CSV: {error}") from None
    if not lines or not set(lines[0]) & set(IDENTITY[form]):
        columns = ", ".join(IDENTITY[form])
        raise LabError(f"{path} is no roster of {form}: it has no line with one of {columns}")
    return Roster(form, lines)


Warn = Callable[[str], object]


def table(form: str, learners: Sequence[Learner], known: Roster, warn: Warn) -> list[list[str]]:
    """The lines of the CSV for `form`; a learner who is not in the roster is left out, with a word.

    `learners`: at least one.
    """
    assignments = [grade.assignment for grade in learners[0].grades]
    head = [*IDENTITY[form], *(assignment.name for assignment in assignments)]
    lines = [head]
    if form == "canvas":
        blank = [""] * (len(IDENTITY[form]) - 1)
        lines.append(["    Points Possible", *blank, *(_number(a.points) for a in assignments)])
    if form == "nbgrader":
        lines = [list(NBGRADER)]
    for learner in learners:
        identity = known.find(learner.name)
        if identity is None:
            warn(f"{learner.name}: not in the roster: left out")
        elif form == "nbgrader":
            lines += [_nbgrader_line(identity, grade) for grade in learner.grades]
        else:
            lines.append([*identity.values(), *(_number(g.score) for g in learner.grades)])
    return lines


def _nbgrader_line(identity: Identity, grade: Grade) -> list[str]:
    when = datetime.fromtimestamp(grade.latest, timezone.utc) if grade.latest else None
    cells = identity | {
        "assignment": grade.assignment.name,
        "timestamp": f"{when:%Y-%m-%d %H:%M:%S}" if when else "",
        "raw_score": str(grade.score),
        "late_submission_penalty": "0.0",
        "score": str(grade.score),
        "max_score": str(float(grade.assignment.points)),
    }
    return [cells.get(column, "") for column in NBGRADER]


def gradescope(learner: Learner) -> dict[str, Any]:
    """The content of results.json for Gradescope."""
    return {
        "score": learner.score,
        "output": f"VRRP Lab: {_number(learner.score)} of {_number(learner.possible)} points",
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [
            {
                "name": f"{grade.assignment.name}: {_LABELS[item.kind]}: {item.name}",
                "number": f"{grade.assignment.number}.{number}",
                "score": _worth(grade.assignment) if item in grade.earned else 0.0,
                "max_score": _worth(grade.assignment),
                "status": "passed" if item in grade.earned else "failed",
                "output": _outcome(item, grade),
                "visibility": "visible",
            }
            for grade in learner.grades
            for number, item in enumerate(grade.assignment.items, 1)
        ],
    }


def prairielearn(learner: Learner) -> dict[str, Any]:
    """The content of results.json for PrairieLearn; its score is a share, from 0 to 1."""
    return {
        "gradable": True,
        "score": round(learner.score / learner.possible, 4),
        "message": f"{_number(learner.score)} of {_number(learner.possible)} points",
        "output": "",
        "tests": [
            {
                "name": f"{_LABELS[item.kind]}: {item.name}",
                "description": grade.assignment.name,
                "points": _worth(grade.assignment) if item in grade.earned else 0.0,
                "max_points": _worth(grade.assignment),
                "message": _outcome(item, grade),
                "output": "",
            }
            for grade in learner.grades
            for item in grade.assignment.items
        ],
    }


def write_results(
    folder: Path, learners: Iterable[Learner], content: Callable[[Learner], dict[str, Any]]
) -> None:
    """Write results.json for each learner, into a folder below `folder` that has their name.

    Raises LabError if that cannot be written.
    """
    taken: set[Path] = set()
    for learner in learners:
        # Two names with bytes that are no text may have become the same.
        names = (f"{learner.name}{f'-{n}' if n > 1 else ''}" for n in range(1, 1_000_000))
        place = next(path for name in names if (path := folder / name) not in taken)
        taken.add(place)
        try:
            place.mkdir(parents=True, exist_ok=True)
            text = json.dumps(content(learner), ensure_ascii=False, indent=1) + "\n"
            (place / "results.json").write_text(text, encoding="utf-8")
        except OSError as error:
            raise LabError(
                f"{error.filename or place} cannot be written ({error.strerror}): "
                "name another folder with --out FOLDER"
            ) from None


def _worth(assignment: Assignment) -> float:
    """The points of one item."""
    return round(assignment.points / len(assignment.items), 4)


def _outcome(item: Item, grade: Grade) -> str:
    if item.kind == "prediction":
        return "a prediction was made" if item in grade.earned else "no prediction was made"
    return "met" if item in grade.earned else "not met"


def _number(points: float) -> str:
    return f"{points:g}" if points == int(points) else f"{points:.2f}".rstrip("0")
