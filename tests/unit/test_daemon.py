"""The daemon as a whole: starting after a crash, reloading, stopping, several instances.

A reload may add and take away addresses, instances and mistakes; none of that may cost a MASTER
its state, an address that both files list, or the peers' Master_Down_Timer.
"""

from __future__ import annotations

import sys
from ipaddress import ip_address
from pathlib import Path

import pytest

from labs.model.facts import Advert, Arp
from labs.simulation.lan import Lan
from tests.cluster import (
    VIP,
    advert,
    adverts,
    arps,
    cluster,
    conf,
    held,
    inject,
    moves,
    router,
    scripts,
    state,
    states,
)
from vrrpd.config import Config, ConfigError
from vrrpd.fsm import SECOND

# No virtual_router_id: one of the few fatal mistakes.
BROKEN = "vrrp_instance VI_1 {\n interface eth0\n virtual_ipaddress {\n 10.0.0.1\n}\n}"


def reload(lan: Lan, text: str, host: str = "one") -> bool:
    """Let the daemon of `host` go over to another file."""
    lan.conf(host, text)
    return lan.daemons[host].reload()


@pytest.fixture
def lan() -> Lan:
    """A MASTER of 10.0.0.1 and 10.0.0.2 whose bursts are over."""
    lan = cluster(one=conf(100, "notify /n", vips=["10.0.0.1", "10.0.0.2"]))
    lan.run(20.3)
    return lan


def again(vips: list[str], priority: int = 100, **more: object) -> str:
    return conf(priority, "notify /n", vips=vips, **more)  # type: ignore[arg-type]


# Starting.


def test_leftovers_of_a_killed_daemon_go_before_anything_is_received() -> None:
    lan = cluster(one=conf(150), two=conf(100))
    lan.run(5)
    lan.crash("one")
    assert held(lan, "one") == {VIP}
    lan.run(5)
    lan.start("one")
    assert held(lan, "one") == set()
    assert state(lan, "one") == "BACKUP"
    receivers = lan.machines["one"].receivers
    assert receivers


def test_the_host_s_own_address_is_no_leftover() -> None:
    lan = cluster(one=conf(150))
    assert lan.machines["one"].ip in lan.machines["one"].addresses


def test_the_owner_keeps_its_real_address_from_first_to_last() -> None:
    """RFC 3768 section 1.2: the owner's virtual address is the real address of its interface."""
    real = "192.168.1.11"
    vips = [f"{real}/24", VIP]
    lan = cluster(one=conf(255, vips=vips), two=conf(100, vips=vips))
    machine = lan.machines["one"]
    lan.run(1)
    assert state(lan, "one") == "MASTER"
    assert {said.source for said in adverts(lan, "one")} == {real}
    assert {str(ip) for ip in machine.addresses} == {real, VIP}
    lan.crash("one")
    lan.start("one")
    assert {str(ip) for ip in machine.addresses} >= {real}
    lan.stop("one")
    assert {str(ip) for ip in machine.addresses} == {real}


def test_a_file_that_cannot_be_used_starts_nothing() -> None:
    lan = Lan("empty", hosts={"one": "192.168.1.11"}, ping=None)
    lan.conf("one", BROKEN)
    with pytest.raises(ConfigError):
        lan.start("one")
    assert lan.machines["one"].receivers == {}


def test_a_startup_delay_comes_before_the_first_timer() -> None:
    lan = cluster(one="global_defs {\n vrrp_startup_delay 10\n}\n" + conf(100))
    lan.wait_until(lambda: state(lan, "one") == "MASTER")
    assert lan.now == pytest.approx(13.609375, abs=1e-9)


# Reloading.


def test_addresses_come_and_go_without_a_change_of_state(lan: Lan) -> None:
    lines, told, sent = len(lan.journal("one")), scripts(lan, "one"), len(adverts(lan, "one"))
    at = len(lan.facts)
    assert reload(lan, again(["10.0.0.2", "10.0.0.3"]))
    assert state(lan, "one") == "MASTER"
    assert held(lan, "one") == {"10.0.0.2", "10.0.0.3"}
    new = [line["event"] for line in lan.journal("one")[lines:]]
    assert "state" not in new
    assert scripts(lan, "one") == told
    spoken = adverts(lan, "one")[sent:]
    assert [fact.priority for fact in spoken] == [100, 100]  # just before and just after
    assert spoken[0].addresses == ("10.0.0.1", "10.0.0.2")
    assert spoken[1].addresses == ("10.0.0.2", "10.0.0.3")
    burst = [fact for fact in lan.facts[at:] if isinstance(fact, Arp)]
    assert [fact.address for fact in burst] == ["10.0.0.2", "10.0.0.3"] * 5
    assert moves(lan, "one")[2:] == [("10.0.0.1", False), ("10.0.0.3", True)]


