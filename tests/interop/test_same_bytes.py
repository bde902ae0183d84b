"""What keepalived puts on the wire for a configuration, vrrpd puts there too, byte for byte.

For each row of CASES both daemons run the same text, on two equal segments at the same time, until
they are master and have announced every address; then they are stopped.

    advertisements        the distinct ones, in order: the first, and the resignation
    announcements         gratuitous ARP and unsolicited neighbour advertisements, all, in order

`segment.comparable` names what may differ: IP identification and header checksum, AH's sequence
number and ICV, and the flow label that the kernel draws.
Priority 255 makes a daemon master at once; it stands where the priority is not the point.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.pairs import Runs, together
from tests.interop.segment import (
    Frame,
    Segment,
    comparable,
    distinct,
    is_announcement,
    without,
)
from tests.support import DAEMONS

HOP_LIMIT = 14 + 7  # its place in an IPv6 frame
ROUNDS = 5  # keepalived's garp_master_repeat


@dataclass(frozen=True)
class Case:
    """One configuration: `words` go into the instance, `top` above it."""

    name: str
    words: str = ""
    vips: tuple[str, ...] = ("192.168.1.10",)
    excluded: tuple[str, ...] = ()
    priority: int = 255
    advert_int: str = "1"
    vrid: int = 51
    top: str = ""
    rounds: int = ROUNDS
    hop_limit: tuple[int, int] | None = None  # keepalived's and ours, where they differ on purpose

    def text(self) -> str:
        """The file."""
        lines = [
            self.top,
            "vrrp_instance VI_1 {",
            "interface eth0",
            f"virtual_router_id {self.vrid}",
            f"priority {self.priority}",
            f"advert_int {self.advert_int}",
            "garp_master_delay 0",
            self.words,
            block("virtual_ipaddress", self.vips),
            block("virtual_ipaddress_excluded", self.excluded),
            "}",
        ]
        return "\n".join(line for line in lines if line) + "\n"

    @property
    def announcements(self) -> int:
        """How many frames announce the addresses."""
        return self.rounds * (len(self.vips) + len(self.excluded))


def block(name: str, lines: Iterable[str]) -> str:
    """`name { ... }`, or nothing for no lines."""
    inner = "\n".join(lines)
    return f"{name} {{\n{inner}\n}}" if inner else ""


def addresses(number: int) -> tuple[str, ...]:
    """So many IPv4 addresses outside the hosts' own network: none is answered for by chance."""
    return tuple(f"10.{i // 250}.1.{i % 250 + 1}" for i in range(number))


def addresses6(number: int) -> tuple[str, ...]:
    """So many IPv6 addresses, the first one link-local as RFC 9568 wants it."""
    return ("fe80::1:1", *(f"2001:db8::{i:x}" for i in range(1, number)))


def authentication(kind: str, password: str) -> str:
    """An authentication block."""
    return f"authentication {{\nauth_type {kind}\nauth_pass {password}\n}}"


V3 = "version 3"
SIX = ("fe80::1:1", "2001:db8::10")
PEERS = "unicast_src_ip 192.168.1.11\nunicast_peer {\n192.168.1.12\n}"
PEERS2 = "unicast_src_ip 192.168.1.11\nunicast_peer {\n192.168.1.12\n192.168.1.13\n}"
PEERS6 = "unicast_peer {\nfe80::ff:fe00:c\n}"

