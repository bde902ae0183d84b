"""A start state of the lessons as a run that a browser tab plays, for `make site`.

    opening("unplugged") -> {"topology": "pair", "files": {...}, "actions": [...], "moment": s,
                             "story": how many of the actions belong to the state}

This is what `labs.browser.player.start` takes.  The files and the story of a state are those of
`labs/states`; what its story waits for is waited for in the simulation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from labs.browser.run import Run
from labs.browser.topologies import TOPOLOGIES
from labs.emulation import start_states
from labs.emulation.start_states import StartState
from labs.errors import LabError
from labs.model import fault_verbs, story

# The networks of start states as a tab knows them.
NETWORKS = {"ha_pair": "pair", "three_nodes": "three", "two_pairs": "pairs"}
LONGEST = 60.0  # s for what a start state waits for
QUIET = 2.0  # s of a cluster that has settled

# What a state does in a shell, by the verbs of the simulation.
WITHOUT_SHELL: dict[str, Sequence[tuple[str, ...]]] = {
    "mystery-4": (
        ("wait", "holder", "web1"),
        ("freeze", "web1"),
        ("wait", "holder", "web1", "web2"),
    ),
}


def opening(
    state: str, deeds: Sequence[Sequence[Any]] = (), *, drawn: bool = True
) -> dict[str, Any] | None:
    """The run of a start state and of the `deeds` since then, each a verb with its words.

    None if the simulation cannot play it: another network, shell commands, or addresses that the
    panel of a tab does not draw; without `drawn` it is enough that it draws the first of them.
    Raises LabError for an unknown state.
    """
    start = start_states.read(state)
    network = NETWORKS.get(start.topology, "")
    needed = set(start.watch if drawn else start.watch[:1])
    if network not in TOPOLOGIES or not needed <= set(TOPOLOGIES[network].addresses):
        return None
    run = Run(network, _files(start, network), [])
    try:
        _begin(run, start)
        belonging = len(run.actions)
        for verb, *words in deeds:
            _play(run, verb, [str(word) for word in words])
    except LabError:
        return None
    with suppress(LabError):  # no host, or two, may hold the address for good
        _settle(run)
    actions = [one.row() for one in run.actions]
    moment = run.now / 1000
    parts = {"topology": network, "files": run.files, "actions": actions}
    return {**parts, "moment": moment, "story": belonging}


def _files(start: StartState, network: str) -> dict[str, str]:
    """The keepalived.conf of each host, empty where the state has none."""
    found = {}
    for host in TOPOLOGIES[network].hosts:
        places = [start_states.STATES / one / host / "keepalived.conf" for one in start.sources]
        present = [path for path in places if path.exists()]
        found[host] = present[-1].read_text(encoding="utf-8") if present else ""
    return found


def _begin(run: Run, start: StartState) -> None:
    """Stop the daemons of hosts without a file, and play the story of the state."""
    for host, text in run.files.items():
        if not text:
            run.act("stop", [host])
    steps = WITHOUT_SHELL.get(start.name) or [(one.verb, *one.words) for _, one in start.steps]
    for verb, *words in steps:
        _play(run, verb, words)


def _play(run: Run, verb: str, words: Sequence[str]) -> None:
    if verb == "settle":
        _settle(run)
    elif verb == "wait":
        _until(run, lambda: story.holds(run.lan, words))
    elif verb in fault_verbs.simulated() or verb == "conf":
        run.act(verb, words)
    else:
        raise LabError(f"{verb} cannot be done in a simulation")


def _settle(run: Run) -> None:
    _until(run, lambda: len(run.lan.holders()) == 1)
    run.to(run.now / 1000 + QUIET)


def _until(run: Run, condition: Callable[[], bool]) -> None:
    """Play until it is so.  Raises LabError after LONGEST."""
    end = run.now / 1000 + LONGEST
    while not condition():
        if run.now / 1000 >= end:
            raise LabError("it did not become so in the simulation")
        run.to(run.now / 1000 + 0.1)
