"""The labs that run on this machine: found from outside, for `labs ps` and `labs terminal`.

Nothing registers a lab anywhere: a register would be a file to clean up.
A running lab is found by its init, a process called vrrp-lab that is process 1 of its own pid
namespace, and described by the file lab.json on its private tmpfs, read through /proc/PID/root.
Both are readable by the user who started the lab, and by root.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labs import jsonlines
from labs.capture import pcapng
from labs.errors import LabError, unknown
from labs.sandbox import setgroups
from labs.sandbox.hostfile import read_in_root
from labs.sandbox.namespaces import INIT_NAME, MARK, PLACES

CARDS = "lab-*/lab.json"
_BASHRC = Path(__file__).with_name("programs") / "terminal.bashrc"
# What a shell has of the environment of its host.
_INHERITED = ("HOME", "HOSTNAME", "LANG", "PATH", MARK)


@dataclass(frozen=True, slots=True)
class Running:
    """One lab: `pid` of the program that runs it, `age` in seconds, `hosts`: pid of each shell.

    The pid of a host that is down is 0.
    `used`: when a cell of its notebook was run last, or the lab was started or reset (Unix time).
    All pids are those that this process sees, and so is the path of its private `directory`.
    """

    pid: int
    age: float
    state: str
    daemons: dict[str, str] = field(default_factory=dict)
    hosts: dict[str, int] = field(default_factory=dict)
    directory: Path = Path()
    used: float = 0.0

    @property
    def down(self) -> list[str]:
        """The hosts whose process 1 has ended."""
        return [name for name, pid in self.hosts.items() if not pid]


def find(above: int | None = None) -> list[Running]:
    """The labs that this user may look into, oldest first.

    `above`: a process; then only the labs of its descendants, for which little of /proc is read.
    """
    found = []
    for pid in _pids() if above is None else _descendants(above):
        with suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text().strip() == INIT_NAME and _nested(pid)[-1] == 1:
                found += list(_labs(pid))
    return sorted(found, key=lambda lab: -lab.age)


def choose(labs: list[Running], pid: int | None = None) -> Running:
    """The lab of the program `pid`, or of the only one; LabError saying how to choose.

    Where a program runs several labs at once, it is the one used last.
    """
    if not labs:
        raise LabError("no lab of yours is running: start one with `labs cli` or in a notebook")
    pids = list(dict.fromkeys(lab.pid for lab in labs))
    if pid is None and len(pids) > 1:
        listed = ", ".join(map(str, pids))
        raise LabError(f"several labs are running ({listed}): choose one with --lab PID")
    of_program = [lab for lab in labs if pid in (None, lab.pid)]
    if not of_program:
        raise unknown("lab", pid, list(map(str, pids)))
    return used_last(of_program)


def used_last(labs: list[Running]) -> Running:
    """The lab in which a cell was run, or which was started or reset, last; `labs` has one."""
    return max(labs, key=lambda lab: lab.used)


def capture(lab: Running, host: str, interface: str) -> list[str]:
    """The command line that writes every frame at an interface of `host` to its standard output."""
    pid = _pid(lab, host)
    cards = Path(f"/proc/{pid}/net/dev").read_text()
    known = [line.partition(":")[0].strip() for line in cards.splitlines()[2:]]
    if interface not in known:
        raise unknown("interface", interface, known, where=f"on {host}")
    plan = {
        "pid": pid,
        "interface": interface,
        "name": f"{host}-{interface}",
        "description": f"card of {host}",
        "comment": f"VRRP Lab, state {lab.state}",
        "names": pcapng.hosts(_names(pid)),
    }
    # -I and -S: it needs nothing but the standard library and this package.
    program = (
        "import sys; sys.path.append(sys.argv.pop(1)); from labs.capture.stream import main; main()"
    )
    house = str(Path(__file__).resolve().parents[2])
    python = [sys.executable, "-I", "-S", "-c", program, house, json.dumps(plan)]
    return [*_enter(pid, "--net"), *python]


def _names(pid: int) -> str:
    """The /etc/hosts of a host, by its process 1; "" if it has none: root there may do anything."""
    with suppress(OSError):
        return read_in_root(Path(f"/proc/{pid}/root"), "/etc/hosts").decode(errors="replace")
    return ""


def _pid(lab: Running, host: str) -> int:
    """The first shell of `host`; LabError if there is no such host, or if it is down."""
    if host not in lab.hosts:
        raise unknown("host", host, lab.hosts)
    if not lab.hosts[host]:
        raise LabError(f"{host} is down: lab.reset() starts all hosts again")
    return lab.hosts[host]


def _enter(pid: int, *spaces: str) -> list[str]:
    """The words that run what follows in these namespaces of `pid`, as root there.

    Root of the machine becomes the user to whom a lab belongs first: root of that user's namespace
    is the user, and its kernel lets no other id in.
    """
    enter = ["nsenter", f"--target={pid}", *spaces]
    if os.readlink(f"/proc/{pid}/ns/user") == os.readlink("/proc/self/ns/user"):
        return enter
    (_, uid, ids), (_, gid, _) = (
        map(int, Path(f"/proc/{pid}/{kind}_map").read_text().split()[:3]) for kind in ("uid", "gid")
    )
    if ids > 1:  # a host of a lab of root
        return [*enter, "--user"]
    become = [] if uid == os.geteuid() else _become(uid, gid)
    return [*become, *enter, "--user", "--preserve-credentials"]


def _become(uid: int, gid: int) -> list[str]:
    return ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]


def terminal(lab: Running, host: str, environment: dict[str, str] | None = None) -> list[str]:
    """The command line of an interactive shell on `host`, on a pseudo-terminal of its own."""
    bash = f"exec bash --rcfile {shlex.quote(str(_BASHRC))} -i"
    extra = [f"{name}={value}" for name, value in (environment or {}).items()]
    # script(1) opens the terminal there: that of the caller is none of the host's.
    return shell(lab, host, ["env", *extra, "script", "-q", "-e", "-c", bash, "/dev/null"])


def shell(lab: Running, host: str, command: list[str]) -> list[str]:
    """The command line that runs `command` on `host` of `lab`."""
    pid = _pid(lab, host)
    enter = _enter(pid, "--net", "--mount", "--uts", "--ipc", "--pid")
    inner = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    kept = [pair for pair in inner if pair.split("=")[0] in _INHERITED]
    kept.append(f"TERM={os.environ.get('TERM', 'dumb')}")
    return [*enter, "env", "-i", "--chdir=/root", *kept, *_limits(pid), *_filter(pid), *command]


def _filter(pid: int) -> list[str]:
    """The command that runs the words after it with the filter that a host's daemon has."""
    inside = os.readlink(f"/proc/{pid}/ns/user") == os.readlink("/proc/self/ns/user")
    if inside or Path(f"/proc/{pid}/setgroups").read_text().strip() != "deny":
        return []
    return ["python3", "-I", "-S", setgroups.__file__]


