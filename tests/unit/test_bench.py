"""The Python side of the live panel: the LAN at any moment, few messages, bounded memory."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import ipywidgets
import pytest

from labs.analysis.master_down_timer import skew
from labs.api.panel_widget import EVERY, REMEMBERED, Bench, recorded
from labs.conf import priorities
from labs.errors import LabError
from labs.model.facts import Action, Address, Advert, Configured, Fact, Heard, Link, Ping, State
from labs.panel.events import Events
from labs.panel.page import IMPORT, JS, page, script, style
from labs.panel.record import Record, applied, blank, thinned
from labs.panel.sources import SHOWN, OfLan, network
from labs.progress import memory
from labs.simulation.lan import Lan
from tests.support import HUNG_S, eventually

VIP = "192.168.1.10"
HOSTS = ("web1", "web2")


def translated(*facts: Fact, known: dict[int, int] | None = None) -> list[dict[str, Any]]:
    return Events((VIP,), HOSTS, lambda host: known or {}).take(facts)


def ping(t: float, by: str | None, rtt: float = 0.0002) -> Ping:
    return Ping(t, round(t * 100), VIP, by, rtt if by else None)


@pytest.fixture(scope="module")
def lan() -> Lan:
    """The master's cable pulled at 8 s and plugged in at 16 s, in memory."""
    made = Lan("basic")
    made.run(8)
    made.unplug("web1")
    made.run(8)
    made.plug("web1")
    made.run(8)
    return made


@pytest.fixture(scope="module")
def record(lan: Lan) -> Record:
    run = recorded(lan.timeline())
    made = Record([host["name"] for host in run["network"]["hosts"]], run["start"])
    made.base = run["base"]
    made.take(run["events"])
    return made


# --- the LAN at a moment -------------------------------------------------------------------------


def test_at_every_moment_the_owners_are_those_of_the_timeline(lan: Lan, record: Record) -> None:
    timeline = lan.timeline()
    for tenth in range(int(lan.now * 10)):
        t = tenth / 10 + 0.05
        hosts = record.at(t)["hosts"]
        holders = {name for name in hosts if 0 in hosts[name]["held"]}
        assert holders == set(timeline.holders_at(t)), t


def test_states_and_cables_are_as_they_were(record: Record) -> None:
    before, during, after = (record.at(t) for t in (7.9, 12.0, 23.0))
    assert [before["hosts"][name]["st"]["VI_1"] for name in HOSTS] == ["MASTER", "BACKUP"]
    assert [during["hosts"][name]["st"]["VI_1"] for name in HOSTS] == ["FAULT", "MASTER"]
    assert [after["hosts"][name]["st"]["VI_1"] for name in HOSTS] == ["MASTER", "BACKUP"]
    carriers = [scene["links"]["web1 eth0"][1] for scene in (before, during, after)]
    assert carriers == [True, False, True]


def test_looking_back_changes_nothing(record: Record) -> None:
    last = record.at(record.end)
    record.at(9.0)["hosts"]["web1"]["held"].append(7)
    assert record.at(record.end) == last


def test_a_timer_runs_out_when_the_takeover_happens(lan: Lan, record: Record) -> None:
    (since, wait, basis) = record.at(10.9)["hosts"]["web2"]["tmr"]["51"]
    taken = next(t for t in lan.timeline().takeovers if t.to == "web2")
    assert basis == "advert"
    assert since + wait == pytest.approx(taken.at, abs=0.01)


def test_the_ring_counts_the_adverts_that_the_daemon_counts() -> None:
    """With down_timer_adverts 5 the ring ran out 2 s before the daemon's timer."""
    told = translated(
        Configured(0.5, "web2", 51, 100, 5),
        Advert(1.0, "web1", "192.168.1.11", 51, 2, 150, 1.0, (VIP,)),
        Heard(1.0, "web2", "192.168.1.11", 51, 2, 150, 1.0),
    )
    assert [event["w"] for event in told if event["k"] == "tmr"] == [5.6094]


