"""Cases of FRR's issue tracker, os-ken, NixOS and netlab, in virtual time.

FRR       no VRRP tests of its own; these are the faults that its users have reported
os-ken    52 virtual routers, their priorities shuffled while they run, half of them shut down
NixOS     two nodes, the higher priority holds the address, the other can ping it
netlab    a change of priority, an interface that goes down, IPv6
"""

from __future__ import annotations

import random
from ipaddress import ip_address

import pytest

from labs.simulation.lan import Lan
from tests.cluster import adverts, cluster, held, inject, router, state, states
from tests.sim.families import KINDS, V2, V3, V6, Kind
from vrrpd.fsm import SECOND

every = pytest.mark.parametrize("kind", KINDS, ids=str)


@every
def test_frr_16995_a_backup_does_not_answer_after_its_interface_flapped(kind: Kind) -> None:
    lan = kind.cluster("use_vmac", one=200, two=100)
    lan.run(10)
    for _ in range(3):
        lan.link("two", "down")
        lan.run(0.3)
        lan.link("two", "up")
        lan.run(5)
        for vip in map(ip_address, kind.vips):
            assert [one.name for one in lan.switch.answers(vip)] == ["one"]


@every
def test_frr_4777_no_router_stays_in_initialize(kind: Kind) -> None:
    """The interface appears after the daemon has been started."""
    lan = Lan("empty", hosts={"one": "192.168.1.11"}, ping=None)
    lan.unload("one")
    lan.conf("one", kind.conf(100))
    lan.start("one")
    lan.run(5)
    assert state(lan, "one") == "FAULT"
    lan.load("one")
    lan.run(4)
    assert state(lan, "one") == "MASTER"


@pytest.mark.parametrize("kind", [V3, V6], ids=str)
def test_frr_reserved_bits_are_no_part_of_the_interval(kind: Kind) -> None:
    """FRR 8.4.4 and 10.3 read 0xF064 as 61 540 cs and wait for half an hour."""
    lan = kind.cluster(one=100)
    message = bytearray(kind.message(200, kind.high))
    message[4] |= 0xF0
    inject(lan, "one", kind.packet(kind.summed(bytes(message))))
    assert router(lan, "one").current.deadline == kind.down(100)


@pytest.mark.parametrize("kind", [V3, V6], ids=str)
def test_frr_interval_0_neither_parks_nor_flips_a_master(kind: Kind) -> None:
    lan = kind.cluster(one=100)
    lan.run(5)
    message = bytearray(kind.message(200, kind.high))
    message[4:6] = bytes(2)
    inject(lan, "one", kind.packet(kind.summed(bytes(message))))
    lan.run(5)
    assert states(lan, "one") == ["BACKUP", "MASTER"]


@every
@pytest.mark.parametrize("pair", [(100, 101), (253, 254), (1, 2)])
def test_frr_two_neighbouring_priorities_do_not_expire_together(
    kind: Kind, pair: tuple[int, int]
) -> None:
    """Skew_Time is not cut to centiseconds: the better one is first, and alone."""
    lan = kind.cluster("advert_int 1", one=pair[0], two=pair[1])
    lan.run(10)
    assert states(lan, "two") == ["BACKUP", "MASTER"]
    assert states(lan, "one") == ["BACKUP"]


@every
def test_osken_fifty_two_routers_shuffled_and_half_of_them_shut_down(kind: Kind) -> None:
    """os-ken has 26 on each of two interfaces; here two hosts share the 52."""
    dice, vrids = random.Random(kind.name), range(1, 53)
    vip = "10.1.0.{}" if kind.family == 4 else "fe80::5:{:x}"

    def text(priorities: dict[int, int]) -> str:
        return "".join(
            kind.conf(priority, name=f"VI_{vrid}", vrid=vrid, vips=[vip.format(vrid)])  # type: ignore[arg-type]
            for vrid, priority in priorities.items()
        )

    def holders() -> dict[int, list[str]]:
        return {
            vrid: [host for host in lan.machines if vip.format(vrid) in held(lan, host)]
            for vrid in vrids
        }

    def shuffled() -> dict[str, dict[int, int]]:
        return {
            host: {vrid: dice.randrange(1, 255, 2) + number for vrid in vrids}
            for number, host in enumerate(("one", "two"))
        }

    now = shuffled()
    lan = cluster(**{host: text(one) for host, one in now.items()})
    for _ in range(2):
        lan.run(6)
        best = {vrid: [max(now, key=lambda host: now[host][vrid])] for vrid in vrids}
        assert holders() == best
        now = shuffled()
        for host in now:
            lan.conf(host, text(now[host]))
            lan.reload(host)
    lan.run(6)
    gone = {vrid for vrid in vrids if vrid % 2}
    lan.conf("one", text({vrid: now["one"][vrid] for vrid in vrids if vrid not in gone}))
    lan.reload("one")
    lan.run(2)
    assert {tuple(who) for vrid, who in holders().items() if vrid in gone} == {("two",)}
    assert all(len(who) == 1 for who in holders().values())


@every
def test_nixos_the_higher_priority_owns_and_the_other_can_ping_it(kind: Kind) -> None:
    lan = kind.cluster(web1=200, web2=100)
    lan.run(10)
    vip = ip_address(kind.vips[-1])
    assert lan.switch.answerer(vip) is lan.machines["web1"]
    assert held(lan, "web2") == set()


@every
def test_netlab_a_change_of_priority_moves_the_address(kind: Kind) -> None:
    lan = kind.cluster(one=200, two=100)
    lan.run(10)
    lan.conf("one", kind.conf(50))
    lan.reload("one")
    lan.run(kind.down(100) / SECOND + 0.1)
    assert (state(lan, "one"), state(lan, "two")) == ("BACKUP", "MASTER")
    lan.conf("one", kind.conf(150))
    lan.reload("one")
    lan.run(5)
    assert (state(lan, "one"), state(lan, "two")) == ("MASTER", "BACKUP")


@every
def test_netlab_an_interface_goes_down_and_comes_back(kind: Kind) -> None:
    lan = kind.cluster(one=200, two=100)
    lan.run(10)
    lan.link("one", "down")
    lan.run(5)
    assert [one for one in lan.machines if held(lan, one)] == ["two"]
    lan.link("one", "up")
    lan.run(5)
    assert [one for one in lan.machines if held(lan, one)] == ["one"]


def test_netlab_both_families_of_one_vrid_ignore_each_other() -> None:
    """RFC 9568 section 1: IPv4 and IPv6 routers of one VRID are unrelated instances."""
    both = {
        "one": V3.conf(200) + V6.conf(100, name="VI_6"),  # type: ignore[arg-type]
        "two": V3.conf(100) + V6.conf(200, name="VI_6"),  # type: ignore[arg-type]
    }
    lan = cluster(**both)
    lan.run(10)
    assert held(lan, "one") == set(V3.vips)
    assert held(lan, "two") == set(V6.vips)


def test_version_2_and_version_3_of_one_vrid_ignore_each_other_and_count_it() -> None:
    """vrrp-standards A.9: no router implements the coexistence of RFC 9568 section 8.4."""
    lan = cluster(one=V2.conf(200), two=V3.conf(100))
    lan.run(10)
    assert (state(lan, "one"), state(lan, "two")) == ("MASTER", "MASTER")
    assert router(lan, "one").counters["version-errors"] > 0
    assert router(lan, "two").counters["version-errors"] == len(adverts(lan, "one"))
