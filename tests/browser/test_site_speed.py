"""How fast the browser edition is, as ratios: a busy machine makes both sides slower.

The figures of a machine are in docs/browser.md; they are printed by `pytest -s` here.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright, Response, expect

from tests.browser.site import START, Visit, live, visiting
from tests.browser.windows import CHROMIUM

pytestmark = pytest.mark.timeout(2400)

LIVE = """() => document.querySelector(".vb-chip")?.textContent === "LIVE" && performance.now()"""
PAINTED = """() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime"""
STARTED = "() => document.getElementById('panel').bench.port.python.ready"
# From a click on web1's cable until it is drawn otherwise, ms; and back again.
CLICKED = """async (times) => {
    const cable = document.querySelector('.vb-cable[data-host="web1"]');
    const frame = () => new Promise(requestAnimationFrame);
    const found = [];
    for (let n = 0; n < times; n += 1) {
        const before = cable.outerHTML, began = performance.now();
        cable.dispatchEvent(new MouseEvent("click", { bubbles: true }));
        while (cable.outerHTML === before) await frame();
        found.push(performance.now() - began);
    }
    return found;
}"""
# A call that does nothing, and a frame, ms.
BARE = """async (times) => {
    const { python } = document.getElementById("panel").bench.port, calls = [], frames = [];
    for (let n = 0; n < times; n += 1) {
        let began = performance.now();
        await python.call("about.versions");
        calls.push(performance.now() - began);
        began = performance.now();
        await new Promise(requestAnimationFrame);
        frames.push(performance.now() - began);
    }
    return [calls, frames];
}"""
FAST = """async () => {
    const { bench } = document.getElementById("panel");
    const files = {};
    for (const [n, host] of ["web1", "web2", "web3"].entries()) {
        files[host] = `vrrp_instance VI_1 {
            interface eth0
            version 3
            virtual_router_id 51
            priority ${100 + n}
            advert_int 0.1
            virtual_ipaddress {
                192.168.1.10
            }
        }`;
    }
    const wanted = { topology: "three", files, moment: 6 };
    bench.port.whole(await bench.port.python.call("player.start", wanted));
}"""
# The time of drawing, and that from one drawing to the next, ms.
DRAWN = """async (times) => {
    const { bench } = document.getElementById("panel"), { draw } = bench;
    const drawing = [], between = [];
    let last = 0;
    await new Promise((done) => {
        bench.draw = function (...all) {
            const began = performance.now();
            draw.apply(this, all);
            drawing.push(performance.now() - began);
            if (last) between.push(began - last);
            last = began;
            if (between.length >= times) done();
        };
    });
    bench.draw = draw;
    return [drawing, between];
}"""
RUNS = """async () => {
    const began = performance.now();
    await document.getElementById("panel").bench.port.python.call(
        "interval_risk.runs", { interval: 1, loss: 0.02, stall: 0.2, runs: 1000 });
    return performance.now() - began;
}"""


@pytest.fixture(scope="module")
def visit(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    """A profile that has never been here."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed; remedy: sudo apt-get install chromium")
    with visiting(playwright, tmp_path_factory.mktemp("profile")) as visit:
        yield visit


def opened(visit: Visit) -> tuple[Page, dict[str, Any]]:
    """The front page, and when it was painted and live (ms)."""
    page = visit.open()
    at = page.wait_for_function(LIVE, polling="raf", timeout=START).json_value()
    found = {"painted": page.evaluate(PAINTED), "live": at, **page.evaluate(STARTED)}
    print({name: round(ms) for name, ms in found.items()})
    return page, found


@pytest.fixture(scope="module")
def first(visit: Visit) -> tuple[Page, dict[str, Any]]:
    """The first visit."""
    return opened(visit)


def test_the_page_is_painted_long_before_python_runs(first: tuple[Page, dict[str, Any]]) -> None:
    _, found = first
    assert found["painted"] < found["boot"]
    assert found["all"] < 3 * found["boot"]  # ours costs no more than Pyodide's own start
    assert found["live"] < 3 * found["all"]


def test_a_second_visit_fetches_nothing_and_is_not_slower(
    visit: Visit, first: tuple[Page, dict[str, Any]]
) -> None:
    page, found = first
    page.evaluate("async () => { await navigator.serviceWorker.ready; }")
    answers: list[Response] = []
    visit.context.on("response", lambda answer: answers.append(answer))
    again, second = opened(visit)
    ours = [one for one in answers if one.url.startswith(visit.address) and "sw.js" not in one.url]
    assert any(one.url.endswith(".wasm") for one in ours)
    assert [one.url for one in ours if not one.from_service_worker] == []
    assert second["live"] < 2 * found["live"]
    again.close()


def test_a_click_on_a_cable_is_drawn_after_a_few_frames(
    first: tuple[Page, dict[str, Any]],
) -> None:
    page, _ = first
    calls, frames = page.evaluate(BARE, 20)
    clicks = page.evaluate(CLICKED, 10)
    print({"click": round(median(clicks), 1), "call": round(median(calls), 1)})
    assert median(clicks) < 10 * (median(calls) + median(frames)) + 100


def test_drawing_leaves_time_for_sixty_frames_a_second(first: tuple[Page, dict[str, Any]]) -> None:
    page, _ = first
    page.evaluate(FAST)
    expect(page.locator(".vb-host")).to_have_count(4)
    live(page)
    drawing, between = page.evaluate(DRAWN, 120)
    print({"draw": round(median(drawing), 2), "between": round(median(between), 1)})
    assert median(drawing) < median(between) / 2


def test_a_thousand_failovers_take_less_than_a_few_starts_of_python(
    first: tuple[Page, dict[str, Any]],
) -> None:
    page, found = first
    took = page.evaluate(RUNS)
    print({"thousand": round(took)})
    assert took < 10 * found["boot"]
