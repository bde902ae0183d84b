"""What we ask of the kernel, read back by pyroute2: the same formats, an independent reader.

What needs a kernel to answer is in tests/lab/test_netlink.py.
"""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg

from vrrpd.config.model import Address
from vrrpd.linux.netlink_attributes import attribute, attributes
from vrrpd.linux.rtnetlink import (
    ERROR,
    HEADER,
    NLMSG_DONE,
    NLMSG_ERROR,
    RTM_DELADDR,
    RTM_NEWADDR,
    RequestSocket,
    acknowledges,
    split,
)
from vrrpd.linux.rtnetlink_requests import (
    IFA_F_HOMEADDRESS,
    IFA_F_NODAD,
    IFA_F_NOPREFIXROUTE,
    Request,
    RequestBuilder,
    encode_address,
    flags_of,
)
from vrrpd.ports import InterfaceAddress

INDEX = 7


def address(ip: str, prefixlen: int | None = None, **more: Any) -> Address:
    parsed = ip_address(ip)
    length = parsed.max_prefixlen if prefixlen is None else prefixlen
    return Address(ip=parsed, prefixlen=length, **more)


def read(kind: int, one: Address) -> dict[str, Any]:
    """The request as pyroute2 understands it: header fields and attributes in one dictionary."""
    body = encode_address(kind, INDEX, one)
    message = ifaddrmsg(HEADER.pack(HEADER.size + len(body), kind, 0, 1, 0) + body)
    message.decode()
    found = {key: message[key] for key in ("family", "prefixlen", "scope", "index")}
    return {**found, **dict(message["attrs"])}


@pytest.mark.parametrize("kind", [RTM_NEWADDR, RTM_DELADDR])
@pytest.mark.parametrize(
    ("one", "family"),
    [
        (address("192.168.1.10"), socket.AF_INET),
        (address("192.168.1.10", 24), socket.AF_INET),
        (address("2001:db8::10", 64), socket.AF_INET6),
    ],
)
def test_the_plain_ones(kind: int, one: Address, family: int) -> None:
    found = read(kind, one)
    assert (found["family"], found["prefixlen"]) == (family, one.prefixlen)
    assert (found["index"], found["scope"]) == (INDEX, 0)
    assert found["IFA_LOCAL"] == found["IFA_ADDRESS"] == str(one.ip)
    assert "IFA_BROADCAST" not in found  # keepalived sets none unless configured


def test_every_word_behind_an_address() -> None:
    one = address(
        "10.0.0.1",
        24,
        scope=253,
        broadcast=ip_address("10.0.0.255"),
        label="eth0:vip",
        home=True,
        noprefixroute=True,
    )
    found = read(RTM_NEWADDR, one)
    assert found["scope"] == 253
    assert found["IFA_BROADCAST"] == "10.0.0.255"
    assert found["IFA_LABEL"] == "eth0:vip"
    assert found["IFA_FLAGS"] == IFA_F_HOMEADDRESS | IFA_F_NOPREFIXROUTE


def test_a_point_to_point_address() -> None:
    """IFA_ADDRESS is the far end, and the prefix length is its."""
    found = read(RTM_NEWADDR, address("10.0.0.1", 30, peer=ip_address("10.0.9.2")))
    assert (found["IFA_LOCAL"], found["IFA_ADDRESS"]) == ("10.0.0.1", "10.0.9.2")


def test_a_deprecated_ipv6_address() -> None:
    """preferred_lft 0: never chosen as a source, and valid for ever all the same."""
    found = read(RTM_NEWADDR, address("2001:db8::1", nodad=True, preferred_lft=0))
    life = found["IFA_CACHEINFO"]
    assert (life["ifa_preferred"], life["ifa_valid"]) == (0, 0xFFFFFFFF)
    assert found["IFA_FLAGS"] == IFA_F_NODAD
    # keepalived knows it for IPv6 alone: it keeps a VIP from being chosen as a source.
    assert "IFA_CACHEINFO" not in read(RTM_NEWADDR, address("10.0.0.1", preferred_lft=0))


def test_removing_asks_for_the_address_alone() -> None:
    one = address("10.0.0.1", 24, broadcast=ip_address("10.0.0.255"), home=True)
    found = read(RTM_DELADDR, one)
    assert "IFA_BROADCAST" not in found
    assert "IFA_FLAGS" not in found


