"""The live panel in JupyterLab, by clicking: pull a cable, see the address move, scrub, save.

The same for a cluster in memory and for a recorded one.
And what needs no server: the browser's record is the twin of Python's, and a page that is open for
ten minutes of a busy network does not grow.
Pictures are left in build/screenshots for people to look at.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from playwright.sync_api import ConsoleMessage, Error, Locator, Page, expect

from labs import Lan
from labs.api.panel_widget import recorded
from labs.panel.page import page as html_of
from labs.panel.record import CAPACITY, Record
from tests.browser.site import violations
from tests.browser.windows import LONG_SECONDS, screenshot
from tests.support import OrdinaryUser

HELD, WAS_HELD = "192.168.1.10 is held by", "192.168.1.10 was held by"
CELLS = {
    "start": "from labs import Lab\n\nlab = Lab('basic')\nlab.settle()",
    "bench": "bench = lab.bench()\nbench",
    "memory": "from labs import Lan\n\nLan('basic').bench()",
    "forms": "from labs.lessons import predict\nfrom labs.lessons.quiz import quiz\n\n"
    "display(predict('how long?', unit='s'), predict('who?', choices=['web1', 'web2']))\n"
    "quiz('00-start-here')",
    "replay": "import os\n\nfrom labs.progress import memory\n\n"
    "memory.lesson, os.environ['LAB_MODE'] = '07-failover', 'replay'\n"
    "from labs import Lab\n\nLab('basic').bench()",
}
# What anywidget says where a panel's code took more than 2 s to load; the panel lives all the same.
GIVEN_UP = r"\[anywidget\] Failed to initialize model"
# What the tests are not about: JupyterLab asks for files that need not be there.
FOREIGN = re.compile(
    r"favicon|Failed to load resource|jupyterlab-manager|WebSocket|service worker|" + GIVEN_UP
)
# s between two messages, events a second, and for how long: item 6 of what is promised.
BEAT, EVENTS, MINUTES = 0.1, 60, 10


def notebook(user: OrdinaryUser, named: Sequence[str] = tuple(CELLS)) -> str:
    """A notebook in the learner's folder with those of CELLS; its name."""
    cells: list[dict[str, object]] = [
        {
            "cell_type": "code",
            "id": name,
            "metadata": {},
            "source": CELLS[name],
            "outputs": [],
            "execution_count": None,
        }
        for name in named
    ]
    kernel = {"name": "vrrp-lab", "display_name": "VRRP Lab", "language": "python"}
    whole = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path = user.home / "vrrp-lab" / "bench.ipynb"
    path.write_text(json.dumps(whole))
    user.give(path)
    return path.name


def open_panel(page: Page, address: str, name: str) -> Locator:
    """Runs the notebook; the panel, once the master holds the address in it."""
    base, _, query = address.partition("?")
    base = base.split("/lab")[0].rstrip("/")
    page.goto(f"{base}/lab/tree/{name}?{query}&reset")
    status = page.locator("#jp-bottom-panel")
    expect(status).to_contain_text("| Idle")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    bench = page.locator(".vb").first
    expect(bench.locator(".vb-title")).to_have_text(f"{HELD} web1")
    expect(page.locator(".jp-CodeCell .jp-InputPrompt").filter(has_text="*")).to_have_count(0)
    return bench


def holder(bench: Locator) -> Locator:
    """The name on the box that the badge is on."""
    return bench.locator(".vb-holder .vb-name")


def seek(bench: Locator, seconds: float) -> None:
    """Moves the slider there."""
    bench.locator(".vb-slider").evaluate(
        "(slider, to) => { slider.value = to; slider.dispatchEvent(new Event('input')); }", seconds
    )


def pull_and_plug(page: Page, bench: Locator) -> None:
    """The address moves to the backup and back: once by mouse, once by keyboard."""
    cable = bench.locator(".vb-cable[data-host=web1]")
    expect(bench.locator(".vb-host[data-host=web2] .vb-ring")).to_be_visible()
    bench.scroll_into_view_if_needed()
    screenshot(page, "bench-live.png")
    cable.click()
    expect(cable).to_have_attribute("aria-pressed", "true")
    expect(bench.locator(".vb-title")).to_have_text(f"{HELD} web2")
    expect(holder(bench)).to_have_text("web2")
    expect(bench.locator(".vb-log")).to_contain_text("no advertisement for 3.")
    screenshot(page, "bench-unplugged.png")
    cable.focus()
    page.keyboard.press("Enter")
    expect(bench.locator(".vb-title")).to_have_text(f"{HELD} web1")
    expect(holder(bench)).to_have_text("web1")


