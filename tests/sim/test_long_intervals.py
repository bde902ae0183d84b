"""Version 3: what one packet can teach of the interval has a limit, ten times one's own."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from labs.analysis.takeover_timing import predict
from labs.model.facts import Heard
from labs.simulation.lan import Lan
from tests.cluster import VIP, cluster, conf, inject, router
from vrrpd.fsm import SECOND
from vrrpd.packet import GROUP4, Advertisement, encode, ipv4_packet

INTRUDER = IPv4Address("192.168.1.66")
LONGEST = 40_950_000_000


def pair(interval: float = 1) -> Lan:
    words = ("version 3", f"advert_int {interval}")
    return cluster(one=conf(150, *words), two=conf(100, *words))


def advert(priority: int, interval: int = LONGEST) -> bytes:
    said = Advertisement(3, 51, priority, interval, (IPv4Address(VIP),))
    return ipv4_packet(encode(said, INTRUDER, GROUP4), INTRUDER, GROUP4, 1)


def deliver(lan: Lan, packet: bytes) -> None:
    for host in lan.daemons:
        inject(lan, host, packet)


@pytest.mark.parametrize("interval", [0.1, 1, 4])
def test_one_packet_silences_a_cluster_for_a_bounded_time(interval: float) -> None:
    """keepalived: no router is MASTER for 123 s and a skew of 16 s."""
    lan = pair(interval)
    lan.run(10 * interval)
    deliver(lan, advert(254))
    assert lan.masters() == []
    at = lan.now
    lan.wait_until(lambda: lan.masters() == ["one"], timeout=200)
    most = min(10 * interval, 40.95)
    assert lan.now - at == pytest.approx(3 * most + most * (256 - 150) / 256, abs=1e-6)


def test_it_is_warned_of_and_counted() -> None:
    lan = pair()
    lan.run(10)
    deliver(lan, advert(254))
    assert router(lan, "two").counters["interval-limited"] == 1
    line = "(VI_1) interval 40.95 s from 192.168.1.66 counts as 10 s, 10 times our own"
    assert line in lan.logs["two"].lines


def test_an_interval_within_the_limit_is_learned_whole() -> None:
    lan = pair()
    lan.run(10)
    deliver(lan, advert(254, 10 * SECOND))
    one = router(lan, "one")
    assert one.current.deadline == lan.clock.now() + one.params.master_down(10 * SECOND)
    assert one.counters["interval-limited"] == 0


def test_a_reload_with_another_interval_moves_the_limit() -> None:
    lan = pair()
    lan.run(10)
    deliver(lan, advert(254))
    at = lan.clock.now()
    lan.conf("one", conf(150, "version 3", "advert_int 2"))
    lan.reload("one")
    one = router(lan, "one")
    assert one.current.deadline == at + one.params.master_down(20 * SECOND)


def test_a_resignation_after_it_does_not_wait_for_long_either() -> None:
    lan = pair()
    lan.run(10)
    deliver(lan, advert(254))
    deliver(lan, advert(0))
    lan.run(10 * (256 - 150) / 256 + 0.01)
    assert lan.masters() == ["one"]


def test_the_figure_predicts_the_same() -> None:
    lan = pair()
    lan.run(10)
    deliver(lan, advert(254))
    heard = Heard(lan.now, "one", str(INTRUDER), 51, 3, 254, LONGEST / SECOND)
    facts = [*lan.facts, heard]
    lan.wait_until(lambda: lan.masters() == ["one"], timeout=200)
    due = predict([*facts, *lan.facts[len(facts) - 1 :]], "one", before=lan.now)
    assert due is not None
    assert due.at == pytest.approx(lan.now, abs=1e-6)
