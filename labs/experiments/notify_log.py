"""Which scripts the daemons have called, when and with which words.

    called(lab)              a line for each call: when, on which host, what
    called(lab).timeline()   the timeline figure, with each call marked like an action

A daemon's call of a script is not seen from outside, so the scripts record it themselves.
Those of the state "scripts" append a line to /var/log/called: Unix time, their name, their words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labs.analysis.timeline import Timeline
from labs.model.facts import Action

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

LOG = "/var/log/called"


@dataclass(frozen=True, slots=True)
class Call:
    """`host` called `script` with `words` at `t` (Unix time)."""

    t: float
    host: str
    script: str
    words: str = ""


class Calls:
    """Calls in order of time, seen against what happened in the lab.

    `seen` is the timeline of the lab; the moments shown count from its start.
    """

    def __init__(self, calls: Iterable[Call], seen: Timeline) -> None:
        self.calls = tuple(sorted(calls, key=lambda call: call.t))
        self.seen = seen

    def of(self, host: str) -> list[str]:
        """The names of the scripts that `host` has called, in order."""
        return [call.script for call in self.calls if call.host == host]

    def timeline(self) -> Timeline:
        """The lab's timeline with a mark for each call.

        A mark belongs to no host: a script is not what moves the address.
        """
        marks = [
            Action(call.t, f"{call.script} on {call.host}", None, f"{call.script} on {call.host}")
            for call in self.calls
        ]
        seen = self.seen
        return Timeline(
            [*seen.facts, *marks], seen.address, seen.hosts, start=seen.start, end=seen.end
        )

    def __repr__(self) -> str:
        width = max((len(call.host) for call in self.calls), default=0)
        return "\n".join(
            f"{call.t - self.seen.start:6.2f} s  {call.host:<{width}}  "
            f"{call.script} {call.words}".rstrip()
            for call in self.calls
        )

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))


def called(lab: Lab) -> Calls:
    """What the scripts of all servers of `lab` have written down so far."""
    calls: list[Call] = []
    for host in lab.servers:
        written = lab.read(host, LOG) or ""
        for line in written.rpartition("\n")[0].splitlines():  # the last may be half written
            moment, script, *words = line.split()
            calls.append(Call(float(moment), host, script, " ".join(words)))
    return Calls(calls, lab.timeline())
