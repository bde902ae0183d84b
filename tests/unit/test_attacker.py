"""The attacker of lesson 18, on keepalived's own packets: what it guesses, signs and forges."""

from __future__ import annotations

import pytest

from labs.errors import LabError
from labs.experiments import attacker
from tests.captures import packets
from vrrpd import auth_header
from vrrpd.packet import AuthType, PacketError, decode, parse_ipv4

KEY = b"1111\0\0\0\0"


def signed() -> bytes:
    """keepalived's first packet with an authentication header, password 1111."""
    return packets("03")[0]


def plain() -> bytes:
    """keepalived's first packet with a password."""
    return packets("01")[0]


def test_a_short_number_is_guessed_from_one_packet() -> None:
    found = attacker.guess(signed())
    assert found.password == "1111"
    assert repr(found).startswith(f"It is '1111', after {found.tries:,} passwords")


def test_a_password_that_is_not_among_the_tried_ones_is_not_found() -> None:
    found = attacker.guess(signed(), ["1112", "secret"])
    assert (found.password, found.tries) == (None, 2)
    assert repr(found).startswith("None of them, after 2 passwords")


def test_without_an_authentication_header_there_is_nothing_to_guess() -> None:
    with pytest.raises(LabError, match="nothing to guess"):
        attacker.guess(plain())


def test_only_eight_characters_of_a_password_count() -> None:
    long = attacker.sealed(plain(), "keepalived", signed())
    assert attacker.guess(long, ["keepaliv"]).password == "keepaliv"


def test_a_sealed_packet_is_one_of_the_cluster() -> None:
    forged = parse_ipv4(attacker.sealed(plain(), "1111", signed()))
    last = auth_header.sequence_of(parse_ipv4(signed()))
    auth_header.verify(forged, KEY, last)
    assert decode(forged.message).auth_type == AuthType.AH.value
    with pytest.raises(PacketError, match="ICV"):
        auth_header.verify(forged, b"1112\0\0\0\0", last)


@pytest.mark.parametrize(
    ("kind", "word", "auth"),
    [
        pytest.param(AuthType.PASS, b"r7Kx2mQz", b"r7Kx2mQz", id="a password"),
        pytest.param(AuthType.PASS, b"longer than eight", b"longer t", id="cut"),
        pytest.param(AuthType.NONE, b"", bytes(8), id="none"),
    ],
)
def test_authentication_is_replaced_and_nothing_else(
    kind: AuthType, word: bytes, auth: bytes
) -> None:
    before = decode(parse_ipv4(plain()).message)
    after = decode(parse_ipv4(attacker._with(plain(), kind, word)).message)
    assert (after.auth_type, after.auth) == (kind.value, auth)
    assert (after.vrid, after.priority, after.interval, after.addresses) == (
        before.vrid,
        before.priority,
        before.interval,
        before.addresses,
    )
