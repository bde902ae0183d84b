"""FAULT and back: interfaces without carrier, without power, without address."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from labs.simulation.lan import Lan
from tests.cluster import advert as advertisement
from tests.cluster import adverts, cluster, conf, held, inject, moves, router, state, states


@pytest.fixture
def lan() -> Lan:
    """A MASTER."""
    lan = cluster(one=conf(150))
    lan.run(5)
    return lan


def last_reason(lan: Lan) -> str:
    return str(lan.journal("one")[-1]["reason"])


def test_a_pulled_cable_and_back(lan: Lan) -> None:
    lan.unplug("one")
    lan.run(0)
    assert (state(lan, "one"), held(lan, "one")) == ("FAULT", set())
    assert last_reason(lan) == "interface eth0 lost its carrier"
    lan.plug("one")
    at = lan.now
    lan.run(0)
    assert state(lan, "one") == "BACKUP"
    lan.wait_until(lambda: state(lan, "one") == "MASTER")
    assert lan.now == pytest.approx(at + 3.4140625, abs=1e-9)


def test_no_resignation_on_a_dead_link(lan: Lan) -> None:
    before = len(adverts(lan, "one"))
    counters = router(lan, "one").counters.copy()
    lan.unplug("one")
    lan.run(10)
    assert len(adverts(lan, "one")) == before
    assert router(lan, "one").counters["send-errors"] == counters["send-errors"]


def test_an_interface_that_is_down_has_its_own_reason(lan: Lan) -> None:
    lan.machines["one"].set_link(up=False)  # by the administrator of the host
    lan.run(0)
    assert last_reason(lan) == "interface eth0 is down"


def test_even_the_owner_waits_after_a_fault() -> None:
    lan = cluster(one=conf(255))
    lan.run(2)
    lan.unplug("one")
    lan.run(1)
    lan.plug("one")
    lan.run(2.9)
    assert state(lan, "one") == "BACKUP"
    lan.run(0.2)
    assert state(lan, "one") == "MASTER"


def test_a_router_in_fault_is_deaf(lan: Lan) -> None:
    lan.unplug("one")
    lan.run(0)
    one = router(lan, "one")
    before, counters = one.current, one.counters.copy()
    inject(lan, "one", advertisement(200))
    inject(lan, "one", advertisement(0))
    assert (one.current, one.counters) == (before, counters)


def test_a_flapping_cable_never_brings_the_address_back_early(lan: Lan) -> None:
    for _ in range(20):
        lan.unplug("one")
        lan.run(0.5)
        lan.plug("one")
        lan.run(3.4)
        assert held(lan, "one") == set()
    assert [kept for _, kept in moves(lan, "one")] == [True, False]


def test_dont_track_primary() -> None:
    lan = cluster(one=conf(150, "dont_track_primary"))
    lan.run(5)
    lan.unplug("one")
    lan.run(5)
    assert state(lan, "one") == "MASTER"
    lan.link("one", "down")
    lan.run(3)
    assert state(lan, "one") == "MASTER"
    assert router(lan, "one").counters["send-errors"] == 3
    assert any("cannot send an advertisement" in line for line in lan.logs["one"].lines)


def test_an_interface_without_an_address_has_nothing_to_send_from(lan: Lan) -> None:
    card = lan.machines["one"]
    del card.addresses[card.ip]
    lan.daemons["one"].interface_changed("eth0")
    assert state(lan, "one") == "FAULT"
    assert last_reason(lan) == "interface eth0 has no IPv4 address"
    card.addresses[ip_address("192.168.1.77")] = 24
    lan.daemons["one"].interface_changed("eth0")
    assert state(lan, "one") == "BACKUP"
    assert str(router(lan, "one").source) == "192.168.1.77"


def test_a_virtual_address_is_no_source(lan: Lan) -> None:
    card = lan.machines["one"]
    assert held(lan, "one")
    del card.addresses[card.ip]
    lan.daemons["one"].interface_changed("eth0")
    assert state(lan, "one") == "FAULT"


def test_an_interface_that_comes_up_without_an_address_stays_in_fault(lan: Lan) -> None:
    """Two causes: the first to go must not end FAULT, not even for a moment."""
    card = lan.machines["one"]
    lan.link("one", "down")
    lan.run(1)
    del card.addresses[card.ip]
    before = states(lan, "one")
    lan.link("one", "up")
    lan.run(1)
    assert states(lan, "one") == before
    assert state(lan, "one") == "FAULT"
    card.addresses[card.ip] = 24
    lan.daemons["one"].interface_changed("eth0")
    assert state(lan, "one") == "BACKUP"


def test_the_source_stays_as_long_as_it_is_there(lan: Lan) -> None:
    """A new address in front of it does not change who we appear to be (keepalived)."""
    card = lan.machines["one"]
    card.addresses = {ip_address("192.168.1.5"): 24, **card.addresses}
    lan.daemons["one"].interface_changed("eth0")
    assert str(router(lan, "one").source) == "192.168.1.11"
    del card.addresses[card.ip]
    lan.daemons["one"].interface_changed("eth0")
    assert str(router(lan, "one").source) == "192.168.1.5"
    assert state(lan, "one") == "MASTER"
    lan.run(1)
    assert adverts(lan, "one")[-1].source == "192.168.1.5"


def test_a_configured_source_is_used_whatever_the_interface_has() -> None:
    lan = cluster(one=conf(150, "mcast_src_ip 192.168.1.222"))
    lan.run(5)
    assert adverts(lan, "one")[-1].source == "192.168.1.222"


def test_looking_again_changes_nothing(lan: Lan) -> None:
    before = (router(lan, "one").current, len(lan.facts), len(lan.journal("one")))
    for _ in range(5):
        lan.daemons["one"].interface_changed("eth0")
        lan.daemons["one"].interface_changed("eth7")
    assert (router(lan, "one").current, len(lan.facts), len(lan.journal("one"))) == before


def test_an_instance_on_an_interface_that_does_not_exist_waits_for_it() -> None:
    text = conf(150).replace("eth0", "eth7")
    lan = cluster(one=text)
    lan.run(10)
    assert state(lan, "one") == "FAULT"
    assert last_reason(lan) == "interface eth7 does not exist"
