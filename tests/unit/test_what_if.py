"""The article's cluster in memory: what an interval costs, and which lines must be equal."""

from __future__ import annotations

import pytest

from labs.experiments.what_if import differences, interval_costs, what_if


def test_a_longer_interval_costs_less_and_is_slower() -> None:
    once, twice = interval_costs([1, 2])
    assert (once.adverts, twice.adverts) == (86_400, 43_200)
    assert once.octets == 86_400 * 60  # 14 + 40 bytes, filled up to the shortest frame
    # The skew of priority 100 is 0.609 s whatever the interval (RFC 3768 section 6.1).
    assert once.takeover == pytest.approx(3.609, abs=0.01)
    assert twice.takeover == pytest.approx(6.609, abs=0.01)


@pytest.mark.parametrize(
    ("line", "holders"),
    [
        ({"auth_pass": "1112"}, ("web1", "web2")),
        ({"advert_int": 2}, ("web1", "web2")),
        ({"virtual_router_id": 52}, ("web1", "web2")),
        ({"state": "MASTER"}, ("web1",)),
        ({"priority": 200}, ("web2",)),
    ],
)
def test_some_lines_must_be_equal(line: dict[str, object], holders: tuple[str, ...]) -> None:
    [row] = what_if(line)  # type: ignore[arg-type]
    assert row.holders == holders


def test_both_show_themselves_as_tables() -> None:
    assert "86,400" in repr(interval_costs([1]))
    assert "web1 and web2" in repr(what_if({"auth_pass": "1112"}))


def test_the_lines_of_the_lesson_are_those_that_must_be_equal_and_those_that_need_not() -> None:
    held_by_two = [row.line for row in differences() if len(row.holders) == 2]
    assert held_by_two == ["auth_pass 1112", "advert_int 2", "virtual_router_id 52"]
    assert len(differences()) == 5
