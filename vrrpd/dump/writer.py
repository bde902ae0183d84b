"""keepalived's dump files, written on a signal.

    SIGUSR1        keepalived.data     everything, for people and exporters   data.py
    SIGUSR2        keepalived.stats    the counters of every instance         here
    SIGRTMIN+2     keepalived.json     everything, for programs               json.py
    SIGRTMAX-1     keepalived.stats, and then the counters begin at zero again

Contract: written to $TMPDIR or /tmp under a temporary name and renamed, mode 0600, so that a
reader never sees half a file.  A full disk costs a log line.  Passwords are masked (keepalived
writes them in clear up to 2.3).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from vrrpd.daemon import Daemon
from vrrpd.dump.data import data
from vrrpd.dump.json import as_json
from vrrpd.journal import Log

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
EXTENSION = "Authentication Extension Errors:"  # only where auth_hmac is configured
STATS = (
    ("Advertisements:", (("Received", "advertisement-rcvd"), ("Sent", "advertisement-sent"))),
    ("Became master", "master-transitions"),
    ("Released master", "released-master"),
    (
        "Packet Errors:",
        (
            ("Length", "packet-length-errors"),
            ("TTL", "ip-ttl-errors"),
            ("Invalid Type", "invalid-type-pkts-rcvd"),
            ("Advertisement Interval", "interval-errors"),
            ("Address List", "address-list-errors"),
        ),
    ),
    (
        "Authentication Errors:",
        (
            ("Invalid Type", "invalid-authtype"),
            ("Type Mismatch", "authtype-mismatch"),
            ("Failure", "auth-failure"),
        ),
    ),
    (
        EXTENSION,
        (
            ("Missing", "auth-ext-missing"),
            ("Malformed", "auth-ext-malformed"),
            ("Unknown Key", "auth-ext-unknown-key"),
            ("Invalid HMAC", "auth-ext-invalid-hmac"),
            ("Stale", "auth-ext-stale"),
            ("Replay", "auth-ext-replay"),
        ),
    ),
    (
        "Priority Zero:",
        (
            ("Received", "priority-zero-pkts-rcvd"),
            ("Sent", "priority-zero-pkts-sent"),
        ),
    ),
)


def dump_data(daemon: Daemon) -> None:
    """Write `keepalived.data`."""
    settings = daemon.config.globals
    name = settings.state_dump_file or "keepalived.data"
    if settings.data_use_instance and settings.instance is not None:
        stem, dot, end = name.rpartition(".")
        name = f"{stem}.{settings.instance}{dot}{end}" if dot else f"{name}.{settings.instance}"
    _write("data", name, data(daemon), daemon.log)


def dump_stats(daemon: Daemon, clear: bool = False) -> None:
    """Write `keepalived.stats`; `clear` sets every counter to zero afterwards."""
    name = daemon.config.globals.stats_dump_file or "keepalived.stats"
    _write("stats", name, stats(daemon), daemon.log)
    if clear:
        for router in daemon.routers.values():
            router.counters.clear()
        for segment in daemon.segments.values():
            segment.counters.clear()
        daemon.log.info("VRRP statistics cleared")


def dump_json(daemon: Daemon) -> None:
    """Write `keepalived.json`."""
    name = daemon.config.globals.json_dump_file or "keepalived.json"
    _write("as json", name, as_json(daemon), daemon.log)


def _write(what: str, name: str, lines: Iterable[str], log: Log) -> None:
    """Write a dump file; what goes wrong is logged."""
    directory = os.environ.get("TMPDIR", "/tmp")
    if not os.path.isabs(directory):
        directory = "/tmp"
    path = os.path.join(directory, name)  # an absolute name stays as it is
    log.info(f"Printing VRRP {what} for process({os.getpid()}) on signal")
    try:
        # As tempfile.mkstemp() does it; its module would bring OpenSSL into the daemon.
        name = f".vrrpd-dump.{os.urandom(8).hex()}"
        temporary = os.path.join(os.path.dirname(path), name)
        fd = os.open(temporary, NEW, 0o600)
        try:
            with os.fdopen(fd, "w", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
            os.replace(temporary, path)
        except OSError:
            os.unlink(temporary)
            raise
    except OSError as error:
        log.info(f"cannot write {path}: {error.strerror or error}")


def stats(daemon: Daemon) -> Iterator[str]:
    """The lines of `keepalived.stats`."""
    for router in daemon.routers.values():
        yield f"VRRP Instance: {router.name}"
        for title, what in STATS:
            if isinstance(what, str):
                yield f"  {title}: {router.counters[what]}"
                continue
            if title == EXTENSION and router.instance.auth_hmac is None:
                continue
            yield f"  {title}"
            for label, counter in what:
                yield f"    {label}: {router.counters[counter]}"