def test_who_holds_the_address_has_no_timer(record: Record) -> None:
    for event in record.events:
        hosts = record.at(event["t"] + 0.001)["hosts"]
        assert not any(host["held"] and host["tmr"] for host in hosts.values()), event


def test_a_resignation_leaves_the_skew_alone() -> None:
    told = translated(
        Advert(1.0, "web1", "192.168.1.11", 51, 2, 150, 1.0, (VIP,)),
        Heard(2.0, "web2", "192.168.1.11", 51, 2, 0, 1.0),
        known={51: 100},
    )
    (timer,) = [event for event in told if event["k"] == "tmr"]
    assert timer["w"] == pytest.approx(skew(100, 2, 1.0), abs=1e-4)
    assert timer["b"] == "goodbye"


@pytest.mark.parametrize(("destination", "timers"), [("e0000012", 0), ("c0a8010c", 1)])
def test_a_unicast_router_starts_no_timer_by_a_multicast(destination: str, timers: int) -> None:
    packet = "45c00028000000000ff70000" + "c0a8010b" + destination
    told = translated(
        Configured(0.5, "web2", 51, 100, 3, unicast=True),
        Advert(1.0, "web1", "192.168.1.11", 51, 2, 150, 1.0, (VIP,), packet),
        Heard(1.0, "web2", "192.168.1.11", 51, 2, 150, 1.0),
    )
    assert [event["k"] for event in told] == ["adv", "hrd", *timers * ["tmr"]]


def test_a_lower_priority_does_not_restart_the_timer() -> None:
    told = translated(
        Advert(1.0, "web2", "192.168.1.12", 51, 2, 100, 1.0, (VIP,)),
        Heard(1.0, "web1", "192.168.1.12", 51, 2, 100, 1.0),
        known={51: 150},
    )
    assert [event["k"] for event in told] == ["adv", "hrd"]


def test_a_lost_carrier_stops_the_timer_and_its_return_starts_it() -> None:
    told = translated(
        Link(0.0, "web2", "eth0", True, True),
        Advert(1.0, "web1", "192.168.1.11", 51, 2, 150, 1.0, (VIP,)),
        Heard(1.0, "web2", "192.168.1.11", 51, 2, 150, 1.0),
        Link(2.0, "web2", "eth0", True, False),
        Link(3.0, "web2", "eth0", True, True),
        known={51: 100},
    )
    timers = [(event["t"], event["w"]) for event in told if event["k"] == "tmr"]
    assert timers == [(1.0, 3.6094), (2.0, 0), (3.0, 3.6094)]


def test_what_is_done_to_a_daemon_shows() -> None:
    scene = blank(HOSTS)
    for verb, state in (
        ("freeze", "frozen"),
        ("thaw", "runs"),
        ("crash", "gone"),
        ("start", "runs"),
        ("down", "down"),
    ):
        for event in translated(Action(1.0, verb, "web2", verb)):
            applied(scene, event)
        assert scene["hosts"]["web2"]["dmn"] == state


def test_facts_about_attackers_and_other_addresses_are_left_out() -> None:
    assert translated(Address(1.0, "client", "eth0", VIP, 24, True)) == []
    assert translated(Address(1.0, "web1", "eth0", "192.168.1.11", 24, True)) == []


# --- pings ---------------------------------------------------------------------------------------


def test_pings_of_one_answerer_are_one_stretch() -> None:
    told = translated(*(ping(n / 100, "web1") for n in range(100)))
    assert [(event["by"], event["n"]) for event in told] == [("web1", 100)]
    assert told[0]["e"] == pytest.approx(0.99, abs=0.01)


def test_silence_between_two_answers_is_a_stretch_of_its_own() -> None:
    record = Record(HOSTS, 0.0)
    answered = [ping(n / 100, "web1") for n in (*range(1, 100), *range(300, 400))]
    # Whether there will be an answer is known a second later.
    record.take(translated(*answered[:150]))
    record.take(translated(*(ping(n / 100, None) for n in range(100, 300)), *answered[150:]))
    told = [(event["by"], event["n"]) for event in record.events]
    assert told == [("web1", 99), (None, 200), ("web1", 100)]


