"""The first picture of README.md: the panel, at the moment when the backup has just taken over.

    labs run failover --json build/failover.jsonl
    python tools/picture.py build/failover.jsonl docs/images/bench.png

The page is the one that `bench.save()` writes; Chromium opens it, moves the slider, and looks.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import ViewportSize, sync_playwright

from labs.analysis.timeline import Timeline
from labs.api.panel_widget import recorded
from labs.panel.page import page

WIDTH, HEIGHT = 1100, 720  # CSS pixels; the picture has twice as many
AFTER = 0.3  # s after the takeover: its first Advertisement is on its way
SEEK = """after => {
    bench.timeline.span = 0;
    bench.seek(after);
    bench.tick(0);
    document.body.style.padding = 0;
}"""


def main(source: str, target: str) -> None:
    """Draw the run in `source` (JSON lines of a timeline) into `target` (PNG)."""
    timeline = Timeline.load(source)
    moment = next(t.at for t in timeline.takeovers if t.frm) + AFTER
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if chromium is None:
        sys.exit("chromium is not installed; remedy: sudo apt-get install chromium")
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        file = Path(place, "run.html")
        file.write_text(page(recorded(timeline)), encoding="utf-8")
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        size = ViewportSize(width=WIDTH, height=HEIGHT)
        window = browser.new_page(
            viewport=size, device_scale_factor=2, reduced_motion="no-preference"
        )
        window.goto(file.as_uri())
        window.evaluate(SEEK, moment)
        window.wait_for_timeout(1000)  # until the badge has arrived
        window.locator(".vb").screenshot(path=target)
        browser.close()
    print(f"picture: {target}")


if __name__ == "__main__":
    main(*sys.argv[1:])
