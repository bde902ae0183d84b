"""The browser edition as its visitors get it: built, and served under its own policy."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, Playwright, expect

from tests.browser.windows import CHROMIUM, FLAGS, PAGE_TIMEOUT_MS
from tests.rings import SITE_RUN
from tests.support import REPOSITORY

SITE = REPOSITORY / "build" / "site"


@cache
def build() -> None:
    """Build it as `make site` does, once for all tests: tests/rings.py, or who needs it first."""
    run = os.environ.get(SITE_RUN) or os.environ.get("PYTEST_XDIST_TESTRUNUID", "")
    SITE.parent.mkdir(exist_ok=True)
    with (SITE.parent / "site.tested").open("a+") as built:
        fcntl.flock(built, fcntl.LOCK_EX)  # until it is closed
        built.seek(0)
        if run and built.read() == run:
            return
        built.truncate(0)
        done = subprocess.run(
            ["sh", "tools/site.sh"], cwd=REPOSITORY, capture_output=True, text=True, timeout=1800
        )
        assert done.returncode == 0, done.stdout + done.stderr
        built.write(run)


@contextmanager
def serving() -> Iterator[str]:
    """A static server; its address, which ends with "/"."""
    command = [sys.executable, str(Path(__file__).with_name("static_server.py")), str(SITE)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        port = server.stdout.readline().strip()
        assert port
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


# What the policy of a page forbade, with the start of an inline script or style.
NO_SOURCE = ":0:0"
REPORT = """addEventListener("securitypolicyviolation", (event) => window.forbidden(
    `${event.effectiveDirective} forbids ${event.blockedURI} ${event.sample} at `
    + `${event.sourceFile}:${event.lineNumber}:${event.columnNumber} of ${location.pathname}`));"""


class Visit:
    """A browser profile, all that its pages asked for, and what went wrong in them."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.context = context
        context.set_default_timeout(PAGE_TIMEOUT_MS)
        self.address = address
        self.asked: list[str] = []
        self.errors: list[str] = []
        context.on("request", lambda request: self.asked.append(request.url))
        context.expose_function("forbidden", lambda text: self.errors.append(text))
        context.add_init_script(REPORT)

    def open(self, path: str = "") -> Page:
        """A new page of the site."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(self.address + path)
        return page

    def check(self) -> None:
        """Nothing was fetched from elsewhere, nothing was forbidden, no program stumbled."""
        own = (self.address, f"blob:{self.address}", "data:")
        assert self.asked
        foreign = [url for url in self.asked if not url.startswith(own)]
        assert not foreign, foreign
        # What a test evaluates in a page, axe-core for one, has no source file.
        errors = [error for error in self.errors if f" at {NO_SOURCE} of " not in error]
        assert not errors, errors


@contextmanager
def visiting(playwright: Playwright, profile: Path) -> Iterator[Visit]:
    """The built site in a browser with this profile; at the end everything is checked."""
    build()
    with serving() as address:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=CHROMIUM, args=FLAGS
        )
        visit = Visit(context, address)
        yield visit
        context.close()
    visit.check()


def live(page: Page) -> None:
    """Wait until the panel of a page is driven by Python in the tab."""
    expect(page.locator(".vb-chip")).to_have_text("LIVE")


def violations(page: Page, within: str = "html") -> list[str]:
    """What axe-core calls serious or critical in the elements of the selector `within`."""
    if not page.evaluate("() => Boolean(window.axe)"):
        # Not a <script>: the policy of the page would forbid it.
        axe = REPOSITORY / "build/node/node_modules/axe-core/axe.min.js"
        page.evaluate(axe.read_text(encoding="utf-8"))
    # The name of a server in the drawing has what matters; its ring changes ten times a second.
    rules = {"label-content-name-mismatch": {"enabled": False}}
    run = "([within, rules]) => axe.run(within, { rules })"
    found = page.evaluate(run, [within, rules])["violations"]
    return [
        f"{each['id']}: {each['help']}: {each['nodes'][0]['html'][:200]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
