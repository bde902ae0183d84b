"""A lab that writes down what it is asked and what it does: LAB_MODE=record, for `make recordings`.

    with LAB_MODE=record, `from labs import Lab` is Recording: the real lab, and beside it
        every deed        -> a step of the run
        every question    -> an answer
        its end           -> all facts, and the book of the lesson is written anew

The book is written whenever a lab ends, to the file that $LAB_RECORDING names.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

from labs import facts
from labs.errors import LabError
from labs.lab import Lab
from labs.recordings import DEEDS, QUESTIONS, TARGET, Book, Run

book = Book()


class Recording(Lab):
    """A Lab whose deeds and answers are written down; what it does for itself is not."""

    _busy = 1  # > 0 while it is at work for itself: a deed may need others

    def __init__(self, state: str = "basic", *args: Any, **options: Any) -> None:
        super().__init__(state, *args, **options)
        self._talked: list[tuple[int, Any]] = []
        self._run = Run(self.state, {name: d.name for name, d in self.daemons.items()}, {})
        self._run.begin = {
            "t": time.time(), "since": self.since, "hosts": list(self.hosts),
            "watched": list(self.watched), "client": self.layout.client,
            "running": self._all_running(), "files": {name: _file(self, name)
                                                      for name in self.servers},
        }  # fmt: skip
        book.runs.append(self._run)
        self._busy = 0

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name in (*DEEDS, *QUESTIONS, "conf", "settle", "talk"):
            return partial(self._noted, name, found)
        return found

    def close(self) -> None:
        """End it, and write down what the witnesses saw."""
        run = getattr(self, "_run", None)
        if not self._closed and run is not None:
            self._busy += 1
            run.facts = [facts.to_json(fact) for fact in facts.in_order(self.facts())]
            for step, talk in self._talked:
                told = {"step": step, "address": talk.address, "events": talk.events}
                run.talks.append(told)
        super().close()
        if run is not None and TARGET in os.environ:
            book.made = {"on": time.strftime("%Y-%m-%d"), "system": platform.release()}
            book.save(Path(os.environ[TARGET]))

    def remember(self, name: str, **shown: str) -> None:
        """Write down what a picture of the lab showed, by MIME type."""
        self._note([name], time.time(), shown)

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
        said = [*args, *options.values()]
        self._note([name, *(each for each in said if each is not None)], t, value)
        return value

    def _note(self, what: list[Any], t: float, value: Any) -> None:
        name, run = what[0], self._run
        note = {"t": time.time(), "step": len(run.steps)}
        if name in DEEDS or (name == "conf" and len(what) > 2):
            running = self._all_running()
            run.steps.append({"do": what, "t": t, "end": time.time(), "running": running})
        elif name == "settle":
            run.settled.append({**note, "value": value})
        elif name == "talk":
            self._talked.append((len(run.steps), value))
        elif name != "conf":
            plain = dataclasses.asdict(value) if dataclasses.is_dataclass(value) else value  # type: ignore[arg-type]
            if not run.answers or run.answers[-1].get("value") != plain:
                run.answers.append({**note, "ask": what, "value": json.loads(json.dumps(plain))})

    def _all_running(self) -> dict[str, bool]:
        self._busy += 1
        try:
            return {name: self.running(name) for name in self.servers}
        finally:
            self._busy -= 1


def _file(lab: Lab, host: str) -> str | None:
    try:
        return lab.conf(host)
    except LabError:
        return None
