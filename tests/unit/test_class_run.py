"""The table that `make class-test` makes, and its place in docs/teaching.md."""

from __future__ import annotations

import pytest

from labs.analysis.timeline import Timeline
from labs.model.facts import Action, in_order
from tests import class_run
from tests.class_run import Move, Result
from tests.unit import stories


def test_the_page_has_the_marks_and_every_row_of_the_table() -> None:
    page = class_run.PAGE.read_text()
    made = class_run.table([Result(server=4.0, lesson=60.0)], 10**9, 37.0, 108.0, "0.1 0.1 0.1")
    assert f"{class_run.BEGIN}\n\n{made}\n\n{class_run.END}" in class_run.written(page, made)
    for line in made.splitlines():
        assert f"\n{line.split(' | ')[0]}" in page, line


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="class-test"):
        class_run.written("# Teaching", "| |")


def counted(*found: Move) -> Result:
    result = Result()
    class_run._count(repr([vars(move) for move in found]), result)
    return result


def move(frm: str, to: str, *, provoked: bool = False, stall: float = 0.0) -> Move:
    return Move(frm, to, f"{frm} to {to}", provoked, 0.02, stall)


def test_a_false_takeover_is_counted_and_its_failback_is_not() -> None:
    result = counted(
        move("web1", "web2", provoked=True),
        move("web2", "web1"),
        move("web1", "web2"),
        move("web2", "web1"),
        move("web1", "web2"),
    )
    assert (result.takeovers, result.late) == (5, 0.02)
    assert result.false == ["web2 to web1", "web2 to web1"]


def test_a_takeover_after_a_stall_of_the_machine_is_no_fault() -> None:
    result = counted(move("web1", "web2", stall=2.7), move("web2", "web1"))
    assert (result.false, result.takeovers) == ([], 2)
    assert result.stalled == ["web1 to web2 (after a stall of 2.7 s)"]
    assert counted(move("web1", "web2", stall=1.2)).false == ["web1 to web2"]


@pytest.mark.parametrize(("pinging", "stall"), [(True, 0.0), (False, 3.3)])
def test_a_stall_is_known_by_the_pings_that_were_not_sent(pinging: bool, stall: float) -> None:
    """web1 is silent from 5 s on; its reason is whether the whole lab was."""
    at = 5.0 + stories.WAIT["web2"]
    facts = [
        stories.held(0.5, "web1"),
        *stories.adverts("web1", 1.0, 5.5, to="web2"),
        *stories.pings(1.0, 5.2 if not pinging else at, "web1"),
        *stories.pings(8.5, 12.0, "web2"),
        *stories.took(at, "web2"),
        stories.held(at + 0.002, "web1", has=False),
    ]
    (found,) = class_run.moves(Timeline(in_order(facts), stories.VIP, ["web1", "web2"]))
    assert (found.frm, found.to, found.provoked) == ("web1", "web2", False)
    assert found.stall == pytest.approx(stall, abs=0.05)


def test_a_cable_is_a_reason_and_the_order_of_the_start_is_one() -> None:
    facts = [
        *stories.took(1.0, "web2"),
        *stories.took(2.0, "web1"),
        stories.held(2.002, "web2", has=False),
        Action(4.0, "unplug", "web1", "cable of web1 pulled"),
        *stories.took(7.0, "web2"),
        stories.held(7.0, "web1", has=False),
    ]
    found = class_run.moves(Timeline(in_order(facts), stories.VIP, ["web1", "web2"]))
    assert [(each.to, each.provoked) for each in found] == [("web1", True), ("web2", True)]


def test_learners_without_a_server_are_in_the_table() -> None:
    results = [Result(problem="has not reached the lesson"), Result(server=9.0, lesson=70.0)]
    made = class_run.table(results, 10**9, 37.0, 108.0, "0.1 0.1 0.1")
    assert "| servers that were up | 1 |" in made
    assert "| learners, at the same time | 2 |" in made
