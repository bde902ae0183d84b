"""Start states: what a lab is like when it starts or is reset.

    labs/states/basic/README.md                 what the state is for; its first line is its name
    labs/states/basic/master/keepalived.conf    becomes /etc/keepalived/keepalived.conf of master
    labs/states/basic/master/hoge.sh            becomes /etc/keepalived/hoge.sh, executable
    labs/states/failover/begin                  where it begins, if not with these files alone

A daemon runs on the servers that have a keepalived.conf.
`begin` has one instruction a line; `#` begins a comment:

    topology three_nodes            another network than ha_pair
    watch 192.168.1.10 10.0.0.10    other addresses than the topology's to keep an eye on
    from basic                      the files (topology, watched addresses) of another state first
    settle                          then what to do: any verb of the lab, with its words,
    unplug master                   and to wait until somebody owns an address
    wait backup owns
    run client ip neigh flush all   a shell command on a host, which no timeline will mention
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from labs.emulation.daemons import CONFIGURATION
from labs.emulation.nodes import Host
from labs.errors import LabError, unknown
from labs.model import fault_verbs

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

STATES = Path(__file__).parents[1] / "states"
_DIRECTORY = str(Path(CONFIGURATION).parent)


@dataclass(frozen=True, slots=True)
class Start:
    """A start state: the states whose files are put in place, in order, and what is done then.

    `steps` are the words of each line of `begin` that does something, and where it stands.
    """

    name: str
    topology: str = "ha_pair"
    sources: tuple[str, ...] = ()
    watch: tuple[str, ...] = ()
    steps: tuple[tuple[str, tuple[str, ...]], ...] = ()


def names() -> list[str]:
    """The states that come with the lab."""
    return sorted(path.name for path in STATES.iterdir() if path.is_dir())


def known(state: str) -> str:
    """`state` itself; LabError listing the known ones if there is none of that name."""
    if state not in names():
        raise unknown("state", state, names())
    return state


def read(state: str) -> Start:
    """What there is to know about `state` but its files.

    Raises LabError for an unknown state and for a line of `begin` that nobody understands.
    """
    begin = STATES / known(state) / "begin"
    told = Start(state, sources=(state,))
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
            case ["from", name]:
                other = read(name)
                sources = (*other.sources, *told.sources)
                told = replace(other, name=state, sources=sources, steps=told.steps)
            case ["wait", _, "owns"] | ["wait", _, "owns", _] | ["run", _, _, *_]:
                told = replace(told, steps=(*told.steps, (place, tuple(words))))
            case [verb, *_] if verb in (*fault_verbs.real(), "settle"):
                told = replace(told, steps=(*told.steps, (place, tuple(words))))
            case _:
                raise LabError(
                    f"{place}: `{line.strip()}` is no instruction: write topology, watch, from, "
                    f"wait HOST owns [ADDRESS], run HOST COMMAND, settle, "
                    f"or one of {', '.join(fault_verbs.real())}"
                )
    return told


def play(lab: Lab, told: Start) -> None:
    """Do what the state's `begin` says; LabError naming the line that cannot be done."""
    for place, words in told.steps:
        try:
            match words:
                case ("wait", host, "owns", *address):
                    _wait(lab, host, *address)
                case ("run", host, *command):
                    _run(lab, host, " ".join(command))
                case ("settle",):
                    lab.settle()
                case (verb, *rest):
                    fault_verbs.perform(lab, verb, *rest)
        except (LabError, TypeError, ValueError) as error:
            raise LabError(f"{place}: `{' '.join(words)}`: {error}") from None


def _wait(lab: Lab, host: str, address: str | None = None) -> None:
    wanted = [] if host == "nobody" else [host]
    what = f"{host} to own {address or lab.watch}"
    lab.wait_until(lambda: lab.owners(address) == wanted, timeout=30, what=what)


def _run(lab: Lab, host: str, command: str) -> None:
    done = lab.run(host, command)
    if done.status:
        raise LabError(f"it ended with status {done.status}: {done.text.strip()}")


def fill(host: Host, told: Start) -> bool:
    """Put the files of a state on `host`; whether its daemon is to run."""
    host.install()
    for source in told.sources:
        place = STATES / source / host.name
        for path in place.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                # keepalived warns about a configuration that is executable, and runs only scripts.
                mode = 0o755 if content.startswith(b"#!") else 0o644
                host.path(f"{_DIRECTORY}/{path.relative_to(place)}").write_bytes(content, mode)
    return host.path(CONFIGURATION).exists()
