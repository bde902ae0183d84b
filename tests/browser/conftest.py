"""A server as `make lab` starts it, and an empty window of a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from tests.browser.windows import CHROMIUM, FLAGS, PAGE_TIMEOUT_MS
from tests.served import served
from tests.support import OrdinaryUser

expect.set_options(timeout=PAGE_TIMEOUT_MS)


@pytest.fixture
def address(ordinary_user: OrdinaryUser) -> Iterator[str]:
    """The address, token included, that `labs notebook` prints; the server ends with the test."""
    with served(ordinary_user) as where:
        yield where


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """The driver of browsers, of which a thread can have one."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """One browser for all tests that need no more than a window."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed; remedy: sudo apt-get install chromium")
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """An empty window of a profile that no other test has used."""
    with chromium.new_context(viewport={"width": 1280, "height": 1600}) as context:
        context.set_default_timeout(PAGE_TIMEOUT_MS)
        yield context.new_page()
