"""What a replayed lab has in the place of observers, captures and pictures.

FactsUntil      facts, as far as they had happened by a moment
ReplayObserver  what `labs.monitoring.observer.Observer` would know by now
ReplayCapture   a Capture whose frames were recorded
StoredPicture   what something showed in a notebook
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from labs.capture.capture import Around, Capture, Frame
from labs.model import facts
from labs.model.facts import Address, Fact, Link

if TYPE_CHECKING:
    from labs.emulation.streams import RecordedEvents
    from labs.model.topology import Socket
    from labs.replay.replay_lab import ReplayLab

F = TypeVar("F", bound=Fact)


class FactsUntil:
    """Facts by time."""

    def __init__(self, all_of_them: Iterable[Fact]) -> None:
        self._facts = facts.in_order(all_of_them)
        self._times = [fact.t for fact in self._facts]
        self._of: dict[type[Any], tuple[list[Any], list[float]]] = {}

    def until(self, t: float) -> list[Fact]:
        """Those until `t`."""
        return self._facts[: bisect_right(self._times, t)]

    def of(self, kind: type[F], t: float) -> list[F]:
        """Those of one kind until `t`; a replay asks for them at each of its moments."""
        if kind not in self._of:
            found = [fact for fact in self._facts if isinstance(fact, kind)]
            self._of[kind] = found, [fact.t for fact in found]
        known, times = self._of[kind]
        return known[: bisect_right(times, t)]


class ReplayObserver:
    """What the observers of a replayed lab have seen until now."""

    def __init__(self, lab: ReplayLab) -> None:
        self._lab = lab

    def facts(self, since: float = 0.0) -> list[Fact]:
        """All facts from `since` on."""
        return [fact for fact in self._lab.facts() if fact.t >= since]

    def of(self, kind: type[F]) -> list[F]:
        """The facts of one kind."""
        return self._lab.facts_of(kind)

    def held(self) -> dict[str, set[str]]:
        """The addresses that each host has."""
        found: dict[str, set[str]] = {name: set() for name in self._lab.hosts}
        for fact in self.of(Address):
            mine = found.setdefault(fact.host, set())
            (mine.add if fact.held else mine.discard)(fact.address)
        return found

    def carrier(self) -> dict[str, bool]:
        """Whether each host has an interface that is up and has carrier."""
        found = {(fact.host, fact.interface): fact.up and fact.carrier for fact in self.of(Link)}
        return {
            host: any(on for (who, _), on in found.items() if who == host)
            for host in self._lab.hosts
        }


class ReplayCapture(Capture):
    """The frames at one interface while the context lasts, as the replay's clock has it."""

    def __init__(
        self, socket: Socket, around: Around, frames: RecordedEvents, lab: ReplayLab
    ) -> None:
        super().__init__(socket.host, socket.interface, socket.port, around)
        self._told, self._lab = frames, lab
        self._end: float | None = None

    @property
    def frames(self) -> list[Frame]:
        """What has passed so far, oldest first."""
        end = self._lab.now if self._end is None else self._end
        return [
            Frame(p["t"], self.host, bytes.fromhex(p["packet"]), bytes.fromhex(p["ethernet"]))
            for p in self._told.pieces()
            if self.begun <= p["t"] <= end
        ]

    def __enter__(self) -> Capture:
        self.begun = self._lab.now
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end = self._lab.now


class StoredPicture:
    """What a picture showed in a notebook, by MIME type."""

    def __init__(self, **shown: str) -> None:
        self._shown = shown

    def __repr__(self) -> str:
        return self._shown["text/plain"]

    def _repr_mimebundle_(self, **_options: object) -> dict[str, str]:
        return self._shown
