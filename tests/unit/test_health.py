"""When the check of a mystery gives up hope: not while what was done may still take effect."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from labs.facts import Action, Address
from labs.health import DEAF, _hopeless

VIP = "192.168.1.10"


def split(reloaded: float, now: float) -> Any:
    """A lab in which both have held the address since 10 s; master was told to reload."""
    facts = [Address(10.0, host, "eth0", VIP, 32, True) for host in ("master", "backup")]
    told = Action(reloaded, "reload", "master", "daemon of master reloaded")
    return SimpleNamespace(
        now=now, watch=VIP, daemons=("master", "backup"),
        owners=lambda: ["backup", "master"],
        timeline=lambda: SimpleNamespace(facts=[*facts, told]),
    )  # fmt: skip


@pytest.mark.parametrize(("later", "hopeless"), [(2.0, False), (DEAF + 0.1, True)])
def test_two_owners_are_given_time_to_hear_of_each_other(later: float, hopeless: bool) -> None:
    assert _hopeless(split(100.0, 100.0 + later), began=100.0) is hopeless
