"""`net_namespace` and `--namespace`: a daemon that moves into a network before it opens a socket.

Each daemon gets a /run of its own, so that the names it uses are no other daemon's.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import HUNG_S, REPOSITORY, eventually

CONF = """{first}
vrrp_instance VI_1 {{
    interface vred0
    virtual_router_id 51
    priority 255
    virtual_ipaddress {{
        10.77.0.10/24
    }}
}}
"""
WORLD = """
mount -t tmpfs none /run &&
ip netns add red && ip netns add blue &&
ip -n red link add vred0 type veth peer name vred1 &&
ip -n red address add 10.77.0.1/24 dev vred0 &&
ip -n red link set vred0 up && ip -n red link set vred1 up &&
exec "$@"
"""
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    return tmp_path / "keepalived.conf"


@pytest.fixture
def start(conf: Path) -> Iterator[Start]:
    """Start vrrpd in a mount namespace of its own, with /run and two network namespaces."""
    running: list[subprocess.Popen[str]] = []

    def start(first: str, *options: str) -> subprocess.Popen[str]:
        conf.write_text(CONF.format(first=first))
        vrrpd = [sys.executable, "-m", "vrrpd.cli", "-l", "-f", str(conf)]
        control = ["--control", str(conf.with_name("control"))]
        command = ["unshare", "-m", "sh", "-c", WORLD, "sh", *vrrpd, *control, *options]
        with conf.with_name("log").open("w") as log:
            one = subprocess.Popen(command, cwd=REPOSITORY, stdout=log, stderr=log, text=True)
        running.append(one)
        return one

    yield start
    for one in running:
        one.kill()
        one.wait()


def log(conf: Path) -> str:
    return conf.with_name("log").read_text()


def shown(pid: int) -> str:
    """What a process sees of the interface."""
    command = ["nsenter", "-t", str(pid), "-n", "ip", "address", "show", "dev", "vred0"]
    return subprocess.run(command, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    ("first", "options"),
    [("net_namespace red", ()), ("", ("-s", "red")), ("net_namespace blue", ("--namespace=red",))],
)
def test_a_daemon_in_another_network(
    start: Start, conf: Path, first: str, options: tuple[str, ...]
) -> None:
    vrrpd = start(first, *options)
    eventually(lambda: "inet 10.77.0.10/24" in shown(vrrpd.pid), what="the address in red")
    theirs, ours = (os.stat(f"/proc/{who}/ns/net").st_ino for who in (vrrpd.pid, "self"))
    assert theirs != ours
    pid = Path(f"/proc/{vrrpd.pid}/root/run/keepalived/red/vrrpd.pid")
    eventually(lambda: pid.exists() and pid.read_text(), what="the pid file")
    assert pid.read_text() == f"{vrrpd.pid}\n"
    vrrpd.send_signal(signal.SIGTERM)
    assert vrrpd.wait(timeout=HUNG_S) == 0


def test_a_reload_does_not_move_it(start: Start, conf: Path) -> None:
    vrrpd = start("net_namespace red")
    eventually(lambda: "inet 10.77.0.10/24" in shown(vrrpd.pid), what="the address in red")
    eventually(lambda: "Startup complete" in log(conf), what="the end of the start")
    pid = Path(f"/proc/{vrrpd.pid}/root/run/keepalived/red/vrrpd.pid")
    eventually(pid.exists, what="the pid file")
    before = os.stat(f"/proc/{vrrpd.pid}/ns/net").st_ino
    conf.write_text(CONF.format(first="net_namespace blue"))
    vrrpd.send_signal(signal.SIGHUP)
    eventually(lambda: "Reload refused" in log(conf), what="the refusal")
    assert "Cannot change network namespace at a reload" in log(conf)
    assert os.stat(f"/proc/{vrrpd.pid}/ns/net").st_ino == before
    assert "inet 10.77.0.10/24" in shown(vrrpd.pid)


def test_a_network_that_does_not_exist_is_fatal(start: Start, conf: Path) -> None:
    vrrpd = start("net_namespace green")
    assert vrrpd.wait(timeout=HUNG_S) == 1
    assert "Unable to set network namespace green: No such file or directory" in log(conf)
