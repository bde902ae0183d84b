"""Where configurations come from: the file, at the start and at every reload.

    source()   at the start   read
               at a reload    announce (reload_file) -> read -> check -> settle

A reload may be refused, which leaves the running configuration in force:

* a fatal mistake, as always;
* any mistake, if the running configuration says `reload_check_config` (keepalived needs that
  keyword so as not to die of a fatal one; its messages go to the file that it names);
* no `vrrp_instance` where there were some: a file that was cut short, or is about to be written,
  is like a broken one (keepalived gives up every address);
* another `net_namespace` or `instance`, which a running process cannot change.

Contract: raises ConfigError, and then nothing has been settled.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from vrrpd.config import Config, ConfigError
from vrrpd.config.diagnostics import Reporter
from vrrpd.config.globals import Globals
from vrrpd.journal import Log
from vrrpd.record import replace

RELOAD_FILE = "/run/keepalived/keepalived.reload"  # `reload_file` without a name
# Not through a link, which another user may have put there; nor waiting for a reader of a pipe.
PLAIN = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
FIXED = {"net_namespace": "network namespace", "instance": "keepalived instance"}

_Read = Callable[[], tuple[Config, Sequence[str]]]
"""A configuration and what is wrong with it; raises ConfigError if it cannot be used."""


class ConfigSource:
    """Reads configurations; `settle` is called with the settings of each one that will be in force.

    `namespace` is the one of the command line, which has precedence over the file's.
    """

    def __init__(
        self,
        read: _Read,
        log: Log,
        namespace: str | None = None,
        settle: Callable[[Globals], None] | None = None,
    ) -> None:
        self.read = read
        self.log = log
        self.namespace = namespace
        self.followers = [] if settle is None else [settle]
        self.settings: Globals | None = None  # in force
        self.instances = 0  # how many are in force

    def __call__(self) -> Config:
        """The configuration as it is now.  Raises ConfigError."""
        before = self.settings
        if before is None:
            config = self._override(self.read()[0])
        else:
            with self.announced(before.reload_file):
                config = self._override(self._checked(before.reload_check_config))
            self._same(before, config.globals)
            if self.instances and not config.instances:
                raise refusal("no vrrp_instance is left (to give up the addresses, stop vrrpd)")
        self.settings, self.instances = config.globals, len(config.instances)
        for follow in self.followers:
            follow(config.globals)
        return config

    def follow(self, follower: Callable[[Globals], None]) -> None:
        """Call `follower` with the settings now and whenever there are others."""
        self.followers.append(follower)
        if self.settings is not None:
            follower(self.settings)

    def _override(self, config: Config) -> Config:
        """The command line's namespace has precedence over the file's."""
        if self.namespace is None:
            return config
        return replace(config, globals=replace(config.globals, net_namespace=self.namespace))

    def _checked(self, report: str | None) -> Config:
        """Read; `report` is None unless every mistake counts, and else where to write them."""
        try:
            config, problems = self.read()
        except ConfigError as error:
            if report:
                self.write(report, [str(one) for one in error.diagnostics])
            raise
        if report is None:
            return config
        if report:
            self.write(report, problems)
        if problems:
            raise refusal(f"{len(problems)} mistakes, and reload_check_config")
        return config

    def write(self, path: str, lines: Sequence[str]) -> None:
        """Write the messages of a check; an empty file is good news."""
        try:
            with open(os.open(path, PLAIN, 0o644), "w", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
        except OSError as error:
            self.log.info(f"cannot write {path}: {error.strerror or error}")

    def _same(self, before: Globals, now: Globals) -> None:
        """Refuse what cannot be changed.  Raises ConfigError."""
        for name, words in FIXED.items():
            if getattr(before, name) != getattr(now, name):
                raise refusal(f"Cannot change {words} at a reload - please restart vrrpd")

    @contextmanager
    def announced(self, path: str | None) -> Iterator[None]:
        """`reload_file`: there, and empty, while we read; gone afterwards."""
        if path is None:
            yield
            return
        path = path or RELOAD_FILE
        try:
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            os.close(os.open(path, PLAIN, 0o644))
        except OSError as error:
            self.log.info(f"reload_file {path}: {error.strerror or error}")
        try:
            yield
        finally:
            with suppress(OSError):
                os.unlink(path)


def refusal(text: str) -> ConfigError:
    """A configuration that could run, but not here and now."""
    report = Reporter()
    report.at("fatal", None, text)
    return ConfigError(report.in_order())
