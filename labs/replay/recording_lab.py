"""A lab that writes down what it is asked and what it does: LAB_MODE=record, for `make recordings`.

    with LAB_MODE=record, `from labs import Lab` is Recording: the real lab, and beside it
        every deed        -> a step of the run
        every question    -> an answer, if it is not the same as the last one
        every stream      -> its pieces, when the lab ends
        its end           -> all facts, and the book of the lesson is written anew

The book is written whenever a lab ends, to the file that $LAB_RECORDING names.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import platform
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labs.capture.capture import Around, Capture
from labs.emulation.lab import Lab
from labs.emulation.streams import Piece, Stream
from labs.errors import LabError
from labs.model import facts
from labs.model.facts import Fact, Ping
from labs.model.topology import Socket
from labs.replay.recording import QUESTIONS, TARGET, Book, Run, changes, is_deed, words

if TYPE_CHECKING:
    from labs.figures.topology_diagram import Wiring

book = Book()


class Recording(Lab):
    """A Lab whose deeds and answers are written down; what it does for itself is not."""

    _busy = 1  # > 0 while it is at work for itself: a deed may need others

    def __init__(
        self, state: str = "basic", daemon: str | dict[str, str] | None = None, **options: Any
    ) -> None:
        super().__init__(state, daemon, **options)
        self._pieces: list[tuple[dict[str, Any], Callable[[], list[Piece]]]] = []
        self._run = Run(self.state, daemon, {name: d.name for name, d in self.daemons.items()}, {})
        self._run.begin = {
            "t": time.time(),
            "since": self.since,
            "watched": list(self.watched),
            "layout": dataclasses.asdict(self.layout),
            "programs": self._programs(),
            "files": {name: _file(self, name) for name in self.hosts},
        }
        book.runs.append(self._run)
        self._busy = 0

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if is_deed(name) or name in (*QUESTIONS, "conf"):
            return partial(self._noted, name, found)
        return found

    def close(self) -> None:
        """End it, and write down what the witnesses saw."""
        run = getattr(self, "_run", None)
        if not self._closed and run is not None:
            self._busy += 1
            run.end = time.time()
            run.facts = [facts.to_json(_rounded(fact)) for fact in facts.in_order(self.facts())]
            run.streams = [{**note, "pieces": pieces()} for note, pieces in self._pieces]
        super().close()
        if run is not None and TARGET in os.environ:
            system = platform.release().partition("-")[0]  # without a distribution's own numbers
            book.made = {"on": time.strftime("%Y-%m-%d"), "system": system}
            book.save(Path(os.environ[TARGET]))

    def remember(self, name: str, draw: Callable[[], Wiring]) -> Wiring:
        """Draw a picture of the lab, and write down what it shows, by MIME type."""
        self._busy += 1
        try:
            drawn = draw()
        finally:
            self._busy -= 1
        image = base64.b64encode(drawn._repr_png_()).decode()
        self._note([name], time.time(), {"text/plain": drawn.text(), "image/png": image})
        return drawn

    # --- insides ---------------------------------------------------------------------------------

    def _told(self, ask: list[Any], stream: Stream) -> Stream:
        self._keep(ask, stream.pieces)
        return stream

    def _tap(self, cable: Socket, around: Around) -> Capture:
        wire = super()._tap(cable, around)

        def pieces() -> list[Piece]:
            return [
                {"t": frame.t, "ethernet": frame.ethernet.hex(), "packet": frame.packet.hex()}
                for frame in wire.frames
            ]

        self._keep(["capture", wire.host, wire.interface], pieces)
        return wire

    def _keep(self, ask: list[Any], pieces: Callable[[], list[Piece]]) -> None:
        asked = words(ask[0], ask[1:], {})
        self._pieces.append(({"ask": asked, "step": len(self._run.steps)}, pieces))

    def _noted(self, name: str, call: Any, *args: Any, **options: Any) -> Any:
        """Call it, and write that down if it was the lesson that did."""
        # What other threads do (a panel, `labs watch`) is not the lesson's either.
        if self._busy or threading.current_thread() is not threading.main_thread():
            return call(*args, **options)
        self._busy += 1
        t = time.time()
        try:
            value = call(*args, **options)
        finally:
            self._busy -= 1
        self._note(words(name, args, options), t, value)
        return value

    def _note(self, what: list[Any], t: float, value: Any) -> None:
        name, run = what[0], self._run
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            value = dataclasses.asdict(value)
        deed = is_deed(name) or (name == "run" and changes(what[2]))
        if deed or (name == "conf" and len(what) > 2):
            plain = value if isinstance(value, str | dict) else None
            now = {"end": time.time(), "since": self.since, "programs": self._programs()}
            run.steps.append({"do": what, "t": t, **now, "value": plain})
        elif name != "conf":
            note = {"ask": what, "t": time.time(), "step": len(run.steps), "value": value}
            if self._is_new(note):
                run.answers.append(json.loads(json.dumps(note)))

    def _is_new(self, note: dict[str, Any]) -> bool:
        """Whether the last answer to the same question at this step was another one."""
        for old in reversed(self._run.answers):
            if old["step"] != note["step"]:
                break
            if old["ask"] == note["ask"]:
                # When a cluster has settled counts each time.
                return note["ask"][0] == "settle" or bool(old["value"] != note["value"])
        return True

    def _programs(self) -> dict[str, str]:
        self._busy += 1
        try:
            return {name: self.program(name) for name in self.servers}
        finally:
            self._busy -= 1


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
