"""What keepalived does to the kernel for a configuration, vrrpd does too, and undoes.

For each row of CASES both daemons run the same text as the owner of the addresses, on two equal
segments at the same time.  Compared, in the words of the tools that operators use:

    ip address, ip route, ip rule, nft list ruleset, ip -d link (macvlans), the sysctls

while they are MASTER, and after they have stopped, when nothing may be left.
What differs on purpose is taken out by `comparable` and explained there.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.interop.pairs import Runs, together
from tests.interop.segment import Host, Segment
from tests.interop.traces import unguarded
from tests.interop.versions import expected
from tests.support import DAEMONS

SIX_MAC = "00:00:5e:00:02:"  # of a virtual router over IPv6 (RFC 9568 section 7.3)
SWITCHES = ("arp_ignore", "arp_filter", "rp_filter", "accept_local", "promote_secondaries")


@dataclass(frozen=True)
class Case:
    """One configuration: `words` go into the instance, `top` above it."""

    name: str
    words: str = ""
    vips: str = "192.168.1.10/24"
    top: str = ""
    sign: str = "192.168.1.10"  # an address that says that all is done

    def text(self) -> str:
        """The file."""
        return (
            f"{self.top}\nvrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\n"
            f"priority 255\n{self.words}\nvirtual_ipaddress {{\n{self.vips}\n}}\n}}\n"
        )


ROUTES = """virtual_routes {
10.1.0.0/16 via 192.168.1.1 dev eth0
10.2.0.0/16 via 192.168.1.1 dev eth0 metric 5 table 100
src 192.168.1.10 to 10.3.0.0/16 via 192.168.1.2 dev eth0 tos 0x10
blackhole 10.4.0.0/16
unreachable 10.5.0.0/16
prohibit 10.6.0.0/16 metric 3
throw 10.7.0.0/16 table 6909
10.8.0.0/16 dev eth0 mtu lock 1400 advmss 1300 initcwnd 20 hoplimit 9 window 100 quickack 1
10.9.0.0/16 nexthop via 192.168.1.3 dev eth0 weight 2 nexthop via 192.168.1.4 dev eth0 weight 1
10.10.0.0/16 via 10.77.0.1 dev eth0 onlink
10.11.0.0/16 via 192.168.1.1 dev eth0 protocol bird
10.12.0.0/16 via 192.168.1.1 dev eth0 protocol bird no_track
10.13.0.1 dev eth0 src 192.168.1.10 congctl reno features ecn
default via 192.168.1.1 dev eth0 table 200
2001:db8::/32 via fd00::1 dev eth0
2001:db9::/32 dev eth0 metric 7 pref high
}"""
RULES = """virtual_rules {
from 192.168.1.10 table 100 preference 500
from 10.0.0.0/8 to 172.16.0.0/12 table 200 priority 501
fwmark 0x5/0xff iif eth0 table 100 order 502
not from 192.0.2.4 lookup 100 preference 503
from 192.0.2.5 prohibit preference 504
from 192.0.2.6 goto 900 preference 505
uidrange 0-100 table 100 preference 506
ipproto tcp dport 100-200 table 100 preference 507
to fd00::/8 table 100 preference 508
tos 0x10 oif eth0 table 6909 realms 3/4 preference 509
from all table 11 preference 510 suppress_prefixlength 0
from all table 12 preference 511 sup_group 5
from 192.0.2.7 tunnel-id 77 table 13 preference 512
l3mdev preference 513
nop preference 900
from 192.0.2.8 table 14
from 192.0.2.9 table 14
}"""
EXCLUDED = "virtual_ipaddress_excluded {\n192.168.1.30\nfd00::30/64\n}"
SIX = "fe80::1:51\nfd00::10/64"

CASES = (
    Case("addresses", EXCLUDED),
    Case("routes", f"{EXCLUDED}\n{ROUTES}"),
    Case("rules", RULES),
    Case("static", top="static_ipaddress {\n172.16.5.1/24 dev eth0\n}\nstatic_routes {\n"
         "172.17.0.0/16 via 172.16.5.2 dev eth0\n}\nstatic_rules {\n"
         "from 172.16.0.0/16 table 33 preference 910\n}"),
    Case("vmac", "use_vmac"),
    Case("vmac-both-families", f"use_vmac\n{EXCLUDED}"),
    Case("vmac-named", "use_vmac vip0 02:00:00:00:aa:bb"),
    Case("vmac-xmit-base", "use_vmac\nvmac_xmit_base"),
    Case("vmac-prefix", "use_vmac", top="global_defs {\nvmac_prefix ha\n}"),
    Case("vmac-six", "use_vmac", SIX, sign="fd00::10"),
    Case("vmac-addr", f"use_vmac\nuse_vmac_addr\n{EXCLUDED}"),
)  # fmt: skip
# An owner accepts everything, so these become MASTER by Master_Down_Timer.
SILENT = (
    Case("no-accept", f"priority 250\nno_accept\n{EXCLUDED}"),
    Case("no-accept-six", "priority 250\nno_accept", SIX, sign="fd00::10"),
    Case("no-accept-vmac", f"priority 250\nno_accept\nuse_vmac\n{EXCLUDED}"),
    Case("strict", "priority 250\nstrict_mode"),
    Case(
        "nftables",
        "priority 250\nno_accept",
        top="global_defs {\nnftables ha\nnftables_priority -5\nnftables_counters\n}",
    ),
)
BY_NAME = {case.name: case for case in (*CASES, *SILENT)}


@dataclass(frozen=True)
class Seen:
    """What the tools say, while MASTER and afterwards."""

    held: dict[str, Any]
    left: dict[str, Any]


def look(host: Host) -> dict[str, Any]:
    """The state of a host's kernel, in a form that can be compared."""

    def rows(*command: str) -> list[Any]:
        return [row for row in json.loads(host.run("ip", "-j", *command) or "[]") if row]

    def kind(row: Any) -> object:
        return row.get("linkinfo", {}).get("info_kind")

    links = [row for row in rows("-d", "link") if kind(row) == "macvlan"]
    ours = ("route", "show", "table", "all", "proto", "18")
    said = ("ifname", "link", "address", "linkinfo", "inet6_addr_gen_mode")
    names = ["eth0", *(link["ifname"] for link in links)]
    return {
        "addresses": {row["ifname"]: row["addr_info"] for row in rows("-N", "addr")},
        "routes": sorted(map(str, rows("-N", *ours))),
        "routes six": sorted(map(str, rows("-6", "-N", *ours))),
        "bird": host.run("ip", "-N", "route", "show", "table", "all", "proto", "12"),
        "rules": host.run("ip", "-N", "rule") + host.run("ip", "-6", "-N", "rule"),
        "links": [[one[key] for key in said] for one in links],
        "switches": {name: [switch(host, name, one) for one in SWITCHES] for name in names},
        "filter": comparable(host.run("nft", "list", "ruleset")),
    }  # fmt: skip


