"""A lab that is recorded: LAB_MODE=record, for `make recordings`.

    with LAB_MODE=record, `from labs import Lab` is RecordingLab, which passes every call to a
    real Lab and writes it down as the method is marked (`labs.lab_api`):
        every command     -> a step of the run
        every query       -> an answer, if it is not the same as the last one
        every stream      -> its pieces, when the lab ends
        its end           -> all facts, and the book of the lesson is written again

What the lab, its panel and `labs watch` do goes to the real Lab directly, and is not written down.
The book is written whenever a lab ends, to the file that $LAB_RECORDING names.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labs.capture.capture import Capture, Captures
from labs.emulation.lab import Lab
from labs.emulation.website import Website
from labs.errors import NO_LAB, LabError
from labs.lab_api import Kind, is_marked, kind
from labs.model import facts
from labs.model.facts import Fact, Ping
from labs.replay.recording import (
    TARGET,
    Answer,
    Begin,
    Recording,
    Session,
    Step,
    Stream,
    normalised_call,
)

if TYPE_CHECKING:
    from labs.emulation.mailbox import Mailbox
    from labs.emulation.streams import EventStream as Pieces
    from labs.emulation.streams import Piece
    from labs.emulation.tcp_session import TcpSession
    from labs.figures.topology_diagram import Wiring

book = Recording()
_current: RecordingLab | None = None


class RecordingLab:
    """A real Lab, `lab`, and a record of what a lesson does with it and asks it."""

    states = staticmethod(Lab.states)

    def __init__(
        self, state: str = "basic", daemon: str | dict[str, str] | None = None, **options: Any
    ) -> None:
        global _current
        self.lab = lab = Lab(state, daemon, **options)
        self._streams: list[tuple[Stream, Callable[[], list[Piece]]]] = []
        self._begun: list[object] = []  # what gives those pieces
        begin = Begin(
            t=time.time(),
            since=lab.since,
            watched=list(lab.watched),
            layout=dataclasses.asdict(lab.layout),
            programs=self._programs(),
            files={name: _file(lab, name) for name in lab.hosts},
        )
        daemons = {name: each.name for name, each in lab.daemons.items()}
        self._files = dict(begin.files)
        self._run = Session(lab.state, daemon, daemons, begin)
        book.runs.append(self._run)
        lab.before_close.append(self._finish)
        _current = self

    @staticmethod
    def current() -> RecordingLab:
        """The lab of this process that magics act on; LabError if there is none."""
        if _current is None or _current.lab.closed:
            raise LabError(NO_LAB)
        return _current

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.lab, name)
        return partial(self._call, name, found) if is_marked(found) else found

    def __enter__(self) -> RecordingLab:
        return self

    def __exit__(self, *_error: object) -> None:
        self.lab.close()

    def __repr__(self) -> str:
        return repr(self.lab)

    def remember(self, name: str, draw: Callable[[Lab], Wiring]) -> Wiring:
        """Draw a picture of the lab, and write down what it shows, by MIME type."""
        drawn = draw(self.lab)
        self._answered([name], {"text/plain": drawn.text(), "text/html": drawn._repr_html_()})
        return drawn

    # --- what goes on by itself ------------------------------------------------------------------

    def mail(self, host: str) -> Mailbox:
        """As `Services.mail`; what comes is written down."""
        box = self.lab.mail(host)
        self._follow(["mail", host], box, box.letters.pieces)
        return box

    def web(self, host: str) -> Website:
        """As `Services.web`; what is done with the server is written down, too."""
        self._call("web", self.lab.web, host)
        return Website(self, host)

    def talk(self, address: str | None = None) -> TcpSession:
        """As `Services.talk`; what comes back is written down."""
        talk = self.lab.talk(address)
        self._follow(["talk", address], talk, lambda: talk.events)
        return talk

    def visitor(self, every: float) -> Pieces:
        """As `Services.visitor`; its visits are written down."""
        visits = self.lab.visitor(every)
        self._follow(["visitor", every], visits, visits.pieces)
        return visits

    def capture(self, host: str | None = None, interface: str = "eth0") -> Capture | Captures:
        """As `Services.capture`; its frames are written down."""
        if host is None:
            all_of_them = self.lab.capture()
            for wire in all_of_them.wires:
                self._follow(["capture", wire.host, wire.interface], wire, partial(_frames, wire))
            return all_of_them
        one = self.lab.capture(host, interface)
        self._follow(["capture", host, interface], one, partial(_frames, one))
        return one

    # --- insides ---------------------------------------------------------------------------------

    def _follow(self, ask: list[Any], source: object, pieces: Callable[[], list[Piece]]) -> None:
        """Write down the pieces of a stream when the lab ends; once, however often it is asked."""
        if not any(known is source for known in self._begun):
            self._begun.append(source)
            note = Stream(normalised_call(ask[0], ask[1:], {}), len(self._run.steps), [])
            self._streams.append((note, pieces))

    def _call(self, name: str, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Call it, and write that down."""
        t = time.time()
        value = call(*args, **options)
        written = value
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            written = dataclasses.asdict(value)
        what = normalised_call(name, args, options)
        if kind(call, *args, **options) is Kind.COMMAND:
            plain = written if isinstance(written, str | dict) else None
            files = self._changed() if name == "run" else {}
            step = Step(what, t, time.time(), self.lab.since, self._programs(), plain, files)
            self._run.steps.append(step)
        elif name != "conf":  # a replay knows the files
            self._answered(what, written)
        return value

    def _changed(self) -> dict[str, str | None]:
        """Each keepalived.conf that is another one than when this was asked last."""
        now = {name: _file(self.lab, name) for name in self.lab.hosts}
        found = {name: text for name, text in now.items() if text != self._files[name]}
        self._files = now
        return found

    def _answered(self, what: list[Any], value: Any) -> None:
        answer = Answer(what, time.time(), len(self._run.steps), json.loads(json.dumps(value)))
        if self._is_new(answer):
            self._run.answers.append(answer)

    def _is_new(self, answer: Answer) -> bool:
        """Whether the last answer to the same query at this step was another one."""
        for old in reversed(self._run.answers):
            if old.step != answer.step:
                break
            if old.ask == answer.ask:
                # When a cluster has settled counts each time.
                return answer.ask[0] == "settle" or bool(old.value != answer.value)
        return True

    def _programs(self) -> dict[str, str]:
        return {name: self.lab.program(name) for name in self.lab.servers}

    def _finish(self) -> None:
        """Write down what the observer saw, as the lab ends, and save the book of the lesson."""
        run = self._run
        run.end = time.time()
        run.facts = [facts.to_json(_rounded(fact)) for fact in facts.in_order(self.lab.facts())]
        run.streams = [dataclasses.replace(note, pieces=get()) for note, get in self._streams]
        if TARGET in os.environ:
            system = platform.release().partition("-")[0]  # without a distribution's own numbers
            book.made = {"on": time.strftime("%Y-%m-%d"), "system": system}
            book.save(Path(os.environ[TARGET]))


def _frames(wire: Capture) -> list[Piece]:
    return [
        {"t": frame.t, "ethernet": frame.ethernet.hex(), "packet": frame.packet.hex()}
        for frame in wire.frames
    ]


def _file(lab: Lab, host: str) -> str | None:
    try:
        return lab.conf(host)
    except LabError:
        return None


def _rounded(fact: Fact) -> Fact:
    """Pings to a tenth of a millisecond: they are most of a recording, and are drawn as a band."""
    if isinstance(fact, Ping):
        rtt = None if fact.rtt is None else round(fact.rtt, 5)
        return dataclasses.replace(fact, t=round(fact.t, 4), rtt=rtt)
    return dataclasses.replace(fact, t=round(fact.t, 6))
