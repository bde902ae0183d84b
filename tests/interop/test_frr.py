"""vrrpd beside FRR's vrrpd, the other VRRP daemon that Debian has: version 3, IPv4 and IPv6.

    host 0    vrrpd, the interface's own MAC address
    host 1    FRR: zebra and vrrpd, a macvlan with the virtual MAC and the address on it

FRR holds the address all the time and switches the macvlan on and off, so who is MASTER is read
from the wire: from whom the advertisements come, all of them.
FRR advertises itself as an IPv6 router as well, so host 0 gets an address without configuration.
FRR 8.4 rounds the Skew_Time to hundredths of a second; nothing here depends on that.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.pairs import Runs, together
from tests.interop.segment import EVENT_TIMEOUT_S, Host, Segment, is_announcement
from tests.support import eventually

FRR = Path("/usr/lib/frr")
VRID = 60


@dataclass(frozen=True)
class Family:
    """How the virtual router is written in FRR's and in keepalived's language."""

    macvlan: str
    mac: str
    vips: tuple[str, ...]  # the first one decides the family
    prefix: int
    pace: int = 900  # ms between Advertisements

    def frr(self, priority: int) -> str:
        """FRR's file."""
        kind = "ipv6" if ":" in self.vips[0] else "ip"
        lines = [
            "interface eth0",
            f"vrrp {VRID} version 3",
            f"vrrp {VRID} priority {priority}",
            f"vrrp {VRID} advertisement-interval {self.pace}",
            *(f"vrrp {VRID} {kind} {vip}" for vip in self.vips),
        ]
        return "\n".join(lines) + "\n"

    def ours(self, host: Host, priority: int) -> str:
        """keepalived.conf."""
        vips = "\n".join(self.vips)
        return (
            f"vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id {VRID}\nversion 3\n"
            f"priority {priority}\nadvert_int {self.pace / 1000:g}\nnotify {host.script}\n"
            f"virtual_ipaddress {{\n{vips}\n}}\n}}\n"
        )


FAMILIES = {
    "ipv4": Family("vrrp4-2-60", "00:00:5e:00:01:3c", ("192.168.1.10",), 24),
    "ipv6": Family("vrrp6-2-60", "00:00:5e:00:02:3c", ("fe80::1:60", "2001:db8::60"), 64),
}


