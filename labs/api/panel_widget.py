"""The widget: sends a browser what is new, a few times a second, and obeys its clicks.

    thread (only while shown)  ── {"type": "news", "n", "now", "events"} ──>  js/bench.js
                               ── {"type": "busy"} ────────────────────────>  the lab is being reset
    notebook's loop            <── {"type": "do", "verb", "host", ...} ──────  a click
                               ── {"type": "output", "id", "text"} ────────>  a command prints
                               ── {"type": "ended"} ───────────────────────>  the lab is closed

Clicks are carried out between cells, never during one, like everything else in a notebook.
On a busy host a click or its answer may be lost on the way: the page sends the click again, and a
click that has been carried out is only answered again.
A page that comes late, or lost a message, asks for ("hello") and gets the whole record.
"""

from __future__ import annotations

import asyncio
import html
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from labs.analysis.timeline import Timeline
from labs.cards import OPEN, card
from labs.conf import diagnose
from labs.errors import LabError
from labs.model import fault_verbs
from labs.model.facts import Advert
from labs.panel.events import Events
from labs.panel.page import page, script, style
from labs.panel.record import Record, applied
from labs.panel.sources import SHOWN, Source
from labs.progress import memory

EVERY = 0.08  # s between two messages: twelve a second at most
REMEMBERED = 20  # answers that are kept for a page that asks again
QUIET = 6  # looks after which there is a message even without news, so that the page knows of us
# s after the start: a page that was still loading then has missed what was sent; here is all of it.
AGAIN = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)


