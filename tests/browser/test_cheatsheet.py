"""The cheat sheet and the worksheets as a browser prints them."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page

from labs.jupyter.workbooks import lessons
from tests.browser.windows import screenshot
from tools import cheatsheet, worksheets

MOST_SHEETS = 2


def test_it_prints_on_two_sheets_of_a4(page: Page, tmp_path: Path) -> None:
    place = tmp_path / "cheatsheet.html"
    place.write_text(cheatsheet.whole())
    page.goto(place.as_uri())
    screenshot(page, "cheatsheet.png")
    sheets = re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))
    assert 1 <= len(sheets) <= MOST_SHEETS
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, "the page is wider than its window"


def test_most_worksheets_print_on_one_sheet_of_a4_each(page: Page, tmp_path: Path) -> None:
    place = tmp_path / "worksheets.html"
    place.write_text(worksheets.sheets(lessons()))
    page.emulate_media(color_scheme="dark")
    page.goto(place.as_uri())
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    sheets = re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))
    assert len(lessons()) <= len(sheets) < 1.25 * len(lessons())
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
