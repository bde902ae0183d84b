"""The promises of labs/simulation/invariants.py are looked at, and noticed when they are broken.

Each test breaks one promise by hand, behind the daemon's back, and the guard must name it.
"""

from __future__ import annotations

import dataclasses
from ipaddress import ip_address

import pytest

from labs.scenarios import model, runner
from labs.scenarios.model import Setup
from labs.simulation.lan import Lan
from labs.simulation.violation import InvariantViolation
from vrrpd.fsm import RouterState, State
from vrrpd.record import replace
from vrrpd.router import VirtualRouter


def lan(**more: object) -> Lan:
    setup = Setup(None, (("a", 200, ""), ("b", 100, "")))
    one = runner.build(dataclasses.replace(setup, **more))  # type: ignore[arg-type]
    one.run(10)
    return one


def router(one: Lan, host: str, number: int = 0) -> VirtualRouter:
    return list(one.daemons[host].routers.values())[number]


def broken(one: Lan, seconds: float = 5) -> str:
    """The promise that is broken within the next seconds, or at the end of them."""
    assert one.guard is not None
    try:
        one.run(seconds)
        one.guard.finish()
    except InvariantViolation as violation:
        return violation.promise
    return "nothing"


def test_all_is_well_without_interference() -> None:
    one = lan()
    one.run(3600)
    assert one.guard is not None
    one.guard.finish()
    assert one.guard.checks > 3600


def test_held_an_address_that_a_master_lacks() -> None:
    one = lan()
    one.machines["a"].addresses.pop(ip_address("192.168.1.10"))
    assert broken(one) == "held"


def test_held_an_address_that_a_backup_has() -> None:
    one = lan()
    one.machines["b"].addresses[ip_address("192.168.1.10")] = 32
    assert broken(one) == "held"


def test_timer_none_where_one_belongs() -> None:
    one = lan()
    timer = router(one, "b").timer
    assert timer is not None
    timer.cancel()
    assert broken(one) == "timer"


def test_timer_two_where_one_belongs() -> None:
    one = lan()
    waiting = router(one, "b")
    waiting.ports.clock.call_at(one.clock.now() + 3600 * 10**9, waiting.expire)
    assert broken(one) == "timer"


def test_timer_one_in_fault() -> None:
    one = lan()
    waiting = router(one, "b")
    waiting._current = RouterState(State.FAULT, 5)
    assert broken(one) == "timer"


def test_synced_a_group_that_splits() -> None:
    one = lan(synced=True)
    first = router(one, "b")
    first._current = first.current._replace(state=State.MASTER)
    for placed in first.placed:
        one.machines["b"].addresses[placed.address.ip] = 32
    assert broken(one) == "synced"


def test_notified_a_script_that_was_not_called() -> None:
    one = lan()
    one.machines["a"].scripts.pop()
    assert broken(one) == "notified"


@pytest.mark.parametrize("counter", ["advertisement-sent", "master-transitions"])
def test_counted_what_was_not_sent(counter: str) -> None:
    one = lan()
    router(one, "a").counters[counter] += 1
    assert broken(one) == "counted"


def test_counted_a_packet_that_is_not_in_the_counters() -> None:
    one = lan()
    router(one, "b").counters["advertisement-rcvd"] -= 1
    assert broken(one) == "counted"


def test_served_a_backup_that_waits_for_ever() -> None:
    one = lan()
    waiting = router(one, "b")
    one.unplug("a")
    one.run(1)
    waiting._current = waiting.current._replace(deadline=one.clock.now() + 10**15)
    waiting.arm()
    one.clock.call_at(one.clock.now() + 4 * 10**9, lambda: None)
    assert broken(one, 10) == "served"


def test_single_two_masters_that_receive_from_each_other_and_stay() -> None:
    one = lan()
    one.cut("b")
    one.run(10)
    for machine in one.machines.values():
        machine.receivers.clear()  # deaf daemons; the switch passes everything
    one.mend("b")
    assert broken(one, 1.0) == "nothing"
    assert broken(one, 1.0) == "single"


def test_ordered_a_quiet_network_with_the_wrong_master() -> None:
    one = lan(hosts=(("a", 100, ""), ("b", 200, "")))
    strong = router(one, "b")
    one.restart("b")
    strong = router(one, "b")
    strong.params = replace(strong.params, preempt=True)
    strong._current = strong.current._replace(deadline=10**18)
    strong.arm()
    assert broken(one, 60) == "ordered"


def test_patient_a_takeover_that_comes_early() -> None:
    one = lan()
    hasty = router(one, "b")
    hasty._current = hasty.current._replace(deadline=one.clock.now() + 10**8)
    hasty.arm()
    assert broken(one) == "patient"


def test_still_a_master_that_gives_way_to_a_lower_priority() -> None:
    one = lan()
    weak, strong = router(one, "b"), router(one, "a")
    real, strong.params = strong.params, replace(strong.params, priority=50)
    weak.send(100)
    one.listeners.insert(0, lambda *_: setattr(strong, "params", real))
    assert broken(one, 0.01) == "still"


def test_a_violation_says_when() -> None:
    scenario = model.parse("host a 200\nhost b 100\n+10 holder b\n")
    with pytest.raises(Exception, match="holder b"):
        runner.simulate(scenario)
