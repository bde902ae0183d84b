"""`auth_type AH` in a cluster: no sequence number of any sender is the last one."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from labs.simulation.invariants import InvariantChecker
from labs.simulation.lan import Lan
from tests.cluster import VIP, cluster, conf, inject, router
from vrrpd import auth_header
from vrrpd.fsm import SECOND
from vrrpd.packet import GROUP4, Advertisement, AuthType, encode

KEY = b"1111\0\0\0\0"
AH = "authentication {\n auth_type AH\n auth_pass 1111\n}"
INTRUDER = IPv4Address("192.168.1.66")
ENDS = (0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0x80000000, 0x7FFFFFFF)


def sealed(sequence: int, priority: int = 50) -> bytes:
    """An Advertisement of a sender that has the key."""
    advert = Advertisement(
        2, 51, priority, SECOND, (IPv4Address(VIP),), AuthType.AH.value, bytes(8)
    )
    message = encode(advert, INTRUDER, GROUP4)
    return auth_header.seal(message, INTRUDER, GROUP4, 1, 255, KEY, sequence)


def pair() -> Lan:
    return cluster(one=conf(150, AH), two=conf(100, AH))


@pytest.mark.parametrize("hosts", [("one", "two"), ("one",), ("two",)])
@pytest.mark.parametrize("after", [0, 3, 60])
@pytest.mark.parametrize("sequence", ENDS)
def test_no_number_paralyses_a_router(sequence: int, after: int, hosts: tuple[str, ...]) -> None:
    """`after` seconds of life, at two hosts or one of them: the election goes on as before."""
    lan = pair()
    if len(hosts) == 2:  # one that has received another number drops the other's for one takeover
        InvariantChecker(lan)
    lan.run(after)
    for host in hosts:
        inject(lan, host, sealed(sequence))
    lan.run(20)
    assert lan.masters() == ["one"]
    lan.unplug("one")
    lan.run(5)
    assert lan.holders() == ["two"]
    lan.plug("one")
    lan.run(10)
    assert lan.masters() == ["one"]


def test_several_numbers_in_a_row_do_no_more_than_one() -> None:
    lan = pair()
    lan.run(5)
    for sequence in (*ENDS, *reversed(ENDS), 1, 0, 0xC0000000, 0x40000000) * 3:
        for host in ("one", "two"):
            inject(lan, host, sealed(sequence))
        lan.run(2)
    lan.run(10)
    assert lan.masters() == ["one"]


def test_the_numbers_come_round_without_a_gap_in_the_service() -> None:
    lan = pair()
    for host in ("one", "two"):
        router(lan, host).advertiser.sequence = 0xFFFFFFF0
    lan.run(60)
    assert router(lan, "one").advertiser.sequence < 100
    assert lan.masters() == ["one"]
    assert [line["to"] for line in lan.journal("two") if line["event"] == "state"] == ["BACKUP"]


def test_what_comes_after_what() -> None:
    assert auth_header.later(1, 0)
    assert not auth_header.later(0, 0)
    assert auth_header.later(0xFFFFFFFF, 0)
    assert not auth_header.later(0xFFFFFFFF, 100)
    assert auth_header.later(1, 0xFFFFFFFF)
    assert not auth_header.later(7, 7)
    assert not auth_header.later(6, 7)
    assert [auth_header.following(n) for n in (0, 1, 0xFFFFFFFE, 0xFFFFFFFF)] == [
        1,
        2,
        0xFFFFFFFF,
        1,
    ]
