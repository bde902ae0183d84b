"""Several instances with one virtual_router_id on one interface: all run, none receives another's.

Unicast instances differ by their peers, multicast ones by their group; a reload finds each
of them again, whatever the order and the names in the new file.
"""

from __future__ import annotations

import pytest

from labs.simulation.lan import Lan
from tests.cluster import advert, cluster, conf, held, inject, router, state, states
from vrrpd.config import ConfigError, loads
from vrrpd.packet import Check

OWN = "192.168.1.11"  # of the first host


def unicast(priority: int, *peers: str, name: str, vip: str, source: str = "") -> str:
    words = ["unicast_peer {\n" + "\n".join(peers) + "\n}"]
    if source:
        words.append(f"unicast_src_ip {source}")
    return conf(priority, *words, name=name, vips=[vip])


A = unicast(150, "192.168.1.12", name="A", vip="10.0.0.1")
B = unicast(50, "192.168.1.13", name="B", vip="10.0.0.2")
OTHERS = {
    "two": unicast(100, OWN, name="A", vip="10.0.0.1"),
    "three": unicast(100, OWN, name="B", vip="10.0.0.2"),
}


@pytest.fixture
def lan() -> Lan:
    """MASTER of A beside host two, BACKUP of B beside host three."""
    lan = cluster(one=A + B, **OTHERS)
    lan.run(20)
    return lan


def reload(lan: Lan, text: str) -> None:
    lan.conf("one", text)
    assert lan.daemons["one"].reload()


def test_both_run_and_each_receives_from_its_own_peer(lan: Lan) -> None:
    assert (state(lan, "one", "A"), state(lan, "one", "B")) == ("MASTER", "BACKUP")
    assert (state(lan, "two", "A"), state(lan, "three", "B")) == ("BACKUP", "MASTER")
    assert (held(lan, "one"), held(lan, "three")) == ({"10.0.0.1"}, {"10.0.0.2"})
    assert "advertisement-rcvd" not in router(lan, "one", "A").counters
    assert router(lan, "one", "B").counters["advertisement-rcvd"] > 10


def test_what_comes_from_neither_peer_is_for_neither(lan: Lan) -> None:
    inject(lan, "one", advert(255, "192.168.1.99", "10.0.0.1"))
    lan.run(0.1)
    assert (state(lan, "one", "A"), state(lan, "one", "B")) == ("MASTER", "BACKUP")
    (segment,) = lan.daemons["one"].segments.values()
    assert segment.counters[Check.VRID.value] == 1


@pytest.mark.parametrize(
    "text",
    [
        A + B,
        B + A,
        (A + B).replace("vrrp_instance A", "vrrp_instance X"),
        (A + B).replace("vrrp_instance A", "vrrp_instance C")
        .replace("vrrp_instance B", "vrrp_instance A")
        .replace("vrrp_instance C", "vrrp_instance B"),
        (A + B).replace("192.168.1.12\n", "192.168.1.12\n192.168.1.98\n"),
    ],
)  # fmt: skip
def test_a_reload_finds_both_again(lan: Lan, text: str) -> None:
    master, backup = router(lan, "one", "A"), router(lan, "one", "B")
    reload(lan, text)
    assert set(lan.daemons["one"].routers.values()) == {master, backup}
    lan.run(10)
    assert (master.state.value, backup.state.value) == ("MASTER", "BACKUP")
    assert (held(lan, "one"), held(lan, "three")) == ({"10.0.0.1"}, {"10.0.0.2"})


def test_of_two_the_one_that_is_gone_resigns(lan: Lan) -> None:
    reload(lan, B)
    assert [one.name for one in lan.daemons["one"].routers.values()] == ["B"]
    lan.wait_until(lambda: state(lan, "two", "A") == "MASTER")
    assert held(lan, "one") == set()
    assert state(lan, "one", "B") == "BACKUP"


def test_one_that_comes_by_a_reload_gets_its_packets_from_then_on() -> None:
    lan = cluster(one=A, **OTHERS)
    lan.run(20)
    reload(lan, A + B)
    lan.run(20)
    assert (state(lan, "one", "A"), state(lan, "one", "B")) == ("MASTER", "BACKUP")
    assert states(lan, "one").count("MASTER") == 1


def test_a_group_of_ones_own_and_unicast_are_apart() -> None:
    texts = {
        name: unicast(150 if name == "one" else 100, peer, name="U", vip="10.0.0.1")
        + conf(100 if name == "one" else 150, name="M", vips=["10.0.0.2"])
        + conf(
            150 if name == "one" else 100, "mcast_dst_ip 224.0.0.55", name="G", vips=["10.0.0.3"]
        )
        for name, peer in (("one", "192.168.1.12"), ("two", OWN))
    }
    lan = cluster(**texts)
    lan.run(20)
    assert held(lan, "one") == {"10.0.0.1", "10.0.0.3"}
    assert held(lan, "two") == {"10.0.0.2"}


SECOND = {"name": "B", "vip": "10.0.0.2"}
APART = [
    A + B,
    A + conf(50, name="B"),
    conf(50, name="A") + conf(50, "mcast_dst_ip 224.0.0.55", name="B"),
    A
    + unicast(50, "192.168.1.12", **SECOND, source="192.168.1.11")
    + unicast(50, "192.168.1.12", name="C", vip="10.0.0.3", source="192.168.1.99"),
]
AT_ODDS = [
    A + unicast(50, "192.168.1.12", **SECOND),
    A + unicast(50, "192.168.1.13", "192.168.1.12", **SECOND),
    conf(50, name="A") + conf(50, name="B"),
    conf(50, name="A") + conf(50, "mcast_dst_ip 224.0.0.18", name="B"),
    unicast(9, "192.168.1.12", name="A", vip="10.0.0.1", source=OWN)
    + unicast(50, "192.168.1.12", **SECOND, source=OWN),
]


@pytest.mark.parametrize("text", APART)
def test_what_no_packet_can_mean_both_of_is_valid(text: str) -> None:
    assert loads(text).exit_status == 0


@pytest.mark.parametrize("text", AT_ODDS)
def test_what_one_packet_could_mean_both_of_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="virtual_router_id 51 is used by A"):
        loads(text)
