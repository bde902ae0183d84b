"""What a tracked thing does to a virtual router, as a pure function of the two.

                    weight 0        weight 20            weight -20
    up              nothing         +20                  nothing
    down            FAULT           nothing              -20
    reverse         the other way   -20 while up         +20 while down

    a file          FAULT if the    number × weight, at the most +253;
                    number is not 0 -254 or less is FAULT

`reverse` exchanges up and down where it decides about FAULT, and turns the sign of a weight
around where there is one (keepalived: "the direction of the adjustment").

Contract: nothing here knows what is tracked; the weights of all tracked things are added to the
configured priority by `VirtualRouter.priority`, which stays within 1..254.
"""

from __future__ import annotations

from vrrpd.config.model import Track
from vrrpd.record import Record

LOWEST = -254  # a product this low or lower is FAULT (keepalived)
HIGHEST = 253


class Effect(Record):
    """`down` keeps the router in FAULT; `weight` is added to its priority."""

    down: bool = False
    weight: int = 0


def effect_of_state(track: Track, up: bool) -> Effect:
    """The effect of an interface, script or process that is up or down."""
    if not track.weight:
        return Effect(down=up is track.reverse)
    counts = up if track.weight > 0 else not up
    sign = -1 if track.reverse else 1
    return Effect(weight=track.weight * sign if counts else 0)


def effect_of_number(track: Track, number: int) -> Effect:
    """The effect of a file that holds this number."""
    if not track.weight:
        return Effect(down=(number != 0) is not track.reverse)
    product = number * track.weight * (-1 if track.reverse else 1)
    if product <= LOWEST:
        return Effect(down=True)
    return Effect(weight=min(product, HIGHEST))
