"""How fast gratuitous ARP and neighbour advertisements may follow each other on an interface.

A switch port that is flooded with ARP may be shut by its switch.  `vrrp_garp_interval`,
`vrrp_gna_interval` and `garp_group` therefore set a pause between two frames:

    no pause      all frames at once, back to back
    a pause       the first now; each other frame when its turn comes, round after round

          now        +pause      +pause      +pause
    ----- .10 ------- .20 ------- .10 ------- .20 ---->     two addresses, two rounds

A frame that already waits goes more often instead of waiting twice, but not more often than a
burst has rounds: bursts that come faster than they can be sent melt into one (keepalived 2.3.3).
ARP and NA have clocks of their own; the interfaces of `interfaces { }` share one.

Contract: `send()` never raises: a refusal of the kernel goes to `trouble`.  `withdraw()` takes
back what one sender still has waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vrrpd.config.model import Config, GarpGroup
from vrrpd.ports import Clock, Wire

ARP = b"\x08\x06"

_Trouble = Callable[[OSError], None]
_Waiting = tuple[str, str, bytes]  # sender, interface, frame


class _Owed:
    """A frame that waits: how often it is to go yet, and what is called when it cannot."""

    def __init__(self, times: int, trouble: _Trouble) -> None:
        self.times = times
        self.trouble = trouble


class _Lane:
    """Frames of one kind (ARP or NA) that share a pause of `interval` ns, until `free`."""

    def __init__(self, interval: int) -> None:
        self.interval = interval
        self.free = 0
        self.running = False
        self.queue: dict[_Waiting, _Owed] = {}


class Pacer:
    """All frames of the daemon pass here.  `configure()` may be called at any time."""

    def __init__(self, clock: Clock, wire: Wire) -> None:
        self.clock = clock
        self.wire = wire
        self.lanes: dict[object, _Lane] = {}
        self.groups: dict[str, GarpGroup] = {}
        self.bases: dict[str, str] = {}  # a virtual interface keeps the pace of its base
        self.default = (0, 0)

    def configure(self, config: Config) -> None:
        """Keep this configuration's pauses; what waits already goes on waiting."""
        self.default = (config.globals.vrrp_garp_interval_ns, config.globals.vrrp_gna_interval_ns)
        self.groups = {name: one for one in config.garp_groups for name in one.interfaces}
        for (key, is_arp), lane in ((k, v) for k, v in self.lanes.items() if isinstance(k, tuple)):
            lane.interval = self.interval(key, is_arp)

    def interval(self, key: object, is_arp: bool) -> int:
        """The pause in ns for a kind of frame on an interface (a name) or in a group."""
        group = self.groups.get(key) if isinstance(key, str) else key
        garp, gna = self.default
        if isinstance(group, GarpGroup):
            garp = garp if group.garp_interval_ns is None else group.garp_interval_ns
            gna = gna if group.gna_interval_ns is None else group.gna_interval_ns
        return garp if is_arp else gna

    def _lane(self, interface: str, is_arp: bool) -> _Lane | None:
        """The lane of a frame, or None if it need not wait for any other."""
        name = self.bases.get(interface, interface)
        group = self.groups.get(name)
        key: object = group if group is not None and group.shared else name
        interval = self.interval(key, is_arp)
        if not interval:
            return None
        return self.lanes.setdefault((key, is_arp), _Lane(interval))

    def send(
        self,
        sender: str,
        interface: str,
        frames: Sequence[bytes],
        trouble: _Trouble,
        rounds: int = 1,
    ) -> None:
        """Send `frames` on `interface`, `rounds` times, now or in their turn."""
        if not self.groups and not any(self.default):  # nearly always
            self.attempt(interface, [*frames] * rounds, trouble)
            return
        at_once: list[bytes] = []
        for frame in [*frames] * rounds:
            lane = self._lane(interface, frame[12:14] == ARP)
            if lane is None:
                at_once.append(frame)
                continue
            owed = lane.queue.get((sender, interface, frame))
            if owed is not None:
                owed.times += owed.times < rounds
            elif lane.free <= self.clock.now() and not lane.queue:
                lane.free = self.clock.now() + lane.interval
                at_once.append(frame)
            else:
                lane.queue[sender, interface, frame] = _Owed(1, trouble)
                self.plan(lane)
        if at_once:
            self.attempt(interface, at_once, trouble)

    def attempt(self, interface: str, frames: Sequence[bytes], trouble: _Trouble) -> None:
        """Hand frames to the wire."""
        try:
            self.wire.announce(interface, frames)
        except OSError as error:
            trouble(error)

    def plan(self, lane: _Lane) -> None:
        """Have the clock call for the next frame of the lane."""
        if not lane.running:
            lane.running = True
            self.clock.call_at(lane.free, lambda: self._next(lane))

    def _next(self, lane: _Lane) -> None:
        """The pause is over: the frame that has waited longest goes."""
        lane.running = False
        if not lane.queue:
            return
        waiting = next(iter(lane.queue))
        owed = lane.queue.pop(waiting)
        if owed.times > 1:
            lane.queue[waiting] = _Owed(owed.times - 1, owed.trouble)
        lane.free = self.clock.now() + lane.interval
        if lane.queue:
            self.plan(lane)  # first: a frame that fails is not the last one
        self.attempt(waiting[1], [waiting[2]], owed.trouble)

    def withdraw(self, sender: str) -> None:
        """Forget what `sender` still has waiting: it is no longer true."""
        for lane in self.lanes.values():
            for waiting in [one for one in lane.queue if one[0] == sender]:
                del lane.queue[waiting]
