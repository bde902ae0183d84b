"""11 Split brain: how two servers come to hold one address, and how to notice and prevent it.

Two lessons in one file, to be split later: how it happens (cut, heal, deaf, firewall), and what
helps (gateway, and the challenge).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.conf import contents, setting
from labs.errors import LabError
from labs.experiments.cluster_health import answerer
from labs.experiments.role_swap import since
from labs.experiments.split_brain import BEFORE, broken, split, unplugged, until_answered
from labs.lessons import Challenge, Experiment, Question, Step
from labs.lessons.challenges import VALID

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from labs.analysis.timeline import Timeline
    from labs.emulation.lab import Lab

TITLE = "Split brain: two masters"
QUESTION = "Two masters: how, what does the client see, how do I notice and prevent it?"
MINUTES = 45

CUT = "The path to web1 is cut. Who holds 192.168.1.10 five seconds later?"
HEAL = "For how long does the client get no answer after the repair?"
DEAF = "web1 receives nothing, but its advertisements arrive. Who answers the client?"
GATEWAY = "With that check, the path to web1 is cut. Who holds the address in the end?"

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
        print("two servers hold the address: removing the firewall of web2 first")
        lab.run("web2", "nft flush ruleset", changes=True)
    lab.wait_until(lambda: lab.holders() == ["web1"], what="web1 to hold the address alone")
    lab.settle()


def _two_masters(lab: Lab) -> None:
    """Let both servers hold the address, the path to web1 being cut."""
    if len(lab.holders()) < 2:
        print("one server holds the address: cutting the path and waiting for the second one")
        split(lab)


def _two_masters_by_priority(lab: Lab) -> None:
    for host in lab.servers:
        if setting(lab.conf(host), "higher_prio_send_advert") is None:
            raise LabError(
                f"the file of {host} lacks higher_prio_send_advert: run the cell above first"
            )
    _two_masters(lab)


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
    return plot.stack(pair, titles=["cable pulled (lesson 05), in memory", "path cut"])


def _holder(lab: Lab) -> str:
    since(lab, "cut")
    return "both" if len(lab.holders()) == 2 else " and ".join(lab.holders()) or "nobody"


def _since_repair(lab: Lab) -> Timeline:
    seen = since(lab, "mend")
    return seen.between(seen.start + 1 - BEFORE, seen.end)


def _silence(lab: Lab) -> float:
    return max((part.duration for part in _since_repair(lab).outages), default=0.0)


def _answers(lab: Lab) -> str:
    since(lab, "oneway")
    return answerer(lab)


def _fought_over(lab: Lab) -> None:
    lab.wait_until(lambda: len(lab.holders()) > 1, what="two to hold the address")
    lab.wait_until(
        lambda: any(part.duration > TOGETHER for part in lab.timeline().overlaps[-1:]),
        what=f"{TOGETHER:g} s of it",
    )


def _with_gateway_check(lab: Lab) -> None:
    for host in lab.servers:
        asked = contents(lab.conf(host), "vrrp_instance", "track_script")
        if not asked:
            raise LabError(f"the file of {host} has no track_script: run the cells above first")
    _one_master(lab)


EXPERIMENTS = {
    "cut": Experiment(
        "path cut",
        {CUT: _holder},
        start=_one_master,
        outcome=_for("cut", LOOKS_ON),
        waits="six seconds to pass: longer than web2's Master_Down_Interval of 3.609 s",
        shows=_beside_a_pull,
    ),
    "heal": Experiment(
        "repaired",
        {HEAL: _silence},
        start=_two_masters,
        outcome=until_answered,
        waits="the client to be answered by the only holder (up to 5 s)",
        shows=_since_repair,
        drawn=HEAL,
    ),
    "heal-better": Experiment(
        "repaired, with higher_prio_send_advert",
        start=_two_masters_by_priority,
        outcome=until_answered,
        waits="the client to be answered by the only holder (up to 5 s)",
        shows=_since_repair,
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
    "gateway": Experiment(
        "path cut, with a check of the gateway",
        {GATEWAY: _holder},
        start=_with_gateway_check,
        outcome=lambda lab: lab.settle(),
        waits="the check to fail twice and the address to rest on one server (at most 30 s)",
        shows=lambda lab: since(lab, "cut"),
    ),
}


# --- the challenge -------------------------------------------------------------------------------

# s for a check that has changed its mind, or its weight, to take effect.
AGREE = 6.0
# s, longer than Master_Down_Interval: a server that receives nothing would be MASTER by then.
LASTS = 6.0


def _is_cut(lab: Lab) -> bool:
    """Whether the client cannot reach the real address of web1."""
    return lab.run("client", "ping -c 1 -W 1 192.168.1.11").status != 0


def _holder_hint(lab: Lab) -> str:
    weight = setting(lab.conf("web1"), "weight") or "0"
    asked = contents(lab.conf("web1"), "vrrp_instance", "track_script")
    if not any(words[0] == "chk_gateway" for words in asked):
        return "the instance of web1 does not use chk_gateway any more: what else could it notice?"
    if weight.lstrip("-") != "0":
        return (
            f"with weight {weight} web1's priority changes, but web1 receives no advertisement of "
            "a higher one, and so it stays MASTER, even with priority 1"
        )
    return "web1's file says FAULT, but has its daemon read it? systemctl reload keepalived"


CHALLENGES = {
    "lonely": Challenge(
        "Lonely at the top",
        state="lonely",
        steps=(
            VALID,
            Step(
                "the daemon runs on both servers",
                lambda lab: all(lab.running(host) for host in lab.servers),
                hints=(
                    "next time you will not be there to stop it: web1 must give way by itself",
                    "systemctl start keepalived; then look at the check in web1's file",
                    "a check without a weight, or with weight 0, leads to FAULT",
                ),
            ),
            Step(
                "the path to web1 is still cut",
                _is_cut,
                hints=(
                    "a repaired path heals this split brain, and not the next one",
                    "lab.cut('web1') cuts it again; then look at the check in web1's file",
                    "a check without a weight, or with weight 0, leads to FAULT",
                ),
            ),
            Step(
                "192.168.1.10 is held by web2 alone, and it lasts",
                lambda lab: lab.holders() == ["web2"],
                hints=(
                    _holder_hint,
                    "lesson 10: what does a failing check without a weight do?",
                    "on web1: `weight 0` in vrrp_script, then systemctl reload keepalived",
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
        "What do advertisements by unicast change about split brain?",
        right="nothing: they take the same path",
        why="They help where multicast is not carried, not where the path is broken.",
        wrong={
            "they prevent it from the start": "A broken path loses unicast as well.",
            "they make it heal much sooner": (
                "It heals with the first advertisement after the repair, in both cases."
            ),
        },
    ),
    Question(
        "(Lesson 09) What does today's keepalived do with the 21st line of virtual_ipaddress?",
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
    HEAL: "No gratuitous ARP was sent, so the client kept sending to web2's MAC address.",
    DEAF: "web2 still receives web1's advertisements and stays BACKUP.",
    GATEWAY: "The check fails on web1, which goes to FAULT and removes the address.",
}
