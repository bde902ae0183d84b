"""Which capabilities a configuration needs once everything is set up; all others are given up.

    always                     NET_ADMIN, NET_RAW     addresses, routes, links; raw sockets
    scripts of another user    SETUID, SETGID, KILL   to become that user, and to end the script
    FIFOs of another user      CHOWN, DAC_OVERRIDE    to hand them over, and still write to them
    vrrp_priority, -rt_        SYS_NICE               to be scheduled otherwise
    vrrp_no_swap               IPC_LOCK               to lock what later reloads allocate

The article's configuration needs nothing but the first line.  What was given up does not come
back, so a reload that needs more is refused and says that a restart is needed: a tracked script
that could no longer be started would be FAULT.

Contract: pure; names are those of capabilities(7) without CAP_.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vrrpd.config.model import Command, Config
from vrrpd.record import Record
from vrrpd.script_security import Identity

ALWAYS = ("NET_ADMIN", "NET_RAW")
OTHER_USER = ("SETUID", "SETGID", "KILL")
SETTINGS = {
    "vrrp_priority": "SYS_NICE",
    "vrrp_rt_priority": "SYS_NICE",
    "vrrp_no_swap": "IPC_LOCK",
}


def needed(config: Config, me: Identity) -> dict[str, str]:
    """The capabilities that `config` needs beyond the two, each with what needs it.

    `me` is the identity of the daemon; scripts have theirs already (`script_security.py`).
    """
    found: dict[str, str] = {}
    for command in commands(config):
        if command.identity is not None and command.identity != me:
            why = f"{command.argv[0]} runs as uid {command.identity[0]}"
            found.update(dict.fromkeys(OTHER_USER, why))
            break
    settings = config.globals
    owner = settings.script_identity
    if (settings.notify_fifo or settings.vrrp_notify_fifo) and owner not in (None, me):
        found.update(dict.fromkeys(("CHOWN", "DAC_OVERRIDE"), "the FIFOs belong to another user"))
    for name, capability in SETTINGS.items():
        if getattr(settings, name):
            found[capability] = name
    return found


def commands(thing: Any) -> Iterator[Command]:
    """Every command anywhere in a configuration."""
    if isinstance(thing, Command):
        yield thing
    elif isinstance(thing, (tuple, list)):
        for one in thing:
            yield from commands(one)
    elif isinstance(thing, Record):
        for name in thing._fields:
            yield from commands(getattr(thing, name))
