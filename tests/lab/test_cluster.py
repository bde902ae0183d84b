"""The article's exercise, with each daemon: failover, failback, and the other ways to break it."""

from __future__ import annotations

import os
import re
import threading
import time

import pytest

from labs import Lab, LabError
from labs.model.facts import Advert, State
from tests.support import HUNG_S, eventually

# keepalived from 2.3.3 on and vrrpd mark it as theirs, and ip(8) of Debian 13 shows that.
VIP = re.compile(r"inet 192\.168\.1\.10/32 scope global (proto keepalived )?eth0")


def owned_by(lab: Lab, *hosts: str) -> None:
    what = f"{hosts} to hold the address"
    lab.wait_until(lambda: lab.holders() == list(hosts), timeout=HUNG_S, what=what)


def moves(lab: Lab) -> list[tuple[str | None, str]]:
    """From whom and to whom the address has moved since the last reset."""
    return [(takeover.frm, takeover.to) for takeover in lab.timeline().takeovers]


def shows_the_address(lab: Lab, host: str) -> bool:
    """Whether ip(8) on the host lists the shared address as the article shows it."""
    return VIP.search(lab.run(host, "/sbin/ip address list").text) is not None


def test_failover_and_failback(cluster: Lab) -> None:
    assert shows_the_address(cluster, "web1")
    assert not shows_the_address(cluster, "web2")
    # On a busy machine web1 may start so late that web2 is the first for a moment.
    before = moves(cluster)
    assert before[0][0] is None
    assert before[-1][1] == "web1"
    cluster.unplug("web1")
    owned_by(cluster, "web2")
    assert shows_the_address(cluster, "web2")
    assert not shows_the_address(cluster, "web1")
    cluster.plug("web1")
    owned_by(cluster, "web1")
    assert shows_the_address(cluster, "web1")
    assert not shows_the_address(cluster, "web2")
    assert moves(cluster) == [*before, ("web1", "web2"), ("web2", "web1")]


def test_a_crash_leaves_the_address_and_a_start_takes_it_back(cluster: Lab) -> None:
    cluster.crash("web1")
    assert not cluster.running("web1")
    owned_by(cluster, "web1", "web2")
    cluster.start("web1")
    owned_by(cluster, "web1")


def test_a_crash_is_no_resignation_however_slowly_its_processes_are_killed(
    cluster: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """keepalived's second process resigns when it sees the first one die."""
    kill = os.kill

    def slow(pid: int, number: int) -> None:
        kill(pid, number)
        threading.Event().wait(0.3)

    with monkeypatch.context() as patch:
        patch.setattr("labs.emulation.daemons.os.kill", slow)
        cluster.crash("web1")
    owned_by(cluster, "web1", "web2")


def test_a_cut_further_away_makes_two_holders(cluster: Lab) -> None:
    cluster.cut("web1")
    owned_by(cluster, "web1", "web2")
    cluster.mend("web1")
    owned_by(cluster, "web1")


def test_a_stopped_daemon_resigns(cluster: Lab) -> None:
    cluster.stop("web1")
    assert not cluster.running("web1")
    owned_by(cluster, "web2")
    # Addresses and frames come by different ways, and either may be reported first.
    cluster.wait_until(
        lambda: [a for a in cluster.witness.of(Advert) if a.host == "web1"][-1].priority == 0,
        what="the resignation",
    )


def test_a_frozen_daemon_keeps_the_address_until_it_thaws(cluster: Lab) -> None:
    cluster.freeze("web1")
    assert cluster.running("web1")
    owned_by(cluster, "web1", "web2")
    cluster.thaw("web1")
    assert cluster.settle() == "web1"


def test_a_reload_takes_up_another_address(cluster: Lab) -> None:
    text = cluster.conf("web1").replace("192.168.1.10\n", "192.168.1.10\n192.168.1.101\n")
    cluster.conf("web1", text)
    cluster.reload("web1")
    cluster.wait_until(lambda: "192.168.1.101" in cluster.witness.held()["web1"], timeout=HUNG_S)
    assert cluster.holders() == ["web1"]


def test_a_daemon_started_by_hand_is_found(cluster: Lab) -> None:
    daemon = cluster.daemons["web2"]
    cluster.stop("web2")
    cluster.run("web2", f"{daemon.command} >/var/log/by-hand 2>&1 &")
    cluster.wait_until(lambda: cluster.running("web2"))
    # All of its processes are there when it has a state.
    entered = "Entering BACKUP STATE"
    cluster.wait_until(lambda: entered in (cluster.read("web2", "/var/log/by-hand") or ""))
    cluster.crash("web2")
    assert not cluster.running("web2")


def test_logs_and_journals_have_the_change(cluster: Lab) -> None:
    assert "VI_1" in cluster.log("web1")
    # The journal is written when the work is done: a moment after the address is there.
    cluster.wait_until(
        lambda: (
            [f.to for f in cluster.facts() if isinstance(f, State) and f.host == "web1"][-1:]
            == ["MASTER"]
        )
    )
    if cluster.daemons["web1"].name == "vrrpd":
        [entry] = [e for e in cluster.journal("web1") if e["event"] == "state"][-1:]
        assert entry["to"] == "MASTER"
        assert "for 3.414 s" in entry["reason"]
    else:
        assert cluster.journal("web1") == []


def test_settle_waits_for_a_failback(cluster: Lab) -> None:
    cluster.unplug("web1")
    owned_by(cluster, "web2")
    cluster.plug("web1")
    assert cluster.settle() == "web1"


def test_a_bad_configuration_is_reported_with_the_log(cluster: Lab) -> None:
    """The daemon ends and start() says why, unless keepalived has looked ready before that."""
    cluster.stop("web1")
    cluster.conf("web1", "vrrp_instance VI_1 {\n    virtual_router_id 999\n}\n")
    name = cluster.daemons["web1"].name
    told = "needs a virtual_router_id" if name == "vrrpd" else "the virtual router id must be set"
    refused = ""
    try:
        cluster.start("web1")
    except LabError as error:
        refused = str(error)
    if refused or name == "vrrpd":
        assert f"{name} on web1 ended at once" in refused
        assert told in refused
        assert "look at lab.conf('web1'), correct it, and" in refused
    eventually(lambda: told in cluster.log("web1"))
    eventually(lambda: not cluster.running("web1"))


def test_reset_starts_the_clock_of_the_timeline_again(cluster: Lab) -> None:
    before = time.time()
    cluster.reset()
    assert cluster.timeline().start >= before
    owned_by(cluster, "web1")
    takeovers = cluster.timeline().takeovers
    assert takeovers[0].at >= before
    assert takeovers[-1].to == "web1"
