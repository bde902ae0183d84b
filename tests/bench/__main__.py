"""Run the measurements: python -m tests.bench [--quick] [--only SECTION] [--out FILE].

The result is one JSON file: the machine, its noise, and the rows of every section.
`python -m tests.bench.page` makes docs/performance.md and its pictures from it.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import platform
import random
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench import plan
from tests.support import REPOSITORY

OUT = REPOSITORY / "docs" / "performance.json"
BAR = 30


def main(argv: list[str]) -> int:
    """Measure, show how far it is, and write the result; 0, or 1 if a part has failed."""
    options = parse(argv)
    seed = options.seed if options.seed is not None else random.randrange(1 << 16)
    parts = list(plan.quick(seed) if options.quick else plan.whole(seed))
    parts = [part for part in parts if options.only in (None, part.section)]
    for package in ("vrrpd", "labs", "topologies"):  # as where they are installed
        compileall.compile_dir(REPOSITORY / package, quiet=1)
    result: dict[str, Any] = {"machine": hardware(), "seed": seed, "noise": noise()}
    failed = 0
    with tempfile.TemporaryDirectory(prefix="bench-") as room:
        for number, part in enumerate(parts):
            progress(number, len(parts), part.title)
            try:
                rows = part.measure(Path(room) / str(number))
            except Exception as error:  # the others are still worth having
                failed += 1
                print(f"\n{part.title}: {error}", file=sys.stderr)
            else:
                result.setdefault(part.section, []).extend(rows)
            write(options.out, result, keep=options.only is not None)
    progress(len(parts), len(parts), f"written to {options.out}")
    print()
    return 1 if failed else 0


def parse(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench", description="vrrpd measured beside keepalived.")
    parser.add_argument("--quick", action="store_true", help="every instrument once, in a minute")
    parser.add_argument("--only", metavar="SECTION", help="takeover, jitter, scale ...")
    parser.add_argument("--seed", type=int, help="of the moments at which masters are killed")
    parser.add_argument("--out", type=Path, default=OUT, help=f"the result ({OUT.name})")
    return parser.parse_args(argv)


def write(path: Path, result: dict[str, Any], keep: bool) -> None:
    """Put the result down after every part: an hour of measuring is not lost with the last."""
    if keep and path.exists():
        result = {**json.loads(path.read_text()), **result}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")


def progress(done: int, parts: int, text: str) -> None:
    """One line that is written over where there is a terminal."""
    bar = "#" * (BAR * done // parts)
    end = "" if sys.stderr.isatty() else "\n"
    start = "\r\x1b[K" if sys.stderr.isatty() else ""
    print(f"{start}[{bar:<{BAR}}] {done}/{parts} {text}", end=end, file=sys.stderr, flush=True)


def hardware() -> dict[str, str]:
    """What this was measured on; no names."""
    said = subprocess.run(["keepalived", "--version"], capture_output=True, text=True).stderr
    return {
        "processors": str(os.cpu_count()),
        "kernel": platform.release().split("-")[0],
        "python": platform.python_version(),
        "keepalived": said.split()[1] if said else "?",
    }


def noise(samples: int = 2000) -> dict[str, float]:
    """By how many ms a process that only sleeps is woken late: no daemon is to blame."""
    late = []
    for _ in range(samples):
        due = time.monotonic() + 0.001
        select_until(due)
        late.append((time.monotonic() - due) * 1000)
    late.sort()
    return {"median": late[samples // 2], "p99": late[samples * 99 // 100], "max": late[-1]}


def select_until(due: float) -> None:
    """Sleep as a daemon does."""
    select.select([], [], [], max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