def test_pings_that_were_held_back_are_silence_until_they_are_answered() -> None:
    told = translated(ping(1.0, "web2", rtt=0.9), ping(1.95, "web2"))
    assert [(event["by"], event["t"]) for event in told] == [(None, 1.0), ("web2", 1.9)]


# --- bounded memory ------------------------------------------------------------------------------


def busy(seconds: int, rate: int = 60) -> list[dict[str, Any]]:
    kinds = ("adv", "hrd", "tmr")
    return [
        {"k": kinds[n % 3], "t": n / rate, "h": "web1", "p": 1, "r": 51, "w": 1, "b": "", "v": 2}
        for n in range(1, seconds * rate)
    ]


def test_ten_busy_minutes_stay_within_the_capacity() -> None:
    record = Record(HOSTS, 0.0, capacity=1000)
    for event in busy(600):
        record.take([event])
        assert len(record.events) <= 1000
    assert record.end == pytest.approx(600, abs=0.1)
    times = [event["t"] for event in record.events]
    assert all(a <= b for a, b in pairwise(times))


def test_thinning_never_loses_an_owner() -> None:
    record = Record(HOSTS, 0.0, capacity=500)
    own = [
        {"k": "own", "t": n + 0.5, "h": HOSTS[n % 2], "a": 0, "on": n % 4 < 2} for n in range(100)
    ]
    for event in sorted([*busy(100), *own], key=lambda event: float(event["t"])):
        record.take([event])
    assert [event["t"] for event in record.events if event["k"] == "own"] == [e["t"] for e in own]


def test_what_is_forgotten_stays_in_the_base() -> None:
    record, whole = Record(HOSTS, 0.0, capacity=200), blank(HOSTS)
    for n in range(1, 1000):
        event = {"k": "own", "t": float(n), "h": HOSTS[n % 2], "a": 0, "on": n % 3 > 0}
        applied(whole, event)
        record.take([event])
    assert record.start > 0
    assert len(record.events) <= 200
    assert record.at(record.end) == whole


def test_a_stretch_that_goes_on_is_not_forgotten() -> None:
    record = Record(HOSTS, 10.0, capacity=200)
    stretch = {"k": "png", "t": 9.0, "e": 10.1, "a": 0, "by": "web1", "n": 110}
    record.take([dict(stretch)])
    for n in range(1, 1000):
        more = {**stretch, "t": 10.0 + n / 10, "e": 10.1 + n / 10, "n": 10}
        own = {"k": "own", "t": 10.05 + n / 10, "h": "web1", "a": 0, "on": True}
        record.take([more, own])
    (kept,) = [event for event in record.events if event["k"] == "png"]
    assert record.start < kept["t"] < record.start + 0.01
    assert kept["e"] == pytest.approx(110.0)
    assert kept["n"] == 110 + 999 * 10


def test_thinning_takes_whole_stretches_of_the_older_half() -> None:
    events = busy(100)
    kept = thinned(events, 2.0)
    half = len(events) // 2
    assert kept[-half:] == events[-half:]
    older = {int(event["t"] / 2) for event in kept if event["t"] < 49}
    assert all(stretch % 2 == 0 for stretch in older)


# --- the widget ----------------------------------------------------------------------------------


class Still(OfLan):
    """A lan that a thread may ask: it says how often, and can be closed."""

    threaded = True
    shut = False

    @property
    def closed(self) -> bool:  # type: ignore[override]
        return self.shut

    @property
    def since(self) -> float:  # type: ignore[override]
        return 0.0


