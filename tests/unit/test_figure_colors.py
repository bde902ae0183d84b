"""Figures on a light page and on a dark one: their colors, their text, their size."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable

import pytest

from labs.analysis.timeline import Timeline
from labs.experiments import advert_size, outage_distribution, timer_tradeoff
from labs.figures import html_figure, plot
from labs.figures.base import Figure
from labs.figures.html_figure import alt
from labs.figures.palette import (
    DARK,
    GROUND,
    HOST_COLOURS,
    INK,
    NOBODY,
    NOBODY_INK,
    NOBODY_TINT,
    PAPER,
    SHADE,
    text_color,
)
from labs.figures.state_diagram import StateDiagram
from labs.lessons.show import show
from tests.unit import stories
from vrrpd import fsm

TEXT_CONTRAST, SHAPE_CONTRAST = 4.5, 1.8
MOST_BYTES = 200_000  # of one figure in a notebook
SCHEMES = ({color: color for color in DARK}, DARK)


def _channel(value: int) -> float:
    share = value / 255
    return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)


def _luminance(color: str) -> float:
    red, green, blue = (_channel(int(color[i : i + 2], 16)) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2, 1 to 21."""
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def mixed(upper: str, lower: str, opacity: float) -> str:
    """What is seen of `upper` over `lower`."""
    pairs = ((int(upper[i : i + 2], 16), int(lower[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a * opacity + b * (1 - opacity)):02X}" for a, b in pairs)


@pytest.mark.parametrize("scheme", SCHEMES, ids=["light", "dark"])
def test_every_word_can_be_read(scheme: dict[str, str]) -> None:
    pairs = [(INK, ground) for ground in (GROUND, PAPER, SHADE)]
    pairs += [(text_color(ground), ground) for ground in (*HOST_COLOURS, NOBODY, INK)]
    pairs += [(NOBODY_INK, GROUND)]
    found = {pair: contrast(scheme[pair[0]], scheme[pair[1]]) for pair in pairs}
    tint = mixed(scheme[NOBODY], scheme[PAPER], NOBODY_TINT)
    found[NOBODY_INK, "tint"] = contrast(scheme[NOBODY_INK], tint)
    assert {pair: ratio for pair, ratio in found.items() if ratio < TEXT_CONTRAST} == {}


@pytest.mark.parametrize("scheme", SCHEMES, ids=["light", "dark"])
def test_every_bar_stands_out_from_its_lane(scheme: dict[str, str]) -> None:
    bars = (*HOST_COLOURS[:4], NOBODY)
    found = {bar: contrast(scheme[bar], scheme[PAPER]) for bar in bars}
    assert {bar: ratio for bar, ratio in found.items() if ratio < SHAPE_CONTRAST} == {}


FIGURES: dict[str, Callable[[], Figure | Timeline]] = {
    "failover": lambda: Timeline(stories.failover_and_failback(), hosts=["web1", "web2"]),
    "split brain": lambda: Timeline(stories.split_brain(), hosts=["web1", "web2"]),
    "resignation": lambda: plot.stack([Timeline(stories.resignation(), hosts=["web1", "web2"])]),
    "states": StateDiagram,
    "many pulls": lambda: outage_distribution.simulate(50),
    "tradeoff": lambda: timer_tradeoff.tradeoff(intervals=(1.0,), losses=(0.01,)),
    "packets": lambda: advert_size.Growth({1: 40, 23: 128, 255: 1056}),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_has_both_schemes_its_text_and_a_bounded_size(name: str) -> None:
    figure = FIGURES[name]()
    shown = figure._repr_html_()
    assert len(shown) < MOST_BYTES
    found = re.match(r'<img src="data:image/svg\+xml;base64,([^"]+)" alt="([^"]+)"', shown)
    assert found, shown[:200]
    drawn = base64.b64decode(found[1]).decode()
    assert "<script" not in drawn
    light, dark = re.findall(r":root\{(.*?)\}", drawn)
    known = {color.lower(): value for color, value in DARK.items()}
    used = re.findall(r"--c\d+:(#\w+);", light)
    assert re.findall(r"--c\d+:(#\w+);", dark) == [known[color] for color in used]
    # Every other color of the drawing has become one of these variables.
    body = drawn.partition("</style>")[2]
    assert re.findall(r"(?:fill|stroke|color): (?!none|var|url)[^;\"]+", body) == []
    assert html.unescape(found[2]) == alt(figure.text())
    assert html.escape(figure.text()) in shown


def test_the_same_figure_gives_the_same_bytes() -> None:
    once, again = (html_figure.svg(StateDiagram().figure()) for _ in range(2))
    assert once == again


def test_the_alternative_text_is_the_sentences_without_the_lanes() -> None:
    crash = Timeline(stories.crash(), hosts=["web1", "web2"])
    found = alt(crash.text())
    assert found.startswith("web2 took 192.168.1.10 at ")
    assert "█" not in found
    assert "\n" not in found
    assert alt("") == "a figure"
    assert len(alt("word " * 1000)) == html_figure.MOST_ALT


def test_source_that_is_shown_can_be_read_on_both() -> None:
    shown = show(fsm.backup)._repr_html_()
    grounds = re.findall(r"background: light-dark\((#\w+), (#\w+)\)", shown)
    words = set(re.findall(r"color: light-dark\((#\w+), (#\w+)\)", shown))
    assert len(words) > 4
    assert not re.findall(r"color: #", shown)
    blank = ("#BBBBBB", "#DDDDDD")  # of white space
    for pair in words - {blank}:
        for word, ground in zip(pair, grounds[0], strict=True):
            assert contrast(word, ground) >= TEXT_CONTRAST, (word, ground)
