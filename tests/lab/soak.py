"""The whole of the bad days, with both daemons, and the table of what came out: `make soak-real`.

    python -m labs.sandbox.namespaces -- python -m tests.lab.soak [--scale 0.1] [--only
    crashes,flood]
                                                         [--kinds vrrpd] [--report]

One line as each hardship ends.  Results are kept in build/soak.json, so that a part can be run
again; the table in docs/guarantees-real.md is written from it between its two marks.
The exit status is 1 if vrrpd has broken a promise; what keepalived does is only written down.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import platform
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.lab.hardship import HARDSHIPS, Hardship
from tests.support import DAEMONS, REPOSITORY

RESULTS = REPOSITORY / "build" / "soak.json"
PAGE = REPOSITORY / "docs" / "guarantees-real.md"
BEGIN = "<!-- real: made by make soak-real -->"
END = "<!-- end of real -->"
HEAD = "| what is done to it | rounds | bound | vrrpd | keepalived 2.2.7 |\n|" + " --- |" * 5

Results = dict[str, dict[str, dict[str, Any]]]


def main() -> int:
    """Run what is asked for and write the table."""
    parser = argparse.ArgumentParser(description="bad days on the real machine")
    parser.add_argument("--scale", type=float, default=float(os.environ.get("SOAK", "1")))
    parser.add_argument("--only", default=",".join(HARDSHIPS), metavar="NAME,...")
    parser.add_argument("--kinds", default="vrrpd,keepalived")
    parser.add_argument("--report", action="store_true", help="write the table, run nothing")
    options = parser.parse_args()
    if not options.report:
        for name in options.only.split(","):
            for kind in options.kinds.split(","):
                assert kind in DAEMONS, kind
                keep(name, kind, suffer(kind, HARDSHIPS[name], options.scale))
    results = load()
    write(results)
    broken = [name for name, by in results.items() if not by.get("vrrpd", {"kept": True})["kept"]]
    print(f"broken by vrrpd: {', '.join(broken) or 'nothing'}")
    return 1 if broken else 0


def suffer(kind: str, hardship: Hardship, scale: float) -> dict[str, Any]:
    """One hardship of one daemon; a round that cannot be finished is a broken promise."""
    rounds = max(2, round(hardship.many * scale))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="vrrp-soak-") as room:
        try:
            outcome = asdict(hardship.run(kind, rounds, Path(room) / "lan"))
        except AssertionError as error:
            first = str(error).splitlines()[0]
            outcome = {"tried": rounds, "kept": False, "figure": f"ended early: {first}"}
    seconds = time.monotonic() - began
    verdict = "kept" if outcome["kept"] else "BROKEN"
    print(f"{seconds:6.0f} s  {kind:10} {verdict:6} {outcome['figure']}  × {rounds}", flush=True)
    return outcome


def load() -> Results:
    """What earlier runs have found."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def keep(name: str, kind: str, outcome: dict[str, Any]) -> None:
    """Add one result to those of other runs."""
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        results = load()
        results.setdefault(name, {})[kind] = outcome
        RESULTS.write_text(json.dumps(results, indent=1))


def table(results: Results, present: dict[str, str]) -> str:
    """The rows of the page; `present` has those of earlier runs, by their promise."""
    rows = [HEAD]
    for name, hardship in HARDSHIPS.items():
        by = results.get(name, {})
        if not by and hardship.promise in present:
            rows.append(present[hardship.promise])
            continue
        rounds = {kind: by[kind]["tried"] for kind in by}
        tried = " / ".join(str(n) for n in sorted(set(rounds.values()))) or "—"
        cells = [cell(by.get(kind)) for kind in ("vrrpd", "keepalived")]
        rows.append(" | ".join([f"| {hardship.promise}", tried, hardship.bound, *cells]) + " |")
    return "\n".join(rows)


def cell(outcome: dict[str, Any] | None) -> str:
    """One daemon's figure; what it has not kept is in bold."""
    if outcome is None:
        return "not run"
    figure = str(outcome["figure"])
    return figure if outcome["kept"] else f"**not kept**: {figure}"


def rows_by_promise(text: str) -> dict[str, str]:
    """The rows of a table as it stands on the page, by their first cell."""
    return {row.split(" | ")[0].removeprefix("| "): row for row in text.splitlines() if "|" in row}


def write(results: Results) -> None:
    """Put the table into the page; what this machine has not run keeps its row."""
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    old, _, after = rest.partition(END)
    release = f"Linux {platform.release().partition('-')[0]}, {os.cpu_count()} cores"
    made = f"Python {platform.python_version()}, {release}."
    PAGE.write_text(
        f"{before}{BEGIN}\n\n{table(results, rows_by_promise(old))}\n\n{made}\n\n{END}{after}"
    )


if __name__ == "__main__":
    sys.exit(main())
