"""The challenges of the lessons: what must be true in the end, whichever way it was reached.

    name          lesson   the learner shall ...
    vrid          02       move the cluster to another virtual_router_id
    leave         04       hand the address over without the long wait of a failover
    favourite     05       make the other machine the favourite, though its file says BACKUP

Steps are looked at in order and the first that is not met gives the hint, so each hint may take
the earlier steps for granted. `labs.lessons.check` does the looking.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.facts import Advert
from labs.lessons import Step, setting

if TYPE_CHECKING:
    from labs.lab import Lab
    from labs.timeline import Takeover

SERVERS = ("master", "backup")
# Less than any Master_Down_Interval at advert_int 1, more than any Skew_Time.
QUICK = 1.0
# Seconds for a cluster to find its owner again: a start, and one Master_Down_Interval.
PATIENCE = 12.0


def _number(lab: Lab, host: str, keyword: str) -> int | None:
    value = setting(lab.conf(host), keyword)
    return int(value) if value and value.isdigit() else None


# --- 02: another virtual_router_id ---------------------------------------------------------------


def _vrids_on_the_wire(lab: Lab) -> set[int]:
    """The VRID that each server last advertised."""
    last = {advert.host: advert.vrid for advert in lab.facts() if isinstance(advert, Advert)}
    return {vrid for host, vrid in last.items() if host in lab.owners()}


def _vrid_hint(lab: Lab) -> str:
    other = [host for host in SERVERS if _number(lab, host, "virtual_router_id") != 52]
    return f"the file of {' and of '.join(other)} names another virtual_router_id"


def _owner_hint(lab: Lab) -> str:
    if len(lab.owners()) > 1:
        return (
            "both machines hold the address: their daemons speak of different virtual routers "
            "and do not hear each other; has each of them read its new file?"
        )
    return "nobody holds the address; lab.log('master') tells what the daemon thinks of its file"


VRID = (
    Step(
        "both files say virtual_router_id 52",
        lambda lab: all(_number(lab, host, "virtual_router_id") == 52 for host in SERVERS),
        _vrid_hint,
    ),
    Step(
        "the master advertises VRID 52",
        lambda lab: _vrids_on_the_wire(lab) == {52},
        "a daemon reads its file when it starts: lab.stop(host), then lab.start(host)",
        patience=PATIENCE,
    ),
    Step(
        "exactly one machine holds 192.168.1.10",
        lambda lab: len(lab.owners()) == 1,
        _owner_hint,
        patience=PATIENCE,
    ),
)

# --- 04: leave politely --------------------------------------------------------------------------


def _last_takeover(lab: Lab) -> Takeover | None:
    return next((t for t in reversed(lab.timeline().takeovers) if t.to == "backup"), None)


def _was_quick(lab: Lab) -> bool:
    takeover = _last_takeover(lab)
    return takeover is not None and takeover.after is not None and takeover.after < QUICK


def _quick_hint(lab: Lab) -> str:
    takeover = _last_takeover(lab)
    verb = takeover.cause.verb if takeover and takeover.cause else ""
    if verb in ("unplug", "cut", "link"):
        return "with its cable gone, the master cannot say goodbye, so the backup has to wait"
    if verb in ("crash", "freeze"):
        return "a daemon that is killed says nothing either; which signal lets it say goodbye?"
    return "lab.reset(), lab.settle(), then have the master's daemon leave of its own accord"


LEAVE = (
    Step(
        "backup holds 192.168.1.10, and nobody else",
        lambda lab: lab.owners() == ["backup"],
        "the address is still with the master: make the master give it up",
        patience=5.0,
    ),
    Step("it took over less than a second after the master's last word", _was_quick, _quick_hint),
)

# --- 05: the favourite ---------------------------------------------------------------------------


def _priorities_swapped(lab: Lab) -> bool:
    master, backup = (_number(lab, host, "priority") for host in SERVERS)
    return master is not None and backup is not None and backup > master


FAVOURITE = (
    Step(
        "the files still say state MASTER and state BACKUP",
        lambda lab: [setting(lab.conf(host), "state") for host in SERVERS] == ["MASTER", "BACKUP"],
        "leave the word after `state` alone: something else decides",
    ),
    Step(
        "the file of backup has the higher priority",
        _priorities_swapped,
        "the highest priority wins; compare the two files",
    ),
    Step(
        "no cable is pulled",
        lambda lab: all(lab.witness.carrier().get(host) for host in SERVERS),
        "lab.plug both machines: a favourite must win against a healthy rival",
    ),
    Step(
        "backup holds 192.168.1.10, and nobody else",
        lambda lab: lab.owners() == ["backup"],
        "a daemon reads its file when it starts: lab.stop(host), then lab.start(host)",
        patience=PATIENCE,
    ),
)

CHALLENGES: dict[str, tuple[str, tuple[Step, ...]]] = {
    "vrid": ("Another virtual router", VRID),
    "leave": ("A faster handover", LEAVE),
    "favourite": ("A new favourite", FAVOURITE),
}
