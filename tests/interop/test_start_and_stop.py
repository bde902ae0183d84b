"""The first and the last moments of a daemon: the scripts at both ends, notify_stop, systemd."""

from __future__ import annotations

import signal
import socket
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.pairs import together
from tests.interop.segment import NO_SCRIPTS, Segment, may_change_groups
from tests.support import DAEMONS, eventually

CONFIG = """global_defs {
 enable_script_security
 script_user root
 startup_script "%(script)s startup - %(start)s"
 startup_script_timeout %(timeout)d
 shutdown_script "%(script)s shutdown - %(end)s"
 shutdown_script_timeout %(timeout)d
}
vrrp_instance VI_1 {
 interface eth0
 virtual_router_id 51
 priority 200
 advert_int 1
 notify "%(script)s"
 notify_stop "%(script)s stop VI_1 script"
 virtual_ipaddress {
  192.168.1.10
 }
}
"""
SCRIPT = """#!/bin/sh
echo "$@" >>%s
case $3 in
 fail) exit 3 ;;
 hang) exec sleep 60 ;;
esac
"""
ENDS = {"succeed": "ok", "fail": "fail", "time out": "hang"}
# Seconds for each script: enough to begin on a busy machine, and to end where it does end.
SCRIPT_TIMEOUT_S = {"ok": 30, "fail": 30, "hang": 5}
# What keepalived kills, and vrrpd no longer waits for, when it takes a second.
LAST = Counter(["VI_1 script", "VI_1 STOP"])


@dataclass(frozen=True)
class Life:
    """The calls, the lines about both scripts, what came before the last of them, the status."""

    calls: list[str]
    about: list[str]
    ending: str
    status: int


def life(room: Path, kind: str, how: str) -> Life:
    """One whole life of a daemon."""
    with Segment(room, hosts=1) as lan:
        host = lan[0]
        host.script.write_text(SCRIPT % host.notified)
        words = {"script": host.script, "start": how, "end": how, "timeout": SCRIPT_TIMEOUT_S[how]}
        host.start(kind, CONFIG % words)
        lan.wait(lambda: host.has("192.168.1.10"), "the address")
        lan.wait(lambda: "VI_1 MASTER" in host.calls(), "notify")
        status = host.stop()
        assert not host.has("192.168.1.10")
        if kind == "vrrpd":
            lan.wait(lambda: not LAST - Counter(host.calls()), "the last calls")
        lines = [line[26:].replace(str(room), "") for line in host.text().splitlines()]
        about = [line for line in lines if "startup script" in line or "shutdown script" in line]
        ending = host.text().partition("Stopping")[2].partition("shutdown script")[0]
        return Life(host.calls(), about, ending, status)


# Script security also refuses what lies in a /tmp that belongs to an unknown user.
@pytest.mark.skipif(not may_change_groups(), reason=NO_SCRIPTS)
@pytest.mark.parametrize("how", ENDS.values(), ids=ENDS)
def test_both_scripts_run_at_their_ends_and_stop_nothing(tmp_path: Path, how: str) -> None:
    lives = together(lambda kind: life(tmp_path / kind, kind, how), DAEMONS)
    ours, theirs = lives["vrrpd"], lives["keepalived"]
    assert ours.about == theirs.about
    assert ours.status == theirs.status == 0
    for kind in DAEMONS:
        told = lives[kind].calls
        assert told[0] == "- " + how, kind
        assert told.count("- " + how) == 2, kind
        assert "removing VIPs" in lives[kind].ending, kind
    assert "VI_1 MASTER" in ours.calls
    assert Counter(ours.calls) == Counter(theirs.calls) | LAST


def test_systemd_is_notified_of_start_reload_and_end(tmp_path: Path) -> None:
    """The real daemon, a socket in place of systemd."""
    path = tmp_path / "notify"
    heard: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.setblocking(False)

        def notified(word: str) -> bool:
            try:
                while True:
                    heard.extend(manager.recv(4096).decode().split("\n"))
            except BlockingIOError:
                return word in heard

        with Segment(tmp_path / "lan", hosts=1) as lan:
            host = lan[0]
            host.environment.update(NOTIFY_SOCKET=str(path), WATCHDOG_USEC="2000000")
            words = {"script": host.script, "start": "ok", "end": "ok", "timeout": 30}
            host.start("vrrpd", CONFIG % words)
            eventually(lambda: notified("READY=1"), what="READY=1")
            assert "Startup complete" in host.text()
            eventually(lambda: notified("WATCHDOG=1"), what="WATCHDOG=1")
            heard.clear()
            host.signal(signal.SIGHUP)
            eventually(lambda: notified("READY=1"), what="READY=1 after a reload")
            assert heard.index("RELOADING=1") < heard.index("READY=1")
            host.stop()
            assert notified("STOPPING=1")
