"""One virtual router at work: what it does, in which order, and what its timer costs.

Runs on the ports of labs/simulation/ports.py; the facts are what an observer on the wire and in the
kernel would have recorded.
"""

from __future__ import annotations

from ipaddress import ip_address
from itertools import pairwise

import pytest

from labs.model.facts import Address, Advert, Arp
from labs.simulation.lan import Lan
from tests.cluster import (
    VIP,
    advert,
    adverts,
    arps,
    cluster,
    conf,
    held,
    inject,
    moves,
    router,
    scripts,
    state,
    states,
)
from vrrpd.events import TimerFired
from vrrpd.fsm import SECOND

ECHO = "notify /bin/true"


def test_a_master_advertises_then_holds_then_announces_then_notifies() -> None:
    lan = cluster(one=conf(100, ECHO))
    told: list[int] = []

    def listen(line: dict[str, object]) -> None:
        if line["event"] == "notify" and "MASTER" in str(line["command"]):
            told.append(len(lan.facts))

    lan.daemons["one"].journal.listeners.append(listen)
    lan.wait_until(lambda: state(lan, "one") == "MASTER")
    deeds = [f for f in lan.facts if isinstance(f, Advert | Address | Arp)]
    assert [type(fact) for fact in deeds] == [Advert, Address, *[Arp] * 5]
    assert len(told) == 1
    assert told[0] > lan.facts.index(deeds[-1])
    assert {fact.t for fact in deeds} == {3.609375}


