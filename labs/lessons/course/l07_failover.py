"""07 Failover: how long the service is away, and a handover without the long wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.errors import LabError
from labs.experiments import outage_distribution
from labs.experiments.role_swap import since, takeover
from labs.lessons import Challenge, Experiment, Question, Step, starts
from labs.lessons.experiment import Measured

if TYPE_CHECKING:
    from labs.analysis.timeline import Takeover, Timeline
    from labs.emulation.lab import Lab
    from labs.emulation.tcp_session import TcpSession
    from labs.experiments.outage_distribution import Spread

TITLE = "Failover: pull the cable"
QUESTION = "How long is the service away when the cable is pulled, and why that long?"
MINUTES = 35

WHO = "One second after the pull: who holds 192.168.1.10?"
GAP = "For how long does the client get no answer?"
TCP = "The client also has a TCP connection open. What does its program get?"
SPREAD = "Between the shortest and the longest outage, how much do they differ?"
DEATH = "The daemon is killed. Who holds the address in the end?"

# s; less than any Master_Down_Interval at advert_int 1, more than any Skew_Time.
QUICK = 1.0
# s that web2 must hold the address alone; web1 would have preempted it by then.
KEPT = 4.0
# Lines that came back on the TCP connection before the cable is pulled.
ECHOES = 5
# What an experiment of this kernel has made: the TCP connection, and the pulls.
_connections: list[TcpSession] = []
_pulls: list[Spread] = []


# --- the experiments -----------------------------------------------------------------------------


def _connected(lab: Lab) -> None:
    """Let web1 hold the address and the client have a TCP connection to it."""
    starts.web1_holds(lab)
    while _connections:
        _connections.pop().end()
    talk = lab.talk()
    lab.wait_until(lambda: len(talk.echoes) > ECHOES, what="the echoes of the TCP connection")
    _connections.append(talk)


def _since_pull(lab: Lab) -> Timeline:
    """The timeline since the last pull; LabError if web2 has not taken over since."""
    seen = since(lab, "unplug")
    if takeover(seen).to != "web2":
        raise LabError("web2 has not taken over: was it web1's cable that was pulled?")
    return seen


def _a_second_later(lab: Lab) -> Measured:
    seen = _since_pull(lab)
    move = takeover(seen)
    assert move.cause is not None
    return (seen.holders_at(move.cause.t + 1) or ("nobody",))[0]


def _gap(lab: Lab) -> Measured:
    seen = _since_pull(lab)
    away = round(sum(outage.duration for outage in seen.outages), 2)
    return away, {"after": takeover(seen).after or 0.0}


def _connection(lab: Lab) -> Measured:
    _since_pull(lab)
    if not _connections:
        raise LabError("no TCP connection was open: run this cell again")
    talk = _connections[-1]
    fate = "a reset" if talk.broken else "a pause, then the next lines"
    return fate, {"seen": repr(talk)}


def _both_for_a_second(lab: Lab) -> None:
    lab.wait_until(
        lambda: sum(both.duration for both in since(lab, "crash").overlaps) > 1,
        what="two servers to hold the address",
    )


def _after_death(_lab: Lab) -> Measured:
    holders = _lab.holders()
    return "both" if len(holders) > 1 else "".join(holders)


def _pull_often(_lab: Lab) -> None:
    _pulls[:] = [outage_distribution.simulate(1000).with_real(5)]


def _spread(_lab: Lab) -> Measured:
    return _pulls[-1].longest - _pulls[-1].shortest


EXPERIMENTS = {
    "pull": Experiment(
        "the cable is pulled",
        {WHO: _a_second_later, GAP: _gap, TCP: _connection},
        start=_connected,
        outcome=lambda lab: lab.settle(),
        waits="the address to rest on one server, then for the TCP connection (at most 30 s each)",
        shows=_since_pull,
        drawn=GAP,
    ),
    "death": Experiment(
        "the daemon is killed",
        {DEATH: _after_death},
        start=starts.web1_holds,
        outcome=_both_for_a_second,
        waits="web2's Master_Down_Timer, 3.6 s, and a second more",
        shows=lambda lab: since(lab, "crash"),
    ),
    "spread": Experiment(
        "a thousand pulls",
        {SPREAD: _spread},
        outcome=_pull_often,
        waits="1000 simulated clusters and 5 real ones (about 20 s)",
        shows=lambda _lab: _pulls[-1],
    ),
}


# --- the challenge -------------------------------------------------------------------------------


def _last_takeover(lab: Lab) -> Takeover | None:
    return next((t for t in reversed(lab.timeline().takeovers) if t.to == "web2"), None)


def _was_quick(lab: Lab) -> bool:
    takeover = _last_takeover(lab)
    if takeover is None or takeover.after is None:
        return False
    # What was due counts: what a busy host adds to it is not the learner's doing.
    due = takeover.prediction.wait if takeover.prediction else takeover.after
    return min(due, takeover.after) < QUICK


def _slow_hint(lab: Lab) -> str:
    takeover = _last_takeover(lab)
    verb = takeover.cause.verb if takeover and takeover.cause else ""
    if verb in ("unplug", "cut", "link"):
        return "with its cable out, web1 cannot resign, so web2 waits its Master_Down_Interval"
    if verb in ("crash", "freeze"):
        return "a daemon that is killed cannot resign; which command of systemctl stops a service?"
    return "web2 took over slowly: web1's daemon must resign, which it does when it is stopped"


CHALLENGES = {
    "leave": Challenge(
        "A faster handover",
        state="steady",
        steps=(
            Step(
                "web2 alone holds 192.168.1.10, and keeps it",
                lambda lab: lab.holders() == ["web2"],
                hints=(
                    "web1 still holds the address: make it give the address up",
                    "what does a daemon do with its address when its service is stopped?",
                    "in web1's terminal, systemctl has the command",
                ),
                timeout=3.0,
                lasts=KEPT,
            ),
            Step(
                "it took over less than a second after web1's last advertisement",
                _was_quick,
                hints=(
                    _slow_hint,
                    'lab = Lab("steady") starts again; then use the terminal of web1',
                    "`systemctl stop keepalived` on web1: the daemon resigns before it ends",
                ),
                timeout=2.0,  # web2 may not have sent its first advertisement yet
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
        right="so that the highest priority takes over first",
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
        "(Lesson 05) Both files say `state MASTER`. Who holds the address in the end?",
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
    WHO: "web2 cannot see web1's cable. It only receives no more advertisements.",
    GAP: (
        "web2 takes over after three missing advertisements and its Skew_Time: here "
        "{after:.3f} s after the last advertisement of web1."
    ),
    TCP: "web2 has no such connection, and its kernel answers with a reset. {seen}",
    SPREAD: (
        "One advert_int: the outage lasts from 2.609 s to 3.609 s, as the pull comes late or "
        "early in the interval."
    ),
    DEATH: "The killed daemon could not remove the address, and the kernel keeps it.",
}

# Wrong answers to expect, each with what its learner probably thinks.
EXPECTED = {
    WHO: (
        ("web1", "web1's daemon runs, and the address is still in its file."),
        ("web2", "web2 notices the pulled cable and takes over at once."),
    ),
    GAP: (
        (0, "The address moves in the moment in which the cable is pulled."),
        (1, "One missing advertisement is enough."),
        (
            3.6,
            "The Master_Down_Interval is counted from the pull, not from the last advertisement.",
        ),
        (30, "The client keeps the old MAC address until its ARP entry times out."),
    ),
    TCP: (
        (
            "a pause, then the next lines",
            "The address is the same, so the connection goes on where it was.",
        ),
    ),
    SPREAD: (
        (0, "The files set the time, so it is the same each time."),
        (0.1, "Only the load of the servers makes a difference."),
        (0.4, "Skew_Time differs from pull to pull."),
    ),
    DEATH: (
        ("web1", "The kernel has the address, so nothing changes."),
        ("web2", "web1's addresses end with the process that added them."),
    ),
}
