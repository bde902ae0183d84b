"""How fast the browser edition is, as ratios: a busy machine makes both sides slower.

Not both to the same degree, where other programs come and go: what is too slow is measured again,
and the best of a few tries counts, because other programs can only make a figure worse.
The figures of a machine are in docs/browser.md; they are printed by `pytest -s` here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from statistics import median
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright, Response, expect

from tests.browser.site import Visit, live, visiting
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


TRIES = 5

Profiles = Callable[[], Visit]


def holds(fast_enough: Callable[[], bool]) -> bool:
    """Whether `fast_enough` is true in one of a few tries."""
    return any(fast_enough() for _ in range(TRIES))


@pytest.fixture(scope="module")
def profiles(
    playwright: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Profiles]:
    """What makes a browser profile that has never been here."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed; remedy: sudo apt-get install chromium")
    with ExitStack() as stack:

        def another() -> Visit:
            profile = tmp_path_factory.mktemp("profile")
            return stack.enter_context(visiting(playwright, profile))

        yield another


def opened(visit: Visit) -> tuple[Page, dict[str, Any]]:
    """The front page, and when it was painted and live (ms)."""
    page = visit.open()
    at = page.wait_for_function(LIVE, polling="raf").json_value()
    found = {"painted": page.evaluate(PAINTED), "live": at, **page.evaluate(STARTED)}
    print({name: round(ms) for name, ms in found.items()})
    return page, found


@pytest.fixture(scope="module")
def visit(profiles: Profiles) -> Visit:
    """A profile that has never been here."""
    return profiles()


@pytest.fixture(scope="module")
def first(visit: Visit) -> tuple[Page, dict[str, Any]]:
    """The first visit."""
    return opened(visit)


def test_the_page_is_painted_long_before_python_runs(
    profiles: Profiles, first: tuple[Page, dict[str, Any]]
) -> None:
    visits = [first[1]]

    def in_order() -> bool:
        found = visits.pop() if visits else opened(profiles())[1]
        # Ours costs no more than Pyodide's own start.
        soon = found["all"] < 3 * found["boot"] and found["live"] < 3 * found["all"]
        return bool(found["painted"] < found["boot"] and soon)

    assert holds(in_order)


def test_a_second_visit_fetches_nothing_and_is_not_slower(
    visit: Visit, first: tuple[Page, dict[str, Any]]
) -> None:
    page, found = first
    page.evaluate("async () => { await navigator.serviceWorker.ready; }")
    answers: list[Response] = []
    visit.context.on("response", lambda answer: answers.append(answer))

    def not_slower() -> bool:
        again, second = opened(visit)
        again.close()
        return bool(second["live"] < 2 * found["live"])

    assert holds(not_slower)
    ours = [one for one in answers if one.url.startswith(visit.address) and "sw.js" not in one.url]
    assert any(one.url.endswith(".wasm") for one in ours)
    assert [one.url for one in ours if not one.from_service_worker] == []


def test_a_click_on_a_cable_is_drawn_after_a_few_frames(
    first: tuple[Page, dict[str, Any]],
) -> None:
    page, _ = first

    def soon() -> bool:
        calls, frames = page.evaluate(BARE, 20)
        clicks = page.evaluate(CLICKED, 10)
        print({"click": round(median(clicks), 1), "call": round(median(calls), 1)})
        return bool(median(clicks) < 10 * (median(calls) + median(frames)) + 100)

    assert holds(soon)


def test_drawing_leaves_time_for_sixty_frames_a_second(first: tuple[Page, dict[str, Any]]) -> None:
    page, _ = first
    page.evaluate(FAST)
    expect(page.locator(".vb-host")).to_have_count(4)
    live(page)

    def in_time() -> bool:
        drawing, between = page.evaluate(DRAWN, 120)
        print({"draw": round(median(drawing), 2), "between": round(median(between), 1)})
        return bool(median(drawing) < median(between) / 2)

    assert holds(in_time)


def test_a_thousand_failovers_take_less_than_a_few_starts_of_python(
    first: tuple[Page, dict[str, Any]],
) -> None:
    page, found = first

    def soon() -> bool:
        took = page.evaluate(RUNS)
        print({"thousand": round(took)})
        return bool(took < 10 * found["boot"])

    assert holds(soon)
