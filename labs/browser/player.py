"""The run that a page shows: what `site/js/lan_port.js` calls for the panel.

    start(...) -> everything           {"network", "base", "start", "end", "events", "now", ...}
    advance(seconds) -> news           {"now", "events"}
    act(verb, host, words, at) -> everything or news      `at`: the moment that is shown, if past

A worker has one run.  An action at a moment that is past goes back to it: the run is played again
up to there (`run.py`), and what was done later is dropped.
The network, events and record are those of the panel (`labs/panel`); times are virtual seconds.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import math
from collections.abc import Sequence
from typing import Any

from labs.browser.run import CONF, Act, Run
from labs.browser.topologies import TOPOLOGIES
from labs.capture.packet_fields import dissect
from labs.conf import priorities
from labs.errors import LabError, unknown
from labs.model import fault_verbs
from labs.panel.events import Event, Events
from labs.panel.page import page
from labs.panel.record import Record, applied
from labs.panel.sources import network
from labs.simulation.lan import Lan
from labs.simulation.machine import SimulatedHost
from vrrpd import ctl
from vrrpd.config import ConfigError, loads

SPEEDS = (
    (0.1, "⅒ speed"),
    (0.25, "¼ speed"),
    (1, "real time"),
    (10, "10 ×"),
    (100, "100 ×"),
    (3600, "an hour a second"),
    (86400, "a day a second"),
)
CLIENT, SERVER = "192.168.1.100", "10.0.0.100"
LARGEST = 200_000  # characters of a keepalived.conf; the daemon takes more, a link does not


class _Player:
    """A run, and what a panel shows of it."""

    def __init__(self, run: Run) -> None:
        self.run = run
        lan = run.lan
        names = {**{name: str(one.ip) for name, one in lan.machines.items()}, "client": CLIENT}
        cables = [{"h": name, "i": "eth0", "s": "s1"} for name in names]
        switches = ["s1"]
        if run.topology.beyond is not None:
            switches.append("s2")
            names["server"] = SERVER
            cables += [{"h": name, "i": "eth1", "s": "s2"} for name in run.topology.beyond]
            cables.append({"h": "server", "i": "eth0", "s": "s2"})
        drawn = network(names, list(lan.machines), switches, cables)
        self.network: dict[str, Any] = {
            **drawn,
            "addresses": list(run.topology.addresses),
            "topology": run.name,
            "menu": fault_verbs.menu(),
            "verbs": verbs(),
            "speeds": SPEEDS,
            "live": True,
        }
        self.events = Events(run.topology.addresses, list(lan.machines), self._priorities)
        self.record = Record(names, 0.0)
        for name in lan.machines:
            applied(self.record.base, {"k": "dmn", "h": name, "s": "gone"})
        self.pull()
        self._correct()

    def _correct(self) -> None:
        """A daemon that ended in the story of the start state is at least seen now."""
        known = self.record.at(self.record.end)["hosts"]
        for name in self.run.lan.machines:
            if name not in self.run.lan.daemons and known[name]["dmn"] == "runs":
                gone = {"k": "dmn", "t": round(self.now, 4), "h": name, "s": "gone"}
                self.record.take([gone])

    def _priorities(self, host: str) -> dict[int, int]:
        return priorities(self.run.lan.conf(host), host)

    @property
    def now(self) -> float:
        """Virtual seconds."""
        return self.run.now / 1000

    def pull(self) -> list[Event]:
        """Take what is new into the record, and return it."""
        events = self.events.take(self.run.fresh())
        self.record.take(events)
        return events

    def skipped(self, before: float, answered: str | None) -> list[Event]:
        """The pings of a stretch that was skipped: answered as at both of its ends."""
        if answered is None or answered != self.answerer():
            return []
        stretch = {"k": "png", "t": before, "e": self.now, "a": 0, "by": answered, "n": 1}
        self.record.take([stretch])
        return [stretch]

    def answerer(self) -> str | None:
        """The host that answered the client's last ping."""
        found = (e["by"] for e in reversed(self.record.events) if e["k"] == "png" and e["a"] == 0)
        return next(found, None)

    def whole(self) -> dict[str, Any]:
        """All that a panel needs to begin."""
        return {
            "network": self.network,
            **self.record.snapshot(),
            "now": self.now,
            "actions": [one.row() for one in self.run.actions],
            "files": self.run.files,
        }


_current: list[_Player] = []


def everything() -> dict[str, Any]:
    """All that a panel needs to begin with the run as it is."""
    return _player().whole()


def topologies() -> list[dict[str, str]]:
    """What `start` knows: {"name", "title"}."""
    return [{"name": name, "title": each.title} for name, each in TOPOLOGIES.items()]


