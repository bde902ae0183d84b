"""Switches of one line each that change what is received, sent or held."""

from __future__ import annotations

import pytest

from tests.cluster import advert, adverts, cluster, conf, inject, router, state

LOG_UNKNOWN = "global_defs {\nlog_unknown_vrids\n}\n"


@pytest.mark.parametrize("switch", ["", LOG_UNKNOWN])
def test_log_unknown_vrids(switch: str) -> None:
    lan = cluster(one=switch + conf())
    inject(lan, "one", advert(100, vrid=77))
    inject(lan, "one", advert(100, vrid=77))
    said = [line for line in lan.logs["one"].lines if "Unknown VRID" in line]
    words = "Unknown VRID(77) received on interface(eth0). ignoring... (from 192.168.1.99)"
    assert said == ([words] if switch else [])
    assert next(iter(lan.daemons["one"].segments.values())).counters["vrid-errors"] == 2


def test_log_unknown_vrids_comes_and_goes_with_a_reload() -> None:
    lan = cluster(one=conf())
    lan.conf("one", LOG_UNKNOWN + conf())
    lan.reload("one")
    inject(lan, "one", advert(100, vrid=77))
    lan.conf("one", conf())
    lan.reload("one")
    inject(lan, "one", advert(100, vrid=78))
    assert [line[:16] for line in lan.logs["one"].lines if "VRID" in line] == ["Unknown VRID(77)"]


PEER = "unicast_peer {\n192.168.1.12\n}"


def test_without_peers_a_router_falls_back_to_multicast() -> None:
    lan = cluster(one=conf(100, "unicast_src_ip 192.168.1.11"))
    lan.run(5)
    assert state(lan, "one") == "MASTER"
    assert adverts(lan, "one")


@pytest.mark.parametrize("more", ["", "unicast_src_ip 192.168.1.11", "unicast_peer {\n}"])
def test_unicast_fault_no_peer(more: str) -> None:
    lan = cluster(one=conf(100, "unicast_fault_no_peer", more))
    lan.run(5)
    assert state(lan, "one") == "FAULT"
    assert "there is no unicast_peer" in str(router(lan, "one").history[-1]["reason"])
    assert adverts(lan, "one") == []


def test_an_interface_that_comes_back_does_not_end_that_fault() -> None:
    lan = cluster(one=conf(100, "unicast_fault_no_peer"))
    lan.unplug("one")
    lan.run(1)
    lan.plug("one")
    lan.run(5)
    assert state(lan, "one") == "FAULT"


def test_with_a_peer_unicast_fault_no_peer_means_nothing() -> None:
    lan = cluster(one=conf(100, "unicast_fault_no_peer", PEER))
    lan.run(5)
    assert state(lan, "one") == "MASTER"


def test_peers_that_go_and_come_with_reloads() -> None:
    lan = cluster(one=conf(100, "unicast_fault_no_peer", PEER))
    lan.run(5)
    lan.conf("one", conf(100, "unicast_fault_no_peer"))
    lan.reload("one")
    lan.run(5)
    assert state(lan, "one") == "FAULT"
    lan.conf("one", conf(100, "unicast_fault_no_peer", PEER))
    lan.reload("one")
    lan.run(5)
    assert state(lan, "one") == "MASTER"


@pytest.mark.parametrize(
    ("switch", "word", "after"),
    [
        ("", "", "BACKUP"),
        ("", "owner_ignore_adverts", "MASTER"),
        ("global_defs {\nvrrp_owner_ignore_adverts\n}\n", "", "MASTER"),
        ("global_defs {\nvrrp_owner_ignore_adverts\n}\n", "owner_ignore_adverts off", "BACKUP"),
    ],
)
def test_an_owner_may_ignore_everybody(switch: str, word: str, after: str) -> None:
    """Another owner with a higher address would win otherwise."""
    lan = cluster(one=switch + conf(255, word))
    lan.run(1)
    assert state(lan, "one") == "MASTER"
    inject(lan, "one", advert(255))
    assert state(lan, "one") == after
    ignored = any("since we are address owner" in line for line in lan.logs["one"].lines)
    assert ignored == (after == "MASTER")


def test_only_an_owner_ignores_others() -> None:
    lan = cluster(one=conf(254, "owner_ignore_adverts"))
    lan.run(5)
    inject(lan, "one", advert(255))
    assert state(lan, "one") == "BACKUP"
