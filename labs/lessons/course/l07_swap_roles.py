"""07 Swap roles: restart the daemon of the master, and let nobody notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.conf import setting
from labs.experiments.cluster_health import unnoticed
from labs.lessons import Challenge, Question, Step
from labs.model.facts import Action

if TYPE_CHECKING:
    from labs.analysis.ownership import Service
    from labs.emulation.lab import Lab

TITLE = "Swap roles: move the master on purpose"
QUESTION = "How do I move the master on purpose, without an outage?"
MINUTES = 20

# Seconds: more than a handover and one lost ping, less than any Skew_Time of these machines.
NOTICED = 0.2
# Seconds for `web1` to come back: a start, and one Master_Down_Interval.
PATIENCE = 6.0


def _restarts(lab: Lab) -> list[Action]:
    """Each time the daemon of `web1` was started since the lab began, which starts it, too."""
    acts = [fact for fact in lab.facts() if isinstance(fact, Action) and fact.t >= lab.since]
    return [act for act in acts if (act.verb, act.host) == ("start", "web1")][1:]


def _outages(lab: Lab) -> list[Service]:
    """When the client waited for longer than it may, after the address was first held."""
    seen = lab.timeline()
    first = next((span.start for span in seen.spans()), seen.end)
    return [out for out in seen.outages if out.end > first + NOTICED and out.duration > NOTICED]


def _outage_hint(lab: Lab) -> str:
    seconds = f"the client waited for {max(out.duration for out in _outages(lab)):.2f} s"
    verbs = [fact.verb for fact in lab.timeline().of(Action) if fact.host == "web1"]
    if "unplug" in verbs or "link" in verbs or "cut" in verbs:
        return f"{seconds}: without its cable, web1 could not hand over"
    return f"{seconds}: web1 had the address when its daemon ended, so move the address first"


def _files_hint(lab: Lab) -> str:
    changed = [h for h, p in (("web1", "150"), ("web2", "100")) if _priority(lab, h) != p]
    return f"the priority of {' and of '.join(changed)} is not what it was"


def _priority(lab: Lab, host: str) -> str | None:
    return setting(lab.conf(host), "priority")


CHALLENGES = {
    "maintenance": Challenge(
        "Maintenance without a ping lost",
        state="basic",
        steps=(
            Step(
                "the daemon of web1 was started again",
                lambda lab: bool(_restarts(lab)) and lab.running("web1"),
                hints=(
                    "web1 still runs the daemon with which the lab began",
                    "which machine has to hold the address while web1 restarts?",
                    "restart(lab, 'web1'), but first give the address to web2",
                ),
            ),
            Step(
                f"the client never waited longer than {NOTICED} s",
                lambda lab: unnoticed(lab, _outages),
                hints=(
                    _outage_hint,
                    "a change of priority and a reload cost the client nothing; "
                    "start again with lab = Lab('basic')",
                    "change(lab, 'web2', priority=200), lab.reload('web2'), "
                    "hold(lab, 'web2'), and only then restart(lab, 'web1')",
                ),
            ),
            Step(
                "the files say priority 150 and 100 again",
                lambda lab: [_priority(lab, h) for h in ("web1", "web2")] == ["150", "100"],
                hints=(_files_hint, "change it back, and reload"),
            ),
            Step(
                "web1 holds the address, and nobody else",
                lambda lab: lab.holders() == ["web1"],
                hints=(
                    "the address is still with web2: has its daemon read the old number?",
                    "lab.reload('web2')",
                ),
                patience=PATIENCE,
            ),
        ),
    )
}

QUIZ = (
    Question(
        "Which way of moving the address costs the client the least?",
        right="change a priority and reload",
        why="The old MASTER answers until it receives the new one's advertisement.",
        wrong={
            "pull the cable of the master": "The client waits a whole Master_Down_Interval.",
            "restart the master's daemon": (
                "The address is gone for a Skew_Time, and it may move twice."
            ),
        },
    ),
    Question(
        "A new version of the daemon has to be installed on both. Where do you begin?",
        right="on the one that does not hold the address",
        why="The holder resigns when it stops; the other one has nothing to lose.",
        wrong={
            "on the one that holds the address now": (
                "Its restart moves the address to a server that you have to restart next."
            ),
            "on both of them at the same moment": (
                "Then nobody holds the address for as long as both are down."
            ),
        },
    ),
    Question(
        "A reload brings `state MASTER` to a BACKUP of priority 100. What happens?",
        right="nothing, as long as the other one has 150",
        why="Priorities decide. keepalived 2.2.7 starts as a BACKUP anyway, unless it has 255.",
        wrong={
            "it becomes MASTER at once, as its file says": (
                "`state` in the file does not change a running instance with a lower priority."
            ),
            "it goes to FAULT, as its file is wrong": (
                "`state MASTER` is valid in any number of files."
            ),
        },
    ),
    Question(
        "(Lesson 05) How long does a BACKUP of priority 100 wait after a priority-0 advertisement?",
        right="0.609 s",
        why="An advertisement of priority 0 sets its timer to Skew_Time: 156/256 s.",
        wrong={
            "0 s": "It waits Skew_Time, so that of several backups the highest priority is first.",
            "3.609 s": "That is Master_Down_Interval, when no resignation arrives.",
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    "Both daemons reload. For how long does the client get no answer?": (
        "The old MASTER answers until it receives an advertisement of higher priority."
    ),
    "Swap the files, restart web1, then web2. How often does the address move?": (
        "Each stop sends a priority-0 advertisement, which moves the address; then the server "
        "with the new, higher priority preempts and moves it again."
    ),
    "For how long does the client get no answer this way?": (
        "One priority-0 advertisement, then the Skew_Time of priority 150: 106/256 = 0.414 s."
    ),
    "web1 is reloaded with priority 200. How long until it takes over?": (
        "The Master_Down_Interval of priority 200 is 3 + 56/256 = 3.219 s."
    ),
}
