"""The timeline: the facts of a lab, and what follows from them about one address.

    lab.timeline()                         the timeline figure, as the last line of a cell
    timeline.holders_at(t)                  ("web2",)
    timeline.takeovers                     [Takeover(frm="web1", to="web2", at=..., ...)]
    timeline.gaps, .overlaps, .outages     no holder, two holders, the client had no answer
    print(timeline.text())                 the same figure in characters

A Timeline never changes and never looks at the world: it is facts, an address and a window of time
[start, end].  Facts before the window stay inside as history (who held at its start, what was the
last Advertisement), which is what makes `between()` exact.
Times are seconds: Unix time in the real Lab, virtual time in the Lan.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import labs.analysis.ownership as ownership
import labs.analysis.takeover_timing as predict
from labs.analysis.ownership import HolderInterval, OwnershipInterval, ServiceInterval
from labs.analysis.takeover_timing import ExpectedTakeover
from labs.errors import LabError
from labs.model.facts import (
    Action,
    Address,
    Advert,
    Configured,
    Fact,
    Heard,
    Link,
    Ping,
    State,
    in_order,
    read,
    to_json,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "ExpectedTakeover",
    "HolderInterval",
    "OwnershipInterval",
    "ServiceInterval",
    "Takeover",
    "Timeline",
]

F = TypeVar("F", bound=Fact)

# keepalived's console log has whole seconds, so its lines may lie this much before the event.
REASON_EARLY_S = 1.2
REASON_LATE_S = 0.5
# A client learns of a takeover within this time (a gratuitous ARP and one ping).
CLIENT_LAG_S = 0.25
# An old master gives the address up within this time of the new one's first Advertisement.
HANDOVER_OVERLAP_S = 0.2
# What makes a path or a daemon work again: no silence begins with it.
_REPAIRS = ("mend", "plug", "start", "thaw")
# What a takeover is predicted from (`takeover_timing.PHRASES`) that waits for a silence to last.
_SILENCES = ("advert", "received", "respected")


@dataclass(frozen=True, slots=True)
class Takeover:
    """`to` began to hold the address at `at`; `frm` held it before (None: no host ever had).

    `after` is the time since the last Advertisement of `frm` (None: it never sent one).
    `reason` is the new master's own word, from its journal ("" when it has none).
    `prediction` says when it was due; `cause` is what the learner last did to one of the two, None
    if that cannot have been the cause.
    `shared` is for how long `frm` went on holding: some milliseconds when it hands over, much
    longer in a split brain.
    """

    frm: str | None
    to: str
    at: float
    after: float | None = None
    reason: str = ""
    prediction: ExpectedTakeover | None = None
    cause: Action | None = None
    shared: float = 0.0

    @property
    def split(self) -> bool:
        """Did two go on holding, for longer than a handover takes?"""
        return self.shared > HANDOVER_OVERLAP_S

    @property
    def predicted(self) -> float | None:
        """The moment it was due, on the clock of the facts."""
        return self.prediction.at if self.prediction else None

    @property
    def measured(self) -> float | None:
        """Seconds from the event that the prediction counts from to the takeover."""
        return self.at - self.prediction.since if self.prediction else None

    @property
    def late(self) -> float | None:
        """Seconds by which it missed the prediction; negative when early."""
        return self.at - self.prediction.at if self.prediction else None


class Views(Protocol):
    """What draws a timeline; `labs.figures` supplies it, so that analysis knows no painter."""

    def text(self, timeline: Timeline, width: int) -> str:
        """The figure in characters."""

    def headline(self, timeline: Timeline) -> str:
        """The figure's title: who held the address, and for how long no host did."""

    def figure(self, timeline: Timeline, **options: Any) -> Figure:
        """The figure, as matplotlib draws it."""

    def html(self, timeline: Timeline) -> str:
        """The figure and its text, for a page."""


_views: list[Views] = []


def draw_with(views: Views) -> None:
    """Let every Timeline show itself with `views` from now on."""
    _views[:] = [views]


