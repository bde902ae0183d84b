"""Waiting for a condition: asked often when that is cheap, seldom when it is dear."""

from __future__ import annotations

import threading
import time
from typing import cast

from labs.lab import Lab


def test_what_is_dear_to_find_out_is_asked_a_quarter_of_the_time() -> None:
    asked: list[float] = []

    def dear() -> bool:
        asked.append(time.monotonic())
        threading.Event().wait(0.05)
        return time.monotonic() > asked[0] + 0.6

    assert Lab.wait_until(cast(Lab, None), dear)
    assert 2 <= len(asked) <= 6


def test_what_is_cheap_is_asked_at_once_and_again() -> None:
    asked = iter([False, False, False, True])
    began = time.monotonic()
    assert Lab.wait_until(cast(Lab, None), lambda: next(asked))
    assert time.monotonic() < began + 0.5
