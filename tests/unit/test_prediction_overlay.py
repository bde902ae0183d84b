"""A guess in the timeline figure: beside the measurement, never over it, and in words, too."""

from __future__ import annotations

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from labs.analysis.timeline import Timeline
from labs.figures.prediction_overlay import start_of
from labs.lessons import predict
from labs.lessons.predictions import Beside
from tests.unit import stories


def failover() -> Timeline:
    return Timeline(stories.failover_and_failback(), hosts=["web1", "web2"])


def texts(figure: Figure) -> list[str]:
    (axes,) = figure.axes
    return [text.get_text() for text in axes.texts]


def drawn(figure: Figure) -> list[Rectangle]:
    (axes,) = figure.axes
    guesses = [patch for patch in axes.patches if patch.get_gid() == "guess"]
    return [patch for patch in guesses if isinstance(patch, Rectangle)]


def beside(guess: float | str, unit: str = "s", **options: float) -> Beside:
    return predict(f"A guess of {guess} {unit}?", guess, unit=unit).on(failover(), **options)


def test_a_time_is_a_bracket_of_its_length_from_where_the_silence_begins() -> None:
    timeline = failover()
    (box,) = drawn(beside(2.5).figure())
    assert box.get_width() == pytest.approx(2.5)
    assert box.get_x() == pytest.approx(timeline.outages[0].start - timeline.start)


def test_milliseconds_are_drawn_to_scale() -> None:
    (box,) = drawn(beside(500, "ms").figure())
    assert box.get_width() == pytest.approx(0.5)


def test_the_clock_may_start_elsewhere() -> None:
    timeline = failover()
    (box,) = drawn(beside(1, since=timeline.start + 2).figure())
    assert box.get_x() == pytest.approx(2)


@pytest.mark.parametrize("guess", [0, 1.5, 12, 1000, -3])
def test_the_words_stay_in_the_figure_and_off_other_words(guess: float) -> None:
    figure = beside(guess).figure()
    renderer = FigureCanvasAgg(figure).get_renderer()
    (axes,) = figure.axes
    boxes = {text.get_text(): text.get_window_extent(renderer) for text in axes.texts}
    mine = next(box for words, box in boxes.items() if words.startswith("you said"))
    assert figure.bbox.x0 <= mine.x0
    assert mine.x1 <= figure.bbox.x1
    assert [w for w, box in boxes.items() if box is not mine and box.overlaps(mine)] == []


def test_a_choice_is_shown_in_words_only() -> None:
    figure = beside("web2", "").figure()
    assert "you said web2" in texts(figure)
    assert drawn(figure) == []


def test_without_an_answer_the_figure_is_the_usual_one() -> None:
    shown = predict("Nothing said?", unit="s").on(failover())
    assert "you" not in texts(shown.figure())
    assert repr(shown) == failover().text()


def test_the_text_twin_says_the_guess() -> None:
    assert repr(beside(2.5)).endswith("you said 2.5 s")


def test_the_clock_starts_with_the_first_action_when_the_client_noticed_nothing() -> None:
    timeline = Timeline(stories.resignation(), hosts=["web1", "web2"])
    quiet = Timeline([f for f in timeline.facts if type(f).__name__ != "Ping"])
    assert start_of(quiet) >= quiet.start
