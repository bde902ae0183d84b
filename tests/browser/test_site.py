"""The browser edition: the front page and /play, driven by vrrpd in the tab."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.browser import site
from tests.browser.site import SITE, Visit, build, live, serving, violations, visiting
from tests.browser.windows import CHROMIUM
from tests.rings import SITE_RUN
from tests.support import REPOSITORY
from vrrpd.fsm import SECOND, Params

pytestmark = pytest.mark.timeout(2400)


@pytest.fixture(scope="module")
def visit(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed; remedy: sudo apt-get install chromium")
    with visiting(playwright, tmp_path_factory.mktemp("profile")) as visit:
        yield visit


@pytest.fixture(scope="module")
def play(visit: Visit) -> Page:
    """/play, live."""
    page = visit.open("play/")
    live(page)
    expect(page.locator("#topology option")).not_to_have_count(0)
    return page


@pytest.fixture
def pair(play: Page) -> Page:
    """/play with a pair that was just started, in real time."""
    play.get_by_label("speed").select_option("1")
    play.locator("#again").click()
    expect(play.locator("#status")).to_contain_text("started again")
    expect(play.locator(".vb-title")).to_contain_text("held by web1")
    return play


def events(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate(
        "() => document.getElementById('panel').bench.record.events"
    )
    return found


def menu(page: Page, host: str, item: str) -> None:
    page.locator(f'.vb-host[data-host="{host}"]').press("Enter")
    page.get_by_role("menuitem", name=item).click()


def edit(page: Page, old: str, new: str) -> None:
    """Replace a word of the file in the editor, as one who selects all and pastes does."""
    content = page.locator(".cm-content")
    text = "\n".join(page.locator(".cm-line").all_text_contents())
    assert old in text
    content.press("Control+a")
    page.keyboard.insert_text(text.replace(old, new))


def test_the_front_page_goes_live_and_the_address_moves_when_the_protocol_says(
    visit: Visit,
) -> None:
    page = visit.open()
    expect(page.locator(".vb-plan")).to_be_visible()
    live(page)
    page.evaluate("() => document.getElementById('panel').bench.clock.hurry(10)")
    cable, title = page.locator('.vb-cable[data-host="web1"]'), page.locator(".vb-title")
    expect(title).to_contain_text("is held by web")
    if "web2" in title.inner_text():  # the recorded run had come so far when the page went live
        cable.click()
        expect(title).to_have_text("192.168.1.10 is held by web1")
    cable.click()
    expect(title).to_have_text("192.168.1.10 is held by web2")
    expect(page.locator("#watch")).to_contain_text("web2")
    known = events(page)
    pulled = next(e["t"] for e in reversed(known) if e["k"] == "act" and e["v"] == "unplug")
    moved = next(e["t"] for e in known if e["k"] == "own" and e["on"] and e["t"] > pulled)
    received = max(e["t"] for e in known if e["k"] == "hrd" and e["t"] <= pulled)
    wait = Params(51, 100, IPv4Address("192.168.1.12")).master_down(SECOND) / SECOND
    assert moved - received == pytest.approx(wait, abs=0.001)
    assert violations(page) == []
    visit.check()
    page.close()


def test_a_mistake_is_shown_while_typing_and_the_corrected_file_preempts(pair: Page) -> None:
    menu(pair, "web2", "Edit keepalived.conf")
    edit(pair, "priority 100", "priorty 200")
    expect(pair.locator(".vb-remarks")).to_contain_text("did you mean 'priority'?")
    expect(pair.locator(".cm-lint-marker-error")).to_be_visible()
    edit(pair, "priorty 200", "priority 200")
    expect(pair.locator(".vb-remarks")).to_contain_text("no remarks")
    pair.get_by_role("button", name="Write it, and reload the daemon").click()
    expect(pair.locator(".vb-told")).to_contain_text("written")
    pair.get_by_label("speed").select_option("10")
    expect(pair.locator(".vb-log")).to_contain_text("preempting 192.168.1.11 priority 150")


def test_a_packet_is_read_and_three_that_are_dropped_in_a_row_move_the_address(pair: Page) -> None:
    pair.locator(".vb-play").click()
    menu(pair, "web1", "Packets it sent")
    pair.locator(".vb-faults button").first.click()
    expect(pair.locator(".vb-bytes")).to_contain_text("virtual router ID")
    expect(pair.locator(".vb-verdict")).to_contain_text("priority 150, every 1 s, 192.168.1.10")
    pair.get_by_role("button", name="Drop this packet").click()
    expect(pair.locator(".vb-told")).to_contain_text("dropped")
    pair.get_by_role("button", name="cable eth0 of web1: more faults").press("Enter")
    for _ in range(2):
        pair.get_by_role("button", name="drop", exact=True).click()
        expect(pair.locator(".vb-told")).to_contain_text("done: drop web1")
    pair.get_by_label("speed").select_option("10")
    pair.locator(".vb-play").click()
    expect(pair.locator(".vb-log")).to_contain_text("web2 (VI_1) BACKUP → MASTER")
    dropped = [e for e in events(pair) if e["k"] == "act" and e["v"] == "drop"]
    assert len(dropped) == 3


def test_the_second_cable_of_a_router_is_pulled_and_both_addresses_move(pair: Page) -> None:
    pair.locator("#topology").select_option("routers")
    expect(pair.locator(".vb-title")).to_have_text("192.168.1.10 is held by r1")
    pair.get_by_label("speed").select_option("10")
    pair.locator('.vb-cable[data-host="r1"][data-interface="eth1"]').click()
    expect(pair.locator(".vb-told")).to_contain_text("done: unplug r1")
    expect(pair.locator(".vb-title")).to_have_text("192.168.1.10 is held by r2")
    pair.get_by_role("button", name="cable eth1 of r1: more faults").press("Enter")
    faults = pair.locator(".vb-fault-row button")
    expect(faults.filter(has_text="delay")).to_have_count(0)  # of eth0 alone
    faults.filter(has_text="plug").last.click()
    expect(pair.locator(".vb-title")).to_have_text("192.168.1.10 is held by r1")
    pair.get_by_role("button", name="close").click()
    pair.locator("#topology").select_option("pair")
    expect(pair.locator(".vb-title")).to_have_text("192.168.1.10 is held by web1")


def test_a_link_shows_the_same_moment_in_another_window(pair: Page, visit: Visit) -> None:
    pair.locator('.vb-cable[data-host="web1"]').click()
    expect(pair.locator(".vb-title")).to_contain_text("held by web2")
    pair.locator(".vb-play").click()
    pair.locator("#copy").click()
    expect(pair.locator("#status")).to_contain_text("link")
    moment, log = pair.locator(".vb-when").inner_text(), pair.locator(".vb-log").inner_text()
    fresh = visit.open(pair.url.removeprefix(visit.address))
    expect(fresh.locator(".vb-chip")).to_contain_text("PAUSED")
    expect(fresh.locator(".vb-when")).to_have_text(moment)
    assert fresh.locator(".vb-log").inner_text() == log
    fresh.close()


@pytest.mark.parametrize(
    ("fragment", "words"),
    [
        ("1.H4sIAAAAAAAAA6tWKlGy", "cut off or was changed"),
        ("9.H4sI", "made by a newer VRRP Lab"),
        ("hello", "not a link to a run"),
    ],
)
def test_a_link_that_cannot_be_read_says_why_and_the_run_goes_on(
    pair: Page, fragment: str, words: str
) -> None:
    pair.evaluate("(text) => { location.hash = text; }", fragment)
    expect(pair.locator("#status")).to_contain_text(words)
    before = pair.locator(".vb-when").inner_text()
    expect(pair.locator(".vb-when")).not_to_have_text(before)


def test_a_page_that_is_opened_by_a_damaged_link_says_why_and_starts_without_it(
    visit: Visit,
) -> None:
    page = visit.open("play/#1.H4sIAAAAAAAAA6tWKlGy")
    expect(page.locator("#status")).to_contain_text("cut off or was changed")
    live(page)
    expect(page.locator("#status")).to_contain_text("cut off or was changed")
    page.close()


def test_a_browser_without_compression_plays_and_says_that_it_makes_no_links(visit: Visit) -> None:
    page = visit.context.new_page()
    page.add_init_script("delete window.CompressionStream; delete window.DecompressionStream")
    page.on("pageerror", lambda error: visit.errors.append(str(error)))
    page.goto(f"{visit.address}play/#1.H4sIAAAAAAAAA6tWKlGy")
    expect(page.locator("#status")).to_contain_text("has no DecompressionStream")
    live(page)
    page.locator('.vb-cable[data-host="web1"]').click()
    expect(page.locator(".vb-told")).to_contain_text("done:")
    page.locator("#copy").click()
    expect(page.locator("#status")).to_contain_text("has no CompressionStream")
    visit.check()
    page.close()


PASTE = """(node, text) => {
    const clipboardData = new DataTransfer(), how = { bubbles: true, cancelable: true };
    clipboardData.setData("text/plain", text);
    node.dispatchEvent(new ClipboardEvent("paste", { clipboardData, ...how }));
}"""


def test_a_file_of_a_megabyte_is_refused_with_the_reason_and_the_daemon_runs_on(pair: Page) -> None:
    menu(pair, "web2", "Edit keepalived.conf")
    content = pair.locator(".cm-content")
    content.press("Control+End")
    content.evaluate(PASTE, ("# " + "x" * 97 + "\n") * 10_000)
    expect(pair.locator(".vb-remarks")).to_contain_text("longer than the 200000 characters")
    pair.get_by_role("button", name="Write it, and reload the daemon").click()
    expect(pair.locator(".vb-told")).to_contain_text("a tab takes 200000")
    assert not [e for e in events(pair) if e["k"] == "act" and e["v"] == "reload"]
    pair.get_by_role("button", name="close").click()


# The page is hidden, an hour passes on its clock, and it is shown again.
HIDE = """(hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
AN_HOUR = """() => {
    const now = performance.now.bind(performance);
    performance.now = () => now() + 3_600_000;
}"""
VIRTUAL = "() => document.getElementById('panel').bench.clock.edge.now"


def test_a_tab_that_was_hidden_for_an_hour_goes_on_where_it_was(visit: Visit) -> None:
    page = visit.open("play/")
    live(page)
    page.evaluate(HIDE, True)
    page.wait_for_function(
        """() => {
            const { edge } = document.getElementById("panel").bench.clock;
            const before = window.before;
            window.before = edge.now;
            return before === edge.now;
        }""",
        polling=300,
    )
    hidden = page.evaluate(VIRTUAL)
    page.evaluate(AN_HOUR)
    page.evaluate(HIDE, False)
    page.wait_for_function(
        "(t) => document.getElementById('panel').bench.clock.edge.now > t", arg=hidden
    )
    assert page.evaluate(VIRTUAL) - hidden < 600
    live(page)
    page.close()


def test_two_tabs_have_a_run_each(pair: Page, visit: Visit) -> None:
    other = visit.open("play/")
    live(other)
    done = [e for e in events(other) if e["k"] == "act"]
    pair.locator('.vb-cable[data-host="web1"]').click()
    expect(pair.locator(".vb-title")).to_contain_text("held by web2")
    assert [e for e in events(other) if e["k"] == "act"] == done
    expect(other.locator(".vb-chip")).to_have_text("LIVE")
    other.close()


FETCH = """() => fetch("http://127.0.0.1:9/").then(() => "answered", (error) => error.name)"""
LISTEN = """() => { self.seen = []; addEventListener("securitypolicyviolation",
    (event) => self.seen.push(event.effectiveDirective)); }"""


def test_the_policy_binds_page_and_worker_and_what_it_forbids_is_noticed(visit: Visit) -> None:
    page = visit.open("play/")
    live(page)
    known = list(visit.errors)
    page.evaluate("() => document.body.setAttribute('style', 'color: red')")
    assert page.evaluate(FETCH) == "TypeError"
    expect(page.locator("body")).not_to_have_css("color", "rgb(255, 0, 0)")
    new = {error.split()[0] for error in visit.errors[len(known) :]}
    visit.errors[:] = known
    assert new == {"style-src-attr", "connect-src"}
    (worker,) = page.workers
    worker.evaluate(LISTEN)
    assert worker.evaluate(FETCH) == "TypeError"
    assert worker.evaluate("() => self.seen") == ["connect-src"]
    page.close()


def test_play_is_accessible_and_asks_no_other_server(pair: Page, visit: Visit) -> None:
    menu(pair, "web1", "Every fault")
    assert violations(pair) == []
    visit.check()


def test_a_second_visit_needs_no_network(visit: Visit) -> None:
    page = visit.open()
    live(page)
    page.evaluate("async () => { await navigator.serviceWorker.ready; }")
    visit.context.set_offline(True)
    try:
        page.reload()
        live(page)
    finally:
        visit.context.set_offline(False)
    page.close()


def test_workers_of_a_run_build_the_site_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(site, "SITE", tmp_path / "build" / "site")
    monkeypatch.setattr("tests.browser.site.subprocess.run", run)
    # Both tests/rings.py and pytest-xdist name a run for all of its workers; either may be absent.
    runs = (("", "first", 1), ("", "first", 1), ("", "second", 2), ("", "", 3), ("", "", 4))
    of_rings = (("rings", "first", 5), ("rings", "second", 5), ("rings again", "second", 6))
    for of_all, uid, builds in runs + of_rings:
        monkeypatch.setenv(SITE_RUN, of_all)
        monkeypatch.setenv("PYTEST_XDIST_TESTRUNUID", uid)
        site.build.__wrapped__()  # as in a worker that has not asked yet
        assert commands == [["sh", "tools/site.sh"]] * builds


RESTORED = """async () =>
    (await document.getElementById("panel").bench.port.python.ready).restored"""


def test_python_starts_as_usual_where_its_memory_cannot_be_restored(
    pair: Page, chromium: Browser
) -> None:
    assert pair.evaluate(RESTORED) is True
    build()
    with serving() as address, chromium.new_context(service_workers="block") as context:
        context.route("**/python.bin", lambda route: route.fulfill(status=404))
        page = context.new_page()
        page.goto(address)
        live(page)
        assert page.evaluate(RESTORED) is False


def test_the_memory_that_a_tab_starts_with_holds_no_path_of_the_machine_that_built_it() -> None:
    build()
    memory = gzip.decompress((SITE / "python.bin").read_bytes())
    assert b"labs/browser" in memory
    assert bytes(REPOSITORY) not in memory


def test_without_webassembly_the_recorded_run_plays_and_the_page_says_why(visit: Visit) -> None:
    page = visit.context.new_page()
    page.add_init_script("delete window.WebAssembly")
    page.goto(visit.address)
    expect(page.locator("#status")).to_contain_text("runs no WebAssembly")
    expect(page.locator(".vb-chip")).to_have_text("REPLAY")
    expect(page.locator(".vb-log")).to_contain_text("web2 (VI_1) BACKUP → MASTER")
    page.close()
