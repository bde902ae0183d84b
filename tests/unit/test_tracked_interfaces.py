"""Interfaces: FAULT and back, `track_interface`, `interface_up_down_delays`, `track_src_ip`.

What a weight does to the priority is in test_effect.py.
"""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address

import pytest

from labs.simulation.lan import Lan
from labs.simulation.machine import SimulatedHost
from tests.cluster import advert as advertisement
from tests.cluster import (
    adverts,
    cluster,
    conf,
    held,
    inject,
    moves,
    prepared,
    router,
    state,
    states,
)

# The instance's own: without carrier, without power, without address.


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


def test_a_cable_is_noticed_whatever_the_history_begins_with() -> None:
    """It holds changes of state and notes of a split brain, and the oldest of them are dropped."""
    lan = cluster(one=conf(150), two=conf(100))
    lan.run(5)
    for _ in range(20):
        lan.unplug("one")
        lan.run(5)
        lan.plug("one")
        lan.run(5)
    two, begins = router(lan, "two"), set()
    for _ in range(6):
        lan.unplug("two")
        lan.run(0)
        begins.add(str(two.history[0]["event"]))
        lan.plug("two")
        lan.run(1)
        assert state(lan, "two") == "BACKUP"
        assert two.history[-1]["reason"] == "interface eth0 is up and has its carrier again"
    assert begins == {"state", "split_brain"}


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


# Others: `track_interface`, and addresses with `dev`.


def start(text: str, *cards: str, **words: bool) -> Lan:
    """One host with further interfaces, after 5 s."""

    def add_interfaces(host: SimulatedHost) -> None:
        for card in cards:
            host.set_interface(card, **words)

    lan = prepared(text, add_interfaces)
    lan.run(5)
    return lan


def set_interface(lan: Lan, name: str = "eth1", **words: bool) -> None:
    lan.machines["one"].set_interface(name, **words)
    lan.run(0)


def remove_interface(lan: Lan, name: str = "eth1") -> None:
    lan.machines["one"].remove_interface(name)
    lan.run(0)


def tracking(weight: str = "", more: str = "") -> str:
    return more + conf(100, f"track_interface {{\n eth1 {weight}\n}}")


def why(lan: Lan) -> str:
    return router(lan, "one").current.why


def test_a_tracked_interface_is_fault_when_it_is_not_well() -> None:
    lan = start(tracking(), "eth1")
    assert state(lan, "one") == "MASTER"
    set_interface(lan, carrier=False)
    assert (state(lan, "one"), why(lan)) == ("FAULT", "tracked interface eth1 lost its carrier")
    set_interface(lan)
    assert state(lan, "one") == "BACKUP"
    assert why(lan) == "tracked interface eth1 is up and has its carrier"
    set_interface(lan, up=False)
    assert why(lan) == "tracked interface eth1 is down"
    remove_interface(lan)
    assert router(lan, "one").faults == {"interface eth1": "tracked interface eth1 does not exist"}
    set_interface(lan)
    assert state(lan, "one") == "BACKUP"


def test_an_interface_that_does_not_exist_yet() -> None:
    lan = start(tracking())
    assert states(lan, "one") == ["FAULT"]
    set_interface(lan)
    assert state(lan, "one") == "BACKUP"


def test_the_instances_own_interface_is_not_tracked_twice() -> None:
    lan = start(conf(100, "track_interface {\n eth0 weight 20\n}"))
    assert router(lan, "one").priority == 100
    line = "(VI_1) Ignoring track_interface eth0 since own interface"
    assert line in lan.logs["one"].lines


def test_an_interface_that_addresses_live_on_is_tracked() -> None:
    lan = start(conf(100, vips=["192.168.1.10", "192.168.2.10 dev eth1"]), "eth1")
    set_interface(lan, up=False)
    assert (state(lan, "one"), why(lan)) == ("FAULT", "interface eth1 is down")
    set_interface(lan)
    assert state(lan, "one") == "BACKUP"


