"""A pair of FRR's daemons among those that are measured.

FRR holds its addresses on a macvlan all the time and switches that on and off: there is no last
address to wait for, so that figure is left out.  It rounds the Skew_Time down to hundredths of a
second, and its moment is counted from there.
"""

from __future__ import annotations

import random
import signal
from pathlib import Path

from tests.bench.takeover import BACKUP, MASTER, PRIORITY, Pair, Scenario, vip
from tests.interop.test_frr import FAMILIES, FRR, Family, Frr


def installed() -> bool:
    """Whether FRR is there: set-up brings it to test machines only."""
    return (FRR / "vrrpd").exists()


class FrrPair(Pair):
    """Two machines with FRR, again and again master and backup."""

    def __init__(self, room: Path, kind: str, scenario: Scenario, luck: random.Random) -> None:
        assert scenario.version == 3
        self.daemons: dict[int, Frr] = {}
        super().__init__(room, kind, scenario, luck)

    def _start(self, number: int) -> None:
        if number not in self.daemons:
            four, addresses = FAMILIES["ipv4"], map(vip, range(self.scenario.vips))
            pace = round(self.scenario.interval * 1000)
            family = Family(four.macvlan, four.mac, tuple(addresses), 32, pace)
            self.daemons[number] = Frr(self.lan[number], family)
        self.daemons[number].start(PRIORITY[number])

    @property
    def skew(self) -> float:
        """Skew_Time in seconds, rounded down as FRR 8.4 does."""
        return int(self.scenario.skew * 100) / 100

    def _resting(self) -> bool:
        return True

    def _taken(self) -> bool:
        return self.lan.wire.adverts()[-1].host == BACKUP

    def _last_address(self, due: float) -> None:
        return None

    def _break(self, fault: str) -> None:
        if fault == "unplug":
            self.lan[MASTER].unplug()
        else:
            self.daemons[MASTER].end(signal.SIGKILL if fault == "kill" else signal.SIGTERM)

    def close(self) -> None:
        """End the daemons and the segment."""
        for daemon in self.daemons.values():
            daemon.end(signal.SIGKILL)
        super().close()
