"""The languages of `virtual_routes` and `virtual_rules`, and what becomes of them on the way out.

What the kernel makes of the messages is tested against keepalived in tests/interop; here, that
pyroute2 (which wrote its codec without us) reads in them what the words say.
"""

from __future__ import annotations

import sys
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from pyroute2.netlink.rtnl.fibmsg import fibmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from tests.support import HUNG_S, OrdinaryUser
from vrrpd.config import loads, routes_model
from vrrpd.config.model import Hop, Route, Rule
from vrrpd.linux import routes, rules
from vrrpd.linux.netlink_attributes import u32

INDEX = {"eth0": 2, "eth1": 3}


def read(block: str, line: str) -> tuple[Any, list[str]]:
    """The one route or rule of a line, or None, and what was complained of."""
    found = loads(f"{block} {{\n {line}\n}}\n")
    things = found.config.static_routes + found.config.static_rules
    return things[0] if things else None, [str(one) for one in found.diagnostics]


def route(line: str) -> Route:
    found, complaints = read("static_routes", line)
    assert isinstance(found, Route), complaints
    return found


def rule(line: str) -> Rule:
    found, complaints = read("static_rules", f"{line} preference 7")
    assert isinstance(found, Rule), complaints
    return found


def decoded(kind: Any, body: bytes) -> tuple[Any, dict[str, Any]]:
    """A message body as pyroute2 reads it, with its attributes by name."""
    header = (len(body) + 16).to_bytes(4, "little") + bytes(12)
    message = kind(header + body)
    message.decode()
    return message, dict(message["attrs"])


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("10.0.0.0/8 via 192.0.2.1 dev eth0", {
            "to": ip_network("10.0.0.0/8"),
            "hops": (Hop(via=ip_address("192.0.2.1"), dev="eth0"),)}),
        ("src 192.0.2.9 to 10.0.0.0/8 gw 192.0.2.1", {"prefsrc": ip_address("192.0.2.9")}),
        ("default via 192.0.2.1", {"to": ip_network("0.0.0.0/0")}),
        ("default via fd00::1", {"to": ip_network("::/0"), "family": 6}),
        ("inet6 default dev eth0", {"to": ip_network("::/0"), "family": 6}),
        ("default6 via fe80::1 dev eth0", {"to": ip_network("::/0"), "family": 6}),
        ("to default6 dev eth0", {"to": ip_network("::/0"), "family": 6}),
        ("10.1.2.3 dev eth0", {"to": ip_network("10.1.2.3/32")}),
        ("10.1.2.3/8 dev eth0", {"to": ip_network("10.0.0.0/8")}),
        ("blackhole 10.0.0.0/8", {"kind": "blackhole", "hops": ()}),
        ("to unreachable 10.0.0.0/8", {"kind": "unreachable"}),
        ("10.0.0.0/8 oif eth0 table main scope link metric 9",
         {"table": 254, "scope": 253, "metric": 9}),
        ("10.0.0.0/8 dev eth0 table 0x1f", {"table": 31}),
        ("10.0.0.0/8 dev eth0 protocol static no_track", {"protocol": 4, "no_track": True}),
        ("10.0.0.0/8 dev eth0 protocol static", {"protocol": 18}),  # or it could not be tracked
        ("10.0.0.0/8 dev eth0 mtu lock 1400 hoplimit 9",
         {"metrics": (("mtu", 1400), ("hoplimit", 9)), "locked": ("mtu",)}),
        ("10.0.0.0/8 dev eth0 rtt 100ms rttvar 1s rto_min 50ms",
         {"metrics": (("rtt", 800), ("rttvar", 4000), ("rto_min", 50))}),
        ("10.0.0.0/8 dev eth0 append", {"how": "append"}),
        ("10.0.0.0/8 dev eth0 realms 3/4", {"realms": (3 << 16) + 4}),
        ("fd00::/8 dev eth0 pref high expires 30", {"preference": 1, "expires": 30}),
        ("10.0.0.0/8 nexthop via 192.0.2.1 dev eth0 weight 2 nexthop dev eth1 onlink", {
            "multipath": True,
            "hops": (Hop(via=ip_address("192.0.2.1"), dev="eth0", weight=2),
                     Hop(dev="eth1", onlink=True))}),
        ("10.0.0.0/8 via 192.0.2.1 or 192.0.2.2 dev eth0", {
            "multipath": True,
            "hops": (Hop(via=ip_address("192.0.2.1"), dev="eth0"),
                     Hop(via=ip_address("192.0.2.2"), dev="eth0"))}),
        ("10.0.0.0/8 dev eth0 track_group G", {"track_group": "G"}),
    ],
)  # fmt: skip
def test_a_route_says_what_its_words_say(line: str, fields: dict[str, object]) -> None:
    found = route(line)
    assert {name: getattr(found, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("via 192.0.2.1", "no destination"),
        ("10.0.0.0/8 via 192.0.2.1 dve eth0", "'dve'"),
        ("10.0.0.0/8 dev", "'dev' needs an argument"),
        ("10.0.0.0/33 dev eth0", "'33'"),
        ("10.0.0.0/8 via fd00::1", "other family"),
        ("10.0.0.0/8 mtu x dev eth0", "'x' is not a number"),
        ("10.0.0.0/8 dev eth0 table nowhere", "'nowhere'"),
        ("10.0.0.0/8 encap ip id 3", "'encap' is not done"),
        ("10.0.0.0/8 dev eth0 10.1.0.0/16", "'10.1.0.0/16'"),
        ("fd00::/8 dev eth0 pref best", "'best'"),
        ("10.0.0.0/8 via 192.0.2.1 nexthop via 192.0.2.2", "before 'nexthop'"),
    ],
)
def test_a_route_that_is_not_understood_is_refused_with_its_place(line: str, words: str) -> None:
    found, complaints = read("static_routes", line)
    assert found is None
    assert any(words in one and one.startswith("keepalived.conf:2:") for one in complaints)


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("from 192.0.2.0/24 table 5", {"source": ip_network("192.0.2.0/24"), "table": 5}),
        ("to fd00::/8 lookup 5", {"to": ip_network("fd00::/8"), "family": 6}),
        ("from all table 5", {"source": None}),
        ("not fwmark 5/0xff iif eth0 table 5",
         {"inverted": True, "fwmark": 5, "fwmask": 255, "iif": "eth0"}),
        ("from 10.0.0.1 goto 9", {"action": "goto", "goto": 9}),
        ("type blackhole from 10.0.0.1", {"action": "blackhole"}),
        ("prohibit from 10.0.0.1", {"action": "prohibit"}),
        ("l3mdev", {"l3mdev": True, "table": 0}),
        ("uidrange 5-9 table 5", {"uids": (5, 9)}),
        ("ipproto udp sport 53 dport 1-9 table 5",
         {"ip_proto": 17, "sport": (53, 53), "dport": (1, 9)}),
        ("tunnel-id 9 oif eth1 dsfield 0x10 table main",
         {"tunnel_id": 9, "oif": "eth1", "tos": 16, "table": 254}),
        ("from all table 5 sup_pl 0 suppress_ifgroup 3",
         {"suppress_prefixlength": 0, "suppress_ifgroup": 3}),
        ("from all table 5 protocol static", {"protocol": 18}),
        ("from all table 5 protocol static no_track", {"protocol": 4}),
    ],
)  # fmt: skip
def test_a_rule_says_what_its_words_say(line: str, fields: dict[str, object]) -> None:
    found = rule(line)
    assert {name: getattr(found, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("from 192.0.2.1", "leads nowhere"),
        ("from 192.168.100./24 table 5", "192.168.100."),
        ("from 192.0.2.1 to fd00::1 table 5", "other family"),
        ("from 192.0.2.1 table 5 pref 9", "'pref'"),
        ("dport 9-3 table 5", "'9-3'"),
        ("type nonsense", "'nonsense'"),
        ("from", "'from' needs an argument"),
    ],
)
def test_a_rule_that_is_not_understood_is_refused_with_its_place(line: str, words: str) -> None:
    found, complaints = read("static_rules", line)
    assert found is None
    assert any(words in one and one.startswith("keepalived.conf:2:") for one in complaints)


