"""A daemon's memory is bounded: once its last 500 events are full, failovers add nothing."""

from __future__ import annotations

import gc
import tracemalloc

from labs.simulation.lan import Lan
from tests.cluster import cluster, conf

OURS = [tracemalloc.Filter(True, "*/vrrpd/*")]


def failovers(lan: Lan, count: int) -> None:
    """There and back, `count` times, without a trace outside of the daemons."""
    for _ in range(count):
        lan.run(5)
        lan.unplug("web1")
        lan.run(5)
        lan.plug("web1")
        lan.run(5)
        lan.facts.clear()
        for log in lan.logs.values():
            log.lines.clear()
        for journal in lan.journals.values():
            journal.clear()


def renumbered(lan: Lan, numbers: range) -> None:
    """A reload for each number, with addresses that never were before."""
    for number in numbers:
        places = [f"10.{number >> 8}.{number & 255}.{last}/32" for last in range(1, number % 7 + 2)]
        lan.conf("one", conf(150, excluded=places))
        assert lan.daemons["one"].reload()
        lan.run(0.3)
        lan.facts.clear()
        lan.logs["one"].lines.clear()
        lan.journals["one"].clear()


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


def test_reloads_with_other_addresses_cost_no_memory_and_no_timer() -> None:
    lan = cluster(one=conf(150))
    lan.run(20)
    tracemalloc.start()
    try:
        renumbered(lan, range(600))
        full, timers = held(), len(lan.clock.waiting())
        renumbered(lan, range(600, 900))
        assert held() < full + 10_000
        assert len(lan.clock.waiting()) <= timers + 2
    finally:
        tracemalloc.stop()