def test_no_burst_if_nothing_was_added(lan: Lan) -> None:
    before = len(arps(lan, "one"))
    reload(lan, again(["10.0.0.2"]))
    lan.run(20)
    assert len(arps(lan, "one")) == before
    assert held(lan, "one") == {"10.0.0.2"}


def test_a_reload_of_the_same_file_moves_nothing(lan: Lan) -> None:
    before = (moves(lan, "one"), arps(lan, "one"), router(lan, "one").current)
    for _ in range(5):
        assert reload(lan, again(["10.0.0.1", "10.0.0.2"]))
    assert (moves(lan, "one"), arps(lan, "one"), router(lan, "one").current) == before


def test_an_address_that_changes_its_mask_only_is_not_lost(lan: Lan) -> None:
    reload(lan, again(["10.0.0.1/24", "10.0.0.2"]))
    assert held(lan, "one") == {"10.0.0.1", "10.0.0.2"}
    assert lan.machines["one"].addresses[ip_address("10.0.0.1")] == 24


def test_an_address_that_moves_to_another_instance_is_never_lost() -> None:
    """Whichever comes first in the file: what one gives up the other takes."""
    first, second = ["10.0.0.1"], ["10.0.0.2", "10.0.0.3"]

    def both(one: list[str], two: list[str]) -> str:
        return conf(vips=one) + conf(name="VI_2", vrid=52, vips=two)

    lan = cluster(one=both(first, second))
    lan.run(5)
    assert reload(lan, both([*first, "10.0.0.3"], ["10.0.0.2"]))
    assert held(lan, "one") == {"10.0.0.1", "10.0.0.2", "10.0.0.3"}
    assert reload(lan, both(first, second))
    assert held(lan, "one") == {"10.0.0.1", "10.0.0.2", "10.0.0.3"}
    lan.run(5)
    assert {state(lan, "one"), state(lan, "one", "VI_2")} == {"MASTER"}


def test_an_address_that_moves_to_a_backup_instance_is_given_up() -> None:
    lan = cluster(one=conf(vips=["10.0.0.1"]) + conf(name="VI_2", vrid=52, vips=["10.0.0.2"]))
    lan.run(5)
    inject(lan, "one", advert(200, "192.168.1.99", "10.0.0.2", vrid=52))
    assert held(lan, "one") == {"10.0.0.1"}
    reload(
        lan,
        conf(vips=["10.0.0.9"]) + conf(name="VI_2", vrid=52, vips=["10.0.0.1", "10.0.0.2"]),
    )
    assert held(lan, "one") == {"10.0.0.9"}


def test_a_backup_reloads_in_silence() -> None:
    lan = cluster(one=conf(150), two=conf(100))
    lan.run(10)
    reload(lan, conf(100, vips=[VIP, "10.0.0.7"]), "two")
    assert adverts(lan, "two") == []
    assert moves(lan, "two") == []
    assert states(lan, "two") == ["BACKUP"]


def test_a_fatal_mistake_keeps_the_running_configuration(lan: Lan) -> None:
    """keepalived ends here: exit 2, no priority 0, addresses left behind."""
    before = router(lan, "one").current
    assert not reload(lan, BROKEN)
    assert held(lan, "one") == {"10.0.0.1", "10.0.0.2"}
    assert router(lan, "one").current == before
    assert lan.journal("one")[-1]["ok"] is False
    assert any("refused" in line for line in lan.logs["one"].lines)
    sent = len(adverts(lan, "one"))
    lan.run(10)
    assert len(adverts(lan, "one")) == sent + 10
    assert reload(lan, again(["10.0.0.1"]))
    assert held(lan, "one") == {"10.0.0.1"}


def test_a_reload_that_reads_for_long_costs_the_peers_nothing(lan: Lan) -> None:
    """A MASTER sends before it reads, so that its Adver_Timer may be late."""
    lan.run(0.9)
    before = len(adverts(lan, "one"))
    reload(lan, again(["10.0.0.1", "10.0.0.2"]))
    assert len(adverts(lan, "one")) > before


def test_a_reload_of_many_instances_lets_timers_run_in_every_step_that_takes_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = range(1, 41)
    many = "".join(conf(255, name=f"V{n}", vrid=n, vips=[f"10.0.{n}.1"]) for n in names)
    lan = cluster(one=many)
    lan.run(1)
    steps: list[str] = []
    clock = type(lan.daemons["one"].ports.clock)
    monkeypatch.setattr(clock, "breathe", lambda _: steps.append(sys._getframe(1).f_code.co_name))
    assert reload(lan, many)
    # Advertisements, addresses, what was added, both sides of the comparison.
    assert steps.count("_paced") >= 5 * len(names)
    assert steps.count("_reconfigure") == len(names)  # the change itself
    assert steps.count("configure") == len(names)  # of what is tracked
    assert steps.count("_follow") == len(names)  # the effects of that


