"""The language of stories: what is done to a cluster, and what must then be so, a line each.

    0     wait holder web1          wait until it is so; the clock goes on from there
    +2    unplug web1              2 s after the line before
    wait holder web2                without a moment: at once
    30    plug web1                30 s after the beginning
    +5    holder web1               it must be so now
    +0    end

A line is a moment, which may be left out, and an instruction:

    VERB HOST [WORDS]              a fault verb (`labs.model.fault_verbs`)
    settle                         until one host holds the address and nothing is about to change
    run HOST COMMAND               a shell command on a host, which must succeed (a real lab only)
    conf HOST TEXT                 another keepalived.conf, with \\n between its lines
    wait CLAIM                     until the claim is true
    CLAIM                          the claim is true now
    end                            nothing: the story lasts until then

    holder HOST... [of ADDRESS]     exactly these hosts have the address, `holder nobody` none
    is HOST STATE                  the daemon of HOST is MASTER, BACKUP or FAULT

Scenarios (`labs.scenarios.model`, `labs run`) and the `begin` of a start state
(`labs.emulation.start_states`) are such lines below a head of their own.  A real lab and the
simulation play the same lines.
"""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from labs.errors import LabError, unknown
from labs.model import fault_verbs
from labs.model.fault_verbs import FAULT_VERBS

CLAIMS = ("holder", "is")
# The instructions that are not fault verbs.
OTHERS = ("settle", "run", "conf", "wait", "end", *CLAIMS)
WAIT_TIMEOUT = 15.0  # s within which what is waited for comes true
_MOMENT_TIMEOUT = 1e4  # s; a story on a real lab that lasts longer than this is a mistake


@dataclass(frozen=True)
class Step:
    """One line: `at` seconds after the beginning, or after the line before if `after`."""

    at: float
    verb: str
    words: tuple[str, ...] = ()
    after: bool = True

    def __str__(self) -> str:
        digits = f"{self.at:.6f}".rstrip("0").rstrip(".")
        moment = ("+" if self.after else "") + digits
        return " ".join((f"{moment:<9}", self.verb, *self.words)).rstrip()

    @property
    def text(self) -> str:
        """The line as it may be written: without the moment if it happens at once."""
        return " ".join((self.verb, *self.words)) if self.after and not self.at else str(self)


def instructions() -> list[str]:
    """The words that an instruction begins with."""
    return [*fault_verbs.real(), *(set(fault_verbs.simulated()) - {*fault_verbs.real()}), *OTHERS]


def is_step(words: Sequence[str]) -> bool:
    """Whether the words of a line are one of a story, judged by the first one."""
    return words[0][0] in "+0123456789" or words[0] in instructions()


def step(words: Sequence[str]) -> Step:
    """One line of a story.  Raises ValueError."""
    has_moment = words[0][0] in "+0123456789"
    moment, rest = (words[0], [*words[1:]]) if has_moment else ("+0", [*words])
    if not rest:
        raise ValueError("a moment needs a verb")
    if rest[0] == "wait" and rest[1:2] not in [[one] for one in CLAIMS]:
        raise ValueError(f"wait for what? {' or '.join(CLAIMS)}")
    at = float(moment.lstrip("+"))
    if not 0 <= at < math.inf:
        raise ValueError("not a moment in seconds")
    return Step(at, rest[0], tuple(rest[1:]), moment[0] == "+")


# What a line does to a lab, whichever it is.


def perform(
    steps: Sequence[Step], lab: Any, timeout: float = WAIT_TIMEOUT, began: float | None = None
) -> None:
    """Play a story on a real lab, in real time.  Raises LabError.

    `timeout`: s for each `wait`.  `began` (monotonic, s): when the story began, if not now.
    """
    before = time.monotonic()
    began = before if began is None else began
    for each in steps:
        due = (before if each.after else began) + each.at
        if time.monotonic() < due:
            what = f"the moment of `{each}`"
            lab.wait_until(_since(due), timeout=_MOMENT_TIMEOUT, what=what)
        execute(lab, each, timeout)
        before = time.monotonic()


def _since(due: float) -> Callable[[], bool]:
    """Whether a moment (monotonic, s) has come."""
    return lambda: time.monotonic() >= due


def execute(lab: Any, one: Step, timeout: float = WAIT_TIMEOUT) -> None:
    """Do, wait for or check what one line says.  Raises LabError."""
    if one.verb == "wait":
        lab.wait_until(
            lambda: holds(lab, one.words), timeout=timeout, what=_awaited(lab, one.words)
        )
    elif one.verb in CLAIMS:
        if not holds(lab, (one.verb, *one.words)):
            holders = ", ".join(lab.holders()) or "nobody"
            raise LabError(f"`{one.text}` is not so: held by {holders}; look at .timeline()")
    elif one.verb in FAULT_VERBS and callable(getattr(lab, one.verb, None)):
        try:
            fault_verbs.perform(lab, one.verb, *one.words)
        except LabError as error:
            raise LabError(f"`{one.text}`: {error}") from None
    elif one.verb != "end":
        _other(lab, one)


def _awaited(lab: Any, words: Sequence[str]) -> str:
    """What a learner is waiting for while a claim is not true yet: `web2 to hold 192.168.1.10`."""
    claim, *rest = words
    if claim == "is":
        return f"{rest[0]} to be {' '.join(rest[1:])}"
    hosts, address = rest, lab.watch
    if rest[-2:-1] == ["of"]:
        hosts, address = rest[:-2], rest[-1]
    return f"{' and '.join(hosts)} to hold {address}"


def _other(lab: Any, one: Step) -> None:
    """Carry out settle, run or conf.  Raises LabError for what this lab cannot do."""
    method = getattr(lab, one.verb, None)
    words = one.words
    if one.verb in ("run", "conf"):
        if len(words) < 2:
            raise LabError(f"usage: {one.verb} HOST {'COMMAND' if one.verb == 'run' else 'TEXT'}")
        text = " ".join(words[1:])
        words = (words[0], text if one.verb == "run" else text.replace("\\n", "\n"))
    if one.verb not in ("settle", "run", "conf") or not callable(method):
        raise _cannot(lab, one)
    try:
        inspect.signature(method).bind(*words)
    except TypeError:
        raise _cannot(lab, one) from None
    done = method(*words)
    if one.verb == "run" and done.status:
        raise LabError(f"`{one.text}` ended with status {done.status}: {done.text.strip()}")


def _cannot(lab: Any, one: Step) -> LabError:
    return LabError(f"{one.verb} {' '.join(one.words)}: {type(lab).__name__} cannot do that")


def holds(lab: Any, words: Sequence[str]) -> bool:
    """Whether a claim is true now.  Raises LabError for a claim that is none."""
    claim, *rest = words
    if claim == "holder":
        address = []
        if len(rest) > 2 and rest[-2] == "of":
            *rest, _, named = rest
            address = [named]
        return sorted(lab.holders(*address)) == sorted([] if rest == ["nobody"] else rest)
    if claim == "is" and len(rest) == 2:
        return _state(lab, rest[0]) == rest[1]
    raise unknown("claim", claim, CLAIMS)


def _state(lab: Any, host: str) -> str:
    """The last state in the journal of a host."""
    lines = [line for line in lab.journal(host) if line.get("event") == "state"]
    return str(lines[-1]["to"]) if lines else "INIT"
