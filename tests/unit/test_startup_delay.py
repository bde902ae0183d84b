"""vrrp_startup_delay and vrrp_delay_after_boot: nothing is taken or announced before their end.

And timer_expired_backup: a MASTER that has not run for too long does not insist.
"""

from __future__ import annotations

import pytest

from labs.simulation.lan import Lan
from tests.cluster import adverts, arps, cluster, conf, router, state, states
from vrrpd.config import loads


def delayed(seconds: float, keyword: str = "vrrp_startup_delay") -> str:
    """A global_defs block."""
    return f"global_defs {{\n {keyword} {seconds}\n}}\n"


def test_what_is_received_does_not_shorten_the_start_up_delay() -> None:
    """keepalived 2.2.8; before, the end of another MASTER let a delayed router take over."""
    lan = cluster(other=conf(200), one=delayed(30) + conf(100))
    lan.run(10)
    assert states(lan, "one") == ["BACKUP"]
    lan.crash("other")
    lan.run(23)
    assert state(lan, "one") == "BACKUP"
    lan.run(1)
    assert state(lan, "one") == "MASTER"
    (line,) = [line for line in lan.journal("one") if line.get("to") == "MASTER"]
    assert line["t"] == pytest.approx(30 + 3.609375)


def test_a_resignation_does_not_shorten_it_either() -> None:
    lan = cluster(other=conf(200), one=delayed(30) + conf(100))
    lan.run(10)
    lan.stop("other")
    lan.run(20)
    assert state(lan, "one") == "BACKUP"


def test_after_the_delay_an_advertisement_counts_as_ever() -> None:
    lan = cluster(other=conf(200), one=delayed(30) + conf(100))
    lan.run(60)
    lan.crash("other")
    lan.run(4)
    assert state(lan, "one") == "MASTER"


def test_a_fault_that_ends_during_the_delay_does_not_end_the_delay() -> None:
    lan = cluster(one=delayed(30) + conf(100))
    lan.run(5)
    lan.unplug("one")
    lan.run(2)
    assert state(lan, "one") == "FAULT"
    lan.plug("one")
    lan.run(25)
    assert state(lan, "one") == "BACKUP"
    lan.run(2)
    assert state(lan, "one") == "MASTER"


@pytest.mark.parametrize(("seconds", "frames"), [(30, 0), (1, 1)])
def test_no_gratuitous_arp_before_the_end(seconds: float, frames: int) -> None:
    """keepalived 2.4.0: a unicast router says where it is after FAULT, but not during the delay."""
    peers = "unicast_peer {\n192.168.1.99\n}"
    lan = cluster(one=delayed(seconds) + conf(100, peers))
    lan.run(5 if seconds == 1 else 1)
    lan.unplug("one")
    lan.run(1)
    before = len(arps(lan, "one"))
    lan.plug("one")
    lan.run(0.5)
    assert len(arps(lan, "one")) - before == frames
    assert adverts(lan, "one") == [] or seconds == 1


def test_a_delay_after_boot_is_counted_from_the_boot() -> None:
    lan = Lan("empty", hosts={"one": "192.168.1.11"}, ping=None)
    lan.run(12)
    lan.conf("one", delayed(20, "vrrp_delay_after_boot") + conf(100))
    lan.start("one")
    lan.wait_until(lambda: state(lan, "one") == "MASTER")
    assert lan.now == pytest.approx(20 + 3.609375)
    assert "Delaying startup for 8 s" in lan.logs["one"].lines


def test_a_daemon_that_is_restarted_long_after_the_boot_does_not_wait() -> None:
    lan = Lan("empty", hosts={"one": "192.168.1.11"}, ping=None)
    lan.run(1000)
    lan.conf("one", delayed(20, "vrrp_delay_after_boot") + conf(100))
    lan.start("one")
    lan.wait_until(lambda: state(lan, "one") == "MASTER")
    assert lan.now == pytest.approx(1000 + 3.609375)


