"""The vocabulary of the state machine: what can happen to a virtual router, what it can ask for.

Events go into `fsm.step()`, actions come out of it; both are plain frozen values, so that a test
can write them down and a journal can print them.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, TypeAlias

from vrrpd.record import Record

if TYPE_CHECKING:
    from vrrpd.config.routes_model import Route, Rule

IPAddress: TypeAlias = "IPv4Address | IPv6Address"


# Events: what can happen to a virtual router.


class Started(Record):
    """The daemon starts this router; `delay` ns are added to its first timer."""

    delay: int = 0


class Stopped(Record):
    """The daemon stops this router and gives a reason."""

    reason: str = "stopped"


class TimerFired(Record):
    """The deadline may have passed; an early call is harmless."""


class AdvertReceived(Record):
    """An Advertisement that has passed every check of `validation.py`; `interval` in ns."""

    priority: int
    source: IPAddress
    interval: int


class Failed(Record):
    """The router can no longer do its work, for this reason."""

    reason: str


class Recovered(Record):
    """The last reason for FAULT is gone."""

    reason: str


class AddressLost(Record):
    """Another program has removed a virtual address, route or rule of a MASTER."""

    address: IPAddress | Route | Rule


class SyncGroupHold(Record):
    """Master_Down_Timer has expired, but the sync group is not ready to be MASTER."""

    reason: str


class SyncGroupTransition(Record):
    """The sync group has become MASTER (`up`) or BACKUP, and this member with it."""

    up: bool
    reason: str


class PacketsLost(Record):
    """Master_Down_Timer has expired, but an Advertisement may be among packets not received."""


class Released(Record):
    """An operator has taken this router out of service: `Params.released` holds from now on."""

    reason: str


class Resumed(Record):
    """An operator has put this router into service again."""

    reason: str


class Reconfigured(Record):
    """The parameters of a running router have changed.

    Under the old ones Master_Down_Timer took `master_down_time` ns; see `fsm.master_down_time()`.
    """

    master_down_time: int


Event: TypeAlias = (
    "Started | Stopped | TimerFired | AdvertReceived | Failed | Recovered | AddressLost"
    " | SyncGroupHold | SyncGroupTransition | PacketsLost | Released | Resumed"
    " | Reconfigured"
)


# Actions: what the shell must do, in this order.


class SendAdvert(Record):
    """Multicast one Advertisement with this priority."""

    priority: int


class TakeAddresses(Record):
    """Put the virtual addresses on the interface."""


class ReleaseAddresses(Record):
    """Take the virtual addresses off the interface."""


class Announce(Record):
    """Gratuitous ARP for every address: a burst now and one after garp_master_delay."""


class Reassert(Record):
    """A MASTER of lower priority advertised: announce again, so that the LAN forgets it."""

    rival: IPAddress
    priority: int


Action: TypeAlias = "SendAdvert | TakeAddresses | ReleaseAddresses | Announce | Reassert"
