"""The short way of an Advertisement that was admitted before, and what closes it again."""

from __future__ import annotations

import pytest

from tests.cluster import advert, cluster, conf, inject, router, state
from vrrpd.events import Event
from vrrpd.listener import REMEMBERED


def again(packet: bytes, ident: int) -> bytes:
    """The same packet, sent later: identification and header checksum differ."""
    return packet[:4] + ident.to_bytes(2, "big") + packet[6:10] + b"\x00\x00" + packet[12:]


def test_the_same_words_are_not_checked_twice_and_count_every_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lan = cluster(one=conf(100))
    packet = advert(150)
    inject(lan, "one", packet)
    monkeypatch.setattr("vrrpd.validation.CHECKS", ())
    monkeypatch.setattr("vrrpd.listener.parse_ip", lambda _: pytest.fail("read a second time"))
    for ident in range(2, 8):
        lan.run(1)
        inject(lan, "one", again(packet, ident))
    lan.run(3)
    assert state(lan, "one") == "BACKUP"
    assert router(lan, "one").counters["advertisement-rcvd"] == 7


def test_after_a_reload_everything_is_checked_again() -> None:
    lan = cluster(one=conf(100))
    inject(lan, "one", advert(150))
    other = conf(100).replace("priority 100", "priority 100\nadvert_int 2")
    lan.conf("one", other)
    lan.reload("one")
    inject(lan, "one", advert(150))
    assert router(lan, "one").counters["interval-errors"] == 1


@pytest.mark.parametrize("place", range(28))
def test_one_other_byte_fares_as_if_nothing_had_been_received_before(place: int) -> None:
    changed = bytearray(advert(150))
    changed[place] ^= 0x40
    counts = []
    for before in ([], [advert(150)]):
        lan = cluster(one=conf(100))
        for packet in [*before, bytes(changed)]:
            inject(lan, "one", packet)
        found = router(lan, "one").counters
        found["advertisement-rcvd"] -= len(before)
        counts.append({**found, **router(lan, "one").listener.counters})
    assert counts[0] == counts[1]


def test_the_memory_is_bounded() -> None:
    lan = cluster(one=conf(100))
    one = router(lan, "one")
    for number in range(REMEMBERED + 10):
        packet = bytearray(advert(150))
        packet[1] = number % 256  # the type of service, which is not checked
        packet[2:4] = number.to_bytes(2, "big") if number > 255 else packet[2:4]
        inject(lan, "one", bytes(packet))
    assert len(one.listener.known) <= REMEMBERED


def test_many_of_the_same_that_were_forgotten_meanwhile_are_not_checked_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A quiet BACKUP is handed a day of Advertisements at once."""
    lan = cluster(one=conf(100))
    one = router(lan, "one")
    inject(lan, "one", advert(150))
    one.listener.known.clear()
    dispatched: list[object] = []
    dispatch = one.dispatch

    def note(event: Event, at: int | None = None) -> None:
        dispatched.append(event)
        dispatch(event, at)

    monkeypatch.setattr(one, "dispatch", note)
    one.listener.receive(advert(150), lan.clock.now(), 10_000)
    assert one.counters["advertisement-rcvd"] == 10_001
    assert len(dispatched) == 2
    one.listener.receive(advert(150, vrid=77), lan.clock.now(), 3)
    assert one.listener.counters["vrid-errors"] == 3
