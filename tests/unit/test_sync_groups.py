"""Sync groups: MASTER all together or not at all, FAULT together, back together.  Virtual time."""

from __future__ import annotations

import random

import pytest

from labs.model.facts import Arp
from labs.simulation.lan import Lan
from labs.simulation.programs import Program
from tests.cluster import advert, adverts, cluster, conf, inject, router, state, states
from vrrpd.config.model import SyncGroup
from vrrpd.notify.notifier import Notifier

NAMES = ("VI_1", "VI_2", "VI_3")


def tracked(name: str) -> str:
    return f"track_script {{\n {name}\n}}"


SCRIPTS = "".join(
    f'vrrp_script {one} {{\n script "/bin/{one}"\n interval 1\n}}\n' for one in ("c1", "c2", "c3")
)


def group(priority: int, members: int = 2, *words: str, own: bool = True) -> str:
    """A file with a group of instances; instance number N tracks the script cN if `own`."""
    text = SCRIPTS if own else ""
    for number in range(1, members + 1):
        lines = [tracked(f"c{number}")] if own else []
        vips = [f"192.168.1.{number}0"]
        text += conf(priority, *lines, name=NAMES[number - 1], vrid=50 + number, vips=vips)
    inside = "\n".join((f"group {{\n {' '.join(NAMES[:members])}\n}}", *words))
    return text + f"vrrp_sync_group VG_1 {{\n{inside}\n}}\n"


def all_states(lan: Lan, host: str, members: int = 2) -> list[str]:
    return [state(lan, host, name) for name in NAMES[:members]]


def script(lan: Lan, host: str, name: str, **words: object) -> None:
    lan.machines[host].workload.programs[f"/bin/{name}"] = Program(**words)  # type: ignore[arg-type]


