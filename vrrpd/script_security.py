"""Which scripts may run, and as whom: keepalived's `script_security`, rule for rule.

    who      the user named with the script, else `script_user`, else the account
             keepalived_script, else ourselves; with enable_script_security not ourselves
    what     a name without / is looked for in PATH; a symbolic link is followed to its end, and
             what is there runs under the name that was written (`pkill` is a link to `pgrep`);
             `</path` is a redirection, which /bin/sh tries
    refused  what is no file, cannot be reached or cannot be executed by its user
    secured  what would run as root (or is setuid root) must lie on a path that only root can
             change: every component owned by root, and writable by no other group and not by
             the world (sticky directories excepted)

What is not secured is refused with `enable_script_security`, and otherwise only complained about.

Contract: `secure()` returns the configuration without the refused scripts and with the identity
of all others filled in; every refusal is a Finding in keepalived's words, and an error of `-t`.  A
vrrp_script that is refused stays and counts as failed: a router whose health cannot be checked
must not say that it is healthy (keepalived drops the check).  It looks at files through `_Host`, so
it can be tried on files that do not exist.
"""

from __future__ import annotations

import posixpath
import stat
from collections.abc import Sequence
from typing import Protocol, TypeVar

from vrrpd.config.diagnostics import MOST_SHOWN
from vrrpd.config.model import Command, Config, Instance, Notify, SyncGroup, TrackScript
from vrrpd.record import Record, replace

SCRIPT_USER = "keepalived_script"
SHELL = "/bin/sh"  # as system(3) has it
SHELL_WORDS = {"|", "||", "&", "&&", ";", "<", ">", ">>", "2>", "2>&1", ">&2", "&>"}
VIOLATION = "SECURITY VIOLATION - {} are being executed but script_security not enabled."
INSECURE = " There are insecure scripts."
Identity = tuple[int, int]  # uid, gid
_NO_SCRIPTS = Notify()
_Holder = TypeVar("_Holder", Instance, SyncGroup)


class FileStatus(Record):
    """What stat(2) says of a file, as far as it matters here."""

    mode: int
    uid: int
    gid: int

    def runs_for(self, identity: Identity) -> bool:
        """Whether its permissions let that user execute it."""
        uid, gid = identity
        if uid == 0:
            return bool(self.mode & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH))
        if uid == self.uid:
            return bool(self.mode & stat.S_IXUSR)
        return bool(self.mode & (stat.S_IXGRP if gid == self.gid else stat.S_IXOTH))

    def becomes_root(self) -> bool:
        """Whether it is setuid or setgid root."""
        by_user = self.uid == 0 and self.mode & stat.S_IXUSR and self.mode & stat.S_ISUID
        by_group = self.gid == 0 and self.mode & stat.S_IXGRP and self.mode & stat.S_ISGID
        return bool(by_user or by_group)

    def only_root_changes(self) -> bool:
        """Whether only root can replace it or what is in it."""
        if self.uid != 0:
            return False
        if self.mode & stat.S_ISVTX and not stat.S_ISREG(self.mode):
            return True
        group = self.gid != 0 and self.mode & stat.S_IWGRP
        return not (group or self.mode & stat.S_IWOTH)


class _Host(Protocol):
    """Accounts and files, as a given user sees them."""

    def me(self) -> Identity:
        """Who we are."""

    def user(self, name: str) -> Identity | None:
        """The uid and the primary gid of an account."""

    def group(self, name: str) -> int | None:
        """The gid of a group."""

    def find(self, name: str, identity: Identity) -> str | None:
        """Where in PATH that user can execute `name`.  PermissionError: found, but not for him."""

    def resolve(self, path: str, identity: Identity) -> str:
        """The path without symbolic links, as that user can reach it.  Raises OSError."""

    def status(self, path: str) -> FileStatus:
        """What stat(2) says.  Raises OSError."""


class Finding(Record):
    """Something to say; `counts` if `-t` shows it and counts it as an error."""

    text: str
    counts: bool = False

    def __str__(self) -> str:
        return self.text


def secure(config: Config, host: _Host) -> tuple[Config, list[Finding], bool]:
    """The configuration that may run, what there is to say, and whether security is violated."""
    guard = _ScriptSecurity(config, host)
    return guard.config(), guard.findings, guard.violated


def first(findings: Sequence[Finding]) -> list[str]:
    """The first twenty as text, and how many there are besides."""
    more = len(findings) - MOST_SHOWN
    lines = [str(one) for one in findings[:MOST_SHOWN]]
    return [*lines, f"and {more} more about scripts"] if more > 0 else lines


