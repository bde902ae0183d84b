"""`labs report`: one CSV line for each prediction, challenge and question of each learner.

    learner, lesson, item, kind, passed, attempts, prediction, measured

    prediction   passed: whether it agreed with the first measurement; attempts: answers given
    check        passed: whether it ever was; attempts: checks up to and with the first that did
    quiz         passed: whether it was answered right in the end; attempts: answers up to then

The source is progress.jsonl in the learners' folders, which `labs.progress` writes.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from labs.errors import LabError
from labs.progress import FILE, Answer, Entry, read

HEAD = ("learner", "lesson", "item", "kind", "passed", "attempts", "prediction", "measured")
_KINDS = {"prediction": "prediction", "verdict": "prediction", "check": "check", "quiz": "quiz"}

Row = tuple[str, ...]


def rows(learner: str, entries: Iterable[Entry]) -> Iterator[Row]:
    """The lines of one learner: lesson by lesson, in the order in which things were first done."""
    found: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in entries:
        if kind := _KINDS.get(entry.kind):
            found.setdefault((entry.lesson, kind, entry.item), []).append(entry)
    for (lesson, kind, item), history in sorted(found.items(), key=lambda pair: pair[0][0]):
        told = _predicted(history) if kind == "prediction" else _tried(history)
        yield (learner, lesson, item, kind, *told)


def _predicted(history: list[Entry]) -> Row:
    answers = [entry for entry in history if entry.kind == "prediction"]
    verdict = next((entry for entry in history if entry.kind == "verdict"), None)
    last = verdict or answers[-1]
    passed = verdict.passed if verdict else None
    measured = verdict.measured if verdict else None
    return _yes(passed), str(len(answers) or 1), _text(last.answer), _text(measured)


def _tried(history: list[Entry]) -> Row:
    first = next((n for n, entry in enumerate(history, 1) if entry.passed), None)
    return _yes(first is not None), str(first or len(history)), "", ""


def _yes(passed: bool | None) -> str:
    return "" if passed is None else "yes" if passed else "no"


def _text(answer: Answer | None) -> str:
    if answer is None:
        return ""
    return f"{answer:.4g}" if isinstance(answer, float) else str(answer)


def write(folders: Iterable[tuple[str, Path]], stream: TextIO) -> None:
    """Writes the report on the given learners and their folders, with a line of headings.

    Raises LabError for a folder without progress.
    """
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(HEAD)
    for learner, folder in folders:
        try:
            entries = list(read(folder / FILE))
        except OSError as error:
            raise LabError(
                f"no progress in {folder} ({error.strerror}): name the folders of the learners, "
                "`labs report FOLDER...`"
            ) from None
        table.writerows(rows(learner, entries))
