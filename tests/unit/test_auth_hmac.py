"""The trailer of `auth_hmac`: keepalived's own vectors to the byte, and every reason to refuse one.

tests/data/auth-hmac-vectors.json has the images and the verdicts on them of keepalived's test.
"""

from __future__ import annotations

import json
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrrpd.auth_hmac import (
    TRAILER_BYTES,
    Verifier,
    after,
    following,
    lead,
    sign,
    split,
    stamp,
)
from vrrpd.config.values import SECOND, AuthHmac
from vrrpd.packet import CENTISECOND, Advertisement, Check, Datagram, PacketError, decode, encode
from vrrpd.record import replace

DATA = json.loads((Path(__file__).parents[1] / "data" / "auth-hmac-vectors.json").read_text())
VECTORS: list[dict[str, Any]] = DATA["vectors"]
KEY = bytes.fromhex(DATA["key"])
SEQUENCE = int(DATA["sequence"], 16)
MONOTONIC = AuthHmac(keys=((1, KEY),), active_key=1, anti_replay="monotonic")
TIMED = AuthHmac(keys=((1, KEY),), active_key=1, time_window=5)
THEN = 1_800_000_000 * SECOND  # a moment in ns since 1970
names = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])


def advertisement(vector: dict[str, Any]) -> Advertisement:
    """What the vector says."""
    return Advertisement(
        vector["version"],
        vector["vrid"],
        vector["priority"],
        vector["interval_cs"] * CENTISECOND,
        tuple(map(ip_address, vector["addresses"])),
    )


def received(vector: dict[str, Any], data: bytes) -> Datagram:
    """The vector, or something like it, as it would have come in."""
    message, trailer = split(data, vector["family"])
    ends = ip_address(vector["ip_src"]), ip_address(vector["ip_dst"])
    return Datagram(*ends, 255, 112, message, trailer=trailer)


def verdict(verifier: Verifier, datagram: Datagram) -> str:
    """OK, or the name of the check that fails."""
    try:
        verifier.check(datagram)
    except PacketError as error:
        return error.check.name
    return "OK"


class Pair:
    """A sender and a receiver over IPv6, each with a calendar of its own (s)."""

    def __init__(self, auth: AuthHmac) -> None:
        self.vector = VECTORS[1]
        self.auth = auth
        self.sender = self.receiver = THEN // SECOND
        self.last: int | None = None
        self.verifier = Verifier(auth, lambda: self.receiver * SECOND)

    def send(self) -> Datagram:
        """The next Advertisement."""
        vector, now = self.vector, self.sender * SECOND
        source = ip_address(vector["ip_src"])
        message = encode(advertisement(vector), source, ip_address(vector["ip_dst"]))
        self.last = following(self.last, now, self.auth.window)
        return received(vector, message + sign(message, source, 1, KEY, self.last))

    def verdict(self) -> str:
        """What the receiver says to the next Advertisement; a second later on both clocks."""
        self.sender += 1
        self.receiver += 1
        return verdict(self.verifier, self.send())


@names
def test_the_frames_of_the_draft_are_made_to_the_byte(vector: dict[str, Any]) -> None:
    source, destination = ip_address(vector["ip_src"]), ip_address(vector["ip_dst"])
    message = encode(advertisement(vector), source, destination, vector["pseudo"])
    trailer = sign(message, source, DATA["key_id"], KEY, SEQUENCE)
    made = encode(advertisement(vector), source, destination, vector["pseudo"], trailer)
    assert made.hex() == vector["hex"]


@names
def test_the_frames_of_the_draft_are_read_and_believed(vector: dict[str, Any]) -> None:
    datagram = received(vector, bytes.fromhex(vector["hex"]))
    told = decode(datagram.message, datagram.source, datagram.destination, datagram.trailer)
    assert told._replace(pseudo=None) == advertisement(vector)
    assert len(datagram.trailer) == TRAILER_BYTES
    assert verdict(Verifier(MONOTONIC, lambda: THEN), datagram) == "OK"


