"""Whichever daemon stands where, a pair goes through trouble in the same way.

    {keepalived, vrrpd} × {keepalived, vrrpd}  ×  PROTOCOLS  ×  TROUBLES

Each run: host 0 (priority 150) becomes MASTER, host 1 (priority 100) joins as BACKUP, the trouble
comes and goes, the end is waited for, both are stopped.
What must come out is in TROUBLES: who holds the address meanwhile and in the end, and every call
of the notify scripts in order.  The rows with keepalived on both hosts prove the table itself.
And nothing may be left over: no address, no interface.

`make test` runs a part in which every protocol, trouble and pair occurs, `make interop` all of it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

from tests.interop.features import done
from tests.interop.pairs import PAIRS, Runs, together
from tests.interop.segment import Frame, Segment, may_change_groups, now

WHOLE = os.environ.get("INTEROP") == "whole"
Row = tuple[str, str, str, str]  # protocol, trouble, daemon of host 0, daemon of host 1


@dataclass(frozen=True)
class Protocol:
    """A way of advertising: what goes into the instance of host 0 and of host 1."""

    advert_int: str
    vip: str
    words: tuple[str, str]
    needs: tuple[str, ...] = ()


def both(words: str) -> tuple[str, str]:
    """The same on both hosts."""
    return words, words


def unicast(number: int) -> str:
    """Host `number` sends to the other one alone."""
    return f"unicast_src_ip 192.168.1.{11 + number}\nunicast_peer {{\n192.168.1.{12 - number}\n}}"


PROTOCOLS = {
    "v2-pass": Protocol(
        "1", "192.168.1.10", both("authentication {\nauth_type PASS\nauth_pass 1111\n}")
    ),
    "v2-ah": Protocol(
        "1", "192.168.1.10", both("authentication {\nauth_type AH\nauth_pass 1111\n}")
    ),
    "v3-ipv4": Protocol("0.9", "192.168.1.10", both("version 3")),
    "v3-ipv6": Protocol("0.9", "fe80::1:1", both("")),
    "unicast": Protocol(
        "0.9", "192.168.1.10", (f"version 3\n{unicast(0)}", f"version 3\n{unicast(1)}")
    ),
    "vmac": Protocol("0.9", "192.168.1.10", both("version 3\nuse_vmac"), ("use_vmac",)),
}


@dataclass(frozen=True)
class Trouble:
    """What happens, and what comes of it.

    `strikes` and `ends` act on the segment; `meanwhile` holds the address in between, `finally_` in
    the end; `calls` are the states that the notify scripts of the two hosts are called with.
    """

    strikes: Callable[[Play], object]
    meanwhile: list[int]
    ends: Callable[[Play], object]
    calls: tuple[str, str]
    finally_: int = 0
    needs: tuple[str, ...] = ()


class Play:
    """One run: two hosts with their files."""

    def __init__(self, lan: Segment, protocol: Protocol, kinds: tuple[str, str]) -> None:
        self.lan = lan
        self.protocol = protocol
        self.kinds = kinds
        self.broken = lan.room / "broken"
        self.tracked = False

    def config(self, number: int, priority: int) -> str:
        """The file of host `number`."""
        protocol = self.protocol
        script = track = ""
        if self.tracked and number == 0:
            script = (
                f'vrrp_script chk {{\nscript "/usr/bin/test ! -e {self.broken}"\ninterval 1\n'
                "timeout 20\n}\n"  # one that a busy machine starts late has not failed
            )
            track = "track_script {\nchk\n}\n"
        return (
            f"{script}vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\n"
            f"priority {priority}\nadvert_int {protocol.advert_int}\n{protocol.words[number]}\n"
            f"{track}notify {self.lan[number].script}\n"
            f"virtual_ipaddress {{\n{protocol.vip}\n}}\n}}\n"
        )

    def start(self, number: int) -> None:
        """Start the daemon of a host, with the priority it is born with."""
        self.lan[number].start(self.kinds[number], self.config(number, (150, 100)[number]))

    def holders(self, *expected: int) -> None:
        """Wait until exactly these hosts hold the address."""
        self.lan.wait(
            lambda: self.lan.holders(self.protocol.vip) == list(expected), f"holders {expected}"
        )

    def wait_notified(self, number: int, state: str) -> None:
        """Wait until the last state that a host's script was called with is `state`."""
        self.lan.wait(
            lambda: self.lan[number].calls()[-1:] == [f"VI_1 {state}"],
            f"host {number} is notified of {state}",
        )


def again(play: Play) -> None:
    play.start(0)


def fail_script(play: Play) -> None:
    play.broken.touch()


