"""The article's cluster on virtual time: every fault, and its consequence at the nanosecond.

    last Advertisement + 3 × 1 s + (256 − 100)/256 s = + 3.609375 s      a dead master
    priority 0 + (256 − 100)/256 s                   = + 0.609375 s      a master that resigns
    carrier back + 3 × 1 s + (256 − 150)/256 s       = + 3.4140625 s     failback

A takeover happens at these moments exactly: on the wire there is only the switch's delay.
"""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from labs.errors import LabError
from labs.simulation import switch
from labs.simulation.lan import LATENCY, Lan
from tests.cluster import adverts, arps, cluster, conf, held, state, states
from vrrpd.fsm import SECOND

DELAY = round(LATENCY * SECOND)
DOWN_100, DOWN_150 = 3_609_375_000, 3_414_062_500
SKEW_100 = 609_375_000


def ns(t: float) -> int:
    return round(t * SECOND)


def first_after(lan: Lan, host: str, t: float) -> int:
    """When `host` first advertised after `t` (ns)."""
    return next(ns(fact.t) for fact in adverts(lan, host) if fact.t > t)


@pytest.fixture
def lan() -> Lan:
    """The article's pair after ten seconds: web1 holds."""
    lan = Lan("basic")
    lan.run(10)
    assert lan.holders() == ["web1"]
    return lan


def test_the_first_master_is_there_after_its_own_master_down_interval() -> None:
    lan = Lan("basic")
    lan.run(10)
    assert first_after(lan, "web1", 0) == DOWN_150
    assert adverts(lan, "web2") == []


@pytest.mark.parametrize("verb", ["crash", "unplug", "cut", "freeze"])
def test_failover_is_exactly_the_predicted_moment(lan: Lan, verb: str) -> None:
    last = ns(adverts(lan, "web1")[-1].t)
    getattr(lan, verb)("web1")
    lan.run(10)
    assert first_after(lan, "web2", 10) == last + DELAY + DOWN_100
    reason = next(line["reason"] for line in lan.journal("web2") if line.get("to") == "MASTER")
    assert reason == (
        "no advertisement for 3.609 s (3 × 1 s + skew 0.609 s); "
        "last heard 192.168.1.11 priority 150"
    )


def test_a_graceful_stop_hands_over_after_one_skew(lan: Lan) -> None:
    stopped = ns(lan.now)
    lan.stop("web1")
    lan.run(2)
    assert first_after(lan, "web2", 10) == stopped + DELAY + SKEW_100
    assert lan.holders() == ["web2"]


def test_failback_is_exactly_the_predicted_moment(lan: Lan) -> None:
    lan.unplug("web1")
    lan.run(10)
    plugged = ns(lan.now)
    lan.plug("web1")
    lan.run(10)
    assert first_after(lan, "web1", 20) == plugged + DOWN_150
    assert lan.holders() == ["web1"]
    assert states(lan, "web2")[-1] == "BACKUP"
    handover = lan.timeline().takeovers[-1]
    assert (handover.frm, handover.to) == ("web2", "web1")
    assert handover.shared <= 2 * LATENCY


def test_a_crash_leaves_the_address_behind(lan: Lan) -> None:
    lan.crash("web1")
    lan.run(10)
    assert lan.holders() == ["web1", "web2"]
    lan.start("web1")
    assert lan.holders() == ["web2"]
    lan.run(10)
    assert lan.holders() == ["web1"]


def test_a_frozen_master_wakes_up_and_makes_peace(lan: Lan) -> None:
    lan.freeze("web1")
    lan.run(10)
    assert lan.holders() == ["web1", "web2"]
    lan.thaw("web1")
    lan.run(0.01)
    assert lan.holders() == ["web1"]


def test_a_frozen_backup_reads_what_came_before_it_believes_its_timer(lan: Lan) -> None:
    """SIGCONT after a minute: sixty Advertisements wait in the socket, the timer is long past."""
    lan.freeze("web2")
    lan.run(60)
    lan.thaw("web2")
    lan.run(60)
    assert states(lan, "web2") == ["BACKUP"]
    assert adverts(lan, "web2") == []


def test_a_frozen_loser_does_not_announce_when_it_wakes_up() -> None:
    """Its second burst was due in its sleep; by then a better router holds the address."""
    lan = cluster(weak=conf(100), strong=conf(150))
    lan.crash("strong")
    lan.wait_until(lambda: state(lan, "weak") == "MASTER")
    lan.freeze("weak")
    lan.start("strong")
    lan.run(20)
    before = len(arps(lan, "weak"))
    lan.thaw("weak")
    lan.run(20)
    assert held(lan, "weak") == set()
    assert len(arps(lan, "weak")) == before


def test_a_daemon_that_stops_asleep_is_woken_by_nothing(lan: Lan) -> None:
    lan.freeze("web1")
    lan.run(1)
    lan.crash("web1")
    sent = len(adverts(lan, "web1"))
    lan.run(20)
    assert len(adverts(lan, "web1")) == sent


def test_a_cut_makes_two_owners_and_mending_leaves_the_better(lan: Lan) -> None:
    lan.cut("web1")
    lan.run(10)
    assert lan.holders() == ["web1", "web2"]
    lan.mend("web1")
    lan.run(2)
    assert lan.holders() == ["web1"]
    assert state(lan, "web2") == "BACKUP"
    (overlap,) = [one for one in lan.timeline().overlaps if one.duration > 1]
    assert set(overlap.holders) == {"web1", "web2"}
    assert lan.switch.neighbours[ip_address(lan.watch)] == lan.machines["web1"].mac


