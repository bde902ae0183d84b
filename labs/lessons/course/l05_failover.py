"""05 Failover: hand the address over without the long wait of a failover."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.lessons import Challenge, Question, Step

if TYPE_CHECKING:
    from labs.analysis.timeline import Takeover
    from labs.emulation.lab import Lab

TITLE = "Failover: pull the cable"
QUESTION = "How long is the service away when the cable is pulled, and why that long?"
MINUTES = 20

# s; less than any Master_Down_Interval at advert_int 1, more than any Skew_Time.
QUICK = 1.0


def _last_takeover(lab: Lab) -> Takeover | None:
    return next((t for t in reversed(lab.timeline().takeovers) if t.to == "web2"), None)


def _was_quick(lab: Lab) -> bool:
    takeover = _last_takeover(lab)
    if takeover is None or takeover.after is None:
        return False
    # What was due counts: what a busy machine adds to it is not the learner's doing.
    due = takeover.prediction.wait if takeover.prediction else takeover.after
    return min(due, takeover.after) < QUICK


def _slow_hint(lab: Lab) -> str:
    takeover = _last_takeover(lab)
    verb = takeover.cause.verb if takeover and takeover.cause else ""
    if verb in ("unplug", "cut", "link"):
        return "with its cable gone, the master cannot say goodbye, so the backup has to wait"
    if verb in ("crash", "freeze"):
        return "a daemon that is killed says nothing either; which signal lets it say goodbye?"
    return "lab.reset(), lab.settle(), then have the master's daemon leave of its own accord"


CHALLENGES = {
    "leave": Challenge(
        "A faster handover",
        state="basic",
        steps=(
            Step(
                "web2 holds 192.168.1.10, and nobody else",
                lambda lab: lab.holders() == ["web2"],
                hints=("the address is still with the master: make the master give it up",),
                patience=3.0,
            ),
            Step(
                "it took over less than a second after the master's last word",
                _was_quick,
                hints=(
                    _slow_hint,
                    "lab.reset() and lab.settle() start over; then look at the verbs of lab",
                    "lab.stop('web1') asks the daemon to end, and it says goodbye",
                ),
                patience=2.0,  # web2 may not have said its first word yet
            ),
        ),
    )
}

QUIZ = (
    Question(
        "From which moment does the backup count its Master_Down_Interval?",
        right="from the last advertisement it received",
        why="It cannot see the cable: it only notices that no more advertisements arrive.",
        wrong={
            "from the moment at which the cable is pulled": (
                "It does not know of the cable; its timer was restarted by the last advertisement."
            ),
            "from the last ping that the client has sent": (
                "The pings of the client mean nothing to VRRP."
            ),
        },
    ),
    Question(
        "Why is there a Skew_Time at all?",
        right="so that of several backups the one with the highest priority is first",
        why="The higher the priority, the shorter Skew_Time, and the sooner the timer expires.",
        wrong={
            "so that the old master has a little time to come back": (
                "The three intervals give it time; Skew_Time differs from router to router."
            ),
            "so that the load of the advertisements is spread on the network": (
                "Only the MASTER advertises, so there is nothing to spread."
            ),
        },
    ),
    Question(
        "Two people pull the same cable on two days: 2.7 s and 3.5 s without an answer. Why?",
        right="the pulls came at other moments between two advertisements",
        why="The interval counts from the last advertisement, the outage from the pull.",
        wrong={
            "the server had more work to do on the second day": (
                "A busy server costs milliseconds, not most of a second."
            ),
            "Skew_Time is chosen by chance at every takeover": (
                "Skew_Time follows from the priority and is the same each time."
            ),
        },
    ),
    Question(
        "(Lesson 03) Both files say `state MASTER`. Who holds the address in the end?",
        right="the one with the higher priority",
        why="Priority decides. Both start as BACKUP, whatever `state` says.",
        wrong={
            "both, as each file says so": (
                "Each receives the advertisements of the other, and the lower priority gives way."
            ),
            "nobody, as the files disagree": (
                "`state` is not in the advertisements, so nothing can disagree."
            ),
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    "One second after the pull: who holds 192.168.1.10?": (
        "web2 cannot see web1's cable. It only receives no more advertisements."
    ),
    "For how long does the client get no answer?": (
        "web2 takes over after three missing advertisements and its Skew_Time."
    ),
    "The client also has a TCP connection open. What does its program get?": (
        "web2 has no such connection, and its kernel answers with a reset."
    ),
    "Between the shortest and the longest outage, how much do they differ?": (
        "One advert_int: the outage lasts from 2.609 s to 3.609 s, as the pull comes late or "
        "early in the interval."
    ),
    "The daemon is killed. Who holds the address in the end?": (
        "The killed daemon could not remove the address, and the kernel keeps it."
    ),
}
