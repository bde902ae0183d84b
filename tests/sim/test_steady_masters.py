"""MASTERs that are served together send what they would send one by one.

The same days are played twice: on the simulated clock, which calls each timer by itself, and on one
that asks the group of the timers first, as the loop of a real host does.
"""

from __future__ import annotations

import errno
import random
from collections import Counter
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address
from typing import Any

import pytest

from labs.simulation import lan as lans
from labs.simulation.clock import VirtualTimer
from labs.simulation.lan import Lan
from labs.simulation.ports import HostChannel, HostClock
from tests.cluster import cluster, conf, inject, router
from vrrpd.fsm import SECOND
from vrrpd.packet import GROUP4, Advertisement, encode, ipv4_packet, numbered
from vrrpd.ports import GroupMember

NAMES = {51: "VI_1", 52: "VI_2", 53: "VI_3", 54: "VI_4"}
KINDS = {
    51: (),
    52: ("higher_prio_send_advert",),
    53: ("nopreempt", "timer_expired_backup"),
    54: (),
}


class GroupedTimer:
    """A timer of a member of a group; `asked`: the group has not served it."""

    def __init__(
        self, clock: GroupingClock, when: int, call: Callable[[], None], member: GroupMember
    ) -> None:
        self.clock, self.when, self.call, self.member = clock, when, call, member
        self.asked = False
        self.inner = clock.call_alone(when, self._due)

    def cancel(self) -> None:
        self.inner.cancel()
        if self in self.clock.waiting:
            self.clock.waiting.remove(self)

    def postpone(self, when: int) -> None:
        """Without effect unless the group does it, as on the simulated clock."""
        if self.clock.asking:
            self.when = when
            self.inner.cancel()
            self.inner = self.clock.call_alone(when, self._due)

    def _due(self) -> None:
        if not self.asked:
            self.clock.ask()
        if self.when <= self.clock.now():
            self.clock.waiting.remove(self)
            self.call()


class GroupingClock(HostClock):
    """A clock that lets groups serve what is due together, as `vrrpd.linux.loop` does."""

    def __init__(self, machine: Any) -> None:
        super().__init__(machine)
        self.waiting: list[GroupedTimer] = []
        self.asking = False

    def call_alone(self, when: int, callback: Callable[[], None]) -> VirtualTimer:
        return super().call_at(when, callback)

    def call_at(  # type: ignore[override]  # the timers of members are others
        self,
        when: int,
        callback: Callable[[], None],
        before: Callable[[], None] | None = None,
        member: GroupMember | None = None,
    ) -> VirtualTimer | GroupedTimer:
        if member is None:
            return self.call_alone(when, callback)
        timer = GroupedTimer(self, when, callback, member)
        self.waiting.append(timer)
        return timer

    def ask(self) -> None:
        """Let the groups serve all that is due."""
        now = self.now()
        due = sorted((one for one in self.waiting if one.when <= now), key=lambda one: one.when)
        self.asking = True
        for group in dict.fromkeys(one.member.timer_group for one in due):
            group.expire([one.member for one in due if one.member.timer_group is group])
        self.asking = False
        for one in due:
            one.asked = one.when <= now


class Day:
    """One day of four virtual routers on one host: frames by VRID, counters and journal."""

    def __init__(self, patch: pytest.MonkeyPatch, seed: int, together: bool) -> None:
        self.frames: dict[int, list[tuple[int, bytes]]] = {vrid: [] for vrid in NAMES}
        self.refused: dict[int, int] = {}  # errno by VRID
        self.together = 0  # frames that were sent together
        send = HostChannel.send

        def record(channel: HostChannel, packet: bytes) -> None:
            if packet[21] in self.refused:
                raise OSError(self.refused[packet[21]], "refused")
            send(channel, packet)
            self.frames[packet[21]].append((channel.machine.clock.now(), packet))

        def send_again(
            channel: HostChannel, packets: Sequence[bytes], idents: Sequence[int]
        ) -> int:
            for count, (packet, ident) in enumerate(zip(packets, idents, strict=True)):
                try:
                    record(channel, numbered(packet, ident))
                except OSError:
                    return count
                self.together += 1
            return len(packets)

        with patch.context() as changed:
            changed.setattr(HostChannel, "send", record)
            if together:
                changed.setattr(HostChannel, "send_again", send_again)
                changed.setattr(lans, "HostClock", GroupingClock)
            self.lan = cluster(one=self._file(150))
            self._play(random.Random(seed))
            routers = [router(self.lan, "one", name) for name in NAMES.values()]
            self.lan.stop("one")
        self.counters: list[Counter[str]] = [one.counters for one in routers]
        self.journal = self.lan.journal("one")

    @staticmethod
    def _file(priority: int) -> str:
        own = {"version 3", "advert_int 0.1"}
        return "".join(
            conf(
                priority + vrid,
                *sorted(own),
                *KINDS[vrid],
                name=name,
                vrid=vrid,
                vips=[f"10.0.0.{vrid}"],
            )
            for vrid, name in NAMES.items()
        )

    def _play(self, dice: random.Random) -> None:
        deeds: list[Callable[[Lan, int], object]] = [
            lambda lan, vrid: self._reload(lan, dice.choice((130, 150))),
            lambda lan, vrid: inject(lan, "one", _packet(vrid, 250)),
            lambda lan, vrid: inject(lan, "one", _packet(vrid, 10)),
            lambda lan, vrid: inject(lan, "one", _packet(vrid, 0)),
            lambda lan, vrid: router(lan, "one", NAMES[vrid]).set_weight("x", dice.choice((-9, 0))),
            lambda lan, vrid: self.refused.update({vrid: errno.EPERM}),
            *[lambda lan, vrid: self.refused.update({vrid: errno.ENOBUFS})] * 3,
            *[lambda lan, vrid: self.refused.clear()] * 3,
            lambda lan, vrid: lan.freeze("one"),
            lambda lan, vrid: lan.thaw("one"),
        ]
        self.lan.run(2)
        for _ in range(25):
            dice.choice(deeds)(self.lan, dice.choice(list(NAMES)))
            self.lan.run(dice.choice((0.01, 0.15, 0.95, 3.0)))
        self.refused.clear()
        self.lan.thaw("one")
        self.lan.run(5)

    def _reload(self, lan: Lan, priority: int) -> None:
        lan.conf("one", self._file(priority))
        lan.reload("one")


def _packet(vrid: int, priority: int) -> bytes:
    source, vip = IPv4Address("192.168.1.99"), IPv4Address(f"10.0.0.{vrid}")
    advert = Advertisement(3, vrid, priority, SECOND // 10, (vip,))
    return ipv4_packet(encode(advert, source, GROUP4), source, GROUP4, 1)


@pytest.mark.parametrize("seed", range(4))
def test_frames_counters_and_journal_are_those_of_single_timers(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    alone, grouped = Day(monkeypatch, seed, False), Day(monkeypatch, seed, True)
    assert alone.together == 0
    assert grouped.together > 0.5 * sum(map(len, grouped.frames.values()))
    assert grouped.frames == alone.frames
    assert grouped.counters == alone.counters
    assert grouped.journal == alone.journal
