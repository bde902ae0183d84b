"""A daemon's memory is bounded: once its last 500 events are full, failovers add nothing."""

from __future__ import annotations

import gc
import tracemalloc

from labs.simulation.lan import Lan

OURS = [tracemalloc.Filter(True, "*/vrrpd/*")]


def failovers(lan: Lan, count: int) -> None:
    """There and back, `count` times, without a trace outside of the daemons."""
    for _ in range(count):
        lan.run(5)
        lan.unplug("master")
        lan.run(5)
        lan.plug("master")
        lan.run(5)
        lan.facts.clear()
        for log in lan.logs.values():
            log.lines.clear()
        for journal in lan.journals.values():
            journal.clear()


def held() -> int:
    """Bytes that vrrpd's own code has allocated and not given back."""
    gc.collect()
    snapshot = tracemalloc.take_snapshot().filter_traces(OURS)
    return sum(found.size for found in snapshot.statistics("filename"))


def test_a_hundred_failovers_more_cost_no_memory() -> None:
    lan = Lan("basic", ping=None, detailed=False)
    tracemalloc.start()
    try:
        failovers(lan, 30)
        early = held()
        failovers(lan, 230)
        full = held()
        failovers(lan, 100)
        assert full > early, "nothing is remembered: this test measures nothing"
        assert held() < full + 10_000
    finally:
        tracemalloc.stop()
