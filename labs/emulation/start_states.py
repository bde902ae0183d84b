"""Start states: what a lab is like when it starts or is reset.

    labs/states/basic/README.md                 what the state is for; its first line is its name
    labs/states/basic/web1/keepalived.conf      becomes /etc/keepalived/keepalived.conf of web1
    labs/states/basic/web1/hoge.sh              becomes /etc/keepalived/hoge.sh, executable
    labs/states/failover/begin                  where it begins, if not with these files alone

A daemon runs on the servers that have a keepalived.conf.
`begin` has a head, and below it a story (`labs.model.story`) that no timeline will mention;
`#` begins a comment:

    topology three_nodes            another network than ha_pair
    watch 192.168.1.10 10.0.0.10    other addresses than the topology's to keep an eye on
    from basic                      the files (topology, watched addresses) of another state first
    settle                          then what is to be done
    unplug web1
    wait holder web2
    run client ip neigh flush all

    own 15 17 25 61                 in the files of this state, one of these in place of the first

Which one is made of the seed in the learner's folder (`labs.own_numbers`), so that neighbors
cannot copy it; without a folder, in recordings and in most tests, it is the first.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from labs.emulation.nodes import Host
from labs.emulation.programs.keepalived_unit import CONFIGURATION
from labs.errors import LabError, unknown
from labs.model import fault_verbs, story
from labs.model.story import Step
from labs.own_numbers import choose

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

BEGIN_TIMEOUT = 30.0  # s for each `wait`: the daemons have just been started
STATES = Path(__file__).parents[1] / "states"
_DIRECTORY = str(Path(CONFIGURATION).parent)


@dataclass(frozen=True, slots=True)
class StartState:
    """A start state: the states whose files are put in place, in order, and what is done then.

    `steps` are the lines of its story, each with the place where it stands.
    `own` has for each number or address that is the learner's own what it may be, the first being
    that of the files.
    """

    name: str
    topology: str = "ha_pair"
    sources: tuple[str, ...] = ()
    watch: tuple[str, ...] = ()
    steps: tuple[tuple[str, Step], ...] = ()
    own: tuple[tuple[str, ...], ...] = ()

    def with_own(self, text: str) -> str:
        """`text` of one of its files with the numbers and addresses of the learner's own."""
        for choices in self.own:
            own = choose(f"{self.name} {choices[0]}", choices)
            text = re.sub(rf"(?<![\w.]){re.escape(choices[0])}(?![\w.])", own, text)
        return text


def names() -> list[str]:
    """The states that come with the lab."""
    return sorted(path.name for path in STATES.iterdir() if path.is_dir())


def known(state: str) -> str:
    """`state` itself; LabError listing the known ones if there is none of that name."""
    if state not in names():
        raise unknown("state", state, names())
    return state


def read(state: str) -> StartState:
    """What there is to know about `state` but its files.

    Raises LabError for an unknown state and for a line of `begin` that is not understood.
    """
    begin = STATES / known(state) / "begin"
    told = StartState(state, sources=(state,))
    for number, line in enumerate(begin.read_text().splitlines() if begin.exists() else (), 1):
        words = line.partition("#")[0].split()
        place = f"{begin.relative_to(STATES.parent.parent)}:{number}"
        match words:
            case []:
                continue
            case ["topology", name]:
                told = replace(told, topology=name)
            case ["watch", *addresses] if addresses:
                told = replace(told, watch=tuple(addresses))
            case ["own", *choices] if len(choices) > 1:
                told = replace(told, own=(*told.own, tuple(choices)))
            case ["from", name]:
                other = read(name)
                sources = (*other.sources, *told.sources)
                told = replace(other, name=state, sources=sources, steps=told.steps, own=told.own)
            case [first, *_] if story.is_step([first]):
                told = replace(told, steps=(*told.steps, (place, _step(words, line, place))))
            case _:
                raise _not_understood(line, place)
    return told


def _step(words: list[str], line: str, place: str) -> Step:
    try:
        step = story.step(words)
    except ValueError:
        raise _not_understood(line, place) from None
    if step.verb not in (*fault_verbs.real(), *story.OTHERS):
        raise _not_understood(line, place)
    return step


def _not_understood(line: str, place: str) -> LabError:
    return LabError(
        f"{place}: `{line.strip()}` is no instruction: write topology, watch, from, own, "
        f"{', '.join(story.OTHERS)} or one of {', '.join(fault_verbs.real())}"
    )


def play(lab: Lab, told: StartState) -> None:
    """Do what the state's `begin` says; LabError naming the line that cannot be done."""
    began = time.monotonic()
    for place, step in told.steps:
        try:
            story.perform([step], lab, BEGIN_TIMEOUT, began)
        except (LabError, TypeError, ValueError) as error:
            raise LabError(f"{place}: {error}") from None


def fill(host: Host, told: StartState) -> bool:
    """Put the files of a state on `host`; whether its daemon is to run."""
    host.install()
    for source in told.sources:
        place = STATES / source / host.name
        for path in place.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                if source == told.name:
                    content = told.with_own(content.decode()).encode()
                # keepalived warns about a configuration that is executable, and runs only scripts.
                mode = 0o755 if content.startswith(b"#!") else 0o644
                host.path(f"{_DIRECTORY}/{path.relative_to(place)}").write_bytes(content, mode)
    return host.path(CONFIGURATION).exists()
