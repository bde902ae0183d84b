"""The extension of JupyterLab where a private part that it uses is missing: nothing else breaks.

Its functions run in a blank page, on stand-ins for JupyterLab's notebook; test_saved_notebook.py
tests them with JupyterLab itself.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from labs.jupyter.server import EXTENSIONS

FORMS = EXTENSIONS / "vrrp-lab" / "static" / "saved_forms.js"
# A notebook whose widget manager has none of the methods that the extension calls.
NOTEBOOK = """
    const renderer = () => ({
        node: document.createElement("div"), widgets: [{}], isDisposed: false, isHidden: false,
        _manager: { promise: Promise.resolve({}) },
        renderModel: async (model) => { window.rendered = model; },
    });
    const panel = {
        context: {
            ready: Promise.resolve(), sessionContext: { ready: Promise.resolve() },
            model: { getMetadata: () => undefined, cells: [] }, saveState: { connect() {} },
        },
        content: {
            widgets: [],
            rendermime: {
                getFactory: () => ({ createRenderer: renderer }),
                addFactory: (factory) => { window.factory = factory; },
            },
        },
    };
"""


@pytest.fixture
def forms(page: Page) -> Page:
    """A page in which `window.keepForms` is the extension's."""
    page.add_script_tag(
        type="module", content=f"{FORMS.read_text()}\nwindow.keepForms = keepForms;"
    )
    page.wait_for_function("() => window.keepForms !== undefined")
    return page


def test_an_output_is_shown_where_another_version_lacks_what_the_extension_uses(
    forms: Page,
) -> None:
    """JupyterLab writes `Javascript Error` below an output whose renderer rejects."""
    assert forms.evaluate(
        f"""async () => {{
            {NOTEBOOK}
            await keepForms(panel);
            const model = {{ data: {{ [VIEW]: {{ model_id: "x" }} }} }};
            await factory.createRenderer({{}}).renderModel(model);
            return window.rendered === model;
        }}""".replace("[VIEW]", '["application/vnd.jupyter.widget-view+json"]')
    )


def test_a_notebook_without_a_widget_manager_is_left_alone(forms: Page) -> None:
    assert forms.evaluate(
        f"""async () => {{
            {NOTEBOOK}
            panel.content.rendermime.getFactory = () => undefined;
            await keepForms(panel);
            return window.factory === undefined;
        }}"""
    )
