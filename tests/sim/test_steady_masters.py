"""MASTERs whose Advertisements are sent together send what they would send one by one.

The same days are played twice: by routers with a timer each, and by routers that leave their
Advertisements to a Cycle while nothing happens to them.
"""

from __future__ import annotations

import errno
import random
from collections import Counter
from collections.abc import Callable
from ipaddress import IPv4Address

import pytest

from labs.simulation.lan import Lan
from labs.simulation.ports import HostChannel
from tests.batches import SimulatedBatch, with_batches
from tests.cluster import cluster, conf, inject, router
from vrrpd.fsm import SECOND
from vrrpd.packet import GROUP4, Advertisement, encode, ipv4_packet

PEERS = "unicast_peer {\n192.168.1.99\n}"
HMAC = "auth_hmac {\nkey 1 32-bytes-at-least-for-every-key-x\nactive_key 1\n}"
KINDS: dict[int, tuple[str, ...]] = {
    51: (),
    52: ("higher_prio_send_advert",),
    53: ("nopreempt", "timer_expired_backup"),
    54: (),
    55: (PEERS,),
    56: (HMAC,),
}
NAMES = {vrid: f"VI_{vrid - 50}" for vrid in KINDS}
INTERVALS = ("0.1", "0.25")


class Day:
    """A day of some virtual routers on one host: frames by VRID, counters and journal."""

    def __init__(self, patch: pytest.MonkeyPatch, seed: int, together: bool) -> None:
        self.frames: dict[int, list[tuple[int, bytes]]] = {vrid: [] for vrid in NAMES}
        self.refused: dict[int, int] = {}  # errno by VRID
        self.seen: list[tuple[int | None, int]] = []  # deadlines and counters, in the middle
        send = HostChannel.send

        def record(channel: HostChannel, packet: bytes) -> None:
            if packet[21] in self.refused:
                raise OSError(self.refused[packet[21]], "refused")
            send(channel, packet)
            self.frames[packet[21]].append((channel.machine.clock.now(), packet))

        with patch.context() as changed:
            changed.setattr(HostChannel, "send", record)
            if together:
                with_batches(changed)
            self.lan = cluster(one=self._file(150))
            self._play(random.Random(seed))
            self.together = SimulatedBatch.together
            routers = [router(self.lan, "one", name) for name in NAMES.values()]
            self.lan.stop("one")
        self.counters: list[Counter[str]] = [one.counters for one in routers]
        self.journal = self.lan.journal("one")

    @staticmethod
    def _file(priority: int, interval: str = "0.1", network: int = 0) -> str:
        return "".join(
            conf(
                priority + vrid,
                "version 3",
                f"advert_int {interval}",
                *KINDS[vrid],
                name=name,
                vrid=vrid,
                vips=[f"10.0.{network}.{vrid}"],
            )
            for vrid, name in NAMES.items()
        )

    def _play(self, dice: random.Random) -> None:
        deeds: list[Callable[[Lan, int], object]] = [
            lambda lan, vrid: self._reload(
                lan, dice.choice((130, 150)), dice.choice(INTERVALS), dice.choice((0, 0, 1))
            ),
            lambda lan, vrid: self._look(lan),
            lambda lan, vrid: lan.unplug("one"),
            *[lambda lan, vrid: lan.plug("one")] * 3,
            lambda lan, vrid: router(lan, "one", NAMES[vrid]).counters.clear(),
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
        for _ in range(40):
            dice.choice(deeds)(self.lan, dice.choice(list(NAMES)))
            self.lan.run(dice.choice((0.01, 0.15, 0.95, 3.0)))
            self._look(self.lan)
        self.refused.clear()
        self.lan.thaw("one")
        self.lan.plug("one")
        self.lan.run(5)

    def _reload(self, lan: Lan, *values: int | str) -> None:
        lan.conf("one", self._file(*values))  # type: ignore[arg-type]
        lan.reload("one")

    def _look(self, lan: Lan) -> None:
        """What `vrrpctl` would see now."""
        for name in NAMES.values():
            one = router(lan, "one", name)
            self.seen.append((one.current.deadline, one.counters["advertisement-sent"]))


def _packet(vrid: int, priority: int) -> bytes:
    source, vip = IPv4Address("192.168.1.99"), IPv4Address(f"10.0.0.{vrid}")
    advert = Advertisement(3, vrid, priority, SECOND // 10, (vip,))
    return ipv4_packet(encode(advert, source, GROUP4), source, GROUP4, 1)


@pytest.mark.parametrize("seed", range(6))
def test_frames_counters_and_journal_are_those_of_single_timers(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    alone, together = Day(monkeypatch, seed, False), Day(monkeypatch, seed, True)
    assert alone.together == 0
    mine = sum(len(together.frames[vrid]) for vrid in (51, 52, 54))
    assert together.together > 0.5 * mine
    assert together.frames == alone.frames
    assert together.seen == alone.seen
    assert together.counters == alone.counters
    assert together.journal == alone.journal
