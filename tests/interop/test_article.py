"""The article's cluster with keepalived, with vrrpd, and with one of each: the same on the wire.

    start both ── host 0 is master ── kill it ── host 1 takes over ── start it again ── failback
      ── stop it gracefully ── host 1 takes over ── stop that too ── no host holds the address

The four pairs go through this side by side, on segments with equal names, MACs and addresses.
So what host 0 says as keepalived can be laid over what it says as vrrpd.
Times are the kernel's, taken where the frames enter the switch.
No time is compared with a number of seconds but one: the protocol's prediction, as a lower bound.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.pairs import PAIRS, Runs, names, together
from tests.interop.segment import (
    Frame,
    Segment,
    comparable,
    is_announcement,
    may_change_groups,
    now,
)
from tests.support import HUNG_S, REPOSITORY

VIP = "192.168.1.10"
CONFIGS = [
    (REPOSITORY / f"tests/data/conf/article-{who}.conf").read_text() for who in ("master", "backup")
]
SKEW = (256 - 100) / 256
MASTER_DOWN = 3 * 1 + SKEW
SLACK = 1.0  # one advert interval: what a takeover may be later than keepalived's in the same run


@dataclass(frozen=True)
class Run:
    """What there is to know about one pair's run."""

    room: Path
    frames: list[Frame]
    left: list[set[str]]  # addresses that a host still held in the end, by host
    crash: tuple[Frame, Frame]  # the last advert before, the first one after
    resignation: tuple[Frame, Frame]
    statuses: list[int]

    def adverts(self, host: int) -> list[Frame]:
        return [f for f in self.frames if f.host == host and f.is_advert]

    def arps(self, host: int) -> list[Frame]:
        """The gratuitous ARP frames of a daemon, without what its kernel asks and answers."""
        return [f for f in self.frames if f.host == host and f.is_arp and is_announcement(f)]


def story(room: Path, pair: tuple[str, str]) -> Run:
    """Failover and failback, then both stop."""

    def taken_over(since: float) -> tuple[Frame, Frame]:
        """The first advert of host 1 after `since`, Unix time, and the last one before it."""

        def answers() -> list[Frame]:
            return [f for f in lan.wire.adverts(1) if f.t > since]

        # The frames are read by a thread, which may be behind what the hosts already show.
        lan.wait(answers, "the advert of host 1")
        first = answers()[0]
        return [f for f in lan.wire.adverts(0) if f.t < first.t][-1], first

    with Segment(room) as lan:
        for host, kind, config in zip(lan.hosts, pair, CONFIGS, strict=True):
            host.start(kind, config)
        lan.wait(lambda: lan.holders(VIP) == [0], "host 0 is master")
        lan.wait(lambda: len(lan.wire.adverts(0)) >= 2, "it says so twice")
        lan.wait(lambda: "Entering BACKUP STATE" in lan[1].text(), "host 1 listens")
        killed = now()
        lan[0].crash()
        lan.wait(lambda: lan[1].has(VIP), "host 1 takes over from the dead")
        crash = taken_over(killed)
        lan[0].start(pair[0])
        lan.wait(lambda: lan.holders(VIP) == [0], "host 0 is master again")
        stopped = now()
        statuses = [lan[0].stop()]
        lan.wait(lambda: lan.holders(VIP) == [1], "host 1 takes over from the one that left")
        resignation = taken_over(stopped)
        statuses.append(lan[1].stop())
        lan.wait(lambda: lan.wire.adverts()[-1].priority == 0, "host 1 takes its leave")
        left = [host.virtual() for host in lan.hosts]
        lan.wire.save(room / "wire.pcap")
        return Run(room, list(lan.wire.frames), left, crash, resignation, statuses)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs[tuple[str, str], Run]:
    room = tmp_path_factory.mktemp("article")
    return together(lambda pair: story(room / names(pair), pair), PAIRS)


@pytest.mark.parametrize("pair", PAIRS, ids=names)
def test_failover_failback_and_graceful_stop_with_any_pair(
    runs: Runs[tuple[str, str], Run], pair: tuple[str, str]
) -> None:
    run = runs[pair]
    assert run.left == [set(), set()]
    assert run.statuses == [0, 0]
    assert run.crash[0].priority == 150, "a killed daemon sends no resignation"
    assert run.resignation[0].priority == 0, "a stopped one does"


@pytest.mark.parametrize("host", [0, 1], ids=["master", "backup"])
def test_every_kind_of_frame_is_equal(runs: Runs[tuple[str, str], Run], host: int) -> None:
    theirs, ours = runs["keepalived", "keepalived"], runs["vrrpd", "vrrpd"]
    for kind in ("adverts", "arps"):
        expected = {comparable(frame) for frame in getattr(theirs, kind)(host)}
        found = {comparable(frame) for frame in getattr(ours, kind)(host)}
        assert found == expected, f"{kind} of host {host}"
    assert {f.priority for f in ours.adverts(host)} == {[150, 100][host], 0}


