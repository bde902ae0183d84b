"""The FIFOs: one line for each change of state, in the order of the changes.

    INSTANCE "VI_1" MASTER 150
    GROUP "VG_1" MASTER 0
    INSTANCE "VI_1" MASTER_RX_LOWER_PRI 150      an Advertisement of lower priority was received
    INSTANCE "VI_1" MASTER_PRIORITY 130          with notify_priority_changes; or BACKUP_PRIORITY

`notify_fifo` and `vrrp_notify_fifo` both get every line.  The reader that `*_fifo_script` names
is started with the path as its last argument, and sent SIGTERM before the STOP lines of
the daemon's end are written.  A reload removes the pipes, makes them again and starts the readers
again (all of this is keepalived's).

Contract: writing never waits.  What is not read is lost, with a line in the log.
"""

from __future__ import annotations

from vrrpd.config.globals import Globals
from vrrpd.config.values import Command
from vrrpd.journal import Log
from vrrpd.ports import Pending, Pipe, Pipes, Runner

READABLE = 0o644  # less what `umask` takes away


class Fifos:
    """Both pipes and their readers."""

    def __init__(self, pipes: Pipes, runner: Runner, log: Log) -> None:
        self.ports = pipes
        self.runner = runner
        self.log = log
        self.open: dict[str, Pipe] = {}
        self.readers: list[Pending] = []

    def configure(self, settings: Globals) -> None:
        """Close what there is, and open what `settings` ask for."""
        self.close()
        wanted = (
            ("notify_fifo", settings.notify_fifo, settings.notify_fifo_script),
            ("vrrp_notify_fifo", settings.vrrp_notify_fifo, settings.vrrp_notify_fifo_script),
        )
        for what, path, script in wanted:
            if path is None:
                if script is not None:
                    self.log.info(f"{what}_script without {what}: not started")
            elif path in self.open:
                self.log.info(f"{what} {path} is the other FIFO: every line is written once")
            else:
                self.begin(what, path, script, settings)

    def begin(self, what: str, path: str, script: Command | None, settings: Globals) -> None:
        """Open one pipe and start its reader."""
        mode = READABLE & ~settings.umask
        try:
            self.open[path] = self.ports.open(path, settings.script_identity, mode)
        except OSError as error:
            self.log.info(f"Unable to open {what} {path}: {error.strerror or error}")
            return
        if script is not None:
            reader = self.runner.keep(script, (path,), f"{what}_script")
            if isinstance(reader, str):
                self.log.info(f"{what}_script was not started: {reader}")
            else:
                self.readers.append(reader)

    def write(self, kind: str, name: str, state: str, priority: int) -> None:
        """Write one line to every pipe."""
        line = f'{kind} "{name}" {state} {priority}\n'
        for path, pipe in self.open.items():
            problem = pipe.write(line)
            if problem is not None:
                self.log.limited(("fifo", path, problem), f"FIFO {path} lost a line: {problem}")

    def dismiss(self) -> None:
        """Cause the readers to end."""
        readers, self.readers = self.readers, []
        for reader in readers:
            reader.cancel()

    def close(self) -> None:
        """Cause the readers to end and remove the pipes."""
        self.dismiss()
        for pipe in self.open.values():
            pipe.close()
        self.open.clear()
