"""Weights and FAULT, as keepalived 2.2.7's vrrp_track.c works them out, in tables.

What a weight does is asked twice: of the function, and of a router that tracks something, where
the table of states holds for interfaces, processes and scripts, and that of numbers for files.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from labs.simulation.lan import Lan
from labs.simulation.programs import Program
from tests.cluster import conf, prepared, router, state
from vrrpd.config.model import Track
from vrrpd.tracking.effect import Effect, effect_of_number, effect_of_state

PRIORITY = 100


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


NUMBERS = [
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
    (2, False, 10, Effect(weight=20)),
    (2, True, 10, Effect(weight=-20)),
    (1, False, 9999, Effect(weight=253)),
    (1, False, -99, Effect(weight=-99)),
    (1, False, -150, Effect(weight=-150)),
]


@pytest.mark.parametrize(("weight", "reverse", "number", "effect"), NUMBERS)
def test_numbers(weight: int, reverse: bool, number: int, effect: Effect) -> None:
    assert effect_of_number(Track("x", weight, reverse), number) == effect


def outcome(lan: Lan) -> int | str:
    """The priority of the router, or FAULT."""
    return "FAULT" if state(lan, "one") == "FAULT" else router(lan, "one").priority


@pytest.mark.parametrize(("weight", "reverse", "number", "effect"), NUMBERS)
def test_the_number_in_a_file(weight: int, reverse: bool, number: int, effect: Effect) -> None:
    words = f"weight {weight} reverse" if reverse else f"weight {weight}"
    block = "track_file load {\n file /run/load\n}\n"
    text = block + conf(PRIORITY, f"track_file {{\n load {words}\n}}")
    lan = prepared(text, lambda host: host.workload.write("/run/load", str(number)))
    lan.run(0)
    limited = min(254, max(1, PRIORITY + effect.weight))  # 255 is the IP address owner's
    assert outcome(lan) == ("FAULT" if effect.down else limited)


# The words of a tracked object: what a router is while that object is up, and while it is down.
WEIGHTS: dict[str, tuple[int | str, int | str]] = {
    "weight 0": (100, "FAULT"),
    "weight 0 reverse": ("FAULT", 100),
    "weight 20": (120, 100),
    "weight -20": (100, 80),
    "weight 20 reverse": (80, 100),
    "weight -20 reverse": (100, 120),
    "weight 253": (254, 100),
    "weight -253": (100, 1),
}

Change = Callable[[bool], None]  # makes the tracked object up (True) or down


def an_interface(weight: str) -> tuple[Lan, Change]:
    text = conf(PRIORITY, f"track_interface {{\n eth1 {weight}\n}}")
    lan = prepared(text, lambda host: host.set_interface("eth1"))
    return lan, lambda up: lan.machines["one"].set_interface("eth1", carrier=up)


def a_process(weight: str) -> tuple[Lan, Change]:
    block = "vrrp_track_process web {\n process nginx\n}\n"
    pids: list[int] = []

    def change(up: bool) -> None:
        workload = lan.machines["one"].workload
        if up:
            pids.append(workload.spawn("/usr/sbin/nginx"))
        else:
            workload.end(pids.pop())

    text = block + conf(PRIORITY, f"track_process {{\n web {weight}\n}}")
    lan = prepared(text, lambda host: pids.append(host.workload.spawn("/usr/sbin/nginx")))
    return lan, change


def a_script(weight: str) -> tuple[Lan, Change]:
    block = "vrrp_script chk {\n script /bin/chk\n interval 1\n}\n"

    def change(up: bool) -> None:
        lan.machines["one"].workload.programs["/bin/chk"] = Program(status=0 if up else 1)

    lan = prepared(block + conf(PRIORITY, f"track_script {{\n chk {weight}\n}}"), lambda host: None)
    return lan, change


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("tracked", [an_interface, a_process, a_script])
def test_what_is_tracked_goes_down_and_comes_up_again(
    tracked: Callable[[str], tuple[Lan, Change]], weight: str
) -> None:
    up, down = WEIGHTS[weight]
    lan, change = tracked(weight)
    lan.run(2)
    assert outcome(lan) == up
    for is_up, expected in ((False, down), (True, up)):
        change(is_up)
        lan.run(2)
        assert outcome(lan) == expected
