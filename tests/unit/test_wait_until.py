"""Waiting for a condition: polled often when that is fast, seldom when it is slow."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import cast

from labs.emulation.lab import Lab
from tests.support import HUNG_S, eventually


def test_a_slow_condition_is_polled_a_quarter_of_the_time() -> None:
    asked: list[float] = []

    def slow() -> bool:
        asked.append(time.monotonic())
        threading.Event().wait(0.05)
        return len(asked) == 4

    assert Lab.wait_until(cast(Lab, None), slow, HUNG_S)
    assert asked[-1] - asked[0] > 3 * (0.05 + 0.14)


def test_a_condition_that_came_true_in_time_is_found_however_late_the_poll() -> None:
    """The machine may keep a process waiting between one look and the next."""
    for wait in (partial(Lab.wait_until, cast(Lab, None)), eventually):
        looks = iter([False, True])

        def kept_waiting(looks: Iterator[bool] = looks) -> bool:
            found = next(looks)
            threading.Event().wait(0.05)
            return found

        assert wait(kept_waiting, timeout=0.01)


def test_a_fast_condition_is_polled_at_once_and_again() -> None:
    def quick() -> bool:
        asked = iter([False, False, False, True])
        began = time.monotonic()
        assert Lab.wait_until(cast(Lab, None), lambda: next(asked), HUNG_S)
        return time.monotonic() < began + 0.5

    eventually(quick, what="a time in which the machine does nothing else")
