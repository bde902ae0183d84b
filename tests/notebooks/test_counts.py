"""What the lessons ask of a learner: real hands, numbers of one's own, and no letter that pays."""

from __future__ import annotations

from labs.lessons import course
from tests.notebooks import counts


def test_most_that_a_learner_writes_is_what_a_server_understands() -> None:
    lines = counts.written()
    assert lines["shell"] + lines["configuration"] > 3 * lines["kit"]


def test_enough_lessons_ask_with_own_numbers() -> None:
    own = counts.with_own_numbers()
    assert len(own) >= 8
    assert len({number for number, _ in own}) >= 5


def test_no_letter_and_no_length_gives_the_quiz_away() -> None:
    """By chance a third is right; for one learner, the best letter is right a little more often."""
    assert len(counts.questions()) >= 3 * len(course.numbers())
    assert sum(counts.commonest(f"learner {n}") for n in range(50)) / 50 < 0.45
    assert counts.longest() < 0.4
