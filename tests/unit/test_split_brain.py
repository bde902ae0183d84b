"""A MASTER that receives another MASTER's Advertisement says so, once an episode."""

from __future__ import annotations

import pytest

from labs.simulation.lan import Lan
from tests.cluster import advert, cluster, conf, inject, router, scripts, state
from vrrpd.config import loads

SCRIPT = 'notify_split_brain "/bin/page operator"'


@pytest.fixture
def lan() -> Lan:
    lan = cluster(one=conf(150, SCRIPT))
    lan.run(5)
    return lan


def logged(lan: Lan) -> list[str]:
    return [line for line in lan.logs["one"].lines if "Split brain" in line]


def events(lan: Lan) -> list[str]:
    return [line["reason"] for line in lan.journal("one") if line["event"] == "split_brain"]


def calls(lan: Lan, host: str) -> list[tuple[str, ...]]:
    return [argv for what, argv in scripts(lan, host) if what == "notify_split_brain"]


@pytest.mark.parametrize("priority", [1, 149, 150, 151, 254, 255])
def test_any_priority_counts_and_is_reported_once_an_episode(lan: Lan, priority: int) -> None:
    before = state(lan, "one")
    assert before == "MASTER"
    inject(lan, "one", advert(priority, source="192.168.1.9"))
    assert len(logged(lan)) == len(events(lan)) == 1
    assert f"192.168.1.9 priority {priority} is MASTER as well" in events(lan)[0]
    assert events(lan)[0].endswith("stays MASTER" if priority <= 150 else "gives way")
    call = ("/bin/page", "operator", "INSTANCE", "VI_1", "SPLIT_BRAIN", "150", "192.168.1.9")
    assert calls(lan, "one") == ([(*call, str(priority))] if priority <= 150 else [])


def test_a_flood_is_one_episode_and_every_advertisement_is_counted(lan: Lan) -> None:
    for number in range(200):
        inject(lan, "one", advert(50, source=f"192.168.1.{20 + number}"))
        lan.run(0.01)
    counters = router(lan, "one").counters
    assert counters["master-rcvd-as-master"] == 200
    assert counters["split-brain-episodes"] == 1
    assert len(logged(lan)) == 1


def test_an_episode_ends_after_a_master_down_interval_of_silence(lan: Lan) -> None:
    down = router(lan, "one").params.master_down(10**9) / 1e9
    inject(lan, "one", advert(50))
    lan.run(down - 0.01)
    inject(lan, "one", advert(50))
    assert len(logged(lan)) == 1
    assert lan.daemons["one"].status()[0]["split_brain"] is True
    lan.run(down + 0.01)
    assert lan.daemons["one"].status()[0]["split_brain"] is False
    inject(lan, "one", advert(50))
    assert len(logged(lan)) == 2


def test_a_resignation_is_no_split_brain(lan: Lan) -> None:
    inject(lan, "one", advert(0))
    assert logged(lan) == []
    assert router(lan, "one").counters["master-rcvd-as-master"] == 0


def test_a_backup_reports_nothing() -> None:
    lan = cluster(one=conf(150), two=conf(100, SCRIPT))
    lan.run(20)
    assert state(lan, "two") == "BACKUP"
    assert router(lan, "two").counters["split-brain-episodes"] == 0


def test_both_ends_of_a_healed_partition_report_it() -> None:
    lan = cluster(one=conf(150), two=conf(100))
    lan.run(10)
    lan.cut("two")
    lan.run(10)
    assert lan.masters() == ["one", "two"]
    lan.mend("two")
    lan.run(2)
    assert lan.masters() == ["one"]
    for host in ("one", "two"):
        assert router(lan, host).counters["split-brain-episodes"] == 1


def test_the_script_runs_for_a_healed_partition_but_not_for_a_failback() -> None:
    lan = cluster(one=conf(150, SCRIPT), two=conf(100, SCRIPT))
    lan.run(10)
    lan.unplug("one")
    lan.run(10)
    assert lan.masters() == ["two"]
    lan.plug("one")
    lan.run(10)
    assert lan.masters() == ["one"]
    assert calls(lan, "one") == calls(lan, "two") == []
    lan.cut("two")
    lan.run(10)
    lan.mend("two")
    lan.run(2)
    assert len(calls(lan, "one")) == 1
    assert calls(lan, "two") == []


def test_the_router_that_preempts_waits_an_interval_before_it_calls_the_script() -> None:
    lan = cluster(one=conf(150, SCRIPT))
    lan.run(3.5)  # MASTER since 3.41 s
    assert state(lan, "one") == "MASTER"
    for wanted in (0, 0, 1, 1):
        inject(lan, "one", advert(50))
        assert len(calls(lan, "one")) == wanted
        lan.run(0.5)


def test_the_keyword_is_read_and_is_not_keepalived_s() -> None:
    loaded = loads(conf(150, SCRIPT))
    assert not loaded.diagnostics
    (instance,) = loaded.config.instances
    assert instance.notify.split_brain is not None
    assert instance.notify.split_brain.argv == ("/bin/page", "operator")