def test_rules_without_preference_count_down_over_the_whole_file() -> None:
    found = loads(
        "static_rules {\n from 10.0.0.1 table 5\n from 10.0.0.2 table 5\n}\n"
        "vrrp_instance A {\n interface eth0\n virtual_router_id 1\n"
        " virtual_ipaddress {\n 10.0.0.9\n }\n virtual_rules {\n from 10.0.0.3 table 5\n }\n}\n"
        "static_rules {\n from 10.0.0.4 table 5\n}\n"
    )
    mine = found.config.instances[0].rules[0].preference
    assert [one.preference for one in found.config.static_rules] == [16384, 16383, 16381]
    assert mine == 16382


def test_a_route_without_an_interface_is_tracked() -> None:
    """As by keepalived 2.3.2: its key is that of the route by whatever interface."""
    _, complaints = read("static_routes", "10.0.0.0/8 via 192.0.2.1")
    assert complaints == []
    without, by_eth1 = (
        routes.key(route(f"10.0.0.0/8 via 192.0.2.1 {words}"), INDEX.__getitem__)
        for words in ("metric 5", "metric 5 dev eth1")
    )
    assert without != by_eth1
    assert without == routes.by_any_interface(by_eth1)


def test_the_message_of_a_route_reads_as_its_words() -> None:
    line = "10.0.0.0/8 via 192.0.2.1 dev eth1 src 192.0.2.9 metric 5 table 6909 mtu lock 1400"
    message, attributes = decoded(rtmsg, routes.encode(route(line), INDEX.__getitem__))
    assert (message["family"], message["dst_len"], message["proto"]) == (2, 8, 18)
    assert message["type"] == 1
    assert {name: attributes[name] for name in (
        "RTA_DST", "RTA_GATEWAY", "RTA_OIF", "RTA_PREFSRC", "RTA_PRIORITY", "RTA_TABLE")} == {
        "RTA_DST": "10.0.0.0", "RTA_GATEWAY": "192.0.2.1", "RTA_OIF": 3,
        "RTA_PREFSRC": "192.0.2.9", "RTA_PRIORITY": 5, "RTA_TABLE": 6909,
    }  # fmt: skip
    metrics = dict(attributes["RTA_METRICS"]["attrs"])
    assert metrics == {"RTAX_LOCK": 1 << 2, "RTAX_MTU": 1400}


