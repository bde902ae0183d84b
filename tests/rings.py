"""Runs rings of tests and reports, ring by ring, how each went.

    python tests/rings.py unit sim lab interop notebooks browser
    python tests/rings.py tests/lab/test_hosts.py      the surroundings of its ring, but one file

Each ring is its own pytest, because they need different surroundings: `lab` and `interop` run
inside fresh namespaces, where they may make bridges and addresses without harm or privilege.
A later ring runs even if an earlier one failed: the whole picture is worth the minutes.
The browser edition is built before the rings, if a ring needs it.
Rings of different lanes (LANES) run at the same time, those of one lane one after another: what
waits for real seconds in one lane leaves the processors to another.  Rings that only compute have a
lower priority and delay none of them.
What the first lane prints comes as it is printed, what another prints when its ring is done.
Some tests must see what an ordinary user sees.  Where root has cloned into a directory that is
closed to others (/root, for one), the rings run with that directory opened, for themselves alone.
The last line has the shape of pytest's own, with the sums of all rings. The exit status is 0 only
if every ring ran and passed.
"""

from __future__ import annotations

import compileall
import os
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
TESTS = REPOSITORY / "tests"
RINGS = ("unit", "sim", "lab", "interop", "notebooks", "browser")
ISOLATED = {"lab", "interop"}
# Rings that mostly wait, and how many of their tests may wait at the same time on two processors.
# Every worker of an isolated ring has namespaces of its own.
WORKERS = {"unit": 2, "sim": 2, "lab": 4, "interop": 3, "notebooks": 7, "browser": 2}
# Tests of a file in the browser share its pages: a worker takes a whole file, in their order.  In
# the other rings a worker that has run all of its tests takes some of another's.
DISTRIBUTION = {"browser": ["--dist=loadfile", "--no-loadscope-reorder"]}
# Rings of a lane run one after another, lanes at the same time.  lab and interop share one: both
# measure what is over in a tenth of a second.
LANES = (("lab", "interop"), ("notebooks",), ("browser",), ("unit", "sim"))
# Those that take the processors only where no other ring wants them.  The browser is not one of
# them: a page has so many seconds to show something.
YIELDING = {"unit", "sim"}
NICENESS = 10
# What daemons and lessons import from here.
PACKAGES = ("vrrpd", "labs", "topologies", "tests")
SITE_RUN = "SITE_RUN"  # the variable with the name of the run that the site is built for
NO_TESTS = 5  # pytest's exit status when it found nothing to run


# Puts the checkout, at its own path, on an empty directory that all may pass; and runs a command.
# $1 the checkout, $2 the closed directory above it; only this process and its children see it.
OPENED = """
exec 9<"$1"
mask=$(umask)
umask 022  # a login of Debian 13 has 002, a careful one 077
mount -n -t tmpfs -o mode=755 tmpfs "$2"
mkdir -p "$1"
umask "$mask"
mount -n --no-canonicalize --rbind /proc/self/fd/9 "$1"
exec 9<&-
cd "$1"
shift 2
exec "$@"
"""


@dataclass(frozen=True)
class Outcome:
    """How a ring, or one file of it, went: wall time in s, the exit status of its pytest."""

    ring: str
    status: int
    passed: int
    failed: int
    skipped: int
    seconds: float

    def line(self) -> str:
        """One line for the table, with the reason when the ring did not pass."""
        counts = f"{self.passed:5} passed {self.failed:3} failed {self.skipped:3} skipped"
        verdict = "ok" if self.status == 0 else "FAILED"
        if self.status == NO_TESTS:
            verdict = "FAILED: it has no tests"
        elif self.status and not self.failed:
            verdict = f"FAILED: could not run (status {self.status}); `make doctor` may say why"
        return f"  {self.ring:<10}{counts} {self.seconds:7.1f} s  {verdict}"