def test_the_longer_of_the_two_delays_counts() -> None:
    both = "global_defs {\n vrrp_startup_delay 5\n vrrp_delay_after_boot 20\n}\n"
    lan = cluster(one=both + conf(100))
    lan.wait_until(lambda: state(lan, "one") == "MASTER", timeout=40)
    assert lan.now == pytest.approx(20 + 3.609375)


@pytest.mark.parametrize(("after", "due"), [(30, 30), (10, 10), (0.001, 2)])
def test_an_instance_that_a_reload_brings_waits_for_the_rest_of_the_delay(
    after: float, due: float
) -> None:
    lan = cluster(one=delayed(20) + conf(100))
    lan.run(2)
    more = conf(100, name="VI_2", vrid=52, vips=["192.168.1.20"])
    lan.conf("one", delayed(after) + conf(100) + more)
    lan.reload("one")
    lan.wait_until(lambda: state(lan, "one", "VI_2") == "MASTER", timeout=60)
    assert lan.now == pytest.approx(due + 3.609375, abs=0.002)


# timer_expired_backup.


def frozen(seconds: float, *words: str, more: str = "") -> Lan:
    """`one` is MASTER of priority 100 and stalls for so long; `two` is there, too."""
    lan = cluster(
        one=conf(100, "nopreempt", "timer_expired_backup 100", *words) + more,
        two=conf(90, "nopreempt", *words),
    )
    lan.run(20)
    assert state(lan, "one") == "MASTER"
    lan.freeze("one")
    lan.run(seconds)
    lan.thaw("one")
    lan.run(5)
    return lan


@pytest.mark.parametrize("version", ["version 2", "version 3"])
def test_who_has_not_run_for_too_long_leaves_the_new_master_alone(version: str) -> None:
    lan = frozen(8, version)
    assert (state(lan, "one"), state(lan, "two")) == ("BACKUP", "MASTER")
    assert states(lan, "two") == ["BACKUP", "MASTER"]
    sent = [fact for fact in adverts(lan, "one") if fact.t > 20.5]
    assert sent == []
    reason = router(lan, "one").current.why
    assert "timer_expired_backup" in next(
        line["reason"] for line in lan.journal("one") if line.get("from") == "MASTER"
    ), reason


def test_a_short_stall_changes_nothing() -> None:
    lan = frozen(2)
    assert (state(lan, "one"), state(lan, "two")) == ("MASTER", "BACKUP")
    assert states(lan, "two") == ["BACKUP"]


def test_without_the_keyword_the_old_master_insists() -> None:
    lan = cluster(one=conf(100, "nopreempt"), two=conf(90, "nopreempt"))
    lan.run(20)
    lan.freeze("one")
    lan.run(8)
    lan.thaw("one")
    lan.run(5)
    assert (state(lan, "one"), state(lan, "two")) == ("MASTER", "BACKUP")


def test_alone_it_becomes_master_again() -> None:
    lan = cluster(one=conf(100, "nopreempt", "timer_expired_backup"))
    lan.run(20)
    lan.freeze("one")
    lan.run(60)
    lan.thaw("one")
    lan.run(0.1)
    assert state(lan, "one") == "BACKUP"
    lan.run(3.7)
    assert state(lan, "one") == "MASTER"


def test_its_argument_is_the_highest_priority_of_another_router() -> None:
    def read(*words: str) -> int:
        return loads(conf(100, *words)).config.instances[0].timer_expired_backup

    assert read("nopreempt") == 0
    assert read("nopreempt", "timer_expired_backup") == 254
    assert read("nopreempt", "timer_expired_backup 120") == 120
    assert read("nopreempt", "timer_expired_backup 255") == 0
    assert read("nopreempt", "thread_timer_expired 120") == 120
    assert read("timer_expired_backup 120") == 0  # it requires nopreempt
    (found,) = loads(conf(100, "timer_expired_backup 120")).diagnostics
    assert (found.severity, found.message) == (
        "error",
        "(VI_1) timer_expired_backup requires nopreempt; ignored",
    )
