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
    """The nodes of higher priority that hold the address or could still take it."""
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
        "Which host decides who has the virtual IP?",
        right="none: each router decides for itself",
        why="Each compares the advertisements with its own priority and runs its own timer.",
        wrong={
            "the switch that joins them": "The switch passes frames on and knows nothing of VRRP.",
            "the router that is MASTER": (
                "The MASTER only advertises; whether to take over is decided by each BACKUP."
            ),
        },
    ),
    Question(
        "How many advertisements does a BACKUP send?",
        right="none at all",
        why="Only a MASTER advertises; a BACKUP receives (RFC 3768, section 6.4.2).",
        wrong={
            "one every interval": "That is what a MASTER does.",
            "one in reply to each": "There are no answers in VRRP.",
        },
    ),
    Question(
        "Two BACKUPs have received the same last advertisement. Which one takes over?",
        right="the one with the higher priority",
        why="Its Skew_Time is shorter, so it advertises first, and the other one stays BACKUP.",
        wrong={
            "the one with the higher address": (
                "The address decides only between two MASTERs of equal priority."
            ),
            "both of them, and both stay": (
                "The first advertisement makes the other one stay BACKUP."
            ),
        },
    ),
    Question(
        "Why must an advertisement arrive with TTL 255?",
        right="it proves that no router has passed it on",
        why="A router would have made it 254, so the sender is on this network (RFC 3768, "
        "section 5.2.3).",
        wrong={
            "it lets the packet travel as far as possible": (
                "It must not travel: advertisements are for the local network."
            ),
            "it is only the default value, with no meaning": (
                "The receiver checks it and drops any other value."
            ),
        },
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
