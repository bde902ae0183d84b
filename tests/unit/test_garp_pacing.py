"""Pauses between announcements: `vrrp_garp_interval`, `vrrp_gna_interval`, `garp_group`."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address

import pytest

from labs.simulation.clock import VirtualClock
from vrrpd.config import loads
from vrrpd.garp_pacing import Pacer
from vrrpd.gratuitous_arp import gratuitous_arp, neighbour_advertisement

MS = 1_000_000
MAC = bytes(6)
ARPS = [gratuitous_arp(MAC, IPv4Address(f"10.0.0.{n}")) for n in (1, 2, 3)]
NAS = [neighbour_advertisement(MAC, IPv6Address(f"fd00::{n}")) for n in (1, 2)]


class Recorder:
    """A wire that keeps (time in ms, interface, frame); `broken` makes it refuse."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.sent: list[tuple[float, str, bytes]] = []
        self.broken = False

    def announce(self, interface: str, frames: Sequence[bytes]) -> None:
        if self.broken:
            raise OSError(100, "Network is down")
        self.sent += [(self.clock.now() / MS, interface, frame) for frame in frames]

    def times(self) -> list[float]:
        return [when for when, _, _ in self.sent]


class PacedSender:
    """A pacer under a configuration, and what it has sent."""

    def __init__(self, text: str = "") -> None:
        self.clock = VirtualClock()
        self.wire = Recorder(self.clock)
        self.pacer = Pacer(self.clock, self.wire)  # type: ignore[arg-type]
        self.refusals: list[OSError] = []
        self.configure(text)

    def configure(self, text: str) -> None:
        self.pacer.configure(loads(text).config)

    def send(
        self,
        frames: Sequence[bytes],
        interface: str = "eth0",
        sender: str = "VI_1",
        rounds: int = 1,
    ) -> None:
        self.pacer.send(sender, interface, frames, self.refusals.append, rounds)

    def run(self, ms: float) -> None:
        self.clock.advance(self.clock.now() + round(ms * MS))


PAUSE = "global_defs {\n vrrp_garp_interval 0.2\n vrrp_gna_interval 0.3\n}\n"


def test_without_a_pause_all_frames_go_at_once() -> None:
    paced = PacedSender()
    paced.send(ARPS, rounds=5)
    assert paced.wire.times() == [0] * 15
    assert [frame for _, _, frame in paced.wire.sent] == ARPS * 5


def test_the_first_goes_now_and_the_others_one_pause_apart() -> None:
    paced = PacedSender(PAUSE)
    paced.send(ARPS)
    paced.run(1000)
    assert [(when, frame) for when, _, frame in paced.wire.sent] == [
        (0, ARPS[0]),
        (200, ARPS[1]),
        (400, ARPS[2]),
    ]


def test_every_round_is_sent_one_pause_apart() -> None:
    """As keepalived 2.3.3, which serves the addresses in turn."""
    paced = PacedSender(PAUSE)
    paced.send(ARPS, rounds=5)
    paced.run(10_000)
    assert paced.wire.times() == [200 * n for n in range(15)]
    sent = [frame for _, _, frame in paced.wire.sent]
    assert {frame: sent.count(frame) for frame in ARPS} == dict.fromkeys(ARPS, 5)
    assert sent[:7] == [ARPS[0], ARPS[1], ARPS[2], ARPS[0], ARPS[1], ARPS[2], ARPS[0]]


def test_bursts_that_come_too_fast_melt_into_one() -> None:
    paced = PacedSender(PAUSE)
    for _ in range(100):
        paced.send(ARPS, rounds=5)
    paced.run(10_000)
    assert len(paced.wire.sent) == 1 + 3 * 5
    paced.run(10_000)
    assert len(paced.wire.sent) == 1 + 3 * 5


