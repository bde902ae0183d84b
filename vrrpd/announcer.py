"""When a MASTER says where its addresses are: bursts of gratuitous ARP and unsolicited NA.

No RFC asks for more than one frame per address; switches and hosts lose frames, so keepalived
repeats, and so do we, with its figures:

    becoming MASTER       garp_master_repeat (5) rounds now, as many again after
                          garp_master_delay (5 s)
    while MASTER          garp_master_refresh_repeat (1) rounds every garp_master_refresh (off)
    lower priority received   garp_lower_prio_repeat (5) rounds now and after garp_lower_prio_delay

    every garp_extra_if   one frame on each interface that carries addresses but no Advertisements,
                          so that its switch does not forget the virtual MAC
    leaving FAULT         one frame for the router's own address, if its peers are unicast ones

A round is one frame for each address in the order of the file, the excluded ones last.
How closely they may follow each other is `garp_pacing.py`'s business.

Contract: `quiet()` cancels all that is still to come; nothing is sent by a router that is not
MASTER.  A frame that cannot be sent is logged, and no reason to stop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import IPv6Address

from vrrpd.config.model import Address, Garp
from vrrpd.events import IPAddress
from vrrpd.garp_pacing import Pacer
from vrrpd.gratuitous_arp import gratuitous_arp, neighbour_advertisement
from vrrpd.journal import Log
from vrrpd.ports import InterfaceAddress, Ports, Timer

MOST_PENDING = 16  # bursts to come; beyond that a lower priority is answered once, not twice


class Announcer:
    """Announces the addresses of one virtual router.

    Its Advertisements leave by `advert_interface`.
    """

    def __init__(
        self, name: str, advert_interface: str, pacer: Pacer, ports: Ports, log: Log
    ) -> None:
        self.name = name
        self.clock = ports.clock
        self.pacer = pacer
        self.kernel = ports.kernel
        self.log = log
        self.advert_interface = advert_interface
        self.pending: list[Timer] = []
        self.second: int | None = None  # when the second burst is due
        # What was sent last: the addresses by interface, and the frames of each interface by its
        # MAC address and whether it is an IPv6 router.
        self._placed: Sequence[InterfaceAddress] = ()
        self._homes: list[tuple[str, list[IPAddress], bool]] = []  # true: some are of IPv6
        self._frames: dict[tuple[str, bytes, bool], list[bytes]] = {}

    def first(self, garp: Garp, placed: Sequence[InterfaceAddress]) -> None:
        """Send the first burst of a new MASTER, which clients wait for.  `take()` must follow."""
        self.quiet()
        self._send(placed, garp.repeat)

    def take(self, garp: Garp, placed: Sequence[InterfaceAddress]) -> None:
        """Log the first burst of a new MASTER; plan the second one, and the refreshes."""
        self._log(placed)
        self._again(garp, placed, garp.delay_ns)
        self.refresh(garp, placed)
        self._elsewhere(garp, placed)

    def renew(self, garp: Garp, placed: Sequence[InterfaceAddress], added: bool) -> None:
        """A reload has changed the addresses under a MASTER; new ones are announced, twice.

        keepalived before 2.3.3 leaves out the second burst.
        """
        due = self.second
        self.quiet()
        if added:
            self._twice(garp, placed)
        elif due is not None:  # the new MASTER's second burst: of what is still ours
            self._again(garp, placed, due - self.clock.now())
        self.refresh(garp, placed)
        self._elsewhere(garp, placed)

    def _twice(self, garp: Garp, placed: Sequence[InterfaceAddress]) -> None:
        """A burst now and another after garp_master_delay."""
        self._again(garp, placed, garp.delay_ns)  # first: it makes up for a burst that fails
        self.burst(placed, garp.repeat)

    def _again(self, garp: Garp, placed: Sequence[InterfaceAddress], delay: int) -> None:
        """The second burst, in `delay` ns."""

        def burst() -> None:
            self.second = None
            self.burst(placed, garp.repeat)

        if delay > 0:
            self.second = self.clock.now() + delay
            self.later(delay, burst)

    def reassert(self, garp: Garp, placed: Sequence[InterfaceAddress]) -> None:
        """The bursts after an Advertisement of lower priority was received."""
        if garp.lower_prio_repeat:
            self.burst(placed, garp.lower_prio_repeat)
            if len(self.pending) < MOST_PENDING:  # or a flood of them would fill our memory
                self.later(
                    garp.lower_prio_delay_ns, lambda: self.burst(placed, garp.lower_prio_repeat)
                )

    def own_address(self, source: IPAddress) -> None:
        """Send one frame for `source`, the router's own address (keepalived, after FAULT)."""
        own = Address(ip=source, prefixlen=source.max_prefixlen)
        self.burst([InterfaceAddress(self.advert_interface, own)], 1)

    def refresh(self, garp: Garp, placed: Sequence[InterfaceAddress]) -> None:
        """The next periodic burst, and after it the one after that."""

        def again() -> None:
            self.refresh(garp, placed)  # first: a burst that fails is not the last one
            self.burst(placed, garp.refresh_repeat)

        self.later(garp.refresh_ns, again)

    def _elsewhere(self, garp: Garp, placed: Sequence[InterfaceAddress]) -> None:
        """garp_extra_if: the next round on the interfaces that carry no Advertisements."""
        first: dict[str, InterfaceAddress] = {}
        for one in placed:
            if one.interface != self.advert_interface and (garp.extra_if_all or one.virtual):
                first.setdefault(one.interface, one)

        def again() -> None:
            self._elsewhere(garp, placed)
            self.burst(tuple(first.values()), 1)

        if first:
            self.later(garp.extra_if_ns, again)

    def later(self, delay: int, callback: Callable[[], None]) -> None:
        """Call back in `delay` ns unless silenced before; 0 means never."""

        def call() -> None:
            self.pending.remove(timer)
            callback()

        if delay:
            timer = self.clock.call_at(self.clock.now() + delay, call)
            self.pending.append(timer)

    def prepare(self, placed: Sequence[InterfaceAddress]) -> None:
        """Have the frames of a burst ready."""
        self._frames = {}
        self._rounds(placed)

    def touch(self, placed: Sequence[InterfaceAddress]) -> None:
        """Go through a burst without sending a frame: see takeover_prefetch.py."""
        self._send(placed, 0)

    def _rounds(self, placed: Sequence[InterfaceAddress]) -> list[tuple[str, list[bytes]]]:
        """The frames of one round, by interface; none where there is no MAC address."""
        if placed is not self._placed:
            homes: dict[str, list[IPAddress]] = {}
            for one in placed:
                homes.setdefault(one.interface, []).append(one.address.ip)
            self._placed, self._frames = placed, {}
            self._homes = [
                (name, mine, any(ip.version == 6 for ip in mine)) for name, mine in homes.items()
            ]
        return [(name, self._round(name, mine, six)) for name, mine, six in self._homes]

    def burst(self, placed: Sequence[InterfaceAddress], rounds: int) -> None:
        """Send `rounds` frames for every address, interface by interface."""
        self._send(placed, rounds)
        self._log(placed)

    def _send(self, placed: Sequence[InterfaceAddress], rounds: int) -> None:
        """Send `rounds` frames for every address, and log nothing."""
        for interface, frames in self._rounds(placed):
            if frames:
                self.pacer.send(self.name, interface, frames, self._refused(interface), rounds)

    def _log(self, placed: Sequence[InterfaceAddress]) -> None:
        """Log a burst, with -D."""
        if not self.log.detailed:
            return
        for interface, frames in self._rounds(placed):
            if frames:
                there = [str(one.address.ip) for one in placed if one.interface == interface]
                text = f"Sending/queueing gratuitous ARPs on {interface} for {', '.join(there)}"
                self.log.limited(("burst", self.name, interface), f"({self.name}) {text}")

    def _round(self, interface: str, mine: list[IPAddress], six: bool) -> list[bytes]:
        """One frame for each of these addresses on the interface; none if it has no MAC address.

        `six`: there are IPv6 addresses among them.
        """
        state = self.kernel.interface(interface)
        if state is None or not state.mac:
            return []
        router = six and self.kernel.forwards(interface)
        key = (interface, state.mac, router)
        if key not in self._frames:
            self._frames[key] = [_frame(state.mac, ip, router) for ip in mine]
        return self._frames[key]

    def _refused(self, interface: str) -> Callable[[OSError], None]:
        """What to say when the kernel does not let us send."""

        def log_error(error: OSError) -> None:
            text = f"({self.name}) cannot announce on {interface}: {error.strerror or error}"
            self.log.limited(("announce", self.name, interface), text)

        return log_error

    def quiet(self) -> None:
        """Cancel everything that has not been sent yet."""
        for timer in self.pending:
            timer.cancel()
        self.pending.clear()
        self.second = None
        self.pacer.withdraw(self.name)


def _frame(mac: bytes, ip: IPAddress, router: bool) -> bytes:
    """The frame that says: `ip` lives at `mac`, on an IPv6 `router` or not."""
    if isinstance(ip, IPv6Address):
        return neighbour_advertisement(mac, ip, router)
    return gratuitous_arp(mac, ip)
