"""sd_notify(3): what a supervisor receives, read from a real socket."""

from __future__ import annotations

import configparser
import os
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from labs.model.facts import Fact
from labs.simulation.clock import VirtualClock
from labs.simulation.machine import SimulatedHost
from labs.simulation.ports import HostClock
from labs.simulation.switch import Switch
from tests.support import REPOSITORY
from vrrpd.fsm import SECOND
from vrrpd.linux.systemd import SystemdNotifier, watchdog_timeout

UNIT = REPOSITORY / "packaging" / "vrrpd.service"


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """What systemd's end of the socket looks like."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(tmp_path / "notify"))
        end.setblocking(False)
        yield end


def host_clock(clock: VirtualClock) -> HostClock:
    facts: list[Fact] = []
    switch = Switch(clock, 0, facts.append)
    machine = SimulatedHost("one", IPv4Address("192.168.1.11"), bytes(6), clock, switch)
    return HostClock(machine)


def supervisor(end: str, clock: VirtualClock | None = None, **more: str) -> SystemdNotifier:
    return SystemdNotifier(host_clock(clock or VirtualClock()), {"NOTIFY_SOCKET": end, **more})


def received(end: socket.socket) -> list[list[str]]:
    messages = []
    while True:
        try:
            messages.append(end.recv(4096).decode().split("\n"))
        except BlockingIOError:
            return messages


def test_a_life(manager: socket.socket) -> None:
    one = supervisor(manager.getsockname())
    one.ready("Running")
    one.stopping()
    [ready, stopping] = received(manager)
    assert ready == ["READY=1", f"MAINPID={os.getpid()}", "STATUS=Running"]
    assert stopping[0] == "STOPPING=1"


@pytest.mark.parametrize(("works", "status"), [(True, "Running"), (False, "reload refused")])
def test_a_reload_is_notified_before_and_after(
    manager: socket.socket, works: bool, status: str
) -> None:
    one = supervisor(manager.getsockname())
    during: list[list[list[str]]] = []

    def reload() -> bool:
        during.append(received(manager))
        return works

    one.reload(reload)
    [[[word, stamp]]] = during
    assert word == "RELOADING=1"
    assert int(stamp.removeprefix("MONOTONIC_USEC=")) > 0
    [[ready, said]] = received(manager)
    assert ready == "READY=1"
    assert status in said


def test_a_reload_that_raises_is_over_as_well(manager: socket.socket) -> None:
    """Without READY=1, a unit that is reloading stays so."""
    one = supervisor(manager.getsockname())

    def reload() -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        one.reload(reload)
    _, ready = received(manager)
    assert ready == ["READY=1", "STATUS=Running, reload not finished"]


def test_an_abstract_socket() -> None:
    name = f"vrrpd-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind("\0" + name)
        end.setblocking(False)
        supervisor("@" + name).stopping()
        assert received(end)[0][0] == "STOPPING=1"


@pytest.mark.parametrize("path", ["", "relative", "/nobody/listens"])
def test_without_a_listener_nothing_happens(path: str) -> None:
    supervisor(path).ready("Running")


def test_the_watchdog_is_notified_twice_in_its_time(manager: socket.socket) -> None:
    clock, end = VirtualClock(), manager.getsockname()
    one = supervisor(end, clock, WATCHDOG_USEC="2000000", WATCHDOG_PID=str(os.getpid()))
    one.ready("Running")
    received(manager)
    clock.advance(10 * SECOND)
    assert received(manager) == [["WATCHDOG=1"]] * 10


def test_the_watchdog_of_another_process_is_not_ours() -> None:
    assert watchdog_timeout({"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}) is None
    assert watchdog_timeout({"WATCHDOG_USEC": "junk"}) is None
    assert watchdog_timeout({"WATCHDOG_USEC": "1000"}) == SECOND // 1000


def test_the_unit_is_of_the_type_that_vrrpd_is() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNIT)
    service = unit["Service"]
    assert service["Type"] == "notify"
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert set(service["CapabilityBoundingSet"].split()) >= {"CAP_NET_ADMIN", "CAP_NET_RAW"}
    assert float(service["WatchdogSec"].rstrip("s")) > 0
