"""02 Basic set-up: move the cluster to another virtual_router_id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.conf import setting
from labs.lessons import Challenge, Question, Step
from labs.model.facts import Advert

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

TITLE = "Basic set-up: one address, two machines"
QUESTION = "What is the smallest pair of machines that keeps one address alive?"
MINUTES = 20

SERVERS = ("web1", "web2")
# Seconds for a cluster to find its holder again: a start, and one Master_Down_Interval.
PATIENCE = 12.0


def _vrid(lab: Lab, host: str) -> str | None:
    return setting(lab.conf(host), "virtual_router_id")


def _vrids_on_the_wire(lab: Lab) -> set[int]:
    """The VRID that each server last advertised."""
    last = {advert.host: advert.vrid for advert in lab.facts() if isinstance(advert, Advert)}
    return {vrid for host, vrid in last.items() if host in lab.holders()}


def _file_hint(lab: Lab) -> str:
    other = [host for host in SERVERS if _vrid(lab, host) != "52"]
    return f"another virtual_router_id stands in the file of {' and of '.join(other)}"


def _owner_hint(lab: Lab) -> str:
    if len(lab.holders()) > 1:
        return (
            "both machines hold the address: their daemons speak of different virtual routers "
            "and do not hear each other; has each of them read its new file?"
        )
    return "nobody holds the address; lab.log('web1') tells what the daemon thinks of its file"


CHALLENGES = {
    "vrid": Challenge(
        "Another virtual router",
        state="basic",
        steps=(
            Step(
                "both files say virtual_router_id 52",
                lambda lab: all(_vrid(lab, host) == "52" for host in SERVERS),
                hints=(
                    _file_hint,
                    "lab.conf(host) is the text of the file; change it as any Python string",
                    "lab.conf(host, lab.conf(host).replace(OLD, NEW)), for each of the two",
                ),
            ),
            Step(
                "the master advertises VRID 52",
                lambda lab: _vrids_on_the_wire(lab) == {52},
                hints=(
                    "a daemon reads its file when it starts, and these have not since you wrote it",
                    "lab.stop(host), then lab.start(host)",
                ),
                patience=PATIENCE,
            ),
            Step(
                "exactly one machine holds 192.168.1.10",
                lambda lab: len(lab.holders()) == 1,
                hints=(_owner_hint, "lab.stop(host), then lab.start(host), for each of the two"),
                patience=PATIENCE,
            ),
        ),
    )
}

QUIZ = (
    Question(
        "Which line of the file decides who holds the address while both are well?",
        right="priority",
        why="The higher priority wins; `state` only says how an instance starts (lesson 03).",
        wrong={
            "state": "It says how an instance starts; a moment later the priorities decide.",
            "virtual_router_id": "It has to be the same on both, so it cannot decide between them.",
        },
    ),
    Question(
        "How long does a server of priority 100 wait without an advertisement, at advert_int 1?",
        right="3.609 s",
        why="Three intervals and Skew_Time: 3 + 156/256 s (RFC 3768, section 6.1).",
        wrong={
            "1 s": "That is one interval: a single lost packet would be enough for a takeover.",
            "3 s": "The three intervals are right, but Skew_Time is added to them.",
        },
    ),
    Question(
        "What would happen if only one server moved to virtual router 52?",
        right="both would hold it",
        why="Each would ignore the other's advertisements and become MASTER.",
        wrong={
            "nobody would hold it": (
                "Each becomes MASTER of its own virtual router, and both list the address."
            ),
            "nothing would change": (
                "The VRID is checked in every advertisement; another one is ignored."
            ),
        },
    ),
    Question(
        "(Lesson 00) The cable of the MASTER is pulled. How does the BACKUP learn of it?",
        right="no advertisements arrive",
        why="Nothing can be sent without a cable: the missing advertisements are all there is "
        "to notice.",
        wrong={
            "the switch reports it": "The switch does not report anything to the hosts.",
            "the MASTER resigns": "Its priority-0 advertisement cannot leave without a cable.",
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    "How long after its start does the master hold 192.168.1.10?": (
        "It waits one Master_Down_Interval first, whatever its `state` line says."
    ),
    "Both run. Who holds 192.168.1.10?": (
        "web2 receives advertisements with priority 150, higher than its own 100, and stays BACKUP."
    ),
    "And then, a few seconds after web1 has started?": (
        "The higher priority preempts the lower one, whichever server was MASTER first."
    ),
}