CASES = [
    # Version 2 and its authentication.
    Case("v2"),
    Case("v2-state-master", "state MASTER"),
    *(Case(f"v2-pass-{n}", authentication("PASS", "abcdefghi"[:n])) for n in range(1, 10)),
    Case("v2-pass-empty", 'authentication {\nauth_type PASS\nauth_pass ""\n}'),
    Case("v2-pass-quoted", authentication("PASS", '"a b#!"')),
    Case("v2-ah", authentication("AH", "1111")),
    Case("v2-ah-9", authentication("AH", "123456789")),
    Case("v2-ah-3-vips", authentication("AH", "secret12"), vips=addresses(3)),
    # Priorities.
    *(Case(f"v2-priority-{n}", priority=n) for n in (1, 100, 254)),
    Case("v3-priority-1", V3, priority=1, advert_int="0.1"),
    Case("v3-priority-100", V3, priority=100, advert_int="0.1"),
    Case("v3-priority-254", V3, priority=254, advert_int="0.1"),
    # Virtual router ids.
    Case("v2-vrid-1", vrid=1),
    Case("v2-vrid-255", vrid=255),
    Case("v3-vrid-255", V3, vrid=255),
    # Intervals: version 2 in whole seconds, version 3 in hundredths.
    *(Case(f"v2-interval-{n}", advert_int=n) for n in ("2", "1.4", "1.5", "254", "255")),
    *(
        Case(f"v3-interval-{n}", V3, advert_int=n)
        for n in ("0.01", "0.014", "0.1", "0.99", "1", "2.56", "10", "40.94", "40.95")
    ),
    # Numbers of addresses: the article's 20, and what one advertisement can hold.
    *(Case(f"v2-{n}-vips", vips=addresses(n)) for n in (2, 19, 20, 21, 100, 254, 255, 256)),
    *(Case(f"v3-{n}-vips", V3, vips=addresses(n)) for n in (2, 20, 21, 255, 256)),
    *(Case(f"v6-{n}-vips", vips=addresses6(n)) for n in (1, 2, 20, 21, 80)),
    # Excluded addresses are announced, not advertised.
    Case("v2-excluded", excluded=("192.168.1.20", "192.168.1.21")),
    Case("v3-excluded", V3, excluded=("192.168.1.20",)),
    Case("v6-excluded", vips=SIX, excluded=("2001:db8::20",)),
    Case("v2-excluded-of-the-other-family", excluded=("2001:db8::20",)),
    # Everything an address can be written with.
    Case("v2-prefix", vips=("192.168.1.10/24",)),
    Case("v2-dev-label", vips=("192.168.1.10/24 dev eth0 label eth0:1",)),
    Case(
        # In a subnet of their own: the kernel takes no second scope in one that is there already.
        "v2-brd-scope",
        vips=("10.0.7.10/24 brd + scope link", "10.0.7.9/24 brd - scope link"),
    ),
    Case("v2-order", vips=("192.168.1.200", "192.168.1.3", "10.0.0.1", "192.168.1.100")),
    Case("v6-prefix", vips=("fe80::1:1/64", "2001:db8::10/64", "2001:db8::11/128 dev eth0")),
    Case("v6-without-link-local", vips=("2001:db8::10",)),
    # Version 3, IPv6, other groups and sources.
    Case("v3", V3),
    Case("v3-by-global", top="global_defs {\nvrrp_version 3\n}"),
    Case("v6", vips=SIX),
    Case("v6-interval-0.1", vips=SIX, advert_int="0.1", priority=200),
    Case("v2-mcast-src-ip", "mcast_src_ip 192.168.1.77"),
    Case("v3-mcast-src-ip", f"{V3}\nmcast_src_ip 192.168.1.77"),
    Case("v2-group", top="global_defs {\nvrrp_mcast_group4 224.0.0.19\n}"),
    Case("v6-group", vips=SIX, top="global_defs {\nvrrp_mcast_group6 ff02::13\n}"),
    # Unicast.
    Case("v2-unicast", PEERS),
    Case("v2-unicast-two-peers", PEERS2),
    Case("v2-unicast-pass", f"{PEERS}\n{authentication('PASS', '1111')}"),
    Case("v2-unicast-ah", f"{PEERS}\n{authentication('AH', '1111')}"),
    Case("v2-unicast-ttl", f"{PEERS}\nunicast_ttl 64"),
    Case("v3-unicast", f"{V3}\n{PEERS}"),
    # keepalived leaves the kernel's hop limit in unicast over IPv6; RFC 9568 section 5.1.2.3 says
    # that it MUST be 255.  keepalived does not look at it unless configured to, and then wants 255.
    Case("v6-unicast", PEERS6, vips=SIX, hop_limit=(64, 255)),
    # Gratuitous ARP as asked for.
    Case("v2-garp-repeat-1", "garp_master_repeat 1", rounds=1),
    Case("v6-garp-repeat-2", "garp_master_repeat 2", vips=SIX, rounds=2),
    # The virtual router's own MAC address.
    Case("v2-vmac", "use_vmac"),
    Case("v2-vmac-pass", f"use_vmac\n{authentication('PASS', '1111')}"),
    Case("v3-vmac", f"use_vmac\n{V3}"),
    Case("v6-vmac", "use_vmac", vips=SIX),
    Case("v2-vmac-xmit-base", "use_vmac\nvmac_xmit_base"),
    Case("v2-vmac-named", "use_vmac vmac0 02:00:00:00:aa:bb"),
]
BY_NAME = {case.name: case for case in CASES}


@dataclass(frozen=True)
class Sent:
    """What one daemon logged."""

    adverts: list[Frame]
    announced: list[Frame]


def record(room: Path, kind: str, case: Case) -> Sent:
    """Run the daemon until it has logged everything, and stop it."""
    with Segment(room, hosts=2) as lan:
        heard = lan.wire.frames

        def announced() -> list[Frame]:
            return [f for f in list(heard) if f.host == 0 and is_announcement(f)]

        lan[0].start(kind, case.text())
        lan.wait(lambda: lan.wire.adverts(0), "an advertisement")
        lan.wait(lambda: len(announced()) >= case.announcements, "all announcements")
        lan[0].stop()
        lan.wait(lambda: lan.wire.adverts(0)[-1].priority == 0, "the resignation")
        assert lan[0].virtual() == set()
    assert not lan.wire.lost, f"{lan.wire.lost} frames were lost: who knows what they said"
    return Sent(lan.wire.adverts(0), announced())


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs[tuple[str, str], Sent]:
    room = tmp_path_factory.mktemp("bytes")
    # Side by side: both makes of a case next to each other, under the same load.
    keys = [(case.name, kind) for case in CASES for kind in DAEMONS]
    return together(lambda key: record(room / "-".join(key), key[1], BY_NAME[key[0]]), keys)


@pytest.mark.parametrize("name", BY_NAME)
def test_the_frames_are_equal(runs: Runs[tuple[str, str], Sent], name: str) -> None:
    case = BY_NAME[name]
    theirs, ours = runs[name, "keepalived"], runs[name, "vrrpd"]
    expected, found = distinct(theirs.adverts), distinct(ours.adverts)
    if case.hop_limit is not None:
        limits = [{frame[HOP_LIMIT] for frame in frames} for frames in (expected, found)]
        assert limits == [{limit} for limit in case.hop_limit]
        expected = [without(frame, (HOP_LIMIT, HOP_LIMIT + 1)) for frame in expected]
        found = [without(frame, (HOP_LIMIT, HOP_LIMIT + 1)) for frame in found]
    assert readable(found) == readable(expected)
    assert readable(map(comparable, ours.announced)) == readable(map(comparable, theirs.announced))


def readable(frames: Iterable[bytes]) -> list[str]:
    """Hexadecimal, so that a difference can be found in the message."""
    return [frame.hex(" ", -2) for frame in frames]


def test_the_table_is_large_enough() -> None:
    assert len(BY_NAME) == len(CASES) >= 40