def closed_above(checkout: Path) -> Path | None:
    """The topmost directory above `checkout` that others may not pass; None if there is none."""
    closed = (place for place in reversed(checkout.parents) if not place.stat().st_mode & 0o001)
    return next(closed, None)


def open_to_others() -> None:
    """As root, start again where an ordinary user can reach the checkout, if it is not so here."""
    closed = closed_above(REPOSITORY)
    if os.geteuid() != 0 or closed is None:
        return
    again = [sys.executable, str(Path(__file__).resolve()), *sys.argv[1:]]
    place = ["sh", "-ec", OPENED, "rings", str(REPOSITORY), str(closed)]
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", *place, *again])


def ring_of(word: str) -> str | None:
    """The ring that `word` names, by itself or by the path of a file in it; None if it does not."""
    if word in RINGS:
        return word
    path = REPOSITORY / word
    ring = next((ring for ring in RINGS if path.is_relative_to(TESTS / ring)), None)
    return ring if path.exists() else None


def run_ring(word: str, report: Path, apart: bool = False, nice: bool = False) -> Outcome:
    """Run the tests of one ring or file; what it prints goes straight to the terminal.

    `apart`: what it prints goes to a file beside `report`, for `collect`. `nice`: with a lower
    priority.
    """
    ring = ring_of(word)
    assert ring is not None, word
    tests = f"tests/{ring}" if word == ring else word
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests]
    pytest = side_by_side(ring, pytest)
    # Inside a lab everybody is root, and pytest's own place would be another root's.
    pytest += [f"--junitxml={report}", f"--basetemp={report.with_suffix('')}"]
    if nice:
        pytest = ["nice", "-n", str(NICENESS), *pytest]
    began = time.monotonic()
    if apart:
        with printed(report).open("wb") as output:
            status = subprocess.call(pytest, cwd=REPOSITORY, stdout=output, stderr=output)
    else:
        print(heading(word), flush=True)
        status = subprocess.call(pytest, cwd=REPOSITORY)
    return Outcome(word, status, *counted(report), time.monotonic() - began)


def printed(report: Path) -> Path:
    """Where a ring that does not print to the terminal leaves what it prints."""
    return report.with_suffix(".txt")


def heading(word: str) -> str:
    """The line above what a ring prints."""
    return f"── {word} " + "─" * (76 - len(word))


def run_all(words: list[str], room: Path) -> list[Outcome]:
    """Run every ring or file; return how each went, in the order of `words`.

    `room` is a directory for reports.
    """
    reports = {word: room / f"{number}.xml" for number, word in enumerate(words)}
    lanes = [[word for word in words if ring_of(word) in lane] for lane in LANES]
    first, *others = filter(None, lanes)
    yielding = {word for word in words if ring_of(word) in YIELDING}
    nice = set() if len(yielding) == len(words) else yielding
    outcomes: dict[str, Outcome] = {}
    running: dict[str, Future[Outcome]] = {}
    with ExitStack() as pools:
        for lane in others:
            pool = pools.enter_context(ThreadPoolExecutor(1))
            for word in lane:
                running[word] = pool.submit(run_ring, word, reports[word], True, word in nice)
        try:
            for word in first:
                outcomes[word] = run_ring(word, reports[word], False, word in nice)
                collect(running, outcomes, reports, Future.done)
            collect(running, outcomes, reports, lambda _: True)
        except BaseException:  # Ctrl-C ends the rings that run; the pools would begin the next ones
            for future in running.values():
                future.cancel()
            raise
    return [outcomes[word] for word in words]


def collect(
    running: dict[str, Future[Outcome]],
    outcomes: dict[str, Outcome],
    reports: dict[str, Path],
    due: Callable[[Future[Outcome]], bool],
) -> None:
    """Show what the rings that are `due` have printed, waiting for them, and add their outcomes."""
    for word, future in running.items():
        if word not in outcomes and due(future):
            outcomes[word] = future.result()
            print(heading(word), flush=True)
            sys.stdout.buffer.write(printed(reports[word]).read_bytes())
            sys.stdout.flush()


