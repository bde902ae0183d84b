"""Packets that wait in memory until the daemon has another reason to run.

    expected (Channel.expect)   waits here, and is handed over before the next callback
    everything else             is handed over at once, after what has waited

It does what `vrrpd/linux/quiet_socket.py` does with a second socket, including its limit: when
the buffer is full, the newest packets are lost, and each expected one may have come just now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from vrrpd.ports import Receiver

Key = tuple[str, int, int]  # interface, family, protocol


def compared(packet: bytes) -> bytes:
    """What must be the same: all bytes but identification and header checksum of IPv4."""
    return packet[:4] + packet[6:10] + packet[12:] if packet[0] >> 4 == 4 else packet


@dataclass
class Waiting:
    """What one channel expects by VRID, and when (ns) what has waited came."""

    packets: dict[int, bytes] = field(default_factory=dict)
    queue: list[tuple[int, int]] = field(default_factory=list)  # (stamp, VRID)
    receiver: Receiver | None = None


@dataclass
class LateReading:
    """The waiting packets of one host; off unless `on`.  `room` is a number of packets."""

    now: Callable[[], int]
    on: bool = False
    room: int = 1000
    lost: int = 0  # packets that did not fit
    waited: int = 0  # packets that were handed over late
    channels: dict[Key, Waiting] = field(default_factory=dict)

    def expect(self, key: Key, packets: Mapping[int, bytes]) -> None:
        """From now on these wait."""
        if self.on:
            channel = self.channels.setdefault(key, Waiting())
            channel.packets = dict(packets)

    def take(self, key: Key, receiver: Receiver, data: bytes, stamp: int) -> None:
        """A packet has arrived."""
        channel = self.channels.get(key)
        if channel is not None:
            channel.receiver = receiver
            for vrid, packet in channel.packets.items():
                if compared(packet) == compared(data):
                    channel.queue.append((stamp, vrid))
                    return
            self.read()
        receiver(data, stamp)

    def read(self) -> None:
        """Hand over what has waited: of each virtual router the last one, and how many."""
        for channel in list(self.channels.values()):
            queue, channel.queue = channel.queue, []
            packets, receiver = channel.packets, channel.receiver
            if not queue or receiver is None:
                continue
            queue, beyond = queue[: self.room], queue[self.room :]
            last = {vrid: stamp for stamp, vrid in queue}
            for vrid, stamp in last.items():
                if vrid in packets:
                    times = sum(one == vrid for _, one in queue)
                    self.waited += times
                    receiver(packets[vrid], stamp, times)
            self.lost += len(beyond)
            for packet in packets.values() if beyond else ():
                receiver(packet, self.now())

    def forget(self) -> None:
        """The daemon is gone."""
        self.channels.clear()