def go_back(page: Page, bench: Locator) -> None:
    """Scrubs to when no host held the address, by keyboard step by step, and returns."""
    when = bench.locator(".vb-when")
    slider = bench.locator(".vb-slider")
    seek(bench, 0.5)
    expect(bench.locator(".vb-chip")).to_contain_text("PAUSED")
    expect(bench.locator(".vb-title")).to_have_text(f"{HELD} nobody")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(when).to_have_text("0.6 s")
    page.keyboard.press("Shift+ArrowRight")
    expect(when).to_have_text("1.6 s")
    screenshot(page, "bench-paused.png")
    bench.get_by_role("button", name="Live").click()
    expect(bench.locator(".vb-chip")).to_have_text("LIVE")
    expect(bench.locator(".vb-title")).to_have_text(f"{HELD} web1")


def slow_down(bench: Locator) -> None:
    """A tenth of the speed falls behind; "Live" catches up."""
    bench.get_by_label("speed").select_option("0.1")
    chip = bench.locator(".vb-chip")
    expect(chip).to_have_text(re.compile(r"PLAYING, [1-9]\d*\.\d s ago"))
    bench.get_by_role("button", name="Live").click()
    expect(chip).to_have_text("LIVE")


def accessible(page: Page) -> None:
    """Panel, predictions and quiz have nothing that axe-core calls serious."""
    expect(page.locator(".jp-OutputArea-output input[type=radio]").first).to_be_visible()
    assert violations(page, ".jp-OutputArea-output") == []


def in_memory(page: Page) -> None:
    """A cluster in memory plays its time as real time, and obeys the same clicks."""
    bench = page.locator(".vb").nth(1)
    expect(bench.locator(".vb-title")).to_have_text(f"{HELD} web1")
    bench.locator(".vb-cable[data-host=web1]").click()
    expect(bench.locator(".vb-title")).to_have_text(f"{HELD} web2")


def in_replay(page: Page) -> None:
    """A recording plays while it is looked at, says what comes next, and obeys that alone."""
    bench = page.locator(".vb").nth(2)
    bench.scroll_into_view_if_needed()
    expect(bench.locator(".vb-title")).to_have_text(f"{HELD} web1")
    expect(bench.locator(".vb-chip")).to_have_text("REPLAY")
    told = bench.locator(".vb-told")
    expect(told).to_contain_text("goes on with")
    expect(told).to_contain_text("lab.unplug('web1')")
    bench.locator(".vb-cable[data-host=web2]").click()
    expect(told).to_contain_text("nobody did lab.unplug('web2')")
    bench.locator(".vb-cable[data-host=web1]").click()
    expect(bench.locator(".vb-title")).to_have_text(f"{HELD} web2")
    screenshot(page, "bench-in-replay.png")


def use_the_menu(page: Page, bench: Locator) -> None:
    """A command, a mistake in keepalived.conf that is noticed, and a daemon that is stopped."""
    host = bench.locator(".vb-host[data-host=web2]")
    host.focus()
    page.keyboard.press("Enter")
    expect(bench.get_by_role("menu")).to_be_visible()
    screenshot(page, "bench-menu.png")
    bench.get_by_role("menuitem", name="Run a command").click()
    page.keyboard.press("Enter")
    expect(bench.locator(".vb-output")).to_contain_text("192.168.1.12/24")
    host.click()
    bench.get_by_role("menuitem", name="Edit keepalived.conf").click()
    editor = bench.locator("textarea")
    expect(editor).to_have_value(re.compile("vrrp_instance"))
    editor.fill(editor.input_value().replace("priority", "prioriti"))
    expect(bench.locator(".vb-remarks")).to_contain_text("priority")
    screenshot(page, "bench-editor.png")
    page.keyboard.press("Escape")
    host.click()
    page.keyboard.press("Escape")
    expect(bench.get_by_role("menu")).to_be_hidden()
    host.click()
    bench.get_by_role("menuitem", name="Stop the daemon").click()
    expect(host).to_contain_text("no daemon")
    client = bench.locator(".vb-host[data-host=client]")
    expect(client.locator("title")).to_have_text("client, 192.168.1.100")
    client.focus()
    page.keyboard.press("Enter")
    expect(bench.get_by_role("menuitem")).to_have_text(["Open its terminal", "Run a command …"])
    page.keyboard.press("Escape")
    expect(client).to_be_focused()


