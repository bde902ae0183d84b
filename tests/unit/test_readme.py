"""README.md says what the code does: its tables are the state machine's and the lessons' own."""

from __future__ import annotations

import pytest

from labs.figures.transition_table import rows
from tools import contents, transitions


def test_the_table_of_transitions_is_current() -> None:
    text = transitions.README.read_text(encoding="utf-8")
    assert text == transitions.written(text), "remedy: python -m tools.transitions --write"


def test_every_state_has_a_row_and_a_backup_lets_its_timer_run_for_a_lower_priority() -> None:
    table = rows()
    assert {row[0] for row in table} == {"INIT", "BACKUP", "MASTER", "FAULT"}
    assert ("BACKUP", "Advertisement, lower priority", "none", "runs on", "BACKUP") in table


def test_a_text_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="transitions"):
        transitions.written("# README")


def test_the_list_of_lessons_is_current() -> None:
    text = contents.README.read_text(encoding="utf-8")
    assert text == contents.written(text), "remedy: python -m tools.contents --write"


def test_a_text_without_marks_for_the_lessons_is_refused() -> None:
    with pytest.raises(ValueError, match="lessons"):
        contents.written("# README")
