"""vrrpctl release, drain and resume, on a LAN in virtual time with every invariant watched."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from labs.simulation.invariants import InvariantChecker
from labs.simulation.lan import Lan
from tests.cluster import VIP, adverts, cluster, conf, held, router, state, states
from vrrpd.fsm import RESIGN, SECOND, State

HIGH, LOW = 150, 100
SKEW = (256 - LOW) / 256  # s, of the router that takes over
DOWN = 3 + SKEW
GROUP = "vrrp_sync_group G {\n group {\n  VI_1\n  VI_2\n }\n}\n"


def pair(priority: int) -> str:
    """Two instances in a sync group."""
    one = conf(priority, name="VI_1", vrid=51, vips=[VIP])
    return one + conf(priority, name="VI_2", vrid=52, vips=["192.168.1.20"]) + GROUP


@pytest.fixture
def lan() -> Iterator[Lan]:
    lan = cluster(one=conf(HIGH), two=conf(LOW))
    InvariantChecker(lan)
    lan.run(10)
    assert lan.holders() == ["one"]
    yield lan
    assert [log.mistakes for log in lan.logs.values()] == [[], []]


def test_a_release_moves_the_address_within_one_skew_time(lan: Lan) -> None:
    at = lan.now
    lan.daemons["one"].release("VI_1")
    assert adverts(lan, "one")[-1].priority == RESIGN
    lan.wait_until(lambda: lan.holders() == ["two"], timeout=SKEW + 0.01)
    assert lan.now - at <= SKEW + 0.01
    assert lan.daemons["one"].status()[0]["released"]
    assert "released by vrrpctl" in lan.daemons["one"].status()[0]["reason"]


def test_a_released_router_ignores_a_master_of_lower_priority_until_resume(lan: Lan) -> None:
    lan.daemons["one"].release()
    lan.run(100)
    assert lan.masters() == ["two"]
    lan.daemons["one"].resume("VI_1")
    lan.wait_until(lambda: lan.holders() == ["one"], timeout=DOWN)
    why = [line["reason"] for line in lan.daemons["one"].why("VI_1") or []]
    assert any("released by vrrpctl" in one for one in why)
    assert any("resumed by vrrpctl" in one for one in why)


def test_a_released_router_stays_backup_when_its_peer_crashes(lan: Lan) -> None:
    lan.daemons["one"].release()
    lan.run(5)
    lan.crash("two")
    lan.run(60)
    assert state(lan, "one") == "BACKUP"
    assert held(lan, "one") == set()
    lan.daemons["one"].resume()
    lan.wait_until(lambda: state(lan, "one") == "MASTER", timeout=DOWN)


def test_a_released_router_ignores_a_resignation_and_does_not_spin(lan: Lan) -> None:
    lan.daemons["one"].release()
    lan.run(5)
    lan.stop("two")
    lan.run(20)
    assert state(lan, "one") == "BACKUP"
    one = router(lan, "one")
    assert one.current.deadline is not None
    assert one.current.deadline - one.current.armed == one.params.master_down(SECOND)


@pytest.mark.parametrize(
    "text",
    [
        conf(HIGH + 1),
        conf(HIGH, name="VI_other"),  # the same virtual router under another name
        conf(HIGH, vrid=77),  # another virtual router under the same name
        conf(255),
    ],
    ids=["priority", "name", "vrid", "owner"],
)
def test_a_release_survives_a_reload(lan: Lan, text: str) -> None:
    lan.daemons["one"].release("VI_1")
    lan.run(5)
    lan.conf("one", text)
    lan.reload("one")
    lan.run(30)
    assert lan.daemons["one"].status()[0]["released"]
    assert states(lan, "one")[-1] == "BACKUP"
    lan.daemons["one"].resume()
    lan.run(5)
    assert states(lan, "one")[-1] == "MASTER"


def test_an_instance_that_was_away_for_a_reload_is_still_released(lan: Lan) -> None:
    lan.daemons["one"].release("VI_1")
    lan.conf("one", conf(HIGH, name="VI_2", vrid=60, vips=["192.168.1.20"]))
    lan.reload("one")
    lan.conf("one", conf(HIGH))
    lan.reload("one")
    lan.run(10)
    assert state(lan, "one") == "BACKUP"


def test_drain_holds_for_what_a_reload_adds_and_release_does_not(lan: Lan) -> None:
    more = conf(HIGH) + conf(HIGH, name="VI_2", vrid=60, vips=["192.168.1.20"])
    lan.daemons["one"].release()
    lan.conf("one", more)
    lan.reload("one")
    lan.run(10)
    assert (state(lan, "one"), state(lan, "one", "VI_2")) == ("BACKUP", "MASTER")
    lan.daemons["one"].drain()
    third = conf(255, name="VI_3", vrid=61, vips=["192.168.1.30"])
    lan.conf("one", more + third)
    lan.reload("one")
    lan.run(10)
    assert {one["state"] for one in lan.daemons["one"].status()} == {"BACKUP"}
    lan.daemons["one"].resume()
    lan.run(10)
    assert {one["state"] for one in lan.daemons["one"].status()} == {"MASTER"}


def test_a_restart_of_the_daemon_forgets_a_release(lan: Lan) -> None:
    lan.daemons["one"].drain()
    lan.run(5)
    lan.restart("one")
    lan.run(10)
    assert lan.masters() == ["one"]


def test_a_release_in_fault_holds_after_the_recovery(lan: Lan) -> None:
    lan.unplug("one")
    lan.run(1)
    (handover,) = lan.daemons["one"].release("VI_1") or []
    assert "FAULT" in handover.report()["text"]
    lan.plug("one")
    lan.run(20)
    assert state(lan, "one") == "BACKUP"


def test_an_owner_that_is_released_takes_part_again_after_resume(lan: Lan) -> None:
    lan.conf("one", conf(255))
    lan.restart("one")
    lan.run(2)
    lan.daemons["one"].release()
    lan.run(20)
    assert lan.masters() == ["two"]
    lan.daemons["one"].resume()
    lan.run(5)
    assert lan.masters() == ["one"]


def test_resume_waits_for_preempt_delay_again() -> None:
    lan = cluster(one=conf(HIGH, "preempt_delay 20", "state BACKUP"), two=conf(LOW))
    lan.run(40)
    assert lan.masters() == ["one"]
    lan.daemons["one"].release()
    lan.run(60)
    lan.daemons["one"].resume()
    lan.run(19)
    assert lan.masters() == ["two"]
    lan.run(10)
    assert lan.masters() == ["one"]


def test_a_sync_group_goes_together_and_each_member_resigns() -> None:
    lan = cluster(one=pair(HIGH), two=pair(LOW))
    guard = InvariantChecker(lan)
    lan.run(15)
    at = lan.now
    assert [one.router.name for one in lan.daemons["one"].release("VI_2") or []] == ["VI_1", "VI_2"]
    for name in ("VI_1", "VI_2"):
        lan.wait_until(lambda name=name: lan.masters(name) == ["two"])  # type: ignore[misc]
    assert lan.now - at <= SKEW + 0.02
    assert all(one["released"] for one in lan.daemons["one"].status())
    lan.run(60)
    lan.daemons["one"].resume("G")
    lan.run(10)
    assert lan.masters("VI_1") == lan.masters("VI_2") == ["one"]
    guard.finish()


def test_a_reload_that_puts_a_released_router_in_a_group_releases_the_group() -> None:
    alone = pair(HIGH).replace(GROUP, "")
    lan = cluster(one=alone, two=pair(LOW).replace(GROUP, ""))
    guard = InvariantChecker(lan)
    lan.run(15)
    lan.daemons["one"].release("VI_1")
    lan.run(5)
    assert state(lan, "one", "VI_2") == "MASTER"
    lan.conf("one", pair(HIGH))
    lan.reload("one")
    lan.run(10)
    assert {one["state"] for one in lan.daemons["one"].status()} == {"BACKUP"}
    assert lan.masters("VI_2") == ["two"]
    guard.finish()


def test_no_other_router_is_there_and_the_answer_says_so() -> None:
    lan = cluster(one=conf(HIGH))
    lan.run(10)
    (handover,) = lan.daemons["one"].release("VI_1") or []
    lan.run(10)
    said = handover.report()
    assert (said["was"], said["state"], said["taken"]) == ("MASTER", "BACKUP", False)
    assert "no other router has advertised" in said["text"]
    assert VIP in said["text"]


def test_the_answer_names_the_new_master(lan: Lan) -> None:
    (handover,) = lan.daemons["one"].release("VI_1") or []
    assert not handover.settled
    lan.run(2)
    assert handover.settled
    assert handover.report()["text"] == "192.168.1.12 priority 100 is MASTER"


def test_a_backup_is_released_without_a_packet(lan: Lan) -> None:
    (handover,) = lan.daemons["two"].release("VI_1") or []
    assert (handover.settled, handover.was) == (True, State.BACKUP)
    assert adverts(lan, "two") == []
    lan.stop("one")
    lan.run(30)
    assert lan.masters() == []


def test_no_such_name_changes_nothing(lan: Lan) -> None:
    assert lan.daemons["one"].release("VI_9") is None
    assert lan.daemons["one"].resume("VI_9") is None
    lan.run(5)
    assert lan.masters() == ["one"]