MASTER_LEFT = "BACKUP MASTER BACKUP STOP"  # what the notify script of host 1 gets in most runs
FAULT = "BACKUP MASTER FAULT BACKUP MASTER STOP"
TROUBLES = {
    "SIGTERM": Trouble(
        lambda play: play.lan[0].stop(),
        [1],
        again,
        ("BACKUP MASTER STOP BACKUP MASTER STOP", MASTER_LEFT),
    ),
    "SIGKILL": Trouble(
        lambda play: play.lan[0].crash(),
        [0, 1],
        again,
        ("BACKUP MASTER BACKUP MASTER STOP", MASTER_LEFT),
    ),
    "unplug": Trouble(
        lambda play: play.lan[0].unplug(),
        [1],
        lambda play: play.lan[0].plug(),
        (FAULT, MASTER_LEFT),
    ),
    "cut": Trouble(
        lambda play: play.lan[0].cut(),
        [0, 1],
        lambda play: play.lan[0].mend(),
        ("BACKUP MASTER STOP", MASTER_LEFT),
    ),
    "reload": Trouble(
        lambda play: play.lan[0].reload(play.config(0, 50)),
        [1],
        lambda play: None,
        ("BACKUP MASTER BACKUP STOP", "BACKUP MASTER STOP"),
        finally_=1,
    ),
    "track_script": Trouble(
        fail_script,
        [1],
        lambda play: play.broken.unlink(),
        (FAULT, MASTER_LEFT),
        needs=("vrrp_script", "track_script"),
    ),
    "freeze": Trouble(
        lambda play: play.lan[0].freeze(),
        [0, 1],
        lambda play: play.lan[0].thaw(),
        ("BACKUP MASTER STOP", MASTER_LEFT),
    ),
}


@dataclass(frozen=True)
class Outcome:
    """What came of a run."""

    calls: tuple[str, str]
    left: list[set[str]]
    interfaces: list[str]
    owned_to_the_end: int


def story(room: Path, row: Row) -> Outcome:
    """Play one row of the matrix."""
    trouble = TROUBLES[row[1]]
    with Segment(room) as lan:
        play = Play(lan, PROTOCOLS[row[0]], (row[2], row[3]))
        play.tracked = row[1] == "track_script"
        play.start(0)
        play.holders(0)
        play.wait_notified(0, "MASTER")
        play.start(1)
        play.wait_notified(1, "BACKUP")
        trouble.strikes(play)
        play.holders(*trouble.meanwhile)
        play.wait_notified(1, "MASTER")
        trouble.ends(play)
        winner = trouble.finally_
        play.holders(winner)
        play.wait_notified(winner, "MASTER")
        play.wait_notified(1 - winner, "BACKUP")
        # It is the end only if the winner goes on saying so, and the other one is silent.
        settled = now()

        def adverts(host: int) -> list[Frame]:
            return [f for f in lan.wire.adverts(host) if f.t > settled]

        lan.wait(lambda: len(adverts(winner)) >= 4, "the winner's adverts")
        assert not adverts(1 - winner)
        held = lan.holders(play.protocol.vip)
        lan[1 - winner].stop()
        lan[winner].stop()
        for number, kind in enumerate(play.kinds):
            if kind == "vrrpd":  # keepalived kills its last script if that takes a second
                play.wait_notified(number, "STOP")
        said = [" ".join(call.split()[1] for call in host.calls()) for host in lan.hosts]
        names = [
            line.split(":")[1].split("@")[0].strip()
            for host in lan.hosts
            for line in host.run("ip", "-o", "link").splitlines()
        ]
        assert len(held) == 1, held
        left = [host.virtual() for host in lan.hosts]
        return Outcome((said[0], said[1]), left, names, held[0])


def possible(row: Row) -> bool:
    """Whether the row can be played here, by what is done and by whom the scripts are run."""
    if row[1] == "track_script" and row[2] == "keepalived" and not may_change_groups():
        return False
    return done(*PROTOCOLS[row[0]].needs, *TROUBLES[row[1]].needs)


MATRIX: list[Row] = [(p, t, *pair) for p, t, pair in product(PROTOCOLS, TROUBLES, PAIRS)]


def thinned() -> list[Row]:
    """One mixed pair for each way round and trouble, protocols in turn, and the rest by turns."""
    protocols, chosen = list(PROTOCOLS), []
    for i, trouble in enumerate(TROUBLES):
        for j, pair in enumerate(PAIRS[1:] if i % 2 else PAIRS[:3]):
            chosen.append((protocols[(i + 2 * j) % len(protocols)], trouble, *pair))
    return chosen


ROWS = MATRIX if WHOLE else thinned()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs[Row, Outcome]:
    room = tmp_path_factory.mktemp("behaviour")
    rows = [row for row in ROWS if possible(row)]
    return together(lambda row: story(room / "-".join(row), row), rows)


def due(kind: str, calls: str) -> str:
    """The regex of a script's calls; keepalived does not always let it write down a STOP."""
    return calls.replace(" STOP", "( STOP)?") if kind == "keepalived" else calls


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join(row))
def test_the_same_comes_of_it(runs: Runs[Row, Outcome], row: Row) -> None:
    if not possible(row):
        pytest.skip(f"optional: no {row[1]} with {row[0]} here, by the one or the other")
    outcome = runs[row]
    for kind, told, calls in zip(row[2:], outcome.calls, TROUBLES[row[1]].calls, strict=True):
        assert re.fullmatch(due(kind, calls), told)
    assert outcome.owned_to_the_end == TROUBLES[row[1]].finally_
    assert outcome.left == [set(), set()]
    assert outcome.interfaces == ["lo", "eth0"] * 2


def test_the_thinned_matrix_leaves_no_kind_out() -> None:
    rows = thinned()
    assert {row[0] for row in rows} == set(PROTOCOLS)
    assert {row[1] for row in rows} == set(TROUBLES)
    assert {row[2:] for row in rows} == set(PAIRS)
    assert len(MATRIX) == 4 * 6 * 7
