"""Who held, who answered: tables of hand-written facts, and laws that hold for any facts."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
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
from labs.model.facts import Address, Fact, Ping
from tests.unit.stories import VIP, held, pings

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
