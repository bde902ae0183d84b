"""Forty learners of lesson 07 as their progress files record them, for the tests of the wall."""

from __future__ import annotations

import random
from pathlib import Path

from labs.progress import FILE, Entry
from labs.wall import sections

LESSON = "07-failover"
NAMES = ("anna", "lee,jun", "花子", "<b>bob")


def record(folder: Path, learners: int = 40, seed: int = 17) -> None:
    """Write a folder for each learner: some have not begun, some are done, some are stuck."""
    dice = random.Random(seed)
    for number in range(learners):
        name = NAMES[number] if number < len(NAMES) else f"learner{number:02}"
        place = folder / name
        place.mkdir(parents=True)
        if number % 10 == 9:
            continue  # has opened nothing
        clock = 1_700_000_000.0 + number
        lines = [Entry(clock, LESSON, "begin", LESSON)]
        parts = sections.of(LESSON)
        for part in parts[: dice.randint(1, len(parts))]:
            for item in part.items:
                lines += _tried(dice, item, clock := clock + dice.uniform(5, 60))
        if number % 5 == 3:
            lines.pop()  # at work, or before a verdict
        (place / FILE).write_text("".join(entry.line() for entry in lines))


def _tried(dice: random.Random, item: sections.Item, t: float) -> list[Entry]:
    if item.kind == "prediction":
        return _predicted(dice, item.name, t)
    tries = [Entry(t, LESSON, item.kind, item.name, passed=False)] * dice.randint(0, 5)
    last = [] if len(tries) > 3 else [Entry(t + 1, LESSON, item.kind, item.name, passed=True)]
    return [*tries, *last]


def _predicted(dice: random.Random, question: str, t: float) -> list[Entry]:
    measured: str | float
    answer: str | float
    if question.startswith(("For how long", "Between")):
        answer = round(abs(dice.gauss(2, 1.5)), 1)
        measured = round(dice.uniform(2.6, 3.6), 2)
    else:
        measured = "web2"
        answer = dice.choice(["web1", "web2", "web2", "nobody"])
    passed = answer == measured
    return [
        Entry(t, LESSON, "prediction", question, answer),
        Entry(t + 1, LESSON, "verdict", question, answer, measured, passed),
    ]
