"""`labs grade FORM FOLDER...`: what the progress of learners is worth, for another program.

labs grade canvas class/* --roster canvas-export.csv --out grades.csv
labs grade gradescope class/* --out results --count challenge,mystery --points 10
labs grade lti class/* --platform lti.json         posts the scores to the LMS
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labs.cli.output_files import write_text
from labs.errors import LabError

if TYPE_CHECKING:
    from labs.grading.exports import Learner

_FORMS = ("canvas", "moodle", "nbgrader", "gradescope", "prairielearn", "lti")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the options of `labs grade`."""
    parser.add_argument("form", choices=_FORMS, help="the program that will read it")
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="of a learner")
    parser.add_argument(
        "--count",
        type=_comma_separated,
        default="challenge,prediction,mystery",
        metavar="KIND,...",
        help="what earns points; a prediction by being made (default: %(default)s)",
    )
    parser.add_argument(
        "--lessons", type=_comma_separated, default=[], metavar="07,08", help="default: all"
    )
    parser.add_argument(
        "--points", type=_points, help="what each lesson is worth (default: one an item)"
    )
    parser.add_argument(
        "--roster",
        type=Path,
        metavar="FILE",
        help="a CSV of the learners that the program has exported",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="PATH",
        help="the CSV (default: standard output); for gradescope and prairielearn a folder",
    )

    parser.add_argument(
        "--platform", type=Path, metavar="FILE", help="for lti: the LMS, as docs/teaching.md has it"
    )


def _comma_separated(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _points(word: str) -> float:
    """A positive number; argparse reports the ValueError."""
    number = float(word)
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError(f"not a number of points: {word}")
    return number


def run(options: argparse.Namespace) -> int:
    """Write the grades, or post them; 1 if the LMS has not accepted all.

    Raises LabError for what cannot be read or written.
    """
    from labs.grading import exports, points
    from labs.jupyter import gradebook

    wanted = points.assignments(options.lessons, set(options.count), options.points)
    learners = [
        exports.Learner(name, tuple(points.grade(entries, each) for each in wanted))
        for name, entries in gradebook.histories(gradebook.learners(options.folders), _warn)
    ]
    if not learners:
        raise LabError("no progress to grade: name the folders of the learners")
    if options.form == "lti":
        return _post(options.platform, learners)
    if options.form in ("gradescope", "prairielearn"):
        if options.out is None:
            raise LabError(f"{options.form} reads a file for each learner: add --out FOLDER")
        content = getattr(exports, options.form)
        exports.write_results(options.out, learners, content)
        return 0
    known = (
        exports.roster(options.form, options.roster)
        if options.roster
        else exports.Roster(options.form)
    )
    _write(exports.table(options.form, learners, known, _warn), options.out)
    return 0


def _post(path: Path | None, learners: list[Learner]) -> int:
    from labs.grading import lti

    if path is None:
        raise LabError("which LMS? add --platform FILE; docs/teaching.md says what is in it")
    refused: list[str] = []
    accepted = lti.post(lti.load(path), learners, refused.append)
    for sentence in refused:
        _warn(sentence)
    print(f"{accepted} scores were accepted")
    return int(bool(refused))


def _write(lines: list[list[str]], path: Path | None) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    write_text(text.getvalue(), path, "--out FILE")


def _warn(sentence: str) -> Any:
    print(f"labs: {sentence}", file=sys.stderr)
