"""What a learner's progress is worth: points, by what the teacher lets count.

challenge     1 point for each challenge that was ever met
prediction    1 point for each prediction that was made, right or wrong
mystery       1 point for each of the challenges of lesson 21 that was ever met

assignments(["07", "21"], {"challenge", "mystery"})   what there is to earn, lesson by lesson
grade(entries, assignment)                            what one learner has earned of it
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from labs import own_numbers
from labs.errors import LabError, unknown
from labs.lessons import course
from labs.progress import Entry

KINDS = ("challenge", "prediction", "mystery")
_MYSTERY = "mystery-"


@dataclass(frozen=True, slots=True)
class Item:
    """One point to earn; `name` is that of a challenge, or the question of a prediction."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """What counts of one lesson; `points` is what all its items are worth together."""

    number: str
    title: str
    items: tuple[Item, ...]
    points: float

    @property
    def name(self) -> str:
        """The heading of its column: `VRRP 07 Failover: pull the cable`."""
        return f"VRRP {self.number} {self.title}"


@dataclass(frozen=True, slots=True)
class Grade:
    """What one learner has earned of an assignment, and when last, in Unix seconds (0: never)."""

    assignment: Assignment
    earned: frozenset[Item]
    latest: float

    @property
    def score(self) -> float:
        """Points, rounded to hundredths."""
        share = len(self.earned) / len(self.assignment.items)
        return round(share * self.assignment.points, 2)


def assignments(
    numbers: Iterable[str], kinds: Collection[str], points: float | None = None
) -> list[Assignment]:
    """The assignments of these lessons, of all if `numbers` is empty; without those worth nothing.

    `points`: what each lesson is worth; by default one for each item.
    Raises LabError for an unknown lesson or kind, and if nothing is left that counts.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise unknown("kind of item", kind, KINDS)
    found = []
    for number in dict.fromkeys(numbers) or course.numbers():
        lesson = course.lesson(number)
        items = tuple(item for item in _items(lesson) if item.kind in kinds)
        if items:
            worth = float(len(items)) if points is None else points
            found.append(Assignment(number[:2], lesson.title, items, worth))
    if not found:
        raise LabError(f"these lessons have nothing of the kind: {', '.join(sorted(kinds))}")
    return found


def _items(lesson: course.Lesson) -> Iterable[Item]:
    for name in lesson.challenges:
        yield Item("mystery" if name.startswith(_MYSTERY) else "challenge", name)
    for question in dict.fromkeys([*lesson.reasons, *lesson.answers]):
        yield Item("prediction", own_numbers.recorded(question, lesson.own))


def grade(entries: Iterable[Entry], assignment: Assignment) -> Grade:
    """What these entries of one learner have earned of `assignment`."""
    wanted, earned, latest = set(assignment.items), set[Item](), 0.0
    for entry in entries:
        if assignment.number not in course.numbers_of(entry.lesson):
            continue
        item = _earned_by(entry)
        if item in wanted and item not in earned:
            earned.add(item)
            latest = max(latest, entry.t)
    return Grade(assignment, frozenset(earned), latest)


def _earned_by(entry: Entry) -> Item | None:
    """The item for which an entry earns its point; None if for none."""
    if entry.kind in ("prediction", "verdict"):
        return Item("prediction", entry.item)
    if entry.kind == "check" and entry.passed:
        return Item("mystery" if entry.item.startswith(_MYSTERY) else "challenge", entry.item)
    return None
