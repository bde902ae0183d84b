"""What else is on a simulated host: programs to run, files, processes, named pipes, mail.

    host.workload.programs["/bin/chk"] = Program(status=1, seconds=0.2)
    host.workload.write("/tmp/weight", "10")
    pid = host.workload.spawn("/usr/sbin/nginx", "-g")      host.workload.end(pid)
    host.workload.pipes["/run/fifo"]     the lines that a reader would have read so far
    host.workload.mails                  (ns, Mail) of every mail, in order

A program is known by its first word and only pretends: it takes its time and ends as described.
One that is not described succeeds at once.  Everything a daemon has started ends with it.
A pipe here always has a reader.  Mail always arrives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vrrpd.config.model import Command
from vrrpd.fsm import SECOND
from vrrpd.ports import Mail, Outcome, Process, ProcessWatcher, Timer

if TYPE_CHECKING:
    from labs.simulation.machine import SimulatedHost

GRACE = 2 * SECOND
FIRST_PID = 1000


@dataclass(slots=True)
class Program:
    """How a program behaves: its exit status, how long it takes, whether it minds SIGTERM."""

    status: int = 0
    seconds: float = 0.0
    signal: int = 0  # the signal that ends it; 0: it exits
    stubborn: bool = False  # ignores SIGTERM
    problem: str = ""  # why it cannot be started


@dataclass(slots=True)
class HostPrograms:
    """Programs, files and processes of one host."""

    programs: dict[str, Program] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    processes: dict[int, Process] = field(default_factory=dict)
    watches: list[FileWatch] = field(default_factory=list)
    watcher: ProcessWatcher | None = None
    started: list[tuple[int, str]] = field(default_factory=list)  # (ns, command) of every check
    killed: list[tuple[int, str]] = field(default_factory=list)
    pids: int = FIRST_PID
    pipes: dict[str, list[str]] = field(default_factory=dict)  # what went into each
    mails: list[tuple[int, Mail]] = field(default_factory=list)

    def write(self, path: str, text: str | None) -> None:
        """Put `text` into a file; None removes it."""
        if text is None:
            self.files.pop(path, None)
        else:
            self.files[path] = text
        for watch in [one for one in self.watches if one.path == path]:
            watch.changed()

    def spawn(self, *argv: str, name: str | None = None) -> int:
        """Start a process that stays; its pid."""
        self.pids += 1
        process = Process(self.pids, (name or argv[0].rpartition("/")[2])[:15], argv)
        self.processes[process.pid] = process
        if self.watcher is not None:
            self.watcher.process_seen(process)
        return process.pid

    def end(self, pid: int) -> None:
        """End a process."""
        if self.processes.pop(pid, None) is not None and self.watcher is not None:
            self.watcher.process_gone(pid)

    def end_life(self) -> None:
        """The daemon is gone, and with it the callbacks."""
        self.watcher = None
        self.watches.clear()


@dataclass(slots=True, eq=False)
class FileWatch:
    """One watched file."""

    workload: HostPrograms
    path: str
    changed: Callable[[], None]

    def cancel(self) -> None:
        """Watch it no longer."""
        if self in self.workload.watches:
            self.workload.watches.remove(self)


@dataclass(slots=True, eq=False)
class Run:
    """A program that is running; `timer` is its end."""

    machine: SimulatedHost
    name: str
    timer: Timer

    def cancel(self) -> None:
        """Kill it."""
        self.timer.cancel()
        self.machine.workload.killed.append((self.machine.clock.now(), self.name))


@dataclass(slots=True, eq=False)
class Kept:
    """A program that runs until it is ended."""

    machine: SimulatedHost
    name: str

    def cancel(self) -> None:
        """SIGTERM."""
        self.machine.workload.killed.append((self.machine.clock.now(), self.name))


class HostRunner:
    """The Runner of one host: who was called and when is kept, checks end as described."""

    def __init__(self, machine: SimulatedHost) -> None:
        self.machine = machine

    def run(self, command: Command, arguments: Sequence[str], what: str) -> str | None:
        """Remember the call: (ns, what, argv)."""
        argv = (*command.argv, *arguments)
        self.machine.scripts.append((self.machine.clock.now(), what, argv))
        return None

    def keep(self, command: Command, arguments: Sequence[str], what: str) -> Kept | str:
        """Remember the call, and the end when it comes."""
        problem = self.run(command, arguments, what)
        return Kept(self.machine, " ".join(command.argv)) if problem is None else problem

    def check(self, command: Command, timeout: int, done: Callable[[Outcome], None]) -> Run:
        """Run a described program and report its end when its time has passed."""
        machine, now = self.machine, self.machine.clock.now()
        program = machine.workload.programs.get(command.argv[0], Program())
        name = " ".join(command.argv)
        machine.workload.started.append((now, name))
        takes = round(program.seconds * SECOND)
        outcome = Outcome(program.status, program.signal, problem=program.problem)
        if takes > timeout:
            takes = min(takes, timeout + GRACE) if program.stubborn else timeout
            outcome = Outcome(signal=9 if program.stubborn else 15, timed_out=True)
        return Run(machine, name, machine.later(now + takes, lambda: done(outcome)))


class HostFiles:
    """The Files of one host."""

    def __init__(self, machine: SimulatedHost) -> None:
        self.machine = machine

    def read(self, path: str) -> bytes | None:
        """What the file says, or None."""
        text = self.machine.workload.files.get(path)
        return None if text is None else text.encode()[:127]

    def write(self, path: str, text: str) -> str | None:
        """Replace what the file says."""
        self.machine.workload.write(path, text)
        return None

    def watch(self, path: str, changed: Callable[[], None]) -> FileWatch:
        """Call back as soon as the daemon is awake."""
        machine = self.machine

        def notice() -> None:
            machine.later(machine.clock.now(), changed)

        watch = FileWatch(machine.workload, path, notice)
        machine.workload.watches.append(watch)
        return watch


class HostProcesses:
    """The Processes of one host."""

    def __init__(self, machine: SimulatedHost) -> None:
        self.machine = machine
        self.watcher: ProcessWatcher | None = None

    def watch(self, watcher: ProcessWatcher | None) -> None:
        """Report to `watcher` every process and of what changes."""
        self.watcher = watcher
        self.machine.workload.watcher = None if watcher is None else self
        if watcher is not None:
            for process in self.machine.workload.processes.values():
                watcher.process_seen(process)

    def process_seen(self, process: Process) -> None:
        """Pass it on when the daemon is awake."""
        watcher = self.watcher
        if watcher is not None:
            self.machine.later(self.machine.clock.now(), lambda: watcher.process_seen(process))

    def process_gone(self, pid: int) -> None:
        """Pass it on when the daemon is awake."""
        watcher = self.watcher
        if watcher is not None:
            self.machine.later(self.machine.clock.now(), lambda: watcher.process_gone(pid))


# What leaves a host besides packets: lines in named pipes, and mail.

END = ""  # what a reader gets when the pipe has been closed


class HostPipe:
    """One named pipe."""

    def __init__(self, machine: SimulatedHost, path: str) -> None:
        self.lines = machine.workload.pipes.setdefault(path, [])

    def write(self, line: str) -> str | None:
        """The reader gets the line."""
        self.lines.append(line)
        return None

    def close(self) -> None:
        """The reader comes to the end."""
        self.lines.append(END)


class HostPipes:
    """The Pipes of one host."""

    def __init__(self, machine: SimulatedHost) -> None:
        self.machine = machine

    def open(self, path: str, owner: tuple[int, int] | None, mode: int) -> HostPipe:
        """Make a pipe; no process is kept out."""
        return HostPipe(self.machine, path)


class HostPost:
    """The MailSender of one host."""

    def __init__(self, machine: SimulatedHost) -> None:
        self.machine = machine

    def send(self, letter: Mail) -> None:
        """Put the mail where tests and lessons can read it."""
        self.machine.workload.mails.append((self.machine.clock.now(), letter))
