"""A notebook that was saved with its outputs, opened in JupyterLab before any cell has run.

Its figures have the colors of the theme although the file is not trusted, and its forms say that
they are a record.
"""

from __future__ import annotations

import io
import json
from functools import partial
from typing import Any

import ipywidgets
import matplotlib.image
from playwright.sync_api import APIResponse, Locator, Page, Route, expect

from labs.analysis.timeline import Timeline
from labs.figures.palette import DARK, GROUND
from labs.lessons.predictions import Prediction
from tests.browser.windows import screenshot
from tests.served import START_SECONDS
from tests.support import OrdinaryUser, eventually
from tests.unit import stories

NAME = "saved.ipynb"
VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"


def notebook() -> dict[str, Any]:
    """A figure, and the form of a prediction with the state of its widgets."""
    story = Timeline(stories.failover_and_failback(), hosts=["web1", "web2"])
    form = Prediction("Who takes over?", "web2", choices=("web1", "web2"))._form()
    view = {"version_major": 2, "version_minor": 0, "model_id": form.model_id}
    bundles = [{"text/html": story._repr_html_()}, {VIEW: view, "text/plain": "a form"}]
    cells = [
        {
            "cell_type": "code", "id": f"cell-{count}", "metadata": {}, "execution_count": 1,
            "source": "...",
            "outputs": [{"output_type": "display_data", "metadata": {}, "data": data}],
        }
        for count, data in enumerate(bundles)
    ]  # fmt: skip
    state = ipywidgets.Widget.get_manager_state(drop_defaults=True)
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"name": "vrrp-lab", "display_name": "VRRP Lab", "language": "python"},
            "widgets": {STATE: state},
        },
        "cells": cells,
    }


def has_ground(figure: Locator, color: str) -> bool:
    """Whether this is the color of the upper right corner of what is shown."""
    pixels = matplotlib.image.imread(io.BytesIO(figure.screenshot()))
    found = "#" + "".join(f"{round(float(part) * 255):02X}" for part in pixels[3, -4, :3])
    return found == color


def test_figures_follow_the_theme_and_forms_say_that_they_are_a_record(
    address: str, ordinary_user: OrdinaryUser, page: Page
) -> None:
    path = ordinary_user.home / "vrrp-lab" / NAME
    path.write_text(json.dumps(notebook()))
    ordinary_user.give(path)
    start, _, token = address.partition("?")
    page.goto(f"{start.partition('/lab/')[0]}/lab/tree/{NAME}?{token}")
    figure = page.locator(".jp-OutputArea-output img")
    expect(figure).to_be_visible()
    assert "web2 took 192.168.1.10 from web1" in (figure.get_attribute("alt") or "")
    assert page.evaluate(
        "() => jupyterapp.shell.currentWidget.content.widgets.every(cell => !cell.model.trusted)"
    )
    for theme, wanted in (("Dark", DARK[GROUND]), ("Light", GROUND)):
        page.evaluate(
            "theme => jupyterapp.commands.execute('apputils:change-theme', { theme })",
            f"JupyterLab {theme}",
        )
        eventually(partial(has_ground, figure, wanted), START_SECONDS, f"the figure to be {theme}")
        screenshot(page, f"saved-notebook-{theme.lower()}.png")
    # The learner's own file is trusted, as JupyterLab has signed it.
    page.evaluate(
        "() => jupyterapp.shell.currentWidget.content.widgets.forEach("
        "cell => { cell.model.trusted = true; })"
    )
    form = page.locator(".jp-OutputArea-output").filter(has_text="Who takes over?").last
    expect(form).to_contain_text("Recorded in an earlier session. To use it again, run this cell.")
    assert form.locator("input[type=radio]").first.evaluate("each => !!each.closest('[inert]')")
    a_second_save_waits_for_the_first(page)


# Counts the saves of the notebook that are complete.
SAVE = """() => {
    window.saved ??= 0;
    jupyterapp.shell.currentWidget.context.save().then(() => { window.saved += 1; });
}"""
BOTH_OR_ASKED = "() => window.saved === 2 || document.querySelector('.jp-Dialog')"


def a_second_save_waits_for_the_first(page: Page) -> None:
    """A learner saves while JupyterLab does so by itself and the server's answer is on its way."""
    held: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        if route.request.method == "PUT" and not held:
            held.append((route, route.fetch()))
        else:
            route.continue_()

    def written() -> bool:
        page.wait_for_timeout(50)
        return bool(held)

    page.route(f"**/api/contents/{NAME}**", hold)
    page.evaluate(SAVE)
    eventually(written, START_SECONDS, "the first save to be written")
    page.evaluate(SAVE)
    page.wait_for_timeout(1000)
    route, answer = held[0]
    route.fulfill(response=answer)
    page.wait_for_function(BOTH_OR_ASKED)
    expect(page.locator(".jp-Dialog")).to_have_count(0)