def test_unless_the_address_is_not_to_be_tracked() -> None:
    vips = ["192.168.1.10", "192.168.2.10 dev eth1 no_track"]
    lan = start(conf(100, vips=vips), "eth1")
    set_interface(lan, up=False)
    assert state(lan, "one") == "MASTER"


def test_a_reload_changes_what_is_tracked() -> None:
    lan = start(tracking(), "eth1", carrier=False)
    assert states(lan, "one") == ["FAULT"]
    lan.conf("one", tracking("weight 20"))
    lan.reload("one")
    assert (state(lan, "one"), router(lan, "one").priority) == ("BACKUP", 100)
    set_interface(lan)
    assert router(lan, "one").priority == 120
    lan.conf("one", conf(100))
    lan.reload("one")
    assert router(lan, "one").priority == 100


# interface_up_down_delays


DELAYS = "interface_up_down_delays {\n eth1 3 2\n eth0 1 1\n}\n"


def test_a_change_counts_after_its_delay() -> None:
    lan = start(tracking(more=DELAYS), "eth1")
    set_interface(lan, carrier=False)
    lan.run(2.9)
    assert state(lan, "one") == "MASTER"
    lan.run(0.2)
    assert state(lan, "one") == "FAULT"
    set_interface(lan)
    lan.run(1.9)
    assert state(lan, "one") == "FAULT"
    lan.run(0.2)
    assert state(lan, "one") == "BACKUP"


def test_a_change_that_is_taken_back_in_time_is_none() -> None:
    lan = start(tracking(more=DELAYS), "eth1")
    before = states(lan, "one")
    for _ in range(5):
        set_interface(lan, carrier=False)
        lan.run(2.5)
        set_interface(lan)
        lan.run(0.5)
    assert states(lan, "one") == before


def test_the_instances_own_interface_is_debounced_too() -> None:
    lan = start(DELAYS + conf(100))
    before = states(lan, "one")
    lan.unplug("one")
    lan.run(0.9)
    lan.plug("one")
    lan.run(3)
    assert states(lan, "one") == before
    lan.unplug("one")
    lan.run(1.1)
    assert state(lan, "one") == "FAULT"


def test_an_interface_that_vanishes_is_believed_at_once() -> None:
    lan = start(tracking(more=DELAYS), "eth1")
    remove_interface(lan)
    assert state(lan, "one") == "FAULT"
    set_interface(lan)
    assert state(lan, "one") == "BACKUP"


def test_delays_can_be_changed_while_waiting() -> None:
    lan = start(tracking(more=DELAYS), "eth1")
    set_interface(lan, carrier=False)
    lan.conf("one", tracking())
    lan.reload("one")
    assert state(lan, "one") == "FAULT"
    lan.run(10)
    assert state(lan, "one") == "FAULT"


# track_src_ip


SOURCE = "192.168.1.77"


@pytest.mark.parametrize(("words", "expected"), [((), "MASTER"), (("track_src_ip",), "FAULT")])
def test_a_configured_source_address_need_not_exist_unless_it_is_tracked(
    words: tuple[str, ...], expected: str
) -> None:
    lan = start(conf(100, f"mcast_src_ip {SOURCE}", *words))
    assert state(lan, "one") == expected


def test_track_src_ip_follows_the_address() -> None:
    lan = start(conf(100, f"mcast_src_ip {SOURCE}", "track_src_ip"))
    assert why(lan) == f"interface eth0 does not have the source address {SOURCE}"
    machine = lan.machines["one"]
    machine.addresses[IPv4Address(SOURCE)] = 24
    machine.report_interface()
    assert state(lan, "one") == "BACKUP"
    lan.run(5)
    assert state(lan, "one") == "MASTER"
    del machine.addresses[IPv4Address(SOURCE)]
    machine.report_interface()
    assert state(lan, "one") == "FAULT"