@pytest.fixture
def source() -> Still:
    return Still(Lan("basic"))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Every message to the page."""
    messages: list[dict[str, Any]] = []
    monkeypatch.setattr(Bench, "send", lambda self, content, buffers=None: messages.append(content))
    return messages


def test_the_first_thing_a_page_receives_says_what_to_draw(
    source: Still, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy page draws the panel before it has received anything that was set later."""
    opened: list[dict[str, Any]] = []
    make = ipywidgets.widget.comm.create_comm

    def create(**told: Any) -> object:
        opened.append(told)
        return make(**told)

    monkeypatch.setattr(ipywidgets.widget.comm, "create_comm", create)
    bench = Bench(source)
    (state,) = [told["data"]["state"] for told in opened if "network" in told["data"]["state"]]
    assert [host["name"] for host in state["network"]["hosts"]] == ["web1", "web2", "client"]
    assert state["network"] == bench.network
    assert state["own_id"] == bench.model_id


def test_everything_is_sent_once_in_few_messages(source: Still, sent: list[dict[str, Any]]) -> None:
    bench = Bench(source)
    ended = threading.Event()
    source._lan.run(20)
    bench._message(None, {"type": "hello"}, None)
    try:
        eventually(lambda: len(sent) > 8, what="eight messages")
    finally:
        bench.close()
        ended.set()
    whole = [message for message in sent if message["type"] == "all"]
    assert whole
    assert len(whole[0]["events"]) > 30
    numbers = [message["n"] for message in sent if message["type"] == "news"]
    assert numbers == list(range(1, len(numbers) + 1))
    assert 10 <= 1 / EVERY <= 20
    json.dumps(sent)


def test_what_was_first_fetched_by_another_reader_is_sent_all_the_same(
    source: Still, sent: list[dict[str, Any]]
) -> None:
    """`bench.record`, a saved page and the text of the panel look at the lab, too."""
    bench = Bench(source)
    bench._views = 1
    bench._look()
    source._lan.unplug("web1")
    assert "act" in {event["k"] for event in bench.record.events}
    for _ in range(2):
        bench._look()
    told = [event for message in sent if message["type"] == "news" for event in message["events"]]
    assert [event["v"] for event in told if event["k"] == "act"] == ["unplug"]


