"""A search for bad days: random stories on the simulated LAN, until a promise is broken.

    python -m labs.scenarios.random_search --days 1000 --seed 1       with a progress bar
    found = Search(seed=1).run(days=1000)            a Finding for each broken promise

A story has a cluster (2 to 4 hosts, version, family, options), faults in bursts with their
remedies, and quiet hours in between, which cost nothing (fast_forward.py).  Everything is drawn
from the seed.  A story that breaks a promise is made shorter as long as it breaks the same one,
and printed as a scenario that can be pasted into a file.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from labs.errors import LabError
from labs.model.fault_verbs import FAULT_VERBS, LAN, Draw
from labs.model.story import Step
from labs.scenarios import runner
from labs.scenarios.model import Scenario, Setup
from labs.simulation.violation import InvariantViolation

DAY = 86_400.0
HOUR = 3600.0
NAMES = "abcd"
SIGNED = ["auth_hmac {", "key 1 hex:" + "42" * 32, "active_key 1"]
PAUSES = (0.0, 0.0001, 0.05, 0.5, 1.0, 3.0, 3.7, 10.0)
QUIET = 60.0  # s of peace after a burst before the hours of it begin


@dataclass(frozen=True)
class Finding:
    """A broken promise, and the shortest story that breaks it."""

    promise: str
    text: str
    scenario: Scenario

    def __str__(self) -> str:
        return f"{self.text}\n\n{self.scenario}"


def cluster(dice: random.Random) -> Setup:
    """Who takes part."""
    names = NAMES[: dice.choice((2, 2, 3, 3, 4))]
    priorities = [dice.choice((50, 100, 100, 150, 200, 254)) for _ in names]
    if dice.random() < 0.15:
        priorities[0] = 255
    each = []
    kind = dice.choice(("v2", "v3", "v6"))
    interval = dice.choice(("1", "1", "1", "2", "5") + (("0.1", "0.5") if kind != "v2" else ()))
    each += [f"advert_int {interval}"] if interval != "1" else []
    each += dice.choice(([], [], [], ["nopreempt"], ["preempt_delay 7"], ["strict_mode"]))
    replay = dice.choice(("", "", "time", "monotonic"))
    each += [*SIGNED, f"anti_replay {replay}", "}"] if replay else []
    synced = dice.random() < 0.25
    script = dice.choice((None, None, 0, -60, 30))
    hosts = tuple((name, priority, "") for name, priority in zip(names, priorities, strict=True))
    return Setup(None, hosts, kind, "; ".join(each), synced, script, dice.randrange(1, 10_000))


def _draws() -> list[tuple[str, Draw]]:
    """The faults that may happen, each as likely as the others."""
    return [(verb.name, draw) for verb in FAULT_VERBS.values() for draw in verb.draws]


def burst(dice: random.Random, setup: Setup) -> Iterator[Step]:
    """Some faults close together, and all their remedies."""
    names = [name for name, _, _ in setup.hosts]
    remedies: dict[tuple[str, str], Step] = {}
    for _ in range(dice.randint(1, 6)):
        host = dice.choice(names)
        verb, draw = dice.choice(_draws())
        words, remedy = draw.words, draw.undo
        if verb in ("fail", "hang") and setup.script is None:
            continue
        if verb in ("stop", "restart") and ("thaw", host) in remedies:
            continue  # a frozen daemon does not obey
        if verb == "step" and not remedy and "anti_replay time" in setup.each:
            continue  # two that do not agree on the time both hold until they do
        pause = dice.choice(PAUSES) + dice.random()
        if remedies and dice.random() < 0.4:
            key = dice.choice(sorted(remedies))
            yield replace(remedies.pop(key), at=round(pause, 3))
            continue
        yield Step(round(pause, 3), verb, arguments(dice, setup, host, verb, words))
        if remedy:
            undo = remedy.split()
            target = () if FAULT_VERBS[undo[0]].scope == LAN else (host,)
            tail = ("/bin/chk",) if undo[0] == "recover" else tuple(undo[1:])
            remedies[remedy, host] = Step(0, undo[0], (*target, *tail))
    for key in sorted(remedies):
        yield replace(remedies[key], at=round(dice.choice(PAUSES) + dice.random(), 3))


def arguments(
    dice: random.Random, setup: Setup, host: str, verb: str, words: tuple[str, ...]
) -> tuple[str, ...]:
    """The words behind a verb."""
    if verb == "partition":
        names = [name for name, _, _ in setup.hosts]
        at = dice.randint(1, len(names) - 1)
        dice.shuffle(names)
        return ("+".join(sorted(names[:at])), "+".join(sorted(names[at:])))
    if verb == "strip":
        return (host, "192.168.1.10" if setup.kind != "v6" else "2001:db8:1::10")
    if verb in ("fail", "hang"):
        return (host, "/bin/chk")
    return (host, *(dice.choice(words).split() if words else ()))


def story(seed: int, days: float, bursts: int) -> Scenario:
    """A story of `days`, with so many bursts of faults."""
    dice = random.Random(seed)
    setup = cluster(dice)
    steps: list[Step] = []
    for _ in range(bursts):
        steps += burst(dice, setup)
        rest = dice.random() * 2 * days * DAY / bursts
        steps.append(Step(round(QUIET + max(0.0, rest - QUIET), 3), "end"))
    return Scenario(setup, tuple(steps), (f"seed {seed}",))


def breaks(scenario: Scenario) -> InvariantViolation | None:
    """The promise that a story breaks, if it does."""
    try:
        runner.simulate(scenario, detailed=False, skips=True)
    except InvariantViolation as violation:
        return violation
    return None


# Making a story shorter.


def shorten(scenario: Scenario, broken: Callable[[Scenario], bool]) -> Scenario:
    """The shortest story found that is still `broken`: fewer lines, hosts, options, digits."""
    again = True
    while again:
        again = False
        for shorter in variations(scenario):
            if broken(shorter):
                scenario, again = shorter, True
                break
    return scenario


def variations(scenario: Scenario) -> Iterator[Scenario]:
    """Stories that are a little simpler, the greatest steps first."""
    steps = scenario.steps
    size = len(steps)
    while size:
        for at in range(0, len(steps), size):
            if len(steps) > 1 or size > 1:
                yield replace(scenario, steps=steps[:at] + steps[at + size :])
        size //= 2
    setup = scenario.setup
    used = {word for step in steps for part in step.words for word in part.split("+")}
    for host in setup.hosts:
        if len(setup.hosts) > 1 and host[0] not in used:
            hosts = tuple(one for one in setup.hosts if one != host)
            yield replace(scenario, setup=replace(setup, hosts=hosts))
    for simpler in (
        replace(setup, synced=False),
        replace(setup, script=None),
        replace(setup, each=""),
        replace(setup, kind="v2"),
        replace(setup, seed=0),
    ):
        if simpler != setup:
            yield replace(scenario, setup=simpler)
    for number, step in enumerate(steps):
        for rounder in (0.0, 10.0, float(round(step.at)), round(step.at, 1)):
            if rounder < step.at:
                changed = replace(step, at=rounder)
                yield replace(scenario, steps=(*steps[:number], changed, *steps[number + 1 :]))


# The search.


@dataclass
class RandomSearch:
    """Plays one story after the other; `days` and `faults` count what has been simulated."""

    seed: int = 1
    length: float = 10.0  # days in a story
    bursts: int = 20  # in a story
    days: float = 0.0
    played: float = 0.0  # of them, s that were played and not skipped
    faults: int = 0
    checks: int = 0
    stories: int = 0
    reached: dict[str, float] = field(default_factory=dict)  # the most of a bound that was needed
    findings: list[Finding] = field(default_factory=list)

    def run(
        self, days: float, on_progress: Callable[[RandomSearch], None] | None = None
    ) -> list[Finding]:
        """Simulate at least so many days; the findings so far."""
        while self.days < days:
            self.play(story(self.seed + self.stories, self.length, self.bursts))
            if on_progress is not None:
                on_progress(self)
        return self.findings

    def play(self, scenario: Scenario) -> None:
        """One story, and what is wrong with it."""
        self.stories += 1
        self.faults += sum(step.verb != "end" for step in scenario.steps)
        try:
            lan = runner.simulate(scenario, detailed=False, skips=True)
        except InvariantViolation as violation:
            self.findings.append(finding(scenario, violation))
            return
        assert lan.guard is not None
        self.days += lan.now / DAY
        self.played += lan.clock.time / 1e9
        self.checks += lan.guard.checks
        for promise, share in lan.guard.bounds.reached.items():
            self.reached[promise] = max(share, self.reached.get(promise, 0.0))


def finding(scenario: Scenario, violation: InvariantViolation) -> Finding:
    """The shortest story that breaks the same promise."""

    def same(shorter: Scenario) -> bool:
        try:
            found = breaks(shorter)
        except LabError:
            return False
        return found is not None and found.promise == violation.promise

    short = shorten(scenario, same)
    text = str(breaks(short))
    return Finding(violation.promise, text, replace(short, about=(*scenario.about, text)))


def bar(search: RandomSearch, days: float, began: float) -> None:
    """One line that is written over and over."""
    share = min(1.0, search.days / days)
    spent = time.monotonic() - began
    line = (
        f"\r[{'#' * round(30 * share):<30}] {search.days:,.0f} of {days:,.0f} days, "
        f"{search.faults:,} faults, {search.days / max(spent, 1e-9):,.1f} days/s, "
        f"{len(search.findings)} broken promises "
    )
    print(line, end="", file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> int:
    """`make soak`; exit status 1 if a promise was broken."""
    parser = argparse.ArgumentParser(
        prog="labs.scenarios.random_search", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--days", type=float, default=10_000.0, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="default: the time")
    options = parser.parse_args(argv)
    search, began = RandomSearch(seed=options.seed), time.monotonic()
    print(f"seed {options.seed}", file=sys.stderr)
    known = 0

    def print_findings(one: RandomSearch) -> None:
        nonlocal known
        bar(one, options.days, began)
        for found in one.findings[known:]:
            print(f"\n\n{found}")
        known = len(one.findings)

    search.run(options.days, print_findings)
    print(
        f"\nseed {options.seed}: {search.stories} stories, {search.days:,.0f} days, "
        f"{search.faults:,} faults, {search.checks:,} checks, "
        f"{time.monotonic() - began:,.1f} s, {len(search.findings)} broken promises"
    )
    closest = ", ".join(f"{name} {share:.1%}" for name, share in sorted(search.reached.items()))
    print(f"of their bounds were needed at most: {closest}")
    return 1 if search.findings else 0


if __name__ == "__main__":
    sys.exit(main())
