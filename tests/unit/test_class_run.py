"""The table that `make class-test` makes, and its place in docs/teaching.md."""

from __future__ import annotations

import pytest

from tests import class_run
from tests.class_run import Result


def test_the_page_has_the_marks_and_every_row_of_the_table() -> None:
    page = class_run.PAGE.read_text()
    made = class_run.table([Result(server=4.0, lesson=60.0)], 10**9, 37.0, 108.0, "0.1 0.1 0.1")
    assert f"{class_run.BEGIN}\n\n{made}\n\n{class_run.END}" in class_run.written(page, made)
    for line in made.splitlines():
        assert f"\n{line.split(' | ')[0]}" in page, line


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="class-test"):
        class_run.written("# Teaching", "| |")


def test_a_false_takeover_is_counted() -> None:
    result = Result()
    class_run._count(
        "[['web1 to web2 12.8 s after the start: no advertisement', 0.02, True],"
        " ['web2 to web1 16.2 s after the start: preempting', -0.01, False]]",
        result,
    )
    assert (result.takeovers, result.late) == (2, 0.02)
    assert result.false == ["web2 to web1 16.2 s after the start: preempting"]


def test_learners_without_a_server_are_in_the_table() -> None:
    results = [Result(problem="has not reached the lesson"), Result(server=9.0, lesson=70.0)]
    made = class_run.table(results, 10**9, 37.0, 108.0, "0.1 0.1 0.1")
    assert "| servers that were up | 1 |" in made
    assert "| learners, at the same time | 2 |" in made