def test_a_lab_that_is_long_being_changed_does_not_look_like_a_kernel_that_is_gone(
    source: Still, sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reset on a busy server may take longer than the page waits for news."""
    bench = Bench(source)

    def changed() -> list[Fact]:
        raise FileNotFoundError("its journal")

    monkeypatch.setattr(source, "fresh", changed)
    bench._run()
    try:
        eventually(lambda: sent, what="a sign of life")
        assert sent[0] == {"type": "busy"}
    finally:
        bench.close()


def test_a_lab_that_is_just_being_changed_does_not_end_the_thread(
    source: Still, sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(source)
    fresh, tries = source.fresh, iter([FileNotFoundError("its journal"), KeyError("its host")])

    def changed() -> list[Fact]:
        if (error := next(tries, None)) is not None:
            raise error
        return fresh()

    bench._pull()
    monkeypatch.setattr(source, "fresh", changed)
    bench._run()
    try:
        eventually(lambda: sent, what="a message after that")
    finally:
        bench.close()


def test_closing_the_lab_ends_the_thread(source: Still, sent: list[dict[str, Any]]) -> None:
    bench = Bench(source)
    bench._message(None, {"type": "hello"}, None)
    thread = bench._thread
    assert thread is not None
    source.shut = True
    thread.join(HUNG_S)
    assert not thread.is_alive()
    assert sent[-1] == {"type": "ended"}
    bench._message(None, {"type": "hello"}, None)  # a page that is opened later
    eventually(lambda: sent[-1] == {"type": "ended"}, what="the page to be informed")


def test_a_command_prints_as_it_runs(
    source: Still, sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(host: str, command: str, show: Callable[[str], None]) -> str:
        for piece in ("PING\n", "", "x" * SHOWN, "y"):
            show(piece)
        raise LabError("[ended after 15 s]")

    monkeypatch.setattr(source, "run", run)
    Bench(source)._message(None, {"type": "run", "host": "web1", "command": "ping", "id": 7}, None)
    *printed, answer = sent
    assert {message["type"] for message in printed} == {"output"}
    assert "".join(message["text"] for message in printed) == ("PING\n" + "x" * SHOWN)[:SHOWN]
    assert answer == {"type": "answer", "id": 7, "ok": False, "text": "[ended after 15 s]"}


def test_the_last_view_that_goes_ends_the_thread(source: Still, sent: list[dict[str, Any]]) -> None:
    bench = Bench(source)
    for _ in range(2):
        bench._message(None, {"type": "hello"}, None)
    thread = bench._thread
    assert thread is not None
    bench._message(None, {"type": "bye"}, None)
    assert not bench._stop.is_set()
    bench._message(None, {"type": "bye"}, None)
    thread.join(HUNG_S)
    assert not thread.is_alive()
    bench.close()
    bench.close()


def test_no_lab_is_asked_while_nothing_is_shown(source: Still) -> None:
    assert Bench(source)._thread is None


def test_a_click_that_comes_twice_is_carried_out_once_and_answered_twice(
    source: Still, sent: list[dict[str, Any]]
) -> None:
    """The page asks again where the answer was lost, or only late."""
    bench = Bench(source)
    for number in range(REMEMBERED + 5):
        verb = "plug" if number % 2 else "unplug"
        click = {"type": "do", "verb": verb, "host": "web1", "id": f"a-{number}"}
        bench._message(None, click, None)
        source._lan.machines["web1"].plugged = False
        bench._message(None, click, None)
        assert not source._lan.machines["web1"].plugged
    assert [message["id"] for message in sent[::2]] == [message["id"] for message in sent[1::2]]
    assert all(message["ok"] for message in sent)
    assert len(bench._answers) == REMEMBERED


def test_messages_without_an_id_are_never_taken_for_repeated_ones(
    source: Still, sent: list[dict[str, Any]]
) -> None:
    bench = Bench(source)
    for verb, plugged in (("unplug", False), ("plug", True)):
        bench._message(None, {"type": "do", "verb": verb, "host": "web1"}, None)
        assert source._lan.machines["web1"].plugged is plugged


def test_a_mistake_of_ours_is_an_answer_too(
    source: Still, sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(host: str, command: str, show: object) -> str:
        raise RuntimeError

    monkeypatch.setattr(source, "run", run)
    Bench(source)._message(None, {"type": "run", "host": "web1", "command": "ls", "id": 3}, None)
    assert sent == [{"type": "answer", "id": 3, "ok": False, "text": "RuntimeError()"}]


def test_clicks_are_carried_out_and_answered(source: Still, sent: list[dict[str, Any]]) -> None:
    bench = Bench(source)
    bench._message(None, {"type": "do", "verb": "unplug", "host": "web1", "id": 1}, None)
    bench._message(None, {"type": "do", "verb": "burn", "host": "web1", "id": 2}, None)
    bench._message(None, {"type": "run", "host": "web1", "command": "ls", "id": 3}, None)
    assert [(message["id"], message["ok"]) for message in sent] == [
        (1, True),
        (2, False),
        (3, False),
    ]
    assert not source._lan.machines["web1"].plugged
    assert "burn" in sent[1]["text"]


def test_a_saved_page_is_named_after_its_lesson(
    source: Still, sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for lesson, name in (("07-failover", "07-failover-panel.html"), ("", "panel.html")):
        monkeypatch.setattr(memory, "lesson", lesson)
        Bench(source)._message(None, {"type": "save", "id": 1}, None)
        assert sent[-1]["name"] == name


def test_a_mistake_is_noticed_while_it_is_typed(source: Still, sent: list[dict[str, Any]]) -> None:
    bench = Bench(source)
    bench._message(None, {"type": "conf", "host": "web2", "id": 1}, None)
    text = sent[0]["text"]
    for number, typed in enumerate((text, text.replace("priority", "prioriti")), 2):
        question = {"type": "check", "host": "web2", "text": typed, "id": number}
        bench._message(None, question, None)
    assert sent[1]["remarks"] == []
    assert "priority" in "\n".join(sent[2]["remarks"])
    assert source._lan.conf("web2") == text, "typing alone writes nothing"
    bench._message(None, {"type": "check", "host": "web2", "text": "\n", "id": 9}, None)
    assert sent[-1]["remarks"] == ["the file is empty: no virtual router"]


def test_its_words_say_who_holds_the_address(source: Still) -> None:
    bench = Bench(source)
    source._lan.run(8)
    assert bench.record.end > 0
    assert repr(bench) == f"<Bench: {VIP} is held by web1>"


# --- its modules ---------------------------------------------------------------------------------

MODULES = sorted(JS.glob("*.js"))
DEFINES = re.compile(r"^(export )?(const|let|function|class) ")
NAME = re.compile(r"(?:^(?:export )?(?:const|let|function|class) |, )(\w+)(?= =|\(| \{)")


def defined(text: str) -> list[str]:
    """The names that a module gives to things, at its top level."""
    lines = [line for line in text.splitlines() if DEFINES.match(line)]
    return [name for line in lines for name in NAME.findall(line)]


def test_modules_laid_end_to_end_give_no_name_twice() -> None:
    names = [name for path in MODULES for name in defined(path.read_text())]
    assert {"Bench", "Record", "make", "LAG", "AHEAD", "BADGE"} <= set(names)
    assert sorted(names) == sorted(set(names))


def test_whatever_is_imported_is_there_and_comes_first() -> None:
    text = script()
    assert not re.search(r"^import|^export (?!default)", text, re.M)
    assert text.count("export default") == 1
    for path in MODULES:
        here = path.read_text()
        for match in IMPORT.finditer(here):
            there = (JS / match["module"]).read_text()
            assert text.index(there.splitlines()[0]) < text.index(here.splitlines()[0])
            for name in re.findall(r"\w+", match[0].partition("{")[2].partition("}")[0]):
                assert re.search(
                    rf"^export (const|(async )?function|class) {name}\b", there, re.M
                ), name
    assert "render" not in script("bench.js"), "a saved page needs no notebook"


def test_modules_are_small_and_open_with_what_they_are() -> None:
    for path in MODULES:
        lines = path.read_text().splitlines()
        assert lines[0].startswith("// "), path.name
        assert len(lines) <= 260, path.name


def test_every_colour_of_a_host_page_has_a_fallback() -> None:
    """JupyterLab, Notebook and VS Code have colours of their own; a page of one's own has none."""
    used = re.findall(r"var\((--(?:jp|vscode)[^()]*(?:\([^()]*\)[^()]*)*)\)", style())
    assert used
    assert all("," in each for each in used), used
    for text in (path.read_text() for path in MODULES):
        assert not re.search(r"--(jp|vscode)-|window\.(jupyter|acquireVsCodeApi|require)", text)


# --- a page of its own ---------------------------------------------------------------------------


def test_a_saved_run_is_one_file_that_fetches_nothing(lan: Lan) -> None:
    run = recorded(lan.timeline())
    text = page(run)
    assert not re.search(
        r"""(?:src|href)\s*=|@import|url\((?!data:)|https?://(?!www\.w3\.org)""", text
    )
    found = re.search(r'<script type="application/json" id="run">(.*?)</script>', text, re.S)
    assert found
    assert json.loads(found.group(1)) == json.loads(json.dumps(run))


def test_nothing_in_the_data_can_end_the_script() -> None:
    told = State(1.0, "web1", "</script><b>", "INIT", "BACKUP", "</script><script>alert(1)", 1)
    record = Record(HOSTS, 0.0)
    record.take(translated(told))
    shown = {**network({"web1": ""}, ["web1"], ("s1",), []), "addresses": ["</title>"]}
    text = page({"network": shown, **record.snapshot()})
    assert text.count("</script>") == 2
    assert "<title>&lt;/title&gt;" in text


def test_the_priorities_of_a_refused_file_are_unknown() -> None:
    assert priorities("vrrp_instance X {\n", "web1") == {}
    assert priorities(Lan("basic").conf("web2"), "web2") == {51: 100}


def test_a_bench_of_memory_has_no_shell() -> None:
    with pytest.raises(LabError, match="no shell"):
        OfLan(Lan("basic")).run("web1", "ls", print)
