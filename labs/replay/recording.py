"""Runs of the real lab on disk, so that a lesson can be read where no lab can run.

    make recordings     every lesson is executed with LAB_MODE=record      labs.replay.recording_lab
    LAB_MODE=replay       its Lab answers from what was written down         labs.replay.replay_lab

A lesson reaches its lab through the methods of Lab and in no other way.  Each method that matters
is marked where it is defined (`labs.lab_api`):

    command      it changes the lab: unplug, reload, a keepalived.conf that is written ...    Step
    query        it asks: a command that only looks, a log, a file ...                        Answer
    stream       it begins what goes on by itself: mails, visits, frames ...                  Stream

All else follows from the facts of the observers.

    labs/recordings/07-failover.json.gz
      "made"    where and when
      "runs"    one for each Lab of the lesson: how it began, its steps, answers and streams, and
                every fact of its observers
      "asides"  results of what a lesson does on labs of its own: `outage_distribution.measure`

A run is no film: what is done chooses it. Two labs that began alike and had the same done to them
are alike, so at every command the replay goes on with a run in which that command comes next.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

VARIABLE = "LAB_MODE"
RECORD, REPLAY = "record", "replay"
# Where a recording lesson is written to.
TARGET = "LAB_RECORDING"
PLACE = Path(__file__).resolve().parents[1] / "recordings"
# Arguments that are not about what happens.
_ALLOWANCES = ("timeout", "what", "show", "changes")
# The states from which challenges of the open lesson begin; begin() of a lesson says them.
challenged: set[str] = set()
# How many labs each lesson has asked for so far, by what it asked for.
_asked: Counter[tuple[str, str, str]] = Counter()


def mode() -> str:
    """ "replay", "record", or "" for a lab that runs."""
    return os.environ.get(VARIABLE, "")


def normalised_call(name: str, args: Sequence[Any], options: Mapping[str, Any]) -> list[Any]:
    """A call as it is written down and found again: without what makes no difference.

    The first cable is the one that is meant if none is named, and of packets counts what they say.
    """
    given = [*args, *(value for key, value in options.items() if key not in _ALLOWANCES)]
    if name in ("run", "settle"):
        given = given[: {"run": 2, "settle": 0}[name]]
    while given and given[-1] in (None, "eth0"):
        given.pop()
    plain = [[packet_summary(one) for one in each] if _packets(each) else each for each in given]
    return [name, *json.loads(json.dumps(plain))]


def _packets(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, bytes) for one in value)


def packet_summary(packet: bytes) -> str:
    """What a packet says, without its password, signature and running numbers."""
    from vrrpd.packet import PacketError, parse_ipv4

    try:
        told = parse_ipv4(packet)
    except PacketError:
        return f"a frame of {len(packet)} bytes"
    if len(told.message) < 3:
        return f"a packet of {len(packet)} bytes"
    ends = f"{told.source} to {told.destination}, TTL {told.ttl}, protocol {packet[9]}"
    return f"{ends}, VRID {told.message[1]}, priority {told.message[2]}"


@dataclass
class Step:
    """A command that was done between `t` and `end` (Unix times, s), and what it returned.

    `do`: its name and arguments. `since`: where the lab's timelines begin from then on.
    `programs`: the daemon that each server runs then; "" for none.
    `files`: each keepalived.conf that a command typed on a host has changed, None if it is gone.
    """

    do: list[Any]
    t: float
    end: float
    since: float
    programs: dict[str, str]
    value: str | dict[str, Any] | None = None
    files: dict[str, str | None] = field(default_factory=dict)


@dataclass
class Answer:
    """What a query was answered with at `t` (Unix time, s), after `step` commands of its run."""

    ask: list[Any]
    t: float
    step: int
    value: Any


@dataclass
class Stream:
    """What began after `step` commands with the call `ask`; each piece has its time in "t"."""

    ask: list[Any]
    step: int
    pieces: list[dict[str, Any]]


@dataclass
class Begin:
    """A lab as it began: `files` are the keepalived.conf of each host, None for none."""

    t: float
    since: float
    watched: list[str]
    layout: dict[str, Any]
    programs: dict[str, str]
    files: dict[str, str | None]


@dataclass
class Session:
    """One lab of a recorded lesson, from its start to its end; times are Unix times in s.

    `asked`: the daemons that the lesson asked for; `daemon`: those of each server.
    """

    state: str
    asked: str | dict[str, str] | None
    daemon: dict[str, str]
    begin: Begin
    end: float = 0.0
    steps: list[Step] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, written: dict[str, Any]) -> Session:
        """The run that was written as JSON.  TypeError or KeyError if it is none."""
        records: dict[str, Any] = {
            "begin": Begin(**written["begin"]),
            "steps": [Step(**each) for each in written["steps"]],
            "answers": [Answer(**each) for each in written["answers"]],
            "streams": [Stream(**each) for each in written["streams"]],
        }
        return cls(**{**written, **records})

    def done(self, count: int | None = None) -> list[list[Any]]:
        """The first `count` commands, by default all of them."""
        return [step.do for step in self.steps[:count]]


@dataclass
class Recording:
    """All that was recorded of one lesson."""

    made: dict[str, str] = field(default_factory=dict)
    runs: list[Session] = field(default_factory=list)
    asides: dict[str, Any] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write it; the same content gives the same bytes."""
        written = {"made": self.made, "runs": [asdict(run) for run in self.runs],
                   "asides": self.asides}  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(written, ensure_ascii=False, separators=(",", ":"))
        path.write_bytes(gzip.compress(text.encode(), mtime=0))


