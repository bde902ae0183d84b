"""Which frames leave with the virtual MAC address: none of a router that is not MASTER.

A switch learns from whatever it receives.  One frame of a BACKUP, say an MLD report that its kernel
sends by itself, draws the MASTER's traffic to the wrong port (RFC 9568 section 8.1.2).

The capture is at the switch; which host a frame came from is the port that it came in by.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from tests.interop.segment import Frame, Host, Segment
from tests.support import eventually

FOUR, SIX = "192.168.1.10", "fd00::10"
VIPS = {4: FOUR, 6: f"fe80::1:51\n{SIX}/64"}


def conf(
    *words: str,
    priority: int,
    family: int = 4,
    name: str = "VI_1",
    vrid: int = 51,
    vmac: str = "use_vmac",
    vips: str = "",
    interface: str = "eth0",
) -> str:
    """An instance with a virtual interface; version 3 unless `words` say otherwise."""
    lines = [f"interface {interface}", f"virtual_router_id {vrid}", vmac, f"priority {priority}"]
    lines += ["advert_int 1"] if "version 2" in words else ["version 3", "advert_int 0.5"]
    lines += [*words, f"virtual_ipaddress {{\n{vips or VIPS[family]}\n}}"]
    return f"vrrp_instance {name} {{\n" + "\n".join(lines) + "\n}\n"


def states(host: Host, name: str = "VI_1") -> list[str]:
    """The states that the daemon has entered, oldest first."""
    path = host.room / "journal"
    lines = path.read_text().splitlines() if path.exists() else []
    rows = [json.loads(line) for line in lines]
    return [row["to"] for row in rows if row["event"] == "state" and row["instance"] == name]


def is_virtual(frame: Frame) -> bool:
    """Whether a switch learns a virtual router's MAC address from it."""
    return frame.data[6:10] == bytes.fromhex("00005e00")


def quiet(lan: Segment, host: Host, since: int = 0) -> None:
    """No frame of `host` has the virtual MAC, and none while the MASTER advertises four times."""
    heard = len(lan.wire.frames)
    other = 1 - host.number
    lan.wait(lambda: len(lan.wire.adverts(other, heard)) >= 4, "four advertisements of the MASTER")
    bad = [f for f in lan.wire.frames[since:] if f.host == host.number and is_virtual(f)]
    assert not bad, "\n".join(f.data.hex(" ") for f in bad)


KINDS = {
    "version-2": (4, "version 2"),
    "version-3": (4, "version 3"),
    "ipv6": (6, "version 3"),
}


@pytest.mark.parametrize("base", ["", "vmac_xmit_base"], ids=["vmac", "base"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_backup_sends_no_frame_with_the_virtual_mac(pair: Segment, kind: str, base: str) -> None:
    master, backup = pair
    family, version = KINDS[kind]
    text = conf(version, base, priority=100, family=family)
    vip = FOUR if family == 4 else SIX

    master.start("vrrpd", conf(version, base, priority=200, family=family))
    pair.wait(lambda: master.has(vip), "MASTER")
    pair.wait(lambda: any(map(is_virtual, pair.wire.frames)), "the MASTER's frames")

    backup.start("vrrpd", text)
    pair.wait(lambda: states(backup) == ["BACKUP"], "BACKUP")
    quiet(pair, backup)

    backup.reload(text.replace("priority 100", "priority 90"))
    pair.wait(lambda: "Reload complete" in backup.text(), "the reload")
    quiet(pair, backup)

    backup.unplug()
    pair.wait(lambda: states(backup)[-1] == "FAULT", "FAULT")
    backup.plug()
    pair.wait(lambda: states(backup)[-1] == "BACKUP", "BACKUP again")
    quiet(pair, backup)

    backup.run("ip", "link", "set", "eth0", "down")
    pair.wait(lambda: states(backup)[-1] == "FAULT", "FAULT")
    backup.run("ip", "link", "set", "eth0", "up")
    pair.wait(lambda: states(backup)[-1] == "BACKUP", "BACKUP again")
    quiet(pair, backup)

    backup.crash()
    before = len(states(backup))
    backup.start("vrrpd", text)
    pair.wait(lambda: states(backup)[before:] == ["BACKUP"], "BACKUP after a crash")
    quiet(pair, backup)

    backup.stop()
    quiet(pair, backup)


def answer(host: Host, address: str) -> str:
    """The MAC address that `host` gets when it asks the LAN for `address`, or "" without answer."""
    host.run("ip", "neigh", "flush", "dev", "eth0")
    host.run("sh", "-c", f"ping -c 1 -W 1 {address} >/dev/null 2>&1 || true")
    rows = json.loads(host.run("ip", "-j", "neigh", "show", "to", address.split("%")[0]) or "[]")
    return next((row["lladdr"] for row in rows if "lladdr" in row), "")


OWN = {4: ("192.168.1.11", "192.168.1.12"), 6: ("fd00::11", "fd00::12")}
WAYS = {
    "unicast": "unicast_src_ip {own}\nunicast_peer {{\n{peer}\n}}",
    "multicast-source": "mcast_src_ip {own}",
    "plain": "",
}


@pytest.mark.parametrize("family", [4, 6], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("base", ["", "vmac_xmit_base"], ids=["vmac", "base"])
def test_what_is_the_hosts_own_never_answers_with_the_virtual_mac(
    tmp_path: Path, way: str, family: int, base: str
) -> None:
    with Segment(tmp_path, hosts=3) as lan:
        for host, own in zip(lan.hosts, ["fd00::11/64", "fd00::12/64", "fd00::13/64"], strict=True):
            host.run("ip", "addr", "add", own, "dev", "eth0", "nodad")
        vip = FOUR if family == 4 else SIX
        for number in (0, 1):
            own, peer = OWN[family][number], OWN[family][1 - number]
            words = WAYS[way].format(own=own, peer=peer)
            text = conf(words, base, priority=200 - 100 * number, family=family)
            lan[number].start("vrrpd", text)
        lan.wait(lambda: lan.holders(vip) == [0], "one MASTER")
        lan.wait(lambda: states(lan[1]), "a BACKUP")
        mac = f"00:00:5e:00:0{1 if family == 4 else 2}:33"
        for number in (0, 1):
            real = f"02:00:00:00:00:{11 + number:02x}"
            near = f"fe80::ff:fe00:{11 + number:x}%eth0"
            for own in (OWN[4][number], OWN[6][number], near):
                eventually(partial(answer, lan[2], own), what=f"an answer for {own}")
                assert answer(lan[2], own) == real, own
        eventually(lambda: answer(lan[2], vip) == mac, what="the virtual MAC")
        assert lan.holders(vip) == [0]
        assert states(lan[1])[-1] == "BACKUP"
