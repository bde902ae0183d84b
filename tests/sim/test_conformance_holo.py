"""holo-vrrp's conformance cases against our daemon in virtual time.

holo feeds one event to a recorded state and compares every output, in order.  Its notifications
are YANG's; ours are the counters of RFC 8347 and the journal's lines, under the same names.
"""

from __future__ import annotations

import pytest

from labs.model.facts import Address, Advert, Arp
from labs.simulation.lan import Lan
from tests.cluster import adverts, arps, conf, held, inject, moves, router, state
from tests.sim.families import KINDS, V2, V3, V6, Kind
from vrrpd.fsm import SECOND

every = pytest.mark.parametrize("kind", KINDS, ids=str)


def since(lan: Lan, mark: int) -> list[str]:
    """What came out after fact number `mark`: the kinds of facts, repetitions left out."""
    kinds = [fact.kind for fact in lan.facts[mark:] if isinstance(fact, Advert | Address | Arp)]
    return [one for at, one in enumerate(kinds) if at == 0 or kinds[at - 1] != one]


def drops(lan: Lan, host: str) -> list[str]:
    return [line["cause"] for line in lan.journal(host) if line["event"] == "drop"]


@every
def test_master_down_timer1_advert_then_addresses_then_announcement(kind: Kind) -> None:
    """Reason no-response, in our words."""
    lan = kind.cluster(one=100)
    inject(lan, "one", kind.advert(200))
    mark = len(lan.facts)
    lan.run(3.7)
    assert since(lan, mark) == ["advert", "address", "arp"]
    why = router(lan, "one").current.why
    assert why.startswith("no advertisement for 3.609 s")
    assert why.endswith(f"last heard {kind.high} priority 200")


@every
def test_packet1_priority_0_at_a_master_is_answered_once(kind: Kind) -> None:
    lan = kind.cluster(one=100)
    lan.run(4.2)
    before = len(adverts(lan, "one"))
    inject(lan, "one", kind.advert(0))
    assert [fact.priority for fact in adverts(lan, "one")[before:]] == [100]
    lan.run(0.9)
    assert len(adverts(lan, "one")) == before + 1
    lan.run(0.1)
    assert len(adverts(lan, "one")) == before + 2  # Adver_Timer was started again
    assert state(lan, "one") == "MASTER"


def test_packet2_version_2_is_silent_on_a_lower_priority_under_strict() -> None:
    """RFC 3768 section 6.4.3; keepalived answers unless vrrp_strict says otherwise."""
    lan = V2.cluster("strict_mode", one=100)
    lan.run(4.2)
    before = len(adverts(lan, "one"))
    inject(lan, "one", V2.advert(99))
    assert len(adverts(lan, "one")) == before
    assert state(lan, "one") == "MASTER"


@pytest.mark.parametrize("kind", [V3, V6], ids=str)
def test_packet2_version_3_answers_a_lower_priority_at_once(kind: Kind) -> None:
    """RFC 9568 section 6.4.3 (640): "discard and send an ADVERTISEMENT immediately"."""
    lan = kind.cluster(one=100)
    lan.run(4.2)
    before = len(adverts(lan, "one"))
    inject(lan, "one", kind.advert(99))
    assert len(adverts(lan, "one")) == before + 1


@every
def test_packet3_a_higher_priority_takes_the_address_away(kind: Kind) -> None:
    lan = kind.cluster(one=100)
    lan.run(4.2)
    assert held(lan, "one") == set(kind.vips)
    mark = len(lan.facts)
    inject(lan, "one", kind.advert(101))
    assert state(lan, "one") == "BACKUP"
    assert since(lan, mark) == ["address"]
    assert {(fact, there) for fact, there in moves(lan, "one")[-len(kind.vips) :]} == {
        (vip, False) for vip in kind.vips
    }


@every
def test_packet_error1_another_version_is_named_and_ignored(kind: Kind) -> None:
    lan = kind.cluster(one=100)
    other = bytearray(kind.message(200, kind.high))
    other[0] = (5 - kind.version) << 4 | 1
    inject(lan, "one", kind.packet(bytes(other)))
    assert drops(lan, "one") == ["version-errors"]
    assert router(lan, "one").counters == {"version-errors": 1}


@every
def test_packet_error2_a_wrong_interval_is_named_and_ignored(kind: Kind) -> None:
    """Version 2: another than ours; version 3 learns any but 0."""
    lan = kind.cluster(one=100)
    before = router(lan, "one").current
    message = bytearray(kind.message(200, kind.high))
    message[5] = 2 if kind.version == 2 else 0
    message[4] = 0
    inject(lan, "one", kind.packet(kind.summed(bytes(message))))
    assert drops(lan, "one") == ["interval-errors"]
    assert router(lan, "one").current == before