def test_nothing_but_identification_and_its_checksum_differs(
    runs: Runs[tuple[str, str], Run],
) -> None:
    """Byte by byte, so that `comparable` cannot hide more than it says."""
    theirs = runs["keepalived", "keepalived"].adverts(0)[0].data
    for frame in runs["vrrpd", "vrrpd"].adverts(0):
        if frame.priority == 150:
            differing = {
                i for i, (a, b) in enumerate(zip(theirs, frame.data, strict=True)) if a != b
            }
            assert differing <= {18, 19, 24, 25}
            assert checksum_holds(frame.data[14:34])


def checksum_holds(header: bytes) -> bool:
    """RFC 791: the one's complement sum of an IP header is all ones."""
    total = sum(int.from_bytes(header[i : i + 2], "big") for i in range(0, len(header), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total == 0xFFFF


@pytest.mark.parametrize("host", [0, 1], ids=["master", "backup"])
def test_the_announcement_is_as_long_and_follows_the_advert(
    runs: Runs[tuple[str, str], Run], host: int
) -> None:
    """keepalived: the advert first, then five rounds of gratuitous ARP, back to back."""
    for pair in PAIRS:
        told = {id(frame) for frame in runs[pair].adverts(host) + runs[pair].arps(host)}
        mine = [frame for frame in runs[pair].frames if id(frame) in told]
        assert ["advert" if f.is_advert else "arp" for f in mine[:6]] == ["advert"] + 5 * ["arp"]


def late(frames: tuple[Frame, Frame], after: float) -> float:
    """Seconds between the predicted moment of a takeover and its advert."""
    return frames[1].t - frames[0].t - after


@pytest.mark.parametrize(("moment", "after"), [("crash", MASTER_DOWN), ("resignation", SKEW)])
def test_takeover_is_never_early_and_about_as_prompt_as_keepalived(
    runs: Runs[tuple[str, str], Run], moment: str, after: float
) -> None:
    """RFC 3768: 3 * 1 s + (256 - 100) / 256 s after the last advert, Skew_Time after priority 0."""
    theirs = [late(getattr(runs[p], moment), after) for p in PAIRS if p[1] == "keepalived"]
    ours = [late(getattr(runs[p], moment), after) for p in PAIRS if p[1] == "vrrpd"]
    assert min(ours) >= 0
    assert min(ours) <= max(theirs) + SLACK


@pytest.mark.parametrize("pair", PAIRS, ids=names)
def test_tcpdump_has_no_complaint(runs: Runs[tuple[str, str], Run], pair: tuple[str, str]) -> None:
    if not shutil.which("tcpdump"):
        pytest.skip("tcpdump is not installed: make setup")
    pcap = str(runs[pair].room / "wire.pcap")
    # tcpdump stops being root, which is refused without other users: so it is not even root.
    nobody = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    prefix = [] if may_change_groups() else nobody
    done = subprocess.run(
        [*prefix, "tcpdump", "-nn", "-e", "-vv", "-r", pcap, "vrrp or arp"],
        capture_output=True,
        text=True,
        timeout=HUNG_S,
        check=True,
    )
    text = done.stdout
    assert text.count("VRRPv2, Advertisement") == sum(f.is_advert for f in runs[pair].frames)
    assert f"vrid 51, prio 150, authtype simple, intvl 1s, length 20, addrs: {VIP}" in text
    for complaint in ("bad", "[|", "unsupported", "invalid", "wrong"):
        assert complaint not in text


def test_scapy_decodes_and_rebuilds_ours(runs: Runs[tuple[str, str], Run]) -> None:
    from scapy.layers.l2 import ARP, Ether
    from scapy.layers.vrrp import VRRP

    run = runs["vrrpd", "vrrpd"]
    advert = Ether(run.adverts(0)[0].data)
    vrrp = advert[VRRP]
    assert (vrrp.version, vrrp.type, vrrp.vrid, vrrp.priority) == (2, 1, 51, 150)
    assert (vrrp.authtype, vrrp.adv, vrrp.addrlist) == (1, 1, [VIP])
    # auth1 and auth2 are the password; scapy works out the checksum itself when it is deleted.
    sent = vrrp.chksum
    del vrrp.chksum
    assert Ether(bytes(advert))[VRRP].chksum == sent
    arp = Ether(run.arps(0)[0].data)[ARP]
    assert (arp.op, arp.psrc, arp.pdst, arp.hwdst) == (1, VIP, VIP, "ff:ff:ff:ff:ff:ff")
