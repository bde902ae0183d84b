"""Where learners stand: pure functions of the entries of their progress files.

    not begun    nothing of the section was answered
    at work      something was
    stuck        STUCK_AFTER tries of one item have failed since the last one that did not
    done         every prediction has its verdict, every check and every question was passed

Files are read by `Class`, whose learners may be added while it runs; what cannot be read is a
learner without entries and a note, and never keeps the others from the wall.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from labs.lesson_names import are_the_same
from labs.progress import FILE, Answer, Entry, read
from labs.wall.sections import Item, Section

NOT_BEGUN, AT_WORK, STUCK, DONE = "not begun", "at work", "stuck", "done"
STATES = (NOT_BEGUN, AT_WORK, STUCK, DONE)
STUCK_AFTER = 3
BARS = 8  # of the distribution of numbers


@dataclass(frozen=True)
class Learner:
    """A learner's name, entries, and what is wrong with the file ("" if nothing is)."""

    name: str
    entries: tuple[Entry, ...]
    note: str = ""


@dataclass(frozen=True)
class Distribution:
    """What a class answered to a prediction: bars in their order, and what was measured.

    `measured` is the number of the bar that it is in, None before anyone has a verdict.
    Where each learner has numbers of their own, an answer is compared with the learner's own
    measurement: `right` of `verdicts` agree, a bar of numbers is a share of what was measured, and
    choices have no `measured` one.
    """

    question: str
    bars: tuple[tuple[str, int], ...]
    measured: int | None
    text: str  # what was measured, in words
    right: int = 0
    verdicts: int | None = None  # None where all have the same numbers

    @property
    def answers(self) -> int:
        """How many learners have answered."""
        return sum(count for _, count in self.bars)


def state(section: Section, lesson: str, entries: Iterable[Entry]) -> str:
    """Where a learner with these entries stands in a section."""
    kinds = {"verdict": "prediction"}
    tries: dict[Item, list[Entry]] = {item: [] for item in section.items}
    for entry in entries:
        item = Item(kinds.get(entry.kind, entry.kind), entry.item)
        if are_the_same(entry.lesson, lesson) and item in tries:
            tries[item].append(entry)
    if not any(tries.values()):
        return NOT_BEGUN
    if all(_done(item, history) for item, history in tries.items()):
        return DONE
    if any(not _done(item, history) and _failed(history) for item, history in tries.items()):
        return STUCK
    return AT_WORK


def _done(item: Item, history: Sequence[Entry]) -> bool:
    if item.kind == "prediction":
        return any(entry.kind == "verdict" for entry in history)
    return any(entry.passed for entry in history)


def _failed(history: Sequence[Entry]) -> bool:
    """Whether so many tries have failed that help is due; a look at the start is none."""
    tries = [entry for entry in history if entry.passed is not None]
    if tries and tries[0].kind == "check":
        tries = tries[1:]
    return len(tries) >= STUCK_AFTER


def distribution(item: Item, lesson: str, learners: Iterable[Learner]) -> Distribution:
    """The last answer of each learner before the first verdict, and what was measured."""
    question = item.name
    guesses: list[Answer] = []
    measured: list[Answer] = []
    verdicts: list[Entry] = []
    for learner in learners:
        own = [
            each
            for each in learner.entries
            if each.item == question and are_the_same(each.lesson, lesson)
        ]
        verdict = next((e for e in own if e.kind == "verdict"), None)
        answers = [e.answer for e in own if e.kind == "prediction"]
        answer = verdict.answer if verdict and verdict.answer is not None else None
        if answer is None and answers:
            answer = answers[-1]
        if answer is not None:
            guesses.append(answer)
        if verdict and verdict.measured is not None:
            measured.append(verdict.measured)
            verdicts.append(verdict)
    if item.asks:
        return _of_own_numbers(item.asks, guesses, verdicts)
    numbers = [value for value in guesses if not isinstance(value, str)]
    if numbers and len(numbers) == len(guesses):
        found = [value for value in measured if not isinstance(value, str)]
        return _of_numbers(question, numbers, found)
    return _of_choices(question, list(map(str, guesses)), list(map(str, measured)))


