"""Channels of simulated hosts that send Advertisements together, as those of a real host do.

    with_batches(monkeypatch)     before the daemons start

A batch calls `HostChannel.send` for each packet, so what refuses that refuses a batch, too.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from labs.simulation.ports import HostChannel
from vrrpd.packet import numbered


class SimulatedBatch:
    """Packets of one channel; `together` counts those that all batches have sent."""

    together = 0

    def __init__(
        self, channel: HostChannel, packets: Sequence[bytes], idents: Sequence[int]
    ) -> None:
        self.channel, self.packets, self.idents = channel, packets, list(idents)

    def send(self, first: int, end: int) -> int:
        for number in range(first, end):
            self.idents[number] = self.idents[number] % 0xFFFF + 1
            try:
                self.channel.send(numbered(self.packets[number], self.idents[number]))
            except OSError:
                return number - first
            SimulatedBatch.together += 1
        return end - first


def with_batches(patch: pytest.MonkeyPatch) -> None:
    """Let every channel of a simulated host send batches, until `patch` is undone."""
    patch.setattr(SimulatedBatch, "together", 0)
    patch.setattr(HostChannel, "batch", lambda *given: SimulatedBatch(*given))
    patch.setattr(HostChannel, "sends_batches", property(lambda channel: channel.key[1] == 4))
