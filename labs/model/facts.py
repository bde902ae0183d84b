"""Facts: what the observers of a lab have seen, one small frozen value each.

A fact says *what* was seen, *when* and *where*, and never what it means:

    observer                    facts
    ------------------------    ---------------------------------------
    netlink in every host       Address, Link
    the ports of the switch     Advert, Heard, Arp
    the client's pings          Ping
    the learner's own hands     Action
    the journals of the daemons State      (what a daemon says about itself)
    the hosts' keepalived.conf  Configured (when a daemon read it)
    the recorder about itself   Loss       (something was missed, and where)

Every fact has ``t``: seconds as a float, Unix time in the real Lab, virtual seconds in the Lan.
On disk a fact is one JSON object on a line, its fields and ``"kind"``:

    {"kind": "address", "t": 12.5, "host": "web2", "interface": "eth0",
     "address": "192.168.1.10", "prefixlen": 32, "held": true}

Meaning (who held the address, who took it over, when that was due) is made of facts by
`labs.analysis.ownership`, `labs.analysis.takeover_timing` and `labs.analysis.timeline`, which are
pure functions of them.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, ClassVar, TypeAlias, TypeVar


@dataclass(frozen=True, slots=True)
class Address:
    """`host` got (held) or lost (not held) `address` on `interface`."""

    kind: ClassVar[str] = "address"
    t: float
    host: str
    interface: str
    address: str
    prefixlen: int
    held: bool


@dataclass(frozen=True, slots=True)
class Link:
    """The state of an interface: `up` is IFF_UP (the administrator), `carrier` IFF_LOWER_UP.

    A pulled cable is ``up=True, carrier=False``; ``ip link set eth0 down`` is ``up=False``.
    """

    kind: ClassVar[str] = "link"
    t: float
    host: str
    interface: str
    up: bool
    carrier: bool


@dataclass(frozen=True, slots=True)
class Advert:
    """A VRRP Advertisement that entered the switch by the port of `host`.

    `interval` is in seconds; `hex` is the whole IP packet.
    """

    kind: ClassVar[str] = "advert"
    t: float
    host: str
    source: str
    vrid: int
    version: int
    priority: int
    interval: float
    addresses: tuple[str, ...] = ()
    hex: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """The switch passed an Advertisement from `source` on, out of the port of `host`.

    A cut further away lets a master's Advertisement enter the switch and go no further:
    that is why receiving is a fact of its own.
    """

    kind: ClassVar[str] = "heard"
    t: float
    host: str
    source: str
    vrid: int
    version: int
    priority: int
    interval: float


@dataclass(frozen=True, slots=True)
class Arp:
    """A gratuitous ARP (sender address == target address): `host` says `address` is at `mac`."""

    kind: ClassVar[str] = "arp"
    t: float
    host: str
    address: str
    mac: str


@dataclass(frozen=True, slots=True)
class Ping:
    """One ping of the client, sent at `t`.

    `answered_by` is the host whose interface sent the reply (its MAC when no host has it, None
    when no reply came within a second); `rtt` is in seconds, None without a reply.
    """

    kind: ClassVar[str] = "ping"
    t: float
    seq: int
    address: str
    answered_by: str | None
    rtt: float | None


@dataclass(frozen=True, slots=True)
class Action:
    """The learner did something.

    ``Action(t, verb="unplug", host="web1", text="cable of web1 pulled")``
    """

    kind: ClassVar[str] = "action"
    t: float
    verb: str
    host: str | None
    text: str


@dataclass(frozen=True, slots=True)
class State:
    """A daemon changed state, in its own words (journal of vrrpd, log of keepalived).

    `resolution`: how finely its journal knows `t`, in s: 0 for vrrpd's, 1 for keepalived's log.
    """

    kind: ClassVar[str] = "state"
    t: float
    host: str
    instance: str
    frm: str
    to: str
    reason: str = ""
    priority: int | None = None
    resolution: float = 0.0


@dataclass(frozen=True, slots=True)
class Configured:
    """The daemon of `host` was given this configuration of a virtual router.

    `preempt_delay` in s.  `weighted`: whether something tracked changes its priority;
    `sync_group`: whether it waits for other members of one; `unicast`: whether it has unicast_peer.
    Recordings from before a field with a default was there do not have it.
    """

    kind: ClassVar[str] = "configured"
    t: float
    host: str
    vrid: int
    priority: int
    down_timer_adverts: int
    preempt: bool = True
    preempt_delay: float = 0.0
    instance: str = ""
    weighted: bool = False
    sync_group: bool = False
    unicast: bool = False


@dataclass(frozen=True, slots=True)
class Loss:
    """The recorder missed something at `host`: a socket's buffer overflowed."""

    kind: ClassVar[str] = "loss"
    t: float
    host: str
    text: str


Fact: TypeAlias = Address | Link | Advert | Heard | Arp | Ping | Action | State | Configured | Loss

F = TypeVar("F", bound=Fact)
_TIME = attrgetter("t")

KINDS: dict[str, type[Any]] = {
    cls.kind: cls
    for cls in (Address, Link, Advert, Heard, Arp, Ping, Action, State, Configured, Loss)
}


def to_json(fact: Fact) -> str:
    """One line of JSON, without the newline."""
    fields = {f.name: getattr(fact, f.name) for f in dataclasses.fields(fact)}
    return json.dumps({"kind": fact.kind, **fields}, ensure_ascii=False)


def from_json(line: str) -> Fact:
    """The fact on a line of `to_json`.

    Raises ValueError for a line that is no fact: no JSON, an unknown kind, a missing field.
    """
    fields = json.loads(line)
    if not isinstance(fields, dict) or fields.get("kind") not in KINDS:
        raise ValueError(f"not a fact: {line[:80]!r}; known kinds: {', '.join(KINDS)}")
    cls = KINDS[fields.pop("kind")]
    if "addresses" in fields:
        fields["addresses"] = tuple(fields["addresses"])
    try:
        if cls is State and "resolution" not in fields:  # recorded before this field was there
            fields["resolution"] = 1.0 if float(fields["t"]).is_integer() else 0.0
        fact: Fact = cls(**fields)
    except (TypeError, KeyError) as error:
        raise ValueError(f"not a fact: {line[:80]!r}: {error}") from None
    return fact


def in_order(facts: Iterable[F]) -> list[F]:
    """Sorted by time; facts of the same moment keep their order."""
    return sorted(facts, key=_TIME)


def read(lines: Iterable[str]) -> Iterator[Fact]:
    """The facts of a file of JSON lines; blank lines are skipped."""
    for line in lines:
        if line.strip():
            yield from_json(line)
