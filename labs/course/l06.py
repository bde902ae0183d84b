"""06 Failback: make the other machine the favourite, though its file says BACKUP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.lessons import Challenge, Question, Step, setting

if TYPE_CHECKING:
    from labs.lab import Lab

TITLE = "Failback: the cable is back"
QUESTION = "Why does the address come back, and do I want that?"
MINUTES = 15

SERVERS = ("master", "backup")
# Seconds for a cluster to find its owner again: a start, and one Master_Down_Interval.
PATIENCE = 12.0


def _priorities_swapped(lab: Lab) -> bool:
    values = [setting(lab.conf(host), "priority") or "" for host in SERVERS]
    return all(value.isdigit() for value in values) and int(values[1]) > int(values[0])


CHALLENGES = {
    "favourite": Challenge(
        "A new favourite",
        state="basic",
        steps=(
            Step(
                "the files still say state MASTER and state BACKUP",
                lambda lab: (
                    [setting(lab.conf(host), "state") for host in SERVERS] == ["MASTER", "BACKUP"]
                ),
                hints=("leave the word after `state` alone: something else decides",),
            ),
            Step(
                "the file of backup has the higher priority",
                _priorities_swapped,
                hints=(
                    "the highest priority wins; compare the two files",
                    "150 against 100: raise one or lower the other, with lab.conf(host, text)",
                ),
            ),
            Step(
                "no cable is pulled",
                lambda lab: all(lab.witness.carrier().get(host) for host in SERVERS),
                hints=("lab.plug both machines: a favourite must win against a healthy rival",),
            ),
            Step(
                "backup holds 192.168.1.10, and nobody else",
                lambda lab: lab.owners() == ["backup"],
                hints=(
                    "a daemon reads its file when it starts: has each of them read its new one?",
                    "lab.stop(host), then lab.start(host)",
                ),
                patience=PATIENCE,
            ),
        ),
    )
}

QUIZ = (
    Question(
        "Which word of the file decides who is the favourite?",
        ("state", "priority", "interface"),
        right=1,
        why="The highest priority wins; state is only where a router would like to begin.",
    ),
)
