"""Fires every probe of `behaviour.py` at a MASTER of each kind, and holds the page against it.

    host 0    the daemon: one virtual router per probe, VRID 1, 2, 3 ...; all are MASTER
    host 1    no daemon; a packet socket sends each probe soon after an advert of its VRID

What came of a probe is read from the adverts of its VRID on the wire and from the notify script.
An answer "at once" is an advert long before the next one was due, and a dropped packet is followed
by adverts that a daemon sent after having read it: a machine that is busy for a second or two
changes no verdict.
"""

from __future__ import annotations

import socket
import threading
from functools import partial
from pathlib import Path

import pytest

from tests.interop.behaviour import EVERY, HOST, TABLES, Row, page, vips
from tests.interop.pairs import Runs, together
from tests.interop.segment import Frame, Host, Segment, network_of, now
from tests.interop.versions import installed
from tests.support import DAEMONS, REPOSITORY

LEARNT = (3 + (256 - 100) / 256) * EVERY * 1.5
STREAM = 20 * EVERY  # packets, a tenth of a second apart


def config(host: Host, version: int, family: int, rows: list[Row]) -> str:
    """One virtual router for each probe."""
    blocks = [f"global_defs {{\nvrrp_version {version}\nvrrp_garp_master_delay 0\n}}"]
    for vrid, _ in enumerate(rows, start=1):
        listed = "\n".join(vips(vrid, family))
        blocks.append(
            f"vrrp_instance I{vrid} {{\ninterface eth0\nvirtual_router_id {vrid}\npriority 100\n"
            f"advert_int {EVERY}\nnotify {host.script}\nvirtual_ipaddress {{\n{listed}\n}}\n}}"
        )
    return "\n".join(blocks) + "\n"


def fire(lan: Segment, version: int, family: int, rows: list[Row]) -> None:
    """Send every probe once, long before the next advert is due, and the streams to their end."""
    pause = threading.Event()
    with network_of(lan[1].holder.pid):
        sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    with sender:
        sender.bind(("eth0", 0))
        for vrid, row in enumerate(rows, start=1):
            lan.wait(partial(fresh, lan, vrid), "an advert of a moment ago")
            sender.send(row.probe.frame(vrid, version, family))
        for _ in range(STREAM):
            pause.wait(0.1)
            for vrid, row in enumerate(rows, start=1):
                if row.probe.stream:
                    sender.send(row.probe.frame(vrid, version, family))


def adverts(lan: Segment, vrid: int) -> list[Frame]:
    """The daemon's adverts of a VRID."""
    return [f for f in lan.wire.adverts(0) if f.vrrp[1] == vrid]


def fresh(lan: Segment, vrid: int) -> bool:
    """Whether the daemon has just advertised a VRID."""
    return now() - adverts(lan, vrid)[-1].t < EVERY / 4


def story(room: Path, kind: str, table: str) -> list[str]:
    """What this kind of daemon makes of each probe of a table."""
    _, version, family, rows = TABLES[table]
    with Segment(room) as lan:
        lan[0].start(kind, config(lan[0], version, family, rows))

        def calls(vrid: int) -> list[str]:
            return [call.split()[1] for call in lan[0].calls() if call.split()[0] == f"I{vrid}"]

        everyone = range(1, len(rows) + 1)
        lan.wait(lambda: all(calls(vrid)[-1:] == ["MASTER"] for vrid in everyone), "all MASTER")
        lan.wait(lambda: all(len(adverts(lan, v)) >= 2 for v in everyone), "second adverts")
        fire(lan, version, family, rows)

        # The frames on the wire show when each probe came in.
        many = len(rows) + STREAM * sum(row.probe.stream for row in rows)
        lan.wait(lambda: len(lan.wire.adverts(1)) == many, "every probe on the wire")
        fired: dict[int, list[float]] = {}
        for frame in lan.wire.adverts(1):
            fired.setdefault(vrid_of(frame), []).append(frame.t)

        def since(vrid: int) -> list[float]:
            return [f.t for f in adverts(lan, vrid) if f.t > fired[vrid][0]]

        def settled(vrid: int) -> bool:
            yielded = "BACKUP" in calls(vrid)[1:]
            return len(since(vrid)) >= (1 if yielded else 3)

        lan.wait(lambda: all(map(settled, everyone)), "what comes of every probe")
        return [
            judge(row, fired[vrid], [f.t for f in adverts(lan, vrid)], "BACKUP" in calls(vrid)[1:])
            for vrid, row in enumerate(rows, start=1)
        ]


def vrid_of(frame: Frame) -> int:
    """The VRID of any packet of ours, the IPv4 header as long as it may be."""
    return frame.vrrp[1]


def judge(row: Row, fired: list[float], adverts: list[float], yielded: bool) -> str:
    """The outcome in a word; `fired` and `adverts` are Unix times."""
    after = [t for t in adverts if t > fired[0]]
    before = [t for t in adverts if t <= fired[0]]
    if yielded:
        silence = after[0] - fired[0]
        if silence < EVERY:
            return "flips"
        return "BACKUP" if silence < LEARNT else "learns"
    if row.probe.stream:
        during = [t for t in after if t < fired[-1]]
        return "nothing" if during else "silenced"
    # One interval after the advert before the probe is on schedule; less than half of one is not.
    return "answers" if after[0] - before[-1] < EVERY / 2 else "nothing"


KEYS = [(kind, table) for table in TABLES for kind in DAEMONS]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs[tuple[str, str], list[str]]:
    room = tmp_path_factory.mktemp("probes")
    return together(lambda key: story(room / "-".join(key), *key), KEYS)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: "-".join(key))
def test_each_probe_has_the_outcome_on_the_page(
    runs: Runs[tuple[str, str], list[str]], key: tuple[str, str]
) -> None:
    kind, table = key
    rows = TABLES[table][3]
    found = dict(zip((row.name for row in rows), runs[key], strict=True))
    assert found == {row.name: row.outcome(kind, installed()) for row in rows}


def test_the_page_is_the_table() -> None:
    text = (REPOSITORY / "docs/behaviour.md").read_text(encoding="utf-8")
    assert text == page(), "remedy: python -m tests.interop.behaviour > docs/behaviour.md"


def test_every_difference_has_a_reason() -> None:
    for _, _, _, rows in TABLES.values():
        for row in rows:
            assert bool(row.why) == row.differs(), row.name


def test_the_probes_come_from_another_host() -> None:
    for _, _, family, rows in TABLES.values():
        assert HOST[family] not in {row.probe.source(family) for row in rows}