def verbs() -> list[dict[str, Any]]:
    """The fault verbs of the simulation: {"verb", "scope", "text", "words", "interface"}.

    The last says whether the name of an interface may follow the words.
    """
    return [
        {
            "verb": name,
            "scope": fault_verbs.FAULT_VERBS[name].scope,
            "text": fault_verbs.FAULT_VERBS[name].simulated,
            "words": fault_verbs.FAULT_VERBS[name].usage.split(),
            "interface": "interface" in inspect.signature(getattr(Lan, name)).parameters,
        }
        for name in fault_verbs.simulated()
    ]


def start(
    topology: str = "pair",
    files: dict[str, str] | None = None,
    actions: Sequence[Sequence[Any]] = (),
    moment: float = 0.0,
    story: int = 0,
) -> dict[str, Any]:
    """Begin a run and play it up to `moment` (s).  Raises LabError for what is not known.

    The first `story` actions belong to the state that it begins with, and are not shown.
    """
    if not (math.isfinite(moment) and moment >= 0):
        raise LabError(f"{moment} s is not a moment of a run")
    return _begin(topology, dict(files or {}), [Act.of(row) for row in actions], moment, story)


def _begin(
    topology: str, files: dict[str, str], actions: list[Act], moment: float, story: int
) -> dict[str, Any]:
    run = Run(topology, files, [one for one in actions if one.t <= round(moment * 1000)], story)
    run.to(moment)
    _current[:] = [_Player(run)]
    return _current[0].whole()


def shown() -> Run:
    """The run that is shown.  Raises LabError if none was started."""
    return _player().run


def _player() -> _Player:
    if not _current:
        raise LabError("no run was started")
    return _current[0]


def advance(seconds: float, budget: float = 0.06) -> dict[str, Any]:
    """Let virtual time pass, as much of it as `budget` real seconds allow."""
    player = _player()
    before, skipped, answered = player.now, player.run.lan.clock.skipped, player.answerer()
    player.run.to(player.now + seconds, budget)
    events = player.pull()
    if player.run.lan.clock.skipped > skipped:
        events += player.skipped(before, answered)
    return {"now": player.now, "events": events}


def step() -> dict[str, Any]:
    """Let virtual time pass up to the next thing that happens."""
    player = _player()
    player.run.step()
    return {"now": player.now, "events": player.pull()}


def act(
    verb: str, host: str = "", words: Sequence[str] = (), at: float | None = None
) -> dict[str, Any]:
    """Carry out a fault verb, now or at the past moment `at` (s), to which the run goes back."""
    if verb not in fault_verbs.simulated():
        raise unknown("verb", verb, fault_verbs.simulated())
    return _do(verb, [*([host] if host else []), *map(str, words)], at)


def write(host: str, text: str, at: float | None = None) -> dict[str, Any]:
    """Write the keepalived.conf of a host and have its daemon read it (or start)."""
    if len(text) > LARGEST:
        raise LabError(
            f"this file has {len(text)} characters; a tab takes {LARGEST}, vrrpd itself more"
        )
    return {**_do(CONF, [host, text], at), "remarks": check(host, text)}


def _do(verb: str, words: Sequence[str], at: float | None) -> dict[str, Any]:
    player, went_back = _player(), at is not None
    if at is not None:
        player = _back(at)
    try:
        player.run.act(verb, words)
    finally:
        events = player.pull()
    if went_back:
        return {"whole": player.whole()}
    return {"now": player.now, "events": events, "action": player.run.actions[-1].row()}


def _back(at: float) -> _Player:
    run = _player().run
    moment = min(math.ceil(round(at * 1000, 3)) / 1000, run.now / 1000)
    _begin(run.name, run.files, run.actions, moment, run.story)
    return _player()


def drop(host: str, vrid: int, t: float, at: float) -> dict[str, Any]:
    """Lose the Advertisement that `host` sent at `t` (s), and play again up to `at` without it."""
    run = _player().run
    just_before = max(0, math.ceil(round(t * 1000, 1)) - 1)  # t has four digits
    kept = [one for one in run.actions if one.t <= round(at * 1000)]
    lost = Act(just_before, "drop", (host, str(vrid)))
    _begin(run.name, run.files, [*kept, lost], max(at, t), run.story)
    return {"whole": _player().whole()}


