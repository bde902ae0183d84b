"""Telling scripts that a virtual router has changed state, as keepalived tells them.

In this order, started one after the other and never waited for:

    1. notify_master | notify_backup | notify_fault | notify_stop | notify_deleted
       the command exactly as configured, nothing appended
    2. notify
       the command and four arguments: INSTANCE  NAME  STATE  PRIORITY

MASTER is told after the addresses are up and announced, the others after they are gone.

Contract: a script that does not exist, cannot be run, fails or hangs costs one log line and
nothing else.
"""

from __future__ import annotations

from vrrpd.config.model import Command, Instance, SyncGroup
from vrrpd.journal import Journal, Log
from vrrpd.ports import Runner

KINDS = {
    "MASTER": "master",
    "BACKUP": "backup",
    "FAULT": "fault",
    "STOP": "stop",
    "DELETED": "deleted",
    "MASTER_RX_LOWER_PRI": "master_rx_lower_pri",
}


class Notifier:
    """Runs the notify scripts of instances."""

    def __init__(self, runner: Runner, journal: Journal, log: Log) -> None:
        self.runner = runner
        self.journal = journal
        self.log = log

    def tell(self, instance: Instance, state: str, priority: int) -> None:
        """Tell the scripts of `instance` that it is now in `state`, a key of KINDS."""
        kind = KINDS[state]
        script: Command | None = getattr(instance.notify, kind)
        if script is not None:
            self.start(instance, f"notify_{kind}", script, ())
        if instance.notify.any is not None and state != "MASTER_RX_LOWER_PRI":
            arguments = ("INSTANCE", instance.name, state, str(priority))
            self.start(instance, "notify", instance.notify.any, arguments)

    def priority(self, instance: Instance, state: str, priority: int) -> None:
        """The effective priority has changed; scripts are not told, FIFOs may be."""

    def group(self, group: SyncGroup, state: str) -> None:
        """A sync group has entered MASTER, BACKUP, FAULT or STOP; its members were told before."""

    def start(
        self, instance: Instance, what: str, script: Command, arguments: tuple[str, ...]
    ) -> None:
        """Start one script and write down that it was, or why it was not."""
        problem = self.runner.run(script, arguments, f"({instance.name}) {what}")
        line = " ".join((script.text or " ".join(script.argv), *arguments))
        self.journal.write("notify", instance.name, script=what, command=line, problem=problem)
        if problem is not None:
            self.log.say(f"({instance.name}) {what} {line} was not run: {problem}")
        else:
            self.log.detail(f"({instance.name}) {what}: {line}")
