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

# Seconds in which `master` would have taken the address: a Master_Down_Interval, and a little.
WOULD_HAVE = 4.0


def _back_since(lab: Lab) -> float:
    """When `master` was last given a chance: its carrier came back, or its daemon was started."""
    chances = [
        fact.t
        for fact in lab.facts()
        if (isinstance(fact, Link) and fact.host == "master" and fact.carrier)
        or (isinstance(fact, Action) and fact.host == "master" and fact.verb in ("start", "reload"))
    ]
    return max(chances, default=0.0)


def _stayed(lab: Lab) -> bool:
    waited = lab.now > _back_since(lab) + WOULD_HAVE  # first: the owners must not be from before
    return waited and lab.owners() == ["backup"]


def _moved_hint(lab: Lab) -> str:
    text = lab.conf("master")
    if "backup" not in lab.owners() and has(text, "nopreempt"):
        if setting(text, "state") == "MASTER":
            return "`nopreempt` is dropped where `state MASTER` stands in the same file"
        return "the file says nopreempt: had the daemon read it when the cable came back?"
    if "backup" not in lab.owners():
        return "the address has moved back: master is stronger, and a stronger machine preempts"
    return "backup still has it, but not for long enough to be sure: check again"


CHALLENGES = {
    "stay": Challenge(
        "No second move",
        state="unplugged",
        steps=(
            Step(
                "the cable of master is in",
                lambda lab: bool(lab.witness.carrier().get("master")),
                hints=(
                    "the cable is still out: master could not take over from anybody",
                    "before you put it back, think of what master will do then",
                    "change(lab, 'master', ...), lab.reload('master'), lab.plug('master')",
                ),
                patience=2.0,
            ),
            Step(
                "the daemon of master runs",
                lambda lab: lab.running("master"),
                hints=(
                    "nobody runs on master: it would never take over, whatever happens to backup",
                    "lab.start('master'), with a file that lets the address stay where it is",
                ),
            ),
            Step(
                "the address has stayed with backup for longer than master's patience",
                _stayed,
                hints=(
                    _moved_hint,
                    "which setting forbids a stronger BACKUP to push a weaker MASTER aside? "
                    "start again with lab = Lab('unplugged')",
                    "change(lab, 'master', state='BACKUP', nopreempt=True), lab.reload('master'), "
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
        (
            "it answers at once with its own",
            "it discards it, and its timer runs on",
            "it resets its Master_Down_Timer",
        ),
        right=1,
        why="So it takes over when its own patience ends, as if nobody were there (6.4.2).",
    ),
    Question(
        "Why do the client's pings hardly notice a failback, but always a pulled cable?",
        (
            "the old holder answers until it hears the new one",
            "the stronger machine is faster",
            "a failback needs no gratuitous ARP",
        ),
        right=0,
        why="Nothing is broken in a failback: one hands over to the other.",
    ),
    Question(
        "`nopreempt` and `state MASTER` in one file: what comes of it?",
        ("the daemon does not start", "state is ignored", "nopreempt is ignored"),
        right=2,
        why="keepalived drops nopreempt with a warning; write state BACKUP on both machines.",
    ),
    Question(
        "(Lesson 04) An address is in master's file only. What does keepalived 2.2.7 make of it?",
        (
            "backup discards the advertisements, and there are two masters",
            "backup copies the address from the advertisements",
            "master ignores the address",
        ),
        right=0,
        why="Lists that differ are rejected up to 2.3.2; from 2.3.3 on there is a warning instead.",
    ),
)
