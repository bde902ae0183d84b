"""Pauses between announcements, and the one that unicast peers get after a FAULT, as keepalived's.

What is compared is which frames are sent and how often; how long a pause lasts is tested in
virtual time (tests/unit/test_garp_pacing.py).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.segment import Capture, Frame, Segment, distinct, is_announcement
from tests.interop.versions import VERSIONS, expected
from tests.support import DAEMONS

PACED = """{top}
vrrp_instance VI_1 {{
interface eth0
virtual_router_id 51
priority 255
garp_master_delay 0
virtual_ipaddress {{
192.168.1.10
192.168.1.20
}}
virtual_ipaddress_excluded {{
192.168.1.30
fd00::30/64
fd00::31/64
}}
}}
"""
GLOBAL = "global_defs {\nvrrp_garp_interval 0.1\nvrrp_gna_interval 0.15\n}"
GROUP = "garp_group {\ngarp_interval 0.1\ngna_interval 0.15\ninterface eth0\n}"


def received(room: Path, kind: str, config: str, enough: int) -> list[Frame]:
    """The announcements of a daemon, up to two of its advertisements after the last of them."""
    with Segment(room, hosts=1) as lan:

        def announced() -> list[Frame]:
            return lan.wire.arps(0) + lan.wire.neighbour_adverts(0)

        lan[0].start(kind, config)
        lan.wait(lambda: len(announced()) >= enough, f"{enough} announcements")
        since = len(lan.wire.frames)
        lan.wait(lambda: len(lan.wire.adverts(0, since)) >= 2, "two more advertisements")
        return announced()


@pytest.mark.parametrize("top", [GLOBAL, GROUP], ids=["global", "group"])
def test_paced_announcements_are_as_many_and_the_same(tmp_path: Path, top: str) -> None:
    """How many each version sends is in versions.py; vrrpd sends those of all rounds."""
    many = {"keepalived": expected().paced, "vrrpd": expected(VERSIONS[-1]).paced}
    runs = {
        kind: received(tmp_path / kind, kind, PACED.format(top=top), sum(many[kind].values()))
        for kind in DAEMONS
    }
    for kind, frames in runs.items():
        arps = sum(frame.is_arp for frame in frames)
        assert {"ARP": arps, "NA": len(frames) - arps} == many[kind], kind
    assert set(distinct(runs["vrrpd"])) == set(distinct(runs["keepalived"]))


def test_unicast_peers_learn_our_own_address_after_a_fault(tmp_path: Path, any_daemon: str) -> None:
    config = (
        "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\npriority 100\n"
        "unicast_peer {\n192.168.1.12\n}\nvirtual_ipaddress {\n192.168.1.10\n}\n}\n"
    )
    with Segment(tmp_path, hosts=2) as lan:
        host = lan[0]
        lan[1].start("keepalived", config.replace("100", "200").replace("1.12", "1.11"))
        lan.wait(lambda: lan[1].has("192.168.1.10"), "the other one MASTER")
        host.start(any_daemon, config)
        lan.wait(lambda: "BACKUP STATE" in host.text(), "BACKUP")
        host.run("ip", "link", "set", "eth0", "down")
        lan.wait(lambda: "FAULT STATE" in host.text(), "FAULT")
        own = bytes((192, 168, 1, 11))

        def gratuitous() -> list[Frame]:
            return [f for f in lan.wire.arps(0) if f.data[28:32] == f.data[38:42] == own]

        assert gratuitous() == []
        host.run("ip", "link", "set", "eth0", "up")
        lan.wait(gratuitous, "a gratuitous ARP for our own address")
        assert gratuitous()[0].data[:12].hex() == "ff" * 6 + "02000000000b"


SECOND = """global_defs {{
{top}
}}
vrrp_instance VI_1 {{
interface eth0
virtual_router_id 51
priority 255
garp_master_delay 0
{words}
virtual_ipaddress {{
192.168.1.10
192.168.2.10/24 dev eth1
}}
virtual_ipaddress_excluded {{
192.168.2.30/24 dev eth1
fd00::30/64 dev eth1
}}
}}
"""


def on_the_second(room: Path, kind: str, top: str, words: str, enough: int) -> list[Frame]:
    """What a daemon announces on an eth1 whose cable comes back into the same host."""
    with Segment(room, hosts=1) as lan:
        host = lan[0]
        lines = "link add eth1 address 02:00:00:00:01:0b type veth peer name far\nlink set far up"
        host.run("ip", "-batch", "-", stdin=f"{lines}\nlink set eth1 up\n")
        wire = Capture(host.holder.pid, {"far": 0})
        try:
            host.start(kind, SECOND.format(top=top, words=words))

            def announced() -> list[Frame]:
                return [f for f in wire.frames if is_announcement(f)]

            lan.wait(lambda: len(announced()) >= enough, f"{enough} announcements on eth1")
            return announced()
        finally:
            wire.close()


@pytest.mark.parametrize(
    ("top", "words", "enough"),
    [
        ("", "", 3 * 5),
        ("", "garp_master_refresh 1\ngarp_master_refresh_repeat 2", 3 * 5 + 3 * 2 * 2),
        ("vrrp_garp_extra_if all 1", "", 3 * 5 + 3 * 2),
    ],
    ids=["master", "refresh", "extra_if"],
)
def test_addresses_on_another_interface_are_announced_there(
    tmp_path: Path, top: str, words: str, enough: int
) -> None:
    theirs, ours = (on_the_second(tmp_path / kind, kind, top, words, enough) for kind in DAEMONS)
    assert set(distinct(ours)) == set(distinct(theirs))