@cache
def load(path: Path) -> Recording:
    """The book at `path`.  Raises LabError that names a damaged one."""
    from labs.errors import LabError

    try:
        told = json.loads(gzip.decompress(path.read_bytes()))
        return Recording(told["made"], [Session.read(run) for run in told["runs"]], told["asides"])
    except (OSError, EOFError, zlib.error, ValueError, TypeError, KeyError) as error:
        raise LabError(
            f"the recording {path} is damaged ({error}): get it again from the repository, "
            f"`git checkout {path}`"
        ) from None


def lessons() -> list[str]:
    """The names of the lessons that have a recording."""
    return sorted(path.name.removesuffix(".json.gz") for path in PLACE.glob("*.json.gz"))


def books(lesson: str = "") -> list[Recording]:
    """The recording of `lesson` first, then the others; of those, the ones that can be read.

    Raises LabError if that of `lesson` itself is damaged.
    """
    from labs.errors import LabError

    found = []
    for name in sorted(lessons(), key=lambda name: name != lesson):
        try:
            found.append(load(PLACE / f"{name}.json.gz"))
        except LabError as error:
            if name == lesson:
                raise
            print(f"labs: {error}", file=sys.stderr)
    return found


def alike(state: str, daemon: str | dict[str, str] | None) -> list[tuple[Recording, Session]]:
    """The runs of such a lab, those of the open lesson first, and of these each in its turn.

    Raises LabError if there is none.
    """
    from labs.errors import LabError
    from labs.progress import memory

    of_state = [
        (book, run) for book in books(memory.lesson) for run in book.runs if run.state == state
    ]
    exactly = [one for one in of_state if one[1].asked == daemon]
    found = exactly or [one for one in of_state if daemon in _names(one[1].daemon)]
    if not found:
        raise LabError(
            f"this is a replay, and no run of Lab({state!r}) was recorded: it runs on Linux "
            "only, without LAB_MODE=replay"
        )
    own = [one for one in found if one[0] is found[0][0]]
    key = (memory.lesson, state, str(daemon))
    turn = _asked[key] % len(own)
    _asked[key] += 1
    return [*own[turn:], *own[:turn], *found[len(own) :]]


def _names(daemon: dict[str, str]) -> list[str | dict[str, str] | None]:
    """Other ways to ask for these daemons."""
    names = set(daemon.values())
    return [daemon, None, *(names if len(names) == 1 else ())]


def aside(name: str, make: Callable[[], list[list[float]]]) -> list[list[float]]:
    """What `make()` returns: now, or when the lesson was recorded.

    Raises LabError in a replay that has no recording of it.
    """
    if mode() == REPLAY:
        from labs.errors import LabError
        from labs.progress import memory

        for book in books(memory.lesson):
            if name in book.asides:
                kept: list[list[float]] = book.asides[name]
                return kept
        raise LabError(f"this is a replay, and {name} was not recorded: it runs on Linux only")
    made = make()
    if mode() == RECORD:
        from labs.replay.recording_lab import book

        book.asides[name] = made
    return made
