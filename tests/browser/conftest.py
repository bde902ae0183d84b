"""A server as `make lab` starts it, and an empty window of a real browser."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.windows import CHROMIUM, FLAGS, PATIENCE, START_SECONDS, free_port
from tests.support import OrdinaryUser, eventually

expect.set_options(timeout=PATIENCE)


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
            server.wait(60)
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
