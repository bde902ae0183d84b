"""The wall in a browser, with forty recorded learners: live, without names, wide and narrow."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from labs.progress import FILE, Entry
from labs.wall import sections
from tests.browser.windows import screenshot
from tests.served import START_SECONDS, free_port
from tests.support import eventually
from tests.wall_class import LESSON, record

LEARNERS = 40


@pytest.fixture
def wall(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of the wall, and the class's folder."""
    folder, log = tmp_path / "class", tmp_path / "wall.log"
    record(folder, LEARNERS)
    program = Path(sys.executable).with_name("labs")
    with log.open("wb") as output:
        words: list[str | Path] = [program, "wall", folder, "--port", str(free_port())]
        process = subprocess.Popen(words, stdout=output, stderr=output)

    def printed() -> str | None:
        assert process.poll() is None, log.read_text()
        found = re.search(r"http://\S+/", log.read_text())
        return found.group() if found else None

    try:
        yield eventually(printed, START_SECONDS, "the wall to print its address"), folder
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(START_SECONDS)


def test_the_wall_shows_forty_learners_live_and_without_names(
    wall: tuple[str, Path], page: Page
) -> None:
    """What a learner writes appears by itself; names appear when the teacher asks for them."""
    address, folder = wall
    page.set_viewport_size({"width": 1280, "height": 1700})
    page.goto(address)
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(LEARNERS + 1)  # the first counts who is done
    expect(page.get_by_role("heading", level=1)).to_contain_text("07")
    assert "learner05" not in page.content()
    for state in ("not begun", "at work", "stuck", "done"):
        assert page.locator(f"td[aria-label='{state}']").count() > 0, state
    assert page.locator(".hit").count() == 5  # a prediction each
    screenshot(page, "wall-wide-light.png")

    number = 1 + sorted(each.name for each in folder.iterdir()).index("learner09")
    first = rows.nth(number).locator("td").nth(0)
    expect(first).to_have_attribute("aria-label", "not begun")
    question = sections.of(LESSON)[0].items[0].name
    (folder / "learner09" / FILE).write_text(
        Entry(1.8e9, LESSON, "prediction", question, "nobody").line()
    )
    expect(first).to_have_attribute("aria-label", "at work")

    page.get_by_role("link", name="Show the names").click()
    expect(page.get_by_role("rowheader", name="lee,jun")).to_be_visible()
    page.emulate_media(color_scheme="dark")
    screenshot(page, "wall-wide-dark.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_wall_fits_a_telephone(wall: tuple[str, Path], page: Page, scheme: str) -> None:
    """The table scrolls in itself; the page is not wider than the window."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": 390, "height": 1600})
    page.goto(wall[0])
    expect(page.locator("tbody tr")).to_have_count(LEARNERS + 1)
    width = page.evaluate("document.documentElement.scrollWidth")
    screenshot(page, f"wall-narrow-{scheme}.png")
    assert width <= 390


def test_another_address_shows_nothing(wall: tuple[str, Path], page: Page) -> None:
    """The word in the address is what keeps others of this machine out."""
    found = page.goto(wall[0].rstrip("/").rpartition("/")[0] + "/")
    assert found is not None
    assert found.status == 404
