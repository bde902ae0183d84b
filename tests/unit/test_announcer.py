"""Bursts of gratuitous ARP: how many, when, and for which addresses after a reload."""

from __future__ import annotations

import pytest

from labs.simulation.lan import Lan
from tests.cluster import advert, arps, cluster, conf, inject, router, state


def times(lan: Lan, host: str = "one") -> list[float]:
    """When bursts began, and each burst once."""
    return sorted({round(fact.t, 6) for fact in arps(lan, host)})


def test_five_now_and_five_after_five_seconds() -> None:
    lan = cluster(one=conf(255))
    lan.run(60)
    assert times(lan) == [0.0, 5.0]
    assert len(arps(lan, "one")) == 10


@pytest.mark.parametrize(
    ("words", "expected", "each"),
    [
        (("garp_master_delay 0",), [0.0], 5),
        (("garp_master_delay 1", "garp_master_repeat 2"), [0.0, 1.0], 2),
        (("garp_master_repeat 0",), [0.0, 5.0], 1),  # keepalived makes it 1
        (("garp_master_refresh 10",), [0.0, 5.0, 10.0, 20.0, 30.0], None),
    ],
)
def test_the_figures_of_the_file(words: tuple[str, ...], expected: list[float], each: int) -> None:
    lan = cluster(one=conf(255, *words))
    lan.run(30)
    assert times(lan) == pytest.approx(expected, abs=0.05)
    if each is not None:
        assert len(arps(lan, "one")) == each * len(expected)


def test_rounds_go_through_the_addresses_in_order() -> None:
    vips = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    lan = cluster(one=conf(255, vips=vips))
    lan.run(1)
    assert [fact.address for fact in arps(lan, "one")] == vips * 5


def test_a_router_that_has_left_master_is_quiet() -> None:
    lan = cluster(one=conf(100, "garp_master_refresh 2"))
    lan.run(4)
    inject(lan, "one", advert(50))  # one more burst is planned
    inject(lan, "one", advert(150))
    before = len(arps(lan, "one"))
    for _ in range(20):
        lan.run(1)
        inject(lan, "one", advert(150))
    assert state(lan, "one") == "BACKUP"
    assert len(arps(lan, "one")) == before


def test_the_second_burst_leaves_out_what_a_reload_has_taken_away() -> None:
    """An address that is no longer ours may live elsewhere: announcing it would take it back."""
    lan = cluster(one=conf(255, vips=["10.0.0.1", "10.0.0.2"]))
    lan.run(2)
    lan.conf("one", conf(255, vips=["10.0.0.1"]))
    lan.reload("one")
    before = len(arps(lan, "one"))
    lan.run(10)
    assert {fact.address for fact in arps(lan, "one")[before:]} == {"10.0.0.1"}


def test_refreshes_follow_a_reload() -> None:
    lan = cluster(one=conf(255, "garp_master_refresh 3", vips=["10.0.0.1", "10.0.0.2"]))
    lan.run(10)
    lan.conf("one", conf(255, "garp_master_refresh 3", vips=["10.0.0.2", "10.0.0.3"]))
    lan.reload("one")
    lan.run(1)
    before = len(arps(lan, "one"))
    lan.run(10)
    assert {fact.address for fact in arps(lan, "one")[before:]} == {"10.0.0.2", "10.0.0.3"}


def test_lower_prio_options() -> None:
    words = ("garp_lower_prio_repeat 2", "garp_lower_prio_delay 1", "garp_master_delay 0")
    lan = cluster(one=conf(255, *words))
    lan.run(3)
    before = len(arps(lan, "one"))
    inject(lan, "one", advert(50))
    lan.run(10)
    assert len(arps(lan, "one")) - before == 4
    lan = cluster(one=conf(255, "garp_lower_prio_repeat 0", "garp_master_delay 0"))
    lan.run(3)
    before = len(arps(lan, "one"))
    inject(lan, "one", advert(50))
    lan.run(10)
    assert len(arps(lan, "one")) == before


def test_what_is_planned_does_not_pile_up() -> None:
    """Refreshes for years, a rival for years: what is past is forgotten."""
    lan = cluster(one=conf(255, "garp_master_refresh 1"))
    for _ in range(300):
        lan.run(1)
        inject(lan, "one", advert(50))
    assert len(router(lan, "one").announcer.pending) < 20


def test_a_refresh_that_fails_is_not_the_last_one(monkeypatch: pytest.MonkeyPatch) -> None:
    lan = cluster(one=conf(255, "garp_master_refresh 10"))
    lan.run(9)
    with monkeypatch.context() as patch:
        patch.setattr(lan.daemons["one"].pacer, "send", 0)
        with pytest.raises(TypeError):
            lan.run(2)
    lan.run(20)
    assert times(lan) == pytest.approx([0, 5, 20, 30])