@pytest.mark.parametrize("word", ["home", "mngtmpaddr", "noprefixroute", "autojoin", "nodad"])
def test_each_flag_is_one_bit_of_its_own(word: str) -> None:
    every = {"home", "mngtmpaddr", "noprefixroute", "autojoin", "nodad"}
    mine = flags_of(address("10.0.0.1", **{word: True}))
    others = flags_of(address("10.0.0.1", **dict.fromkeys(every - {word}, True)))
    assert mine.bit_count() == 1
    assert not mine & others


@pytest.mark.parametrize(
    ("verb", "number", "refused"),
    [
        ("add", 0, None),
        ("add", 17, None),  # EEXIST: it is there
        ("add", 1, "cannot add 10.0.0.1 on eth0: Operation not permitted"),
        ("add", 99, "cannot add 10.0.0.1 on eth0: Cannot assign requested address"),
        ("remove", 99, None),  # EADDRNOTAVAIL: it is gone
        ("remove", 19, None),  # ENODEV: with its interface
        ("remove", 1, "cannot remove 10.0.0.1 on eth0: Operation not permitted"),
    ],
)
def test_refusals_in_words(verb: Any, number: int, refused: str | None) -> None:
    placed = InterfaceAddress("eth0", address("10.0.0.1"))
    assert Request(verb, placed, RTM_NEWADDR, 0, b"").refusal(number) == refused


# Reading what comes.


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_make_the_readers_raise_or_run_for_ever(data: bytes) -> None:
    messages = list(split(data))
    assert len(messages) <= len(data) // HEADER.size
    assert len(attributes(data)) <= len(data) // 4


@given(st.lists(st.tuples(st.integers(0, 0x3FFF), st.binary(max_size=20)), max_size=8))
def test_attributes_go_there_and_back(pairs: list[tuple[int, bytes]]) -> None:
    data = b"".join(attribute(kind, value) for kind, value in pairs)
    first: dict[int, bytes] = {}
    for kind, value in pairs:
        first.setdefault(kind, value)
    assert attributes(data) == first


def test_a_buffer_is_split_into_its_messages() -> None:
    one = HEADER.pack(HEADER.size + 3, 16, 0, 5, 42) + b"abc" + b"\0"
    two = HEADER.pack(HEADER.size, 3, 0, 6, 42)
    assert [(kind, sequence, port) for kind, sequence, port, _ in split(one + two)] == [
        (16, 5, 42),
        (3, 6, 42),
    ]


def test_only_the_acknowledgment_alone_acknowledges() -> None:
    """NLMSG_ERROR with errno 0 for that sequence number, followed by the header it answers."""

    def answer(kind: int = NLMSG_ERROR, sequence: int = 5, error: int = 0) -> bytes:
        return ERROR.pack(36, kind, 0x100, sequence, 77, error) + bytes(16)

    assert acknowledges(answer(), 5)
    for data in (
        answer(sequence=4),
        answer(error=-17),
        answer(kind=NLMSG_DONE),
        answer() + answer(sequence=6),
        answer()[:19],
        b"",
    ):
        assert not acknowledges(data, 5)


def test_addresses_that_come_and_go_leave_nothing_behind() -> None:
    """Reload after reload with addresses that were never seen before: memory stays flat."""
    orders, here = RequestBuilder(lambda name: 7, lambda count: range(count)), None
    for number in range(50):
        new = InterfaceAddress("eth0", Address(ip=ip_address(f"10.0.0.{number}"), prefixlen=32))
        batch = orders.batch([new], [] if here is None else [here])
        orders.done += batch.orders.values()
        here = new
    orders.settle()
    assert list(orders.encoded) == [(7, here)]
    assert list(orders.homes) == [here]


def test_sequence_numbers_begin_again_after_the_last_one_that_fits() -> None:
    requests = object.__new__(RequestSocket)
    requests.sequence = 0xFFFFFFFC
    assert requests.numbers(2) == range(0xFFFFFFFD, 0xFFFFFFFF)
    for count in (2, 3):
        for number in requests.numbers(count):
            HEADER.pack(HEADER.size, RTM_NEWADDR, 0, number, 0)
    assert requests.sequence == 5