def lossy(lan: Lan, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Packets for "one" are lost from now on; returns since when its timers ask for it."""
    asked: list[int] = []

    def may_have_missed(since: int) -> bool:
        asked.append(since)
        return True

    channel = router(lan, "one").listener.channel
    monkeypatch.setattr(channel, "may_have_missed", may_have_missed)
    return asked


def test_a_takeover_after_lost_packets_is_late_by_one_master_down_interval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lan = cluster(one=conf(100))
    asked = lossy(lan, monkeypatch)
    lan.run(3.7)
    assert state(lan, "one") == "BACKUP"
    lan.wait_until(lambda: state(lan, "one") == "MASTER")
    assert adverts(lan, "one")[0].t == 2 * 3.609375
    assert asked == [0]


def test_a_router_that_receives_some_packets_of_many_stays_backup(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lan = cluster(one=conf(100))
    lossy(lan, monkeypatch)
    for _ in range(5):
        lan.run(7)
        inject(lan, "one", advert(150))
    assert states(lan, "one") == ["BACKUP"]


def test_an_owner_does_not_wait_for_lost_packets(monkeypatch: pytest.MonkeyPatch) -> None:
    lan = cluster(one="global_defs {\nvrrp_startup_delay 2\n}\n" + conf(255))
    asked = lossy(lan, monkeypatch)
    lan.run(2.1)
    assert state(lan, "one") == "MASTER"
    assert asked == []


def test_a_master_that_gives_way_releases_and_says_nothing() -> None:
    """No priority 0: the winner is already advertising (keepalived)."""
    lan = cluster(one=conf(100, ECHO))
    lan.run(4)
    sent = len(adverts(lan, "one"))
    inject(lan, "one", advert(150))
    assert state(lan, "one") == "BACKUP"
    assert held(lan, "one") == set()
    assert len(adverts(lan, "one")) == sent


def test_a_master_that_stops_resigns_and_then_releases() -> None:
    lan = cluster(one=conf(100))
    lan.run(4)
    before = len(lan.facts)
    lan.stop("one")
    deeds = [f for f in lan.facts[before:] if isinstance(f, Advert | Address)]
    assert isinstance(deeds[0], Advert)
    assert deeds[0].priority == 0
    assert isinstance(deeds[1], Address)
    assert not deeds[1].held
    assert len(deeds) == 2


def test_a_backup_that_stops_says_nothing() -> None:
    lan = cluster(one=conf(100))
    lan.run(1)
    lan.stop("one")
    assert adverts(lan, "one") == []
    assert moves(lan, "one") == []


def test_advertisements_come_every_second_to_the_nanosecond() -> None:
    lan = cluster(one=conf(100))
    lan.run(1000)
    times = [round(fact.t * SECOND) for fact in adverts(lan, "one")]
    assert times[0] == 3_609_375_000
    assert {b - a for a, b in pairwise(times)} == {SECOND}


def test_the_identification_counts_advertisements_from_one() -> None:
    lan = cluster(one=conf(100))
    lan.run(10)
    idents = [int(fact.hex[8:12], 16) for fact in adverts(lan, "one")]
    assert idents == list(range(1, len(idents) + 1))


def test_the_identification_skips_zero() -> None:
    lan = cluster(one=conf(100))
    lan.run(4)
    router(lan, "one").advertiser.ident = 0xFFFE
    lan.run(3)
    assert [fact.hex[8:12] for fact in adverts(lan, "one")[-3:]] == ["ffff", "0001", "0002"]


def test_excluded_addresses_are_held_and_announced_but_not_advertised() -> None:
    vips = ["10.0.0.1", "10.0.0.2"]
    lan = cluster(one=conf(100, vips=vips, excluded=["10.0.0.9"]))
    lan.run(4)
    assert list(adverts(lan, "one")[0].addresses) == vips
    assert [address for address, _ in moves(lan, "one")] == [*vips, "10.0.0.9"]
    assert [fact.address for fact in arps(lan, "one")[:3]] == [*vips, "10.0.0.9"]


def test_an_address_deleted_by_hand_comes_back_after_one_skew() -> None:
    """keepalived: priority 0, BACKUP, MASTER again after Skew_Time (0.414 s here)."""
    lan = cluster(one=conf(150))
    lan.run(5)
    at = lan.now
    lan.machines["one"].forget(next(ip for ip in lan.machines["one"].addresses if str(ip) == VIP))
    lan.run(0)
    assert state(lan, "one") == "BACKUP"
    assert adverts(lan, "one")[-1].priority == 0
    lan.wait_until(lambda: state(lan, "one") == "MASTER")
    assert lan.now == pytest.approx(at + 0.4140625, abs=1e-9)
    assert held(lan, "one") == {VIP}
    reason = lan.journal("one")[-1]["reason"]
    assert "192.168.1.10 was removed by somebody else" in reason


def test_one_deleted_address_takes_the_others_with_it() -> None:
    lan = cluster(one=conf(150, vips=["10.0.0.1", "10.0.0.2"]))
    lan.run(5)
    card = lan.machines["one"]
    card.forget(next(ip for ip in card.addresses if str(ip) == "10.0.0.1"))
    lan.run(0)
    assert held(lan, "one") == set()
    lan.run(1)
    assert held(lan, "one") == {"10.0.0.1", "10.0.0.2"}


def test_no_track_lets_an_address_go() -> None:
    lan = cluster(one=conf(150, vips=["10.0.0.1 no_track"]))
    lan.run(5)
    card = lan.machines["one"]
    card.forget(next(ip for ip in card.addresses if str(ip) == "10.0.0.1"))
    lan.run(1)
    assert state(lan, "one") == "MASTER"


def test_a_backup_does_not_mind_what_happens_to_the_address() -> None:
    lan = cluster(one=conf(150))
    lan.run(1)
    card = lan.machines["one"]
    card.addresses[ip_address(VIP)] = 32
    card.forget(ip_address(VIP))
    lan.run(0)
    assert states(lan, "one") == ["BACKUP"]


# The timer is armed lazily: no system call for an Advertisement.


def test_a_backup_that_receives_from_its_master_asks_the_clock_once_per_master_down_interval() -> (
    None
):
    lan = cluster(web1=conf(150), web2=conf(100))
    lan.run(10)
    one = router(lan, "web2")
    asked = 0
    call_at = one.ports.clock.call_at

    class Counting:
        """The Clock of the router, with a tally."""

        now = staticmethod(one.ports.clock.now)

        def call_at(self, when: int, callback: object, *hints: object) -> object:
            nonlocal asked
            asked += 1
            return call_at(when, callback)  # type: ignore[arg-type]

    object.__setattr__(one.ports, "clock", Counting())
    lan.run(100)
    assert asked <= 100 / 2.6 + 1  # the timer fires every 3.609 s less the age of the last one
    assert state(lan, "web2") == "BACKUP"


def test_a_timer_moved_to_an_earlier_moment_is_set_again() -> None:
    """Priority 0 makes the deadline earlier: the timer that runs would be too late."""
    lan = cluster(one=conf(100))
    lan.run(1)
    inject(lan, "one", advert(150))
    inject(lan, "one", advert(0))
    lan.wait_until(lambda: state(lan, "one") == "MASTER")
    assert lan.now == pytest.approx(1.609375, abs=1e-9)


def test_an_early_timer_is_harmless() -> None:
    lan = cluster(one=conf(100))
    lan.run(1)
    one = router(lan, "one")
    for _ in range(3):
        one.dispatch(TimerFired())
    assert states(lan, "one") == ["BACKUP"]
    lan.wait_until(lambda: state(lan, "one") == "MASTER")
    assert lan.now == pytest.approx(3.609375, abs=1e-9)


def test_arrival_counts_and_not_reading() -> None:
    """A packet that was read late restarts the timer from when it came."""
    lan = cluster(one=conf(100))
    lan.run(1)
    one = router(lan, "one")
    packet = advert(150)
    for segment in lan.daemons["one"].segments.values():
        segment.receive(packet, round(0.25 * SECOND))
    assert one.current.deadline == round(0.25 * SECOND) + 3_609_375_000


# Counters and status.


def test_counters() -> None:
    lan = cluster(one=conf(100))
    lan.run(5.7)
    inject(lan, "one", advert(50))
    inject(lan, "one", advert(0))
    inject(lan, "one", advert(150))
    counters = router(lan, "one").counters
    assert counters["advertisement-sent"] == len(adverts(lan, "one")) == 5
    assert counters["advertisement-rcvd"] == 3
    assert counters["priority-zero-pkts-rcvd"] == 1
    assert counters["master-transitions"] == counters["released-master"] == 1
    inject(lan, "one", advert(0))
    lan.run(1)
    lan.stop("one")
    assert counters["priority-zero-pkts-sent"] == 1


def test_a_master_of_lower_priority_is_answered() -> None:
    """keepalived: an Advertisement at once, five rounds of ARP now and five after 5 s, notify."""
    lan = cluster(one=conf(100, "notify_master_rx_lower_pri /bin/true", ECHO))
    lan.run(20)
    sent, announced, told = (
        len(adverts(lan, "one")),
        len(arps(lan, "one")),
        len(scripts(lan, "one")),
    )
    inject(lan, "one", advert(50))
    assert len(adverts(lan, "one")) == sent + 1
    assert len(arps(lan, "one")) == announced + 5
    assert scripts(lan, "one")[told:] == [("notify_master_rx_lower_pri", ("/bin/true",))]
    lan.run(5)
    assert len(arps(lan, "one")) == announced + 10


def test_status_is_plain_data_with_the_time_that_is_left() -> None:
    lan = cluster(one=conf(100))
    lan.run(1)
    inject(lan, "one", advert(150))
    lan.run(1)
    (status,) = lan.daemons["one"].status()
    assert status["state"] == "BACKUP"
    assert status["timer"] == {"name": "Master_Down_Timer", "remaining": 2.609}
    assert status["last_heard"] == {"source": "192.168.1.99", "priority": 150, "ago": 1.0}
    assert status["faults"] == []
