"""A learner's way: `make lab`, open the failover lesson, Run All Cells, see the picture.

The one test that goes through everything: the server as `make lab` starts it, Jupyter's page in a
real browser, the kernel in its own namespaces, the lab, the figure.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Error, Page, expect, sync_playwright

from tests.support import REPOSITORY, OrdinaryUser, eventually

LESSON, CHALLENGE = "05-failover.ipynb", "A faster handover"
START_SECONDS, RUN_SECONDS = 60, 180
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
# Headless, and silent towards everything but the page under test.
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def address(ordinary_user: OrdinaryUser) -> Iterator[str]:
    """The address, token included, that `labs notebook` prints; the server ends with the test."""
    log = ordinary_user.home / "server.log"
    command = [Path(sys.executable).with_name("labs"), "notebook", "--no-browser"]
    with log.open("wb") as output:
        server = ordinary_user.popen(
            [*command, "--port", str(free_port())],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def printed() -> str | None:
        text = log.read_text(errors="replace")
        assert server.poll() is None, f"the server ended\n{text}"
        found = re.search(r"http://(?:127\.0\.0\.1|localhost):\d+/\S*token=\w+", text)
        return found.group() if found else None

    try:
        yield eventually(printed, START_SECONDS, "the server to print its address")
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
            raise AssertionError("one Ctrl-C did not end the server") from None


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


def screenshot(page: Page, name: str) -> None:
    """Leaves a picture under build/ for people; a checkout that is not ours goes without."""
    place = REPOSITORY / "build" / "screenshots"
    if os.access(place.parent if place.parent.exists() else REPOSITORY, os.W_OK):
        place.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=place / name)


@pytest.mark.timeout(START_SECONDS + RUN_SECONDS + 60)
def test_run_all_cells_shows_who_owned_the_address(address: str, page: Page) -> None:
    base, _, query = address.partition("?")
    base = base.split("/lab")[0].rstrip("/")
    page.goto(f"{base}/lab/tree/{LESSON}?{query}&reset")
    status = page.locator("#jp-bottom-panel")  # "VRRP Lab | Idle"
    expect(status).to_contain_text("| Idle", timeout=START_SECONDS * 1000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    expect(status).to_contain_text("| Busy")
    try:
        picture = page.locator(".jp-OutputArea-output img").first
        expect(picture).to_be_visible(timeout=RUN_SECONDS * 1000)
        last = page.get_by_text(f"{CHALLENGE}: done")  # what the last cell says
        expect(last).to_be_attached(timeout=RUN_SECONDS * 1000)
        size = picture.evaluate("image => [image.naturalWidth, image.naturalHeight]")
        assert min(size) > 200
        assert page.locator(".jp-OutputArea-output[data-mime-type*='stderr']").count() == 0
        assert page.locator(".jp-RenderedError, [data-mime-type*='error']").count() == 0
        picture.scroll_into_view_if_needed()
    except (AssertionError, Error):
        screenshot(page, "failover-failed.png")
        raise
    screenshot(page, "failover.png")
