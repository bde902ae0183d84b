"""What the tests in a browser share: Chromium, and where pictures of its windows go."""

from __future__ import annotations

import os
import shutil

from playwright.sync_api import Page

from tests.support import REPOSITORY

# For whatever a test waits for in a page.  Half a minute is not enough where a kernel has to answer
# beside other rings on two processors.
PAGE_TIMEOUT_MS = 180_000
LONG_SECONDS = 1800  # for a test that waits for many things
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
# Headless, and silent towards everything but the page under test.
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    # Nor a GPU that the processor imitates, which takes a quarter more to draw a panel that moves.
    "--disable-software-rasterizer",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def screenshot(page: Page, name: str) -> None:
    """Leaves a picture under build/ for people; a checkout that is not ours goes without."""
    place = REPOSITORY / "build" / "screenshots"
    if os.access(place.parent if place.parent.exists() else REPOSITORY, os.W_OK):
        place.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=place / name)
