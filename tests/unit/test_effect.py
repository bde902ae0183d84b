"""Weights and FAULT, as keepalived 2.2.7's vrrp_track.c works them out, in one table."""

from __future__ import annotations

import pytest

from vrrpd.config.model import Track
from vrrpd.tracking.effect import Effect, effect_of_number, effect_of_state


@pytest.mark.parametrize(
    ("weight", "reverse", "up", "effect"),
    [
        (0, False, True, Effect()),
        (0, False, False, Effect(down=True)),
        (0, True, True, Effect(down=True)),
        (0, True, False, Effect()),
        (20, False, True, Effect(weight=20)),
        (20, False, False, Effect()),
        (-20, False, True, Effect()),
        (-20, False, False, Effect(weight=-20)),
        (20, True, True, Effect(weight=-20)),
        (20, True, False, Effect()),
        (-20, True, True, Effect()),
        (-20, True, False, Effect(weight=20)),
    ],
)
def test_up_and_down(weight: int, reverse: bool, up: bool, effect: Effect) -> None:
    assert effect_of_state(Track("x", weight, reverse), up) == effect


@pytest.mark.parametrize(
    ("weight", "reverse", "number", "effect"),
    [
        (0, False, 0, Effect()),
        (0, False, 1, Effect(down=True)),
        (0, False, -1, Effect(down=True)),
        (0, True, 0, Effect(down=True)),
        (0, True, 1, Effect()),
        (1, False, 10, Effect(weight=10)),
        (1, True, 10, Effect(weight=-10)),
        (-2, False, 10, Effect(weight=-20)),
        (2, False, 126, Effect(weight=252)),
        (1, False, 253, Effect(weight=253)),
        (2, False, 127, Effect(weight=253)),
        (1, False, 2**31 - 1, Effect(weight=253)),
        (1, False, -253, Effect(weight=-253)),
        (1, False, -254, Effect(down=True)),
        (2, False, -127, Effect(down=True)),
        (-1, False, 254, Effect(down=True)),
        (-1, True, 254, Effect(weight=253)),
    ],
)
def test_numbers(weight: int, reverse: bool, number: int, effect: Effect) -> None:
    assert effect_of_number(Track("x", weight, reverse), number) == effect
