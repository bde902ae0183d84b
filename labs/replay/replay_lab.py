"""A lab that only remembers: LAB_MODE=replay, for a machine that cannot run one.

    lab = Lab("basic")            Replay: nothing runs here. This run was recorded on ...
    lab.unplug("web1")            goes on with a recorded run in which that was done next
    lab.wait_until(...)           time is that of the recording, and passes only while one waits
    lab.timeline()                the very facts that the observers saw

What was never done in any recording cannot be replayed: a LabError says so and what was done.
Nothing here needs Mininet, Linux or privileges.

    facts          what the observers saw until now      labs.emulation.base: holders, timelines
    deed           the run goes on, or another that began alike, to the moment when it was done
    question       the answer that was given at this step, the latest by now, or else the next
    stream         the pieces that were known by now           labs.emulation.streams.Kept
    time           never goes past the next deed: what came after it is another story
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

from labs.emulation.base import LabView, Result
from labs.emulation.streams import RecordedEvents, known
from labs.errors import NO_LAB, LabError, NextStepReached, unknown
from labs.model import facts
from labs.model.facts import Action, F, Fact
from labs.model.fault_verbs import FAULT_VERBS
from labs.model.topology import Layout, Socket
from labs.replay import recording
from labs.replay.recording import (
    Answer,
    Begin,
    Recording,
    Session,
    Step,
    alike,
    books,
    normalised_call,
)
from labs.replay.replay_views import FactsUntil, ReplayCapture, ReplayObserver, StoredPicture

if TYPE_CHECKING:
    from labs.capture.capture import Capture, Captures
    from labs.emulation.mailbox import Mailbox
    from labs.emulation.tcp_session import TcpSession
    from labs.emulation.website import Website
    from labs.model.neighbour import Neighbour

T = TypeVar("T")
STEP = 0.02  # s of the recording between two looks at a condition
_current: ReplayLab | None = None


class NotInReplay(LabError, AttributeError):
    """Only the lab itself has this; both what a learner reads and what `hasattr` understands."""


class ReplayLab(LabView):
    """The lab of a recorded lesson: the commands and queries of `labs.emulation.lab.Lab`.

    Raises LabError if no lab that began so was recorded.
    """

    def __init__(
        self,
        state: str = "basic",
        daemon: str | dict[str, str] | None = None,
        watch: str | Sequence[str] | None = None,
        beside: bool = False,
    ) -> None:
        global _current
        self._found = alike(state, daemon)
        if _current is not None and not beside:
            for lab in _current.beside:
                lab.close()
        self.beside: list[ReplayLab] = [self]
        if _current is not None and beside:
            self.beside = _current.beside
            self.beside.append(self)
        _current = self
        self.closed: bool = False
        self._count = 0
        self._book, self._run = self._found[0]
        last = [run for run in self._book.runs if run.state == state][-1]
        self._is_challenge = state in recording.challenged and self._run is last
        self._facts = FactsUntil(facts.read(self._run.facts))
        begin = self._run.begin
        self.state, self._now = state, begin.t
        told: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in begin.layout.items()
        }
        told["sockets"] = tuple(Socket(**each) for each in begin.layout["sockets"])
        self.layout = Layout(**told)
        self.hosts = {name: SimpleNamespace(name=name) for name in self.layout.hosts}
        self.daemons = {name: SimpleNamespace(name=one) for name, one in self._run.daemon.items()}
        self.watched, self.watch = tuple(begin.watched), begin.watched[0]
        self._files = dict(begin.files)
        self.witness = ReplayObserver(self)
        print(f"Replay: nothing runs here. {self._origin()}")

    @staticmethod
    def states() -> list[str]:
        """The names of the start states that were recorded."""
        return sorted({run.state for book in books() for run in book.runs})

    @staticmethod
    def current() -> ReplayLab:
        """The lab that magics act on; LabError if there is none."""
        if _current is None:
            raise LabError(NO_LAB)
        return _current

    def __getattr__(self, name: str) -> Any:
        if name in FAULT_VERBS and FAULT_VERBS[name].real:
            return partial(self._do, name)
        raise NotInReplay(f"this is a replay: lab.{name} is there only where the lab itself runs")

    # --- looking ---------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """The present moment of the recording."""
        return self._now

    @property
    def since(self) -> float:
        """As `LabView`."""
        return self._step().since

    def facts(self) -> list[Fact]:
        """What has been seen until now."""
        return self._facts.until(self.now)

    def facts_of(self, kind: type[F]) -> list[F]:
        """What has been seen until now of one kind."""
        return self._facts.of(kind, self.now)

    def conf(self, host: str, text: str | None = None) -> str:
        """The keepalived.conf of `host`; with a text, one that was recorded."""
        if text is not None:
            self._do("conf", host, text)
            self._files[host] = text
        found = self._files.get(self._host(host))
        if found is None:
            raise LabError(f"{host} has no keepalived.conf in this replay")
        return str(found)

    def run(
        self,
        host: str,
        command: str,
        timeout: float = 60.0,
        show: Callable[[str], None] | None = None,
        changes: bool = False,
    ) -> Result:
        """What the command printed when the lesson was recorded, to `show` as well."""
        self._host(host)
        comes = self._comes(["run", host, command])
        result = Result(**(self._do if comes else self._answer)("run", host, command))
        if show is not None:
            show(result.text)
        return result

    def log(self, host: str) -> str:
        """What the daemon of `host` had logged."""
        return str(self._answer("log", host))

    def journal(self, host: str) -> list[dict[str, Any]]:
        """The journal of vrrpd on `host`."""
        found: list[dict[str, Any]] = self._answer("journal", host)
        return found

    def read(self, host: str, path: str) -> str | None:
        """The text of a file on `host`; None if there was none."""
        found: str | None = self._answer("read", host, path)
        return found

    def reset(self, state: str | None = None) -> None:
        """Go on where the lab was reset."""
        self._do("reset", state)

    def at_switch(self, switch: str, command: str) -> str:
        """What a command printed on a switch."""
        return str(self._do("at_switch", switch, command))

    def send(self, host: str, packets: Sequence[bytes], every: float = 0) -> Result:
        """What came of sending these packets, or others that say the same."""
        return Result(**self._do("send", host, packets, *([every] if every else [])))

    def arp(self, host: str, address: str | None = None) -> Neighbour:
        """Who had the address according to `host`."""
        from labs.model.neighbour import Neighbour

        return Neighbour(**self._answer("arp", host, address))

    def running(self, host: str) -> bool:
        """Whether a daemon runs on `host` now."""
        return bool(self.program(host))

    def program(self, host: str) -> str:
        """The daemon that runs on `host` now; "" if none does."""
        if self._host(host) not in self.servers:
            raise unknown("server", host, self.servers)
        # One that has ended by itself since then was noticed by a query.
        asked = [self._answered_by_now([name, host]) for name in ("program", "running")]
        return "" if "" in asked or False in asked else str(self._step().programs[host])

    def frozen(self, host: str) -> bool:
        """Whether the daemon of `host` sleeps."""
        self.program(host)
        told = self._answered_by_now(["frozen", host])
        if told is not None:
            return bool(told)
        actions = [f for f in self.witness.of(Action) if f.host == host]
        states = [FAULT_VERBS[f.verb].daemon for f in actions if f.verb in FAULT_VERBS]
        return [state for state in states if state is not None][-1:] == ["frozen"]

    def remembered(self, name: str) -> StoredPicture:
        """A picture of the lab that was made here, such as its topology."""
        return StoredPicture(**self._answer(name))

    # --- what goes on by itself ------------------------------------------------------------------

    def mail(self, host: str) -> Mailbox:
        """The mailbox of `host`, and what had come by now."""
        from labs.emulation.mailbox import Mailbox

        return Mailbox(host, self._stream("mail", host), self.wait_until)

    def web(self, host: str) -> Website:
        """The web server of `host`."""
        from labs.emulation.website import Website

        self._do("web", host)
        return Website(self, host)

    def website(self, host: str, verb: str) -> None:
        """What was done with it."""
        self._do("website", host, verb)

    def serving(self, host: str) -> str:
        """What it did, if the lesson asked."""
        return str(self._answer("serving", host))

    def talk(self, address: str | None = None) -> TcpSession:
        """The TCP connection that was recorded here."""
        from labs.emulation.tcp_session import TcpSession

        talk = TcpSession(self.address(address), self._stream("talk", address), self)
        talk.begin()
        return talk

    def visitor(self, every: float) -> RecordedEvents:
        """The client that was recorded here."""
        return self._stream("visitor", every)

    def capture(self, host: str | None = None, interface: str = "eth0") -> Capture | Captures:
        """The frames that passed a host's interface, or all cables, while this was recorded."""
        from labs.capture.capture import Around, Captures

        title = f"VRRP Lab, replay of {self.state}: {', '.join(self.hosts)}"
        names = {each.ip.partition("/")[0]: each.host for each in self.layout.sockets}
        around = Around(title, names, self.witness.of(Action))
        wanted = None if host is None else self.layout.socket(self._host(host), interface)
        wires = [
            ReplayCapture(each, around, self._stream("capture", each.host, each.interface), self)
            for each in self.layout.sockets
            if wanted in (None, each)
        ]
        return Captures(list(wires), around) if host is None else wires[0]

    # --- time ------------------------------------------------------------------------------------

    def wait_until(
        self, condition: Callable[[], T], timeout: float = 15.0, what: str = "the condition"
    ) -> T:
        """Let the recording run until `condition()` is true; NextStepReached if it never is."""
        deadline = min(self.now + timeout, self.until())
        while not (value := condition()):
            if self.now >= deadline:
                raise NextStepReached(
                    f"{what} did not come true: this is a replay; {self.continuation()}"
                )
            self.play(min(STEP, deadline - self.now))
        return value

    def deeds(self) -> list[list[Any]]:
        """What was done so far, each a verb with its words."""
        return self._run.done(self._count)

    def settle(self, timeout: float = 30.0) -> str:
        """Let the recording run until the address was settled on one host; its name."""
        told = self._answers(["settle"])
        if told:
            ahead = [one for one in told if one.t > self.now] or told[-1:]
            self._go(ahead[0].t)
            return str(ahead[0].value)
        self._go(self.until())
        if len(self.holders()) != 1:
            raise LabError(f"{self.watch} is not settled on one host in this replay")
        return self.holders()[0]

    def play(self, seconds: float) -> None:
        """Let the recording run for so long, but not past the next deed."""
        self._go(min(self.now + seconds, self.until()))

    def until(self) -> float:
        """When the next deed of this run was done, or the run ended."""
        steps = self._run.steps
        return steps[self._count].t if self._count < len(steps) else self._run.end

    def next(self) -> str:
        """What was done next, in any run that is like this one so far."""
        found = {
            # What was typed would give the answer of a challenge away.
            f"a command on {args[0]}"
            if name == "run"
            else f"lab.{name}({', '.join(map(repr, args))})"[:60]
            for _, run in self._like_this()
            for name, *args in run.done()[self._count : self._count + 1]
        }
        return " or ".join(sorted(found)) or "nothing: it ends here"

    def continuation(self) -> str:
        """How the recording goes on, in words; in a challenge that is for the learner to find."""
        if self._is_challenge:
            return "what was done next is for you to find"
        return f"it goes on with {self.next()}"

    def _refusal(self, what: str) -> LabError:
        """For what was not recorded: one line, with where it can be tried."""
        return LabError(
            f"this is a replay, and nobody {what} here when it was recorded; "
            f"{self.continuation()}; a simulated LAN does what you ask: "
            "`from labs import Lan; Lan().bench()`"
        )

    def close(self) -> None:
        """Nothing to end."""
        self.closed = True

    def __enter__(self) -> ReplayLab:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        holders = " and ".join(self.holders()) or "nobody"
        return f"<Replay of Lab({self.state!r}): {self.watch} is held by {holders}>"

    # --- insides ---------------------------------------------------------------------------------

    def _origin(self) -> str:
        daemons = " and ".join(sorted(set(self._run.daemon.values())))
        made = self._book.made
        return (
            f"This run was recorded on {made['on']} with {daemons} on "
            f"Linux {made['system']}; its clock stands still while nobody waits."
        )

    def _host(self, name: str) -> str:
        if name not in self.hosts:
            raise unknown("host", name, self.hosts)
        return name

    def _configuration(self, host: str) -> str:
        return self._files.get(host) or ""

    def _step(self) -> Step | Begin:
        """How things stood after the last deed."""
        return self._run.steps[self._count - 1] if self._count else self._run.begin

    def _like_this(self) -> list[tuple[Recording, Session]]:
        """The runs that went like this one so far, this one first."""
        done = self._run.done(self._count)
        others = [one for one in self._found if one[1] is not self._run]
        alike = [(book, run) for book, run in others if run.done(self._count) == done]
        return [(self._book, self._run), *alike]

    def _comes(self, deed: list[Any]) -> bool:
        """Whether the deed was done next, or last."""
        ends = [run.done()[self._count : self._count + 1] for _, run in self._like_this()]
        return [deed] in [*ends, self._run.done(self._count)[-1:]]

    def _do(self, verb: str, *args: Any, **options: Any) -> Any:
        """Go on with a run in which this was done next; what it returned then."""
        deed = normalised_call(verb, args, options)
        for book, run in self._like_this():
            if run.done()[self._count : self._count + 1] == [deed]:
                return self._take(book, run)
        if self._run.done(self._count)[-1:] == [deed]:
            return self._run.steps[
                self._count - 1
            ].value  # to do what is already done changes nothing
        told = ", ".join(map(repr, deed[1:]))
        raise self._refusal(f"did lab.{verb}({told[:200]})")

    def _take(self, book: Recording, run: Session) -> Any:
        """Go on with the next deed of that run."""
        step = run.steps[self._count]
        self._count += 1
        if run is self._run:
            self._go(step.end)
        else:
            self._book, self._run, self._now = book, run, step.end
            self._facts = FactsUntil(facts.read(run.facts))
        if step.do == ["reset"]:
            self._files = dict(run.begin.files)
        self._files.update(step.files)
        return step.value

    def _go(self, t: float) -> None:
        """Let it be `t`, here and in the labs that were recorded beside this one."""
        self._now = max(self._now, t)
        for lab in self.beside:
            if lab is not self and lab._book is self._book:
                lab._now = max(lab._now, min(t, lab.until()))

    def _answers(self, ask: list[Any]) -> list[Answer]:
        """The answers that were given at this step, in this run or in one like it."""
        for _, run in self._like_this():
            here = [a for a in run.answers if a.step == self._count and a.ask == ask]
            if here:
                return here
        return []

    def _answered_by_now(self, ask: list[Any]) -> Any:
        """The answer that was given last in this run and at this step; None if there was none."""
        here = (a for a in reversed(self._run.answers) if a.step == self._count)
        return next((a.value for a in here if a.ask == ask and a.t <= self.now), None)

    def _answer(self, name: str, *args: Any, **options: Any) -> Any:
        """What was answered at this step, as late as now; or soon after."""
        here = self._answers(normalised_call(name, args, options))
        if not here:
            host = args[0] if args else ""
            raise self._refusal(
                f"typed this on {host}" if name == "run" else f"asked lab.{name} for this"
            )
        past = [one for one in here if one.t <= self.now]
        chosen = past[-1] if past else here[0]
        self._go(min(chosen.t, self.until()))
        return chosen.value

    def _stream(self, name: str, *args: Any) -> RecordedEvents:
        """The pieces of what was begun so, here or before."""
        ask = normalised_call(name, args, {})
        for _, run in self._like_this():
            begun = [s for s in run.streams if s.ask == ask and s.step <= self._count]
            if begun:
                return RecordedEvents(sorted(begun[-1].pieces, key=known), lambda: self.now)
        told = ", ".join(map(repr, args))
        raise self._refusal(f"did lab.{name}({told})")
