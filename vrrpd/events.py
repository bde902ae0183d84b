"""The vocabulary of the state machine: what can happen to a virtual router, what it can ask for.

Events go into `fsm.step()`, actions come out of it; both are plain frozen values, so that a test
can write them down and a journal can print them.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from vrrpd.config.routes_model import Route, Rule

IPAddress: TypeAlias = "IPv4Address | IPv6Address"


# Events: what can happen to a virtual router.


@dataclass(frozen=True, slots=True)
class Started:
    """The daemon starts this router; `delay` ns are added to its first timer."""

    delay: int = 0


@dataclass(frozen=True, slots=True)
class Stopped:
    """The daemon stops this router and gives a reason."""

    reason: str = "stopped"


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The deadline may have passed; an early call is harmless."""


@dataclass(frozen=True, slots=True)
class AdvertReceived:
    """An Advertisement that has passed every check of `validation.py`; `interval` in ns."""

    priority: int
    source: IPAddress
    interval: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The router can no longer do its work, for this reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Recovered:
    """The last reason for FAULT is gone."""

    reason: str


@dataclass(frozen=True, slots=True)
class AddressLost:
    """Another program has removed a virtual address, route or rule of a MASTER."""

    address: IPAddress | Route | Rule


@dataclass(frozen=True, slots=True)
class SyncGroupHold:
    """Master_Down_Timer has expired, but the sync group is not ready to be MASTER."""

    reason: str


@dataclass(frozen=True, slots=True)
class SyncGroupTransition:
    """The sync group has become MASTER (`up`) or BACKUP, and this member with it."""

    up: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Released:
    """An operator has taken this router out of service: `Params.released` holds from now on."""

    reason: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """An operator has put this router into service again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Reconfigured:
    """The parameters of a running router have changed.

    Under the old ones Master_Down_Timer took `master_down_time` ns; see `fsm.master_down_time()`.
    """

    master_down_time: int


Event: TypeAlias = (
    "Started | Stopped | TimerFired | AdvertReceived | Failed | Recovered | AddressLost"
    " | SyncGroupHold | SyncGroupTransition | Released | Resumed | Reconfigured"
)


# Actions: what the shell must do, in this order.


@dataclass(frozen=True, slots=True)
class SendAdvert:
    """Multicast one Advertisement with this priority."""

    priority: int


@dataclass(frozen=True, slots=True)
class TakeAddresses:
    """Put the virtual addresses on the interface."""


@dataclass(frozen=True, slots=True)
class ReleaseAddresses:
    """Take the virtual addresses off the interface."""


@dataclass(frozen=True, slots=True)
class Announce:
    """Gratuitous ARP for every address: a burst now and one after garp_master_delay."""


@dataclass(frozen=True, slots=True)
class Reassert:
    """A MASTER of lower priority advertised: announce again, so that the LAN forgets it."""

    rival: IPAddress
    priority: int


Action: TypeAlias = "SendAdvert | TakeAddresses | ReleaseAddresses | Announce | Reassert"