def test_a_reload_that_is_asked_for_during_another_follows_it(lan: Lan) -> None:
    """To read takes a while in which the daemon goes on, and may be asked to read again."""
    daemon = lan.daemons["one"]
    read, seen = daemon.load, []

    def slow() -> Config:
        config = read()
        seen.append(config.instances[0].priority)
        if len(seen) == 1:
            lan.conf("one", conf(120))
            assert daemon.reload()
            assert daemon.reload()
        return config

    daemon.load = slow
    assert reload(lan, conf(130))
    assert seen == [130, 120]
    assert router(lan, "one").priority == 120


def test_a_reload_that_fails_in_an_unforeseen_way_does_not_keep_the_next_one_out(lan: Lan) -> None:
    daemon = lan.daemons["one"]
    read = daemon.load

    def broken() -> Config:
        raise MemoryError

    daemon.load = broken
    with pytest.raises(MemoryError):
        daemon.reload()
    daemon.load = read
    assert reload(lan, conf(120))
    assert router(lan, "one").priority == 120


def test_an_address_of_two_instances_stays_until_neither_holds_it() -> None:
    both = conf(150) + conf(150, name="VI_2", vrid=52)
    lan = cluster(one=both)
    lan.run(5)
    assert held(lan, "one") == {VIP}
    assert reload(lan, conf(150))
    assert held(lan, "one") == {VIP}
    lan.stop("one")
    assert held(lan, "one") == set()


def test_a_new_priority_counts_from_the_next_advertisement(lan: Lan) -> None:
    reload(lan, again(["10.0.0.1", "10.0.0.2"], 50))
    assert adverts(lan, "one")[-1].priority == 50
    assert state(lan, "one") == "MASTER"


def test_a_lower_priority_lets_the_peer_preempt() -> None:
    lan = cluster(one=conf(150), two=conf(100))
    lan.run(10)
    reload(lan, conf(50))
    lan.wait_until(lambda: state(lan, "two") == "MASTER")
    lan.run(0.001)
    assert states(lan, "one")[-1] == "BACKUP"


def test_the_name_is_not_what_makes_an_instance_the_same(lan: Lan) -> None:
    reload(lan, again(["10.0.0.1", "10.0.0.2"], name="RENAMED"))
    assert state(lan, "one", "RENAMED") == "MASTER"
    assert len(moves(lan, "one")) == 2


def test_an_instance_that_is_gone_resigns_and_gives_back(lan: Lan) -> None:
    two = conf(name="VI_2", vrid=52, vips=["10.0.0.9"])
    reload(lan, again(["10.0.0.1", "10.0.0.2"]) + two)
    lan.run(5)
    assert held(lan, "one") == {"10.0.0.1", "10.0.0.2", "10.0.0.9"}
    reload(lan, again(["10.0.0.1", "10.0.0.2"]))
    assert held(lan, "one") == {"10.0.0.1", "10.0.0.2"}
    last = [fact for fact in lan.facts if isinstance(fact, Advert) and fact.vrid == 52][-1]
    assert last.priority == 0
    lan.run(5)
    assert [r.name for r in lan.daemons["one"].routers.values()] == ["VI_1"]


def test_a_new_instance_starts_as_a_backup(lan: Lan) -> None:
    reload(lan, again(["10.0.0.1", "10.0.0.2"]) + conf(name="VI_2", vrid=52, vips=["10.0.0.9"]))
    at = lan.now
    assert state(lan, "one", "VI_2") == "BACKUP"
    lan.wait_until(lambda: state(lan, "one", "VI_2") == "MASTER")
    assert lan.now == pytest.approx(at + 3.609375, abs=1e-9)


def test_another_virtual_router_id_is_another_router(lan: Lan) -> None:
    reload(lan, again(["10.0.0.1", "10.0.0.2"], vrid=99))
    assert state(lan, "one") == "BACKUP"
    assert held(lan, "one") == set()
    lan.run(4)
    assert held(lan, "one") == {"10.0.0.1", "10.0.0.2"}


def test_all_instances_may_go_and_come_back(lan: Lan) -> None:
    reload(lan, "global_defs {\n}\n")
    assert held(lan, "one") == set()
    assert lan.daemons["one"].segments == {}
    assert lan.machines["one"].receivers == {}
    reload(lan, again(["10.0.0.1"]))
    lan.run(4)
    assert held(lan, "one") == {"10.0.0.1"}


