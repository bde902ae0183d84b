"""01 VRRP and keepalived: let the weakest of three win, without touching a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.lessons import Challenge, Question, Step

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

TITLE = "VRRP and keepalived: who decides?"
QUESTION = "Several servers could have the address. Who decides which one has it?"
MINUTES = 20

WEAKEST, STRONGER = "web1", ("web2", "web3")
# Seconds for the last of three to notice that both others are gone: two Master_Down_Intervals.
PATIENCE = 9.0


def _rivals(lab: Lab) -> list[str]:
    """The stronger nodes that hold the address or could still take it."""
    carrier = lab.witness.carrier()
    speaks = [host for host in STRONGER if lab.running(host) and carrier.get(host)]
    return sorted({*speaks, *(host for host in STRONGER if host in lab.holders())})


def _rival_hint(lab: Lab) -> str:
    left = " and ".join(_rivals(lab)) or "a stronger node"
    dead = [host for host in lab.holders() if host in STRONGER and not lab.running(host)]
    if dead:
        return (
            f"{' and '.join(dead)} was killed and could not take the address off its card: "
            "an address outlives the daemon"
        )
    return f"web1 is the weakest, and waits as long as it hears {left}"


def _winner_hint(lab: Lab) -> str:
    if not lab.running(WEAKEST):
        return "nobody runs on web1, so it cannot win either"
    if not lab.witness.carrier().get(WEAKEST):
        return "web1 has no cable: without one it is in FAULT and applies for nothing"
    return "web1 has not taken the address yet: it is still listening"


CHALLENGES = {
    "weakest": Challenge(
        "Let the weakest win",
        state="election",
        steps=(
            Step(
                "neither web2 nor web3 has the address or could take it",
                lambda lab: not _rivals(lab),
                hints=(
                    _rival_hint,
                    "after web2 comes web3: an election has a winner as long as somebody runs",
                    'lab.stop("web2") and lab.stop("web3"); lab.start(host) first, if you killed',
                ),
                patience=2.0,
            ),
            Step(
                "web1 holds 192.168.1.10, and nobody else",
                lambda lab: lab.holders() == [WEAKEST],
                hints=(_winner_hint, 'lab.start("web1"), lab.plug("web1")'),
                patience=PATIENCE,
            ),
        ),
    )
}

QUIZ = (
    Question(
        "Which machine decides who has the virtual IP?",
        ("the switch", "the present MASTER", "none: each router decides for itself"),
        right=2,
        why="Each compares what it hears with its own priority, and its patience with the silence.",
    ),
    Question(
        "How many advertisements does a BACKUP send?",
        ("one every interval", "none", "one for each that it hears"),
        right=1,
        why="Only a MASTER advertises; a BACKUP listens (RFC 3768, section 6.4.2).",
    ),
    Question(
        "Two BACKUPs have heard the same last advertisement. Which one takes over?",
        ("the one with the higher priority", "the one with the higher address", "both, for good"),
        right=0,
        why="Its Skew_Time is shorter, so it speaks first, and the other hears it and waits on.",
    ),
    Question(
        "Why must an advertisement arrive with TTL 255?",
        ("to travel far", "it proves that no router has passed it on", "it has no meaning"),
        right=1,
        why="A router would have made it 254: who advertises is on this network (RFC 3768, section "
        "5.2.3).",
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    "How does web2 know that web1 is alive?": (
        "The MASTER sends advertisements; a BACKUP only receives them."
    ),
    "Which of these is NOT in the message?": (
        "Only a MASTER sends advertisements, so no field has to say that the sender is one."
    ),
    "The cable of web2 is pulled. Who follows?": (
        "Of the two that are left, the one with the higher priority has the shorter "
        "Master_Down_Interval."
    ),
    "How many advertisements does the loser of that election send?": (
        "The first advertisement of web3 arrived before web1's Master_Down_Timer expired, so "
        "web1 stayed BACKUP and sent nothing."
    ),
    "A MASTER of priority 100 hears one of 150. What is it afterwards?": (
        "A MASTER that receives a higher priority becomes BACKUP at once; the other one stays "
        "MASTER."
    ),
}

# What is right where nothing is measured, by the question.
ANSWERS = {"Which of these is NOT in the message?": "the word MASTER"}
