"""What scripts have written down, and its marks in the timeline."""

from __future__ import annotations

from labs.analysis.timeline import Timeline
from labs.experiments.notify_log import Call, Calls
from labs.model.facts import Action

SEEN = Timeline((), "192.168.1.10", ("web1", "web2"), start=100.0, end=110.0)
CALLS = Calls(
    [
        Call(103.5, "web1", "hoge.sh"),
        Call(100.1, "web1", "hage.sh"),
        Call(100.2, "web2", "all.sh", "INSTANCE VI_1 BACKUP 100"),
    ],
    SEEN,
)


def test_calls_are_listed_in_order_counting_from_the_start() -> None:
    assert repr(CALLS).splitlines() == [
        "  0.10 s  web1  hage.sh",
        "  0.20 s  web2  all.sh INSTANCE VI_1 BACKUP 100",
        "  3.50 s  web1  hoge.sh",
    ]
    assert CALLS.of("web1") == ["hage.sh", "hoge.sh"]


def test_a_call_is_a_mark_that_moves_nothing() -> None:
    marks = list(CALLS.timeline().of(Action))
    assert [(mark.t, mark.text, mark.host) for mark in marks] == [
        (100.1, "hage.sh on web1", None),
        (100.2, "all.sh on web2", None),
        (103.5, "hoge.sh on web1", None),
    ]
    assert CALLS.timeline().takeovers == SEEN.takeovers
