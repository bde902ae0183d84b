"""The worksheets and the teacher's page: every prediction, its answer, and what is expected wrong.

That the answers are those of the recordings is for tests/notebooks/test_replays.py, which replays.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from labs import own_numbers
from labs.jupyter.workbooks import lessons
from labs.lessons import course
from labs.lessons.predictions import Prediction
from tools import book, predictions, worksheets
from tools.cheatsheet import inline

ANSWERS = predictions.answers()
LESSON = pytest.mark.parametrize("lesson", lessons(), ids=lambda path: path.stem)


def recorded(lesson: Path, question: str) -> str:
    return own_numbers.recorded(question, course.lesson(lesson.stem).own)


@LESSON
def test_the_predictions_are_those_of_the_course_module(lesson: Path) -> None:
    found = predictions.asked(lesson)
    about = course.lesson(lesson.stem)
    assert {each.question for each in found} == set(about.reasons) == set(about.expected)
    assert all(each.unit or not each.choices or len(each.choices) > 1 for each in found)


def test_each_prediction_has_a_recorded_answer_and_no_answer_is_left_over() -> None:
    found = [
        recorded(path, each.question) for path in lessons() for each in predictions.asked(path)
    ]
    assert found == list(ANSWERS)


@LESSON
def test_an_expected_wrong_answer_is_wrong_and_has_a_thought(lesson: Path) -> None:
    """By the rule that judges a learner; of a choice, each wrong one is expected."""
    for each in predictions.asked(lesson):
        expected = course.lesson(lesson.stem).expected[each.question]
        right = ANSWERS[recorded(lesson, each.question)]["answer"]
        for answer, thought in expected:
            judged = Prediction(each.question, answer, each.unit, each.choices)
            assert not judged.right(right), f"{each.question}: {answer} is right"
            assert thought.endswith("."), f"{each.question}: {answer}"
        wrong = [answer for answer, _ in expected]
        assert len(wrong) == len(set(wrong)) > 0, each.question
        if each.choices:
            assert sorted(map(str, wrong)) == sorted({*each.choices} - {right}), each.question
        else:
            assert all(isinstance(answer, int | float) for answer in wrong), each.question


@LESSON
def test_a_right_choice_is_one_of_the_choices_and_a_right_number_a_number(lesson: Path) -> None:
    for each in predictions.asked(lesson):
        answer = ANSWERS[recorded(lesson, each.question)]["answer"]
        assert answer in each.choices if each.choices else isinstance(answer, int | float)


@LESSON
def test_choices_that_are_numbers_keep_their_order(lesson: Path) -> None:
    for each in predictions.asked(lesson):
        if each.choices and all(re.match(r"\d", choice) for choice in each.choices):
            assert each.ordered, each.question


def test_the_right_choices_of_a_learner_have_no_common_place() -> None:
    """A learner who always chooses the same place is right about one time in three."""
    for learner in ("anna", "ben", "cleo"):
        places = []
        for lesson in lessons():
            for each in predictions.asked(lesson):
                if len(each.choices) > 2:
                    asked = Prediction(each.question, None, "", each.choices, each.ordered)
                    right = ANSWERS[recorded(lesson, each.question)]["answer"]
                    places.append(asked.choices_of(learner).index(right))
        assert max(map(places.count, range(3))) < 0.5 * len(places)


def test_the_page_on_disk_is_what_the_sources_say() -> None:
    assert predictions.PAGE.read_text(encoding="utf-8") == predictions.page(ANSWERS), (
        "remedy: python -m tools.predictions --write"
    )


@LESSON
def test_a_worksheet_has_the_questions_and_no_answer(lesson: Path) -> None:
    sheet = worksheets.sheets([lesson])
    found = predictions.asked(lesson)
    assert sheet.count("<tr><td>") == len(found)
    assert sheet.count("class=choice>") == sum(len(each.choices) for each in found)
    assert "<h2>Challenge" in sheet
    for each in found:
        question = recorded(lesson, each.question)
        assert inline(question) in sheet
        assert inline(ANSWERS[question]["reason"]) not in sheet
        assert "checked" not in sheet


def test_a_question_with_own_numbers_has_a_line_for_the_number() -> None:
    text = worksheets.sheets([path for path in lessons() if path.stem.startswith("08")])
    assert text.count("my own number: ___") == 1
    assert "preempt_delay 3: how long" in text


def test_the_program_writes_both_pages_of_the_lessons_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert worksheets.main([str(tmp_path / "new"), "07", "13"]) == 0
    learner = (tmp_path / "new" / "worksheets.html").read_text()
    assert learner.count("<section") == 2
    assert "13 Split brain" in learner
    teacher = (tmp_path / "new" / "worksheets-teacher.html").read_text()
    assert "Recorded: <strong>nobody</strong>" in teacher
    assert teacher.count("<table>") == len(ANSWERS)
    assert not book.FETCHED.search(learner + teacher)
    with pytest.raises(SystemExit):
        worksheets.main([str(tmp_path), "99"])
    assert "choose" in capsys.readouterr().err


def test_a_lesson_without_an_aim_is_named(tmp_path: Path) -> None:
    lesson = tmp_path / "07-failover.ipynb"
    bare = {"cell_type": "markdown", "source": ["# 07 Failover\n"]}
    lesson.write_text(json.dumps({"cells": [bare]}))
    with pytest.raises(ValueError, match=r"07-failover\.ipynb: its first cell has no \*\*After"):
        worksheets.sheets([lesson])