def switch(host: Host, interface: str, name: str) -> str:
    """A sysctl."""
    return host.run("cat", f"/proc/sys/net/ipv4/conf/{interface}/{name}").strip()


def comparable(ruleset: str) -> list[str]:
    """The tables in the order of their names, without what a counter has counted."""
    tables = re.split(r"(?m)^(?=table )", re.sub(r"packets \d+ bytes \d+", "", ruleset))
    return sorted(table for table in tables if table)


def watch(room: Path, kind: str, case: Case) -> Seen:
    """Run one daemon until it is MASTER, look, stop it, look again."""
    with Segment(room, hosts=1) as lan:
        host = lan[0]
        host.start(kind, case.text())
        lan.wait(
            lambda: host.has(case.sign) and lan.wire.arps(0) + lan.wire.neighbour_adverts(0),
            "a MASTER that has announced its addresses",
        )
        held = look(host)
        host.stop()
        return Seen(held, look(host))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs[tuple[str, str], Seen]:
    room = tmp_path_factory.mktemp("kernel")
    keys = [(name, kind) for name in BY_NAME for kind in DAEMONS]
    return together(lambda key: watch(room / "-".join(key), key[1], BY_NAME[key[0]]), keys)


@pytest.mark.parametrize("name", BY_NAME)
def test_a_master_leaves_the_same_traces_in_the_kernel(
    runs: Runs[tuple[str, str], Seen], name: str
) -> None:
    theirs, ours = runs[name, "keepalived"].held, as_installed(runs[name, "vrrpd"].held)
    for what, seen in theirs.items():
        assert ours[what] == seen, what


def unmarked(address: dict[str, Any]) -> dict[str, Any]:
    """An address of `ip -j address` without the protocol number that says who added it."""
    return {k: v for k, v in address.items() if (k, v) != ("protocol", "0x12")}


def as_installed(ours: dict[str, Any]) -> dict[str, Any]:
    """What vrrpd leaves, without what the keepalived of this machine does not do yet."""
    ours = dict(ours)
    if not expected().marks_addresses:
        ours["addresses"] = {
            interface: [unmarked(one) for one in found]
            for interface, found in ours["addresses"].items()
        }
    if not expected().guards_virtual_interfaces:
        ours["filter"] = [unguarded(table) for table in ours["filter"]]
        six = {name for name, _, mac, *_ in ours["links"] if mac.startswith(SIX_MAC)}
        ours["switches"] = {
            name: ["0" if name in six else found[0], *found[1:]]
            for name, found in ours["switches"].items()
        }
    return ours


@pytest.mark.parametrize("name", BY_NAME)
def test_nothing_is_left_when_it_has_stopped(runs: Runs[tuple[str, str], Seen], name: str) -> None:
    left = runs[name, "vrrpd"].left
    assert left["filter"] == []
    assert left["links"] == []
    assert left["routes"] == left["routes six"] == []
    assert left["bird"] == ""
    assert "proto 18" not in str(left["rules"])
    # keepalived leaves arp_ignore and arp_filter of the base as it has set them.
    assert set(left["switches"]["eth0"]) == {"0"}
    assert left["addresses"] == runs["addresses", "keepalived"].left["addresses"]
