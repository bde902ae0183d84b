"""02 Who is elected: an election of three, and the lowest priority that wins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.errors import LabError
from labs.experiments.role_swap import hold, since, takeover
from labs.lessons import Challenge, Experiment, Question, Step, starts
from labs.lessons.experiment import Measured
from labs.model.facts import Advert
from labs.simulation.lan import STATES

if TYPE_CHECKING:
    from labs.analysis.timeline import Timeline
    from labs.emulation.lab import Lab

TITLE = "Who is elected"
QUESTION = "Several servers could have the address. Who decides which one has it?"
MINUTES = 25

NEXT = "The cable of web2 is pulled. Which server takes over?"
VOTES = "How many advertisements does the loser of that election send?"
TWO = "web2's cable is plugged in. What does web3 do at web2's first advertisement?"

LOWEST, HIGHER = "web1", ("web2", "web3")
# s for the last of three to find that both others are gone: two Master_Down_Intervals.
TWO_TIMERS = 9.0
# s, longer than any Master_Down_Interval: a router that may still take over would have done so.
LASTS = 4.0


# --- the experiments -----------------------------------------------------------------------------


def _three(lab: Lab) -> None:
    """Let three servers take part, and web2 alone hold the address."""
    _three_run(lab)
    if not lab.witness.carrier().get("web2"):
        print("web2's cable is out: putting it back")
        lab.plug("web2")
    starts.wait_for_holder(lab, "web2")


def _without_web2(lab: Lab) -> None:
    """Let web2's cable be out, and web3 alone hold the address."""
    _three_run(lab)
    if lab.witness.carrier().get("web2"):
        print("web2's cable is in: pulling it")
        lab.unplug("web2")
    starts.wait_for_holder(lab, "web3")


def _three_run(lab: Lab) -> None:
    """Let a daemon run on each of three servers, and the cables of web1 and web3 be in."""
    if len(lab.daemons) != 3:
        raise LabError(
            f"this experiment is for three servers, and this lab has {len(lab.daemons)}: "
            'run the cell above that says lab = Lab("election"), then this one'
        )
    for host in lab.daemons:
        if not lab.running(host):
            print(f"no daemon is running on {host}: starting it")
            lab.start(host)
    for host in ("web1", "web3"):
        if not lab.witness.carrier().get(host):
            print(f"{host}'s cable is out: putting it back")
            lab.plug(host)


def _since_pull(lab: Lab) -> Timeline:
    return since(lab, "unplug")


def _winner(lab: Lab) -> str:
    return takeover(_since_pull(lab)).to


def _sent_by_the_loser(lab: Lab) -> Measured:
    losers = {LOWEST, *HIGHER} - {"web2", _winner(lab)}
    return sum(advert.host in losers for advert in _since_pull(lab).of(Advert))


def _after_return(lab: Lab) -> Measured:
    since(lab, "plug")
    return "it becomes BACKUP" if "web3" not in lab.holders() else "it stays MASTER"


EXPERIMENTS = {
    "election": Experiment(
        "the cable of web2 is pulled",
        {NEXT: _winner, VOTES: _sent_by_the_loser},
        start=_three,
        outcome=lambda lab: lab.settle(),
        waits="the address to rest on one server (a few seconds, at most 30)",
        shows=_since_pull,
    ),
    "back": Experiment(
        "web2 returns",
        {TWO: _after_return},
        start=_without_web2,
        outcome=lambda lab: hold(lab, "web2"),
        waits="web2 to hold the address (up to 15 s)",
        shows=lambda lab: since(lab, "plug"),
    ),
}


# --- the challenge -------------------------------------------------------------------------------


def _changed(lab: Lab) -> list[str]:
    """The servers whose file is not that of the start."""
    before = {host: STATES / "election" / host / "keepalived.conf" for host in (LOWEST, *HIGHER)}
    return [host for host, path in before.items() if lab.conf(host) != path.read_text()]


def _without_cable(lab: Lab) -> list[str]:
    return [host for host, on in lab.witness.carrier().items() if host in lab.daemons and not on]


def _rivals(lab: Lab) -> list[str]:
    """The servers of higher priority that hold the address or could still take it."""
    holders = lab.holders()
    return [host for host in HIGHER if host in holders or lab.running(host)]