@pytest.mark.parametrize("mutation", DATA["mutations"], ids=lambda mutation: mutation["name"])
def test_one_changed_byte_has_the_verdict_that_keepalived_gives(mutation: dict[str, Any]) -> None:
    data = bytearray.fromhex(VECTORS[1]["hex"])
    data[mutation["offset"]] ^= 1
    datagram = received(VECTORS[1], bytes(data))
    assert verdict(Verifier(MONOTONIC, lambda: THEN), datagram) == mutation["verdict"]


def test_source_address_and_vrid_are_a_part_of_what_is_signed() -> None:
    datagram = received(VECTORS[1], bytes.fromhex(VECTORS[1]["hex"]))
    moved = datagram._replace(source=IPv6Address("fe80::20"))
    assert verdict(Verifier(MONOTONIC, lambda: THEN), moved) == "HMAC_INVALID"
    other = datagram.message[:1] + bytes((52,)) + datagram.message[2:]
    assert verdict(Verifier(MONOTONIC, lambda: THEN), datagram._replace(message=other)) == (
        "HMAC_INVALID"
    )


def test_a_missing_trailer_is_refused_by_enforce_alone() -> None:
    bare = received(VECTORS[1], bytes.fromhex(VECTORS[1]["hex"]))._replace(trailer=b"")
    assert verdict(Verifier(TIMED, lambda: THEN), bare) == "HMAC_MISSING"
    for mode in ("permissive", "receive-only"):
        lenient = replace(TIMED, mode=mode)
        assert verdict(Verifier(lenient, lambda: THEN), bare) == "OK"


@pytest.mark.parametrize("mode", ["enforce", "permissive", "receive-only"])
def test_a_trailer_that_is_there_must_be_right_in_every_mode(mode: Any) -> None:
    data = bytearray.fromhex(VECTORS[1]["hex"])
    data[-1] ^= 1
    verifier = Verifier(replace(MONOTONIC, mode=mode), lambda: THEN)
    assert verdict(verifier, received(VECTORS[1], bytes(data))) == "HMAC_INVALID"
    assert not verifier.marks  # and nothing is remembered of it


def test_a_packet_is_accepted_once() -> None:
    pair = Pair(TIMED)
    packet = pair.send()
    assert verdict(pair.verifier, packet) == "OK"
    assert verdict(pair.verifier, packet) == "HMAC_REPLAY"
    assert verdict(pair.verifier, pair.send()) == "OK"  # the same moment: the counter goes on
    assert verdict(pair.verifier, packet) == "HMAC_REPLAY"


@pytest.mark.parametrize(
    ("skew", "expected"), [(-6, "HMAC_STALE"), (-5, "OK"), (5, "OK"), (6, "HMAC_STALE")]
)
def test_the_window_has_the_same_width_on_both_sides(skew: int, expected: str) -> None:
    pair = Pair(TIMED)
    pair.sender += skew
    assert pair.verdict() == expected


def test_a_clock_that_is_about_to_leave_the_window_is_reported() -> None:
    pair = Pair(TIMED)
    told: list[tuple[object, int]] = []
    pair.verifier.drifting = lambda source, skew: told.append((source, skew))
    pair.sender -= 2
    assert pair.verdict() == "OK"
    assert told == []
    pair.sender, pair.last = pair.sender - 1, None
    pair.verifier.marks.clear()
    assert pair.verdict() == "OK"
    assert told == [(ip_address(pair.vector["ip_src"]), 3)]


@pytest.mark.parametrize("step", [3600, -3600, 6, -6, 5, -5, 1, -1])
def test_after_a_step_of_the_senders_clock_and_its_correction_it_is_believed_at_once(
    step: int,
) -> None:
    pair = Pair(TIMED)
    assert pair.verdict() == "OK"
    pair.sender += step
    pair.verdict()
    pair.sender -= step
    assert pair.verdict() == "OK"


