"""The wall: sections of the lessons, states of learners, distributions of answers, the page."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from labs.progress import FILE, Entry
from labs.wall import page, sections, standing
from labs.wall.sections import Item, Section
from labs.wall.standing import AT_WORK, DONE, NOT_BEGUN, STUCK, Class, Learner
from tests.wall_class import LESSON, NAMES, record

PREDICTION, CHECK = Item("prediction", "How long?"), Item("check", "leave")
ASKED = Item("prediction", "Q")
SECTION = Section("Pull", (PREDICTION, CHECK))


def entry(kind: str, item: str, passed: bool | None = None, answer: float | None = None) -> Entry:
    measured = 3.0 if kind == "verdict" else None
    return Entry(1.0, LESSON, kind, item, answer, measured, passed)


ANSWER, VERDICT = entry("prediction", "How long?", answer=1.0), entry("verdict", "How long?", False)
FAILED, PASSED = entry("check", "leave", False), entry("check", "leave", True)


@pytest.mark.parametrize(
    ("entries", "state"),
    [
        ([], NOT_BEGUN),
        ([entry("begin", LESSON)], NOT_BEGUN),
        ([ANSWER], AT_WORK),
        ([ANSWER, VERDICT], AT_WORK),
        ([ANSWER, VERDICT, PASSED], DONE),
        ([VERDICT, FAILED, FAILED, FAILED], AT_WORK),  # the first looked at the untouched start
        ([VERDICT, FAILED, FAILED, FAILED, FAILED], STUCK),
        ([VERDICT, FAILED, FAILED, FAILED, FAILED, PASSED], DONE),
        ([FAILED] * 4, STUCK),
    ],
)
def test_a_section_is_in_one_of_four_states(entries: list[Entry], state: str) -> None:
    assert standing.state(SECTION, LESSON, entries) == state
    assert standing.state(SECTION, "08-failback", entries) == NOT_BEGUN


def test_what_was_done_under_the_earlier_name_of_a_lesson_counts() -> None:
    earlier = [dataclasses.replace(each, lesson="05-failover") for each in (VERDICT, PASSED)]
    assert standing.state(SECTION, LESSON, earlier) == DONE


def test_every_lesson_has_sections_and_no_item_is_in_two() -> None:
    assert len(sections.lessons()) >= 17
    for lesson in sections.lessons():
        items = [item for part in sections.of(lesson) for item in part.items]
        assert len(items) == len(set(items)) > 1, lesson


def learners(*answers: float | str, measured: float | str) -> list[Learner]:
    return [
        Learner(str(n), (
            Entry(1.0, LESSON, "prediction", "Q", answer),
            Entry(2.0, LESSON, "verdict", "Q", answer, measured, answer == measured),
        ))
        for n, answer in enumerate(answers)
    ]  # fmt: skip


def test_choices_are_counted_and_the_measured_one_is_there_though_no_learner_chose_it() -> None:
    found = standing.distribution(ASKED, LESSON, learners("web1", "web1", "both", measured="web2"))
    assert found.bars == (("web1", 2), ("both", 1), ("web2", 0))
    assert (found.measured, found.text, found.answers) == (2, "web2", 3)


def test_numbers_are_put_in_bars_with_the_median_measured() -> None:
    found = standing.distribution(ASKED, LESSON, learners(0.1, 1.0, 1.2, 9.0, measured=3.3))
    assert sum(count for _, count in found.bars) == 4
    assert found.measured is not None
    low, _, high = found.bars[found.measured][0].partition(" to ")
    assert float(low) <= 3.3 < float(high)


def with_own_numbers(*predicted: tuple[float | str, float | str, bool]) -> list[Learner]:
    return [
        Learner(str(n), (Entry(2.0, LESSON, "verdict", "Q", answer, measured, right),))
        for n, (answer, measured, right) in enumerate(predicted)
    ]


def test_with_own_numbers_an_answer_is_compared_with_the_learners_own_measurement() -> None:
    item = Item("prediction", "Q", "Q with {high}")
    class_of = with_own_numbers(
        (3.6, 3.6, True), (9.0, 9.1, True), (3.6, 9.1, False), (8, 3, False)
    )
    found = standing.distribution(item, LESSON, class_of)
    assert (found.question, found.right, found.verdicts) == ("Q with {high}", 2, 4)
    assert dict(found.bars) == {
        "less than half": 1, "less": 0, "as measured (±15 %)": 2, "more": 0, "more than double": 1,
    }  # fmt: skip
    assert (found.measured, found.text) == (2, "3 to 9.1")


def test_with_own_numbers_no_choice_is_the_right_one_for_the_class() -> None:
    item = Item("prediction", "Q", "Q with {weight}")
    class_of = with_own_numbers(("web1", "web2", False), ("web1", "web1", True))
    found = standing.distribution(item, LESSON, class_of)
    assert (found.bars, found.measured) == ((("web1", 2),), None)
    assert (found.text, found.right, found.verdicts) == ("web2 (1), web1 (1)", 1, 2)
    assert "1 of 2 predicted right" in page._distribution(found)


@pytest.mark.parametrize("answers", [(1e308, -1e308, 0.0), (1, 1, 1), (0,), (1e-300, 2e-300)])
def test_any_numbers_give_few_bars(answers: tuple[float, ...]) -> None:
    found = standing.distribution(ASKED, LESSON, learners(*answers, measured=1.0))
    assert 1 <= len(found.bars) <= 2 * standing.BARS + 2


def test_a_class_is_read_with_what_is_damaged_in_it(tmp_path: Path) -> None:
    record(tmp_path, 6)
    (tmp_path / ".hub").mkdir()
    with (tmp_path / "anna" / FILE).open("a") as file:
        file.write('{"t": "when?"}\nnot JSON\n')
    (tmp_path / "learner05" / FILE).unlink()
    os.mkfifo(tmp_path / "learner05" / FILE)
    found = {each.name: each for each in Class([tmp_path]).learners()}
    assert list(found) == sorted([*NAMES, "learner04", "learner05"])
    assert found["anna"].note == "2 damaged lines are skipped"
    assert found["learner05"].note.startswith("the progress cannot be read")
    assert found["花子"].entries


def test_a_learner_who_comes_later_and_a_line_that_is_written_later_are_seen(
    tmp_path: Path,
) -> None:
    record(tmp_path, 2)
    read = Class([tmp_path])
    assert [each.name for each in read.learners()] == ["anna", "lee,jun"]
    (tmp_path / "zoe").mkdir()
    with (tmp_path / "anna" / FILE).open("a") as file:
        file.write(Entry(9e9, LESSON, "begin", LESSON).line())
    again = read.learners()
    assert [each.name for each in again] == ["anna", "lee,jun", "zoe"]
    assert again[0].entries[-1].t == 9e9


def test_folders_of_learners_may_be_named_one_by_one(tmp_path: Path) -> None:
    record(tmp_path, 3)
    named = [tmp_path / "anna", tmp_path / "花子", tmp_path / "gone"]
    assert [each.name for each in Class(named).learners()] == ["anna", "gone", "花子"]


def test_names_are_shown_only_when_they_are_asked_for(tmp_path: Path) -> None:
    record(tmp_path, 5)
    found = Class([tmp_path]).learners()
    without, with_names = page.whole(found, LESSON, False), page.whole(found, LESSON, True)
    assert not [name for name in ("anna", "lee,jun", "花子", "bob") if name in without]
    assert "花子" in with_names
    assert "&lt;b&gt;bob" in with_names
    assert "<b>bob" not in with_names


def test_an_empty_class_has_a_page() -> None:
    assert "No learner has come yet" in page.whole([], page.newest([]), False)
