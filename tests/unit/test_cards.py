"""What lessons show: tables and figures, as text and for a notebook."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from labs.cards import OPEN, Card, Table
from labs.figures.base import Figure, canvas

ROUTERS = Table(
    ("router", "priority"),
    ["VRID 51", ("web1", "150"), ("a < b", "9")],
    right=(1,), code=(0,), bands={"VRID 51": "#123456"},
)  # fmt: skip


def test_a_table_is_columns_of_characters() -> None:
    assert repr(ROUTERS).splitlines() == [
        "router  priority", "── VRID 51", "web1         150", "a < b          9",
    ]  # fmt: skip


def test_a_table_is_html_with_its_cells_escaped() -> None:
    shown = ROUTERS._repr_html_()
    assert shown.count("<tr>") == 4
    assert "<code>a &lt; b</code>" in shown
    assert 'colspan="2"' in shown
    assert shown.count("border-left:4px solid #123456") == 3
    assert ";color:#123456" not in shown  # words in it could not be read by everybody


def test_commands_in_a_text_are_shown_as_code() -> None:
    words = "on web1: `nft list ruleset`, then `a < b`; an odd ` stays"
    card = Card(OPEN, "What does `-t` do?", (words,))
    assert words in repr(card)
    html = card._repr_html_()
    assert "<b>What does <code>-t</code> do?</b>" in html
    assert "<code>nft list ruleset</code>, then <code>a &lt; b</code>; an odd ` stays" in html


def test_a_table_without_rows_is_its_head() -> None:
    assert repr(Table(("router",), [])) == "router"


@pytest.fixture
def figure() -> Figure:
    @dataclass(frozen=True, repr=False)
    class Lengths(Figure):
        counts: tuple[int, ...]

        def figure(self):  # type: ignore[no-untyped-def]
            with canvas(3, 2) as drawing:
                drawing.add_axes((0.1, 0.1, 0.8, 0.8)).plot(self.counts)
            return drawing

        def text(self) -> str:
            return " ".join(map(str, self.counts))

    return Lengths((1, 4, 9))


def test_a_figure_is_its_text_and_its_picture_and_a_file(figure: Figure, tmp_path: Path) -> None:
    assert repr(figure) == "1 4 9"
    assert figure._repr_html_().startswith("<img ")
    figure.save(tmp_path / "lengths.svg")
    assert "<svg" in (tmp_path / "lengths.svg").read_text()