def _rival_hint(lab: Lab) -> str:
    killed = [host for host in _rivals(lab) if not lab.running(host)]
    if killed:
        return (
            f"the daemon of {' and '.join(killed)} was killed and could not remove the address: "
            "an address outlives its daemon"
        )
    left = " and ".join(_rivals(lab)) or "another server"
    return (
        f"web1 has the lowest priority: it stays BACKUP while it receives advertisements of {left}"
    )


def _winner_hint(lab: Lab) -> str:
    if not lab.running(LOWEST):
        return "no daemon is running on web1, so it cannot take the address"
    return "web1 has not taken the address yet: its Master_Down_Timer is running"


CHALLENGES = {
    "lowest": Challenge(
        "Let the lowest win",
        state="election",
        steps=(
            Step(
                "the three files are as they were",
                lambda lab: not _changed(lab),
                hints=(
                    lambda lab: f"the file of {' and '.join(_changed(lab))} has been changed",
                    'lab = Lab("election") brings the three files back',
                    "the daemons with a higher priority are in the way, not a file",
                ),
            ),
            Step(
                "the cables of the three servers are in",
                lambda lab: not _without_cable(lab),
                hints=(
                    lambda lab: f"the cable of {' and '.join(_without_cable(lab))} is out",
                    'lab.plug(HOST) in a cell, with the host in quotes, such as lab.plug("web2")',
                    "`systemctl stop keepalived` on a server takes it out of the election",
                ),
            ),
            Step(
                "neither web2 nor web3 holds the address or could take it",
                lambda lab: not _rivals(lab),
                hints=(
                    _rival_hint,
                    "the highest priority wins among the daemons that are running: on which hosts?",
                    "`systemctl stop keepalived` on web2 and on web3; if you killed one, start it "
                    "first",
                ),
                timeout=2.0,
            ),
            Step(
                "web1 alone holds 192.168.1.10, and keeps it",
                lambda lab: lab.holders() == [LOWEST],
                hints=(
                    _winner_hint,
                    "`systemctl status keepalived` on web1",
                    "`systemctl start keepalived` on web1, and wait for its Master_Down_Timer",
                ),
                timeout=TWO_TIMERS,
                lasts=LASTS,
            ),
        ),
    )
}

QUIZ = (
    Question(
        "Which host decides who has the virtual IP?",
        right="none: each decides by itself",
        why="Each compares the priority it receives with its own, and runs its own timer.",
        wrong={
            "the switch that joins them": "The switch passes frames on and knows nothing of VRRP.",
            "the router that is MASTER now": (
                "The MASTER only advertises; whether to take over is decided by each BACKUP."
            ),
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
            "both of them, and both stay MASTER": (
                "The first advertisement makes the other one stay BACKUP."
            ),
        },
    ),
    Question(
        "The daemon of the MASTER is stopped and sends priority 0. When does the BACKUP take over?",
        right="after its own Skew_Time",
        why="Priority 0 is a resignation, so there is no failure to wait for (RFC 3768, section "
        "6.4.2).",
        wrong={
            "after its Master_Down_Interval": (
                "That is what it waits for when the MASTER fails and cannot resign."
            ),
            "at that moment": "Its Skew_Time lets the highest priority be first among BACKUPs.",
        },
    ),
    Question(
        "(Lesson 00) The cable of the MASTER is pulled. How does the BACKUP learn of it?",
        right="no advertisements arrive",
        why="Nothing can be sent without a cable: the missing advertisements are all there is "
        "to notice.",
        wrong={
            "the switch reports it": "The switch does not report anything to the hosts.",
            "the MASTER resigns": "Its priority-0 advertisement cannot leave without a cable.",
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    NEXT: (
        "Of the two that are left, the one with the higher priority has the shorter "
        "Master_Down_Interval."
    ),
    VOTES: "The advertisement of the winner came before the loser's Master_Down_Timer expired.",
    TWO: "A higher priority makes a MASTER give the address up at once.",
}

# Wrong answers to expect, each with what its learner probably thinks.
EXPECTED = {
    NEXT: (
        (
            "web1",
            "The next one is chosen by name or address, or the first server is always preferred.",
        ),
    ),
    VOTES: (
        (1, "An election needs votes: each candidate sends its priority once."),
        (3, "Each candidate advertises every second until it knows that it has lost."),
    ),
    TWO: (
        ("it stays MASTER", "web3 works, so there is no reason to change the MASTER."),
        ("it goes to FAULT", "Two masters are an error, and a daemon that sees one stops."),
    ),
}
