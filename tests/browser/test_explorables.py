"""The explorable figures in a browser: sliders by keyboard, numbers compared with vrrpd.fsm."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest
from playwright.sync_api import Page, Playwright, expect

from labs.browser import lost_cable
from tests.browser.site import Visit, violations, visiting
from tests.browser.windows import CHROMIUM, screenshot
from vrrpd.fsm import SECOND, Params

pytestmark = pytest.mark.timeout(2400)
PAGES = ("", "outage/", "election/", "interval/", "cable/", "advertisement/")


def params(priority: int, interval: float = 1, version: int = 2) -> Params:
    tick = round(interval * SECOND)
    return Params(51, priority, IPv4Address(1), advert_interval=tick, version=version)


def down(priority: int, interval: float = 1, version: int = 2) -> float:
    """Master_Down_Interval in seconds."""
    tick = round(interval * SECOND)
    return params(priority, interval, version).master_down(tick) / SECOND


@pytest.fixture(scope="module")
def visit(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    """The built site in one browser profile."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed; remedy: sudo apt-get install chromium")
    with visiting(playwright, tmp_path_factory.mktemp("profile")) as visit:
        yield visit


def opened(visit: Visit, path: str) -> Page:
    """A page whose figure is computed by Python in the tab."""
    for before in visit.context.pages[1:]:
        before.close()
    page = visit.open(f"explore/{path}")
    expect(page.locator("#reading")).not_to_be_empty()
    expect(page.locator("#problem")).to_be_empty()
    return page


def test_the_outage_follows_the_moment_by_keyboard_by_mouse_and_in_the_link(visit: Visit) -> None:
    page = opened(visit, "outage/")
    slider, reading = page.get_by_label("The moment"), page.locator("#reading")
    slider.press("Home")
    expect(reading).to_contain_text(f"= {down(100):.3f} s without a holder")
    for _ in range(5):
        slider.press("ArrowRight")
    expect(reading).to_contain_text(f"= {down(100) - 0.1:.3f} s without a holder")
    expect(page.locator("#spoken")).to_have_text(reading.inner_text())
    page.get_by_label("Priority of web2").press("Home")
    expect(reading).to_contain_text(f"= {down(1) - 0.1:.3f} s without a holder")
    assert page.url.endswith("#moment=0.1&priority=1")
    figure = page.locator("#figure")
    figure.hover(position={"x": 10, "y": 30})
    page.mouse.down()
    figure.hover(position={"x": figure.evaluate("one => one.clientWidth") - 5, "y": 30})
    page.mouse.up()
    expect(page.locator("#moment-value")).to_have_text("3.00 s")
    page.get_by_label("its daemon is stopped").check()
    skew = params(1).skew(SECOND) / SECOND
    expect(reading).to_contain_text(f"for {skew:.3f} s")
    again = opened(visit, "outage/#moment=0.1&priority=1")
    expect(again.locator("#reading")).to_contain_text(f"= {down(1) - 0.1:.3f} s")
    visit.check()


def test_priorities_decide_the_election_and_an_address_the_tie(visit: Visit) -> None:
    page = opened(visit, "election/#web1=150&web2=149&web3=20")
    slider, reading = page.get_by_label("web2 192.168.1.12"), page.locator("#reading")
    expect(reading).to_contain_text(f"web1 becomes MASTER {down(150):.3f} s after the start")
    slider.press("ArrowRight")
    expect(reading).to_contain_text(f"web2 becomes MASTER {down(150):.3f} s after the start")
    expect(reading).to_contain_text("of equal priorities the higher address stays")
    slider.press("ArrowRight")
    expect(reading).to_contain_text(f"web2 becomes MASTER {down(151):.3f} s after the start")
    page.get_by_label("web2 takes part").uncheck()
    expect(reading).to_contain_text(f"web1 becomes MASTER {down(150):.3f} s after the start")


def test_a_thousand_failovers_for_another_interval(visit: Visit) -> None:
    page = opened(visit, "interval/#interval=5&loss=0&stall=0")
    page.get_by_label("Advertisement interval").press("ArrowLeft")
    reading = page.locator("#reading")
    expect(reading).to_contain_text("At 100 ms the outage is")
    expect(reading).to_contain_text("there is no false takeover")
    text = re.search(r"is (\d+) ms \(median of 1000 failures\)", reading.inner_text())
    assert text
    assert int(text[1]) / 1000 == pytest.approx(down(100, 0.1, 3) - 0.05, abs=0.01)


def test_three_ways_to_lose_a_cable_in_lockstep(visit: Visit) -> None:
    page = opened(visit, "cable/#oneway=nothing-arrives")
    slider, reading = page.get_by_label("Time", exact=True), page.locator("#reading")
    expect(reading).to_contain_text("Cut: web1 and web2 both hold the address, web2 answers.")
    expect(reading).to_contain_text("One way: web1 holds the address, no answer.")
    for number, way in enumerate(("pulled", "cut", "nothing-arrives")):
        story = lost_cable.story(way)
        sums = page.locator(".story").nth(number).locator("dd").all_inner_texts()
        expected = (story["nobody"], story["both"], story["unanswered"])
        assert sums == [f"{one:.1f} s" for one in expected]
    slider.press("Home")
    expect(reading).to_contain_text("0.0 s: everything works")
    page.get_by_role("button", name="Next event").press("Enter")
    expect(reading).to_contain_text("2.4 s. Pulled: nobody holds the address")
    slider.press("End")
    expect(reading).to_contain_text("18.0 s. Pulled: web1 holds the address")


def test_each_check_of_the_receiver_is_shown_for_a_changed_byte(visit: Visit) -> None:
    page = opened(visit, "advertisement/")
    reading, failed = page.locator("#reading"), page.locator(".checks .failed")
    expect(reading).to_contain_text(f"starts again: {down(100):.3f} s")
    page.get_by_label("This byte, changed on the way").press("ArrowRight")
    expect(failed).to_contain_text("checksum is right")
    page.get_by_label("compute the checksum again").check()
    expect(failed).to_have_count(0)
    page.get_by_role("button", name="Undo all changes").press("Enter")
    page.get_by_label("Priority", exact=True).press("Home")
    skew = params(100).skew(SECOND) / SECOND
    expect(reading).to_contain_text(f"is MASTER in {skew:.3f} s")
    page.get_by_label("TTL", exact=True).press("ArrowLeft")
    expect(failed).to_contain_text("TTL 254, expected 255")
    page.get_by_label("Both routers use").select_option("v3-hmac")
    page.get_by_label("TTL", exact=True).press("ArrowRight")
    page.get_by_label("web1 has the wrong key").check()
    expect(failed).to_contain_text("HMAC")


def test_a_link_that_was_cut_off_or_changed_still_opens(visit: Visit) -> None:
    page = opened(visit, "outage/#moment=banana&priority=9999&ending=melted&x=%E0%A4%A")
    expect(page.locator("#moment-value")).to_have_text("2.40 s")
    expect(page.locator("#priority-value")).to_have_text("149")
    visit.check()


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_accessible_in_light_and_dark_and_fits_a_phone(
    visit: Visit, path: str
) -> None:
    page = opened(visit, path) if path else visit.open("explore/")
    found: list[str] = []
    for scheme in ("light", "dark"):
        for width in (1280, 360):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            screenshot(page, f"explore-{path.strip('/')}-{width}-{scheme}.png")
            found += [f"{scheme} {width}: {one}" for one in violations(page)]
    assert found == []
    page.close()
