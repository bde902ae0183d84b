"""VPP's test_vrrp.py against our daemon in virtual time: each of its cases for v2, v3 and IPv6.

VPP drives one router with packets and looks at what comes out; so do these tests.  What the
kernel does for us (answering ARP, neighbour solicitations and pings) is the simulated kernel's
business here, and the real one's in the lab and interop rings.
"""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from tests.cluster import adverts, arps, cluster, conf, held, inject, router, state, states
from tests.sim.families import KINDS, V2, V3, Kind, ns
from vrrpd.config import loads
from vrrpd.fsm import SECOND
from vrrpd.packet import parse_ip

every = pytest.mark.parametrize("kind", KINDS, ids=str)


@every
def test_the_owner_advertises_at_once_and_resigns_at_the_end(kind: Kind) -> None:
    lan = kind.cluster(one=255)
    lan.run(0.5)
    (first,) = adverts(lan, "one")
    assert (first.t, first.priority) == (0.0, 255)
    assert router(lan, "one").group == kind.group  # joined before anything is sent
    assert parse_ip(bytes.fromhex(first.hex)).destination == kind.group
    assert {fact.address for fact in arps(lan, "one")} == set(kind.vips)
    assert lan.facts.index(first) < lan.facts.index(arps(lan, "one")[0])
    lan.stop("one")
    assert [fact.priority for fact in adverts(lan, "one")] == [255, 0]
    assert held(lan, "one") == set()


@every
def test_an_owner_that_is_given_a_lower_priority_goes_on_with_it(kind: Kind) -> None:
    lan = kind.cluster(one=255)
    lan.run(2.5)
    lan.conf("one", kind.conf(100))
    lan.reload("one")
    lan.run(2)
    assert state(lan, "one") == "MASTER"
    assert {fact.priority for fact in adverts(lan, "one")[-2:]} == {100}
    inject(lan, "one", kind.advert(101))
    assert state(lan, "one") == "BACKUP"


@every
def test_a_backup_is_silent_under_higher_advertisements(kind: Kind) -> None:
    """Twice its Master_Down_Interval, as in VPP."""
    lan = kind.cluster(one=100)
    for _ in range(8):
        inject(lan, "one", kind.advert(150))
        lan.run(1)
    assert adverts(lan, "one") == []
    assert states(lan, "one") == ["BACKUP"]


@every
def test_a_master_answers_for_the_address_with_the_virtual_mac_until_it_stops(kind: Kind) -> None:
    """RFC 9568 section 8.1.2 / 8.2.2: the MAC address is that of the virtual router."""
    lan = kind.cluster("use_vmac", one=100)
    lan.run(5)
    mac = bytes.fromhex("00005e0001" if kind.family == 4 else "00005e0002") + b"\x33"
    for vip in map(ip_address, kind.vips):
        assert [one.name for one in lan.switch.answers(vip)] == ["one"]
        assert lan.machines["one"].mac_of(vip) == mac
    assert {fact.mac for fact in arps(lan, "one")} == {mac.hex(":")}
    lan.stop("one")
    assert [lan.switch.answers(vip) for vip in map(ip_address, kind.vips)] == [[]] * len(kind.vips)


@every
def test_a_backup_answers_no_request_for_the_address(kind: Kind) -> None:
    lan = kind.cluster(one=200, two=100)
    lan.run(10)
    assert state(lan, "two") == "BACKUP"
    for vip in map(ip_address, kind.vips):
        assert [one.name for one in lan.switch.answers(vip)] == ["one"]
    assert arps(lan, "two") == []


@every
@pytest.mark.parametrize("priority", [1, 100, 254])
def test_the_election_comes_after_the_down_interval_and_not_earlier(
    kind: Kind, priority: int
) -> None:
    lan = kind.cluster(one=priority)
    lan.run(1)
    inject(lan, "one", kind.advert(255))
    due = lan.clock.now() + kind.down(priority)
    lan.clock.advance(due - 1)
    assert state(lan, "one") == "BACKUP"
    lan.clock.advance(due)
    assert state(lan, "one") == "MASTER"
    assert ns(adverts(lan, "one")[0].t) == due


@every
def test_a_backup_preempts_a_lower_sender_when_its_timer_expires(kind: Kind) -> None:
    lan = kind.cluster(one=100)
    for _ in range(7):
        inject(lan, "one", kind.advert(99))
        lan.run(0.5)
    assert state(lan, "one") == "BACKUP"
    lan.clock.advance(kind.down(100))
    assert state(lan, "one") == "MASTER"
    assert "preempting" in router(lan, "one").current.why


@every
def test_a_master_yields_to_255(kind: Kind) -> None:
    lan = kind.cluster(one=254)
    lan.run(4)
    assert state(lan, "one") == "MASTER"
    sent = len(adverts(lan, "one"))
    inject(lan, "one", kind.advert(255, kind.low))
    assert state(lan, "one") == "BACKUP"
    assert held(lan, "one") == set()
    assert len(adverts(lan, "one")) == sent


