"""Fault verbs: the one table of what can be done to a cluster, by name.

Everything that offers, runs, records or describes faults iterates this table: the control server,
Mininet's prompt, `labs watch` (keys and its help line), the panel's menu, start states, scenarios,
recordings, the text of the timeline and the random search.  A verb itself is a method of that name
of `labs.emulation.faults.Faults` (the real lab) and of `labs.simulation.faults.Verbs` (the LAN in
memory), so a new one is a row here and its effect there.

Pure data; the rows are looked up when they are needed, never copied when a module is imported.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from labs.errors import LabError, unknown

# What a verb acts on.
CABLE, PATH, DAEMON, HOST, LAN = "cable", "path", "daemon", "host", "lan"
INTERFACE, CLOCK, PROGRAM = "interface", "clock", "program"


NUMBERS = {"SHARE", "SECONDS", "JITTER", "TIMES", "PPM", "STATUS", "VRID"}


@dataclass(frozen=True, slots=True)
class Choice:
    """A verb with its words, as `labs watch` and the panel offer it.

    `key` is the key in `labs watch` ("": none), `menu` the line in the panel's menu ("": none),
    which is shown while the daemon or the path is in one of the states `when`.
    """

    words: tuple[str, ...] = ()
    key: str = ""
    menu: str = ""
    when: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draw:
    """How the random search uses a verb: one of the `words`, and later `undo` (a verb and words).

    An item of `words` may hold several words; `undo` is "" for what is over by itself.
    """

    words: tuple[str, ...] = ()
    undo: str = ""


@dataclass(frozen=True, slots=True)
class FaultVerb:
    """One verb.

    `scope`: what it acts on.  `undo`: the verb that takes it back, "" if there is none.
    `real`, `simulated`: what happens on a real lab and in the simulation; "" if that lab cannot.
    `phrase`: the end of "3.1 s after ...", with {host}, {of} and {on} (" of web1", or "" where
    the host is obvious) and {last} (the last word of the Action's text); "": the Action's own text.
    `usage`: the words after the host, optional ones in brackets; those in `NUMBERS` are numbers.
    `daemon`: what the daemon of the host does afterwards ("runs", "frozen", "gone", "down").
    `path`: how the path to the host is afterwards ("" whole, "cut", "lossy").  None: as before.
    """

    name: str
    scope: str
    undo: str = ""
    real: str = ""
    simulated: str = ""
    phrase: str = ""
    usage: str = ""
    daemon: str | None = None
    path: str | None = None
    choices: tuple[Choice, ...] = ()
    draws: tuple[Draw, ...] = ()


_ROWS = (
    # --- the cable of an interface
    FaultVerb(
        "unplug", CABLE, "plug",
        real="the switch's end is set down: NO-CARRIER on the host, the daemon sees it",
        simulated="no carrier at the host's interface",
        phrase="the cable{of} was pulled",
        choices=(Choice(key="u"),),
        draws=(Draw(undo="plug"),),
    ),
    FaultVerb(
        "plug", CABLE, "unplug",
        real="the switch's end is set up again",
        simulated="the carrier is back",
        phrase="the cable{of} was plugged in",
        choices=(Choice(key="p"),),
    ),
    FaultVerb(
        "link", CABLE, "link",
        real="both ends are set administratively down or up",
        simulated="both ends are set down or up, the switch's end 1 ms earlier",
        phrase="the link{of} was set {last}",
        usage="up|down",
        choices=(Choice(("down",), key="d"), Choice(("up",), key="e")),
        draws=(Draw(("down",), "link up"),),
    ),
    FaultVerb(
        "flap", CABLE,
        simulated="the cable is pulled and plugged in again, several times",
        usage="[TIMES [SECONDS]]",
        draws=(Draw(("2 0.3", "3 1.5")),),
    ),
    # --- the path behind the switch's port
    FaultVerb(
        "cut", PATH, "mend",
        real="the port is taken out of the switch: the carrier stays, no frame passes",
        simulated="the carrier stays, no frame passes",
        phrase="{host} was cut off",
        path="cut",
        choices=(Choice(key="x", menu="Cut the path, carrier stays", when=("whole",)),),
        draws=(Draw(undo="mend"),),
    ),
    FaultVerb(
        "lose", PATH, "mend",
        real="the switch drops this share of the frames to and from the host",
        simulated="the path loses this share of the frames, in either direction",
        phrase="the path to {host} began to lose frames",
        usage="SHARE", path="lossy",
        choices=(Choice(("0.3",), key="l", menu="Lose 30 % of its frames", when=("whole",)),),
        draws=(Draw(("0.1", "0.3", "0.7"), "mend"),),
    ),
    FaultVerb(
        "oneway", PATH, "mend",
        real="the switch drops all frames to the host, or all frames from it",
        simulated="no frame reaches the host, or none leaves it",
        phrase="the path to {host} became one-way",
        usage="to|from", path="lossy",
        choices=(
            Choice(("to",), key="i", menu="Drop all frames to it", when=("whole",)),
            Choice(("from",), key="o", menu="Drop all frames from it", when=("whole",)),
        ),
        draws=(Draw(("to",), "mend"), Draw(("from",), "mend")),
    ),
    FaultVerb(
        "delay", PATH, "mend",
        simulated="frames take this much longer, and up to the jitter more",
        usage="SECONDS [JITTER]",
        draws=(Draw(("0.05 0.2", "0.4 0", "0.01 0.01"), "mend"),),
    ),
    FaultVerb(
        "double", PATH, "mend",
        simulated="this share of the frames is delivered twice",
        usage="SHARE",
        draws=(Draw(("0.2", "0.9"), "mend"),),
    ),
    FaultVerb(
        "reorder", PATH, "mend",
        simulated="this share of the frames is late, and overtaken by others",
        usage="SHARE [SECONDS]",
        draws=(Draw(("0.3 0.3", "0.9 0.05"), "mend"),),
    ),
    FaultVerb(
        "drop", PATH, "mend",
        simulated="the next Advertisement that the host sends is lost in the switch",
        usage="[VRID]",
    ),
    FaultVerb(
        "mend", PATH,
        real="undoes cut, lose and oneway",
        simulated="the path works again in both directions and loses nothing",
        phrase="{host} was reached again",
        path="",
        choices=(Choice(key="m", menu="Restore the path", when=("cut", "lossy")),),
    ),
    # --- the daemon
    FaultVerb(
        "stop", DAEMON, "start",
        real="SIGTERM, and wait until it has ended: it resigns",
        simulated="the daemon resigns and gives its addresses back",
        phrase="the daemon{on} was stopped",
        daemon="gone",
        choices=(Choice(key="s", menu="Stop the daemon (SIGTERM)", when=("runs",)),),
        draws=(Draw(undo="start"),),
    ),
    FaultVerb(
        "start", DAEMON, "stop",
        real="it is started; wait until it is ready",
        simulated="the daemon is started",
        phrase="the daemon{on} was started",
        daemon="runs",
        choices=(Choice(key="t", menu="Start the daemon", when=("gone",)),),
    ),
    FaultVerb(
        "crash", DAEMON, "start",
        real="SIGKILL to all its processes: its addresses stay",
        simulated="the daemon ends without a word: its addresses stay",
        phrase="the daemon{on} was killed",
        daemon="gone",
        choices=(Choice(key="c", menu="Crash it (SIGKILL)", when=("runs", "frozen")),),
        draws=(Draw(undo="start"),),
    ),
    FaultVerb(
        "freeze", DAEMON, "thaw",
        real="SIGSTOP: it keeps its addresses and sends nothing",
        simulated="the daemon sleeps, its host does not",
        phrase="the daemon{on} was frozen",
        daemon="frozen",
        choices=(Choice(key="f", menu="Freeze it (SIGSTOP)", when=("runs",)),),
        draws=(Draw(undo="thaw"),),
    ),
    FaultVerb(
        "thaw", DAEMON, "freeze",
        real="SIGCONT: it goes on where it was",
        simulated="the daemon goes on, with all that it has missed",
        phrase="the daemon{on} was thawed",
        daemon="runs",
        choices=(Choice(key="h", menu="Thaw the daemon", when=("frozen",)),),
    ),
    FaultVerb(  # recorded as a stop and a start, which have the phrases
        "restart", DAEMON,
        real="stop, and start again at once",
        simulated="stop, and start again at once",
        choices=(Choice(key="a", menu="Restart it", when=("runs",)),),
        draws=(Draw(),),
    ),
    FaultVerb(
        "reload", DAEMON,
        real="SIGHUP: it reads its configuration again",
        simulated="the daemon reads its configuration again, a frozen one when it wakes up",
        phrase="the configuration{of} was reloaded",
        choices=(Choice(key="r"),),
        draws=(Draw(),),
    ),
    # --- the LAN
    FaultVerb(
        "partition", LAN, "join",
        simulated="hosts receive frames of their own group only",
        usage="HOST+HOST HOST+HOST",
        draws=(Draw(undo="join"),),
    ),
    FaultVerb("join", LAN, "partition", simulated="the LAN is whole again"),
    # --- the interface
    FaultVerb(
        "unload", INTERFACE, "load",
        simulated="eth0 vanishes, with everything on it",
        draws=(Draw(undo="load"),),
    ),
    FaultVerb("load", INTERFACE, "unload", simulated="eth0 is there again, as a new interface"),
    FaultVerb(
        "strip", INTERFACE,
        simulated="an address is removed by hand",
        usage="ADDRESS",
        draws=(Draw(),),
    ),
    # --- the clock of the host
    FaultVerb(
        "step", CLOCK, "step",
        simulated="the calendar is set by so many seconds; the monotonic clock runs on",
        usage="SECONDS",
        draws=(
            Draw(("3600", "-3600", "0.7")),
            Draw(("3600",), "step -3600"),
            Draw(("-3600",), "step 3600"),
            Draw(("4",), "step -4"),
            Draw(("-4",), "step 4"),
            Draw(("9",), "step -9"),
        ),
    ),
    FaultVerb(
        "drift", CLOCK, "drift",
        simulated="the clock gains so many millionths from now on",
        usage="PPM",
        draws=(Draw(("900", "-900"), "drift 0"),),
    ),
    # --- programs and files
    FaultVerb(
        "fail", PROGRAM, "recover",
        simulated="a program ends with a status other than 0 from now on",
        usage="PROGRAM [STATUS]",
        draws=(Draw(undo="recover"),),
    ),
    FaultVerb(
        "hang", PROGRAM, "recover",
        simulated="a program does not end, and ignores SIGTERM",
        usage="PROGRAM",
        draws=(Draw(undo="recover"),),
    ),
    FaultVerb("recover", PROGRAM, simulated="a program succeeds at once again", usage="PROGRAM"),
    FaultVerb("write", PROGRAM, simulated="a file is written by hand", usage="PATH TEXT"),
    # --- the host: nothing does this on purpose, but a lab records it
    FaultVerb("down", HOST, phrase="{host} went down", daemon="down"),
)  # fmt: skip

FAULT_VERBS: dict[str, FaultVerb] = {verb.name: verb for verb in _ROWS}


def real() -> list[str]:
    """The names of the verbs that a real lab can do."""
    return [verb.name for verb in FAULT_VERBS.values() if verb.real]


def simulated() -> list[str]:
    """The names of the verbs that the simulation can do."""
    return [verb.name for verb in FAULT_VERBS.values() if verb.simulated]


def keys() -> dict[str, tuple[FaultVerb, Choice]]:
    """Key of `labs watch` -> verb and words, for those that a real lab can do."""
    return {
        choice.key: (verb, choice)
        for verb in FAULT_VERBS.values()
        if verb.real
        for choice in verb.choices
        if choice.key
    }


def menu() -> list[dict[str, Any]]:
    """The lines of the panel's menu: {"verb", "words", "text", "when"}, those of the daemon first.

    `when` are states of the daemon ("runs", "frozen", "gone") or of the path ("whole", "cut",
    "lossy"); a line is shown while one of them holds.
    """
    verbs = sorted(FAULT_VERBS.values(), key=lambda verb: verb.scope != DAEMON)
    return [
        {
            "verb": verb.name,
            "words": list(choice.words),
            "text": choice.menu,
            "when": list(choice.when),
        }
        for verb in verbs
        for choice in verb.choices
        if choice.menu
    ]


def usage(name: str) -> str:
    """What follows a verb: ``HOST SHARE, such as lose web1 0.3``."""
    verb = FAULT_VERBS[name]
    if not verb.usage:
        return "HOST"
    example = next((choice.words for choice in verb.choices if choice.words), None)
    words = verb.usage if verb.scope == LAN else f"HOST {verb.usage}"
    return words if example is None else f"{words}, such as {name} web1 {' '.join(example)}"


def perform(lab: object, name: str, *words: Any, **options: Any) -> None:
    """Have `lab`, a Lab or a Lan, carry out a verb with its words (the host first).

    Words of a verb that takes numbers may be text.  Raises LabError for a verb that this lab does
    not know, for the wrong number of words or one that is not a number, and what the lab raises.
    """
    method = getattr(lab, name, None) if name in FAULT_VERBS else None
    if not callable(method):
        raise unknown("verb", name, [verb for verb in FAULT_VERBS if hasattr(lab, verb)])
    verb = FAULT_VERBS[name]
    wanted = verb.usage.replace("[", "").replace("]", "").split()
    try:
        inspect.signature(method).bind(*words, **options)
        fits = True
    except TypeError:
        fits = False
    # Behind its own words a verb of a cable takes the name of an interface.
    most = 1 + len(wanted) + (verb.scope in (CABLE, PATH))
    if not fits or (verb.scope != LAN and len(words) > most):
        raise LabError(f"usage: {name} {usage(name)}")
    given = list(words)
    for number, word in enumerate(wanted[: len(given) - 1], 1):
        if word in NUMBERS:
            given[number] = _number(given[number])
    method(*given, **options)


def _number(word: str | float) -> int | float:
    try:
        return int(word) if isinstance(word, str) else word
    except ValueError:
        pass
    try:
        return float(word)
    except ValueError:
        raise LabError(f"{word!r} is not a number") from None
