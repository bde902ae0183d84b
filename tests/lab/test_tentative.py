"""IPv6 at the start: the address to advertise from is tentative, another host's, or not there yet.

Until duplicate address detection (RFC 4862 section 5.4) is over nothing is known to be wrong, so a
router waits in INIT and goes straight to BACKUP; FAULT is for what is wrong.
"""

from __future__ import annotations

import json

import pytest

from tests.interop.segment import Host, Segment
from tests.lab.test_vmac_frames import SIX, conf, states

OWN = "fe80::ff:fe00:b"  # of host 0, by its MAC address
GLOBAL = "fd00::11"


def detect(host: Host, times: int) -> None:
    """Have the kernel ask for duplicates `times` times before an address can be used."""
    for name, value in (("accept_dad", 1), ("dad_transmits", times)):
        host.run("sh", "-c", f"echo {value} >/proc/sys/net/ipv6/conf/eth0/{name}")


def reasons(host: Host) -> list[str]:
    """Why the router changed its state, each time."""
    lines = (host.room / "journal").read_text().splitlines()
    return [row["reason"] for row in map(json.loads, lines) if row["event"] == "state"]


def text(host: Host, *words: str, vmac: str = "") -> str:
    """An IPv6 instance that calls a script."""
    return conf(f"notify {host.script}", *words, priority=200, family=6, vmac=vmac)


@pytest.mark.parametrize("vmac", ["", "use_vmac"], ids=["plain", "vmac"])
def test_a_tentative_address_is_waited_for_without_fault(pair: Segment, vmac: str) -> None:
    host = pair[0]
    detect(host, 8)
    host.run("sh", "-c", "ip link set eth0 down; ip link set eth0 up")
    host.start("vrrpd", text(host, vmac=vmac))
    pair.wait(lambda: f"waits until duplicate address detection of {OWN}" in host.text(), "INIT")
    pair.wait(lambda: states(host)[-1:] == ["MASTER"], "MASTER")
    assert states(host) == ["BACKUP", "MASTER"]
    assert not [line for line in host.calls() if "FAULT" in line]
    assert " again" not in host.text()


def test_a_tentative_unicast_source_is_waited_for(pair: Segment) -> None:
    host = pair[0]
    detect(host, 8)
    host.run("ip", "addr", "add", f"{GLOBAL}/64", "dev", "eth0")
    words = f"unicast_src_ip {GLOBAL}\nunicast_peer {{\nfd00::12\n}}"
    host.start("vrrpd", text(host, words))
    pair.wait(lambda: f"waits until duplicate address detection of {GLOBAL}" in host.text(), "INIT")
    pair.wait(lambda: states(host)[:1] == ["BACKUP"], "BACKUP")


def test_an_address_of_another_host_is_a_fault_with_its_reason(pair: Segment) -> None:
    host = pair[0]
    detect(host, 2)
    pair[1].run("ip", "addr", "add", f"{OWN}/64", "dev", "eth0", "nodad")
    host.run("sh", "-c", "ip link set eth0 down; ip link set eth0 up")
    host.start("vrrpd", text(host))
    pair.wait(lambda: states(host) == ["FAULT"], "FAULT")
    assert f"another host has the address {OWN}" in reasons(host)[0]
    host.run("ip", "addr", "add", "fe80::77/64", "dev", "eth0", "nodad")
    pair.wait(lambda: host.has(SIX), "MASTER with another address")
    assert reasons(host)[1] == "interface eth0 has the address fe80::77"


def test_an_address_that_is_not_there_at_first_is_not_there_again(pair: Segment) -> None:
    host = pair[0]
    host.run("ip", "-6", "addr", "flush", "dev", "eth0")
    host.start("vrrpd", text(host))
    pair.wait(lambda: states(host) == ["FAULT"], "FAULT")
    assert reasons(host) == ["interface eth0 has no IPv6 address"]
    host.run("ip", "addr", "add", f"{OWN}/64", "dev", "eth0", "nodad")
    pair.wait(lambda: host.has(SIX), "MASTER")
    assert reasons(host)[1] == f"interface eth0 has the address {OWN}"


def test_an_interface_that_is_down_at_first_waits_for_its_address(pair: Segment) -> None:
    host = pair[0]
    detect(host, 2)
    host.run("ip", "link", "set", "eth0", "down")
    host.start("vrrpd", text(host))
    pair.wait(lambda: states(host) == ["FAULT"], "FAULT")
    host.run("ip", "link", "set", "eth0", "up")
    pair.wait(lambda: states(host)[-1:] == ["MASTER"], "MASTER")
    assert states(host) == ["FAULT", "BACKUP", "MASTER"]
    assert reasons(host)[0] == "interface eth0 is down"
    assert " again" not in host.text()
