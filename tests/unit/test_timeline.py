"""The Timeline of five stories: what it derives, what it says, and that a file keeps it all."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labs.analysis.ownership import (
    HolderInterval,
    OwnershipInterval,
    ServiceInterval,
    gaps,
    outages,
    overlaps,
    segments,
    service,
    spans,
)
from labs.analysis.takeover_timing import ExpectedTakeover, predict
from labs.analysis.timeline import Timeline
from labs.figures.timeline_text import action_rows, phrase
from labs.model.facts import (
    Action,
    Address,
    Advert,
    Arp,
    Fact,
    Heard,
    Link,
    Loss,
    Ping,
    State,
    from_json,
    to_json,
)
from tests.unit import stories
from tests.unit.stories import REAL, VIP, WAIT, advert, held, pings, received

HOSTS = ("web1", "web2")


def timeline_text_of(facts: list[Fact], **window: float) -> Timeline:
    return Timeline(facts, VIP, HOSTS, **window)


@pytest.fixture(scope="module")
def failover() -> Timeline:
    return timeline_text_of(stories.failover_and_failback())


def test_failover_and_failback_are_two_takeovers(failover: Timeline) -> None:
    there, back = failover.takeovers
    assert (there.frm, there.to, back.frm, back.to) == ("web1", "web2", "web2", "web1")
    assert there.at == pytest.approx(4.7 + WAIT["web2"] + 0.0008)
    assert there.after == pytest.approx(WAIT["web2"] + 0.0008)
    assert there.reason == "no advertisement for 3.609 s (3 × 1 s + skew 0.609 s)"
    assert there.cause is not None
    assert there.cause.verb == "unplug"
    assert back.cause is not None
    assert back.cause.verb == "plug"
    assert not there.split
    assert not back.split


def test_each_was_predicted_from_another_event(failover: Timeline) -> None:
    there, back = failover.predictions
    assert (there.basis, back.basis) == ("advert", "carrier")
    assert there.at == pytest.approx(4.70002 + WAIT["web2"])
    assert back.at == pytest.approx(14.05 + WAIT["web1"])
    late = [takeover.late for takeover in failover.takeovers]
    assert late == pytest.approx([0.00078, 0.0008], abs=1e-6)


def test_what_happened_to_a_service_reads_like_any_other_deed() -> None:
    stopped = Action(1.0, "web", "web1", "web server of web1 stopped")
    assert phrase(stopped, name_host=False) == "the web server of web1 stopped"


def test_owners_at_any_moment(failover: Timeline) -> None:
    asked = {0.0: ("web1",), 6.0: (), 10.0: ("web2",), failover.end: ("web1",), 99.0: ()}
    assert {t: failover.holders_at(t) for t in asked} == asked


def test_gap_and_outage(failover: Timeline) -> None:
    assert [(round(g.start, 3), round(g.end, 3)) for g in failover.gaps] == [(5.203, 8.310)]
    assert [(round(o.start, 3), o.pings) for o in failover.outages] == [(5.2, 311)]
    handover = failover.overlaps
    assert [both.holders for both in handover] == [("web2", "web1")]
    assert handover[0].duration < 0.002


def test_a_crashed_daemon_leaves_the_address_behind() -> None:
    told = timeline_text_of(stories.crash())
    assert [(t.frm, t.to, t.split) for t in told.takeovers] == [("web1", "web2", True)]
    assert [both.holders for both in told.overlaps] == [("web1", "web2")]
    assert told.gaps == []
    assert told.outages == []
    assert told.holders_at(told.end) == ("web1", "web2")


def test_what_a_cut_off_master_sends_is_not_received() -> None:
    told = timeline_text_of(stories.split_brain())
    (takeover,) = told.takeovers
    assert takeover.split
    assert takeover.prediction is not None
    assert takeover.prediction.since == pytest.approx(3.70002)
    assert takeover.prediction.text.endswith("after the last Advertisement that it received")
    # Its own Advertisements did go on, as far as the cut.
    assert takeover.after == pytest.approx(takeover.at - 6.7)


@pytest.mark.parametrize(("at", "caused"), [(4.3, True), (1.3, False)])
def test_a_repair_is_no_cause_of_a_silence_that_begins_after_it(at: float, caused: bool) -> None:
    """A firewall, which no action records, drops what web2 received until 3.7 s."""
    facts = [fact for fact in stories.split_brain() if not isinstance(fact, Action)]
    mended = Action(at, "mend", "web1", "way to web1 mended")
    (takeover,) = timeline_text_of(sorted([*facts, mended], key=lambda fact: fact.t)).takeovers
    assert (takeover.cause == mended) == caused
    cut = Action(at, "lose", "web1", "30 % lost")
    (takeover,) = timeline_text_of(sorted([*facts, cut], key=lambda fact: fact.t)).takeovers
    assert takeover.cause == cut


def test_a_stopped_daemon_resigns() -> None:
    (takeover,) = timeline_text_of(stories.resignation()).takeovers
    assert takeover.prediction is not None
    assert takeover.prediction.basis == "goodbye"
    assert takeover.measured == pytest.approx(156 / 256 + 0.0008)


def test_at_the_start_no_host_holds_and_one_is_the_first() -> None:
    (takeover,) = timeline_text_of(stories.no_holder_at_start()).takeovers
    assert (takeover.frm, takeover.to, takeover.after) == (None, "web1", None)
    assert takeover.prediction is not None
    assert (takeover.prediction.basis, takeover.prediction.since) == ("ready", 1.15)
    assert takeover.cause is not None
    assert takeover.cause.host == "web1"


def test_who_holds_at_the_start_has_not_taken_over() -> None:
    assert timeline_text_of([stories.held(0, "web1"), stories.carrier(9, "web1")]).takeovers == []


def test_losing_and_regaining_is_a_takeover_from_oneself() -> None:
    facts: list[Fact] = [
        stories.held(0, "web1"),
        stories.held(2, "web1", False),
        stories.held(3, "web1"),
        stories.carrier(9, "web1"),
    ]
    assert [(t.frm, t.to) for t in timeline_text_of(facts).takeovers] == [("web1", "web1")]


def test_a_narrower_window_keeps_its_history(failover: Timeline) -> None:
    view = failover.between(6.0, 12.0)
    assert view.holders_at(6.0) == ()
    assert [t.to for t in view.takeovers] == ["web2"]
    assert view.takeovers == failover.takeovers[:1]
    assert [f.t for f in view.of(Advert)] == [f.t for f in failover.of(Advert) if 6 <= f.t <= 12]
    assert view.between(0.0, 21.0).takeovers == failover.takeovers


def test_the_last_seconds(failover: Timeline) -> None:
    view = failover.last(5.0)
    assert (view.start, view.end) == (failover.end - 5.0, failover.end)
    assert [t.to for t in view.takeovers] == ["web1"]


def test_lanes_default_to_those_who_had_to_do_with_the_address() -> None:
    assert Timeline(stories.failover_and_failback(), VIP).hosts == HOSTS


def test_other_virtual_routers_are_left_out() -> None:
    other = Advert(5.0, "web1", REAL["web1"], 99, 2, 200, 1.0, ("192.168.1.99",))
    told = timeline_text_of(
        [*stories.crash(), other, Heard(5.0, "web2", REAL["web1"], 99, 2, 200, 1.0)]
    )
    assert 99 not in {fact.vrid for fact in told.of(Advert)}
    assert told.predictions == timeline_text_of(stories.crash()).predictions


def test_nothing_at_all_is_a_timeline_too() -> None:
    told = Timeline([], VIP)
    assert (told.takeovers, told.segments, told.service, told.hosts) == ([], [], [], ())
    assert VIP in told.text()
    assert VIP in repr(told)


# -- in words ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("story", "headline"),
    [
        (
            stories.failover_and_failback,
            "192.168.1.10 moved from web1 to web2 3.1 s after the cable was pulled, "
            "and back 3.5 s after it was plugged in",
        ),
        (
            stories.crash,
            "web2 took 192.168.1.10 although web1 still had it, 3.0 s after the daemon was killed",
        ),
        (
            stories.resignation,
            "192.168.1.10 moved from web1 to web2 0.6 s after the daemon was stopped",
        ),
        (stories.no_holder_at_start, "web1 took 192.168.1.10 3.6 s after the daemon was started"),
        (stories.beginning, "192.168.1.10 stayed with web1 for 0.0 s"),
    ],
)
def test_headline(story: Any, headline: str) -> None:
    facts = story()
    extra = [Action(0.04, "look", None, "")] if story is stories.beginning else []
    assert repr(timeline_text_of([*facts, *extra])) == f"<Timeline: {headline}>"


def test_headline_of_false_alarms_says_that_the_address_never_left() -> None:
    alarms = [stories.held(t, "web2", t % 2 == 1) for t in range(1, 7)]
    facts = [*stories.beginning(), *alarms]
    assert repr(timeline_text_of(facts)) == (
        f"<Timeline: web2 took {VIP} 3 times in 6.0 s, and web1 never gave it up>"
    )
    assert repr(timeline_text_of([*stories.beginning(), *alarms[:4]])) == (
        f"<Timeline: web2 took {VIP} 2 times in 4.0 s, and web1 never gave it up>"
    )
    gone = stories.held(0.5, "web1", False)
    assert "never" not in repr(timeline_text_of([*facts, gone]))


def test_headline_gives_a_tenth_of_a_second_in_milliseconds() -> None:
    pulled = Action(1.0, "unplug", "web1", "cable of web1 pulled")
    moved = [stories.held(1.001, "web1", False), stories.held(1.039, "web2", True)]
    later = Action(2.0, "look", None, "")
    assert repr(timeline_text_of([*stories.beginning(), pulled, *moved, later])) == (
        f"<Timeline: {VIP} moved from web1 to web2 39 ms after the cable was pulled>"
    )


def test_text_draws_a_lane_for_each_host(failover: Timeline) -> None:
    lines = failover.text(width=42).splitlines()  # half a second to a column
    assert lines[:4] == [
        "192.168.1.10  0 s       5         10        15        20",
        "web1          ██████████" + "░" * 25 + "███████",
        "web2          " + "░" * 17 + "██████████████████" + "░" * 7,
        "client        ··········!!!!!!!" + "·" * 25,
    ]
    assert lines[4].index("^") == 14 + 10
    assert lines[4].endswith("^ plug web1")


def test_text_says_who_when_why_predicted_and_measured(failover: Timeline) -> None:
    words = " ".join(failover.text().split())
    assert (
        "web2 took 192.168.1.10 from web1 at 8.31 s, 3.1 s after the cable of web1 was "
        "pulled (no advertisement for 3.609 s (3 × 1 s + skew 0.609 s)); predicted 3.609 s after "
        "the last Advertisement, measured 3.610 s; the client had no answer for 3.12 s."
    ) in words
    assert "Nobody held 192.168.1.10 from 5.20 s to 8.31 s (3.11 s)." in words


def test_text_marks_where_two_own() -> None:
    words = timeline_text_of(stories.split_brain()).text()
    assert "▓ two hold" in words
    assert "web1 and web2 held 192.168.1.10 at once from 7.31 s to 12.70 s" in words
    assert "▓" not in timeline_text_of(stories.resignation()).text()


def test_text_admits_what_was_missed() -> None:
    told = timeline_text_of([*stories.crash(), Loss(6.0, "web2", "3 frames were lost in web2")])
    assert "The record has a hole at 6.00 s: 3 frames were lost in web2." in told.text()


@pytest.mark.parametrize("width", [10, 40, 61, 200])
def test_every_lane_is_as_wide_as_asked(failover: Timeline, width: int) -> None:
    lanes = [line[14:] for line in failover.text(width).splitlines()[1:4]]
    assert [len(lane) for lane in lanes] == [width] * 3


def test_labels_of_actions_never_collide() -> None:
    acts: list[Fact] = [Action(5 + i / 10, "crash", "web1", "") for i in range(5)]
    rows = timeline_text_of([*stories.crash(), *acts]).text().splitlines()
    assert sum(row.count("crash web1") for row in rows) == 6


# -- on disk -------------------------------------------------------------------------------------

times = st.floats(min_value=0, max_value=1e10, allow_nan=False)
names = st.sampled_from(["web1", "web2", "サーバ"])
words = st.text(max_size=20)
interval = st.floats(min_value=0.01, max_value=255)
small = st.integers(min_value=0, max_value=255)
ANY_FACT: st.SearchStrategy[Fact] = st.one_of(
    st.builds(Address, times, names, words, words, small, st.booleans()),
    st.builds(Link, times, names, words, st.booleans(), st.booleans()),
    st.builds(
        Advert, times, names, words, small, small, small, interval, st.tuples(words, words), words
    ),
    st.builds(Heard, times, names, words, small, small, small, interval),
    st.builds(Arp, times, names, words, words),
    st.builds(Ping, times, small, words, st.none() | names, st.none() | interval),
    st.builds(Action, times, words, st.none() | names, words),
    st.builds(State, times, names, words, words, words, words, st.none() | small),
    st.builds(Loss, times, names, words),
)


@given(ANY_FACT)
def test_a_fact_survives_a_line_of_json(fact: Fact) -> None:
    line = to_json(fact)
    assert "\n" not in line
    assert from_json(line) == fact


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ANY_FACT, max_size=20))
def test_a_timeline_survives_a_file(tmp_path: Path, facts: list[Fact]) -> None:
    told = Timeline(facts, VIP, HOSTS, start=1.0, end=9.0)
    told.save(tmp_path / "facts.jsonl")
    assert Timeline.load(tmp_path / "facts.jsonl") == told


@pytest.mark.parametrize(
    "line", ['{"kind": "rumour", "t": 1}', "[]", '{"kind": "arp", "t": 1}', "{", "3"]
)
def test_what_is_no_fact_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"not a fact|Expecting"):
        from_json(line)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text('{"kind": "arp"}\n')
    with pytest.raises(ValueError, match="holds no timeline"):
        Timeline.load(path)


def test_what_a_service_did_is_described_in_its_own_words_also_under_the_lanes() -> None:
    done = [
        Action(1.0, "unplug", "web1", "cable of web1 pulled"),
        Action(4.0, "web", "web1", "web server of web1 stopped"),
    ]
    (row,) = action_rows(Timeline(done, hosts=["web1"], start=0.0, end=10.0), 60)
    assert row.split("^") == ["      ", " unplug web1     ", " web server of web1 stopped"]


# Who held, who answered: tables of hand-written facts, and laws that hold for any facts.


A, B = "web1", "web2"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param([], [(0, 10, ())], id="no facts"),
        pytest.param([held(0, A)], [(0, 10, (A,))], id="held from the start"),
        pytest.param([held(-5, A)], [(0, 10, (A,))], id="held since before"),
        pytest.param([held(3, A)], [(0, 3, ()), (3, 10, (A,))], id="acquired"),
        pytest.param(
            [held(0, A), held(4, A, False), held(6, B)],
            [(0, 4, (A,)), (4, 6, ()), (6, 10, (B,))],
            id="gap",
        ),
        pytest.param(
            [held(0, A), held(4, B), held(6, A, False)],
            [(0, 4, (A,)), (4, 6, (A, B)), (6, 10, (B,))],
            id="overlap, earlier holder first",
        ),
        pytest.param(
            [held(0, A), held(4, A, False), held(4, B)],
            [(0, 4, (A,)), (4, 10, (B,))],
            id="changes of one moment count together",
        ),
        pytest.param([held(0, A), held(12, B)], [(0, 10, (A,))], id="later than the window"),
        pytest.param([held(3, A), held(5, A)], [(0, 3, ()), (3, 10, (A,))], id="said twice"),
        pytest.param([held(3, A, False)], [(0, 10, ())], id="lost what it never had"),
    ],
)
def test_segments(facts: list[Fact], expected: list[tuple[float, float, tuple[str, ...]]]) -> None:
    assert segments(facts, VIP, 0, 10) == [OwnershipInterval(*part) for part in expected]


def test_an_address_on_two_interfaces_is_held_until_the_last_lets_go() -> None:
    facts = [
        Address(1, A, "eth0", VIP, 32, True),
        Address(2, A, "eth1", VIP, 32, True),
        Address(3, A, "eth0", VIP, 32, False),
        Address(4, A, "eth1", VIP, 32, False),
    ]
    assert spans(segments(facts, VIP, 0, 10)) == [HolderInterval(A, 1, 4)]


def test_other_addresses_do_not_count() -> None:
    facts = [Address(1, A, "eth0", "192.168.1.11", 24, True)]
    assert segments(facts, VIP, 0, 10) == [OwnershipInterval(0, 10, ())]


def test_spans_join_what_segments_cut() -> None:
    parts = segments([held(0, A), held(4, B), held(6, A, False)], VIP, 0, 10)
    assert spans(parts) == [HolderInterval(A, 0, 6), HolderInterval(B, 4, 10)]


def test_an_empty_window_has_no_segments() -> None:
    assert segments([held(0, A)], VIP, 5, 5) == []
    assert spans([]) == []


moments = st.floats(min_value=-5, max_value=25, allow_nan=False).map(lambda t: round(t, 3))
changes = st.builds(
    Address,
    t=moments,
    host=st.sampled_from(["web1", "web2", "third"]),
    interface=st.sampled_from(["eth0", "eth1"]),
    address=st.just(VIP),
    prefixlen=st.just(32),
    held=st.booleans(),
)


@given(st.lists(changes, max_size=30))
def test_segments_partition_the_window(facts: list[Address]) -> None:
    parts = segments(facts, VIP, 0.0, 20.0)
    assert (parts[0].start, parts[-1].end) == (0.0, 20.0)
    assert all(part.start < part.end for part in parts)
    for left, right in itertools.pairwise(parts):
        assert left.end == right.start
        assert set(left.holders) != set(right.holders)
    alone = [part for part in parts if len(part.holders) == 1]
    assert len(gaps(parts)) + len(alone) + len(overlaps(parts)) == len(parts)


@given(st.lists(changes, max_size=30), st.floats(min_value=0, max_value=19.999))
def test_spans_and_segments_agree(facts: list[Address], t: float) -> None:
    parts = segments(facts, VIP, 0.0, 20.0)
    by_segment = {host for part in parts if part.start <= t < part.end for host in part.holders}
    by_span = {span.host for span in spans(parts) if span.start <= t < span.end}
    assert by_segment == by_span


@given(st.lists(changes, max_size=30))
def test_spans_of_one_host_do_not_touch(facts: list[Address]) -> None:
    found = spans(segments(facts, VIP, 0.0, 20.0))
    for host in {span.host for span in found}:
        own = [span for span in found if span.host == host]
        assert all(a.end < b.start for a, b in itertools.pairwise(own))


def ping(t: float, host: str | None, rtt: float | None = 0.001) -> Ping:
    return Ping(t, round(t * 100), VIP, host, None if host is None else rtt)


def test_silence_lasts_from_the_first_lost_ping_to_the_first_answer() -> None:
    facts = [*pings(0, 1, A, 0.1), *pings(1, 2, None, 0.1), *pings(2, 3, B, 0.1)]
    first, silent, last = service(facts, VIP, 0, 3)
    assert (first.host, first.start, first.end, first.pings) == (A, 0, 1, 10)
    assert (silent.host, silent.start, silent.pings) == (None, 1, 10)
    assert silent.end == last.start == pytest.approx(2.0002)
    assert outages([first, silent, last]) == [silent]


def test_a_ping_that_the_kernel_held_back_was_no_service_while_it_waited() -> None:
    facts = [ping(0, A), ping(1, None), ping(2, B, rtt=0.9), ping(2.5, B, rtt=0.4), ping(3, B)]
    assert [(s.host, s.start, s.end) for s in service(facts, VIP, 0, 4)] == [
        (A, 0, 1),
        (None, 1, 2.9),
        (B, 2.9, 3),
    ]


def test_the_last_stretch_ends_with_the_last_ping() -> None:
    assert service([ping(0, A), ping(1, A)], VIP, 0, 9) == [ServiceInterval(A, 0, 1, 2)]


def test_a_change_of_answerer_without_silence_is_no_outage() -> None:
    found = service([ping(0, A), ping(1, B), ping(2, B)], VIP, 0, 3)
    assert [(part.host, part.start) for part in found] == [(A, 0), (B, 1)]
    assert outages(found) == []


@given(
    st.lists(
        st.tuples(moments, st.sampled_from([A, B, None]), st.floats(min_value=0, max_value=1)),
        max_size=40,
    )
)
def test_service_stretches_touch_and_count_every_ping(
    sent: list[tuple[float, str | None, float]],
) -> None:
    facts = [ping(t, host, rtt) for t, host, rtt in sent]
    found = service(facts, VIP, 0.0, 20.0)
    assert sum(part.pings for part in found) == sum(0 <= fact.t <= 20 for fact in facts)
    assert all(part.start <= part.end for part in found)
    for left, right in itertools.pairwise(found):
        assert left.end == right.start
        assert left.host != right.host


# When a takeover is due, and no observer saw what the daemon saw: say nothing wrong about it.


def test_a_firewall_on_the_host_drops_what_the_switch_passed_on() -> None:
    last = 0.0
    facts: list[Fact] = [received(float(t), "web2", "web1") for t in range(5)]
    facts += [advert(last + WAIT["web2"], "web2")]
    assert predict(facts, "web2", last + WAIT["web2"] + 0.001) == ExpectedTakeover(
        "web2", "advert", last, WAIT["web2"]
    )


def test_an_early_takeover_that_no_advertisement_explains_is_early() -> None:
    facts: list[Fact] = [received(1.0, "web2", "web1"), received(2.0, "web2", "web1")]
    facts += [advert(4.2, "web2")]
    found = predict(facts, "web2", 4.2)
    assert found is not None
    assert found.since == 2.0


def test_a_check_that_succeeds_again_is_not_seen() -> None:
    facts: list[Fact] = [
        Action(0.0, "start", "web2", "daemon of web2 started"),
        advert(3.7, "web2"),
        held(3.7, "web2", True),
        held(9.0, "web2", False),  # its check failed; it comes back at some time
        advert(20.0, "web2"),
    ]
    assert predict(facts, "web2", 20.0) is None


def test_a_master_that_gave_way_counts_from_the_better_advertisement() -> None:
    facts: list[Fact] = [
        advert(3.7, "web2"),
        held(3.7, "web2", True),
        received(8.999, "web2", "web1"),
        held(9.0, "web2", False),
        advert(12.6, "web2"),
    ]
    assert predict(facts, "web2", 12.61) == ExpectedTakeover("web2", "advert", 8.999, WAIT["web2"])