def test_arp_and_neighbour_advertisements_have_clocks_of_their_own() -> None:
    paced = PacedSender(PAUSE)
    paced.send([ARPS[0], NAS[0], ARPS[1], NAS[1]])
    paced.run(1000)
    assert [(when, frame) for when, _, frame in paced.wire.sent] == [
        (0, ARPS[0]),
        (0, NAS[0]),
        (200, ARPS[1]),
        (300, NAS[1]),
    ]


def test_interfaces_do_not_wait_for_each_other() -> None:
    paced = PacedSender(PAUSE)
    paced.send(ARPS[:1])
    paced.send(ARPS[:1], "eth1")
    assert paced.wire.times() == [0, 0]


def test_interfaces_of_a_group_do() -> None:
    paced = PacedSender("garp_group {\n garp_interval 0.1\n interfaces {\n eth0\n eth1\n }\n}\n")
    paced.send(ARPS[:1])
    paced.send(ARPS[:1], "eth1")
    paced.send(ARPS[:1], "eth2")
    paced.run(1000)
    assert [(when, name) for when, name, _ in paced.wire.sent] == [
        (0, "eth0"),
        (0, "eth2"),
        (100, "eth1"),
    ]


def test_a_group_of_one_overrides_the_global_pause() -> None:
    paced = PacedSender(PAUSE + "garp_group {\n garp_interval 0.5\n interface eth0\n}\n")
    paced.send(ARPS[:2])
    paced.send(NAS)
    paced.run(1000)
    assert paced.wire.times() == [0, 0, 300, 500]


def test_a_later_burst_waits_for_the_end_of_the_pause() -> None:
    paced = PacedSender(PAUSE)
    paced.send(ARPS[:1])
    paced.run(150)
    paced.send(ARPS[1:2])
    paced.run(1000)
    assert paced.wire.times() == [0, 200]


def test_what_is_withdrawn_is_never_sent() -> None:
    paced = PacedSender(PAUSE)
    paced.send(ARPS)
    paced.send(ARPS[2:], sender="VI_2")
    paced.pacer.withdraw("VI_1")
    paced.run(1000)
    assert [(when, frame) for when, _, frame in paced.wire.sent] == [(0, ARPS[0]), (200, ARPS[2])]


def test_after_an_idle_time_the_next_one_goes_at_once() -> None:
    paced = PacedSender(PAUSE)
    paced.send(ARPS[:1])
    paced.run(1000)
    paced.send(ARPS[:1])
    assert paced.wire.times() == [0, 1000]


def test_a_reload_that_drops_the_pause_lets_later_frames_go() -> None:
    paced = PacedSender(PAUSE)
    paced.send(ARPS)
    paced.configure("")
    paced.send(ARPS[:1])
    assert paced.wire.times() == [0, 0]


def test_a_refusal_is_reported_and_the_queue_goes_on() -> None:
    paced = PacedSender(PAUSE)
    paced.wire.broken = True
    paced.send(ARPS[:2])
    assert len(paced.refusals) == 1
    paced.wire.broken = False
    paced.run(1000)
    assert paced.wire.times() == [200]


def test_frames_go_on_after_one_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it is the first one or one that has waited, and whatever it raises."""
    paced = PacedSender(PAUSE)
    for wait in (0, 200):
        with monkeypatch.context() as patch:
            patch.setattr(paced.wire, "announce", 0)
            with pytest.raises(TypeError):
                paced.run(wait) if wait else paced.send(ARPS, rounds=2)
    paced.run(2000)
    assert paced.wire.times() == [400, 600, 800, 1000]
    paced.send(ARPS)
    paced.run(2000)
    assert [frame for _, _, frame in paced.wire.sent[4:]] == ARPS


def test_a_virtual_interface_keeps_the_pace_of_its_base() -> None:
    paced = PacedSender(PAUSE)
    paced.pacer.bases["vrrp.51"] = "eth0"
    paced.send(ARPS[:1])
    paced.send(ARPS[1:2], "vrrp.51")
    paced.run(1000)
    assert [(when, name) for when, name, _ in paced.wire.sent] == [(0, "eth0"), (200, "vrrp.51")]
