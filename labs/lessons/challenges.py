"""Challenges: what must be true in the end, whichever way it was reached.

    check(lab, "leave")     which steps are met, what the lab looks like now, one next step;
                            folded below, three hints: the first names the fault, the last is
                            nearly the answer

Steps are looked at in order, and the first that is not met gives the hints, so each of them may
take the earlier steps for granted. A check looks at the state of the lab, never at the way there,
and waits for what needs its time.
The challenges themselves are in `labs.lessons.course`, a module for each lesson.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from labs import waiting
from labs.cards import RIGHT, WRONG, card, folded, lines, marked
from labs.conf import errors
from labs.errors import LabError
from labs.jupyter.notebook_errors import install
from labs.progress import Entry, memory

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

Hint = str | Callable[["Lab"], str]
# A cluster in which something still moves is looked at again as many times in all.
_LOOKS = 3
# What `keepalived -t` reports of scripts that it runs all the same: as root, or found in PATH.
_RUNS_ALL_THE_SAME = re.compile(
    r"SECURITY VIOLATION - "
    r"|Unsafe permissions found for script '.*'\.$"
    r"|WARNING - script .* resolved by path search to "
)
SUMMARIES = ("Hint", "Another hint: where to look", "The last hint: nearly the answer")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that must be true, and what to say while it is not.

    `met(lab)` may raise LabError, which counts as not met.
    `hints`: one to three; each may look at the lab. The first names the fault, the second says
    where to look, the third is nearly the answer.
    `timeout`: seconds that the step is given to become true.
    `lasts`: seconds for which it must then stay true; a state that passes by itself is none.
    """

    goal: str
    met: Callable[[Lab], bool]
    hints: tuple[Hint, ...]
    timeout: float = 0.0
    lasts: float = 0.0


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the learner is asked to do: a title, the state to start from, and the steps."""

    task: str
    state: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Report:
    """Which steps of a challenge are met, in order, and the hints for the first that is not.

    True if all are. `sees`: the lab as it is now. `attempt`: how often it was tried, with this.
    """

    task: str
    met: tuple[str, ...]
    unmet: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    sees: str = ""
    attempt: int = 1
    passed: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "passed", not self.unmet)

    def __bool__(self) -> bool:
        return self.passed

    @property
    def hint(self) -> str:
        """The first hint, or nothing."""
        return self.hints[0] if self.hints else ""

    def _title(self) -> str:
        done, steps = len(self.met), len(self.met) + len(self.unmet)
        tried = f" (tried {self.attempt} times)" if self.attempt > 1 else ""
        return f"{self.task}: {'done' if self.passed else f'{done} of {steps}{tried}'}"

    def _lines(self) -> list[str]:
        lines = [f"✓ {goal}" for goal in self.met]
        lines += [f"{'→' if n == 0 else '·'} {goal}" for n, goal in enumerate(self.unmet)]
        return lines if self.passed or not self.sees else [*lines, f"Now: {self.sees}"]

    def __repr__(self) -> str:
        hint = [f"Hint: {self.hint}"] if self.hint else []
        return "\n".join([self._title(), *self._lines(), *hint])

    def _repr_html_(self) -> str:
        below = ""
        for summary, hint in reversed(list(zip(SUMMARIES, self.hints, strict=False))):
            below = folded(summary, marked(hint) + below)
        body = lines(*self._lines())
        return card(RIGHT if self.passed else WRONG, self._title(), body + below)


def check(lab: Lab, challenge: str) -> Report:
    """Which steps of `challenge` the lab meets now; later steps wait for the earlier ones.

    Raises LabError, naming the known ones, for a challenge that does not exist, and for a lab that
    is none or has ended.
    """
    from labs.lessons import course

    install()
    if not hasattr(lab, "holders") or getattr(lab, "closed", False):
        raise LabError(
            "there is no lab to check: run the cell above that says `lab = Lab(...)`, "
            f'do your part, then run check(lab, "{challenge}") again'
        )
    found = course.challenge(challenge, memory.lesson)
    report = look(lab, found, tries(memory.entries("check", challenge)) + 1)
    memory.note("check", challenge, passed=report.passed)
    return report


def tries(checks: Sequence[Entry]) -> int:
    """How many of `checks` are attempts: all but a first one that only looked at the start."""
    return len(checks) - bool(checks and not checks[0].passed)


def look(lab: Lab, challenge: Challenge, attempt: int = 1) -> Report:
    """The report on `challenge`, of which nothing is written down."""
    goals = tuple(step.goal for step in challenge.steps)
    for number, step in enumerate(challenge.steps):
        if not _holds(lab, step):
            hints = tuple(_hint_text(hint, lab) for hint in step.hints)
            met, unmet = goals[:number], goals[number:]
            return Report(challenge.task, met, unmet, hints, sees(lab), attempt)
    return Report(challenge.task, goals, attempt=attempt)


def sees(lab: Lab) -> str:
    """The lab in a line: who holds the address, and whatever is not as it should be."""
    words = [f"{lab.watch} is held by {' and '.join(lab.holders()) or 'nobody'}"]
    words += [f"no cable in {host}" for host, on in lab.witness.carrier().items() if not on]
    words += [f"no daemon on {host}" for host in lab.daemons if not lab.running(host)]
    return "; ".join(words)


def rejected(lab: Lab) -> dict[str, str]:
    """What `keepalived -t` says on each server whose file it rejects.

    vrrpd's own parser is asked in this process, which gives what `vrrpd -t` prints.
    """
    found = {}
    for host, daemon in lab.daemons.items():
        if daemon.name == "keepalived":
            tested = lab.run(host, "keepalived -t")
            faults = _faults(tested.text) if tested.status else []
        else:
            faults = errors(lab.conf(host), host)
        if faults:
            found[host] = faults[0].splitlines()[0]
    return found


def _faults(text: str) -> list[str]:
    """The lines of `keepalived -t` but those on scripts that it runs all the same (status 5, 6)."""
    lines = [line for line in text.splitlines() if line.strip()]
    return [line for line in lines if not _RUNS_ALL_THE_SAME.match(line)]


def _test_hint(lab: Lab) -> str:
    said = rejected(lab).items()
    return "; ".join(f"keepalived -t on {host} says: {line}" for host, line in said)


VALID = Step(
    "keepalived -t accepts the file of every server",
    lambda lab: not rejected(lab),
    hints=(
        _test_hint,
        "type `keepalived -t` on that server: it names the line and what is wrong with it",
    ),
)


def _hint_text(hint: Hint, lab: Lab) -> str:
    """A hint that looks at the lab may find that impossible, and that is a hint, too."""
    try:
        return hint if isinstance(hint, str) else hint(lab)
    except LabError as error:
        return str(error)


def _holds(lab: Lab, step: Step) -> bool:
    """Whether `step` is met within its time, and stays so as long as it has to."""
    longest = step.timeout + step.lasts
    # A step without a time may wait by itself: then it reports that itself.
    long = longest > waiting.SILENT_S
    for look in range(_LOOKS):
        if long and (step.lasts or not _met(lab, step)):
            again = "it did not last; " if look else ""
            waiting.report(f"{again}looking for up to {longest:g} s: {step.goal}")
        with waiting.announced() if long else nullcontext():
            if not _becomes_met(lab, step):
                return False
            if not step.lasts or _stays(lab, step):
                return True
    return False


def _becomes_met(lab: Lab, step: Step) -> bool:
    if not step.timeout:
        return _met(lab, step)
    try:
        lab.wait_until(lambda: step.met(lab), timeout=step.timeout, what=step.goal)
    except LabError:
        return False
    return True


def _met(lab: Lab, step: Step) -> bool:
    try:
        return step.met(lab)
    except LabError:
        return False


def _stays(lab: Lab, step: Step) -> bool:
    try:
        lab.wait_until(
            lambda: not _met(lab, step), timeout=step.lasts, what=f"no longer {step.goal}"
        )
    except LabError:
        return _met(lab, step)
    return False
