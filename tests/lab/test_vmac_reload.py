"""A reload that changes virtual interfaces: names, VRIDs and bases go from one to the other.

Two macvlans with the same MAC address on the same base cannot both be up, nor can two interfaces
have one name: what the old configuration had must be gone before the new one's is made.
"""

from __future__ import annotations

import json

import pytest

from tests.interop.segment import Host, Segment
from tests.lab.test_vmac_frames import conf, states

ONE, TWO, SIX = "192.168.1.10", "192.168.1.20", "fd00::10"


@pytest.fixture
def lan(segment: Segment) -> Segment:
    """A host with a second interface."""
    host = segment[0]
    lines = ["link add eth1 type veth peer name far", "link set far up", "link set eth1 up"]
    lines.append("addr add 192.168.2.11/24 dev eth1")
    host.run("ip", "-batch", "-", stdin="\n".join(lines) + "\n")
    return segment


def first(vmac: str, *words: str, vrid: int = 51, vips: str = ONE, interface: str = "eth0") -> str:
    """The instance VI_1 with this `use_vmac` line."""
    return conf(*words, priority=200, vrid=vrid, vmac=vmac, vips=vips, interface=interface)


def second(vmac: str, *words: str, vrid: int = 52) -> str:
    """The instance VI_2, in the same way."""
    return conf(*words, priority=200, vrid=vrid, vmac=vmac, vips=TWO, name="VI_2")


def six(vmac: str) -> str:
    """The instance VI_1 over IPv6."""
    return conf(priority=200, family=6, vmac=vmac)


def seen(host: Host) -> set[tuple[str, str, str, str]]:
    """Every virtual address with the interface, base and MAC address that it is behind."""
    return {
        (one["local"], row["ifname"], row.get("link", ""), row["address"][-4:])
        for row in json.loads(host.run("ip", "-j", "addr"))
        for one in row["addr_info"]
        if one["local"] in (ONE, TWO, SIX)
    }


def macvlans(host: Host) -> set[str]:
    """The names of all macvlans."""
    rows = json.loads(host.run("ip", "-j", "-d", "link"))
    kinds = {row["ifname"]: row.get("linkinfo", {}).get("info_kind") for row in rows if row}
    return {name for name, kind in kinds.items() if kind == "macvlan"}


CHANGES = {
    "rename": (first("use_vmac vone"), first("use_vmac vtwo"), {(ONE, "vtwo", "eth0", "1:33")}),
    "rename-six": (six("use_vmac vone"), six("use_vmac vtwo"), {(SIX, "vtwo", "eth0", "2:33")}),
    "rename-base": (
        first("use_vmac vone", "vmac_xmit_base"),
        first("use_vmac vtwo", "vmac_xmit_base"),
        {(ONE, "vtwo", "eth0", "1:33")},
    ),
    "to-the-default-name": (
        first("use_vmac vone"),
        first("use_vmac"),
        {(ONE, "vrrp.51", "eth0", "1:33")},
    ),
    "swap-names": (
        first("use_vmac vone") + second("use_vmac vtwo"),
        first("use_vmac vtwo") + second("use_vmac vone"),
        {(ONE, "vtwo", "eth0", "1:33"), (TWO, "vone", "eth0", "1:34")},
    ),
    "swap-vrids": (
        first("use_vmac vone") + second("use_vmac vtwo"),
        first("use_vmac vone", vrid=52) + second("use_vmac vtwo", vrid=51),
        {(ONE, "vone", "eth0", "1:34"), (TWO, "vtwo", "eth0", "1:33")},
    ),
    "take-the-name-of-another": (
        first("use_vmac vone") + second("use_vmac vtwo"),
        second("use_vmac vone"),
        {(TWO, "vone", "eth0", "1:34")},
    ),
    "vrid": (
        first("use_vmac vone"),
        first("use_vmac vone", vrid=53),
        {(ONE, "vone", "eth0", "1:35")},
    ),
    "base": (
        first("use_vmac vone"),
        first("use_vmac vone", interface="eth1"),
        {(ONE, "vone", "eth1", "1:33")},
    ),
    "mac": (
        first("use_vmac vone"),
        first("use_vmac vone 02:00:00:00:aa:bb"),
        {(ONE, "vone", "eth0", "a:bb")},
    ),
    "off": (first("use_vmac vone"), first(""), {(ONE, "eth0", "", "0:0b")}),
    "on": (first(""), first("use_vmac vone"), {(ONE, "vone", "eth0", "1:33")}),
    "xmit-base-on": (
        first("use_vmac vone"),
        first("use_vmac vone", "vmac_xmit_base"),
        {(ONE, "vone", "eth0", "1:33")},
    ),
    "xmit-base-off": (
        first("use_vmac vone", "vmac_xmit_base"),
        first("use_vmac vone"),
        {(ONE, "vone", "eth0", "1:33")},
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_reload_changes_virtual_interfaces(lan: Segment, change: str) -> None:
    before, after, expected = CHANGES[change]
    host = lan[0]
    host.start("vrrpd", before)
    lan.wait(lambda: host.has(SIX) or host.has(ONE), "MASTER")
    lan.wait(lambda: before.count("VI_") == len(seen(host)), "all virtual addresses")
    host.reload(after)
    # What is expected may have been so before, and is made again.
    lan.wait(lambda: "Reload complete" in host.text(), "the end of the reload")
    lan.wait(lambda: seen(host) == expected, f"{expected}")
    assert macvlans(host) == {name for _, name, base, _ in expected if base}
    assert "FAULT" not in [*states(host), *states(host, "VI_2")]
    assert "cannot" not in host.text()
    host.stop()
    assert macvlans(host) == set()


@pytest.mark.parametrize("change", ["rename", "rename-six", "vrid", "base", "off", "swap-names"])
def test_what_a_killed_daemon_has_left_does_not_keep_the_next_from_working(
    lan: Segment, change: str
) -> None:
    before, after, expected = CHANGES[change]
    host = lan[0]
    host.start("vrrpd", before)
    lan.wait(lambda: before.count("VI_") == len(seen(host)), "all virtual addresses")
    host.crash()
    host.start("vrrpd", after)
    lan.wait(lambda: seen(host) == expected, f"{expected}")
    assert macvlans(host) == {name for _, name, base, _ in expected if base}
    assert "FAULT" not in [*states(host), *states(host, "VI_2")]
