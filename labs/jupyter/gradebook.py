"""`labs report`: one CSV line for each prediction, challenge and question of each learner.

    learner, lesson, item, kind, passed, attempts, prediction, measured

    prediction   passed: whether it agreed with the first measurement; attempts: answers given
                 before it
    check        passed: whether it ever was; attempts: checks up to and with the first that did,
                 without a first one that only looked at the untouched start
    quiz         passed: whether it was answered right in the end; attempts: answers up to then
    catch-up     the section to whose start the solution has brought the lab, not the learner

The source is progress.jsonl in the learners' folders, which `labs.progress` writes.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TextIO

from labs.errors import LabError
from labs.progress import FILE, Answer, Entry, read

HEAD = ("learner", "lesson", "item", "kind", "passed", "attempts", "prediction", "measured")
_KINDS = {
    "prediction": "prediction", "verdict": "prediction", "check": "check", "quiz": "quiz",
    "catch-up": "catch-up",
}  # fmt: skip
# As many lines of one file are named; of more the number is enough.
MOST_WARNINGS = 10

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
    verdict = next((entry for entry in history if entry.kind == "verdict"), None)
    round_one = history[: history.index(verdict)] if verdict else history
    answers = [entry for entry in round_one if entry.kind == "prediction"]
    last = verdict or answers[-1]
    passed = verdict.passed if verdict else None
    measured = verdict.measured if verdict else None
    return _yes(passed), str(len(answers) or 1), _text(last.answer), _text(measured)


def _tried(history: list[Entry]) -> Row:
    if history[0].kind == "check" and not history[0].passed:
        history = history[1:]
    first = next((n for n, entry in enumerate(history, 1) if entry.passed), None)
    return _yes(first is not None), str(first or len(history)), "", ""


def _yes(passed: bool | None) -> str:
    return "" if passed is None else "yes" if passed else "no"


def _text(answer: Answer | None) -> str:
    if answer is None:
        return ""
    return f"{answer:.4g}" if isinstance(answer, float) else str(answer)


def learners(folders: Iterable[Path]) -> list[tuple[str, Path]]:
    """Each folder once, with the name of its learner: the folder's, as long as it takes to differ.

    class/anna and other/anna are two learners of these names, class/anna and class/./anna are one.
    """
    places: dict[Path, Path] = {}
    for folder in folders:
        places.setdefault(Path(os.path.realpath(folder)), folder)
    return [(_name(place, places), folder) for place, folder in places.items()]


def _name(place: Path, places: Iterable[Path]) -> str:
    """The last parts of `place` that no other place ends with; what is no text in it as \ufffd."""
    own, others = place.parts, [other.parts for other in places if other != place]
    length = 1
    while length < len(own) and any(other[-length:] == own[-length:] for other in others):
        length += 1
    return os.fsencode(os.path.join(*own[-length:])).decode(errors="replace")


def write(
    folders: Iterable[tuple[str, Path]], stream: TextIO, warn: Callable[[str], object]
) -> None:
    """Writes the report on the given learners and their folders, with a line of headings.

    `warn` is called with a sentence for each line that is not an entry, and for each folder that
    holds no progress: neither keeps the others from being reported.
    Raises LabError if no folder holds any.
    """
    table = csv.writer(stream, lineterminator="\n")
    found = False
    for learner, entries in histories(folders, warn):
        if not found:
            table.writerow(HEAD)
        found = True
        table.writerows(rows(learner, entries))
    if not found:
        raise LabError(
            "no progress to report: name the folders of the learners, `labs report FOLDER...`"
        )


def histories(
    folders: Iterable[tuple[str, Path]], warn: Callable[[str], object]
) -> Iterator[tuple[str, list[Entry]]]:
    """Each learner with the entries of their file; a folder that holds no progress is left out.

    `warn` is called as by `write`.
    """
    for learner, folder in folders:
        skipped: list[str] = []
        try:
            entries = list(read(folder / FILE, partial(_note, skipped)))
        except OSError as error:
            warn(_absent(folder, error))
            continue
        yield learner, entries
        for line in skipped[:MOST_WARNINGS]:
            warn(f"{_shown(folder / FILE)}:{line}")
        if len(skipped) > MOST_WARNINGS:
            warn(f"{_shown(folder / FILE)}: {len(skipped)} lines are skipped in all")
        if not entries:
            warn(f"{_shown(folder / FILE)}: {learner} has not begun a lesson")


def _note(skipped: list[str], number: int, why: str) -> None:
    skipped.append(f"{number}: skipped: {why}")


def _absent(folder: Path, error: OSError) -> str:
    """Why a folder has no progress."""
    if isinstance(error, FileNotFoundError) and folder.is_dir():
        return f"{_shown(folder)}: no {FILE}: no lesson has been begun here"
    if isinstance(error, NotADirectoryError):
        return f"{_shown(folder)}: not a learner's folder: skipped"
    return f"{_shown(folder / FILE)}: cannot be read: {error.strerror}"


def _shown(path: Path) -> str:
    """A path as text that any terminal takes."""
    return os.fsencode(path).decode(errors="replace")
