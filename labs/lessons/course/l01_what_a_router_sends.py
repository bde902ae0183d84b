"""01 What a router sends: one message, its bytes, and a virtual router that has to be silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.errors import LabError
from labs.lessons import Challenge, Experiment, Question, Step, starts
from labs.lessons.experiment import Measured
from labs.lessons.show import show
from labs.model.facts import Advert
from labs.simulation.lan import STATES

if TYPE_CHECKING:
    from labs.capture.packet_fields import Anatomy
    from labs.emulation.lab import Lab

TITLE = "What a router sends"
QUESTION = "web2 has to know whether web1 still works. What is sent, and by which server?"
MINUTES = 20

HOW = "How does web2 know that web1 is alive?"
MISSING = "Which of these is NOT in an advertisement?"

PAIR, RETIRED = ("web1", "web2"), ("db1", "db2")
TEN, TWENTY = "192.168.1.10", "192.168.1.20"
# s, longer than any Master_Down_Interval: a router that may still take over would have done so.
LASTS = 4.0
# What is right where nothing is measured, by the question.
ANSWERS = {MISSING: "the sender's state"}


# --- the experiments -----------------------------------------------------------------------------


def _pair(lab: Lab) -> None:
    """Let the lab have two servers, and web1 alone hold the address."""
    if len(lab.daemons) != 2:
        raise LabError(
            f"this experiment is for two servers, and this lab has {len(lab.daemons)}: "
            'run the cell above that says lab = Lab("steady"), then this one'
        )
    starts.web1_holds(lab)


def _senders(lab: Lab) -> Measured:
    senders = {advert.host for advert in lab.timeline().last(LASTS).of(Advert)}
    if not senders:
        raise LabError("no advertisement was seen: is a daemon running on web1?")
    return "web1 reports it, unasked" if senders == {"web1"} else "web2 asks it every second"


def _last_packet(lab: Lab) -> Anatomy:
    frames = lab.frames()
    if not frames:
        raise LabError("no advertisement was seen: is a daemon running on web1?")
    return show.packet(frames[-1])


EXPERIMENTS = {
    "listen": Experiment("what web2 receives", {HOW: _senders}, start=_pair),
    "bytes": Experiment(
        "one advertisement",
        {MISSING: lambda _lab: ANSWERS[MISSING]},
        start=_pair,
        shows=_last_packet,
    ),
}


# --- the challenge -------------------------------------------------------------------------------


def _changed(lab: Lab) -> list[str]:
    """The servers whose file is not that of the start."""
    place = STATES / "two-clusters"
    return [
        host
        for host in (*PAIR, *RETIRED)
        if lab.conf(host) != (place / host / "keepalived.conf").read_text()
    ]


def _without_cable(lab: Lab) -> list[str]:
    return [host for host, on in lab.witness.carrier().items() if host in lab.daemons and not on]


def _goes_on(lab: Lab) -> bool:
    """Whether web1 is MASTER of virtual router 51, and web2 its BACKUP."""
    return all(lab.running(host) for host in PAIR) and lab.holders(TEN) == ["web1"]


def _goes_on_hint(lab: Lab) -> str:
    stopped = [host for host in PAIR if not lab.running(host)]
    if stopped:
        return f"no daemon is running on {' and '.join(stopped)}: VRID 51 is to go on"
    return f"{TEN} is not held by web1 alone yet"


def _left(lab: Lab) -> list[str]:
    """The servers that advertise VRID 52, could begin to, or still have its address."""
    holders = lab.holders(TWENTY)
    return [host for host in RETIRED if lab.running(host) or host in holders]


def _left_hint(lab: Lab) -> str:
    left = _left(lab)
    running = [host for host in left if lab.running(host)]
    if not running:
        return (
            f"the daemon of {' and '.join(left)} was killed and could not remove the address: "
            "an address outlives its daemon"
        )
    if len(running) == 1:
        return (
            f"{running[0]} takes part in virtual router 52, too: as a BACKUP it sent nothing, and "
            "now no other server advertises"
        )
    return "advertisements of VRID 52 are still sent: which address do they come from?"


CHALLENGES = {
    "retire": Challenge(
        "One virtual router retires",
        state="two-clusters",
        steps=(
            Step(
                "the four files are as they were",
                lambda lab: not _changed(lab),
                hints=(
                    lambda lab: f"the file of {' and '.join(_changed(lab))} has been changed",
                    'lab = Lab("two-clusters") brings the four files back',
                    "a daemon that does not run sends nothing, whatever is in its file",
                ),
            ),
            Step(
                "the cables of the four servers are in",
                lambda lab: not _without_cable(lab),
                hints=(
                    lambda lab: f"the cable of {' and '.join(_without_cable(lab))} is out",
                    'lab.plug(HOST) in a cell, with the host in quotes, such as lab.plug("db1")',
                    "`systemctl stop keepalived` on a server ends its advertisements",
                ),
            ),
            Step(
                f"virtual router 51 goes on: web1 holds {TEN}, and web2 is ready",
                _goes_on,
                hints=(
                    _goes_on_hint,
                    "`systemctl status keepalived` on web1 and web2",
                    "`systemctl start keepalived` on web1 and on web2",
                ),
                timeout=2 * LASTS,
            ),
            Step(
                f"no server advertises VRID 52 or could begin to, and none holds {TWENTY}",
                lambda lab: not _left(lab),
                hints=(
                    _left_hint,
                    "capture again, for longer than a Master_Down_Interval (3.6 s), and look at "
                    "the sender",
                    "`systemctl stop keepalived` on both servers that have VRID 52; if you killed "
                    "a daemon, start it first",
                ),
                timeout=2.0,
                lasts=LASTS,
            ),
        ),
    )
}

QUIZ = (
    Question(
        "How many advertisements does a BACKUP send?",
        right="none at all",
        why="Only a MASTER advertises; a BACKUP receives (RFC 3768, section 6.4.2).",
        wrong={
            "one every interval": "That is what a MASTER does.",
            "one in reply to each": "A BACKUP never replies; it only receives.",
        },
    ),
    Question(
        "An advertisement is sent to 224.0.0.18. Which hosts is that?",
        right="those of the LAN that joined the group",
        why="224.0.0.18 is VRRP's multicast group, which the routers of a LAN join (RFC 3768, "
        "section 5.2.2).",
        wrong={
            "the one server that is BACKUP": (
                "The sender does not know who is BACKUP, or how many there are."
            ),
            "the servers of its file's peer list": (
                "Our files have no such list; the group makes one unnecessary."
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
                "The receiver checks it and drops a packet with another value."
            ),
        },
    ),
    Question(
        "What in an advertisement shows which virtual router it is about?",
        right="the VRID",
        why="It is the number of the virtual router, 1 to 255, unique on its LAN.",
        wrong={
            "the password": "It may be the same in all clusters, or missing.",
            "the destination": "All virtual routers send to the same group, 224.0.0.18.",
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    HOW: "The MASTER sends advertisements; a BACKUP only receives them.",
    MISSING: "Only a MASTER sends advertisements, so no field has to name its state.",
}

# Wrong answers to expect, each with what its learner probably thinks.
EXPECTED = {
    HOW: (
        ("web2 asks it every second", "Monitoring means asking: the BACKUP pings the MASTER."),
        (
            "the switch informs web2",
            "The switch sees that a cable is out, so it is the one to report it.",
        ),
    ),
    MISSING: (
        ("the virtual address", "The VRID is enough to know which address is meant."),
        ("the password", "A password is a secret, so it is never sent as it is."),
    ),
}
