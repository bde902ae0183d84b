"""keepalived.service of a lab host: its unit file, its processes, and what was done to it.

    /etc/systemd/system/keepalived.service    written by labs.emulation.daemons; may be edited
        ExecStart=, PIDFile=, TimeoutStopSec= as in systemd.service(5)
        StandardOutput=append:FILE            the daemon's log, which `journalctl` reads
        [X-VRRP-Lab] Ready=, Leftovers=       when a start is complete; files to remove before it
    .../multi-user.target.wants/keepalived.service    there while the service is enabled
    /run/keepalived.service.jsonl             one line for each start, stop and reload by systemctl,
                                              which the lab reads for its timeline

For the programs `systemctl` and `journalctl` of a host, which run there.
Only the standard library is used, and little of it: these programs are typed by people.
"""

from __future__ import annotations

import json
import os
import shlex
import time
from collections.abc import Sequence
from typing import NamedTuple

NAME = "keepalived.service"
UNIT = "/etc/systemd/system/keepalived.service"
WANTED = "/etc/systemd/system/multi-user.target.wants/keepalived.service"
CONFIGURATION = "/etc/keepalived/keepalived.conf"
RECORD = "/run/keepalived.service.jsonl"
# The programs that count as the daemon, started by the lab or by hand.
PROGRAMS = ("vrrpd", "keepalived")
# Options with which these programs only check a file.
_CHECKS = ("-t", "--config-test")


class Unit(NamedTuple):
    """What a unit file says; `start` is the command, `timeout` the seconds that a stop may take."""

    description: str
    start: list[str]
    pidfile: str
    log: str
    timeout: float
    ready: bytes
    leftovers: list[str]

    @property
    def program(self) -> str:
        """The name of the daemon's program."""
        return os.path.basename(self.start[0]) if self.start else "keepalived"


class Process(NamedTuple):
    """One process of the daemon, as the host sees it; `started` is Unix time, `cpu` seconds."""

    pid: int
    parent: int
    argv: tuple[str, ...]
    threads: int
    memory: int
    cpu: float
    started: float


def program(argv: Sequence[str]) -> str:
    """The name of the program that `argv` started: of a Python script the script's own."""
    names = [os.path.basename(word) for word in argv[:4] if not word.startswith("-")]
    if len(names) > 1 and names[0].startswith("python"):
        return names[1]
    return names[0] if names else ""


def is_daemon(argv: Sequence[str]) -> bool:
    """Whether `argv` runs one of the daemons, and does not only check a file."""
    return program(argv) in PROGRAMS and not any(word in argv for word in _CHECKS)


def unit() -> Unit | None:
    """The unit of this host; None if it has none: a client, a router of the network."""
    text = read(UNIT)
    if not text:
        return None
    said: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith(("#", ";")):
            said[key.strip()] = value.strip()
    seconds = said.get("TimeoutStopSec", "").removesuffix("s")
    return Unit(
        description=said.get("Description", NAME),
        start=shlex.split(said.get("ExecStart", "")),
        pidfile=said.get("PIDFile", "/run/keepalived.pid"),
        log=said.get("StandardOutput", "").removeprefix("append:"),
        timeout=float(seconds) if seconds.isdigit() else 90.0,
        ready=said.get("Ready", "").encode(),
        leftovers=said.get("Leftovers", "").split(),
    )


def processes() -> list[Process]:
    """The daemon's processes on this host, parents first."""
    found = []
    boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        argv = tuple(read(f"/proc/{entry}/cmdline").split("\0")[:-1])
        if not is_daemon(argv):
            continue
        fields = read(f"/proc/{entry}/stat").rpartition(")")[2].split()
        if not fields or fields[0] in "ZX":
            continue
        cpu = (int(fields[11]) + int(fields[12])) / ticks
        started = boot + int(fields[19]) / ticks
        memory = int(fields[21]) * page
        found.append(
            Process(int(entry), int(fields[1]), argv, int(fields[17]), memory, cpu, started)
        )
    return sorted(found, key=lambda each: each.started)


def leaders(found: list[Process]) -> list[Process]:
    """Those whose parent is not among them: the ones that pass a signal on to the others."""
    pids = {process.pid for process in found}
    return [process for process in found if process.parent not in pids]


def record(line: dict[str, object]) -> None:
    """Write down what is being done, for the lab and for `systemctl status`."""
    with open(RECORD, "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def last_record() -> dict[str, object]:
    """The last line of the record; empty if there is none that can be read."""
    for line in reversed(read(RECORD).splitlines()):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    return {}


def read(path: str) -> str:
    """The text of a file; "" if it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
