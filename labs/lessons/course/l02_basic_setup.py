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
        ("state", "priority", "virtual_router_id"),
        right=1,
        why="The higher priority wins; state decides next to nothing (lesson 03).",
    ),
    Question(
        "How long does a machine of priority 100 wait in silence, at advert_int 1?",
        ("1 s", "3 s", "3.609 s"),
        right=2,
        why="Three intervals and the skew: 3 + 156/256 s (RFC 3768, section 6.1).",
    ),
    Question(
        "What would happen if only one machine moved to virtual router 52?",
        ("nobody would hold the address", "both would hold it", "nothing would change"),
        right=1,
        why="They would not hear each other, and each would take itself for the only one.",
    ),
    Question(
        "(Lesson 00) The cable of the MASTER is pulled. How does the BACKUP learn of it?",
        ("it hears no more advertisements", "the switch tells it", "the MASTER says goodbye"),
        right=0,
        why="Without a cable nobody can say goodbye: silence is all there is to notice.",
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