def _drawn() -> Views:
    if not _views:
        raise LabError("a Timeline has nothing to draw with: import labs.figures first")
    return _views[0]


class Timeline:
    """What `facts` say about `address` between `start` and `end` (default: all of it).

    `hosts` are the lanes of the figure, from top to bottom; by default the hosts that ever held
    the address or sent an Advertisement for it, in order of appearance.
    """

    def __init__(
        self,
        facts: Iterable[Fact],
        address: str = "192.168.1.10",
        hosts: Iterable[str] | None = None,
        *,
        start: float | None = None,
        end: float | None = None,
    ) -> None:
        self.facts: tuple[Fact, ...] = tuple(in_order(facts))
        self.address = address
        self.hosts: tuple[str, ...] = tuple(hosts) if hosts is not None else self._lanes()
        first, last = (self.facts[0].t, self.facts[-1].t) if self.facts else (0.0, 0.0)
        self.start = first if start is None else start
        self.end = max(self.start, last if end is None else end)

    def _lanes(self) -> tuple[str, ...]:
        """The hosts that had something to do with the address, in order of appearance."""
        seen: dict[str, None] = {}
        for fact in self.facts:
            match fact:
                case Address(address=self.address) | Advert() | State():
                    seen[fact.host] = None
        return tuple(seen)

    # -- who held ---------------------------------------------------------------------------

    @cached_property
    def segments(self) -> list[OwnershipInterval]:
        """The window cut wherever the holders change: no holes, no overlaps."""
        return ownership.segments(self.facts, self.address, self.start, self.end)

    def holders_at(self, t: float) -> tuple[str, ...]:
        """The hosts that hold the address at `t`; () for none, two for a split brain."""
        for part in self.segments:
            if part.start <= t < part.end or t == part.end == self.end:
                return part.holders
        return ()

    def spans(self) -> list[HolderInterval]:
        """Each unbroken tenure of one host."""
        return ownership.spans(self.segments)

    @property
    def gaps(self) -> list[OwnershipInterval]:
        """When no host held it."""
        return ownership.gaps(self.segments)

    @property
    def overlaps(self) -> list[OwnershipInterval]:
        """When two or more held."""
        return ownership.overlaps(self.segments)

    # -- who answered ------------------------------------------------------------------------

    @cached_property
    def service(self) -> list[ServiceInterval]:
        """Who answered the client's pings, stretch by stretch."""
        return ownership.service(self.facts, self.address, self.start, self.end)

    @property
    def outages(self) -> list[ServiceInterval]:
        """When the client's pings had no answer."""
        return ownership.outages(self.service)

    def outage_at(self, t: float) -> ServiceInterval | None:
        """The outage that a takeover at `t` ended, if there was one: the longest around it.

        Single pings may be lost before and after, while the network learns the new way.
        """
        around = [
            o for o in self.outages if o.start <= t + CLIENT_LAG_S and o.end >= t - CLIENT_LAG_S
        ]
        return max(around, key=lambda outage: outage.duration, default=None)

    # -- who took over, and when it was due --------------------------------------------------

    @cached_property
    def router_facts(self) -> list[Fact]:
        """The facts of the virtual router of this address, with who received what."""
        own = predict.vrids(self.facts, self.address)
        kept = [
            f
            for f in self.facts
            if not isinstance(f, Ping)
            and not (isinstance(f, Advert | Heard | Configured) and own and f.vrid not in own)
        ]
        return predict.with_deliveries(kept, self.hosts)

    @cached_property
    def takeovers(self) -> list[Takeover]:
        """Each time a host began to hold in the window; who held at its start does not count."""
        since = min(self.start, self.facts[0].t) if self.facts else self.start
        parts = ownership.segments(self.facts, self.address, since, self.end)
        before = parts[0].holders if parts else ()
        frm = before[0] if before else None
        result: list[Takeover] = []
        for part in parts[1:]:
            new = [host for host in part.holders if host not in before]
            result += [self._takeover(frm, to, part.start, since) for to in new]
            since = part.start if new else since
            before = part.holders
            frm = before[0] if before else frm
        return [takeover for takeover in result if takeover.at > self.start]

    def _takeover(self, frm: str | None, to: str, at: float, since: float) -> Takeover:
        """The takeover at `at`; `since` is when the one before it happened."""
        earlier = [f for f in self.router_facts if f.t <= at]
        adverts = [f.t for f in earlier if isinstance(f, Advert) and f.host == frm]
        actions = [f for f in earlier if isinstance(f, Action) and f.t >= since]
        causes = [f for f in actions if f.host in (frm, to)] or actions
        words = [
            f
            for f in self.facts
            if isinstance(f, State)
            and (f.host, f.to) == (to, "MASTER")
            and at - REASON_EARLY_S <= f.t <= at + REASON_LATE_S
        ]
        held = [span for span in self.spans() if span.host == frm]
        prediction = predict.predict(self.router_facts, to, at)
        cause = causes[-1] if causes else None
        if cause and cause.verb in _REPAIRS and prediction and prediction.basis in _SILENCES:
            # Advertisements came after the repair: the silence that followed has another cause.
            cause = cause if prediction.since <= cause.t else None
        return Takeover(
            frm=frm,
            to=to,
            at=at,
            after=at - adverts[-1] if adverts else None,
            reason=min(words, key=lambda f: abs(f.t - at)).reason if words else "",
            prediction=prediction,
            cause=cause,
            shared=sum(max(0.0, s.end - max(s.start, at)) for s in held if s.start < at < s.end),
        )

    @property
    def predictions(self) -> list[ExpectedTakeover]:
        """When each takeover of the window was due, as far as the observers can know."""
        return [takeover.prediction for takeover in self.takeovers if takeover.prediction]

    # -- other views -------------------------------------------------------------------------

    def of(self, kind: type[F]) -> Iterator[F]:
        """The facts of one kind in the window, of this address's virtual router, in order."""
        source = self.facts if kind in (Ping, Address, Link) else self.router_facts
        return (f for f in source if isinstance(f, kind) and self.start <= f.t <= self.end)

    def between(self, start: float, end: float) -> Timeline:
        """The same facts seen through a narrower (or wider) window."""
        return Timeline(self.facts, self.address, self.hosts, start=start, end=end)

    def last(self, seconds: float) -> Timeline:
        """The last `seconds` of the window."""
        return self.between(max(self.start, self.end - seconds), self.end)

    def text(self, width: int = 60) -> str:
        """The figure in characters, `width` columns of time, and a sentence for each event."""
        return _drawn().text(self, width)

    def figure(self, **options: Any) -> Figure:
        """The timeline figure; `options` as for `labs.figures.plot.timeline`."""
        return _drawn().figure(self, **options)

    # -- on disk -----------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write JSON lines: one for the timeline itself, then one for each fact."""
        head = {
            "kind": "timeline",
            "address": self.address,
            "hosts": list(self.hosts),
            "start": self.start,
            "end": self.end,
        }
        lines = [json.dumps(head), *map(to_json, self.facts)]
        Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Timeline:
        """Read what `save` wrote.  Raises ValueError when the file is something else."""
        with Path(path).open(encoding="utf-8") as lines:
            head = json.loads(next(lines, "null"))
            if not isinstance(head, dict) or head.pop("kind", None) != "timeline":
                raise ValueError(f"{path} holds no timeline: its first line names none")
            return cls(read(lines), **head)

    # -- shown -------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Timeline):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        return (self.facts, self.address, self.hosts, self.start, self.end)

    def __repr__(self) -> str:
        return f"<Timeline: {_drawn().headline(self)}>"

    def _repr_html_(self) -> str:
        """The timeline figure, when a notebook shows the last line of a cell."""
        return _drawn().html(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """The text beside it, for terminals, GitHub's viewer and screen readers."""
        printer.text(repr(self) if cycle else self.text())
