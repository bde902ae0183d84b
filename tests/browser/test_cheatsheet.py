"""The cheat sheet as a browser prints it."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page

from tests.browser.windows import screenshot
from tools import cheatsheet

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
