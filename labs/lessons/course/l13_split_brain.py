"""13 Split brain: a cut path, a path in one direction, a firewall; and how to notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.experiments.cluster_health import answerer
from labs.experiments.role_swap import since
from labs.experiments.split_brain import broken, unplugged
from labs.lessons import Challenge, Experiment, Question, Step
from labs.simulation.lan import STATES

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from labs.emulation.lab import Lab

TITLE = "Split brain: a path is cut"
QUESTION = "Both servers work, but something between them does not: what happens then?"
MINUTES = 30

CUT = "The path to web1 is cut. Who holds 192.168.1.10 five seconds later?"
DEAF = "web1 receives nothing, but its advertisements arrive. Who answers the client?"

LOOKS_ON = 6.0  # s; longer than a Master_Down_Interval
TOGETHER = 5.5  # s for which two hold the address before the firewall's effect is shown


# --- the experiments -----------------------------------------------------------------------------


def _one_master(lab: Lab) -> None:
    """Let web1 alone hold the address, on a whole network without a firewall."""
    if not lab.witness.carrier().get("web1"):
        print("web1's cable is out: plugging it in first")
        lab.plug("web1")
    if broken(lab, "web1"):
        print("the path to web1 is broken: repairing it first")
        lab.mend("web1")
    if len(lab.holders()) > 1:
        print("two servers hold the address: removing the firewall of web2, if it has one")
        lab.run("web2", "nft flush ruleset", changes=True)
    lab.wait_until(lambda: lab.holders() == ["web1"], what="web1 to hold the address alone")
    lab.settle()


def _for(verb: str, seconds: float) -> Callable[[Lab], None]:
    """Wait until so many seconds have passed since the last `verb`."""

    def passed(lab: Lab) -> None:
        end = since(lab, verb).start + 1 + seconds
        lab.wait_until(lambda: lab.now > end, timeout=2 * seconds, what=f"{seconds:g} s to pass")

    return passed


def _beside_a_pull(lab: Lab) -> Any:
    """The cut below a pulled cable, which is simulated."""
    from labs.figures import plot

    pair = [unplugged(), since(lab, "cut")]
    return plot.stack(pair, titles=["cable pulled (lesson 07), in memory", "path cut"])


def _holder(lab: Lab) -> str:
    since(lab, "cut")
    return "both" if len(lab.holders()) == 2 else " and ".join(lab.holders()) or "nobody"


def _answers(lab: Lab) -> str:
    since(lab, "oneway")
    return answerer(lab)


def _fought_over(lab: Lab) -> None:
    lab.wait_until(lambda: len(lab.holders()) > 1, what="two to hold the address")
    lab.wait_until(
        lambda: any(part.duration > TOGETHER for part in lab.timeline().overlaps[-1:]),
        what=f"{TOGETHER:g} s of it",
    )


EXPERIMENTS = {
    "cut": Experiment(
        "path cut",
        {CUT: _holder},
        start=_one_master,
        outcome=_for("cut", LOOKS_ON),
        waits="six seconds to pass: longer than web2's Master_Down_Interval of 3.609 s",
        shows=_beside_a_pull,
    ),
    "deaf": Experiment(
        "nothing reaches web1",
        {DEAF: _answers},
        start=_one_master,
        outcome=_for("oneway", LOOKS_ON),
        waits="six seconds to pass: longer than web2's Master_Down_Interval",
        shows=lambda lab: since(lab, "oneway"),
    ),
    "firewall": Experiment(
        "protocol 112 dropped",
        start=_one_master,
        outcome=_fought_over,
        waits="web2 to become MASTER, and five seconds of two masters",
        shows=lambda lab: lab.timeline().last(8),
    ),
}


# --- the challenge -------------------------------------------------------------------------------

# s, longer than a Master_Down_Interval, for two masters to become one.
AGREE = 6.0
# s, longer than a Master_Down_Interval: a server that receives nothing would be MASTER by then.
LASTS = 6.0
# What the firewall of web2 drops, as `nft list` prints it.
DROPPED = "ip daddr 224.0.0.0/4 drop"


def _ruleset(lab: Lab) -> str:
    return lab.run("web2", "nft list ruleset").text


def _changed(lab: Lab) -> list[str]:
    """The servers whose file is not that of the start."""
    place = STATES / "basic"
    return [
        host
        for host in lab.servers
        if lab.conf(host) != (place / host / "keepalived.conf").read_text()
    ]


def _two_hint(lab: Lab) -> str:
    lines = [line.strip() for line in _ruleset(lab).splitlines()]
    accepting = [
        n for n, line in enumerate(lines) if line.endswith("accept") and not line.startswith("type")
    ]
    if any(n > lines.index(DROPPED) for n in accepting):
        return (
            "there is a rule that accepts, below the one that drops: the first rule that matches a "
            "packet decides"
        )
    return "web2 still receives no advertisement, though they arrive at its eth0"


CHALLENGES = {
    "filtered": Challenge(
        "The firewall stays",
        state="filtered",
        steps=(
            Step(
                "the daemon runs on both servers",
                lambda lab: all(lab.running(host) for host in lab.servers),
                hints=(
                    "with one daemon stopped there is one master, and no failover any more",
                    "`systemctl start keepalived` on the server where you stopped it",
                    "both daemons are right: something else on web2 drops web1's advertisements",
                ),
            ),
            Step(
                "the files are as they were",
                lambda lab: not _changed(lab),
                hints=(
                    lambda lab: f"the file of {' and '.join(_changed(lab))} has been changed",
                    'lab = Lab("filtered") brings both files back',
                    "both files were right: the fault is outside of them",
                ),
            ),
            Step(
                "the firewall of web2 still drops all other multicast",
                lambda lab: DROPPED in _ruleset(lab),
                hints=(
                    "the rule that drops multicast is gone, and it was there for a reason",
                    'lab = Lab("filtered") brings the firewall back; `nft list ruleset` shows it',
                    "add a rule for VRRP above it; delete none",
                ),
            ),
            Step(
                "web1 alone holds 192.168.1.10, and it lasts",
                lambda lab: lab.holders() == ["web1"],
                hints=(
                    _two_hint,
                    "on web2: `nft list ruleset`; rules are tried from the top to the bottom",
                    "on web2: `nft insert rule inet filter input ip protocol vrrp accept`",
                ),
                timeout=AGREE,
                lasts=LASTS,
            ),
        ),
    )
}

QUIZ = (
    Question(
        "A MASTER receives nothing at all for an hour. What does it do?",
        right="It stays MASTER.",
        why="Only an advertisement of higher priority makes it give way; a MASTER expects none.",
        wrong={
            "It becomes BACKUP.": "Only an advertisement of higher priority does that.",
            "It goes to FAULT.": "FAULT needs a lost carrier or a failed check.",
        },
    ),
    Question(
        "For minutes there are advertisements of VRID 51 from two senders. What does it mean?",
        right="two masters: one does not receive the other",
        why="A BACKUP sends none. Two senders for longer than a takeover are two masters.",
        wrong={
            "a healthy pair: both show that they are alive": "A BACKUP does not advertise.",
            "a failover that is going on and takes its time": "A takeover is over within seconds.",
        },
    ),
    Question(
        "You are logged in on a third host of the LAN. What shows two holders of one address?",
        right="two MAC addresses that answer arping",
        why="Each holder answers the ARP request for the address with its own MAC address.",
        wrong={
            "two entries in the ARP table": (
                "There is one entry for an address: that of the last answer."
            ),
            "two answers to each ping": (
                "A ping is sent to one MAC address, and one server answers it."
            ),
        },
    ),
    Question(
        "(Lesson 11) What does today's keepalived do with the 21st line of virtual_ipaddress?",
        right="It holds it like the others.",
        why="The limit of 20 was removed in 2016; today it is 255.",
        wrong={
            "It drops it, with a log line.": "That was so up to 1.2.19.",
            "It refuses the whole file.": "No version did; today nothing is wrong with it.",
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    CUT: "web1 receives nothing, and a MASTER gives way only to a higher priority.",
    DEAF: "web2 still receives web1's advertisements and stays BACKUP.",
}

# Wrong answers to expect, each with what its learner probably thinks.
EXPECTED = {
    CUT: (
        ("web1", "web1 has a carrier, and web2 does not take over from a live MASTER."),
        ("web2", "web1 notices that it is cut off and gives the address up."),
    ),
    DEAF: (
        ("web1", "web1 is MASTER and advertises, so all is well."),
        ("web2", "web1 is broken, and VRRP finds the server that works."),
    ),
}
