"""The first and the last moments of a daemon: the scripts at both ends, notify_stop, systemd."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest

from tests.interop.pairs import together
from tests.interop.segment import KINDS, NO_SCRIPTS, Segment, may_change_groups
from tests.support import eventually

CONFIG = """global_defs {
 enable_script_security
 script_user root
 startup_script "%(script)s startup - %(start)s"
 startup_script_timeout 1
 shutdown_script "%(script)s shutdown - %(end)s"
 shutdown_script_timeout 1
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


def life(room: Path, kind: str, how: str) -> tuple[list[str], list[str], int]:
    """The calls, the lines about both scripts and the exit status of one whole life."""
    with Segment(room, hosts=1) as lan:
        host = lan[0]
        host.script.write_text(SCRIPT % host.notified)
        host.start(kind, CONFIG % {"script": host.script, "start": how, "end": how})
        lan.wait(lambda: host.has("192.168.1.10"), "the address")
        lan.wait(lambda: "VI_1 MASTER" in host.calls(), "notify")
        status = host.stop()
        assert not host.has("192.168.1.10")
        lines = [line[26:].replace(str(room), "") for line in host.text().splitlines()]
        about = [line for line in lines if "startup script" in line or "shutdown script" in line]
        return host.calls(), about, status


# Script security also refuses what lies in a /tmp that belongs to somebody unknown here.
@pytest.mark.skipif(not may_change_groups(), reason=NO_SCRIPTS)
@pytest.mark.parametrize("how", ENDS.values(), ids=ENDS)
def test_both_scripts_run_at_their_ends_and_stop_nothing(tmp_path: Path, how: str) -> None:
    lives = together(lambda kind: life(tmp_path / kind, kind, how), KINDS)
    calls, about, status = lives["vrrpd"]
    assert about == lives["keepalived"][1]
    assert status == lives["keepalived"][2] == 0
    for kind in KINDS:
        told = lives[kind][0]
        assert told[0] == "- " + how, kind
        assert {"VI_1 script", "VI_1 STOP", "VI_1 MASTER"} <= set(told), kind
        assert told[-1] == "- " + how, kind
    assert sorted(calls) == sorted(lives["keepalived"][0])


def test_systemd_is_told_of_start_reload_and_end(tmp_path: Path) -> None:
    """The real daemon, a socket in place of systemd."""
    path = tmp_path / "notify"
    heard: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.setblocking(False)

        def told(word: str) -> bool:
            try:
                while True:
                    heard.extend(manager.recv(4096).decode().split("\n"))
            except BlockingIOError:
                return word in heard

        with Segment(tmp_path / "lan", hosts=1) as lan:
            host = lan[0]
            host.environment.update(NOTIFY_SOCKET=str(path), WATCHDOG_USEC="400000")
            words = {"script": host.script, "start": "ok", "end": "ok"}
            host.start("vrrpd", CONFIG % words)
            eventually(lambda: told("READY=1"), 20, "READY=1")
            assert "Startup complete" in host.text()
            eventually(lambda: told("WATCHDOG=1"), 20, "WATCHDOG=1")
            heard.clear()
            host.signal(signal.SIGHUP)
            eventually(lambda: told("READY=1"), 20, "READY=1 after a reload")
            assert heard.index("RELOADING=1") < heard.index("READY=1")
            host.stop()
            assert told("STOPPING=1")