def test_a_reload_in_fault_takes_effect_when_the_cable_is_back(lan: Lan) -> None:
    lan.unplug("one")
    lan.run(1)
    reload(lan, again(["10.0.0.5"]))
    assert state(lan, "one") == "FAULT"
    lan.plug("one")
    lan.run(5)
    assert held(lan, "one") == {"10.0.0.5"}


# Several instances.


def test_two_instances_on_one_interface_share_a_socket_and_nothing_else() -> None:
    lan = cluster(one=conf(vips=["10.0.0.1"]) + conf(50, name="VI_2", vrid=52, vips=["10.0.0.2"]))
    lan.run(10)
    assert len(lan.daemons["one"].segments) == 1
    inject(lan, "one", advert(200, "192.168.1.99", "10.0.0.1"))
    assert (state(lan, "one"), state(lan, "one", "VI_2")) == ("BACKUP", "MASTER")
    assert held(lan, "one") == {"10.0.0.2"}
    lan.unplug("one")
    lan.run(0)
    assert (state(lan, "one"), state(lan, "one", "VI_2")) == ("FAULT", "FAULT")


def test_fifty_instances() -> None:
    text = "".join(
        conf(100 + n, name=f"VI_{n}", vrid=n, vips=[f"10.0.{n}.1"]) for n in range(1, 51)
    )
    lan = cluster(one=text, two=text.replace("priority 1", "priority 2"))
    lan.run(5)
    assert len(held(lan, "two")) == 50
    assert held(lan, "one") == set()
    lan.stop("two")
    lan.run(1)
    assert len(held(lan, "one")) == 50


# Stopping, and what can be asked.


def test_stopping_resigns_in_the_order_of_the_file_and_leaves_nothing() -> None:
    lan = cluster(one=conf(vips=["10.0.0.1"]) + conf(name="VI_2", vrid=7, vips=["10.0.0.2"]))
    lan.run(5)
    at = len(lan.facts)
    lan.stop("one")
    said = [fact for fact in lan.facts[at:] if isinstance(fact, Advert)]
    assert [(fact.vrid, fact.priority) for fact in said] == [(51, 0), (7, 0)]
    assert held(lan, "one") == set()
    lan.run(10)
    assert len(adverts(lan, "one")) == len([f for f in lan.facts if isinstance(f, Advert)])


def test_nothing_happens_after_the_end(lan: Lan) -> None:
    daemon = lan.daemons["one"]
    lan.stop("one")
    at = len(lan.facts)
    lan.run(60)
    daemon.interface_changed("eth0")
    assert len(lan.facts) == at


def test_why_shows_the_last_changes_of_one_or_all(lan: Lan) -> None:
    daemon = lan.daemons["one"]
    lines = daemon.why("VI_1")
    assert lines is not None
    assert [line["to"] for line in lines] == ["BACKUP", "MASTER"]
    assert daemon.why() == lines
    assert daemon.why("VI_9") is None


def test_why_remembers_fifty_and_no_more(lan: Lan) -> None:
    for _ in range(60):
        inject(lan, "one", advert(200, "192.168.1.99", "10.0.0.1", "10.0.0.2"))
        inject(lan, "one", advert(0, "192.168.1.99", "10.0.0.1", "10.0.0.2"))
        lan.run(1)
    lines = lan.daemons["one"].why("VI_1")
    assert lines is not None
    assert len(lines) == 50


def test_stats_are_plain_data(lan: Lan) -> None:
    inject(lan, "one", advert(1, vrid=99))
    stats = lan.daemons["one"].stats()
    assert stats[0]["instance"] == "VI_1"
    assert stats[0]["advertisement-sent"] == len(adverts(lan, "one"))
    assert stats[1]["vrid-errors"] == 1
    assert round(lan.clock.now() / SECOND, 1) == 20.3


def test_a_reload_opens_the_journal_again_where_its_name_is_now(lan: Lan, tmp_path: Path) -> None:
    """As logrotate has it: rename, then SIGHUP; also if the reload itself is refused."""
    journal = lan.daemons["one"].journal
    journal.path = str(tmp_path / "journal")
    for number, text in enumerate((conf(150), BROKEN)):
        journal.write("before")
        old = (tmp_path / "journal").rename(tmp_path / f"journal.{number}")
        size = old.stat().st_size
        assert reload(lan, text) is (text != BROKEN)
        assert old.stat().st_size == size
        assert '"event": "reload"' in (tmp_path / "journal").read_text()
