"""Who held the address, and who answered the client: pure functions over facts.

    facts        -----A+-----------A- - - - -B+--------
    segments     [   A   ][ no holder][        B      ]     one after the other, no holes
    gaps                  [----------]                      no host holds
    overlaps                                                two hold (none here)
    service      [ A answers ][ no answer  ][ B answers]    the same from the client's chair

Holding is what the kernels reported: a host holds while the address is on one of its interfaces.
Nothing here reads a clock, a file or a socket.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from labs.model.facts import Address, Fact, Ping, in_order


@dataclass(frozen=True, slots=True)
class OwnershipInterval:
    """From `start` to `end` (seconds) exactly `holders` held, the earliest holder first."""

    start: float
    end: float
    holders: tuple[str, ...]

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class HolderInterval:
    """`host` held without a break from `start` to `end` (seconds)."""

    host: str
    start: float
    end: float

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class ServiceInterval:
    """From `start` to `end` the client's `pings` were answered by `host`, or by no host (None)."""

    host: str | None
    start: float
    end: float
    pings: int

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.end - self.start


def segments(
    facts: Iterable[Fact], address: str, start: float, end: float
) -> list[OwnershipInterval]:
    """Cut [start, end] wherever the set of holders of `address` changes.

    The segments touch, cover the whole interval, are never empty, and neighbours differ.
    Facts before `start` are the history that says who held at `start`.
    """
    held: dict[str, set[str]] = {}
    cuts: list[tuple[float, tuple[str, ...]]] = [(start, ())]
    for fact in in_order(f for f in facts if isinstance(f, Address) and f.address == address):
        if fact.t > end:
            break
        interfaces = held.setdefault(fact.host, set())
        (interfaces.add if fact.held else interfaces.discard)(fact.interface)
        if not interfaces:
            del held[fact.host]
        cuts.append((max(fact.t, start), tuple(held)))
    # Of several changes at one moment only the last outcome lasted.
    moments = [list(group)[-1] for _, group in groupby(cuts, key=lambda cut: cut[0])]
    changes = [next(group) for _, group in groupby(moments, key=lambda cut: set(cut[1]))]
    stops = [t for t, _ in changes[1:]] + [end]
    return [
        OwnershipInterval(t, stop, holders)
        for (t, holders), stop in zip(changes, stops, strict=True)
        if stop > t
    ]


def spans(parts: Sequence[OwnershipInterval]) -> list[HolderInterval]:
    """The unbroken ownerships in `parts` (as `segments` made them), by start."""
    result: list[HolderInterval] = []
    since: dict[str, float] = {}
    for part in parts:
        for host in [h for h in since if h not in part.holders]:
            result.append(HolderInterval(host, since.pop(host), part.start))
        for host in part.holders:
            since.setdefault(host, part.start)
    result += [HolderInterval(host, start, parts[-1].end) for host, start in since.items()]
    return sorted(result, key=lambda span: (span.start, span.end))


def gaps(parts: Iterable[OwnershipInterval]) -> list[OwnershipInterval]:
    """The parts without a holder."""
    return [part for part in parts if not part.holders]


def overlaps(parts: Iterable[OwnershipInterval]) -> list[OwnershipInterval]:
    """The parts in which two or more held."""
    return [part for part in parts if len(part.holders) > 1]


def service(facts: Iterable[Fact], address: str, start: float, end: float) -> list[ServiceInterval]:
    """Who answered the client when, from the pings sent to `address` in [start, end].

    Silence begins when the first ping without a reply was sent, and ends when a reply *arrives*:
    after a takeover a kernel may hold pings back until it has learnt the new address, and those
    were no service while they waited.
    The last stretch ends with the last ping: what became of later ones is not known yet.
    """
    sent = (f for f in facts if isinstance(f, Ping) and f.address == address)
    pings = in_order(ping for ping in sent if start <= ping.t <= end)
    runs = [list(run) for _, run in groupby(pings, key=_answerer)]
    starts: list[float] = []
    silent = False
    for run in runs:
        arrival = run[0].t + (run[0].rtt or 0.0)
        begun = arrival if silent else run[0].t
        starts.append(min(max([begun, *starts[-1:]]), end))
        silent = _answerer(run[0]) is None
    stops = [*starts[1:], *(max(starts[-1], ping.t) for ping in pings[-1:])]
    return [
        ServiceInterval(_answerer(run[0]), a, b, len(run))
        for run, a, b in zip(runs, starts, stops, strict=True)
    ]


def outages(served: Iterable[ServiceInterval]) -> list[ServiceInterval]:
    """The parts of `service` without an answer."""
    return [part for part in served if part.host is None]


def _answerer(ping: Ping) -> str | None:
    return ping.answered_by if ping.rtt is not None else None
