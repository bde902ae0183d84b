"""The control socket of a lab: another program of the same user can query and control it.

    labs watch                                     the lab's own process
    ┌──────────────┐   lab-x/door, a Unix socket   ┌──────────────────────────────┐
    │ what is new? │ ────────────────────────────> │ the thread: facts since,     │
    │ unplug web1  │ <──────────────────────────── │ or lab.unplug("web1")        │
    └──────────────┘   one JSON object a line      └──────────────────────────────┘

    {"ask": "news", "mark": null}           {"lab": {...}, "seen": [...], "mark": [...], ...}
    {"ask": "unplug", "host": "web1"}       {"done": "unplug"}, or {"error": "no host called ..."}
    {"ask": "lose", "host": "web1", "words": ["0.3"]}

Whatever is asked here goes through the lab's verbs, so it is an Action like any other.
The socket lies in the lab's private directory, where only its user and root can come, and vanishes
with it.  A Unix socket is found by its path, and so from another network namespace, too.
A caller names with `mark` what it already has; the first time it gets everything but old pings.
"""

from __future__ import annotations

import json
import socket
import socketserver
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labs.conf import setting
from labs.emulation import daemons
from labs.errors import LabError, unknown
from labs.model import facts, fault_verbs

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

NAME = "door"
# s of pings that a newcomer gets; of everything else, all.
PINGS = 60.0
LONGEST = 1 << 16  # bytes of a request; a longer one ends the connection
# For so long it is not looked again whether daemons run: that reads /proc.
DAEMONS_KNOWN_FOR_S = 0.4


class ControlServer:
    """Answers callers until closed; one thread listens, one more serves each caller."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._looked = (0.0, dict[str, str]())
        door = self

        class Connection(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with suppress(OSError):  # the caller has left
                    while line := self.rfile.readline(LONGEST + 1):
                        answer = door.answer(line)
                        self.wfile.write(json.dumps(answer).encode() + b"\n")
                        if len(line) > LONGEST:
                            return

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

        self.path = Path(lab.directory, NAME)
        self._server = Server(str(self.path), Connection)
        self._closed = False
        self._listener = threading.Thread(target=self._listen, name="door", daemon=True)
        self._listener.start()

    def close(self) -> None:
        """Accept no connection any more."""
        self._closed = True
        with suppress(OSError), socket.socket(socket.AF_UNIX) as knock:
            knock.connect(str(self.path))  # it sleeps until a client connects
        self._listener.join()
        self._server.server_close()

    def _listen(self) -> None:
        # Not serve_forever, which looks at the clock all the time: an idle socket costs nothing.
        while not self._closed:
            self._server.handle_request()

    def answer(self, line: bytes) -> dict[str, Any]:
        """The answer to one line; a request that cannot be met is answered with why."""
        if len(line) > LONGEST:
            return {"error": f"a request has at most {LONGEST} bytes"}
        try:
            request = json.loads(line)
            ask = request["ask"]
            mark = list(request.get("mark") or [])
            host = "" if ask == "news" else str(request["host"])
            words = [str(word) for word in request.get("words") or []]
        except (ValueError, TypeError, KeyError):
            return {"error": 'not a request: {"ask": "news"} or {"ask": VERB, "host": HOST}'}
        try:
            if ask == "news":
                return self._news(mark)
            if ask not in fault_verbs.real():
                raise unknown("verb", ask, fault_verbs.real())
            fault_verbs.perform(self.lab, ask, host, *words)
            return {"done": ask}
        except LabError as error:
            return {"error": str(error)}
        # A host that is known may not be there yet, or not any more.
        except (OSError, KeyError) as error:
            return {"error": f"the lab is just being changed ({error}): ask again"}

    # --- insides ---------------------------------------------------------------------------------

    def _news(self, mark: list[Any]) -> dict[str, Any]:
        """What has happened since `mark`, and how the lab is now."""
        lab, witness = self.lab, self.lab.witness
        told = lab.unobserved_facts()
        # A lab that was reset to another network has another observer: send everything.
        same = mark[:1] == [id(witness)]
        seen, reached = witness.after(mark[2:] if same else (), time.time() - PINGS)
        return {
            "lab": {
                "state": lab.state,
                "watch": lab.watch,
                "since": lab.since,
                "now": time.time(),
                "hosts": list(lab.hosts),
                "servers": lab.servers,
                "client": lab.layout.client,
                "runs": {name: daemon.name for name, daemon in lab.daemons.items()},
                "carrier": witness.carrier(),
                "holders": lab.holders(),
                "daemons": self._daemons(),
                "priorities": self._priorities(),
                "down": lab.down,
            },
            "whole": not same,
            "seen": [facts.to_json(fact) for fact in seen],
            "told": None if mark[1:2] == [len(told)] else [facts.to_json(fact) for fact in told],
            "mark": [id(witness), len(told), *reached],
        }

    def _priorities(self) -> dict[str, int]:
        """What the files say, for those that have not advertised yet."""
        found = {}
        for name in self.lab.servers:
            with suppress(LabError, OSError):
                value = setting(self.lab.conf(name), "priority") or ""
                if value.isdigit():
                    found[name] = int(value)
        return found

    def _daemons(self) -> dict[str, str]:
        """ "runs", "frozen", "gone" or, with its host, "down" for every server."""
        when, known = self._looked
        if time.monotonic() > when + DAEMONS_KNOWN_FOR_S:
            known, down = {}, self.lab.down
            for name in self.lab.servers:
                found = daemons.running(self.lab.hosts[name])
                known[name] = "gone" if not found else "runs"
                if daemons.frozen(found):
                    known[name] = "frozen"
                if name in down:
                    known[name] = "down"
            self._looked = (time.monotonic(), known)
        return known
