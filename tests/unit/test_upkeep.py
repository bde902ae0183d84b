"""A MASTER holds what it announces, and a router that cannot work is never MASTER.

The machine refuses to send, to listen or to take addresses (`Machine.refuses`); what the real
kernel does by itself is in tests/lab/test_holding.py.
"""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from labs.simulation.invariants import InvariantChecker
from labs.simulation.lan import Lan
from tests.cluster import VIP, adverts, arps, cluster, conf, held, router, scripts, state, states

REASON = "Operation not permitted"
NOTIFY = "notify /bin/true"
ROUTE = "virtual_routes {\n 10.1.0.0/16 via 192.168.1.1 dev eth0\n}"


def why(lan: Lan, host: str) -> str:
    """The reason of the last change of state."""
    return [str(line["reason"]) for line in lan.journal(host) if line["event"] == "state"][-1]


def notified(lan: Lan, host: str) -> list[str]:
    """The states that notify scripts were called with."""
    return [argv[3] for _, argv in scripts(lan, host)]


@pytest.mark.parametrize("what", ["send", "listen", "take"])
@pytest.mark.parametrize("priority", [200, 255])
def test_a_router_that_cannot_work_leaves_a_healthy_master_alone(what: str, priority: int) -> None:
    """It is never MASTER, holds nothing, announces nothing and calls no script."""
    lan = cluster(healthy=conf(100), sick="")
    guard = InvariantChecker(lan)
    lan.run(5)
    lan.machines["sick"].refuses[what] = REASON
    lan.conf("sick", conf(priority, NOTIFY))
    lan.reload("sick")
    lan.run(60)
    assert "MASTER" not in states(lan, "sick") + notified(lan, "sick")
    assert state(lan, "sick") in ("FAULT", "BACKUP")
    assert REASON in "".join(str(line.get("reason")) for line in lan.journal("sick"))
    assert (held(lan, "sick"), arps(lan, "sick")) == (set(), [])
    assert guard.checks
    if what != "take":
        assert adverts(lan, "sick") == []
        assert states(lan, "healthy") == ["BACKUP", "MASTER"]


def test_an_address_that_is_refused_is_tried_again_without_a_word_to_the_others() -> None:
    """One advertisement and its resignation, then FAULT until the kernel takes the address."""
    lan = cluster(healthy=conf(100), sick="")
    lan.run(5)
    lan.machines["sick"].refuses["take"] = REASON
    lan.conf("sick", conf(200))
    lan.reload("sick")
    lan.run(60)
    assert [one.priority for one in adverts(lan, "sick")] == [200, 0]
    assert why(lan, "sick") == f"cannot add {VIP} on eth0: {REASON}"
    assert state(lan, "healthy") == "MASTER"
    lan.machines["sick"].refuses.clear()
    lan.wait_until(lambda: state(lan, "sick") == "BACKUP", 1.1)
    assert held(lan, "sick") == set()
    lan.wait_until(lambda: state(lan, "sick") == "MASTER")
    lan.run(0.1)
    assert (held(lan, "sick"), held(lan, "healthy")) == ({VIP}, set())


def test_a_master_that_cannot_send_any_more_gives_up() -> None:
    lan = cluster(web1=conf(200), web2=conf(100))
    lan.run(5)
    lan.machines["web1"].refuses["send"] = REASON
    lan.run(1.1)
    assert state(lan, "web1") == "FAULT"
    assert why(lan, "web1") == f"cannot send an advertisement: {REASON}"
    assert held(lan, "web1") == set()
    lan.wait_until(lambda: state(lan, "web2") == "MASTER")
    lan.run(300)
    assert states(lan, "web2") == ["BACKUP", "MASTER"]
    assert len(states(lan, "web1")) < 30  # the pauses become longer
    lan.machines["web1"].refuses.clear()
    lan.wait_until(lambda: state(lan, "web1") == "MASTER", 60)
    lan.run(0.1)
    assert state(lan, "web2") == "BACKUP"


def test_an_error_that_passes_is_no_reason_to_give_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full queue: two advertisements in a row may be lost, as on the way; the third is one."""
    lan = cluster(web1=conf(200))
    lan.run(5)
    channel = router(lan, "web1").listener.channel
    assert channel is not None
    for failures, after in ((2, "MASTER"), (3, "FAULT")):
        with monkeypatch.context() as patch:
            patch.setattr(type(channel), "send", full)
            lan.run(failures)
        assert state(lan, "web1") == after
        lan.run(2)


@pytest.mark.parametrize("place", ["send", "take"])
def test_a_mistake_of_ours_is_no_end_of_the_timer(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any exception of a port: FAULT with the reason, and MASTER again when it is over."""
    lan = cluster(one=conf(200))
    lan.run(1)
    InvariantChecker(lan)
    one = router(lan, "one")
    target = one.advertiser if place == "send" else one.master_state
    with monkeypatch.context() as patch:
        patch.setattr(target, place, mistake)
        lan.run(60)
        assert "MASTER" not in states(lan, "one")
        assert "FAULT" in states(lan, "one")
        assert "ValueError" in "".join(lan.logs["one"].lines)
    lan.wait_until(lambda: state(lan, "one") == "MASTER", 60)
    lan.run(0.1)
    assert held(lan, "one") == {VIP}


