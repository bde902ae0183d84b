"""A lab that only remembers: LAB_MODE=replay, for a machine that cannot run one.

    lab = Lab("basic")            Replay: nothing runs here. This run was recorded on ...
    lab.unplug("master")          goes on with a recorded run in which that was done next
    lab.wait_until(...)           time is that of the recording, and passes only while one waits
    lab.timeline()                the very facts that the witnesses saw

What was never done in any recording cannot be replayed: a LabError says so and what was done.
Nothing here needs Mininet, Linux or privileges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import ip_address
from types import SimpleNamespace
from typing import Any, TypeVar

from labs import facts
from labs.cards import OPEN, Card
from labs.errors import LabError, unknown
from labs.facts import Address, Advert, Fact, Link
from labs.recordings import DEEDS, Run, books
from labs.timeline import Timeline

T = TypeVar("T")
F = TypeVar("F", bound=Fact)
STEP = 0.02  # s of the recording between two looks at a condition
_current: Replayed | None = None


class Absent(LabError, AttributeError):
    """Only the lab itself has this; both what a learner reads and what `hasattr` understands."""


class Replayed:
    """The lab of a recorded lesson; the same verbs and looks as `labs.lab.Lab`.

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
        from labs.progress import memory

        self._found = [
            (run, book.made) for book in books(memory.lesson) for run in book.runs
            if run.state == state and (daemon is None or set(run.daemon.values()) == {daemon})
        ]  # fmt: skip
        if not self._found:
            raise LabError(
                f"this is a replay, and no run of Lab({state!r}) was recorded: it runs on Linux "
                "only, without LAB_MODE=replay"
            )
        if _current is not None and not beside:
            _current.close()
        _current = self
        self.closed: bool = False
        self._count = 0
        self._take(*self._found[0])
        begin = self._run.begin
        self.state, self.now = state, float(begin["t"])
        self.servers = list(self._run.daemon)
        self.hosts = {name: SimpleNamespace(name=name) for name in begin["hosts"]}
        self.daemons = {name: SimpleNamespace(name=one) for name, one in self._run.daemon.items()}
        self.watched, self.watch = tuple(begin["watched"]), begin["watched"][0]
        self._files = dict(begin["files"])
        self.witness = Memory(self)
        print(f"Replay: nothing runs here. {self._origin()}")

    @staticmethod
    def current() -> Replayed:
        """The lab that magics act on; LabError if there is none."""
        if _current is None:
            raise LabError('no lab is running here: start one with `lab = Lab("basic")`')
        return _current

    def __getattr__(self, name: str) -> Any:
        if name in DEEDS:
            return partial(self._do, name)
        raise Absent(f"this is a replay: lab.{name} is there only where the lab itself runs")

    # --- looking ---------------------------------------------------------------------------------

    def facts(self) -> list[Fact]:
        """What has been seen until now."""
        return [fact for fact in self._facts if fact.t <= self.now]

    def timeline(self, address: str | None = None) -> Timeline:
        """What happened to `address`, by default the watched one, until now."""
        wanted, start = address or self.watch, self._run.begin["since"]
        return Timeline(self.facts(), wanted, self.servers, start=start, end=self.now)

    def timelines(self) -> list[Timeline]:
        """One for each address that was advertised until now, and the watched ones, in order."""
        shared = set(self.watched)
        shared.update(one for advert in self.witness.of(Advert) for one in advert.addresses)
        return [self.timeline(one) for one in sorted(shared, key=lambda one: int(ip_address(one)))]

    def owners(self, address: str | None = None) -> list[str]:
        """The hosts that hold `address`, by default the watched one, now."""
        held = self.witness.held()
        return [name for name in self.hosts if (address or self.watch) in held.get(name, ())]

    def running(self, host: str) -> bool:
        """Whether a daemon runs on `host` now."""
        if host not in self.servers:
            raise unknown("server", host, self.servers)
        done = self._run.steps[: self._count]
        running = done[-1]["running"] if done else self._run.begin["running"]
        return bool(running[host])

    def conf(self, host: str, text: str | None = None) -> str:
        """The keepalived.conf of `host`; with a text, one that was recorded."""
        if text is not None:
            self._do("conf", host, text)
            self._files[host] = text
        found = self._files.get(host)
        if found is None:
            raise LabError(f"{host} has no keepalived.conf in this replay")
        return str(found)

    def run(self, host: str, command: str, timeout: float = 60.0) -> Any:
        """What the command printed when the lesson was recorded."""
        told = self._answer("run", host, command)
        return Answered(told["text"], told["status"])

    def log(self, host: str) -> str:
        """What the daemon of `host` had logged."""
        return str(self._answer("log", host))

    def journal(self, host: str) -> list[dict[str, Any]]:
        """The journal of `host`."""
        return list(self._answer("journal", host))

    def arp(self, host: str, address: str | None = None) -> Any:
        """Who had the address according to `host`."""
        from labs.capture import Neighbour

        return Neighbour(**self._answer("arp", host, *([address] if address else [])))

    def frames(self, kind: str = "advert") -> list[Any]:
        """The Advertisements that were seen until now, as packets."""
        from labs.capture import Frame

        if kind != "advert":
            raise unknown("kind of kept frames", kind, ["advert"])
        seen = (fact for fact in self.witness.of(Advert) if fact.t >= self._run.begin["since"])
        return [Frame(fact.t, fact.host, bytes.fromhex(fact.hex)) for fact in seen]

    def remembered(self, name: str) -> Pictured:
        """A picture of the lab that was made here, such as its topology."""
        return Pictured(**self._answer(name))

    def talk(self, address: str | None = None) -> Any:
        """The TCP connection that was recorded here."""
        from labs.talking import Remembered

        for told in self._run.talks:
            if told["step"] == self._count:
                return Remembered(told["address"], told["events"], self)
        raise LabError("this is a replay, and nobody opened a connection here")

    def bench(self, *_args: object, **_options: object) -> Card:
        """In place of the live panel: that there is none."""
        return Card(OPEN, "No bench here", ("This is a replay: there is no cable to click on.",))

    # --- time ------------------------------------------------------------------------------------

    def wait_until(
        self, condition: Callable[[], T], timeout: float = 15.0, what: str = "the condition"
    ) -> T:
        """Let the recording run until `condition()` is true; LabError when it ends before."""
        deadline = min(self.now + timeout, self._until())
        while not (value := condition()):
            if self.now >= deadline:
                raise LabError(
                    f"waited for {what}, in vain: this is a replay, and its recording goes on "
                    f"with {self._next()}"
                )
            self.now = min(self.now + STEP, deadline)
        return value

    def settle(self, timeout: float = 30.0) -> str:
        """Let the recording run until the address was settled on one host; its name."""
        later = [one for one in self._run.settled if one["step"] == self._count]
        if later:
            self.now = max(self.now, float(later[0]["t"]))
            return str(later[0]["value"])
        self.wait_until(lambda: self.now >= self._until() - STEP, timeout=1e9)
        if len(self.owners()) != 1:
            raise LabError(f"{self.watch} is not settled on one host in this replay")
        return self.owners()[0]

    def close(self) -> None:
        """Nothing to end."""
        self.closed = True

    def __enter__(self) -> Replayed:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        owners = " and ".join(self.owners()) or "nobody"
        return f"<Replay of Lab({self.state!r}): {self.watch} is held by {owners}>"

    # --- insides ---------------------------------------------------------------------------------

    def _take(self, run: Run, made: dict[str, str]) -> None:
        """Go on with that run."""
        self._run, self._made = run, made
        self._facts = list(facts.read(run.facts))

    def _origin(self) -> str:
        daemons = " and ".join(sorted(set(self._run.daemon.values())))
        return (
            f"This run was recorded on {self._made['on']} with {daemons} on "
            f"Linux {self._made['system']}; its clock stands still while nobody waits."
        )

    def _done(self, run: Run) -> list[list[Any]]:
        return [step["do"] for step in run.steps]

    def _do(self, verb: str, *args: Any, **options: Any) -> None:
        """Go on with a run in which this was done next."""
        deed = [verb, *args, *options.values()]
        done = self._done(self._run)[: self._count]
        runs = [(self._run, self._made), *self._found]
        for run, made in runs:
            if self._done(run)[: self._count + 1] == [*done, deed]:
                if run is not self._run:
                    self._take(run, made)
                self.now = float(run.steps[self._count]["end"])
                self._count += 1
                return
        if done and done[-1] == deed:
            return  # to do what is already done changes nothing
        words = ", ".join(map(repr, args))
        raise LabError(
            f"this is a replay, and nobody did lab.{verb}({words}) here when it was recorded; "
            f"it goes on with {self._next()}"
        )

    def _next(self) -> str:
        """What was done next, in any run that is like this one so far."""
        done = self._done(self._run)[: self._count]
        known = [self._done(run) for run, _ in self._found]
        found = {
            f"lab.{each[self._count][0]}({', '.join(map(repr, each[self._count][1:]))})"[:60]
            for each in known
            if each[: self._count] == done and len(each) > self._count
        }
        return " or ".join(sorted(found)) or "nothing: it ends here"

    def _until(self) -> float:
        """When the recording of the present step ends."""
        steps = self._run.steps
        if self._count < len(steps):
            return float(steps[self._count]["t"])
        return self._facts[-1].t if self._facts else self.now

    def _answer(self, *ask: Any) -> Any:
        """What was answered at this step, as late as now; or soon after."""
        known = [one for one in self._run.answers if one["ask"] == list(ask)]
        here = [one for one in known if one["step"] == self._count]
        if not here:
            raise LabError(
                f"this is a replay, and nobody asked lab.{ask[0]} for this when it was recorded"
            )
        past = [one for one in here if one["t"] <= self.now]
        chosen = past[-1] if past else here[0]
        self.now = max(self.now, min(float(chosen["t"]), self._until()))
        return chosen["value"]


