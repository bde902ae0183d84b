"""Notifying scripts, FIFOs and people that a virtual router has changed state, as keepalived does.

In this order, started one after the other and never waited for:

    1. notify_master | notify_backup | notify_fault | notify_stop | notify_deleted
       the command exactly as configured, nothing appended
    2. notify
       the command and four arguments: INSTANCE  NAME  STATE  PRIORITY   (GROUP  NAME  STATE  0)
    3. a line in each FIFO (fifo.py)
    4. a mail (mail.py)

MASTER is notified after the addresses are up and announced, the others after they are gone.  A sync
group is notified after its members; a member that enters the state in which its group already is
notifies no script again.

`notify_split_brain` (split_brain.py) is vrrpd's own and stands outside of this order.

Contract: a script that does not exist, cannot be run, fails or hangs costs one log line and
nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from vrrpd.config.model import Command, Config, Instance, Notify, SyncGroup
from vrrpd.each import each
from vrrpd.events import AdvertReceived
from vrrpd.journal import Journal, Log
from vrrpd.notify.fifo import Fifos
from vrrpd.notify.mail import Mailer
from vrrpd.ports import Ports

KINDS = {
    "MASTER": "master",
    "BACKUP": "backup",
    "FAULT": "fault",
    "STOP": "stop",
    "DELETED": "deleted",
}
LOWER = "MASTER_RX_LOWER_PRI"  # an event, not a state: nothing has changed
SPLIT = "SPLIT_BRAIN"  # the same; vrrpd's own, and only the script is run


class Notifier:
    """Notifies of the instances and sync groups of one configuration.

    `told` is the last state notified of each instance, `groups` of each sync group.
    """

    def __init__(self, ports: Ports, journal: Journal, log: Log) -> None:
        self.runner = ports.runner
        self.journal = journal
        self.log = log
        self.fifos = Fifos(ports.pipes, ports.runner, log)
        self.mailer = Mailer(ports.post, journal.wall)
        self.config = Config()
        self.group_of: dict[str, SyncGroup] = {}
        self.told: dict[str, str] = {}
        self.groups: dict[str, str] = {}
        self.held: list[tuple[str, str, Callable[[], None]]] | None = None  # kind, state, how

    def configure(self, config: Config) -> None:
        """Go over to this configuration: new FIFOs with new readers, other mail addresses."""
        self.config = config
        self.group_of = {name: group for group in config.sync_groups for name in group.members}
        self.fifos.configure(config.globals)
        self.mailer.configure(config.globals)

    # What is notified.

    def notify(self, instance: Instance, state: str, priority: int) -> None:
        """Notify that `instance` is now in `state`, a key of KINDS, or has seen LOWER."""
        self._soon("INSTANCE", state, lambda: self._deliver(instance, state, priority))

    def split_brain(self, instance: Instance, priority: int, rival: AdvertReceived) -> None:
        """Run `notify_split_brain` at the first Advertisement of another MASTER."""
        script = instance.notify.split_brain
        if script is not None:
            own = ("INSTANCE", instance.name, SPLIT, str(priority))
            arguments = (*own, str(rival.source), str(rival.priority))
            self.start(instance.name, "notify_split_brain", script, arguments)

    def group(self, group: SyncGroup, state: str) -> None:
        """Notify that a sync group is now MASTER, BACKUP, FAULT or STOP; after its members."""
        if self.groups.get(group.name) != state:
            self._soon("GROUP", state, lambda: self._deliver_group(group, state))

    def priority(self, instance: Instance, state: str, priority: int) -> None:
        """The effective priority has changed: FIFOs are notified if that is configured."""
        group = self.group_of.get(instance.name)
        asked = group is not None and group.notify_priority_changes
        if instance.name in self.told and (asked or instance.notify_priority_changes):
            word = "MASTER_PRIORITY" if state == "MASTER" else "BACKUP_PRIORITY"
            self.fifos.write("INSTANCE", instance.name, word, priority)

    def _soon(self, kind: str, state: str, deliver: Callable[[], None]) -> None:
        """Notify now, or when all that happens at once has happened."""
        if self.held is not None:
            self.held.append((kind, state, deliver))
        else:
            deliver()

    def _deliver(self, instance: Instance, state: str, priority: int) -> None:
        """Notify, now and in order, unless the sync group has notified already."""
        name = instance.name
        if state == LOWER:
            script = instance.notify.master_rx_lower_pri
            if script is not None:
                self.start(name, "notify_master_rx_lower_pri", script, ())
            self.fifos.write("INSTANCE", name, state, priority)
            return
        group = self.group_of.get(name)
        if group is not None and name in self.told and self.groups.get(group.name) == state:
            return
        self.told[name] = state
        self.scripts("INSTANCE", name, instance.notify, state, priority)
        self.fifos.write("INSTANCE", name, state, priority)
        self._mailed(name, self.mailer.instance(instance, state))

    def _deliver_group(self, group: SyncGroup, state: str) -> None:
        """Notify of a group, now and in order."""
        self.groups[group.name] = state
        self.scripts("GROUP", group.name, group.notify, state, 0)
        self.fifos.write("GROUP", group.name, state, 0)
        self._mailed(group.name, self.mailer.group(group, state))

    # Start, reload and end.

    def repeat(self, states: list[tuple[Instance, str, int]]) -> None:
        """After a reload, where asked for: the FIFOs get every state once more.

        An instance in the state of its group is not repeated, the group is (keepalived).
        """
        if not self.config.globals.fifo_write_vrrp_states_on_reload:
            return
        for instance, state, priority in states:
            group = self.group_of.get(instance.name)
            if group is None or self.groups.get(group.name) != state:
                self.fifos.write("INSTANCE", instance.name, state, priority)
        for group in self.config.sync_groups:
            if group.name in self.groups:
                self.fifos.write("GROUP", group.name, self.groups[group.name], 0)

    def hold(self) -> None:
        """Keep what is to be notified until `started()` or `ended()`."""
        self.held = []

    def started(self) -> None:
        """Everything has started: notify of FAULT first, then of groups, then of the rest."""
        self.release(lambda kind, state: 0 if state == "FAULT" else 1 if kind == "GROUP" else 2)

    def ended(self) -> None:
        """All addresses are gone: end the FIFOs' readers, notify of instances, then groups."""
        release = partial(self.release, lambda kind, state: int(kind == "GROUP"))
        each([self.fifos.dismiss, release, self.fifos.close])

    def release(self, rank: Callable[[str, str], int]) -> None:
        """Notify what was held back, in the order of `rank`."""
        held, self.held = self.held or [], None
        each(deliver for _, _, deliver in sorted(held, key=lambda one: rank(one[0], one[1])))

    # How.

    def scripts(self, kind: str, name: str, notify: Notify, state: str, priority: int) -> None:
        """Start the script of `state` and the one for all states."""
        script: Command | None = getattr(notify, KINDS[state])
        if script is not None:
            self.start(name, f"notify_{KINDS[state]}", script, ())
        if notify.any is not None:
            self.start(name, "notify", notify.any, (kind, name, state, str(priority)))

    def start(self, name: str, what: str, script: Command, arguments: tuple[str, ...]) -> None:
        """Start one script and write down that it was, or why it was not."""
        problem = self.runner.run(script, arguments, f"({name}) {what}")
        line = " ".join((script.text or " ".join(script.argv), *arguments))
        self.journal.write("notify", name, script=what, command=line, problem=problem)
        if problem is not None:
            self.log.info(f"({name}) {what} {line} was not run: {problem}")
        else:
            self.log.detail(f"({name}) {what}: {line}")

    def _mailed(self, name: str, subject: str | None) -> None:
        """Write down that a mail is on its way."""
        if subject is not None:
            self.journal.write("mail", name, subject=subject)