def packet(host: str, vrid: int, t: float) -> dict[str, Any]:
    """The Advertisement that `host` sent at `t` (s), byte by byte.  LabError if it is forgotten."""
    known = [one for one in _player().run.adverts if (one.host, one.vrid) == (host, vrid)]
    near = [one for one in known if abs(one.t - t) < 0.001]
    if not near:
        raise LabError(
            f"the bytes of what {host} sent at {t:g} s are not kept any more: go back to that "
            "moment and let it be sent again"
        )
    found = dissect(bytes.fromhex(near[-1].hex))
    rows = [
        {
            "layer": row.layer,
            "place": row.place,
            "hex": row.raw,
            "field": row.field,
            "value": str(row.value),
            "meaning": row.meaning,
        }
        for row in found.rows
    ]
    return {"host": host, "t": near[-1].t, "rows": rows, "verdict": found.verdict}


def sent(limit: int = 12) -> list[dict[str, Any]]:
    """The last Advertisements: {"t", "host", "vrid", "priority"}, the latest first."""
    latest = list(_player().run.adverts)[-limit:][::-1]
    return [
        {"t": round(one.t, 4), "host": one.host, "vrid": one.vrid, "priority": one.priority}
        for one in latest
    ]


def conf(host: str) -> str:
    """The keepalived.conf of a host."""
    return _player().run.lan.conf(host)


def check(host: str, text: str) -> list[dict[str, Any]]:
    """What vrrpd reports about a keepalived.conf: severity, place (from 1), text."""
    if len(text) > LARGEST:
        message = f"longer than the {LARGEST} characters that a tab takes"
        return [_remark("error", message, 1, 1, 1)]
    try:
        found = loads(text, config_id=host).diagnostics
    except ConfigError as error:
        found = error.diagnostics
    return [
        {**_remark(one.severity, one.message, one.line, one.column, one.length), "text": str(one)}
        | {"suggestion": one.suggestion, "expected": one.expected}
        for one in found
        if not one.others
    ]


def _remark(severity: str, message: str, line: int, column: int, length: int) -> dict[str, Any]:
    place = {"line": line, "column": column, "length": length}
    return {"severity": severity, "message": message, "text": message, **place}


def save() -> str:
    """The run so far as one HTML file that replays anywhere."""
    player = _player()
    return page({"network": recorded(player.network), **player.record.snapshot()})


def recorded(drawn: dict[str, Any]) -> dict[str, Any]:
    """A network without what can be done to it."""
    kept = {key: value for key, value in drawn.items() if key not in ("menu", "verbs", "speeds")}
    return {**kept, "live": False}


# --- a host's programs ---------------------------------------------------------------------------


def log(host: str) -> list[str]:
    """What the daemon of a host has logged, all its lives."""
    lan = _player().run.lan
    lan.simulated_host(host)
    return list(lan.logs[host].lines) if host in lan.logs else []


def command(host: str, line: str) -> str:
    """What a command prints on a host.  Raises LabError for one that a tab does not have."""
    player = _player()
    lan, words = player.run.lan, line.split()
    machine = lan.simulated_host(host)
    match words:
        case ["vrrpctl", name, *rest] if name in ("status", "why", "stats"):
            return _vrrpctl(host, name, rest[0] if rest else None)
        case ["ip", kind, *_] if "address".startswith(kind):
            return "\n".join(map(_interface, (machine, *machine.ports.values())))
        case ["journalctl", *_]:
            return "\n".join(log(host)) or "-- No entries --"
        case ["cat", path] if path.endswith("keepalived.conf"):
            return lan.conf(host)
        case ["vrrpd", "-t", *_] | ["keepalived", "-t", *_]:
            remarks = check(host, lan.conf(host))
            return "\n".join(one["text"] for one in remarks) or "no errors"
    raise LabError(
        f"{line!r} does not run in a tab; these do: vrrpctl status, vrrpctl why, vrrpctl stats, "
        "ip address, journalctl -u keepalived, cat /etc/keepalived/keepalived.conf, keepalived -t"
    )


def _interface(port: SimulatedHost) -> str:
    """An interface as `ip address` lists it."""
    held = [f"    inet {ip}/{length} scope global" for ip, length in port.addresses.items()]
    state = "UP" if port.up and port.plugged else "DOWN"
    return "\n".join([f"{port.index}: {port.card}: state {state}", *held])


def _vrrpctl(host: str, name: str, instance: str | None) -> str:
    """What vrrpctl prints, in its own words."""
    daemon = _player().run.lan.daemons.get(host)
    if daemon is None:
        return "vrrpctl: no daemon at /run/vrrpd.sock: No such file or directory"
    result = daemon.why(instance) if name == "why" else getattr(daemon, name)()
    if result is None:
        return f"vrrpctl: no instance {instance}"
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        ctl.SHOW[name](result)
    return printed.getvalue().rstrip()