class Memory:
    """What the witnesses of a replayed lab have seen until now."""

    def __init__(self, lab: Replayed) -> None:
        self._lab = lab

    def of(self, kind: type[F]) -> list[F]:
        """The facts of one kind."""
        return [fact for fact in self._lab.facts() if isinstance(fact, kind)]

    def held(self) -> dict[str, set[str]]:
        """The addresses that each host has."""
        found: dict[str, set[str]] = {}
        for fact in self.of(Address):
            mine = found.setdefault(fact.host, set())
            (mine.add if fact.held else mine.discard)(fact.address)
        return found

    def carrier(self) -> dict[str, bool]:
        """Whether each host has a card that is up and has carrier."""
        found = {(fact.host, fact.interface): fact.up and fact.carrier for fact in self.of(Link)}
        return {host: any(on for (who, _), on in found.items() if who == host)
                for host in self._lab.hosts}  # fmt: skip


class Pictured:
    """What a picture showed in a notebook, by MIME type."""

    def __init__(self, **shown: str) -> None:
        self._shown = shown

    def __repr__(self) -> str:
        return self._shown["text/plain"]

    def _repr_mimebundle_(self, **_options: object) -> dict[str, str]:
        return self._shown


class Answered:
    """What a command printed and its exit status, as `labs.looking.Result`."""

    def __init__(self, text: str, status: int) -> None:
        self.text, self.status = text, status

    def __repr__(self) -> str:
        ending = f"\n(exit status {self.status})" if self.status else ""
        return self.text.rstrip("\n") + ending

    __str__ = __repr__
