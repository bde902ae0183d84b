"""`vrrp_track_process`: up while the right number of processes runs.

    quorum 2, quorum_max 3        0   1 | 2   3 | 4 ...
                                  down  |  up   | down

Which processes count (keepalived):

    by default        the kernel's name of the program, cut at 15 bytes, is `process`
    full_command      the first word of its command line is `process`
    with arguments    the same, and its arguments are exactly those written behind `process`;
                      param_match partial: it may have further ones
                      param_match initial: and the last one need only begin like that

`fork_delay` and `terminate_delay` are how long enough processes, or too few, must last to count.
A change that is taken back in time is none.

Contract: the table of matches is kept by pid, so no event can be counted twice.
"""

from __future__ import annotations

from collections.abc import Callable

from vrrpd.config.model import Track, TrackProcess
from vrrpd.journal import Journal, Log
from vrrpd.ports import Clock, Process, Timer
from vrrpd.tracking.effect import Effect, effect_of_state

NAME_LENGTH = 15  # TASK_COMM_LEN - 1


class TrackedProcess:
    """One `vrrp_track_process`; `up` is None until the processes have been counted."""

    def __init__(
        self,
        config: TrackProcess,
        clock: Clock,
        journal: Journal,
        log: Log,
        changed: Callable[[TrackedProcess], None],
    ) -> None:
        self.config = config
        self.clock = clock
        self.journal = journal
        self.log = log
        self.changed = changed
        self.pids: set[int] = set()
        self.up: bool | None = None
        self.before: bool | None = None
        self.timer: Timer | None = None

    @property
    def name(self) -> str:
        """The name of the block."""
        return self.config.name

    @property
    def reason(self) -> str:
        """How it stands, as text."""
        low, high = self.config.quorum, self.config.quorum_max
        wanted = f"at least {low}" if high is None else f"{low} to {high}"
        return f"tracked process {self.name}: {len(self.pids)} running, {wanted} wanted"

    @property
    def enough(self) -> bool:
        """Whether as many run as there should, no more and no less."""
        high = self.config.quorum_max
        if high is not None and len(self.pids) > high:
            return False
        # `quorum_max 0` alone means "must not run": the default quorum of 1 would contradict it.
        return high == 0 or len(self.pids) >= self.config.quorum

    def effect(self, track: Track) -> Effect | None:
        """What it does to a router; None until the processes have been counted."""
        return None if self.up is None else effect_of_state(track, self.up)

    def recount(self) -> None:
        """Everything that runs is going to be shown, from the beginning."""
        self.before, self.up = self.up, None
        self.pids.clear()

    def start(self) -> None:
        """Everything that runs has been shown: that is how it begins, without delay."""
        self.up = self.enough if self.before is None else self.before
        self._weigh_up()

    def seen(self, process: Process) -> None:
        """A process runs, perhaps under a new name."""
        before = len(self.pids)
        if matches(self.config, process):
            self.pids.add(process.pid)
        else:
            self.pids.discard(process.pid)
        self._counted(before)

    def gone(self, pid: int) -> None:
        """A process has ended."""
        before = len(self.pids)
        self.pids.discard(pid)
        self._counted(before)

    def _counted(self, before: int) -> None:
        """See whether their number makes a difference, now or after a delay."""
        if len(self.pids) == before or self.up is None:
            return
        change = f"number of current processes changed from {before} to {len(self.pids)}"
        word = "" if self.enough is self.up else f", quorum {'up' if self.enough else 'down'}"
        self.log.detail(f"Process {self.name}, {change}{word}")
        self._weigh_up()

    def _weigh_up(self) -> None:
        """Compare what is with what counts so far."""
        if self.enough is self.up:
            self.stop()
        elif self.timer is None:
            one = self.config
            delay = one.fork_delay_ns if self.enough else one.terminate_delay_ns
            if delay:
                self.timer = self.clock.call_at(self.clock.now() + delay, self.settle)
            else:
                self.settle()

    def settle(self) -> None:
        """The new number counts."""
        self.timer = None
        self.up = self.enough
        word = "gained" if self.up else "lost"
        self.log.info(f"Quorum {word} for tracked process {self.name}")
        self.journal.write("process", None, process=self.name, up=self.up, reason=self.reason)
        self.changed(self)

    def stop(self) -> None:
        """Wait for nothing."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


def matches(config: TrackProcess, process: Process) -> bool:
    """Whether `process` is one of those that count."""
    whole = config.full_command or config.params or config.param_match is not None
    if not whole:
        return process.name == config.process[:NAME_LENGTH]
    if not process.argv or process.argv[0] != config.process:
        return False
    given, wanted = process.argv[1:], config.params
    match config.param_match:
        case None:
            return True
        case "exact":
            return given == wanted
        case "partial":
            return given[: len(wanted)] == wanted
        case "initial":
            if not wanted:
                return True
            head, last = wanted[:-1], wanted[-1]
            rest = given[len(head) :]
            return given[: len(head)] == head and bool(rest) and rest[0].startswith(last)