def dark_and_narrow(page: Page, bench: Locator) -> None:
    """Pictures for people; that the theme has changed is all that is asserted."""
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    page.get_by_text("Theme", exact=True).first.hover()
    page.get_by_text("JupyterLab Dark", exact=True).first.click()
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    bench.scroll_into_view_if_needed()
    screenshot(page, "bench-dark.png")
    page.set_viewport_size({"width": 620, "height": 1200})
    bench.scroll_into_view_if_needed()
    screenshot(page, "bench-narrow.png")


@pytest.mark.timeout(LONG_SECONDS)
def test_a_cable_is_pulled_by_a_click_and_the_run_is_kept(
    address: str, page: Page, ordinary_user: OrdinaryUser, tmp_path: Path
) -> None:
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and not FOREIGN.search(message.text + str(message.location)):
            complaints.append(message.text)

    def note_error(error: Error) -> None:
        if not FOREIGN.search(str(error)):
            complaints.append(str(error))

    page.on("console", note)
    page.on("pageerror", note_error)
    try:
        bench = open_panel(page, address, notebook(ordinary_user))
        pull_and_plug(page, bench)
        go_back(page, bench)
        slow_down(bench)
        accessible(page)
        in_memory(page)
        in_replay(page)
        use_the_menu(page, bench)
        with page.expect_download() as started:
            bench.get_by_role("button", name="Save as HTML").click()
        saved = tmp_path / started.value.suggested_filename
        started.value.save_as(saved)
        dark_and_narrow(page, bench)
    except (AssertionError, Error):
        screenshot(page, "bench-failed.png")
        print("the console said", complaints)
        raise
    assert complaints == []
    next_day(page, ordinary_user.home / "vrrp-lab" / "bench.ipynb")
    complaints.clear()  # of a kernel that is gone
    replays(page, saved)
    assert complaints == []


# In a page: the 2 s that anywidget waits for the code of a panel end before that is loaded, as on a
# slow computer; then it complains and receives nothing for the panel.
LOAD_LATE = """{
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  const soon = (giveUp) => queueMicrotask(() => { window.gaveUp = true; giveUp(); });
  const ended = { addEventListener: (_event, giveUp) => soon(giveUp) };
  AbortSignal.timeout = (ms) => ms === 2000 ? ended : timeout(ms);
}"""


@pytest.mark.timeout(LONG_SECONDS)
def test_a_panel_whose_code_loads_late_lives_all_the_same(
    address: str, page: Page, ordinary_user: OrdinaryUser
) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.add_init_script(LOAD_LATE)
    name = notebook(ordinary_user, ["memory"])
    bench = open_panel(page, address, name)
    assert page.evaluate("window.gaveUp")
    bench.locator(".vb-cable[data-host=web1]").click()
    expect(bench.locator(".vb-title")).to_have_text(f"{HELD} web2")
    assert [error for error in errors if not FOREIGN.search(error)] == []


# In a page: the connection to the kernel is lost when the widgets of the file are to be restored,
# and comes back; the same as on a slow machine.
LOSE_CONNECTION = """{
  let asked = 0;
  const text = new TextDecoder();
  const isAsking = (sent) =>
    (typeof sent === "string" ? sent : text.decode(sent)).includes("comm_info_request");
  window.WebSocket = class extends WebSocket {
    send(sent) {
      if (!isAsking(sent) || (asked += 1) !== 2) { super.send(sent); return; }
      window.connectionLost = true;
      const { session } = jupyterapp.shell.currentWidget.sessionContext;
      setTimeout(() => session.kernel.reconnect());
    }
  };
}"""
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"


def without_state(path: Path) -> list[str]:
    """The cells of a saved notebook whose widgets, or parts of them, are not in the file."""
    told = json.loads(path.read_text())
    states = told["metadata"].get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    lost = []
    for cell in told["cells"]:
        views = [output.get("data", {}).get(WIDGET_VIEW) for output in cell["outputs"]]
        ids = [view["model_id"] for view in views if view]
        for each in ids:  # parts are appended
            ids += re.findall(r"IPY_MODEL_([\w-]+)", json.dumps(states.get(each)))
        lost += [cell["id"] for each in ids if each not in states]
    return lost


