"""A whole class at once: forty learners sign up in one second and run lesson 07 together.

    python -m tests.class_run [USERS]             `make class-test`; prints the table
    python -m tests.class_run USERS --whole       with the section that only simulates, too
    python -m tests.class_run USERS --write       puts the table into docs/teaching.md

After --seconds (MOST_SECONDS) it ends and prints what was seen until then, as after Ctrl-C.
It runs as `labs class` does, and the learners are HTTP clients in threads of this process, so what
they need counts as load, too.  The exit status is 1 if a lab took over without a reason, or if a
learner did not reach the end of the lesson.

    false takeover     a takeover for which nothing was done since the one before it: no cable, no
                       daemon.  The start of a lab is none, where web2's daemon may be up first and
                       web1 preempts it; nor is the failback that undoes one counted again
    stall              the learner's whole lab was not run: its client sent no pings either.  A
                       takeover after a stall that is long enough to explain it is no fault of the
                       daemons: what is missing is a processor
    late               by how much the latest takeover came after the protocol's own timers
    memory             the proportional set sizes (PSS) of all processes of the class, at their peak
    processor          CPU seconds of the class from start to end
"""

from __future__ import annotations

import argparse
import ast
import itertools
import os
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from labs.analysis.timeline import Timeline
from labs.jupyter import workbooks
from labs.model.facts import Ping
from tests.class_evening import Evening, Learner, cells, evening

PAGE = Path(__file__).resolve().parents[1] / "docs" / "teaching.md"
BEGIN, END = "<!-- class-test -->", "<!-- end of class-test -->"
MOST_SECONDS = 450.0
LESSON = "07-failover.ipynb"
NEW_LAB = "lab = Lab("
# What `moves` has found in the learner's kernel, which sees this checkout.
PROBE = "from tests.class_run import moves; print([vars(move) for move in moves(lab.timeline())])"
# At an interval of 1 s a BACKUP waits for 3 s and the skew, the last of which may have begun 1 s
# before the stall: a shorter one explains no takeover.
STALL = 2.0
# A client that is due to ping every 10 ms and has not for this long was not run; seconds.
PAUSE = 0.2
# The section of the lesson that needs the processor and no lab.
SIMULATED = "spread"
# A browser waits for the hub's word; asking often would be a load that no class makes.
LOOK_EVERY = 5.0
EVERY = 15.0  # seconds between two looks at the memory


@dataclass
class Move:
    """A takeover: what it was, and what may explain it; seconds.

    `provoked`: whether something was done.  `stall`: for how long the lab was not run between the
    old master's last Advertisement and the takeover.
    """

    frm: str
    to: str
    story: str
    provoked: bool
    late: float
    stall: float


@dataclass
class Result:
    """How it went for one learner; seconds."""

    server: float = 0.0
    lesson: float = 0.0
    takeovers: int = 0
    false: list[str] = field(default_factory=list)
    stalled: list[str] = field(default_factory=list)
    late: float = 0.0
    problem: str = ""
    all_cells: bool = False


def attend(one: Evening, name: str, together: threading.Barrier, result: Result) -> None:
    """One learner: sign up, open JupyterLab, wait for the others, run the lesson."""
    learner, began = Learner(one, name), time.monotonic()
    try:
        try:
            result.problem = learner.sign_up() or "has not reached the lesson"
            learner.wait_for_the_server(LOOK_EVERY)
            result.server = time.monotonic() - began
        finally:
            together.wait()  # also without a server: the others begin without this learner
        result.problem, began = "has not reached the end", time.monotonic()
        with learner.kernel(LESSON) as kernel:
            for number, cell in enumerate(cells(workbooks.NOTEBOOKS / LESSON)):
                if cell.startswith(NEW_LAB) and number > 1:
                    _count(kernel.run(PROBE), result)
                if result.all_cells or SIMULATED not in cell:
                    kernel.run(cell)
            _count(kernel.run(PROBE), result)
        result.lesson, result.problem = time.monotonic() - began, ""
    except Exception as error:
        result.problem += f": {type(error).__name__}: {error}"


def moves(timeline: Timeline) -> list[Move]:
    """The takeovers of a lab, but for the first holder's."""
    pings = [ping.t for ping in timeline.of(Ping)]
    found: list[Move] = []
    for each in timeline.takeovers:
        if each.frm is None:
            continue
        story = f"{each.frm} to {each.to} {each.at - timeline.start:.1f} s after the start"
        started = not found and each.to == "web1"
        stall = _stall(pings, each.at - (each.after or 0.0), each.at)
        found.append(
            Move(
                each.frm,
                each.to,
                f"{story}: {each.reason}",
                started or each.cause is not None,
                each.late or 0.0,
                stall,
            )
        )
    return found


def _stall(pings: list[float], start: float, end: float) -> float:
    """For how long no ping was sent between `start` and `end`, in pauses of PAUSE or more."""
    times = [start, *(t for t in pings if start < t < end), end]
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    return sum(pause for pause in pauses if pause >= PAUSE)


