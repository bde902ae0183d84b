"""Unicast routers: they join no multicast group, and two with one virtual_router_id both run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.segment import Host, Segment
from tests.support import DAEMONS, eventually

CONFIG = """vrrp_instance VI_1 {
 interface eth0
 virtual_router_id 51
 %s
 virtual_ipaddress {
  192.168.1.10
 }
}
"""
PEER = "unicast_peer {\n192.168.1.12\n}"
GROUP = "224.0.0.18"


@pytest.mark.parametrize(("how", "joins"), [("", True), (PEER, False)])
def test_only_who_multicasts_joins_the_group(
    host: Host, any_daemon: str, how: str, joins: bool
) -> None:
    host.start(any_daemon, CONFIG % how)
    eventually(lambda: host.has("192.168.1.10"))
    assert (GROUP in host.run("ip", "maddress", "show", "dev", "eth0")) is joins


# Two unicast instances with one virtual_router_id on one interface, distinguished by their peers.
#
# Host 0 is MASTER of A beside host 1, and BACKUP of B beside host 2, each of the three in turn
# a keepalived or a vrrpd.


def unicast(name: str, priority: int, peer: str, vip: str) -> str:
    return (
        f"vrrp_instance {name} {{\ninterface eth0\nvirtual_router_id 51\n"
        f"priority {priority}\nunicast_peer {{\n{peer}\n}}\n"
        f"virtual_ipaddress {{\n{vip}/24\n}}\n}}\n"
    )


@pytest.mark.parametrize("others", DAEMONS)
def test_both_run_and_each_receives_from_its_own_peer(
    tmp_path: Path, any_daemon: str, others: str
) -> None:
    with Segment(tmp_path, hosts=3) as lan:
        own, two, three = (host.address for host in (lan[0], lan[1], lan[2]))
        lan[1].start(others, unicast("A", 100, own, "192.168.1.201"))
        lan[2].start(others, unicast("B", 200, own, "192.168.1.202"))
        lan.wait(lambda: lan[1].has("192.168.1.201") and lan[2].has("192.168.1.202"), "the others")
        text = unicast("A", 150, two, "192.168.1.201") + unicast("B", 150, three, "192.168.1.202")
        lan[0].start(any_daemon, text)
        lan.wait(lambda: lan[0].has("192.168.1.201") and not lan[1].has("192.168.1.201"), "A")
        # B has waited as long: it would be MASTER, had it not received from host 2.
        assert not lan[0].has("192.168.1.202")
        assert lan[2].has("192.168.1.202")
        assert "(B) Entering BACKUP STATE" in lan[0].text()