class _ScriptSecurity:
    """Goes through the scripts of one configuration."""

    def __init__(self, config: Config, host: _Host) -> None:
        self.before = config
        self.host = host
        self.strict = config.globals.enable_script_security
        self.links = config.globals.use_symlink_paths
        self.findings: list[Finding] = []
        self.looked_up = False
        self.default: Identity | None = None
        self.seen = self.insecure = self.violated = False

    def add(self, text: str, counts: bool = False) -> None:
        """Keep one line."""
        self.findings.append(Finding(text, counts))

    def refuse(self, text: str) -> None:
        """Keep a line about something that the file asks for and that will not run."""
        self.add(text, True)

    # The whole configuration.

    def config(self) -> Config:
        """Every script replaced by what may run of it."""
        old = self.before
        settings = old.globals
        if settings.script_user is not None:
            self._look_up()
        settings = replace(
            settings,
            startup_script=self.command(settings.startup_script, "startup script"),
            shutdown_script=self.command(settings.shutdown_script, "shutdown script"),
        )
        self._complain("start/shutdown scripts")
        settings = replace(
            settings,
            notify_fifo_script=self.command(settings.notify_fifo_script),
            vrrp_notify_fifo_script=self.command(settings.vrrp_notify_fifo_script),
            script_identity=self.owner(settings.notify_fifo or settings.vrrp_notify_fifo),
        )
        scripts = tuple(self.tracked(one) for one in old.scripts)
        instances = tuple(self._member(one) for one in old.instances)
        groups = tuple(self._member(one) for one in old.sync_groups)
        self._complain("scripts")
        return replace(
            old,
            globals=settings,
            scripts=scripts,
            instances=instances,
            sync_groups=groups,
        )

    def _complain(self, what: str) -> None:
        """Say once for `what` that scripts run without security."""
        if self.seen and not self.strict:
            self.violated = True
            self.add(VIOLATION.format(what) + (INSECURE if self.insecure else ""), True)
        self.seen = self.insecure = False

    def owner(self, fifo: str | None) -> Identity | None:
        """Whose the FIFOs are: the default user's, if there are FIFOs and such a user."""
        return self._standard() if fifo is not None else self.default

    # Who.

    def _look_up(self) -> None:
        """Find the default user, once."""
        if self.looked_up:
            return
        self.looked_up = True
        settings = self.before.globals
        if settings.script_user is not None:
            self.default = self.account(*settings.script_user)
            if self.default is None:
                self.add("Error setting global script uid/gid", True)
            return
        self.default = self.host.user(SCRIPT_USER)
        if self.default is None:
            self.add(f"Script user '{SCRIPT_USER}' does not exist")
        if self.default is None and self.strict:
            self.refuse(f"Unable to set default user {SCRIPT_USER} for script")
        elif self.default is None:
            self.default = self.host.me()

    def _standard(self) -> Identity | None:
        """The default user; None: there is none, and scripts without a user must not run."""
        self._look_up()
        return self.default

    def account(self, user: str, group: str | None) -> Identity | None:
        """The identity of a user, with another group if one is named."""
        found = self.host.user(user)
        if found is None:
            self.refuse(f"Script user '{user}' does not exist")
            return None
        if group is None:
            return found
        gid = self.host.group(group)
        if gid is None:
            self.refuse(f"Script group '{group}' does not exist")
            return None
        return found[0], gid

    # One script.

    def command(self, command: Command | None, what: str = "notify script") -> Command | None:
        """The command as it may run, or None."""
        if command is None:
            return None
        path = command.argv[0]
        if command.user is None:
            identity = self._standard()
            if identity is None:
                self.refuse(f"Failed to set default user for {what} {path} - ignoring")
                return None
        else:
            identity = self.account(command.user, command.group)
            if identity is None:
                self.refuse(f"Invalid user/group for {what} {path} - ignoring")
                return None
        return self._checked(command, identity)

    def _checked(self, command: Command, identity: Identity) -> Command | None:
        """The command if its file may be run by that user."""
        if _redirection(command):
            return replace(command, argv=(SHELL, "-c", _shell_text(command)), identity=identity)
        path = self.found(command.argv[0], identity)
        if path is None:
            return None
        try:
            real = self.host.resolve(path, identity)
            status = self.host.status(real)
        except OSError as error:
            self.refuse(f"Script {path} cannot be accessed - {error.strerror}")
            return None
        if not stat.S_ISREG(status.mode):
            self.refuse(f"Wrong file type found in script path '{path}'.")
            return None
        self.seen = True
        if not status.runs_for(identity):
            who = f"uid:gid {identity[0]}:{identity[1]}"
            self.refuse(f"WARNING - script '{path}' is not executable for {who} - disabling.")
            return None
        if (0 in identity or status.becomes_root()) and not self._protected(real):
            self.insecure = True
            end = " - disabling" if self.strict else ""
            self.add(f"Unsafe permissions found for script '{path}'{end}.", self.strict)
            if self.strict:
                return None
        for word in command.argv[1:]:
            if word in SHELL_WORDS:
                text = f"'{word}' is an argument of {command.argv[0]}: no shell reads it."
                self.add(f"WARNING - script {text} Write /bin/sh -c '...' for that.")
                break
        name, executable = (path, None) if self.links else self._under(path, real, identity)
        argv = (name, *command.argv[1:])
        return replace(command, argv=argv, identity=identity, executable=executable)

    def _under(self, path: str, real: str, identity: Identity) -> tuple[str, str | None]:
        """The name to run a file under, and the file if that is not it.

        A program may do by its name what it does; `path` may lead through directories that
        others can change, so the file itself is run.
        """
        own = posixpath.basename(path)
        name = posixpath.join(posixpath.dirname(real), own)
        if name == real:
            return real, None
        try:
            if self.host.resolve(name, identity) == real:
                return name, real
        except OSError:
            pass
        return path, real

    def found(self, name: str, identity: Identity) -> str | None:
        """Where a script is."""
        if "/" in name:
            return name
        try:
            path = self.host.find(name, identity)
        except PermissionError:
            self.refuse(f"Permissions failure for script {name} in path - disabling")
            return None
        if path is None:
            self.refuse(f"Cannot find script {name} in path - disabling")
            return None
        advice = "Please specify full path."
        self.add(f"WARNING - script `{name}` resolved by path search to `{path}`. {advice}")
        return path

    def _protected(self, path: str) -> bool:
        """Whether only root can change what is found under `path`, from / down to the file."""
        parts = path.split("/")
        prefixes = ["/".join(parts[:end]) or "/" for end in range(1, len(parts) + 1)]
        try:
            return all(self.host.status(one).only_root_changes() for one in prefixes)
        except OSError:
            return False

    # What holds scripts.

    def notify(self, notify: Notify) -> Notify:
        """The notify scripts that may run."""
        return replace(
            notify,
            backup=self.command(notify.backup),
            master=self.command(notify.master),
            fault=self.command(notify.fault),
            stop=self.command(notify.stop),
            deleted=self.command(notify.deleted),
            any=self.command(notify.any),
            master_rx_lower_pri=self.command(notify.master_rx_lower_pri),
            split_brain=self.command(notify.split_brain),
        )

    def tracked(self, script: TrackScript) -> TrackScript:
        """A vrrp_script, with its problem if it may not run."""
        command, where = script.command, script.where
        place = f"({where.file}: Line {where.line}) " if where.line else ""
        path = command.argv[0]
        named = command.user is not None
        identity = self.account(command.user or "", command.group) if named else self._standard()
        if identity is None:
            self.refuse(f"{place}Unable to set uid/gid for script '{path}'")
            return replace(script, problem=f"there is no user to run {path}")
        insecure, self.insecure = self.insecure, False
        allowed = self._checked(command, identity)
        if allowed is None:
            cause = self.findings[-1].text
            why = "due to insecure" if self.insecure else "since not found/accessible"
            self.refuse(f"Disabling track script {script.name} {why}: it counts as failed")
            script = replace(script, problem=cause.rstrip(".").removesuffix(" - disabling"))
        self.insecure = self.insecure or insecure
        return script if allowed is None else replace(script, command=allowed)

    def _member(self, one: _Holder) -> _Holder:
        """An instance or a group without the scripts that may not run."""
        if one.notify == _NO_SCRIPTS:
            return one
        return replace(one, notify=self.notify(one.notify))


def _redirection(command: Command) -> bool:
    """Whether it is no program but a file to be opened, as in `</dev/tcp/127.0.0.1/80`."""
    text = " ".join(command.argv)
    return text[:1] == "<" and text[1:].lstrip(" \t")[:1] == "/"


def _shell_text(command: Command) -> str:
    """The line that keepalived gives to system(3): all words quoted but a redirection."""
    first, *others = command.argv
    while first == "<" and others:
        first += others.pop(0)
    return " ".join((first, *(f"'{word}'" for word in others)))
