"""The daemon on a real host: put the parts together, run, and give everything back.

    SIGHUP            reload                   SIGTERM, SIGINT   stop gracefully
    SIGUSR1           dump the state           SIGUSR2           dump the statistics
    SIGRTMIN+2        dump the state as JSON   SIGRTMAX-1        ... and set them to zero

Contract: `start()` returns an exit status when a signal has ended the daemon, or when there is
nothing to run; `cli.py`, which reads the options, imports this module only for it.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING

from vrrpd import __version__
from vrrpd.config import Config, ConfigError
from vrrpd.config_reading import Run, here, read
from vrrpd.config_source import ConfigSource
from vrrpd.fsm import SECOND
from vrrpd.journal import APPEND, Journal, Log, handlers
from vrrpd.required_capabilities import needed
from vrrpd.signals import numbers

if TYPE_CHECKING:
    from vrrpd.control import Control
    from vrrpd.daemon import Daemon
    from vrrpd.endpoint import Endpoint
    from vrrpd.linux.capabilities import Privileges
    from vrrpd.linux.http_server import HttpServer
    from vrrpd.linux.loop import Loop
    from vrrpd.linux.own_process import PidFile, Process
    from vrrpd.linux.script_runner import ScriptRunner
    from vrrpd.linux.smtp_client import SmtpClient
    from vrrpd.linux.systemd import SystemdNotifier
    from vrrpd.ports import Ports

LAST_MOMENTS = SECOND  # for notify_stop, as keepalived has it, and for mail
# Imported after the first Advertisement; `subprocess` is what scripts and mail are started with.
LATER = (
    "vrrpd.config.lookalikes",
    "vrrpd.dump.writer",
    "vrrpd.linux.forked_worker",
    "subprocess",
)
DUMPS = ("DATA", "STATS", "STATS_CLEAR", "JSON")
EXIT_FATAL = 1
EXIT_MISSING_PERMISSION = 4


def start(options: SimpleNamespace) -> int:
    """Run the daemon that the options ask for, until a signal ends it; return the exit status."""
    facility = None if options.no_syslog else options.log_facility
    to = handlers(options.log_console, facility, options.log_format == "json")
    log = Log(detailed=options.log_detail, to=to)
    log.info(f"Starting vrrpd {__version__}, configuration {options.use_file}")
    _heed(options, log)
    try:
        return _run(options, log)
    except ConfigError as error:
        log.info(str(error))
        return error.exit_status
    except PermissionError as error:
        log.info(f"{error.strerror or error}: run it as root")
        return EXIT_MISSING_PERMISSION


def _run(options: SimpleNamespace, log: Log) -> int:
    """Start the daemon on a real host and stay until a signal ends it."""
    from vrrpd.daemon import Daemon
    from vrrpd.linux.capabilities import Privileges
    from vrrpd.linux.lifecycle_scripts import LifecycleScripts
    from vrrpd.linux.loop import Loop
    from vrrpd.linux.own_process import PidFile, Process, control_socket, pid_file
    from vrrpd.linux.script_runner import ScriptRunner
    from vrrpd.linux.smtp_client import SmtpClient
    from vrrpd.linux.systemd import SystemdNotifier

    privileges = Privileges(log)
    reading = partial(read, options, log, privileges.lacking)
    process = Process(log)
    source = ConfigSource(partial(reading, here), log, options.namespace, process.settle)
    config = source()
    own = PidFile(options.pid or pid_file(config.globals))
    if not (_alone(own, log) and _entered(config.globals.net_namespace, log)):
        return EXIT_FATAL
    journal = journal_of(options, log)
    loop = Loop(log.trouble)
    runner = ScriptRunner(loop, log)
    post = SmtpClient(loop, journal, log)
    quiet = not options.no_quiet_backup
    daemon = Daemon(source, _build_ports(loop, runner, post, log, source, quiet), journal, log)
    loop.on_signal(signal.SIGCHLD, lambda: _reap(runner, post))
    ending: list[str] = []
    supervisor = SystemdNotifier(loop)
    _signals(loop, daemon, supervisor, ending, options.ignore_sigint)
    edge = LifecycleScripts(loop, runner, log)
    edge.begin(config.globals)
    if not ending:
        daemon.start(config)
    _prepare_reloads(source, reading, loop)
    socket = options.control or control_socket(config.globals)
    control = _listening(socket, loop, daemon, journal, log)
    exporter = _exporting(options.metrics, loop, daemon, log)
    pids = _write_pids(own, options.vrrp_pid, log)
    _reduce(privileges, config, options, (*pids, socket))
    supervisor.ready("Running")
    _at_leisure(loop, log, journal, process)
    loop.run_until(lambda: bool(ending))
    supervisor.stopping()
    _stop(daemon, ending[0], log)
    loop.run_until(lambda: not (runner.running() or post.waiting()), LAST_MOMENTS)
    edge.end(daemon.config.globals)
    _remove_files(control, exporter, journal)
    return 0


def _stop(daemon: Daemon, reason: str, log: Log) -> None:
    """Stop the daemon; an exception is logged, because more than this has to be ended."""
    try:
        daemon.stop(reason)
    except Exception as error:
        log.trouble(error)


def _write_pids(own: PidFile, second: str | None, log: Log) -> list[str]:
    """Write our pid into our file and into that of `-r`, if any; return their paths."""
    from vrrpd.linux.own_process import PidFile

    files = [own]
    if second:
        files.append(PidFile(second))
        atexit.register(files[-1].remove)
    for file in files:
        with _log_oserror(log, f"no pid file {file.path}"):
            file.write()
    return [file.path for file in files]


def _heed(options: SimpleNamespace, log: Log) -> None:
    """Do what the command line asks of the process, and log what vrrpd does not do of it."""
    from vrrpd.linux.own_process import dump_core

    for line in options.missing:
        log.info(line)
    if options.core_dump or options.core_dump_pattern is not None:
        with _log_oserror(log, "no core dumps"):
            dump_core()


def journal_of(options: SimpleNamespace, log: Log) -> Journal:
    """The journal; a file that cannot be written now is tried again with every line."""
    if options.journal is not None:
        with _log_oserror(log, f"no journal {options.journal}"):
            os.close(os.open(options.journal, APPEND, 0o666))
    return Journal(options.journal)


def _prepare_reloads(
    source: ConfigSource, reading: Callable[[Run], tuple[Config, list[str]]], loop: Loop
) -> None:
    """Have reloads read in a child process, and import what was left out before the start.

    The first Advertisement is out, so there is time for it; later may be too late: without the
    privileges that are given up next, a directory of modules may not be readable any more.
    """
    for name in LATER:
        import_module(name)
    from vrrpd.linux.forked_worker import run_in_child

    source.read = partial(reading, partial(run_in_child, loop))


def _at_leisure(loop: Loop, log: Log, journal: Journal, process: Process) -> None:
    """From here on what is written may wait for the work, and what is built is built to stay."""
    from vrrpd.linux.own_process import trim_heap

    log.later = journal.later = process.later = loop.idle.append
    process.resume()
    atexit.register(log.flush)
    trim_heap()
    gc.freeze()  # the collector need not look through it again in the middle of a takeover
    gc.enable()


def _remove_files(control: Control | None, exporter: HttpServer | None, journal: Journal) -> None:
    """Take away what is of no use without us."""
    for server in (control, exporter):
        if server is not None:
            server.close()
    journal.close()


def _build_ports(
    loop: Loop,
    runner: ScriptRunner,
    post: SmtpClient,
    log: Log,
    source: ConfigSource,
    quiet: bool,
) -> Ports:
    """A real host, as `ports.py` describes one.

    Raises PermissionError if a capability is missing, before a script runs or a packet leaves.
    """
    from vrrpd.linux.capabilities import missing
    from vrrpd.linux.file_watch import SmallFiles
    from vrrpd.linux.kernel import LinuxKernel
    from vrrpd.linux.named_pipes import NamedPipes
    from vrrpd.linux.process_table import ProcessTable
    from vrrpd.linux.receive_buffers import set_receive_buffers
    from vrrpd.linux.sockets import RawWire
    from vrrpd.ports import Ports

    lacking = missing()
    if lacking:
        raise PermissionError(f"vrrpd needs {' and '.join(lacking)} in its network")
    kernel, processes = LinuxKernel(loop), ProcessTable(loop, log)
    source.follow(lambda settings: set_receive_buffers(kernel, processes, settings, log))
    return Ports(
        loop,
        RawWire(loop, log, quiet),
        kernel,
        runner,
        SmallFiles(loop),
        processes,
        NamedPipes(),
        post,
    )


def _alone(own: PidFile, log: Log) -> bool:
    """Whether no other daemon has this pid file, which is ours until we end.

    Where it cannot be written there is nothing to be locked; that is logged when it is to be.
    """
    other, locked = running(own.path), True
    with suppress(OSError):
        locked = other is None and own.claim()
    if other is not None or not locked:
        who = "another process has locked" if other is None else f"pid {other} in"
        log.info(f"daemon is already running ({who} {own.path})")
        return False
    atexit.register(own.remove)
    return True


def _entered(namespace: str | None, log: Log) -> bool:
    """Go to the network that we are for; it is fatal if that cannot be."""
    from vrrpd.linux.own_process import enter

    try:
        if namespace is not None:
            enter(namespace)
    except OSError as error:
        log.info(f"Unable to set network namespace {namespace}: {error.strerror or error}")
        return False
    return True


def _reduce(
    privileges: Privileges, config: Config, options: SimpleNamespace, ours: tuple[str, ...]
) -> None:
    """Everything is set up: give up what is not needed from here on; `ours` are files we made."""
    files = [one.file for one in config.track_files]
    created = [one.file for one in config.track_files if one.init_file]
    journal = [options.journal] if options.journal else []
    if options.metrics and options.metrics.path:
        ours = (*ours, options.metrics.path)
    me = os.getuid(), os.getgid()
    reads, writes = [options.use_file, *files], [*ours, *journal, *created]
    privileges.reduce(needed(config, me), reads, writes)


def _listening(path: str, loop: Loop, daemon: Daemon, journal: Journal, log: Log) -> Control | None:
    """The socket for vrrpctl; a daemon without one still does its work."""
    from vrrpd.control import Control

    with _log_oserror(log, f"no control socket {path}"):
        return Control(path, loop, daemon, journal)
    return None


def _exporting(where: Endpoint | None, loop: Loop, daemon: Daemon, log: Log) -> HttpServer | None:
    """The server of `--metrics`, if it is asked for; a daemon without one still does its work."""
    if where is None:
        return None
    from vrrpd.exporter import pages
    from vrrpd.linux.http_server import HttpServer

    with _log_oserror(log, f"no metrics at {where}"):
        server = HttpServer(where, loop, pages(daemon))
        log.info(f"Metrics are served at {where}")
        return server
    return None


def _signals(
    loop: Loop, daemon: Daemon, supervisor: SystemdNotifier, ending: list[str], ignore_sigint: bool
) -> None:
    """What each signal does, and what a mistake of ours is followed by.

    The names are keepalived's.  `ending` is where a stop is noted.  From here on a signal waits
    for the loop: nothing may end us between taking an address and being able to give it back.
    """

    def stop() -> None:
        ending.append("stopped by a signal")
        loop.stop()

    loop.mistaken = daemon.mistaken
    loop.on_signal(signal.SIGINT, (lambda: None) if ignore_sigint else stop)
    actions: dict[str, Callable[[], None]] = {
        "STOP": stop,
        "RELOAD": lambda: supervisor.reload(daemon.reload),
        **{what: partial(_dump, daemon, what) for what in DUMPS},
    }
    for name, number in numbers().items():
        loop.on_signal(number, actions[name])


def _dump(daemon: Daemon, what: str) -> None:
    """Write one of keepalived's dump files."""
    from vrrpd.dump.writer import dump_data, dump_json, dump_stats

    if what == "STATS_CLEAR":
        dump_stats(daemon, clear=True)
    else:
        {"DATA": dump_data, "STATS": dump_stats, "JSON": dump_json}[what](daemon)


def _reap(runner: ScriptRunner, post: SmtpClient) -> None:
    """A child has ended."""
    runner.reap()
    post.reap()


def running(path: str) -> int | None:
    """The pid of the vrrpd that wrote this pid file, if it still runs."""
    try:
        with open(path, encoding="ascii") as file:
            pid = int(file.read())
        os.kill(pid, 0)
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().split(b"\0")
        return pid if _is_vrrpd(words) and pid != os.getpid() else None
    except (OSError, ValueError, OverflowError):
        return None


def _is_vrrpd(words: list[bytes]) -> bool:
    """Whether a process with these arguments is this program, and not one that is only about it."""
    program, *others = map(os.path.basename, words)
    script = {b"vrrpd", b"vrrpd.cli"}  # after options of Python
    return program == b"vrrpd" or (program.startswith(b"python") and bool(script & {*others[:5]}))


@contextmanager
def _log_oserror(log: Log, what: str) -> Iterator[None]:
    """What a daemon can do without: an OSError costs a line in the log."""
    try:
        yield
    except OSError as error:
        log.info(f"{what}: {error.strerror or error}")
