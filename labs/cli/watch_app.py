"""`labs watch`: a running lab on a terminal, with keys to pull its cables.

    terminal 1   labs cli          (or a notebook)
    terminal 2   labs watch        holders, timers, the timeline; keys act on the chosen host

`labs.cli.watch_client` asks the lab, `labs.cli.watch_screen` draws, and this is the loop between
them: a thread asks
five times a second and has the screen drawn, and what a key asks for is done by a thread of its
own, because a daemon may take its time to stop.
Where the output is no terminal, one picture is printed as text.
"""

from __future__ import annotations

import os
import sys
import threading
import time

from prompt_toolkit.application import Application
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.layout import Layout, Window
from prompt_toolkit.layout.controls import FormattedTextControl
from prompt_toolkit.output import ColorDepth

from labs.cli import watch_screen
from labs.cli.watch_client import Ended, RemoteLab
from labs.emulation.discovery import Running
from labs.errors import LabError
from labs.model import fault_verbs
from labs.model.fault_verbs import Choice, FaultVerb

EVERY = 0.2  # s between two questions to the lab, and two pictures


class Watch:
    """The loop: what is known, which host is chosen, and what the last key came to."""

    def __init__(self, watched: RemoteLab) -> None:
        self.watched = watched
        self.hosts: list[str] = watched.lab["hosts"]
        self.chosen = self.hosts[0]
        self.note = ""
        self.ended = threading.Event()
        self._picture = watched.picture(time.time())
        self._app = self._application()

    def run(self) -> str:
        """Until q; the words to leave with, "" if the user wanted to leave."""
        asker = threading.Thread(target=self._ask, name="watch", daemon=True)
        asker.start()
        try:
            return str(self._app.run() or "")
        finally:
            self.ended.set()
            asker.join()

    def move(self, by: int) -> None:
        """Choose the host that many rows further down."""
        now = self.hosts.index(self.chosen) if self.chosen in self.hosts else 0
        self.chosen = self.hosts[(now + by) % len(self.hosts)]
        self.note = ""

    def choose(self, number: int) -> None:
        """Choose the host that has this number on the screen."""
        if number <= len(self.hosts):
            self.chosen, self.note = self.hosts[number - 1], ""

    def act(self, verb: FaultVerb, choice: Choice) -> None:
        """Have the lab do it to the chosen host, and say how that went."""
        host = self.chosen
        if verb.scope == fault_verbs.DAEMON and host not in self.watched.lab["servers"]:
            self.note = f"{host} runs no daemon: choose another host with ↑ ↓"
            return
        done = " ".join((verb.name, host, *choice.words))
        self.note = f"{done} ..."

        def work() -> None:
            try:
                self.watched.do(verb.name, host, choice.words)
                self.note = f"{done}: done"
            except LabError as error:
                self.note = str(error)
            self._app.invalidate()

        threading.Thread(target=work, name="act", daemon=True).start()

    def _ask(self) -> None:
        """The thread that asks."""
        trouble = ""
        while not self.ended.wait(EVERY):
            try:
                self.watched.refresh()
                self.hosts = self.watched.lab["hosts"]
                self._picture = self.watched.picture(time.time())
                if trouble and self.note == trouble:  # it has passed
                    self.note = ""
                trouble = ""
                self._app.invalidate()
            except Ended as error:
                if self._leave(str(error)):
                    return
            except LabError as error:
                self.note = trouble = str(error)

    def _leave(self, words: str) -> bool:
        """Have the screen end; False if it has not even begun."""
        loop = self._app.loop
        if loop is None or not self._app.is_running:
            return False
        loop.call_soon_threadsafe(self._exit, words)
        return True

    def _exit(self, words: str) -> None:
        if self._app.future is not None and not self._app.future.done():  # or a key was faster
            self._app.exit(result=words)

    def _text(self) -> StyleAndTextTuples:
        """The screen as prompt_toolkit wants it, in the size that the terminal has now."""
        size = self._app.output.get_size()
        lines = watch_screen.draw(self._picture, size.columns, size.rows, self.chosen, self.note)
        pieces: StyleAndTextTuples = []
        for line in lines:
            pieces += [*line, ("", "\n")]
        return pieces[:-1]

    def _application(self) -> Application[str]:
        window = Window(FormattedTextControl(self._text, show_cursor=False), wrap_lines=False)
        depth = ColorDepth.DEPTH_1_BIT if os.environ.get("NO_COLOR") else None
        return Application(
            layout=Layout(window),
            key_bindings=self._keys(),
            full_screen=True,
            color_depth=depth,
            min_redraw_interval=0.05,
        )

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()
        for name in ("q", "c-c", "c-d"):
            keys.add(name)(lambda event: event.app.exit(result=""))
        for name, by in (("down", 1), ("j", 1), ("up", -1), ("k", -1), ("tab", 1)):
            keys.add(name)(lambda _event, by=by: self.move(by))
        for number in range(1, 10):
            keys.add(str(number))(lambda _event, number=number: self.choose(number))
        for name, does in fault_verbs.keys().items():
            keys.add(name)(lambda _event, does=does: self.act(*does))
        return keys


def watch(lab: Running) -> None:
    """Watch `lab` until q or its end.  LabError if it accepts no connection."""
    watched = RemoteLab(lab.directory)
    try:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            picture = watched.picture(time.time())
            print(watch_screen.plain(watch_screen.draw(picture, 100, 30)).rstrip())
            return
        words = Watch(watched).run()
        if words:
            print(words)
    finally:
        watched.close()
