"""What is written down of a lesson and found again, on runs that are made by hand, in memory.

The facts are those of a Lan; the answers and streams say when they were true.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from labs import lab_api
from labs.emulation.lab import Lab
from labs.errors import LabError
from labs.lab_api import Kind
from labs.model import facts, fault_verbs
from labs.model.fault_verbs import FAULT_VERBS
from labs.panel.sources import OfReplay
from labs.replay import recording
from labs.replay.recording import Answer, Begin, Recording, Session, Step, Stream, normalised_call
from labs.replay.recording_lab import RecordingLab
from labs.replay.replay_lab import ReplayLab
from labs.simulation.lan import Lan

VIP = "192.168.1.10"
LAYOUT = {
    "name": "ha_pair", "hosts": ["web1", "web2", "client"], "servers": ["web1", "web2"],
    "client": "client", "virtual": [VIP],
    "sockets": [
        {"host": host, "interface": "eth0", "switch": "s1", "port": f"s1-eth{n}",
         "ip": f"192.168.1.{last}/24", "ip6": f"2001:db8:1::{last}/64", "mac": f"02:00::{n}"}
        for n, (host, last) in enumerate((("web1", 11), ("web2", 12), ("client", 100)), 1)
    ],
}  # fmt: skip
BOTH = {"web1": "vrrpd", "web2": "vrrpd"}


def played(*deeds: tuple[str, str], begin: float = 8.0) -> Session:
    """A run in which those verbs were done, six seconds apart."""
    lan = Lan("basic")
    lan.run(begin)
    files = {host: lan.conf(host) for host in BOTH} | {"client": None}
    run = Session("basic", None, BOTH, Begin(lan.now, 0.0, [VIP], LAYOUT, BOTH, files))
    for verb, host in deeds:
        lan.run(6)
        before = lan.now
        getattr(lan, verb)(host)
        lan.run(0.01)
        run.steps.append(Step([verb, host], before, lan.now, 0.0, BOTH))
    lan.run(6)
    run.end = lan.now
    run.facts = [facts.to_json(fact) for fact in lan.facts]
    return run


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Recording]]:
    """Puts a book with those runs in the place of the shipped ones."""

    def put(*runs: Session) -> Recording:
        book = Recording({"on": "2030-01-01", "system": "6.1"}, list(runs))
        for module in ("labs.replay.recording", "labs.replay.replay_lab"):
            monkeypatch.setattr(f"{module}.books", lambda lesson="": [book])
        return book

    recording._asked.clear()
    yield put
    recording._asked.clear()


# --- how a call is written down ------------------------------------------------------------------


def test_every_marked_method_of_a_lab_can_be_recorded_and_replayed() -> None:
    marked = {name for name in dir(Lab) if lab_api.is_marked(getattr(Lab, name))}
    verbs = {name for name in marked if name in FAULT_VERBS}
    assert {"run", "conf", "reset", "mail", "unplug", "settle"} <= marked
    assert marked - verbs <= set(dir(ReplayLab))
    assert set(fault_verbs.real()) <= verbs
    streams = {name for name in marked if getattr(Lab, name).lab_mark[0] is Kind.STREAM}
    assert streams <= set(dir(RecordingLab))


@pytest.mark.parametrize(
    ("name", "words", "options", "found"),
    [
        ("unplug", ("web1",), {}, Kind.COMMAND),
        ("log", ("web1",), {}, Kind.QUERY),
        ("run", ("web1", "rm /run/flag"), {}, Kind.QUERY),
        ("run", ("web1", "rm /run/flag"), {"changes": True}, Kind.COMMAND),
        ("run", ("web1", "ls"), {"changes": False}, Kind.QUERY),
        ("conf", ("web1",), {}, Kind.QUERY),
        ("conf", ("web1", ""), {}, Kind.COMMAND),
        ("mail", ("web1",), {}, Kind.STREAM),
        ("holders", (), {}, None),
    ],
)
def test_a_call_is_what_its_method_is_marked_as(
    name: str, words: tuple[str, ...], options: dict[str, Any], found: Kind | None
) -> None:
    lab = Lab.__new__(Lab)
    assert lab_api.kind(getattr(lab, name), *words, **options) is found


def test_what_makes_no_difference_is_left_out() -> None:
    assert normalised_call("unplug", ("web1", "eth0"), {}) == ["unplug", "web1"]
    assert normalised_call("unplug", ("r1",), {"interface": "eth1"}) == ["unplug", "r1", "eth1"]
    assert normalised_call("run", ("web1", "ls", 5.0), {"changes": True}) == ["run", "web1", "ls"]
    assert normalised_call("stop", ("web1",), {"timeout": 9}) == ["stop", "web1"]
    assert normalised_call("settle", (9.0,), {}) == ["settle"]
    assert normalised_call("arp", ("client", None), {}) == ["arp", "client"]


def test_of_packets_counts_what_they_say() -> None:
    from scapy.layers.inet import IP
    from scapy.layers.vrrp import VRRP

    def advert(priority: int, number: int) -> bytes:
        ip = IP(src="192.168.1.66", dst="224.0.0.18", ttl=255, id=number)
        return bytes(ip / VRRP(vrid=51, priority=priority, addrlist=[VIP]))

    def recorded(packet: bytes) -> list[Any]:
        return normalised_call("send", ("attacker", [packet]), {"every": 0})

    assert recorded(advert(255, 1)) == recorded(advert(255, 2))
    assert recorded(advert(255, 1)) != recorded(advert(1, 1))
    assert "priority 255" in str(recorded(advert(255, 1)))
    assert recorded(b"\xff" * 42) == ["send", "attacker", ["a frame of 42 bytes"], 0]


def test_a_book_comes_back_as_it_was(tmp_path: Path) -> None:
    run = played(("unplug", "web1"))
    book = Recording({"on": "today", "system": "6.1"}, [run], {"x": [[1.0]]})
    book.save(tmp_path / "x.json.gz")
    first = (tmp_path / "x.json.gz").read_bytes()
    found = recording.load(tmp_path / "x.json.gz")
    assert found == book
    found.save(tmp_path / "x.json.gz")
    assert (tmp_path / "x.json.gz").read_bytes() == first


# --- how it is found again -----------------------------------------------------------------------


def test_a_deed_chooses_the_run_and_time_stops_before_the_next(
    shelf: Callable[..., Recording],
) -> None:
    shelf(played(("crash", "web1")), played(("unplug", "web1"), ("plug", "web1")))
    lab = ReplayLab()
    lab.unplug("web1")
    lab.wait_until(lambda: lab.holders() == ["web2"])
    with pytest.raises(LabError, match=r"goes on with lab\.plug\('web1'\)"):
        lab.wait_until(lambda: lab.holders() == ["web1"])
    assert lab.now == lab.until()
    lab.plug("web1", interface="eth0")
    lab.wait_until(lambda: lab.holders() == ["web1"])
    assert [move.to for move in lab.timeline().takeovers][-2:] == ["web2", "web1"]


def test_each_lab_of_a_lesson_has_its_own_run_in_turn(shelf: Callable[..., Recording]) -> None:
    shelf(played(begin=8), played(begin=9), played(begin=10))
    assert [ReplayLab().now for _ in range(4)] == [8, 9, 10, 8]


def test_a_lab_with_other_daemons_has_other_runs(shelf: Callable[..., Recording]) -> None:
    few, many = played(begin=8), played(begin=9)
    few.asked = "vrrpd --max-vips 20"
    shelf(few, many)
    assert [ReplayLab().now, ReplayLab(daemon="vrrpd --max-vips 20").now] == [9, 8]
    assert ReplayLab(daemon="vrrpd").now == 8, "nobody asked for these; they ran all the same"
    with pytest.raises(LabError, match="no run of Lab"):
        ReplayLab(daemon="keepalived")


def test_an_answer_is_the_latest_by_now_or_the_next(shelf: Callable[..., Recording]) -> None:
    run = played()
    ask = ["log", "web1"]
    run.answers = [Answer(ask, t, 0, value) for t, value in ((9.0, "a"), (12.0, "b"))]
    shelf(run)
    lab = ReplayLab()
    assert (lab.log("web1"), lab.now) == ("a", 9.0)
    lab.wait_until(lambda: lab.log("web1") == "b")
    assert lab.now == pytest.approx(12.0, abs=0.03)
    with pytest.raises(LabError, match="nobody asked"):
        lab.log("web2")


def test_an_answer_of_another_step_is_none(shelf: Callable[..., Recording]) -> None:
    run = played(("unplug", "web1"))
    run.answers = [Answer(["log", "web1"], 15.0, 1, "later")]
    shelf(run)
    lab = ReplayLab()
    with pytest.raises(LabError, match="nobody asked"):
        lab.log("web1")
    lab.unplug("web1")
    assert lab.log("web1") == "later"


def test_a_command_that_was_a_deed_is_one_again(shelf: Callable[..., Recording]) -> None:
    run = played(("unplug", "web1"))
    run.steps[0].do = ["run", "web1", "nft flush ruleset"]
    run.steps[0].value = {"text": "done\n", "status": 0}
    shelf(run)
    lab = ReplayLab()
    for _ in range(2):  # and once more, which changes nothing
        assert repr(lab.run("web1", "nft flush ruleset")) == "done"
        assert lab.now == run.steps[0].end


def test_packets_are_sent_again_if_they_say_the_same(shelf: Callable[..., Recording]) -> None:
    run = played(("unplug", "web1"))
    said = normalised_call("send", ("client", [b"\xff" * 42]), {})
    run.steps[0].do, run.steps[0].value = said, {"text": "", "status": 0}
    shelf(run)
    lab = ReplayLab()
    with pytest.raises(LabError, match=r"nobody did lab\.send"):
        lab.send("client", [b"\xff" * 60])
    with pytest.raises(LabError, match=r"nobody did lab\.send"):
        lab.send("client", [b"\xff" * 42], every=1)
    assert lab.send("client", [b"\xfe" * 42]).status == 0


def test_a_stream_has_what_was_known_by_now(shelf: Callable[..., Recording]) -> None:
    run = played()
    letter = "Subject: {}\r\n\r\nx"
    pieces = [{"t": t, "text": letter.format(t)} for t in (9.0, 11.0)]
    visits: list[dict[str, Any]] = [
        {"t": 9.0, "known": 9.1, "rtt": 0.1, "page": "web1"},
        {"t": 9.5, "known": 10.5, "rtt": None, "page": None},
    ]
    run.streams = [
        Stream(["mail", "web1"], 0, pieces),
        Stream(["visitor", 0.1], 0, visits),
    ]
    shelf(run)
    lab = ReplayLab()
    from labs.experiments.http_monitor import Visits

    box, seen = lab.mail("web1"), Visits(lab)  # type: ignore[arg-type]
    assert len(box) == 1 or lab.now < 9
    box.wait(1)
    assert [message["Subject"] for message in box.messages] == ["9.0"]
    assert (seen.last, seen.failed) == ("web1", 0)
    box.wait(2)
    assert seen.failed == 1
    with pytest.raises(LabError, match=r"nobody did lab\.mail"):
        lab.mail("web2")


def test_frames_are_those_of_the_context(shelf: Callable[..., Recording]) -> None:
    run = played()
    pieces = [{"t": 8.0 + n, "ethernet": "00" * 12 + "0806", "packet": "0001"} for n in range(5)]
    run.streams = [Stream(["capture", "web2"], 0, pieces)]
    shelf(run)
    lab = ReplayLab()
    lab.play(0.5)
    with lab.capture("web2") as wire:
        lab.wait_until(lambda: len(wire.of("arp")) == 2)
    lab.play(5)
    assert [frame.t for frame in wire.frames] == [9.0, 10.0]
    assert "web2" in wire._repr_html_()


def test_labs_side_by_side_have_one_clock(shelf: Callable[..., Recording]) -> None:
    shelf(played(("unplug", "web1")), played())
    one, other = ReplayLab(), ReplayLab(beside=True)
    other.play(3)
    assert one.now == other.now == 11.0
    other.play(30)
    assert (one.now, other.now) == (one.until(), other.until()), "each stops where it must"
    assert ReplayLab.current() is other
    ReplayLab()
    assert one.closed
    assert other.closed


def test_a_daemon_that_ended_by_itself_is_gone_for_those_who_ask(
    shelf: Callable[..., Recording],
) -> None:
    run = played()
    run.answers = [Answer(["running", "web2"], 10.0, 0, False)]
    shelf(run)
    lab = ReplayLab()
    assert (lab.running("web2"), lab.program("web1")) == (True, "vrrpd")
    lab.play(3)
    assert not lab.running("web2")


def test_the_prompt_of_mininet_is_refused_in_a_line(
    shelf: Callable[..., Recording], monkeypatch: pytest.MonkeyPatch
) -> None:
    from labs.jupyter.magics import LabMagics

    monkeypatch.setenv("LAB_MODE", "replay")
    shelf(played())
    ReplayLab()
    with pytest.raises(LabError, match="Mininet is there only where the lab itself runs"):
        LabMagics(None).mn("link s1 web1 down")
    assert ReplayLab.states() == ["basic"]


# --- on the panel --------------------------------------------------------------------------------


def test_the_bench_plays_a_recording_and_obeys_what_was_done(
    shelf: Callable[..., Recording], monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf(played(("unplug", "web1")))
    lab = ReplayLab()
    source = OfReplay(lab)
    assert source.network()["replay"]
    moments = iter([0.5 * n for n in range(100)])
    monkeypatch.setattr("labs.panel.sources.time.monotonic", lambda: next(moments))
    source._looked = 0.0
    first = source.fresh()
    assert {fact.kind for fact in first} >= {"address", "advert", "state"}
    told = [*first]
    for _ in range(40):
        told += source.fresh()
    assert told == lab.facts(), "everything once"
    assert "lab.unplug('web1')" in source.waits()
    with pytest.raises(LabError, match="nobody did"):
        source.do("crash", "web2")
    source.do("unplug", "web1", "eth0")
    assert source.waits() == ""
    while not source.waits():
        told += source.fresh()
    assert lab.holders() == ["web2"]
    assert "it ends here" in source.waits()
    assert source.daemons() == {"web1": "runs", "web2": "runs"}
    assert source.priorities("web2") == {51: 100}


@pytest.mark.parametrize(
    "content", [b"", b"\x1f\x8b\x08", b"not gzip", gzip.compress(b"{}", mtime=0)]
)
def test_a_damaged_recording_costs_no_other(
    content: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(recording, "PLACE", tmp_path)
    Recording({}, [], {"x": [[1.0]]}).save(tmp_path / "08-failback.json.gz")
    (tmp_path / "07-failover.json.gz").write_bytes(content)
    recording.load.cache_clear()
    assert [book.asides for book in recording.books("08-failback")] == [{"x": [[1.0]]}]
    assert "07-failover.json.gz is damaged" in capsys.readouterr().err
    with pytest.raises(LabError, match=r"07-failover.json.gz is damaged .*git checkout"):
        recording.books("07-failover")
