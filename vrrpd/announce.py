"""When a MASTER says where its addresses are: bursts of gratuitous ARP and unsolicited NA.

No RFC asks for more than one frame per address; switches and hosts lose frames, so keepalived
repeats, and so do we, with its figures:

    becoming MASTER       garp_master_repeat (5) rounds now, as many again after
                          garp_master_delay (5 s)
    while MASTER          garp_master_refresh_repeat (1) rounds every garp_master_refresh (off)
    a weaker MASTER spoke garp_lower_prio_repeat (5) rounds now and after garp_lower_prio_delay

A round is one frame for each address in the order of the file, the excluded ones last.

Contract: `quiet()` cancels all that is still to come; nothing is sent by a router that is not
MASTER.  A frame that cannot be sent is logged, and no reason to stop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import IPv6Address

from vrrpd.config.model import Garp
from vrrpd.journal import Log
from vrrpd.neighbour import gratuitous_arp, neighbour_advertisement
from vrrpd.ports import Clock, Kernel, Placed, Timer, Wire


class Announcer:
    """The announcements of one virtual router."""

    def __init__(self, name: str, clock: Clock, wire: Wire, kernel: Kernel, log: Log) -> None:
        self.name = name
        self.clock = clock
        self.wire = wire
        self.kernel = kernel
        self.log = log
        self.pending: list[Timer] = []

    def take(self, garp: Garp, placed: Sequence[Placed]) -> None:
        """The bursts of a new MASTER, and its refreshes from then on."""
        self.quiet()
        self.burst(placed, garp.repeat)
        self.later(garp.delay_ns, lambda: self.burst(placed, garp.repeat))
        self.refresh(garp, placed)

    def reassert(self, garp: Garp, placed: Sequence[Placed]) -> None:
        """The bursts after a weaker MASTER was heard."""
        if garp.lower_prio_repeat:
            self.burst(placed, garp.lower_prio_repeat)
            self.later(garp.lower_prio_delay_ns, lambda: self.burst(placed, garp.lower_prio_repeat))

    def refresh(self, garp: Garp, placed: Sequence[Placed]) -> None:
        """The next periodic burst, and after it the one after that."""

        def again() -> None:
            self.burst(placed, garp.refresh_repeat)
            self.refresh(garp, placed)

        self.later(garp.refresh_ns, again)

    def later(self, delay: int, callback: Callable[[], None]) -> None:
        """Call back in `delay` ns unless silenced before; 0 means never."""
        if delay:
            self.pending.append(self.clock.call_at(self.clock.now() + delay, callback))

    def burst(self, placed: Sequence[Placed], rounds: int) -> None:
        """Send `rounds` frames for every address, interface by interface."""
        for interface in dict.fromkeys(one.interface for one in placed):
            state = self.kernel.interface(interface)
            if state is None or not state.mac:
                continue
            mine = [one.address.ip for one in placed if one.interface == interface]
            self.log.detail(
                f"({self.name}) Sending/queueing gratuitous ARPs on {interface} for "
                + ", ".join(map(str, mine))
            )
            frames = [
                neighbour_advertisement(state.mac, ip)
                if isinstance(ip, IPv6Address)
                else gratuitous_arp(state.mac, ip)
                for ip in mine
            ]
            try:
                self.wire.announce(interface, frames * rounds)
            except OSError as error:
                text = f"({self.name}) cannot announce on {interface}: {error.strerror or error}"
                self.log.limited(("announce", self.name, interface), text)

    def quiet(self) -> None:
        """Cancel everything that has not been sent yet."""
        for timer in self.pending:
            timer.cancel()
        self.pending.clear()
