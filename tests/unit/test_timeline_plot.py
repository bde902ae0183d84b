"""The timeline figure: what is in it, and that no word covers another."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import labs.figures.plot as plot
from labs.analysis.timeline import Timeline
from labs.errors import LabError
from labs.figures.html_figure import svg
from labs.figures.label_rows import places
from labs.figures.palette import HOST_COLOURS, NOBODY, PAPER
from labs.figures.timeline_figure import WIDTH
from labs.model.facts import Action, Address, Arp, Fact, Ping
from tests.unit import stories

Story = Callable[[], list[Fact]]
STORIES: list[Story] = [
    stories.failover_and_failback,
    stories.crash,
    stories.split_brain,
    stories.resignation,
    stories.no_holder_at_start,
    stories.restarts,
]


def crowded() -> list[Fact]:
    """Actions in quick succession, some at the very end."""
    did = [
        Action(4.0 + i * 0.7, "plug", "web2", f"cable of web2 plugged in, {i}") for i in range(7)
    ]
    return [*stories.failover_and_failback(), *did, Action(20.9, "crash", "web1", "killed")]


def drawn(story: Story) -> Figure:
    return plot.timeline(Timeline(story(), hosts=["web1", "web2"]))


def visible_texts(figure: Figure) -> Iterator[Any]:
    """Every visible text but the numbers of the axis and the legend's."""
    (axes,) = figure.axes
    yield from (text for text in (*axes.texts, *figure.texts) if text.get_text())


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in visible_texts(figure)]


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.parametrize("story", [*STORIES, crowded])
def test_no_word_covers_another_or_leaves_the_figure(story: Story) -> None:
    figure = drawn(story)
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in visible_texts(figure)]
    for i, (left, a) in enumerate(boxes):
        assert figure.bbox.x0 <= a.x0, left
        assert a.x1 <= figure.bbox.x1, left
        assert figure.bbox.y0 <= a.y0, left
        assert a.y1 <= figure.bbox.y1, left
        for right, b in boxes[i + 1 :]:
            assert not a.overlaps(b), (left, right)


def xs(line: Line2D) -> list[float]:
    """The horizontal positions of a line's points, in seconds."""
    return [float(x) for x in np.asarray(line.get_xdata())]


@pytest.mark.parametrize("story", STORIES)
def test_no_upright_line_crosses_the_label_of_no_holder(story: Story) -> None:
    figure = drawn(story)
    renderer = FigureCanvasAgg(figure).get_renderer()
    (axes,) = figure.axes
    upright = [line for line in axes.lines if len(set(xs(line))) == 1]
    crossed = [
        (text.get_text(), xs(line)[0])
        for text in visible_texts(figure)
        if text.get_text().startswith("nobody")
        for line in upright
        if text.get_window_extent(renderer).overlaps(line.get_window_extent(renderer))
    ]
    assert crossed == []


@given(
    st.lists(
        st.tuples(
            st.floats(min_value=0, max_value=9),
            st.floats(min_value=0.2, max_value=2.5),
        ),
        max_size=8,
    )
)
def test_labels_cover_neither_each_other_nor_lines(labels: list[tuple[float, float]]) -> None:
    labels.sort()
    lines, widths = [x for x, _ in labels], [w for _, w in labels]
    placed = places(lines, widths, limit=9.2)
    spans = [
        (x - w, x) if place.left else (x, x + w)
        for x, w, place in zip(lines, widths, placed, strict=True)
    ]
    for i, (start, end) in enumerate(spans):
        assert end <= 9.2
        for j, (other_start, other_end) in enumerate(spans):
            if i == j:
                continue
            if placed[i].row == placed[j].row:
                assert end <= other_start or other_end <= start
            if placed[j].row > placed[i].row:
                assert not start < lines[j] < end


def test_the_failover_says_what_a_attacker_needs() -> None:
    figure = drawn(stories.failover_and_failback)
    said = texts(figure)
    assert {"web1", "web2", "client"} <= set(said)
    assert {"cable of web1 pulled", "cable of web1 plugged in"} <= set(said)
    assert any("predicted 3.609 s" in text and "measured 3.610 s" in text for text in said)
    assert "nobody holds it\nfor 3.11 s" in said
    assert "192.168.1.10 moved from web1 to web2" in said[-1]
    assert legend(figure) == [
        "holds 192.168.1.10",
        "Advertisement",
        "nobody holds",
        "no answer",
        "predicted",
    ]


def test_two_owners_are_hatched_and_named() -> None:
    figure = drawn(stories.split_brain)
    hatched = [patch for patch in figure.axes[0].patches if patch.get_hatch()]
    assert len(hatched) == 2
    assert any("two holders for 5.39 s" in text for text in texts(figure))
    assert "two holders" in legend(figure)


def test_a_handover_of_a_millisecond_is_not_drawn_as_two_owners() -> None:
    assert "two holders" not in legend(drawn(stories.failover_and_failback))


def test_priority_0_has_a_mark_of_its_own() -> None:
    assert "priority 0" in legend(drawn(stories.resignation))
    assert "priority 0" not in legend(drawn(stories.crash))


def test_a_title_of_ones_own() -> None:
    told = Timeline(stories.crash(), hosts=["web1", "web2"])
    assert texts(told.figure(title="My experiment"))[-1] == "My experiment"


