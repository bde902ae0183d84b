"""A whole class at once: forty learners sign up in one second and run lesson 05 together.

    python -m tests.class_run [USERS]             `make class-test`; prints the table
    python -m tests.class_run USERS --labs        without the section that only simulates

It runs as `labs class` does, and the learners are HTTP clients in threads of this process, so what
they need counts as load, too.  The exit status is 1 if a lab took over without a reason, or if a
learner did not reach the end of the lesson.

    false takeover     a takeover that is neither the start of a lab nor what the lesson provokes
    late               by how much the latest takeover came after the protocol's own timers
    memory             the proportional set sizes (PSS) of all processes of the class, at their peak
    processor          CPU seconds of the class from start to end
"""

from __future__ import annotations

import ast
import os
import resource
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

from labs.jupyter import workbooks
from tests.class_evening import Evening, Learner, cells, evening

LESSON = "05-failover.ipynb"
NEW_LAB = 'lab = Lab("basic")'
PROBE = "print([[t.frm, t.to, t.late or 0.0] for t in lab.timeline().takeovers])"
# What each of the lesson's labs shows: web1 begins, web2 takes over.
EXPECTED = [[None, "web1"], ["web1", "web2"]]
# The section of the lesson that needs the processor and no lab.
SIMULATED = "spread"
# A browser waits for the hub's word; asking often would be a load that no class makes.
LOOK_EVERY = 5.0
EVERY = 15.0  # seconds between two looks at the memory


@dataclass
class Result:
    """How it went for one learner; seconds."""

    server: float = 0.0
    lesson: float = 0.0
    takeovers: int = 0
    false: list[str] = field(default_factory=list)
    late: float = 0.0
    problem: str = ""
    all_cells: bool = True


def attend(one: Evening, name: str, together: threading.Barrier, result: Result) -> None:
    """One learner: sign up, open JupyterLab, wait for the others, run the lesson."""
    learner, began = Learner(one, name), time.monotonic()
    try:
        result.problem = learner.sign_up() or "has not reached the lesson"
        learner.wait_for_the_server(LOOK_EVERY)
        result.server = time.monotonic() - began
        together.wait()
        result.problem, began = "has not reached the end", time.monotonic()
        with learner.kernel(LESSON) as kernel:
            for number, cell in enumerate(cells(workbooks.NOTEBOOKS / LESSON)):
                if NEW_LAB in cell and number > 1:
                    _count(kernel.run(PROBE), result)
                if result.all_cells or SIMULATED not in cell:
                    kernel.run(cell)
            _count(kernel.run(PROBE), result)
        result.lesson, result.problem = time.monotonic() - began, ""
    except Exception as error:
        result.problem += f": {type(error).__name__}: {error}"


def _count(printed: str, result: Result) -> None:
    found = ast.literal_eval(printed)
    result.takeovers += len(found)
    if [[frm, to] for frm, to, _ in found] != EXPECTED:
        result.false.append(printed.strip())
    result.late = max([result.late, *(late for frm, _, late in found if frm is not None)])


class Memory(threading.Thread):
    """Looks at the memory of a process and its descendants; `peak` in bytes."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak, self._pid, self._over = 0, pid, threading.Event()

    def run(self) -> None:
        """Look until `end`."""
        while not self._over.wait(EVERY):
            self.peak = max(self.peak, sum(map(_pss, _descendants(self._pid))))

    def end(self) -> None:
        """Look no more."""
        self._over.set()
        self.join()


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


def table(results: list[Result], peak: int, cpu: float, seconds: float, load: str) -> str:
    """The figures as Markdown."""
    servers, lessons = (
        [found for r in results if (found := getattr(r, name))] or [0.0]
        for name in ("server", "lesson")
    )
    rows = [
        ("learners, at the same time", str(len(results))),
        ("reached the end of lesson 05", str(sum(not r.problem for r in results))),
        ("takeovers", str(sum(r.takeovers for r in results))),
        ("false takeovers", str(sum(len(r.false) for r in results))),
        ("latest takeover, after its due time", f"{max(r.late for r in results):.2f} s"),
        ("from sign-up to the lesson: median, worst",
         f"{statistics.median(servers):.0f} s, {max(servers):.0f} s"),
        ("lesson 05: median, worst",
         f"{statistics.median(lessons):.0f} s, {max(lessons):.0f} s"),
        ("memory at its peak, of it a learner's share",
         f"{peak / 1e9:.1f} GB, {peak / 1e6 / len(results):.0f} MB"),
        ("processor time", f"{cpu:.0f} s in {seconds:.0f} s on {os.cpu_count()} processors"),
        ("load of the machine before (1, 5, 15 minutes)", load),
    ]  # fmt: skip
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)])


def main(users: int, labs_only: bool = False) -> int:
    """Run the class; the exit status.  Ctrl-C ends it and prints what was seen until then."""
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    place = Path(tempfile.mkdtemp(prefix="vrrp-lab-class-", dir="/var/tmp"))
    place.chmod(0o711)
    began, names = time.monotonic(), [f"learner{number:02}" for number in range(1, users + 1)]
    results = [Result(all_cells=not labs_only) for _ in names]
    together = threading.Barrier(users)
    try:
        with ThreadPoolExecutor(users) as pool, evening(None, place / "class", users) as one:
            memory = Memory(one.process.pid)
            memory.start()
            attending = [
                pool.submit(attend, one, name, together, result)
                for name, result in zip(names, results, strict=True)
            ]
            with suppress(KeyboardInterrupt):
                wait(attending)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # what follows only ends and prints
            seconds = time.monotonic() - began
            together.abort()
            memory.end()
    finally:
        shutil.rmtree(place, ignore_errors=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(table(results, memory.peak, used.ru_utime + used.ru_stime, seconds, load))
    bad = [(n, r) for n, r in zip(names, results, strict=True) if r.problem or r.false]
    for name, result in bad:
        print(f"{name}: {result.problem} {' '.join(result.false)}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 40, "--labs" in sys.argv))
