"""15 The real thing: put another daemon on both servers, and let no client wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.conf import setting
from labs.experiments.cluster_health import unnoticed
from labs.lessons import Challenge, Question, Step

if TYPE_CHECKING:
    from labs.analysis.ownership import ServiceInterval
    from labs.emulation.lab import Lab

TITLE = "The real thing"
QUESTION = "Is this what keepalived does?"
MINUTES = 15

WANTED = "keepalived"
# Seconds for a cluster to find its holder again: a start, and one Master_Down_Interval.
PATIENCE = 9.0
# Less than the Skew_Time of priority 100 (0.609 s), by far more than a handover takes (s).
BEARABLE = 0.5


def _left(lab: Lab) -> list[str]:
    return [host for host in lab.daemons if lab.program(host) != WANTED]


def _left_hint(lab: Lab) -> str:
    found = [f"{lab.program(host) or 'nothing'} runs on {host}" for host in _left(lab)]
    return " and ".join(found)


def _holder_hint(lab: Lab) -> str:
    if setting(lab.conf("web2"), "priority") != "100":
        return "the file of web2 still has another priority than 100: put it back, and reload"
    holder = " and ".join(lab.holders()) or "nobody"
    return f"the address is with {holder}, and not with web1 alone"


def _outages(lab: Lab) -> list[ServiceInterval]:
    """When the client waited too long, after a host had held the address for the first time."""
    timeline = lab.timeline()
    held = timeline.spans()
    if not held:
        return timeline.outages
    return [o for o in timeline.outages if o.start > held[0].start and o.duration >= BEARABLE]


def _outage_hint(lab: Lab) -> str:
    worst = max(_outages(lab), key=lambda outage: outage.duration)
    before = [fact for fact in lab.timeline().facts if fact.kind == "action" and fact.t < worst.end]
    cause = getattr(before[-1], "text", "the start") if before else "the start"
    return f"the client waited {worst.duration:.2f} s, after this: {cause}; lab.reset() starts over"


CHALLENGES = {
    "engine": Challenge(
        "Change the engine in flight",
        state="basic",
        steps=(
            Step(
                "keepalived runs on web1 and on web2",
                lambda lab: not _left(lab),
                hints=(
                    _left_hint,
                    "one after the other: which of the two may stop without anybody noticing?",
                    "install(lab, 'web2', 'keepalived') first: it does not hold the address",
                ),
            ),
            Step(
                "web1 holds 192.168.1.10 alone, and the priorities are 150 and 100",
                lambda lab: (
                    lab.holders() == ["web1"]
                    and [setting(lab.conf(host), "priority") for host in lab.daemons]
                    == ["150", "100"]
                ),
                hints=(
                    _holder_hint,
                    "lab.conf('web2') and lab.log('web2') tell what web2 thinks",
                    "change(lab, 'web2', priority=100), then lab.reload('web2')",
                ),
                patience=PATIENCE,
            ),
            Step(
                "the client has never waited for half a second",
                lambda lab: unnoticed(lab, _outages),
                hints=(
                    _outage_hint,
                    "a master that stops costs a Skew_Time; one that is preempted costs nothing "
                    "(lesson 07)",
                    "give web2 priority 200 and reload it; when it holds the address, work on web1",
                ),
            ),
        ),
    )
}

QUIZ = (
    Question(
        "web1 runs keepalived, web2 runs vrrpd. What has to be set for that?",
        right="nothing",
        why="Their packets are the same, bit for bit.",
        wrong={
            "compatible on": "There is no such keyword.",
            "version 3": "Both send version 2 by default, and they understand each other in both.",
        },
    ),
    Question(
        "Which of these is keepalived's own, and in no RFC?",
        right="the addresses are announced with the interface's own MAC address",
        why="The RFC gives a virtual router a MAC address of its own; in keepalived that is "
        "use_vmac.",
        wrong={
            "a backup waits three advertisement intervals and Skew_Time": (
                "That is RFC 3768, section 6.1."
            ),
            "a master that stops sends an advertisement of priority 0": (
                "That is RFC 3768, section 6.4.3."
            ),
        },
    ),
    Question(
        "You run keepalived. How do you get its state in detail, right now?",
        right="SIGUSR1, then /tmp/keepalived.data",
        why="It writes the file and goes on; with SIGUSR2 it writes its counters.",
        wrong={
            "the command vrrpctl status": "That asks vrrpd; keepalived has no such program.",
            "the option keepalived --status": "keepalived has no such option.",
        },
    ),
    Question(
        "(Lesson 13) What does a vrrp_sync_group do?",
        right="it keeps several virtual routers of a host in the same state",
        why="When one of them fails, the others leave as well: a router needs both its sides.",
        wrong={
            "it shares the load between the two servers of a pair": (
                "Two instances with different preferred servers do that."
            ),
            "it copies the configuration to the other server": (
                "keepalived never copies configuration."
            ),
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    "Four masters: how many different packets?": (
        "The packets are equal in every bit, IP header included."
    ),
    "Counted from the last advertisement: by how much do the four takeovers differ?": (
        "The exact difference is {ms:.0f} ms."
    ),
    "keepalived rejects every packet. The address?": "Moves in seven seconds: {moved}.",
}
