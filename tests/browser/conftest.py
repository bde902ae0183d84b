"""A server as `make lab` starts it, and an empty window of a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.windows import CHROMIUM, FLAGS, PATIENCE
from tests.served import served
from tests.support import OrdinaryUser

expect.set_options(timeout=PATIENCE)


@pytest.fixture
def address(ordinary_user: OrdinaryUser) -> Iterator[str]:
    """The address, token included, that `labs notebook` prints; the server ends with the test."""
    with served(ordinary_user) as where:
        yield where


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """An empty browser window."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed; remedy: sudo apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            tmp_path / "profile",
            executable_path=CHROMIUM,
            args=FLAGS,
            viewport={"width": 1280, "height": 1600},
        )
        yield browser.pages[0]
        browser.close()