def next_day(page: Page, path: Path) -> None:
    """The kernel was shut down, and the page is opened again: each panel shows its recorded run.

    Saved by this page, which has no kernel that knows of it, the run is still in the file, which
    does not grow; and it is shown where the connection to the kernel was lost meanwhile.
    """
    page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    page.evaluate("() => jupyterapp.serviceManager.sessions.shutdownAll()")
    page.reload()
    for number in range(2):  # of a real lab, and of a LAN in memory
        panel = page.locator(".vb").nth(number)
        panel.scroll_into_view_if_needed()
        expect(panel.locator(".vb-chip")).to_have_text(re.compile(r"RECORDED .*20\d\d"))
        expect(panel.locator(".vb-told")).to_contain_text("For a live lab, run this cell")
        server = panel.get_by_role("img", name=re.compile("^web1, "))
        expect(server).to_be_visible()  # to read, and not to press
        holders_of_the_run(panel)
    panel = page.locator(".vb").first
    panel.scroll_into_view_if_needed()
    expect(page.get_by_text("model not found")).to_have_count(0)
    screenshot(page, "bench-next-day.png")
    size = path.stat().st_size
    page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    assert without_state(path) == []
    assert path.stat().st_size <= size + 1000
    page.add_init_script(LOSE_CONNECTION)
    page.reload()
    expect(panel.locator(".vb-chip")).to_be_visible()
    assert page.evaluate("window.connectionLost")
    expect(page.get_by_text("model not found")).to_have_count(0)


def holders_of_the_run(panel: Locator) -> None:
    """The recorded run goes from web1 to web2, moment by moment, and plays from its beginning."""
    title, slider = panel.locator(".vb-title"), panel.locator(".vb-slider")
    end, seen = float(slider.get_attribute("max") or 0), set()
    for moment in (round(end * part / 40, 1) for part in range(41)):
        seek(panel, moment)
        expect(panel.locator(".vb-when")).to_have_text(f"{moment:.1f} s")
        seen.add(title.text_content())
    assert {f"{WAS_HELD} web1", f"{WAS_HELD} web2"} <= seen
    panel.get_by_role("button", name="Play").click()
    expect(panel.get_by_role("button", name="Pause")).to_be_visible()
    panel.get_by_role("button", name="Pause").click()


def replays(page: Page, saved: Path) -> None:
    """The file shows the run by itself: nothing is asked of any network."""
    asked: list[str] = []
    page.goto("about:blank")  # JupyterLab asks for its folder every now and then
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": 1180, "height": 760})
    page.goto(saved.as_uri())
    title = page.locator(".vb-title")
    expect(title).to_have_text(f"{HELD} nobody")
    page.get_by_role("button", name="Play").click()
    expect(title).to_have_text(f"{HELD} web1")
    end = page.locator(".vb-slider").evaluate("slider => Number(slider.max)")
    moments = [end * part / 200 for part in range(200)]
    seen = set()
    for moment in moments:
        seek(page.locator(".vb"), moment)
        page.evaluate("window.bench.tick(0)")
        seen.add(title.text_content())
    assert {f"{HELD} web1", f"{HELD} web2", f"{HELD} nobody"} <= seen
    screenshot(page, "bench-replay.png")
    assert [url for url in asked if not url.startswith("file:")] == []


# --- without a server ----------------------------------------------------------------------------


def eventful() -> Lan:
    """Half a minute in which most things happen."""
    lan = Lan("basic")
    for verb, host, seconds in (
        ("unplug", "web1", 6), ("plug", "web1", 6), ("cut", "web1", 5), ("mend", "web1", 3),
        ("crash", "web1", 5), ("start", "web1", 5), ("freeze", "web2", 2),
        ("thaw", "web2", 1), ("stop", "web2", 1),
    ):  # fmt: skip
        lan.run(0.7)
        getattr(lan, verb)(host)
        lan.run(seconds)
    return lan


def test_the_record_of_the_browser_is_the_twin_of_pythons(page: Page, tmp_path: Path) -> None:
    run = recorded(eventful().timeline())
    record = Record([host["name"] for host in run["network"]["hosts"]], run["start"])
    record.base = copy.deepcopy(run["base"])
    record.take(run["events"])
    place = tmp_path / "run.html"
    place.write_text(html_of(run))
    page.goto(place.as_uri())
    moments = [run["start"] + n * 0.25 for n in range(int((run["end"] - run["start"]) * 4))]
    js = "moments => window.bench.record && moments.map(t => window.bench.record.at(t))"
    assert page.evaluate(js, moments) == [record.at(t) for t in moments]


