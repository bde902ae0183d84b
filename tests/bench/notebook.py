"""How long a learner waits for the lesson: from `make lab` to a kernel that is ready.

notebook()   seconds until the server prints its address, and until the lesson can be run

The browser is open already, as a learner's is, keeps what it has loaded, and finds every start at
the same port, as 8888 is for a learner.  The first start of a folder is not counted: it copies the
lessons, lays out the windows and loads JupyterLab's page; nor is the second, after which the
browser keeps the page's programs compiled.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.windows import CHROMIUM, FLAGS
from tests.served import free_port
from tests.support import REPOSITORY, eventually

START_SECONDS = 60
WARM_UP = 2  # starts


def notebook(room: Path, runs: int) -> list[dict[str, Any]]:
    """Seconds of `runs` second starts: `address`, and `ready` with the kernel of lesson 00 idle."""
    room.mkdir(parents=True)
    port = free_port()
    with (
        sync_playwright() as driver,
        driver.chromium.launch_persistent_context(
            room / "browser",
            executable_path=CHROMIUM,
            args=FLAGS,
            viewport={"width": 1280, "height": 900},
        ) as context,
    ):
        found = [_once(room, context.pages[0], port) for _ in range(WARM_UP + runs)]
    return found[WARM_UP:]


def _once(home: Path, page: Page, port: int) -> dict[str, Any]:
    """One start, seen from the page."""
    page.goto("about:blank")
    began = time.monotonic()
    with _make_lab(home, port) as log:
        where = eventually(lambda: _address(log), START_SECONDS, "the address")
        address = time.monotonic() - began
        page.goto(where)
        status = page.locator("#jp-bottom-panel")
        expect(status).to_contain_text("| Idle", timeout=START_SECONDS * 1000)
        return {"address": address, "ready": time.monotonic() - began}


@contextmanager
def _make_lab(home: Path, port: int) -> Iterator[Path]:
    """`make lab` by a user who lives there; one Ctrl-C ends it."""
    log = home / "server.log"
    environment = {**os.environ, "HOME": str(home), "LAB_WORK": str(home / "vrrp-lab")}
    with log.open("wb") as output:
        server = subprocess.Popen(
            ["make", "lab", f"PORT={port}"],
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield log
    finally:
        os.killpg(server.pid, signal.SIGINT)
        server.wait(START_SECONDS)


def _address(log: Path) -> str | None:
    """What the server has printed, token included."""
    found = re.search(r"http://127\.0\.0\.1:\d+/\S*token=\w+", log.read_text(errors="replace"))
    return found.group() if found else None
