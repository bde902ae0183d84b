"""docs/performance.md says what docs/performance.json holds, and shows its pictures."""

from __future__ import annotations

import json
import re

from tests.bench.page import DATA, PAGE, page


def test_the_page_is_the_one_that_follows_from_the_figures() -> None:
    assert PAGE.read_text() == page(json.loads(DATA.read_text())), "run `make figures`"


def test_its_pictures_are_there() -> None:
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", PAGE.read_text())
    assert pictures
    assert all((PAGE.parent / picture).exists() for picture in pictures)