def _limits(pid: int) -> list[str]:
    """The command that runs the words after it with the limits of a host's process 1."""
    # Not by prlimit(2), for which root of a container may lack CAP_SYS_RESOURCE.
    kinds = {"processes": "nproc", "address space": "as", "core file size": "core"}
    told = []
    for line in Path(f"/proc/{pid}/limits").read_text().splitlines():
        name, hard = line[4:26].strip(), line[26:].split()[1]
        if name in kinds and hard != "unlimited":
            told.append(f"--{kinds[name]}={hard}")
    return ["prlimit", *told]


def _labs(init: int) -> Iterator[Running]:
    """The labs in the namespaces of `init`; none while it runs something else, such as tests."""
    below = {tuple(_inner(pid, init)): pid for pid in _descendants(init)}
    for place in PLACES:
        for card in sorted(Path(f"/proc/{init}/root{place}").glob(CARDS)):
            # It has just ended; or a program has written over its lab.json.
            with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
                told: dict[str, Any] = json.loads(jsonlines.whole(card))
                pid = below[told["pid"],]
                # A host's shell is process 1 of one namespace more.
                hosts = {name: below.get((inner, 1), 0) for name, inner in told["hosts"].items()}
                age = time.clock_gettime(time.CLOCK_BOOTTIME) - _started(pid)
                daemons = {str(name): str(daemon) for name, daemon in told["daemons"].items()}
                used = card.stat().st_mtime
                yield Running(pid, age, str(told["state"]), daemons, hosts, card.parent, used)


def _inner(pid: int, init: int) -> list[int]:
    """The pids of a process from the namespace of `init` inwards."""
    with suppress(OSError):
        return _nested(pid)[len(_nested(init)) - 1 :]
    return []


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _status(pid: int, name: str) -> list[str]:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return line.split()[1:]
    return []


def _nested(pid: int) -> list[int]:
    """The pids of one process, from our namespace inwards."""
    return [int(word) for word in _status(pid, "NSpid")] or [pid]


def _descendants(pid: int) -> set[int]:
    """`pid`, its children and so on: of every thread, as Jupyter may start kernels from any."""
    found: set[int] = set()
    for _ in range(2):  # a list of children may lack one while another of them ends (proc(5))
        walk = [pid]
        for each in walk:
            with suppress(OSError):  # it has just ended
                for task in Path(f"/proc/{each}/task").iterdir():
                    walk += map(int, (task / "children").read_text().split())
        found.update(walk)
    return found


def _started(pid: int) -> float:
    """When a process started, in seconds since boot."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")