class Bench(anywidget.AnyWidget):
    """A live panel of a lab; `lab.bench()` makes one, and shows it as the last line of a cell.

    `save(path)` writes a page that replays what has happened so far, anywhere and without Python.
    `close()` ends its thread and takes it off the page; so does closing the lab.
    """

    _esm = script()
    _css = style()
    network = traitlets.Dict().tag(sync=True)
    own_id = traitlets.Unicode().tag(sync=True)  # by which the page finds this widget's model

    def __init__(self, source: Source) -> None:
        # A slow page may draw the panel before it receives what is set later, or never receive it.
        own_id = uuid.uuid4().hex
        super().__init__(model_id=own_id, own_id=own_id, network=_described(source))
        self._source = source
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._told = 0
        self._untold: list[dict[str, Any]] = []  # in the record, and no page has received it
        self._looks = 0
        self._views = 0
        self._answers: dict[object, dict[str, Any]] = {}  # by the id of the question
        self._begin()
        self.on_msg(self._message)

    # --- what has happened -----------------------------------------------------------------------

    @property
    def record(self) -> Record:
        """What has happened so far, up to this moment."""
        self._pull()
        return self._record

    def save(self, path: str | Path) -> Path:
        """Write a page that replays the run so far; it needs neither Python nor a network."""
        place = Path(path)
        place.write_text(self.html(), encoding="utf-8")
        return place

    def html(self) -> str:
        """That page."""
        with self._lock:
            return page({**self._header(), **self.record.snapshot()})

    def _begin(self) -> None:
        """A fresh record, at the start and after every reset of the lab."""
        source = self._source
        self._since = source.since
        told = _described(source)
        self._events = Events(source.addresses, source.servers, source.priorities)
        hosts = [host["name"] for host in told["hosts"]]
        self._record = Record(hosts, self._since)
        for name in source.servers:  # until something says that it was started
            applied(self._record.base, {"k": "dmn", "h": name, "s": "gone"})
        self._first = True
        self.network = told

    def _header(self) -> dict[str, Any]:
        network = {key: value for key, value in self.network.items() if key != "menu"}
        return {"network": {**network, "live": False}}

    def _pull(self) -> None:
        """Take what is new into the record; pages are sent it at the next look."""
        with self._lock:
            if self._source.closed:
                return
            if self._source.since != self._since:
                self._begin()
                self._looks = 0  # say it all again
            events = self._events.take(self._source.fresh())
            self._record.take(events)
            if self._views > 0:
                self._untold += events
            if self._first:
                self._first = False
                self._correct()

    def _correct(self) -> None:
        """A daemon that ended or began before anybody recorded it is at least seen now."""
        known, now = self._record.at(self._record.end)["hosts"], round(self._source.now(), 4)
        for name, state in self._source.daemons().items():
            if known[name]["dmn"] != state:
                self._record.take([{"k": "dmn", "t": now, "h": name, "s": state}])

    # --- to the page -----------------------------------------------------------------------------

    def _repr_mimebundle_(self, **options: Any) -> Any:
        self._run()
        bundle = super()._repr_mimebundle_(**options)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:  # what a page without widgets shows
            data["text/plain"] = repr(self)
            data["text/html"] = card(OPEN, "The live panel", html.escape(self._summary()))
        return bundle

    def _run(self) -> None:
        """Begin to send, unless that has begun."""
        if self._thread is not None and self._thread.is_alive():
            return
        self._stop.clear()
        self._looks = 0
        if self._source.threaded:
            self._thread = threading.Thread(target=self._send_news, name="bench", daemon=True)
            self._thread.start()
        else:
            try:
                self._later(asyncio.get_running_loop())
            except RuntimeError:
                self._look()  # no notebook: a picture of the present

    def _send_news(self) -> None:
        """The thread: until the panel or the lab is closed."""
        failed = 0
        while not self._stop.wait(EVERY) and not self._source.closed:
            try:
                self._look()
            except (LabError, OSError, KeyError):
                # Another thread resets or closes the lab just now: the next look finds it in order.
                failed += 1
                if failed % QUIET == 0:
                    self.send({"type": "busy"})
        self._report_if_ended()

    def _report_if_ended(self) -> None:
        if self._source.closed:
            self.send({"type": "ended"})

    def _later(self, loop: asyncio.AbstractEventLoop) -> None:
        def tick() -> None:
            if self._source.closed:
                self._report_if_ended()
            elif not self._stop.is_set():
                self._look()
                loop.call_later(EVERY, tick)

        loop.call_later(EVERY, tick)

    def _look(self) -> None:
        """One look at the lab, and one message if there is anything to say."""
        with self._lock:
            self._pull()
            self._looks += 1
            if self._looks == 1 or any(self._looks == round(t / EVERY) for t in AGAIN):
                self._send_all()
            elif self._untold or self._looks % QUIET == 0:
                self._told += 1
                now, waits = self._source.now(), self._source.waits()
                news = {"type": "news", "n": self._told, "now": now, "events": self._untold}
                self._untold = []
                self.send({**news, "waits": waits})

    def _send_all(self) -> None:
        now, self._untold = self._source.now(), []
        whole = {**self._record.snapshot(), "n": self._told, "now": now}
        self.send({"type": "all", "network": self.network, **whole})

    def close(self) -> None:
        """End the thread and take the panel off the page; closing twice is harmless."""
        self._stop.set()
        thread = getattr(self, "_thread", None)
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        super().close()

    # --- from the page ---------------------------------------------------------------------------

    def _message(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        """A message of the page; whatever goes wrong is an answer, not a traceback."""
        kind, answer = content.get("type"), {"type": "answer", "id": content.get("id")}
        if kind == "hello":
            self._views += not content.get("again")
            self._run()
            with self._lock:
                self._send_all()
            return
        if kind == "bye":
            self._views -= 1
            if self._views <= 0:
                self._stop.set()
            return
        known = self._answers.get(answer["id"])
        if known is not None:
            self.send(known)
            return
        try:
            answer |= {"ok": True, **self._answer(content)}
        except Exception as error:
            answer |= {"ok": False, "text": str(error) or repr(error)}
        if answer["id"] is not None:
            self._answers[answer["id"]] = answer
            for old in [*self._answers][:-REMEMBERED]:
                del self._answers[old]
        self.send(answer)

    def _answer(self, content: dict[str, Any]) -> dict[str, Any]:
        host = content.get("host", "")
        match content["type"]:
            case "do":
                words = [str(word) for word in content.get("words") or ()]
                self._source.do(content["verb"], host, content.get("interface", "eth0"), words)
                return {"text": ""}
            case "conf":
                return {"text": self._source.conf(host), "remarks": []}
            case "check":
                return {"remarks": _remarks(content["text"], host)}
            case "write":
                self._source.conf(host, content["text"])
                return {"remarks": _remarks(content["text"], host)}
            case "run":
                show = self._printer(content.get("id"))
                return {"text": self._source.run(host, content["command"], show)}
            case "save":
                lesson = f"{memory.lesson}-" if memory.lesson else ""
                return {"html": self.html(), "name": f"{lesson}panel.html"}
        raise LabError(f"the bench does not understand {content['type']!r}")

    def _printer(self, question: object) -> Callable[[str], None]:
        """What sends the page a command's output as it comes, up to SHOWN characters."""
        left = SHOWN

        def show(text: str) -> None:
            nonlocal left
            if text and left > 0:
                self.send({"type": "output", "id": question, "text": text[:left]})
            left -= len(text)

        return show

    # --- in words --------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"<Bench: {self._summary()}>"

    def _summary(self) -> str:
        self._pull()
        scene = self._record.at(self._record.end)["hosts"]
        holders = [name for name, host in scene.items() if 0 in host["held"]]
        address = self._source.addresses[0]
        return f"{address} is held by {' and '.join(holders) or 'nobody'}"


def _described(source: Source) -> dict[str, Any]:
    """The network of `source` as a live panel wants it: hosts, cables, addresses, menu."""
    return {
        **source.network(),
        "addresses": list(source.addresses),
        "menu": fault_verbs.menu(),
        "live": True,
        "beats": source.threaded,
    }


def _remarks(text: str, host: str) -> list[str]:
    """The remarks on a keepalived.conf, also if there is nothing in it."""
    return diagnose(text, host) if text.strip() else ["the file is empty: no virtual router"]


def recorded(timeline: Timeline) -> dict[str, Any]:
    """The run of a timeline, as `page` wants it: hosts on one switch, as the facts name them."""
    from labs.panel.sources import network

    hosts = list(timeline.hosts)
    cables = [{"h": name, "i": "eth0", "s": "s1"} for name in (*hosts, "client")]
    own = {fact.host: fact.source for fact in timeline.of(Advert)}
    named = {name: own.get(name, "") for name in (*hosts, "client")}
    told = network(named, hosts, ("s1",), cables)
    events = Events((timeline.address,), hosts, lambda host: {})
    record = Record([*hosts, "client"], timeline.start)
    record.take(events.take(fact for fact in timeline.facts if fact.t <= timeline.end))
    header = {**told, "addresses": [timeline.address], "live": False}
    return {"network": header, **record.snapshot()}