def side_by_side(ring: str, pytest: list[str]) -> list[str]:
    """The command `pytest` with what `ring` needs: workers, namespaces.

    Each worker has namespaces of its own, and pytest's own process then needs none: the deeper
    the level at which a test starts a lab, the less the kernel lets that lab do.
    """
    place = [sys.executable, "-m", "labs.sandbox.namespaces", "--"] if ring in ISOLATED else []
    workers = int(os.environ.get("TEST_WORKERS") or WORKERS.get(ring, 1))
    if workers < 2:
        return [*place, *pytest]
    python = " ".join([*place, sys.executable])
    how = DISTRIBUTION.get(ring, ["--dist=worksteal"])
    return [*pytest, *how, f"--tx={workers}*popen//python={python}"]


def compile_packages() -> None:
    """Compile what has changed since `make setup`, and let pytest keep what it compiles.

    An ordinary user's lab cannot write here: every daemon that it starts would compile it again.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for package in PACKAGES:
        compileall.compile_dir(REPOSITORY / package, quiet=2)


def build_site() -> None:
    """Build the browser edition while no ring runs.

    It takes minutes of processor time, and every page waits for it.  Among the other rings it got
    so little of a slow machine that it was given up.  Where it fails, the first test that needs it
    builds it again and says why.
    """
    print("The browser edition is built first: a minute or two.", flush=True)
    os.environ[SITE_RUN] = str(time.time_ns())
    build = [sys.executable, "-c", "from tests.browser.site import build; build()"]
    subprocess.run(build, cwd=REPOSITORY, capture_output=True)


def counted(report: Path) -> tuple[int, int, int]:
    """Passed, failed and skipped tests in a JUnit report; zeros if pytest wrote none."""
    if not report.exists():
        return 0, 0, 0
    suites = ElementTree.parse(report).getroot().iter("testsuite")
    passed = failed = skipped = 0
    for suite in suites:
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        passed += int(suite.get("tests", 0)) - bad - int(suite.get("skipped", 0))
        failed += bad
        skipped += int(suite.get("skipped", 0))
    return passed, failed, skipped


def closing_line(outcomes: list[Outcome], seconds: float) -> str:
    """The sums of all rings in the shape of pytest's last line; `seconds` of wall time."""
    sums = {
        "failed": sum(outcome.failed for outcome in outcomes),
        "passed": sum(outcome.passed for outcome in outcomes),
        "skipped": sum(outcome.skipped for outcome in outcomes),
        "errors": sum(1 for outcome in outcomes if outcome.status and not outcome.failed),
    }
    counts = ", ".join(f"{count} {name}" for name, count in sums.items() if count) or "no tests ran"
    return f" {counts} in {seconds:.2f}s ".center(80, "=")


def main(rings: list[str]) -> int:
    """Runs `rings`, or files of theirs, in the given order; returns the exit status."""
    if not rings or (unknown := [word for word in rings if ring_of(word) is None]):
        print(f"usage: rings.py RING|FILE...; rings: {' '.join(RINGS)}", file=sys.stderr)
        if rings:
            print(f"unknown: {' '.join(unknown)}", file=sys.stderr)
        return 2
    began = time.monotonic()
    compile_packages()
    if any(ring_of(word) == "browser" for word in rings):
        build_site()
    with tempfile.TemporaryDirectory(prefix="rings-") as room:
        outcomes = run_all(rings, Path(room))
    print("\nrings")
    for outcome in outcomes:
        print(outcome.line())
    print(closing_line(outcomes, time.monotonic() - began), flush=True)
    return 1 if any(outcome.status for outcome in outcomes) else 0


if __name__ == "__main__":
    # Started in the background of a script, we would hand on that Ctrl-C is to be ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # One draw for all workers, even where they begin on two sides of midnight.
    os.environ.setdefault("LESSONS_SEED", str(int(time.time()) // 86400))
    open_to_others()
    sys.exit(main(sys.argv[1:]))
