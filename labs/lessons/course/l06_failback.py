"""06 Failback: put the cable back and leave the address where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.conf import has, setting
from labs.lessons import Challenge, Question, Step
from labs.model.facts import Action, Link

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

TITLE = "Failback: the cable is back"
QUESTION = "Why does the address come back, and do I want that?"
MINUTES = 20

# Seconds in which `web1` would have taken the address: a Master_Down_Interval, and a little.
WOULD_HAVE = 4.0


def _back_since(lab: Lab) -> float:
    """When `web1` was last given a chance: its carrier came back, or its daemon was started."""
    chances = [
        fact.t
        for fact in lab.facts()
        if (isinstance(fact, Link) and fact.host == "web1" and fact.carrier)
        or (isinstance(fact, Action) and fact.host == "web1" and fact.verb in ("start", "reload"))
    ]
    return max(chances, default=0.0)


def _stayed(lab: Lab) -> bool:
    waited = lab.now > _back_since(lab) + WOULD_HAVE  # first: the holders must not be from before
    return waited and lab.holders() == ["web2"]


def _moved_hint(lab: Lab) -> str:
    text = lab.conf("web1")
    if "web2" not in lab.holders() and has(text, "nopreempt"):
        if setting(text, "state") == "MASTER":
            return "`nopreempt` is dropped where `state MASTER` stands in the same file"
        return "the file says nopreempt: had the daemon read it when the cable came back?"
    if "web2" not in lab.holders():
        return "the address has moved back: web1 is stronger, and a stronger machine preempts"
    return "web2 still has it, but not for long enough to be sure: check again"


CHALLENGES = {
    "stay": Challenge(
        "No second move",
        state="unplugged",
        steps=(
            Step(
                "the cable of web1 is in",
                lambda lab: bool(lab.witness.carrier().get("web1")),
                hints=(
                    "the cable is still out: web1 could not take over from anybody",
                    "before you put it back, think of what web1 will do then",
                    "change(lab, 'web1', ...), lab.reload('web1'), lab.plug('web1')",
                ),
                patience=2.0,
            ),
            Step(
                "the daemon of web1 runs",
                lambda lab: lab.running("web1"),
                hints=(
                    "nobody runs on web1: it would never take over, whatever happens to web2",
                    "lab.start('web1'), with a file that lets the address stay where it is",
                ),
            ),
            Step(
                "the address has stayed with web2 for longer than web1's patience",
                _stayed,
                hints=(
                    _moved_hint,
                    "which setting forbids a stronger BACKUP to push a weaker MASTER aside? "
                    "start again with lab = Lab('unplugged')",
                    "change(lab, 'web1', state='BACKUP', nopreempt=True), lab.reload('web1'), "
                    "then the cable",
                ),
                patience=8.0,
            ),
        ),
    )
}

QUIZ = (
    Question(
        "What does a BACKUP do with an advertisement of lower priority than its own?",
        right="it discards it, and its timer runs on",
        why="So its timer expires, and it takes over as if nobody were there (6.4.2).",
        wrong={
            "it answers at once with one of its own": "A BACKUP never sends an advertisement.",
            "it restarts its Master_Down_Timer": (
                "Only its own priority or a higher one restarts the timer."
            ),
        },
    ),
    Question(
        "Why do the client's pings hardly notice a failback, but always a pulled cable?",
        right="the old holder answers until it receives the new one's advertisement",
        why="Nothing is broken in a failback: one holder hands over to the other.",
        wrong={
            "the server with the higher priority has the faster processor": (
                "Priority is only a number in the file."
            ),
            "a failback needs no gratuitous ARP, and a failover needs it": (
                "Every new MASTER sends gratuitous ARP."
            ),
        },
    ),
    Question(
        "`nopreempt` and `state MASTER` in one file: what comes of it?",
        right="nopreempt is ignored",
        why="keepalived drops nopreempt with a warning; write state BACKUP on both servers.",
        wrong={
            "the daemon does not start": "It starts, and logs a warning.",
            "the state is ignored": (
                "The other way round: the state is what makes it drop nopreempt."
            ),
        },
    ),
    Question(
        "(Lesson 04) An address is in web1's file only. What does keepalived 2.2.7 make of it?",
        right="web2 drops the advertisements, and there are two masters",
        why="Lists that differ are rejected up to 2.3.2; from 2.3.3 on there is a warning instead.",
        wrong={
            "web2 copies the address from the advertisements of web1": (
                "A daemon holds only what its own file lists."
            ),
            "web1 ignores the address as long as web2 lacks it": (
                "web1 knows nothing of the other file and holds all that its own lists."
            ),
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    "Ten seconds after the cable is back: who holds 192.168.1.10?": (
        "web1 has the higher priority and preempts web2."
    ),
    "For how long does the client get no answer this time?": (
        "The old holder answers until it receives the advertisement of the new one."
    ),
    "The cable goes in; later web2's daemon is stopped. Who holds the address after each?": (
        "With nopreempt, web1 does not take the address from a running MASTER, but takes over "
        "when there is none."
    ),
    "preempt_delay 3: how long after the plug does web1 take over?": (
        "The delay of 3 s runs first, then the Master_Down_Interval."
    ),
}
