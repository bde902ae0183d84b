"""A whole class at once: forty learners sign up in one second and run lesson 05 together.

    python -m tests.class_run [USERS]             `make class-test`; prints the table
    python -m tests.class_run USERS --whole       with the section that only simulates, too
    python -m tests.class_run USERS --write       puts the table into docs/teaching.md

After --seconds (MOST_SECONDS) it ends and prints what was seen until then, as after Ctrl-C.
It runs as `labs class` does, and the learners are HTTP clients in threads of this process, so what
they need counts as load, too.  The exit status is 1 if a lab took over without a reason, or if a
learner did not reach the end of the lesson.

    false takeover     a takeover for which nothing was done since the one before it: no cable, no
                       daemon.  The start of a lab is none, where web2's daemon may be up first and
                       web1 preempts it
    late               by how much the latest takeover came after the protocol's own timers
    memory             the proportional set sizes (PSS) of all processes of the class, at their peak
    processor          CPU seconds of the class from start to end
"""

from __future__ import annotations

import argparse
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

PAGE = Path(__file__).resolve().parents[1] / "docs" / "teaching.md"
BEGIN, END = "<!-- class-test -->", "<!-- end of class-test -->"
MOST_SECONDS = 450.0
LESSON = "05-failover.ipynb"
NEW_LAB = "lab = Lab("
# The takeovers of a lab: what it was, seconds after its due time, and whether something was done.
PROBE = """
print([
    [
        f"{move.frm} to {move.to} {move.at - lab.since:.1f} s after the start: {move.reason}",
        move.late or 0.0,
        move.cause is not None or (number == 0 and move.to == "web1"),
    ]
    for number, move in enumerate(move for move in lab.timeline().takeovers if move.frm)
])
"""
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


def _count(printed: str, result: Result) -> None:
    found = ast.literal_eval(printed)
    result.takeovers += len(found)
    result.false += [story for story, _, provoked in found if not provoked]
    result.late = max([result.late, *(late for _, late, _ in found)])


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
    lacking = "" if results[0].all_cells else ", without its simulation"
    rows = [
        ("learners, at the same time", str(len(results))),
        ("servers that were up", str(sum(r.server > 0 for r in results))),
        (f"reached the end of lesson 05{lacking}", str(sum(not r.problem for r in results))),
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
    bad = [(name, each) for name, each in results.items() if each.problem or each.false]
    for name, each in bad:
        print(f"{name}: {each.problem} {'; '.join(each.false)}", file=sys.stderr)
    return 1 if bad else 0


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
            memory = Memory(one.process.pid)
            memory.start()
            attending = [
                pool.submit(attend, one, name, together, result)
                for name, result in zip(names, results, strict=True)
            ]
            with suppress(KeyboardInterrupt):
                wait(attending, timeout=most)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # what follows only ends and prints
            seconds = time.monotonic() - began
            together.abort()
            memory.end()
    finally:
        shutil.rmtree(place, ignore_errors=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    made = table(results, memory.peak, used.ru_utime + used.ru_stime, seconds, load)
    return made, dict(zip(names, results, strict=True))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
