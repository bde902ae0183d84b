"""The state machine, asked one question: the answers are those of RFC 3768 section 6.4."""

from __future__ import annotations

import pytest

from labs.errors import LabError
from labs.experiments.election import receives, timer_expires


@pytest.mark.parametrize(
    ("state", "advert", "after", "timer"),
    [
        ("BACKUP", 150, "BACKUP", 3.609375),  # 6.4.2: greater or equal resets Master_Down_Timer
        ("BACKUP", 100, "BACKUP", 3.609375),
        ("BACKUP", 50, "BACKUP", None),  # lower, and Preempt_Mode: discard
        ("BACKUP", 0, "BACKUP", 0.609375),  # resigned: Skew_Time
        ("MASTER", 150, "BACKUP", 3.609375),  # 6.4.3
        ("MASTER", 0, "MASTER", 1.0),
    ],
)
def test_what_is_received_decides(state: str, advert: int, after: str, timer: float | None) -> None:
    answer = receives(state, advert, own=100)
    assert (answer.state, answer.timer) == (after, timer)


def test_a_tie_between_masters_goes_to_the_higher_address() -> None:
    assert receives("MASTER", 100, source="192.168.1.13", me="192.168.1.12").state == "BACKUP"
    assert receives("MASTER", 100, source="192.168.1.11", me="192.168.1.12").state == "MASTER"


def test_an_expired_timer_makes_a_master_that_sends_before_it_takes() -> None:
    answer = timer_expires("BACKUP", own=150)
    assert answer.state == "MASTER"
    assert answer.deeds[0] == "it advertises priority 150"
    assert "adds the addresses" in answer.deeds[1]
    assert "3.414 s expires" in repr(answer)


def test_the_words_distinguish_the_timer_from_the_state() -> None:
    assert "stays BACKUP; its timer runs on" in repr(receives("BACKUP", 50))
    told = " ".join(repr(receives("MASTER", 150)).split())
    assert "Master_Down_Timer starts again, 3.609 s" in told


@pytest.mark.parametrize("call", [lambda: receives("FAULT", 1), lambda: receives("BACKUP", 256)])
def test_impossible_questions_are_refused(call: object) -> None:
    with pytest.raises(LabError):
        call()  # type: ignore[operator]
