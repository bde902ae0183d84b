"""00 Start here: bring the address home after a failover."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.lessons import Challenge, Question, Step

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

TITLE = "Start here"
QUESTION = "Does my machine run this, and what will I learn?"
MINUTES = 15

SERVERS = ("web1", "web2")
# A card that comes up, and one Master_Down_Interval.
PATIENCE = 9.0


def _plugged(lab: Lab) -> bool:
    return all(lab.witness.carrier().get(host) for host in SERVERS)


def _cable_hint(lab: Lab) -> str:
    out = [host for host in SERVERS if not lab.witness.carrier().get(host)]
    return f"no cable in {' and '.join(out)}: without one a server hears and says nothing"


def _daemon_hint(lab: Lab) -> str:
    silent = [host for host in SERVERS if not lab.running(host)]
    return f"no daemon runs on {' and '.join(silent)}: one server alone is no cluster"


CHALLENGES = {
    "home": Challenge(
        "Bring it home",
        state="failover",
        steps=(
            Step(
                "both servers have their cables",
                _plugged,
                hints=(
                    _cable_hint,
                    "lab.unplug pulls a cable; which verb puts it back?",
                    'lab.plug("web1")',
                ),
                patience=1.0,
            ),
            Step(
                "a daemon runs on each",
                lambda lab: all(map(lab.running, SERVERS)),
                hints=(_daemon_hint, "lab.start(host) starts it"),
            ),
            Step(
                "web1 holds 192.168.1.10, and nobody else",
                lambda lab: lab.holders() == ["web1"],
                hints=(
                    "web1 has not taken it back: is anything else still pulled or broken?",
                    'lab = Lab("failover") starts over; then undo what was done to web1',
                ),
                patience=PATIENCE,
            ),
        ),
    )
}

QUIZ = (
    Question(
        "In the picture, what does it mean that no lane is filled?",
        right="nobody holds the address",
        why="A lane is filled while its server holds the address.",
        wrong={
            "both servers hold it": "Then both lanes would be filled, and hatched.",
            "the client is switched off": (
                "The client has a row of its own; the lanes are about the servers."
            ),
        },
    ),
    Question(
        "What did the client have to do when the address moved?",
        right="nothing at all",
        why="It kept asking 192.168.1.10; which server answers makes no difference to it.",
        wrong={
            "look for another address": "The address is the same; only its holder has changed.",
            "start its program again": "The pings went on by themselves once web2 answered.",
        },
    ),
    Question(
        "Why does a lesson ask you to predict before you run a cell?",
        right="a wrong guess is remembered",
        why="A surprise stays in memory, and only a prediction can be a surprise.",
        wrong={
            "the guess gets a mark": (
                "Nobody marks it: a wrong guess is worth as much as a right one."
            ),
            "the lab needs the number": "The lab runs the same, whatever you predict.",
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    "A few seconds after the pull: who answers?": (
        "web2 received no more advertisements from web1, so it took the address over."
    ),
    "And for how long does nobody answer?": (
        "web2 waits for three missing advertisements. Lesson 05 predicts the time to a "
        "hundredth of a second."
    ),
}
