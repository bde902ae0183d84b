"""No guard of the state machine can be broken without a test that fails, by name.

For each mistake of mutations.py NOTICES says which of these checks must fail:

    table      the transition table of tests/unit/test_fsm.py, cell by cell
    timers     the arithmetic of tests/unit/test_fsm_timers.py
    options    the other tests of tests/unit/test_fsm.py
    model      the exhaustive exploration of two routers (explore.py)
    lan        a guarded story on the simulated LAN (labs/simulation/invariants.py)
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from labs.errors import LabError
from labs.scenarios import model as scenarios
from labs.scenarios import runner
from labs.simulation.violation import InvariantViolation
from tests.sim.explore import Bounds, Explorer
from tests.sim.mutations import MUTATIONS, mutated
from tests.unit import test_fsm, test_fsm_timers
from vrrpd import fsm

STORIES = """
host a 200
host b 150
host c 100
+10 holder a
+0.5 stop a
+5 holder b
+0 start a
+9 holder a
+0.3 cut a
+9 holder a b
+0 mend a
+3 holder a
+0 unplug a
+9 holder b
+0 plug a
+9 holder a
+0 end
---
host a 100
host b 100
+10 holder b
+0 cut b
+9 holder a b
+0 mend b
+3 holder b
+0 end
---
kind v3
host a 200 advert_int 2
host b 100 advert_int 1
+20 holder a
+0 crash a
+20 end
---
host a 200
host b 100
each nopreempt
+10 holder a
+0 stop a
+5 holder b
+0 start a
+30 holder b
+0 end
---
host a 200
host b 100
each preempt_delay 10
+30 stop a
+5 holder b
+0 start a
+9 holder b
+30 holder a
+0 end
"""


def table() -> None:
    for state, event in product(test_fsm.ROUTERS, test_fsm.EVENTS):
        test_fsm.test_every_state_and_event(state, event)


def every(module: Any, leave_out: tuple[str, ...] = ()) -> None:
    """All tests of a module, with all their parameters."""
    for name, test in vars(module).items():
        if name.startswith("test_") and callable(test) and name not in leave_out:
            marks = [m for m in getattr(test, "pytestmark", []) if m.name == "parametrize"]
            for values in product(*(mark.args[1] for mark in marks)):
                arguments: dict[str, Any] = {}
                for mark, value in zip(marks, values, strict=True):
                    keys = mark.args[0]
                    if isinstance(keys, str):
                        arguments[keys] = value
                    else:
                        arguments.update(zip(keys, value, strict=True))
                test(**arguments)


def timers() -> None:
    every(test_fsm_timers)


def options() -> None:
    every(test_fsm, ("test_every_state_and_event",))


def model() -> None:
    Explorer((192, 128), Bounds(1, 1), fsm.step).run(60_000)


def lan() -> None:
    for text in STORIES.split("---"):
        runner.simulate(scenarios.parse(text))


CHECKS: dict[str, Callable[[], None]] = {
    "table": table,
    "timers": timers,
    "options": options,
    "model": model,
    "lan": lan,
}

NOTICES = """
priority: MASTER yields to the lower             | table timers options model lan
priority: MASTER never yields                    | table timers options model lan
priority: MASTER yields one point too late       | table options
priority: an equal one counts as lower in BACKUP | table options lan
priority: a lower one counts as good in BACKUP   | table timers options model lan
tie-break: the lower address wins                | table timers options lan
tie-break: nobody wins                           | table timers options lan
tie-break: both lose                             | table timers options lan
tie-break: addresses as text                     | table options
tie-break: one's own address loses               | table timers options
skew: none                                       | table timers options lan
skew: turned around                              | table timers options lan
skew: divided first                              | timers
skew: version 2 by the interval                  | timers
skew: version 3 by the second                    | timers lan
down: without skew                               | table timers options lan
down: two intervals                              | table timers options lan
preempt: always                                  | options lan
preempt: not even the owner                      | options
preempt: the delay never ends                    | options lan
preempt: no delay                                | options lan
preempt: the delay ends with any timer           | options lan
priority 0: BACKUP waits as for any other        | table timers
priority 0: BACKUP takes over at once            | table timers lan
priority 0: MASTER does not answer               | table
priority 0: nobody resigns                       | table
priority 0: a BACKUP resigns too                 | table model
timer: BACKUP believes an early one              | table timers lan
timer: MASTER believes an early one              | table timers
timer: MASTER counts from now                    | table timers
timer: MASTER makes up for lost time             | timers
owner: waits like anybody                        | options
interval: version 3 does not learn in BACKUP     | timers lan
interval: version 3 learns from a leaver         | timers
addresses: kept when outranked                   | table options model lan
addresses: taken before speaking                 | table options
addresses: not announced                         | table options
fault: listens all the same                      | table
fault: back as fast as a resignation             | table options lan
"""


def notices() -> dict[str, set[str]]:
    rows = (line.split(" | ") for line in NOTICES.strip().splitlines())
    return {name.strip(): set(checks.split()) for name, checks in rows}


def notices_it(name: str) -> bool:
    """Whether a check fails."""
    try:
        CHECKS[name]()
    except (AssertionError, InvariantViolation, LabError, KeyError, TypeError, AttributeError):
        return True
    return False


def test_without_a_mutation_no_test_complains() -> None:
    assert [check for check in CHECKS if notices_it(check)] == []


def test_every_mutation_has_its_row() -> None:
    assert set(notices()) == set(MUTATIONS)


@pytest.mark.parametrize("name", list(MUTATIONS))
def test_a_mistake_is_noticed(name: str) -> None:
    expected = notices()[name]
    with mutated(name):
        found = {check for check in expected if notices_it(check)}
    assert found == expected
