"""The configuration of a running daemon: read, checked and logged.

    examine()   load -> secure -> what it needs     takes long for a large file, touches nothing
    read()      the same, had done by `run`, here or by a child; then logged and judged

What `_examine()` yields can be pickled, the instances one by one: see `linux/forked_worker.py`.
Of messages the first twenty are logged, and a count.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

from vrrpd.config import Config, ConfigError, Diagnostic, load
from vrrpd.config.diagnostics import shown
from vrrpd.config.model import Instance
from vrrpd.config_source import refusal
from vrrpd.journal import Log
from vrrpd.record import Record, replace
from vrrpd.required_capabilities import needed
from vrrpd.script_security import Finding, first, secure


class _Reading(Record):
    """What has been read, but for the instances, which follow one by one."""

    config: Config
    diagnostics: tuple[Diagnostic, ...]
    findings: tuple[Finding, ...]
    needs: dict[str, str]


Work = Callable[[], Iterator[_Reading | Instance]]
Run = Callable[[Work], list[Any]]


def _examine(options: SimpleNamespace) -> Iterator[_Reading | Instance]:
    """Read the file of the command line, and check its scripts.  Raises ConfigError."""
    from vrrpd.linux.accounts import Accounts

    loaded = load(
        options.use_file,
        config_id=options.config_id,
        max_vips=options.max_vips,
        all_files=options.all_config,
    )
    config, findings, _ = secure(overridden(loaded.config, options), Accounts())
    needs = needed(config, (os.getuid(), os.getgid()))
    empty = replace(config, instances=())
    yield _Reading(empty, tuple(loaded.diagnostics), tuple(findings), needs)
    yield from config.instances


def overridden(config: Config, options: SimpleNamespace) -> Config:
    """The configuration with what the command line says otherwise."""
    settings = config.globals
    if options.umask is not None:
        settings = replace(settings, umask=options.umask)
    return replace(config, globals=settings) if options.run_vrrp else Config(globals=settings)


def here(work: Work) -> list[Any]:
    """Have the work done here and now."""
    return list(work())


def read(
    options: SimpleNamespace,
    log: Log,
    lacking: Callable[[dict[str, str]], str | None],
    run: Run,
) -> tuple[Config, list[str]]:
    """Read the configuration and log what there is to report; also return the mistakes.

    `lacking` says what we may not do of what it needs; `run` has the work done, here or elsewhere.
    Raises ConfigError.
    """
    try:
        reading, *instances = run(partial(_examine, options))
    except ConfigError:
        raise
    except Exception as error:  # MemoryError, for one; or the child that was to read has ended
        raise refusal(f"not read to its end: {str(error) or type(error).__name__}") from None
    for line in shown(reading.diagnostics):
        log.info(line)
    if options.dump_conf:
        for instance in instances:
            log.info(f"{instance}")
    for line in first(reading.findings):
        log.info(line)
    missing = lacking(reading.needs)
    if missing is not None:
        raise refusal(missing)
    mistakes = [str(one) for one in reading.diagnostics if one.severity == "error"]
    mistakes += [str(one) for one in reading.findings if one.counts]
    return replace(reading.config, instances=tuple(instances)), mistakes
