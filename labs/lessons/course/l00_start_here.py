"""00 Start here: one failover and one failback, then a server with two faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.errors import LabError
from labs.experiments.role_swap import since, takeover
from labs.lessons import Challenge, Experiment, Question, Step, starts
from labs.lessons.experiment import Measured

if TYPE_CHECKING:
    from labs.analysis.timeline import Timeline
    from labs.emulation.lab import Lab

TITLE = "Start here"
QUESTION = "Does my machine run this, and what will I learn?"
MINUTES = 20

SERVERS = ("web1", "web2")
# An interface is up and a Master_Down_Interval over within this time.
ONE_HOLDER_WITHIN_S = 9.0
# s that web1 must hold the address, longer than the Master_Down_Interval of either server.
KEPT = 4.0

WHO = "A few seconds after the pull: who answers?"
GAP = "And for how long does nobody answer?"


# --- the experiments -----------------------------------------------------------------------------


def _pull(lab: Lab) -> Timeline:
    """The timeline since the last pull; LabError if the address has not moved since."""
    seen = since(lab, "unplug")
    takeover(seen)
    return seen


def _holder(lab: Lab) -> Measured:
    return takeover(_pull(lab)).to


def _gap(lab: Lab) -> Measured:
    away = sum(outage.duration for outage in _pull(lab).outages)
    if not away:
        raise LabError("the client noticed nothing: was it web1's cable that was pulled?")
    return round(away, 2)


EXPERIMENTS = {
    "pull": Experiment(
        "failover",
        {WHO: _holder, GAP: _gap},
        start=starts.web1_holds,
        outcome=lambda lab: lab.settle(),
        waits="the address to rest on one server (a few seconds, at most 30)",
        shows=_pull,
        drawn=GAP,
    ),
    "plug": Experiment(
        "failback",
        start=starts.cable_out,
        outcome=lambda lab: lab.settle(),
        waits="the address to rest on one server (a few seconds, at most 30)",
        shows=lambda lab: since(lab, "plug"),
    ),
}


# --- the challenge -------------------------------------------------------------------------------


def _plugged(lab: Lab) -> bool:
    return all(lab.witness.carrier().get(host) for host in SERVERS)


def _cable_hint(lab: Lab) -> str:
    out = [host for host in SERVERS if not lab.witness.carrier().get(host)]
    return f"no cable in {' and '.join(out)}: without one a server sends and receives nothing"


def _daemon_hint(lab: Lab) -> str:
    missing = [host for host in SERVERS if not lab.running(host)]
    return f"no daemon is running on {' and '.join(missing)}: one server alone is no cluster"


CHALLENGES = {
    "home": Challenge(
        "Bring it home",
        state="left-alone",
        steps=(
            Step(
                "both servers have their cables",
                _plugged,
                hints=(
                    _cable_hint,
                    "a click on the cable in the panel puts it back, and so does a name of the kit",
                    'lab.plug(HOST), with the host in quotes: lab.plug("web1")',
                ),
                timeout=1.0,
            ),
            Step(
                "a daemon runs on each",
                lambda lab: all(map(lab.running, SERVERS)),
                hints=(
                    _daemon_hint,
                    "`systemctl status keepalived` in its terminal; which command starts it?",
                    "`systemctl start keepalived` in the terminal of that server",
                ),
                timeout=2.0,
            ),
            Step(
                "web1 alone holds 192.168.1.10, and keeps it",
                lambda lab: lab.holders() == ["web1"],
                hints=(
                    "web1 has not taken it back: is anything else pulled or stopped?",
                    "look at `ip address` and `journalctl -u keepalived -n 5` on both servers",
                    'lab = Lab("left-alone") starts again; then repair web1, and leave web2 alone',
                ),
                timeout=ONE_HOLDER_WITHIN_S,
                lasts=KEPT,
            ),
        ),
    )
}

QUIZ = (
    Question(
        "In the picture, what does it mean that no lane is filled?",
        right="no server holds the address",
        why="A lane is filled while its server holds the address.",
        wrong={
            "both servers hold it": "Then both lanes would be filled.",
            "the client is switched off": (
                "The client has a lane of its own; a server's lane shows what it holds."
            ),
        },
    ),
    Question(
        "What did the client have to do when the address moved?",
        right="nothing at all",
        why="It kept sending to 192.168.1.10; which server answers makes no difference to it.",
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
                "It gets none: a wrong guess is worth as much as a right one."
            ),
            "the lab needs the number": "The lab runs the same, whatever you predict.",
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    WHO: "web2 noticed that web1 was gone, and took the address over. Lessons 01 and 02 show how.",
    GAP: (
        "web2 waits for some seconds, in case web1 is still there. Lesson 07 predicts the time to "
        "a hundredth of a second."
    ),
}

# Wrong answers to expect, each with what its learner probably thinks.
EXPECTED = {
    WHO: (
        ("web1", "web1 is not broken: only its cable is out, and its daemon still runs."),
        ("nobody", "An address belongs to a server: a person has to move it."),
    ),
    GAP: (
        (0, "web2 is there for this, so it takes over in the same moment."),
        (30, "web2 has to find out, start its service and make itself known first."),
    ),
}