def test_the_message_of_a_multipath_route_has_every_way() -> None:
    line = "10.0.0.0/8 nexthop via 192.0.2.1 dev eth0 weight 2 nexthop via 192.0.2.2 dev eth1"
    _, attributes = decoded(rtmsg, routes.encode(route(line), INDEX.__getitem__))
    ways = [(one["oif"], one["hops"], dict(one["attrs"])["RTA_GATEWAY"])
            for one in attributes["RTA_MULTIPATH"]]  # fmt: skip
    assert ways == [(2, 1, "192.0.2.1"), (3, 0, "192.0.2.2")]


def test_an_interface_that_does_not_exist_is_a_lookup_error() -> None:
    with pytest.raises(LookupError):
        routes.encode(route("10.0.0.0/8 dev eth7"), INDEX.__getitem__)


def test_the_message_of_a_rule_reads_as_its_words() -> None:
    line = "not from 192.0.2.0/24 to 10.0.0.0/8 fwmark 5/255 iif eth0 table 300"
    message, attributes = decoded(fibmsg, rules.encode(rule(line)))
    assert (message["family"], message["src_len"], message["dst_len"]) == (2, 24, 8)
    assert (message["action"], message["flags"] & 2) == (1, 2)
    assert {name: attributes[name] for name in (
        "FRA_SRC", "FRA_DST", "FRA_PRIORITY", "FRA_FWMARK", "FRA_FWMASK", "FRA_IIFNAME",
        "FRA_TABLE", "FRA_PROTOCOL")} == {
        "FRA_SRC": "192.0.2.0", "FRA_DST": "10.0.0.0", "FRA_PRIORITY": 7, "FRA_FWMARK": 5,
        "FRA_FWMASK": 255, "FRA_IIFNAME": "eth0", "FRA_TABLE": 300, "FRA_PROTOCOL": 18,
    }  # fmt: skip


