"""What a MASTER holds in the kernel, when another program changes it, and after a crash.

Played to both makes where keepalived is the oracle, to vrrpd alone where keepalived leaves things
behind.  Every moment is waited for; no test knows how long anything takes.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.interop.segment import Host, Segment
from tests.support import DAEMONS

WAYS = """virtual_routes {
10.1.0.0/16 via 192.168.1.1 dev eth0
10.2.0.0/16 via 192.168.1.1 dev eth0 no_track
2001:db8::/32 dev eth0
}
virtual_rules {
from 192.168.1.10 table 100 preference 500
from 192.168.1.10 table 101 preference 501 no_track
}"""


def instance(words: str = "", vips: str = "192.168.1.10/24", priority: int = 255) -> str:
    """A file with one instance."""
    return (
        f"vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\npriority {priority}\n"
        f"{words}\nvirtual_ipaddress {{\n{vips}\n}}\n}}\n"
    )


def routes(host: Host, family: str = "-4") -> list[str]:
    """The destinations of the routes that a daemon has made."""
    found = host.run("ip", "-j", family, "-N", "route", "show", "table", "all", "proto", "18")
    return [row["dst"] for row in json.loads(found or "[]")]


def rules(host: Host) -> list[int]:
    """The preferences of the rules that a daemon has made."""
    found = json.loads(host.run("ip", "-j", "-N", "rule"))
    return [row["priority"] for row in found if row["src"] != "all"]


@pytest.mark.parametrize(
    ("deletion", "kind"),
    [
        *(("route del 10.1.0.0/16", kind) for kind in DAEMONS),
        *(("rule del preference 500", kind) for kind in DAEMONS),
        ("-6 route del 2001:db8::/32", "vrrpd"),  # keepalived 2.2.7 does not notice
    ],
)
def test_deleting_a_tracked_route_or_rule_costs_the_mastership_for_a_moment(
    segment: Segment, deletion: str, kind: str
) -> None:
    host = segment[0]
    host.start(kind, instance(WAYS, priority=250))
    segment.wait(lambda: rules(host) == [500, 501], "the last of its rules")
    segment.wait(lambda: len(segment.wire.arps(0)) >= 5, "the announcement")
    before = (routes(host), routes(host, "-6"), rules(host))
    heard = len(segment.wire.frames)
    host.run("ip", *deletion.split())
    segment.wait(
        lambda: (
            [f.priority for f in segment.wire.adverts(0, heard)][-1:] == [250]
            and 0 in [f.priority for f in segment.wire.adverts(0, heard)]
        ),
        "MASTER again",
    )
    segment.wait(
        lambda: (routes(host), routes(host, "-6"), rules(host)) == before, "all ways again"
    )


@pytest.mark.parametrize("deletion", ["route del 10.2.0.0/16", "rule del preference 501"])
def test_the_loss_of_what_is_not_tracked_changes_nothing(
    segment: Segment, any_daemon: str, deletion: str
) -> None:
    host = segment[0]
    host.start(any_daemon, instance(WAYS))
    segment.wait(lambda: rules(host) == [500, 501], "the last of its rules")
    heard = len(segment.wire.frames)
    host.run("ip", *deletion.split())
    segment.wait(lambda: len(segment.wire.adverts(0, heard)) >= 3, "three advertisements")
    assert {f.priority for f in segment.wire.adverts(0, heard)} == {255}


def test_a_reload_exchanges_ways_without_a_word_to_anybody(
    segment: Segment, any_daemon: str
) -> None:
    host = segment[0]
    host.start(any_daemon, instance(WAYS))
    segment.wait(lambda: rules(host) == [500, 501], "the last of its rules")
    heard = len(segment.wire.frames)
    other = WAYS.replace("10.2.0.0/16", "10.3.0.0/16").replace("preference 501", "preference 502")
    host.reload(instance(other))
    segment.wait(lambda: rules(host) == [500, 502], "the new rule")
    segment.wait(lambda: sorted(routes(host)) == ["10.1.0.0/16", "10.3.0.0/16"], "the new route")
    assert {f.priority for f in segment.wire.adverts(0, heard)} <= {255}


STATIC = """track_group G {
group {
VI_1
}
}
static_ipaddress {
172.16.5.1/24 dev eth0
172.16.6.1/24 dev eth0 no_track
}
static_routes {
172.17.0.0/16 via 192.168.1.1 dev eth0 track_group G
172.18.0.0/16 via 192.168.1.1 dev eth0 no_track
}
static_rules {
from 172.16.0.0/16 table 33 preference 910
from 172.16.0.0/16 table 34 preference 911 no_track
}
"""


def static(host: Host) -> tuple[set[str], list[str], list[int]]:
    """The static things that are there."""
    addresses = {one for one in host.addresses() if one.startswith("172.")}
    return addresses, sorted(routes(host)), rules(host)


def test_static_things_come_back_unless_they_are_not_tracked(
    segment: Segment, any_daemon: str
) -> None:
    host = segment[0]
    host.start(any_daemon, instance() + STATIC)
    both = {"172.16.5.1", "172.16.6.1"}, ["172.17.0.0/16", "172.18.0.0/16"], [910, 911]
    segment.wait(lambda: static(host) == both, "the static things")
    segment.wait(lambda: host.has("192.168.1.10"), "MASTER")
    heard = len(segment.wire.frames)
    mine = ["addr del 172.16.5.1/24 dev eth0", "route del 172.17.0.0/16"]
    if any_daemon == "vrrpd":  # keepalived looks after static rules only if there are virtual ones
        mine.append("rule del preference 910")
    for what in mine:
        host.run("ip", *what.split())
        segment.wait(lambda: static(host) == both, "the tracked ones again")
    for what in ("addr del 172.16.6.1/24 dev eth0", "route del 172.18.0.0/16",
                 "rule del preference 911"):  # fmt: skip
        host.run("ip", *what.split())
    assert static(host) == ({"172.16.5.1"}, ["172.17.0.0/16"], [910])
    segment.wait(lambda: len(segment.wire.adverts(0, heard)) >= 3, "three advertisements")
    assert static(host) == ({"172.16.5.1"}, ["172.17.0.0/16"], [910])
    assert {f.priority for f in segment.wire.adverts(0, heard)} <= {255}
    host.stop()
    assert static(host) == (set(), [], [])


def test_the_interface_of_a_static_entry_matters_to_its_track_group(
    segment: Segment, any_daemon: str
) -> None:
    host = segment[0]
    host.run("ip", "link", "add", "eth1", "type", "veth", "peer", "name", "far1")
    for name in ("eth1", "far1"):
        host.run("ip", "link", "set", name, "up")
    host.start(
        any_daemon,
        instance(priority=250)
        + STATIC.replace("via 192.168.1.1 dev eth0 track_group G", "dev eth1 track_group G"),
    )
    segment.wait(lambda: host.has("192.168.1.10"), "MASTER")
    host.run("ip", "link", "set", "eth1", "down")
    segment.wait(lambda: not host.has("192.168.1.10"), "FAULT")
    host.run("ip", "link", "set", "eth1", "up")
    segment.wait(lambda: host.has("192.168.1.10"), "MASTER again")
    segment.wait(lambda: "172.17.0.0/16" in routes(host), "the static route")


def test_a_filter_and_a_virtual_interface_survive_a_crash_and_are_taken_over(
    segment: Segment,
) -> None:
    host = segment[0]
    text = instance("no_accept\nuse_vmac", priority=250)
    host.start("vrrpd", text)
    segment.wait(lambda: host.has("192.168.1.10"), "MASTER")
    link = host.run("ip", "-o", "link", "show", "vrrp.51")
    assert "192.168.1.10" in host.run("nft", "list", "ruleset")
    host.crash()
    assert "192.168.1.10" in host.run("nft", "list", "ruleset")
    heard = len(segment.wire.frames)
    host.start("vrrpd", text)
    segment.wait(lambda: not host.has("192.168.1.10"), "the leftover address removed")
    segment.wait(
        lambda: segment.wire.adverts(0, heard) and host.has("192.168.1.10"), "MASTER again"
    )
    assert host.run("ip", "-o", "link", "show", "vrrp.51").split()[0] == link.split()[0]
    host.stop()
    assert host.run("nft", "list", "ruleset") == ""
    assert "vrrp.51" not in host.run("ip", "link")


def test_a_filter_of_an_earlier_run_is_removed_by_one_that_needs_none(segment: Segment) -> None:
    host = segment[0]
    host.start("vrrpd", instance("no_accept", priority=250))
    segment.wait(lambda: host.has("192.168.1.10"), "MASTER")
    host.crash()
    host.start("vrrpd", instance(priority=250))
    segment.wait(lambda: host.run("nft", "list", "ruleset") == "", "the filter gone")


def test_other_tables_are_left_alone(segment: Segment) -> None:
    host = segment[0]
    host.run("nft", "add table ip mine; add chain ip mine in")
    before = host.run("nft", "list", "ruleset")
    host.start("vrrpd", instance("use_vmac"))
    segment.wait(lambda: host.has("192.168.1.10"), "MASTER")
    assert "keepalived" in host.run("nft", "list", "ruleset")
    host.stop()
    assert host.run("nft", "list", "ruleset") == before


def test_nothing_of_nftables_is_touched_by_default(segment: Segment) -> None:
    host = segment[0]
    host.start("vrrpd", instance())
    segment.wait(lambda: host.has("192.168.1.10"), "MASTER")
    assert host.run("nft", "list", "ruleset") == ""
    assert "nftables table" not in host.text()


@pytest.mark.parametrize("answers", [True, False], ids=["accept", "no_accept"])
def test_a_silent_address_does_not_answer(tmp_path: Path, answers: bool) -> None:
    with Segment(tmp_path, hosts=2) as segment:
        segment[0].start("vrrpd", instance("accept" if answers else "no_accept", priority=250))
        segment.wait(lambda: len(segment.wire.arps(0)) >= 5, "the announcement")
        ping = "ping -c 1 -W 1 192.168.1.10 >/dev/null && echo yes || echo no"

        def logged() -> str:
            return segment[1].run("sh", "-c", ping).strip()

        if answers:
            segment.wait(lambda: logged() == "yes", "an answer")
        else:
            assert logged() == "no"


def test_a_virtual_interface_comes_back_with_its_base(segment: Segment, any_daemon: str) -> None:
    host = segment[0]
    host.start(any_daemon, instance("use_vmac", priority=250))
    segment.wait(lambda: host.has("192.168.1.10"), "MASTER")
    host.run("ip", "link", "set", "eth0", "down")
    segment.wait(lambda: not host.has("192.168.1.10"), "FAULT")
    host.run("ip", "link", "set", "eth0", "up")
    segment.wait(lambda: host.addresses("vrrp.51") >= {"192.168.1.10"}, "MASTER again")


def test_a_deleted_virtual_interface_is_made_again(segment: Segment) -> None:
    host = segment[0]
    host.start("vrrpd", instance("use_vmac", priority=250))
    segment.wait(lambda: host.has("192.168.1.10"), "MASTER")
    heard = len(segment.wire.frames)
    host.run("ip", "link", "del", "vrrp.51")
    segment.wait(lambda: host.addresses("vrrp.51") >= {"192.168.1.10"}, "MASTER again")
    segment.wait(lambda: segment.wire.adverts(0, heard), "an advertisement")
    assert segment.wire.adverts(0)[-1].data[6:12] == bytes.fromhex("00005e000133")


def test_an_ipvlan_carries_the_addresses_with_its_bases_mac(segment: Segment) -> None:
    host = segment[0]
    try:
        host.run("ip", "link", "add", "try", "link", "eth0", "type", "ipvlan", "mode", "l2")
    except AssertionError:
        pytest.skip("optional: this kernel has no ipvlan")
    host.run("ip", "link", "del", "try")
    host.start("vrrpd", instance("use_ipvlan ipv0 192.168.1.51/24"))
    segment.wait(lambda: host.addresses("ipv0") >= {"192.168.1.10", "192.168.1.51"}, "MASTER")
    segment.wait(lambda: segment.wire.adverts(0), "an advertisement")
    frame = segment.wire.adverts(0)[0]
    assert frame.data[6:12] == bytes.fromhex("02000000000b")
    host.stop()
    assert "ipv0" not in host.run("ip", "link")


def test_promote_secondaries_is_set_while_the_daemon_runs(
    segment: Segment, any_daemon: str
) -> None:
    host = segment[0]
    path = "/proc/sys/net/ipv4/conf/eth0/promote_secondaries"
    host.start(any_daemon, instance("promote_secondaries"))
    segment.wait(lambda: host.has("192.168.1.10"), "MASTER")
    assert host.run("cat", path).strip() == "1"
    host.stop()
    assert host.run("cat", path).strip() == "0"