def _count(printed: str, result: Result) -> None:
    """Add the takeovers of a lab, which `PROBE` has printed, to what a learner has seen."""
    undone: Move | None = None
    for move in (Move(**each) for each in ast.literal_eval(printed)):
        result.takeovers += 1
        result.late = max(result.late, move.late)
        failback = undone is not None and (move.frm, move.to) == (undone.to, undone.frm)
        undone = None if move.provoked or failback else move
        if undone and undone.stall >= STALL:
            result.stalled.append(f"{move.story} (after a stall of {move.stall:.1f} s)")
        elif undone:
            result.false.append(move.story)


class Load(threading.Thread):
    """Looks at the memory and the processor time of a process and its descendants.

    `peak` in bytes; `cpu` in seconds, until the last look, as those who are killed at the end take
    what they have used with them.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak, self.cpu, self._pid, self._over = 0, 0.0, pid, threading.Event()

    def run(self) -> None:
        """Look until `end`, for a twentieth of the time at most."""
        took = 0.0
        while not self._over.wait(max(EVERY, 20 * took)):
            began = time.monotonic()
            self._look()
            took = time.monotonic() - began

    def end(self) -> None:
        """Look once more."""
        self._over.set()
        self.join()
        self._look()

    def _look(self) -> None:
        found = _descendants(self._pid)
        self.peak = max(self.peak, sum(map(_pss, found)))
        self.cpu = max(self.cpu, sum(map(_cpu, found)))


def _descendants(pid: int) -> set[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    found, waiting = {pid}, [pid]
    while waiting:
        new = children.get(waiting.pop(), [])
        found.update(new)
        waiting += new
    return found


def _pss(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def _cpu(pid: int) -> float:
    """What a process and the children that it has waited for have used; seconds."""
    with suppress(OSError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def table(results: list[Result], peak: int, cpu: float, seconds: float, load: str) -> str:
    """The figures as Markdown."""
    servers, lessons = (
        [found for r in results if (found := getattr(r, name))] or [0.0]
        for name in ("server", "lesson")
    )
    lacking = "" if results[0].all_cells else ", without its simulation"
    rows = [
        ("learners, at the same time", str(len(results))),
        ("servers that were up", str(sum(r.server > 0 for r in results))),
        (f"reached the end of lesson 07{lacking}", str(sum(not r.problem for r in results))),
        ("takeovers", str(sum(r.takeovers for r in results))),
        ("false takeovers", str(sum(len(r.false) for r in results))),
        ("takeovers after a stall of the machine", str(sum(len(r.stalled) for r in results))),
        ("latest takeover, after its due time", f"{max(r.late for r in results):.2f} s"),
        ("from sign-up to the lesson: median, worst",
         f"{statistics.median(servers):.0f} s, {max(servers):.0f} s"),
        ("lesson 07: median, worst",
         f"{statistics.median(lessons):.0f} s, {max(lessons):.0f} s"),
        ("memory at its peak, of it a learner's share",
         f"{peak / 1e9:.1f} GB, {peak / 1e6 / len(results):.0f} MB"),
        ("processor time", f"{cpu:.0f} s in {seconds:.0f} s on {os.cpu_count()} processors"),
        ("load of the machine before (1, 5, 15 minutes)", load),
    ]  # fmt: skip
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)])


def written(page: str, made: str) -> str:
    """`page` with the table between its marks; ValueError if it has no marks."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no {BEGIN} ... {END} in the page")
    return f"{head}{BEGIN}\n\n{made}\n\n{END}{tail}"


def main(words: list[str]) -> int:
    """Run the class; the exit status.  Ctrl-C ends it and prints what was seen until then."""
    parser = argparse.ArgumentParser(prog="tests.class_run")
    parser.add_argument("users", type=int, nargs="?", default=40)
    parser.add_argument("--whole", action="store_true", help="all cells of the lesson")
    parser.add_argument("--write", action="store_true", help="put the table into docs/teaching.md")
    parser.add_argument("--seconds", type=float, default=MOST_SECONDS, help="default: %(default)g")
    options = parser.parse_args(words)
    made, results = run(options.users, options.whole, options.seconds)
    print(made)
    if options.write:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), made), encoding="utf-8")
    for name, each in results.items():
        for line in filter(None, (each.problem, *each.false, *each.stalled)):
            print(f"{name}: {line}", file=sys.stderr)
    return 1 if any(each.problem or each.false for each in results.values()) else 0


def run(users: int, whole: bool, most: float) -> tuple[str, dict[str, Result]]:
    """A class of so many learners, for at most so many seconds: the table, and each result."""
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    place = Path(tempfile.mkdtemp(prefix="vrrp-lab-class-", dir="/var/tmp"))
    place.chmod(0o711)
    began, names = time.monotonic(), [f"learner{number:02}" for number in range(1, users + 1)]
    results = [Result(all_cells=whole) for _ in names]
    together = threading.Barrier(users)
    try:
        with ThreadPoolExecutor(users) as pool, evening(None, place / "class", users) as one:
            used = Load(one.process.pid)
            used.start()
            attending = [
                pool.submit(attend, one, name, together, result)
                for name, result in zip(names, results, strict=True)
            ]
            with suppress(KeyboardInterrupt):
                wait(attending, timeout=most)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # what follows only ends and prints
            seconds = time.monotonic() - began
            together.abort()
            used.end()
    finally:
        shutil.rmtree(place, ignore_errors=True)
    made = table(results, used.peak, used.cpu, seconds, load)
    return made, dict(zip(names, results, strict=True))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
