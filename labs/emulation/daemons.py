"""The two daemons a host can run, and how to start, find and signal them.

    name         command                                   log                       journal
    vrrpd        vrrpd -n -l -D -f ... --journal ...        /var/log/vrrpd.log        JSON lines
    keepalived   keepalived -n -l -D -P -f ...              /var/log/keepalived.log   none

A daemon is started as a machine's init would start it: in a session of its own, a child of the
host's process 1, its output in a file.
It is found again by its program's name, so one that the learner started by hand counts as well.
"""

from __future__ import annotations

import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from labs.emulation.nodes import COMMANDS, Host, Process
from labs.emulation.programs import keepalived_unit
from labs.emulation.programs.keepalived_unit import CONFIGURATION
from labs.errors import LabError, unknown
from labs.polling import poll
from labs.sandbox.hostfile import HostFile

# What the daemons log at the end of a reload; keepalived, of a bad one, at its own.
RELOADED = re.compile(rb"Reload (complete|refused)|: Stopped ")

# On the machine of a class all labs start at the same time: ten seconds of processor time each.
READY_WITHIN_S = 120.0
READY_AFTER_PID_S = 10.0  # a daemon that has written its pid counts as ready then all the same
GONE_WITHIN_S = 30.0  # what was killed is gone by then
RELOADED_WITHIN_S = 15.0  # a reload of which the log says nothing until then is taken for lost


@dataclass(frozen=True, slots=True)
class Daemon:
    """How one of the daemons is run; paths are those of the host it runs on."""

    name: str
    description: str
    command: str
    log: str
    pidfile: str
    journal: str | None
    remedy: str
    leftovers: tuple[str, ...] = ()
    says: bytes = b""  # in its log, once all its processes listen to signals


DAEMONS = {
    "vrrpd": Daemon(
        name="vrrpd",
        description="VRRP daemon (vrrpd of VRRP Lab, which reads keepalived.conf)",
        command=f"vrrpd -n -l -D -f {CONFIGURATION} -p /run/vrrpd.pid "
        "--journal /var/log/vrrpd.jsonl --control /run/vrrpd.sock",
        log="/var/log/vrrpd.log",
        pidfile="/run/vrrpd.pid",
        journal="/var/log/vrrpd.jsonl",
        remedy="run `make setup`",
        leftovers=("/run/vrrpd.sock",),
    ),
    "keepalived": Daemon(
        name="keepalived",
        description="Keepalive Daemon (LVS and VRRP)",
        command=f"keepalived -n -l -D -P -f {CONFIGURATION} "
        "-p /run/keepalived.pid -r /run/vrrp.pid",
        log="/var/log/keepalived.log",
        pidfile="/run/keepalived.pid",
        journal=None,
        remedy="run `sudo apt install keepalived`, or choose daemon='vrrpd'",
        leftovers=("/run/vrrp.pid",),
        # keepalived 2.2.7: a SIGTERM before that is lost on the process that holds the address.
        says=b"Registering gratuitous ARP shared channel",
    ),
}


def choose(daemon: str | dict[str, str] | None, servers: list[str]) -> dict[str, Daemon]:
    """Which daemon each server runs: one for all, one for each, or None for LAB_DAEMON or vrrpd.

    A name may be followed by options for its command line: "vrrpd --max-vips 20".
    Raises LabError for an unknown daemon or host and for a daemon that is not installed.
    """
    wanted = daemon or os.environ.get("LAB_DAEMON") or "vrrpd"
    names = dict.fromkeys(servers, wanted) if isinstance(wanted, str) else wanted
    for host in names:
        if host not in servers:
            raise unknown("server", host, servers)
    return {host: _named(names.get(host, "vrrpd")) for host in servers}


def _named(words: str) -> Daemon:
    """The daemon that `words` begin with; LabError listing the known ones."""
    name, _, options = words.partition(" ")
    if name not in DAEMONS:
        raise unknown("daemon", name, DAEMONS)
    daemon = DAEMONS[name]
    return replace(daemon, command=f"{daemon.command} {options}") if options else daemon


def running(host: Host) -> list[Process]:
    """Every process of a daemon on `host`, of either kind, started by the lab or by hand."""
    return [process for process in host.processes() if keepalived_unit.is_daemon(process.argv)]


def command(host: Host, daemon: Daemon) -> str:
    """The command line of `daemon` on `host`, its program by its whole path."""
    name, _, options = daemon.command.partition(" ")
    return f"{_path(host, daemon) or name} {options}"


def _path(host: Host, daemon: Daemon) -> str | None:
    """Where the program of `daemon` is: not the stand-in of that name, first in PATH."""
    places = host.environment["PATH"].split(os.pathsep)
    return shutil.which(
        daemon.name, path=os.pathsep.join(place for place in places if place != str(COMMANDS))
    )


# What `systemctl` on a host reads, and a learner may edit; the last section is not systemd's.
_UNIT = """\
[Unit]
Description={description}
Documentation=man:keepalived(8) man:keepalived.conf(5)
ConditionFileNotEmpty={configuration}

[Service]
Type=notify
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
PIDFile={pidfile}
StandardOutput=append:{log}
StandardError=inherit
TimeoutStopSec=10

[Install]
WantedBy=multi-user.target

[X-VRRP-Lab]
Ready={ready}
Leftovers={leftovers}
"""


