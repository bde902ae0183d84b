"""A host that is broken does not break the lab: the others work on, and reset() makes it whole.

    break web1    ->  no command hangs, web2 works    ->  reset()  ->  the pair is as it was

What a host may use is bounded for each: its files, its processes, the memory of a process.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labs import Lab, LabError
from labs.cli.watch_client import RemoteLab
from labs.emulation import discovery
from labs.emulation.control_server import ControlServer
from labs.emulation.mininet_prompt import command
from labs.emulation.nodes import PROCESSES, Host
from labs.figures.topology_diagram import Wiring
from labs.model.facts import Action
from labs.panel.sources import OfLab
from tests.support import HUNG_S, REPOSITORY, eventually

# What is typed on web1.
BREAKS = {
    "reboot": "reboot -f",
    "halt": "halt -f",
    "kill all": "kill -9 -1",
    "stop all": "kill -STOP -1",
    "delete eth0": "ip link del eth0",
    "rename eth0": "ip link set eth0 down; ip link set eth0 name wan0; ip link set wan0 up",
    "eth0 into another network": "ip link set eth0 netns 1; unshare -n sh -c 'ip link set lo up';"
    "unshare -n sleep 1000 & sleep 0.1; ip link set eth0 netns $!",
    "flush addresses": "ip addr flush dev eth0; ip -6 addr flush dev eth0",
    "another MAC address": "ip link set eth0 address 02:00:00:00:00:99",
    "drop everything": "nft add table inet x; nft add chain inet x y "
    "'{ type filter hook input priority 0; policy drop; }'; nft add chain inet x z "
    "'{ type filter hook output priority 0; policy drop; }'",
    "unmount /run": "umount -l /run",
    "unmount /proc": "umount -l /proc",
    "unmount everything": "umount -l /etc/keepalived /etc /var/log /root /tmp /run /proc",
    "mount over /etc": "mount -t tmpfs none /etc",
    "mount over /proc": "mount -t tmpfs none /proc",
    "mount over /": "mount -t tmpfs none /",
    "remove /etc": "rm -rf /etc/* /etc/keepalived",
    "fill /tmp": "head -c 1G /dev/zero >/tmp/full",
    "fill /run": "head -c 1G /dev/zero >/run/full",
    "fill /var/log": "head -c 1G /dev/zero >/var/log/full",
    "fill /etc": "head -c 1G /dev/zero >/etc/full",
    "no inodes": "cd /tmp && seq 40000 | xargs touch",
    "too many processes": f"for n in $(seq {PROCESSES + 50}); do sleep 1000 & done; sleep 1000",
    "memory": f"{sys.executable} -c 'bytearray(1 << 36)'",
    "other limits": "hostname nobody; cd /proc/sys/net/ipv4; echo 1 >ip_forward;"
    "echo 1 >icmp_echo_ignore_all",
}
LONG_S = 20  # a command that a break lets hang is given up then
# What is tried there then: it works, or it is a LabError.
VERBS: tuple[Callable[[Lab], object], ...] = (
    lambda lab: lab.run("web1", "true", timeout=LONG_S),
    lambda lab: lab.start("web1"),
    lambda lab: lab.reload("web1"),
    lambda lab: lab.unplug("web1"),
    lambda lab: lab.link("web1", "up"),
    lambda lab: lab.web("web1"),
    lambda lab: lab.arp("web1"),
    lambda lab: lab.conf("web1", "# nothing\n"),
    lambda lab: lab.crash("web1"),
    lambda lab: (lab.log("web1"), lab.journal("web1"), lab.timeline().text(), repr(lab)),
    lambda lab: Wiring(lab).text(),
)
LOOK = (
    "hostname; ip -o -4 addr; ip -br link; ip route; ip rule; nft list ruleset; ls -A /tmp /root"
    " /etc/keepalived /var/log; findmnt -rno TARGET,FSTYPE; cat /proc/sys/net/ipv4/ip_forward"
    " /proc/sys/net/ipv4/icmp_echo_ignore_all /etc/hosts; ulimit -a"
)


@pytest.fixture(scope="module")
def pair() -> Iterator[Lab]:
    """The article's pair, in the hands of tests that break it."""
    with Lab("basic", beside=True) as lab:
        yield lab


@pytest.fixture
def whole(pair: Lab) -> Lab:
    """The same, as it starts."""
    pair.reset()
    return pair


def look(lab: Lab, host: str = "web1") -> list[str]:
    """All that can be seen on a host and may have been changed.

    Not who holds the virtual address: that changes within seconds of a start.
    """
    seen = lab.run(host, LOOK, timeout=HUNG_S).text.splitlines()
    seen = [line for line in seen if f" {lab.watch}/32 " not in line]
    return [*seen, *sorted(process.program for process in lab.hosts[host].processes())]


@pytest.mark.parametrize("name", BREAKS)
def test_a_reset_makes_a_broken_host_whole(whole: Lab, name: str) -> None:
    before = {host: look(whole, host) for host in whole.hosts}
    with contextlib.suppress(LabError):  # the host may go down at this, or the command take long
        whole.run("web1", BREAKS[name], timeout=LONG_S)
    assert whole.run("web2", "echo works", timeout=HUNG_S).text == "works\n"
    assert whole.run("client", "ping -c 1 -W 5 192.168.1.12", timeout=HUNG_S).status == 0
    for verb in VERBS:
        with contextlib.suppress(LabError):
            verb(whole)
    whole.reset()
    assert whole.down == []
    assert all(whole.running(host) for host in whole.servers)
    for host in whole.hosts:
        assert look(whole, host) == before[host]
    eventually(lambda: whole.run("client", "ping -c 1 -W 1 192.168.1.11").status == 0)