@pytest.mark.parametrize("step", [3600, -3600, 6, -6, 5, -5, 1, -1])
def test_after_a_step_of_both_clocks_and_its_correction_it_is_believed_at_once(step: int) -> None:
    pair = Pair(TIMED)
    assert pair.verdict() == "OK"
    pair.sender += step
    pair.receiver += step
    assert pair.verdict() == "OK"
    pair.sender -= step
    pair.receiver -= step
    assert pair.verdict() == "OK"


def test_the_window_is_that_of_the_moment_at_which_a_packet_arrived() -> None:
    pair = Pair(TIMED)
    packet = pair.send()
    pair.receiver += 60
    assert verdict(pair.verifier, packet) == "HMAC_STALE"
    assert verdict(pair.verifier, packet._replace(waited=60 * SECOND)) == "OK"


def test_a_mark_of_the_future_expires_only_with_a_window() -> None:
    for auth, expected in ((TIMED, "OK"), (MONOTONIC, "HMAC_REPLAY")):
        pair = Pair(auth)
        pair.verifier.marks[ip_address(pair.vector["ip_src"])] = stamp(THEN + 7200 * SECOND)
        assert pair.verdict() == expected


@given(st.lists(st.integers(-10_000, 10_000), max_size=20))
def test_monotonic_never_minds_what_is_done_to_either_clock(steps: list[int]) -> None:
    pair = Pair(MONOTONIC)
    for number, step in enumerate(steps):
        if number % 2:
            pair.sender += step
        else:
            pair.receiver += step
        assert pair.verdict() == "OK"


def test_the_years_2038_and_2106_are_days_like_any_other() -> None:
    for wall in (2**31, 2**32):
        pair = Pair(TIMED)
        pair.sender = pair.receiver = wall - 2
        for _ in range(4):
            assert pair.verdict() == "OK"
            pair.sender += 1
            pair.receiver += 1


@given(st.integers(0, 2**64 - 1), st.integers(1, 2**63 - 1))
def test_serial_numbers_are_ordered_around_the_circle(start: int, ahead: int) -> None:
    later = (start + ahead) % 2**64
    assert after(later, start)
    assert not after(start, later)
    assert not after(start, start)


def test_seconds_are_compared_around_the_circle_too() -> None:
    assert lead(stamp(2**32 * SECOND), stamp((2**32 - 3) * SECOND)) == 3
    assert lead(stamp((2**32 - 3) * SECOND), stamp(2**32 * SECOND)) == -3


def test_the_fraction_of_a_second_is_binary() -> None:
    assert stamp(THEN + SECOND // 2) == THEN // SECOND << 32 | 0x8000 << 16


@given(st.binary(max_size=300), st.sampled_from([4, 6]))
def test_splitting_never_loses_a_byte(data: bytes, family: int) -> None:
    message, trailer = split(data, family)
    assert message + trailer == data
    assert len(trailer) in (0, TRAILER_BYTES)


def test_only_so_many_senders_are_remembered() -> None:
    verifier = Verifier(MONOTONIC, lambda: THEN)
    message = encode(advertisement(VECTORS[1]), IPv6Address("fe80::1"), IPv6Address("fe80::2"))
    for number in range(200):
        source = IPv6Address(f"fe80::1:{number:x}")
        trailer = sign(message, source, 1, KEY, stamp(THEN))
        datagram = Datagram(source, IPv6Address("ff02::12"), 255, 112, message, trailer=trailer)
        assert verdict(verifier, datagram) == "OK"
    assert len(verifier.marks) == 64


def test_no_key_in_what_a_configuration_looks_like() -> None:
    assert KEY.hex() not in repr(TIMED)
    assert repr(KEY) not in repr(TIMED)


def test_no_reason_names_a_key() -> None:
    pair = Pair(TIMED)
    pair.sender -= 9
    with pytest.raises(PacketError) as caught:
        pair.verifier.check(pair.send())
    assert caught.value.check is Check.HMAC_STALE
    assert str(caught.value) == ("stamped 9 s behind our clock, and the window is 5 s: check NTP")
