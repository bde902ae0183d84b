"""False alarms: the formula against real daemons in memory, and both shown."""

from __future__ import annotations

import pytest

from labs.experiments.timer_tradeoff import Point, Setting, Tradeoff, count, tradeoff


def test_master_down_interval_is_that_of_version_3() -> None:
    assert Setting(0.1, 0.0).master_down_interval == pytest.approx(0.3609375)
    assert Setting(0.1, 0.0, missed=10).master_down_interval == pytest.approx(1.0609375)


def test_no_false_alarm_where_nothing_is_lost() -> None:
    assert count(0.1, loss=0.0, adverts=500).alarms == 0


def test_the_formula_says_what_the_daemons_do() -> None:
    point = count(0.1, loss=0.3, adverts=4000)  # 75 alarms are expected, ± 9
    assert point.per_day == pytest.approx(point.setting.expected, rel=0.5)


def test_a_larger_count_forgives_what_three_do_not() -> None:
    assert count(0.1, loss=0.2, adverts=1500, missed=10).alarms == 0
    assert count(0.1, loss=0.2, adverts=1500, missed=3).alarms > 0


def test_only_what_a_short_run_can_show_is_counted() -> None:
    found = tradeoff(intervals=(0.1,), losses=(0.01, 0.2))
    assert [point.setting.loss for point in found.points] == [0.2]


def test_the_table_has_every_number_of_the_figure() -> None:
    setting = Setting(0.1, 0.2)
    text = Tradeoff((setting,), (Point(setting, 38, 600.0),)).text()
    assert "100 ms" in text
    assert "0.361 s" in text
    assert "5,500 (5,500)" in text


def test_the_figure_is_a_png() -> None:
    assert tradeoff(intervals=(1.0, 0.1), losses=(0.01,))._repr_png_().startswith(b"\x89PNG")
