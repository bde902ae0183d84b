"""Which MASTERs may be served together, and what is left to their timers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from labs.simulation.lan import Lan
from tests.cluster import cluster, conf, router
from vrrpd.router import VirtualRouter

QUICK = ("version 3", "advert_int 0.1")
AH = "authentication {\nauth_type AH\nauth_pass 1111\n}"
PASS = "authentication {\nauth_type PASS\nauth_pass 1111\n}"
PEERS = "unicast_peer {\n192.168.1.12\n}"
EXPIRED = ("nopreempt", "timer_expired_backup 90")


def master(*words: str, vip: str = "192.168.1.10") -> tuple[Lan, VirtualRouter]:
    """A router that has been MASTER for some seconds, and its LAN."""
    lan = cluster(one=conf(100, *words, vips=[vip]))
    lan.run(9)
    one = router(lan, "one")
    assert one.state.value == "MASTER"
    return lan, one


def when(one: VirtualRouter) -> int:
    """When its Adver_Timer expires (ns)."""
    assert one.current.deadline is not None
    return one.current.deadline


@pytest.mark.parametrize("words", [QUICK, ("advert_int 1",), ("advert_int 1", PASS)])
def test_a_master_sends_the_packet_that_it_has_ready(words: Sequence[str]) -> None:
    _, one = master(*words)
    assert one.repeatable(when(one)) is one.advertiser.packets[100][0]
    assert one.repeatable(when(one) - 1) is None


@pytest.mark.parametrize("words", [(AH,), (*QUICK, PEERS), (*QUICK, *EXPIRED)])
def test_others_go_the_ordinary_way(words: Sequence[str]) -> None:
    _, one = master(*words)
    assert one.repeatable(when(one)) is None


def test_ipv6_goes_the_ordinary_way() -> None:
    _, one = master(*QUICK, vip="fe80::10")
    assert one.repeatable(when(one)) is None


def test_after_a_failure_one_advertisement_goes_the_ordinary_way() -> None:
    """That one counts as sent, and ends the count of failures."""
    lan, one = master(*QUICK)
    lan.machines["one"].refuses["send"] = "No buffer space available"
    one.upkeep.unsent(105, "No buffer space available")
    assert one.repeatable(when(one)) is None
    del lan.machines["one"].refuses["send"]
    lan.run(0.2)
    assert one.repeatable(when(one)) is not None


def test_another_priority_is_made_first() -> None:
    lan, one = master(*QUICK)
    one.set_weight("x", -10)
    assert one.repeatable(when(one)) is None
    lan.run(0.2)
    assert one.repeatable(when(one)) is one.advertiser.packets[90][0]


def test_a_router_that_is_no_master_sends_nothing() -> None:
    lan, one = master(*QUICK)
    due = when(one)
    lan.stop("one")
    assert one.repeatable(due) is None


def test_without_a_socket_every_timer_is_called() -> None:
    _, one = master(*QUICK)
    one.listener.close()
    ident = one.advertiser.ident
    one.timer_group.expire([one])
    assert one.advertiser.ident == ident
