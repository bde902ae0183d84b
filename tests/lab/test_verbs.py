"""What each verb does to a cable, as the host itself sees it, and how mistakes are answered."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

import pytest

from labs import Lab, LabError
from labs.model.facts import Action
from tests.lab.observer_cases import children
from tests.support import eventually

NO_DAEMON = ("crash", "stop", "freeze", "thaw")
ALL = ("unplug", "plug", "cut", "mend", "crash", "stop", "start", "freeze", "thaw", "reload")


def interface(lab: Lab, host: str = "web1") -> str:
    """The line of `ip -br link` for eth0."""
    [line] = [line for line in lab.run(host, "ip -br link").text.splitlines() if "eth0" in line]
    return line


def reachable(lab: Lab) -> bool:
    return lab.run("client", "ping -c 1 -W 1 web1").status == 0


BREAKS: dict[str, tuple[Callable[[Lab], None], str, Callable[[Lab], None]]] = {
    "link": (lambda lab: lab.link("web1", "down"), "<BROADCAST,MULTICAST>",
             lambda lab: lab.link("web1", "up")),
    "unplug": (lambda lab: lab.unplug("web1"), "<NO-CARRIER,BROADCAST,MULTICAST,UP>",
               lambda lab: lab.plug("web1")),
    "cut": (lambda lab: lab.cut("web1"), "<BROADCAST,MULTICAST,UP,LOWER_UP>",
            lambda lab: lab.mend("web1")),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_each_break_looks_different_and_stops_frames(machines: Lab, name: str) -> None:
    broken, flags, repaired = BREAKS[name]
    eventually(lambda: reachable(machines), what="a ping before anything is broken")
    broken(machines)
    eventually(lambda: flags in interface(machines), what=f"{flags} on web1")
    eventually(lambda: not reachable(machines), what="no ping while it is broken")
    repaired(machines)
    eventually(lambda: "<BROADCAST,MULTICAST,UP,LOWER_UP>" in interface(machines))
    eventually(lambda: reachable(machines), what="a ping after the repair")


def test_a_break_concerns_one_host_only(machines: Lab) -> None:
    machines.unplug("web2")
    eventually(lambda: "NO-CARRIER" in interface(machines, "web2"))
    assert "LOWER_UP" in interface(machines, "web1")
    machines.plug("web2")


def test_the_observer_sees_the_carrier(machines: Lab) -> None:
    machines.unplug("web1")
    machines.wait_until(lambda: not machines.witness.carrier()["web1"])
    machines.plug("web1")
    machines.wait_until(lambda: machines.witness.carrier()["web1"])


def test_verbs_may_be_repeated(machines: Lab) -> None:
    for verb in ("unplug", "unplug", "plug", "plug", "cut", "cut", "mend", "mend", *NO_DAEMON):
        getattr(machines, verb)("web1")
    eventually(lambda: reachable(machines))


@pytest.mark.parametrize("verb", ALL)
def test_an_unknown_host_is_answered_with_the_known_ones(machines: Lab, verb: str) -> None:
    with pytest.raises(LabError, match=r"no host called 'mastr'.*choose web1, web2 or client"):
        getattr(machines, verb)("mastr")


@pytest.mark.parametrize("call", ["run", "conf", "log", "journal"])
def test_so_it_is_when_looking(machines: Lab, call: str) -> None:
    arguments = ("nobody", "true") if call == "run" else ("nobody",)
    with pytest.raises(LabError, match="choose web1, web2 or client"):
        getattr(machines, call)(*arguments)


@pytest.mark.parametrize("verb", ["crash", "stop", "start", "freeze", "thaw", "reload"])
def test_a_client_has_no_daemon(machines: Lab, verb: str) -> None:
    with pytest.raises(LabError, match=r"no server called 'client'.*choose web1 or web2"):
        getattr(machines, verb)("client")


def test_other_mistakes_name_the_choices(machines: Lab) -> None:
    with pytest.raises(LabError, match=r"no link status called 'sideways'.*choose up or down"):
        machines.link("web1", "sideways")
    with pytest.raises(LabError, match=r"no state called 'basics'.*choose .*basic, .*empty"):
        machines.reset("basics")
    with pytest.raises(LabError, match=r"no daemon called 'vrrp'.*choose vrrpd or keepalived"):
        Lab("empty", daemon="vrrp", beside=True)
    with pytest.raises(LabError, match="no server called 'client'"):
        Lab("empty", daemon={"client": "vrrpd"}, beside=True)
    with pytest.raises(LabError, match=r"no daemon runs on web1: lab.start\('web1'\)"):
        machines.reload("web1")
    with pytest.raises(LabError, match=r"web1 has no /etc/keepalived/keepalived.conf: write one"):
        machines.conf("web1")


def test_a_daemon_that_was_started_by_hand_can_be_reloaded(machines: Lab) -> None:
    machines.reset()
    machines.conf("web1", "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 1\n}\n")
    machines.run("web1", "keepalived -n -l -D -G > /root/said 2>&1 &")
    # Not before its child takes signals: keepalived would not survive an early SIGHUP.
    ready = "Registering gratuitous ARP shared channel"

    def said() -> str:
        return machines.read("web1", "/root/said") or ""  # the shell has yet to make it

    eventually(lambda: ready in said(), what="all of keepalived")
    machines.reload("web1")
    eventually(lambda: "Reloading" in said(), what="the reload")
    machines.reset()


def test_waiting_that_times_out_shows_the_present_state(machines: Lab) -> None:
    message = r"timed out after 0\.1 s waiting for rain: 192\.168\.1\.10 is held by"
    with pytest.raises(LabError, match=message):
        machines.wait_until(lambda: False, timeout=0.1, what="rain")


def test_every_action_is_a_fact(machines: Lab) -> None:
    machines.reset()
    machines.unplug("web1")
    machines.plug("web1")
    machines.link("web2", "down")
    machines.link("web2", "up")
    actions = [(a.verb, a.host, a.text) for a in machines.timeline().of(Action)]
    assert actions == [
        ("reset", None, "reset to empty"),
        ("unplug", "web1", "cable of web1 pulled"),
        ("plug", "web1", "cable of web1 plugged in"),
        ("link", "web2", "link s1 web2 down"),
        ("link", "web2", "link s1 web2 up"),
    ]


def test_after_a_reset_nothing_old_is_shown_as_new(machines: Lab) -> None:
    """However late the observer looks."""
    machines.run("web2", "ip address add 192.168.1.10/32 dev eth0")
    machines.wait_until(lambda: machines.holders() == ["web2"])
    (recorder,) = children(os.getpid(), "recorder")
    os.kill(recorder, signal.SIGSTOP)
    wakes = threading.Timer(2, os.kill, (recorder, signal.SIGCONT))
    wakes.start()
    machines.reset()
    assert machines.holders() == []
    assert not any(part.holders for part in machines.timeline().segments)
    wakes.join()


def test_reset_repairs_everything(machines: Lab) -> None:
    machines.link("web1", "down")
    machines.unplug("web2")
    machines.cut("client")
    machines.conf("web1", "nonsense\n")
    machines.run("web2", "ip address add 192.168.1.10/32 dev eth0; echo x >/var/log/x")
    machines.wait_until(lambda: machines.holders() == ["web2"])
    machines.reset()
    machines.wait_until(lambda: machines.holders() == [])
    eventually(lambda: reachable(machines))
    assert not machines.hosts["web1"].path("/etc/keepalived/keepalived.conf").exists()
    assert machines.run("web2", "ls /var/log").text == ""
