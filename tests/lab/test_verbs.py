"""What each verb does to a cable, as the host itself sees it, and how mistakes are answered."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

import pytest

from labs import Lab, LabError, waiting
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
def test_each_break_looks_different_and_stops_frames(bare_lab: Lab, name: str) -> None:
    broken, flags, repaired = BREAKS[name]
    eventually(lambda: reachable(bare_lab), what="a ping before anything is broken")
    broken(bare_lab)
    eventually(lambda: flags in interface(bare_lab), what=f"{flags} on web1")
    eventually(lambda: not reachable(bare_lab), what="no ping while it is broken")
    repaired(bare_lab)
    eventually(lambda: "<BROADCAST,MULTICAST,UP,LOWER_UP>" in interface(bare_lab))
    eventually(lambda: reachable(bare_lab), what="a ping after the repair")


def test_a_break_concerns_one_host_only(bare_lab: Lab) -> None:
    bare_lab.unplug("web2")
    eventually(lambda: "NO-CARRIER" in interface(bare_lab, "web2"))
    assert "LOWER_UP" in interface(bare_lab, "web1")
    bare_lab.plug("web2")


def test_the_observer_sees_the_carrier(bare_lab: Lab) -> None:
    bare_lab.unplug("web1")
    bare_lab.wait_until(lambda: not bare_lab.witness.carrier()["web1"])
    bare_lab.plug("web1")
    bare_lab.wait_until(lambda: bare_lab.witness.carrier()["web1"])


def test_verbs_may_be_repeated(bare_lab: Lab) -> None:
    for verb in ("unplug", "unplug", "plug", "plug", "cut", "cut", "mend", "mend", *NO_DAEMON):
        getattr(bare_lab, verb)("web1")
    eventually(lambda: reachable(bare_lab))


@pytest.mark.parametrize("verb", ALL)
def test_an_unknown_host_is_answered_with_the_known_ones(bare_lab: Lab, verb: str) -> None:
    with pytest.raises(LabError, match=r"no host called 'mastr'.*choose web1, web2 or client"):
        getattr(bare_lab, verb)("mastr")


@pytest.mark.parametrize("call", ["run", "conf", "log", "journal"])
def test_so_it_is_when_looking(bare_lab: Lab, call: str) -> None:
    arguments = ("nobody", "true") if call == "run" else ("nobody",)
    with pytest.raises(LabError, match="choose web1, web2 or client"):
        getattr(bare_lab, call)(*arguments)


@pytest.mark.parametrize("verb", ["crash", "stop", "start", "freeze", "thaw", "reload"])
def test_a_client_has_no_daemon(bare_lab: Lab, verb: str) -> None:
    with pytest.raises(LabError, match=r"no server called 'client'.*choose web1 or web2"):
        getattr(bare_lab, verb)("client")


def test_other_mistakes_name_the_choices(bare_lab: Lab) -> None:
    with pytest.raises(LabError, match=r"no link status called 'sideways'.*choose up or down"):
        bare_lab.link("web1", "sideways")
    with pytest.raises(LabError, match=r"no state called 'basics'.*choose .*basic, .*empty"):
        bare_lab.reset("basics")
    with pytest.raises(LabError, match=r"no daemon called 'vrrp'.*choose vrrpd or keepalived"):
        Lab("empty", daemon="vrrp", beside=True)
    with pytest.raises(LabError, match="no server called 'client'"):
        Lab("empty", daemon={"client": "vrrpd"}, beside=True)
    with pytest.raises(LabError, match=r"no daemon runs on web1: lab.start\('web1'\)"):
        bare_lab.reload("web1")
    with pytest.raises(LabError, match=r"web1 has no /etc/keepalived/keepalived.conf: write one"):
        bare_lab.conf("web1")


def test_a_daemon_that_was_started_by_hand_can_be_reloaded(bare_lab: Lab) -> None:
    bare_lab.reset()
    bare_lab.conf("web1", "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 1\n}\n")
    bare_lab.run("web1", "keepalived -n -l -D -G > /root/said 2>&1 &")
    # Not before its child takes signals: keepalived would not survive an early SIGHUP.
    ready = "Registering gratuitous ARP shared channel"

    def logged() -> str:
        return bare_lab.read("web1", "/root/said") or ""  # the shell has yet to make it

    eventually(lambda: ready in logged(), what="all of keepalived")
    bare_lab.reload("web1")
    eventually(lambda: "Reloading" in logged(), what="the reload")
    bare_lab.reset()


def test_waiting_that_times_out_shows_the_present_state(bare_lab: Lab) -> None:
    message = r"timed out after 0\.1 s waiting for rain: 192\.168\.1\.10 is held by"
    with pytest.raises(LabError, match=message):
        bare_lab.wait_until(lambda: False, timeout=0.1, what="rain")


def test_a_long_wait_is_announced_and_its_error_quotes_the_daemons(
    bare_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(waiting, "show", said.append)
    monkeypatch.setattr(waiting, "SILENT_S", 0.1)
    bare_lab.reset()
    bare_lab.conf(
        "web1",
        "vrrp_instance VI_1 {\n    interface eth1\n    virtual_router_id 51\n"
        "    virtual_ipaddress {\n        192.168.1.10\n    }\n}\n",
    )
    bare_lab.start("web1")
    eventually(lambda: "interface eth1 does not exist" in bare_lab.log("web1"), what="the reason")
    with pytest.raises(LabError) as refused:
        bare_lab.wait_until(lambda: False, timeout=1.5, what="rain")
    bare_lab.stop("web1")
    assert said == ["waiting for rain (up to 1.5 s)"]
    assert "no daemon is running on web2" in str(refused.value)
    assert "interface eth1 does not exist" in str(refused.value)
    with waiting.announced(), pytest.raises(LabError):
        bare_lab.wait_until(lambda: False, timeout=0.2, what="rain")
    assert len(said) == 1


def test_every_action_is_a_fact(bare_lab: Lab) -> None:
    bare_lab.reset()
    bare_lab.unplug("web1")
    bare_lab.plug("web1")
    bare_lab.link("web2", "down")
    bare_lab.link("web2", "up")
    actions = [(a.verb, a.host, a.text) for a in bare_lab.timeline().of(Action)]
    assert actions == [
        ("reset", None, "reset to empty"),
        ("unplug", "web1", "cable of web1 pulled"),
        ("plug", "web1", "cable of web1 plugged in"),
        ("link", "web2", "link s1 web2 down"),
        ("link", "web2", "link s1 web2 up"),
    ]


def test_after_a_reset_nothing_old_is_shown_as_new(bare_lab: Lab) -> None:
    """However late the observer looks."""
    bare_lab.run("web2", "ip address add 192.168.1.10/32 dev eth0")
    bare_lab.wait_until(lambda: bare_lab.holders() == ["web2"])
    (recorder,) = children(os.getpid(), "recorder")
    os.kill(recorder, signal.SIGSTOP)
    wakes = threading.Timer(2, os.kill, (recorder, signal.SIGCONT))
    wakes.start()
    bare_lab.reset()
    assert bare_lab.holders() == []
    assert not any(part.holders for part in bare_lab.timeline().segments)
    wakes.join()


def test_reset_repairs_everything(bare_lab: Lab) -> None:
    bare_lab.link("web1", "down")
    bare_lab.unplug("web2")
    bare_lab.cut("client")
    bare_lab.conf("web1", "nonsense\n")
    bare_lab.run("web2", "ip address add 192.168.1.10/32 dev eth0; echo x >/var/log/x")
    bare_lab.wait_until(lambda: bare_lab.holders() == ["web2"])
    bare_lab.reset()
    bare_lab.wait_until(lambda: bare_lab.holders() == [])
    eventually(lambda: reachable(bare_lab))
    assert not bare_lab.hosts["web1"].path("/etc/keepalived/keepalived.conf").exists()
    assert bare_lab.run("web2", "ls /var/log").text == ""