def test_a_host_that_is_down_is_shown_as_down(page: Page, tmp_path: Path) -> None:
    run = recorded(eventful().timeline())
    run["base"]["hosts"]["web1"] |= {"dmn": "down", "held": []}
    run["events"] = [event for event in run["events"] if event.get("h") != "web1"]
    place = tmp_path / "run.html"
    place.write_text(html_of(run))
    page.goto(place.as_uri())
    host = page.locator(".vb-host[data-host=web1]")
    expect(host).to_contain_text("✕ down")
    expect(host).to_have_attribute("aria-label", re.compile("^web1, down"))
    expect(host.locator(".vb-ring")).to_be_hidden()


# In a page: each drawing takes at least so many ms; the part of the time that was left beside them.
SLOW = """async ([ms, times]) => {
    const { bench } = window, { draw } = bench;
    let drawing = 0, count = 0, from = 0;
    return await new Promise((done) => {
        bench.draw = function (...all) {
            const began = performance.now();
            from ||= began;
            draw.apply(this, all);
            while (performance.now() - began < ms);
            drawing += performance.now() - began;
            if ((count += 1) === times) done(1 - drawing / (performance.now() - from));
        };
        bench.clock.mode = "play";
    });
}"""


@pytest.mark.parametrize("ms", [20, 60])
def test_a_page_that_draws_slowly_leaves_most_of_its_time_to_what_arrives(
    page: Page, tmp_path: Path, ms: int
) -> None:
    place = tmp_path / "run.html"
    place.write_text(html_of(recorded(eventful().timeline())))
    page.goto(place.as_uri())
    expect(page.locator(".vb-title")).to_contain_text(HELD)
    assert page.evaluate(SLOW, [ms, 20]) > 0.6


@pytest.mark.timeout(LONG_SECONDS)
def test_ten_minutes_of_a_busy_network_do_not_grow_the_page(page: Page, tmp_path: Path) -> None:
    """Played as fast as the browser takes it: what grows with events grows all the same."""
    place = tmp_path / "run.html"
    place.write_text(html_of(recorded(eventful().timeline())))
    page.goto(place.as_uri())
    expect(page.locator(".vb-title")).to_contain_text(HELD)
    tools = page.context.new_cdp_session(page)

    def memory() -> float:
        tools.send("HeapProfiler.collectGarbage")
        return float(tools.send("Runtime.getHeapUsage")["usedSize"])

    page.evaluate(PLAY, [0, EVENTS, BEAT, 60])
    first = memory()
    counts = []
    for minute in range(1, MINUTES):
        page.evaluate(PLAY, [minute, EVENTS, BEAT, 60])
        counts.append(page.evaluate("window.bench.record.events.length"))
    after = memory()
    nodes = page.evaluate("document.getElementsByTagName('*').length")
    assert max(counts) <= CAPACITY
    assert nodes < 600, f"{nodes} elements"
    assert after < first + 3e6, f"{first / 1e6:.1f} MB after a minute, {after / 1e6:.1f} at the end"


# One minute of events in messages like those of a lab.
PLAY = """async ([minute, rate, beat, seconds]) => {
    const { bench } = window, hosts = ["web1", "web2"];
    bench.__from ??= bench.record.end;
    bench.clock.mode = "play";
    for (let at = 0; at < seconds; at += beat) {
        const t = bench.__from + minute * seconds + at, events = [];
        for (let n = 0; n < rate * beat; n += 1) {
            const when = t + (n * beat) / (rate * beat), h = hosts[n % 2];
            const kinds = [
                { k: "adv", t: when, h, p: 100, v: 2, r: 51 },
                { k: "hrd", t: when, h: hosts[(n + 1) % 2], f: h, p: 100, r: 51 },
                { k: "tmr", t: when, h, r: 51, w: 3.6, b: "advert" },
                { k: "png", t: when, e: when, a: 0, by: n % 4 ? h : null, n: 1 },
                { k: "act", t: when, h, v: "cut", x: `path of ${h} cut` },
            ];
            events.push(kinds[n % kinds.length]);
        }
        bench.record.take(events);
        bench.clock.at = bench.record.end;
        if (Math.round(at / beat) % 4 === 0) bench.tick(4 * beat);
        if (Math.round(at / beat) % 50 === 0) await new Promise((go) => setTimeout(go, 0));
    }
}"""
