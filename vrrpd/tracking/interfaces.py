"""The interfaces, debounced: `interface_up_down_delays`.

    kernel:   up ──┐  ┌── up ──────┐
                   └──┘            └── down ────────────
    believed: up ────────────────────────┐
                                 delay -> └── down ─────

A change has to last before it counts; the time for going down and that for coming up are given
for each interface.  An interface that vanishes or appears is believed at once, because there is
nothing left, or not yet anything, to wait for.

Contract: `interface()` answers as the kernel does, with `up` and `carrier` as believed; it is what
everything that tracks interfaces asks.  `changed` is called after a belief has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from vrrpd.config.model import Track
from vrrpd.ports import Clock, Interface, Kernel, Timer
from vrrpd.record import replace
from vrrpd.tracking.effect import Effect, effect_of_state

_Delays = Iterable[tuple[str, int, int]]
"""(interface, ns before down counts, ns before up counts)."""


class TrackedInterfaces:
    """What is believed of the interfaces of this host."""

    def __init__(self, kernel: Kernel, clock: Clock, changed: Callable[[str], None]) -> None:
        self.kernel = kernel
        self.clock = clock
        self.changed = changed
        self.delays: dict[str, tuple[int, int]] = {}
        self.believed: dict[str, tuple[int, bool, bool]] = {}  # index, up, carrier
        self.timers: dict[str, Timer] = {}

    def configure(self, delays: _Delays) -> None:
        """Use these delays from now on; what is being waited for is believed at once."""
        self.delays = {name: (down, up) for name, down, up in delays}
        for name in [name for name in self.believed if name not in self.delays]:
            del self.believed[name]
            self.forget(name)

    def interface(self, name: str) -> Interface | None:
        """The interface of that name as far as it is believed, or None."""
        real = self.kernel.interface(name)
        if real is None or name not in self.delays:
            return real
        index, up, carrier = self.believed.get(name, (None, False, False))
        if index != real.index:
            self.believed[name] = (real.index, real.up, real.carrier)
            return real
        return replace(real, up=up, carrier=carrier)

    def look(self, name: str) -> None:
        """The kernel has reported something about `name`: believe it, now or later."""
        real, believed = self.kernel.interface(name), self.interface(name)
        if real is None:
            self.believed.pop(name, None)
        if real is None or real == believed:
            self.forget(name)  # gone, or back to what was believed all the time
        elif name not in self.timers:
            down, up = self.delays[name]
            delay = up if real.up and real.carrier else down
            self.timers[name] = self.clock.call_at(
                self.clock.now() + delay, lambda: self._believe(name)
            )
        self.changed(name)

    def _believe(self, name: str) -> None:
        """The change has lasted."""
        self.timers.pop(name, None)
        self.believed.pop(name, None)
        self.changed(name)

    def forget(self, name: str) -> None:
        """Wait no longer."""
        timer = self.timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def close(self) -> None:
        """Wait for nothing."""
        for name in list(self.timers):
            self.forget(name)


class TrackedInterface:
    """One tracked interface; `role` is what people call it."""

    def __init__(
        self, name: str, links: TrackedInterfaces, role: str = "tracked interface"
    ) -> None:
        self.name = name
        self.links = links
        self.role = role

    @property
    def reason(self) -> str:
        """How it stands, as text."""
        return f"{self.role} {self.name} {_condition(self.links.interface(self.name))}"

    def effect(self, track: Track) -> Effect:
        """What it does to a router; it is up with IFF_UP and a carrier."""
        interface = self.links.interface(self.name)
        return effect_of_state(track, interface is not None and interface.up and interface.carrier)


def _condition(interface: Interface | None) -> str:
    """The state of an interface as the end of a sentence."""
    if interface is None:
        return "does not exist"
    if not interface.up:
        return "is down"
    return "is up and has its carrier" if interface.carrier else "lost its carrier"
