"""19 The real thing: both daemons side by side, and what two real servers need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labs.cards import Table
from labs.experiments import daemon_comparison
from labs.experiments.checklist import CHECKLIST, points, points_hint
from labs.experiments.cluster_health import unnoticed
from labs.lessons import Challenge, Experiment, Question, Step, starts
from labs.lessons.challenges import VALID
from labs.model.facts import Action

if TYPE_CHECKING:
    from labs.analysis.ownership import ServiceInterval
    from labs.emulation.lab import Lab
    from labs.lessons.experiment import Measured

TITLE = "The real thing"
QUESTION = "Is this what keepalived does, and what do my own servers need?"
MINUTES = 40

PACKET = "Four masters: how many different packets?"
SPREAD = "Counted from the last advertisement: by how much do the four takeovers differ?"
FATE = "keepalived rejects every packet. The address?"
STAYS, AGAIN = "it stays with web1 alone", "web2 takes it again and again"


# --- the experiments -----------------------------------------------------------------------------


def _packets(_lab: Lab) -> Table:
    firsts = daemon_comparison.current().firsts("web1")
    return Table(("web1 + web2", "first packet of web1"), list(firsts.items()), code=(1,))


def _kinds(_lab: Lab) -> Measured:
    return str(len(set(daemon_comparison.current().firsts("web1").values())))


def _web1_holds_in_each(_lab: Lab) -> None:
    pairs = daemon_comparison.current()
    for name in pairs:
        starts.web1_holds(pairs[name])


def _settled(_lab: Lab) -> None:
    daemon_comparison.current().settle()


def _stacked(_lab: Lab) -> Any:
    from labs.figures import plot

    pairs = daemon_comparison.current()
    return plot.stack(pairs.timelines(1, 5), titles=list(pairs))


def _spread(_lab: Lab) -> Measured:
    apart = daemon_comparison.current().spread()
    said = "less than 0.1 s" if apart < 0.1 else "0.1 to 0.5 s" if apart < 0.5 else ""
    return said or "more than 0.5 s", {"ms": 1000 * apart}


def _moved(lab: Lab) -> None:
    pairs = daemon_comparison.current()
    lab.wait_until(lambda: pairs.moves(6)["keepalived"] > 1, what="two moves with keepalived")


def _last_seconds(_lab: Lab) -> Any:
    from labs.figures import plot

    pairs = daemon_comparison.current()
    return plot.stack([pairs[name].timeline().last(7) for name in pairs], titles=list(pairs))


def _fate(_lab: Lab) -> Measured:
    moved = daemon_comparison.current().moves(7)
    return AGAIN if moved["keepalived"] else STAYS, moved


EXPERIMENTS = {
    "first-bytes": Experiment("the first packet", {PACKET: _kinds}, shows=_packets),
    "same-pull": Experiment(
        "four cables at once",
        {SPREAD: _spread},
        start=_web1_holds_in_each,
        outcome=_settled,
        waits="all four clusters to rest (at most 30 s)",
        shows=_stacked,
    ),
    "junk": Experiment(
        "packets with a wrong password",
        {FATE: _fate},
        outcome=_moved,
        waits="the address to move twice with keepalived (up to 15 s)",
        shows=_last_seconds,
    ),
}


# --- the challenge -------------------------------------------------------------------------------

# A cluster has one holder again within this time: a start, and one Master_Down_Interval.
ONE_HOLDER_WITHIN_S = 9.0
# Less than the Skew_Time of priority 100 (0.609 s), by far more than a reload takes (s).
BEARABLE = 0.5
# s from one ping of the client to the next: an outage begins that much after its cause at most.
PING_EVERY = 0.01
# s, longer than the Master_Down_Interval of web2: a server that receives nothing is MASTER by then.
DEAF = 5.5


def _one_master(lab: Lab) -> bool:
    return lab.holders() == ["web1"] and all(lab.running(host) for host in lab.servers)


def _holder_hint(lab: Lab) -> str:
    silent = [host for host in lab.servers if not lab.running(host)]
    if silent:
        return f"no daemon is running on {' and '.join(silent)}"
    if len(lab.holders()) > 1:
        return "web1 and web2 both hold the address: do both files have the same password?"
    holder = " and ".join(lab.holders()) or "nobody"
    return f"the address is held by {holder}, not by web1"


def _outages(lab: Lab) -> list[ServiceInterval]:
    """When the client waited too long, after a host had held the address for the first time."""
    timeline = lab.timeline()
    held = timeline.spans()
    if not held:
        return timeline.outages
    return [o for o in timeline.outages if o.start > held[0].start and o.duration >= BEARABLE]


def _outage_hint(lab: Lab) -> str:
    worst = max(_outages(lab), key=lambda outage: outage.duration)
    # Not what was done while the client waited already: after the stop of a restart, its start.
    begun = worst.start + PING_EVERY
    before = [f for f in lab.timeline().facts if isinstance(f, Action) and f.t < begun]
    cause = before[-1].text if before else "the start"
    return f"the client waited {worst.duration:.2f} s, after this: {cause}; lab.reset() starts over"


CHALLENGES = {
    "production": Challenge(
        "Ready for production",
        state="inherited",
        steps=(
            VALID,
            Step(
                f"{CHECKLIST} finds nothing on either server",
                lambda lab: not points(lab),
                hints=(
                    points_hint,
                    f"`{CHECKLIST}` in the terminals of both servers; each line says what to do",
                    "mail, password and state in both files, then reload both; `systemctl enable "
                    "keepalived` on web2; an nft rule that accepts vrrp on web1",
                ),
            ),
            Step(
                "web1 holds 192.168.1.10 alone, and both daemons run",
                _one_master,
                hints=(
                    _holder_hint,
                    "journalctl -u keepalived on web2 names what it rejects",
                    "the same auth_pass in both files, then `systemctl reload keepalived` on both",
                ),
                timeout=ONE_HOLDER_WITHIN_S,
                lasts=DEAF,
            ),
            Step(
                "the client has never waited for half a second",
                lambda lab: unnoticed(lab, _outages),
                hints=(
                    _outage_hint,
                    "a master that is restarted costs a Skew_Time; a reload costs nothing "
                    "(lesson 09)",
                    "change the files first, then reload both within two seconds",
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
        right="the addresses are announced with eth0's own MAC address",
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
            "the command vrrpctl status, as root": (
                "That asks vrrpd; keepalived has no such program."
            ),
            "the option --status of keepalived": "keepalived has no such option.",
        },
    ),
    Question(
        "(Lesson 17) What does a vrrp_sync_group do?",
        right="it keeps several virtual routers in the same state",
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
    PACKET: "The packets are equal in every bit, IP header included.",
    SPREAD: "The exact difference is {ms:.0f} ms.",
    FATE: (
        "In seven seconds web2 took the address {keepalived} times from keepalived, and {vrrpd} "
        "times from vrrpd. web1 answers web2's first advertisement, and web2 removes the address "
        "some milliseconds later."
    ),
}

# Wrong answers to expect, each with what its learner probably thinks.
EXPECTED = {
    PACKET: (
        ("2", "Two programs send two kinds of packets."),
        ("4", "Four servers send four packets, each with numbers of its own."),
    ),
    SPREAD: (
        (
            "0.1 to 0.5 s",
            "Each daemon has a delay of its own (right in some runs, on a busy machine).",
        ),
        ("more than 0.5 s", "One daemon is written in Python and the other in C."),
    ),
    FATE: (
        (STAYS, "A packet that is rejected has no effect."),
        ("web2 takes it, and keeps it", "web1 is disturbed, so web2 takes over and stays MASTER."),
    ),
}