def _of_own_numbers(question: str, guesses: list[Answer], verdicts: list[Entry]) -> Distribution:
    """Answers to a question with other numbers for each learner, beside their own measurements."""
    right = sum(bool(verdict.passed) for verdict in verdicts)
    numbers = [each.measured for each in verdicts if isinstance(each.measured, int | float)]
    if len(numbers) < len(verdicts) or any(isinstance(answer, str) for answer in guesses):
        bars = Counter(str(answer)[:60] for answer in guesses).most_common(BARS)
        counted = Counter(str(each.measured) for each in verdicts).most_common(BARS)
        text = ", ".join(f"{name} ({count})" for name, count in counted)
        return Distribution(question, tuple(bars), None, text, right, len(verdicts))
    shares = Counter(map(_share, verdicts))
    bars = [(name, shares[name]) for name in _SHARES]
    text = f"{min(numbers):.4g} to {max(numbers):.4g}" if numbers else ""
    middle = _SHARES.index(_AGREES) if numbers else None
    return Distribution(question, tuple(bars), middle, text, right, len(verdicts))


_AGREES = "as measured (±15 %)"
_SHARES = ("less than half", "less", _AGREES, "more", "more than double")


def _share(verdict: Entry) -> str:
    """Which bar a number belongs to, as a share of what the learner has measured."""
    answer, measured = float(verdict.answer or 0), float(verdict.measured or 0)
    if verdict.passed:
        return _AGREES
    if answer < measured:
        return "less than half" if answer < measured / 2 else "less"
    return "more than double" if answer > 2 * measured else "more"


def _of_choices(question: str, guesses: list[str], measured: list[str]) -> Distribution:
    right = Counter(measured).most_common(1)[0][0] if measured else None
    counts = Counter(guesses)
    if right is not None:
        counts.setdefault(right, 0)
    names = [name for name, _ in counts.most_common(BARS)]
    if right is not None and right not in names:
        names[-1] = right
    bars = tuple((name[:60], counts[name]) for name in names)
    return Distribution(
        question, bars, names.index(right) if right is not None else None, right or ""
    )


def _of_numbers(question: str, guesses: list[float], measured: list[float]) -> Distribution:
    middle = statistics.median(measured) if measured else None
    points = [*guesses, *([middle] if middle is not None else [])]
    width = _round_up((max(points) - min(points)) / BARS) or 1.0
    first = math.floor(min(points) / width)
    number = math.floor(max(points) / width) - first + 1
    counts = Counter(math.floor(guess / width) - first for guess in guesses)
    bars = tuple(
        (f"{(first + n) * width:g} to {(first + n + 1) * width:g}", counts[n])
        for n in range(min(number, 2 * BARS + 2))
    )
    if middle is None:
        return Distribution(question, bars, None, "")
    low, high = min(measured), max(measured)
    text = f"{middle:.4g}" + (f" ({low:.4g} to {high:.4g})" if low != high else "")
    return Distribution(question, bars, math.floor(middle / width) - first, text)


def _round_up(width: float) -> float:
    """The next of 1, 2, 5, 10, 20, ... that is not below `width`; 0 for 0."""
    if width <= 0 or not math.isfinite(width):
        return 0.0
    ten = 10.0 ** math.floor(math.log10(width))
    return next(ten * step for step in (1, 2, 5, 10) if ten * step >= width * 0.999999)


class Class:
    """The learners below some folders, read again only where a file has changed."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = list(folders)
        self._known: dict[Path, tuple[tuple[int, int], Learner]] = {}

    def learners(self) -> list[Learner]:
        """All learners, by name."""
        found = [self._read(place) for place in self._places()]
        return sorted(found, key=lambda learner: learner.name)

    def _places(self) -> list[Path]:
        """The learners' folders: each that was named, or those in it if it is a class's."""
        places: list[Path] = []
        for folder in self._folders:
            try:
                inside = sorted(each for each in folder.iterdir() if each.name[0] != ".")
                is_class = not (folder / FILE).exists() and _is_class(folder, inside)
                places += [each for each in inside if each.is_dir()] if is_class else [folder]
            except OSError:
                places.append(folder)
        return list(dict.fromkeys(places))

    def _read(self, place: Path) -> Learner:
        """The learner of a folder; the name of .../anna/vrrp-lab is anna."""
        name = place.parent.name if place.name == "vrrp-lab" else place.name
        name = name.encode(errors="replace").decode()
        try:
            status = (place / FILE).stat()
            stamp = (status.st_mtime_ns, status.st_size)
            known = self._known.get(place)
            if known and known[0] == stamp:
                return known[1]
            damaged: list[int] = []
            entries = tuple(read(place / FILE, lambda number, _: damaged.append(number)))
            note = f"{len(damaged)} damaged lines are skipped" if damaged else ""
            self._known[place] = stamp, Learner(name, entries, note)
            return self._known[place][1]
        except FileNotFoundError:
            return Learner(name, ())
        except OSError as error:
            return Learner(name, (), f"the progress cannot be read ({error.strerror})")


def _is_class(folder: Path, inside: Sequence[Path]) -> bool:
    return (folder / ".hub").exists() or any((each / FILE).exists() for each in inside)
