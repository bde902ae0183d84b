"""A reload that an exception ends midway: what its repetition must make up for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from labs.simulation.lan import Lan
from tests.cluster import VIP, adverts, arps, cluster, conf, held, router, state
from vrrpd.addresses.master_state import MasterState
from vrrpd.daemon import Daemon
from vrrpd.fsm import SECOND
from vrrpd.tracking.sync_groups import Group
from vrrpd.tracking.tracker import Tracker

OTHER, THIRD = "192.168.1.20", "192.168.1.30"


class Unforeseen(Exception):
    """What no code has thought of."""


def spoil(
    place: Any,
    name: str,
    patch: pytest.MonkeyPatch,
    when: Callable[..., object] = lambda *_: True,
    times: int = 1,
) -> list[None]:
    """Have a method raise `times` times when `when(*arguments)`; one entry for each time."""
    method, thrown = getattr(place, name), list[None]()

    def call(*arguments: Any, **named: Any) -> Any:
        if len(thrown) < times and when(*arguments):
            thrown.append(None)
            raise Unforeseen(name)
        return method(*arguments, **named)

    patch.setattr(place, name, call)
    return thrown


def reload(lan: Lan, text: str) -> Daemon:
    """Reload; an exception is followed by what the loop does then."""
    daemon = lan.daemons["one"]
    lan.conf("one", text)
    try:
        lan.reload("one")
    except Unforeseen:
        daemon.mistaken()
    return daemon


@pytest.mark.parametrize("step", ["silence", "change", "removed"])
def test_addresses_come_and_go_at_the_repetition(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lan = cluster(one=conf(150, vips=(VIP, OTHER)))
    lan.run(5)
    estate = lan.daemons["one"].estate
    place = estate.kernel if step == "change" else estate
    thrown = spoil(place, step, monkeypatch, lambda *a: step != "change" or a[0] or a[1])
    reload(lan, conf(150, vips=(VIP, THIRD)))
    lan.run(3)
    assert thrown
    assert held(lan, "one") == {VIP, THIRD}
    assert THIRD in {one.address for one in arps(lan, "one")}


def test_a_stop_before_the_repetition_leaves_no_address_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lan = cluster(one=conf(150, vips=(VIP, OTHER)))
    lan.run(5)
    thrown = spoil(lan.daemons["one"].estate, "silence", monkeypatch)
    reload(lan, conf(150, vips=(VIP, THIRD)))
    lan.stop("one")
    assert thrown
    assert held(lan, "one") == set()


def test_new_addresses_whose_first_burst_fails_are_announced_by_the_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lan = cluster(one=conf(150))
    lan.run(5)
    thrown = spoil(lan.daemons["one"].pacer, "send", monkeypatch)
    reload(lan, conf(150, vips=(VIP, THIRD)))
    lan.run(7)
    assert thrown
    assert THIRD in {one.address for one in arps(lan, "one")}


def test_the_start_up_delay_changes_even_if_its_reload_is_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    delay = "global_defs {{\n vrrp_startup_delay {}\n}}\n".format
    lan = cluster(one=delay(10) + conf(150))
    daemon = lan.daemons["one"]
    lan.run(1)
    thrown = spoil(daemon, "connect", monkeypatch)
    before = daemon.begins
    reload(lan, delay(30) + conf(150))
    lan.run(2)
    assert thrown
    assert daemon.begins == before + 20 * SECOND


def test_a_file_that_is_refused_meanwhile_does_not_leave_a_reload_half_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lan = cluster(one=conf(150))
    lan.run(5)
    spoil(lan.daemons["one"], "connect", monkeypatch)
    daemon = reload(lan, conf(150) + conf(150, name="VI_2", vrid=52, vips=(THIRD,)))
    lan.conf("one", "vrrp_instance VI_1 {\n interface eth0\n}\n")
    lan.run(6)
    assert any("Reload refused" in line for line in lan.logs["one"].lines)
    assert not daemon.unfinished
    assert held(lan, "one") == {VIP, THIRD}


def test_a_reload_that_fails_for_good_does_not_keep_us_from_looking_at_interfaces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lan = cluster(one=conf(150))
    lan.run(5)
    daemon, seen = lan.daemons["one"], list[str]()
    spoil(daemon, "connect", monkeypatch, times=99)
    monkeypatch.setattr(daemon, "interface_changed", seen.append)
    reload(lan, conf(150))
    with pytest.raises(Unforeseen):
        lan.run(2)
    assert seen == ["eth0"]


def test_a_sync_group_is_attached_once_though_its_reload_is_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pair = conf(150) + conf(150, name="VI_2", vrid=52, vips=(THIRD,))
    group = "vrrp_sync_group {} {{\n group {{\n VI_1\n VI_2\n }}\n}}\n".format
    lan = cluster(one=pair)
    lan.run(5)
    thrown = spoil(lan.daemons["one"].notifier, "group", monkeypatch)
    daemon = reload(lan, group("G") + pair)
    lan.run(2)
    assert thrown
    assert len(daemon.groups) == 1
    reload(lan, pair)
    daemon.release("VI_1")
    assert state(lan, "one", "VI_1") == "BACKUP"
    assert state(lan, "one", "VI_2") == "MASTER"


def test_a_daemon_that_has_stopped_is_not_started_by_a_reload() -> None:
    """SIGHUP may come while the last notify scripts run."""
    lan = cluster(one=conf(255))
    lan.run(2)
    daemon = lan.daemons["one"]
    daemon.stop("stopped by a signal")
    sent = len(adverts(lan, "one"))
    assert not daemon.reload()
    lan.run(5)
    assert held(lan, "one") == set()
    assert len(adverts(lan, "one")) == sent


def test_an_instance_whose_reload_fails_for_good_does_not_hold_up_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    second, third = (
        conf(150, name=f"VI_{number}", vrid=50 + number, vips=(vip,))
        for number, vip in ((2, OTHER), (3, THIRD))
    )
    lan = cluster(one=conf(150) + second)
    lan.run(5)
    thrown = spoil(router(lan, "one").master_state, "renew", monkeypatch, times=99)
    reload(lan, conf(140) + second.replace("150", "120") + third)
    with pytest.raises(Unforeseen):
        lan.run(5)
    assert len(thrown) == 2
    assert router(lan, "one", "VI_2").priority == 120
    assert state(lan, "one", "VI_3") == "BACKUP"
    assert held(lan, "one") == {VIP, OTHER}


def seconds_of_repetitions(lan: Lan, until: float) -> list[float]:
    """Let time pass as the loop does: when (s) a callback raised, counted from now."""
    daemon, began, found = lan.daemons["one"], lan.clock.now(), list[float]()
    while (passed := (lan.clock.now() - began) / SECOND) < until:
        try:
            lan.run(until - passed)
        except Unforeseen:
            found.append((lan.clock.now() - began) / SECOND)
            daemon.mistaken()
    return found


def test_a_reload_that_fails_for_good_is_repeated_less_and_less_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lan = cluster(one=conf(150))
    lan.run(5)
    with monkeypatch.context() as spoilt:
        spoil(lan.daemons["one"], "connect", spoilt, times=99)
        daemon = reload(lan, conf(150))
        found = seconds_of_repetitions(lan, 300)
    assert found == pytest.approx([1, 3, 7, 15, 31, 63, 123, 183, 243])
    assert seconds_of_repetitions(lan, 60) == []
    assert not daemon.unfinished
    spoil(daemon, "connect", monkeypatch)
    reload(lan, conf(150))
    lan.run(1.5)
    assert not daemon.unfinished, "after a success the first repetition is due in a second again"


def test_a_reload_that_fails_for_good_does_not_hide_another_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lan = cluster(one=conf(150))
    lan.run(5)
    daemon = lan.daemons["one"]
    with monkeypatch.context() as spoilt:
        spoil(daemon, "connect", spoilt, times=99)
        reload(lan, conf(150))
        assert seconds_of_repetitions(lan, 35) == pytest.approx([1, 3, 7, 15, 31])
        looked: list[float] = []
        began, look = lan.clock.now(), daemon._look_at_interfaces

        def look_and_note() -> None:
            looked.append((lan.clock.now() - began) / SECOND)
            look()

        monkeypatch.setattr(daemon, "_look_at_interfaces", look_and_note)
        for _ in range(4):  # another callback fails, several times within a second
            daemon.mistaken()
            seconds_of_repetitions(lan, 0.3)
        seconds_of_repetitions(lan, 30)
    assert looked == pytest.approx([1])


@pytest.mark.parametrize(
    ("place", "step", "concerned"),
    [
        (Group, "attach", lambda group: group.name == "G"),
        (MasterState, "release", lambda one: one.instance.name == "VI_2"),
        (Tracker, "start", lambda _, router, *__: router.name == "VI_2"),
    ],
    ids=["a sync group", "leftovers", "its own start"],
)
def test_what_fails_for_one_new_instance_does_not_keep_the_others_from_starting(
    place: Any, step: str, concerned: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    group = "vrrp_sync_group G {\n group {\n VI_2\n VI_3\n }\n}\n"
    lan = cluster(one=conf(150))
    lan.run(5)
    thrown = spoil(place, step, monkeypatch, concerned, times=99)
    added = [
        conf(150, name=f"VI_{number}", vrid=50 + number, vips=(f"192.168.1.{20 + number}",))
        for number in (2, 3, 4)
    ]
    reload(lan, group + conf(150) + "".join(added))
    seconds_of_repetitions(lan, 20)
    assert len(thrown) > 1 or step != "attach", "it fails at each repetition"
    assert thrown
    assert state(lan, "one", "VI_4") == "MASTER"


def test_a_file_whose_watch_failed_is_watched_after_the_repetition(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lan = cluster(one=conf(150))
    lan.run(5)
    assert spoil(lan.daemons["one"].ports.files, "watch", monkeypatch) == []
    reload(lan, "track_file f {\n file /f\n}\n" + conf(150, "track_file {\n f weight 1\n}"))
    lan.run(2)
    lan.write("one", "/f", "5")
    lan.run(1)
    assert router(lan, "one").priority == 155


def test_processes_that_could_not_be_counted_are_after_the_repetition(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lan = cluster(one=conf(150))
    lan.run(5)
    spoil(lan.daemons["one"].ports.processes, "watch", monkeypatch)
    track = "vrrp_track_process p {\n process nginx\n}\n"
    reload(lan, track + conf(150, "track_process {\n p weight 5\n}"))
    lan.run(2)
    lan.machines["one"].workload.spawn("/usr/sbin/nginx")
    lan.run(1)
    assert router(lan, "one").priority == 155


def test_what_cannot_be_given_back_is_tried_again_once_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However often the router has been MASTER meanwhile."""
    lan = cluster(one=conf(150))
    lan.run(5)
    daemon = lan.daemons["one"]
    thrown = spoil(daemon.ports.kernel, "change", monkeypatch, lambda add, remove, *_: remove, 99)
    for _ in range(5):
        daemon.release()
        daemon.resume()
        lan.wait_until(lambda: state(lan, "one") == "MASTER")
    daemon.release()
    before = len(thrown)
    lan.run(10)
    assert len(thrown) - before == 10