@pytest.fixture
def dead(pair: Lab) -> Lab:
    """The pair after `reboot -f` on web1, which held the address."""
    pair.reset()
    pair.wait_until(lambda: pair.holders() == ["web1"])
    with pytest.raises(LabError, match=r"went down during `reboot -f`.*lab.reset\(\) starts"):
        pair.run("web1", "reboot -f")
    eventually(lambda: pair.down == ["web1"])
    return pair


def test_a_dead_host_is_shown_as_dead(dead: Lab) -> None:
    dead.wait_until(lambda: dead.holders() == ["web2"])
    assert "192.168.1.10 is held by web2, web1 is down" in repr(dead)
    assert not dead.running("web1")
    assert not dead.witness.carrier()["web1"]
    assert [(a.verb, a.text) for a in dead.timeline().of(Action) if a.host == "web1"][-1] == (
        "down",
        "web1 went down",
    )
    assert "after web1 went down" in dead.timeline().text()
    picture = Wiring(dead)
    assert [(m.state, m.holds) for m in picture.machines if m.name == "web1"] == [("down", ())]
    assert "eth0 to s1 (interface gone)" in picture.text()
    assert picture.figure()
    assert OfLab(dead).daemons() == {"web1": "down", "web2": "runs"}
    watched = RemoteLab(dead.directory)
    try:
        rows = {host.name: host for host in watched.picture(dead.now).hosts}
    finally:
        watched.close()
    assert (rows["web1"].runs, rows["web1"].note) == ("down", "the host is down: reset")
    assert (rows["web1"].holds, rows["web1"].carrier) == (False, False)


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        *((verb, ()) for verb in ("unplug", "plug", "cut", "mend", "crash", "stop", "start")),
        *((verb, ()) for verb in ("freeze", "thaw", "reload", "web", "mail", "arp", "capture")),
        *(("run", ("ls",)), ("link", ("down",)), ("lose", (0.5,)), ("oneway", ("to",))),
        ("send", ([b""],)),
    ],
)
def test_what_is_asked_of_a_dead_host_says_what_to_do(
    pair: Lab, verb: str, words: tuple[object, ...]
) -> None:
    if pair.down != ["web1"]:
        pair.hosts["web1"].kill("its process 1 has ended")
        eventually(lambda: pair.down == ["web1"])
    with pytest.raises(LabError, match=r"web1 is down \(its process 1 .*lab.reset\(\) starts"):
        getattr(pair, verb)("web1", *words)
    answer = ControlServer.answer(pair._door, json.dumps({"ask": verb, "host": "web1"}).encode())
    assert "error" in answer


def test_the_files_of_a_dead_host_can_still_be_read(dead: Lab) -> None:
    assert "vrrp_instance" in dead.conf("web1")
    assert dead.log("web1")
    assert dead.journal("web1")


def test_mininets_prompt_survives_the_death_of_a_host(whole: Lab) -> None:
    assert "web1 is down" in command(whole, "web1 reboot -f")
    assert "web1 is down" in command(whole, "web1 ls")
    assert "web2" in command(whole, "web2 hostname")
    command(whole, "reset")
    assert "web1" in command(whole, "web1 hostname")


def test_a_lab_with_a_dead_host_is_still_listed(dead: Lab) -> None:
    def listed() -> discovery.Running:
        (lab,) = (each for each in discovery.find() if each.directory.name == dead.directory.name)
        return lab

    eventually(lambda: listed().down == ["web1"])
    lab = listed()
    with pytest.raises(LabError, match=r"web1 is down: lab.reset\(\) starts"):
        discovery.shell(lab, "web1", ["ls"])


def test_a_capture_of_the_whole_lab_leaves_out_a_dead_host(dead: Lab) -> None:
    with dead.capture() as wires:
        assert [wire.host for wire in wires.wires] == ["web2", "client"]


def test_a_full_host_is_full_for_itself_alone(whole: Lab) -> None:
    whole.run("web1", "head -c 1G /dev/zero >/tmp/full")
    assert whole.run("web1", "echo still heard").text == "still heard\n"
    assert whole.run("web1", "echo x >/root/x").status != 0
    with pytest.raises(LabError, match=r"cannot write .* on web1: No space left on device"):
        whole.conf("web1", "x" * 100_000)
    wrote = whole.run("web2", "head -c 20M /dev/zero >/tmp/x && wc -c </tmp/x")
    assert wrote.text == "20971520\n"


def test_a_host_with_too_many_processes_goes_down_alone(whole: Lab) -> None:
    with pytest.raises(LabError, match=rf"web1 went down.*had more than {PROCESSES} processes"):
        whole.run("web1", BREAKS["too many processes"])
    assert whole.down == ["web1"]
    with pytest.raises(LabError, match=rf"web1 is down \(it had more than {PROCESSES} processes"):
        whole.run("web1", "ls")
    assert whole.running("web2")


def test_a_process_that_wants_all_memory_gets_none(whole: Lab) -> None:
    assert "MemoryError" in whole.run("web1", BREAKS["memory"]).text
    assert whole.run("web2", "ulimit -v").text.strip() != "unlimited"


def test_a_shell_from_outside_has_the_same_limits(whole: Lab) -> None:
    host: Host = whole.hosts["web1"]
    lab = discovery.Running(os.getpid(), 1.0, "basic", {}, {"web1": host.pid}, Path())
    enter = discovery.shell(lab, "web1", ["bash", "-c", "ulimit -u; ulimit -v"])
    told = subprocess.run(enter, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert told.stdout == whole.run("web1", "ulimit -u; ulimit -v").text