@pytest.mark.parametrize(
    "line",
    ["10.0.0.0/8 via 192.0.2.1 dev eth0 metric 5", "default dev eth1", "fd00::/8 dev eth0 tos 8",
     "10.0.0.0/8 dev eth0 table 6909"],
)  # fmt: skip
def test_a_route_is_known_again_by_what_the_kernel_says_of_it(line: str) -> None:
    found = route(line)
    body = routes.encode(found, INDEX.__getitem__)
    if found.family == 6:  # where the kernel puts a metric to it
        body += u32(routes.RTA_PRIORITY, routes.IPV6_METRIC)
    assert routes.key_of(body) == routes.key(found, INDEX.__getitem__)


@pytest.mark.parametrize(
    "line",
    ["from 192.0.2.0/24 table 5", "to fd00::/8 table 300", "from 10.0.0.1 goto 9", "nop"],
)
def test_a_rule_is_known_again_by_what_the_kernel_says_of_it(line: str) -> None:
    assert rules.key_of(rules.encode(rule(line))) == rules.key(rule(line))


def test_names_come_from_where_iproute2_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Debian 12 has all of them in /etc; Debian 13 ships them in /usr/share, for /etc to hide."""
    written, shipped = tmp_path / "etc", tmp_path / "usr"
    files = {
        shipped / "rt_protos": "12 bird\n",
        shipped / "rt_protos.d/one.conf": "200 hidden\n",
        shipped / "rt_protos.d/two.conf": "201 two\n",
        written / "rt_protos.d/one.conf": "202 one\n",
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(routes_model, "NAMES", (written, shipped))
    routes_model.names.cache_clear()
    found = routes_model.names("rt_protos")
    assert (found["bird"], found["one"], found["two"]) == (12, 202, 201)
    assert "hidden" not in found
    (written / "rt_protos").write_text("13 dnrouted\n")
    routes_model.names.cache_clear()
    assert routes_model.names("rt_protos")["dnrouted"] == 13
    assert "bird" not in routes_model.names("rt_protos")
    monkeypatch.undo()
    routes_model.names.cache_clear()


def test_a_directory_of_names_that_is_closed_counts_as_absent(ordinary_user: OrdinaryUser) -> None:
    """keepalived 2.3.3, run by root, leaves /etc/iproute2 to root alone."""
    program = """
import sys
from pathlib import Path
from vrrpd.config import MODULE
closed, shipped = (Path(sys.argv[1], name) for name in ("closed", "shipped"))
for place in (closed, shipped):
    (place / "rt_protos.d").mkdir(parents=True)
    (place / "rt_protos").write_text(f"12 {place.name}")
closed.chmod(0)
MODULE.NAMES = (closed, shipped)
print("shipped" in MODULE.names("rt_protos"), "closed" in MODULE.names("rt_protos"))
closed.chmod(0o700)
"""
    place = ordinary_user.home / "names"
    module = routes_model.__name__.rpartition(".")[2]
    script = program.replace("MODULE", module)
    done = ordinary_user.run([sys.executable, "-c", script, place], timeout=HUNG_S)
    assert done.stdout == "True False\n"