def mistake(*_: object) -> None:
    """A mistake of ours."""
    raise ValueError("a mistake of ours")


def full(*_: object) -> None:
    """A queue with no space for another packet."""
    raise OSError(105, "No buffer space available")


def test_a_dead_link_that_is_not_tracked_is_no_reason_to_give_up() -> None:
    """`dont_track_primary`: MASTER without a link, as in keepalived."""
    lan = cluster(web1=conf(200, "dont_track_primary"))
    lan.run(5)
    lan.machines["web1"].set_link(up=False)
    lan.run(20)
    assert state(lan, "web1") == "MASTER"


def test_a_link_that_cannot_be_listened_on_again() -> None:
    """No descriptor is free when the interface comes back: FAULT, and tried every second."""
    lan = cluster(web1=conf(200), web2=conf(100))
    InvariantChecker(lan)
    lan.run(5)
    machine = lan.machines["web2"]
    machine.unload()
    lan.run(1)
    machine.refuses["listen"] = "Too many open files"
    machine.load()
    lan.run(30)
    assert state(lan, "web2") == "FAULT"
    assert states(lan, "web1")[-1] == "MASTER"
    assert (
        "cannot listen for VRRP on eth0: Too many open files" in router(lan, "web2").faults.values()
    )
    machine.refuses.clear()
    lan.wait_until(lambda: state(lan, "web2") == "BACKUP", 1.1)
    lan.run(10)
    assert state(lan, "web2") == "BACKUP"  # it receives from the MASTER


def test_a_daemon_that_cannot_listen_at_the_start_begins_in_fault() -> None:
    lan = cluster(one="")
    lan.machines["one"].refuses["listen"] = "Too many open files"
    lan.conf("one", conf(255))
    lan.stop("one")
    lan.start("one")
    lan.run(10)
    assert states(lan, "one")[-1] == "FAULT"
    lan.machines["one"].refuses.clear()
    lan.run(5)
    assert state(lan, "one") == "MASTER"
    lan.stop("one")
    lan.run(10)
    assert held(lan, "one") == set()


def test_an_address_removed_again_and_again() -> None:
    """Priority 254: Skew_Time is 8 ms.  Six losses in ten seconds, then FAULT for ten."""
    lan = cluster(one=conf(254))
    lan.run(5)
    machine = lan.machines["one"]
    begin = len(lan.journal("one"))
    for _ in range(3000):
        machine.forget(ip_address(VIP))
        lan.run(0.02)
    changes = [line for line in lan.journal("one")[begin:] if line["event"] == "state"]
    assert len(changes) < 100
    faults = [line["reason"] for line in changes if line["to"] == "FAULT"]
    assert faults
    assert set(faults) == {f"{VIP} was removed by somebody else 6 times in 10 s"}
    lan.run(20)
    assert held(lan, "one") == {VIP}


def test_what_goes_with_an_address_of_another_instance_is_put_back() -> None:
    """The kernel removed it with one that we removed: no resignation, no router is affected."""
    lan = cluster(one=conf(200))
    lan.run(5)
    machine = lan.machines["one"]
    length = machine.addresses.pop(ip_address(VIP))
    lan.daemons["one"].address_removed("eth0", ip_address(VIP), True)
    assert machine.addresses[ip_address(VIP)] == length
    assert states(lan, "one") == ["BACKUP", "MASTER"]
    assert [line["event"] for line in lan.journal("one")][-1] == "restored"


def test_a_route_that_the_kernel_forgot_is_there_again_after_the_link_is() -> None:
    lan = cluster(one=conf(200, "dont_track_primary", ROUTE))
    lan.run(5)
    machine = lan.machines["one"]
    ways = list(machine.ways)
    assert len(ways) == 1
    machine.set_link(up=False)
    machine.ways.clear()
    lan.run(1)
    machine.ways.clear()
    machine.set_link(up=True)
    lan.run(0.9)
    assert machine.ways == ways


# A reload.


