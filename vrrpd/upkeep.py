"""A MASTER holds what it announces; a router that cannot work is not MASTER.

    an address went with one that we removed    it is put back at once
    an address, route or rule was removed       resign, and take all of it again after one Skew_Time
      ... more than LOSSES times in WINDOW      FAULT for WINDOW
    an address is refused                       FAULT; tried again every second
    a route or a rule is refused                the router stays MASTER; tried again every second
    no Advertisement can be sent                FAULT; 1 s, 2 s, 4 s ... 32 s later BACKUP
    no Advertisement can be received            FAULT; tried again every second
    the addresses cannot be given back          tried again every second, until MASTER
    an interface came up, or lost an address    routes and rules are added again, if they are gone:
                                                the kernel removes IPv4 routes silently

`no_track` takes an address, route or rule out of this: it may be gone (keepalived).
With `dont_track_primary`, what cannot be sent while the link is down is no reason for FAULT.

Contract: nothing raises.  However often things go wrong, each router tries at most ten times a
second to put something back and once a second to leave FAULT.
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from vrrpd.addresses.master_state import MasterState
from vrrpd.config.model import Instance
from vrrpd.config.routes_model import Route, Rule
from vrrpd.events import AddressLost, Event, IPAddress
from vrrpd.fsm import SECOND, Params, State
from vrrpd.journal import Journal, Log
from vrrpd.ports import InterfaceAddress, ManagedObject, Ports, Refusal, Timer

LOSSES = 5
WINDOW = 10 * SECOND
RETRY = SECOND
SOON = SECOND // 10
LONGEST_PAUSE = 32 * SECOND
# Errors of sending that do not pass by themselves; others may be a full queue, or a missing route.
LASTING = {
    *(errno.EPERM, errno.EACCES, errno.ENODEV, errno.ENXIO, errno.EBADF, errno.EINVAL),
    *(errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT),
}
ADDRESSES, SEND, LISTEN, LOST = "addresses", "send", "listen", "losses"  # causes of FAULT
RELEASE = "release"  # what is tried again, but no cause of FAULT
SPEECHLESS = frozenset({"interface", SEND, LISTEN})  # with these nothing can be sent


class _Holder(Protocol):
    """The virtual router that holds the addresses: what Upkeep must know and may ask of it."""

    instance: Instance
    params: Params
    faults: dict[str, str]

    @property
    def name(self) -> str:
        """The name of the `vrrp_instance` block."""

    @property
    def state(self) -> State:
        """The state of the state machine."""

    def dispatch(self, event: Event, at: int | None = None) -> None:
        """Let `event` happen at `at` (ns; default now)."""

    def refuse(self, cause: str, reason: str) -> None:
        """Enter FAULT for this cause, and try again later."""

    def clear(self, cause: str, reason: str) -> None:
        """End FAULT if `cause` was the last one."""


class Upkeep:
    """Watches over what one virtual router holds; `mute` says why it cannot advertise, or None."""

    def __init__(
        self, router: _Holder, holdings: MasterState, ports: Ports, journal: Journal, log: Log
    ) -> None:
        self.router = router
        self.holdings = holdings
        self.clock = ports.clock
        self.kernel = ports.kernel
        self.journal = journal
        self.log = log
        self.mute: str | None = None
        self.failures = 0  # Advertisements in a row that reached no destination
        self.pause = RETRY  # before the next attempt to advertise
        self.losses: deque[int] = deque()  # when (ns)
        self.missing: dict[ManagedObject, None] = {}  # to be added again
        self.examine: Callable[[], object] = _nothing  # looks at the interface and its socket
        self.timer: Timer | None = None
        self.retries: dict[str, Timer] = {}  # by cause of FAULT

    # Sending.

    def sent(self) -> None:
        """An Advertisement was sent."""
        self.mute, self.failures, self.pause = None, 0, RETRY

    def unsent(self, number: int | None, reason: str) -> None:
        """An Advertisement reached no destination; `number` is the errno, None: our error."""
        self.failures += 1
        lasting = number is None or number in LASTING
        enough = lasting or self.failures >= self.router.params.down_timer_adverts
        text = f"cannot send an advertisement: {reason}"
        self.mute = text if enough and not self._excused() else None

    def _excused(self) -> bool:
        """Whether the link is down and that is not to matter (`dont_track_primary`)."""
        one = self.router.instance
        there = self.kernel.interface(one.interface)
        down = there is not None and not (there.up and there.carrier)
        return one.dont_track_primary and down

    # Holding.

    def taken(self, refused: Iterable[Refusal]) -> None:
        """The router is MASTER; these, which it can do without, are tried again."""
        self.missing = dict.fromkeys(one.thing for one in refused)
        if self.missing:
            self.later(RETRY)

    def give_back(self) -> None:
        """Release everything; what cannot be done now is tried again until we are MASTER."""
        again = self.retries.pop(RELEASE, None)
        if again is not None:
            again.cancel()
        try:
            self.holdings.release()
        except Exception as error:
            self.log.trouble(error)
            self.retries[RELEASE] = self.clock.call_at(self.clock.now() + RETRY, self._again)

    def _again(self) -> None:
        if self.router.state is not State.MASTER:
            self.give_back()

    def look(self, came_up: bool) -> None:
        """Something has happened to the interfaces, and routes may have gone with it."""
        router = self.router
        if router.state is State.MASTER:
            ways = [one for one in self.holdings.ways if came_up or _tracked(one)]
            self.missing.update(dict.fromkeys(ways))
            if ways:
                self.later(SOON)

    def later(self, delay: int) -> None:
        """Put back what is missing in `delay` ns, unless that is to happen anyway."""
        if self.timer is None:
            self.timer = self.clock.call_at(self.clock.now() + delay, self.restore)

    def restore(self) -> None:
        """Put back what is missing; what is refused waits for another second."""
        self.timer = None
        router, things = self.router, list(self.missing)
        self.missing = {}
        if router.state is State.MASTER:
            held = self.holdings.everything
            try:
                self.taken(self.holdings.put_back(one for one in things if one in held))
            except Exception as error:
                self.log.trouble(error)
                self.missing.update(dict.fromkeys(things))
                self.later(RETRY)

    def lost(
        self, things: Iterable[ManagedObject], what: IPAddress | Route | Rule, ours: bool
    ) -> None:
        """These are gone: put them back if they went with what we removed, or else resign."""
        router, things = self.router, list(things)
        if ours and not (refused := self.holdings.put_back(things)):
            text = f"{what} was removed with another address of its subnet and is put back"
            self.log.limited(("back", router.name, what), f"({router.name}) {text}")
            self.journal.write("restored", router.name, reason=text)
        elif any(map(_tracked, things)):
            self._resign(what)
        elif ours:
            self.taken(refused)

    def _resign(self, what: IPAddress | Route | Rule) -> None:
        """Give the addresses to the election, but not for ever so often."""
        now = self.clock.now()
        self.losses.append(now)
        while self.losses[0] < now - WINDOW:
            self.losses.popleft()
        if len(self.losses) <= LOSSES:
            self.router.dispatch(AddressLost(what))
            return
        times = f"{len(self.losses)} times in {WINDOW // SECOND} s"
        self.losses.clear()
        self.router.refuse(LOST, f"{what} was removed by somebody else {times}")

    # Leaving FAULT, and the end.

    def retry(self, cause: str) -> None:
        """Try to leave FAULT as soon as it makes sense for this cause."""
        delay = {SEND: self.pause, LOST: WINDOW}.get(cause, RETRY)
        if cause == SEND:
            self.pause = min(2 * self.pause, LONGEST_PAUSE)
        if cause in self.retries:
            self.retries[cause].cancel()
        at = self.clock.now() + delay
        self.retries[cause] = self.clock.call_at(at, partial(self._look_again, cause))

    def _look_again(self, cause: str) -> None:
        """See whether this cause of FAULT is gone, as far as that can be known silently."""
        router = self.router
        del self.retries[cause]
        if cause not in router.faults:
            return
        try:
            self._recover(cause)
        except Exception as error:
            self.log.trouble(error)
            self.retry(cause)

    def _recover(self, cause: str) -> None:
        """`_look_again()`, which goes on trying if this raises."""
        router = self.router
        if cause == LISTEN:
            self.examine()
            if cause in router.faults:
                self.retry(cause)
            return
        if cause == ADDRESSES and (why := unheld(self.holdings.attempt())):
            router.faults[cause] = why
            self.retry(cause)
            return
        router.clear(cause, f"tries again after: {router.faults[cause]}")

    def stop(self) -> None:
        """The router is no more: try nothing again."""
        for timer in [*self.retries.values(), *([] if self.timer is None else [self.timer])]:
            timer.cancel()
        self.retries.clear()
        self.timer = None


def _nothing() -> None:
    """For a router that is not tracked yet."""


def _tracked(thing: ManagedObject) -> bool:
    """Whether a MASTER must hold it."""
    return not (thing.address.no_track if isinstance(thing, InterfaceAddress) else thing.no_track)


def unheld(refused: Iterable[Refusal]) -> str | None:
    """Why a router cannot be MASTER if these were refused, or None if it can."""
    addresses = (
        one for one in refused if isinstance(one.thing, InterfaceAddress) and _tracked(one.thing)
    )
    return next(map(str, addresses), None)
