"""The same cluster several times at once, each with other daemons: do they behave alike?

    pairs = Pairs("basic")                 four labs side by side, as PAIRS says
    pairs.settle()
    pairs.unplug("web1")                   pull that cable in each of them
    pairs.settle()
    pairs.table()                          who took over, when it was due, when it happened
    pairs.timelines(1, 5)                  for plot.stack: from 1 s before the verb to 5 s after it
    pairs["keepalived"].log("web2")        one lab of them
    current()                              the Pairs of this kernel

All of them run at the same time on the same machine, so what disturbs one disturbs all.
A new Pairs closes the one before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from labs.analysis.timeline import Takeover, Timeline
from labs.cards import Table
from labs.errors import LabError, unknown
from labs.model.facts import Action, Advert

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

PAIRS: dict[str, dict[str, str]] = {
    "vrrpd": {"web1": "vrrpd", "web2": "vrrpd"},
    "keepalived": {"web1": "keepalived", "web2": "keepalived"},
    "keepalived + vrrpd": {"web1": "keepalived", "web2": "vrrpd"},
    "vrrpd + keepalived": {"web1": "vrrpd", "web2": "keepalived"},
}
# Seconds within which four clusters that start at once have found their holders.
SETTLE_TIMEOUT = 30.0

_current: Pairs | None = None


class Pairs:
    """Labs in one start state, by the name of the daemons of web1 and web2.

    `names` are some of PAIRS, by default all. Raises LabError for an unknown name, and if a daemon
    is not installed.
    """

    def __init__(self, state: str = "basic", names: Sequence[str] = tuple(PAIRS)) -> None:
        global _current
        from labs.api import lab_class

        made = lab_class()  # of this mode: it may be a recording or a replay
        for name in names:
            if name not in PAIRS:
                raise unknown("pair", name, PAIRS)
        if _current is not None:
            _current.close()
        self.labs: dict[str, Lab] = {}
        self._verb_at: dict[str, float] = {}
        try:
            for name in names:
                self.labs[name] = made(state, daemon=PAIRS[name], beside=bool(self.labs))
        except BaseException:
            self.close()
            raise
        _current = self

    def __getitem__(self, name: str) -> Lab:
        if name not in self.labs:
            raise unknown("pair", name, self.labs)
        return self.labs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.labs)

    def settle(self) -> dict[str, str]:
        """Wait until each cluster is settled; who holds the address in each of them."""
        return {name: lab.settle(SETTLE_TIMEOUT) for name, lab in self.labs.items()}

    def unplug(self, host: str) -> None:
        """Pull the cable of `host` in every lab."""
        self.each("unplug", host)

    def each(self, verb: str, *words: object) -> None:
        """The same verb of Lab in every lab: ``each("unplug", "web1")``."""
        for name, lab in self.labs.items():
            done = getattr(lab, verb, None)
            if done is None:
                raise LabError(f"a lab cannot {verb!r}: try unplug, plug, stop, start, crash ...")
            done(*words)
            # Not the latest fact of all: a verb may return after the takeover that it has caused.
            acted = [fact.t for fact in lab.facts() if isinstance(fact, Action)]
            self._verb_at[name] = max(acted, default=lab.now)

    def holders(self) -> dict[str, list[str]]:
        """Who holds the address now, in each lab."""
        return {name: lab.holders() for name, lab in self.labs.items()}

    def timelines(self, before: float = 1.0, after: float = 5.0) -> list[Timeline]:
        """The timeline of each lab around the last `each`, all equally long (s)."""
        found = []
        for name, lab in self.labs.items():
            whole = lab.timeline()
            at = self._verb_at.get(name, whole.end - after)
            found.append(whole.between(at - before, at + after))
        return found

    def takeovers(self) -> dict[str, Takeover]:
        """The last takeover in each lab; LabError if there was none since the last `each`."""
        found = {}
        for name, lab in self.labs.items():
            taken = [t for t in lab.timeline().takeovers if t.at >= self._verb_at.get(name, 0)]
            if not taken:
                raise LabError(f"{name}: no takeover yet: pairs.settle(), then run this cell again")
            found[name] = taken[-1]
        return found

    def moves(self, seconds: float) -> dict[str, int]:
        """How often the address has changed hands in each lab within the last `seconds`."""
        return {n: len(lab.timeline().last(seconds).takeovers) for n, lab in self.labs.items()}

    def spread(self) -> float:
        """Seconds between the quickest and the slowest takeover.

        Each is counted from the event that its prediction counts from, the last Advertisement.
        """
        measured = [t.measured for t in self.takeovers().values() if t.measured is not None]
        if not measured:
            raise LabError(
                "the observers do not know when these takeovers were due: run this cell again"
            )
        return max(measured) - min(measured)

    def table(self) -> Table:
        """What was due and what happened, a row for each pair, in seconds."""
        rows = []
        for name, taken in self.takeovers().items():
            outage = self.labs[name].timeline().outage_at(taken.at)
            due = f"{taken.prediction.wait:.3f}" if taken.prediction else "?"
            took = f"{taken.measured:.3f}" if taken.measured is not None else "?"
            silent = f"{outage.duration:.2f}" if outage else "0"
            rows.append((name, due, took, silent, taken.reason))
        return Table(("web1 + web2", "due", "took", "client waited", "reason in its log"), rows)

    def firsts(self, host: str) -> dict[str, str]:
        """The first Advertisement of `host` in each lab: the whole IP packet, hexadecimal."""
        found = {}
        for name, lab in self.labs.items():
            said = [f for f in lab.facts() if isinstance(f, Advert) and f.host == host]
            if said:
                found[name] = min(said, key=lambda advert: advert.t).hex
        return found

    def close(self) -> None:
        """End all of the labs."""
        global _current
        for lab in self.labs.values():
            lab.close()
        if _current is self:
            _current = None

    def __repr__(self) -> str:
        held = [f"{name}: {' and '.join(who) or 'nobody'}" for name, who in self.holders().items()]
        return "\n".join(held)


def current() -> Pairs:
    """The pairs that this kernel has started last; LabError if they were closed, or none were."""
    if _current is None:
        raise LabError('no pairs are running here: start them with `pairs = Pairs("basic")`')
    return _current
