"""`labs exam`: an exam for a class, by the teacher.

labs exam new final.exam --begin "2026-12-01 10:00" --minutes 60
labs exam hand-out final.exam class/*
labs exam results final.exam class/* --out results.csv
labs exam results final.exam class/* --watch      looks again every ten seconds, until Ctrl-C
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from labs.cli.output_files import write_text
from labs.errors import LabError

if TYPE_CHECKING:
    from labs.exam.paper import Paper
    from labs.exam.results import Result
    from labs.sealing import Head

EVERY = 10.0  # s between two looks


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the commands of `labs exam`."""
    commands = parser.add_subparsers(metavar="WHAT", required=True)
    new = commands.add_parser("new", help="make an exam")
    new.set_defaults(do=_new)
    new.add_argument("file", type=Path, metavar="FILE", help="the teacher's, with the secret")
    new.add_argument("--begin", required=True, metavar="'2026-12-01 10:00'", help="local time")
    new.add_argument("--minutes", type=float, default=60.0, help="default: %(default)g")
    new.add_argument("--title", help="default: the name of the file")
    hand_out = commands.add_parser("hand-out", help="put it into learners' folders")
    hand_out.set_defaults(do=_hand_out)
    results = commands.add_parser("results", help="points, and what is wrong with the files")
    results.set_defaults(do=_results)
    for each in (hand_out, results):
        each.add_argument("file", type=Path, metavar="FILE")
        each.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="of a learner")
    results.add_argument("--out", type=Path, metavar="CSV", help="default: standard output")
    results.add_argument("--watch", action="store_true", help="look again every ten seconds")


def run(options: argparse.Namespace) -> int:
    """Do what was asked for; raises LabError for what cannot be read or written."""
    return int(options.do(options) or 0)


def _new(options: argparse.Namespace) -> None:
    from labs.exam import paper

    if options.file.exists():
        raise LabError(f"{options.file} is there already: its secret would be lost")
    try:
        begins = paper.moment(options.begin)
    except (ValueError, OverflowError):
        raise LabError(f"--begin {options.begin!r}: a date and a time, 2026-12-01 10:00") from None
    title = options.title or options.file.stem
    made = paper.new(title, begins, begins + options.minutes * 60)
    made.save(options.file)
    print(f"{options.file}: {made.title}, {paper.clock(made.begins)} to {paper.clock(made.ends)}")


def _hand_out(options: argparse.Namespace) -> int:
    """1 if a folder was left out."""
    from labs.exam import hand_out, paper
    from labs.jupyter import gradebook

    made, bad = paper.load(options.file), 0
    for name, folder in gradebook.learners(options.folders):
        if folder.name.startswith("."):
            continue  # the hub's own, if a shell's * finds it
        try:
            print(hand_out.hand_out(made, _known(made, folder) or name, folder))
        except LabError as error:
            bad += 1
            print(f"labs: {error}", file=sys.stderr)
    made.save(options.file)
    return int(bool(bad))


def _known(paper: Paper, folder: Path) -> str | None:
    """The learner to whom the exam was handed out in this folder; None if to none."""
    place = os.path.realpath(folder)
    return next((name for name, known in paper.learners.items() if known == place), None)


def _results(options: argparse.Namespace) -> int:
    from labs.exam import paper, results

    made = paper.load(options.file)
    record = options.file.with_name(f"{options.file.name}.seen")
    printed: set[str] = set()
    while True:
        seen = results.seen(record)
        found = list(_look(made, options.folders, seen))
        if not found:
            raise LabError("the exam was handed out in none of these folders")
        try:
            results.remember(record, seen, found)
        except OSError as error:
            raise LabError(f"{record} cannot be written ({error.strerror})") from None
        if not options.watch:
            _write(found, options.out)
            return 0
        lines = {f"{each.learner}: {remark}" for each in found for remark in each.remarks}
        for line in sorted(lines - printed):
            print(line, flush=True)
        printed |= lines
        threading.Event().wait(EVERY)


def _look(made: Paper, folders: Iterable[Path], seen: dict[str, Head]) -> Iterable[Result]:
    """The result of each learner to whom the exam was handed out."""
    from labs.exam import results
    from labs.jupyter import gradebook

    for name, folder in gradebook.learners(folders):
        learner = _known(made, folder) or name
        if learner in made.learners:
            yield results.result(made, learner, folder, seen.get(learner))
        elif not folder.name.startswith("."):
            print(f"labs: {folder}: the exam was not handed out to {learner}", file=sys.stderr)


def _write(found: list[Result], path: Path | None) -> None:
    from labs.exam import results

    text = io.StringIO()
    results.write(found, text)
    write_text(text.getvalue(), path, "--out FILE")
