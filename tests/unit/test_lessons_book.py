"""The book: pages without widgets, figures with their words, nothing fetched from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from labs.jupyter.workbooks import lessons
from tools import book

TWIN = (
    "192.168.1.10  0 s       1         2\n"
    "web1          ████████░░░░\n"
    "                 ^ unplug web1\n"
    "█ holds   ░ does not\n"
    "web2 took 192.168.1.10 from web1 at 4.5 s.\n"
    "Nobody held it for 3.1 s.\n"
)


def cell(data: dict[str, Any], *tags: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "source": ["x"],
        "metadata": {"tags": list(tags)},
        "outputs": [{"output_type": "display_data", "data": data, "metadata": {}}],
    }


def paged(*cells: dict[str, Any]) -> list[dict[str, Any]]:
    return list(book.page({"metadata": {"widgets": {}}, "cells": list(cells)})["cells"])


def test_a_widget_gives_way_to_its_static_twin() -> None:
    (found,) = paged(cell({book.WIDGET: {}, "text/html": "<p>1. Who decides?</p>"}))
    assert found["outputs"][0]["data"] == {"text/html": "<p>1. Who decides?</p>"}


def test_a_figure_has_its_sentences_as_alternative_and_its_whole_text_folded() -> None:
    (found,) = paged(cell({"image/png": "...", "text/plain": TWIN}))
    alt = found["metadata"]["mystnb"]["image"]["alt"]
    assert alt == "web2 took 192.168.1.10 from web1 at 4.5 s. Nobody held it for 3.1 s."
    _, twin = found["outputs"]
    assert "████████░░░░" in twin["data"]["text/html"]
    assert twin["data"]["text/html"].startswith("<details>")


def test_a_figure_without_a_text_is_still_called_one() -> None:
    (found,) = paged(cell({"image/png": "...", "text/plain": ""}))
    assert found["metadata"]["mystnb"]["image"]["alt"] == "a figure"
    assert len(found["outputs"]) == 1


def test_a_solution_is_folded() -> None:
    (found,) = paged(cell({}, "solution"))
    assert "hide-input" in found["metadata"]["tags"]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A built site with a page for every lesson."""
    (tmp_path / "lessons").mkdir()
    for lesson in lessons():
        (tmp_path / "lessons" / f"{lesson.stem}.html").write_text(
            '<script src="../_static/x.js"></script><a href="https://www.rfc-editor.org/">RFC</a>'
        )
    return tmp_path


def test_a_site_that_stands_alone_passes(site: Path) -> None:
    assert book.check(site) == 0


@pytest.mark.parametrize(
    "markup",
    [
        '<script defer src="https://cdn.example/require.js"></script>',
        '<link rel="stylesheet" href="//fonts.example/a.css">',
        "<img src='http://example/badge.png'>",
        "<style>body { background: url(https://example/a.png) }</style>",
    ],
)
def test_a_site_that_fetches_from_elsewhere_does_not(
    markup: str, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (site / "index.html").write_text(markup)
    assert book.check(site) == 1
    assert "index.html" in capsys.readouterr().err


def test_a_missing_page_is_noticed(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    next((site / "lessons").iterdir()).unlink()
    assert book.check(site) == 1
    assert "there is no page of" in capsys.readouterr().err
