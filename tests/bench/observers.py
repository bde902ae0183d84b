"""What being watched costs the lab's hosts: takeovers with and without observers.

    python -m labs.sandbox.namespaces -- python -m tests.bench.observers [RUNS]

    the fault      the master's daemon is asked to stop: priority 0, so the backup waits Skew_Time
    measured       from the master's journal line to the backup's (one clock) less Skew_Time, ms
    without        the recorder is ended before the fault: nothing looks at the hosts
    with           recorder, 100 pings a second, and a panel that is asked for news all the time

The two take turns, run by run, so that whatever else the machine does hits both alike.
"""

from __future__ import annotations

import os
import statistics
import sys
import threading
from pathlib import Path

from labs.analysis.master_down_timer import skew
from labs.api.panel_widget import EVERY
from labs.emulation.lab import Lab
from labs.panel.events import Events
from labs.panel.record import Record
from labs.panel.sources import OfLab
from tests.support import eventually

SKEW = skew(100, 2, 1.0)


def entered(lab: Lab, host: str, state: str, since: float) -> float | None:
    """When `host` wrote that it is in `state`, after `since` (Unix time)."""
    lines = [line for line in lab.journal(host) if line["event"] == "state" and line["t"] > since]
    return next((float(line["t"]) for line in lines if line["to"] == state), None)


def takeover(lab: Lab) -> float:
    """One takeover: milliseconds beyond Skew_Time."""
    said = max(float(line["t"]) for line in lab.journal("web1"))
    lab.stop("web1")
    left = eventually(lambda: entered(lab, "web1", "INIT", said), what="the master to leave")
    taken = eventually(lambda: entered(lab, "web2", "MASTER", said), what="the backup to take over")
    return float(1000 * (taken - left - SKEW))


def watch(lab: Lab, stop: threading.Event) -> None:
    """What a shown panel does, without the page."""
    source = OfLab(lab)
    events = Events(source.addresses, source.servers, source.priorities)
    record = Record(lab.hosts, source.since)
    while not stop.wait(EVERY):
        record.take(events.take(source.fresh()))


def processor(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def recorder() -> int:
    """The pid of the recorder, the only child of ours with that name in its command."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        if b"labs.monitoring.recorder" in path.read_bytes():
            return int(path.parent.name)
    raise AssertionError("no recorder runs")


def once(watched: bool) -> tuple[float, float]:
    """Milliseconds beyond Skew_Time; share of a core that the recorder used meanwhile."""
    with Lab("basic") as lab:
        lab.settle()
        share, stop = 0.0, threading.Event()
        thread = threading.Thread(target=watch, args=(lab, stop))
        if watched:
            thread.start()
            share = processor(recorder()) / (lab.timeline().end - lab.since)
        else:
            lab.witness.close()
        try:
            return takeover(lab), share
        finally:
            stop.set()
            if watched:
                thread.join()


def main(runs: int) -> None:
    """Print a row for each of the two."""
    found: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    for _ in range(runs):
        for watched in (False, True):
            found[watched].append(once(watched))
    print(
        "| | takeovers | median | least | most | recorder |\n| --- | --- | --- | --- | --- | --- |"
    )
    for watched, name in ((False, "without observers"), (True, "with observers and panel")):
        late = [ms for ms, _ in found[watched]]
        share = statistics.median(share for _, share in found[watched])
        cells = [name, str(len(late)), f"{statistics.median(late):.2f} ms", f"{min(late):.2f} ms"]
        cells += [f"{max(late):.2f} ms", f"{share:.1%} of a core" if watched else ""]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
