"""The panel's modules that draw nothing, in a blank page: the clock, and where things stand.

The record has its twin in Python, and is compared with it in test_bench.py.
"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from labs.emulation import network
from labs.model import fault_verbs
from labs.panel.page import script
from labs.panel.sources import wired


@pytest.fixture
def logic(page: Page) -> Page:
    """A page in whose `window.logic` the modules are."""
    names = "Clock, Connection, Record, placed, cablesOf, badgesOf, way, entries, deedOf"
    text = f"{script('bench.js')}\nwindow.logic = {{ {names} }};"
    page.add_script_tag(type="module", content=text)
    page.wait_for_function("window.logic")
    return page


def clock(page: Page, steps: str, alive: bool = True) -> Any:
    """What `steps` (JavaScript) returns of a clock for a record of 100 s, known up to 100."""
    return page.evaluate(
        f"""() => {{
            const clock = new logic.Clock({{ start: 0, end: 100 }}, {str(alive).lower()});
            clock.begin(clock.record, 100, 0);
            {steps}
        }}"""
    )


def test_live_stays_behind_and_runs_on_between_two_messages(logic: Page) -> None:
    assert clock(logic, "return [0, 300, 5000].map((ms) => clock.newest(ms));") == pytest.approx(
        [99.8, 100.1, 100.4]
    )
    steps = "for (let n = 1; n < 60; n += 1) clock.tick(1 / 30, 0); return clock.at;"
    assert clock(logic, steps) == pytest.approx(99.8, abs=0.01)


def test_a_clock_that_stands_still_is_not_run_past(logic: Page) -> None:
    steps = """clock.told(100, 1000, true); clock.told(100, 1500, true);
               return [1000, 1500, 9000].map((ms) => clock.newest(ms));"""
    assert clock(logic, steps) == pytest.approx([100, 100, 100])


def test_an_action_in_virtual_time_is_shown_at_once_and_time_never_goes_back(logic: Page) -> None:
    steps = """clock.virtual = true; clock.lag = 0.08;
               const tick = (now, ms) => {
                   clock.told(now, ms);
                   clock.tick(0.04, ms);
                   return clock.at;
               };
               const before = tick(100.5, 500);
               clock.reach(100.5, 500);
               const done = clock.at, next = tick(100.54, 540);
               return [before, done, next, tick(100.62, 620), clock.newest(620)];"""
    before, done, next_, later, newest = clock(logic, steps)
    assert (before < done, done, next_, newest) == (True, 100.5, 100.5, pytest.approx(100.54))
    assert done < later < newest


def test_slowly_falls_behind_and_live_catches_up(logic: Page) -> None:
    steps = """clock.slow(0.1); clock.told(110, 10000); clock.tick(10, 10000);
               const behind = [clock.mode, clock.at];
               clock.follow(10000);
               return [...behind, clock.mode, clock.rate, clock.at];"""
    mode, at, *rest = clock(logic, steps)
    assert (mode, at) == ("play", pytest.approx(100.8))
    assert rest == ["live", 1, pytest.approx(109.8)]


def test_a_saved_page_plays_to_its_end_and_begins_again(logic: Page) -> None:
    steps = """clock.toggle(0); clock.tick(99, 0); const near = [clock.mode, clock.at];
               clock.tick(2, 0); const end = [clock.mode, clock.at];
               clock.toggle(0); return [...near, ...end, clock.mode, clock.at];"""
    assert clock(logic, steps, alive=False) == ["play", 99, "pause", 100, "play", 0]


def test_no_seek_goes_beyond_what_was(logic: Page) -> None:
    steps = "return [-5, 50, 500].map((t) => { clock.seek(t, 0); return [clock.mode, clock.at]; });"
    expected = [["pause", 0], ["pause", 50], ["pause", pytest.approx(99.8)]]
    assert clock(logic, steps) == expected


CONNECTION = """() => {
    const sent = [], line = new logic.Connection({ send: (m) => sent.push(m) });
    const all = { type: "all", network: { beats: true } }, states = [];
    const at = (ms) => states.push(line.state(ms));
    at(1e9);                                            // nothing is known of its kernel
    line.take(all, 0); at(5000); at(7000);              // the kernel was restarted
    line.take({ type: "news" }, 8000); at(9000);        // it was only slow
    line.take({ type: "ended" }, 9000); at(9100); at(99000);
    line.take(all, 100000); at(100100);                 // another lab
    line.take({ type: "all", network: { beats: false } }, 200000); at(299000);
    const saved = new logic.Connection({ send: () => {} }, true);       // the page of yesterday
    states.push(saved.state(performance.now()), saved.state(performance.now() + 7000));
    const port = { send: () => {}, live: () => port.lives };          // of a LAN in memory
    const silent = new logic.Connection(port);
    for (port.lives of [true, false]) states.push(silent.state(1e9));
    return states;
}"""
ASKED = """async () => {
    const sent = [], printed = [];
    const line = new logic.Connection({ send: (m) => sent.push(m) });
    const late = new Promise((settle) => {
        const more = { late: () => settle("late"), print: (text) => printed.push(text) };
        line.ask({ type: "run" }, more).then((answer) => printed.push(answer.text));
    });
    const first = await late;
    const { id } = sent[0];
    line.take({ type: "output", id, text: "a" }, 0);
    line.take({ type: "answer", id, ok: true, text: "ab" }, 0);
    line.take({ type: "ended" }, 0);
    const refused = await line.ask({ type: "do" });
    return [first, printed, sent, refused.ok, refused.text];
}"""


def test_a_panel_knows_whether_it_is_connected(logic: Page) -> None:
    found = logic.evaluate(CONNECTION)
    assert found == ["", "", "lost", "", "ended", "ended", "", "", "", "lost", "", "lost"]


def test_a_question_is_answered_late_in_pieces_or_not_at_all(logic: Page) -> None:
    first, printed, sent, ok, text = logic.evaluate(ASKED)
    assert first == "late"
    assert printed == ["a", "ab"]
    assert [message["type"] for message in sent] == ["run"], "a lab that has ended is not asked"
    assert not ok
    assert "has ended" in text


# Timers are called by hand: one more question each time, until there is an answer.
LOST = """async (lossy) => {
    const sent = [], timers = new Map();
    const line = new logic.Connection({ send: (m) => sent.push(m), lossy });
    window.setInterval = (call) => { timers.set(timers.size + 1, call); return timers.size; };
    window.clearInterval = (number) => { timers.delete(number); };
    const pass = () => { for (const call of [...timers.values()]) call(); };
    const answers = [line.ask({ type: "do", verb: "unplug" }), line.ask({ type: "save" })];
    pass();
    line.take({ type: "answer", id: sent[0].id, ok: true, text: "" }, 0);
    pass();
    line.take({ type: "answer", id: sent[1].id, ok: true, text: "" }, 0);
    pass();
    await Promise.all(answers);
    line.ask({ type: "check" });
    line.end();
    pass();                                             // the panel is gone
    const other = new logic.Connection({ send: (m) => sent.push(m) });
    other.ask({ type: "conf" });
    return [sent.map((m) => m.type), new Set(sent.map((m) => m.id)).size, timers.size];
}"""


@pytest.mark.parametrize(("lossy", "again"), [(True, ["do", "save", "save"]), (False, [])])
def test_a_question_that_may_be_lost_is_asked_again_until_it_is_answered(
    logic: Page, lossy: bool, again: list[str]
) -> None:
    sent, different, timers = logic.evaluate(LOST, lossy)
    assert sent == ["do", "save", *again, "check", "conf"]
    assert different == 4, "another page's questions have other ids"
    assert timers == 1, "that of the question which is open"


SILENT = """() => {
    const sent = [], port = { send: (m) => sent.push(m), lossy: true, live: () => lives };
    const line = new logic.Connection(port);
    let again = null, lives = true;
    window.setInterval = (call) => { again = call; return 1; };
    window.clearInterval = () => { again = null; };
    const news = (ago) => line.take({ type: "news" }, performance.now() - ago);
    line.take({ type: "all", network: { beats: true } }, performance.now());
    line.ask({ type: "run" });
    news(7000); again();                                // the computer stalls
    lives = false; again();                             // the connection is down
    lives = true; news(0); again();
    return [sent.length, again !== null];
}"""


def test_a_question_is_asked_again_after_a_silence_that_has_passed(logic: Page) -> None:
    sent, goes_on = logic.evaluate(SILENT)
    assert sent == 3, "once, in the silence, and after it; not to a kernel that is not there"
    assert goes_on


LONG_RUN = """() => {
    const base = { hosts: { web1: { held: [], st: {}, prio: {}, tmr: {} } }, links: {} };
    const record = new logic.Record({ base, start: 0, end: 0, events: [] });
    for (let t = 1; t < 1200; t += 0.25) {
        const moves = t % 60 === 0, sent = { k: "adv", p: 100, v: 2, r: 51 };
        const more = moves ? { k: "own", a: 0, on: t % 120 === 0 } : sent;
        record.take([{ t, h: "web1", ...more }]);
    }
    const kept = record.snapshot(), again = new logic.Record(kept).snapshot();
    const holds = ({ base, start, end, events }, t) =>
        new logic.Record({ base, start, end, events }).at(t).hosts.web1.held.length;
    const moments = [...Array(19).keys()].map((n) => n * 60 + 61);
    return {
        bytes: JSON.stringify(kept).length, left: record.events.length, count: kept.events.length,
        same: JSON.stringify(again) === JSON.stringify(kept), end: kept.end,
        holds: moments.map((t) => holds(kept, t)), held: moments.map((t) => holds(record, t)),
    };
}"""


def test_a_saved_notebook_has_a_long_run_in_few_bytes_and_every_holder(logic: Page) -> None:
    found = logic.evaluate(LONG_RUN)
    assert found["left"] == 4796, "the record itself stays whole"
    assert found["count"] <= 2000
    assert found["bytes"] < 200_000
    assert found["same"], "saved again, it stays as it is"
    assert found["end"] == 1199.75
    assert found["holds"] == found["held"]
    assert set(found["held"]) == {0, 1}


PLACES = """net => {
    const spot = logic.placed(net), cables = logic.cablesOf(net, spot);
    const ends = [];        // of each way: both cables, and three places on it
    for (const from of net.hosts.map((h) => h.name)) {
        for (const to of net.hosts.map((h) => h.name)) {
            const joined = (c) => cables.find((o) => o.h === to && o.s === c.s);
            const c = cables.find((one) => one.h === from && from !== to && joined(one));
            const at = (part) => logic.way(cables, from, to, part);
            if (c) ends.push([c, joined(c), at(0), at(0.6), at(1)]);
            else if (from !== to && at(1) !== null) throw new Error(`a way from ${from} to ${to}`);
        }
    }
    return { spot, cables, ends };
}"""


@pytest.mark.parametrize("name", network.names())
def test_nothing_overlaps_in_any_topology(logic: Page, name: str) -> None:
    net = {**wired(network.layout(name)), "addresses": ["192.168.1.10"]}
    told = logic.evaluate(PLACES, net)
    spot, cables = told["spot"], told["cables"]
    boxes = [(h["x"] - 98, h["y"], h["x"] + 98, h["y"] + h["h"]) for h in spot["hosts"].values()]
    boxes += [(14, bar["y"], spot["width"] - 14, bar["y"] + 30) for bar in spot["bars"].values()]
    assert len(boxes) == len(net["hosts"]) + len(net["switches"])
    for n, (left, top, right, bottom) in enumerate(boxes):
        assert left >= 0 <= top
        assert right <= spot["width"]
        assert bottom <= spot["height"]
        for other in boxes[:n]:
            apart = other[2] <= left or right <= other[0] or other[3] <= top or bottom <= other[1]
            assert apart, (boxes[n], other)
    for cable in cables:
        assert cable["bottom"] - cable["top"] > 40, "long enough to click"
    for start, end, first, middle, last in told["ends"]:
        assert (first["x"], first["y"]) == (start["x"], start["bar"])
        assert (middle["x"], middle["y"]) == (end["x"], end["bar"])
        assert (last["x"], last["y"]) == (end["x"], end["at"])


def test_an_address_without_a_holder_is_at_the_switch_and_two_holders_have_one_each(
    logic: Page,
) -> None:
    net = {**wired(network.layout("ha_pair")), "addresses": ["192.168.1.10"]}
    js = """([net, held]) => logic.badgesOf(logic.placed(net), net.addresses, held, () => 0)"""
    (lost,) = logic.evaluate(js, [net, [[]]])
    assert (lost["text"], lost["is"]) == ("nobody: 192.168.1.10", "lost")
    two = logic.evaluate(js, [net, [["web1", "web2"]]])
    assert [badge["is"] for badge in two] == ["two", "two"]
    assert two[0]["x"] != two[1]["x"]


# --- the menu of a host --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "offered", "not_offered"),
    [
        ({"dmn": "runs", "pth": ""}, "Lose 30 % of its frames", "Restore the path"),
        ({"dmn": "runs", "pth": "lossy"}, "Restore the path", "Lose 30 % of its frames"),
        ({"dmn": "frozen", "pth": ""}, "Thaw the daemon", "Stop the daemon (SIGTERM)"),
        ({"dmn": "gone", "pth": "cut"}, "Start the daemon", "Restart it"),
    ],
)
def test_the_menu_offers_what_the_table_of_verbs_says(
    logic: Page, now: dict[str, str], offered: str, not_offered: str
) -> None:
    told = logic.evaluate(
        "([now, verbs]) => logic.entries('web1', now, {}, { verbs }).map(([text]) => text)",
        [now, fault_verbs.menu()],
    )
    assert offered in told
    assert not_offered not in told


def test_a_line_of_the_menu_asks_for_its_verb_with_its_words(logic: Page) -> None:
    asked = logic.evaluate(
        """(verbs) => {
            const asked = [], hands = { act: (...words) => asked.push(words) };
            const lines = logic.entries("web2", { dmn: "runs", pth: "" }, hands, { verbs });
            lines.find(([text]) => text === "Drop all frames from it")[1]();
            return asked;
        }""",
        fault_verbs.menu(),
    )
    assert asked == [["oneway", "web2", {"words": ["from"]}]]


def test_the_timeline_names_what_was_done_in_words_that_can_be_read(logic: Page) -> None:
    deeds = """[
        { k: "act", v: "unplug", h: "web1", x: "cable of web1 pulled" },
        { k: "act", v: "reset", h: null, x: "reset to basic" },
        { k: "act", v: "web", h: "web1", x: "web server of web1 stopped" },
    ]"""
    assert logic.evaluate(f"{deeds}.map(logic.deedOf)") == [
        "unplug web1",
        "reset",
        "web server of web1 stopped",
    ]
