"""`auth_hmac` over real sockets: what the kernel does to an Advertisement must not spoil its HMAC.

Over IPv4 the kernel fills in a header checksum, over IPv6 it writes the header itself.  Two daemons
elect a MASTER, the other one takes over, and nothing is refused; with another key each is alone.
A virtual interface is in the group of its base (ip-link(8)), or in the one that is asked for.
"""

from __future__ import annotations

import json

import pytest

from tests.interop.segment import Host, Segment

HMAC = "auth_hmac {{\nkey 1 hex:{}\nactive_key 1\n}}"
KEY, OTHER = "42" * 32, "43" * 32
VIPS = {4: "192.168.1.10", 6: "fe80::10"}
PEERS = {4: "192.168.1.{}", 6: "fe80::{}"}


def conf(priority: int, family: int, *words: str) -> str:
    """A quick instance."""
    lines = ["interface eth0", "virtual_router_id 51", "version 3", "advert_int 0.25"]
    lines += [f"priority {priority}", *words, f"virtual_ipaddress {{\n{VIPS[family]}\n}}"]
    return "vrrp_instance VI_1 {\n" + "\n".join(lines) + "\n}\n"


def journal(host: Host) -> list[dict[str, object]]:
    """What the daemon has written down."""
    path = host.room / "journal"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def states(host: Host) -> list[object]:
    """The states that the daemon has entered, oldest first."""
    return [row["to"] for row in journal(host) if row["event"] == "state"]


def refused(host: Host) -> set[object]:
    """Why packets have been dropped."""
    return {row["cause"] for row in journal(host) if row["event"] == "drop"}


def last(host: Host) -> object:
    """The present state."""
    return states(host)[-1] if states(host) else None


@pytest.mark.parametrize("family", [4, 6])
def test_the_same_key(pair: Segment, family: int) -> None:
    words = HMAC.format(KEY)
    for host, priority in zip(pair.hosts, (200, 100), strict=True):
        host.start("vrrpd", conf(priority, family, words))
    pair.wait(lambda: (last(pair[0]), last(pair[1])) == ("MASTER", "BACKUP"), "an election")
    pair[0].freeze()
    pair.wait(lambda: last(pair[1]) == "MASTER", "a takeover")
    pair[0].thaw()
    pair.wait(lambda: last(pair[1]) == "BACKUP", "the end of it")
    assert refused(pair[0]) == refused(pair[1]) == set()


@pytest.mark.parametrize("family", [4, 6])
def test_another_key(pair: Segment, family: int) -> None:
    for host, priority, key in zip(pair.hosts, (200, 100), (KEY, OTHER), strict=True):
        host.start("vrrpd", conf(priority, family, HMAC.format(key)))
    pair.wait(lambda: (last(pair[0]), last(pair[1])) == ("MASTER", "MASTER"), "each to be alone")
    pair.wait(lambda: refused(pair[1]) == {"auth-ext-invalid-hmac"}, "the reason in the journal")


def group(host: Host, interface: str) -> object:
    """The group of an interface, by number or name; None if it is not there."""
    rows = json.loads(host.run("ip", "-j", "-N", "link", "show") or "[]")
    return next((row.get("group") for row in rows if row["ifname"] == interface), None)


@pytest.mark.parametrize(("words", "expected"), [("use_vmac", "42"), ("use_vmac group 7", "7")])
def test_the_group_of_a_virtual_interface(pair: Segment, words: str, expected: str) -> None:
    host = pair[0]
    host.run("ip", "link", "set", "eth0", "group", "42")
    host.start("vrrpd", conf(200, 4, words))
    pair.wait(lambda: group(host, "vrrp.51") == expected, "the interface in its group")
