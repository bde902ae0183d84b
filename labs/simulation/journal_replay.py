"""What happened in the real lab, played again in the simulation: the same must come of it.

    facts = timeline.Timeline.load("failover.jsonl").facts        (or labs.model.facts.read)
    lan = replay(facts)                                           the same actions, moment by moment
    differences(facts, lan.facts)                                 [] if the daemons did the same

A daemon of the real lab needs a moment to start; in the replay it starts when its journal begins.
Everything else happens when the learner did it.  What is compared are the changes of state: which,
in which order on each host, for which reason, and when, give or take `slack`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest

from labs.model.facts import Action, Fact, State, in_order
from labs.simulation.lan import HOSTS, STATES, Lan

SLACK = 0.1  # s: what a real machine may be late
BEFORE = 1.0  # s of the simulation before the first thing happens


def replay(facts: Iterable[Fact], state: str = "basic") -> Lan:
    """Play the actions of a recording on a Lan with the files of `state`."""
    recorded = in_order([one for one in facts if isinstance(one, Action | State)])
    lan = Lan("empty", dict(HOSTS), ping=None)
    for host in HOSTS:
        lan.conf(host, (STATES / state / host / "keepalived.conf").read_text())
    if not recorded:
        return lan
    origin = recorded[0].t - BEFORE
    for fact in recorded:
        begins = isinstance(fact, State) and fact.frm == "INIT"
        if isinstance(fact, Action) and fact.verb == "start":
            continue
        lan.run(max(0.0, fact.t - origin - lan.now))
        if isinstance(fact, Action):
            again(lan, fact)
        elif begins:
            lan.start(fact.host)
    lan.run(0.01)
    return lan


def again(lan: Lan, action: Action) -> None:
    """Do what the learner did."""
    if action.verb == "link":
        lan.link(action.host or "", action.text.rpartition(" ")[2])
    elif action.host is not None:
        getattr(lan, action.verb)(action.host)


def changes(facts: Iterable[Fact], host: str) -> list[State]:
    """The changes of state on a host, in order."""
    return in_order([one for one in facts if isinstance(one, State) and one.host == host])


def differences(
    recorded: Sequence[Fact], replayed: Sequence[Fact], slack: float = SLACK
) -> list[str]:
    """What went differently, in words; the first changes of both are taken as simultaneous."""
    found = []
    first = {
        id(facts): min((one.t for one in facts if isinstance(one, State)), default=0.0)
        for facts in (recorded, replayed)
    }
    hosts = sorted({one.host for one in (*recorded, *replayed) if isinstance(one, State)})
    for host in hosts:
        for real, simulated in zip_longest(changes(recorded, host), changes(replayed, host)):
            if real is None or simulated is None:
                found.append(
                    f"{host}: only {'simulated' if real is None else 'real'}: {real or simulated}"
                )
                break
            if story(real) != story(simulated):
                found.append(f"{host}: {story(real)} was {story(simulated)} in the simulation")
                break
            late = (real.t - first[id(recorded)]) - (simulated.t - first[id(replayed)])
            if abs(late) > slack:
                found.append(f"{host}: {story(real)} {late:+.3f} s from the simulation")
    return found


def story(state: State) -> tuple[str, str, str, int | None]:
    """What is the same in both: from, to, why, and the priority."""
    return (state.frm, state.to, state.reason, state.priority)
