"""Every behaviour of two and three routers, within bounds; see explore.py.

The number of states explored is printed (`-rP` or a failure shows it).
"""

from __future__ import annotations

import os

import pytest

from tests.sim.explore import Bounds, Broken, Explorer

WHOLE = "SIM_DAYS" not in os.environ  # make test-fast leaves out three routers
TWO, THREE, EQUAL = (192, 128), (192, 128, 64), (128, 128)


@pytest.mark.parametrize(
    ("priorities", "bounds"),
    [
        (TWO, Bounds(losses=2, faults=2)),
        (TWO, Bounds(losses=1, faults=1, delay=2)),
        (TWO, Bounds(losses=2, faults=2, preempt=False)),
        (TWO, Bounds(losses=1, faults=2, version=3)),
        (EQUAL, Bounds(losses=1, faults=2)),
        *(
            (THREE, bounds)
            for bounds in (
                Bounds(losses=0, faults=0, adverts=1),
                Bounds(losses=1, faults=1, delay=0, adverts=1),
            )
            if WHOLE
        ),
    ],
    ids=str,
)
def test_the_promises_hold_in_every_state_that_can_be_reached(
    priorities: tuple[int, ...], bounds: Bounds
) -> None:
    explorer = Explorer(priorities, bounds)
    states = explorer.run()
    print(f"{len(priorities)} routers, {bounds}: {states:,} states, {explorer.moves:,} moves")
    assert states > 10_000


def test_a_lost_resignation_is_among_what_is_explored() -> None:
    """With losses there is more to see than without, and with faults more still."""
    counts = [
        Explorer(TWO, Bounds(losses, faults)).run() for losses, faults in ((0, 0), (1, 0), (1, 1))
    ]
    assert counts == sorted(set(counts))


def test_a_delay_beyond_the_skew_breaks_the_promise_when_one_loss_is_enough() -> None:
    """The search does find something: with down_timer_adverts 1 there is only the skew to spare."""
    with pytest.raises(Broken, match="calm for"):
        Explorer(TWO, Bounds(losses=0, faults=0, delay=3, adverts=1)).run()
