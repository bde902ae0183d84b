"""Start states: which files the hosts have when a lab starts or is reset.

    labs/states/basic/README.md                 what the state is for; its first line is its name
    labs/states/basic/master/keepalived.conf    becomes /etc/keepalived/keepalived.conf of master
    labs/states/basic/master/hoge.sh            becomes /etc/keepalived/hoge.sh, executable

A daemon runs on the servers that have a keepalived.conf.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from labs.daemons import CONFIGURATION
from labs.errors import unknown
from labs.node import Host

STATES = Path(__file__).with_name("states")
_DIRECTORY = str(Path(CONFIGURATION).parent)


def names() -> list[str]:
    """The states that come with the lab."""
    return sorted(path.name for path in STATES.iterdir() if path.is_dir())


def known(state: str) -> str:
    """`state` itself; LabError listing the known ones if there is none of that name."""
    if state not in names():
        raise unknown("state", state, names())
    return state


def empty(host: Host) -> None:
    """Remove what a daemon or a learner has left in the host's own directories."""
    for directory in (_DIRECTORY, "/var/log"):
        for path in host.path(directory).iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                with suppress(FileNotFoundError):
                    path.unlink()


def fill(host: Host, state: str) -> bool:
    """Put the files of `state` on `host`; whether its daemon is to run."""
    place = STATES / state / host.name
    if place.is_dir():
        shutil.copytree(place, host.path(_DIRECTORY), dirs_exist_ok=True)
    for path in host.path(_DIRECTORY).rglob("*"):
        if path.is_file():
            # keepalived warns about configuration that others may execute, and runs only scripts.
            path.chmod(0o755 if path.read_bytes().startswith(b"#!") else 0o644)
    return host.path(CONFIGURATION).exists()
