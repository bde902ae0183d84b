"""What a progress file shows of an exam: the points, and what is wrong with the file.

    found = result(paper, "anna", folder, seen)
    found.points       {"interval": True, "skew": False, ...}: right, in time, and sealed
    found.doubtful     items whose time is in doubt, as the clock was set: the teacher decides
    found.remarks      the lines that were changed, are missing, came late; a sentence each

A line that was changed earns nothing; what is wrong with one line costs no other.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from labs import jsonlines, sealing
from labs.exam import tasks
from labs.exam.paper import Paper, clock
from labs.progress import FILE, Entry, entry
from labs.sealing import Fault, Head

HEAD = ("learner", *tasks.items(), "points", "doubtful", "remarks")


@dataclass(slots=True)
class Result:
    """The exam of one learner; `head` is the last sealed line of the file, to compare later."""

    learner: str
    points: dict[str, bool] = field(default_factory=dict)
    doubtful: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    head: Head = field(default_factory=Head)

    def row(self) -> list[str]:
        """As a line of the table with the heading HEAD."""
        right = [str(int(self.points.get(name, False))) for name in tasks.items()]
        total = str(sum(self.points.values()))
        return [self.learner, *right, total, " ".join(self.doubtful), "; ".join(self.remarks)]


def result(paper: Paper, learner: str, folder: Path, seen: Head | None = None) -> Result:
    """What `learner` has reached, by the file in `folder`; `seen`: the head at the last look."""
    found = Result(learner, {name: False for name in tasks.items()})
    lines: list[tuple[int, dict[str, Any]]] = []
    bad: list[Fault] = []
    try:
        lines = list(
            jsonlines.read(folder / FILE, lambda number, why: bad.append(Fault(number, why)))
        )
    except OSError as error:
        bad.append(Fault(0, f"cannot be read: {error.strerror}"))
    key = paper.key(learner)
    faults = sealing.faults(lines, key, seen)
    found.remarks = [_sentence(fault) for fault in sorted([*bad, *faults], key=lambda f: f.number)]
    good = [line for _, line in lines if sealing.is_sealed(line, key)]
    # A file that was cut off is compared again with what it once was.
    now = sealing.head(good)
    found.head = seen if seen and seen.n > now.n else now
    _count(found, paper, list(_entries(good, faults, lines)))
    return found


def _sentence(fault: Fault) -> str:
    return f"line {fault.number} {fault.text}" if fault.number else f"the file {fault.text}"


def _entries(
    good: Iterable[dict[str, Any]], faults: list[Fault], lines: list[tuple[int, dict[str, Any]]]
) -> Iterable[tuple[Entry, float]]:
    """Each sealed entry, and by how many seconds the clock had been set since the first one."""
    numbers = {id(line): number for number, line in lines}
    moved = {fault.number: fault.moved for fault in faults}
    total = 0.0
    for line in good:
        total += moved.get(numbers[id(line)], 0.0)
        try:
            yield entry(line), total
        except ValueError:  # sealed, but by another version
            continue


def _count(found: Result, paper: Paper, entries: list[tuple[Entry, float]]) -> None:
    """Fill in the points: of a question the last answer in time, of a task any that was met."""
    numbers = paper.numbers(found.learner)
    for name in tasks.items():
        tried = [(e, moved) for e, moved in entries if e.lesson == tasks.LESSON and e.item == name]
        question = tasks.QUESTIONS.get(name)
        kind = "answer" if question else "check"
        right = in_time = doubt = False
        for each, moved in tried:
            if each.kind != kind:
                continue
            by_clock = paper.begins <= each.t <= paper.ends
            by_running = paper.begins <= each.t - moved <= paper.ends
            if not by_clock and not by_running:
                found.remarks.append(f"{name} at {clock(each.t)} is outside of the exam's time")
                continue
            met = question.accepts(each.answer, numbers) if question else bool(each.passed)
            if by_clock != by_running:
                doubt = doubt or met
                continue
            in_time = True
            right = met if question else right or met
        found.points[name] = in_time and right
        if doubt and not found.points[name]:
            found.doubtful.append(name)


def write(results: Iterable[Result], stream: TextIO) -> None:
    """Write the results as CSV, a line for each learner."""
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(HEAD)
    table.writerows(found.row() for found in results)


# --- what was seen at the last look --------------------------------------------------------------


def seen(path: Path) -> dict[str, Head]:
    """The heads of the last look; none if there was no look, or the file is damaged."""
    try:
        found = json.loads(jsonlines.whole(path))
        return {str(name): Head(int(h["n"]), str(h["mac"])) for name, h in found.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}


def remember(path: Path, before: Mapping[str, Head], results: Iterable[Result]) -> None:
    """Write the heads for the next look; those of other learners stay.  Raises OSError."""
    half = path.with_name(f".{path.name}.half")
    heads = {**before, **{found.learner: found.head for found in results}}
    text = json.dumps({name: asdict(each) for name, each in heads.items()}, indent=1)
    half.write_text(text + "\n", encoding="utf-8")
    half.replace(path)
