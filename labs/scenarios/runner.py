"""Plays scenarios on either lab: on the simulated one at once, on the real one in real time.

    outcome = simulate(scenarios.load("split.txt"))      guarded: promises are checked at every step
    perform(scenario, Lab("basic"))                      the same lines on the real machine

A claim that is not true, or does not come true, is a LabError that names the line; in the
simulation a broken promise is a Violation (see invariants.py).
"""

from __future__ import annotations

from labs.analysis.timeline import Timeline
from labs.cards import Table
from labs.errors import LabError
from labs.lab_api import LabApi
from labs.model import story
from labs.scenarios import model
from labs.scenarios.model import Scenario, Setup
from labs.simulation.invariants import InvariantChecker
from labs.simulation.lan import Lan
from labs.simulation.violation import InvariantViolation

PING = 0.01  # s; for scenarios that are looked at
FIRST = 11  # the first host is 192.168.1.11


def build(
    setup: Setup,
    detailed: bool = True,
    skips: bool = False,
    guarded: bool = True,
    ping: float | None = None,
) -> Lan:
    """A Lan with the hosts of a scenario, its daemons started; guarded as `lan.guard`."""
    if setup.state is not None:
        lan = Lan(setup.state, ping=ping, seed=setup.seed, detailed=detailed, skips=skips)
        lan.guard = InvariantChecker(lan) if guarded else None
        return lan
    hosts = {one[0]: f"192.168.1.{FIRST + number}" for number, one in enumerate(setup.hosts)}
    watch = model.KINDS[setup.kind][1][-1]
    lan = Lan("empty", hosts, watch, ping=ping, seed=setup.seed, detailed=detailed, skips=skips)
    lan.guard = InvariantChecker(lan) if guarded else None
    for name in hosts:
        lan.conf(name, setup.configuration(name))
        lan.start(name)
    return lan


def simulate(
    scenario: Scenario,
    detailed: bool = True,
    skips: bool = False,
    guarded: bool = True,
    ping: float | None = None,
) -> Lan:
    """Play a scenario in virtual time and return the Lan at its end.

    Raises Violation at the first broken promise, LabError at the first claim that is not true.
    """
    lan = build(scenario.setup, detailed, skips, guarded, ping)
    try:
        for step in scenario.steps:
            start = lan.now if step.after else 0.0
            lan.run(max(0.0, start + step.at - lan.now))
            story.execute(lan, step)
        if lan.guard is not None:
            lan.guard.look()
            lan.guard.finish()
    except InvariantViolation as violation:
        violation.at = lan.now
        raise
    return lan


def run_story(name: str, simulated: bool, daemon: str | None = None) -> Timeline:
    """`labs run`: play a named scenario or a scenario file, and return what the observers saw.

    Raises LabError, also for a broken promise.
    """
    scenario = model.load(name)
    if simulated:
        try:
            return simulate(scenario, ping=PING).timeline()
        except InvariantViolation as violation:
            raise LabError(f"{violation}; the scenario shows a mistake of the daemon") from None
    from labs.emulation.lab import Lab

    with Lab(scenario.setup.state or "basic", daemon=daemon) as lab:
        perform(scenario, lab)
        return lab.timeline()


def perform(scenario: Scenario, lab: LabApi) -> None:
    """Play a scenario on a real Lab, which has its state already.  Raises LabError."""
    if scenario.setup.state is None:
        raise LabError("this scenario brings its own hosts: it needs --simulated")
    story.perform(scenario.steps, lab)


def table(timeline: Timeline) -> str:
    """Each takeover, predicted and measured, as lines of text; times count from the start."""
    rows = []
    for takeover in timeline.takeovers:
        who = f"{takeover.frm or 'nobody'} -> {takeover.to}"
        measured = f"{takeover.at - timeline.start:.3f} s"
        predicted, difference = "-", ""
        if takeover.predicted is not None and takeover.late is not None:
            predicted = f"{takeover.predicted - timeline.start:.3f} s"
            difference = f"{takeover.late * 1000:+.1f} ms"
        rows.append((who, predicted, measured, difference))
    return Table(("takeover", "predicted", "measured", "difference"), rows, (1, 2, 3)).text()
