"""The first picture of README.md: the panel of the browser edition, just after a takeover.

    make site
    python tools/picture.py build/site docs/images/bench.png

Chromium opens the front page; the cable of web1 is pulled in the simulation, and web2 has just
taken over when the picture is taken.
"""

from __future__ import annotations

import shutil
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from playwright.sync_api import ViewportSize, sync_playwright

WIDTH, HEIGHT = 1100, 1100  # CSS pixels; the picture has twice as many
START = 120_000  # ms in which Python starts
PULLED, AFTER = 14_000, 17.9  # ms; s, when the first Advertisement of web2 is on its way
# Slow enough that the picture does not change while it is taken.
SHOW = """async ([pulled, moment]) => {
    const { bench } = document.getElementById("panel");
    bench.clock.hurry(0.1);
    const actions = [[pulled, "unplug", "web1"]];
    bench.port.whole(await bench.port.python.call("player.start", { actions, moment }));
}"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Write nothing."""


def main(site: str, target: str) -> None:
    """Take the picture of the built `site` into `target` (PNG)."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if chromium is None:
        sys.exit("chromium is not installed; remedy: sudo apt-get install chromium")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    size = ViewportSize(width=WIDTH, height=HEIGHT)
    handler = partial(_Quiet, directory=site)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, sync_playwright() as playwright:
        Thread(target=server.serve_forever, daemon=True).start()
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        window = browser.new_page(
            viewport=size, device_scale_factor=2, reduced_motion="no-preference"
        )
        window.goto(f"http://127.0.0.1:{server.server_port}/")
        window.get_by_text("LIVE", exact=True).wait_for(timeout=START)
        window.evaluate(SHOW, [PULLED, AFTER])
        window.wait_for_timeout(1000)  # until the badge has arrived
        window.locator(".vb").screenshot(path=target)
        browser.close()
        server.shutdown()
    print(f"picture: {target}")


if __name__ == "__main__":
    main(*sys.argv[1:])
