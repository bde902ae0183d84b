"""What a BACKUP does to be ready for a takeover has no effect that anybody could see."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.cluster import VIP, arps, cluster, conf, held, router, state
from tests.unit.test_fsm_properties import moment, params, stories
from vrrpd import fsm
from vrrpd.events import Event, Started, TimerFired
from vrrpd.fsm import SECOND, Params, RouterState, State, step
from vrrpd.record import replace


@pytest.mark.parametrize("words", [(), ("version 3",), ("nopreempt",)])
def test_to_warm_up_changes_nothing(words: tuple[str, ...]) -> None:
    lan = cluster(web1=conf(150, *words), web2=conf(100, *words))
    lan.run(5)
    one = router(lan, "web2")
    before = (one.current, dict(one.counters), list(one.history), one.advertiser.ident)
    facts, lines = list(lan.facts), len(lan.journal("web2"))
    one.prefetch.touch(one.params, one.current)
    assert (one.current, dict(one.counters), list(one.history), one.advertiser.ident) == before
    assert (lan.facts, len(lan.journal("web2"))) == (facts, lines)
    assert held(lan, "web2") == set()
    lan.run(5)
    assert state(lan, "web2") == "BACKUP"


@settings(max_examples=200, deadline=None)
@given(params, st.booleans(), stories, st.floats(-1, 3))
def test_what_is_foreseen_is_what_happens(
    params: Params, released: bool, story: list[tuple[int | str, Event | Params]], late: float
) -> None:
    """In whatever BACKUP, and however late (in intervals) the timer is called."""
    prefetch = router(cluster(web1=conf(150)), "web1").prefetch
    params = replace(params, released=released)
    before, now = step(params, RouterState(), Started(), 0)[0], 0
    for wait, event in story:
        now = moment(before, now, wait)
        if isinstance(event, Params):
            continue
        after, _ = step(params, before, event, now)
        before = after if after.state is State.BACKUP else before
    assume(before.state is State.BACKUP)
    assert before.deadline is not None
    prefetch.touch(params, before)
    now = before.deadline + int(late * params.advert_interval)
    found = prefetch.foreseen(params, before, now)
    happens = step(params, before, TimerFired(), now)
    foreseeable = before.deadline <= now < before.deadline + params.advert_interval
    becomes_master = happens[0].state is State.MASTER
    assert becomes_master == (now >= before.deadline and not released)
    assert found == (happens if foreseeable and becomes_master else None)
    assert prefetch.foreseen(params, before, now) is None, "once only"


def test_what_is_foreseen_of_another_state_is_not_believed() -> None:
    lan = cluster(web1=conf(150), web2=conf(100))
    lan.run(5)
    one = router(lan, "web2")
    now = one.current.deadline
    assert now is not None
    for then, before in (
        (replace(one.params, priority=99), one.current),
        (one.params, one.current._replace(why="something else")),
    ):
        one.prefetch.touch(one.params, one.current)
        assert one.prefetch.foreseen(then, before, now) is None


def test_a_takeover_asks_the_state_machine_nothing_that_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lan = cluster(web1=conf(150), web2=conf(100))
    lan.run(5)
    asked: list[str] = []
    real = fsm.step

    def watched(*given: Any) -> fsm.Outcome:
        asked.append(sys._getframe(1).f_code.co_name)
        return real(*given)

    monkeypatch.setattr(fsm, "step", watched)
    lan.crash("web1")
    one = router(lan, "web2")
    lan.wait_until(lambda: (one.current.deadline or 0) - lan.clock.now() < SECOND // 1000)
    asked.clear()
    one.prefetch.touch(one.params, one.current)
    lan.wait_until(lambda: state(lan, "web2") == "MASTER")
    assert asked == ["touch"]


def test_without_a_timer_there_is_nothing_to_warm_up_for() -> None:
    lan = cluster(one=conf(100))
    lan.unplug("one")
    lan.run(1)
    assert state(lan, "one") == "FAULT"
    one = router(lan, "one")
    one.prefetch.touch(one.params, one.current)
    assert state(lan, "one") == "FAULT"


def test_what_was_prepared_is_what_a_takeover_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    lan = cluster(web1=conf(150), web2=conf(100))
    lan.run(5)
    one = router(lan, "web2")
    monkeypatch.setattr("vrrpd.advertiser.encode", lambda *_: pytest.fail("encoded in a hurry"))
    monkeypatch.setattr("vrrpd.announcer._frame", lambda *_: pytest.fail("made in a hurry"))
    lan.crash("web1")
    lan.wait_until(lambda: state(lan, "web2") == "MASTER")
    assert one.counters["advertisement-sent"] == 1


def test_the_first_burst_waits_for_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    lan = cluster(web1=conf(150), web2=conf(100))
    lan.run(5)
    one = router(lan, "web2")
    sent: list[int] = []  # frames before each of these
    monkeypatch.setattr(one, "record", lambda *_: sent.append(len(arps(lan, "web2"))))
    monkeypatch.setattr(one.master_state, "taken", lambda: sent.append(len(arps(lan, "web2"))))
    lan.crash("web1")
    lan.wait_until(lambda: state(lan, "web2") == "MASTER")
    assert sent == [5, 5]
    assert held(lan, "web2") == {VIP}
    lan.run(10)
    assert len(arps(lan, "web2")) == 10


def test_an_address_that_is_refused_is_not_announced() -> None:
    lan = cluster(web1=conf(150), web2=conf(100))
    lan.run(5)
    lan.machines["web2"].refuses["take"] = "no memory"
    lan.crash("web1")
    lan.wait_until(lambda: state(lan, "web2") == "FAULT")
    assert arps(lan, "web2") == []


def test_the_log_has_the_order_of_keepalived(monkeypatch: pytest.MonkeyPatch) -> None:
    lan = cluster(web1=conf(150), web2=conf(100))
    lan.run(5)
    log, lines = router(lan, "web2").log, list[str]()
    log.detailed = True
    monkeypatch.setattr(log, "info", lines.append)
    lan.crash("web1")
    lan.wait_until(lambda: state(lan, "web2") == "MASTER")
    words = ("Entering MASTER STATE", "Sending/queueing gratuitous ARPs on eth0 for")
    found = [word for line in lines for word in words if word in line]
    assert found == list(words)
