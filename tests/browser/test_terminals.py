"""`make lab` as it opens: the lesson, and beside it a terminal of each host, where one types.

The terminals follow the lab of the lesson, and a click in the live panel leads to them.
A picture is left in build/screenshots for people to look at.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Error, Locator, Page, expect

from labs.jupyter.server import hosts_of_the_lessons
from tests.browser.windows import LONG_SECONDS, screenshot
from tests.served import START_SECONDS, served
from tests.support import OrdinaryUser, eventually

# What the terminal of a host shows, scrolled out or not: it may be drawn on a canvas.
SHOWN = """host => {
    const found = [...jupyterapp.shell.widgets('main')].find(
        each => each.content?.session?.name === host);
    const buffer = found?.content._term?.buffer.active;
    if (!buffer) return '';
    const lines = Array.from({length: buffer.length}, (_, n) => buffer.getLine(n));
    return lines.map(line => line.translateToString(true)).join('\\n');
}"""


def terminal(page: Page, host: str) -> Locator:
    """The tab of that terminal."""
    return page.locator("#jp-main-dock-panel .lm-TabBar-tab").filter(has_text=host)


def shows(page: Page, host: str, text: str, times: int = 1) -> None:
    """Wait until the terminal of `host` shows `text` so many times."""
    try:
        eventually(
            lambda: page.evaluate(SHOWN, host).count(text) >= times, START_SECONDS, every=0.2
        )
    except AssertionError:
        seen = page.evaluate(SHOWN, host)
        raise AssertionError(f"{text!r} is not {times} times in {seen}") from None


def run(page: Page, cell: str) -> None:
    """Run the cell of the lesson that has this text, and wait for its end."""
    found = page.locator(".jp-CodeCell").filter(has_text=cell).first
    found.scroll_into_view_if_needed()
    found.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    prompt = found.locator(".jp-InputPrompt")
    expect(prompt).not_to_have_text("[*]:")


def write(page: Page, host: str, line: str) -> None:
    """Type a line into the terminal of `host`."""
    terminal(page, host).click()
    page.keyboard.type(f"{line}\n")


@pytest.fixture
def behind_a_prefix(ordinary_user: OrdinaryUser) -> Iterator[str]:
    """The address of a server whose user has set a prefix, as one on JupyterHub has it."""
    settings = ordinary_user.home / ".jupyter" / "jupyter_server_config.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps({"ServerApp": {"base_url": "/user/learner/"}}))
    for path in (settings.parent, settings):
        ordinary_user.give(path)
    with served(ordinary_user) as where:
        yield where


@pytest.mark.timeout(LONG_SECONDS)
def test_a_learner_types_on_a_host_beside_the_lesson(behind_a_prefix: str, page: Page) -> None:
    first, second, *others = hosts_of_the_lessons()
    page.set_viewport_size({"width": 1920, "height": 1080})
    assert "/user/learner/lab/workspaces/" in behind_a_prefix
    page.goto(behind_a_prefix)
    try:
        status = page.locator("#jp-bottom-panel")
        expect(status).to_contain_text("| Idle")
        for host in (first, second, *others):
            expect(terminal(page, host)).to_be_visible()
        shows(page, first, "no lab is running yet")
        run(page, "from labs import Lab")
        run(page, 'lab = Lab("steady")')
        follow(page, first)
        open_a_lesson(page, first)
        click_on_a_host(page, others[-1])
        click_on_a_cable(page, first)
        screenshot(page, "terminals.png")
    except (AssertionError, Error):
        screenshot(page, "terminals-failed.png")
        raise


def follow(page: Page, host: str) -> None:
    """The terminal is on the host, and after the lab was rebuilt on that of the new one."""
    shows(page, host, f"root@{host}:~#")
    write(page, host, "ip address show eth0")
    shows(page, host, "inet 192.168.1.11/24")
    run(page, 'lab = Lab("steady")')
    shows(page, host, f"{host} has ended with its lab")
    shows(page, host, f"root@{host}:~#", times=3)
    write(page, host, "systemctl is-active keepalived")
    shows(page, host, "\nactive")
    write(page, host, "tcpdump -nn -c 1 -i eth0")
    shows(page, host, "1 packet captured")


def open_a_lesson(page: Page, host: str) -> None:
    """A lesson that is opened from a terminal comes to the other lessons; and goes again."""
    terminal(page, host).click()
    page.locator(".jp-DirListing-item").filter(has_text="02-").dblclick()
    row = page.locator(".lm-DockPanel-tabBar").filter(has_text="00-start-here")
    opened = row.locator(".lm-TabBar-tab").filter(has_text="02-who-is-elected")
    expect(opened).to_have_attribute("aria-selected", "true")
    screenshot(page, "opened-from-a-terminal.png")
    opened.locator(".lm-TabBar-tabCloseIcon").click()
    expect(opened).to_have_count(0)


def kept(page: Page) -> Locator:
    """The window beside the lesson in which the panel stays in sight."""
    return page.locator(".vrrp-lab-panel")


def keep_in_sight(page: Page, host: str) -> None:
    """The panel gets a window above the terminals, which shows the panel that comes next, too."""
    page.get_by_role("button", name="Keep in sight").click()
    expect(kept(page).locator(f".vb-host[data-host={host}]")).to_be_visible()
    first = kept(page).locator(".vb").element_handle()
    run(page, "lab.bench()")
    eventually(lambda: not first.evaluate("old => old.isConnected"), START_SECONDS, every=0.1)
    expect(kept(page).locator(f".vb-host[data-host={host}]")).to_be_visible()
    boxes = [kept(page).bounding_box(), page.locator(".jp-Terminal:visible").bounding_box()]
    panel, below = (box["height"] if box else 0 for box in boxes)
    assert panel > below > 0


def click_on_a_host(page: Page, host: str) -> None:
    """The panel brings a terminal to the front, and opens one that was closed."""
    run(page, "lab.bench()")
    keep_in_sight(page, host)
    button = page.locator(".jp-Notebook").get_by_role("button", name=f"terminal of {host}")
    tab = terminal(page, host)
    expect(tab).to_have_attribute("aria-selected", "false")
    for _ in range(2):
        button.scroll_into_view_if_needed()
        button.click()
        expect(tab).to_have_attribute("aria-selected", "true")
        shows(page, host, f"root@{host}:~#")
        page.keyboard.type("hostname\n")  # it has the keyboard
        shows(page, host, f"\n{host}\n")
        tab.locator(".lm-TabBar-tabCloseIcon").click()
    button.click()
    expect(tab).to_be_visible()


def click_on_a_cable(page: Page, host: str) -> None:
    """What is pulled in the panel has lost its carrier in the terminal."""
    cable = page.locator(f".jp-Notebook .vb-cable[data-host={host}]")
    cable.scroll_into_view_if_needed()
    cable.click()
    expect(cable).to_have_attribute("aria-pressed", "true")
    expect(kept(page).locator(f".vb-cable[data-host={host}]")).to_have_attribute(
        "aria-pressed", "true"
    )
    write(page, host, "ip link show eth0")
    shows(page, host, "NO-CARRIER")
