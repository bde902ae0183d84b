"""Waiting for a condition: asked often when that is cheap, seldom when it is dear."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import cast

from labs.emulation.lab import Lab
from tests.support import eventually


def test_what_is_dear_to_find_out_is_asked_a_quarter_of_the_time() -> None:
    asked: list[float] = []

    def dear() -> bool:
        asked.append(time.monotonic())
        threading.Event().wait(0.05)
        return len(asked) == 4

    assert Lab.wait_until(cast(Lab, None), dear)
    assert asked[-1] - asked[0] > 3 * (0.05 + 0.14)


def test_what_came_true_in_time_is_found_however_late_somebody_looks() -> None:
    """The machine may keep a process waiting between one look and the next."""
    for wait in (partial(Lab.wait_until, cast(Lab, None)), eventually):
        looks = iter([False, True])

        def kept_waiting(looks: Iterator[bool] = looks) -> bool:
            found = next(looks)
            threading.Event().wait(0.05)
            return found

        assert wait(kept_waiting, timeout=0.01)


def test_what_is_cheap_is_asked_at_once_and_again() -> None:
    def quick() -> bool:
        asked = iter([False, False, False, True])
        began = time.monotonic()
        assert Lab.wait_until(cast(Lab, None), lambda: next(asked))
        return time.monotonic() < began + 0.5

    eventually(quick, what="a time in which the machine does nothing else")
