"""Scripts are called in keepalived's order, with keepalived's arguments, and cannot do harm."""

from __future__ import annotations

from typing import Any

import pytest

from labs.simulation.lan import Lan
from labs.simulation.programs import HostRunner
from tests.cluster import advert, cluster, conf, inject, router, scripts, state

ALL = (
    'notify_master "/m one"',
    'notify_backup "/b"',
    'notify_fault "/f"',
    'notify_stop "/s"',
    "notify \"/n 'two words'\"",
)


def calls_of(lan: Lan, host: str = "one") -> list[tuple[str, tuple[str, ...]]]:
    return scripts(lan, host)


def test_a_whole_life() -> None:
    """notify_STATE first, nothing appended; then notify with INSTANCE NAME STATE PRIORITY."""
    lan = cluster(one=conf(100, *ALL))
    lan.run(4)
    inject(lan, "one", advert(150))
    lan.unplug("one")
    lan.run(0)
    lan.plug("one")
    lan.run(0)
    lan.stop("one")

    def both(what: str, argv: tuple[str, ...], word: str) -> list[tuple[str, tuple[str, ...]]]:
        everybody = ("/n", "two words", "INSTANCE", "VI_1", word, "100")
        return [(what, argv), ("notify", everybody)]

    assert calls_of(lan) == [
        *both("notify_backup", ("/b",), "BACKUP"),
        *both("notify_master", ("/m", "one"), "MASTER"),
        *both("notify_backup", ("/b",), "BACKUP"),
        *both("notify_fault", ("/f",), "FAULT"),
        *both("notify_backup", ("/b",), "BACKUP"),
        *both("notify_stop", ("/s",), "STOP"),
    ]


def test_a_start_without_a_carrier_is_notified_as_fault_alone() -> None:
    lan = Lan("empty", hosts={"one": "192.168.1.11"}, ping=None)
    lan.conf("one", conf(100, *ALL))
    lan.unplug("one")
    lan.start("one")
    assert [what for what, _ in calls_of(lan)] == ["notify_fault", "notify"]


def test_the_addresses_are_there_before_the_script_is_called_and_gone_before_the_next() -> None:
    lan = cluster(one=conf(100, *ALL))
    machine, seen = lan.machines["one"], []
    lan.daemons["one"].journal.listeners.append(
        lambda line: (
            seen.append((line["script"], len(machine.addresses) - 1))
            if line["event"] == "notify" and line["script"] != "notify"
            else None
        )
    )
    lan.run(4)
    inject(lan, "one", advert(150))
    lan.wait_until(lambda: state(lan, "one") == "MASTER")
    lan.stop("one")
    assert seen == [
        ("notify_master", 1),
        ("notify_backup", 0),
        ("notify_master", 1),
        ("notify_stop", 0),
    ]


def test_a_reload_calls_no_script() -> None:
    lan = cluster(one=conf(100, *ALL))
    lan.run(4)
    before = calls_of(lan)
    lan.conf("one", conf(120, *ALL, vips=["192.168.1.10", "192.168.1.20"]))
    lan.reload("one")
    lan.run(10)
    assert calls_of(lan) == before


def test_a_removed_instance_reports_fault_or_deleted() -> None:
    """keepalived 2.2.7: notify FAULT, or DELETED if notify_deleted is written."""
    two = conf(100, *ALL, name="VI_2", vrid=52, vips=["192.168.1.20"])
    deleted = conf(100, *ALL, 'notify_deleted "/d"', name="VI_3", vrid=53, vips=["192.168.1.30"])
    lan = cluster(one=conf(100) + two + deleted)
    lan.run(4)
    before = len(calls_of(lan))
    lan.conf("one", conf(100))
    lan.reload("one")
    everybody = ("/n", "two words", "INSTANCE")
    assert calls_of(lan)[before:] == [
        ("notify_fault", ("/f",)),
        ("notify", (*everybody, "VI_2", "FAULT", "100")),
        ("notify_deleted", ("/d",)),
        ("notify", (*everybody, "VI_3", "DELETED", "100")),
    ]


@pytest.mark.parametrize("priority", [1, 100, 255])
def test_the_priority_is_the_effective_one(priority: int) -> None:
    lan = cluster(one=conf(priority, "notify /n"))
    lan.run(5)
    assert calls_of(lan)[-1] == ("notify", ("/n", "INSTANCE", "VI_1", "MASTER", str(priority)))


def test_no_script_is_called_that_is_not_configured() -> None:
    lan = cluster(one=conf(100, "notify_stop /s"))
    lan.run(5)
    inject(lan, "one", advert(50))
    assert calls_of(lan) == []


def test_a_script_that_cannot_be_run_costs_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HostRunner, "run", lambda *_: "no such file")
    lan = cluster(one=conf(100, *ALL))
    lan.run(5)
    assert state(lan, "one") == "MASTER"
    assert any(
        line.startswith("(VI_1) notify_master") and "was not run: no such file" in line
        for line in lan.logs["one"].lines
    )
    journal = [line for line in lan.journal("one") if line["event"] == "notify"]
    assert {line["problem"] for line in journal} == {"no such file"}
    assert router(lan, "one").counters["master-transitions"] == 1


@pytest.mark.parametrize("end", [False, True], ids=["at the start", "at the end"])
def test_a_notification_that_fails_costs_no_other_instance_its_own(
    end: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = conf(100, 'notify "/n"') + conf(100, 'notify "/n"', name="VI_2", vrid=52, vips=())
    lan = cluster(one=two)
    lan.run(2)
    notifier = lan.daemons["one"].notifier
    deliver = notifier.scripts

    def fail(kind: str, name: str, *more: Any) -> None:
        if name == "VI_1":
            raise LookupError
        deliver(kind, name, *more)

    monkeypatch.setattr(notifier, "scripts", fail)
    notifier.hold()
    word = "STOP" if end else "FAULT"
    for one in lan.daemons["one"].routers.values():
        notifier.notify(one.instance, word, 100)
    with pytest.raises(LookupError):
        notifier.ended() if end else notifier.started()
    assert calls_of(lan)[-1] == ("notify", ("/n", "INSTANCE", "VI_2", word, "100"))
