"""A run of a simulated cluster that is a function: state = f(topology, files, actions, moment).

    run = Run("pair", {}, [])
    run.to(5.0);  run.act("unplug", ["web1"])          notes the action, with its moment
    earlier = Run("pair", {}, run.actions).to(3.0)         any moment again, by playing it again

Nothing in it is random or depends on the machine, so a link that holds topology, files and actions
shows the same run everywhere.  Times are virtual seconds in whole milliseconds.
Long stretches are skipped (labs/simulation/fast_forward.py), the last seconds before the moment
that is wanted are played, so that there is something to look at.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from labs.browser.topologies import TOPOLOGIES, Topology
from labs.errors import LabError, unknown
from labs.model import fault_verbs
from labs.model.facts import Action, Advert, Fact, Ping
from labs.simulation.fast_forward import FastForward
from labs.simulation.lan import Lan
from vrrpd.fsm import SECOND

EVERY = 0.1  # s between two pings of the client
PLAYED = 40.0  # s before the moment that is wanted that are played and not skipped
SKIPS_FROM = 30.0  # s; a shorter stretch is played whole
LONGEST = 120 * 86_400.0  # s
MANY = 5000  # actions
MILLISECOND = SECOND // 1000
CONF = "conf"  # the action that writes a keepalived.conf and has the daemon read it


@dataclass(frozen=True, slots=True)
class Act:
    """What the user did at `t` (ms): a fault verb with the host and words, or `CONF`."""

    t: int
    verb: str
    words: tuple[str, ...]

    def row(self) -> list[Any]:
        """As JSON: [ms, verb, word...]."""
        return [self.t, self.verb, *self.words]

    @classmethod
    def of(cls, row: Sequence[Any]) -> Act:
        """The action of such a row.  Raises LabError for what is not one."""
        match row:
            case [int(t), str(verb), *words] if 0 <= t <= LONGEST * 1000:
                if all(isinstance(word, str) for word in words):
                    return cls(t, verb, tuple(words))
        raise LabError(f"this is not an action: {str(row)[:60]}")


class Run:
    """One run; `files` are the keepalived.conf of hosts whose file is not the topology's own.

    The first `story` actions belong to the state that the run begins with: they are carried out,
    and no fact mentions them.  Raises LabError for an unknown topology or host.
    """

    def __init__(
        self, topology: str, files: dict[str, str], actions: Iterable[Act], story: int = 0
    ) -> None:
        if topology not in TOPOLOGIES:
            raise unknown("topology", topology, list(TOPOLOGIES))
        self.topology: Topology = TOPOLOGIES[topology]
        self.name = topology
        hosts = self.topology.hosts
        if unknown_hosts := [name for name in files if name not in hosts]:
            raise unknown("host", unknown_hosts[0], list(hosts))
        self.files = dict(files)
        self.story = story
        self.actions: list[Act] = []
        self._coming = deque(sorted(actions, key=lambda one: one.t))
        if len(self._coming) > MANY:
            raise LabError(f"{len(self._coming)} actions are more than {MANY}")
        self._fresh: list[Fact] = []
        self.adverts: deque[Advert] = deque(maxlen=4000)
        beyond = self.topology.beyond
        self.lan = Lan("empty", hosts, self.topology.watch, ping=EVERY, beyond=beyond)
        for name in hosts:
            self.lan.files[name] = files.get(name, self.topology.file(name))
            self.lan.start(name)

    # --- time ------------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        """Virtual time in ms."""
        return self.lan.clock.calendar // MILLISECOND

    def to(self, moment: float, budget: float = 60.0) -> Run:
        """Play up to `moment` (s) and do what is due; stop after `budget` real seconds."""
        end, started = round(min(moment, LONGEST) * 1000), perf_counter()
        while self.now < end and perf_counter() - started < budget:
            due = self._coming[0].t if self._coming else end
            self._play(min(due, end), started + budget)
            self._perform_due()
        self._perform_due()
        return self

    def step(self, within: float = 60.0) -> Run:
        """Play up to the next thing that happens, but for pings, or at most `within` seconds."""
        lan, end = self.lan, self.lan.clock.now() + round(within * SECOND)
        self._collect()
        lan.idle = None

        def happened() -> bool:
            return any(not isinstance(fact, Ping) for fact in lan.facts)

        lan.clock.advance(end, happened)
        rest = -lan.clock.calendar % MILLISECOND  # to a whole millisecond
        lan.clock.advance(lan.clock.now() + rest)
        self._perform_due()
        return self

    def _play(self, end: int, deadline: float) -> None:
        """Up to `end` (ms): skipping at first where it is far, in pieces that get longer."""
        piece = 20_000
        while self.now < end and perf_counter() < deadline:
            left = end - self.now
            far = left > SKIPS_FROM * 1000
            stop = min(end, self.now + piece, max(end - round(PLAYED * 1000), self.now + 1000))
            self.lan.idle = FastForward(self.lan) if far else None
            began = perf_counter()
            self.lan.run((stop if far else end) / 1000 - self.lan.now)
            self._settle(stop if far else end)
            if perf_counter() - began < 0.02:
                piece *= 4

    def _settle(self, end: int) -> None:
        """Float seconds were close to `end` (ms): be there exactly."""
        missing = end * MILLISECOND - self.lan.clock.calendar
        if missing > 0:
            self.lan.clock.advance(self.lan.clock.now() + missing)
        self._collect()

    def _collect(self) -> None:
        new = list(self.lan.facts)
        self.lan.facts.clear()
        self._fresh += new
        self.adverts.extend(fact for fact in new if isinstance(fact, Advert))
        for log in self.lan.logs.values():
            del log.lines[:-2000]
        for lines in self.lan.journals.values():
            del lines[:-2000]

    def fresh(self) -> list[Fact]:
        """The facts that were not fetched yet."""
        self._collect()
        new, self._fresh = self._fresh, []
        return new

    # --- actions ---------------------------------------------------------------------------------

    def act(self, verb: str, words: Sequence[str]) -> None:
        """Do it now and note it.  Raises LabError, and nothing is noted, if it cannot be done."""
        if len(self.actions) >= MANY:
            raise LabError(f"after {MANY} actions start again, or a link could not hold them")
        self._perform(verb, words)
        self.actions.append(Act(self.now, verb, tuple(words)))

    def _perform_due(self) -> None:
        while self._coming and self._coming[0].t <= self.now:
            one, known = self._coming.popleft(), len(self.lan.facts)
            try:
                self._perform(one.verb, one.words)
            except LabError:
                continue  # possible where it was noted, but not after what was before it changed
            if len(self.actions) < self.story:
                new = self.lan.facts[known:]
                self.lan.facts[known:] = [fact for fact in new if not isinstance(fact, Action)]
            self.actions.append(Act(self.now, one.verb, one.words))

    def _perform(self, verb: str, words: Sequence[str]) -> None:
        lan = self.lan
        if verb != CONF:
            fault_verbs.perform(lan, verb, *words)
            return
        host, text = words
        lan.conf(host, text)
        (lan.reload if host in lan.daemons else lan.start)(host)