class Frr:
    """FRR on a host: two daemons that talk over a socket in a directory of their own."""

    def __init__(self, host: Host, family: Family) -> None:
        self.host = host
        self.family = family
        self.processes: list[subprocess.Popen[bytes]] = []
        # FRR insists that its user, here root, is in the group frrvty; in this namespace he is.
        groups = host.room / "group"
        groups.write_text(
            re.sub(r"(?m)^(frrvty:.*:).*$", r"\1root", Path("/etc/group").read_text())
        )
        host.run("mount", "--bind", str(groups), "/etc/group")
        host.run(
            "ip",
            "link",
            "add",
            family.macvlan,
            "link",
            "eth0",
            "address",
            family.mac,
            "type",
            "macvlan",
            "mode",
            "bridge",
        )
        for vip in family.vips:
            host.run("ip", "addr", "add", f"{vip}/{family.prefix}", "dev", family.macvlan)
        host.run("ip", "link", "set", family.macvlan, "up")

    def start(self, priority: int) -> None:
        """Start both."""
        room = self.host.room
        for name, config in (("zebra", ""), ("vrrpd", self.family.frr(priority))):
            (room / f"{name}.conf").write_text(config)
            command = [
                str(FRR / name), "-u", "root", "-g", "root", "-f", str(room / f"{name}.conf"),
                "-i", str(room / f"{name}.pid"), "-z", str(room / "zserv.api"),
                "--vty_socket", str(room), "--log", f"file:{room / name}.log",
            ]  # fmt: skip
            with (room / f"{name}.out").open("ab") as out:
                self.processes.append(
                    subprocess.Popen(
                        self.host.holder.inside(*command),
                        stdin=subprocess.DEVNULL,
                        stdout=out,
                        stderr=out,
                    )
                )
            if name == "zebra":
                eventually((room / "zserv.api").exists, EVENT_TIMEOUT_S, "zebra's socket")

    def end(self, number: int = signal.SIGTERM) -> None:
        """A signal to both, vrrpd first, and wait."""
        for process in reversed(self.processes):
            process.send_signal(number)
            try:
                process.wait(EVENT_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()
        (self.host.room / "zserv.api").unlink(missing_ok=True)

    def text(self) -> str:
        """What both had to say."""
        return "\n".join(
            f"--- {path.name}\n{path.read_text(errors='replace')[-2000:]}"
            for path in sorted(self.host.room.glob("*.out")) + sorted(self.host.room.glob("*.log"))
        )


@contextmanager
def side_by_side(room: Path, family: Family) -> Iterator[tuple[Segment, Frr]]:
    """Both hosts, FRR not yet started."""
    with Segment(room) as lan:
        frr = Frr(lan[1], family)
        try:
            yield lan, frr
        except AssertionError as error:
            raise AssertionError(f"{error}\n{frr.text()}") from None
        finally:
            frr.end(signal.SIGKILL)


def only(lan: Segment, host: int) -> None:
    """Wait until the advertisements come from `host`, five in a row."""

    def last_five() -> bool:
        adverts = lan.wire.adverts()[-5:]
        return len(adverts) == 5 and all(f.host == host and f.priority > 0 for f in adverts)

    seen = len(lan.wire.frames)
    lan.wait(lambda: len(lan.wire.adverts(host, seen)) >= 5, f"adverts of host {host}")
    lan.wait(last_five, f"adverts of host {host} only")


def calls(lan: Segment) -> str:
    return " ".join(call.split()[1] for call in lan[0].calls())


def ours_has_higher_priority(room: Path, family: Family) -> str:
    """FRR (100) takes over from vrrpd (150), which resigns or is killed, and gives way again."""
    with side_by_side(room, family) as (lan, frr):
        lan[0].start("vrrpd", family.ours(lan[0], 150))
        only(lan, 0)
        frr.start(100)
        text = family.ours(lan[0], 150)
        for end in (lan[0].stop, lan[0].crash):
            only(lan, 0)
            end()
            only(lan, 1)
            lan[0].start("vrrpd", text)
        only(lan, 0)
        assert lan.wire.adverts(1)[-1].t < lan.wire.adverts(0)[-5].t
        lan[0].stop()
        assert not any(map(lan[0].has, family.vips))
        lan.wait(lambda: calls(lan).endswith("STOP"), "the word of our end")
        return calls(lan)


def theirs_has_higher_priority(room: Path, family: Family) -> str:
    """vrrpd (100) takes over from FRR (150), which resigns or is killed, and gives way again."""
    with side_by_side(room, family) as (lan, frr):
        frr.start(150)
        only(lan, 1)
        lan[0].start("vrrpd", family.ours(lan[0], 100))
        lan.wait(lambda: calls(lan) == "BACKUP", "our start")
        for number in (signal.SIGTERM, signal.SIGKILL):
            only(lan, 1)
            frr.end(number)
            only(lan, 0)
            assert lan[0].has(family.vips[0])
            assert any(f.host == 0 and is_announcement(f) for f in lan.wire.frames)
            frr.start(150)
        only(lan, 1)
        lan.wait(lambda: calls(lan).endswith("BACKUP"), "our way back")
        assert not any(map(lan[0].has, family.vips))
        lan[0].stop()
        lan.wait(lambda: calls(lan).endswith("STOP"), "the word of our end")
        return calls(lan)


STORIES = {"ours": ours_has_higher_priority, "theirs": theirs_has_higher_priority}
KEYS = [(family, stronger) for family in FAMILIES for stronger in STORIES]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs[tuple[str, str], str]:
    if not (FRR / "vrrpd").exists() or not shutil.which("ip"):
        pytest.skip("optional: FRR is not installed: sudo apt-get install frr")
    room = tmp_path_factory.mktemp("frr")
    return together(lambda key: STORIES[key[1]](room / "-".join(key), FAMILIES[key[0]]), KEYS)


@pytest.mark.parametrize("family", FAMILIES)
def test_frr_takes_over_from_us_and_gives_way(
    runs: Runs[tuple[str, str], str], family: str
) -> None:
    story = runs[family, "ours"].split()
    assert story == ["BACKUP", "MASTER", "STOP", "BACKUP", "MASTER", "BACKUP", "MASTER", "STOP"]


@pytest.mark.parametrize("family", FAMILIES)
def test_we_take_over_from_frr_and_give_way(runs: Runs[tuple[str, str], str], family: str) -> None:
    story = runs[family, "theirs"].split()
    assert story == ["BACKUP", "MASTER", "BACKUP", "MASTER", "BACKUP", "STOP"]