def test_nopreempt_leaves_it_where_it_is() -> None:
    lan = cluster(a=conf(150, "nopreempt"), b=conf(100))
    lan.run(5)
    lan.stop("a")
    lan.run(5)
    lan.start("a")
    lan.run(60)
    assert lan.holders() == ["b"]
    lan.stop("b")
    lan.run(1)
    assert lan.holders() == ["a"]


def test_preempt_delay_is_the_delay_and_then_the_rest_of_the_timer() -> None:
    lan = cluster(a=conf(150, "preempt_delay 30"), b=conf(100))
    lan.run(5)
    lan.stop("a")
    lan.run(10)
    started = lan.now
    lan.start("a")
    lan.wait_until(lambda: state(lan, "a") == "MASTER", timeout=60)
    waited = lan.now - started
    assert 30 + 2.4140625 <= waited <= 30 + 1 + 3.4140625


@pytest.mark.parametrize("priority", [1, 100, 254])
def test_a_tie_goes_to_the_higher_address(priority: int) -> None:
    lan = cluster(low=conf(priority), high=conf(priority))
    lan.run(20)
    assert lan.holders() == ["high"]
    assert states(lan, "high") == ["BACKUP", "MASTER"]


def test_a_tie_that_was_won_by_being_first_is_kept() -> None:
    """The address decides among MASTERs only: a BACKUP takes an equal priority as higher."""
    lan = cluster(low=conf(100), high=conf(100))
    lan.stop("high")
    lan.run(10)
    lan.start("high")
    lan.run(30)
    assert lan.holders() == ["low"]


def test_three_routers_step_up_one_after_the_other() -> None:
    lan = cluster(a=conf(200), b=conf(150), c=conf(100))
    holders = []
    for victim in ("a", "b", "c"):
        lan.run(10)
        holders.append(lan.holders())
        lan.unplug(victim)
    lan.run(10)
    holders.append(lan.holders())
    assert holders == [["a"], ["b"], ["c"], []]
    for host in ("c", "b", "a"):
        lan.plug(host)
        lan.run(10)
        assert lan.holders() == [host]


def test_only_the_next_in_line_moves_when_a_master_resigns() -> None:
    lan = cluster(a=conf(200), b=conf(150), c=conf(100))
    lan.run(10)
    lan.stop("a")
    lan.run(5)
    assert states(lan, "b") == ["BACKUP", "MASTER"]
    assert states(lan, "c") == ["BACKUP"]


def test_a_client_is_served_again_as_soon_as_the_address_moves(lan: Lan) -> None:
    lan.unplug("web1")
    lan.run(10)
    outage = lan.timeline().outages[-1]  # the first was before anybody held it
    assert 2.5 < outage.duration < 3.7
    assert lan.timeline().holders_at(lan.now) == ("web2",)


def test_the_timeline_says_what_happened(lan: Lan) -> None:
    last = adverts(lan, "web1")[-1].t
    lan.crash("web1")
    lan.run(10)
    takeover = lan.timeline().takeovers[-1]
    assert (takeover.frm, takeover.to) == ("web1", "web2")
    assert takeover.after == pytest.approx(3.609475, abs=1e-6)
    assert takeover.at == pytest.approx(last + 3.609475, abs=1e-6)
    assert takeover.predicted == pytest.approx(takeover.at, abs=2 * LATENCY)
    assert "no advertisement for 3.609 s" in takeover.reason
    text = lan.timeline().text()
    assert "web1" in text
    assert "web2" in text


def test_the_same_calls_give_the_same_facts() -> None:
    def play() -> Lan:
        lan = Lan("basic")
        lan.run(5)
        for verb in ("unplug", "plug", "cut", "mend", "freeze", "thaw", "crash", "start"):
            getattr(lan, verb)("web1")
            lan.run(3.7)
        return lan

    first, second = play(), play()
    assert first.facts == second.facts
    assert first.journals == second.journals


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    lan = Lan("basic")
    with pytest.raises(LabError, match="choose web1 or web2"):
        lan.unplug("mastre")
    with pytest.raises(LabError, match="basic"):
        Lan("basik")
    with pytest.raises(LabError, match="up"):
        lan.link("web1", "sideways")
    with pytest.raises(LabError, match="did not come true"):
        lan.wait_until(lambda: False, timeout=1)


def test_hours_pass_without_drift() -> None:
    lan = cluster(web1=conf(150), web2=conf(100))
    lan.run(2 * 3600)
    times = [ns(fact.t) for fact in adverts(lan, "web1")]
    assert times[-1] == DOWN_150 + (len(times) - 1) * SECOND
    assert states(lan, "web2") == ["BACKUP"]


def test_an_advertisement_like_the_last_one_is_decoded_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decoded: list[bytes] = []
    decode = switch._decode

    def count(data: bytes) -> tuple[switch.Fields, tuple[str, ...]]:
        decoded.append(data)
        return decode(data)

    monkeypatch.setattr(switch, "_decode", count)
    lan = cluster(web1=conf(150), web2=conf(100))
    lan.run(100)
    lan.files["web1"] = conf(90)
    lan.reload("web1")
    lan.run(100)
    sent = [*adverts(lan, "web1"), *adverts(lan, "web2")]
    assert {fact.priority for fact in sent} >= {150, 100}
    for fact in sent:
        fields = (fact.source, fact.vrid, fact.version, fact.priority, fact.interval)
        assert decode(bytes.fromhex(fact.hex)) == (fields, fact.addresses)
    assert len(decoded) == len({(fact.host, fact.priority) for fact in sent})