@pytest.fixture
def group_calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What group scripts would have been called with, in order: (name, state)."""
    calls: list[tuple[str, str]] = []

    def hook(self: Notifier, group: SyncGroup, state: str) -> None:
        calls.append((group.name, state))

    monkeypatch.setattr(Notifier, "group", hook)
    return calls


def test_members_become_master_together() -> None:
    lan = cluster(one=group(150, 3))
    lan.run(3.3)
    assert all_states(lan, "one", 3) == ["BACKUP"] * 3
    lan.run(0.2)
    assert all_states(lan, "one", 3) == ["MASTER"] * 3
    assert "VRRP_Group(VG_1) Syncing instances to MASTER state" in lan.logs["one"].lines


def test_one_member_that_receives_a_higher_priority_holds_all_back() -> None:
    lan = cluster(one=group(100))
    for _ in range(12):
        inject(lan, "one", advert(150, vrid=52))
        lan.run(1)
    assert all_states(lan, "one") == ["BACKUP", "BACKUP"]
    assert router(lan, "one", "VI_1").current.waiting_for_group
    lan.run(8)
    assert all_states(lan, "one") == ["MASTER", "MASTER"]


def test_the_led_member_says_whom_it_follows() -> None:
    text = group(100).replace("priority 100", "priority 50", 1)
    lan = cluster(one=text)
    lan.run(9)
    assert all_states(lan, "one") == ["MASTER", "MASTER"]
    whys = [router(lan, "one", name).current.why for name in NAMES[:2]]
    assert sum(why.startswith("follows VI_") for why in whys) == 1


def test_a_better_router_for_one_takes_all_over_without_resignation() -> None:
    lan = cluster(one=group(100))
    lan.run(9)
    before = len([one for one in adverts(lan, "one") if one.priority == 0])
    inject(lan, "one", advert(200, vrid=51))
    assert all_states(lan, "one") == ["BACKUP", "BACKUP"]
    assert len([one for one in adverts(lan, "one") if one.priority == 0]) == before
    why = "follows VI_1 of sync group VG_1: higher priority 200 from 192.168.1.99"
    assert router(lan, "one", "VI_2").current.why == why


def test_two_machines_swap_all_members_when_one_member_fails() -> None:
    lan = cluster(web1=group(150), web2=group(100))
    lan.run(9)
    assert all_states(lan, "web1") == ["MASTER"] * 2
    assert all_states(lan, "web2") == ["BACKUP"] * 2
    script(lan, "web1", "c2", status=1)
    lan.run(2)
    assert all_states(lan, "web1") == ["FAULT"] * 2
    assert all_states(lan, "web2") == ["MASTER"] * 2, "priority 0: within one skew"
    script(lan, "web1", "c2")
    lan.run(9)
    assert all_states(lan, "web1") == ["MASTER"] * 2
    assert all_states(lan, "web2") == ["BACKUP"] * 2


def test_fault_of_one_is_fault_of_all_each_with_a_resignation() -> None:
    lan = cluster(one=group(150, 3))
    lan.run(9)
    script(lan, "one", "c2", status=3)
    lan.run(1.1)
    assert all_states(lan, "one", 3) == ["FAULT"] * 3
    why = "VI_2 of sync group VG_1 is in FAULT: tracked script c2 failed (exit 3, 1 of 1)"
    assert router(lan, "one", "VI_1").current.why == why
    assert {one.vrid for one in adverts(lan, "one") if one.priority == 0} == {51, 52, 53}


def test_fault_ends_when_all_members_are_healthy_and_not_before() -> None:
    lan = cluster(one=group(150, 3))
    lan.run(9)
    for name in ("c1", "c2"):
        script(lan, "one", name, status=1)
        lan.run(2)
    script(lan, "one", "c1")
    before = states(lan, "one")
    lan.run(5)
    assert states(lan, "one") == before, "VI_2 is still ill, and nobody flaps"
    assert all_states(lan, "one", 3) == ["FAULT"] * 3
    script(lan, "one", "c2")
    lan.run(1.1)
    assert all_states(lan, "one", 3) == ["BACKUP"] * 3
    assert states(lan, "one") == [*before, "BACKUP", "BACKUP", "BACKUP"]
    lan.run(4)
    assert all_states(lan, "one", 3) == ["MASTER"] * 3


def test_a_member_that_fails_while_the_group_is_in_fault() -> None:
    lan = cluster(one=group(150))
    lan.run(9)
    script(lan, "one", "c1", status=1)
    lan.run(2)
    script(lan, "one", "c2", status=1)
    lan.run(2)
    script(lan, "one", "c1")
    lan.run(2)
    assert all_states(lan, "one") == ["FAULT", "FAULT"]
    script(lan, "one", "c1", status=1)
    script(lan, "one", "c2")
    lan.run(2)
    assert all_states(lan, "one") == ["FAULT", "FAULT"]
    script(lan, "one", "c1")
    lan.run(2)
    assert all_states(lan, "one") == ["BACKUP", "BACKUP"]


def test_a_pulled_cable_takes_and_gives_back_all_at_once() -> None:
    lan = cluster(one=group(150, own=False))
    lan.run(9)
    lan.unplug("one")
    lan.run(1)
    assert all_states(lan, "one") == ["FAULT", "FAULT"]
    before = states(lan, "one")
    lan.plug("one")
    lan.run(1)
    assert states(lan, "one") == [*before, "BACKUP", "BACKUP"]


def test_members_wait_for_the_first_result_of_each_others_scripts() -> None:
    lan = cluster(one="")
    lan.stop("one")
    script(lan, "one", "c2", seconds=0.8)
    lan.conf("one", group(150))
    lan.start("one")
    lan.run(0.7)
    assert states(lan, "one") == []
    lan.run(0.2)
    assert states(lan, "one") == ["BACKUP", "BACKUP"]


def test_a_first_result_that_is_a_failure_is_fault_for_all() -> None:
    lan = cluster(one="")
    lan.stop("one")
    script(lan, "one", "c2", seconds=0.5, status=1)
    script(lan, "one", "c1", seconds=0.9)
    lan.conf("one", group(150))
    lan.start("one")
    lan.run(0.6)
    assert states(lan, "one") == ["FAULT", "FAULT"]
    script(lan, "one", "c2")
    lan.run(0.3)
    assert all_states(lan, "one") == ["FAULT", "FAULT"]
    lan.run(1)
    assert all_states(lan, "one") == ["BACKUP", "BACKUP"]


def test_an_address_that_is_taken_away_moves_the_whole_group() -> None:
    lan = cluster(one=group(150))
    lan.run(9)
    lan.machines["one"].forget(router(lan, "one", "VI_1").placed[0].address.ip)
    lan.run(0.1)
    assert all_states(lan, "one") == ["BACKUP", "BACKUP"]
    lan.run(9)
    assert all_states(lan, "one") == ["MASTER", "MASTER"]


# The group's own trackers and weights.


def test_what_the_group_tracks_every_member_tracks() -> None:
    lan = cluster(one=SCRIPTS + group(150, 2, tracked("c3"), own=False))
    lan.run(5)
    script(lan, "one", "c3", status=1)
    lan.run(1.1)
    assert all_states(lan, "one") == ["FAULT", "FAULT"]
    for name in NAMES[:2]:
        assert "tracked script c3 failed (exit 1, 1 of 1)" in router(lan, "one", name).current.why
        assert "script c3" in router(lan, "one", name).faults


def test_a_weight_of_the_group_counts_for_every_member() -> None:
    lan = cluster(one=SCRIPTS + group(150, 2, "track_script {\n c3 weight -30\n}", own=False))
    lan.run(5)
    script(lan, "one", "c3", status=1)
    lan.run(1.1)
    assert [router(lan, "one", name).priority for name in NAMES[:2]] == [120, 120]


def weighted(*words: str) -> str:
    """Two members, the first of which tracks c1 with a weight."""
    text = SCRIPTS + conf(150, "track_script {\n c1 weight -30\n}")
    text += conf(150, name="VI_2", vrid=52, vips=["192.168.1.20"])
    inside = "\n".join(("group {\n VI_1 VI_2\n}", *words))
    return text + f"vrrp_sync_group VG_1 {{\n{inside}\n}}\n"


def test_members_weights_count_only_with_sync_group_tracking_weight() -> None:
    for words, priority in (((), 150), (("sync_group_tracking_weight",), 120)):
        lan = cluster(one="")
        lan.stop("one")
        script(lan, "one", "c1", status=1)
        lan.conf("one", weighted(*words))
        lan.start("one")
        lan.run(2)
        assert router(lan, "one").priority == priority


def test_a_group_with_an_address_owner_tracks_without_weight() -> None:
    text = group(150, 2, "track_script {\n c3 weight -30\n}", own=False)
    lan = cluster(one=SCRIPTS + text.replace("priority 150", "priority 255", 1))
    lan.run(9)
    assert all_states(lan, "one") == ["MASTER", "MASTER"]
    script(lan, "one", "c3", status=1)
    lan.run(1.1)
    assert all_states(lan, "one") == ["FAULT", "FAULT"]


# Notifications.


def test_the_group_is_notified_once_for_each_state_after_its_members(
    group_calls: list[tuple[str, str]],
) -> None:
    lan = cluster(one=group(150))
    lan.run(9)
    assert group_calls == [("VG_1", "BACKUP"), ("VG_1", "MASTER")]
    script(lan, "one", "c2", status=1)
    lan.run(2)
    script(lan, "one", "c2")
    lan.run(2)
    assert group_calls[2:] == [("VG_1", "FAULT"), ("VG_1", "BACKUP")]
    lan.stop("one")
    assert group_calls[4:] == [("VG_1", "STOP")]


def test_a_reload_notifies_of_nothing_again(group_calls: list[tuple[str, str]]) -> None:
    lan = cluster(one=group(150))
    lan.run(9)
    lan.reload("one")
    lan.run(3)
    assert group_calls == [("VG_1", "BACKUP"), ("VG_1", "MASTER")]
    assert all_states(lan, "one") == ["MASTER", "MASTER"]


# Reload.


def without_group(text: str) -> str:
    return text[: text.index("vrrp_sync_group")]


def test_a_group_that_is_dissolved_frees_its_healthy_members() -> None:
    text = group(150)
    lan = cluster(one=text)
    lan.run(9)
    script(lan, "one", "c1", status=1)
    lan.run(2)
    lan.conf("one", without_group(text))
    lan.reload("one")
    lan.run(5)
    assert all_states(lan, "one") == ["FAULT", "MASTER"]


def test_a_group_that_is_formed_around_a_sick_member_takes_the_others_along() -> None:
    text = group(150)
    lan = cluster(one=without_group(text))
    lan.run(9)
    script(lan, "one", "c1", status=1)
    lan.run(2)
    assert all_states(lan, "one") == ["FAULT", "MASTER"]
    lan.conf("one", text)
    lan.reload("one")
    assert all_states(lan, "one") == ["FAULT", "FAULT"]
    script(lan, "one", "c1")
    lan.run(6)
    assert all_states(lan, "one") == ["MASTER", "MASTER"]


def test_a_group_that_is_formed_of_master_and_backup_begins_as_backup() -> None:
    text = group(100)
    lan = cluster(one=without_group(text))
    lan.run(5)
    inject(lan, "one", advert(150, vrid=52))
    assert all_states(lan, "one") == ["MASTER", "BACKUP"]
    lan.conf("one", text)
    lan.reload("one")
    assert all_states(lan, "one") == ["BACKUP", "BACKUP"]


def test_a_new_member_brings_the_group_to_agree_again() -> None:
    lan = cluster(one=group(150, 2))
    lan.run(9)
    lan.conf("one", group(150, 3))
    lan.reload("one")
    lan.run(0.1)
    assert len(set(all_states(lan, "one", 3))) == 1
    lan.run(9)
    assert all_states(lan, "one", 3) == ["MASTER"] * 3


def test_a_member_that_is_removed_leaves_the_others_in_peace() -> None:
    lan = cluster(one=group(150, 3))
    lan.run(9)
    lan.conf("one", group(150, 2))
    lan.reload("one")
    lan.run(2)
    assert all_states(lan, "one", 2) == ["MASTER"] * 2


@pytest.mark.parametrize("seed", range(30))
def test_whatever_happens_the_members_agree_when_all_is_quiet(seed: int) -> None:
    chance = random.Random(seed)
    lan = cluster(web1=group(150, 3), web2=group(100, 3))
    for _ in range(40):
        host = chance.choice(("web1", "web2"))
        match chance.randrange(6):
            case 0 | 1:
                script(lan, host, f"c{chance.randint(1, 3)}", status=chance.randint(0, 1))
            case 2:
                chance.choice((lan.unplug, lan.plug))(host)
            case 3:
                chance.choice((lan.cut, lan.mend))(host)
            case 4:
                lan.reload(host)
            case 5:
                chance.choice((lan.freeze, lan.thaw))(host)
        lan.run(chance.choice((0, 0.05, 0.7, 1.3, 4)))
        for name in lan.machines:
            here = set(all_states(lan, name, 3))
            assert len(here) == 1, f"{name}: {here} at {lan.now}"
    for host in lan.machines:
        lan.thaw(host)
        lan.plug(host)
        lan.mend(host)
        for number in (1, 2, 3):
            script(lan, host, f"c{number}")
    lan.run(20)
    assert all_states(lan, "web1", 3) == ["MASTER"] * 3
    assert all_states(lan, "web2", 3) == ["BACKUP"] * 3


def test_a_lower_priority_for_one_member_makes_all_announce_their_addresses() -> None:
    """keepalived: garp_lower_prio_repeat rounds, also for the other members of the group."""
    lan = cluster(one=group(100, 2, own=False))
    lan.run(20)
    began = lan.now
    inject(lan, "one", advert(50, vrid=51))
    lan.run(1)
    announced = {arp.address for arp in lan.timeline().of(Arp) if arp.t >= began}
    assert announced == {"192.168.1.10", "192.168.1.20"}
