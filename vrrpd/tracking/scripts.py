"""`vrrp_script`: commands run again and again, and what is made of their exit status.

    0 ............ rise-1 | rise ............ rise+fall-1
    ---- down (failed) -- | -------- up (succeeded) -----

One counter, as keepalived has it.  A success adds one while down and refills it when up; a failure
takes one away while up and empties it when down.  So it takes `rise` successes in a row to come
up, and `fall` failures in a row to go down.  The very first result decides alone, unless
`init_fail` makes the script start as failed.

Exit status 0 is success.  Anything else, a signal, a timeout, or a command that cannot be started
or must not be (script_security.py) is a failure; only when this host lacks memory, processes or
open files to start it, the run counts for nothing.  A run that is still going on when the next is
due makes that one be skipped (keepalived 2.2.7 says the same and starts another; fixed in 2.3.3).

Contract: results are kept by name over a reload; a script whose block has not changed does not
notice it, one that has changed is killed and run again, and keeps its verdict until then.
"""

from __future__ import annotations

from collections.abc import Callable

from vrrpd.config.model import Track, TrackScript
from vrrpd.fsm import seconds
from vrrpd.journal import Journal, Log
from vrrpd.ports import Clock, Outcome, Pending, Runner, Timer
from vrrpd.tracking.effect import Effect, effect_of_state


class Script:
    """One tracked script.  `up` is None until its first result; `reason` says why it is so."""

    def __init__(
        self,
        config: TrackScript,
        clock: Clock,
        runner: Runner,
        journal: Journal,
        log: Log,
        changed: Callable[[Script], None],
    ) -> None:
        self.config = config
        self.clock = clock
        self.runner = runner
        self.journal = journal
        self.log = log
        self.changed = changed
        self.up: bool | None = False if config.init_fail else None
        self.counter = 0
        self.reason = f"tracked script {config.name} has no result yet"
        if config.init_fail:
            self.reason = f"tracked script {config.name} has not succeeded yet (init_fail)"
        self.last_status = 0
        self.running: Pending | None = None
        self.timer: Timer | None = None
        self.due = 0

    @property
    def name(self) -> str:
        """The name of the `vrrp_script` block."""
        return self.config.name

    def effect(self, track: Track) -> Effect | None:
        """What it does to a router; None while it has no result."""
        if self.up is None:
            return None
        bad = track.reverse  # one that must not run never counts for a router
        return effect_of_state(track, bad if self.config.problem else self.up)

    # Running.

    def start(self) -> None:
        """Run it now, and then every `interval`."""
        self.due = self.clock.now()
        self.timer = self.clock.call_at(self.due, self.run)

    def run(self) -> None:
        """It is time for a run, if the last one has ended."""
        self.due = max(self.due + self.config.interval_ns, self.clock.now())
        self.timer = self.clock.call_at(self.due, self.run)
        if self.running is not None:
            self.log.info(
                f"Track script {self.name} is already running, expect idle - skipping run"
            )
            return
        if self.config.problem:
            self.finished(Outcome(problem=self.config.problem))
            return
        self.running = self.runner.check(self.config.command, self.config.timeout_ns, self.finished)

    def stop(self) -> None:
        """Run it no more; a run that is going on is killed."""
        for timer in (self.timer, self.running):
            if timer is not None:
                timer.cancel()
        self.timer = self.running = None

    def renew(self, config: TrackScript) -> None:
        """Go on with another block of the same name: the verdict stays, the run does not."""
        if config == self.config:
            return
        self.stop()
        self.config = config
        if self.up is not None:
            self.counter = config.rise + config.fall - 1 if self.up else 0
            word = "successful" if self.up else "unsuccessful"
            self.log.info(f"VRRP_Script({self.name}) considered {word} on reload")
        self.start()

    # Results.

    def finished(self, outcome: Outcome) -> None:
        """A run has ended."""
        self.running = None
        if outcome.undecided:
            text = f"Track script {self.name} could not be run: {outcome.problem}"
            self.log.limited(("script", self.name), text)
            return
        if not (outcome.signal or outcome.timed_out or outcome.problem):
            if outcome.status != self.last_status:
                self.log.info(f"Script `{self.name}` now returning {outcome.status}")
            self.last_status = outcome.status
        if outcome.ok:
            self._succeed()
        else:
            self.fail(outcome)

    def _succeed(self) -> None:
        """One success."""
        rise, fall = self.config.rise, self.config.fall
        first, was_up = self.up is None, self.up
        if first or self.counter >= rise - 1:
            self.counter = rise + fall - 1
            self.up = True
        else:
            self.counter += 1
        if self.up and not was_up:
            count = "first result" if first else f"{rise} of {rise}"
            self.log.info(f"VRRP_Script({self.name}) succeeded")
            self.settle(f"succeeded ({count})")

    def fail(self, outcome: Outcome) -> None:
        """One failure."""
        rise, fall = self.config.rise, self.config.fall
        first, was_up = self.up is None, self.up
        if first or self.counter <= rise:
            self.counter = 0
            self.up = False
        else:
            self.counter -= 1
        if not self.up and was_up is not False:
            count = "first result" if first else f"{fall} of {fall}"
            said = f": {outcome.said}" if outcome.said else ""
            self.log.info(f"VRRP_Script({self.name}) {_failure(outcome)}{said}")
            self.settle(f"failed ({self.how(outcome)}, {count})")

    def how(self, outcome: Outcome) -> str:
        """How a run failed, in short."""
        if outcome.problem:
            return f"not started: {outcome.problem}"
        if outcome.timed_out:
            return f"no result within {seconds(self.config.timeout_ns)}"
        return f"signal {outcome.signal}" if outcome.signal else f"exit {outcome.status}"

    def settle(self, text: str) -> None:
        """The verdict has changed: log it and call back those who track it."""
        self.reason = f"tracked script {self.name} {text}"
        self.journal.write("script", None, script=self.name, up=self.up, reason=self.reason)
        self.changed(self)


def _failure(outcome: Outcome) -> str:
    """The failure in keepalived's words."""
    if outcome.timed_out:
        return "timed_out"
    if outcome.problem:
        return f"failed ({outcome.problem})"
    if outcome.signal:
        return f"failed (due to signal {outcome.signal})"
    return f"failed (exited with status {outcome.status})"