@every
@pytest.mark.parametrize("accept", [True, False])
def test_pings_are_answered_only_in_accept_mode(kind: Kind, accept: bool) -> None:
    """RFC 9568 section 6.1: Accept_Mode; ARP and neighbour solicitations are answered anyway."""
    lan = kind.cluster("accept" if accept else "no_accept", one=100)
    lan.run(5)
    vip = ip_address(kind.vips[-1])
    assert [one.name for one in lan.switch.answers(vip)] == ["one"]
    answerer = lan.switch.answerer(vip)
    assert (answerer is not None) == accept


@every
def test_the_owner_answers_pings_without_accept_mode(kind: Kind) -> None:
    lan = kind.cluster("no_accept", one=255)
    lan.run(1)
    assert lan.switch.answerer(ip_address(kind.vips[-1])) is lan.machines["one"]


@every
def test_a_tracked_interface_changes_the_advertised_priority(kind: Kind) -> None:
    """Administratively down, gone, without carrier; and back each time."""
    lan = kind.cluster("track_interface {\n eth1 weight 30\n}", one=100)
    lan.machines["one"].set_interface("eth1")
    lan.run(5)
    said = []

    def latest() -> None:
        lan.run(1.01)
        said.append(adverts(lan, "one")[-1].priority)

    latest()
    for trouble in ({"up": False}, {"carrier": False}):
        lan.machines["one"].set_interface("eth1", **trouble)
        latest()
        lan.machines["one"].set_interface("eth1")
        latest()
    lan.machines["one"].remove_interface("eth1")
    latest()
    lan.machines["one"].set_interface("eth1")
    latest()
    assert said == [130, 100, 130, 100, 130, 100, 130]


@every
def test_without_an_address_of_its_own_a_router_does_not_take_part(kind: Kind) -> None:
    """The address removal of VPP's tracking case: here the source address goes and comes back."""
    lan = kind.cluster(one=100)
    lan.run(5)
    machine = lan.machines["one"]
    six, own = machine.six, dict(machine.addresses)
    machine.six = ()
    machine.addresses.pop(machine.ip)
    machine.report_interface()
    assert state(lan, "one") == "FAULT"
    assert held(lan, "one") == set()
    machine.six = six
    machine.addresses[machine.ip] = own[machine.ip]
    machine.report_interface()
    assert state(lan, "one") == "BACKUP"
    lan.run(4)
    assert state(lan, "one") == "MASTER"


@every
@pytest.mark.parametrize("vmac", [False, True])
def test_unicast_goes_to_the_peers_by_the_physical_interface(kind: Kind, vmac: bool) -> None:
    peers = {
        4: ("192.168.1.11", "192.168.1.12"),
        6: ("fe80::ff:fe00:b", "fe80::ff:fe00:c"),
    }[kind.family]
    words = ["use_vmac"] if vmac else []
    files = {
        host: kind.conf(priority, *words, f"unicast_peer {{\n {peer}\n}}")
        for host, priority, peer in (("one", 200, peers[1]), ("two", 100, peers[0]))
    }
    lan = cluster(**files)
    lan.run(10)
    assert (state(lan, "one"), state(lan, "two")) == ("MASTER", "BACKUP")
    packets = [parse_ip(bytes.fromhex(fact.hex)) for fact in adverts(lan, "one")]
    assert {str(one.destination) for one in packets} == {peers[1]}
    assert {str(one.source) for one in packets} == {peers[0]}
    assert router(lan, "one").listener.interface == "eth0"
    inject(lan, "two", kind.advert(255))  # to the group: not for us
    assert router(lan, "two").current.heard is not None
    assert router(lan, "two").current.heard.priority == 200  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", [V2, V3], ids=str)
def test_an_oversized_address_list_is_cut(kind: Kind) -> None:
    """The count is one byte: the rest is held and not advertised, as keepalived has it."""
    vips = [f"10.0.{n // 250}.{n % 250 + 1}" for n in range(300)]
    config = loads(conf(100, f"version {kind.version}", vips=vips)).config
    (instance,) = config.instances
    assert (len(instance.addresses), len(instance.excluded)) == (255, 45)
    lan = cluster(one=conf(100, f"version {kind.version}", vips=vips))
    lan.run(4)
    assert len(adverts(lan, "one")[0].addresses) == 255
    assert len(held(lan, "one")) == 300


@every
def test_nothing_is_sent_a_nanosecond_before_its_time(kind: Kind) -> None:
    """A MASTER's Advertisements are one interval apart, exactly."""
    lan = kind.cluster(one=100)
    lan.run(60)
    times = [ns(fact.t) for fact in adverts(lan, "one")]
    assert times == [kind.down(100) + number * SECOND for number in range(len(times))]
    assert len(times) == 57
