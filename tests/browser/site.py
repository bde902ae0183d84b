"""The browser edition as its visitors get it: built, and served by `python -m http.server`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from playwright.sync_api import Page, expect

from tests.support import REPOSITORY

SITE = REPOSITORY / "build" / "site"
START = 120_000  # ms in which Python starts in a tab, on a machine that is busy with other things


@cache
def build() -> None:
    """Build it as `make site` does, once for all tests."""
    done = subprocess.run(
        ["sh", "tools/site.sh"], cwd=REPOSITORY, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def serving() -> Iterator[str]:
    """A static server; its address, which ends with "/"."""
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]
    server = subprocess.Popen(
        [*command, "-d", str(SITE)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert server.stdout is not None
    try:
        line = server.stdout.readline()
        port = re.search(r"port (\d+)", line)
        assert port, line
        yield f"http://127.0.0.1:{port[1]}/"
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


def live(page: Page) -> None:
    """Wait until the panel of a page is driven by Python in the tab."""
    expect(page.locator(".vb-chip")).to_have_text("LIVE", timeout=START)


def violations(page: Page) -> list[str]:
    """What axe-core calls serious or critical; the context must not enforce the page's CSP."""
    if not page.evaluate("() => Boolean(window.axe)"):
        page.add_script_tag(path=REPOSITORY / "build/node/node_modules/axe-core/axe.min.js")
    # The name of a server in the drawing has what matters; its ring changes ten times a second.
    rules = {"label-content-name-mismatch": {"enabled": False}}
    found = page.evaluate("(rules) => axe.run({ rules })", rules)["violations"]
    return [
        f"{each['id']}: {each['help']}: {each['nodes'][0]['html'][:200]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
