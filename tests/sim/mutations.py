"""Small mistakes in `vrrpd/fsm.py`, one at a time, and a way to run under each of them.

    with mutated("MASTER keeps on when outranked"):
        ...                   everybody who calls fsm.step calls the wrong one

A mutation is a piece of source and what stands there instead; the piece must occur exactly once,
so a mutation cannot silently come to mean nothing.  The functions are compiled again from the
changed source into fsm's own names: State, Params and Router stay the classes that they are.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from vrrpd import fsm

SOURCE = Path(fsm.__file__)
# name: (what stands there, what stands there instead)
MUTATIONS: dict[str, tuple[str, str]] = {
    "priority: MASTER yields to the lower": (
        "return advert.priority > params.priority",
        "return advert.priority < params.priority",
    ),
    "priority: MASTER never yields": (
        "return advert.priority > params.priority",
        "return False",
    ),
    "priority: MASTER yields one point too late": (
        "return advert.priority > params.priority",
        "return advert.priority > params.priority + 1",
    ),
    "priority: an equal one counts as lower in BACKUP": (
        "outranked = params.preempts and advert.priority < params.priority",
        "outranked = params.preempts and advert.priority <= params.priority",
    ),
    "priority: a lower one counts as good in BACKUP": (
        "outranked = params.preempts and advert.priority < params.priority",
        "outranked = False",
    ),
    "tie-break: the lower address wins": (
        "return int(advert.source) > int(params.source)",
        "return int(advert.source) < int(params.source)",
    ),
    "tie-break: nobody wins": (
        "return int(advert.source) > int(params.source)",
        "return False",
    ),
    "tie-break: both lose": (
        "return int(advert.source) > int(params.source)",
        "return True",
    ),
    "tie-break: addresses as text": (
        "return int(advert.source) > int(params.source)",
        "return str(advert.source) > str(params.source)",
    ),
    "tie-break: one's own address loses": (
        "return int(advert.source) > int(params.source)",
        "return int(advert.source) >= int(params.source)",
    ),
    "skew: none": ("return (256 - self.priority) * unit // 256", "return 0"),
    "skew: turned around": (
        "return (256 - self.priority) * unit // 256",
        "return self.priority * unit // 256",
    ),
    "skew: divided first": (
        "return (256 - self.priority) * unit // 256",
        "return (256 - self.priority) * (unit // 256)",
    ),
    "skew: version 2 by the interval": (
        "unit = SECOND if self.version == 2 else interval",
        "unit = interval",
    ),
    "skew: version 3 by the second": (
        "unit = SECOND if self.version == 2 else interval",
        "unit = SECOND",
    ),
    "down: without skew": (
        "return self.down_timer_adverts * interval + self.skew(interval)",
        "return self.down_timer_adverts * interval",
    ),
    "down: two intervals": (
        "return self.down_timer_adverts * interval + self.skew(interval)",
        "return (self.down_timer_adverts - 1) * interval + self.skew(interval)",
    ),
    "preempt: always": (
        "return self.preempt or self.priority == OWNER",
        "return True",
    ),
    "preempt: not even the owner": (
        "return self.preempt or self.priority == OWNER",
        "return self.preempt",
    ),
    "preempt: the delay never ends": (
        "if outranked and (hold is None or now >= hold):",
        "if outranked and hold is None:",
    ),
    "preempt: no delay": (
        "elif params.preempts and params.preempt_delay and hold is None:",
        "elif False:",
    ),
    "preempt: the delay ends with any timer": (
        "if outranked and (hold is None or now >= hold):",
        "if outranked:",
    ),
    "priority 0: BACKUP waits as for any other": (
        "deadline=now + params.skew(interval_in_force(params, router)),",
        "deadline=now + params.master_down(interval_in_force(params, router)),",
    ),
    "priority 0: BACKUP takes over at once": (
        "deadline=now + params.skew(interval_in_force(params, router)),",
        "deadline=now,",
    ),
    "priority 0: MASTER does not answer": (
        "return restarted, [SendAdvert(params.priority)]\n    if outranks",
        "return restarted, []\n    if outranks",
    ),
    "priority 0: nobody resigns": (
        "if router.state is State.MASTER:\n        return [SendAdvert(RESIGN), ReleaseAddresses()]",
        "if router.state is State.MASTER:\n        return [ReleaseAddresses()]",
    ),
    "priority 0: a BACKUP resigns too": (
        "if router.state is State.MASTER:\n        return [SendAdvert(RESIGN), ReleaseAddresses()]",
        "if router.state in (State.MASTER, State.BACKUP):\n"
        "        return [SendAdvert(RESIGN), ReleaseAddresses()]",
    ),
    "timer: BACKUP believes an early one": (
        "if now < router.deadline:\n            return router, []\n"
        "        due = next_advert(params, router.deadline, now)\n        return become_master",
        "due = next_advert(params, router.deadline, now)\n        return become_master",
    ),
    "timer: MASTER believes an early one": (
        "if now < router.deadline:\n            return router, []\n        return advertised_again",
        "return advertised_again",
    ),
    "timer: MASTER counts from now": (
        "return now + params.advert_interval - (now - deadline) % params.advert_interval",
        "return now + params.advert_interval",
    ),
    "timer: MASTER makes up for lost time": (
        "return now + params.advert_interval - (now - deadline) % params.advert_interval",
        "return deadline + params.advert_interval",
    ),
    "owner: waits like anybody": (
        "if params.priority != OWNER or params.released:",
        "if True:",
    ),
    "interval: version 3 does not learn in BACKUP": (
        "interval = params.learn(advert.interval)\n    due = now",
        "interval = params.advert_interval\n    due = now",
    ),
    "interval: version 3 learns from a leaver": (
        "heard=heard._replace(interval=learned),  # the leaver's own teaches nothing",
        "heard=heard,",
    ),
    "addresses: kept when outranked": (
        "[*actions, ReleaseAddresses()],",
        "actions,",
    ),
    "addresses: taken before speaking": (
        "[SendAdvert(params.priority), TakeAddresses(), Announce()],",
        "[TakeAddresses(), SendAdvert(params.priority), Announce()],",
    ),
    "addresses: not announced": (
        "[SendAdvert(params.priority), TakeAddresses(), Announce()],",
        "[SendAdvert(params.priority), TakeAddresses()],",
    ),
    "fault: listens all the same": (
        "if not isinstance(event, Recovered):\n        return router, []\n    wait",
        "wait",
    ),
    "fault: back as fast as a resignation": (
        "wait = params.master_down(params.advert_interval)\n    begin",
        "wait = params.skew(params.advert_interval)\n    begin",
    ),
}


def changed(name: str) -> dict[str, Any]:
    """fsm's names with a mutation in its functions; `Params` as a class of its own."""
    old, new = MUTATIONS[name]
    source = SOURCE.read_text()
    if source.count(old) != 1:
        raise LookupError(f"{name}: {old!r} occurs {source.count(old)} times in {SOURCE.name}")
    tree = ast.parse(source.replace(old, new))
    names = dict(vars(fsm))
    rules: list[ast.stmt] = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "RULES")
    ]
    exec(compile(ast.Module(rules, []), str(SOURCE), "exec"), names)
    apart = {**names, "__name__": __name__}
    classes: list[ast.stmt] = [
        node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Params"
    ]
    exec(compile(ast.Module(classes, []), str(SOURCE), "exec"), apart)
    return {**names, "Params": apart["Params"]}


@contextmanager
def mutated(name: str) -> Iterator[None]:
    """Run under a mutation: in fsm itself and wherever its `step` has been imported."""
    names = changed(name)
    with ExitStack() as stack:
        for part in ("skew", "master_down", "preempts"):
            stack.enter_context(patch.object(fsm.Params, part, names["Params"].__dict__[part]))
        for module in list(sys.modules.values()):
            if getattr(module, "step", None) is STEP and module is not sys.modules[__name__]:
                stack.enter_context(patch.object(module, "step", names["step"]))
        yield


STEP = fsm.step
