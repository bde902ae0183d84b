"""Random faults on hosts that read the expected Advertisement late, as vrrpd/linux does.

The promises are those of every search (labs/simulation/invariants.py), `patient`, `served` and
`counted` among them.  SIM_DAYS thins the days.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from labs.scenarios.random_search import RandomSearch
from labs.simulation.late_reading import LateReading
from tests.cluster import cluster, conf, router, state

DAYS = float(os.environ.get("SIM_DAYS", "1000")) / 25


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> list[LateReading]:
    """Every host that is made from now on reads late."""
    made: list[LateReading] = []
    begin = LateReading.__init__

    def init(self: LateReading, now: Callable[[], int]) -> None:
        begin(self, now, on=True)
        made.append(self)

    monkeypatch.setattr(LateReading, "__init__", init)
    return made


def test_every_promise_holds_in_days_of_faults(late: list[LateReading]) -> None:
    search = RandomSearch(seed=10_001, length=0.5, bursts=5)
    search.run(DAYS)
    assert not search.findings, "\n\n".join(map(str, search.findings))
    assert sum(one.waited for one in late) > 0


def test_counters_are_exact(late: list[LateReading]) -> None:
    lan = cluster(master=conf(150), backup=conf(100))
    lan.run(60)
    lan.machines["backup"].late.read()
    sent = router(lan, "master").counters["advertisement-sent"]
    assert router(lan, "backup").counters["advertisement-rcvd"] == sent
    assert lan.machines["backup"].late.waited > sent / 2


def test_with_a_full_buffer_a_takeover_is_late_once_and_never_early(
    late: list[LateReading],
) -> None:
    """Three packets wait between two readings; the third is lost, and may have come just now."""
    lan = cluster(master=conf(150), backup=conf(100))
    lan.machines["backup"].late.room = 1
    lan.run(60)
    assert lan.machines["backup"].late.lost > 0
    assert state(lan, "backup") == "BACKUP"
    lan.crash("master")
    lan.run(3)
    assert state(lan, "backup") == "BACKUP"
    lan.run(5)
    assert state(lan, "backup") == "MASTER"
