"""The order of the checks, pair by pair, for v2, v3 and IPv6.

A packet with two faults must be counted under the one that comes first; FAULTS lists a way to
fail each check, in the order of `vrrpd/validation.py`.  tests/unit/test_validation.py has the same
for version 2 with a password.

    RFC 9568 section 7.1 with its errata, and one change: the VRID is looked up first, so that
    foreign traffic is neither verified nor counted against us.
"""

from __future__ import annotations

from itertools import pairwise

import pytest

from labs.simulation.lan import Lan
from tests.cluster import adverts, inject, router, state
from tests.sim.families import KINDS, V6, Kind
from vrrpd.packet import Check

ORDER = [
    Check.TTL,
    Check.VERSION,
    Check.TYPE,
    Check.LENGTH,
    Check.CHECKSUM,
    Check.COUNT,
    Check.INTERVAL,
    Check.ADDRESS,
    Check.DESTINATION,
    Check.SOURCE,
]


def applies(check: Check, kind: Kind) -> bool:
    """Version 2 may have no addresses; only IPv6 has link-local ones."""
    if check is Check.COUNT:
        return kind.version == 3
    return check is not Check.ADDRESS or kind.family == 6


def broken(kind: Kind, faults: set[Check], own: Lan) -> bytes:
    """A good Advertisement of priority 200 with these faults."""
    one = router(own, "one")
    source = one.source if Check.SOURCE in faults else kind.high
    to = one.source if Check.DESTINATION in faults else kind.group
    vips = list(reversed(kind.vips)) if Check.ADDRESS in faults else kind.vips
    message = bytearray(kind.message(200, source, vips=vips))
    if Check.COUNT in faults:
        message[3] = 0
        del message[8:]
    if Check.INTERVAL in faults:
        message[4:6] = bytes(2)
    if Check.LENGTH in faults:
        message += bytes(4)
    if Check.VERSION in faults:
        message[0] = (5 - kind.version) << 4 | 1
    if Check.TYPE in faults:
        message[0] = message[0] & 0xF0 | 2
    fixed = bytearray(sum_for(kind, bytes(message), source, to))
    if Check.CHECKSUM in faults:
        fixed[7] ^= 0xFF
    return kind.packet(bytes(fixed), source, to, ttl=254 if Check.TTL in faults else 255)


def sum_for(kind: Kind, message: bytes, source: object, to: object) -> bytes:
    """The right checksum for the version we send, whatever the message says it is."""
    from vrrpd.packet import checksum, pseudo_header

    bare = message[:6] + bytes(2) + message[8:]
    over = pseudo_header(source, to, len(bare)) + bare if kind.version == 3 else bare  # type: ignore[arg-type]
    return bare[:6] + checksum(over).to_bytes(2, "big") + bare[8:]


def singles() -> list[tuple[Kind, Check]]:
    return [(kind, check) for kind in KINDS for check in ORDER if applies(check, kind)]


def pairs() -> list[tuple[Kind, Check, Check]]:
    """Every two neighbours of the order that can go wrong together."""
    return [
        (kind, first, second)
        for kind in KINDS
        for first, second in pairwise(check for check in ORDER if applies(check, kind))
        # Without addresses there is no first address; and version and type share a byte,
        # but not a nibble.
        if (first, second) != (Check.COUNT, Check.ADDRESS)
    ]


@pytest.fixture
def lan(request: pytest.FixtureRequest) -> Lan:
    """A MASTER alone, strict about IPv6 addresses; between two Advertisements."""
    kind: Kind = request.node.callspec.params["kind"]
    lan = kind.cluster(*(["strict_mode"] if kind is V6 else []), one=100)
    lan.run(4.2)
    assert state(lan, "one") == "MASTER"
    return lan


@pytest.mark.parametrize(("kind", "check"), singles(), ids=str)
def test_each_fault_alone_is_counted_under_its_name_and_changes_nothing(
    lan: Lan, kind: Kind, check: Check
) -> None:
    before, sent = router(lan, "one").current, len(adverts(lan, "one"))
    inject(lan, "one", broken(kind, {check}, lan))
    assert router(lan, "one").current == before
    assert router(lan, "one").counters[check.value] == 1
    lan.run(5)
    assert len(adverts(lan, "one")) == sent + 5


@pytest.mark.parametrize(("kind", "first", "second"), pairs(), ids=str)
def test_of_two_neighbouring_faults_the_first_is_counted(
    lan: Lan, kind: Kind, first: Check, second: Check
) -> None:
    inject(lan, "one", broken(kind, {first, second}, lan))
    assert router(lan, "one").counters[first.value] == 1
    assert router(lan, "one").counters[second.value] == 0


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_vrid_comes_before_every_other_check(lan: Lan, kind: Kind) -> None:
    packet = bytearray(broken(kind, {Check.TTL, Check.CHECKSUM}, lan))
    packet[21 if kind.family == 4 else 41] = 52
    before = router(lan, "one").counters.copy()
    inject(lan, "one", bytes(packet))
    assert router(lan, "one").counters == before
    assert router(lan, "one").listener.counters[Check.VRID.value] == 1


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_without_faults_it_is_believed(lan: Lan, kind: Kind) -> None:
    inject(lan, "one", broken(kind, set(), lan))
    assert state(lan, "one") == "BACKUP"


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_junk_ten_times_a_second_does_not_delay_a_master(lan: Lan, kind: Kind) -> None:
    """keepalived restarts Adver_Timer for every packet it rejects, and falls silent."""
    sent = len(adverts(lan, "one"))
    for _ in range(100):
        for check in ORDER:
            if applies(check, kind):
                inject(lan, "one", broken(kind, {check}, lan))
        lan.run(0.1)
    assert len(adverts(lan, "one")) == sent + 10
