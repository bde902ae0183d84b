"""`track_interface`, addresses with `dev`, `interface_up_down_delays`, `track_src_ip`."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from labs.simulation.lan import Lan
from tests.cluster import cluster, conf, router, state, states


def start(text: str, *cards: str, **words: bool) -> Lan:
    """One host with further interfaces."""
    lan = cluster(one="")
    lan.stop("one")
    for card in cards:
        lan.machines["one"].set_interface(card, **words)
    lan.conf("one", text)
    lan.start("one")
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


@pytest.mark.parametrize(
    ("weight", "up", "down"),
    [
        ("weight 10", 110, 100),
        ("weight -10", 100, 90),
        ("weight 10 reverse", 90, 100),
        ("weight -10 reverse", 100, 110),
    ],
)
def test_weights(weight: str, up: int, down: int) -> None:
    lan = start(tracking(weight), "eth1")
    assert router(lan, "one").priority == up
    set_interface(lan, carrier=False)
    assert router(lan, "one").priority == down
    assert state(lan, "one") == "MASTER"


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