def test_the_figure_grows_with_its_lanes() -> None:
    few = plot.timeline(Timeline(stories.crash(), hosts=["web1", "web2"]))
    many = plot.timeline(Timeline(stories.crash(), hosts=["web1", "web2", "c", "d"]))
    assert many.get_size_inches()[1] > few.get_size_inches()[1] + 1
    assert few.get_size_inches()[0] == many.get_size_inches()[0] == WIDTH


def test_nothing_can_be_drawn_too() -> None:
    assert svg(plot.timeline(Timeline([]))).endswith(b"</svg>\n")


def test_a_notebook_gets_a_picture() -> None:
    assert Timeline(stories.crash())._repr_html_().startswith("<img ")


def test_the_same_facts_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.png", "a.svg"):
        plot.save(drawn(stories.crash), tmp_path / name)
        assert (tmp_path / name).stat().st_size > 1000
    plot.save(drawn(stories.crash), tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def luma(colour: str) -> float:
    """Lightness of ``#RRGGBB`` as a grey print shows it, 0 to 1 (Rec. 709)."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_colours_stay_apart_in_grey() -> None:
    master, backup = map(luma, HOST_COLOURS[:2])
    assert abs(master - backup) > 0.25
    assert luma(PAPER) - max(master, backup, luma(NOBODY)) > 0.2


def stacked() -> plot.Stack:
    """Long, short, crowded and empty windows, two hosts and three."""
    hosts = ["web1", "web2"]
    whole = Timeline(stories.failover_and_failback(), hosts=hosts)
    parts = [whole, whole.between(10.0, 10.7), Timeline(stories.split_brain(), hosts=hosts)]
    parts += [Timeline(crowded(), hosts=[*hosts, "third"]), Timeline([], hosts=hosts)]
    return plot.stack(parts, titles=["whole", "short", "split", "crowded", "nothing at all"])


def test_a_stack_has_a_panel_for_each_on_one_time_axis() -> None:
    figure = stacked().figure()
    assert len(figure.axes) == 5
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    assert [axes.get_xlabel() for axes in figure.axes] == ["", "", "", "", "seconds"]
    lefts = {round(axes.get_position().x0, 6) for axes in figure.axes}
    assert len(lefts) == 1
    tops = [axes.get_position().y1 for axes in figure.axes]
    assert tops == sorted(tops, reverse=True)
    assert [text.get_text() for text in figure.texts] == [*stacked().titles]
    assert len(figure.legends) == 1


def test_no_panel_covers_another() -> None:
    figure = stacked().figure()
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [
        [text.get_window_extent(renderer) for text in axes.texts if text.get_text()]
        + [axes.get_window_extent(renderer)]
        for axes in figure.axes
    ]
    for upper, lower in pairwise(boxes):
        assert min(box.y0 for box in upper) >= max(box.y1 for box in lower)


def test_a_stack_reads_as_text_too() -> None:
    text = stacked().text()
    assert all(f"{title}\n192.168.1.10" in text for title in stacked().titles)
    assert stacked()._repr_html_().startswith("<img ")


def test_several_addresses_share_one_word_in_the_legend() -> None:
    one = Timeline(stories.crash(), hosts=["web1", "web2"])
    renamed = [
        dataclasses.replace(fact, address="192.168.1.20")
        if isinstance(fact, Address | Arp | Ping)
        else fact
        for fact in stories.crash()
    ]
    other = Timeline(renamed, "192.168.1.20", hosts=["web1", "web2"])
    assert "holds the address" in legend(plot.stack([one, other]).figure())
    assert "holds 192.168.1.10" in legend(plot.stack([one, one]).figure())


def test_a_stack_needs_a_title_for_each_or_none() -> None:
    one = Timeline(stories.crash(), hosts=["web1", "web2"])
    assert plot.stack([one, one]).titles[0].startswith("web2 took 192.168.1.10")
    for timelines, titles in (([], None), ([one], []), ([one], ["a", "b"])):
        with pytest.raises(LabError, match="give at least one timeline, and a title for each"):
            plot.stack(timelines, titles)


def flapping() -> list[Fact]:
    """web1 holds the address for long; then web2 takes it, too, five times within seconds."""
    facts = stories.split_brain()
    first = next(fact for fact in facts if isinstance(fact, Address))
    long_before = dataclasses.replace(first, t=first.t - 40)  # space for words
    again = [
        dataclasses.replace(fact, t=fact.t + 16.0 * round_number)
        for round_number in range(5)
        for fact in facts
        if not isinstance(fact, Action)
    ]
    actions = [fact for fact in facts if isinstance(fact, Action)]
    return sorted([long_before, *again, *actions], key=lambda fact: fact.t)


def test_of_many_takeovers_the_first_is_measured_and_no_word_covers_a_line() -> None:
    figure = drawn(flapping)
    assert sum("measured" in text for text in texts(figure)) == 1
    renderer = FigureCanvasAgg(figure).get_renderer()
    (axes,) = figure.axes
    (words,) = (each for each in visible_texts(figure) if "measured" in each.get_text())
    upright = [line for line in axes.lines if len(set(xs(line))) == 1]
    box = words.get_window_extent(renderer)
    assert not [line for line in upright if box.overlaps(line.get_window_extent(renderer))]


def test_a_long_title_takes_two_lines_instead_of_becoming_small() -> None:
    timeline = Timeline(stories.crash(), hosts=["web1", "web2"])
    long = "web1 and web2 held the address at once, and the client had no answer for 6.0 s " * 2
    (title,) = timeline.figure(title=long.strip()).texts
    assert title.get_text().count("\n") == 1
    assert float(title.get_fontsize()) >= 7.5