def install_unit(host: Host, daemon: Daemon) -> None:
    """Write keepalived.service of `host`, enabled, with `daemon` behind it."""
    text = _UNIT.format(
        description=daemon.description,
        configuration=CONFIGURATION,
        command=command(host, daemon),
        pidfile=daemon.pidfile,
        log=daemon.log,
        ready=daemon.says.decode(),
        leftovers=" ".join(daemon.leftovers),
    )
    host.path(keepalived_unit.UNIT).write_text(text)
    host.path(keepalived_unit.WANTED).symlink_to(keepalived_unit.UNIT)


def start(host: Host, daemon: Daemon) -> Callable[[], bool]:
    """Start `daemon`; the returned function says whether it is ready for signals.

    It raises LabError with the last lines of the log if the daemon has ended instead.
    """
    if _path(host, daemon) is None:
        raise LabError(f"{daemon.name} is not installed: {daemon.remedy}")
    pidfile = host.path(daemon.pidfile)
    for stale in (daemon.pidfile, *daemon.leftovers):
        host.path(stale).unlink(missing_ok=True)
    log = shlex.quote(daemon.log)
    written = host.path(daemon.log)
    before = written.stat().st_size if written.exists() else 0
    launch = f"setsid {command(host, daemon)} </dev/null >>{log} 2>&1 & echo $!"
    with host.popen(["sh", "-c", launch], stderr=None) as shell:
        text = shell.stdout.read() if shell.stdout else b""
    if not text.strip().isdigit():
        raise LabError(
            f"{host.name} cannot start a program, so {daemon.name} does not run: "
            "lab.reset() starts all hosts again"
        )
    alive = Path(f"/proc/{host.pid}/root/proc/{int(text)}")
    late: float | None = None  # when it counts as ready whatever it says

    def ready() -> bool:
        nonlocal late
        if _text(pidfile).strip():
            late = late or time.monotonic() + READY_AFTER_PID_S
            logged = written.read_bytes()[before:] if daemon.says else b""
            return daemon.says in logged or time.monotonic() > late
        if not alive.exists():
            said = written.read_bytes()[before:].decode(errors="replace")
            last = "\n    ".join(said.splitlines()[-8:])
            raise LabError(
                f"{daemon.name} on {host.name} ended at once; its log ends with\n    {last}\n"
                f"look at lab.conf({host.name!r}), correct it, and lab.start({host.name!r})"
            )
        return False

    return ready


def send(processes: list[Process], number: signal.Signals) -> None:
    """Send a signal to every one of `processes` that still exists."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)


def leaders(processes: list[Process]) -> list[Process]:
    """Those whose parent is not among them: the ones that pass a signal on to the others."""
    pids = {process.pid for process in processes}
    return [process for process in processes if _field(process.pid, 1) not in pids]


def children(pid: int) -> list[Process]:
    """The processes that `pid` has started and that still exist; what they run is not reported."""
    with suppress(OSError):
        told = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [Process(int(one), ()) for one in told.split()]
    return []


def frozen(processes: list[Process]) -> bool:
    """Whether any of them is stopped by a signal."""
    return any(_state(process.pid) == "T" for process in processes)


def freeze(processes: list[Process]) -> None:
    """Stop every one of them and wait until they stand still: SIGSTOP acts a little later."""
    send(processes, signal.SIGSTOP)
    never = threading.Event()
    while any(_state(process.pid) not in ("T", "Z", "") for process in processes):
        never.wait(0.001)


def end(program: subprocess.Popen[bytes]) -> None:
    """End what `Host.popen` has started in a session of its own, and wait until it is gone.

    That is `nsenter`, and its child is the program, which keeps its ports for a moment longer.
    """
    if program.poll() is None:
        below = children(program.pid)
        with suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        wait_gone(below)
    program.wait()


def wait_gone(processes: list[Process], timeout: float = GONE_WITHIN_S) -> bool:
    """Wait until all have ended; False if one still runs after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    for process in processes:
        try:
            descriptor = os.pidfd_open(process.pid)
        except ProcessLookupError:
            continue
        try:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([descriptor], [], [], left)[0]:
                return False
        finally:
            os.close(descriptor)
    return True


def wait_reloaded(
    log: HostFile, before: int, processes: list[Process], timeout: float = RELOADED_WITHIN_S
) -> None:
    """Wait until a daemon's log, `before` bytes long, says what came of a reload, or it is gone.

    keepalived loses a SIGHUP that comes while it starts or reloads: after `timeout` seconds it is
    taken for lost, and nothing is reported.
    """

    def over() -> bool:
        if not any(_state(one.pid) for one in processes):
            return True
        with log.open() as file:
            file.seek(before)
            return RELOADED.search(file.read()) is not None

    poll(over, timeout, every=0.005)


def wait_ready(checks: list[Callable[[], bool]], timeout: float = READY_WITHIN_S) -> None:
    """Wait until every daemon that was started is ready; LabError after `timeout` seconds."""
    if not poll(lambda: all(check() for check in checks), timeout, every=0.005):
        raise LabError(f"a daemon was not ready within {timeout:g} s: look at lab.log(host)")


def _text(path: HostFile) -> str:
    """What a file says; "" if there is none, or none any more."""
    with suppress(FileNotFoundError):
        return path.read_text()
    return ""


def _stat(pid: int) -> list[str]:
    with suppress(OSError):
        # The name in parentheses may itself contain spaces; what follows the last ')' does not.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return []


def _field(pid: int, index: int) -> int | None:
    fields = _stat(pid)
    return int(fields[index]) if len(fields) > index else None


def _state(pid: int) -> str:
    return (_stat(pid) or [""])[0]
