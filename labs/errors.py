"""LabError: something the learner or the machine can put right.

Every message is one or two sentences and ends with the remedy:

    no host called 'mastr' in this lab: choose web1, web2 or client

A notebook shows it as that one line.
A traceback of the lab's insides would teach nothing, and the line that matters would come last.
"""

from __future__ import annotations

from collections.abc import Iterable


class LabError(Exception):
    """A request that cannot be met; the message says why and what to do instead."""

    def _render_traceback_(self) -> list[str]:
        """IPython asks an exception for this before it formats a traceback of its own."""
        return [f"LabError: {self}"]


class CommandTimeout(LabError):
    """A command on a host that was ended because it took longer than `seconds`."""

    def __init__(self, words: str, seconds: float) -> None:
        super().__init__(words)
        self.seconds = seconds


# What a magic or `Lab.current()` says without a lab; a lesson has a cell that starts its own.
NO_LAB = (
    "no lab is running here: run the cell above that says `lab = Lab(...)`, then this one; "
    'outside of a lesson, start one with `lab = Lab("basic")`'
)


class NextStepReached(LabError):
    """A replay came to the next thing that was done before what was waited for."""


def unknown(kind: str, name: object, known: Iterable[str], where: str = "in this lab") -> LabError:
    """The error for a name that is not one of `known`, which it lists."""
    names = list(known)
    choice = f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else "".join(names)
    return LabError(f"no {kind} called {name!r} {where}: choose {choice or 'another'}")