def test_a_reload_that_adds_an_instance_removes_its_leftovers_as_a_start_does() -> None:
    other = conf(100, ROUTE, name="VI_2", vrid=52, vips=["192.168.1.20"])
    lan = cluster(web1=conf(200) + other.replace("priority 100", "priority 200"), two=conf(100))
    lan.run(5)
    machine = lan.machines["two"]
    machine.addresses[ip_address("192.168.1.20")] = 32
    lan.conf("two", conf(100) + other)
    lan.reload("two")
    lan.run(5)
    assert state(lan, "two", "VI_2") == "BACKUP"
    assert held(lan, "two") == set()


def test_a_reload_that_adds_an_address_to_a_backup_removes_it() -> None:
    lan = cluster(web1=conf(200, vips=[VIP, "192.168.1.20"]), two=conf(100))
    lan.run(5)
    lan.machines["two"].addresses[ip_address("192.168.1.20")] = 32
    lan.conf("two", conf(100, vips=[VIP, "192.168.1.20"]))
    lan.reload("two")
    lan.run(1)
    assert held(lan, "two") == set()


def test_a_reload_leaves_an_address_to_the_instance_that_holds_it() -> None:
    """It moves from one instance to another, or both have it."""
    lan = cluster(one=conf(200, vips=[VIP, "192.168.1.20"]))
    lan.run(5)
    lan.conf(
        "one",
        conf(200, vips=[VIP, "192.168.1.20"])
        + conf(100, name="VI_2", vrid=52, vips=["192.168.1.20"]),
    )
    lan.reload("one")
    lan.run(1)
    assert held(lan, "one") == {VIP, "192.168.1.20"}


# The host's own address among the virtual ones.

OWN = "192.168.1.11"
WARNING = f"virtual address {OWN} on eth0 is this host's own address"


@pytest.mark.parametrize("words", [(), ("strict_mode",), ("no_accept",)])
def test_the_host_s_own_address_is_never_removed(words: tuple[str, ...]) -> None:
    """Priority below 255: a mistake, of which the start warns; it must not lock anybody out."""
    lan = cluster(one="", two=conf(200, vips=[f"{OWN}/24", VIP]))
    lan.run(5)
    lan.conf("one", conf(100, *words, vips=[f"{OWN}/24", VIP]))
    lan.reload("one")
    machine, mine = lan.machines["one"], ip_address(OWN)
    assert any(WARNING in line for line in lan.logs["one"].lines)
    removed: list[int] = []

    def look() -> None:
        if mine not in machine.addresses:
            removed.append(lan.clock.now())

    lan.clock.after.append(look)
    lan.run(1)
    assert state(lan, "one") == "BACKUP"
    lan.stop("two")
    lan.wait_until(lambda: state(lan, "one") == "MASTER")
    lan.run(0.1)
    assert held(lan, "one") == {VIP}
    assert str(router(lan, "one").source) == OWN
    assert mine not in {one.address.ip for one in machine.shield.silent}
    lan.start("two")
    lan.wait_until(lambda: state(lan, "one") == "BACKUP")
    lan.reload("one")
    lan.stop("one")
    assert held(lan, "one") == set()
    assert removed == []


def test_the_owner_is_not_warned() -> None:
    lan = cluster(one=conf(255, vips=[f"{OWN}/24"]))
    lan.run(1)
    assert state(lan, "one") == "MASTER"
    assert not any("own address" in line for line in lan.logs["one"].lines)


def test_a_reload_that_makes_the_host_s_own_address_a_virtual_one() -> None:
    """While the daemon holds others: what it has added is not the host's."""
    lan = cluster(one=conf(100, vips=[VIP]))
    lan.run(5)
    lan.conf("one", conf(100, vips=[VIP, f"{OWN}/24"]))
    lan.reload("one")
    lan.run(1)
    assert any(WARNING in line for line in lan.logs["one"].lines)
    lan.conf("one", conf(100, vips=[VIP]))
    lan.reload("one")
    lan.stop("one")
    assert {str(ip) for ip in lan.machines["one"].addresses} == {OWN}


def test_a_leftover_is_not_taken_for_the_host_s_own_address() -> None:
    """The host has another address; or the router sends from elsewhere and needs none there."""
    lan = cluster(one=conf(100), two=conf(200))
    lan.run(1)
    lan.crash("one")
    machine = lan.machines["one"]
    machine.addresses[ip_address(VIP)] = 32
    lan.start("one")
    assert held(lan, "one") == set()
    lan.crash("one")
    machine.addresses = {ip_address(VIP): 32}
    lan.conf("one", conf(100, "mcast_src_ip 10.0.0.1"))
    lan.start("one")
    assert machine.addresses == {}
