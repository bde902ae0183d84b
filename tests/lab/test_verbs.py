"""What each verb does to a cable, as the host itself sees it, and how mistakes are answered."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

import pytest

from labs import Lab, LabError
from labs.model.facts import Action
from tests.lab.witness_scenes import children
from tests.support import eventually

NO_DAEMON = ("crash", "stop", "freeze", "thaw")
ALL = ("unplug", "plug", "cut", "mend", "crash", "stop", "start", "freeze", "thaw", "reload")


def card(lab: Lab, host: str = "master") -> str:
    """The line of `ip -br link` for eth0."""
    [line] = [line for line in lab.run(host, "ip -br link").text.splitlines() if "eth0" in line]
    return line


def reachable(lab: Lab) -> bool:
    return lab.run("client", "ping -c 1 -W 1 master").status == 0


BREAKS: dict[str, tuple[Callable[[Lab], None], str, Callable[[Lab], None]]] = {
    "link": (lambda lab: lab.link("master", "down"), "<BROADCAST,MULTICAST>",
             lambda lab: lab.link("master", "up")),
    "unplug": (lambda lab: lab.unplug("master"), "<NO-CARRIER,BROADCAST,MULTICAST,UP>",
               lambda lab: lab.plug("master")),
    "cut": (lambda lab: lab.cut("master"), "<BROADCAST,MULTICAST,UP,LOWER_UP>",
            lambda lab: lab.mend("master")),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_each_break_looks_different_and_stops_frames(machines: Lab, name: str) -> None:
    broken, flags, repaired = BREAKS[name]
    eventually(lambda: reachable(machines), what="a ping before anything is broken")
    broken(machines)
    eventually(lambda: flags in card(machines), what=f"{flags} on master")
    eventually(lambda: not reachable(machines), what="no ping while it is broken")
    repaired(machines)
    eventually(lambda: "<BROADCAST,MULTICAST,UP,LOWER_UP>" in card(machines))
    eventually(lambda: reachable(machines), what="a ping after the repair")


def test_a_break_concerns_one_host_only(machines: Lab) -> None:
    machines.unplug("backup")
    eventually(lambda: "NO-CARRIER" in card(machines, "backup"))
    assert "LOWER_UP" in card(machines, "master")
    machines.plug("backup")


def test_the_witness_sees_the_carrier(machines: Lab) -> None:
    machines.unplug("master")
    machines.wait_until(lambda: not machines.witness.carrier()["master"])
    machines.plug("master")
    machines.wait_until(lambda: machines.witness.carrier()["master"])


def test_verbs_may_be_repeated(machines: Lab) -> None:
    for verb in ("unplug", "unplug", "plug", "plug", "cut", "cut", "mend", "mend", *NO_DAEMON):
        getattr(machines, verb)("master")
    eventually(lambda: reachable(machines))


@pytest.mark.parametrize("verb", ALL)
def test_an_unknown_host_is_answered_with_the_known_ones(machines: Lab, verb: str) -> None:
    with pytest.raises(LabError, match=r"no host called 'mastr'.*choose master, backup or client"):
        getattr(machines, verb)("mastr")


@pytest.mark.parametrize("call", ["run", "conf", "log", "journal"])
def test_so_it_is_when_looking(machines: Lab, call: str) -> None:
    arguments = ("nobody", "true") if call == "run" else ("nobody",)
    with pytest.raises(LabError, match="choose master, backup or client"):
        getattr(machines, call)(*arguments)


@pytest.mark.parametrize("verb", ["crash", "stop", "start", "freeze", "thaw", "reload"])
def test_a_client_has_no_daemon(machines: Lab, verb: str) -> None:
    with pytest.raises(LabError, match=r"no server called 'client'.*choose master or backup"):
        getattr(machines, verb)("client")


def test_other_mistakes_name_the_choices(machines: Lab) -> None:
    with pytest.raises(LabError, match=r"no link status called 'sideways'.*choose up or down"):
        machines.link("master", "sideways")
    with pytest.raises(LabError, match=r"no state called 'basics'.*choose .*basic, .*empty"):
        machines.reset("basics")
    with pytest.raises(LabError, match=r"no daemon called 'vrrp'.*choose vrrpd or keepalived"):
        Lab("empty", daemon="vrrp", beside=True)
    with pytest.raises(LabError, match="no server called 'client'"):
        Lab("empty", daemon={"client": "vrrpd"}, beside=True)
    with pytest.raises(LabError, match=r"no daemon runs on master: lab.start\('master'\)"):
        machines.reload("master")
    with pytest.raises(LabError, match=r"master has no /etc/keepalived/keepalived.conf: write one"):
        machines.conf("master")


def test_a_daemon_that_was_started_by_hand_can_be_told_to_reload(machines: Lab) -> None:
    machines.reset()
    machines.conf("master", "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 1\n}\n")
    machines.run("master", "keepalived -n -l -D -G > /root/said 2>&1 &")
    # Not before its child takes signals: keepalived would not survive an early SIGHUP.
    ready = "Registering gratuitous ARP shared channel"

    def said() -> str:
        return machines.read("master", "/root/said") or ""  # the shell has yet to make it

    eventually(lambda: ready in said(), what="all of keepalived")
    machines.reload("master")
    eventually(lambda: "Reloading" in said(), what="the reload")
    machines.reset()


def test_waiting_in_vain_tells_the_present_state(machines: Lab) -> None:
    with pytest.raises(LabError, match=r"waited 0.1 s for rain, in vain: 192.168.1.10 is held by"):
        machines.wait_until(lambda: False, timeout=0.1, what="rain")


def test_every_action_is_a_fact(machines: Lab) -> None:
    machines.reset()
    machines.unplug("master")
    machines.plug("master")
    machines.link("backup", "down")
    machines.link("backup", "up")
    actions = [(a.verb, a.host, a.text) for a in machines.timeline().of(Action)]
    assert actions == [
        ("reset", None, "reset to empty"),
        ("unplug", "master", "cable of master pulled"),
        ("plug", "master", "cable of master plugged in"),
        ("link", "backup", "link s1 backup down"),
        ("link", "backup", "link s1 backup up"),
    ]


def test_after_a_reset_nothing_old_is_told_as_new(machines: Lab) -> None:
    """However late the witness looks."""
    machines.run("backup", "ip address add 192.168.1.10/32 dev eth0")
    machines.wait_until(lambda: machines.owners() == ["backup"])
    (recorder,) = children(os.getpid(), "recorder")
    os.kill(recorder, signal.SIGSTOP)
    wakes = threading.Timer(2, os.kill, (recorder, signal.SIGCONT))
    wakes.start()
    machines.reset()
    assert machines.owners() == []
    assert not any(part.owners for part in machines.timeline().segments)
    wakes.join()


def test_reset_repairs_everything(machines: Lab) -> None:
    machines.link("master", "down")
    machines.unplug("backup")
    machines.cut("client")
    machines.conf("master", "nonsense\n")
    machines.run("backup", "ip address add 192.168.1.10/32 dev eth0; echo x >/var/log/x")
    machines.wait_until(lambda: machines.owners() == ["backup"])
    machines.reset()
    machines.wait_until(lambda: machines.owners() == [])
    eventually(lambda: reachable(machines))
    assert not machines.hosts["master"].path("/etc/keepalived/keepalived.conf").exists()
    assert machines.run("backup", "ls /var/log").text == ""