@every
def test_packet_error3_an_unknown_vrid_is_counted_for_the_interface(kind: Kind) -> None:
    lan = kind.cluster(one=100)
    one = router(lan, "one")
    before = one.current
    inject(lan, "one", kind.advert(200, vrid=52))
    assert one.listener.counters == {"vrid-errors": 1}
    assert (one.current, one.counters) == (before, {})


@every
@pytest.mark.parametrize("was", ["MASTER", "BACKUP"])
def test_ibus_iface_update1_the_parent_goes_down(kind: Kind, was: str) -> None:
    """holo: Initialize.  keepalived and we: FAULT, which neither sends nor listens."""
    lan = kind.cluster(one=100, two=200 if was == "BACKUP" else 50)
    lan.run(10)
    assert state(lan, "one") == was
    lan.link("one", "down")
    lan.run(0)
    assert state(lan, "one") == "FAULT"
    assert held(lan, "one") == set()
    sent = len(adverts(lan, "one"))
    lan.run(10)
    assert (state(lan, "one"), len(adverts(lan, "one"))) == ("FAULT", sent)
    lan.link("one", "up")
    lan.run(0.001)
    assert state(lan, "one") == "BACKUP"
    lan.run(10)
    assert state(lan, "one") == was


@every
@pytest.mark.parametrize("was", ["MASTER", "BACKUP"])
def test_ibus_iface_update2_the_macvlan_goes_away(kind: Kind, was: str) -> None:
    lan = kind.cluster("use_vmac", one=100, two=200 if was == "BACKUP" else 50)
    lan.run(10)
    assert state(lan, "one") == was
    (name,) = lan.machines["one"].cards
    card = lan.machines["one"].cards[name]
    lan.machines["one"].set_interface(name, up=False)
    lan.run(0)
    assert state(lan, "one") == "FAULT"
    assert held(lan, "one") & set(kind.vips) == set()
    lan.machines["one"].cards[name] = card
    lan.machines["one"].report_interface(name)
    lan.run(10)
    assert state(lan, "one") == was


@every
@pytest.mark.parametrize("was", ["MASTER", "BACKUP"])
def test_nb_config_an_instance_comes_and_goes(kind: Kind, was: str) -> None:
    priority = 100 if was == "MASTER" else 40
    lan = kind.cluster(one=priority, two=50)
    lan.run(10)
    assert state(lan, "one") == was
    extra = {4: ["192.168.1.77"], 6: ["fe80::77"]}[kind.family]
    second = kind.conf(60, vips=extra, name="VI_2", vrid=52)  # type: ignore[arg-type]
    lan.conf("one", kind.conf(priority) + second)
    lan.reload("one")
    assert (state(lan, "one"), state(lan, "one", "VI_2")) == (was, "BACKUP")
    lan.run(5)
    assert state(lan, "one", "VI_2") == "MASTER"
    assert held(lan, "one") >= set(extra)
    lan.conf("one", second)
    lan.reload("one")
    assert held(lan, "one") == set(extra)
    goodbyes = [fact.priority for fact in adverts(lan, "one") if fact.vrid == 51][-1:]
    assert goodbyes == ([0] if was == "MASTER" else [])
    lan.run(1)
    assert state(lan, "two") == "MASTER"  # after one skew, if there was anything to wait for


@every
@pytest.mark.parametrize("was", ["MASTER", "BACKUP"])
def test_nb_config_an_address_comes_and_goes(kind: Kind, was: str) -> None:
    priority = 100 if was == "MASTER" else 40
    lan = kind.cluster(one=priority, two=50)
    lan.run(10)
    more = {4: "192.168.1.77", 6: "2001:db8:1::77"}[kind.family]
    for vips in ([*kind.vips, more], list(kind.vips)):
        mark = len(arps(lan, "one"))
        lan.conf("one", kind.conf(priority, vips=vips))
        lan.reload("one")
        assert state(lan, "one") == was
        assert held(lan, "one") == (set(vips) if was == "MASTER" else set())
        said = {fact.address for fact in arps(lan, "one")[mark:]}
        assert (more in said) == (was == "MASTER" and more in vips)
        lan.run(2)
        if was == "MASTER":
            assert adverts(lan, "one")[-1].addresses == tuple(vips)


def test_nb_config_the_interval_of_a_running_master_changes() -> None:
    """The next Advertisement does not wait for an old, longer timer."""
    lan = V3.cluster("advert_int 10", one=100)
    lan.run(40)
    lan.conf("one", conf(100, "version 3", "advert_int 1"))
    lan.reload("one")
    before = len(adverts(lan, "one"))
    lan.run(1)
    assert len(adverts(lan, "one")) == before + 1
    assert adverts(lan, "one")[-1].interval == 1.0
    assert router(lan, "one").params.advert_interval == SECOND
